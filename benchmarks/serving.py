"""How the app answers several people at a time: `python app.py` and clients beside it.

python -m benchmarks.serving [CLIENTS ...] [--long N ...]

Clients of `gradio_client` ask one question after the other: a call that does nothing (no file),
which is what Gradio and the clients cost, and a clip of 3 s, from its upload to its evidence. A
browsing query is posted as the page does it, which `gradio_client` cannot. Then the same beside
somebody who uploads slowly, and beside N (1, then 4) recordings of an hour being recognised.
"""

import argparse
import functools
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import soundfile
from gradio_client import Client, handle_file

from asr_core.audio import load_audio
from asr_core.manifest import read_manifest
from benchmarks.results import Growth, Table, tell

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / "assets" / "validation" / "spoken" / "manifest.jsonl"
MODEL = "spoken"
CLIP_S = (2.5, 3.5)
CLIENTS = (1, 2, 4, 8, 16, 32)
BESIDE = 2  # clients beside the slow one
LONG = (1, 4)  # recordings of an hour
FEWEST_POINTS = 4  # of a Growth
REQUESTS = 64  # of all clients together
LEAST = 3  # of each
PROCESSES = 2  # that clients run in
HOUR_S = 3600
SLOW_UPLOAD = (64_000, 0.5)  # bytes, and seconds between them
START_S = 120
BOUNDARY = "slow-upload"


@dataclass(frozen=True)
class Asked:
    """What clients ask, and what is the right answer."""

    kind: str  # a key of `QUESTIONS`
    items: tuple[tuple[str, str], ...]  # (what is asked with, the answer)


