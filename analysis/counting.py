"""The edits and counts of very many utterances, as columns: `scoring`'s alignment, without objects.

`scoring.score` keeps every word of an utterance; a million utterances need only their counts and
what went wrong. Both take the alignment that jiwer takes, rapidfuzz's Levenshtein opcodes of the
words, and a test holds them to each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.scoring import Interval, Totals, interval_of_kinds

OPERATIONS = {"replace": "substitute", "delete": "delete", "insert": "insert"}
NAMES = ("hits", "substitutions", "deletions", "insertions", "char_errors", "n_char")


@dataclass
class Edits:
    """Edits that are not hits, a column each; the columns are named as those of `errors`."""

    utterance: list[int] = field(default_factory=list)  # its place in what was counted
    op: list[str] = field(default_factory=list)
    reference: list[str | None] = field(default_factory=list)
    heard: list[str | None] = field(default_factory=list)
    reference_index: list[int | None] = field(default_factory=list)
    heard_index: list[int | None] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of U utterances, (U,) int64 each, as `Score` and `Totals` define them."""

    hits: np.ndarray
    substitutions: np.ndarray
    deletions: np.ndarray
    insertions: np.ndarray
    char_errors: np.ndarray
    n_char: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        return self.substitutions + self.deletions + self.insertions

    @property
    def n_reference(self) -> np.ndarray:
        return self.hits + self.substitutions + self.deletions

    @property
    def totals(self) -> Totals:
        """Their sums."""
        return Totals(
            n_utterances=len(self.hits),
            n_wrong=int((self.errors > 0).sum()),
            **{name: int(getattr(self, name).sum()) for name in NAMES},
        )

    @property
    def wer(self) -> np.ndarray:
        """(U,) float64."""
        return self.errors / np.maximum(self.n_reference, 1)

    @property
    def cer(self) -> np.ndarray:
        """(U,) float64."""
        return self.char_errors / np.maximum(self.n_char, 1)


def count(references: Sequence[str], heard: Sequence[str]) -> tuple[Counts, Edits]:
    """Align utterances word by word; as `score`, but only what is counted and what went wrong.

    Args:
        references: what was said, normalised; words are what stands between white space.
        heard: what the recogniser wrote, in the same order.

    Raises:
        ValueError: the two have different lengths.
    """
    from rapidfuzz.distance import Levenshtein

    edits = Edits()
    rows = []  # NAMES
    for place, (reference, hypothesis) in enumerate(zip(references, heard, strict=True)):
        said, got = reference.split(), hypothesis.split()
        clean = " ".join(said)
        if said == got:
            rows.append((len(said), 0, 0, 0, 0, len(clean)))
            continue
        counted = _align(Levenshtein.opcodes(said, got), said, got, place, edits)
        rows.append((*counted, Levenshtein.distance(clean, " ".join(got)), len(clean)))
    return Counts(*np.array(rows, dtype=np.int64).reshape(-1, 6).T), edits


def concatenated(parts: Sequence[Counts]) -> Counts:
    """Counts of several sets of utterances as those of one."""
    return Counts(*(np.concatenate([getattr(part, name) for part in parts]) for name in NAMES))


def interval(errors: np.ndarray, sizes: np.ndarray, *, n: int, seed: int) -> Interval:
    """`scoring.resampled_interval`, to the last bit, of counts: quicker where rows are many.

    Args:
        errors: (U,) int64.
        sizes: (U,) int64.
        n: resamples.
        seed: of the random draws.
    """
    width = int(sizes.max(initial=0)) + 1
    codes, times = np.unique(errors * width + sizes, return_counts=True)
    return interval_of_kinds(
        np.column_stack([codes // width, codes % width]), times, n=n, seed=seed
    )


def _align(
    opcodes: Any, said: list[str], got: list[str], place: int, edits: Edits
) -> tuple[int, int, int, int]:
    """Add one utterance's edits; its hits, substitutions, deletions and insertions."""
    counted = {"equal": 0, "substitute": 0, "delete": 0, "insert": 0}
    for tag, said_start, said_end, got_start, got_end in opcodes:
        length = max(said_end - said_start, got_end - got_start)
        op = OPERATIONS.get(tag, tag)
        counted[op] += length
        for i in range(length if op != "equal" else 0):
            is_said, is_heard = op != "insert", op != "delete"
            edits.utterance.append(place)
            edits.op.append(op)
            edits.reference.append(said[said_start + i] if is_said else None)
            edits.heard.append(got[got_start + i] if is_heard else None)
            edits.reference_index.append(said_start + i if is_said else None)
            edits.heard_index.append(got_start + i if is_heard else None)
    return counted["equal"], counted["substitute"], counted["delete"], counted["insert"]
