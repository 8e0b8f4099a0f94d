"""A model card as the page shows it: its prose, without what the page shows as tables itself."""

import re
from collections.abc import Iterator

MADE_BY = "python -m analysis card"  # a card that says so has the sections below from its files
SHOWN_ELSEWHERE = ("Results", "Architecture", "Training")

FRONT_MATTER = re.compile(r"\A---\s*\n.*?\n(?:---|\.\.\.)\s*(?:\n|\Z)", re.DOTALL)
PICTURE = re.compile(r"!(?=\[)|<(?=\s*(?:img|picture|video|audio|iframe|svg|source)\b)", re.I)
FENCE = re.compile(r"\s{0,3}(```|~~~)")


def prose(card: str) -> str:
    """The card's Markdown, a level down, without front matter, pictures and generated sections.

    Pictures become links: one of another host would tell that host who reads the card.
    """
    text = FRONT_MATTER.sub("", card.replace("\r\n", "\n")).strip()
    sections = list(_sections(text))
    if MADE_BY in text:
        sections = [
            (name, lines) for name, lines in sections if name and name not in SHOWN_ELSEWHERE
        ]
    kept = "\n".join(line for _, lines in sections for line in lines).strip()
    return PICTURE.sub(lambda found: "" if found[0] == "!" else "&lt;", kept)


def _sections(text: str) -> Iterator[tuple[str, list[str]]]:
    """(heading of level two, its lines with the heading); what is before the first has none."""
    name, lines, fence = "", [], ""
    for line in text.split("\n"):
        if mark := FENCE.match(line):
            fence = "" if fence == mark[1] else fence or mark[1]
        if not fence and line.startswith("## "):
            yield name, lines
            name, lines = line[3:].strip(), []
        # One level down: the page's own heading stands above the card.
        lines.append(f"#{line}" if line.startswith("#") and not fence else line)
    yield name, lines
