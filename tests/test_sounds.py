"""Decoded recordings kept between runs: the same samples, never old ones, of limited size."""

import multiprocessing
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_core.audio import AudioError, load_audio
from asr_core.training import sounds
from asr_core.training.sounds import Sound, SoundCache, read_sounds

RATE = 8000
SHARD = 8  # recordings a file


@pytest.fixture(autouse=True)
def short_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "SHARD", SHARD)


def recordings(folder: Path, n: int, seed: int = 0) -> list[Path]:
    rng = np.random.default_rng(seed)
    paths = [folder / f"{seed}-{i}.wav" for i in range(n)]
    for path in paths:  # at twice the rate: what is kept is resampled
        soundfile.write(path, 0.1 * rng.standard_normal(int(rng.integers(200, 900))), 2 * RATE)
    return paths


def same(found: list[Sound], expected: list[Sound]) -> bool:
    return len(found) == len(expected) and all(
        isinstance(a, np.ndarray)
        and isinstance(b, np.ndarray)
        and a.dtype == b.dtype
        and np.array_equal(a, b)
        for a, b in zip(found, expected, strict=True)
    )


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.f32"))


def test_what_is_kept_is_what_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = recordings(tmp_path, SHARD + 7)
    decoded = [load_audio(path, RATE).samples for path in paths]
    cache = tmp_path / "cache"
    assert same(read_sounds(paths, RATE), decoded)
    assert same(SoundCache(cache).read(paths, RATE), decoded)
    assert len(kept(cache)) == 2

    def refuse(path: Path, rate: int) -> None:
        raise AssertionError(f"{path} was decoded again")

    monkeypatch.setattr(sounds, "load_audio", refuse)
    assert same(SoundCache(cache).read(paths, RATE), decoded)
    assert not [path for path in cache.iterdir() if path.suffix != ".f32"]


def test_a_changed_recording_and_another_rate_are_other_sounds(tmp_path: Path) -> None:
    paths, cache = recordings(tmp_path, 3), SoundCache(tmp_path / "cache")
    first = cache.read(paths, RATE)
    status = paths[1].stat()
    changed = paths[1].read_bytes()
    paths[1].write_bytes(changed[:-2] + bytes([changed[-2] ^ 0xFF, changed[-1] ^ 0x3F]))
    os.utime(paths[1], ns=(status.st_atime_ns, status.st_mtime_ns))  # nothing but its content tells
    second = cache.read(paths, RATE)
    assert same(second, [load_audio(path, RATE).samples for path in paths])
    assert not same(second, first)
    assert same(first[:1], second[:1])
    slower = cache.read(paths, RATE // 2)
    assert same(slower, [load_audio(path, RATE // 2).samples for path in paths])


def test_a_recording_changed_while_it_is_read_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, cache = recordings(tmp_path, 2), tmp_path / "cache"
    read = sounds.read_sounds

    def change(paths: list[Path], rate: int) -> list[Sound]:
        soundfile.write(paths[0], np.ones(300) / 2, RATE)
        return read(paths, rate)

    with monkeypatch.context() as patched:
        patched.setattr(sounds, "read_sounds", change)
        found = SoundCache(cache).read(paths, RATE)
    assert len(found) == 2
    assert not kept(cache)


def test_what_cannot_be_read_has_its_reason_each_time(tmp_path: Path) -> None:
    paths, cache = recordings(tmp_path, 2), tmp_path / "cache"
    broken, missing = tmp_path / "broken.wav", tmp_path / "missing.wav"
    broken.touch()
    for _ in range(2):
        found = SoundCache(cache).read([paths[0], broken, missing, paths[1]], RATE)
        assert [isinstance(sound, AudioError) for sound in found] == [False, True, True, False]
        assert "missing.wav does not exist" in str(found[2])
    soundfile.write(missing, np.ones(400) / 2, RATE)
    assert len(SoundCache(cache).read([paths[0], broken, missing], RATE)[2]) == 400  # type: ignore[arg-type]
    assert all(isinstance(sound, AudioError) for sound in SoundCache(cache).read([broken], RATE))


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:7], lambda _: b""])
def test_a_damaged_file_is_made_anew(damage: object, tmp_path: Path) -> None:
    paths, cache = recordings(tmp_path, 5), tmp_path / "cache"
    first = read_sounds(paths, RATE)
    SoundCache(cache).read(paths, RATE)
    [place] = kept(cache)
    whole = place.read_bytes()
    assert callable(damage)
    place.write_bytes(damage(whole))
    assert same(SoundCache(cache).read(paths, RATE), first)
    assert place.read_bytes() == whole


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    sets = [recordings(tmp_path, SHARD, seed) for seed in range(3)]
    sizes = []
    for paths in sets[:2]:
        SoundCache(folder).read(paths, RATE)
        sizes.append(sum(path.stat().st_size for path in kept(folder)))
    for i, path in enumerate(kept(folder)):
        os.utime(path, (i, i))
    oldest, newer = kept(folder)
    limit_gb = (sizes[1] + 1000) / 1e9
    tight = SoundCache(folder, limit_gb)
    assert same(tight.read(sets[2], RATE), read_sounds(sets[2], RATE))
    assert not oldest.exists()
    assert sum(path.stat().st_size for path in kept(folder)) <= limit_gb * 1e9
    # What a process uses itself stays; the rest is in its memory.
    mine = set(kept(folder)) - {newer}
    small = SoundCache(folder, sizes[0] * 1.5 / 1e9)
    assert same(small.read(sets[2], RATE), read_sounds(sets[2], RATE))
    assert same(small.read(sets[0], RATE), read_sounds(sets[0], RATE))
    assert mine <= set(kept(folder))
    nothing = tmp_path / "nothing"
    assert same(SoundCache(nothing, 0.0).read(sets[0], RATE), read_sounds(sets[0], RATE))
    assert not kept(nothing)


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    paths = recordings(tmp_path, 3)
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(UserWarning, match="not kept"):
        found = SoundCache(tmp_path / "file" / "cache").read(paths, RATE)
    assert same(found, read_sounds(paths, RATE))


def test_writing_into_samples_leaves_the_file_alone(tmp_path: Path) -> None:
    paths, cache = recordings(tmp_path, 2), SoundCache(tmp_path / "cache")
    [first, _] = cache.read(paths, RATE)
    assert isinstance(first, np.ndarray)
    first[:] = 0
    assert same(cache.read(paths, RATE), read_sounds(paths, RATE))


def _read(folder: Path, paths: list[Path], queue: "multiprocessing.Queue[bool]") -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        queue.put(same(SoundCache(folder).read(paths, RATE), read_sounds(paths, RATE)))


def test_processes_that_begin_together_share_it(tmp_path: Path) -> None:
    paths, folder = recordings(tmp_path, 6 * SHARD), tmp_path / "cache"
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[bool] = context.Queue()
    readers = [context.Process(target=_read, args=(folder, paths, queue)) for _ in range(3)]
    for reader in readers:
        reader.start()
    assert [queue.get(timeout=60) for _ in readers] == [True] * 3
    for reader in readers:
        reader.join()
    assert len(kept(folder)) == 6
    assert {path.suffix for path in folder.iterdir()} == {".f32"}
