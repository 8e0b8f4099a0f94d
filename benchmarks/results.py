"""What a benchmark tells: tables, and how costs grow with size.

A benchmark prints them as Markdown. `python -m benchmarks` runs them all, each in a process of its
own, and gathers the same as JSON from the file that `RESULTS` in the environment names.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = "MISHEARD_RESULTS"

Cell = str | int | float


@dataclass(frozen=True)
class Table:
    """One table of figures.

    Attributes:
        title: what was measured, in a few words.
        columns: their names, units included.
        rows: a cell a column; numbers already rounded.
        note: how it was measured and what to keep in mind, in a sentence or two.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Growth:
    """A cost at several sizes: one line in the picture.

    Attributes:
        what: what was done, in a few words.
        size: the unit of the sizes: "rows", "seconds of audio", ...
        cost: the unit of the costs: "s" or "MB".
        points: (size, cost), four at least, sizes rising.
    """

    what: str
    size: str
    cost: str
    points: tuple[tuple[float, float], ...]


def tell(tables: Sequence[Table], growths: Sequence[Growth] = ()) -> None:
    """Print the tables; leave all there is for whoever runs every benchmark."""
    for table in tables:
        print(f"\n{markdown(table)}", flush=True)
    if place := os.environ.get(RESULTS):
        found = {
            "tables": [asdict(table) for table in tables],
            "growths": [asdict(growth) for growth in growths],
        }
        Path(place).write_text(json.dumps(found), encoding="utf-8")


def markdown(table: Table) -> str:
    """The table as GitHub reads it, its title above and its note below."""
    lines = [
        f"**{table.title}**",
        "",
        _line(table.columns),
        "|---" + "|---:" * (len(table.columns) - 1) + "|",
        *(_line(row) for row in table.rows),
    ]
    return "\n".join(lines + (["", table.note] if table.note else []))


def _line(cells: Sequence[Cell]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
