"""Audio at the door: any file, bytes or array becomes mono float32 at one sample rate.

soundfile reads WAV, FLAC, Ogg Vorbis, Ogg Opus and MP3; what it cannot read (m4a, webm) goes
through ffmpeg, where that is installed.
"""

import io
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

BLOCK = 2**18  # samples of each channel decoded at a time: 5 s at 48 kHz
UNKNOWN_LENGTH = 2**62  # samples; soundfile's word for a header that does not tell
FFMPEG_TIMEOUT_S = 120  # for a block
# Containers only: a playlist could make ffmpeg read other files of this machine.
FFMPEG_FORMATS = "mov,matroska,webm,aac,asf,amr,ac3,flac,mp3,ogg,wav,aiff,caf,avi,flv,mpeg,mpegts"
AU_HEADER = struct.Struct(">4sIIIII")  # ".snd", offset, bytes, encoding, rate, channels
MAX_CHANNELS = 64  # an array with more is (channels, N) by mistake
LOUDEST = 1e12  # full scale is 1; the power of anything louder would not fit a float32
RATES = (1_000, 1_000_000)  # Hz; outside it a file's header is damaged

Source = str | Path | bytes | np.ndarray


class AudioError(ValueError):
    """Audio that cannot be used; the message says what was got, expected, and what to do."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself, before anything is decoded."""

    sample_rate: int  # Hz
    channels: int
    duration_s: float | None  # None: it does not say
    format: str  # container and coding, as soundfile names them


@dataclass(frozen=True)
class Audio:
    """Mono samples (N,) float32, nominally in [-1, 1], and their rate in Hz."""

    samples: np.ndarray
    sample_rate: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate


def load_audio(
    source: Source,
    sample_rate: int | None = None,
    *,
    source_rate: int | None = None,
    max_s: float | None = None,
) -> Audio:
    """Read a recording as mono float32 samples: the blocks of `stream_audio` in one.

    Args:
        source: a path, the bytes of a file, or an array (N,) or (N, channels); integer arrays are
            scaled to [-1, 1].
        sample_rate: resample to this many Hz (soxr, high quality); None keeps the source's rate.
        source_rate: the rate of an array in Hz; required with arrays, unused otherwise.
        max_s: refuse a longer recording, as soon as that many seconds of it are decoded.

    Raises:
        AudioError: not audio, unreadable, empty, too long, or holding NaN or infinite samples.
    """
    blocks = list(stream_audio(source, sample_rate, source_rate=source_rate, max_s=max_s))
    return Audio(np.concatenate([block.samples for block in blocks]), blocks[0].sample_rate)


def stream_audio(
    source: Source,
    sample_rate: int | None = None,
    *,
    source_rate: int | None = None,
    max_s: float | None = None,
) -> Iterator[Audio]:
    """Read a recording in blocks of some seconds, so that its length takes no memory.

    The blocks are, to the last bit, what `load_audio` returns (see there for arguments and errors);
    where the recording turns out to be damaged or too long, the blocks before it were yielded.
    """
    name = _name(source)
    n_done = 0
    resampler = None
    rate = wanted = RATES[0]
    for samples, rate in _decoded(source, source_rate):
        wanted = sample_rate or rate
        _check_rate(rate, name)
        mono = _mono(samples, name)
        if rate != wanted:
            resampler = resampler or soxr.ResampleStream(rate, wanted, 1, dtype="float32")
            mono = resampler.resample_chunk(mono)
        n_done += len(mono)
        if max_s is not None and n_done > max_s * wanted:
            raise AudioError(f"{name} lasts longer than {max_s / 60:g} minutes. Cut it into parts.")
        if len(mono):
            yield Audio(mono, wanted)
    rest = np.zeros(0, np.float32)
    if resampler:
        rest = resampler.resample_chunk(rest, last=True)
    if n_done + len(rest) == 0:
        raise AudioError(f"{name} holds no samples. Expected a recording of some length.")
    if len(rest):
        yield Audio(rest, wanted)


