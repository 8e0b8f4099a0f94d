"""A model on a whole set: every recording transcribed, scored, and kept as an Evaluation."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.confidence_metrics import measure
from analysis.evaluation import FORMAT_VERSION, Evaluation, EvaluationError, set_name
from analysis.folder import check_replaceable, write_folder
from analysis.normalisation import NORMALISERS, OWN_NORMALISER
from analysis.scoring import total
from analysis.summary import INTERVAL, counts, rate, rates
from analysis.tables import ERROR_COLUMNS, UTTERANCE_COLUMNS, table, utf8
from asr_core.decoder import best_path
from asr_core.decoding import DecodingConfig, build_decoder, record

if TYPE_CHECKING:
    from analysis.recognition import Progress, Recognition
    from asr_core.recognizer import Recognizer


def evaluate(
    recognizer: "Recognizer",
    manifest_path: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    decoding: DecodingConfig | None = None,
    normaliser: str = OWN_NORMALISER,
    progress: "Progress | None" = None,
) -> Evaluation:
    """Transcribe and score a manifest, and write the Evaluation folder.

    References are normalised; words that the model does not know stay and count as errors. A row
    that cannot be used is listed in `skipped.jsonl`. The folder is written beside `out` and then
    renamed, so a crash leaves what was there.

    Args:
        recognizer: the model to evaluate.
        manifest_path: JSON lines, CSV or TSV (see `asr_core.manifest`).
        out: a new or empty folder, or an Evaluation, which is replaced.
        name: of the set, in tables; the manifest's name where not given.
        decoding: how log-probabilities become text, where not by the recogniser's own decoder;
            `summary.json` records it.
        normaliser: what both texts go through before they are compared: "model", as the model
            writes text, or a name of `NORMALISERS`.
        progress: called after every recording.

    Raises:
        ManifestError: the manifest cannot be read.
        EvaluationError: `out` cannot be written or holds other files, or no row can be scored.
        DecodingConfigError, LexiconError, LanguageModelError: as `build_decoder` raises them.
    """
    from analysis.recognition import recognise_manifest

    out = Path(out).resolve()
    check_replaceable(out)
    manifest_path = Path(manifest_path)
    # Its folder resolved, itself not: recordings are relative to where a link to it stands.
    manifest_path = manifest_path.parent.resolve() / manifest_path.name
    recognizer, decoded = _decoding_with(recognizer, decoding)
    own = recognizer.alphabet.normalise
    normalise = own if normaliser == OWN_NORMALISER else NORMALISERS[normaliser]
    recognition = recognise_manifest(recognizer, manifest_path, progress, normalise)
    _check_scored(recognition)
    write_folder(
        out,
        utterances=table([row.utterance for row in recognition.rows], UTTERANCE_COLUMNS),
        errors=table([error for row in recognition.rows for error in row.errors], ERROR_COLUMNS),
        skipped=recognition.skipped,
        summary=_summary(recognition, recognizer, out, name, decoded) | {"normaliser": normaliser},
    )
    return Evaluation.open(out)


def _decoding_with(
    recognizer: "Recognizer", decoding: DecodingConfig | None
) -> tuple["Recognizer", dict[str, Any]]:
    """The recogniser with the decoder asked for, and what is recorded of that."""
    if decoding is None:
        greedy = recognizer.decoder is best_path
        return recognizer, {"decoder": "greedy" if greedy else repr(recognizer.decoder)}
    shipped = recognizer.lexicon_path
    decoder = build_decoder(decoding, recognizer.alphabet, shipped)
    return recognizer.decoding_with(decoder), record(decoding, shipped)


def _check_scored(recognition: "Recognition") -> None:
    """Rates of nothing would read as a perfect result."""
    if not recognition.rows:
        first = recognition.skipped[0]
        raise EvaluationError(
            f"None of the {len(recognition.skipped)} rows of {recognition.manifest_path} could be"
            f" scored; line {first.line}: {first.reason}"
        )


def _summary(
    recognition: "Recognition",
    recognizer: "Recognizer",
    out: Path,
    name: str | None,
    decoding: dict[str, Any],
) -> dict[str, Any]:
    scores = [row.score for row in recognition.rows]
    totals = total(scores)
    audio_s = sum(row.utterance["duration_s"] for row in recognition.rows)
    return {
        "format_version": FORMAT_VERSION,
        "name": utf8(name or set_name(recognition.manifest_path)),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": recognizer.contract.name, "sha256": weights_sha256(recognizer)},
        "decoding": decoding,
        "manifest": {
            "path": os.path.relpath(recognition.manifest_path, out),
            "sha256": recognition.manifest_sha256,
        },
        "rates": rates(scores, totals),
        "rates_raw": {"wer": _raw_wer(recognition)},
        "interval": INTERVAL,
        "counts": counts(totals) | {"skipped": len(recognition.skipped)},
        "confidence": _confidence(recognition),
        "audio_s": audio_s,
        "took_s": recognition.took_s,
        "real_time_factor": recognition.took_s / audio_s,
        "versions": _versions(recognizer),
    }


def _raw_wer(recognition: "Recognition") -> dict[str, float]:
    counted = [
        (row.utterance["raw_errors"], row.utterance["raw_n_reference"]) for row in recognition.rows
    ]
    return rate(*np.array(counted, dtype=np.int64).T)


def _confidence(recognition: "Recognition") -> dict[str, Any] | None:
    """What the confidences are worth (see `ConfidenceMetrics`); None where no word was heard."""
    found = measure(
        [sure for row in recognition.rows for sure in row.confidences],
        [right for row in recognition.rows for right in row.score.heard_right],
    )
    return None if found is None else found.to_dict()


def _versions(recognizer: "Recognizer") -> dict[str, str]:
    from asr_core.checkpoint import versions
    from asr_core.model import CtcModel

    model = recognizer.model
    return versions("jiwer", *(() if isinstance(model, CtcModel) else model.packages))


def weights_sha256(recognizer: "Recognizer") -> str:
    """The sha256 of the model's model.safetensors."""
    from asr_core.checkpoint import weights_bytes
    from asr_core.model import CtcModel

    if not isinstance(recognizer.model, CtcModel):
        return recognizer.model.weights_sha256
    return hashlib.sha256(weights_bytes(recognizer.model)).hexdigest()
