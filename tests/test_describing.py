"""Manifests described: planted recordings come out as they were made."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analysis.describing import describe
from analysis.description import Description, DescriptionError
from analysis.store import Filter
from asr_core.manifest import write_manifest

RATE = 16_000


def tone(path: Path, *, level: float = 0.1, sound_s: float = 1.0, lead_s: float = 0.5) -> None:
    """A tone of a known level between silences."""
    rng = np.random.default_rng(7)
    time_s = np.arange(round(sound_s * RATE)) / RATE
    quiet = [1e-4 * rng.standard_normal(round(s * RATE)) for s in (lead_s, 0.25)]
    sound = level * np.sqrt(2) * np.sin(2 * np.pi * 1000 * time_s)
    soundfile.write(path, np.concatenate([quiet[0], sound, quiet[1]]), RATE)


@pytest.fixture
def manifests(tmp_path: Path) -> list[Path]:
    tone(tmp_path / "a.wav")
    tone(tmp_path / "b.wav", level=0.01, sound_s=2.0)
    (tmp_path / "c.wav").write_text("no sound")
    rows = [
        {"audio_filepath": "a.wav", "text": "One two", "speaker": "ann"},
        {"audio_filepath": "b.wav", "text": "three", "speaker": "ben", "age": 7},
        {"audio_filepath": "c.wav", "text": "four", "duration": 1.5},
    ]
    write_manifest(tmp_path / "train.jsonl", rows)
    write_manifest(tmp_path / "test.jsonl", [rows[0] | {"text": "aa" * 30}, {"text": "no audio"}])
    return [tmp_path / "train.jsonl", tmp_path / "test.jsonl"]


def test_planted_measures_are_found(manifests: list[Path], tmp_path: Path) -> None:
    done = describe(manifests, tmp_path / "out", workers=1)
    a, b, c, d = done.store.ask("SELECT * FROM utterances ORDER BY position")
    assert [a["split"], d["split"]] == ["train", "test"]
    assert a["level_dbfs"] == pytest.approx(-20, abs=0.5)
    assert b["level_dbfs"] == pytest.approx(-40, abs=0.5)
    assert a["lead_s"] == pytest.approx(0.5, abs=0.04)
    assert b["sound_s"] == pytest.approx(2.0, abs=0.06)
    assert a["words_per_s"] == pytest.approx(2, rel=0.05)
    assert (a["text"], a["text_raw"], a["speaker"], b["age"]) == ("one two", "One two", "ann", 7)
    assert c["level_dbfs"] is None
    assert "c.wav" in c["problem"]
    assert c["duration_s"] == 1.5
    assert a["samples_sha256"] == d["samples_sha256"]
    profile = np.array(a["bands_db"])
    assert profile.argmax() == pytest.approx(12, abs=2)  # 1000 Hz is 1000 mel of 2840


def test_rows_that_cannot_be_read_are_kept_apart(manifests: list[Path], tmp_path: Path) -> None:
    done = describe(manifests, tmp_path / "out", workers=1)
    assert [(row["split"], row["line"]) for row in done.skipped()] == [("test", 2)]
    assert {finding.check: finding.count for finding in done.findings} == {
        "unreadable": 1,
        "too_short_for_ctc": 1,
    } | {f.check: f.count for f in done.findings if f.check not in CHECKED_HERE}
    assert done.audio_path("a") == tmp_path / "a.wav"


CHECKED_HERE = ("unreadable", "too_short_for_ctc")


def test_words_lead_to_their_recordings(manifests: list[Path], tmp_path: Path) -> None:
    store = describe(manifests, tmp_path / "out", workers=1).store
    where = "utterance_id IN (SELECT utterance_id FROM words WHERE word = 'two')"
    view = store.view(Filter(where=where))
    assert view.ask("SELECT utterance_id FROM matched") == [{"utterance_id": "a"}]
    assert {row["word"] for row in view.ask("SELECT word FROM said")} == {"one", "two"}


def test_what_was_measured_once_is_not_measured_again(
    manifests: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache" / "m.sqlite"
    first = describe(manifests, tmp_path / "out", cache_path=cache, workers=1)
    once = first.store.ask("SELECT * FROM utterances ORDER BY position")

    def fail(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("analysis.measuring.measure_file", fail)
    (tmp_path / "c.wav").unlink()  # what could not be read is tried again, and is not cached
    (tmp_path / "a.wav").rename(tmp_path / "moved.wav")
    text = manifests[0].read_text().replace("a.wav", "moved.wav").replace("One", "six")
    manifests[0].write_text(text)
    again = describe(manifests[:1], tmp_path / "out", cache_path=cache, workers=1)
    row = again.row("moved")
    assert row["text"] == "six two"
    assert row["level_dbfs"] == once[0]["level_dbfs"]


def test_processes_agree_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.measuring.FEW", 8)  # so that two processes are started for few
    rows = []
    for i in range(20):
        tone(tmp_path / f"{i}.wav", level=0.01 + 0.001 * i, sound_s=0.3, lead_s=0.1)
        rows.append({"audio_filepath": f"{i}.wav", "text": "one"})
    write_manifest(tmp_path / "m.jsonl", rows)
    one, two = (
        describe([tmp_path / "m.jsonl"], tmp_path / f"out{n}", workers=n).store.ask(
            "SELECT * FROM utterances ORDER BY position"
        )
        for n in (1, 2)
    )
    assert one == two
    assert json.loads((tmp_path / "out1" / "summary.json").read_text())["histograms"]


def test_without_sound_only_the_manifests_are_read(manifests: list[Path], tmp_path: Path) -> None:
    done = describe(manifests, tmp_path / "out", sound=False)
    rows = done.store.ask("SELECT duration_s, level_dbfs, problem FROM utterances")
    assert rows[2] == {"duration_s": 1.5, "level_dbfs": None, "problem": None}


def test_other_folders_are_not_replaced(manifests: list[Path], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letters.txt").touch()
    with pytest.raises(DescriptionError, match=r"letters\.txt"):
        describe(manifests, tmp_path / "mine")
    with pytest.raises(DescriptionError, match="No description"):
        Description.open(tmp_path / "mine")


def test_files_that_no_tool_likes_do_not_stop_it(tmp_path: Path) -> None:
    """A name that is not UTF-8, one that is too long, a pipe: told of, or measured."""
    odd = "caf\udce9.wav"
    tone(tmp_path / "a.wav")
    (tmp_path / "a.wav").rename(tmp_path / odd)
    os.mkfifo(tmp_path / "pipe.wav")
    names = (odd, "pipe.wav", "x" * 300 + ".wav", "nul\0.wav")
    rows = [{"audio_filepath": name, "text": "one"} for name in names]
    write_manifest(tmp_path / "all.jsonl", rows)
    done = describe([tmp_path / "all.jsonl"], tmp_path / "out", workers=1)
    first, *others = done.store.ask("SELECT format, problem FROM utterances ORDER BY position")
    assert first == {"format": "WAV PCM_16", "problem": None}
    assert all(row["problem"] for row in others)
    [unreadable] = [each for each in done.findings if each.check == "unreadable"]
    assert (unreadable.count, unreadable.facts) == (3, {"missing": 3})


def test_fields_called_like_columns_in_any_case(tmp_path: Path) -> None:
    """DuckDB's names have no case: two of one name would be no table."""
    names = ("Split", "SPLIT", "Position", "File_Row_Number", "Bands_dB", "Tags", "duration_S", " ")
    row = {"audio_filepath": "a.wav", "text": "one"} | dict.fromkeys(names, "mine")
    write_manifest(tmp_path / "all.jsonl", [row])
    done = describe([tmp_path / "all.jsonl"], tmp_path / "out", sound=False)
    found = done.row("a")
    assert (found["split"], found["position"], found["duration_s"]) == ("all", 0, None)
    assert {"manifest_Split", "manifest_Bands_dB", "unnamed"} <= found.keys()


