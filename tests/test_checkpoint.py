"""Model folders: saved and loaded bit for bit, and refused with a reason where they are damaged."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from pydantic import ValidationError

from asr_core.checkpoint import (
    FORMAT_VERSION,
    MODELS,
    CheckpointError,
    Contract,
    build_model,
    find_model,
    load_model,
    save_model,
    versions,
    write_json,
)
from asr_core.recognizer import Recognizer


@pytest.fixture
def folder(tmp_path: Path, tiny_recognizer: Recognizer) -> Path:
    save_model(tmp_path / "deep" / "model", tiny_recognizer.contract, tiny_recognizer.model)
    return tmp_path / "deep" / "model"


def test_round_trip_is_bit_for_bit(folder: Path, tiny_recognizer: Recognizer) -> None:
    contract, model = load_model(folder)
    assert contract == tiny_recognizer.contract
    assert not model.training
    saved, loaded = tiny_recognizer.model.state_dict(), model.state_dict()
    assert list(saved) == list(loaded)
    assert all(torch.equal(saved[name].to(loaded[name].dtype), loaded[name]) for name in saved)
    features, lengths = torch.rand(2, 30, 16), torch.tensor([30, 11])
    again = model(features, lengths)[0]
    assert torch.equal(again, tiny_recognizer.model(features, lengths)[0])


def test_a_folder_holds_two_files_and_no_leftovers(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "model.safetensors"]
    modes = {p.stat().st_mode for p in folder.iterdir()}
    assert len(modes) == 1  # who may read the one may read the other


def test_saving_again_replaces(folder: Path, tiny_recognizer: Recognizer) -> None:
    contract = tiny_recognizer.contract.model_copy(update={"name": "другой"})
    other = build_model(contract)
    save_model(folder, contract, other)
    loaded, model = load_model(str(folder))
    assert loaded.name == "другой"
    assert "другой" in (folder / "config.json").read_text(encoding="utf-8")
    assert torch.equal(model.head.weight, other.head.weight)


def edit(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")


def config_is(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "config.json").write_bytes(content)


def weights_are(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.safetensors").write_bytes(content)


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def change_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "model.safetensors"
        weights = safetensors.torch.load_file(path)
        change(weights)
        safetensors.torch.save_file(weights, path)

    return damage


def pickle_as_weights(folder: Path) -> None:
    torch.save({"head.weight": torch.zeros(3)}, folder / "model.safetensors")


def huge_network(folder: Path) -> None:
    edit(folder, model={"prologue": {"channels": 10**12}, "blocks": [], "gru_hidden": 0})


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "No model at .*expected a folder with config.json and model"),
    "no config": (lambda f: (f / "config.json").unlink(), "No model at .*expected a folder"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "Cannot read the weights .*copy"),
    "empty weights": (weights_are(b""), "Cannot read the weights .*safetensors"),
    "truncated weights": (cut_weights, "Cannot read the weights .*safetensors"),
    "a pickle of torch": (pickle_as_weights, "Cannot read the weights .*safetensors"),
    "a bare pickle": (weights_are(pickle.dumps([1])), "Cannot read the weights .*safetensors"),
    "a weight missing": (
        change_weights(lambda w: w.pop("head.bias")),
        r"do not fit .*config.json: .*head\.bias.* Take both files from the same model",
    ),
    "a weight too many": (
        change_weights(lambda w: w.update(tail=torch.zeros(1))),
        "do not fit .*config.json: .*tail",
    ),
    "a weight of another shape": (
        change_weights(lambda w: w.update({"head.weight": torch.zeros(9, 12)})),
        r"do not fit .*config.json: .*head\.weight",
    ),
    "a weight that is NaN": (
        change_weights(lambda w: w["head.bias"].fill_(torch.nan)),
        "hold NaN or infinity. Train the model again",
    ),
    "another alphabet": (
        lambda f: edit(f, alphabet={"symbols": ["a", "b"]}),
        r"do not fit .*config.json: .*head\.weight",
    ),
    "a network without end": (huge_network, "do not fit .*config.json"),
    "a newer format": (
        lambda f: edit(f, format_version=FORMAT_VERSION + 1, news=True),
        f"format version {FORMAT_VERSION + 1}; this program reads up to {FORMAT_VERSION}. Update",
    ),
    "a newer format as text": (
        lambda f: edit(f, format_version=str(FORMAT_VERSION + 1)),
        "does not describe a model: .*\nformat_version",
    ),
    "an unknown key": (lambda f: edit(f, colour="red"), "does not describe .*\ncolour\n  Extra"),
    "an impossible value": (
        lambda f: edit(f, features={"f_max": 5000}),
        "does not describe .*\nfeatures\n .*half the sample rate",
    ),
    "an infinite value": (
        lambda f: edit(f, features={"window_s": float("inf")}),
        "does not describe .*\nfeatures.window_s\n .*finite",
    ),
    "config of another kind": (config_is(b"[1, 2]"), "Cannot read .*Expected a JSON object"),
    "config cut off": (config_is(b'{"name": "ti'), "Cannot read .*Expected a JSON object"),
    "config empty": (config_is(b""), "Cannot read .*Expected a JSON object"),
    "config not UTF-8": (config_is(b"\xff\xfe{}"), "Cannot read .*Expected a JSON object"),
    "config too deep": (config_is(b"[" * 100_000), "Cannot read .*Expected a JSON object"),
    "a number too long": (
        config_is(b'{"format_version": 1' + b"0" * 5000 + b"}"),
        "Cannot read .*Expected a JSON object",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_damaged_folders_are_refused(folder: Path, case: str) -> None:
    damage, message = DAMAGES[case]
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_model(folder)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < 1000  # a line that can be read


class Trap:
    """Unpickling this would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_is_never_run(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(CheckpointError):
        load_model(folder)
    assert not (tmp_path / "sprung").exists()


def test_bundled_models_are_found_by_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asr_core.checkpoint.MODELS", folder.parent)
    monkeypatch.chdir(tmp_path)
    assert find_model("model") == folder
    assert load_model("model")[0].name == "tiny"
    with pytest.raises(CheckpointError, match=r"No model at 'other': .* bundled model \(model\)"):
        find_model("other")
    (tmp_path / "model").mkdir()
    assert find_model("model") == folder  # a folder that is no model is not in the way
    shutil.copytree(folder, tmp_path / "model", dirs_exist_ok=True)
    assert find_model("model") == Path("model")  # a model's path goes before a bundled name


@pytest.mark.parametrize("name", ["", ".", "x" * 5000, "/dev/null", "spoken/config.json"])
def test_names_that_are_no_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="No model at"):
        find_model(name)


def test_where_nothing_is_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr_core.checkpoint.MODELS", tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"bundled model \(none here\)"):
        find_model("spoken")


def test_the_bundled_model_loads_and_is_small() -> None:
    contract, model = load_model("spoken")
    assert contract.name == "spoken"
    assert model.head.out_features == len(contract.alphabet) == 22  # 20 words, unknown, blank
    size = sum(p.stat().st_size for p in (MODELS / "spoken").iterdir())
    assert size < 4_000_000


def test_contract_is_strict(tiny_contract: Contract) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Contract.model_validate(tiny_contract.model_dump() | {"more": 1})
    assert Contract.model_validate_json(tiny_contract.model_dump_json()) == tiny_contract


def test_write_json_replaces_or_leaves_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"word": "да"})
    with pytest.raises(TypeError):
        write_json(path, {"word": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"word": "да"}


def test_versions_name_what_decides_a_result() -> None:
    assert set(versions()) == {"torch", "torchaudio", "numpy", "soundfile", "soxr"}
    assert versions()["torch"] == torch.__version__
