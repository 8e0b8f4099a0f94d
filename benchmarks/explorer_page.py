"""What a person waits for in the Errors tab of a large imported set, in Chromium.

python -m benchmarks.explorer_page [ROWS]

Imports 8 words a row (100,000 rows where not said), each with one of the bundled recordings, serves
the app, and times on the page: opening the tab, a condition, a sort, and a click on a row until its
evidence is there. Medians of 7; the peak is the server's.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.imports import ROOT, write_predictions
from benchmarks.own_process import peak_mb
from tests.browser.conftest import QUIET, free_port, wait_for

RUNS = 7
RECORDINGS = ROOT / "assets" / "validation" / "spoken"


def main() -> None:
    """Print a table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port, log = free_port(), folder / "app.log"
        evaluation = imported(folder, rows)
        command = [sys.executable, "app.py", "--port", str(port), "--evaluation", str(evaluation)]
        started = time.perf_counter()
        with log.open("w") as output:
            server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        try:
            wait_for(f"http://127.0.0.1:{port}/", server, log)
            answers = time.perf_counter() - started
            print(f"| {rows:,} rows | seconds |\n|---|---:|\n| the page answers | {answers:.2f} |")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=[*QUIET]
                )
                for what, seconds in timings(browser.new_page(), port):
                    print(f"| {what} | {seconds:.3f} |", flush=True)
                browser.close()
            print(f"| the server's peak, MB | {peak_mb(server.pid):.0f} |")
        finally:
            server.terminate()
            server.wait(timeout=20)


def imported(folder: Path, rows: int) -> Path:
    """An imported evaluation whose rows have recordings."""
    plain, named, out = folder / "plain.jsonl", folder / "predictions.jsonl", folder / "evaluation"
    write_predictions(plain, rows)
    recordings = sorted(RECORDINGS.glob("**/*.opus")) or sorted(RECORDINGS.glob("**/*.flac"))
    with plain.open(encoding="utf-8") as source, named.open("w", encoding="utf-8") as target:
        for i, line in enumerate(source):
            record = json.loads(line) | {"audio_filepath": str(recordings[i % len(recordings)])}
            target.write(json.dumps(record) + "\n")
    command = [sys.executable, "-m", "analysis", "import", str(named), "--name", "theirs"]
    subprocess.run([*command, "--out", str(out)], cwd=ROOT, check=True, capture_output=True)
    return out


def timings(page: Page, port: int) -> list[tuple[str, float]]:
    """What is waited for, and how long at the median."""
    page.goto(f"http://127.0.0.1:{port}/")
    page.locator("#recognised .mh-figure").wait_for(timeout=60_000)
    opened = clocked(page, lambda: page.get_by_role("tab", name="Errors").click(), ROWS_THERE)
    page.locator("#compared .mh-figure").wait_for(timeout=60_000)
    conditions = [f"errors > {n % 3} AND n_reference > {n}" for n in range(1, 1 + RUNS)]
    filtered = [clocked(page, lambda c=c: ask(page, c), ANSWERED) for c in conditions]
    heads = page.locator("#utterances th[data-column] button")
    sorted_s = [clocked(page, heads.nth(i % 3).click, ANSWERED) for i in range(RUNS)]
    body = page.locator("#utterances .mh-table tbody tr")
    clicks = [clocked(page, body.nth(i).click, SHOWN) for i in range(1, 1 + RUNS)]
    return [
        ("the Errors tab is opened", opened),
        ("a condition, headline and rows", statistics.median(filtered)),
        ("a sort", statistics.median(sorted_s)),
        ("a click on a row, until its evidence is there", statistics.median(clicks)),
    ]


ROWS_THERE = "document.querySelector('#utterances tbody tr') !== null"
ANSWERED = "window.settled?.()"
SHOWN = "window.shown?.()"
WATCH = """() => {
    const first = document.querySelector("#utterances tbody")?.firstChild;
    const figure = document.querySelector("#compared .mh-evidence")?.firstChild;
    window.settled = () => document.querySelector("#utterances tbody").firstChild !== first;
    window.shown = () => document.querySelector("#compared .mh-figure")
        && document.querySelector("#compared .mh-evidence").firstChild !== figure;
}"""


def clocked(page: Page, act: Callable[[], Any], done: str) -> float:
    """Seconds from an act until a condition holds on the page, looked at each frame."""
    page.evaluate(WATCH)
    started = time.perf_counter()
    act()
    page.wait_for_function(done, polling="raf", timeout=60_000)
    return time.perf_counter() - started


def ask(page: Page, condition: str) -> None:
    """Fill in a condition and apply it."""
    page.locator(".mh-sql").fill(condition)
    page.locator(".mh-sql").press("Enter")


if __name__ == "__main__":
    main()
