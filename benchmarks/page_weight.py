"""What a visit costs on the wire: requests and bytes by kind, in Chromium, beside bare Gradio.

python -m benchmarks.page_weight

A first visit has an empty cache, a second one the first's. Then every tab is opened, and what it
fetches is counted; Plotly's bundle is a megabyte and a half, and to come with the first figure that
is looked at, not before. Counts and not times: one run of each is enough.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.results import Table, tell
from benchmarks.startup import BARE, first_transcript, started, until_answered
from tests.browser.conftest import QUIET

QUIET_S = 1.5  # without a request: all is there
LIMIT_S = 60
KINDS = ("html", "js", "css", "fonts", "images", "audio", "answers", "other")
OF_CHROMIUM = {
    "Document": "html",
    "Script": "js",
    "Stylesheet": "css",
    "Font": "fonts",
    "Image": "images",
    "Media": "audio",
    "Fetch": "answers",
    "XHR": "answers",
}
FIGURE = "#recognised .mh-figure"
TABS = {  # name -> what shows that it is there
    "Errors": "#compared .mh-figure",
    "Compare": "#comparison",
    "Data": "#recordings tbody tr",
    "Model": "#card",
}


@dataclass
class Fetched:
    """One request: what came over the wire, and unpacked, in bytes."""

    address: str
    kind: str = "other"
    finished: int = 0  # over the wire, headers and all; 0 of a stream that goes on
    unpacked: int = 0
    cached: bool = False

    @property
    def wire(self) -> int:
        """A stream of answers is not compressed."""
        return 0 if self.cached else self.finished or self.unpacked

    @property
    def is_plotly(self) -> bool:
        return "plotly" in self.address.rpartition("/")[2].lower()


@dataclass
class Wire:
    """All requests of a page, as Chromium's own tools tell them."""

    requests: dict[str, Fetched] = field(default_factory=dict)
    last: float = 0.0  # of the monotonic clock

    def listen(self, page: Any) -> None:
        tools = page.context.new_cdp_session(page)
        tools.send("Network.enable")
        for name in ("requestWillBeSent", "responseReceived", "dataReceived", "loadingFinished"):
            tools.on(f"Network.{name}", getattr(self, f"_{name}"))
        tools.on("Network.requestServedFromCache", self._served_from_cache)

    def settled(self, page: Any) -> list[Fetched]:
        """The requests, once there are no more; those inside the page (data:) left out."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < min(until, self.last + QUIET_S):
            page.wait_for_timeout(100)
        inside = ("data:", "blob:")
        return [each for each in self.requests.values() if not each.address.startswith(inside)]

    def _requestWillBeSent(self, event: dict[str, Any]) -> None:  # noqa: N802 - Chromium's name
        self.requests.setdefault(event["requestId"], Fetched(event["request"]["url"]))
        self.last = time.monotonic()

    def _responseReceived(self, event: dict[str, Any]) -> None:  # noqa: N802
        if found := self.requests.get(event["requestId"]):
            found.kind = OF_CHROMIUM.get(event["type"], "other")
            found.cached |= bool(event["response"].get("fromDiskCache"))

    def _dataReceived(self, event: dict[str, Any]) -> None:  # noqa: N802
        if found := self.requests.get(event["requestId"]):
            found.unpacked += event["dataLength"]
            self.last = time.monotonic()

    def _loadingFinished(self, event: dict[str, Any]) -> None:  # noqa: N802
        if found := self.requests.get(event["requestId"]):
            found.finished = int(event["encodedDataLength"])

    def _served_from_cache(self, event: dict[str, Any]) -> None:
        if found := self.requests.get(event["requestId"]):
            found.cached = True


def visits(browser: Any, address: str, sign: str) -> tuple[list[Fetched], list[Fetched], Any]:
    """What a first and a second visit fetch; the second's page."""
    context = browser.new_context(viewport={"width": 1320, "height": 900})
    found = []
    for _ in range(2):
        page, wire = context.new_page(), Wire()
        wire.listen(page)
        page.goto(address)
        page.locator(sign).first.wait_for(timeout=1000 * LIMIT_S)
        found.append(wire.settled(page))
    return found[0], found[1], page


def opened(page: Any) -> Table:
    """What each tab fetches when it is opened, one after the other, the cache filled before."""
    rows = []
    for name, sign in TABS.items():
        wire = Wire()
        wire.listen(page)
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator(sign).first.wait_for(timeout=1000 * LIMIT_S)
        found = wire.settled(page)
        plotly = [each for each in found if each.is_plotly]
        rows.append((name, len(found), _kb(found), _kb(plotly)))
    return Table(
        "What each tab adds when it is opened",
        ("tab", "requests", "kB", "of it Plotly, kB"),
        tuple(rows),
        "One after the other on one page. Where there is no Plotly, it is not fetched.",
    )


def by_kind(bare: Iterable[Fetched], first: Iterable[Fetched], second: Iterable[Fetched]) -> Table:
    """A row a kind, and their sums."""
    rows = []
    for kind in (*KINDS, "all"):
        parts = [[e for e in each if kind in (e.kind, "all")] for each in (bare, first, second)]
        if any(parts):
            sent = [each for each in parts[2] if not each.cached]
            unpacked = f"{sum(each.unpacked for each in parts[1]) / 1000:.0f}"
            counts = (len(parts[0]), _kb(parts[0]), len(parts[1]), _kb(parts[1]), unpacked)
            rows.append((kind, *counts, len(sent), _kb(sent)))
    return Table(
        "A visit on the wire",
        (
            *("kind", "bare Gradio: requests", "kB", "Misheard: requests", "kB", "unpacked, kB"),
            *("second visit: requests", "kB"),
        ),
        tuple(rows),
        "In Chromium, an example transcribed; of a second visit what the cache did not have.",
    )


def _kb(found: Iterable[Fetched]) -> str:
    return f"{sum(each.wire for each in found) / 1000:.1f}"


def main() -> None:
    """Print the tables."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET])
        with started(BARE) as app:
            until_answered(app)
            bare, _, _ = visits(browser, app.address, "h1")
        with started(("app.py",)) as app:
            until_answered(app)
            first_transcript(app)  # so that the model is there
            first, second, page = visits(browser, app.address, FIGURE)
            tabs = opened(page)
        browser.close()
    tell([by_kind(bare, first, second), tabs])


if __name__ == "__main__":
    main()
