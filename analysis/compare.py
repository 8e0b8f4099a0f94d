"""A against B, or N systems, on the same utterances: who is better, where, and is it sure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from analysis.evaluation import Evaluation
from analysis.pairing import (
    CHANGES,
    OUTCOMES,
    SEGMENTS,
    CompareError,
    LeftOut,
    Pairing,
    pair,
)
from analysis.scoring import Interval, Rate, interval_of_kinds, ratio
from analysis.significance import (
    CHANCE,
    RESAMPLES,
    SEED,
    Difference,
    MatchedPairs,
    McNemar,
    bootstrap_difference,
    holm,
    matched_pairs,
    mcnemar,
)

RATE_COLUMNS: dict[Rate, tuple[str, str]] = {  # of `pairs`: errors of a side; their divisor
    "wer": ("{}_errors", "n_reference"),
    "cer": ("{}_char_errors", "n_char"),
    "ser": ("({}_errors > 0)::BIGINT", "1"),
}
MOST_WORDS = 10  # of each of the lists of words

Join = Callable[[Evaluation, Evaluation, Sequence[Evaluation]], Pairing]  # see `pair`


@dataclass(frozen=True)
class System:
    """What made an Evaluation."""

    name: str  # of the model, or of the program whose predictions were imported
    set: str
    decoder: str  # see `decoder_name`
    folder: str


@dataclass(frozen=True)
class Word:
    """A word of the references: how often B has right what A had wrong, and the other way."""

    word: str
    fixed: int
    introduced: int


@dataclass(frozen=True)
class Comparison:
    """B against A, on the utterances that both have with the same reference."""

    a: System
    b: System
    n_utterances: int
    n_words: int
    a_errors: int
    b_errors: int
    left_out: LeftOut
    rates: dict[Rate, Difference]
    matched_pairs: MatchedPairs
    mcnemar: McNemar
    outcomes: dict[str, int]  # utterances of each of OUTCOMES
    changes: dict[str, int]  # words of the references, of each of CHANGES
    a_insertions: int
    b_insertions: int
    most_fixed: tuple[Word, ...]  # by how much oftener they were fixed than introduced
    most_introduced: tuple[Word, ...]  # the other way

    @property
    def is_chance(self) -> bool:
        """Whether two equally good systems would often differ as much."""
        return self.matched_pairs.p >= CHANCE

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Estimate:
    """A rate and where it lies with 95 % confidence."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Row:
    """One of N systems on the utterances that all of them have; differences are to the first."""

    system: System
    rates: dict[Rate, Estimate]
    difference: Difference | None  # of the WER; None for the first
    p: float | None  # of the matched-pairs test
    p_corrected: float | None  # for the number of systems (Holm)


@dataclass(frozen=True)
class Table:
    """N systems against the first of them."""

    rows: tuple[Row, ...]
    n_utterances: int
    n_words: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def compare(a: Evaluation, b: Evaluation) -> Comparison:
    """B against A on what they have in common (raises CompareError)."""
    return of_pairing(pair(a, b))


def all_with_first(evaluations: Sequence[Evaluation]) -> tuple[Table, list[Comparison]]:
    """`table`, and each of the others compared with the first; two are joined only once.

    Raises:
        CompareError: there are fewer than two, or they have no utterance in common.
    """
    if len(evaluations) == 2:
        pairing = pair(evaluations[0], evaluations[1])
        return table(evaluations, lambda *_: pairing), [of_pairing(pairing)]
    rows = table(evaluations)
    return rows, [compare(evaluations[0], other) for other in evaluations[1:]]


def of_pairing(pairing: Pairing) -> Comparison:
    """The comparison of two Evaluations that were joined."""
    [sums] = pairing.ask(
        "SELECT count(*) AS n_utterances, sum(n_reference)::BIGINT AS n_words,"
        " sum(a_errors)::BIGINT AS a_errors, sum(b_errors)::BIGINT AS b_errors,"
        " count(*) FILTER (a_errors = 0 AND b_errors > 0) AS only_a,"
        " count(*) FILTER (a_errors > 0 AND b_errors = 0) AS only_b FROM pairs"
    )
    right = mcnemar(sums.pop("only_a"), sums.pop("only_b"))
    [between] = pairing.ask(
        "SELECT coalesce(sum(a), 0)::BIGINT AS a, coalesce(sum(b), 0)::BIGINT AS b"
        " FROM places WHERE word IS NULL"
    )
    return Comparison(
        a=system(pairing.a),
        b=system(pairing.b),
        **sums,
        left_out=pairing.left_out,
        rates={rate: _difference(pairing, rate) for rate in RATE_COLUMNS},
        matched_pairs=_matched_pairs(pairing),
        mcnemar=right,
        outcomes=_counts(pairing, OUTCOMES, "pairs"),
        changes=_counts(pairing, CHANGES, "places"),
        a_insertions=between["a"],
        b_insertions=between["b"],
        most_fixed=_words(pairing, "fixed - introduced"),
        most_introduced=_words(pairing, "introduced - fixed"),
    )


