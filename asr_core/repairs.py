"""What may help a recording before it is recognised: level, noise, edges, band.

Every function takes samples (N,) float32, their rate in Hz and one amount, and returns new samples.
"""

import math

import numpy as np

from asr_core.degrade import PEAK_LIMIT, active_rms, rms

EDGE_KEPT_S = 0.1  # before the first and after the last sound: a word begins softly
TONE_FRAME_S = 0.02
TONE_QUANTILE = 0.1  # of the frames' levels: the pauses
LOW_CUT_ORDER = 4  # 24 dB an octave
DENOISE_WINDOW = 1024  # samples
DENOISE_MIN_S = 0.1  # less than this cannot be told from noise, nor less than a window


def to_level(samples: np.ndarray, sample_rate: int, level_dbfs: float) -> np.ndarray:
    """Active speech at `level_dbfs`, or as near to it as the highest peak allows."""
    level = active_rms(samples, sample_rate)
    if level == 0:
        return samples
    gain = min(10 ** (level_dbfs / 20) / level, PEAK_LIMIT / float(np.abs(samples).max()))
    return samples * gain


def denoise(samples: np.ndarray, sample_rate: int, percent: float) -> np.ndarray:
    """Noise taken down by `percent` of its amplitude, band by band and moment by moment.

    Spectral gating of noisereduce (Sainburg, Thielk and Gentner 2020), stationary: what rises out
    of a band's mean over the recording by 1.5 deviations is speech, the rest is noise.
    """
    if len(samples) < max(DENOISE_MIN_S * sample_rate, DENOISE_WINDOW) or not samples.any():
        return samples
    import noisereduce

    return np.asarray(
        noisereduce.reduce_noise(
            y=samples,
            sr=sample_rate,
            stationary=True,
            prop_decrease=percent / 100,
            n_fft=DENOISE_WINDOW,
            # Its own, unless a step in time or in frequency is larger at this rate.
            time_mask_smooth_ms=max(50, math.ceil(1000 * DENOISE_WINDOW / 4 / sample_rate)),
            freq_mask_smooth_hz=max(500, math.ceil(2 * sample_rate / DENOISE_WINDOW)),
        )
    )


def trim(samples: np.ndarray, sample_rate: int, below_db: float) -> np.ndarray:
    """Without what lies, at both ends, `below_db` below the loudest frame (librosa).

    A tenth of a second is kept before the first sound and after the last.
    """
    if not samples.any():
        return samples
    import librosa

    _, (start, end) = librosa.effects.trim(samples, top_db=below_db)
    kept = round(EDGE_KEPT_S * sample_rate)
    return samples[max(0, start - kept) : end + kept]


def pad(
    samples: np.ndarray, sample_rate: int, each_s: float, rng: np.random.Generator
) -> np.ndarray:
    """`each_s` of quiet before and after: white noise as loud as the recording's own pauses.

    Digital silence would lower the floor that features are measured from.
    """
    frame = max(1, round(TONE_FRAME_S * sample_rate))
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame)
    levels = [rms(each) for each in whole] or [rms(samples)]
    quiet = float(np.quantile(levels, TONE_QUANTILE))
    before, after = quiet * rng.standard_normal((2, round(each_s * sample_rate)))
    return np.concatenate([before, samples, after])


def cut_low(samples: np.ndarray, sample_rate: int, lowest_hz: float) -> np.ndarray:
    """Without rumble and hum: a Butterworth high-pass from `lowest_hz` on."""
    from scipy import signal

    filter_ = signal.butter(LOW_CUT_ORDER, lowest_hz, "highpass", fs=sample_rate, output="sos")
    return np.asarray(signal.sosfilt(filter_, samples))


def remove_offset(samples: np.ndarray) -> np.ndarray:
    """With a mean of zero: some sound cards add a constant (DC)."""
    return samples - samples.mean(dtype=np.float64)
