"""Exported networks answer what ours does, at any number of utterances and any lengths."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

from asr_core.__main__ import app
from asr_core.checkpoint import Contract, load_model, save_model
from asr_core.export import ExportError, export_onnx
from asr_core.recognizer import Recognizer

# Single precision on both sides, sums in another order, through ten layers and a GRU: 2e-5 in the
# bundled model.
ATOL = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_recognizer: Recognizer) -> Path:
    folder = tmp_path_factory.mktemp("export") / "model"
    save_model(folder, tiny_recognizer.contract, tiny_recognizer.model)
    return folder


@pytest.fixture(scope="module")
def exported(folder: Path) -> Path:
    export_onnx(folder, folder.parent / "deep" / "tiny.onnx")
    return folder.parent / "deep" / "tiny.onnx"


def session(file: Path) -> "onnxruntime.InferenceSession":
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def answers(file: Path, features: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log_probs (B, T', V) and lengths (B,) by onnxruntime."""
    log_probs, frames = session(file).run(None, {"features": features, "lengths": lengths})
    return log_probs, frames


@pytest.mark.parametrize(
    ("longest", "lengths"),
    [
        (101, [101, 40, 77]),  # as in the example that is traced
        (1, [1]),
        (7, [7]),
        (300, [1, 300, 2, 299, 150, 3, 4, 5]),
        (64, [33, 20]),  # padded further than the longest
        (1001, [1001]),
    ],
)
@pytest.mark.parametrize("model", ["tiny", "spoken"])
def test_parity(
    model: str, longest: int, lengths: list[int], folder: Path, rng: np.random.Generator
) -> None:
    source = folder if model == "tiny" else "spoken"
    file = folder.parent / f"{model}-parity.onnx"
    if not file.exists():
        export_onnx(source, file)
    contract, network = load_model(source)
    features = rng.random((len(lengths), longest, contract.features.n_mels), dtype=np.float32)
    with torch.inference_mode():
        expected, frames = network(torch.from_numpy(features), torch.tensor(lengths))
    got, got_frames = answers(file, features, np.array(lengths))
    assert got_frames.tolist() == frames.tolist()
    assert got.shape == expected.shape
    for row, wanted, n in zip(got, expected.numpy(), frames, strict=True):
        assert np.abs(row[:n] - wanted[:n]).max() < ATOL


def test_without_a_gru(tmp_path: Path, tiny_contract: Contract, rng: np.random.Generator) -> None:
    from asr_core.checkpoint import build_model

    config = tiny_contract.model.model_copy(update={"gru_hidden": 0})
    contract = tiny_contract.model_copy(update={"model": config})
    save_model(tmp_path / "m", contract, build_model(contract))
    export_onnx(tmp_path / "m", tmp_path / "m.onnx")
    features = rng.random((2, 50, 16), dtype=np.float32)
    _, network = load_model(tmp_path / "m")
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(features), torch.tensor([50, 50]))
    got, _ = answers(tmp_path / "m.onnx", features, np.array([50, 50]))
    assert np.abs(got - expected.numpy()).max() < ATOL


def test_padding_changes_nothing(exported: Path, rng: np.random.Generator) -> None:
    features = rng.random((1, 40, 16), dtype=np.float32)
    alone, frames = answers(exported, features, np.array([40]))
    padded = np.concatenate([features, rng.random((1, 60, 16), dtype=np.float32)], axis=1)
    batch = np.concatenate([padded, rng.random((1, 100, 16), dtype=np.float32)])
    together, _ = answers(exported, batch, np.array([40, 100]))
    n = frames[0]
    assert np.abs(together[0, :n] - alone[0, :n]).max() < ATOL


def test_the_file_says_what_it_is(exported: Path, tiny_contract: Contract) -> None:
    ready = session(exported)
    told = ready.get_modelmeta().custom_metadata_map
    values = {key: json.loads(value) for key, value in told.items()}
    assert type(tiny_contract.alphabet).model_validate(values["alphabet"]) == tiny_contract.alphabet
    assert type(tiny_contract.features).model_validate(values["features"]) == tiny_contract.features
    assert (values["name"], values["stride"], values["precision"]) == ("tiny", 2, "float32")
    assert values["contains"].startswith("network only")
    shapes = {each.name: each.shape for each in [*ready.get_inputs(), *ready.get_outputs()]}
    assert shapes["features"] == ["batch", "time", 16]
    assert shapes["lengths"] == shapes["frames"] == ["batch"]
    assert shapes["log_probs"] == ["batch", "time_out", len(tiny_contract.alphabet)]


def test_int8_is_smaller_and_hears_the_same(tmp_path: Path) -> None:
    for int8 in (False, True):
        export_onnx("spoken", tmp_path / f"{int8}.onnx", int8=int8)
    whole, small = tmp_path / "False.onnx", tmp_path / "True.onnx"
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    recognizer = Recognizer.load("spoken")
    (transcript,) = recognizer.transcribe(["assets/examples/three-seven-stop.opus"])
    features = transcript.features[np.newaxis]
    got, _ = answers(small, features, np.array([features.shape[1]]))
    assert (got[0].argmax(axis=1) == transcript.log_probs.argmax(axis=1)).mean() > 0.95
    assert 1e-3 < np.abs(np.exp(got[0]) - np.exp(transcript.log_probs)).max() < 0.2
    told = session(small).get_modelmeta().custom_metadata_map
    assert json.loads(told["precision"]) == "int8"


def test_the_command(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "tiny.onnx"
    done = CliRunner().invoke(app, ["export", str(folder), "--to", "onnx", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert [p.name for p in out.parent.iterdir()] == ["tiny.onnx"]
    assert (
        CliRunner().invoke(app, ["export", str(folder), "--to", "coreml", "--out", "x"]).exit_code
    )
    done = CliRunner().invoke(app, ["export", str(tmp_path / "none"), "--out", str(out)])
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "No model at" in done.stderr


def test_a_place_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="Cannot write"):
        export_onnx(folder, tmp_path / "file" / "x.onnx")


def test_other_commands_do_without_onnx() -> None:
    code = "import sys, asr_core.export; sys.exit('onnx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
