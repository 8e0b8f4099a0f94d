"""Where errors concentrate: the word error rate of parts of a set, and the worst parts found."""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis import excess
from analysis.conditions import identifier
from analysis.parts import MOST_VALUES, Part, code_of, is_number, parts_of
from analysis.scoring import CONFIDENCE_LEVEL, Interval, interval_of_kinds, ratio
from analysis.store import RESERVED, Store, View
from analysis.summary import RESAMPLES, SEED
from analysis.tables import UTTERANCE_COLUMNS

LONGEST_VALUE = 100  # characters; longer ones are texts
FEWEST_UTTERANCES = 10  # of a part that is tested, and of what it is tested against
FEWEST_WORDS = 30
FALSE_DISCOVERIES = 0.05  # expected share of findings at most
WITH_HINDSIGHT = {"confidence", "tags"}  # they follow from the errors, so they explain none
FEWEST_GROUPS = 10  # speakers of a slice, to draw speakers and not utterances
GROUPS = "speaker"
NESTED = ("[]", "STRUCT", "MAP", "BLOB", "UNION", "JSON")
OUR_FIELDS = {  # of our own columns; the others are texts and outcomes
    *("duration_s", "n_reference", "confidence", "snr_db"),
    *("snr_estimate_db", "clipped_share", "letters_per_s"),
}
NO_FIELDS = (set(UTTERANCE_COLUMNS) - OUR_FIELDS) | {"id", "position", "note"}


@dataclass(frozen=True)
class Field:
    """A column whose values part a set."""

    name: str
    kind: Literal["category", "number"]
    n_values: int  # null not counted


@dataclass(frozen=True)
class Slice(Part):
    """A part and its errors, with the 95 % interval of its rate."""

    utterances: int
    words: int
    errors: int
    wer: float
    low: float
    high: float
    resampled: str  # what the interval's bootstrap draws: "utterances" or "speaker"
    share_of_errors: float
    share_of_words: float


@dataclass(frozen=True)
class Finding:
    """A part, or where two parts meet, with more errors than the rest of the view."""

    slices: tuple[Part, ...]  # one, or two of different fields
    where: str  # all of them, as an SQL condition
    utterances: int
    words: int
    errors: int
    wer: float
    rest_wer: float  # of all other utterances of the view
    excess_errors: float  # above what the rest's rate would give
    share_of_errors: float
    p: float  # as it stands alone
    q: float  # corrected for all parts that were looked at

    @property
    def label(self) -> str:
        return " · ".join(f"{part.field}: {part.label}" for part in self.slices)


def fields(store: Store) -> list[Field]:
    """The columns to group by: no texts, ids, paths, lists or outcomes, nothing constant."""
    candidates = [
        name
        for name, kind in store.types.items()
        if name.removeprefix("manifest_") not in NO_FIELDS and not any(n in kind for n in NESTED)
    ]
    found = {name: _known_field(store, name) for name in candidates}
    if found.get("duration_s") is not None:
        found.pop("duration", None)  # the same, as the manifest says it
    return [field for field in found.values() if field is not None]


def slice_by(view: View, field: str, bins: int = 6) -> list[Slice]:
    """The utterances of a view, by the values of a column.

    Categories come the most frequent first, then all beyond MOST_VALUES as one; numbers come by
    value where there are few and else in bins of about as many utterances each, whose edges are
    rounded: from the lower one up to but without the upper one. Last come those without a value.

    The interval is the percentile bootstrap of the summary; it draws speakers where a slice has
    FEWEST_GROUPS of them, else utterances. For utterances that are all alike see `_alike`.

    Raises:
        EvaluationError: no such column, or fewer than 2 bins.
    """
    parts = parts_of(view, field, bins)
    code = code_of(parts)
    kinds = _table(view, f"{code} AS part, errors, n_reference, count(*)")
    groups = None
    if GROUPS in view.store.types and field != GROUPS:
        sums = "sum(errors)::BIGINT AS e, sum(n_reference)::BIGINT AS n"
        by_group = f"SELECT {code} AS part, {sums} FROM matched GROUP BY 1, {GROUPS}"
        groups = _table(view, "part, e, n, count(*)", f"({by_group})")
    errors, words = (int(kinds[:, i] @ kinds[:, 3]) for i in (1, 2))
    wrong = kinds[kinds[:, 1] > 0]
    wrong_rate = ratio(errors, int(wrong[:, 2] @ wrong[:, 3])) if len(wrong) else 1.0
    made = []
    for i, part in enumerate(parts):
        own = kinds[kinds[:, 0] == i, 1:]
        if len(own):
            drawn = None if groups is None else groups[groups[:, 0] == i, 1:]
            made.append(_slice(part, own, drawn, (errors, words), wrong_rate))
    return made


