"""How a measure of recordings is distributed, split by split: bars that lead to their recordings.

Counted in SQL by the very comparisons of each bar's condition, so that a bar holds what it says.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.conditions import equals, identifier, literal
from analysis.store import View
from asr_core.recording_measures import PROFILE_BANDS, band_centres_hz

BINS = 30  # of a measure, at most, but for the open ones: 10 pixels each on a phone
TAILS = (0.005, 0.995)  # what lies beyond goes into open bars, so that it does not flatten the rest
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # times a power of ten: edges that can be read
CATEGORIES = 12
OTHERS = "others"
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
PROFILED = 20_000  # recordings of a split whose bands are averaged


@dataclass(frozen=True)
class Bar:
    """Recordings of a split in a bin.

    Attributes:
        split: which one.
        bin: which one, from 0.
        count: how many recordings.
        share: of the split's recordings that have a value.
        hours: that they last.
        where: the SQL condition that leads to them.
    """

    split: str
    bin: int
    count: int
    share: float
    hours: float
    where: str


@dataclass(frozen=True)
class Distribution:
    """Bars over bins that all splits share.

    Attributes:
        column: what was counted.
        edges: (n_bins + 1,) of a measure, the outer ones infinite where they are open; else empty.
        names: (n_bins,) values of a column of names, None where there is none; else empty.
        splits: in the Description's order, those without any value, too.
        bars: by split and bin; empty bars are left out.
        missing: recordings without a value, in a bar of bin -1 a split.
        whole: values are whole numbers.
    """

    column: str
    edges: tuple[float, ...]
    names: tuple[Any, ...]
    splits: tuple[str, ...]
    bars: tuple[Bar, ...]
    missing: tuple[Bar, ...]
    whole: bool = False

    @property
    def n_bins(self) -> int:
        return len(self.names) or max(len(self.edges) - 1, 0)

    def of(self, split: str) -> list[Bar]:
        """A split's bars, in the order of their bins."""
        return [bar for bar in self.bars if bar.split == split]


@dataclass(frozen=True)
class Profile:
    """Which frequencies carry the signal: the mean level of mel bands, split by split.

    Attributes:
        centres_hz: (PROFILE_BANDS,) the middle of each band.
        levels_db: split -> (PROFILE_BANDS,) dB of full scale; None above what any file holds.
    """

    centres_hz: tuple[float, ...]
    levels_db: Mapping[str, tuple[float | None, ...]]


def distribution(
    view: View, column: str, splits: Sequence[str], edges: Sequence[float] = ()
) -> Distribution:
    """A measure over bins (raises FilterError).

    Args:
        view: the recordings.
        column: a column of numbers.
        splits: names, in order.
        edges: of the bins, the outer ones may be infinite; else about BINS of equal width.
    """
    edges = tuple(map(float, edges)) or _edges(view, column)
    missing = _missing(view, column)
    if not edges:
        return Distribution(column, (), (), tuple(splits), (), missing)
    name = identifier(column)
    n_bins = len(edges) - 1
    conditions = []
    for i in range(n_bins):
        # The outer bins take everything: edges of floats could leave a value out.
        low = [f"{name} >= {literal(edges[i])}"] if i > 0 else []
        high = [f"{name} < {literal(edges[i + 1])}"] if i < n_bins - 1 else []
        conditions.append(" AND ".join([*low, *high]) or f"{name} IS NOT NULL")
    bars = _bars(view, column, conditions)
    return Distribution(column, edges, (), tuple(splits), bars, missing, _is_whole(view, column))


def categories(view: View, column: str, splits: Sequence[str]) -> Distribution:
    """A column of names or codes: its commonest values, and all others as one (raises FilterError).

    The one bin of all others has the name OTHERS and is the last.
    """
    values = _commonest(view, column, "count(*)", CATEGORIES + 1)
    rest = values[CATEGORIES - 1 :] if len(values) > CATEGORIES else []
    values = values[: len(values) - len(rest)]
    conditions = [equals(column, value) for value in values]
    if rest:
        conditions.append(f"{identifier(column)} NOT IN ({', '.join(map(literal, values))})")
    names = (*values, *([OTHERS] if rest else []))
    bars = _bars(view, column, conditions)
    return Distribution(column, (), names, tuple(splits), bars, _missing(view, column))


def speakers(view: View, splits: Sequence[str], most: int = 40) -> Distribution:
    """The speakers with the most sound, each with a bar in every split that has them."""
    values = _commonest(view, "speaker", "coalesce(sum(duration_s), 0)", most)
    bars = _bars(view, "speaker", [equals("speaker", value) for value in values])
    return Distribution(
        "speaker", (), tuple(values), tuple(splits), bars, _missing(view, "speaker")
    )


