"""Greedy decoding: the best of all paths, found frame by frame."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core.decoder import Hypothesis, TokenSpan, greedy, path_spans
from asr_core.text import BLANK


def planted(path: list[int], n_symbols: int, sure: float = 0.9) -> np.ndarray:
    """log_probs (T, V) whose best path is known."""
    probabilities = np.full((len(path), n_symbols), (1 - sure) / (n_symbols - 1))
    probabilities[range(len(path)), path] = sure
    return np.log(probabilities)


def random_log_probs(n_frames: int, n_symbols: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.ones(n_symbols), n_frames))


def collapse(path: tuple[int, ...]) -> list[int]:
    """CTC's mapping, in the words of Graves 2006: merge repeats, then remove blanks."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != BLANK]


@pytest.mark.parametrize(
    ("path", "spans"),
    [
        ([0, 1, 1, 0, 2, 0], [(1, 1, 3), (2, 4, 5)]),
        ([1, 1, 2, 2], [(1, 0, 2), (2, 2, 4)]),
        ([1, 0, 1], [(1, 0, 1), (1, 2, 3)]),  # a blank between makes two of them
        ([1, 1, 1], [(1, 0, 3)]),
        ([0, 0], []),
        ([2], [(2, 0, 1)]),
        ([0], []),
    ],
)
def test_planted_path_is_recovered(path: list[int], spans: list[tuple[int, int, int]]) -> None:
    hypothesis = greedy(planted(path, n_symbols=3))
    assert [(span.id, span.start, span.end) for span in hypothesis.spans] == spans
    assert hypothesis.ids == [symbol for symbol, _, _ in spans]
    assert hypothesis.log_prob == pytest.approx(len(path) * np.log(0.9))
    assert all(span.score == pytest.approx(0.9) for span in hypothesis.spans)


@given(st.integers(1, 5), st.integers(2, 3), st.integers(0, 2**32 - 1))
def test_greedy_is_the_best_of_all_paths(n_frames: int, n_symbols: int, seed: int) -> None:
    log_probs = random_log_probs(n_frames, n_symbols, seed)
    paths = itertools.product(range(n_symbols), repeat=n_frames)
    best = max(paths, key=lambda path: log_probs[range(n_frames), path].sum())
    hypothesis = greedy(log_probs)
    assert hypothesis.ids == collapse(best)
    assert hypothesis.log_prob == pytest.approx(log_probs[range(n_frames), best].sum())


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 2**32 - 1))
def test_spans_cover_exactly_what_is_not_blank(path: list[int], seed: int) -> None:
    log_probs = random_log_probs(len(path), 4, seed)
    spans = path_spans(np.array(path, dtype=int), log_probs)
    rebuilt = [BLANK] * len(path)
    for span in spans:
        assert span.start < span.end
        rebuilt[span.start : span.end] = [span.id] * (span.end - span.start)
        frames = [np.exp(log_probs[t, span.id]) for t in range(span.start, span.end)]
        assert span.score == pytest.approx(sum(frames) / len(frames))
        assert 0 <= span.score <= 1
    assert rebuilt == path
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert [span.id for span in spans] == collapse(tuple(path))


def test_no_frames_is_no_symbols() -> None:
    assert greedy(np.zeros((0, 4))) == Hypothesis((), 0.0, 0.0)


def test_a_score_is_the_mean_probability_over_its_frames() -> None:
    log_probs = np.log([[0.2, 0.8, 0.0 + 1e-9], [0.4, 0.6, 1e-9], [0.9, 0.1, 1e-9]])
    (span,) = greedy(log_probs).spans
    assert (span.id, span.start, span.end) == (1, 0, 2)
    assert span.score == pytest.approx(0.7)


def test_results_are_plain_numbers() -> None:
    """JSON and equality want int and float, whatever numpy gave us."""
    hypothesis = greedy(planted([0, 1], 3).astype(np.float32))
    assert hypothesis.spans == (TokenSpan(1, 1, 2, pytest.approx(0.9)),)
    (span,) = hypothesis.spans
    assert [type(value) for value in (span.id, span.start, span.end)] == [int] * 3
    assert [type(value) for value in (span.score, hypothesis.log_prob)] == [float] * 2
