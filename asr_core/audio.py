"""Audio at the door: any file, bytes or array becomes mono float32 at one sample rate.

soundfile reads WAV, FLAC, Ogg Vorbis, Ogg Opus and MP3; what it cannot read (m4a, webm) goes
through ffmpeg, where that is installed.
"""

import io
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

FFMPEG_TIMEOUT_S = 120
# Containers only: a playlist could make ffmpeg read other files of this machine.
FFMPEG_FORMATS = "mov,matroska,webm,aac,asf,amr,ac3,flac,mp3,ogg,wav,aiff,caf,avi,flv,mpeg,mpegts"
MAX_CHANNELS = 64  # an array with more is (channels, N) by mistake
LOUDEST = 1e12  # full scale is 1; the power of anything louder would not fit a float32
RATES = (1_000, 1_000_000)  # Hz; outside it a file's header is damaged

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
            raise AudioError(
                "Got an array without its sample rate. Pass source_rate=... in Hz, or"
                " Audio(samples, rate)."
            )
        samples, rate, name = _as_float(source), source_rate, "The array"
    else:
        samples, rate, name = _read(source)
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(
            f"{name} has a sample rate of {rate} Hz. Expected {RATES[0]} to {RATES[1]}; export it"
            " again."
        )
    with np.errstate(invalid="ignore"):  # opposite infinities; refused below
        mono = samples.mean(axis=1, dtype=np.float32) if samples.ndim == 2 else samples
    if not (np.abs(mono) < LOUDEST).all():
        raise AudioError(
            f"{name} holds NaN, infinite or absurdly large samples. Export it again as PCM."
        )
    if sample_rate is not None and sample_rate != rate:
        mono = soxr.resample(mono, rate, sample_rate)
    if len(mono) == 0:
        raise AudioError(f"{name} holds no samples. Expected a recording of some length.")
    return Audio(np.ascontiguousarray(mono, dtype=np.float32), sample_rate or rate)


def _as_float(samples: np.ndarray) -> np.ndarray:
    """Array -> float32 (N,) or (N, channels); integers scaled by their type's range."""
    if samples.ndim not in (1, 2) or not 1 <= (*samples.shape, 1)[1] <= MAX_CHANNELS:
        raise AudioError(
            f"Got an array of shape {samples.shape}. Expected (N,) or (N, channels) with up to"
            f" {MAX_CHANNELS} channels; transpose (channels, N)."
        )
    if np.issubdtype(samples.dtype, np.unsignedinteger):  # like WAV's 8-bit samples, around 128
        middle = np.iinfo(samples.dtype).max // 2 + 1
        return ((samples.astype(np.float64) - middle) / middle).astype(np.float32)
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    if np.issubdtype(samples.dtype, np.floating):
        with np.errstate(over="ignore"):  # what overflows is refused as infinite
            return samples.astype(np.float32)
    raise AudioError(f"Got an array of {samples.dtype}. Expected integers or floats.")


def _read(source: str | Path | bytes) -> tuple[np.ndarray, int, str]:
    """(samples (N, channels), rate, the name for messages)."""
    if isinstance(source, bytes):
        name = "The uploaded audio"
        if not source:
            raise AudioError(f"{name} is empty (0 bytes). Expected an audio file.")
        return *_decode(io.BytesIO(source), source, name), name
    path = Path(source)
    name = str(path)
    try:
        _check_file(path)
        with path.open("rb") as file:
            return *_decode(file, path, name), name
    except OSError as e:
        raise AudioError(
            f"{name} cannot be opened: {e.strerror}. Check its name and permissions."
        ) from e


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise AudioError(f"{path} is a folder. Expected an audio file.")
    if not path.exists():
        raise AudioError(f"{path} does not exist. Check the path.")
    if not path.is_file():  # reading a pipe or a device might never end
        raise AudioError(f"{path} is not a regular file. Expected an audio file.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty (0 bytes). Expected an audio file.")


def _decode(file: BinaryIO, source: Path | bytes, name: str) -> tuple[np.ndarray, int]:
    """(samples (N, channels), rate) by soundfile, or else by ffmpeg."""
    try:
        return soundfile.read(file, dtype="float32", always_2d=True)
    # TypeError: the name ends in .raw. ValueError, MemoryError: a length that is not known (FLAC
    # from a pipe) or a lie.
    except (RuntimeError, OSError, TypeError, ValueError, MemoryError) as e:
        return _decode_by_ffmpeg(source, name, e)


def _decode_by_ffmpeg(
    source: Path | bytes, name: str, first_error: Exception
) -> tuple[np.ndarray, int]:
    if shutil.which("ffmpeg") is None:
        raise AudioError(
            f"{name} is not WAV, FLAC, Ogg, Opus or MP3 audio ({first_error}). Convert it to one of"
            " these, or install ffmpeg for other formats."
        ) from first_error
    if isinstance(source, bytes):  # not through a pipe: m4a keeps its index at the end
        with tempfile.NamedTemporaryFile(prefix="misheard-") as copy:
            copy.write(source)
            copy.flush()
            wav = _ffmpeg(Path(copy.name), name)
    else:
        wav = _ffmpeg(source, name)
    try:
        return soundfile.read(io.BytesIO(wav), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as e:
        raise AudioError(f"{name} holds no samples. Expected a recording of some length.") from e


def _ffmpeg(path: Path, name: str) -> bytes:
    """Any audio file -> WAV of 32-bit floats at its own rate and channels."""
    trusted = ["-protocol_whitelist", "file,pipe", "-format_whitelist", FFMPEG_FORMATS]
    source = ["-nostdin", "-v", "error", *trusted, "-i", f"file:{path}"]
    command = ["ffmpeg", *source, "-vn", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=FFMPEG_TIMEOUT_S, check=True)
    except subprocess.CalledProcessError as e:
        reason = e.stderr.decode(errors="replace").strip().rpartition(": ")[2]
        raise AudioError(
            f"{name} is not audio that soundfile or ffmpeg can read ({reason}). Expected WAV, FLAC,"
            " Ogg, Opus, MP3, m4a or webm."
        ) from e
    except subprocess.TimeoutExpired as e:
        raise AudioError(f"{name} took ffmpeg over {FFMPEG_TIMEOUT_S} s. Convert it to WAV.") from e
    return done.stdout
