"""Shards become one Evaluation: its tables written group by group, its rates from all counts.

Twice through the shards: the types of the manifest's columns show only when all their values are
known. Held in memory are counts and confidences, some 100 bytes an utterance, never the tables.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.confidence_metrics import measure
from analysis.counting import NAMES, Counts
from analysis.shards import Shards, facts_of
from analysis.summary import counts, rate
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

    def utterances(self) -> "Iterator[pyarrow.Table]":
        """UTTERANCE_COLUMNS, then the manifest's: a table a shard; the first one is empty."""
        import pyarrow

        schema = _schema(UTTERANCE_COLUMNS | self.fields)
        yield schema.empty_table()
        for n in range(len(self.shards)):
            shard = self.shards.read(n, [*UTTERANCE_COLUMNS, "fields"])
            records = [json.loads(record) for record in shard["fields"].to_pylist()]
            own = [shard[name] for name in UTTERANCE_COLUMNS]
            fields = (
                column([record.get(name) for record in records], kind)
                for name, kind in self.fields.items()
            )
            yield pyarrow.Table.from_arrays([*own, *map(_array, fields)], schema=schema)

    def errors(self) -> "Iterator[pyarrow.Table]":
        """ERROR_COLUMNS: a table a shard; the first one is empty."""
        import pyarrow

        schema = _schema(ERROR_COLUMNS)
        yield schema.empty_table()
        for n in range(len(self.shards)):
            for chunk in self.shards.read(n, ["errors_of"])["errors_of"].chunks:
                yield pyarrow.Table.from_arrays(chunk.flatten().flatten(), schema=schema)

    def summary(self) -> dict[str, Any]:
        """Counts, rates and what the confidences are worth."""
        counted = Counts(**{name: self.sums[name] for name in NAMES})
        found = measure(*(self.sums[name] for name in HEARD))
        wrong = (counted.errors > 0).astype(np.int64)
        return {
            "rates": {
                "wer": rate(counted.errors, counted.n_reference),
                "cer": rate(counted.char_errors, counted.n_char),
                "ser": rate(wrong, np.ones_like(wrong)),
            },
            "rates_raw": {"wer": rate(*(self.sums[name] for name in RAW))},
            "counts": counts(counted.totals) | {"skipped": len(self.skipped)},
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
