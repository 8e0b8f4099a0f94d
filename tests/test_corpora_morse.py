"""The Morse corpus: read back by an independent reader, drawn as it says, the same bytes each time.

One test reads another program's code (ebook2cw, Debian) and is skipped where that is not installed.
"""

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from asr_core.__main__ import app
from asr_core.audio import load_audio
from asr_core.manifest import read_manifest
from asr_core.morse_code import CODES, LETTERS, read_as, symbols
from asr_core.training.corpora import morse
from asr_core.training.corpora.morse import Message, Wanted, plan, render
from asr_core.training.receiver import SAMPLE_RATE
from asr_core.training.recipe import load_recipe
from tests.morse_oracle import ITU, RUSSIAN, down, read

CLEAN = Wanted(snrs_db=(None,), is_plain=True)
RECIPE = load_recipe("morse")
FRAME_S = RECIPE.features.hop_s * RECIPE.model.prologue.stride


def messages(n: int, wanted: Wanted | None = None) -> list[Message]:
    return [plan(f"m{i}", (1, 2, i), wanted or Wanted()) for i in range(n)]


def test_an_independent_reader_reads_clean_messages() -> None:
    heard = 0
    for message in messages(60, CLEAN):
        text = message.station.text
        if message.station.keying.spacing_wpm is None and set(symbols(text)) <= {*ITU, " "}:
            assert read(render(message), SAMPLE_RATE, message.station.keying.wpm) == text
            heard += len(text)
    assert heard > 400


def test_the_key_is_down_where_the_plan_says() -> None:
    for message in messages(10, CLEAN):
        found = down(render(message), SAMPLE_RATE)
        assert found.shape == message.marks.shape
        assert np.abs(found - message.marks).max() < 0.004  # the reader looks 3 ms around


@pytest.mark.parametrize("snr_db", [0.0, 10.0])
def test_the_ratio_measured_in_finished_messages(snr_db: float) -> None:
    """Power while the key is down, less that while it is up, over 2500 / 4000 of the latter."""
    measured = []
    for message in messages(10, Wanted(snrs_db=(snr_db,), is_plain=True)):
        samples = render(message).astype(np.float64)
        down_mask, up_mask = np.zeros((2, len(samples)), dtype=bool)
        up_mask[:] = True
        for start, end in (message.marks * SAMPLE_RATE).astype(int):
            down_mask[start + 80 : end - 80] = True  # past the edges, 10 ms at the most
            up_mask[start - 80 : end + 80] = False
        noise = samples[up_mask].var()
        carrier = (samples[down_mask] ** 2).mean() - noise
        measured.append(10 * np.log10(carrier / (noise * 2500 / 4000)))
    assert np.mean(measured) == pytest.approx(snr_db, abs=0.25)


def test_everything_is_drawn_within_its_range() -> None:
    drawn = messages(400)
    keyings = [message.station.keying for message in drawn]
    assert all(8 <= keying.wpm <= 40 for keying in keyings)
    assert all(300 <= m.reception.tone_hz <= 1200 for m in drawn)
    assert all(0.002 <= m.reception.rise_s <= 0.010 for m in drawn)
    snrs = [m.reception.snr_db for m in drawn]
    assert all(snr is None or -10 <= snr <= 30 for snr in snrs)
    assert 0.05 < snrs.count(None) / 400 < 0.2
    lengths_s = [m.n_samples / SAMPLE_RATE for m in drawn]
    assert max(lengths_s) < 17
    assert 6 < np.mean(lengths_s) < 10
    for has in (
        [m.neighbour is not None for m in drawn],
        [m.reception.fading_db > 0 for m in drawn],
        [m.reception.clicks_per_s > 0 for m in drawn],
        [m.reception.filter_hz is not None for m in drawn],
        [m.reception.noise == "band" for m in drawn],
        [k.spacing_wpm is not None for k in keyings],
    ):
        assert 0.05 < np.mean(has) < 0.6
    assert {m.station.hand for m in drawn} == set(morse.HANDS)


def test_the_neighbour_is_the_weaker_one() -> None:
    for message in messages(200):
        reception = message.reception
        if reception.neighbour_db is not None:
            assert reception.neighbour_db <= -6.0
            assert 149.9 < abs(reception.neighbour_hz - reception.tone_hz) < 500.1


def test_there_are_frames_enough_for_ctc() -> None:
    """T >= L + repeats, also for a fast hand."""
    alphabet = load_recipe("morse").alphabet
    for message in messages(200, Wanted(wpm=(40.0, 40.0))):
        ids = alphabet.encode(message.station.text)
        repeats = sum(a == b for a, b in itertools.pairwise(ids))
        assert message.n_samples / SAMPLE_RATE / FRAME_S >= 1.5 * (len(ids) + repeats)


