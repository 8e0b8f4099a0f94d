"""Recordings that are copies of one another, though no sample of theirs is the same.

A fingerprint is a picture of the loudest part of a recording: what it is worth little changes with
level, coding, resampling, a little noise or cut edges. Another take of the same word by the same
speaker looks much like it, so that alike pictures are compared by their samples: laid upon each
other, those of a copy run together throughout, those of another take only here and there.

Thresholds are set by 250 recordings of the three spoken corpora and their planted copies, against
all pairs of 5,500 recordings: see `benchmarks/copies.py`.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from asr_core.audio import AudioError, load_audio

FRAME_S = 0.010  # of the mel powers that a fingerprint is made of
STEPS, STEP_FRAMES = 32, 2  # around the loudest moment: 0.64 s
BANDS = 16
ANCHOR_FRAMES = 16  # the loudest moment is that of a window of this length
RANGE_DB = 25.0  # below the loudest bin; noise lies there
COARSE_STEPS, COARSE_BANDS = 8, 8  # a first, fast comparison, which loses none of the alike
LEAST_ALIKE = 0.975  # cosine of fingerprints that are looked at more closely
MOST_PAIRS = 5000  # of those; the most alike come first
RATE = 8000  # Hz, at which samples are compared, ...
LOWEST_HZ, HIGHEST_HZ = 200.0, 3400.0  # ... in the band that every telephone lets through
SMOOTHING_HZ = 200.0  # of the spectrum whose slope is levelled: vowels are not all there is
SEGMENT_S = 0.04
SEGMENT_DB = 13.0  # below the loudest segment; quieter ones do not count
SAME_SOUND = 0.80  # mean correlation of the segments of a copy; another take's reaches 0.755
ROWS = 2048  # of the table of all pairs in memory at a time
COLUMNS = 16_384


def fingerprint(power: np.ndarray) -> bytes:
    """Mel powers (T, F), F a multiple of BANDS -> STEPS * BANDS int8; empty of digital silence."""
    bands = power.reshape(len(power), BANDS, -1).sum(axis=2).astype(np.float64)
    if bands.max(initial=0.0) <= 1e-12:
        return b""
    half = STEPS * STEP_FRAMES // 2
    edges = _loudest(bands.sum(axis=1)) + 0.5 + np.arange(-half, half + 1, STEP_FRAMES)
    sums = np.vstack([np.zeros(BANDS), np.cumsum(bands, axis=0)])
    at = [np.interp(edges, np.arange(len(sums)), column) for column in sums.T]
    steps = np.diff(np.stack(at, axis=1), axis=0) / STEP_FRAMES  # (STEPS, BANDS)
    decibel = 10 * np.log10(steps + steps.max() * 10 ** (-RANGE_DB / 10))
    centred = decibel - decibel.mean()
    return bytes(np.round(127 * centred / np.abs(centred).max()).astype(np.int8).tobytes())


def copies(prints: Sequence[bytes], paths: Sequence[Path]) -> list[tuple[int, int]]:
    """Pairs of recordings, by their places, that are the same sound (see `same_sound`).

    Args:
        prints: fingerprints of different recordings; an empty one is like no other.
        paths: where they can be read; those that cannot are no copies.
    """
    read = lru_cache(maxsize=256)(_samples)
    return [
        (i, j)
        for i, j in alike(prints)[:MOST_PAIRS]
        if (one := read(paths[i])) is not None
        and (other := read(paths[j])) is not None
        and same_sound(one, other) >= SAME_SOUND
    ]


def alike(prints: Sequence[bytes]) -> list[tuple[int, int]]:
    """Pairs (i < j) of fingerprints with a cosine of LEAST_ALIKE or more, the most alike first."""
    places = np.array([i for i, each in enumerate(prints) if each], dtype=np.int64)
    if len(places) == 0:
        return []
    table = np.frombuffer(b"".join(prints), np.int8).reshape(len(places), STEPS, BANDS)
    found = [_kept(table, i, j) for i, j in _candidates(_coarse(table))]
    if not found:
        return []
    first, second, cosine = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((second, first, -cosine))
    pairs = zip(places[first[order]], places[second[order]], strict=True)
    return [(int(i), int(j)) for i, j in pairs]


def same_sound(one: np.ndarray, other: np.ndarray) -> float:
    """How far two recordings (N,) and (M,) at RATE are the same wave: 1 if so, below 0.76 if not.

    They are laid upon each other where they correlate best (generalised cross-correlation, Knapp
    and Carter 1976, its weight the square root of the smoothed spectra); what is returned is the
    mean correlation of their segments there. Gain, sign and shift make no difference.
    """
    n = 1 << (len(one) + len(other) - 1).bit_length()
    spectra = [_levelled(samples, n) for samples in (one, other)]
    across = np.fft.irfft(spectra[0] * np.conj(spectra[1]), n)
    shift = int(np.abs(across).argmax())
    waves = [np.fft.irfft(spectrum, n) for spectrum in spectra]
    waves[1] = np.roll(waves[1], shift) * np.sign(across[shift])
    length = round(SEGMENT_S * RATE)
    a, b = (wave[: n // length * length].reshape(-1, length) for wave in waves)
    energy = [(wave**2).sum(axis=1) for wave in (a, b)]
    if min(each.sum() for each in energy) <= 0:
        return 0.0
    # Loud in either: where one is silent and the other is not, they are not the same.
    louder = np.maximum(*(each / each.sum() for each in energy))
    loud = louder > louder.max() * 10 ** (-SEGMENT_DB / 10)
    scale = np.sqrt(energy[0] * energy[1])[loud]
    return float(((a * b).sum(axis=1)[loud] / np.maximum(scale, 1e-30)).mean())


def _loudest(level: np.ndarray) -> float:
    """(T,) power -> the frame around which the loudest window has its energy."""
    taper = np.hanning(ANCHOR_FRAMES + 2)[1:-1]
    padded = np.pad(level, ANCHOR_FRAMES)  # a shorter recording would be longer than itself
    middle = int(np.convolve(padded, taper, mode="same").argmax())
    place = np.arange(middle - ANCHOR_FRAMES // 2, middle + ANCHOR_FRAMES // 2 + 1)
    place = place[(place >= 0) & (place < len(padded))]
    return float((padded[place] * place).sum() / padded[place].sum() - ANCHOR_FRAMES)


def _coarse(table: np.ndarray) -> np.ndarray:
    """(n, STEPS, BANDS) -> (n, COARSE_STEPS * COARSE_BANDS) of length 1."""
    n = len(table)
    blocks = table.reshape(
        n, COARSE_STEPS, STEPS // COARSE_STEPS, COARSE_BANDS, BANDS // COARSE_BANDS
    )
    return _unit(blocks.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1))


def _candidates(unit: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (i < j) of rows (n, d) of length 1 with a cosine of LEAST_ALIKE, block by block."""
    for top in range(0, len(unit), ROWS):
        for left in range(top, len(unit), COLUMNS):
            cosine = unit[top : top + ROWS] @ unit[left : left + COLUMNS].T
            i, j = np.divmod(np.flatnonzero(cosine >= LEAST_ALIKE), cosine.shape[1])
            above = i + top < j + left
            yield i[above] + top, j[above] + left