@dataclass(frozen=True)
class Timing:
    """Seconds of each request, and requests a second."""

    seconds: tuple[float, ...]
    throughput: float

    @property
    def median_s(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95_s(self) -> float:
        return statistics.quantiles(self.seconds, n=20)[-1]


def main() -> None:
    """Tell latency and throughput by the number of clients, and beside those who take long."""
    parser = argparse.ArgumentParser(description="The app and several people.")
    parser.add_argument("clients", nargs="*", type=int, default=CLIENTS)
    parser.add_argument("--long", type=int, nargs="+", default=LONG, help="at a time, of an hour")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as address:
        asked = questions()
        with Crowd(address, max(BESIDE, *given.clients)) as crowd:
            crowd.ask(asked["recognise"], max(given.clients))  # all is loaded, all are connected
            by_clients = {
                kind: {n: crowd.ask(each, n) for n in given.clients} for kind, each in asked.items()
            }
            hours = write_hours(Path(name), max(given.long))
            slow: dict[str, Callable[[], AbstractContextManager[Any]]] = {
                "nobody": nullcontext,
                "an upload of 128 kB/s": lambda: uploading_slowly(address),
            }
            for n in given.long:
                some = functools.partial(recognising, address, hours[:n])
                slow[f"{n} of an hour, being recognised"] = some
            beside = {what: _beside(work, crowd, asked) for what, work in slow.items()}
    tell([by_clients_table(by_clients), beside_table(beside)], growths(by_clients))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The app in its own process, its model loaded: its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "app.py", "--port", str(port), "--language", "en"]
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder / "gradio")}
    with (folder / "app.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            httpx.get(address, timeout=5)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"no page at {address} within {START_S} s")


def questions() -> dict[str, Asked]:
    from analysis.evaluation import Evaluation
    from analysis.store import Filter
    from asr_core.recognizer import Recognizer

    clips = [
        str(row.audio_path)
        for row in read_manifest(MANIFEST).rows
        if CLIP_S[0] <= (row.duration_s or 0) < CLIP_S[1]
    ]
    paths = clips[:REQUESTS]
    texts = [transcript.text for transcript in Recognizer.load(MODEL).transcribe(paths)]
    evaluation = Evaluation.open(ROOT / "assets" / "evaluations" / MODEL)
    conditions = [f"errors > {n % 4} AND duration_s > {0.1 * n:.1f}" for n in range(REQUESTS)]
    counts = [str(evaluation.store.view(Filter(condition)).count) for condition in conditions]
    return {
        "nothing": Asked("nothing", (("", "empty"),)),
        "recognise": Asked("recognise", tuple(zip(paths, texts, strict=True))),
        "browse": Asked("browse", tuple(zip(conditions, counts, strict=True))),
    }


class _Person:
    """A client and what it can ask."""

    def __init__(self, address: str) -> None:
        # Without TLS to verify, gradio_client need not read the certificates for every request.
        self.client = Client(address, verbose=False, ssl_verify=False, analytics_enabled=False)
        self.http = httpx.Client(base_url=address)
        components = self.client.config["components"]
        self.filters = next(c for c in components if c["props"].get("elem_id") == "filters")
        choice = next(c for c in components if c["props"].get("elem_id") == "evaluation")
        names = [name for name, _ in choice["props"]["choices"]]
        self.evaluation = next(name for name in names if MODEL in name)

    def nothing(self, asked: str) -> str:
        """Ask without a file: the page says that there is nothing yet."""
        value, _ = self.client.predict(asked or None, MODEL, api_name="/recognise")
        return str(value["state"])

    def recognise(self, path: str) -> str:
        """Upload a clip and have it recognised."""
        value, _ = self.client.predict(handle_file(path), MODEL, api_name="/recognise")
        return " ".join(word["text"] for word in value["lanes"][0]["words"])

    def browse(self, condition: str) -> str:
        """Ask the headline of the Errors tab for a condition."""
        asked = {
            "component_id": self.filters["id"],
            "fn_name": "fetch_headline",
            "session_hash": self.client.session_hash,
            "data": {"evaluation": self.evaluation, "where": condition},
        }
        answer = self.http.post("gradio_api/component_server", json=asked, timeout=60)
        return str(answer.raise_for_status().json()["count"])


_people: list[_Person] = []  # of a client process: connecting takes a second


class Crowd:
    """Clients in processes of their own, each a thread."""

    def __init__(self, address: str, most: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._processes = [ProcessPoolExecutor(1, mp_context=spawn) for _ in range(PROCESSES)]
        share = -(-most // PROCESSES)
        for connected in [each.submit(_connect, address, share) for each in self._processes]:
            connected.result()

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.shutdown()

    def ask(self, asked: Asked, n_clients: int) -> Timing:
        """Let clients ask, one question after the other each, and check every answer."""
        each = max(LEAST, REQUESTS // n_clients)
        shares = [len(range(i, n_clients, PROCESSES)) for i in range(PROCESSES)]
        parts = [
            process.submit(_ask, asked, share, each)
            for process, share in zip(self._processes, shares, strict=True)
            if share
        ]
        times = [moment for part in parts for moment in part.result()]
        begun, ended = min(start for start, _ in times), max(end for _, end in times)
        return Timing(tuple(end - start for start, end in times), len(times) / (ended - begun))


def _connect(address: str, n_clients: int) -> None:
    _people.extend(_Person(address) for _ in range(n_clients))


def _ask(asked: Asked, n_clients: int, each: int) -> list[tuple[float, float]]:
    """When each request began and ended."""

    def one(i: int) -> list[tuple[float, float]]:
        question = getattr(_people[i], asked.kind)
        times = []
        for k in range(i * each, (i + 1) * each):
            given, expected = asked.items[k % len(asked.items)]
            begun = time.perf_counter()
            answer = question(given)
            times.append((begun, time.perf_counter()))
            assert answer == expected, f"got {answer!r} for {given!r}, expected {expected!r}"
        return times

    with ThreadPoolExecutor(n_clients) as threads:
        return [moment for times in threads.map(one, range(n_clients)) for moment in times]


@contextmanager
def uploading_slowly(address: str) -> Iterator[None]:
    """Somebody uploads a long file over a thin line."""
    size, pause_s = SLOW_UPLOAD
    where = urlsplit(address)
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
    ).encode()
    request = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {10**9}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    ).encode()
    done = threading.Event()
    with socket.create_connection((where.hostname or "", where.port or 80)) as line:
        line.sendall(request + head)

        def upload() -> None:
            while not done.wait(pause_s):
                line.sendall(bytes(size))

        uploader = threading.Thread(target=upload)
        uploader.start()
        try:
            yield
            assert uploader.is_alive(), "the upload ended"
        finally:
            done.set()
            uploader.join()


@contextmanager
def recognising(address: str, files: Sequence[Path]) -> Iterator[None]:
    """Long recordings are recognised, again and again; cancelled at the end."""
    done = threading.Event()
    begun = [threading.Event() for _ in files]

    def recognise(file: Path, first: threading.Event) -> None:
        client = Client(address, verbose=False, ssl_verify=False, analytics_enabled=False)
        while not done.is_set():
            job = client.submit(handle_file(file), MODEL, api_name="/recognise")
            for value, _ in job:
                if value["state"] == "loading":
                    first.set()
                if done.is_set():
                    job.cancel()
                    break

    people = [
        threading.Thread(target=recognise, args=pair) for pair in zip(files, begun, strict=True)
    ]
    for person in people:
        person.start()
    try:
        assert all(first.wait(START_S) for first in begun), "no long recording was begun"
        yield
    finally:
        done.set()
        for person in people:
            person.join()


def write_hours(folder: Path, n: int) -> list[Path]:
    """Recordings of an hour: the bundled clips, one after the other, from another one on each."""
    rows = read_manifest(MANIFEST).rows
    clips = [load_audio(row.audio_path, 8000).samples for row in rows]
    files = []
    for i in range(n):
        turned = np.concatenate(clips[i:] + clips[:i])
        files.append(folder / f"hour-{i}.flac")
        soundfile.write(files[-1], np.resize(turned, HOUR_S * 8000), 8000)
    return files


def _beside(
    work: Callable[[], AbstractContextManager[Any]], crowd: Crowd, asked: dict[str, Asked]
) -> dict[str, Timing]:
    with work():
        return {kind: crowd.ask(each, BESIDE) for kind, each in asked.items()}


NAMES = {
    "nothing": "a call that does nothing",
    "recognise": "a clip of 3 s, upload to evidence",
    "browse": "a condition in the Errors tab",
}


def growths(found: dict[str, dict[int, Timing]]) -> list[Growth]:
    """The medians by the number of clients, from four numbers on."""
    if min(map(len, found.values())) < FEWEST_POINTS:
        return []
    return [
        Growth(
            NAMES[kind],
            "clients",
            "s",
            tuple((float(n), timing.median_s) for n, timing in timings.items()),
        )
        for kind, timings in found.items()
    ]


def by_clients_table(found: dict[str, dict[int, Timing]]) -> Table:
    """A row a question and number of clients."""
    return Table(
        "The app with several clients",
        ("asked", "clients", "median, ms", "p95, ms", "a second"),
        tuple(
            (NAMES[kind], n, *_cells(timing))
            for kind, timings in found.items()
            for n, timing in timings.items()
        ),
        f"`gradio_client` in {PROCESSES} processes beside the server, on the same {os.cpu_count()} "
        "cores: what a call that does nothing takes is Gradio's and the clients' share. Every "
        "answer was checked.",
    )


def beside_table(found: dict[str, dict[str, Timing]]) -> Table:
    """A row a slow neighbour and question."""
    return Table(
        f"{BESIDE} clients beside somebody slow",
        ("beside", "asked", "median, ms", "p95, ms", "a second"),
        tuple(
            (what, NAMES[kind], *_cells(timing))
            for what, timings in found.items()
            for kind, timing in timings.items()
        ),
    )


def _cells(timing: Timing) -> tuple[float, float, float]:
    return (
        round(1000 * timing.median_s),
        round(1000 * timing.p95_s),
        round(timing.throughput, 1),
    )


if __name__ == "__main__":
    main()
