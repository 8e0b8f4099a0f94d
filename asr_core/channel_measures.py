"""What the way from the mouth to the file did to a recording: its band, hum and rumble.

Filters are looked for in the loud moments of each frequency, which fricatives reach; hum and
rumble, which never pause, in its quiet ones.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from asr_core.audio import Audio
from asr_core.signal_measures import FLOOR_DB, SPEECH_QUANTILE, decibel, decibels, quantile

# A telephone's band ends at 3.4 kHz (ITU-T G.712), a Bluetooth headset's (CVSD) or a file's of
# 8 kHz just below 4 kHz. Levels of these bands are compared: (below, above) each edge.
TELEPHONE_EDGES_HZ = (((2900.0, 3300.0), (3600.0, 3900.0)), ((3200.0, 3700.0), (4200.0, 4700.0)))
LOW_BAND_HZ = (60.0, 250.0)  # where voices have their lowest harmonics, ...
VOICE_BAND_HZ = (300.0, 1000.0)  # ... and where they are loudest
RUMBLE_HZ = (10.0, 80.0)  # wind, traffic, a touched microphone; hum's first line too

MAINS_HZ = (50.0, 60.0)
MAINS_LINES = 6
MAINS_CONTRAST_DB = 9.0  # of the lines, on average, over what lies between; without hum under 6
STEADY_WINDOW_S = 0.2  # 5 Hz a bin: whole bins for the lines and for what lies between
BLOCK = 500  # windows in memory at a time
STEADY_QUANTILE = 0.2  # of a frequency's levels over time


@dataclass(frozen=True)
class ChannelMeasures:
    """Levels in dB; FLOOR_DB where a recording is too short to tell, or has none of it.

    Attributes:
        band_edge_db: by how much the level falls at the telephone's upper edge.
        low_band_db: level of LOW_BAND_HZ over that of VOICE_BAND_HZ.
        hum_db: of the lines of 50 or 60 Hz over speech.
        rumble_db: of what never pauses below 80 Hz, over speech.
    """

    band_edge_db: float
    low_band_db: float
    hum_db: float
    rumble_db: float


def measure_channel(audio: Audio, loud: np.ndarray, level_db: np.ndarray) -> ChannelMeasures:
    """Measure the channel.

    Args:
        audio: samples (N,).
        loud: (bins,) power of each frequency, 0 to half the rate, in its loud moments.
        level_db: (T,) level of the frames, dB of full scale.
    """
    speech_db = float(quantile(level_db, SPEECH_QUANTILE))
    steady, hz = _steady(audio)
    return ChannelMeasures(
        band_edge_db=_band_edge_db(loud, audio.sample_rate),
        low_band_db=_over(loud, audio.sample_rate, LOW_BAND_HZ, VOICE_BAND_HZ),
        hum_db=_over_speech(_hum(steady, hz), speech_db),
        rumble_db=_over_speech(_sum(steady, hz, RUMBLE_HZ), speech_db),
    )


def _band_edge_db(loud: np.ndarray, rate: int) -> float:
    """The steepest fall at a telephone's edge that lies inside the band of the samples."""
    fits = [pair for pair in TELEPHONE_EDGES_HZ if pair[1][1] < rate / 2]
    return max((_over(loud, rate, *pair) for pair in fits), default=FLOOR_DB)


def _over(
    spectrum: np.ndarray, rate: int, band: tuple[float, float], other: tuple[float, float]
) -> float:
    """Mean level of a band over another's."""
    hz = np.linspace(0, rate / 2, len(spectrum))
    levels = []
    for low, high in (band, other):
        inside = spectrum[(hz >= low) & (hz < high)]
        levels.append(decibel(float(inside.mean()) if len(inside) else 0.0))
    return levels[0] - levels[1]


def _steady(audio: Audio) -> tuple[np.ndarray, float]:
    """Power (bins,) of each frequency in its quiet moments, and how many hertz a bin has.

    The minimum statistics of Martin (2001), in windows long enough to part the lines of hum.
    """
    window = round(STEADY_WINDOW_S * audio.sample_rate)
    if len(audio.samples) < window:
        return np.zeros(window // 2 + 1), 1 / STEADY_WINDOW_S
    frames = np.lib.stride_tricks.sliding_window_view(audio.samples, window)[:: window // 4]
    waves, scale = _waves(window)
    power = np.concatenate(
        [
            np.square(np.abs(frames[i : i + BLOCK].astype(np.complex64) @ waves))
            for i in range(0, len(frames), BLOCK)
        ]
    )  # (T, n_low)
    return quantile(power, STEADY_QUANTILE) * scale, 1 / STEADY_WINDOW_S


@lru_cache(maxsize=4)  # rates; making them takes five times as long as the product of 3 s with them
def _waves(window: int) -> tuple[np.ndarray, float]:
    """Tapered waves (window, n_low) complex64 of the lowest bins, and the scale of their power.

    Only these bins are asked for: a product with their waves is less work than a transform.
    """
    n_low = round((MAINS_LINES + 1) * max(MAINS_HZ) * STEADY_WINDOW_S)
    taper = np.hanning(window).astype(np.float32)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(window), np.arange(n_low)) / window)
    return (turns * taper[:, None]).astype(np.complex64), 2 / (window * (taper**2).sum())


def _hum(steady: np.ndarray, hz: float) -> float:
    """Power of the lines of mains hum; 0 where they do not stand out."""
    found = 0.0
    for mains in MAINS_HZ:
        at = np.array([round(mains * k / hz) for k in range(1, MAINS_LINES + 1)])
        half = round(mains / 2 / hz)
        lines = np.max([steady[at - 1], steady[at], steady[at + 1]], axis=0)
        between = np.mean([steady[at - half], steady[at + half]], axis=0)
        if np.mean(decibels(lines) - decibels(between)) >= MAINS_CONTRAST_DB:
            found = max(found, sum(lines.tolist()))
    return found


def _sum(spectrum: np.ndarray, hz: float, band: tuple[float, float]) -> float:
    first, last = (round(edge / hz) for edge in band)
    return float(spectrum[first : last + 1].sum())


def _over_speech(power: float, speech_db: float) -> float:
    return decibel(power) - speech_db if power > 0 else FLOOR_DB
