"""Predictions, batch by batch, become the two tables of an Evaluation and the sums over them."""

import math
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.columns import FreeColumns, SpooledColumns
from analysis.counting import NAMES, Edits, Sums, count
from analysis.names import UniqueNames
from analysis.normalisation import Normaliser
from analysis.predictions import HeardWord, Prediction
from analysis.store import RESERVED
from analysis.tables import ERROR_COLUMNS, UTTERANCE_COLUMNS, field_column, number, utf8

if TYPE_CHECKING:
    import pyarrow

Timed = list[HeardWord] | None  # the words heard after normalisation; None where no time is known

OURS = (*UTTERANCE_COLUMNS, *RESERVED, "file_row_number")  # the last is DuckDB's
COUNTED = (*NAMES, "errors", "n_reference", "wer", "cer")


class ScoredTables:
    """The tables of an Evaluation, which grow by batches of predictions.

    Attributes:
        sums: of every utterance, normalised.
        raw_sums: of every utterance as the files have it.
        audio_s: the sum of the durations; None where a row does not state its own.
        sure: confidences of words heard, where the system says them.
        right: whether each of those words was said.

    Args:
        normalise: what both texts go through before they are compared.
        from_text: fields are text even where they are numbers (see `FreeColumns`).
        folder: where the tables wait as they grow (raises OSError, as `add` does).
    """

    def __init__(self, normalise: Normaliser, *, from_text: bool, folder: Path) -> None:
        self._normalise = normalise
        self._utterances = SpooledColumns(UTTERANCE_COLUMNS, folder)
        self._errors = SpooledColumns(ERROR_COLUMNS, folder)
        self._fields = FreeColumns(from_text=from_text)
        self._names = UniqueNames()
        self.sums = Sums()
        self.raw_sums = Sums()
        self.audio_s: float | None = 0.0
        self.sure: list[float] = []
        self.right: list[bool] = []

    def __bool__(self) -> bool:
        return self.sums.totals.n_utterances > 0

    def utterances(self) -> "pyarrow.RecordBatchReader":
        """UTTERANCE_COLUMNS, then every other field; to be read once."""
        import pyarrow

        fields = self._fields.columns()
        schema = self._utterances.schema
        for name, column in fields.items():
            schema = schema.append(pyarrow.field(name, column.type))
        return pyarrow.RecordBatchReader.from_batches(schema, self._with(fields, schema))

    def _with(
        self, fields: "dict[str, pyarrow.ChunkedArray]", schema: "pyarrow.Schema"
    ) -> "Iterator[pyarrow.RecordBatch]":
        import pyarrow

        at = 0
        for batch in self._utterances.batches():
            others = [column.slice(at, len(batch)) for column in fields.values()]
            at += len(batch)
            yield from pyarrow.Table.from_arrays(
                [*batch.columns, *others], schema=schema
            ).to_batches()

    def errors(self) -> "pyarrow.RecordBatchReader":
        """ERROR_COLUMNS; to be read once."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_batches(self._errors.schema, self._errors.batches())

    def add(self, rows: Sequence[Prediction]) -> None:
        """Score a batch and keep what the tables need of it."""
        if not rows:
            return
        raw = [utf8(row.text) for row in rows], [utf8(row.pred_text) for row in rows]
        said, heard = ([self._normalise(text) for text in texts] for texts in raw)
        keys = [self._names.take(_wanted(row)) for row in rows]
        timed = [_heard_words(row, self._normalise) for row in rows]
        counted, edits = count(said, heard)
        counted_raw = counted if (said, heard) == raw else count(*raw)[0]
        self.sums.add(counted)
        self.raw_sums.add(counted_raw)
        self._keep_sums(rows, timed, edits)
        self._errors.add(**_error_columns(keys, edits, timed))
        self._fields.add([_columns(row.fields) for row in rows])
        self._utterances.add(
            utterance_id=keys,
            audio_filepath=[row.audio and utf8(row.audio) for row in rows],
            text=said,
            text_raw=raw[0],
            pred_text=heard,
            pred_raw=raw[1],
            duration_s=[row.duration_s for row in rows],
            raw_errors=counted_raw.errors,
            raw_n_reference=counted_raw.n_reference,
            confidence=[_least_sure(words) for words in timed],
            snr_db=[_finite(row.fields.get("snr_db")) for row in rows],
            **{name: getattr(counted, name) for name in COUNTED},
        )

    def _keep_sums(self, rows: Sequence[Prediction], timed: Sequence[Timed], edits: Edits) -> None:
        for row in rows:
            if self.audio_s is not None:
                self.audio_s = None if row.duration_s is None else self.audio_s + row.duration_s
        wrong = set(zip(edits.utterance, edits.heard_index, strict=True))
        for place, words in enumerate(timed):
            for i, word in enumerate(words or ()):
                if word.confidence is not None:
                    self.sure.append(word.confidence)
                    self.right.append((place, i) not in wrong)


def _wanted(row: Prediction) -> str:
    """What an utterance is called, unless another one is."""
    if row.key is not None:
        return utf8(row.key)
    if row.audio is None:
        return f"line-{row.line}"
    return utf8(os.path.splitext(os.path.basename(row.audio))[0])  # noqa: PTH119, PTH122  # quick


def _heard_words(row: Prediction, normalise: Normaliser) -> Timed:
    """The words heard as they are compared; one written word may become several, or none."""
    if row.words is None:
        return None
    return [
        word._replace(text=text)
        for word in row.words
        for text in normalise(utf8(word.text)).split()
    ]


def _least_sure(words: Timed) -> float | None:
    if not words:
        return None
    known = (word.confidence for word in words if word.confidence is not None)
    return min(known, default=None)


def _error_columns(keys: Sequence[str], edits: Edits, timed: Sequence[Timed]) -> dict[str, Any]:
    """The columns of `errors`; a deleted word has no time."""
    heard = [
        None if i is None or (words := timed[place]) is None else words[i]
        for place, i in zip(edits.utterance, edits.heard_index, strict=True)
    ]
    return {
        "utterance_id": [keys[place] for place in edits.utterance],
        "op": edits.op,
        "reference": edits.reference,
        "heard": edits.heard,
        "reference_index": edits.reference_index,
        "heard_index": edits.heard_index,
        "start_s": [word and word.start_s for word in heard],
        "end_s": [word and word.end_s for word in heard],
        "confidence": [word and word.confidence for word in heard],
    }


def _finite(value: Any) -> float | None:
    found = None if value is None else number(value)
    return found if found is not None and math.isfinite(found) else None


@lru_cache
def _column(name: str) -> str:
    return field_column(name, OURS)


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    """Every field but an `snr_db` that our own column already says."""
    return {
        _column(name): value
        for name, value in fields.items()
        if name != "snr_db" or (value is not None and number(value) is None)
    }