def worst(view: View, max_fields: int = 20, limit: int = 20) -> list[Finding]:
    """Where the errors of a view concentrate: the worst parts, and the worst meetings of two.

    Every part of every field that is large enough is tested against the rest of the view (see
    `analysis.excess`), and every meeting of two parts against the rest, and within each of the two:
    its p value is the largest of the three (an intersection-union test: Berger 1982), so a meeting
    is found only where it is worse than both of its parts. Findings are those that remain at a
    false discovery rate of FALSE_DISCOVERIES over all of these tests, single parts weighing as
    much as pairs, the most excess errors first. A finding says where, not why: parts overlap, and
    utterances of one speaker are tested as if they were independent.

    Args:
        view: the utterances.
        max_fields: how many of `fields` are looked at, in their order; those of WITH_HINDSIGHT are
            not.
        limit: findings at most.
    """
    names = [f.name for f in fields(view.store) if f.name not in WITH_HINDSIGHT][:max_fields]
    parts = {name: parts_of(view, name) for name in names}
    codes = ", ".join(f"{code_of(parts[name])} AS c{i}" for i, name in enumerate(names))
    if not names:
        return []
    table = view.arrays(f"SELECT errors, n_reference, {codes} FROM matched")
    each = excess.terms(table["errors"], table["n_reference"])
    coded = {name: table[f"c{i}"] for i, name in enumerate(names)}
    tested = [
        test for test in _tested(parts, coded, each) if not any(map(_is_unmeasured, test.parts))
    ]
    q = excess.false_discovery_rates(
        np.array([test.p for test in tested]),
        np.array([len(test.parts) - 1 for test in tested], dtype=np.int64),
    )
    whole = each.whole
    found = [
        _finding(*pair, whole)
        for pair in zip(tested, q, strict=True)
        if pair[1] <= FALSE_DISCOVERIES
    ]
    found.sort(key=lambda finding: (-finding.excess_errors, len(finding.slices), finding.where))
    return found[: max(limit, 0)]


def _is_unmeasured(part: Part) -> bool:
    """Where our own measure could not be taken, which is no property that a person could act on."""
    return part.kind == "missing" and part.field in UTTERANCE_COLUMNS


@dataclass(frozen=True)
class _Test:
    parts: tuple[Part, ...]
    sums: np.ndarray  # (8,) of `excess.terms`
    p: float


