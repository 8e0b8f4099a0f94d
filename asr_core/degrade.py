"""Known damage for clean speech: noise at an exact ratio, a room, a band, a level.

Every function takes what it needs and a generator, and returns new arrays; `degrade` keeps speech
and noise apart, so that the ratio it promises can be measured from what it returns.
"""

import math
from dataclasses import dataclass

import numpy as np

NOISES = ("white", "pink", "brown", "hum50", "hum60", "babble", "clicks", "fan")
TELEPHONE_BAND = (300.0, 3400.0)  # Hz, ITU-T G.712

FRAME_S = 0.020
ACTIVE_RANGE_DB = 35.0  # frames this far below the loudest one are pauses
PEAK_LIMIT = 0.95
PREDELAY_S = 0.004  # 1.4 m of detour for the first reflection

SLOPES = {"white": 0.0, "pink": 0.5, "brown": 1.0}  # amplitude falls as 1 / f^slope
LOWEST_NOISE_HZ = 20.0
HUM_HARMONICS = 12
CLICKS_PER_S = 6.0
FAN_BAND = (120.0, 900.0)  # Hz
FAN_BLADES_HZ = 95.0


@dataclass(frozen=True)
class Conditions:
    """What happens to an utterance between the mouth and the file."""

    noise: str = "none"  # one of NOISES, or none
    snr_db: float | None = None  # None = clean
    level_dbfs: float = -23.0  # of the active speech; lowered where the peak would clip
    room: str = "none"
    rt60_s: float | None = None  # time in which the room's sound falls by 60 dB
    direct_db: float | None = None  # direct sound over reverberation
    band: str = "wide"  # wide or telephone


@dataclass(frozen=True)
class Mixture:
    """Speech (N,) and noise (N,), as they add up to `samples` (N,), and the level reached."""

    speech: np.ndarray
    noise: np.ndarray
    level_dbfs: float

    @property
    def samples(self) -> np.ndarray:
        return (self.speech + self.noise).astype(np.float32)


def degrade(
    speech: np.ndarray,
    conditions: Conditions,
    sample_rate: int,
    rng: np.random.Generator,
    talkers: list[np.ndarray] | None = None,
) -> Mixture:
    """Put speech (N,) into a room, add noise, limit the band, set the level, in this order.

    The signal-to-noise ratio holds after room and band: active speech over noise, as in the file.

    Args:
        speech: clean samples (N,), with the pauses that the result is to have.
        conditions: what to do.
        sample_rate: in Hz.
        rng: every random draw comes from here.
        talkers: other people's speech, each (M,); needed for babble only.
    """
    speech = speech.astype(np.float64)
    if conditions.rt60_s is not None and conditions.direct_db is not None:
        response = room_response(conditions.rt60_s, conditions.direct_db, sample_rate, rng)
        speech = reverberate(speech, response)
    noise = np.zeros_like(speech)
    if conditions.snr_db is not None:
        noise = make_noise(conditions.noise, len(speech), sample_rate, rng, talkers)
    if conditions.band == "telephone":
        speech = limit_band(speech, TELEPHONE_BAND, sample_rate)
        noise = limit_band(noise, TELEPHONE_BAND, sample_rate)
    if conditions.snr_db is not None:
        noise = scale_to_snr(speech, noise, conditions.snr_db, sample_rate)
    return _set_level(speech, noise, conditions.level_dbfs, sample_rate)


def active_mask(speech: np.ndarray, sample_rate: int) -> np.ndarray:
    """True (N,) where the 20 ms frame is within 35 dB of the loudest one: words, not pauses."""
    frame = round(FRAME_S * sample_rate)
    n_frames = math.ceil(len(speech) / frame)
    padded = np.pad(speech.astype(np.float64), (0, n_frames * frame - len(speech)))
    power = (padded.reshape(n_frames, frame) ** 2).mean(axis=1)
    active = (power > 0) & (power >= power.max(initial=0) * 10 ** (-ACTIVE_RANGE_DB / 10))
    return np.repeat(active, frame)[: len(speech)]


def active_rms(speech: np.ndarray, sample_rate: int) -> float:
    """Root mean square of the active part of speech (N,); 0.0 for silence."""
    active = speech[active_mask(speech, sample_rate)]
    return rms(active) if len(active) else 0.0


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def measure_snr_db(speech: np.ndarray, noise: np.ndarray, sample_rate: int) -> float:
    """Active speech (N,) over the whole noise (N,), in dB; inf without noise."""
    noise_rms = rms(noise)
    if noise_rms == 0:
        return math.inf
    return 20 * math.log10(active_rms(speech, sample_rate) / noise_rms)


def scale_to_snr(
    speech: np.ndarray, noise: np.ndarray, snr_db: float, sample_rate: int
) -> np.ndarray:
    """Noise (N,) scaled so that `measure_snr_db` of the pair is exactly `snr_db`."""
    return noise * 10 ** ((measure_snr_db(speech, noise, sample_rate) - snr_db) / 20)


def limit_band(samples: np.ndarray, band: tuple[float, float], sample_rate: int) -> np.ndarray:
    """Samples (N,) through a Butterworth band-pass of 24 dB an octave, `band` in Hz."""
    from scipy import signal

    filter_ = signal.butter(4, band, btype="bandpass", fs=sample_rate, output="sos")
    return np.asarray(signal.sosfilt(filter_, samples))


