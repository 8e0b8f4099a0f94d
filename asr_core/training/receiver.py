"""Key strokes to sound, as a radio receiver gives it: tone, noise, fading, neighbours, filter.

**Signal-to-noise ratio**: the power of the steady carrier (key down, before fading) over the power
of the noise in 2500 Hz, both before the receiver's filter, as radio amateurs state it. The noise in
2500 Hz is its density at the tone times 2500 Hz: for white noise of variance v in a real signal at
8000 Hz that is v * 2500 / 4000, so that 0 dB with a carrier of amplitude 1 means v = 0.8.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.signal

SAMPLE_RATE = 8000  # Hz
REFERENCE_BAND_HZ = 2500.0
CARRIER_POWER = 0.5  # of amplitude 1
FILTER_ORDER = 3
CLICK_DECAY_S = (0.001, 0.008)
CLICK_AMPLITUDE = (0.5, 5.0)  # carriers


@dataclass(frozen=True)
class Reception:
    """How a transmission comes in; the default is a clean tone."""

    tone_hz: float
    drift_hz: float = 0.0  # from the start to the end
    rise_s: float = 0.005  # of the keying's raised-cosine edges
    snr_db: float | None = None  # in 2500 Hz, see above; None = no noise
    noise: str = "none"  # white, band or none
    noise_band_hz: tuple[float, float] = (0.0, SAMPLE_RATE / 2)  # of band noise, around the tone
    noise_slope_db: float = 0.0  # of band noise, an octave
    fading_db: float = 0.0  # depth
    fading_period_s: float = 5.0
    clicks_per_s: float = 0.0
    neighbour_db: float | None = None  # a second station's carrier over this one's
    neighbour_hz: float = 0.0  # its tone
    filter_hz: float | None = None  # the receiver's bandwidth around the tone; None = no filter
    filter_offset: float = 0.0  # its centre beside the tone, in bandwidths
    level_dbfs: float = -6.0  # of the highest peak


def receive(
    marks: np.ndarray,
    n_samples: int,
    reception: Reception,
    rng: np.random.Generator,
    neighbour: np.ndarray | None = None,
) -> np.ndarray:
    """Key strokes as they sound: samples (N,) float32 at 8000 Hz.

    Args:
        marks: (M, 2) seconds [start, end) when the key is down.
        n_samples: N.
        reception: what the ether and the receiver do.
        rng: every random draw comes from here.
        neighbour: the second station's marks, if `reception.neighbour_db` says that there is one.
    """
    signal = fading(n_samples, reception, rng) * tone(marks, n_samples, reception, rng)
    if neighbour is not None and reception.neighbour_db is not None:
        other = Reception(tone_hz=reception.neighbour_hz, rise_s=reception.rise_s)
        gain = 10 ** (reception.neighbour_db / 20)
        signal += gain * tone(neighbour, n_samples, other, rng)
    if reception.snr_db is not None:
        signal += noise(n_samples, reception, rng)
    if reception.clicks_per_s:
        _add_clicks(signal, reception.clicks_per_s, rng)
    if reception.filter_hz is not None:
        signal = receiver_filter(signal, reception)
    peak = max(float(np.abs(signal).max()), 1e-9)
    return (signal * (10 ** (reception.level_dbfs / 20) / peak)).astype(np.float32)


def envelope(marks: np.ndarray, n_samples: int, rise_s: float) -> np.ndarray:
    """(N,) in [0, 1]: a mark reaches half its height at its start and falls to half at its end.

    A step smoothed by half a period of a sine is a raised cosine.
    """
    n_rise = max(1, round(rise_s * SAMPLE_RATE))
    # A margin on either side holds the edges of marks that reach out of the recording.
    moments = np.rint(marks * SAMPLE_RATE).astype(int) + n_rise
    moments = np.clip(moments, 0, n_samples + 2 * n_rise)
    steps = np.zeros(n_samples + 2 * n_rise + 1)
    np.add.at(steps, moments[:, 0], 1.0)
    np.add.at(steps, moments[:, 1], -1.0)
    edge = np.sin(np.pi * (np.arange(n_rise) + 0.5) / n_rise)
    # Smoothing the few steps rather than the gate leaves nothing but a sum to do.
    smooth = scipy.signal.oaconvolve(steps, edge / edge.sum()).cumsum()
    start = n_rise + n_rise // 2
    return np.clip(smooth[start : start + n_samples], 0.0, 1.0)


def tone(
    marks: np.ndarray, n_samples: int, reception: Reception, rng: np.random.Generator
) -> np.ndarray:
    """(N,) the keyed carrier of amplitude 1, its pitch drifting evenly."""
    seconds = np.arange(n_samples) / SAMPLE_RATE
    duration_s = n_samples / SAMPLE_RATE
    low = reception.tone_hz - reception.drift_hz / 2
    cycles = low * seconds + reception.drift_hz * seconds**2 / (2 * duration_s)
    phase = 2 * np.pi * (cycles + rng.random())
    return envelope(marks, n_samples, reception.rise_s) * np.sin(phase)


def fading(n_samples: int, reception: Reception, rng: np.random.Generator) -> np.ndarray:
    """(N,) gain: between 0 and `-fading_db` dB, a slow wave in dB."""
    turns = np.arange(n_samples) / SAMPLE_RATE / reception.fading_period_s + rng.random()
    depth_db = reception.fading_db * (0.5 - 0.5 * np.cos(2 * np.pi * turns))
    return np.asarray(10 ** (-depth_db / 20))


def noise(n_samples: int, reception: Reception, rng: np.random.Generator) -> np.ndarray:
    """(N,) noise, white or in a band, at the ratio to a carrier of amplitude 1."""
    assert reception.snr_db is not None
    power = CARRIER_POWER / 10 ** (reception.snr_db / 10)  # in the reference band
    variance = power * (SAMPLE_RATE / 2) / REFERENCE_BAND_HZ
    white = np.sqrt(variance) * rng.standard_normal(n_samples)
    if reception.noise == "white":
        return white
    n_fast = scipy.fft.next_fast_len(n_samples, real=True)
    frequencies = scipy.fft.rfftfreq(n_fast, 1 / SAMPLE_RATE)
    gain = _noise_gain(frequencies, reception)
    return scipy.fft.irfft(scipy.fft.rfft(white, n_fast) * gain, n_fast)[:n_samples]


def _noise_gain(frequencies: np.ndarray, reception: Reception) -> np.ndarray:
    """Amplitude of band noise (F,) over white noise's: 1 at the tone."""
    octaves = np.log2(np.maximum(frequencies, 50.0) / reception.tone_hz)
    slope = 10 ** (reception.noise_slope_db * octaves / 20)
    low, high = reception.noise_band_hz
    edge_hz = 30.0
    rising = np.clip((frequencies - low) / edge_hz + 1, 0, 1)
    falling = np.clip((high - frequencies) / edge_hz + 1, 0, 1)
    return slope * rising * falling


