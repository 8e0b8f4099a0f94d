"""One word alignment, and every number that is counted from it.

jiwer aligns (Levenshtein, by rapidfuzz); hits and errors, the coloured diff, confusions and word
tables all read the same edits, so they cannot disagree. A rate of a set is the sum of its errors
over the sum of its words, never a mean of rates.

An empty reference has nothing to divide by. As in jiwer, its rate is then the number of words
heard: 0.0 for silence recognised as silence, 2.0 for two words heard in silence. In a set such
words are insertions like any other.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jiwer import AlignmentChunk

CONFIDENCE_LEVEL = 0.95  # of every interval

Rate = Literal["wer", "cer", "ser"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One step from the reference to what was heard; one word at most on each side.

    `op` is "equal", "substitute", "delete" or "insert". The word and its position (from 0) are
    None on the side that has none.
    """

    op: str
    reference: str | None
    heard: str | None
    reference_index: int | None
    heard_index: int | None


@dataclass(frozen=True)
class Score:
    """One utterance, aligned."""

    edits: tuple[Edit, ...]
    char_errors: int  # edit distance of the texts, spaces included
    n_char: int  # of the reference, spaces included

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(edit.op for edit in self.edits)

    @property
    def hits(self) -> int:
        return self._counts["equal"]

    @property
    def substitutions(self) -> int:
        return self._counts["substitute"]

    @property
    def deletions(self) -> int:
        return self._counts["delete"]

    @property
    def insertions(self) -> int:
        return self._counts["insert"]

    @property
    def n_reference(self) -> int:
        return len(self.edits) - self.insertions

    @property
    def n_heard(self) -> int:
        return len(self.edits) - self.deletions

    @property
    def errors(self) -> int:
        return len(self.edits) - self.hits

    @property
    def heard_right(self) -> tuple[bool, ...]:
        """Of each word heard, in order, whether it was said."""
        return tuple(edit.op == "equal" for edit in self.edits if edit.heard_index is not None)

    @property
    def wer(self) -> float:
        return ratio(self.errors, self.n_reference)

    @property
    def cer(self) -> float:
        return ratio(self.char_errors, self.n_char)


@dataclass(frozen=True)
class Totals:
    """Sums over a set of utterances, and the rates they make."""

    n_utterances: int
    n_wrong: int  # utterances with any error
    hits: int
    substitutions: int
    deletions: int
    insertions: int
    char_errors: int
    n_char: int

    @property
    def n_reference(self) -> int:
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def wer(self) -> float:
        """Word error rate; may exceed 1."""
        return ratio(self.errors, self.n_reference)

    @property
    def cer(self) -> float:
        """Character error rate, spaces included; may exceed 1."""
        return ratio(self.char_errors, self.n_char)

    @property
    def ser(self) -> float:
        """Share of utterances with any error."""
        return ratio(self.n_wrong, self.n_utterances)


@dataclass(frozen=True)
class Interval:
    """Where a rate lies with 95 % confidence."""

    low: float
    high: float


def ratio(errors: int, size: int) -> float:
    """Errors per word (or character, or utterance); with none of them, the errors themselves."""
    return errors / max(size, 1)


def score(references: Sequence[str], heard: Sequence[str]) -> list[Score]:
    """Align utterances word by word, all of them in one jiwer call.

    Args:
        references: what was said, normalised; words are what stands between white space.
        heard: what the recogniser wrote, in the same order.

    Raises:
        ValueError: the two have different lengths.
    """
    if len(references) != len(heard):
        raise ValueError(
            f"Got {len(references)} references and {len(heard)} hypotheses. Expected pairs."
        )
    if not references:
        return []
    import jiwer
    from rapidfuzz.distance import Levenshtein

    said = [" ".join(text.split()) for text in references]
    got = [" ".join(text.split()) for text in heard]
    words = jiwer.ReduceToListOfListOfWords()
    aligned = jiwer.process_words(said, got, words, words)
    return [
        Score(
            edits=tuple(_edits(chunks, reference_words, heard_words)),
            char_errors=Levenshtein.distance(reference, hypothesis),
            n_char=len(reference),
        )
        for chunks, reference_words, heard_words, reference, hypothesis in zip(
            aligned.alignments, aligned.references, aligned.hypotheses, said, got, strict=True
        )
    ]


def total(scores: Iterable[Score]) -> Totals:
    """Sum scores."""
    sums: Counter[str] = Counter()
    for each in scores:
        sums["utterances"] += 1
        sums["wrong"] += each.errors > 0
        sums["hits"] += each.hits
        sums["substitutions"] += each.substitutions
        sums["deletions"] += each.deletions
        sums["insertions"] += each.insertions
        sums["char_errors"] += each.char_errors
        sums["characters"] += each.n_char
    return Totals(
        n_utterances=sums["utterances"],
        n_wrong=sums["wrong"],
        hits=sums["hits"],
        substitutions=sums["substitutions"],
        deletions=sums["deletions"],
        insertions=sums["insertions"],
        char_errors=sums["char_errors"],
        n_char=sums["characters"],
    )


