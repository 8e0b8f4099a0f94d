"""The cache of measures: whole after Ctrl-C, shared, and never a reason to fail."""

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analysis import measuring
from analysis.measures_cache import MeasuresCache
from analysis.measuring import FileMeasures, MeasuringError, measure_file, measure_files


def clips(folder: Path, n: int) -> list[Path]:
    paths = [folder / f"{i}.wav" for i in range(n)]
    for i, path in enumerate(paths):
        rng = np.random.default_rng(i)
        soundfile.write(path, 0.1 * rng.standard_normal(2000), 8000)
    return paths


def test_what_was_measured_before_ctrl_c_is_kept(tmp_path: Path) -> None:
    paths, cache = clips(tmp_path, 6), tmp_path / "c.sqlite"

    def stop(n: int, total: int) -> None:
        if n == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_files(paths, cache, workers=1, progress=stop)
    with sqlite3.connect(cache) as database:
        assert database.execute("SELECT count(*) FROM measures").fetchone() == (4,)


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\x00" + bytes(5000)])
def test_a_damaged_cache_is_put_aside(damage: bytes, tmp_path: Path) -> None:
    paths, cache = clips(tmp_path, 1), tmp_path / "c.sqlite"
    cache.write_bytes(damage)
    with pytest.warns(UserWarning, match="cannot be read"):
        [first] = measure_files(paths, cache)
    assert (tmp_path / "c.sqlite.damaged").read_bytes() == damage
    assert measure_files(paths, cache) == [first]


def test_a_damaged_record_is_measured_again(tmp_path: Path) -> None:
    paths, cache = clips(tmp_path, 1), tmp_path / "c.sqlite"
    [first] = measure_files(paths, cache)
    with sqlite3.connect(cache) as database:
        database.execute("UPDATE measures SET record = '{\"half\": '")
    assert measure_files(paths, cache) == [first]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    paths = clips(tmp_path, 1)
    (tmp_path / "folder.sqlite").mkdir()
    with pytest.warns(UserWarning, match="not kept"):
        [found] = measure_files(paths, tmp_path / "folder.sqlite")
    assert found == measure_file(paths[0])


def test_two_at_once_share_it(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with MeasuresCache(path, 1) as one, MeasuresCache(path, 1) as other:
        one.keep("a", "first")
        other.keep("b", "second")
        one._save()
        other._save()
        assert (one.find("b"), other.find("a")) == ("second", "first")
        with MeasuresCache(path, 2) as newer:
            assert newer.find("a") is None


def test_json_holds_everything(tmp_path: Path) -> None:
    measured = measure_file(clips(tmp_path, 1)[0])
    assert FileMeasures.from_json(measured.to_json()) == measured


def dies(path: Path) -> FileMeasures:
    """As the kernel ends a process for want of memory; in the parent, as usual."""
    if multiprocessing.parent_process() is not None and path.stem == "20":
        os.kill(os.getpid(), signal.SIGKILL)
    return measure_file(path)


def test_a_process_that_dies_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, cache = clips(tmp_path, 140), tmp_path / "c.sqlite"
    monkeypatch.setattr(measuring, "_attempt", dies)
    with pytest.raises(MeasuringError, match="memory"):
        measure_files(paths, cache, workers=2)
