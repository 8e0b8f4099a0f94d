"""Every recording of a set measured: in several processes, and once for each content.

What was measured is kept by the content of the file (its SHA-256), so that a file that was moved,
copied or described before costs no more than reading it.
"""

import hashlib
import json
import os
import signal
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from analysis.fingerprints import fingerprint
from analysis.measures_cache import MeasuresCache
from asr_core.audio import Audio, AudioError, read_header, stream_audio
from asr_core.digests import file_sha256
from asr_core.recording_measures import RecordingMeasures, measure_recording

VERSION = 3  # of what is measured; raised whenever a measure changes, so that old ones are not used
LONGEST_S = 600.0  # of a recording is measured; its length and content are of the whole
FEW = 64  # recordings that are measured sooner than another process starts
CHUNK = 16  # recordings handed to a process at a time
HISTOGRAM_BINS = 50
HISTOGRAM_DB = (-100.0, 0.0)  # before normalisation; afterwards 0 to 1
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FileMeasures:
    """What is known of a file from its content.

    Attributes:
        file_sha256: of its bytes.
        samples_sha256: of its samples in 16 bits: the same for copies in several lossless formats.
        sample_rate: Hz, of the file.
        channels: None where soundfile cannot tell.
        format: container and coding, as soundfile names them; "other" where ffmpeg reads it.
        recording: its measures, at the file's own rate.
        before: (HISTOGRAM_BINS,) counts of log-mel values in dB over HISTOGRAM_DB.
        after: (HISTOGRAM_BINS,) counts of the normalised features over 0 to 1.
        fingerprint: see `analysis.fingerprints`.
    """

    file_sha256: str
    samples_sha256: str
    sample_rate: int
    channels: int | None
    format: str
    recording: RecordingMeasures
    before: tuple[int, ...]
    after: tuple[int, ...]
    fingerprint: bytes

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"fingerprint": b64encode(self.fingerprint).decode()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "FileMeasures":
        """The inverse of `to_json` (raises KeyError, TypeError, ValueError)."""
        recording = dict(record["recording"])
        recording["bands_db"] = tuple(recording["bands_db"])
        others = {
            "recording": RecordingMeasures(**recording),
            "fingerprint": b64decode(record["fingerprint"]),
            **{name: tuple(record[name]) for name in ("before", "after")},
        }
        return cls(**record | others)


class MeasuringError(RuntimeError):
    """The processes that measured recordings were ended from outside."""


