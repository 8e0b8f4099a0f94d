"""Words laid on planted energy."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core.decoder import TokenSpan, greedy
from asr_core.morse_code import SYMBOLS
from asr_core.placement import place_words
from asr_core.text import Alphabet
from asr_core.transcript import Word

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


def test_morse_in_even_noise_reaches_as_far_as_its_signs_are_keyed() -> None:
    """ "an e", a dot of 10 frames: from 40 to 170, and from 240 to 250; emitted 10 frames late."""
    alphabet = Alphabet(symbols=SYMBOLS)
    ids = alphabet.encode("an e")
    at = [25, 65, 95, 125]  # output frames: half of 40 + 10, 120 + 10, ..., 240 + 10
    spans = spans_at(*((i, frame, frame + 1) for i, frame in zip(ids, at, strict=True)))
    features = np.full((400, 4), 0.5) + np.random.default_rng(1).normal(0, 0.01, (400, 4))
    words = place_words(spans, alphabet, features, STRIDE, HOP_S, delay_s=10 * HOP_S)
    assert extents(words) == [
        ("an", pytest.approx(40, abs=3), pytest.approx(170, abs=3)),
        ("e", pytest.approx(240, abs=3), pytest.approx(250, abs=3)),
    ]
    unknown = place_words(spans, alphabet, features, STRIDE, HOP_S)
    assert unknown[0].start_s < 0.1  # without the delay, all that sounds is taken


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


@given(st.lists(st.sampled_from([0, 1, 2, 6, 21]), min_size=1, max_size=60), st.integers(-40, 40))
def test_morse_words_never_overlap_and_lie_inside_the_recording(
    path: list[int], n_late: int
) -> None:
    """Blanks, spaces, a, e and t in any order, emitted before, in or after their sound."""
    alphabet = Alphabet(symbols=SYMBOLS)
    features = np.random.default_rng(len(path)).random((2 * len(path), 4))
    spans = greedy(np.log(np.eye(len(alphabet))[path] + 1e-9)).spans
    words = place_words(spans, alphabet, features, STRIDE, HOP_S, delay_s=n_late * HOP_S)
    assert [word.text for word in words] == alphabet.decode([span.id for span in spans]).split()
    moments = [moment for word in words for moment in (word.start_s, word.end_s)]
    assert moments == sorted(moments)
    assert all(word.start_s < word.end_s for word in words)
    assert all(0 <= moment <= (len(features) - 1) * HOP_S for moment in moments)


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
