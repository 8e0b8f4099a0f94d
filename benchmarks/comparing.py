"""How soon evaluations of the same utterances are compared, and a page of the result is there.

python -m benchmarks.comparing [ROWS ...]

Two systems' Evaluations of the same 8 random words a row, and a third one's (`synthetic`), in a
process of their own on one core; then `python -m analysis compare` as a command, and for up to
100,000 rows everything from two files of predictions on. In comparison mode, on one core, NeMo's
Speech Data Explorer takes 17.4 s and 1.0 GB for 100,000 rows, and 15 s for a click.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import imports
from benchmarks.own_process import measured, options, peak_mb, timed_command
from benchmarks.results import Growth, Table, tell
from benchmarks.synthetic import write_evaluation

RUNS = 3
FROM_FILES = 100_000  # rows at most: a million would be imported twice
GROWING = ("join", "compare", "a page", "a table of three", "peak after two, MB")


def measure(folder: Path) -> dict[str, float]:
    """Median seconds of each step, and the process's peak in MB after two and after three."""
    from analysis.compare import of_pairing, table
    from analysis.evaluation import Evaluation
    from analysis.pairing import n_common, pair

    times = {"open two": _median(lambda: [Evaluation.open(folder / name) for name in "ab"])}
    a, b, c = (Evaluation.open(folder / name) for name in "abc")
    pairing = pair(a, b)
    steps: dict[str, Callable[[], object]] = {
        "count what they share": lambda: n_common(a, b),
        "join": lambda: pair(a, b),
        "compare": lambda: of_pairing(pairing),
        "a page": pairing.page,
        "a page of those won": lambda: pairing.page("won"),
        "a page of a fixed word": lambda: pairing.page(word="bart", change="fixed"),
        "the last page": lambda: pairing.page(offset=a.summary["counts"]["utterances"] - 50),
        "a table of two": lambda: table([a, b], lambda *_: pairing),
    }
    times |= {name: _median(step) for name, step in steps.items()}
    times["peak after two, MB"] = peak_mb()
    times["a table of three"] = _median(lambda: table([a, b, c]))
    times["peak after three, MB"] = peak_mb()
    check(pairing, a.summary["counts"], b.summary["counts"])
    return times


def check(pairing: Any, *counts: dict[str, int]) -> None:
    """The comparison counts the errors that were planted."""
    from analysis.compare import of_pairing

    found = of_pairing(pairing)
    planted = [
        sum(each[op] for op in ("substitutions", "deletions", "insertions")) for each in counts
    ]
    assert [found.a_errors, found.b_errors] == planted
    assert [found.a_insertions, found.b_insertions] == [each["insertions"] for each in counts]
    assert found.n_utterances == counts[0]["utterances"] == pairing.page()[1]
    shared_out = [found.outcomes[name] for name in ("won", "lost", "tied", "right")]
    assert sum(shared_out) == found.n_utterances


def _median(step: Callable[[], object]) -> float:
    """Seconds on the wall."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def of_size(n_rows: int) -> dict[str, float]:
    """All that is measured at one size."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for system, name in enumerate("abc"):
            write_evaluation(folder / name, n_rows, system=system)
        found: dict[str, float] = measured("benchmarks.comparing", folder)
        sides = [str(folder / name) for name in "ab"]
        command = timed_command(["-m", "analysis", "compare", *sides], imports.ROOT)
    found["`analysis compare A B`"], found["its peak, MB"], _ = command
    if n_rows <= FROM_FILES:
        found |= from_files(n_rows)
    return found


def from_files(n_rows: int) -> dict[str, float]:
    """Seconds and peak MB of three commands: import, import, compare."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        runs = [imports.measure(n_rows, folder, system)[:2] for system in (0, 1)]
        sides = [str(folder / f"evaluation-{system}") for system in (0, 1)]
        *compared, printed = timed_command(["-m", "analysis", "compare", *sides], imports.ROOT)
        assert f"{n_rows}" in printed.replace(",", ""), printed
    return {
        "from two files on: import, import, compare": sum(s for s, _ in runs) + compared[0],
        "the largest peak of these, MB": max(*(mb for _, mb in runs), compared[1]),
    }


def main() -> None:
    """Tell a row a step, a column a number of rows."""
    given = options(__doc__, measure)
    found = [of_size(n_rows) for n_rows in given.rows]
    names = dict.fromkeys(name for each in found for name in each)
    rows = tuple((name, *(_cell(name, each.get(name)) for each in found)) for name in names)
    columns = ("s", *(f"{n:,} rows" for n in given.rows))
    note = (
        f"Medians of {RUNS}, on one core, of one process; the commands are of one run each. The"
        " errors compared are the planted ones."
    )
    growths = [
        Growth(
            f"comparing: {name.removesuffix(', MB')}",
            "rows",
            "MB" if name.endswith("MB") else "s",
            tuple((n, each[name]) for n, each in zip(given.rows, found, strict=True)),
        )
        for name in GROWING
    ]
    tell([Table("Two and three evaluations compared", columns, rows, note)], growths)


def _cell(name: str, value: float | None) -> str:
    return "" if value is None else f"{value:.0f}" if name.endswith("MB") else f"{value:.2f}"


if __name__ == "__main__":
    main()
