"""How soon an evaluation of many utterances answers: open, filter, sort, rates, confusions, slices.

python -m benchmarks.explorer [ROWS ...]

A synthetic Evaluation (`synthetic`) of each number of rows is asked in a process of its own, on one
core. Times are medians on the wall; the peak is of the process, Python and all.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.own_process import measured, options, peak_mb
from benchmarks.results import Growth, Table, tell
from benchmarks.synthetic import VOCABULARY, WANTED, write_evaluation

RUNS = 5
SORT_RUNS = 3  # of each of some 35 columns
SLOWEST = "the slowest sort"
MEANWHILE = "a page while the worst slices are found"
READ = (
    *("utterance_id", "tags", "text", "pred_text", "errors"),  # as `ui.table`, without Gradio
    *("wer", "confidence", "snr_db", "duration_s"),
)
GROWING = (
    "open", "a page", "a condition", "a text", SLOWEST, "rates of all", "a row and its errors",
    "matrix of words", "slices of a field", "worst slices", "peak, MB",
)  # fmt: skip


def questions(evaluation: Any) -> dict[str, Callable[[], object]]:
    """What a person does to the page -> the call behind it."""
    from analysis import confusions, slices
    from analysis.store import Filter
    from analysis.summary import of_view

    condition = Filter(WANTED)
    everything, filtered = evaluation.store.view(), evaluation.store.view(condition)
    last = max(evaluation.summary["counts"]["utterances"] - 50, 0)
    key = f"utterance-{last // 2:07d}"
    cell = Filter(confusions.cell_condition(*VOCABULARY[:2].tolist()))

    def page(wanted: Filter | None = None, offset: int = 0) -> object:
        return evaluation.page(wanted, columns=READ, offset=offset)

    return {
        "a page": page,
        "the last page": lambda: page(offset=last),
        "a condition": lambda: page(condition),
        "a condition on errors": lambda: page(cell),
        "a text": lambda: page(Filter(search="bart kin")),
        "only errors": lambda: page(Filter(only_errors=True)),
        "a row and its errors": lambda: (evaluation.row(key), evaluation.errors_of(key)),
        "rates of all": lambda: of_view(everything),
        "rates of a condition": lambda: of_view(filtered),
        "substitutions": lambda: confusions.substitutions(everything),
        "words": lambda: confusions.words(everything),
        "matrix of words": lambda: confusions.matrix(everything),
        "characters": lambda: confusions.characters(everything),
        "fields": lambda: slices.fields(evaluation.store),
        "slices of a field": lambda: slices.slice_by(everything, "snr_db"),
        "slices of a condition": lambda: slices.slice_by(filtered, "snr_db"),
        "worst slices": lambda: slices.worst(everything),
    }


def measure(folder: Path) -> dict[str, float]:
    """Median milliseconds of each question; the slowest sort; the process's peak in MB."""
    from analysis.evaluation import Evaluation

    evaluation = Evaluation.open(folder)
    asked = questions(evaluation)
    first = {"worst slices, the first time": _ms(asked["worst slices"])}
    times = {"open": _median_ms(lambda: Evaluation.open(folder))}
    times |= {name: _median_ms(question) for name, question in asked.items()}
    sorts = {
        name: _median_ms(lambda name=name: evaluation.page(sort=name), SORT_RUNS)
        for name in evaluation.store.columns
    }
    times[SLOWEST] = max(sorts.values())
    times["the median sort"] = statistics.median(sorts.values())
    times[MEANWHILE] = _meanwhile(asked["a page"], asked["worst slices"])
    times["peak, MB"] = peak_mb()
    check(evaluation)
    return times | first


def check(evaluation: Any) -> None:
    """The answers are the planted ones."""
    from analysis import confusions
    from analysis.store import Filter
    from analysis.summary import of_view

    planted = evaluation.summary["counts"]
    counts, rates = of_view(evaluation.store.view())
    assert {name: counts[name] for name in planted if name in counts} == {
        name: planted[name] for name in planted if name in counts
    }
    errors = sum(planted[name] for name in ("substitutions", "deletions", "insertions"))
    assert rates["wer"]["value"] == errors / planted["words"]
    assert evaluation.page(Filter(WANTED))[1] == evaluation.summary["wanted"]
    assert evaluation.page(Filter(only_errors=True))[1] == planted["wrong_utterances"]
    view = evaluation.store.view()
    listed = confusions.substitutions(view, limit=10**6)
    assert sum(each.count for each in listed) == planted["substitutions"]


def _meanwhile(quick: Callable[[], object], slow: Callable[[], object]) -> float:
    """Median milliseconds of the quick question while another thread asks the slow one."""
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            slow()

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        return _median_ms(quick, 2 * RUNS)
    finally:
        done.set()
        thread.join()


def _median_ms(question: Callable[[], object], runs: int = RUNS) -> float:
    return statistics.median(_ms(question) for _ in range(runs))


def _ms(question: Callable[[], object]) -> float:
    started = time.perf_counter()
    question()
    return 1000 * (time.perf_counter() - started)


def of_size(rows: int) -> dict[str, float]:
    """`measure` in a new process on one core, so that the peak is of the questions alone."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "evaluation"
        write_evaluation(folder, rows)
        found: dict[str, float] = measured("benchmarks.explorer", folder)
        return found


def main() -> None:
    """Tell a row a question, a column a number of rows."""
    given = options(__doc__, measure)
    found = [of_size(rows) for rows in given.rows]
    rows = tuple((name, *(f"{each[name]:.0f}" for each in found)) for name in found[0])
    note = (
        f"Medians of {RUNS} on one core, {SORT_RUNS} for the sorts, by each column in turn. In a"
        " page that is read meanwhile, both share the core. Counts, rates and pages are the planted"
        " ones."
    )
    columns = ("ms", *(f"{n:,} rows" for n in given.rows))
    growths = [
        Growth(
            f"explorer: {name.removesuffix(', MB')}",
            "rows",
            "MB" if name.endswith("MB") else "s",
            tuple(
                (n, each[name] if name.endswith("MB") else each[name] / 1000)
                for n, each in zip(given.rows, found, strict=True)
            ),
        )
        for name in GROWING
    ]
    tell([Table("Questions to an evaluation", columns, rows, note)], growths)


if __name__ == "__main__":
    main()