def read_excerpt(path: str | Path, start_s: int, end_s: int) -> Audio:
    """The part of a file between two whole seconds, at its own rate (raises AudioError).

    It ends where the file ends. A file that only ffmpeg reads is decoded from its start.
    """
    try:
        with Path(path).open("rb") as file, soundfile.SoundFile(file) as sound:
            rate = sound.samplerate
            sound.seek(min(start_s * rate, sound.frames))
            samples = sound.read((end_s - start_s) * rate, dtype="float32", always_2d=True)
        return load_audio(samples, source_rate=rate)
    except (RuntimeError, OSError, TypeError, ValueError):
        pass  # as in _decode
    blocks, rate, n_done = [], 1, 0
    for block in stream_audio(path):
        rate = block.sample_rate
        blocks.append(block.samples[max(0, start_s * rate - n_done) :])
        n_done += len(block.samples)
        if n_done >= end_s * rate:
            break
    samples = np.concatenate(blocks)[: (end_s - start_s) * rate]
    return load_audio(samples, source_rate=rate)


def read_header(path: str | Path) -> Header | None:
    """A file's header; None of m4a, webm, or no audio at all: reading it will tell."""
    try:
        _check_file(Path(path))
        # Opened here: of a name that is not UTF-8, soundfile would make an error of its own.
        with Path(path).open("rb") as file:
            info = soundfile.info(file)
    except (RuntimeError, OSError, TypeError, ValueError):  # as in _decode
        return None
    duration_s = info.duration if info.frames < UNKNOWN_LENGTH else None
    return Header(info.samplerate, info.channels, duration_s, f"{info.format} {info.subtype}")


def declared_length_s(path: str | Path) -> float | None:
    """What a file's header says, before anything is decoded; None: it does not say."""
    header = read_header(path)
    return None if header is None else header.duration_s


def _name(source: Source) -> str:
    """What messages call the source."""
    if isinstance(source, np.ndarray):
        return "The array"
    return "The uploaded audio" if isinstance(source, bytes) else str(Path(source))


def _check_rate(rate: int, name: str) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(
            f"{name} has a sample rate of {rate} Hz. Expected {RATES[0]} to {RATES[1]}; export it"
            " again."
        )


def _mono(samples: np.ndarray, name: str) -> np.ndarray:
    """Float (n,) or (n, channels) -> (n,) float32, checked."""
    with np.errstate(invalid="ignore"):  # opposite infinities; refused below
        mono = samples.mean(axis=1, dtype=np.float32) if samples.ndim == 2 else samples
    if not (np.abs(mono) < LOUDEST).all():
        raise AudioError(
            f"{name} holds NaN, infinite or absurdly large samples. Export it again as PCM."
        )
    return np.ascontiguousarray(mono, dtype=np.float32)


def _decoded(source: Source, source_rate: int | None) -> Iterator[tuple[np.ndarray, int]]:
    """Blocks ((n,) or (n, channels) float32, rate) of any source."""
    if isinstance(source, np.ndarray):
        if source_rate is None:
            raise AudioError(
                "Got an array without its sample rate. Pass source_rate=... in Hz, or"
                " Audio(samples, rate)."
            )
        yield _as_float(source), source_rate
        return
    name = _name(source)
    if isinstance(source, bytes):
        if not source:
            raise AudioError(f"{name} is empty (0 bytes). Expected an audio file.")
        yield from _decode(io.BytesIO(source), source, name)
        return
    path = Path(source)
    try:
        _check_file(path)
        with path.open("rb") as file:
            yield from _decode(file, path, name)
    except OSError as e:
        raise AudioError(
            f"{name} cannot be opened: {e.strerror}. Check its name and permissions."
        ) from e


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


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise AudioError(f"{path} is a folder. Expected an audio file.")
    if not path.exists():
        raise AudioError(f"{path} does not exist. Check the path.")
    if not path.is_file():  # reading a pipe or a device might never end
        raise AudioError(f"{path} is not a regular file. Expected an audio file.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty (0 bytes). Expected an audio file.")


