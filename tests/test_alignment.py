"""Forced alignment against brute force over all paths, and words laid on planted energy."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from asr_core.alignment import AlignmentError, forced_align, place_words
from asr_core.decoder import TokenSpan, greedy
from asr_core.text import BLANK, Alphabet
from asr_core.torchaudio_door import torchaudio
from asr_core.transcript import Word


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


# --- place_words ---

WORDS = Alphabet(symbols=("yes", "no", "<unk>"), joiner=" ", unknown="<unk>")
LETTERS = Alphabet(symbols=("a", "b", "c", " "))
STRIDE = 2
HOP_S = 0.01


def bumps(n_frames: int, *where: tuple[int, int], floor: float = 0.1) -> np.ndarray:
    """(T, F) features that are loud in frames [a, b)."""
    energy = np.full(n_frames, floor)
    for a, b in where:
        energy[a:b] = 0.9
    return np.repeat(energy[:, None], 4, axis=1)


def spans_at(*placed: tuple[int, int, int]) -> list[TokenSpan]:
    return [TokenSpan(i, start, end, 0.5 + 0.1 * i) for i, start, end in placed]


def extents(words: Sequence[Word]) -> list[tuple[str, float, float]]:
    """Text, start and end in feature frames."""
    return [(w.text, w.start_s / HOP_S, w.end_s / HOP_S) for w in words]


def test_words_lie_around_the_bumps_that_emit_them() -> None:
    features = bumps(100, (20, 40), (60, 90))
    words = place_words(spans_at((1, 15, 17), (2, 35, 36)), WORDS, features, STRIDE, HOP_S)
    assert [word.text for word in words] == ["yes", "no"]
    # Frame t reaches from t - 0.5 to t + 0.5 hops; the bumps begin and end with a whole frame.
    np.testing.assert_allclose(
        [(w.start_s, w.end_s) for w in words], [(0.195, 0.395), (0.595, 0.895)], atol=1e-9
    )
    assert [word.confidence for word in words] == pytest.approx([0.6, 0.7])


def test_words_that_touch_meet_at_the_quietest_frame() -> None:
    energy = np.full(60, 0.9)
    energy[:10] = energy[50:] = 0.0
    energy[30] = 0.6  # quieter, yet far from silent
    features = np.repeat(energy[:, None], 4, axis=1)
    words = place_words(spans_at((1, 10, 11), (2, 20, 21)), WORDS, features, STRIDE, HOP_S)
    assert extents(words) == [
        ("yes", pytest.approx(9.5), pytest.approx(29.5)),
        ("no", pytest.approx(29.5), pytest.approx(49.5)),
    ]


@pytest.mark.parametrize("emission", [(22, 24), (0, 1)], ids=["after the sound", "before it"])
def test_a_word_is_its_sound_wherever_it_is_emitted(emission: tuple[int, int]) -> None:
    (word,) = place_words(spans_at((1, *emission)), WORDS, bumps(100, (20, 40)), STRIDE, HOP_S)
    assert extents([word]) == [("yes", pytest.approx(19.5), pytest.approx(39.5))]


def test_words_emitted_before_they_begin_are_told_apart() -> None:
    features = bumps(100, (30, 45), (50, 70))
    words = place_words(spans_at((1, 0, 1), (2, 23, 25)), WORDS, features, STRIDE, HOP_S)
    assert extents(words) == [
        ("yes", pytest.approx(29.5), pytest.approx(44.5)),
        ("no", pytest.approx(49.5), pytest.approx(69.5)),
    ]


@pytest.mark.parametrize("delay", [-20, 0, 24])
def test_emissions_of_a_known_delay_are_moved_back(delay: int) -> None:
    """Two words that touch, and a third: whatever the delay, each is emitted in its middle."""
    features = bumps(140, (30, 45), (46, 70), (90, 120))
    middles = (19, 29, 53)  # output frames, two feature frames each
    spans = spans_at(
        *((i % 2 + 1, m + delay // 2, m + delay // 2 + 1) for i, m in enumerate(middles))
    )
    words = place_words(spans, WORDS, features, STRIDE, HOP_S, delay_s=delay * HOP_S)
    assert extents(words) == [
        ("yes", pytest.approx(29.5), pytest.approx(44.5)),
        ("no", pytest.approx(45.5), pytest.approx(69.5)),
        ("yes", pytest.approx(89.5), pytest.approx(119.5)),
    ]


def test_flat_energy_leaves_the_emissions() -> None:
    features = bumps(40)
    words = place_words(spans_at((1, 3, 5), (2, 9, 10)), WORDS, features, STRIDE, HOP_S)
    assert extents(words) == [
        ("yes", pytest.approx(5.5), pytest.approx(9.5)),
        ("no", pytest.approx(17.5), pytest.approx(19.5)),
    ]


def test_the_unknown_symbol_takes_room_but_is_no_word() -> None:
    features = bumps(120, (10, 30), (50, 70), (90, 110))
    spans = spans_at((1, 10, 11), (3, 30, 31), (2, 50, 51))
    words = place_words(spans, WORDS, features, STRIDE, HOP_S)
    assert extents(words) == [
        ("yes", pytest.approx(9.5), pytest.approx(29.5)),
        ("no", pytest.approx(89.5), pytest.approx(109.5)),
    ]


def test_characters_are_grouped_between_spaces() -> None:
    features = bumps(100, (10, 40), (60, 90))
    spans = spans_at((4, 1, 2), (1, 10, 12), (2, 14, 15), (4, 22, 23), (4, 25, 26), (3, 35, 36))
    words = place_words(spans, LETTERS, features, STRIDE, HOP_S)
    assert extents(words) == [
        ("ab", pytest.approx(9.5), pytest.approx(39.5)),
        ("c", pytest.approx(59.5), pytest.approx(89.5)),
    ]
    assert [word.confidence for word in words] == pytest.approx([0.65, 0.8])


def test_words_of_letters_meet_between_their_nearest_letters() -> None:
    """A closure inside the second word is quieter than the gap, but has letters before it."""
    features = bumps(140, (10, 40), (50, 80), (85, 120))
    features[80:85] = 0.0
    spans = spans_at((1, 8, 9), (2, 17, 18), (4, 22, 23), (1, 27, 28), (3, 50, 51))
    words = place_words(spans, LETTERS, features, STRIDE, HOP_S)
    assert extents(words) == [
        ("ab", pytest.approx(9.5), pytest.approx(39.5)),
        ("ac", pytest.approx(49.5), pytest.approx(119.5)),
    ]


def test_a_word_that_is_spelt_reaches_over_the_pauses_between_its_letters() -> None:
    """Morse code at 12 words per minute: "ab b", gaps of 0.1, 0.3 and 0.7 s inside and between."""
    a, b = [(20, 30), (40, 70)], [(100, 130), (140, 150), (160, 170), (180, 190)]
    again = [(start + 160, end + 160) for start, end in b]
    features = bumps(380, *a, *b, *again)
    spans = spans_at((1, 34, 36), (2, 95, 97), (4, 110, 111), (2, 175, 177))  # as each sign ends
    words = place_words(spans, LETTERS, features, STRIDE, HOP_S)
    assert extents(words) == [
        ("ab", pytest.approx(19.5), pytest.approx(189.5)),
        ("b", pytest.approx(259.5), pytest.approx(349.5)),
    ]


@pytest.mark.parametrize("alphabet", [WORDS, LETTERS])
def test_no_symbols_are_no_words(alphabet: Alphabet) -> None:
    assert place_words([], alphabet, bumps(10), STRIDE, HOP_S) == ()


def test_only_spaces_are_no_words() -> None:
    assert place_words(spans_at((4, 1, 2), (4, 3, 4)), LETTERS, bumps(10), STRIDE, HOP_S) == ()


@given(st.data())
def test_words_never_overlap_and_lie_inside_the_recording(data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, 3))
    n_samples = data.draw(st.integers(1, 5000))
    hop = 80
    n_frames = 1 + n_samples // hop
    n_output = -(-n_frames // stride)
    path = data.draw(st.lists(st.integers(0, 3), min_size=n_output, max_size=n_output))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    features = rng.random((n_frames, 4)) * rng.random((n_frames, 1))
    spans = greedy(np.log(np.eye(4)[path] + 1e-9)).spans
    words = place_words(spans, WORDS, features, stride, hop / 8000)
    assert [word.text for word in words] == [
        WORDS.symbol(span.id) for span in spans if WORDS.symbol(span.id) != "<unk>"
    ]
    duration_s = n_samples / 8000
    for word in words:
        assert 0 <= word.start_s <= word.end_s <= duration_s
        # A recording shorter than a hop has one frame, which is its beginning.
        assert word.start_s < word.end_s or n_frames == 1
        assert all(type(value) is float for value in (word.start_s, word.end_s, word.confidence))
    for a, b in itertools.pairwise(words):
        assert a.end_s <= b.start_s


def test_a_click_far_from_a_word_is_not_part_of_it() -> None:
    energy = np.full((300, 4), 0.1, dtype=np.float32)
    energy[20:22] = 1.0  # a click
    energy[150:180] = energy[190:200] = 1.0  # a word with a short closure in it
    spans = (TokenSpan(1, 165, 170, 0.9),)
    (word,) = place_words(spans, Alphabet(symbols=("stop",), joiner=" "), energy, 1, 0.01)
    assert (word.start_s, word.end_s) == pytest.approx((1.495, 1.995))  # half a hop to either side
