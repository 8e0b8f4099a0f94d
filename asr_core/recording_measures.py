"""What a recording is like as a whole: level, noise, band, silence and edges, in one record."""

from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from asr_core.audio import Audio
from asr_core.channel_measures import measure_channel
from asr_core.signal_measures import (
    ABOVE_NOISE_DB,
    DEAD_DB,
    DROPOUT_S,
    FLOOR_DB,
    HOP_S,
    QUIETEST_DB,
    SOUND_DB,
    SignalMeasures,
    decibel,
    decibels,
    measure_signal,
    quantile,
)

PROFILE_BANDS = 40  # mel bands from 0 to PROFILE_HZ, whatever the rate: recordings compare
PROFILE_HZ = 8000.0
WINDOW_S = 0.032  # of the long-term spectrum: 31 Hz a bin
BLOCK = 4000  # windows in memory at a time
LOUD_QUANTILE = 0.95  # of a frequency's levels over time: fricatives count, clicks do not
# A resampler's or a codec's filter falls by more, within some hundred hertz; speech falls by less
# even at 8 kHz, where its fricatives are.
BAND_EDGE_DB = 62.0
BURST_S = 0.15  # a short word: speech, however little of a recording it is
EDGE_SMOOTHING_HZ = 150.0  # the level of a frequency is that of its surroundings


@dataclass(frozen=True)
class RecordingMeasures:
    """One recording; levels in dB of full scale, times in seconds.

    Attributes:
        duration_s: its length.
        sound_s: seconds of speech or other sound above the noise.
        level_dbfs: mean level of the sound; FLOOR_DB where there is none.
        peak_dbfs: of the largest sample.
        snr_db: estimated signal-to-noise ratio.
        noise_dbfs: estimated level of the noise.
        clipped_share: of the samples, those on a clipped top.
        silence_share: of the recording, what is no sound.
        burst_db: level of the loudest 0.15 s, over the noise.
        speech_share: of the recording, what is as loud as that or little less.
        lead_s: before the first sound.
        trail_s: after the last sound.
        start_edge_db: level of the first 30 ms over the speech's.
        end_edge_db: the same of the last 30 ms.
        dropout_s: digital silence between sounds of a recording whose pauses are not digital.
        dc_offset: mean of the samples, of full scale.
        bandwidth_hz: the highest frequency with any signal.
        band_edge_db: by how much the level falls at a telephone's upper edge.
        low_band_db: level of a voice's lowest harmonics over that of its loudest ones.
        hum_db: mains hum over speech; FLOOR_DB where there is none.
        rumble_db: what never pauses below 80 Hz, over speech.
        bands_db: (PROFILE_BANDS,) mean level of each mel band; FLOOR_DB above half the rate.
    """

    duration_s: float
    sound_s: float
    level_dbfs: float
    peak_dbfs: float
    snr_db: float
    noise_dbfs: float
    clipped_share: float
    silence_share: float
    burst_db: float
    speech_share: float
    lead_s: float
    trail_s: float
    start_edge_db: float
    end_edge_db: float
    dropout_s: float
    dc_offset: float
    bandwidth_hz: float
    band_edge_db: float
    low_band_db: float
    hum_db: float
    rumble_db: float
    bands_db: tuple[float, ...]

    def numbers(self) -> dict[str, float]:
        """Every measure that is a single number, by name."""
        return {name: value for name, value in asdict(self).items() if name in NUMBERS}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


NUMBERS = tuple(field.name for field in fields(RecordingMeasures) if field.name != "bands_db")


def measure_recording(audio: Audio, signal: SignalMeasures | None = None) -> RecordingMeasures:
    """Measure a recording (N,); `signal` are its frames, where they are measured already."""
    signal = signal or measure_signal(audio)
    samples = audio.samples
    sounding = np.flatnonzero(signal.sounding)
    first, last = (sounding[0], sounding[-1] + 1) if len(sounding) else (len(signal.level_db), 0)
    loud, mean = _spectra(audio)
    burst_db = _burst_db(signal.level_db)
    least_db = max(burst_db - SOUND_DB, signal.noise_db + ABOVE_NOISE_DB)
    return RecordingMeasures(
        duration_s=audio.duration_s,
        sound_s=min(signal.sound_s, audio.duration_s),
        level_dbfs=_mean_db(signal.level_db[sounding]),
        peak_dbfs=decibel(float(np.abs(samples).max()) ** 2),
        snr_db=signal.snr_db,
        noise_dbfs=signal.noise_db,
        clipped_share=signal.clipped_share,
        silence_share=1.0 - len(sounding) / len(signal.level_db),
        burst_db=burst_db - signal.noise_db,
        speech_share=float((signal.level_db > least_db).mean()),
        lead_s=min(float(first * HOP_S), audio.duration_s),
        trail_s=max(audio.duration_s - float(last * HOP_S), 0.0),
        start_edge_db=signal.edge_db(end=False),
        end_edge_db=signal.edge_db(end=True),
        dropout_s=_dropout_s(signal.level_db, first, last),
        dc_offset=float(samples.mean(dtype=np.float64)),
        bandwidth_hz=_bandwidth_hz(loud, audio.sample_rate),
        **asdict(measure_channel(audio, loud, signal.level_db)),
        bands_db=_profile(mean, audio.sample_rate),
    )


