"""How soon the page answers and what it takes, beside a bare Gradio app and one with torch.

python -m benchmarks.startup [--runs N] [--rows ROWS ...] [--no-chromium]

Every app is a process of its own, started in turns: the times are medians, their ratios are of one
run. A page has answered when it has come whole; the processor's time is what the process had used
then, which other work on the machine hardly changes. The model is ready when a program has its
first transcript of a bundled recording, which must be the right one.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.explorer import write_evaluation
from benchmarks.own_process import peak_mb
from benchmarks.results import Growth, Table, tell
from tests.browser.conftest import QUIET, free_port

ROOT = Path(__file__).parent.parent
RUNS = 5
FEWER = 3  # of what the growth is made of
ROWS = (3_000, 30_000, 100_000, 1_000_000)
EVALUATIONS = (1, 3, 10, 30)
LIMIT_S = 120
SETTLED_S = 2.0  # after which nothing is going on any more
BUNDLED = ROOT / "assets" / "evaluations" / "spoken"
EXAMPLE, SAID = ROOT / "assets" / "examples" / "go-left-no-right-noisy.opus", "go left no right"

BARE = ("-m", "benchmarks.bare_app")
APPS = {
    "bare Gradio": BARE,
    "bare Gradio, torch imported": (*BARE, "--torch"),
    "Misheard": ("app.py",),
}
OURS, BESIDE = "Misheard", "bare Gradio, torch imported"


@dataclass(frozen=True)
class Started:
    """A running app."""

    process: subprocess.Popen[bytes]
    began: float  # of the monotonic clock
    address: str

    def since(self) -> float:
        """Seconds since the process was started."""
        return time.monotonic() - self.began

    def processor_s(self) -> float:
        """Seconds of the processor that it has used, in all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        user, system = fields.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> dict[str, float]:
        """Its peak, and what it has now: all of it, and its share of what others have, too."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="utf-8")
        now = {
            name: int(re.findall(rf"^{name}:\s+(\d+) kB", rollup, re.MULTILINE)[0]) / 1024
            for name in ("Rss", "Pss")
        }
        return {"peak": peak_mb(self.process.pid), **now}


@contextmanager
def started(arguments: Sequence[str]) -> Iterator[Started]:
    """An app, from the moment its process is started; ended afterwards."""
    port = free_port()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *arguments, "--port", str(port)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Started(process, began, f"http://127.0.0.1:{port}/")
    finally:
        process.kill()
        process.wait()


def until_answered(app: Started) -> float:
    """Seconds from the start of the process to a whole page (raises TimeoutError)."""
    while app.since() < LIMIT_S and app.process.poll() is None:
        try:
            with urllib.request.urlopen(app.address) as answer:  # noqa: S310 - localhost
                page = answer.read()
        except urllib.error.URLError:
            time.sleep(0.005)
        else:
            assert b"window.gradio_config" in page
            return app.since()
    raise TimeoutError(f"No page at {app.address} within {LIMIT_S} s, or the app has ended.")


def first_page(arguments: Sequence[str]) -> dict[str, float]:
    """What it takes until the page answers, and the memory once all is quiet."""
    with started(arguments) as app:
        found = {"answers": until_answered(app), "processor": app.processor_s()}
        found |= {f"{name} then": mb for name, mb in app.memory_mb().items()}
        if arguments[0] == "app.py":
            found["transcript"] = first_transcript(app)
        time.sleep(SETTLED_S)
        return found | app.memory_mb()


def first_transcript(app: Started) -> float:
    """Seconds from the start of the process until a program has its first transcript."""
    from gradio_client import Client, handle_file

    client = Client(app.address, verbose=False)
    value, _ = client.predict(handle_file(EXAMPLE), "spoken", api_name="/recognise")
    heard = " ".join(word["text"] for word in value["lanes"][0]["words"])
    assert heard == SAID, heard
    return app.since()


def in_turns(
    runs: int, measures: dict[str, Callable[[], dict[str, float]]]
) -> dict[str, dict[str, float]]:
    """The median of everything that each measure tells, taken in turns."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in measures}
    for _ in range(runs):
        for name, measure in measures.items():
            for what, value in measure().items():
                found[name][what].append(value)
    return {
        name: {what: statistics.median(values) for what, values in each.items()}
        for name, each in found.items()
    }


def drawn(browser: Any, arguments: Sequence[str], path: str, sign: str) -> dict[str, float]:
    """Seconds from the start of the process until a sign of its being there is on the page."""
    with started(arguments) as app:
        until_answered(app)
        page = browser.new_context(viewport={"width": 1320, "height": 900}).new_page()
        page.goto(app.address + path)
        page.locator(sign).first.wait_for(timeout=1000 * LIMIT_S)
        seconds = app.since()
        page.context.close()
        return {"seconds": seconds}


