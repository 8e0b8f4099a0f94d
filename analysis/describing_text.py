"""A Description in some lines of plain text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis.check_texts import check_text
from analysis.describing import Units
from analysis.description import Description, Finding

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

SHOWN = 3  # examples of a finding


def units_of(recognizer: "Recognizer") -> Units:
    """A model's own way to spell and to align."""
    alphabet = recognizer.alphabet

    def spell(text: str) -> list[int]:
        try:
            return alphabet.encode(text)
        except ValueError:  # a word that it does not know; which, another check tells
            return []

    return Units(alphabet.normalise, spell, recognizer.frame_s)


def lines(description: Description) -> Iterator[str]:
    """What there is, split by split, and what the checks found."""
    yield f"{'split':<24} {'recordings':>10} {'hours':>8} {'speakers':>8} {'words':>9}"
    for row in description.store.ask(
        "SELECT split, count(*) AS n, sum(duration_s) / 3600 AS hours,"
        " count(DISTINCT speaker) AS speakers, sum(n_words) AS words"
        " FROM utterances GROUP BY split ORDER BY min(position)"
    ):
        hours = f"{row['hours'] or 0.0:8.2f}"
        yield f"{row['split']:<24} {row['n']:>10} {hours} {row['speakers']:>8} {row['words']:>9}"
    order = ("error", "warning")
    for finding in sorted(
        (each for each in description.findings if each.verdict in order),
        key=lambda each: order.index(each.verdict),
    ):
        yield from finding_lines(finding)
    n_ok = sum(finding.verdict == "ok" for finding in description.findings)
    yield f"ok       {n_ok} other checks found nothing"


def finding_lines(finding: Finding) -> Iterator[str]:
    """One finding: what, which, and what to do."""
    title, what, advice = check_text(finding.check, finding.count, finding.facts)
    yield f"{finding.verdict:<8} {title} [{finding.check}]: {what}"
    examples = (
        " = ".join(map(str, example)) if isinstance(example, list) else str(example)
        for example in finding.examples[:SHOWN]
    )
    if said := ", ".join(examples):
        yield f"{'':<8} such as {said}"
    yield f"{'':<8} -> {advice}"
