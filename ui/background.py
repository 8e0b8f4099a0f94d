"""Things that take a while (a model, an evaluation), made by a thread while the page is open."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Report(Protocol):
    """Tells how far the making is: steps done, steps in all, and what is being done meanwhile."""

    def __call__(self, done: int, total: int, doing: str = "") -> None: ...


class Pending(Generic[T]):
    """A named value that is waiting to be made, being made, made, or failed.

    What is `on_demand` is made when somebody wants it, and not by the workshop. What is `quick` is
    made by whoever looks at it first, who then never sees it unfinished.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[Report], T],
        *,
        on_demand: bool = False,
        quick: bool = False,
    ) -> None:
        self.name = name
        self.on_demand = on_demand
        self.quick = quick
        self.done = 0  # steps
        self.total = 0  # steps; 0 while unknown
        self.doing = ""  # what is being done, where steps do not tell
        self._make = make
        self._future: Future[T] = Future()
        self._begun = threading.Lock()  # never released

    @classmethod
    def of(cls, name: str, value: T) -> "Pending[T]":
        """A value that is there already."""
        pending = cls(name, lambda report: value)  # noqa: ARG005 - the signature of all makers
        pending.make()
        return pending

    def make(self) -> None:
        """Make the value in this thread, or wait for the thread that has begun to.

        What goes wrong is said on stderr, and raised where the value is wanted.
        """
        if not self._begun.acquire(blocking=False):
            wait([self._future])
            return
        try:
            self._future.set_result(self._make(self._report))
        except Exception as e:  # noqa: BLE001 - whoever waits for the value gets it
            print(f"{self.name}: {e}", file=sys.stderr, flush=True)
            self._future.set_exception(e)

    def begin(self) -> None:
        """Make the value in a thread of its own, unless that was begun before."""
        # A daemon, so that Ctrl-C need not wait for an evaluation to end.
        threading.Thread(target=self.make, name=self.name, daemon=True).start()

    @property
    def finished(self) -> bool:
        """Made or failed."""
        if self.quick:
            self.make()
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
        if self.quick:
            self.make()
        return self._future.result(timeout_s)

    def watch(self, every_s: float = 0.4) -> Iterator[tuple[int, int]]:
        """(steps done, steps in all) again and again until the value is made or failed."""
        while not self.finished:
            yield self.done, self.total
            wait([self._future], timeout=every_s)

    def _report(self, done: int, total: int, doing: str = "") -> None:
        self.done, self.total, self.doing = done, total, doing


class Workshop:
    """Makes pending values, the quick ones first, in one thread; starts once."""

    def __init__(self, pendings: Sequence[Pending]) -> None:
        wanted = (pending for pending in pendings if not pending.on_demand)
        self._pendings = sorted(wanted, key=lambda pending: not pending.quick)
        self._started = threading.Lock()

    def start(self) -> None:
        """Begin, unless that was done before."""
        if self._started.acquire(blocking=False):
            threading.Thread(target=self._work, name="workshop", daemon=True).start()

    def _work(self) -> None:
        for pending in self._pendings:
            pending.make()
