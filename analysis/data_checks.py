"""Checks of a set of recordings, each with a verdict: what makes results wrong or training fail.

Each check is a function of the Material that yields findings, "ok" ones too, so that a reader sees
what was looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.description import Finding
from analysis.measuring import FileMeasures
from analysis.store import Filter, Store

EXAMPLES = 5


@dataclass(frozen=True)
class Material:
    """What the checks look at.

    Attributes:
        store: the Description's tables.
        splits: names, in order; the first is what is trained on, unless one is called "train".
        measures: of every recording by `position`; None where its sound was not or cannot be read.
    """

    store: Store
    splits: Sequence[str]
    measures: Sequence[FileMeasures | None]


def unreadable(material: Material) -> Iterator[Finding]:
    """Recordings that are missing or damaged."""
    yield found(material, "unreadable", "error", "problem IS NOT NULL")


def too_short_for_ctc(material: Material) -> Iterator[Finding]:
    """Texts with more symbols than the recording has frames: CTC cannot align them."""
    yield found(material, "too_short_for_ctc", "error", "ctc_ratio < 1")


def found(
    material: Material, check: str, verdict: str, where: str, facts: dict[str, Any] | None = None
) -> Finding:
    """The recordings that a condition lets through, if any, under a verdict."""
    view = material.store.view(Filter(where=where))
    sample = view.ask(f"SELECT utterance_id FROM matched ORDER BY position LIMIT {EXAMPLES}")
    return Finding(
        check=check,
        verdict=verdict if view.count else "ok",
        count=view.count,
        where=where if view.count else "",
        facts=facts or {},
        examples=[row["utterance_id"] for row in sample],
    )


CHECKS: tuple[Callable[[Material], Iterator[Finding]], ...] = (unreadable, too_short_for_ctc)
