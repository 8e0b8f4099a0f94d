"""The app and several people: what is slow or too much stays with who asked for it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError

import app
from analysis.evaluation import Evaluation
from asr_core.recognizer import Recognizer
from tests.test_app import free_port
from ui import hearing, limits, strings
from ui.background import Pending, Report
from ui.limits import CallKind

RATE = 8000
PATIENCE_S = 30
N_WAITING = 8  # instead of `limits.MOST_WAITING`
STORED = Path(app.ASSETS) / "evaluations" / "spoken"


class Office:
    """The app with the tiny model; recordings called `slow...` are done when the test says so."""

    def __init__(self, folder: Path, recognizer: Recognizer, patch: pytest.MonkeyPatch) -> None:
        self.done = threading.Event()
        self.slow_begun = threading.Semaphore(0)
        self.folder = folder
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        patch.setattr(limits, "MOST_WAITING", N_WAITING)
        patch.setattr(hearing, "_pieces", self._slowly(hearing._pieces))
        rng = np.random.default_rng(0)
        for name in ("slow.wav", "quick.wav"):
            soundfile.write(folder / name, 0.1 * rng.standard_normal(RATE), RATE)
        evaluations = [Pending("being made", self._make), Pending.of("stored", _stored())]
        self.page = app.build([Pending.of("tiny", recognizer)], evaluations)
        self.address = app.launch(self.page, port=free_port())
        self.client = Client(self.address, verbose=False)
        self.http = httpx.Client(base_url=self.address + "gradio_api/", timeout=PATIENCE_S)

    def _slowly(self, pieces: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def slowly(recognizer: Recognizer, path: Path, *rest: Any) -> Iterator[Any]:
            if path.stem == "slow":
                self.slow_begun.release()
                assert self.done.wait(10 * PATIENCE_S)
            yield from pieces(recognizer, path, *rest)

        return slowly

    def _make(self, report: Report) -> Evaluation:  # noqa: ARG002 - what makers are called with
        assert self.done.wait(10 * PATIENCE_S)
        return _stored()

    def recognise(self, name: str) -> Any:
        """What a program gets that asks and waits."""
        file = handle_file(self.folder / name)
        asked = self.client.submit(file, "tiny", api_name="/recognise")
        return asked.result(PATIENCE_S)[0]

    def join(self, fn_index: int, data: list[Any], session: str) -> int:
        """Put an event in the queue, as a page does, and do not wait: the answer's status."""
        asked = {"data": data, "fn_index": fn_index, "session_hash": session}
        return self.http.post("queue/join", json=asked).status_code

    def event(self, api_name: str) -> int:
        """The number of an event that has a name."""
        return next(i for i, fn in self.page.fns.items() if fn.api_name == api_name)

    def opening(self) -> int:
        """The number of the event that shows an evaluation when another is chosen."""
        choice = next(b for b in self.page.blocks.values() if b.elem_id == "evaluation")
        return next(i for i, fn in self.page.fns.items() if fn.targets == [(choice._id, "input")])

    def slow_ones(self, n: int) -> list[int]:
        """Have so many slow recordings recognised; the statuses."""
        path = self.http.post("upload", files={"files": (self.folder / "slow.wav").open("rb")})
        file = {"path": path.json()[0], "meta": {"_type": "gradio.FileData"}}
        data = [file, "tiny", "latin", None]
        event = self.event("recognise")
        return [self.join(event, data, f"slow-{i}") for i in range(n)]

    def wait_for_slow(self, n: int) -> None:
        for _ in range(n):
            assert self.slow_begun.acquire(timeout=PATIENCE_S)

    def browse(self) -> dict[str, Any]:
        """What the Errors tab's headline asks the server for."""
        filters = next(b for b in self.page.blocks.values() if b.elem_id == "filters")
        asked = {
            "component_id": filters._id,
            "fn_name": "fetch_headline",
            "session_hash": "a",
            "data": {"evaluation": "stored", "where": "errors > 0"},
        }
        return self.http.post("component_server", json=asked).raise_for_status().json()


