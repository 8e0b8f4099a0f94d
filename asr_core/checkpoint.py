"""A model folder: `model.safetensors`, `config.json` and what documents them. No pickle.

`config.json` is the model's contract: features, alphabet and network, and where it comes from
(seed, recipe, data fingerprint, versions). Loading checks that the weights fit it.
"""

import contextlib
import json
import textwrap
from pathlib import Path
from typing import Annotated, Any

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from torch import Tensor

from asr_core.confidence import ConfidenceConfig
from asr_core.features import FeatureConfig
from asr_core.model import CtcModel, ModelConfig
from asr_core.model_names import is_hugging_face
from asr_core.text import Alphabet
from asr_core.transcript import BoundaryError

FORMAT_VERSION = 1
PROBE = "probe.safetensors"  # what the weights answered when they were saved: see verification
MODELS = Path(__file__).parent.parent / "assets" / "models"  # the bundled ones


class CheckpointError(ValueError):
    """A model folder that is missing, damaged, or does not fit together."""


class AnyContract(BaseModel):
    """What a recogniser has to know of a network, whoever made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    features: FeatureConfig
    alphabet: Alphabet
    # From a word's middle, or a Morse sign's start, to its emission; None: not known.
    emission_delay_s: float | None = None
    boundary_error_s: BoundaryError | None = None  # of words' starts and ends; None: not measured
    confidence: ConfidenceConfig | None = None  # of words; None: their mean probability
    provenance: dict[str, Any] = {}


class Contract(AnyContract):
    """The part of `config.json` that decides what a model computes, and its provenance."""

    format_version: Annotated[int, Field(ge=1, le=FORMAT_VERSION)] = FORMAT_VERSION
    model: ModelConfig


def build_model(contract: Contract) -> CtcModel:
    """The contract's network with fresh weights."""
    return CtcModel(contract.model, contract.features.n_mels, len(contract.alphabet))


def save_model(folder: str | Path, contract: Contract, model: CtcModel) -> None:
    """Write weights and contract, each beside its target first and then renamed over it."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PROBE).unlink(missing_ok=True)  # it is of the weights that were here
    part = folder / "model.safetensors.part"
    part.write_bytes(weights_bytes(model))  # save_file's own is for its owner only
    part.replace(folder / "model.safetensors")
    save_contract(folder, contract)


def save_contract(folder: Path, contract: Contract) -> None:
    """Write what goes with the weights, and leave the weights as they are."""
    write_json(folder / "config.json", contract.model_dump(mode="json"))


def weights_bytes(model: CtcModel) -> bytes:
    """The weights as `model.safetensors` holds them."""
    return safetensors.torch.save({k: _stored(v) for k, v in model.state_dict().items()})


def _stored(value: Tensor) -> Tensor:
    """Single precision, whatever precision the model computes in."""
    value = value.detach().cpu().contiguous()
    return value.float() if value.is_floating_point() else value


def load_model(folder: str | Path) -> tuple[Contract, CtcModel]:
    """Read a model folder, or a bundled model by its name, ready to recognise on the CPU.

    Raises:
        CheckpointError: no such folder, a file missing or damaged, a format newer than this
            program, or weights that do not fit the configuration or are not finite.
    """
    folder = find_model(folder)
    contract = _read_contract(folder / "config.json")
    path = folder / "model.safetensors"
    try:
        weights = safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as e:
        raise CheckpointError(
            f"Cannot read the weights {path}: {e}. Expected a safetensors file; copy the model"
            " folder again or train it again."
        ) from e
    try:
        model = build_model(contract)
        model.load_state_dict(weights)
    except RuntimeError as e:
        raise CheckpointError(
            f"The weights {path} do not fit {folder}/config.json: {textwrap.shorten(str(e), 400)}"
            " Take both files from the same model."
        ) from e
    if not all(torch.isfinite(weight).all() for weight in weights.values()):
        raise CheckpointError(f"The weights {path} hold NaN or infinity. Train the model again.")
    return contract, model.eval()


def find_model(name: str | Path) -> Path:
    """The folder of a model given by its path or by a bundled model's name."""
    if is_hugging_face(name):
        raise CheckpointError(
            f"Expected a model of ours, a folder or a bundled one, got {name}. A model of Hugging"
            " Face can be heard, aligned and evaluated, and that is all."
        )
    for folder in (Path(name), MODELS / name):
        with contextlib.suppress(OSError):  # a name that is too long, a folder that is not ours
            if (folder / "config.json").is_file():
                return folder
    bundled = sorted(p.parent.name for p in MODELS.glob("*/config.json"))
    raise CheckpointError(
        f"No model at {str(name)!r}: expected a folder with config.json and model.safetensors, or"
        f" the name of a bundled model ({', '.join(bundled) or 'none here'})."
    )


def write_json(path: Path, value: Any) -> None:
    """Write JSON beside the target, then rename it over the target."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def versions(*others: str) -> dict[str, str]:
    """Versions of the packages that decide a result, and of others."""
    from importlib.metadata import version

    names = ("torchaudio", "numpy", "soundfile", "soxr", *others)
    return {"torch": torch.__version__} | {name: version(name) for name in names}


def _read_contract(path: Path) -> Contract:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        found = config.get("format_version")
    except (OSError, ValueError, AttributeError, RecursionError) as e:
        raise CheckpointError(f"Cannot read {path}: {e}. Expected a JSON object.") from e
    if isinstance(found, int) and found > FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has format version {found}; this program reads up to {FORMAT_VERSION}."
            " Update Misheard."
        )
    try:
        return Contract.model_validate(config)
    except ValidationError as e:
        raise CheckpointError(f"{path} does not describe a model: {e}") from e
