"""Isolated words to strings: trim, level, join with gaps ("joined clips" in every table)."""

from collections.abc import Sequence

import numpy as np

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
        gap_s: shortest and longest gap in seconds.

    Returns:
        Samples (N,) float32 and, for each clip, its (start_s, end_s).
    """
    trimmed = [trim(clip, sample_rate) for clip in clips]
    loudness = [_active_rms(clip, sample_rate) for clip in trimmed]
    target = float(np.median(loudness))
    pieces: list[np.ndarray] = []
    times: list[tuple[float, float]] = []
    floor = min(_floor_rms(clip, sample_rate) for clip in trimmed)
    position = 0

    def add(piece: np.ndarray) -> None:
        nonlocal position
        pieces.append(piece)
        position += len(piece)

    for clip, rms in zip(trimmed, loudness, strict=True):
        add(_gap(gap_s, sample_rate, floor, rng))
        gain = target / max(rms, 1e-6) * 10 ** (rng.normal(0, LEVEL_SPREAD_DB) / 20)
        start = position / sample_rate
        add(_faded(clip * np.clip(gain, 0.1, 10), sample_rate))
        times.append((start, position / sample_rate))
    add(_gap(gap_s, sample_rate, floor, rng))
    samples = np.concatenate(pieces).astype(np.float32)
    return samples / max(1.0, float(np.abs(samples).max())), times


def trim(clip: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cut silence off both ends, leaving MARGIN_S; a clip of even level stays whole."""
    level = _levels_db(clip, sample_rate)
    floor = np.quantile(level, 0.1)
    threshold = max(level.max() - SPEECH_BELOW_PEAK_DB, floor + SPEECH_ABOVE_FLOOR_DB)
    loud = np.flatnonzero(level > threshold)
    if len(loud) == 0:
        return clip
    frame = round(FRAME_S * sample_rate)
    margin = round(MARGIN_S * sample_rate)
    return clip[max(0, loud[0] * frame - margin) : (loud[-1] + 1) * frame + margin]


def _levels_db(clip: np.ndarray, sample_rate: int) -> np.ndarray:
    frame = round(FRAME_S * sample_rate)
    n_frames = max(1, len(clip) // frame)
    frames = np.resize(clip, n_frames * frame).reshape(n_frames, frame)
    return 10 * np.log10((frames.astype(np.float64) ** 2).mean(axis=1) + 1e-10)


def _active_rms(clip: np.ndarray, sample_rate: int) -> float:
    """RMS of the louder half of the frames."""
    level = np.sort(_levels_db(clip, sample_rate))
    return float(np.sqrt((10 ** (level[len(level) // 2 :] / 10)).mean()))


def _floor_rms(clip: np.ndarray, sample_rate: int) -> float:
    return float(10 ** (np.quantile(_levels_db(clip, sample_rate), 0.05) / 20))


def _gap(
    gap_s: tuple[float, float], sample_rate: int, floor: float, rng: np.random.Generator
) -> np.ndarray:
    return rng.normal(0, floor, size=round(rng.uniform(*gap_s) * sample_rate))


def _faded(clip: np.ndarray, sample_rate: int) -> np.ndarray:
    n = min(round(FADE_S * sample_rate), len(clip) // 2)
    faded = clip.copy()
    ramp = np.linspace(0, 1, n, endpoint=False)
    faded[:n] *= ramp
    faded[len(faded) - n :] *= ramp[::-1]
    return faded
