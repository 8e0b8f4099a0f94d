"""What the app shows: models and evaluations, loaded or made in the background."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.compare import decoder_name
from analysis.evaluation import Evaluation, EvaluationError, check_folder
from asr_core.model_names import hugging_face_name, is_hugging_face
from asr_core.morse_code import is_morse
from asr_core.quick_imports import uncollected
from asr_core.text import Alphabet
from ui import strings
from ui.background import Pending, Report
from ui.model_runs import Training

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer


def models(folders: Sequence[str]) -> list[Pending["Recognizer"]]:
    """Models by folder or bundled name, to be loaded."""
    names = _distinct(folders)
    return [_model(name, folder) for name, folder in zip(names, folders, strict=True)]


def trainings(models: Sequence[str], runs: Sequence[str], bundled: Path) -> list[Training]:
    """What the Model tab offers, each folder once: the runs, the models, the bundled models."""
    ours = [m for m in models if not is_hugging_face(m)]
    loaded = [Path(m) if (Path(m) / "config.json").is_file() else bundled / m for m in ours]
    others = sorted(path.parent for path in bundled.glob("*/config.json"))
    live = [Path(run) for run in runs]
    distinct: dict[Path, Path] = {}  # resolved -> as given
    for folder in (*live, *loaded, *others):
        distinct.setdefault(folder.resolve(), folder)
    names = Counter(folder.name for folder in distinct)
    return [
        Training(
            place.name if names[place.name] == 1 or folder.parent == bundled else str(folder),
            folder,
            folder in live,
        )
        for place, folder in distinct.items()
    ]


def foreign(models: Sequence[str], loaded: Sequence[Pending["Recognizer"]]) -> list[Training]:
    """What the Model tab offers of models that were not trained here."""
    return [
        Training(model.name, Path(given), foreign=model)
        for given, model in zip(models, loaded, strict=True)
        if is_hugging_face(given)
    ]


def stored(folders: Sequence[Path]) -> list[Pending[Evaluation]]:
    """Evaluations that were made before, checked and not opened yet (raises EvaluationError)."""
    names = [_stored_name(check_folder(folder.resolve())) for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    return [_stored(name, folder) for name, folder in zip(names, folders, strict=True)]


def _stored(name: str, folder: Path) -> Pending[Evaluation]:
    def read(report: Report) -> Evaluation:  # noqa: ARG001 - it opens in one step
        return Evaluation.open(folder)

    return Pending(name, read, quick=True)


def to_be_made(model: Pending["Recognizer"], manifest: Path, runs: Path) -> Pending[Evaluation]:
    """The evaluation of a manifest by a model, kept in `runs` for the next start of the app."""
    set_name = manifest.parent.name if manifest.stem == "manifest" else manifest.stem
    # A name on the Hugging Face Hub has a slash.
    out = runs / f"eval-{model.name.replace('/', '-')}-{set_name}"

    def make(report: Report) -> Evaluation:
        return _current(model.result(), manifest, out, report)

    return Pending(_name(set_name, model.name), make)


def morse_on_demand(model: Pending["Recognizer"], runs: Path) -> Pending[Evaluation]:
    """The evaluation of Morse messages that are made, and kept in `runs`, when it is wanted."""

    def make(report: Report) -> Evaluation:
        report(0, 0, strings.MAKING_MORSE)
        from asr_core.training.corpora.morse import validation_set  # training is not for the start

        manifest = validation_set(runs / "validation" / "morse")
        report(0, 0)
        out = runs / f"eval-{model.name}-morse"
        return _current(model.result(), manifest, out, report)

    return Pending(strings.MORSE_ON_DEMAND.format(model=model.name), make, on_demand=True)


def is_morse_model(folder: Path) -> bool:
    """Whether a model folder's symbols are Morse signs; False where it cannot be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return is_morse(Alphabet(**config["alphabet"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _model(name: str, folder: str) -> Pending["Recognizer"]:
    def load(report: Report) -> "Recognizer":  # noqa: ARG001 - a model loads in one step
        from asr_core.audio import Audio

        with uncollected():
            from asr_core.batching import SharedRecognizer
        recognizer = SharedRecognizer.load(folder)
        second = np.zeros(recognizer.sample_rate, dtype=np.float32)
        recognizer.transcribe([Audio(second, recognizer.sample_rate)])  # the first run is slow
        return recognizer

    return Pending(name, load)


def _current(recognizer: "Recognizer", manifest: Path, out: Path, report: Report) -> Evaluation:
    """The evaluation in `out` if it is of this model and manifest, else a new one there."""
    from analysis.evaluating import evaluate

    with suppress(EvaluationError):
        found = Evaluation.open(out)
        if _is_current(found, recognizer, manifest):
            return found
    return evaluate(recognizer, manifest, out, progress=report)


def _is_current(evaluation: Evaluation, recognizer: "Recognizer", manifest: Path) -> bool:
    """Whether the same weights heard the same manifest."""
    from analysis.evaluating import weights_sha256

    made_by = evaluation.summary["model"]["sha256"], evaluation.summary["manifest"]["sha256"]
    return made_by == (weights_sha256(recognizer), _sha256(manifest))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(set_name: str, model: str) -> str:
    return strings.EVALUATION_NAME.format(set=set_name, model=model)


def _stored_name(summary: dict[str, Any]) -> str:
    """By set, model and, where it is not the plain one, decoder."""
    name = _name(summary["name"], summary["model"]["name"])
    decoder = decoder_name(summary.get("decoding"))
    return strings.EVALUATION_DECODER.format(name=name, decoder=decoder) if decoder else name


def _distinct(folders: Sequence[str]) -> list[str]:
    """The models' names; as they were given where two would have the same name."""
    names = [
        hugging_face_name(given) if is_hugging_face(given) else Path(given).resolve().name
        for given in folders
    ]
    return names if len(set(names)) == len(names) else list(folders)
