"""How much the app does at a time, kind by kind, and how much may wait.

Gradio takes a request of the page either as an event, which its queue hands to a thread, or as a
call of a component's function, which it does not limit. A kind that is full makes only its own
requests wait.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.to_thread import run_sync

from ui import strings

MOST_WAITING = 128  # events of all kinds; what comes then is refused


@dataclass(frozen=True)
class EventKind:
    """Events that share a number of threads."""

    name: str
    at_once: int

    @property
    def limit(self) -> dict[str, Any]:
        """What a Gradio event is told."""
        return {"concurrency_id": self.name, "concurrency_limit": self.at_once}


# Many, though the machine has few cores: who comes with a short recording need not wait for those
# with hours, as all of them take turns at the network (see `asr_core.batching`).
RECOGNISING = EventKind("recognising", 16)
CHANGING = EventKind("changing", 4)  # what if
OPENING = EventKind("opening", 64)  # may watch for minutes how an evaluation is made
QUICK = 16  # of each other event; none takes long

# The kinds that may take long leave threads for those that do not.
MOST_THREADS = RECOGNISING.at_once + CHANGING.at_once + OPENING.at_once + 4 * QUICK


@dataclass(frozen=True)
class CallKind:
    """Calls of components' functions that share a number of threads."""

    at_once: int
    waiting: int
    _limiter: anyio.CapacityLimiter = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_limiter", anyio.CapacityLimiter(self.at_once))

    def limited(self, functions: Iterable[Callable[[Any], Any]]) -> list[Callable[[Any], Any]]:
        """The functions as Gradio shall call them; one too many is told so, as `error`."""
        return [self._limited(function) for function in functions]

    def _limited(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @functools.wraps(function)
        async def call(asked: Any) -> Any:
            if self._limiter.statistics().tasks_waiting >= self.waiting:
                return {"error": strings.BUSY}
            return await run_sync(function, asked, limiter=self._limiter)

        return call


BROWSING = CallKind(8, waiting=64)
EXPORTING = CallKind(2, waiting=8)
LISTENING = CallKind(8, waiting=32)  # to microphones: a page has one call at a time
