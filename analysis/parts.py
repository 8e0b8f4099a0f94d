"""The parts of a set: the utterances of each value of a column, or of each bin of its values."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.conditions import equals, identifier, literal
from analysis.evaluation import EvaluationError
from analysis.store import LONGEST_CONDITION, View

MOST_VALUES = 50  # of a category, each a part; the others are one part together
NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")  # in the names of DuckDB's types of numbers

Kind = Literal["value", "bin", "others", "missing"]


@dataclass(frozen=True)
class Part:
    """The utterances of a field's value, or of a bin of values."""

    field: str
    label: str  # in English where `kind` is "others" or "missing"
    where: str  # the same as an SQL condition
    kind: Kind


def parts_of(view: View, field: str, bins: int = 6) -> list[Part]:
    """The parts of a view by a column (see `slice_by`); some may be empty.

    Raises:
        EvaluationError: no such column, or fewer than 2 bins.
    """
    if field not in view.store.types or bins < 2:
        raise EvaluationError(
            f"Cannot group by {field!r} in {bins} bins. Expected at least 2 bins of one of:"
            f" {', '.join(view.store.columns)}."
        )
    number = is_number(view.store.types[field])
    parts = _numbers(view, field, bins) if number else _categories(view, field)
    return [*parts, Part(field, "no value", equals(field, None), "missing")]


def code_of(parts: Sequence[Part]) -> str:
    """SQL of the number of the part that an utterance is in."""
    cases = " ".join(f"WHEN {part.where} THEN {i}" for i, part in enumerate(parts))
    return f"(CASE {cases} END)::USMALLINT"


def is_number(kind: str) -> bool:
    return any(name in kind for name in NUMBERS)


def _categories(view: View, field: str) -> list[Part]:
    column = identifier(field)
    rows = view.ask(
        f"SELECT {column} AS value, count(*) AS n FROM matched WHERE {column} IS NOT NULL"
        f" GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MOST_VALUES + 1}"
    )
    values = [row["value"] for row in rows]
    named = _fitting(values[:MOST_VALUES])
    parts = [Part(field, _shown(value), equals(field, value), "value") for value in named]
    if len(values) > len(named):
        texts = ", ".join(literal(str(value)) for value in named)
        others = f"{column}::VARCHAR NOT IN ({texts})" if named else f"{column} IS NOT NULL"
        parts.append(Part(field, "others", others, "others"))
    return parts


def _fitting(values: Sequence[Any]) -> list[Any]:
    """The first values whose names fit into one condition."""
    lengths = np.cumsum([len(literal(value)) + len(", ") for value in values])
    return list(values[: int(np.searchsorted(lengths, LONGEST_CONDITION // 2))])


def _numbers(view: View, field: str, bins: int) -> list[Part]:
    column = identifier(field)
    values = view.ask(
        f"SELECT DISTINCT {column} AS value FROM matched WHERE {column} IS NOT NULL ORDER BY 1"
        f" LIMIT {2 * bins + 1}"
    )
    if len(values) <= 2 * bins:
        found = [row["value"] for row in values]
        return [Part(field, _shown(value), equals(field, value), "value") for value in found]
    steps = [i / bins for i in range(1, bins)]
    [row] = view.ask(
        f"SELECT quantile_disc({column}, {steps}) AS edges FROM matched"
        f" WHERE isfinite({column}::DOUBLE)"
    )
    return list(_bins(field, readable(map(float, row["edges"]))))


def readable(edges: Iterable[float]) -> list[float]:
    """Edges rounded as far as they stay apart, without repetition."""
    exact = sorted(set(edges))
    gaps = np.diff(exact)
    step = float(gaps.min()) if len(gaps) else abs(exact[0]) / 10
    digits = math.ceil(-math.log10(step)) if step > 0 else 0
    return sorted({round(edge, digits) for edge in exact})


def _bins(field: str, edges: Sequence[float]) -> Iterable[Part]:
    column = identifier(field)
    shown, sql = [_shown(edge) for edge in edges], [literal(edge) for edge in edges]
    yield Part(field, f"< {shown[0]}", f"{column} < {sql[0]}", "bin")
    for i in range(len(edges) - 1):
        inside = f"{column} >= {sql[i]} AND {column} < {sql[i + 1]}"
        yield Part(field, f"{shown[i]} – {shown[i + 1]}", inside, "bin")
    yield Part(field, f"≥ {shown[-1]}", f"{column} >= {sql[-1]}", "bin")


def _shown(value: Any) -> str:
    """A value as a label."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