def receiver_filter(signal: np.ndarray, reception: Reception) -> np.ndarray:
    """(N,) through a Butterworth band-pass around the tone, with the ringing that it brings."""
    assert reception.filter_hz is not None
    centre = reception.tone_hz + reception.filter_offset * reception.filter_hz
    low = max(centre - reception.filter_hz / 2, 50.0)
    high = min(centre + reception.filter_hz / 2, SAMPLE_RATE / 2 - 50.0)
    sections = scipy.signal.butter(
        FILTER_ORDER, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos"
    )
    return np.asarray(scipy.signal.sosfilt(sections, signal))


def _add_clicks(signal: np.ndarray, clicks_per_s: float, rng: np.random.Generator) -> None:
    """Short bursts at random moments, as from lightning and switches, added in place."""
    for start in rng.integers(
        0, len(signal), rng.poisson(clicks_per_s * len(signal) / SAMPLE_RATE)
    ):
        decay = rng.uniform(*CLICK_DECAY_S) * SAMPLE_RATE  # samples
        burst = rng.standard_normal(round(5 * decay)) * np.exp(-np.arange(round(5 * decay)) / decay)
        piece = signal[start : start + len(burst)]
        piece += burst[: len(piece)] * np.exp(rng.uniform(*np.log(CLICK_AMPLITUDE)))
