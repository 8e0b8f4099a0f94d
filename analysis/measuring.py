"""Every recording of a set measured: in several processes, and once for each content.

What was measured is kept by the content of the file (its SHA-256), so that a file that was moved,
copied or described before costs no more than reading it.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from asr_core.audio import Audio, AudioError, stream_audio
from asr_core.recording_measures import RecordingMeasures, measure_recording
from asr_core.signal_measures import HOP_S, measure_signal

VERSION = 2  # of what is measured; raised whenever a measure changes, so that old ones are not used
LONGEST_S = 600.0  # of a recording is measured; its length and content are of the whole
FEW = 64  # recordings that are measured sooner than another process starts
CHUNK = 16  # recordings handed to a process at a time
HISTOGRAM_BINS = 50
HISTOGRAM_DB = (-100.0, 0.0)  # before normalisation; afterwards 0 to 1
PRINT_FRAMES = 24  # of a fingerprint: the sound, whatever its length, ...
PRINT_BANDS = 12  # ... in the bands of `SignalMeasures`

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
        fingerprint: (PRINT_FRAMES * PRINT_BANDS,) int8; that of a near copy has a cosine near 1.
    """

    file_sha256: str
    samples_sha256: str
    sample_rate: int
    channels: int | None
    format: str
    recording: RecordingMeasures
    before: tuple[int, ...]
    after: tuple[int, ...]
    fingerprint: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "FileMeasures":
        """The inverse of `to_json` (raises KeyError, TypeError)."""
        recording = dict(record["recording"])
        recording["bands_db"] = tuple(recording["bands_db"])
        tuples = {name: tuple(record[name]) for name in ("before", "after", "fingerprint")}
        return cls(**record | tuples | {"recording": RecordingMeasures(**recording)})


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
    """
    found: dict[Path, FileMeasures | AudioError] = {}
    total = len(set(paths))
    with _Cache(cache_path) as known:
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
    channels, kind = _format(path)
    signal = measure_signal(audio)
    measures = measure_recording(audio, signal)
    before, after = _histograms(audio)
    return FileMeasures(
        file_sha256=file_sha256,
        samples_sha256=content.hexdigest(),
        sample_rate=rate,
        channels=channels,
        format=kind,
        recording=RecordingMeasures(**asdict(measures) | {"duration_s": n_samples / rate}),
        before=before,
        after=after,
        fingerprint=_fingerprint(signal.bands_db[signal.sounding]),
    )


def _results(
    paths: Sequence[Path], known: "_Cache", workers: int | None
) -> Iterator[tuple[Path, FileMeasures | AudioError]]:
    """What is known first, then what has to be measured, in the order in which it is done."""
    unknown = []
    for path in paths:
        try:
            stored = known.find(_sha256(path))
        except AudioError as e:
            yield path, e
            continue
        if stored is None:
            unknown.append(path)
        else:
            yield path, stored
    for path, result in zip(unknown, _measured(unknown, workers), strict=True):
        if isinstance(result, FileMeasures):
            known.keep(result)
        yield path, result


def _measured(paths: Sequence[Path], workers: int | None) -> Iterator[FileMeasures | AudioError]:
    n = min(workers or os.cpu_count() or 1, len(paths) // FEW + 1)
    if n <= 1:
        yield from map(_attempt, paths)
        return
    # Not forked: this process may hold threads of torch, which a fork does not survive.
    with ProcessPoolExecutor(n, get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_attempt, paths, chunksize=CHUNK)


def _attempt(path: Path) -> FileMeasures | AudioError:
    try:
        return measure_file(path)
    except AudioError as e:
        return e


def _one_thread() -> None:
    """Processes share the processors out; threads besides would only get in their way."""
    import torch

    torch.set_num_threads(1)


def _sha256(path: Path) -> str:
    """Of a file's bytes (raises AudioError)."""
    try:
        if not path.is_file():  # a pipe would never end
            raise AudioError(f"{path} is no file. Expected a recording; check audio_filepath.")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as e:
        raise AudioError(f"Cannot read {path}: {e}. Check that the file may be read.") from e


def _format(path: Path) -> tuple[int | None, str]:
    try:
        info = soundfile.info(path)
    except (RuntimeError, OSError, TypeError):
        return None, "other"
    return info.channels, f"{info.format} {info.subtype}"


def _histograms(audio: Audio) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Counts of the log-mel values before and after normalisation, of the default features."""
    import torch

    from asr_core.audio import load_audio
    from asr_core.features import POWER_FLOOR

    log_mel = _log_mel()
    heard = load_audio(
        audio.samples, log_mel.config.sample_rate, source_rate=audio.sample_rate
    ).samples
    samples, lengths = torch.from_numpy(heard)[None], torch.tensor([len(heard)])
    with torch.inference_mode():
        decibel = 10 * torch.log10(log_mel.mel_power(samples).clamp(min=POWER_FLOOR))
        scaled = log_mel(samples, lengths)[0]
    counts = (
        np.histogram(np.clip(values.numpy(), *limits), HISTOGRAM_BINS, limits)[0]
        for values, limits in ((decibel, HISTOGRAM_DB), (scaled, (0.0, 1.0)))
    )
    before, after = (tuple(map(int, each)) for each in counts)
    return before, after


@cache
def _log_mel() -> Any:
    from asr_core.features import FeatureConfig, LogMel

    return LogMel(FeatureConfig())


def _fingerprint(bands_db: np.ndarray) -> tuple[int, ...]:
    """(T, PRINT_BANDS) of the sound alone -> its course in so many steps, centred, of length 127.

    Level, pauses at the edges, format and a little noise make no difference to it.
    """
    if len(bands_db) < DIFFERENT_FRAMES:
        return ()
    limited = np.maximum(bands_db, bands_db.max() - 60)
    places = np.linspace(0, len(limited) - 1, PRINT_FRAMES)
    steps = np.stack(
        [np.interp(places, np.arange(len(limited)), band) for band in limited.T], axis=1
    )
    centred = (steps - steps.mean()).ravel()
    scale = np.abs(centred).max()
    return tuple(map(int, np.round(127 * centred / scale))) if scale > 0 else ()


DIFFERENT_FRAMES = round(0.1 / HOP_S)  # shorter sounds are too much alike to tell apart


class _Cache:
    """Measures by the content of files; without a path, none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> "_Cache":
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._path, timeout=30)
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS measures"
                " (content TEXT, version INTEGER, record TEXT, PRIMARY KEY (content, version))"
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._database is not None:
            with closing(self._database) as database:
                database.commit()

    def find(self, content: str) -> FileMeasures | None:
        if self._database is None:
            return None
        row = self._database.execute(
            "SELECT record FROM measures WHERE content = ? AND version = ?", (content, VERSION)
        ).fetchone()
        return None if row is None else FileMeasures.from_json(json.loads(row[0]))

    def keep(self, measures: FileMeasures) -> None:
        if self._database is None:
            return
        self._database.execute(
            "INSERT OR REPLACE INTO measures VALUES (?, ?, ?)",
            (measures.file_sha256, VERSION, json.dumps(measures.to_json())),
        )
        if self._database.total_changes % 200 == 0:
            self._database.commit()  # so that Ctrl-C loses little
