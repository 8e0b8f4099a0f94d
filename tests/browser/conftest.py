"""A real Chromium on a real server: one server for all, a fresh profile for each test."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "assets" / "examples"
VALIDATION = ROOT / "assets" / "validation" / "spoken"
MODEL = os.environ.get("MISHEARD_TEST_MODEL", "spoken")  # a folder, or the bundled one
REQUIRED = os.environ.get("MISHEARD_REQUIRE_BROWSER") == "1"

START_S = 60
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
N_UTTERANCES = 55  # more than a page of the table
HOSTILE = "<img/src=x/onerror=alert(1)>${1+1}{{1+1}}"  # a word, to those who split at spaces


@dataclass
class Visit:
    """A page, and what went wrong on it."""

    page: object
    complaints: list[str] = field(default_factory=list)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Chromium's path; without one, tests are skipped, or fail where a browser is required."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "no chromium: apt-get install chromium"
        if REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory) -> Path:
    """The model on a part of the bundled set; its worst row made hostile in every text."""
    from analysis.evaluating import evaluate
    from analysis.evaluation import UTTERANCES, Evaluation
    from asr_core.recognizer import Recognizer

    folder = tmp_path_factory.mktemp("browser")
    lines = (VALIDATION / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:N_UTTERANCES]]
    for row in rows:
        row["audio_filepath"] = str(VALIDATION / row["audio_filepath"])
    rows[0]["text"] = " ".join(["zero"] * 20)  # far more words than were said: the worst row
    manifest = folder / "manifest.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    evaluate(Recognizer.load(MODEL), manifest, folder / "evaluation", name=HOSTILE)
    table = pd.read_parquet(folder / "evaluation" / UTTERANCES)
    table.loc[0, "text"] = " ".join([HOSTILE] * 20)
    table.loc[0, "voice"] = HOSTILE
    table.to_parquet(folder / "evaluation" / UTTERANCES, index=False)
    assert Evaluation.open(folder / "evaluation").page()[0][0]["voice"] == HOSTILE
    return folder / "evaluation"


@pytest.fixture(scope="session")
def second(evaluation) -> Path:
    """The same evaluation, called "second" and without its first utterance."""
    from analysis.evaluation import SUMMARY, UTTERANCES

    folder = evaluation.with_name("second")
    shutil.copytree(evaluation, folder)
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    (folder / SUMMARY).write_text(json.dumps({**summary, "name": "second"}), encoding="utf-8")
    pd.read_parquet(folder / UTTERANCES).iloc[1:].to_parquet(folder / UTTERANCES, index=False)
    return folder


@contextlib.contextmanager
def serving(command: list[str], folder: Path) -> Iterator[tuple[str, Path]]:
    """A running app on a free port: its address and its log; `folder` takes what it writes."""
    port = free_port()
    log = folder / "app.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *command, "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "GRADIO_TEMP_DIR": str(folder / "gradio")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/", process, log)
        yield f"http://127.0.0.1:{port}/", log
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def description(tmp_path_factory) -> Path:
    """The same part of the bundled set in two splits; a speaker and a field are hostile."""
    from analysis.describing import describe

    folder = tmp_path_factory.mktemp("described")
    lines = (VALIDATION / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:N_UTTERANCES]]
    for row in rows:
        row["audio_filepath"] = str(VALIDATION / row["audio_filepath"])
    rows[0] |= {"speaker": HOSTILE, "voice": HOSTILE}
    for name, part in (("train", rows[:40]), ("test", rows[40:])):
        text = "\n".join(map(json.dumps, part))
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    manifests = [folder / "train.jsonl", folder / "test.jsonl"]
    describe(manifests, folder / "description", name=HOSTILE, workers=1)
    return folder / "description"


@pytest.fixture(scope="session")
def address(chromium, evaluation, second, description, tmp_path_factory) -> Iterator[str]:
    """A running `python app.py`."""
    shown = ["--evaluation", str(evaluation), "--evaluation", str(second)]
    shown += ["--description", str(description)]
    with serving(["app.py", "--model", MODEL, *shown], tmp_path_factory.mktemp("app")) as running:
        yield running[0]


def wait_for(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)  # noqa: S310 - localhost
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"app.py did not answer at {url}:\n{log.read_text()}")


@pytest.fixture(scope="session")
def playwright():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def visit(playwright, chromium, address) -> Iterator[Callable]:
    """Open the page in a new browser; console errors and requests elsewhere fail the test."""
    visits: list[Visit] = []
    browsers = []
    expected: set[str] = set()

    def open_page(*flags: str, path: str = "", expect: str = "", **options):
        expected.add(expect)
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *flags])
        browsers.append(browser)
        options.setdefault("viewport", {"width": 1320, "height": 900})
        page = browser.new_page(**options)
        page.set_default_timeout(30_000)
        visits.append(watch(page, urlsplit(address).netloc))
        page.goto(address + path)
        return page

    yield open_page
    for browser in browsers:
        browser.close()
    complaints = {complaint for each in visits for complaint in each.complaints}
    assert complaints - expected == set()


def watch(page, host: str) -> Visit:
    """Note console errors, page errors, dialogs, failed answers and requests to other hosts."""
    seen = Visit(page)

    def note(kind: str, text: str) -> None:
        seen.complaints.append(f"{kind}: {text}")

    def request(asked) -> None:
        url = urlsplit(asked.url)
        if url.scheme not in ("data", "blob") and url.netloc != host:
            note("request elsewhere", asked.url)

    def dialog(opened) -> None:
        note("dialog", opened.message)
        opened.dismiss()

    page.on("console", lambda m: note("console", m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: note("page error", str(e)))
    page.on("dialog", dialog)
    page.on("request", request)
    page.on("response", lambda r: note(str(r.status), r.url) if r.status >= 400 else None)
    return seen


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """The first bundled example as WAV, which every reader and Chromium's microphone know."""
    samples, rate = soundfile.read(EXAMPLES / "three-seven-stop.opus")
    path = tmp_path_factory.mktemp("clip") / "clip.wav"
    soundfile.write(path, samples, rate)
    return path
