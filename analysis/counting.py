"""The edits and counts of very many utterances, as columns: `scoring`'s alignment, without objects.

`scoring.score` keeps every word of an utterance; a million utterances need only their counts and
what went wrong. Both take the alignment that jiwer takes, rapidfuzz's Levenshtein opcodes of the
words, and a test holds them to each other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analysis.scoring import Totals

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
    def wer(self) -> np.ndarray:
        """(U,) float64."""
        return self.errors / np.maximum(self.n_reference, 1)

    @property
    def cer(self) -> np.ndarray:
        """(U,) float64."""
        return self.char_errors / np.maximum(self.n_char, 1)


class Kinds:
    """How many utterances have the same errors and the same size; grows by batches."""

    def __init__(self) -> None:
        self._times: Counter[tuple[int, int]] = Counter()

    def add(self, errors: np.ndarray, sizes: np.ndarray) -> None:
        """A batch: (U,) int64 each, not negative."""
        width = int(sizes.max(initial=0)) + 1
        codes, times = np.unique(errors * width + sizes, return_counts=True)
        kinds = zip((codes // width).tolist(), (codes % width).tolist(), strict=True)
        self._times.update(dict(zip(kinds, times.tolist(), strict=True)))

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """(K, 2) errors and size, sorted, and (K,) how many utterances have them."""
        kinds = sorted(self._times)
        table = np.array(kinds, dtype=np.int64).reshape(-1, 2)
        return table, np.array([self._times[kind] for kind in kinds], dtype=np.int64)


class Sums:
    """Sums over utterances, and their kinds by words, characters and whole utterances."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self.words, self.characters, self.utterances = Kinds(), Kinds(), Kinds()

    def add(self, counts: Counts) -> None:
        """A batch."""
        wrong = (counts.errors > 0).astype(np.int64)
        self._sums["n_utterances"] += len(wrong)
        self._sums["n_wrong"] += int(wrong.sum())
        self._sums.update({name: int(getattr(counts, name).sum()) for name in NAMES})
        self.words.add(counts.errors, counts.n_reference)
        self.characters.add(counts.char_errors, counts.n_char)
        self.utterances.add(wrong, np.ones_like(wrong))

    @property
    def totals(self) -> Totals:
        """The sums."""
        names = ("n_utterances", "n_wrong", *NAMES)
        return Totals(**{name: self._sums[name] for name in names})


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