def _kept(
    table: np.ndarray, i: np.ndarray, j: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of candidate pairs those that are alike in detail, and their cosines."""
    cosines = []
    for start in range(0, len(i), ROWS):
        pairs = (each[start : start + ROWS] for each in (i, j))
        one, other = (_unit(table[p].reshape(len(p), -1).astype(np.float32)) for p in pairs)
        cosines.append((one * other).sum(axis=1))
    cosine = np.concatenate([*cosines, np.zeros(0, np.float32)])
    kept = cosine >= LEAST_ALIKE
    return i[kept], j[kept], cosine[kept]


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _levelled(samples: np.ndarray, n: int) -> np.ndarray:
    """The spectrum of samples in n points, in the telephone band, half-way to white."""
    spectrum = np.fft.rfft(samples, n)
    hertz = np.fft.rfftfreq(n, 1 / RATE)
    width = max(int(SMOOTHING_HZ / hertz[1]), 1)
    sums = np.cumsum(np.pad(np.abs(spectrum) ** 2, (width // 2 + 1, width)))
    smooth = (sums[width:] - sums[:-width])[: len(spectrum)] / width
    if smooth.max() <= 0:
        return spectrum
    level = np.maximum(smooth, smooth.max() * 1e-9)  # a sum's rounding is a millionth of that
    inside = (hertz > LOWEST_HZ) & (hertz < HIGHEST_HZ)
    return np.where(inside, spectrum / level**0.25, 0)


def _samples(path: Path) -> np.ndarray | None:
    try:
        return load_audio(path, RATE, max_s=LONGEST_S).samples
    except AudioError:
        return None


LONGEST_S = 600.0  # of recordings that are compared by their samples
