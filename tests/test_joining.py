import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core.training.joining import join_clips, trim

RATE = 8000


def tone(seconds: float, hertz: float = 440.0, level: float = 0.3) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(
        "f4"
    )


def padded(clip: np.ndarray, before_s: float, after_s: float) -> np.ndarray:
    before, after = (np.zeros(round(s * RATE), dtype="f4") for s in (before_s, after_s))
    return np.concatenate([before, clip, after])


def test_trim_cuts_silence_and_keeps_a_margin() -> None:
    trimmed = trim(padded(tone(0.4), 0.3, 0.3), RATE)
    assert 0.4 <= len(trimmed) / RATE <= 0.4 + 2 * 0.05 + 0.02


def test_trim_leaves_a_clip_of_even_level_whole() -> None:
    assert len(trim(tone(0.5), RATE)) == round(0.5 * RATE)


def test_times_say_where_each_clip_is(rng: np.random.Generator) -> None:
    hertz = (300.0, 700.0, 1500.0)
    clips = [padded(tone(0.4, h), 0.2, 0.1) for h in hertz]
    samples, times = join_clips(clips, RATE, rng, (0.05, 0.5))
    for (start, end), expected in zip(times, hertz, strict=True):
        piece = samples[round(start * RATE) : round(end * RATE)]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
        assert abs(spectrum.argmax() * RATE / len(piece) - expected) < 5  # Hz, one bin is 2


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_spans_are_ordered_apart_and_inside(seed: int, n_clips: int) -> None:
    rng = np.random.default_rng(seed)
    clips = [
        rng.normal(0, 0.1, size=int(rng.integers(1, 6000))).astype("f4") for _ in range(n_clips)
    ]
    samples, times = join_clips(clips, RATE, rng, (0.0, 0.3))
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
    edges = [edge for span in times for edge in span]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= len(samples) / RATE


def test_a_negative_gap_overlaps_words_and_keeps_both(rng: np.random.Generator) -> None:
    samples, times = join_clips([tone(0.4, 400.0), tone(0.4, 1500.0)], RATE, rng, (-0.1, -0.1))
    assert times[1][0] == pytest.approx(times[0][1] - 0.1)
    assert times[0][0] == 0
    both = samples[round(times[1][0] * RATE) : round(times[0][1] * RATE)]
    spectrum = np.abs(np.fft.rfft(both * np.hanning(len(both))))
    loudest = np.sort(np.argsort(spectrum)[-6:] * RATE / len(both))
    assert loudest[0] == pytest.approx(400, abs=25)
    assert loudest[-1] == pytest.approx(1500, abs=25)


def test_levels_are_brought_close(rng: np.random.Generator) -> None:
    samples, times = join_clips([tone(0.4, level=0.5), tone(0.4, level=0.05)], RATE, rng)
    rms = [np.sqrt((samples[round(a * RATE) : round(b * RATE)] ** 2).mean()) for a, b in times]
    # 20 dB apart before; what stays is the drawn spread, 3 dB a word.
    assert abs(20 * np.log10(rms[0] / rms[1])) < 12


def test_same_seed_same_samples() -> None:
    clips = [tone(0.3), tone(0.2, 900.0)]
    first, second = (join_clips(clips, RATE, np.random.default_rng(5))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other, _ = join_clips(clips, RATE, np.random.default_rng(6))
    assert len(other) != len(first) or not np.array_equal(other, first)


@pytest.mark.parametrize("clip", [np.zeros(4000, dtype="f4"), np.zeros(1, dtype="f4")])
def test_silent_and_tiny_clips_join(clip: np.ndarray, rng: np.random.Generator) -> None:
    samples, times = join_clips([clip, tone(0.2)], RATE, rng)
    assert np.isfinite(samples).all()
    assert len(times) == 2
