"""Timing of keyed text, against PARIS, Farnsworth's definition and an independent reader."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core.morse_code import CODES
from asr_core.training.keying import Keying, key, length_s, word_times


def durations_s(marks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the marks (M,), of the gaps (M - 1,)."""
    return marks[:, 1] - marks[:, 0], marks[1:, 0] - marks[:-1, 1]


def test_times_of_words(rng) -> None:
    """A dot is 0.1 s; between signs are 0.3 s, between words 0.7 s."""
    times = word_times("en t a", key("en t a", Keying(12.0), rng) + 0.5)
    assert times == [
        pytest.approx((0.5, 1.4)),  # . -.
        pytest.approx((2.1, 2.4)),  # -
        pytest.approx((3.1, 3.6)),  # .-
    ]
    (time,) = word_times("<sos>", key("<sos>", Keying(12.0), rng))
    assert time == pytest.approx((0.0, 2.3))  # one sign: 3 dots, 3 dashes, 3 dots, 8 gaps of one


@pytest.mark.parametrize("wpm", [8.0, 20.0, 40.0])
def test_paris_takes_its_share_of_a_minute(wpm, rng) -> None:
    marks = key("paris paris", Keying(wpm), rng)
    second = len(marks) // 2  # the second word's first mark
    assert marks[second, 0] == pytest.approx(60 / wpm)  # 3.0 s at 20 words per minute
    assert marks[0, 0] == 0.0


def test_units_of_a_known_text(rng) -> None:
    marks_s, gaps_s = durations_s(key("en t", Keying(12.0), rng))  # a dot is 0.1 s
    assert marks_s == pytest.approx([0.1, 0.3, 0.1, 0.3])
    assert gaps_s == pytest.approx([0.3, 0.1, 0.7])


def test_farnsworth_stretches_gaps_alone(rng) -> None:
    """ARRL: characters at 18, overall 5 words per minute."""
    keying = Keying(18.0, spacing_wpm=5.0)
    marks = key("paris paris", keying, rng)
    marks_s, gaps_s = durations_s(marks)
    assert marks[len(marks) // 2, 0] == pytest.approx(60 / 5)
    assert set(np.round(marks_s, 6)) == {round(1.2 / 18, 6), round(3.6 / 18, 6)}
    added_s = (60 * 18 - 37.2 * 5) / (5 * 18)  # ARRL's t_a
    assert gaps_s.max() == pytest.approx(7 * added_s / 19)
    assert np.sort(np.unique(np.round(gaps_s, 6)))[1] == pytest.approx(3 * added_s / 19, abs=1e-6)


def test_weight_and_dash_ratio(rng) -> None:
    keying = Keying(12.0, dash=3.5, weight=0.2)
    marks_s, gaps_s = durations_s(key("a e", keying, rng))
    assert marks_s == pytest.approx([0.12, 0.37, 0.12])
    assert gaps_s == pytest.approx([0.08, 0.68])  # what marks gain, gaps lose


def test_jitter_has_the_spread_it_says(rng) -> None:
    keying = Keying(20.0, mark_jitter=0.1, gap_jitter=0.2)
    marks_s, gaps_s = durations_s(key("e" * 4000, keying, rng))
    assert np.log(marks_s / 0.06).std() == pytest.approx(0.1, rel=0.05)
    assert np.log(gaps_s / 0.18).std() == pytest.approx(0.2, rel=0.05)


def test_drift_slows_the_hand(rng) -> None:
    marks_s, _ = durations_s(key("e" * 101, Keying(20.0, drift=0.2), rng))
    assert marks_s[0] == pytest.approx(0.06 * 0.9)
    assert marks_s[50] == pytest.approx(0.06)
    assert marks_s[-1] == pytest.approx(0.06 * 1.1)


TEXTS = st.lists(
    st.lists(st.sampled_from(sorted(CODES)), min_size=1, max_size=8).map("".join),
    min_size=1,
    max_size=5,
).map(" ".join)


@given(TEXTS, st.floats(8, 40), st.floats(0.5, 1.0))
def test_length_is_that_of_the_keyed_text(text, wpm, share) -> None:
    keying = Keying(wpm, spacing_wpm=share * wpm, dash=3.3, weight=-0.1)
    marks = key(text, keying, np.random.default_rng(0))
    # A mark gains the weight and the gap after it loses it: only the last mark's is left.
    assert length_s(text, keying) == pytest.approx(marks[-1, 1])
    assert len(marks) == sum(len(CODES[s]) for s in CODES for _ in range(_count(text, s)))


def _count(text: str, symbol: str) -> int:
    if symbol.startswith("<"):
        return text.count(symbol)
    for procedure in (s for s in CODES if s.startswith("<")):
        text = text.replace(procedure, "")
    return text.count(symbol)


@given(TEXTS, st.integers(0, 2**32))
def test_marks_follow_each_other_whatever_the_hand(text, seed) -> None:
    hand = Keying(25.0, dash=2.5, weight=0.25, mark_jitter=0.14, gap_jitter=0.2, drift=-0.1)
    marks_s, gaps_s = durations_s(key(text, hand, np.random.default_rng(seed)))
    assert (marks_s > 0).all()
    assert (gaps_s > 0).all()