class _Onward(soundfile.SoundFile):
    """A file read from its start to its end.

    After each block, soundfile seeks to where it is already, which makes the decoder of MP3 start
    anew and complain on stderr; and a length that is not known (FLAC from a pipe) or a lie does not
    matter to who reads on.
    """

    def seekable(self) -> bool:
        return False


def _decode(file: BinaryIO, source: Path | bytes, name: str) -> Iterator[tuple[np.ndarray, int]]:
    """Blocks ((n, channels), rate) by soundfile; by ffmpeg from where soundfile cannot go on."""
    n_done = 0
    try:
        with _Onward(file) as sound:
            while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
                yield block, sound.samplerate
                n_done += len(block)
            return
    # TypeError: the name ends in .raw. ValueError, MemoryError: numbers that are a lie.
    except (RuntimeError, OSError, TypeError, ValueError, MemoryError) as e:
        error = e
    for block, rate in _decode_by_ffmpeg(source, name, error):
        n_known = min(n_done, len(block))
        n_done -= n_known
        yield block[n_known:], rate


def _decode_by_ffmpeg(
    source: Path | bytes, name: str, first_error: Exception
) -> Iterator[tuple[np.ndarray, int]]:
    if shutil.which("ffmpeg") is None:
        raise AudioError(
            f"{name} is not WAV, FLAC, Ogg, Opus or MP3 audio ({first_error}). Convert it to one of"
            " these, or install ffmpeg for other formats."
        ) from first_error
    if isinstance(source, bytes):  # not through a pipe: m4a keeps its index at the end
        with tempfile.NamedTemporaryFile(prefix="misheard-") as copy:
            copy.write(source)
            copy.flush()
            yield from _ffmpeg(Path(copy.name), name)
    else:
        yield from _ffmpeg(source, name)


def _ffmpeg(path: Path, name: str) -> Iterator[tuple[np.ndarray, int]]:
    """Any audio file -> blocks of its samples (n, channels) at its own rate.

    Sun's AU, because the header of what is written to a pipe is then six numbers.
    """
    trusted = ["-protocol_whitelist", "file,pipe", "-format_whitelist", FFMPEG_FORMATS]
    source = ["-nostdin", "-v", "error", *trusted, "-i", f"file:{path}"]
    command = ["ffmpeg", *source, "-vn", "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as process,
    ):
        try:
            yield from _read_au(process, name)
            failed = process.wait(FFMPEG_TIMEOUT_S) != 0
        finally:
            process.kill()  # where whoever reads has had enough
        if failed:
            complaints.seek(0)
            reason = complaints.read().decode(errors="replace").strip().rpartition(": ")[2]
            raise AudioError(
                f"{name} is not audio that soundfile or ffmpeg can read ({reason}). Expected WAV,"
                " FLAC, Ogg, Opus, MP3, m4a or webm."
            )


def _read_au(process: subprocess.Popen[bytes], name: str) -> Iterator[tuple[np.ndarray, int]]:
    """The blocks of an AU file of big-endian 32-bit floats that a process writes."""
    header = _read(process, AU_HEADER.size, name)
    if len(header) < AU_HEADER.size:
        return
    _, offset, _, _, rate, n_channels = AU_HEADER.unpack(header)
    _read(process, offset - AU_HEADER.size, name)
    frame = 4 * n_channels  # bytes
    while len(data := _read(process, BLOCK * frame, name)) >= frame:
        whole = data[: len(data) // frame * frame]
        yield np.frombuffer(whole, ">f4").astype(np.float32).reshape(-1, n_channels), rate


def _read(process: subprocess.Popen[bytes], n_bytes: int, name: str) -> bytes:
    """So many bytes of a process's output, or what is left; ends it where it takes too long."""
    assert process.stdout is not None
    late = threading.Event()

    def give_up() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(FFMPEG_TIMEOUT_S, give_up)
    timer.start()
    try:
        data = process.stdout.read(n_bytes)
    finally:
        timer.cancel()
    if late.is_set():
        raise AudioError(
            f"{name} took ffmpeg over {FFMPEG_TIMEOUT_S} s for some seconds of sound. Convert it to"
            " WAV."
        )
    return data
