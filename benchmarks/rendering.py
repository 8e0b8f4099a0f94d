"""The Markdown of a run: the machine, how costs grow, then a part for each benchmark."""

import ast
from collections.abc import Sequence
from pathlib import Path

from benchmarks.growth import exponent, last_exponent, number, shown
from benchmarks.results import Growth, Table, markdown
from benchmarks.sections import Section

FOLDER = Path(__file__).parent
COLUMNS = ("cost", "unit", "at sizes", "is", "exponent", "of the last two")


def rendered(sections: Sequence[Section], picture: str | None, note: str = "") -> str:
    """All sections as one Markdown page.

    Args:
        sections: in the order of the page, at least one.
        picture: the growths' picture, as a path from the page; None where there is none.
        note: why there is none.
    """
    last = max(sections, key=lambda section: section.date)
    parts = [
        "# Results",
        "Written by `make bench` (`python -m benchmarks`), not by hand. What the figures mean, and"
        " the benchmarks that take longer: [README.md](README.md).",
        _header(last),
        _failures(sections),
        _growth(sections, picture, note),
        *(_section(section, last) for section in sections),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _header(last: Section) -> str:
    """Of the run that was last; a section that was measured elsewhere says so itself."""
    facts = {"measured": f"{last.date} UTC", "commit": last.commit} | dict(last.machine)
    rows = "\n".join(f"| {name} | {fact} |" for name, fact in facts.items())
    return f"| | |\n|---|---|\n{rows}"


def _failures(sections: Sequence[Section]) -> str:
    failed = [f"`{section.name}`" for section in sections if section.failure]
    return f"**Failed: {', '.join(failed)}.**" if failed else ""


def _growth(sections: Sequence[Section], picture: str | None, note: str) -> str:
    growths = [growth for section in sections for growth in section.growths]
    if not growths:
        return ""
    table = Table(
        "Costs at their sizes",
        COLUMNS,
        tuple(_row(growth) for growth in growths),
        "The exponent is the slope of the logarithms by least squares: 1 is linear, 0 is flat. That"
        " of the last two sizes alone shows what a fixed cost hides at the small ones.",
    )
    shown_as = f"![How costs grow with size]({picture})" if picture else f"({note})"
    return f"## How costs grow\n\n{shown_as}\n\n{markdown(table)}"


def _row(growth: Growth) -> tuple[str, ...]:
    sizes, costs = (" / ".join(map(number, values)) for values in zip(*growth.points, strict=True))
    slopes = (shown(exponent(growth.points)), shown(last_exponent(growth)))
    return growth.what, f"{growth.cost} by {growth.size}", sizes, costs, *slopes


def _section(section: Section, last: Section) -> str:
    how = [f"`python -m benchmarks.{section.name}` took {section.took_s:.0f} s; load average"]
    how.append(f"before it {section.load:.2f}; {section.date} UTC, commit {section.commit}.")
    other = {k: v for k, v in section.machine.items() if last.machine.get(k) != v}
    if other:
        facts = "; ".join(f"{name}: {fact}" for name, fact in other.items())
        how.append(f"Measured with another {facts}.")
    parts = [f"## {section.name}", about(section.name), " ".join(how)]
    if section.failure:
        parts.append(f"**Failed.** Its last lines:\n\n```\n{section.failure}\n```")
    parts += map(markdown, section.tables)
    return "\n\n".join(part for part in parts if part)


def about(name: str) -> str:
    """The first sentence of a benchmark's docstring; the module is not imported."""
    path = FOLDER / f"{name}.py"
    if not path.is_file():
        return ""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())