SIGNS = {  # what a person waits for -> the app, its page, and what shows that it is there
    "bare Gradio: the page": (BARE, "", "h1"),
    "bare Gradio, torch imported: the page": ((*BARE, "--torch"), "", "h1"),
    "Misheard: the page": (("app.py",), "", "h1"),
    "Misheard: the example is transcribed": (("app.py",), "", "#recognised .mh-figure"),
    "Misheard: the Errors tab has its table": (
        ("app.py",),
        "?tab=errors",
        "#utterances tbody tr",
    ),
    "Misheard: and the worst error its evidence": (
        ("app.py",),
        "?tab=errors",
        "#compared .mh-figure",
    ),
}


def on_the_page(runs: int) -> Table:
    """What a person waits for in Chromium, which runs already."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET])
        found = in_turns(
            runs,
            {name: lambda sign=sign: drawn(browser, *sign) for name, sign in SIGNS.items()},
        )
        browser.close()
    return Table(
        "From the start of the process to the page in Chromium",
        ("what is there", "s"),
        tuple((name, f"{each['seconds']:.2f}") for name, each in found.items()),
        f"Medians of {runs}, in turns; the browser waits for the server to answer.",
    )


def beside_bare_apps(runs: int) -> list[Table]:
    """Time and memory to the first page, and to the first transcript."""
    found = in_turns(
        runs, {name: lambda given=given: first_page(given) for name, given in APPS.items()}
    )
    rows = []
    for name, each in found.items():
        ratio = each["answers"] / found[BESIDE]["answers"]
        times = f"{each['answers']:.2f}", f"{ratio:.2f}", f"{each['processor']:.2f}"
        memory = (f"{each[what]:.0f}" for what in ("peak then", "Rss then", "peak", "Rss", "Pss"))
        rows.append((name, *times, *memory))
    ours = found[OURS]
    return [
        Table(
            "Start of the app, to its first page",
            (
                *("app", "page answers, s", "ratio", "processor, s", "peak then, MB"),
                *("RSS then, MB", "peak, MB", "settled RSS, MB", "settled PSS, MB"),
            ),
            tuple(rows),
            f"Medians of {runs}, in turns; the ratio is to the bare app with torch. Settled is"
            f" {SETTLED_S:.0f} s later, for Misheard after its first recognition.",
        ),
        Table(
            "Start of the app, to its first transcript",
            ("from the start of the process", "s"),
            (
                ("the page answers", f"{ours['answers']:.2f}"),
                ("a program has its first transcript", f"{ours['transcript']:.2f}"),
            ),
            f"Medians of {runs}; the bundled model, loaded in the background meanwhile.",
        ),
    ]


def growth(folder: Path, rows: Sequence[int], runs: int) -> list[Growth]:
    """Seconds and memory to the first page against the rows, and the number, of evaluations."""
    for n in rows:
        write_evaluation(folder / f"rows-{n}", n)
        shutil.copy(BUNDLED / "summary.json", folder / f"rows-{n}")  # a whole one
    for i in range(max(EVALUATIONS)):
        shutil.copytree(BUNDLED, folder / f"copy-{i}")
    sizes = {n: [folder / f"rows-{n}"] for n in rows}
    numbers = {n: [folder / f"copy-{i}" for i in range(n)] for n in EVALUATIONS}
    growths = []
    for unit, given in (("rows", sizes), ("evaluations", numbers)):
        found = in_turns(
            runs, {str(n): lambda shown=shown: answers(shown) for n, shown in given.items()}
        )
        for cost, name in (("s", "answers"), ("MB", "peak")):
            points = tuple((n, found[str(n)][name]) for n in given)
            growths.append(Growth(f"start of the app, {unit} shown", unit, cost, points))
    return growths


def answers(evaluations: Sequence[Path]) -> dict[str, float]:
    """Seconds until the app that shows evaluations answers, and its peak then."""
    shown = [argument for path in evaluations for argument in ("--evaluation", str(path))]
    with started(["app.py", *shown]) as app:
        return {"answers": until_answered(app), "peak": app.memory_mb()["peak"]}


def growth_table(growths: Sequence[Growth]) -> Table:
    """The points of the growths, and how much more the last costs than the first."""
    rows = []
    for each in growths:
        costs = [cost for _, cost in each.points]
        told = ", ".join(f"{size:,.0f}: {cost:.3g}" for size, cost in each.points)
        rows.append((f"{each.what}, {each.cost}", told, f"{costs[-1] / costs[0]:.2f}"))
    return Table(
        "Start of the app against what it shows",
        ("cost", "size: cost", "last over first"),
        tuple(rows),
        f"Medians of {FEWER}, in turns. Flat is 1.",
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--rows", nargs="*", type=int, default=ROWS)
    parser.add_argument("--no-chromium", dest="chromium", action="store_false")
    options = parser.parse_args()
    with started(APPS[OURS]) as app:
        until_answered(app)  # warms the disk
    tables = beside_bare_apps(options.runs)
    if options.chromium:
        tables.append(on_the_page(FEWER))
    with tempfile.TemporaryDirectory() as folder:
        growths = growth(Path(folder), options.rows, FEWER)
    tell([*tables, growth_table(growths)], growths)


if __name__ == "__main__":
    main()
