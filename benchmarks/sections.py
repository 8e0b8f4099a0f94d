"""What each benchmark of a run came to, kept as JSON beside the Markdown that is made of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.results import Growth, Table


@dataclass(frozen=True)
class Section:
    """One benchmark's run.

    Attributes:
        name: of its module.
        date: of its start, UTC, to the minute.
        commit: of the code, and whether there were changes on top.
        machine: `machine.described()`.
        load: average of the minute before it.
        took_s: wall time.
        tables: what it told.
        growths: what it told.
        failure: its last lines where it failed, else empty.
    """

    name: str
    date: str
    commit: str
    machine: Mapping[str, str]
    load: float
    took_s: float
    tables: tuple[Table, ...] = ()
    growths: tuple[Growth, ...] = ()
    failure: str = field(default="")


def told(text: str) -> tuple[tuple[Table, ...], tuple[Growth, ...]]:
    """The tables and growths that `results.tell` left as JSON."""
    found = json.loads(text)
    return _tables(found["tables"]), _growths(found["growths"])


def replaced(
    before: Iterable[Section], new: Iterable[Section], order: Iterable[str]
) -> list[Section]:
    """The sections of a run in place of older ones of their names, in the order of the list.

    What is no longer on the list is dropped.
    """
    by_name = {section.name: section for section in (*before, *new)}
    return [by_name[name] for name in order if name in by_name]


def write(sections: Iterable[Section], path: Path) -> None:
    """Write the sections, beside the target first and then renamed over it."""
    text = json.dumps([asdict(section) for section in sections], indent=1, ensure_ascii=False)
    part = path.with_name(path.name + ".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def read(path: Path) -> list[Section]:
    """The sections of a file that `write` wrote; none where there is none."""
    if not path.is_file():
        return []
    return [_section(**found) for found in json.loads(path.read_text(encoding="utf-8"))]


def _section(tables: list[Any], growths: list[Any], **rest: Any) -> Section:
    return Section(tables=_tables(tables), growths=_growths(growths), **rest)


def _tables(found: list[dict[str, Any]]) -> tuple[Table, ...]:
    return tuple(
        Table(t["title"], tuple(t["columns"]), tuple(map(tuple, t["rows"])), t["note"])
        for t in found
    )


def _growths(found: list[dict[str, Any]]) -> tuple[Growth, ...]:
    return tuple(
        Growth(g["what"], g["size"], g["cost"], tuple((size, cost) for size, cost in g["points"]))
        for g in found
    )
