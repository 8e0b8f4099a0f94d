"""Forced alignment against brute force over all paths."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from asr_core.alignment import AlignmentError, align, align_batch, forced_align
from asr_core.decoder import TokenSpan, greedy
from asr_core.text import BLANK
from asr_core.torchaudio_door import torchaudio


def random_log_probs(n_frames: int, n_symbols: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.ones(n_symbols), n_frames))


def collapse(path: Sequence[int]) -> list[int]:
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != BLANK]


def n_repeats(ids: Sequence[int]) -> int:
    return sum(a == b for a, b in itertools.pairwise(ids))


def path_of(spans: Sequence[TokenSpan], n_frames: int) -> list[int]:
    path = [BLANK] * n_frames
    for span in spans:
        path[span.start : span.end] = [span.id] * (span.end - span.start)
    return path


def log_prob(path: Sequence[int], log_probs: np.ndarray) -> float:
    return float(log_probs[range(len(path)), path].sum())


# --- forced_align ---


@given(
    st.integers(1, 6),
    st.integers(2, 3).flatmap(
        lambda v: st.tuples(st.just(v), st.lists(st.integers(1, v - 1), max_size=4))
    ),
    st.integers(0, 2**32 - 1),
)
def test_alignment_is_the_best_of_all_paths(
    n_frames: int, text: tuple[int, list[int]], seed: int
) -> None:
    n_symbols, ids = text
    log_probs = random_log_probs(n_frames, n_symbols, seed)
    paths = itertools.product(range(n_symbols), repeat=n_frames)
    spelling = [path for path in paths if collapse(path) == ids]
    if not spelling:
        assert n_frames < len(ids) + n_repeats(ids)
        with pytest.raises(AlignmentError):
            forced_align(log_probs, ids)
        return
    best = max(spelling, key=lambda path: log_prob(path, log_probs))
    spans = forced_align(log_probs, ids)
    assert path_of(spans, n_frames) == list(best)
    for span in spans:
        mean = np.exp(log_probs[span.start : span.end, span.id]).mean()
        assert span.score == pytest.approx(mean)


@given(st.integers(0, 40), st.lists(st.integers(1, 4), max_size=12), st.integers(0, 2**32 - 1))
def test_spans_are_the_ids_in_order(n_frames: int, ids: list[int], seed: int) -> None:
    assume(n_frames >= len(ids) + n_repeats(ids))
    spans = forced_align(random_log_probs(n_frames, 5, seed), ids)
    assert [span.id for span in spans] == ids
    assert all(0 <= span.start < span.end <= n_frames for span in spans)
    for a, b in itertools.pairwise(spans):
        assert a.end <= b.start
        assert a.id != b.id or a.end < b.start  # a blank between two of the same


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_aligning_what_greedy_heard_is_greedys_own_path(n_frames: int, seed: int) -> None:
    log_probs = random_log_probs(n_frames, 4, seed)
    hypothesis = greedy(log_probs)
    assert forced_align(log_probs, hypothesis.ids) == hypothesis.spans


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ([0, 1, 1, 0, 2, 0], [1, 2]),
        ([1, 0, 1], [1, 1]),
        ([1, 1, 0, 0, 1], [1, 1]),
        ([1, 2, 1], [1, 2, 1]),
        ([2], [2]),
        ([0, 0, 0], []),
        ([0], []),
    ],
)
def test_planted_path_is_recovered(path: list[int], ids: list[int]) -> None:
    probabilities = np.full((len(path), 3), 0.05)
    probabilities[range(len(path)), path] = 0.9
    spans = forced_align(np.log(probabilities), ids)
    assert path_of(spans, len(path)) == path
    assert [span.id for span in spans] == ids
    assert all(span.score == pytest.approx(0.9) for span in spans)


def test_text_that_the_model_did_not_hear_is_still_placed() -> None:
    """The best path is 1 1 1 0; asked for 2, alignment gives 2 the frame where it loses least."""
    log_probs = np.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.5, 0.4], [0.8, 0.1, 0.1]])
    spans = forced_align(log_probs, [1, 2])
    assert [(span.id, span.start, span.end) for span in spans] == [(1, 0, 2), (2, 2, 3)]


@pytest.mark.parametrize(
    ("n_frames", "ids", "numbers"),
    [
        (2, [1, 2, 1], "3 symbols and 0 repeats, .* at least 3 frames; the recording has 2"),
        (4, [1, 1, 1], "3 symbols and 2 repeats, .* at least 5 frames; the recording has 4"),
        (0, [1], "1 symbols and 0 repeats, .* at least 1 frames; the recording has 0"),
    ],
)
def test_too_short_a_recording_says_the_numbers(
    n_frames: int, ids: list[int], numbers: str
) -> None:
    with pytest.raises(AlignmentError, match=numbers):
        forced_align(random_log_probs(n_frames, 3, 0), ids)


def test_exactly_enough_frames_leave_one_path() -> None:
    spans = forced_align(random_log_probs(5, 3, 0), [1, 1, 1])
    assert path_of(spans, 5) == [1, 0, 1, 0, 1]


def test_no_frames_and_no_text() -> None:
    assert forced_align(np.zeros((0, 3)), []) == ()


@pytest.mark.parametrize("wrong", [-1, BLANK, 3])
def test_ids_outside_the_alphabet(wrong: int) -> None:
    with pytest.raises(AlignmentError, match="Expected ids from 1 to 2, got"):
        forced_align(random_log_probs(9, 3, 0), [1, wrong])


@pytest.mark.parametrize("impossible", [-np.inf, np.nan])
def test_a_text_of_probability_zero(impossible: float) -> None:
    log_probs = random_log_probs(9, 3, 0)
    log_probs[:, 2] = impossible
    with pytest.raises(AlignmentError, match="probability of zero"):
        forced_align(log_probs, [1, 2])
    assert [span.id for span in forced_align(log_probs, [1, 1])] == [1, 1]


@pytest.mark.skipif(
    not torchaudio._extension._IS_ALIGN_AVAILABLE,
    reason="torchaudio's native forced_align needs a torch built for CUDA",
)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_alignment_is_torchaudios(ids: list[int], seed: int) -> None:
    n_frames = len(ids) + n_repeats(ids) + seed % 50
    log_probs = random_log_probs(n_frames, 10, seed).astype(np.float32)
    native, _ = torchaudio.functional.forced_align(
        torch.from_numpy(log_probs)[None], torch.tensor([ids], dtype=torch.int32), blank=BLANK
    )
    path = path_of(forced_align(log_probs, ids), n_frames)
    # Native sums are float32: it may prefer a path that is worse by their rounding.
    theirs = native[0].tolist()
    assert log_prob(path, log_probs) == pytest.approx(log_prob(theirs, log_probs), rel=1e-5)
    assert collapse(theirs) == ids


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.lists(st.integers(1, 3), max_size=6)),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 2**32 - 1),
)
def test_a_batch_is_its_utterances_one_by_one(
    utterances: list[tuple[int, list[int]]], seed: int
) -> None:
    texts = [ids for _, ids in utterances]
    lengths = [n + len(ids) + n_repeats(ids) for n, ids in utterances]
    padded = random_log_probs(max(lengths), 4, seed) + np.zeros((len(texts), 1, 1))
    batch = align_batch(padded, lengths, texts)
    for each, length, ids in zip(batch, lengths, texts, strict=True):
        alone = align(padded[0, :length], ids)
        assert np.array_equal(each.path, alone.path)
        assert each.spans == alone.spans == forced_align(padded[0, :length], ids)
        assert each.log_prob == pytest.approx(log_prob(each.path, padded[0]))


def test_padding_that_is_not_a_number_is_never_read() -> None:
    log_probs = random_log_probs(6, 3, 0)
    padded = np.stack([np.concatenate([log_probs, np.full((2, 3), np.nan)]), np.zeros((8, 3))])
    short, _ = align_batch(padded, [6, 8], [[1, 2], [1]])
    assert short.spans == forced_align(log_probs, [1, 2])
