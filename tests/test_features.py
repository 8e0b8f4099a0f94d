"""Log-mel features: librosa's mel power, scaled to [0, 1] by each utterance's own range."""

from typing import Any, get_args

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import ValidationError
from torch import Tensor

from asr_core.features import FeatureConfig, LogMel, Normalisation, frame_mask

CONFIG = FeatureConfig()
LOG_MEL = LogMel(CONFIG)
OTHERS = [
    CONFIG,
    FeatureConfig(sample_rate=16000, n_mels=80, f_min=20, f_max=7600),
    FeatureConfig(window_s=0.064, hop_s=0.016, n_mels=40),  # the window is all of n_fft
    FeatureConfig(sample_rate=22050, f_max=8000, n_fft=1024),  # a hop of 220.5 samples
]
NORMALISATIONS = get_args(Normalisation)
BY_NORMALISATION = {name: LogMel(FeatureConfig(normalisation=name)) for name in NORMALISATIONS}


def noise(rng: np.random.Generator, n: int, level: float = 0.1) -> np.ndarray:
    return rng.normal(0, level, n).astype(np.float32)


def features_of(*recordings: np.ndarray, log_mel: LogMel = LOG_MEL) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(recording) for recording in recordings])
    samples = torch.zeros(len(recordings), int(lengths.max()))
    for row, recording in zip(samples, recordings, strict=True):
        row[: len(recording)] = torch.as_tensor(recording)
    return log_mel(samples, lengths)


def librosa_power(samples: np.ndarray, config: FeatureConfig) -> np.ndarray:
    """(T, F) mel power, computed in float64."""
    power = librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=config.sample_rate,
        n_fft=config.n_fft,
        hop_length=config.hop,
        win_length=config.window,
        pad_mode="constant",
        n_mels=config.n_mels,
        fmin=config.f_min,
        fmax=config.f_max,
    )
    return power.T


@pytest.mark.parametrize("config", OTHERS, ids=str)
def test_mel_power_is_librosas(config: FeatureConfig, rng: np.random.Generator) -> None:
    samples = noise(rng, 7001)
    expected = librosa_power(samples, config)
    power = LogMel(config).mel_power(torch.from_numpy(samples[None]))[0].numpy()  # (T, F)
    # A float32 FFT errs by about 1e-7 of the loudest bin's amplitude, whatever a bin's own power.
    np.testing.assert_allclose(power, expected, rtol=1e-4, atol=1e-6 * expected.max())


@pytest.mark.parametrize("config", OTHERS, ids=str)
def test_scaling_is_its_definition(config: FeatureConfig, rng: np.random.Generator) -> None:
    samples = noise(rng, 9000) * np.linspace(0, 1, 9000, dtype=np.float32) ** 4
    features, lengths = features_of(samples, log_mel=LogMel(config))
    decibel = 10 * np.log10(np.maximum(librosa_power(samples, config), 1e-10))
    decibel = np.maximum(decibel, decibel.max() - config.range_db)
    expected = (decibel - decibel.min()) / (decibel.max() - decibel.min())
    assert lengths.tolist() == [len(expected)] == [features.shape[1]]
    # At the bottom of 80 dB the FFT's error above is 1e-3 of an amplitude: 1e-4 of the range.
    np.testing.assert_allclose(features[0].numpy(), expected, rtol=0, atol=1e-3)


def speech_like(rng: np.random.Generator) -> np.ndarray:
    """Noise whose level moves by some 30 dB, darker than white."""
    swell = 10 ** (-1.5 * np.abs(np.sin(np.arange(12000) / 1700)))
    return (np.convolve(noise(rng, 12000), [0.6, 0.3, 0.1], "same") * swell).astype(np.float32)


def test_mean_variance_is_its_definition(rng: np.random.Generator) -> None:
    samples = speech_like(rng)
    features, _ = features_of(samples, log_mel=BY_NORMALISATION["mean_variance"])
    decibel = 10 * np.log10(np.maximum(librosa_power(samples, CONFIG), 1e-10))
    decibel = np.maximum(decibel, decibel.max() - CONFIG.range_db)
    expected = (decibel - decibel.mean(axis=0)) / decibel.std(axis=0)
    np.testing.assert_allclose(features[0].numpy(), expected, rtol=0, atol=1e-3)


