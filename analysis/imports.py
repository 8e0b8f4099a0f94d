"""Another system's predictions as an Evaluation: scored as ours are, kept in the same tables."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evaluation import FORMAT_VERSION, Evaluation, EvaluationError, set_name
from analysis.folder import check_replaceable, write_folder, writing
from analysis.normalisation import NORMALISERS, Normaliser
from analysis.predictions import Prediction, Predictions
from analysis.scored_tables import ScoredTables
from analysis.summary import INTERVAL, counts, rate_of
from analysis.tables import utf8
from asr_core.digests import file_sha256
from asr_core.manifest import SkippedRow

if TYPE_CHECKING:
    import pyarrow

    from asr_core.recognizer import Recognizer

BATCH = 8192  # rows that are Python objects at a time

Progress = Callable[[int, int], None]  # rows done, rows in all, about


def import_predictions(
    predictions: Predictions,
    out: str | Path,
    *,
    name: str,
    set_named: str | None = None,
    normaliser: str = "basic",
    recognizer: "Recognizer | None" = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score another system's predictions and write the Evaluation folder.

    An utterance needs its two texts; its recording need not be there. What cannot be scored is
    listed in `skipped.jsonl`. Durations are as the file states them, not measured. The folder is
    written beside `out` and then renamed, so a crash leaves what was there.

    Args:
        predictions: see `read_predictions`.
        out: a new or empty folder, or an Evaluation, which is replaced.
        name: of the system, where a model's stands.
        set_named: of the set, in tables; the references' file's name where not given.
        normaliser: a name of `NORMALISERS`; both texts go through it before they are compared.
        recognizer: one of our models, for causes and times where there is sound (see
            `imported_evidence`); without one there are those that the system states.
        progress: called after every batch, and then after every recording.

    Raises:
        ManifestError: a file cannot be read.
        EvaluationError: `out` cannot be written or holds other files, or no row can be scored.
    """
    out = Path(out).resolve()
    check_replaceable(out)
    tables, skipped = _score(predictions, NORMALISERS[normaliser], out, progress)
    _check_scored(tables, skipped, predictions)
    summary = _sums(tables, len(skipped)) | _source(predictions, name, out)
    summary["name"] = utf8(set_named or set_name(predictions.references))
    summary["normaliser"] = normaliser
    utterances: pyarrow.RecordBatchReader | pyarrow.Table = tables.utterances()
    errors: pyarrow.RecordBatchReader | pyarrow.Table = tables.errors()
    if recognizer is not None:
        from analysis.imported_evidence import with_evidence

        whole = utterances.read_all(), errors.read_all()
        folder = predictions.references.parent
        utterances, errors, found = with_evidence(recognizer, *whole, folder, progress)
        summary["evidence"] = {"model": recognizer.contract.name, **found}
        summary["audio_s"] = _sum_or_none(utterances["duration_s"].to_pylist())
    write_folder(
        out,
        utterances=utterances,
        errors=errors,
        skipped=sorted(skipped, key=lambda row: row.line),
        summary=summary,
    )
    return Evaluation.open(out)


def _score(
    predictions: Predictions, normalise: Normaliser, out: Path, progress: Progress | None
) -> tuple[ScoredTables, list[SkippedRow]]:
    """All rows, scored or left out; the tables wait beside `out`."""
    with writing(out):
        tables = ScoredTables(normalise, from_text=predictions.from_text, folder=out.parent)
    skipped: list[SkippedRow] = []
    rows, done = predictions.rows(), 0
    while batch := list(islice(rows, BATCH)):
        skipped += [row for row in batch if isinstance(row, SkippedRow)]
        with writing(out):
            tables.add([row for row in batch if isinstance(row, Prediction)])
        done += len(batch)
        if progress is not None:
            progress(done, max(done, predictions.n_lines))
    return tables, skipped


def _sum_or_none(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _check_scored(
    tables: ScoredTables, skipped: list[SkippedRow], predictions: Predictions
) -> None:
    """Rates of nothing would read as a perfect result."""
    if tables:
        return
    path = predictions.hypotheses
    if not skipped:
        raise EvaluationError(f"{path} has no rows. Expected text and pred_text of utterances.")
    raise EvaluationError(
        f"None of the {len(skipped)} rows of {path} could be scored; line {skipped[0].line}:"
        f" {skipped[0].reason}"
    )


def _sums(tables: ScoredTables, n_skipped: int) -> dict[str, Any]:
    """Counts and rates, as `evaluate` has them."""
    sums = tables.sums
    return {
        "format_version": FORMAT_VERSION,
        "name": None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rates": {
            "wer": rate_of(sums.words),
            "cer": rate_of(sums.characters),
            "ser": rate_of(sums.utterances),
        },
        "rates_raw": {"wer": rate_of(tables.raw_sums.words)},
        "interval": INTERVAL,
        "counts": counts(sums.totals) | {"skipped": n_skipped},
        "confidence": _confidence(tables),
        "audio_s": tables.audio_s,
        "took_s": None,
        "real_time_factor": None,
        "versions": {package: version(package) for package in ("numpy", "rapidfuzz", "jiwer")},
    }


def _confidence(tables: ScoredTables) -> dict[str, Any] | None:
    """What the confidences are worth; None where the system says none, or no probabilities."""
    if not tables.sure or min(tables.sure) < 0 or max(tables.sure) > 1:
        return None
    from analysis.confidence_metrics import measure

    found = measure(tables.sure, tables.right)
    return None if found is None else found.to_dict()


def _source(predictions: Predictions, name: str, out: Path) -> dict[str, Any]:
    """Where texts come from: the manifest, and the file of the system in a model's place."""
    both = predictions.references, predictions.hypotheses
    references, hypotheses = (path.parent.resolve() / path.name for path in both)
    return {
        "model": {
            "name": utf8(name),
            "imported": True,
            "file": utf8(hypotheses.name),
            "sha256": file_sha256(hypotheses),
        },
        "manifest": {
            "path": os.path.relpath(references, out),
            "sha256": file_sha256(references),
        },
    }