def test_a_long_name_that_dominates_leads_to_its_recordings(tmp_path: Path) -> None:
    """Longer than a condition may be: what it is called by is shorter."""
    row = {"audio_filepath": "a.wav", "text": "one two " * 2000, "speaker": "s" * 12_000}
    rows = [row] * 20 + [{"audio_filepath": "b.wav", "text": "other", "speaker": "t"}]
    write_manifest(tmp_path / "all.jsonl", rows)
    done = describe([tmp_path / "all.jsonl"], tmp_path / "out", sound=False)
    for check in ("speaker_dominates", "text_dominates"):
        [finding] = [each for each in done.findings if each.check == check]
        assert finding.count == done.store.view(Filter(where=finding.where)).count == 20
        assert len(finding.facts["shares"]) < 150


@pytest.mark.parametrize("summary", ['{"format_version": 1}', "[]", "not", None])
def test_a_damaged_description_is_told(
    manifests: list[Path], tmp_path: Path, summary: str | None
) -> None:
    out = tmp_path / "out"
    describe(manifests, out, sound=False)
    if summary is None:
        (out / "recordings.parquet").write_bytes(b"PAR1")
    else:
        (out / "summary.json").write_text(summary)
    with pytest.raises(DescriptionError, match="out"):
        Description.open(out)