def test_none_is_decibels_whatever_the_utterance(rng: np.random.Generator) -> None:
    samples = speech_like(rng)
    features, _ = features_of(samples, log_mel=BY_NORMALISATION["none"])
    decibel = 10 * np.log10(np.maximum(librosa_power(samples, CONFIG), 1e-10))
    np.testing.assert_allclose(features[0].numpy(), 1 + decibel / 100, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("normalisation", "difference"), [("min_max", 0.0), ("mean_variance", 0.0), ("none", 0.2)]
)
def test_what_a_gain_of_20_db_changes(
    normalisation: str, difference: float, rng: np.random.Generator
) -> None:
    samples = speech_like(rng)
    log_mel = BY_NORMALISATION[normalisation]
    quiet, _ = features_of(samples, log_mel=log_mel)
    loud, _ = features_of(10 * samples, log_mel=log_mel)
    torch.testing.assert_close(loud - quiet, torch.full_like(quiet, difference), rtol=0, atol=1e-4)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("n", [1, 79, 4000])
def test_silence_is_all_zeros_and_a_tone_is_finite(normalisation: str, n: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(n) / 8000).astype(np.float32)
    log_mel = BY_NORMALISATION[normalisation]
    features, lengths = features_of(np.zeros(n, np.float32), tone, log_mel=log_mel)
    assert lengths.tolist() == [1 + n // 80] * 2
    assert (features[0] == 0).all()
    assert torch.isfinite(features[1]).all()
    assert features[1].abs().max() < 10


def test_a_steady_band_has_no_speech() -> None:
    """Mean-variance must not blow a constant signal's rounding errors up."""
    steady = np.tile(np.array([0.5, -0.5], np.float32), 4000)  # 4 kHz, a whole period a hop
    features, _ = features_of(steady, log_mel=BY_NORMALISATION["mean_variance"])
    assert (features[0, 10:90].abs().amax(dim=0) < 0.3).all()  # its two ends are clicks


def test_a_config_of_before_the_choice_still_loads() -> None:
    old = {k: v for k, v in CONFIG.model_dump().items() if k != "normalisation"}
    assert FeatureConfig.model_validate(old) == CONFIG
    assert CONFIG.normalisation == "min_max"


def test_the_band_is_cropped(rng: np.random.Generator) -> None:
    """Hum below f_min and a whistle above f_max change nothing that matters."""
    config = FeatureConfig(f_min=300, f_max=3000)
    time = np.arange(8000) / 8000
    hum = 0.5 * np.sin(2 * np.pi * 50 * time) + 0.5 * np.sin(2 * np.pi * 3900 * time)
    middle = slice(10, 90)  # the tones' ends are clicks of every frequency
    clean = noise(rng, 8000)
    (quiet, _), (hummed, _) = (
        features_of(x.astype(np.float32), log_mel=LogMel(config)) for x in (clean, clean + hum)
    )
    # Leakage of a Hann window, far below the noise, in a range of some 40 dB.
    assert (quiet - hummed)[:, middle].abs().mean() < 0.02


@given(
    arrays.arrays(
        np.float32,
        st.integers(1, 900),
        elements=st.floats(-1, 1, width=32),
        fill=st.floats(-1, 1, width=32),
    )
)
def test_always_in_zero_to_one(samples: np.ndarray) -> None:
    features, lengths = features_of(samples)
    assert features.shape == (1, 1 + len(samples) // CONFIG.hop, CONFIG.n_mels)
    assert lengths.tolist() == [features.shape[1]]
    assert features.min() == 0
    assert features.max() in (0, 1)  # 0 for silence, else the loudest bin is 1
    assert torch.isfinite(features).all()


@pytest.mark.parametrize("n", [1, 2, 79, 80, 81, CONFIG.window - 1, CONFIG.n_fft, 4000])
def test_short_recordings_have_their_frames(n: int, rng: np.random.Generator) -> None:
    features, lengths = features_of(noise(rng, n))
    assert features.shape == (1, 1 + n // 80, 64)
    assert lengths.tolist() == [1 + n // 80]
    assert features.max() == 1


def test_all_padding_is_one_silent_frame(rng: np.random.Generator) -> None:
    features, lengths = features_of(noise(rng, 0), noise(rng, 800))
    assert lengths.tolist() == [1, 11]
    assert (features[0] == 0).all()


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_padding_changes_nothing(normalisation: str, rng: np.random.Generator) -> None:
    log_mel = BY_NORMALISATION[normalisation]
    recordings = [noise(rng, n, level) for n, level in [(1, 0.1), (80, 1), (1234, 1e-3), (8001, 1)]]
    together, lengths = features_of(*recordings, log_mel=log_mel)
    for recording, features, length in zip(recordings, together, lengths, strict=True):
        alone, n_frames = features_of(recording, log_mel=log_mel)
        assert n_frames.tolist() == [int(length)]
        # A batched FFT may round otherwise than a single one.
        torch.testing.assert_close(features[:length], alone[0], rtol=0, atol=1e-5)
        assert (features[length:] == 0).all()


def test_a_click_at_the_very_end_is_not_louder_in_the_padding() -> None:
    """The frame after the last one is nearer to the click, but belongs to nobody."""
    samples = np.zeros(50 * CONFIG.hop + 79, dtype=np.float32)
    samples[-1] = 1
    alone, _ = features_of(samples)
    together, _ = features_of(samples, np.zeros(8000, dtype=np.float32))
    assert alone.max() == together.max() == 1
    torch.testing.assert_close(together[:1, :51], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 1e-9])
def test_silence_is_all_zeros(level: float, rng: np.random.Generator) -> None:
    silence = noise(rng, 4000, level)  # noise of -180 dB is silence too
    features, lengths = features_of(silence, noise(rng, 8000))
    assert (features[0] == 0).all()
    assert lengths.tolist() == [51, 101]
    assert features[1].max() == 1  # a silent neighbour takes nothing away


@pytest.mark.parametrize("gain", [3e-3, 0.3, 1000.0, 1e11])
def test_level_does_not_matter(gain: float, rng: np.random.Generator) -> None:
    samples = noise(rng, 4000)
    loud, _ = features_of(samples)
    other, _ = features_of(samples * np.float32(gain))
    torch.testing.assert_close(loud, other, rtol=0, atol=1e-4)  # float32 rounding of the dB


def test_digital_silence_inside_does_not_squash_the_rest(rng: np.random.Generator) -> None:
    sound = noise(rng, 16000)
    holed = sound.copy()
    holed[6000:10000] = 0
    features, _ = features_of(holed)
    hole = slice(6000 // 80 + 4, 10000 // 80 - 3)  # half a window (256 samples) from the edges
    assert (features[0, hole] == 0).all()
    # The floor lies range_db below the loudest bin; white noise fills the top 40 of these 80 dB.
    assert features[0, 2:70].mean() > 0.6
    assert features.max() == 1


def test_a_click_is_heard(rng: np.random.Generator) -> None:
    samples = np.zeros(8000, dtype=np.float32)
    samples[4000] = 1
    features, _ = features_of(samples)
    energy = features[0].mean(dim=1)
    assert energy.argmax() == 4000 // CONFIG.hop  # frames are centred on t * hop
    assert (energy[: 50 - 3] == 0).all()
    assert (energy[50 + 3 :] == 0).all()


def test_frame_mask() -> None:
    mask = frame_mask(torch.tensor([0, 2, 3]), 3)
    assert mask.tolist() == [[False] * 3, [True, True, False], [True] * 3]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"f_max": 4001}, "half the sample rate"),
        ({"f_min": -1}, "0 <= f_min"),
        ({"f_min": 3800}, "f_min < f_max"),
        ({"f_min": float("nan")}, "finite"),
        ({"range_db": float("inf")}, "finite"),
        ({"window_s": float("inf")}, "finite"),
        ({"window_s": 0.065}, "a window of 1 to n_fft=512, got 520"),
        ({"window_s": 1e-5}, "a window of 1 to n_fft"),
        ({"hop_s": 1e-5}, "a hop of at least one sample"),
        ({"hop_s": 0}, "greater than 0"),
        ({"sample_rate": 0}, "greater than 0"),
        ({"n_mels": 0}, "greater than 0"),
        ({"range_db": 0}, "greater than 0"),
        ({"normalisation": "minmax"}, "'min_max', 'mean_variance' or 'none'"),
        ({"n_mel": 64}, "n_mel\n  Extra inputs are not permitted"),
    ],
)
def test_config_says_what_is_wrong(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FeatureConfig(**wrong)


def test_config_is_rounded_to_whole_samples_and_frozen() -> None:
    config = FeatureConfig(sample_rate=11025, f_max=5000)
    assert (config.window, config.hop) == (276, 110)
    with pytest.raises(ValidationError, match="frozen"):
        config.n_mels = 3  # type: ignore[misc]
    assert FeatureConfig.model_validate_json(config.model_dump_json()) == config
