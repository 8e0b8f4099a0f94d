"""Things that take a while (a model, an evaluation), made by a thread while the page is open."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")

Report = Callable[[int, int], None]  # steps done, steps in all


class Pending(Generic[T]):
    """A named value that is waiting to be made, being made, made, or failed."""

    def __init__(self, name: str, make: Callable[[Report], T]) -> None:
        self.name = name
        self.done = 0  # steps
        self.total = 0  # steps; 0 while unknown
        self._make = make
        self._future: Future[T] = Future()

    @classmethod
    def of(cls, name: str, value: T) -> "Pending[T]":
        """A value that is there already."""
        pending = cls(name, lambda report: value)  # noqa: ARG005 - the signature of all makers
        pending.make()
        return pending

    def make(self) -> None:
        """Make the value in this thread; what goes wrong is raised where it is wanted."""
        if not self._future.set_running_or_notify_cancel():
            return
        try:
            self._future.set_result(self._make(self._report))
        except Exception as e:  # noqa: BLE001 - whoever waits for the value gets it
            self._future.set_exception(e)

    @property
    def finished(self) -> bool:
        """Made or failed."""
        return self._future.done()

    @property
    def failure(self) -> BaseException | None:
        """Why it failed, if it did."""
        return self._future.exception() if self.finished else None

    @property
    def ready(self) -> bool:
        return self.finished and self.failure is None

    def result(self, timeout_s: float | None = None) -> T:
        """Wait for the value (raises TimeoutError, or what its making raised)."""
        return self._future.result(timeout_s)

    def watch(self, every_s: float = 0.4) -> Iterator[tuple[int, int]]:
        """(steps done, steps in all) again and again until the value is made or failed."""
        while not self._future.done():
            yield self.done, self.total
            time.sleep(every_s)

    def _report(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class Workshop:
    """Makes pending values, one after the other, in one thread; starts once."""

    def __init__(self, pendings: Sequence[Pending]) -> None:
        self._pendings = pendings
        self._started = threading.Lock()

    def start(self) -> None:
        """Begin, unless that was done before."""
        if self._started.acquire(blocking=False):
            # A daemon, so that Ctrl-C need not wait for an evaluation to end.
            threading.Thread(target=self._work, name="workshop", daemon=True).start()

    def _work(self) -> None:
        for pending in self._pendings:
            if not pending.finished:
                pending.make()
            if pending.failure is not None:
                print(f"{pending.name}: {pending.failure}", file=sys.stderr, flush=True)