def _stored() -> Evaluation:
    return Evaluation.open(STORED)


@pytest.fixture
def office(
    tmp_path: Path, tiny_recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    office = Office(tmp_path, tiny_recognizer, monkeypatch)
    try:
        yield office
    finally:
        office.done.set()
        office.http.close()
        office.page.close(verbose=False)


def test_slow_recordings_hold_up_nobody(office: Office) -> None:
    n = limits.RECOGNISING.at_once - 1
    assert office.slow_ones(n) == [200] * n
    office.wait_for_slow(n)
    assert office.recognise("quick.wav")["lanes"]
    assert office.browse()["rates"]


def test_who_watches_an_evaluation_being_made_holds_up_nobody(office: Office) -> None:
    opening = office.opening()
    for i in range(limits.OPENING.at_once + 5):
        assert office.join(opening, ["being made"], f"watcher-{i}") == 200
    assert office.recognise("quick.wav")["lanes"]
    assert office.browse()["rates"]


def test_a_full_queue_says_so_and_browsing_goes_on(office: Office) -> None:
    n = limits.RECOGNISING.at_once
    assert office.slow_ones(n) == [200] * n
    office.wait_for_slow(n)  # what comes now waits
    assert office.slow_ones(N_WAITING + 1) == [200] * N_WAITING + [503]
    with pytest.raises(QueueError, match="Queue is full"):
        office.recognise("quick.wav")
    assert office.browse()["rates"]
    office.done.set()
    office.wait_for_slow(N_WAITING)  # those that waited have their turn
    assert office.recognise("quick.wav")["lanes"]


def test_a_slow_upload_holds_up_nobody(office: Office) -> None:
    """Half of a file has arrived, and no more comes."""
    halfway, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        sound = (office.folder / "quick.wav").read_bytes()
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
        yield head + sound[: len(sound) // 2]
        halfway.set()
        assert go_on.wait(PATIENCE_S)
        yield sound[len(sound) // 2 :] + b"\r\n--x--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    with ThreadPoolExecutor(1) as person:
        upload = person.submit(office.http.post, "upload", content=slowly(), headers=kind)
        assert halfway.wait(PATIENCE_S)
        assert office.recognise("quick.wav")["lanes"]
        assert not upload.done()
        go_on.set()
        (path,) = upload.result(PATIENCE_S).raise_for_status().json()
    assert Path(path).read_bytes() == (office.folder / "quick.wav").read_bytes()


def test_kinds_that_take_long_leave_threads_for_the_others(office: Office) -> None:
    known = {kind.name: kind for kind in (limits.RECOGNISING, limits.CHANGING, limits.OPENING)}
    used = {fn.concurrency_id for fn in office.page.fns.values()}
    assert set(known) <= used
    assert sum(kind.at_once for kind in known.values()) < limits.MOST_THREADS
    assert all(
        fn.concurrency_limit == known[fn.concurrency_id].at_once
        for fn in office.page.fns.values()
        if fn.concurrency_id in known
    )


def test_a_call_too_many_is_told_so() -> None:
    """One is worked on, one waits, the third is refused; the first two get their answers."""
    begun, go_on = threading.Event(), threading.Event()
    answers: dict[int, Any] = {}

    def slow(asked: int) -> int:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        return 10 * asked

    async def three() -> None:
        (call,) = CallKind(1, waiting=1).limited([slow])

        async def ask(i: int) -> None:
            answers[i] = await call(i)

        async with anyio.create_task_group() as people:
            people.start_soon(ask, 1)
            while not begun.is_set():
                await anyio.sleep(0)
            people.start_soon(ask, 2)
            await anyio.wait_all_tasks_blocked()
            await ask(3)
            assert answers == {3: {"error": strings.BUSY}}
            go_on.set()

    with ThreadPoolExecutor(1) as thread:  # where Playwright has no event loop
        thread.submit(anyio.run, three).result()
    assert answers == {1: 10, 2: 20, 3: {"error": strings.BUSY}}