def band_centres_hz() -> tuple[float, ...]:
    """The middle of each band of `RecordingMeasures.bands_db`."""
    edges = _mel_edges()
    return tuple(float(edge) for edge in edges[1:-1])


def _burst_db(level_db: np.ndarray) -> float:
    """What the loudest BURST_S of the frames exceed; the quietest one of a recording that short."""
    n = min(round(BURST_S / HOP_S), len(level_db))
    return float(np.partition(level_db, len(level_db) - n)[len(level_db) - n])


def _dropout_s(level_db: np.ndarray, first: int, last: int) -> float:
    """Digital silence between first and last sound, if the recording's pauses have a sound."""
    dead = level_db <= DEAD_DB
    inside = dead[first:last]
    alive = level_db[~dead]
    n_least = round(DROPOUT_S / HOP_S)
    if inside.sum() < n_least or not len(alive) or quantile(alive, 0.15) <= QUIETEST_DB:
        return 0.0
    # A file whose every pause is digital was gated or synthesised; it has not lost anything.
    return float(inside.sum() * HOP_S)


def _spectra(audio: Audio) -> tuple[np.ndarray, np.ndarray]:
    """(N,) -> power of each frequency (bins,) in its loud moments, and its mean over time."""
    window = max(round(WINDOW_S * audio.sample_rate), 8)
    samples = np.pad(audio.samples, (0, max(window - len(audio.samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[:: window // 2]
    taper = np.blackman(window).astype(np.float32)  # its far side lobes lie below BAND_EDGE_DB
    scale = 2 / (window * (taper**2).sum())
    power = np.concatenate(
        [
            np.square(np.abs(np.fft.rfft(frames[i : i + BLOCK] * taper))).astype(np.float32)
            for i in range(0, len(frames), BLOCK)
        ]
    )  # (T, bins)
    place = int(LOUD_QUANTILE * (len(power) - 1))
    loud = np.partition(power, place, axis=0)[place]
    return loud * scale, power.mean(axis=0) * scale


def _bandwidth_hz(loud: np.ndarray, rate: int) -> float:
    """The highest frequency whose surroundings are not far below the loudest ones."""
    hz = rate / 2 / (len(loud) - 1)
    width = max(round(EDGE_SMOOTHING_HZ / hz), 1)
    smooth = np.convolve(loud, np.ones(width) / width, mode="same")
    if smooth.max() <= 10 ** (FLOOR_DB / 10):
        return 0.0
    above = np.flatnonzero(smooth > smooth.max() * 10 ** (-BAND_EDGE_DB / 10))
    return float(above[-1] * hz)


def _profile(mean: np.ndarray, rate: int) -> tuple[float, ...]:
    """Power of each frequency (bins,) -> dB of each mel band."""
    bands = _mel_filters(rate, len(mean)) @ mean
    return tuple(round(level_db, 2) for level_db in decibels(bands).tolist())


@lru_cache(maxsize=16)
def _mel_filters(rate: int, n_bins: int) -> np.ndarray:
    """(PROFILE_BANDS, n_bins) triangles over the frequencies of a spectrum."""
    frequencies = np.linspace(0, rate / 2, n_bins)
    low, centre, high = (_mel_edges()[i : i + PROFILE_BANDS, None] for i in range(3))
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.maximum(np.minimum(rising, falling), 0.0)


def _mel_edges() -> np.ndarray:
    """(PROFILE_BANDS + 2,) Hz, equally far apart in mel (O'Shaughnessy 1987)."""
    top = 2595 * np.log10(1 + PROFILE_HZ / 700)
    return 700 * (10 ** (np.linspace(0, top, PROFILE_BANDS + 2) / 2595) - 1)


def _mean_db(level_db: np.ndarray) -> float:
    """The level of the mean power of frames; FLOOR_DB of none."""
    return decibel(float((10 ** (level_db / 10)).mean())) if len(level_db) else FLOOR_DB
