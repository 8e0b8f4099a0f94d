"""What a recording's sound is like, frame by frame: level, noise, clipping, and its edges.

All is estimated from the samples that the model hears, none of it from a manifest. The noise of a
band is what the band falls to now and then, as in minimum statistics (Martin 2001): speech comes
and goes in every band, steady noise stays. Noise that comes and goes like speech (other speakers)
is only partly seen, and clicks are not at all.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from asr_core.audio import Audio

WINDOW_S = 0.032
HOP_S = 0.010
N_BANDS = 12  # of equal width in mel; finer ones would fall between a voice's harmonics
LOWEST_HZ = 100.0  # below it lie hum and rumble
BLOCK = 6000  # frames in memory at a time: a minute
FLOOR_DB = -140.0  # of full scale: what digital silence counts as
DEAD_DB = -130.0  # one bit of 16 in a window is -114, a coder's rounding more than this
QUIETEST_DB = -90.0  # of pauses with a sound of their own, above the last bit of 16
SPEECH_QUANTILE = 0.95  # of the frames' levels: the vowels, unless there is hardly any speech
NOISE_QUANTILE = 0.15  # of a band's levels: the pauses inside and between words
SOUND_DB = 25.0  # below the vowels; what is louder is speech, unless it is noise
ABOVE_NOISE_DB = 6.0  # by as much must a frame exceed the noise to count as sound
EDGE_S = 0.03  # the first and last so many seconds: three frames
DROPOUT_S = 0.1  # of digital silence at least; coders and gates make shorter ones

# By as much vowels lie above the mean of active speech, and noise above the quiet moments that
# stand for it: the median difference to the known ratios of the bundled validation set.
SNR_BIAS_DB = 9.5
HIGHEST_SNR_DB = 60.0  # pauses quieter than that are synthesised, or gated

# A clipped wave spends much of its time at its top, so that the histogram of its magnitudes rises
# there; that of speech falls. Measured after resampling, which ripples the tops.
TOP_BINS = 30  # from LOWEST_TOP to 1
LOWEST_TOP = 0.4  # of the largest magnitude; ripples reach far above the top where clipping is hard
RISES_FROM = 0.5  # of the largest magnitude; the most frequent one of speech is less
TOP_WIDTH = 0.07  # of the top: how far below it samples still lie on it
FLAT = 0.05  # of the top: from one sample to the next, on it


@dataclass(frozen=True)
class SignalMeasures:
    """One recording, in frames of HOP_S.

    Attributes:
        bands_db: (T, N_BANDS) level of each band, dB of full scale.
        level_db: (T,) level of all bands together.
        clipped: (T,) share of the samples that lie on a clipped top.
    """

    bands_db: np.ndarray
    level_db: np.ndarray
    clipped: np.ndarray

    @cached_property
    def speech_db(self) -> float:
        """Level of the vowels, or of the noise where that is louder."""
        return float(quantile(self.level_db, SPEECH_QUANTILE))

    @property
    def clipped_share(self) -> float:
        """Share of the samples that lie on a clipped top."""
        return float(self.clipped.mean())

    @cached_property
    def noise_db(self) -> float:
        """Level of the noise, by the quiet moments of each band."""
        return _quiet_db(self.bands_db)

    @property
    def snr_db(self) -> float:
        """The signal-to-noise ratio of the recording, in dB, at most HIGHEST_SNR_DB."""
        return self._over(self.noise_db)

    def snr_db_in(self, start_s: float, end_s: float) -> float:
        """The recording's speech over the noise of a part of it, in dB.

        In a part without any pause, the quietest moments of each band stand for its noise.
        """
        return self._over(_quiet_db(self.bands_db[self._frames(start_s, end_s)]))

    def clipped_in(self, start_s: float, end_s: float) -> float:
        """Share of the samples of a part that lie on a clipped top."""
        return float(self.clipped[self._frames(start_s, end_s)].mean())

    def drops_out(self, start_s: float, end_s: float) -> bool:
        """Whether digital silence interrupts a part of a recording whose pauses are not digital."""
        dead = self.level_db <= DEAD_DB
        outside = ~self.sounding  # the pauses
        part = self._frames(start_s, end_s)
        outside[part] = False
        inside = int(dead[part].sum())
        least = round(DROPOUT_S / HOP_S)
        if inside < least or inside < dead.sum() or outside.sum() < least:
            return False
        return float(quantile(self.level_db[outside], 0.25)) > QUIETEST_DB

    @cached_property
    def sounding(self) -> np.ndarray:
        """(T,) whether there is sound: near the level of speech, and above the noise."""
        least_db = max(self.speech_db - SOUND_DB, self.noise_db + ABOVE_NOISE_DB)
        return self.level_db > least_db

    @cached_property
    def sound_s(self) -> float:
        """Seconds of sound."""
        return float(self.sounding.sum() * HOP_S)

    def sound_s_in(self, start_s: float, end_s: float) -> float:
        """Seconds of sound in a part."""
        return float(self.sounding[self._frames(start_s, end_s)].sum() * HOP_S)

    def edge_db(self, *, end: bool) -> float:
        """Level of the first or the last EDGE_S over that of speech, in dB."""
        n = round(EDGE_S / HOP_S)
        edge = self.level_db[-n:] if end else self.level_db[:n]
        return float(np.median(edge) - self.speech_db)

    def _over(self, noise_db: float) -> float:
        return min(self.speech_db - noise_db - SNR_BIAS_DB, HIGHEST_SNR_DB)

    def _frames(self, start_s: float, end_s: float) -> slice:
        """The frames of a part; one at least."""
        start = min(max(round(start_s / HOP_S), 0), len(self.level_db) - 1)
        return slice(start, max(round(end_s / HOP_S), start + 1))


def measure_signal(audio: Audio) -> SignalMeasures:
    """Measure a recording; one shorter than a window is padded with silence."""
    rate = audio.sample_rate
    window, hop = round(WINDOW_S * rate), round(HOP_S * rate)
    samples = np.pad(audio.samples, (0, max(window - len(audio.samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]  # (T, window)
    blocks = (frames[i : i + BLOCK] for i in range(0, len(frames), BLOCK))
    bands = np.concatenate([_band_power(block, rate) for block in blocks])  # (T, N_BANDS)
    on_top = _on_top(samples)[: len(frames) * hop]
    on_top = np.pad(on_top, (0, len(frames) * hop - len(on_top)))
    floor = 10 ** (FLOOR_DB / 10)
    return SignalMeasures(
        bands_db=10 * np.log10(bands + floor),
        level_db=10 * np.log10(bands.sum(axis=1) + floor),
        clipped=on_top.reshape(len(frames), hop).mean(axis=1),
    )


def _band_power(frames: np.ndarray, rate: int) -> np.ndarray:
    """(T, window) samples -> (T, N_BANDS) power; that of a full-scale sine is a half."""
    taper = np.hanning(frames.shape[1]).astype(np.float32)
    spectrum = np.fft.rfft(frames * taper)
    power = 2 * (spectrum.real**2 + spectrum.imag**2) / (len(taper) * (taper**2).sum())
    edges = _band_edges(rate, power.shape[1])
    return np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)


def _band_edges(rate: int, n_bins: int) -> np.ndarray:
    """(N_BANDS + 1,) bins of the spectrum at which bands meet, each one bin wide at least."""
    lowest, highest = 2595 * np.log10(1 + np.array([LOWEST_HZ, rate / 2]) / 700)
    mel = np.linspace(lowest, highest, N_BANDS + 1)
    bins = np.round(700 * (10 ** (mel / 2595) - 1) / (rate / 2) * n_bins).astype(int)
    return np.maximum.accumulate(np.maximum(bins, np.arange(N_BANDS + 1)))


def _on_top(samples: np.ndarray) -> np.ndarray:
    """(N,) whether each sample lies on a flat top that many others reach as well."""
    magnitudes = np.abs(samples)
    largest = magnitudes.max()
    counts, edges = np.histogram(magnitudes, TOP_BINS, (LOWEST_TOP * largest, max(largest, 1e-9)))
    most = int(counts.argmax())
    if edges[most] < RISES_FROM * largest or largest == 0:
        return np.zeros(len(samples), dtype=bool)
    top = (edges[most] + edges[most + 1]) / 2
    high = magnitudes > (1 - TOP_WIDTH) * top
    flat = np.abs(np.diff(samples, prepend=samples[:1])) < FLAT * top
    return high & flat


def decibel(power: float) -> float:
    """Of full scale; FLOOR_DB of nothing."""
    return float(decibels(power))


def decibels(power: np.ndarray | float) -> np.ndarray:
    """The same of any number of powers, in double precision."""
    return 10 * np.log10(np.asarray(power, dtype=float) + 10 ** (FLOOR_DB / 10))


def quantile(values: np.ndarray, share: float) -> np.ndarray:
    """NumPy's quantile of floats over the first axis, to the last bit, a tenth of the time.

    Of some seconds of frames, its preparations take longer than the work.
    """
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    parts = np.partition(values, (below, above), axis=0)
    low, high, part = parts[below], parts[above], place - below
    step = high - low
    return high - step * (1 - part) if part >= 0.5 else low + step * part


def _quiet_db(bands_db: np.ndarray) -> float:
    """(T, N_BANDS) -> the level of all bands together, each at its quiet moments."""
    n_quiet = int(NOISE_QUANTILE * len(bands_db))
    quiet = np.partition(bands_db, n_quiet, axis=0)[n_quiet]  # a quantile, without its detours
    return float(10 * np.log10((10 ** (quiet / 10)).sum()))
