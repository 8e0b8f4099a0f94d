"""A model folder checked against what was recorded when it was saved.

`probe.safetensors` holds a bundled clip's features and log-probabilities as they were on the
machine that saved the model, and in its metadata the fingerprints of the clip and of the weights
and a copy of the contract. Whoever verifies computes them again.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors
import safetensors.numpy
import torch
from safetensors import SafetensorError

from asr_core.audio import Audio, AudioError
from asr_core.checkpoint import (
    FORMAT_VERSION,
    PROBE,
    CheckpointError,
    Contract,
    find_model,
    load_model,
)
from asr_core.digests import file_sha256
from asr_core.manifest import ManifestError, fingerprint
from asr_core.model import CtcModel
from asr_core.norms import NORMS, load_norms
from asr_core.recognizer import Recognizer, pad

CLIP = Path(__file__).parent.parent / "assets" / "examples" / "three-seven-stop.opus"
PARTS = ("features", "alphabet", "model")  # of a contract: what decides a result
# The features are single precision: another processor's Fourier transform moves them by 2e-5 in
# the quietest bins. The network runs in double precision on the stored features; only its
# log-probabilities are rounded to single, which is 2e-6 at -30.
FEATURES_ATOL = 1e-3
LOG_PROBS_ATOL = 1e-5


@dataclass(frozen=True)
class Check:
    """One thing looked at; a note is a difference that need not change a result."""

    name: str
    status: Literal["ok", "note", "failed"]
    detail: str


@dataclass(frozen=True)
class Probe:
    """What a model answered when it was saved: features (T, F), log_probs (T', V)."""

    features: np.ndarray
    log_probs: np.ndarray
    clip: str
    clip_sha256: str
    weights_sha256: str
    contract: dict[str, Any]  # the PARTS as JSON


def write_probe(folder: str | Path) -> Path:
    """Transcribe the bundled clip by a model folder and store the answer in it.

    Raises:
        CheckpointError: no model in the folder, or a damaged one.
        AudioError: the bundled clip cannot be read.
    """
    folder = find_model(folder)
    contract, model = load_model(folder)
    recognizer = Recognizer(contract, model)
    features = _features(recognizer, recognizer.read(CLIP))
    metadata = {
        "clip": CLIP.name,
        "clip_sha256": file_sha256(CLIP),
        "weights_sha256": file_sha256(folder / "model.safetensors"),
        "contract": json.dumps(_parts(contract)),
    }
    tensors = {"features": features, "log_probs": _exact_log_probs(model, features)}
    part = folder / (PROBE + ".part")
    part.write_bytes(safetensors.numpy.save(tensors, metadata))
    return part.replace(folder / PROBE)


def read_probe(folder: Path) -> Probe:
    """The probe of a model folder.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = folder / PROBE
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in ("features", "log_probs")}
        contract = json.loads(metadata.pop("contract"))
        return Probe(**tensors, **metadata, contract=dict(contract))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as e:
        raise CheckpointError(
            f"Cannot read the probe {path}: {e}. Expected what `write_probe` stores; take the"
            " model folder from its source again."
        ) from e


def verify(folder: str | Path, data: str | Path | None = None) -> list[Check]:
    """Check a model folder, or a bundled model by its name, as far as it can be checked.

    Args:
        folder: the model.
        data: folder with the `train.jsonl` and `validation.jsonl` it is said to come from.

    Returns:
        What was looked at, in order. A folder that does not load fails at its first check, and
        nothing more can be said of it.
    """
    try:
        folder = find_model(folder)
        contract, model = load_model(folder)
    except CheckpointError as e:
        return [Check("model", "failed", str(e))]
    n_weights = sum(weight.numel() for weight in model.state_dict().values())
    checks = [
        Check("format", "ok", f"version {contract.format_version} of {FORMAT_VERSION}"),
        Check("weights", "ok", f"{n_weights} finite numbers that fit config.json"),
        *_recipe(contract),
        *_norms(folder),
    ]
    if (folder / PROBE).exists():
        try:
            checks += _probed(folder, contract, model, read_probe(folder))
        except (CheckpointError, AudioError) as e:
            checks.append(Check("probe", "failed", str(e)))
    else:
        lost = f"no {PROBE}: nothing tells whether weights and configuration are as they were saved"
        checks.append(Check("probe", "note", lost))
    checks += _versions(contract.provenance)
    if data is not None:
        checks += _data(contract.provenance, Path(data))
    return checks


def _probed(folder: Path, contract: Contract, model: CtcModel, probe: Probe) -> Iterator[Check]:
    weights = file_sha256(folder / "model.safetensors")
    yield _same("weights sha256", weights, probe.weights_sha256)
    yield from _as_recorded(contract, probe.contract, "when the weights were saved")
    if not CLIP.with_name(probe.clip).is_file():
        yield Check("probe", "failed", f"its clip {probe.clip!r} is not in {CLIP.parent}")
        return
    clip = CLIP.with_name(probe.clip)
    yield _same("clip sha256", file_sha256(clip), probe.clip_sha256)
    recognizer = Recognizer(contract, model)
    audio = recognizer.read(clip)
    yield _close("probe features", _features(recognizer, audio), probe.features, FEATURES_ATOL)
    if probe.features.shape[1:] != (contract.features.n_mels,):
        return  # told already: the network cannot run on them
    log_probs = _exact_log_probs(model, probe.features)
    yield _close("probe log_probs", log_probs, probe.log_probs, LOG_PROBS_ATOL)


@torch.inference_mode()
def _features(recognizer: Recognizer, audio: Audio) -> np.ndarray:
    samples, lengths = pad([audio.samples])
    return recognizer.log_mel(samples, lengths)[0][0].numpy()


@torch.inference_mode()
def _exact_log_probs(model: CtcModel, features: np.ndarray) -> np.ndarray:
    """(T, F) -> (T', V), by torch in double precision: nearly the same on every processor."""
    batch = torch.from_numpy(features).double().unsqueeze(0)  # (1, T, F)
    exact = copy.deepcopy(model).double().eval()
    log_probs, _ = exact(batch, torch.tensor([batch.shape[1]]))
    return log_probs[0].numpy()


def _recipe(contract: Contract) -> Iterator[Check]:
    """The contract against the recipe it records; of an average, the first run's."""
    recipe = _runs(contract.provenance)[0].get("recipe")
    if isinstance(recipe, dict):
        yield from _as_recorded(contract, recipe, "in the recipe")


def _as_recorded(contract: Contract, recorded: dict[str, Any], where: str) -> Iterator[Check]:
    for name in PARTS:
        ours = getattr(contract, name)
        try:
            same = type(ours).model_validate(recorded.get(name)) == ours
        except ValueError:
            same = False
        if same:
            yield Check(name, "ok", f"as {where}")
        else:
            got = json.dumps(_parts(contract)[name], ensure_ascii=False)
            expected = json.dumps(recorded.get(name), ensure_ascii=False)
            yield Check(name, "failed", f"got {got}; expected, as {where}, {expected}")


def _versions(provenance: dict[str, Any]) -> Iterator[Check]:
    recorded = provenance.get("versions")
    if not isinstance(recorded, dict):
        yield Check("versions", "note", "none recorded")
        return
    here = {name: _installed(name) for name in recorded}
    differ = [f"{k} {here[k]} here, {recorded[k]} recorded" for k in here if here[k] != recorded[k]]
    shown = ", ".join(f"{name} {number}" for name, number in here.items())
    yield Check("versions", "note" if differ else "ok", "; ".join(differ) or shown)


def _norms(folder: Path) -> Iterator[Check]:
    """What its recordings were like; a folder without it is older, and no worse."""
    try:
        norms = load_norms(folder)
    except CheckpointError as e:
        yield Check("recordings", "failed", str(e))
        return
    if norms is None:
        yield Check("recordings", "note", f"no {NORMS}; `norms` makes it from the training data")
    else:
        n, drawn = norms.recordings.n, norms.training.n
        yield Check("recordings", "ok", f"measures of {n} recordings and {drawn} training items")


def _installed(name: str) -> str:
    if name == "torch":
        return torch.__version__  # with the build, as +cpu; its package says less
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _data(provenance: dict[str, Any], data: Path) -> Iterator[Check]:
    """The manifests against the fingerprints of every run the model comes from."""
    for name in ("train", "validation"):
        of_runs = [(run.get("data") or {}).get(name) for run in _runs(provenance)]
        recorded = {value for value in of_runs if value is not None}
        if not recorded:
            yield Check(f"data {name}", "note", "no fingerprint recorded")
            continue
        try:
            found = fingerprint(data / f"{name}.jsonl")
        except ManifestError as e:
            yield Check(f"data {name}", "failed", str(e))
            continue
        for expected in sorted(recorded):
            yield _same(f"data {name}", found, expected)


def _runs(provenance: dict[str, Any]) -> list[dict[str, Any]]:
    """The provenance of the run, or of the runs that were averaged."""
    return provenance.get("average_of") or [provenance]


def _parts(contract: Contract) -> dict[str, Any]:
    return contract.model_dump(mode="json", include=set(PARTS))


def _same(name: str, got: str, expected: str) -> Check:
    if got == expected:
        return Check(name, "ok", got)
    return Check(name, "failed", f"got {got}; expected, as recorded, {expected}")


def _close(name: str, got: np.ndarray, expected: np.ndarray, atol: float) -> Check:
    if got.shape != expected.shape:
        return Check(
            name, "failed", f"got shape {got.shape}; expected, as stored, {expected.shape}"
        )
    difference = float(np.abs(got - expected).max())
    detail = f"differ by {difference:.1e} at most; {atol:.0e} is allowed"
    return Check(name, "ok" if difference <= atol else "failed", detail)