def room_response(
    rt60_s: float, direct_db: float, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """Impulse response (rt60 in samples,): a unit pulse, then noise decaying by 60 dB in `rt60_s`.

    Polack's statistical model of a room: Gaussian noise under an exponential envelope; no single
    reflections. The tail's energy lies `direct_db` below the direct sound's.
    """
    time = np.arange(round(rt60_s * sample_rate)) / sample_rate
    tail = rng.standard_normal(len(time)) * 10 ** (-3 * time / rt60_s)
    tail[: round(PREDELAY_S * sample_rate)] = 0
    tail *= 10 ** (-direct_db / 20) / math.sqrt((tail**2).sum())
    tail[0] = 1.0
    return tail


def reverberate(speech: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Speech (N,) in the room of `response` (M,), cut to (N,); the direct sound is not delayed."""
    from scipy import signal

    return np.asarray(signal.fftconvolve(speech, response))[: len(speech)]


def make_noise(
    kind: str,
    n_samples: int,
    sample_rate: int,
    rng: np.random.Generator,
    talkers: list[np.ndarray] | None = None,
) -> np.ndarray:
    """Noise (N,) of root mean square 1; `kind` is one of `NOISES`."""
    if kind in SLOPES:
        noise = _coloured(SLOPES[kind], n_samples, sample_rate, rng)
    elif kind in ("hum50", "hum60"):
        noise = _hum(float(kind.removeprefix("hum")), n_samples, sample_rate, rng)
    elif kind == "clicks":
        noise = _clicks(n_samples, sample_rate, rng)
    elif kind == "fan":
        noise = _fan(n_samples, sample_rate, rng)
    elif kind == "babble":
        assert talkers, "babble needs talkers"
        noise = _babble(talkers, n_samples, rng)
    else:
        raise ValueError(f"Got noise {kind!r}. Expected one of {', '.join(NOISES)}.")
    return noise / rms(noise)


def _coloured(
    slope: float, n_samples: int, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    frequency = np.fft.rfftfreq(n_samples, 1 / sample_rate)
    spectrum[frequency < LOWEST_NOISE_HZ] = 0
    spectrum *= np.maximum(frequency, LOWEST_NOISE_HZ) ** -slope
    return np.fft.irfft(spectrum, n_samples)


def _hum(mains_hz: float, n_samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Mains and its harmonics, falling with their number, each of random phase and strength."""
    harmonics = np.arange(1, HUM_HARMONICS + 1)[:, None]
    phase = rng.uniform(0, 2 * np.pi, (HUM_HARMONICS, 1))
    strength = rng.uniform(0.3, 1.0, (HUM_HARMONICS, 1)) / harmonics
    time = np.arange(n_samples) / sample_rate
    return np.asarray(
        (strength * np.sin(2 * np.pi * mains_hz * harmonics * time + phase)).sum(axis=0)
    )


def _clicks(n_samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Short bursts at random moments, like keys or a scratched record; at least one."""
    n_clicks = max(1, rng.poisson(CLICKS_PER_S * n_samples / sample_rate))
    noise = np.zeros(n_samples)
    for start in rng.integers(0, n_samples, n_clicks):
        decay_s = rng.uniform(0.002, 0.012)
        time = np.arange(round(5 * decay_s * sample_rate)) / sample_rate
        burst = rng.standard_normal(len(time)) * np.exp(-time / decay_s) * rng.uniform(0.4, 1.0)
        end = min(start + len(burst), n_samples)
        noise[start:end] += burst[: end - start]
    return noise


def _fan(n_samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Air in a band, swelling slowly, and the tone of the blades."""
    air = limit_band(rng.standard_normal(n_samples), FAN_BAND, sample_rate)
    time = np.arange(n_samples) / sample_rate
    swell = 1 + 0.25 * np.sin(2 * np.pi * rng.uniform(0.3, 1.0) * time + rng.uniform(0, 2 * np.pi))
    blades = np.sin(2 * np.pi * FAN_BLADES_HZ * rng.uniform(0.8, 1.2) * time)
    return np.asarray(air / rms(air) * swell + 0.4 * blades)


def _babble(talkers: list[np.ndarray], n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """All talkers at once, each repeated from a random moment on, at the same level."""
    noise = np.zeros(n_samples)
    for talker in talkers:
        start = rng.integers(0, len(talker))
        repeated = np.resize(np.roll(talker, -start), n_samples)
        noise += repeated / rms(talker)
    return noise


def _set_level(
    speech: np.ndarray, noise: np.ndarray, level_dbfs: float, sample_rate: int
) -> Mixture:
    """Both scaled together: active speech at `level_dbfs`, or lower in 0.1 dB steps to not clip."""
    gain = 10 ** (level_dbfs / 20) / active_rms(speech, sample_rate)
    peak = float(np.abs(speech + noise).max()) * gain
    if peak > PEAK_LIMIT:
        excess_db = math.ceil(200 * math.log10(peak / PEAK_LIMIT)) / 10
        gain *= 10 ** (-excess_db / 20)
        level_dbfs = round(level_dbfs - excess_db, 1)
    return Mixture(
        (speech * gain).astype(np.float32), (noise * gain).astype(np.float32), level_dbfs
    )
