"""The log-mel picture of a recording and its axis: pixels and numbers, no drawing library."""

import io
import math
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from asr_core.features import FeatureConfig

MAX_COLUMNS = 2000  # of the picture; a longer recording shows the loudest frame of each column
N_COLOURS = 64  # steps of loudness; more cannot be told apart and cost bytes
ANCHORS = (  # silence to loud; lightness rises evenly, so it reads without colour
    (13, 17, 30),
    (34, 40, 74),
    (46, 76, 122),
    (45, 124, 148),
    (82, 174, 163),
    (172, 216, 182),
    (247, 249, 235),
)

MEL_BREAK_HZ = 1000.0  # Slaney's mel scale is linear below and logarithmic above
HZ_A_MEL = 200 / 3
MEL_BREAK = MEL_BREAK_HZ / HZ_A_MEL
MELS_AN_E_FOLD = 27 / math.log(6.4)

ROUND_HZ = (125, 250, 500, 1000, 2000, 3000, 4000, 6000, 8000, 12000, 16000)
MIN_TICK_GAP = 0.11  # of the picture's height, so that labels do not touch

WIDEST_PX = 12_000
PX_A_SECOND = 60  # a longer recording scrolls rather than getting narrower than this


@dataclass(frozen=True)
class Tick:
    """A label on the axis of frequency; `at` runs from 0 to 1, from the bottom."""

    at: float
    label: str


@dataclass(frozen=True)
class Picture:
    """What the page needs to draw a recording's log-mel with its frequencies."""

    src: str  # a data URL
    width_s: float  # seconds the picture covers; up to a frame more than the recording
    min_width_px: int
    frequencies: tuple[Tick, ...]


def draw(features: np.ndarray, duration_s: float, config: "FeatureConfig") -> Picture:
    """The picture of log-mel features (T, F) in [0, 1]."""
    png = b64encode(spectrogram_png(features)).decode()
    return Picture(
        src=f"data:image/png;base64,{png}",
        width_s=round(len(features) * config.hop_s, 3),
        min_width_px=min_width_px(duration_s),
        frequencies=frequency_ticks(config),
    )


def spectrogram_png(features: np.ndarray) -> bytes:
    """A palette PNG, a pixel a band and frame, low frequencies at the bottom."""
    columns = features.T  # (F, T)
    if columns.shape[1] > MAX_COLUMNS:
        edges = np.linspace(0, columns.shape[1], MAX_COLUMNS, endpoint=False).astype(int)
        columns = np.maximum.reduceat(columns, edges, axis=1)
    levels = np.rint(columns.clip(0, 1) * (N_COLOURS - 1)).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(levels[::-1]), mode="P")
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def frequency_ticks(config: "FeatureConfig") -> tuple[Tick, ...]:
    """Round frequencies at the height of the band they fall into."""
    low, high = hz_to_mel(config.f_min), hz_to_mel(config.f_max)
    ticks: list[Tick] = []
    for hz in ROUND_HZ:
        band = (hz_to_mel(hz) - low) / (high - low) * (config.n_mels + 1) - 1
        at = (band + 0.5) / config.n_mels
        if 0.03 <= at <= 0.97 and (not ticks or at - ticks[-1].at >= MIN_TICK_GAP):
            ticks.append(Tick(round(at, 4), str(hz)))
    return tuple(ticks)


def hz_to_mel(hz: float) -> float:
    """Slaney's mel scale, the one of `asr_core.features`."""
    if hz < MEL_BREAK_HZ:
        return hz / HZ_A_MEL
    return MEL_BREAK + math.log(hz / MEL_BREAK_HZ) * MELS_AN_E_FOLD


def min_width_px(duration_s: float) -> int:
    """How wide the picture of a recording is drawn at least."""
    return min(WIDEST_PX, round(duration_s * PX_A_SECOND))


def _palette() -> bytes:
    anchors = np.array(ANCHORS)  # (A, 3)
    positions = np.linspace(0, len(anchors) - 1, N_COLOURS)
    channels = [np.interp(positions, np.arange(len(anchors)), channel) for channel in anchors.T]
    return np.stack(channels, axis=1).round().astype(np.uint8).tobytes()
