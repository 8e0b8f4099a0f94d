"""Shards become one Evaluation: its tables written group by group, its rates from all counts.

Twice through the shards: the types of the manifest's columns show only when all their values are
known. Held in memory are counts and confidences, some 100 bytes an utterance, never the tables.
"""

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.confidence_metrics import measure
from analysis.counting import NAMES, Counts, Sums
from analysis.shards import Shards, facts_of
from analysis.summary import counts, rate, rate_of
from analysis.tables import (
    ERROR_COLUMNS,
    UTTERANCE_COLUMNS,
    column,
    column_type,
    kinds_of,
    table,
)
from asr_core.manifest import SkippedRow

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

RAW = ("raw_errors", "raw_n_reference")
HEARD = ("confidences", "heard_right")


@dataclass(frozen=True, eq=False)
class Merged:
    """What all shards say together.

    Attributes:
        shards: they.
        fields: the columns of the manifest, with their types.
        sums: NAMES and RAW, (U,) int64 each; "duration_s" and HEARD, (U,) and (W,).
        skipped: rows left out, in the manifest's order.
        took_s: seconds that workers took, summed.
    """

    shards: Shards
    fields: dict[str, str]
    sums: dict[str, np.ndarray]
    skipped: list[SkippedRow]
    took_s: float

    @property
    def n_utterances(self) -> int:
        return len(self.sums["duration_s"])

    @property
    def audio_s(self) -> float:
        """Seconds of sound, summed in the manifest's order."""
        return sum(self.sums["duration_s"].tolist())

    def utterances(self) -> "pyarrow.RecordBatchReader":
        """UTTERANCE_COLUMNS, then the manifest's, shard by shard."""
        import pyarrow

        schema = _schema(UTTERANCE_COLUMNS | self.fields)
        batches = chain.from_iterable(self._utterances(n, schema) for n in range(len(self.shards)))
        return pyarrow.RecordBatchReader.from_batches(schema, batches)

    def errors(self) -> "pyarrow.RecordBatchReader":
        """ERROR_COLUMNS, shard by shard."""
        import pyarrow

        schema = _schema(ERROR_COLUMNS)
        batches = chain.from_iterable(self._errors(n, schema) for n in range(len(self.shards)))
        return pyarrow.RecordBatchReader.from_batches(schema, batches)

    def _utterances(self, n: int, schema: "pyarrow.Schema") -> "list[pyarrow.RecordBatch]":
        import pyarrow

        shard = self.shards.read(n, [*UTTERANCE_COLUMNS, "fields"])
        records = [json.loads(record) for record in shard["fields"].to_pylist()]
        own = [shard[name] for name in UTTERANCE_COLUMNS]
        fields = (
            column([record.get(name) for record in records], kind)
            for name, kind in self.fields.items()
        )
        whole = pyarrow.Table.from_arrays([*own, *map(_array, fields)], schema=schema)
        return whole.to_batches()

    def _errors(self, n: int, schema: "pyarrow.Schema") -> "list[pyarrow.RecordBatch]":
        import pyarrow

        return [
            pyarrow.RecordBatch.from_arrays(chunk.flatten().flatten(), schema=schema)
            for chunk in self.shards.read(n, ["errors_of"])["errors_of"].chunks
        ]

    def summary(self) -> dict[str, Any]:
        """Counts, rates and what the confidences are worth."""
        counted = Counts(**{name: self.sums[name] for name in NAMES})
        found = measure(*(self.sums[name] for name in HEARD))
        sums = Sums()
        sums.add(counted)
        return {
            "rates": {
                "wer": rate_of(sums.words),
                "cer": rate_of(sums.characters),
                "ser": rate_of(sums.utterances),
            },
            "rates_raw": {"wer": rate(*(self.sums[name] for name in RAW))},
            "counts": counts(sums.totals) | {"skipped": len(self.skipped)},
            "confidence": None if found is None else found.to_dict(),
        }


def merge(shards: Shards) -> Merged:
    """Read what decides types and rates; all shards must be done (raises EvaluationError)."""
    kinds: dict[str, set[type]] = {}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in (*NAMES, *RAW, "duration_s", *HEARD)}
    skipped, took_s = shards.left_out(), 0.0
    for n in range(len(shards)):
        shard = shards.read(n, ["fields", *parts])
        for record in map(json.loads, shard["fields"].to_pylist()):
            for name, value in record.items():
                kinds.setdefault(name, set()).update(kinds_of((value,)))
        for name, arrays in parts.items():
            values = shard[name].combine_chunks()
            arrays.append((values.flatten() if name in HEARD else values).to_numpy(False))
        rows, seconds = facts_of(shard)
        skipped += rows
        took_s += seconds
    return Merged(
        shards=shards,
        fields={name: column_type(types) for name, types in kinds.items()},
        sums={name: np.concatenate([np.zeros(0, int), *some]) for name, some in parts.items()},
        skipped=sorted(skipped, key=lambda row: row.line),
        took_s=took_s,
    )


def _schema(columns: dict[str, str]) -> "pyarrow.Schema":
    """As pandas would have it of a table with these columns."""
    import pyarrow

    return pyarrow.Table.from_pandas(table([], columns), preserve_index=False).schema


def _array(values: "pd.Series[Any]") -> "pyarrow.Array":
    import pyarrow

    return pyarrow.Array.from_pandas(values)
