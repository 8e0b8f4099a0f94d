"""Decoded recordings of a manifest, kept between runs and shared by the processes of one.

A cache folder holds files of float32 samples, `SHARD` recordings of a manifest each, named by what
they were made of: the content of the recordings, the rate, and what decoded them. A recording that
changes has another name, so that nothing kept is ever out of date. Files are written beside their
place and renamed, never changed, and mapped into memory: several processes hold one copy, and what
is not in use need not be in memory at all. Nothing is locked; two processes that begin together
take the missing files in different orders and use each other's.
"""

import contextlib
import hashlib
import os
import random
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from asr_core.audio import AudioError, load_audio

SHARD = 128  # recordings a file; of 30 s at 16 kHz, 246 MB
N_READERS = 2  # threads that decode audio
VERSION = 1  # of the files' layout: samples (N,) float32, then their lengths (SHARD,) int64
LIMIT_GB = 10.0
SAMPLE_BYTES = np.dtype(np.float32).itemsize
LENGTH_BYTES = np.dtype(np.int64).itemsize

Sound = np.ndarray | AudioError


def default_folder() -> Path:
    """Where decoded recordings are kept, as the XDG base directories have it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "misheard" / "sounds"


def read_sounds(paths: Sequence[Path], sample_rate: int) -> list[Sound]:
    """Samples (N,) of each file at one rate, or why there are none."""
    with ThreadPoolExecutor(N_READERS) as pool:
        return list(pool.map(lambda path: _decoded(path, sample_rate), paths))


class SoundCache:
    """A folder of decoded recordings, of limited size: what was used longest ago goes first.

    Args:
        folder: made where there is none. One that cannot be written is done without, with a
            warning.
        limit_gb: what does not fit beside what this process uses stays in its memory.
    """

    def __init__(self, folder: Path, limit_gb: float = LIMIT_GB) -> None:
        self.folder = folder
        self.limit = int(limit_gb * 1e9)  # bytes
        self._in_use: set[Path] = set()
        self._writes = True

    def read(self, paths: Sequence[Path], sample_rate: int) -> list[Sound]:
        """As `read_sounds`, to the last bit; what is kept already is not decoded again."""
        with ThreadPoolExecutor(N_READERS) as pool:
            different = list(dict.fromkeys(paths))
            contents = dict(zip(different, pool.map(_content, different), strict=True))
        shards = [list(paths[i : i + SHARD]) for i in range(0, len(paths), SHARD)]
        places = [self._place([contents[p] for p in shard], sample_rate) for shard in shards]
        found: dict[int, list[Sound]] = {}
        for i in _own_order(len(shards)):
            found[i] = self._shard(places[i], shards[i], sample_rate)
        return [sound for i in range(len(shards)) for sound in found[i]]

    def _place(self, contents: Sequence[str], sample_rate: int) -> Path:
        decoders = (soundfile.__libsndfile_version__, soxr.__version__)
        made_of = repr((VERSION, sample_rate, decoders, list(contents)))
        return self.folder / f"{hashlib.sha256(made_of.encode()).hexdigest()}.f32"

    def _shard(self, place: Path, paths: Sequence[Path], sample_rate: int) -> list[Sound]:
        kept = _mapped(place, len(paths))
        if kept is None:
            sounds = read_sounds(paths, sample_rate)
            if self._place([_content(p) for p in paths], sample_rate) != place:
                return sounds  # a file was changed while it was read
            kept = self._keep(place, sounds)
            if kept is None:
                return sounds
        self._in_use.add(place)
        # What failed is read again: the reason names the file, and may have gone.
        return [
            sound if len(sound) else _decoded(path, sample_rate)
            for path, sound in zip(paths, kept, strict=True)
        ]

    def _keep(self, place: Path, sounds: Sequence[Sound]) -> list[np.ndarray] | None:
        """Write a file and map it; None where it cannot be."""
        samples = [np.empty(0, np.float32) if isinstance(s, AudioError) else s for s in sounds]
        lengths = np.array([len(each) for each in samples], np.int64)
        try:
            if not self._writes or not self._make_room(lengths):
                return None
            _write(place, [*samples, lengths])
        except OSError as e:
            self._writes = False
            warnings.warn(
                f"Decoded recordings are not kept in {self.folder}: {e}. Training goes on without;"
                " free its disk, or set XDG_CACHE_HOME to another folder.",
                stacklevel=2,
            )
            return None
        return _mapped(place, len(sounds))

    def _make_room(self, lengths: np.ndarray) -> bool:
        """Whether a file of these lengths fits, once others have been deleted."""
        self.folder.mkdir(parents=True, exist_ok=True)
        wanted = int(lengths.sum()) * SAMPLE_BYTES + lengths.nbytes
        files = sorted(_files(self.folder))
        held = sum(size for _, size, _ in files)
        for _, size, path in files:
            if held + wanted <= self.limit:
                break
            if path not in self._in_use:
                path.unlink(missing_ok=True)  # who has it mapped keeps it
                held -= size
        return held + wanted <= self.limit


def _decoded(path: Path, sample_rate: int) -> Sound:
    try:
        return load_audio(path, sample_rate).samples
    except AudioError as e:
        return e


def _content(path: Path) -> str:
    """What decides the samples: a file's bytes and its ending, by which soundfile goes for .raw."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() + path.suffix
    except OSError:
        return ""  # reading it will say why


def _own_order(n: int) -> list[int]:
    """The numbers below `n` in an order of this process's own; no draw of training's changes."""
    return random.Random().sample(range(n), n)  # noqa: S311


def _write(place: Path, arrays: Sequence[np.ndarray]) -> None:
    """Write beside the place and rename: whoever looks finds all of it or nothing."""
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            for each in arrays:
                file.write(each.data)
            file.flush()
            part.replace(place)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def _mapped(place: Path, n: int) -> list[np.ndarray] | None:
    """The samples of `n` recordings, () of one that has none; None where there is no whole file."""
    with contextlib.suppress(OSError):  # another's, which may be read only
        os.utime(place)  # used just now
    try:
        size = place.stat().st_size
        n_samples, rest = divmod(size - n * LENGTH_BYTES, SAMPLE_BYTES)
        lengths = np.fromfile(place, np.int64, offset=max(0, n_samples) * SAMPLE_BYTES)
        if rest or len(lengths) != n or lengths.min() < 0 or lengths.sum() != n_samples:
            return None
        if n_samples == 0:
            return [np.empty(0, np.float32)] * n
        # Not numpy's memmap, which keeps each file open: there may be thousands.
        samples = torch.from_file(str(place), shared=False, size=n_samples, dtype=torch.float32)
    except (OSError, RuntimeError):  # torch's: too many mappings
        return None
    return np.split(samples.numpy(), lengths.cumsum()[:-1])


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(time of last use, bytes, path) of all files, those that a killed process left too."""
    for path in folder.iterdir():
        try:
            status = path.stat()
        except FileNotFoundError:  # another process has just deleted it
            continue
        yield status.st_mtime, status.st_size, path
