"""An Evaluation: what a model heard in a whole set, as a folder that every view reads.

`utterances.parquet` has a row an utterance, `errors.parquet` a row an edit that is not a hit,
`summary.json` the rates of the set, `skipped.jsonl` the manifest rows left out, with reasons.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.confidence_metrics import measure
from analysis.scoring import CONFIDENCE_LEVEL, Rate, Score, Totals, bootstrap, score, total
from analysis.tables import ERROR_COLUMNS, UTTERANCE_COLUMNS, table, utf8
from asr_core.decoder import best_path
from asr_core.decoding import DecodingConfig, build_decoder, record
from asr_core.manifest import SkippedRow, write_manifest

if TYPE_CHECKING:
    import pandas as pd

    from analysis.recognition import Progress, Recognition
    from asr_core.recognizer import Recognizer

FORMAT_VERSION = 1
UTTERANCES, ERRORS, SUMMARY, SKIPPED = FILES = (
    "utterances.parquet",
    "errors.parquet",
    "summary.json",
    "skipped.jsonl",
)
RATES: tuple[Rate, ...] = ("wer", "cer", "ser")
RESAMPLES = 1000
SEED = 0


class EvaluationError(ValueError):
    """An Evaluation folder that cannot be read or written, or a question it cannot answer."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An Evaluation folder, opened."""

    folder: Path
    summary: dict[str, Any]
    utterances: "pd.DataFrame"  # UTTERANCE_COLUMNS, then every manifest field
    errors: "pd.DataFrame"  # ERROR_COLUMNS

    @classmethod
    def open(cls, folder: str | Path) -> "Evaluation":
        """Read an Evaluation folder.

        Raises:
            EvaluationError: no such folder, a file missing or damaged, or a newer format.
        """
        folder = Path(folder).resolve()
        if not folder.is_dir():
            raise EvaluationError(
                f"No evaluation at {folder}. Expected a folder that `python -m analysis evaluate"
                " --out` wrote."
            )
        return cls(
            folder=folder,
            summary=_read_summary(folder / SUMMARY),
            utterances=_read_table(folder / UTTERANCES, UTTERANCE_COLUMNS, key="utterance_id"),
            errors=_read_table(folder / ERRORS, ERROR_COLUMNS),
        )

    @property
    def name(self) -> str:
        return self.summary["name"]

    @property
    def confidence(self) -> dict[str, Any] | None:
        """`ConfidenceMetrics` as JSON; None where no word was heard, or an older program wrote."""
        return self.summary.get("confidence")

    @property
    def manifest_path(self) -> Path:
        """The manifest that was evaluated; it may have moved since."""
        return Path(os.path.normpath(self.folder / self.summary["manifest"]["path"]))

    def page(
        self,
        *,
        sort: str = "errors",
        ascending: bool = False,
        offset: int = 0,
        limit: int = 50,
        only_errors: bool = False,
        search: str = "",
    ) -> tuple["pd.DataFrame", int]:
        """One page of the utterances.

        Args:
            sort: a column; ties keep the manifest's order, nulls come last.
            ascending: smallest first.
            offset: rows before the page.
            limit: rows on the page at most.
            only_errors: leave out the utterances without an error.
            search: literal text to find in reference or hypothesis, in any case.

        Returns:
            The rows of the page, and how many rows there are on all pages.

        Raises:
            EvaluationError: no such column.
        """
        table = self.utterances
        if sort not in table.columns:
            raise EvaluationError(
                f"Cannot sort by {sort!r}. Expected one of: {', '.join(table.columns)}."
            )
        if only_errors:
            table = table[table["errors"] > 0]
        if search:
            wanted = search.lower()
            said = table["text"].str.contains(wanted, regex=False)
            table = table[said | table["pred_text"].str.contains(wanted, regex=False)]
        ranked = table[sort].sort_values(ascending=ascending, kind="stable")
        start = max(offset, 0)
        return table.loc[ranked.index[start : start + max(limit, 0)]], len(table)

    def row(self, utterance_id: str) -> "pd.Series[Any]":
        """One utterance's row (raises KeyError)."""
        return self.utterances.iloc[self._positions[utterance_id]]

    def score(self, utterance_id: str) -> Score:
        """One utterance's alignment, from its stored texts (raises KeyError)."""
        row = self.row(utterance_id)
        return score([row["text"]], [row["pred_text"]])[0]

    def slices(self, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Rates of the utterances that share the values of some columns, in the order of the set.

        Returns:
            A dict a group: `values` (None where a row has none), `utterances`, `rates`.

        Raises:
            EvaluationError: no such column.
        """
        unknown = [field for field in fields if field not in self.utterances.columns]
        if unknown or not fields:
            raise EvaluationError(
                f"Cannot group {self.name} by {', '.join(unknown) or 'nothing'}. Expected of:"
                f" {', '.join(self.utterances.columns)}."
            )
        groups = self.utterances.groupby(list(fields), sort=False, dropna=False)
        found = []
        for _, rows in groups:
            scores = score(rows["text"].tolist(), rows["pred_text"].tolist())
            values = [_plain(rows[field].iloc[0]) for field in fields]
            found.append(
                {"values": values, "utterances": len(rows), "rates": _rates(scores, total(scores))}
            )
        return found

    def audio_path(self, utterance_id: str) -> Path:
        """Where one utterance's recording should be (raises KeyError)."""
        return self.manifest_path.parent / self.row(utterance_id)["audio_filepath"]

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {key: i for i, key in enumerate(self.utterances["utterance_id"])}


def evaluate(
    recognizer: "Recognizer",
    manifest_path: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    decoding: DecodingConfig | None = None,
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
        progress: called after every recording.

    Raises:
        ManifestError: the manifest cannot be read.
        EvaluationError: `out` cannot be written or holds other files, or no row can be scored.
        DecodingConfigError, LexiconError, LanguageModelError: as `build_decoder` raises them.
    """
    from analysis.recognition import recognise_manifest

    out = Path(out).resolve()
    _check_replaceable(out)
    manifest_path = Path(manifest_path)
    # Its folder resolved, itself not: recordings are relative to where a link to it stands.
    manifest_path = manifest_path.parent.resolve() / manifest_path.name
    recognizer, decoded = _decoding_with(recognizer, decoding)
    recognition = recognise_manifest(recognizer, manifest_path, progress)
    _check_scored(recognition)
    try:
        _write_folder(recognition, recognizer, out, name, decoded)
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another folder.") from e
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


def _check_replaceable(out: Path) -> None:
    """Refuse, before any work, to replace what is not an Evaluation."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in out.iterdir()) if out.exists() else []
    except OSError as e:
        raise EvaluationError(f"Cannot write {out}: {e}. Choose another folder.") from e
    foreign = [file for file in found if file not in FILES]
    if foreign:
        raise EvaluationError(
            f"{out} holds {foreign[0]!r}, which is no part of an evaluation. Choose a new or empty"
            " folder, or an evaluation to replace."
        )


def _check_scored(recognition: "Recognition") -> None:
    """Rates of nothing would read as a perfect result."""
    if not recognition.rows:
        first = recognition.skipped[0]
        raise EvaluationError(
            f"None of the {len(recognition.skipped)} rows of {recognition.manifest_path} could be"
            f" scored; line {first.line}: {first.reason}"
        )


def _write_folder(
    recognition: "Recognition",
    recognizer: "Recognizer",
    out: Path,
    name: str | None,
    decoding: dict[str, Any],
) -> None:
    """Write the Evaluation folder beside `out`, then put it in place (raises OSError)."""
    from asr_core.checkpoint import write_json

    part = out.with_name(f".{out.name}.part-{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)  # of a process that crashed
    part.mkdir()
    try:
        utterances = [row.utterance for row in recognition.rows]
        errors = [error for row in recognition.rows for error in row.errors]
        table(utterances, UTTERANCE_COLUMNS).to_parquet(part / UTTERANCES, index=False)
        table(errors, ERROR_COLUMNS).to_parquet(part / ERRORS, index=False)
        write_manifest(part / SKIPPED, (_skipped_record(row) for row in recognition.skipped))
        write_json(part / SUMMARY, _summary(recognition, recognizer, out, name, decoding))
        _replace(out, part)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _replace(out: Path, new: Path) -> None:
    """Rename a folder into the place of another one, which comes back if that fails."""
    if not out.exists():
        new.rename(out)
        return
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    shutil.rmtree(old, ignore_errors=True)
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _skipped_record(row: SkippedRow) -> dict[str, Any]:
    return {"line": row.line, "reason": utf8(row.reason), "raw": utf8(row.raw)}


def _summary(
    recognition: "Recognition",
    recognizer: "Recognizer",
    out: Path,
    name: str | None,
    decoding: dict[str, Any],
) -> dict[str, Any]:
    from asr_core.checkpoint import versions

    scores = [row.score for row in recognition.rows]
    totals = total(scores)
    audio_s = sum(row.utterance["duration_s"] for row in recognition.rows)
    return {
        "format_version": FORMAT_VERSION,
        "name": utf8(name or set_name(recognition.manifest_path)),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": {"name": recognizer.contract.name, "sha256": _weights_sha256(recognizer)},
        "decoding": decoding,
        "manifest": {
            "path": os.path.relpath(recognition.manifest_path, out),
            "sha256": recognition.manifest_sha256,
        },
        "rates": _rates(scores, totals),
        "interval": {
            "level": CONFIDENCE_LEVEL,
            "over": "utterances",
            "resamples": RESAMPLES,
            "seed": SEED,
        },
        "counts": _counts(totals) | {"skipped": len(recognition.skipped)},
        "confidence": _confidence(recognition),
        "audio_s": audio_s,
        "took_s": recognition.took_s,
        "real_time_factor": recognition.took_s / audio_s,
        "versions": versions() | {"jiwer": version("jiwer")},
    }


def _counts(totals: Totals) -> dict[str, int]:
    return {
        "utterances": totals.n_utterances,
        "wrong_utterances": totals.n_wrong,
        "words": totals.n_reference,
        "hits": totals.hits,
        "substitutions": totals.substitutions,
        "deletions": totals.deletions,
        "insertions": totals.insertions,
        "characters": totals.n_char,
        "character_errors": totals.char_errors,
    }


def _confidence(recognition: "Recognition") -> dict[str, Any] | None:
    """What the confidences are worth (see `ConfidenceMetrics`); None where no word was heard."""
    found = measure(
        [sure for row in recognition.rows for sure in row.confidences],
        [right for row in recognition.rows for right in row.score.heard_right],
    )
    return None if found is None else found.to_dict()


def _rates(scores: Sequence[Score], totals: Totals) -> dict[str, dict[str, float]]:
    return {rate: _rate(scores, rate, getattr(totals, rate)) for rate in RATES}


def _rate(scores: Sequence[Score], rate: Rate, value: float) -> dict[str, float]:
    interval = bootstrap(scores, rate=rate, n=RESAMPLES, seed=SEED)
    return {"value": value, "low": interval.low, "high": interval.high}


def _plain(value: Any) -> Any:
    """A cell as JSON has it; None for what is missing."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def set_name(manifest_path: Path) -> str:
    """The manifest's name, or its folder's where it is just called "manifest"."""
    stem = manifest_path.stem
    return manifest_path.parent.name if stem == "manifest" else stem


def _weights_sha256(recognizer: "Recognizer") -> str:
    """The sha256 of the model's model.safetensors."""
    from asr_core.checkpoint import weights_bytes

    return hashlib.sha256(weights_bytes(recognizer.model)).hexdigest()


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        found, _, _ = summary["format_version"], summary["name"], summary["manifest"]["path"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise EvaluationError(
            f"Cannot read {path}: {e!r}. Expected the summary of an evaluation; run"
            " `python -m analysis evaluate` again."
        ) from e
    if found > FORMAT_VERSION:
        raise EvaluationError(
            f"{path} has format version {found}; this program reads up to {FORMAT_VERSION}."
            " Update Misheard."
        )
    return summary


def _read_table(path: Path, columns: Iterable[str], key: str = "") -> Any:
    """A Parquet file that has the columns, and one row a key."""
    import pandas as pd

    again = "Run `python -m analysis evaluate` again."
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as e:  # pyarrow's errors are among these
        raise EvaluationError(f"Cannot read {path}: {e}. {again}") from e
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise EvaluationError(f"{path} has no column {', '.join(missing)}. {again}")
    if key and not table[key].is_unique:
        raise EvaluationError(f"{path} has a repeated {key}. {again}")
    return table
