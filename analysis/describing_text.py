"""A Description in some lines of plain text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis.describing import Units
from analysis.description import Description

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer


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
    for finding in description.findings:
        yield f"{finding.verdict:<8} {finding.check:<24} {finding.count:>8}"
    if skipped := sum(each["skipped"] for each in description.summary["manifests"]):
        yield f"{skipped} manifest rows left out: see {description.folder / 'skipped.jsonl'}"
