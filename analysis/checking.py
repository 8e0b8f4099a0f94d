"""What the checks of a set of recordings look at, and how they say what they found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from analysis.conditions import literal
from analysis.description import Finding
from analysis.store import Filter, Store

EXAMPLES = 5
NAMES = 8  # words, symbols or speakers that a fact tells
TRAIN = "train"


@dataclass(frozen=True)
class Material:
    """What the checks look at.

    Attributes:
        store: the Description's tables.
        splits: names, in order.
        paths: of every recording by `position`.
        skipped: split -> manifest rows that could not be read.
        sound: whether the recordings were measured.
    """

    store: Store
    splits: Sequence[str]
    paths: Sequence[Path] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    sound: bool = True

    @property
    def train(self) -> str:
        """The split that is trained on: the first, unless one is called "train"."""
        return TRAIN if TRAIN in self.splits else self.splits[0]

    @property
    def held_out(self) -> bool:
        """Whether there is another split than the one that is trained on."""
        return len(self.splits) > 1

    @property
    def in_train(self) -> str:
        """A condition: recordings of the split that is trained on."""
        return f"split = {literal(self.train)}"

    @property
    def in_others(self) -> str:
        """A condition: recordings of the other splits."""
        return f"split <> {literal(self.train)}"

    @cached_property
    def n_known(self) -> dict[str, int]:
        """How many recordings have a value, for columns that may have none at all."""
        columns = ("speaker", "snr_db", "duration_s", "samples_sha256")
        counts = ", ".join(f"count({name}) AS {name}" for name in columns)
        return self.store.ask(f"SELECT {counts} FROM utterances")[0]


Check = Callable[[Material], Iterator[Finding]]


def found(
    material: Material,
    check: str,
    verdict: str,
    where: str,
    facts: dict[str, Any] | None = None,
    *,
    order: str = "position",
) -> Finding:
    """The recordings that a condition lets through, if any, under a verdict.

    `order` are SQL expressions: which examples come first.
    """
    view = material.store.view(Filter(where=where))
    sample = view.ask(
        f"SELECT utterance_id, count(*) OVER () AS n FROM matched ORDER BY {order} LIMIT {EXAMPLES}"
    )
    if not sample:
        return passed(check, facts)
    examples = [row["utterance_id"] for row in sample]
    return Finding(check, verdict, sample[0]["n"], where, facts or {}, examples)


def passed(check: str, facts: dict[str, Any] | None = None) -> Finding:
    """Nothing to report."""
    return Finding(check, "ok", 0, "", facts or {}, [])


def told(counts: Mapping[str, Any]) -> str:
    """Names and numbers in a line: "a 3, b 2, ..."."""
    shown = [f"{name} {value}" for name, value in list(counts.items())[:NAMES]]
    return ", ".join(shown + ["..."] * (len(counts) > NAMES))


def listed(names: Sequence[str]) -> str:
    """Names in a line, the first ones if there are many."""
    return ", ".join([*map(str, names[:NAMES]), *["..."] * (len(names) > NAMES)])
