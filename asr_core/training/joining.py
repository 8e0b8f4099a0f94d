"""Isolated words to strings: trim, level, join with gaps ("joined clips" in every table)."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from asr_core.signal_measures import quantile

FRAME_S = 0.010
SPEECH_BELOW_PEAK_DB = 32.0  # quieter frames at a clip's ends are no speech
SPEECH_ABOVE_FLOOR_DB = 6.0
MARGIN_S = 0.05  # kept around the speech: soft onsets lie below any threshold
FADE_S = 0.005
LEVEL_SPREAD_DB = 3.0  # standard deviation of the words' levels within a string


def join_clips(
    clips: Sequence[np.ndarray],
    sample_rate: int,
    rng: np.random.Generator,
    gap_s: tuple[float, float] = (0.05, 0.5),
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Join clips into one recording, with gaps at the clips' own noise floor.

    Args:
        clips: arrays (N,) float; silence at their ends is trimmed, their levels are brought close.
        sample_rate: Hz.
        rng: draws the gaps (before, between and after the words), levels and gap noise.
        gap_s: shortest and longest gap in seconds; a negative one overlaps two words, as people do
            who speak without pauses. The margin kept around each word is part of neither.

    Returns:
        Samples (N,) float32 and, for each clip, its (start_s, end_s).
    """
    trimmed = [trim(clip, sample_rate) for clip in clips]
    levels = [_levels_db(clip, sample_rate) for clip in trimmed]
    loudness = [_active_rms(level) for level in levels]
    target = float(np.median(loudness))
    floor = min(_floor_rms(level) for level in levels)
    pieces: list[tuple[int, np.ndarray]] = []  # where each starts; they may overlap
    times: list[tuple[float, float]] = []
    position = 0
    for clip, rms in zip(trimmed, loudness, strict=True):
        gap = _gap(gap_s, sample_rate, floor, rng)
        pieces.append((position, gap.noise))
        position = max(0, position + gap.length)
        gain = target / max(rms, 1e-6) * 10 ** (rng.normal(0, LEVEL_SPREAD_DB) / 20)
        pieces.append((position, _faded(clip * np.clip(gain, 0.1, 10), sample_rate)))
        times.append((position / sample_rate, (position + len(clip)) / sample_rate))
        position += len(clip)
    pieces.append((position, _gap(gap_s, sample_rate, floor, rng).noise))
    samples = np.zeros(max(start + len(piece) for start, piece in pieces))
    for start, piece in pieces:
        samples[start : start + len(piece)] += piece
    peak = max(1.0, float(np.abs(samples).max()))
    return (samples.astype(np.float32) / peak).astype(np.float32), times


def trim(clip: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cut silence off both ends, leaving MARGIN_S; a clip of even level stays whole."""
    first, last = speech_of(clip, sample_rate)
    margin = round(MARGIN_S * sample_rate)
    return clip[max(0, first - margin) : last + margin]


def speech_of(clip: np.ndarray, sample_rate: int) -> tuple[int, int]:
    """Samples [first, last) from the first loud frame to the last; all of a clip of even level."""
    level = _levels_db(clip, sample_rate)
    floor = quantile(level, 0.1)
    threshold = max(level.max() - SPEECH_BELOW_PEAK_DB, floor + SPEECH_ABOVE_FLOOR_DB)
    loud = np.flatnonzero(level > threshold)
    if len(loud) == 0:
        return 0, len(clip)
    frame = round(FRAME_S * sample_rate)
    return int(loud[0]) * frame, min(int(loud[-1] + 1) * frame, len(clip))


def _levels_db(clip: np.ndarray, sample_rate: int) -> np.ndarray:
    frame = round(FRAME_S * sample_rate)
    n_frames = max(1, len(clip) // frame)
    whole = clip[: n_frames * frame] if len(clip) >= frame else np.resize(clip, frame)
    frames = whole.reshape(n_frames, frame)
    return 10 * np.log10((frames.astype(np.float64) ** 2).mean(axis=1) + 1e-10)


def _active_rms(levels_db: np.ndarray) -> float:
    """RMS of the louder half of the frames."""
    level = np.sort(levels_db)
    return float(np.sqrt((10 ** (level[len(level) // 2 :] / 10)).mean()))


def _floor_rms(levels_db: np.ndarray) -> float:
    return float(10 ** (quantile(levels_db, 0.05) / 20))


class _Gap(NamedTuple):
    length: int  # samples; negative where the next word begins before this one has ended
    noise: np.ndarray  # (max(0, length),)


def _gap(
    gap_s: tuple[float, float], sample_rate: int, floor: float, rng: np.random.Generator
) -> _Gap:
    length = round(rng.uniform(*gap_s) * sample_rate)
    return _Gap(length, rng.normal(0, floor, size=max(0, length)))


def _faded(clip: np.ndarray, sample_rate: int) -> np.ndarray:
    n = min(round(FADE_S * sample_rate), len(clip) // 2)
    faded = clip.copy()
    ramp = _ramp(n)
    faded[:n] *= ramp
    faded[len(faded) - n :] *= ramp[::-1]
    return faded


@functools.cache
def _ramp(n: int) -> np.ndarray:
    return np.linspace(0, 1, n, endpoint=False)
