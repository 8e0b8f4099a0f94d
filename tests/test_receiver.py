"""What the receiver adds, measured back: ratio, pitch, edges, fading, band, neighbour, clicks."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal

from asr_core.training.receiver import (
    SAMPLE_RATE,
    Reception,
    envelope,
    fading,
    noise,
    receive,
    tone,
)

SECONDS = 20
N = SECONDS * SAMPLE_RATE
STEADY = np.array([[-1.0, SECONDS + 1.0]])  # the key held down
NEVER = np.zeros((0, 2))


def power_in(samples: np.ndarray, low: float, high: float) -> float:
    """Mean power between two frequencies in Hz, by Welch's method."""
    frequencies, density = scipy.signal.welch(samples, SAMPLE_RATE, nperseg=8000)
    inside = (frequencies >= low) & (frequencies < high)
    return float(density[inside].sum() * (frequencies[1] - frequencies[0]))


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 6.0])
def test_ratio_in_2500_hz(snr_db, rng) -> None:
    reception = Reception(tone_hz=700.0, snr_db=snr_db, noise="white")
    carrier = tone(STEADY, N, reception, rng)
    hiss = noise(N, reception, rng)
    measured = 10 * np.log10((carrier**2).mean() / power_in(hiss, 500, 3000))
    assert measured == pytest.approx(snr_db, abs=0.2)  # 2 % of the density's estimate


def test_at_0_db_white_noise_has_a_variance_of_0_8(rng) -> None:
    hiss = noise(N, Reception(tone_hz=700.0, snr_db=0.0, noise="white"), rng)
    assert hiss.var() == pytest.approx(0.8, rel=0.02)


def test_band_noise_has_the_density_at_the_tone_and_none_outside(rng) -> None:
    reception = Reception(
        tone_hz=700.0, snr_db=0.0, noise="band", noise_band_hz=(400.0, 1500.0), noise_slope_db=-6.0
    )
    hiss = noise(N, reception, rng)
    density = power_in(hiss, 680, 720) / 40
    assert 10 * np.log10(0.5 / (density * 2500)) == pytest.approx(0.0, abs=0.5)
    octave_up = power_in(hiss, 1380, 1420) / 40
    assert 10 * np.log10(octave_up / density) == pytest.approx(-6.0, abs=1.0)
    assert power_in(hiss, 1600, 4000) < 1e-3 * hiss.var()


def test_edges_are_raised_cosines() -> None:
    marks = np.array([[0.1, 0.2]])
    gate = envelope(marks, 3000, rise_s=0.008)  # 64 samples
    expected = 0.5 - 0.5 * np.cos(np.pi * (np.arange(64) + 1) / 64)
    assert gate[800 - 32 : 800 + 32] == pytest.approx(expected, abs=0.01)
    assert gate[800] == pytest.approx(0.5, abs=0.03)
    assert gate[1600] == pytest.approx(0.5, abs=0.03)
    assert gate[:760] == pytest.approx(np.zeros(760), abs=1e-9)
    assert gate[840:1560] == pytest.approx(np.ones(720))
    assert gate[1640:] == pytest.approx(np.zeros(1360), abs=1e-9)


def test_marks_outside_the_recording_are_cut() -> None:
    gate = envelope(np.array([[-2.0, -1.0], [0.05, 9.0]]), 800, rise_s=0.002)
    assert gate[:380] == pytest.approx(np.zeros(380), abs=1e-9)
    assert gate[420:] == pytest.approx(np.ones(380))


def test_pitch_and_drift(rng) -> None:
    samples = tone(STEADY, N, Reception(tone_hz=800.0, drift_hz=40.0), rng)
    spectra = [
        np.abs(np.fft.rfft(part)) for part in (samples[:SAMPLE_RATE], samples[-SAMPLE_RATE:])
    ]
    first, last = (int(spectrum.argmax()) for spectrum in spectra)  # 1 Hz a bin
    assert first == pytest.approx(800 - 19, abs=1)
    assert last == pytest.approx(800 + 19, abs=1)


def test_fading_has_its_depth_and_period(rng) -> None:
    gain_db = 20 * np.log10(
        fading(N, Reception(tone_hz=700.0, fading_db=12.0, fading_period_s=4.0), rng)
    )
    assert gain_db.max() == pytest.approx(0.0, abs=0.01)
    assert gain_db.min() == pytest.approx(-12.0, abs=0.01)
    assert gain_db[: 4 * SAMPLE_RATE] == pytest.approx(gain_db[4 * SAMPLE_RATE : 8 * SAMPLE_RATE])


def test_the_neighbour_is_where_and_as_strong_as_it_says(rng) -> None:
    reception = Reception(tone_hz=600.0, neighbour_hz=900.0, neighbour_db=-12.0)
    heard = receive(STEADY, N, reception, rng, neighbour=STEADY)
    ratio = power_in(heard, 850, 950) / power_in(heard, 550, 650)
    assert 10 * np.log10(ratio) == pytest.approx(-12.0, abs=0.1)


def test_the_filter_passes_the_tone_and_little_else(rng) -> None:
    reception = Reception(tone_hz=700.0, snr_db=0.0, noise="white", filter_hz=200.0)
    heard = receive(STEADY, N, reception, rng)
    # Without it the tone's neighbourhood has 0.5 + 0.8 * 100 / 4000, the band above 0.8 * 5 / 8.
    near, above = power_in(heard, 650, 750), power_in(heard, 1500, 4000)
    assert above / near < 1e-3


def test_clicks_come_as_often_as_they_should(rng) -> None:
    heard = receive(NEVER, N, Reception(tone_hz=700.0, clicks_per_s=2.0), rng)
    loud = np.flatnonzero(np.abs(heard) > 0.02 * np.abs(heard).max())
    bursts = 1 + int((np.diff(loud) > 400).sum())  # 50 ms of silence between
    assert 15 <= bursts <= 60  # 40 expected, of which some are too quiet or touch


@pytest.mark.parametrize("level_dbfs", [-25.0, -1.0])
def test_level_is_the_peak(level_dbfs, rng) -> None:
    reception = Reception(tone_hz=700.0, snr_db=3.0, noise="white", level_dbfs=level_dbfs)
    heard = receive(STEADY, N, reception, rng)
    assert heard.dtype == np.float32
    assert 20 * np.log10(np.abs(heard).max()) == pytest.approx(level_dbfs, abs=1e-3)


def test_nothing_sent_in_silence_is_silence(rng) -> None:
    assert (receive(NEVER, 800, Reception(tone_hz=700.0), rng) == 0).all()


def test_everything_at_once_is_finite_and_the_same_each_time() -> None:
    everything = Reception(
        tone_hz=310.0,
        drift_hz=-60.0,
        snr_db=-10.0,
        noise="band",
        noise_band_hz=(0.0, 1000.0),
        fading_db=15.0,
        clicks_per_s=3.0,
        neighbour_db=-6.0,
        neighbour_hz=260.0,
        filter_hz=1500.0,
        filter_offset=-0.25,
    )
    one, other = (
        receive(STEADY, 8001, everything, np.random.default_rng(5), STEADY) for _ in range(2)
    )
    assert np.isfinite(one).all()
    assert (one == other).all()
    different = receive(STEADY, 8001, replace(everything, snr_db=0.0), np.random.default_rng(5))
    assert (one != different).any()