def _tested(
    parts: dict[str, list[Part]], coded: dict[str, np.ndarray], each: excess.Terms
) -> list[_Test]:
    """All tests; what are the very same utterances is tested once, as a single part if it is one.

    Args:
        parts: a field -> its parts.
        coded: a field -> (U,) the part of each utterance.
        each: what is summed.
    """
    whole = each.whole[:, np.newaxis]
    sums = {name: each.sums_by(coded[name].astype(np.int64), len(parts[name])) for name in parts}
    tests: dict[tuple[float, ...], _Test] = {}
    for name in parts:
        p = excess.p_of_excess(sums[name], whole)
        large = _large(sums[name]) & _large(whole - sums[name])
        for i in np.flatnonzero(large):
            _keep(tests, (parts[name][i],), sums[name][:, i], p[i])
    for a, b in itertools.combinations(parts, 2):
        size = len(parts[b])
        codes = coded[a].astype(np.int64) * size + coded[b]
        cells = each.sums_by(codes, len(parts[a]) * size)
        wholes = (whole, np.repeat(sums[a], size, axis=1), np.tile(sums[b], len(parts[a])))
        large = _large(cells) & np.all([_large(around - cells) for around in wholes], axis=0)
        kept = np.flatnonzero(large)
        within = [around if around is whole else around[:, kept] for around in wholes]
        p = np.max([excess.p_of_excess(cells[:, kept], around) for around in within], axis=0)
        for i, cell_p in zip(kept, p, strict=True):
            _keep(tests, (parts[a][i // size], parts[b][i % size]), cells[:, i], cell_p)
    return list(tests.values())


def _large(sums: np.ndarray) -> np.ndarray:
    return (sums[excess.UTTERANCES] >= FEWEST_UTTERANCES) & (sums[excess.WORDS] >= FEWEST_WORDS)


def _keep(
    tests: dict[tuple[float, ...], _Test], parts: tuple[Part, ...], sums: np.ndarray, p: float
) -> None:
    if all(part.kind != "others" for part in parts):
        tests.setdefault(tuple(sums.round(6)), _Test(parts, sums, float(p)))


def _finding(test: _Test, q: float, whole: np.ndarray) -> Finding:
    n, errors, words = (int(test.sums[i]) for i in range(3))
    rest_wer = float((whole[excess.ERRORS] - errors) / (whole[excess.WORDS] - words))
    return Finding(
        slices=test.parts,
        where=" AND ".join(f"({part.where})" for part in test.parts),
        utterances=n,
        words=words,
        errors=errors,
        wer=ratio(errors, words),
        rest_wer=rest_wer,
        excess_errors=errors - rest_wer * words,
        share_of_errors=float(errors / whole[excess.ERRORS]),
        p=test.p,
        q=float(q),
    )


def _known_field(store: Store, name: str) -> Field | None:
    """`_field`, found once: to look through a million values takes a while. Notes change."""
    if name in RESERVED:
        return _field(store, name)
    return store.remembered(f"field {name}", lambda: _field(store, name))


def _field(store: Store, name: str) -> Field | None:
    """A column as a field, if it parts a set."""
    column, kind = identifier(name), store.types[name]
    is_text = kind == "VARCHAR"
    text = f"coalesce(max(length({column})), 0)" if is_text else "0"
    nested = f"coalesce(bool_and({column}[1] IN ('[', '{{')), false)" if is_text else "false"
    [row] = store.ask(
        f"SELECT count(*) AS rows, count({column}) AS n, count(DISTINCT {column}) AS n_values,"
        f" {text} AS longest, {nested} AS nested FROM utterances"
    )
    n, n_values = row["n"], row["n_values"]
    if n_values + (row["rows"] > n) < 2 or row["nested"] or row["longest"] > LONGEST_VALUE:
        return None
    if is_number(kind):
        is_id = "INT" in kind and n_values == n > MOST_VALUES
        return None if is_id else Field(name, "number", n_values)
    nearly_each = n_values > n / 2
    return None if nearly_each else Field(name, "category", n_values)


def _table(view: View, columns: str, table: str = "matched") -> np.ndarray:
    """Kinds of utterances, or of groups, sorted: (K, 4) part, errors, words, how many."""
    rows = view.ask(f"SELECT {columns} AS times FROM {table} GROUP BY ALL ORDER BY ALL")
    cells = [list(row.values()) for row in rows if row["part"] is not None]
    return np.array(cells, dtype=np.int64).reshape(-1, 4)


def _slice(
    part: Part,
    kinds: np.ndarray,
    groups: np.ndarray | None,
    of_view: tuple[int, int],
    wrong_rate: float,
) -> Slice:
    """A slice from its kinds of utterances, and of groups: (K, 3) errors, words, how many."""
    utterances = int(kinds[:, 2].sum())
    errors, words = (int(kinds[:, i] @ kinds[:, 2]) for i in (0, 1))
    rates = kinds[:, 0] / np.maximum(kinds[:, 1], 1)
    resampled = "utterances"
    if rates.min() == rates.max():
        interval = _alike(ratio(errors, words), utterances, wrong_rate)
    elif groups is not None and groups[:, 2].sum() >= FEWEST_GROUPS:
        interval, resampled = _interval(groups), GROUPS
    else:
        interval = _interval(kinds)
    return Slice(
        **vars(part),
        utterances=utterances,
        words=words,
        errors=errors,
        wer=ratio(errors, words),
        low=interval.low,
        high=interval.high,
        resampled=resampled,
        share_of_errors=ratio(errors, of_view[0]),
        share_of_words=ratio(words, of_view[1]),
    )


def _interval(kinds: np.ndarray) -> Interval:
    return interval_of_kinds(kinds[:, :2], kinds[:, 2], n=RESAMPLES, seed=SEED)


def _alike(rate: float, utterances: int, wrong_rate: float) -> Interval:
    """The interval of a slice whose utterances all have one rate, 0 for instance.

    Resampling them gives that rate and nothing else, however few they are. What n utterances do
    not show may still be true of a share of 1 - 0.025^(1/n) of all (Clopper and Pearson 1934; for
    large n about 3.7 / n, kin of the rule of three, Hanley and Lippman-Hand 1983). Such others may
    have no error at all, or the rate of the view's wrong utterances.

    Args:
        rate: of every utterance.
        utterances: how many there are.
        wrong_rate: of the view's wrong utterances.
    """
    unseen = 1 - ((1 - CONFIDENCE_LEVEL) / 2) ** (1 / utterances)
    return Interval((1 - unseen) * rate, (1 - unseen) * rate + unseen * max(rate, wrong_rate))
