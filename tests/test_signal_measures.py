"""What a sound is like, where that was planted."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from asr_core.audio import Audio, load_audio
from asr_core.manifest import read_manifest
from asr_core.signal_measures import HOP_S, measure_signal, quantile

VALIDATION = Path(__file__).parent.parent / "assets" / "validation" / "spoken" / "manifest.jsonl"
RATE = 8000
SECONDS = 3.0


def speech(rng: np.random.Generator, room_db: float = -60.0) -> np.ndarray:
    """Bursts of a harmonic sound with pauses between, about as speech is; in faint noise."""
    time_s = np.arange(round(SECONDS * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 130 * n * time_s + n**2) / n for n in range(1, 25))
    syllables = np.clip(np.sin(2 * np.pi * 2 * time_s), 0, None) ** 0.5
    samples = 0.2 * voice * syllables
    return samples + rng.normal(0, 10 ** (room_db / 20), len(samples))


def measured(samples: np.ndarray):
    return measure_signal(Audio(samples.astype(np.float32), RATE))


def test_the_ratio_follows_the_noise(rng: np.random.Generator) -> None:
    clean = speech(rng, -120.0)
    noise = rng.normal(0, 0.1, len(clean))
    found = [measured(clean + 10 ** (-db / 20) * noise).snr_db for db in (0, 10, 20, 30)]
    # atol: where noise is loud it adds to the level of the vowels
    np.testing.assert_allclose(np.diff(found), 10, atol=2)


def test_the_ratio_of_voices_is_that_of_their_manifest() -> None:
    rows = read_manifest(VALIDATION).rows  # between clicks it is quiet, and nothing else counts
    rows = [row for row in rows if row.fields["noise"] not in ("none", "clicks")][:60]
    known = np.array([row.fields["snr_db"] for row in rows])
    found = np.array([measure_signal(load_audio(r.audio_path, RATE)).snr_db for r in rows])
    assert np.median(np.abs(found - known)) < 3
    assert scipy.stats.spearmanr(found, known).statistic > 0.9


def test_the_ratio_does_not_depend_on_the_level(rng: np.random.Generator) -> None:
    samples = speech(rng)
    assert measured(0.1 * samples).snr_db == pytest.approx(measured(samples).snr_db, abs=0.1)


def test_a_burst_lowers_the_ratio_where_it_is(rng: np.random.Generator) -> None:
    samples = speech(rng)
    samples[8000:12000] += rng.normal(0, 0.5, 4000)
    found = measured(samples)
    assert found.snr_db_in(1.0, 1.5) < 2
    assert found.snr_db_in(2.0, 2.5) > 15


def test_clipping_is_found_where_it_is(rng: np.random.Generator) -> None:
    samples = speech(rng)
    assert measured(samples).clipped_share < 0.01
    clipped = np.clip(samples * 30, -1, 1)
    assert measured(clipped).clipped_share > 0.1
    assert measured(0.05 * clipped).clipped_share > 0.1  # made quieter afterwards
    pause = measured(clipped).clipped_in(0.30, 0.45)  # the voice sounds from 0 to 0.25 s
    assert pause < 0.05


def test_a_cut_edge_is_loud(rng: np.random.Generator) -> None:
    samples = speech(rng)
    found = measured(samples[1000:])  # within the first syllable
    assert found.edge_db(end=False) > -10
    assert found.edge_db(end=True) < -30


def test_digital_silence_interrupts_only_sound_that_is_recorded(rng: np.random.Generator) -> None:
    samples = speech(rng)
    samples[8000:11000] = 0.0
    assert measured(samples).drops_out(0.9, 1.5)
    assert not measured(samples).drops_out(2.0, 2.5)
    assert not measured(speech(rng)).drops_out(0.9, 1.5)
    digital = speech(rng, -200.0)
    digital[8000:11000] = 0.0
    assert not measured(digital).drops_out(0.9, 1.5)


def test_sound_is_what_is_neither_pause_nor_noise(rng: np.random.Generator) -> None:
    found = measured(speech(rng))
    assert found.sound_s == pytest.approx(SECONDS / 2, abs=0.3)
    assert found.sound_s_in(0.30, 0.45) == 0
    assert measured(rng.normal(0, 0.1, 16000)).sound_s < 0.1


@given(st.integers(0, 3000), st.sampled_from([0.0, 1e-6, 1.0]), st.sampled_from([8000, 16000]))
def test_any_recording_is_measured(n: int, loudness: float, rate: int) -> None:
    samples = np.random.default_rng(n).normal(0, 1, n + 1).astype(np.float32) * loudness
    found = measure_signal(Audio(samples, rate))
    values = [found.snr_db, found.clipped_share, found.edge_db(end=True), found.sound_s]
    values += [found.snr_db_in(0.1, 0.1), found.clipped_in(5.0, 9.0), found.sound_s_in(0.0, 9.0)]
    assert np.isfinite(values).all()
    assert found.sound_s <= (len(samples) / rate) + 2 * HOP_S
    assert len(found.level_db) == len(found.clipped) == len(found.bands_db)


@given(st.integers(1, 300), st.sampled_from([0.02, 0.15, 0.2, 0.25, 0.95, 0.98]), st.booleans())
def test_a_quantile_is_numpys_to_the_last_bit(n: int, share: float, single: bool) -> None:
    values = np.random.default_rng(n).normal(0, 50, (n, 3)).astype("f4" if single else "f8")
    for each in (values, values[:, 0]):
        expected = np.quantile(each, share, axis=0)
        found = quantile(each, share)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
