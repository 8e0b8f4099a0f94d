"""What may happen to a recording before it is recognised: noise, a room, speed, band, level.

Every function takes samples (N,) float32, their rate in Hz and one amount, and returns new samples.
Noise, rooms and bands are those of `degrade`.
"""

import numpy as np

from asr_core.degrade import (
    TELEPHONE_BAND,
    active_mask,
    active_rms,
    limit_band,
    make_noise,
    reverberate,
    room_response,
    scale_to_snr,
)

ROOM_DIRECT_DB = 0.0  # as much direct sound as reverberation: some steps away
LOW_PASS_ORDER = 8  # 48 dB an octave
PCM_STEP = 2.0**-15  # of 16 bits
HIGHEST = 0.98  # of half the sample rate: a filter's edge must lie below it


def add_noise(
    samples: np.ndarray, sample_rate: int, kind: str, snr_db: float, rng: np.random.Generator
) -> np.ndarray:
    """Noise of a `kind` of `degrade.NOISES` under the recording, active speech `snr_db` above it.

    The generator decides the noise and `snr_db` its level alone. Under silence there is none.
    """
    if active_rms(samples, sample_rate) == 0:
        return samples
    # At least a second is made, because some kinds have no sound that is shorter.
    noise = make_noise(kind, max(len(samples), sample_rate), sample_rate, rng)[: len(samples)]
    return samples + scale_to_snr(samples, noise, snr_db, sample_rate)


def put_in_room(
    samples: np.ndarray, sample_rate: int, rt60_s: float, rng: np.random.Generator
) -> np.ndarray:
    """In a room whose sound falls by 60 dB in `rt60_s`; as loud as before."""
    response = room_response(rt60_s, ROOM_DIRECT_DB, sample_rate, rng)
    wet = reverberate(samples.astype(np.float64), response)
    level = active_rms(wet, sample_rate)
    return wet if level == 0 else wet * active_rms(samples, sample_rate) / level


def change_speed(samples: np.ndarray, sample_rate: int, factor: float) -> np.ndarray:
    """`factor` times as fast, at the same pitch: N / factor samples (Signalsmith Stretch).

    Not librosa's phase vocoder: that alone costs the bundled model 8 to 14 points of WER.
    """
    if factor == 1:
        return samples
    import python_stretch

    stretch = python_stretch.Signalsmith.Stretch()
    stretch.preset(1, sample_rate)
    stretch.setTimeFactor(factor)
    return np.asarray(stretch.process(np.ascontiguousarray(samples[None], dtype=np.float32)))[0]


def over_telephone(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """What a telephone lets through: 300 to 3400 Hz (ITU-T G.712)."""
    low, high = TELEPHONE_BAND
    return limit_band(samples, (low, min(high, HIGHEST * sample_rate / 2)), sample_rate)


def cut_high(samples: np.ndarray, sample_rate: int, highest_hz: float) -> np.ndarray:
    """Nothing above `highest_hz`: a Butterworth low-pass; all of a recording without such sound."""
    if highest_hz >= HIGHEST * sample_rate / 2:
        return samples
    from scipy import signal

    filter_ = signal.butter(LOW_PASS_ORDER, highest_hz, fs=sample_rate, output="sos")
    return np.asarray(signal.sosfilt(filter_, samples))


def clip(samples: np.ndarray, sample_rate: int, percent: float) -> np.ndarray:
    """Recorded so loud that `percent` of the active samples lie at full scale."""
    active = samples[active_mask(samples, sample_rate)]
    top = float(np.quantile(np.abs(active), 1 - percent / 100)) if len(active) else 0.0
    return samples if top == 0 else np.clip(samples / top, -1, 1)


def turn_down(samples: np.ndarray, by_db: float) -> np.ndarray:
    """`by_db` quieter, as a file of 16 bits holds it: the last bits are lost."""
    if by_db == 0:
        return samples
    return np.round(samples * 10 ** (-by_db / 20) / PCM_STEP) * PCM_STEP
