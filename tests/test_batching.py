"""Several askers at one network: in turn, together where they fit, and none at another's cost."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asr_core.audio import Audio
from asr_core.batching import Line, SharedRecognizer
from asr_core.decoding import DecodingConfig, build_decoder
from asr_core.pieces import join
from asr_core.recognizer import Emission, Recognizer
from asr_core.workers import pool
from tests.test_recognizer import assert_same, babble

MOST = 60
PATIENCE_S = 20


class Oven:
    """A slow worker: a batch is done when the test says so; `batches` are those it was given."""

    def __init__(self, n_threads: int = 1) -> None:
        self.batches: list[list[int]] = []
        self._go = threading.Semaphore(0)
        self._begun = threading.Semaphore(0)
        self._threads = ThreadPoolExecutor(n_threads)
        self._askers = ThreadPoolExecutor(64)
        self.line: Line[int, int] = Line(self._bake, abs, MOST, n_threads, self._threads.submit)

    def _bake(self, batch: Sequence[int]) -> list[int]:
        self.batches.append(list(batch))
        self._begun.release()
        assert self._go.acquire(timeout=PATIENCE_S)
        if any(item < 0 for item in batch):
            raise ValueError(f"burnt: {[item for item in batch if item < 0]}")
        return [1000 + item for item in batch]

    def ask(self, *units: Sequence[int], ahead: int = 2) -> Future[list[list[int]]]:
        """Somebody asks; returns when all that can be before the first result is in line, but one.

        With `ahead` past the units, all are.
        """
        in_line = threading.Event()

        def given() -> Iterator[Sequence[int]]:
            for i, unit in enumerate(units):
                if i == ahead - 1:
                    in_line.set()
                yield unit
            in_line.set()  # more was asked for: all that was given is in line

        asked = self._askers.submit(lambda: list(self.line.results(given(), ahead)))
        assert in_line.wait(PATIENCE_S)
        return asked

    def wait(self, n: int = 1) -> None:
        """Until `n` more batches are begun."""
        for _ in range(n):
            assert self._begun.acquire(timeout=PATIENCE_S)

    def go(self, n: int = 100) -> None:
        """Let so many batches be done."""
        self._go.release(n)


@pytest.fixture
def oven() -> Iterator[Oven]:
    oven = Oven()
    yield oven
    oven.go()


def test_what_waits_goes_as_one_batch(oven: Oven) -> None:
    first = oven.ask([3])
    oven.wait()
    others = [oven.ask([length]) for length in (3, 4, 3, 4)]
    oven.go()
    assert [each.result(PATIENCE_S) for each in (first, *others)] == [
        [[1003]],
        *([[1000 + length]] for length in (3, 4, 3, 4)),
    ]
    assert oven.batches == [[3], [3, 4, 3, 4]]


def test_nothing_waits_for_company(oven: Oven) -> None:
    asked = oven.ask([3])
    oven.go(1)
    assert asked.result(PATIENCE_S) == [[1003]]


def test_a_batch_is_padded_little_and_not_too_long(oven: Oven) -> None:
    first = oven.ask([3])
    oven.wait()
    others = [oven.ask([length]) for length in (30, 3, 28, 40, 3)]
    oven.go()
    for each in (first, *others):
        each.result(PATIENCE_S)
    assert oven.batches == [[3], [30, 28], [3, 3], [40]]


def test_one_with_thousands_takes_turns(oven: Oven) -> None:
    """An hour in pieces of 30 s; a clip that comes is next but one, however much is left."""
    hour = oven.ask(*([30] for _ in range(120)), ahead=3)
    oven.wait()
    clip = oven.ask([3])
    oven.go(3)
    assert clip.result(PATIENCE_S) == [[1003]]
    assert oven.batches.index([3]) <= 2
    oven.go(200)
    assert hour.result(PATIENCE_S) == [[1030]] * 120


def test_those_with_hours_share_alike_and_end(oven: Oven) -> None:
    first = oven.ask([3])
    oven.wait()
    hours = [oven.ask(*([length] for _ in range(10)), ahead=11) for length in (60, 59, 58)]
    oven.go(500)
    for hour in hours:
        hour.result(PATIENCE_S)
    first.result(PATIENCE_S)
    assert oven.batches[1:] == [[60], [59], [58]] * 10


def test_an_error_stays_with_who_asked(oven: Oven) -> None:
    first = oven.ask([3])
    oven.wait()
    good, bad, other = oven.ask([4]), oven.ask([-4]), oven.ask([4])
    oven.go()
    assert good.result(PATIENCE_S) == other.result(PATIENCE_S) == [[1004]]
    with pytest.raises(ValueError, match=r"burnt: \[-4\]"):
        bad.result(PATIENCE_S)
    assert first.result(PATIENCE_S) == [[1003]]
    assert oven.batches[1] == [4, -4, 4]  # it was one of a batch


def test_results_before_an_error_are_given(oven: Oven) -> None:
    results = oven.line.results([[30], [-30], [30]], ahead=1)
    oven.go()
    assert next(results) == [1030]
    with pytest.raises(ValueError, match="burnt"):
        next(results)


def test_who_leaves_is_not_worked_for(oven: Oven) -> None:
    """Stop, or a page that is closed: what is begun is finished, and nothing more."""
    hour = oven.line.results(([30] for _ in range(120)), ahead=3)
    oven.go(1)
    assert next(hour) == [1030]
    oven.wait(2)  # the second is being worked on, two more wait
    clip = oven.ask([3])
    hour.close()
    oven.go()
    assert clip.result(PATIENCE_S) == [[1003]]
    assert oven.batches == [[30], [30], [3]]


def test_another_thread_goes_on_while_one_is_slow() -> None:
    oven = Oven(n_threads=2)
    slow, quick = oven.ask([60]), oven.ask([3])
    oven.wait(2)  # both are begun though neither is done
    oven.go()
    assert (slow.result(PATIENCE_S), quick.result(PATIENCE_S)) == ([[1060]], [[1003]])


UNITS = st.lists(
    st.lists(st.lists(st.integers(1, 80), min_size=1, max_size=3), min_size=1, max_size=5),
    min_size=1,
    max_size=6,
)


@given(UNITS, st.integers(1, 3))
def test_everybody_gets_their_own(askers: list[list[list[int]]], ahead: int) -> None:
    batches: list[int] = []
    units = {tuple(unit) for asker in askers for unit in asker}

    def work(batch: Sequence[int]) -> list[int]:
        padded = len(batch) * max(batch)
        assert tuple(batch) in units or (padded <= MOST and padded <= 1.25 * sum(batch))
        batches.append(len(batch))
        return [1000 + item for item in batch]

    with ThreadPoolExecutor(2) as threads, ThreadPoolExecutor(6) as people:
        line: Line[int, int] = Line(work, int, MOST, 2, threads.submit)
        found = list(people.map(lambda asker: list(line.results(asker, ahead)), askers))
    assert found == [[[1000 + item for item in unit] for unit in asker] for asker in askers]
    assert sum(batches) == sum(len(unit) for asker in askers for unit in asker)


# --- the recogniser ---


class Counting(SharedRecognizer):
    """Notes how many recordings each batch holds."""

    sizes: list[int]

    def _emit(self, audios: Sequence[Audio]) -> list[Emission]:
        self.sizes.append(len(audios))
        return super()._emit(audios)


@pytest.fixture
def shared(tiny_recognizer: Recognizer) -> Counting:
    Counting.sizes = []
    return Counting(tiny_recognizer.contract, tiny_recognizer.model)


def test_together_as_alone(shared: Counting, tiny_recognizer: Recognizer) -> None:
    rng = np.random.default_rng(5)
    audios = [babble(rng, s) for s in (1.5, 1.4, 0.02, 1.5, 70.0, 1.45, 3.0)]
    expected = tiny_recognizer.transcribe(audios)
    assert len({transcript.text for transcript in expected}) > 3  # a mix-up would show
    held = threading.Event()
    for _ in range(torch.get_num_threads()):  # all that come while the threads are busy wait
        pool().submit(held.wait, PATIENCE_S)
    with ThreadPoolExecutor(len(audios)) as people:
        asked = [people.submit(lambda a: next(iter(_heard(shared, a))), each) for each in audios]
        _until(lambda: len(shared._line._askers) == len(audios))
        held.set()
        found = [each.result(PATIENCE_S) for each in asked]
    for got, wanted in zip(found, expected, strict=True):
        assert_same(got, wanted)
    assert max(shared.sizes) == 4  # those of 1.4 to 1.5 s


def _heard(recognizer: Recognizer, audio: Audio) -> Iterator[object]:
    yield join(list(recognizer.transcribe_pieces(audio)))


def _until(condition: object) -> None:
    assert callable(condition)
    waited = threading.Event()
    for _ in range(200 * PATIENCE_S):
        if condition():
            return
        waited.wait(0.005)
    raise AssertionError("it did not happen")


def test_every_way_to_ask(shared: Counting, tiny_recognizer: Recognizer) -> None:
    audio = babble(np.random.default_rng(6), 2.0)
    assert_same(shared.transcribe([audio])[0], tiny_recognizer.transcribe([audio])[0])
    (each,) = dict(shared.transcribe_each([audio])).values()
    assert_same(each, tiny_recognizer.transcribe([audio])[0])
    text = tiny_recognizer.transcribe([audio])[0].text
    assert_same(shared.align(audio, text), tiny_recognizer.align(audio, text))
    config = DecodingConfig.checked(decoder="beam", beam=5, n_best=3)
    decoder = build_decoder(config, shared.alphabet, None)
    by_beam = shared.decoding_with(decoder)
    (found,) = by_beam.transcribe([audio])
    (wanted,) = tiny_recognizer.decoding_with(decoder).transcribe([audio])
    assert_same(found, wanted)
    assert len(found.n_best) == len(wanted.n_best) == 3
    assert by_beam._line is shared._line


def test_a_stopped_recording_leaves_the_others(shared: Counting) -> None:
    rng = np.random.default_rng(7)
    long, short = babble(rng, 300.0), babble(rng, 1.0)
    pieces = shared.transcribe_pieces(long)
    next(pieces)
    pieces.close()
    shared.transcribe([short])
    done = sum(shared.sizes)
    assert not shared._line._askers
    assert done <= 2 + torch.get_num_threads() + 1
    assert shared.transcribe([short])[0].text == shared.transcribe([short])[0].text
