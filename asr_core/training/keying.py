"""Text to key strokes: when the key is down, by machine or by hand.

The unit is the dot: 1.2 s / wpm, so that PARIS and the gap after it take 50 units. A dash is three
units, the gaps inside a sign, between signs and between words one, three and seven (Recommendation
ITU-R M.1677-1). Farnsworth spacing stretches the two longer gaps alone, as the ARRL defines it.
"""

from dataclasses import dataclass

import numpy as np

from asr_core.morse_code import CODES, symbols

UNITS_A_WORD = 50  # PARIS and the gap after it
GAP_UNITS_A_WORD = 19  # of these, in gaps between signs (4 of 3 units) and words (7 units)
DOT_S_WPM = 60.0 / UNITS_A_WORD  # seconds a dot, times words per minute
SIGN_GAP, WORD_GAP = 3, 7  # units

assert 4 * SIGN_GAP + WORD_GAP == GAP_UNITS_A_WORD


@dataclass(frozen=True)
class Keying:
    """How a hand or a machine keys; the default is a machine's exact timing."""

    wpm: float  # of the signs themselves
    spacing_wpm: float | None = None  # with Farnsworth gaps, words per minute over all; <= wpm
    dash: float = 3.0  # dots
    weight: float = 0.0  # dots by which every mark is longer and the gap after it shorter
    mark_jitter: float = 0.0  # standard deviation of the logarithm, marks and gaps inside a sign
    gap_jitter: float = 0.0  # the same, gaps between signs and words
    drift: float = 0.0  # share by which the hand is slower at the end than at the start


def key(text: str, keying: Keying, rng: np.random.Generator) -> np.ndarray:
    """When the key is down: (M, 2) seconds [start, end) from the first mark's start.

    Args:
        text: symbols of `morse_code.SYMBOLS`, words parted by single spaces.
        keying: timing and its irregularities.
        rng: decides the irregularities.
    """
    is_dash, gaps = _pattern(text)
    dot_s = DOT_S_WPM / keying.wpm
    marks_s = (np.where(is_dash, keying.dash, 1.0) + keying.weight) * dot_s
    gap_unit_s = np.where(gaps == 1, dot_s, _stretched_unit_s(keying))
    gaps_s = gaps * gap_unit_s - keying.weight * dot_s
    marks_s = marks_s * np.exp(keying.mark_jitter * rng.standard_normal(len(marks_s)))
    jitter = np.where(gaps == 1, keying.mark_jitter, keying.gap_jitter)
    gaps_s = gaps_s * np.exp(jitter * rng.standard_normal(len(gaps_s)))
    tempo = 1 + keying.drift * np.linspace(-0.5, 0.5, len(marks_s))
    steps = np.stack([marks_s, gaps_s], axis=1) * tempo[:, None]
    moments = np.concatenate([[0.0], steps.ravel().cumsum()])[:-1]  # the last gap leads nowhere
    return moments.reshape(-1, 2)


def word_times(text: str, marks: np.ndarray) -> list[tuple[float, float]]:
    """Each word's (start_s, end_s): from its first mark to its last.

    Args:
        text: what was keyed.
        marks: (M, 2) seconds, as `key` gives them, or moved.
    """
    counts = [sum(len(CODES[symbol]) for symbol in symbols(word)) for word in text.split()]
    ends = np.cumsum(counts)
    starts = ends - counts
    return [
        (float(marks[first, 0]), float(marks[last - 1, 1]))
        for first, last in zip(starts, ends, strict=True)
    ]


def length_s(text: str, keying: Keying) -> float:
    """Seconds that a text takes without irregularities, to the end of its last mark."""
    is_dash, gaps = _pattern(text)
    dot_s = DOT_S_WPM / keying.wpm
    marks = np.where(is_dash, keying.dash, 1.0).sum() + keying.weight
    inside, between = gaps[:-1][gaps[:-1] == 1].sum(), gaps[:-1][gaps[:-1] > 1].sum()
    return float((marks + inside) * dot_s + between * _stretched_unit_s(keying))


def _stretched_unit_s(keying: Keying) -> float:
    """Seconds a unit of the gaps between signs and words."""
    if keying.spacing_wpm is None:
        return DOT_S_WPM / keying.wpm
    signs_s = (UNITS_A_WORD - GAP_UNITS_A_WORD) * DOT_S_WPM / keying.wpm
    return (60.0 / keying.spacing_wpm - signs_s) / GAP_UNITS_A_WORD


def _pattern(text: str) -> tuple[np.ndarray, np.ndarray]:
    """(M,) whether each mark is a dash, and (M,) units of the gap after it."""
    marks = ""
    gaps: list[int] = []
    for symbol in symbols(text):
        if symbol == " ":
            gaps[-1:] = [WORD_GAP] if gaps else []
        else:
            code = CODES[symbol]
            marks += code
            gaps += [1] * (len(code) - 1) + [SIGN_GAP]
    return np.array([mark == "-" for mark in marks]), np.array(gaps)