def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(tmp_path) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        morse.write_set(tmp_path / name / "test.jsonl", messages(40), workers)
    one, two = (
        {p.name: p.read_bytes() for p in (tmp_path / name).rglob("*") if p.is_file()}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == 41
    morse.write_set(tmp_path / "other" / "test.jsonl", [plan("m0", (9, 2, 0), Wanted())], 1)
    assert (tmp_path / "other/test/m0.flac").read_bytes() != one["m0.flac"]


def test_a_manifest_row(tmp_path) -> None:
    wanted = Wanted(wpm=(20.0, 20.0), snrs_db=(3.0,))
    morse.write_set(tmp_path / "test.jsonl", messages(3, wanted), workers=1)
    rows = read_manifest(tmp_path / "test.jsonl").rows
    assert [row.line for row in rows] == [1, 2, 3]
    for row, message in zip(rows, messages(3, wanted), strict=True):
        assert row.text == message.station.text
        assert row.fields["kind"] == "utterance"
        assert (row.fields["wpm"], row.fields["snr_db"]) == (20.0, 3.0)
        assert row.fields["tone_hz"] == round(message.reception.tone_hz)
        audio = load_audio(row.audio_path)
        assert audio.sample_rate == 8000
        assert audio.duration_s == row.duration_s
        assert audio.samples == pytest.approx(render(message), abs=2**-15)


def test_prepare_fills_the_hours_and_the_grids(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(morse, "VALIDATION_H", 0.004)
    monkeypatch.setattr(morse, "TEST_H", 0.004)
    for name in ("snr_grid", "speed_grid"):
        grid = getattr(morse, name)
        monkeypatch.setattr(morse, name, lambda seed, grid=grid: grid(seed, n=1))
    command = ["prepare", "morse", "--hours", "0.01", "--out", str(tmp_path), "--workers", "1"]
    assert CliRunner().invoke(app, command).exit_code == 0
    rows = {p.stem: read_manifest(p).rows for p in tmp_path.glob("*.jsonl")}
    assert set(rows) == {"train", "validation", "test", "test_snr", "test_speed"}
    assert 36 <= sum(row.duration_s or 0 for row in rows["train"]) < 36 + 17
    assert len({row.text for row in rows["train"] + rows["validation"] + rows["test"]}) > 5
    cells = [(row.fields["snr_db"], row.fields["difficulty"]) for row in rows["test_snr"]]
    assert sorted(map(str, cells)) == sorted(
        str((snr, difficulty)) for snr in morse.GRID_SNRS_DB for difficulty in ("any", "plain")
    )
    speeds = {(row.fields["wpm"], row.fields["snr_db"]) for row in rows["test_speed"]}
    assert speeds == {(wpm, 10.0) for wpm in morse.GRID_WPMS}


def test_sets_share_no_message() -> None:
    texts = [{m.station.text for m in morse._messages_of(s, 0.05, 1)} for s in ("train", "test")]
    assert not texts[0] & texts[1]


def test_the_apps_set_covers_noise_and_speed(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(morse, "N_VALIDATION", 40)
    path = morse.validation_set(tmp_path, seed=1)
    rows = read_manifest(path).rows
    cells = {(row.fields["snr_db"], row.fields["wpm"]) for row in rows}
    assert cells == set(itertools.product(morse.GRID_SNRS_DB, morse.VALIDATION_WPMS))
    assert all(row.audio_path.is_file() for row in rows)
    written = path.stat().st_mtime_ns
    assert morse.validation_set(tmp_path, seed=1).stat().st_mtime_ns == written  # made once


@pytest.mark.skipif(shutil.which("ebook2cw") is None, reason="ebook2cw (Debian) is not installed")
class TestAgainstAnotherGenerator:
    """Our table and our timing are those of ebook2cw, as one independent reader hears both."""

    def sound(self, text: str, folder: Path) -> tuple[np.ndarray, int]:
        (folder / "text.txt").write_text(f"{text}\n\n", encoding="utf-8")
        options = ["-w", "20", "-f", "600", "-T", "0", "-u", "-O", "-s", "11025"]
        subprocess.run(
            ["ebook2cw", *options, "-o", "chapter", "text.txt"],
            cwd=folder,
            env=os.environ | {"HOME": str(folder)},  # it writes a configuration there
            check=True,
            capture_output=True,
            timeout=60,
        )
        return soundfile.read(folder / "chapter0000.ogg")

    def test_latin(self, tmp_path) -> None:
        # It has no sign for _ and an older one for !; an end of paragraph is keyed as =.
        text = "paris the quick brown fox jumps over lazy dogs 0123456789 .,:?'-/()\"=+@;$"
        assert set(LETTERS) <= set(text)
        assert read(*self.sound(text, tmp_path), 20.0, CODES) == f"{text} ="

    def test_cyrillic(self, tmp_path) -> None:
        # Without ъ, which it keys as ь.
        text = "эх чужак общий семь цен шляп юфть вдрызг ты"
        assert set(RUSSIAN) - set(text) == {"ъ"}
        heard = read(*self.sound(text, tmp_path), 20.0, RUSSIAN | {"=": "-...-"})
        assert heard == f"{text} ="
        latin = read(*self.sound(text, tmp_path), 20.0, CODES)
        assert read_as(latin, "cyrillic") == heard
