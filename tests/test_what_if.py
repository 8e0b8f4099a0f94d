"""Each change against what is known of it by other means."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from asr_core.audio import Audio, load_audio
from asr_core.degrade import active_mask, active_rms, measure_snr_db, rms
from asr_core.signal_measures import measure_signal
from asr_core.what_if import CHANGES, Change, WhatIfError, apply
from tests.browser.conftest import EXAMPLES

RATE = 16000


@pytest.fixture(scope="module")
def speech() -> Audio:
    """A clean example, a half as loud, so that no change needs to scale peaks down."""
    audio = load_audio(EXAMPLES / "three-seven-stop.opus", RATE)
    return Audio(audio.samples / 2, RATE)


def changed(audio: Audio, *texts: str, seed: int = 0) -> np.ndarray:
    return apply(audio, [Change.parse(text) for text in texts], seed).samples


def level_db(audio: Audio) -> float:
    return 20 * np.log10(active_rms(audio.samples, audio.sample_rate))


def power_db(samples: np.ndarray, low: float, high: float) -> float:
    """Mean power of a band, by Welch's method."""
    frequency, density = signal.welch(samples, RATE, nperseg=2048)
    return 10 * np.log10(density[(frequency >= low) & (frequency < high)].mean())


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_keeps_the_contract(speech, name):
    first = apply(speech, [Change.checked(name)], 5)
    again = apply(speech, [Change.checked(name)], 5)
    assert first.samples.dtype == np.float32
    assert first.sample_rate == RATE
    assert np.abs(first.samples).max() <= 1
    np.testing.assert_array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, speech.samples)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_hard_cases_stay_finite(name, end, rate):
    """Silence, one sample, a click; at both ends of the range."""
    parameter = CHANGES[name].parameter
    change = Change.checked(name, getattr(parameter, end) if parameter else None)
    for samples in (np.zeros(rate), np.ones(1), np.eye(1, rate // 2, 77)[0]):
        found = apply(Audio(samples.astype(np.float32), rate), [change]).samples
        assert len(found) > 0
        assert np.isfinite(found).all()
        assert np.abs(found).max() <= 1


@given(snr_db=st.integers(-10, 40), name=st.sampled_from(["noise", "hum"]))
def test_the_ratio_is_what_was_asked_for(speech, snr_db, name):
    mixed = changed(speech, f"{name}={snr_db}").astype(np.float64)
    scale = 1.0
    if snr_db < 5:  # it may have been scaled down to hold the peaks: by the least squares of both
        reference = speech.samples.astype(np.float64)
        noise_only = changed(Audio(speech.samples, RATE), f"{name}=5") - reference
        basis = np.column_stack([reference, noise_only])
        scale = np.linalg.lstsq(basis, mixed, rcond=None)[0][0]
    noise = mixed / scale - speech.samples
    assert measure_snr_db(speech.samples, noise, RATE) == pytest.approx(snr_db, abs=0.01)


def test_the_same_noise_at_another_level(speech):
    one, other = (changed(speech, f"noise={snr}", seed=3) - speech.samples for snr in (20, 10))
    np.testing.assert_allclose(other, one * 10**0.5, atol=1e-6)
    different = changed(speech, "noise=10", seed=4) - speech.samples
    assert abs(np.corrcoef(other, different)[0, 1]) < 0.2


@pytest.mark.parametrize("level", [-35, -30, -28])
def test_level_is_that_of_active_speech(speech, level):
    found = Audio(changed(speech, f"level={level}"), RATE)
    assert level_db(found) == pytest.approx(level, abs=0.01)


def test_a_peak_limits_the_level(speech):
    found = changed(speech, "level=-10")
    assert np.abs(found).max() == pytest.approx(0.95, abs=1e-3)


@pytest.mark.parametrize("by_db", [10, 30])
def test_quieter_by_so_much_and_in_16_bits(speech, by_db):
    found = changed(speech, f"quiet={by_db}")
    assert level_db(Audio(found, RATE)) == pytest.approx(level_db(speech) - by_db, abs=0.15)  # bits
    assert np.array_equal(found * 2**15, np.round(found * 2**15))


@pytest.mark.parametrize("factor", [0.6, 0.8, 1.25, 1.6])
def test_speed_changes_the_length_and_not_the_pitch(factor):
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(2 * RATE) / RATE)
    found = changed(Audio(tone.astype(np.float32), RATE), f"speed={factor}")
    assert len(found) == pytest.approx(2 * RATE / factor, abs=1)
    pitch = librosa.yin(found, fmin=80, fmax=800, sr=RATE)
    assert np.median(pitch) == pytest.approx(220, rel=0.01)


def test_speed_keeps_moments_in_their_places(speech):
    """The loudest 100 ms stay where they were, in parts of the whole."""
    slower = changed(speech, "speed=0.7")
    window = np.ones(RATE // 10)
    peaks = [np.convolve(x**2, window, "same").argmax() / len(x) for x in (speech.samples, slower)]
    assert peaks[1] == pytest.approx(peaks[0], abs=0.03)


def test_bands_by_welch(speech):
    noisy = Audio(changed(speech, "noise=0"), RATE)  # so that there is sound everywhere
    telephone = changed(noisy, "telephone")
    assert power_db(telephone, 600, 3000) == pytest.approx(
        power_db(noisy.samples, 600, 3000), abs=1
    )
    assert power_db(telephone, 5000, 8000) < power_db(noisy.samples, 5000, 8000) - 20
    assert power_db(telephone, 0, 120) < power_db(noisy.samples, 0, 120) - 20
    muffled = changed(noisy, "lowpass=1500")
    assert power_db(muffled, 2500, 8000) < power_db(noisy.samples, 2500, 8000) - 30
    assert power_db(muffled, 100, 1200) == pytest.approx(
        power_db(noisy.samples, 100, 1200), abs=0.5
    )


def test_cutting_low_takes_rumble_out(speech):
    time = np.arange(len(speech.samples)) / RATE
    rumble = (0.1 * np.sin(2 * np.pi * 30 * time)).astype(np.float32)
    found = changed(Audio(speech.samples + rumble, RATE), "lowcut=100")
    clean = changed(speech, "lowcut=100")
    assert np.std(found - clean) < 0.02 * np.std(rumble)
    assert power_db(clean, 300, 4000) == pytest.approx(power_db(speech.samples, 300, 4000), abs=0.2)


def test_no_offset_is_left(speech):
    found = changed(Audio(speech.samples + np.float32(0.2), RATE), "dc")
    assert abs(found.mean()) < 1e-7
    np.testing.assert_allclose(found, speech.samples - speech.samples.mean(), atol=1e-6)


@pytest.mark.parametrize("percent", [5, 20])
def test_clipping_is_seen_by_who_measures_it(speech, percent):
    found = changed(speech, f"clip={percent}")
    at_top = np.mean(np.abs(found) >= 1)
    assert 0.2 * percent / 100 < at_top <= percent / 100 + 1e-3  # pauses are not active
    assert measure_signal(speech).clipped_share == pytest.approx(0, abs=1e-3)
    assert measure_signal(Audio(found, RATE)).clipped_share > 0.3 * at_top


def test_a_room_smears_and_keeps_the_level(speech):
    found = changed(speech, "room=1.5")
    assert level_db(Audio(found, RATE)) == pytest.approx(level_db(speech), abs=0.3)
    quiet = [np.quantile(np.abs(x), 0.2) for x in (speech.samples, found)]
    assert quiet[1] > 2 * quiet[0]


def test_denoising_quietens_pauses_more_than_words(speech):
    noisy = changed(speech, "noise=15")
    found = changed(Audio(noisy, RATE), "denoise")
    words = active_mask(speech.samples, RATE)
    fall_db = [20 * np.log10(rms(noisy[part]) / rms(found[part])) for part in (words, ~words)]
    assert fall_db[1] > 10
    assert fall_db[0] < fall_db[1] - 4


def test_trim_and_pad(speech):
    silent = np.zeros(RATE, dtype=np.float32)
    padded = Audio(np.concatenate([silent, speech.samples, silent]), RATE)
    trimmed = changed(padded, "trim=35")
    start = int(np.argmax(np.correlate(padded.samples, trimmed, "valid")))
    np.testing.assert_array_equal(padded.samples[start : start + len(trimmed)], trimmed)
    assert power_db(trimmed, 100, 8000) > power_db(padded.samples, 100, 8000)
    assert len(trimmed) <= len(speech.samples) + 2 * 0.1 * RATE + 2048
    longer = changed(speech, "pad=0.5")
    assert len(longer) == len(speech.samples) + RATE
    np.testing.assert_array_equal(longer[RATE // 2 : -RATE // 2], speech.samples)
    assert np.abs(longer[: RATE // 2]).max() < 0.1 * np.abs(speech.samples).max()


def test_changes_go_one_after_the_other(speech):
    both = changed(speech, "speed=1.5", "telephone")
    one = Audio(changed(speech, "speed=1.5"), RATE)
    np.testing.assert_array_equal(both, changed(one, "telephone"))
    assert apply(speech, []).samples is speech.samples


def test_text_and_change_are_the_same():
    assert Change.parse("noise") == Change("noise", 5.0)
    assert Change.parse(" noise = -5") == Change("noise", -5.0)
    assert Change.parse("telephone") == Change("telephone")
    assert all(Change.parse(str(Change.checked(name))) == Change.checked(name) for name in CHANGES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("noice=5", r"no change 'noice'.*noise \(-10 to 40 dB\).*telephone"),
        ("noise=500", "Got 500 as the SNR of noise. Expected -10 to 40 dB"),
        ("noise=nan", "Got nan as the SNR"),
        ("noise=loud", "Got 'loud' as the amount of noise. Expected a number"),
        ("telephone=3", "takes no amount; got 3"),
        ("", "no change ''"),
    ],
)
def test_errors_say_what_there_is(text, words):
    with pytest.raises(WhatIfError, match=words):
        Change.parse(text)


@pytest.mark.parametrize("rate", [1_000, 4_000, 8_000, 384_000])
@pytest.mark.parametrize("seconds", [0.001, 0.11, 0.3])
def test_every_change_takes_a_recording_of_any_rate_and_length(rate: int, seconds: float) -> None:
    """noisereduce, for one, has masks that must not be shorter than its windows' steps."""
    samples = 0.1 * np.random.default_rng(1).standard_normal(round(seconds * rate))
    audio = Audio(samples.astype(np.float32), rate)
    for name in CHANGES:
        heard = changed(audio, name)
        assert len(heard) > 0, name
        assert np.isfinite(heard).all(), name