def profile(view: View) -> Profile:
    """The mean of the recordings' mel bands in dB, each band of those that reach up to it."""
    some = (
        "SELECT split, bands_db, sample_rate FROM matched WHERE bands_db IS NOT NULL QUALIFY"
        f" row_number() OVER (PARTITION BY split ORDER BY hash(utterance_id)) <= {PROFILED}"
    )
    bands = f"unnest(range({PROFILE_BANDS})) AS band"
    found = view.ask(
        "SELECT split, band, avg(level) FILTER (hz < sample_rate / 2) AS level"
        f" FROM (SELECT split, sample_rate, unnest(bands_db) AS level, {bands} FROM ({some}))"
        f" JOIN (SELECT unnest(?::DOUBLE[]) AS hz, {bands}) USING (band)"
        " GROUP BY split, band ORDER BY split, band",
        [list(band_centres_hz())],
    )
    levels: dict[str, list[float | None]] = {}
    for row in found:
        levels.setdefault(row["split"], []).append(row["level"])
    return Profile(band_centres_hz(), {split: tuple(each) for split, each in levels.items()})


def _bars(view: View, column: str, conditions: Sequence[str]) -> tuple[Bar, ...]:
    """The recordings of each split that each condition lets through, and no one before it."""
    if not conditions:
        return ()
    name = identifier(column)
    cases = " ".join(f"WHEN {each} THEN {i}" for i, each in enumerate(conditions))
    counted = view.ask(
        f"SELECT split, CASE {cases} END AS bin, count(*) AS n,"
        " coalesce(sum(duration_s), 0) / 3600 AS hours"
        f" FROM matched WHERE {name} IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    totals: Counter[str] = Counter()
    for row in counted:
        totals[row["split"]] += row["n"]
    return tuple(
        Bar(
            split=row["split"],
            bin=row["bin"],
            count=row["n"],
            share=row["n"] / totals[row["split"]],
            hours=row["hours"],
            where=f"{equals('split', row['split'])} AND {conditions[row['bin']]}",
        )
        for row in counted
        if row["bin"] is not None
    )


def _missing(view: View, column: str) -> tuple[Bar, ...]:
    condition = equals(column, None)
    counted = view.ask(
        "SELECT split, count(*) AS n, coalesce(sum(duration_s), 0) / 3600 AS hours FROM matched"
        f" WHERE {condition} GROUP BY split ORDER BY split"
    )
    return tuple(
        Bar(
            split=row["split"],
            bin=-1,
            count=row["n"],
            share=0.0,
            hours=row["hours"],
            where=f"{equals('split', row['split'])} AND {condition}",
        )
        for row in counted
    )


def _commonest(view: View, column: str, by: str, most: int) -> list[Any]:
    """The values of a column with the most of an aggregate; nulls are none."""
    name = identifier(column)
    found = view.ask(
        f"SELECT {name} AS value FROM matched WHERE {name} IS NOT NULL"
        f" GROUP BY {name} ORDER BY {by} DESC, {name} LIMIT {most}"
    )
    return [row["value"] for row in found]


def _edges(view: View, column: str) -> tuple[float, ...]:
    """Bins of a round width over nearly all values; the outer ones take what lies beyond."""
    name = identifier(column)
    low, high = TAILS
    [found] = view.ask(
        f"SELECT min({name}) AS least, max({name}) AS most, quantile_cont({name}, {low}) AS low,"
        f" quantile_cont({name}, {high}) AS high FROM matched WHERE isfinite({name}::DOUBLE)"
    )
    if found["least"] is None:
        return ()
    whole = _is_whole(view, column)
    step = _step(float(found["high"]) - float(found["low"]), whole=whole)
    first, last = math.floor(found["low"] / step), math.floor(found["high"] / step) + 1
    edges = [round(step * i, 12) for i in range(first, last + 1)]
    if found["least"] < edges[0]:
        edges.insert(0, -math.inf)
    if found["most"] >= edges[-1]:
        edges.append(math.inf)
    return tuple(edges)


def _is_whole(view: View, column: str) -> bool:
    return view.store.types.get(column, "") in WHOLE


def _step(width: float, *, whole: bool) -> float:
    """The smallest round step that needs no more than BINS bins."""
    least = max(width / BINS, 1.0 if whole else 1e-9)
    if width <= 0 and not whole:
        return 1.0
    power = 10 ** math.floor(math.log10(least))
    steps = (round(each * power, 12) for each in STEPS)
    return next(s for s in steps if s >= least * (1 - 1e-9) and (not whole or s == int(s)))
