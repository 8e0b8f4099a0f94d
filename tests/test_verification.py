"""Verifying model folders: a good one passes, and every planted change is found by its check."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from typer.testing import CliRunner

from asr_core.__main__ import app
from asr_core.checkpoint import MODELS, PROBE, CheckpointError, load_model, save_model
from asr_core.manifest import fingerprint, write_manifest
from asr_core.norms import NORMS, Norms, distribution, save_norms
from asr_core.recognizer import Recognizer
from asr_core.verification import CLIP, read_probe, verify, write_probe


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("train", "validation"):
        rows = [{"audio_filepath": f"{name}/{i}.wav", "text": name} for i in range(3)]
        write_manifest(tmp_path / "data" / f"{name}.jsonl", rows)
    return tmp_path / "data"


@pytest.fixture
def folder(data: Path, tmp_path: Path, tiny_recognizer: Recognizer) -> Path:
    """A model as training leaves it."""
    contract = tiny_recognizer.contract
    recorded = contract.model_dump(mode="json")
    provenance = {
        "recipe": {name: recorded[name] for name in ("features", "alphabet", "model")},
        "data": {name: fingerprint(data / f"{name}.jsonl") for name in ("train", "validation")},
        "versions": {"numpy": np.__version__},
    }
    save_model(
        tmp_path / "model",
        contract.model_copy(update={"provenance": provenance}),
        tiny_recognizer.model,
    )
    spread = distribution([{"level_dbfs": -20.0}])
    save_norms(tmp_path / "model", Norms(contract.features.sample_rate, "00", spread, spread))
    write_probe(tmp_path / "model")
    return tmp_path / "model"


def statuses(folder: Path, data: Path | None = None) -> dict[str, str]:
    """Check -> its status; the worst of checks of one name."""
    found: dict[str, str] = {}
    for check in verify(folder, data):
        if found.get(check.name) != "failed":
            found[check.name] = check.status
    return found


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")


def failed(folder: Path, data: Path | None = None) -> set[str]:
    return {name for name, status in statuses(folder, data).items() if status == "failed"}


def test_a_good_folder_passes_every_check(folder: Path, data: Path) -> None:
    found = statuses(folder, data)
    assert set(found.values()) == {"ok"}
    assert {"format", "weights", "weights sha256", "alphabet", "features", "versions"} <= set(found)
    assert {"data train", "probe features", "probe log_probs"} <= set(found)
    details = {check.name: check.detail for check in verify(folder)}
    assert details["probe log_probs"] == "differ by 0.0e+00 at most; 1e-05 is allowed"


def test_a_swapped_weights_file_is_found(folder: Path) -> None:
    contract, model = load_model(folder)
    kept = (folder / PROBE).read_bytes()
    model.head.bias.data[1] += 2e-5
    save_model(folder, contract, model)
    assert not (folder / PROBE).exists(), "a probe of other weights is gone with them"
    (folder / PROBE).write_bytes(kept)
    assert failed(folder) == {"weights sha256", "probe log_probs"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda c: c["alphabet"]["symbols"].reverse(), {"alphabet"}),
        (lambda c: c["alphabet"].update(joiner=""), {"alphabet"}),
        (lambda c: c["features"].update(range_db=60), {"features", "probe features"}),
        (lambda c: c["features"].update(n_mels=20), {"model"}),
        (lambda c: c["model"].update(dropout=0.3), {"model"}),
        (lambda c: c.update(format_version=99), {"model"}),
        (lambda c: c["provenance"]["recipe"]["features"].update(hop_s=0.02), {"features"}),
        (lambda c: c["provenance"]["recipe"].update(alphabet="abc"), {"alphabet"}),
    ],
)
def test_a_changed_configuration_is_found(
    change: Callable[[dict[str, Any]], object], found: set[str], folder: Path
) -> None:
    edit(folder, change)
    assert failed(folder) == found


def test_another_set_of_data_is_found(folder: Path, data: Path, tmp_path: Path) -> None:
    rows = [{"audio_filepath": f"elsewhere/{i}.wav", "text": "train"} for i in (2, 0, 1)]
    write_manifest(data / "train.jsonl", rows)
    assert failed(folder, data) == set(), "order and folders do not matter"
    rows[0]["text"] = "other"
    write_manifest(data / "train.jsonl", rows)
    assert failed(folder, data) == {"data train"}
    assert failed(folder, tmp_path / "nowhere") == {"data train", "data validation"}


def test_every_averaged_run_has_its_data_checked(folder: Path, data: Path) -> None:
    def average(config: dict[str, Any]) -> None:
        run = config["provenance"]
        other = run | {"data": run["data"] | {"validation": "0" * 64}}
        config["provenance"] = {"average_of": [run, other], "versions": {}}

    edit(folder, average)
    assert failed(folder, data) == {"data validation"}
    edit(folder, lambda config: config["provenance"]["average_of"].pop())
    assert failed(folder, data) == set()


def test_other_versions_are_a_note(folder: Path) -> None:
    def other(config: dict[str, Any]) -> None:
        config["provenance"]["versions"] = {"numpy": "1.0", "no-such-package": "3"}

    edit(folder, other)
    (check,) = (check for check in verify(folder) if check.name == "versions")
    assert check.status == "note"
    assert f"numpy {np.__version__} here, 1.0 recorded" in check.detail
    assert "no-such-package none here, 3 recorded" in check.detail


def test_damaged_norms_are_found(folder: Path) -> None:
    (folder / NORMS).write_text("{}")
    assert "recordings" in failed(folder)


def test_a_folder_without_a_record_has_notes_only(folder: Path, data: Path) -> None:
    (folder / PROBE).unlink()
    (folder / NORMS).unlink()
    edit(folder, lambda config: config.update(provenance={}))
    found = statuses(folder, data)
    assert failed(folder, data) == set()
    noted = {name for name, status in found.items() if status == "note"}
    assert noted == {"probe", "recordings", "versions", "data train", "data validation"}


def test_a_damaged_probe_is_found(folder: Path) -> None:
    for damaged in (b"", b"x" * 200, safetensors.numpy.save({"features": np.zeros((2, 3))})):
        (folder / PROBE).write_bytes(damaged)
        assert failed(folder) == {"probe"}
        with pytest.raises(CheckpointError, match="Cannot read the probe"):
            read_probe(folder)


def test_a_probe_of_another_clip_is_found(folder: Path) -> None:
    probe = read_probe(folder)
    metadata = {
        "clip": probe.clip,
        "clip_sha256": "0" * 64,
        "weights_sha256": probe.weights_sha256,
        "contract": json.dumps(probe.contract),
    }
    tensors = {"features": probe.features[:-1], "log_probs": probe.log_probs}
    (folder / PROBE).write_bytes(safetensors.numpy.save(tensors, metadata))
    found = failed(folder)
    assert {"clip sha256", "probe features"} <= found
    metadata["clip"] = "missing.opus"
    (folder / PROBE).write_bytes(safetensors.numpy.save(tensors, metadata))
    assert failed(folder) == {"probe"}


def test_the_probe_is_what_the_model_answers(folder: Path) -> None:
    probe = read_probe(folder)
    (transcript,) = Recognizer.load(folder).transcribe([CLIP])
    # Recorded in double precision, heard in single.
    assert np.abs(probe.log_probs - transcript.log_probs).max() < 1e-5
    assert np.array_equal(probe.features, transcript.features)
    assert (folder / PROBE).stat().st_mode == (folder / "config.json").stat().st_mode


def test_bundled_models_verify() -> None:
    for config in MODELS.glob("*/config.json"):
        assert "failed" not in statuses(config.parent).values()
        assert read_probe(config.parent).clip == CLIP.name


def test_the_command_prints_a_line_a_check_and_tells_by_its_exit_code(
    folder: Path, data: Path
) -> None:
    done = CliRunner().invoke(app, ["verify", str(folder), "--data", str(data)])
    assert done.exit_code == 0
    assert done.stdout.count("\n") == len(verify(folder, data))
    shutil.copyfile(data / "validation.jsonl", data / "train.jsonl")
    done = CliRunner().invoke(app, ["verify", str(folder), "--data", str(data)])
    assert done.exit_code == 1
    assert "failed  data train" in done.stdout
    done = CliRunner().invoke(app, ["verify", str(folder / "nothing")])
    assert done.exit_code == 1
    assert "No model at" in done.stdout


def test_lightning_is_not_loaded() -> None:
    code = "import sys, asr_core.verification; sys.exit('lightning' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