def measure_files(
    paths: Sequence[Path],
    cache_path: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[FileMeasures | AudioError]:
    """Measure files; for one that cannot be read, its AudioError, which is not cached.

    Args:
        paths: the files; the same one may come several times.
        cache_path: an SQLite file of what was measured before, made where there is none.
        workers: processes; None takes as many as there are processors.
        progress: called after every file.

    Raises:
        MeasuringError: a process ended before its work was done, as it does where memory ends.
    """
    found: dict[Path, FileMeasures | AudioError] = {}
    total = len(set(paths))
    with MeasuresCache(cache_path, VERSION) as known:
        for path, result in _results(list(dict.fromkeys(paths)), known, workers):
            found[path] = result
            if progress is not None:
                progress(len(found), total)
    return [found[path] for path in paths]


def default_cache() -> Path:
    """Where measures are kept between programs, as the XDG base directories have it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "misheard" / "measures.sqlite"


def measure_file(path: Path) -> FileMeasures:
    """Measure one file (raises AudioError)."""
    file_sha256 = _sha256(path)
    content = hashlib.sha256()
    kept: list[np.ndarray] = []
    n_samples, rate = 0, 1
    for block in stream_audio(path):
        rate = block.sample_rate
        content.update(np.round(block.samples * 32767).astype(np.int32).tobytes())
        if n_samples < LONGEST_S * rate:
            kept.append(block.samples)
        n_samples += len(block.samples)
    audio = Audio(np.concatenate(kept), rate)
    header = read_header(path)
    measures = measure_recording(audio)
    before, after, picture = _features(audio)
    return FileMeasures(
        file_sha256=file_sha256,
        samples_sha256=content.hexdigest(),
        sample_rate=rate,
        channels=None if header is None else header.channels,
        format="other" if header is None else header.format,
        recording=RecordingMeasures(**asdict(measures) | {"duration_s": n_samples / rate}),
        before=before,
        after=after,
        fingerprint=picture,
    )


def _results(
    paths: Sequence[Path], known: MeasuresCache, workers: int | None
) -> Iterator[tuple[Path, FileMeasures | AudioError]]:
    """What is known first, then what has to be measured, in the order in which it is done."""
    unknown = []
    for path in paths:
        try:
            stored = _restored(known.find(_sha256(path)))
        except AudioError as e:
            yield path, e
            continue
        if stored is None:
            unknown.append(path)
        else:
            yield path, stored
    for path, result in zip(unknown, _measured(unknown, workers), strict=True):
        if isinstance(result, FileMeasures):
            known.keep(result.file_sha256, json.dumps(result.to_json()))
        yield path, result


def _restored(record: str | None) -> FileMeasures | None:
    """What the cache holds, if it is whole."""
    try:
        return None if record is None else FileMeasures.from_json(json.loads(record))
    except (KeyError, TypeError, ValueError):
        return None


def _measured(paths: Sequence[Path], workers: int | None) -> Iterator[FileMeasures | AudioError]:
    n = min(workers or os.cpu_count() or 1, len(paths) // FEW + 1)
    if n <= 1:
        yield from map(_attempt, paths)
        return
    # Not forked: this process may hold threads of torch, which a fork does not survive.
    pool = ProcessPoolExecutor(n, get_context("spawn"), initializer=_start)
    try:
        yield from pool.map(_attempt, paths, chunksize=CHUNK)
    except BrokenProcessPool as e:
        raise MeasuringError(
            f"One of {n} processes that measured recordings was ended from outside, as the system"
            " does when memory runs out. What was measured is kept: run it again with fewer"
            " --workers, and look for very large files."
        ) from e
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for all the rest


def _attempt(path: Path) -> FileMeasures | AudioError:
    try:
        return measure_file(path)
    except AudioError as e:
        return e


def _start() -> None:
    """In a new process: one thread, for processes share the processors; Ctrl-C is the parent's."""
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _sha256(path: Path) -> str:
    """Of a file's bytes (raises AudioError)."""
    try:
        if not path.is_file():  # a pipe would never end
            raise AudioError(f"{path} is no file. Expected a recording; check audio_filepath.")
        return file_sha256(path)
    except OSError as e:
        raise AudioError(f"Cannot read {path}: {e}. Check that the file may be read.") from e


def _features(audio: Audio) -> tuple[tuple[int, ...], tuple[int, ...], bytes]:
    """Counts of log-mel values before and after normalisation, and the fingerprint."""
    import torch

    from asr_core.audio import load_audio
    from asr_core.features import POWER_FLOOR

    log_mel = _log_mel()
    rate = log_mel.config.sample_rate
    heard = load_audio(audio.samples, rate, source_rate=audio.sample_rate).samples
    samples, lengths = torch.from_numpy(heard)[None], torch.tensor([len(heard)])
    with torch.inference_mode():
        power = log_mel.mel_power(samples)[0]
        decibel = 10 * torch.log10(power.clamp(min=POWER_FLOOR))
        scaled = log_mel(samples, lengths)[0]
    counts = (
        np.histogram(np.clip(values.numpy(), *limits), HISTOGRAM_BINS, limits)[0]
        for values, limits in ((decibel, HISTOGRAM_DB), (scaled, (0.0, 1.0)))
    )
    before, after = (tuple(map(int, each)) for each in counts)
    return before, after, fingerprint(power.numpy())


@cache
def _log_mel() -> Any:
    from asr_core.features import FeatureConfig, LogMel

    return LogMel(FeatureConfig())
