import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.paths import greedy_path, part, path_of
from asr_core.alignment import align
from asr_core.decoder import greedy


def emission(*frames: dict[int, float], n_symbols: int = 5) -> np.ndarray:
    """Log-probabilities of frames given as {id: probability}; the rest goes to all alike."""
    rows = np.full((len(frames), n_symbols), np.nan)
    for row, frame in zip(rows, frames, strict=True):
        row[:] = (1 - sum(frame.values())) / (n_symbols - len(frame))
        for i, probability in frame.items():
            row[i] = probability
    return np.log(rows)


BLANK = {0: 0.9}


def test_one_word_for_another_is_one_region_with_its_cost():
    log_probs = emission({1: 0.9}, BLANK, BLANK, {2: 0.6, 3: 0.3, 0: 0.05}, BLANK, {4: 0.8})
    (parting,) = part(align(log_probs, [1, 3, 4]), greedy_path(log_probs))
    assert (parting.start, parting.end) == (3, 4)
    assert (parting.reference, parting.heard) == ((3,), (2,))
    assert parting.cost == pytest.approx(np.log(0.6 / 0.3))


def test_a_word_missed_and_a_word_added():
    log_probs = emission({1: 0.7, 0: 0.2}, BLANK, {2: 0.1, 0: 0.8}, BLANK)
    missed, added = [1, 2], []
    (parting,) = part(align(log_probs, missed), greedy_path(log_probs))
    assert (parting.start, parting.end, parting.reference, parting.heard) == (2, 3, (2,), ())
    assert parting.cost == pytest.approx(np.log(8))
    (parting,) = part(align(log_probs, added), greedy_path(log_probs))
    assert (parting.start, parting.end, parting.reference, parting.heard) == (0, 1, (), (1,))


def test_words_written_apart_are_one_region_up_to_the_longest_gap():
    frames = [{2: 0.6, 0: 0.35}, BLANK, BLANK, {3: 0.3, 0: 0.6}]
    reference, heard = align(emission(*frames), [3]), greedy_path(emission(*frames))
    assert len(part(reference, heard, longest_gap=1)) == 2
    (parting,) = part(reference, heard, longest_gap=2)
    assert (parting.start, parting.end) == (0, 4)
    assert (parting.reference, parting.heard) == ((3,), (2,))


def test_a_symbol_both_write_keeps_regions_apart():
    frames = [{2: 0.6, 1: 0.3}, {4: 0.9}, {2: 0.6, 3: 0.3}]
    log_probs = emission(*frames)
    first, second = part(align(log_probs, [1, 4, 3]), greedy_path(log_probs), longest_gap=9)
    assert (first.reference, first.heard) == ((1,), (2,))
    assert (second.reference, second.heard) == ((3,), (2,))


def test_the_same_symbol_held_longer_is_not_another():
    log_probs = emission({1: 0.9}, {1: 0.6}, BLANK)
    longer, shorter = path_of(greedy(log_probs).spans, log_probs), align(log_probs, [1])
    shorter_path = np.array([1, 0, 0])
    held = type(shorter)(shorter_path, log_probs[range(3), shorter_path], shorter.spans[:1])
    (parting,) = part(held, longer)
    assert (parting.reference, parting.heard) == ((), ())


def test_equal_paths_do_not_part():
    log_probs = emission({1: 0.9}, BLANK, {2: 0.9})
    assert part(align(log_probs, [1, 2]), greedy_path(log_probs)) == ()
    empty = np.zeros((0, 5))
    assert part(align(empty, []), greedy_path(empty)) == ()


def best_log_prob(log_probs: np.ndarray, ids: list[int]) -> float:
    """Brute force over every path."""
    n_frames, n_symbols = log_probs.shape
    best = -np.inf
    for path in itertools.product(range(n_symbols), repeat=n_frames):
        spelt = [symbol for symbol, _ in itertools.groupby(path) if symbol]
        if spelt == ids:
            best = max(best, log_probs[range(n_frames), path].sum())
    return best


@given(st.integers(0, 10_000), st.lists(st.integers(1, 2), max_size=2), st.integers(0, 5))
def test_costs_add_up_to_the_difference_of_the_best_paths(seed, ids, longest_gap):
    scores = np.random.default_rng(seed).normal(0, 2, (5, 3))
    log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    heard = greedy_path(log_probs)
    partings = part(align(log_probs, ids), heard, longest_gap)
    difference = best_log_prob(log_probs, [s.id for s in heard.spans]) - best_log_prob(
        log_probs, ids
    )
    assert sum(p.cost for p in partings) == pytest.approx(difference, abs=1e-9)
    edges = [edge for p in partings for edge in (p.start, p.end)]
    assert edges == sorted(set(edges))  # in order, apart, none empty


def test_a_decoders_spans_give_back_its_path():
    scores = np.random.default_rng(0).normal(0, 2, (50, 6))
    log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    reading = greedy(log_probs)
    path = path_of(reading.spans, log_probs)
    assert path.log_prob == pytest.approx(reading.log_prob)
    assert (path.path == log_probs.argmax(axis=1)).all()
