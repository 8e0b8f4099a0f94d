"""Several people's recordings on one network: each in turn, and in one batch where that fits.

While the threads of recognition are busy, what arrives waits. The next free one takes what has its
turn, and with it what else waits and is about as long; nothing waits for others to arrive.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

import torch

from asr_core.audio import Audio
from asr_core.checkpoint import AnyContract
from asr_core.decoder import Decoder, best_path
from asr_core.model import CtcModel
from asr_core.norms import Norms
from asr_core.recognizer import Emission, Recognizer, SampleNetwork
from asr_core.workers import pool

TURN_S = 30.0  # padded seconds in a unit: so long does one asker hold up the next, with a thread
MOST_PADDING = 0.25  # of what a batch holds: padding costs as much as sound

T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False)
class _Unit(Generic[T, R]):
    """What is worked on together, however full the line is."""

    items: Sequence[T]
    results: Future[list[R]] = field(default_factory=Future)


@dataclass(eq=False)
class _Asker(Generic[T, R]):
    """Who asked, and what of it nobody has begun."""

    waiting: deque[_Unit[T, R]] = field(default_factory=deque)


class Line(Generic[T, R]):
    """Who waits for a function that works on batches.

    Askers take turns, a unit each time, so that one who has thousands holds up nobody for longer
    than a unit. One who comes waits for the others once; none waits for ever.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], list[R]],
        length: Callable[[T], int],
        most: int,
        n_batches: int,
        submit: Callable[[Callable[[], None]], object],
    ) -> None:
        """Serve `work`.

        Args:
            work: a result of each item of a batch, whatever else is in it.
            length: of an item, to which the shorter ones of a batch are padded.
            most: of a batch, padded; a unit may be longer.
            n_batches: that are worked on at a time.
            submit: has a function called by a thread when one is free, those before it first.
        """
        self._work = work
        self._length = length
        self._most = most
        self._n_batches = n_batches
        self._submit = submit
        self._askers: list[_Asker[T, R]] = []  # who has units waiting, the next one first
        self._serving = 0  # calls of `_serve` that are under way, or that a thread owes
        self._lock = threading.Lock()

    def results(self, units: Iterable[Sequence[T]], ahead: int) -> Iterator[list[R]]:
        """The results of each unit, in order, `ahead` of them in line before one is wanted.

        Whoever stops asking for them leaves the line.

        Raises:
            Whatever `work` raises of a unit, in its place; other units are not touched by it.
        """
        asker: _Asker[T, R] = _Asker()
        left = iter(units)
        try:
            begun = deque(self._join(asker, unit) for unit in islice(left, ahead))
            while begun:
                done = begun.popleft().result()
                begun.extend(self._join(asker, unit) for unit in islice(left, 1))
                yield done
        finally:
            self._leave(asker)

    def _join(self, asker: _Asker[T, R], items: Sequence[T]) -> Future[list[R]]:
        unit: _Unit[T, R] = _Unit(items)
        with self._lock:
            if not asker.waiting:
                self._askers.append(asker)
            asker.waiting.append(unit)
            more = self._serving < self._n_batches
            self._serving += more
        if more:
            self._submit(self._serve)
        return unit.results

    def _leave(self, asker: _Asker[T, R]) -> None:
        with self._lock:
            if asker.waiting:
                self._askers.remove(asker)
                asker.waiting.clear()

    def _serve(self) -> None:
        """One batch; then whatever else the threads are for has its turn, too."""
        if units := self._take():
            self._answer(units)
        with self._lock:
            more = bool(self._askers)
            self._serving -= not more
        if more:
            self._submit(self._serve)

    def _take(self) -> list[_Unit[T, R]]:
        """The unit whose turn it is, and one of each other asker that fits in a batch with it."""
        taken: list[_Unit[T, R]] = []
        served: list[_Asker[T, R]] = []
        passed_over: list[_Asker[T, R]] = []
        with self._lock:
            for asker in self._askers:
                if not taken or self._fits([*taken, asker.waiting[0]]):
                    taken.append(asker.waiting.popleft())
                    served.append(asker)
                else:
                    passed_over.append(asker)
            self._askers = [*passed_over, *(asker for asker in served if asker.waiting)]
        return taken

    def _fits(self, units: Sequence[_Unit[T, R]]) -> bool:
        lengths = [self._length(item) for unit in units for item in unit.items]
        padded = len(lengths) * max(lengths)
        return padded <= self._most and padded <= (1 + MOST_PADDING) * sum(lengths)

    def _answer(self, units: Sequence[_Unit[T, R]]) -> None:
        try:
            results = iter(self._work([item for unit in units for item in unit.items]))
        except Exception as e:  # noqa: BLE001 - whoever asked gets it
            if len(units) == 1:
                units[0].results.set_exception(e)
                return
            for unit in units:  # it is of one of them: the others get their results
                self._answer([unit])
            return
        for unit in units:
            unit.results.set_result(list(islice(results, len(unit.items))))


class SharedRecognizer(Recognizer):
    """A recogniser that many threads use at a time, such as a server's.

    Its answers are those of a `Recognizer`, whoever else asks.
    """

    def __init__(
        self,
        contract: AnyContract,
        model: CtcModel | SampleNetwork,
        decoder: Decoder = best_path,
        lexicon_path: Path | None = None,
        norms: Norms | None = None,
    ) -> None:
        super().__init__(contract, model, decoder, lexicon_path, norms)
        most = round(super().max_batch_s * self.sample_rate)
        # `decoding_with` shares it: what a network says does not depend on the decoder.
        self._line: Line[Audio, Emission] = Line(
            self._emit, _length, most, torch.get_num_threads(), lambda work: pool().submit(work)
        )

    @property
    def max_batch_s(self) -> float:
        """Padded seconds that are recognised at a turn; a piece may be longer."""
        return min(super().max_batch_s, TURN_S)

    def _emissions(self, batches: Iterable[Sequence[Audio]]) -> Iterator[list[Emission]]:
        if not isinstance(self.model, CtcModel):
            return super()._emissions(batches)  # each alone: that network pads nothing
        return self._line.results(batches, ahead=torch.get_num_threads() + 1)


def _length(audio: Audio) -> int:
    return len(audio.samples)