def bootstrap(
    scores: Sequence[Score],
    *,
    rate: Rate = "wer",
    n: int = 1000,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Interval:
    """The 95 % interval of a set's rate (see `resampled_interval`).

    Args:
        scores: the set's utterances.
        rate: "wer", "cer" or "ser".
        n: resamples.
        seed: of the random draws; the same seed gives the same interval.
        groups: whose each utterance is (its speaker, say); then groups are drawn, not utterances,
            because errors of one speaker go together.
    """
    counts = np.array([_errors_and_size(each, rate) for each in scores]).reshape(-1, 2)
    return resampled_interval(counts[:, 0], counts[:, 1], n=n, seed=seed, groups=groups)


def resampled_interval(
    errors: np.ndarray,
    sizes: np.ndarray,
    *,
    n: int = 1000,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Interval:
    """Percentile bootstrap of sum(errors) / sum(sizes) (Bisani and Ney 2004).

    Utterances with the same counts are interchangeable, so how often each kind of utterance is
    drawn is one multinomial draw: exact, and as quick for a million utterances as for a thousand.

    Args:
        errors: (U,) of each utterance.
        sizes: (U,) words, characters or 1 of each utterance.
        n: resamples.
        seed: of the random draws.
        groups: (U,) as in `bootstrap`.

    Returns:
        The interval; NaN to NaN where there are no utterances.
    """
    units = np.column_stack([errors, sizes]).astype(np.int64)  # (U, 2)
    if groups is not None:
        units = _group_sums(units, groups)
    kinds, times = np.unique(units, axis=0, return_counts=True)  # (K, 2), (K,)
    return interval_of_kinds(kinds, times, n=n, seed=seed)


def interval_of_kinds(
    kinds: np.ndarray, times: np.ndarray, *, n: int = 1000, seed: int = 0
) -> Interval:
    """The interval of `resampled_interval` from how often each kind of utterance occurs.

    Args:
        kinds: (K, 2) errors and size, sorted.
        times: (K,) utterances of each kind.
        n: resamples.
        seed: of the random draws.
    """
    if len(kinds) == 0:
        return Interval(float("nan"), float("nan"))
    return percentiles(resampled_rates(kinds, times, n=n, seed=seed))


def resampled_rates(
    kinds: np.ndarray, times: np.ndarray, *, n: int = 1000, seed: int = 0
) -> np.ndarray:
    """(n,) rates of resamples; arguments as in `interval_of_kinds`, at least one kind."""
    draws = np.random.default_rng(seed).multinomial(times.sum(), times / times.sum(), size=n)
    sums = draws @ kinds  # (n, K) @ (K, 2)
    return sums[:, 0] / np.maximum(sums[:, 1], 1)


def percentiles(rates: np.ndarray) -> Interval:
    """The interval that leaves out as many resampled rates at either end."""
    tail = (1 - CONFIDENCE_LEVEL) / 2
    low, high = np.quantile(rates, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _edits(
    chunks: Iterable["AlignmentChunk"], reference: list[str], heard: list[str]
) -> Iterable[Edit]:
    """Runs of one operation, as jiwer gives them, -> single words."""
    for chunk in chunks:
        said = range(chunk.ref_start_idx, chunk.ref_end_idx)
        got = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        if chunk.type == "delete":
            yield from (Edit("delete", reference[i], None, i, None) for i in said)
        elif chunk.type == "insert":
            yield from (Edit("insert", None, heard[j], None, j) for j in got)
        else:
            for i, j in zip(said, got, strict=True):
                yield Edit(chunk.type, reference[i], heard[j], i, j)


def _errors_and_size(scored: Score, rate: Rate) -> tuple[int, int]:
    if rate == "wer":
        return scored.errors, scored.n_reference
    if rate == "cer":
        return scored.char_errors, scored.n_char
    return int(scored.errors > 0), 1


def _group_sums(units: np.ndarray, groups: Sequence[Hashable]) -> np.ndarray:
    """(U, 2) -> (groups, 2)."""
    if len(groups) != len(units):
        raise ValueError(f"Got {len(units)} utterances and {len(groups)} groups. Expected pairs.")
    places: dict[Hashable, int] = {}
    indices = [places.setdefault(group, len(places)) for group in groups]
    sums = np.zeros((len(places), 2), dtype=np.int64)
    np.add.at(sums, indices, units)
    return sums
