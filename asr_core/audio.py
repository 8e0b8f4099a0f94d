"""Audio at the door: any file, bytes or array becomes mono float32 at one sample rate.

soundfile reads WAV, FLAC, Ogg Vorbis, Ogg Opus and MP3; what it cannot read (m4a, webm) goes
through ffmpeg, where that is installed.
"""

import io
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

FFMPEG_TIMEOUT_S = 120
FFMPEG_RATE = 48_000  # what we ask ffmpeg for; resampled afterwards like everything else

Source = str | Path | bytes | np.ndarray


class AudioError(ValueError):
    """Audio that cannot be used; the message says what was got, expected, and what to do."""


@dataclass(frozen=True)
class Audio:
    """Mono samples (N,) float32, nominally in [-1, 1], and their rate in Hz."""

    samples: np.ndarray
    sample_rate: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


def load_audio(
    source: Source, sample_rate: int | None = None, *, source_rate: int | None = None
) -> Audio:
    """Read a recording as mono float32 samples.

    Args:
        source: a path, the bytes of a file, or an array (N,) or (N, channels); integer arrays are
            scaled to [-1, 1].
        sample_rate: resample to this many Hz (soxr, high quality); None keeps the source's rate.
        source_rate: the rate of an array in Hz; required with arrays, unused otherwise.

    Raises:
        AudioError: not audio, unreadable, empty, or holding NaN or infinite samples.
    """
    if isinstance(source, np.ndarray):
        if source_rate is None:
            raise AudioError("Got an array without its sample rate. Pass source_rate=... in Hz.")
        samples, rate, name = _as_float(source), source_rate, "the array"
    else:
        samples, rate, name = _read(source)
    mono = samples.mean(axis=1, dtype=np.float32) if samples.ndim == 2 else samples
    if len(mono) == 0:
        raise AudioError(f"{name} holds no samples. Expected a recording of some length.")
    if not np.isfinite(mono).all():
        raise AudioError(f"{name} holds NaN or infinite samples. Export it again as PCM.")
    if sample_rate is not None and sample_rate != rate:
        mono = soxr.resample(mono, rate, sample_rate)
    return Audio(np.ascontiguousarray(mono, dtype=np.float32), sample_rate or rate)


def _as_float(samples: np.ndarray) -> np.ndarray:
    """Array -> float32 (N,) or (N, channels); integers scaled by their type's range."""
    if samples.ndim not in (1, 2):
        raise AudioError(f"Got an array of shape {samples.shape}. Expected (N,) or (N, channels).")
    if samples.dtype == np.uint8:  # WAV's 8-bit samples are unsigned around 128
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    if np.issubdtype(samples.dtype, np.floating):
        return samples.astype(np.float32)
    raise AudioError(f"Got an array of {samples.dtype}. Expected integers or floats.")


def _read(source: str | Path | bytes) -> tuple[np.ndarray, int, str]:
    """(samples (N, channels), rate, the name for messages)."""
    name: str
    file: io.BytesIO | Path
    if isinstance(source, bytes):
        name, file = "The uploaded audio", io.BytesIO(source)
    else:
        path = file = Path(source)
        name = str(source)
        if path.is_dir():
            raise AudioError(f"{name} is a folder. Expected an audio file.")
        if not path.exists():
            raise AudioError(f"{name} does not exist. Check the path.")
        if not path.is_file():
            raise AudioError(f"{name} is not a regular file. Expected an audio file.")
        if path.stat().st_size == 0:
            raise AudioError(f"{name} is empty (0 bytes). Expected an audio file.")
    try:
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except PermissionError as e:
        raise AudioError(f"{name} cannot be opened: {e.strerror}.") from e
    except (soundfile.LibsndfileError, RuntimeError, OSError) as e:
        samples, rate = _read_by_ffmpeg(source, name, e)
    return samples, rate, name


def _read_by_ffmpeg(
    source: str | Path | bytes, name: str, first_error: Exception
) -> tuple[np.ndarray, int]:
    if shutil.which("ffmpeg") is None:
        raise AudioError(
            f"{name} is not WAV, FLAC, Ogg, Opus or MP3 audio ({first_error}). Convert it to one of"
            " these, or install ffmpeg for other formats."
        ) from first_error
    piped = source if isinstance(source, bytes) else b""
    where = "pipe:0" if isinstance(source, bytes) else f"file:{source}"
    arguments = ["-nostdin", "-v", "error", "-i", where]
    output = ["-vn", "-ac", "1", "-ar", str(FFMPEG_RATE), "-f", "f32le", "pipe:1"]
    command = ["ffmpeg", "-protocol_whitelist", "file,pipe", *arguments, *output]
    try:
        done = subprocess.run(
            command,
            input=piped,
            capture_output=True,
            timeout=FFMPEG_TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as e:
        detail = e.stderr.decode(errors="replace").strip().splitlines()
        raise AudioError(
            f"{name} is not audio that soundfile or ffmpeg can read"
            f" ({detail[-1] if detail else first_error}). Expected WAV, FLAC, Ogg, Opus, MP3, m4a"
            " or webm."
        ) from e
    except subprocess.TimeoutExpired as e:
        raise AudioError(f"{name} took ffmpeg over {FFMPEG_TIMEOUT_S} s. Convert it to WAV.") from e
    return np.frombuffer(done.stdout, dtype="<f4").reshape(-1, 1), FFMPEG_RATE