def table(evaluations: Sequence[Evaluation], join: Join = pair) -> Table:
    """N systems on the utterances that all have with the same reference.

    Args:
        evaluations: the first is what the others are compared with.
        join: `pair`, or what remembers its results.

    Raises:
        CompareError: there are fewer than two, or they have no utterance in common.
    """
    if len(evaluations) < 2:
        raise CompareError(f"Got {len(evaluations)} evaluations. Expected at least two.")
    first, *others = evaluations
    rows: list[Row] = []
    size: dict[str, int] = {}
    for b in others:  # one after the other: of many utterances a pairing is large
        pairing = join(first, b, [other for other in others if other is not b])
        if not rows:
            rows.append(Row(system(first), _rates(pairing, "a"), None, None, None))
            [size] = pairing.ask(
                "SELECT count(*) AS n_utterances, sum(n_reference)::BIGINT AS n_words FROM pairs"
            )
        difference, p = _difference(pairing, "wer"), _matched_pairs(pairing).p
        rows.append(Row(system(b), _rates(pairing, "b"), difference, p, None))
    corrected = holm([row.p for row in rows if row.p is not None])
    tested = (replace(row, p_corrected=p) for row, p in zip(rows[1:], corrected, strict=True))
    return Table((rows[0], *tested), **size)


def system(evaluation: Evaluation) -> System:
    """What made an Evaluation, as its summary says."""
    summary = evaluation.summary
    return System(
        name=summary["model"]["name"],
        set=summary["name"],
        decoder=decoder_name(summary.get("decoding")),
        folder=str(evaluation.folder),
    )


def decoder_name(decoding: Mapping[str, Any] | None) -> str:
    """A summary's record of the decoder in a few words: `beam 20, lexicon.txt`."""
    if not decoding or decoding["decoder"] == "greedy":
        return ""
    beam = f" {decoding['beam']}" if "beam" in decoding else ""
    files = [decoding[key]["name"] for key in ("lexicon", "lm") if decoding.get(key)]
    hotwords = [f"{word}={boost:g}" for word, boost in (decoding.get("hotwords") or {}).items()]
    return ", ".join([f"{decoding['decoder']}{beam}", *files, *hotwords])


def _difference(pairing: Pairing, rate: Rate) -> Difference:
    errors, size = RATE_COLUMNS[rate]
    both = ", ".join(errors.format(side) for side in "ab")
    return bootstrap_difference(*pairing.kinds(f"{both}, {size}"))


def _rates(pairing: Pairing, side: str) -> dict[Rate, Estimate]:
    """One system's rates on the utterances of a pairing; `side` is a or b."""
    found: dict[Rate, Estimate] = {}
    for rate, (errors, size) in RATE_COLUMNS.items():
        kinds, times = pairing.kinds(f"{errors.format(side)}, {size}")
        n_errors, n = times @ kinds
        interval = interval_of_kinds(kinds, times, n=RESAMPLES, seed=SEED)
        found[rate] = Estimate(ratio(int(n_errors), int(n)), interval)
    return found


def _matched_pairs(pairing: Pairing) -> MatchedPairs:
    kinds, times = pairing.kinds("b - a", f"({SEGMENTS})")
    return matched_pairs(kinds[:, 0], times)


def _counts(pairing: Pairing, conditions: Mapping[str, str], source: str) -> dict[str, int]:
    """How many rows of a table each of some named conditions lets through."""
    columns = [f'count(*) FILTER ({where}) AS "{name}"' for name, where in conditions.items()]
    return pairing.ask(f"SELECT {', '.join(columns)} FROM {source}")[0]


def _words(pairing: Pairing, net: str) -> tuple[Word, ...]:
    """The words with the most of a difference of `fixed` and `introduced`, if it is above 0."""
    rows = pairing.ask(
        f"SELECT word, count(*) FILTER ({CHANGES['fixed']}) AS fixed,"
        f" count(*) FILTER ({CHANGES['introduced']}) AS introduced"
        f" FROM places WHERE word IS NOT NULL GROUP BY word HAVING {net} > 0"
        f" ORDER BY {net} DESC, word LIMIT {MOST_WORDS}"
    )
    return tuple(Word(**row) for row in rows)
