"""Augmentation in training: other voices, rooms, microphones and noises than the data has.

Every random draw comes from a passed generator. audiomentations draws from the global `random`
and `numpy.random`, so these are seeded from the generator just before it runs.
"""

import functools
import io
import random
from typing import Annotated

import audiomentations
import librosa
import numpy as np
import scipy.fft
import scipy.signal
import soundfile
import soxr
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from asr_core.features import FeatureConfig
from asr_core.signal_measures import quantile

WINDOW, HOP = 256, 64  # samples, of spectral subtraction
assert WINDOW % HOP == 0
HANN = scipy.signal.get_window("hann", WINDOW)

CODECS = (("WAV", "ULAW"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"))

Probability = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


class AugmentConfig(BaseModel):
    """How much of what, as written in a recipe; a probability of 0 switches a kind off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    speed: Range = (0.85, 1.25)  # tempo, pitch and formants together
    speed_probability: Probability = 0.8
    vocal_tract: Range = (0.87, 1.18)  # factor on the formants alone
    vocal_tract_probability: Probability = 0.7
    room_rt60_s: Range = (0.1, 0.7)
    room_probability: Probability = 0.35
    noise_snr_db: Range = (0.0, 30.0)
    noise_probability: Probability = 0.7
    channel_probability: Probability = 0.4  # equaliser, telephone band, clipping
    codec_probability: Probability = 0.0  # mu-law, Opus or MP3, and back
    gain_db: Range = (-30.0, 0.0)
    n_time_masks: int = Field(2, ge=0)
    time_mask_s: float = Field(0.15, ge=0)
    n_frequency_masks: int = Field(2, ge=0)
    frequency_mask: int = Field(12, ge=0)  # mel bands


class WaveformAugmenter:
    """Degrades a recording as the world would: voice, room, noise, microphone, level."""

    def __init__(self, config: AugmentConfig, sample_rate: int, noises: list[np.ndarray]) -> None:
        self.config = config
        self.sample_rate = sample_rate
        self.noises = noises  # arrays (N,) of real background noise; may be empty
        self.channel = audiomentations.SomeOf(
            (1, 3),
            [
                # Every frequency stays below half of 8 kHz: filters beyond it blow up to NaN.
                audiomentations.PeakingFilter(300.0, 3000.0, -12.0, 12.0, p=1.0),
                audiomentations.LowShelfFilter(100.0, 800.0, -15.0, 9.0, p=1.0),
                audiomentations.HighShelfFilter(1000.0, 3000.0, -15.0, 12.0, p=1.0),
                audiomentations.HighPassFilter(100, 450, p=1.0),
                audiomentations.LowPassFilter(2200, 3600, p=1.0),
                audiomentations.ClippingDistortion(0, 15, p=1.0),
                audiomentations.GainTransition(-12.0, 6.0, p=1.0),
            ],
        )
        self.coloured = audiomentations.AddColorNoise(
            min_snr_db=config.noise_snr_db[0],
            max_snr_db=config.noise_snr_db[1],
            min_f_decay=-8.0,  # dB an octave: brown to blue
            max_f_decay=3.0,
            p=1.0,
        )

    def __call__(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Samples (N,) -> samples (M,) float32; M differs where the speed does."""
        config = self.config
        if rng.random() < config.speed_probability:
            samples = change_speed(samples, self.sample_rate, rng.uniform(*config.speed))
        if rng.random() < config.room_probability:
            samples = add_room(samples, self.sample_rate, rng.uniform(*config.room_rt60_s), rng)
        if rng.random() < config.noise_probability:
            samples = self._with_noise(samples, rng)
        if rng.random() < config.channel_probability:
            samples = self._by_audiomentations(self.channel, samples, rng)
        if rng.random() < config.codec_probability:
            samples = through_codec(samples, self.sample_rate, rng)
        samples = samples / max(1e-6, float(np.abs(samples).max()))
        return (samples * 10 ** (rng.uniform(*config.gain_db) / 20)).astype(np.float32)

    def _with_noise(self, samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not self.noises or rng.random() < 0.5:
            return self._by_audiomentations(self.coloured, samples, rng)
        noise = self.noises[rng.integers(len(self.noises))]
        start = int(rng.integers(len(noise)))
        noise = np.resize(np.roll(noise, -start), len(samples))
        return mix(samples, noise, rng.uniform(*self.config.noise_snr_db))

    def _by_audiomentations(
        self,
        transform: audiomentations.core.transforms_interface.BaseWaveformTransform,
        samples: np.ndarray,
        rng: np.random.Generator,
    ) -> np.ndarray:
        seed = int(rng.integers(2**32))
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 (audiomentations draws from it)
        return transform(samples.astype(np.float32), self.sample_rate)


def through_codec(samples: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Encode and decode as a telephone (G.711), a call over the internet or a voice memo would."""
    container, subtype = CODECS[rng.integers(len(CODECS))]
    options = {} if container == "WAV" else {"compression_level": float(rng.uniform(0.6, 1.0))}
    peak = max(1e-6, float(np.abs(samples).max()))
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, samples / peak, sample_rate, subtype, format=container, **options)
    except soundfile.LibsndfileError:  # its encoders refuse one recording in thousands
        return samples
    buffer.seek(0)
    decoded, _ = soundfile.read(buffer, dtype="float32")
    return np.resize(decoded, len(samples)) * peak  # MP3 may come back a little longer


def change_speed(samples: np.ndarray, sample_rate: int, factor: float) -> np.ndarray:
    """Play `factor` times as fast: tempo, pitch and formants change together (Ko et al. 2015)."""
    return soxr.resample(samples, sample_rate * factor, sample_rate)


def mix(samples: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise (N,) to samples (N,) at a signal-to-noise ratio over the whole recording."""
    signal_power = float((samples**2).mean())
    noise_power = float((noise**2).mean()) + 1e-12
    return samples + noise * np.sqrt(signal_power / noise_power / 10 ** (snr_db / 10))


def subtract_noise(samples: np.ndarray) -> np.ndarray:
    """Spectral subtraction (Boll 1979): each frequency's quiet frames are taken for its noise.

    Samples (N,) float32 -> (N,), to the last bit what librosa's `stft` and `istft` give; with one
    window for all, it takes two fifths of the time.
    """
    if len(samples) < 2 * WINDOW:
        return samples
    padded = np.pad(samples, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # (T, WINDOW)
    spectrum = scipy.fft.rfft(HANN * frames).astype(np.complex64)  # (T, 129)
    power = np.abs(spectrum) ** 2
    noise = 2.0 * quantile(power, 0.2)
    gain = np.sqrt(np.clip(1 - noise / (power + 1e-12), 0.003, 1))  # at most 25 dB down
    return _overlapped(HANN * scipy.fft.irfft(spectrum * gain), len(samples))


def _overlapped(frames: np.ndarray, n_samples: int) -> np.ndarray:
    """Windowed frames (T, WINDOW), the first about sample 0 -> samples (n_samples,) float32."""
    n_parts = WINDOW // HOP
    sums = np.zeros((len(frames) + n_parts - 1, HOP), np.float32)
    for part in reversed(range(n_parts)):  # earlier frames first: the order decides the rounding
        sums[part : part + len(frames)] += frames[:, part * HOP : (part + 1) * HOP]
    inside = slice(WINDOW // 2, WINDOW // 2 + n_samples)
    samples, weight = sums.ravel()[inside], _window_sum(len(frames))[inside]
    return samples / weight


@functools.cache
def _window_sum(n_frames: int) -> np.ndarray:
    """What overlapping frames of ones, windowed twice, come to."""
    return librosa.filters.window_sumsquare(
        window="hann", n_frames=n_frames, hop_length=HOP, n_fft=WINDOW
    )


def add_room(
    samples: np.ndarray, sample_rate: int, rt60_s: float, rng: np.random.Generator
) -> np.ndarray:
    """Convolve with a room: the direct sound, then noise that decays by 60 dB in `rt60_s`."""
    n = max(2, round(rt60_s * sample_rate))
    tail = rng.normal(size=n) * 10 ** (-3 * np.arange(n) / n)
    tail *= rng.uniform(0.2, 1.0) / np.sqrt((tail**2).sum())  # energy below the direct sound's
    tail[0] = 1.0
    return scipy.signal.fftconvolve(samples, tail)[: len(samples)].astype(np.float32)


class VocalTract:
    """Vocal tract length perturbation (Jaitly and Hinton 2013) on log-mel features."""

    def __init__(self, features: FeatureConfig) -> None:
        self.centres = librosa.mel_frequencies(
            features.n_mels + 2, fmin=features.f_min, fmax=features.f_max
        )[1:-1]  # Hz

    def __call__(self, features: Tensor, factors: Tensor) -> Tensor:
        """Features (B, T, F), factors (B,) -> features whose formants lie `factor` times higher."""
        source = np.interp(
            self.centres / factors[:, None].numpy(), self.centres, np.arange(len(self.centres))
        )
        position = torch.from_numpy(source).to(features)  # (B, F)
        lower = position.floor().long().clamp(max=features.shape[2] - 2)
        share = (position - lower).unsqueeze(1)  # (B, 1, F)
        index = lower.unsqueeze(1).expand_as(features)
        low, high = features.gather(2, index), features.gather(2, index + 1)
        return low * (1 - share) + high * share
