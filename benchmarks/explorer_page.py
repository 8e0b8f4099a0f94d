"""What a person waits for in the Errors and Compare tabs of large sets, in Chromium.

python -m benchmarks.explorer_page [ROWS ...]

Two systems' synthetic evaluations of the same utterances (`synthetic`), each row with one of the
bundled recordings, are served by the app. On the page, from the act to what it shows: the tab is
opened, a page is turned, a condition, a sort, an outcome, and a click on a row until its evidence
is there, in Compare that of both systems. In comparison mode NeMo's Speech Data Explorer answers a
click after 15 s with 100,000 rows, for which the browser sends 121 MB.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.own_process import SIZES, held_mb, peak_mb
from benchmarks.results import Growth, Table, tell
from benchmarks.startup import started, until_answered
from benchmarks.synthetic import WANTED, recordings, write_evaluation
from tests.browser.conftest import QUIET

RUNS = 5
LIMIT_MS = 120_000
SETTLED_S = 3.0
WATCH = """([table, ...views]) => {
    const seen = (node) => node && !node.firstChild ? null : node?.firstChild;
    const first = seen(document.querySelector(`${table} tbody`));
    const before = views.map((view) => seen(document.querySelector(`${view} .mh-evidence`)));
    const drawn = (view) => document.querySelector(`${view} .mh-figure`);
    window.settled = () => {
        const now = document.querySelector(`${table} tbody`)?.firstChild;
        return now && now !== first;
    };
    window.shown = () => views.every((view, i) => drawn(view)
        && document.querySelector(`${view} .mh-evidence`).firstChild !== before[i]);
}"""


@dataclass(frozen=True)
class Tab:
    """Where things are in a tab."""

    name: str
    table: str
    views: tuple[str, ...]
    pager: str


ERRORS = Tab("Errors", "#utterances .mh-table", ("#compared",), "#utterances .mh-pager")
COMPARE = Tab("Compare", ".mh-pairs", ("#compared-a", "#compared-b"), "#comparison .mh-pager")


@dataclass
class Screen:
    """A page whose acts are timed and whose bytes are counted."""

    page: Any
    sent: int = 0  # bytes of requests' bodies
    received: int = 0  # bytes of answers' bodies, as they travel

    def listen(self) -> None:
        tools = self.page.context.new_cdp_session(self.page)
        tools.send("Network.enable")
        tools.on("Network.dataReceived", self._count)
        self.page.on("request", self._request)

    def _count(self, event: dict[str, Any]) -> None:
        self.received += int(event["encodedDataLength"] or event["dataLength"])

    def _request(self, request: Any) -> None:
        self.sent += len(request.post_data_buffer or b"")

    def clocked(self, tab: Tab, act: Callable[[], Any], done: str) -> float:
        """Seconds from an act until a condition holds on the page, looked at each frame."""
        self.page.evaluate(WATCH, [tab.table, *tab.views])
        begun = time.perf_counter()
        act()
        self.page.wait_for_function(f"window.{done}()", polling="raf", timeout=LIMIT_MS)
        return time.perf_counter() - begun

    def open(self, tab: Tab) -> float:
        """Seconds until the tab's rows are there, and waits for the first one's evidence."""
        button = self.page.get_by_role("tab", name=tab.name, exact=True)
        taken = self.clocked(tab, button.click, "settled")
        for view in tab.views:
            self.page.locator(f"{view} .mh-figure").wait_for(timeout=LIMIT_MS)
        return taken

    def total(self, tab: Tab) -> int:
        """How many utterances the tab says there are: the last number of its pager."""
        words = (
            self.page.locator(f"{tab.pager} .mh-total").first.inner_text().replace(",", "").split()
        )
        return [int(word) for word in words if word.isdigit()][-1]

    def clicks(self, tab: Tab) -> tuple[float, float, float]:
        """Of a click on a row: median seconds, and kB sent and received."""
        rows = self.page.locator(f"{tab.table} tbody tr")
        sent, received = self.sent, self.received
        taken = [self.clocked(tab, rows.nth(i).click, "shown") for i in range(1, 1 + RUNS)]
        self.page.wait_for_timeout(500)  # the sound comes after
        counted = (self.sent - sent, self.received - received)
        return (statistics.median(taken), *(n / 1000 / RUNS for n in counted))

    def pages(self, tab: Tab) -> float:
        """Median seconds to turn a page."""
        forth = self.page.locator(f"{tab.pager} button").nth(1)
        return statistics.median(self.clocked(tab, forth.click, "settled") for _ in range(RUNS))


def errors(screen: Screen, planted: dict[str, Any]) -> dict[str, float]:
    """What is waited for in the Errors tab, its numbers checked."""
    page = screen.page
    found = {"Errors: the tab is opened": screen.open(ERRORS)}
    assert screen.total(ERRORS) == planted["counts"]["utterances"]
    click = screen.clicks(ERRORS)
    found["Errors: a page is turned"] = screen.pages(ERRORS)
    heads = page.locator(f"{ERRORS.table} th[data-column] button")
    sorts = [screen.clocked(ERRORS, heads.nth(i % 3).click, "settled") for i in range(RUNS)]
    found["Errors: a sort"] = statistics.median(sorts)
    conditions = [WANTED, *(f"errors > {n % 3} AND n_reference > {n}" for n in range(1, RUNS))]
    asked = []
    for condition in conditions:
        asked.append(screen.clocked(ERRORS, lambda c=condition: _ask(page, c), "settled"))
        if condition == WANTED:
            assert screen.total(ERRORS) == planted["wanted"]
    found["Errors: a condition"] = statistics.median(asked)
    return found | _click("Errors", click)


def compare(screen: Screen, planted: tuple[dict[str, Any], ...]) -> dict[str, float]:
    """The same in the Compare tab."""
    page = screen.page
    found = {"Compare: the tab is opened": screen.open(COMPARE)}
    assert screen.total(COMPARE) == planted[0]["counts"]["utterances"]
    for side in planted:
        errors = sum(side["counts"][op] for op in ("substitutions", "deletions", "insertions"))
        assert f"{errors:,}" in page.locator("#comparison .mh-first").inner_text()
    click = screen.clicks(COMPARE)
    found["Compare: a page is turned"] = screen.pages(COMPARE)
    outcomes = page.locator("#comparison .mh-filter button")
    picked = [screen.clocked(COMPARE, outcomes.nth(i).click, "settled") for i in range(1, 4)]
    found["Compare: an outcome"] = statistics.median(picked)
    return found | _click("Compare", click)


def _click(tab: str, measured: tuple[float, float, float]) -> dict[str, float]:
    seconds, sent, received = measured
    return {
        f"{tab}: a row, until its evidence is there": seconds,
        f"{tab}: a row, kB sent": sent,
        f"{tab}: a row, kB received": received,
    }


def _ask(page: Any, condition: str) -> None:
    page.locator("#filters .mh-sql").fill(condition)
    page.locator("#filters .mh-sql").press("Enter")


def of_size(rows: int, browser: Any) -> dict[str, float]:
    """All that is measured at one size."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / side for side in "ab"]
        sounds = recordings()
        planted = tuple(
            write_evaluation(folder, rows, system=system, sounds=sounds)
            for system, folder in enumerate(folders)
        )
        shown = [part for folder in folders for part in ("--evaluation", str(folder))]
        with started(("app.py", *shown)) as app:
            until_answered(app)
            found = {"the page answers after": app.since()}
            screen = Screen(browser.new_page(viewport={"width": 1320, "height": 900}))
            screen.listen()
            screen.page.goto(app.address)
            screen.page.locator("#recognised .mh-figure").wait_for(timeout=LIMIT_MS)
            time.sleep(SETTLED_S)
            memory = {"before any tab": held_mb(app.process.pid)}
            found |= errors(screen, planted[0])
            memory["peak after Errors"] = peak_mb(app.process.pid)
            found |= compare(screen, planted)
            memory["peak after Compare"] = peak_mb(app.process.pid)
            time.sleep(SETTLED_S)
            memory["settled"] = held_mb(app.process.pid)
            screen.page.close()
    return found | {f"the app's memory {name}, MB": mb for name, mb in memory.items()}


def main() -> None:
    """Tell a row a wait, a column a number of rows."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    sizes = parser.parse_args().rows
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET])
        found = [of_size(rows, browser) for rows in sizes]
        browser.close()
    rows = tuple((name, *(_cell(name, each[name]) for each in found)) for name in found[0])
    note = (
        f"Medians of {RUNS} (a tab is opened once). The app and Chromium share the machine; the"
        " app's memory holds torch and the bundled models, too. What the page says of planted"
        " errors is checked."
    )
    growths = [
        Growth(
            f"in Chromium: {name.removesuffix(', MB')}",
            "rows",
            "MB" if name.endswith("MB") else "s",
            tuple((n, each[name]) for n, each in zip(sizes, found, strict=True)),
        )
        for name in found[0]
        if "kB" not in name
    ]
    columns = ("s", *(f"{n:,} rows" for n in sizes))
    tell([Table("Errors and Compare in Chromium", columns, rows, note)], growths)


def _cell(name: str, value: float) -> str:
    return f"{value:.0f}" if name.endswith("MB") else f"{value:.2f}"


if __name__ == "__main__":
    main()
