"""Checks: what is planted in a small set is found, with its recordings, and nothing else is."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analysis.check_texts import CHECKS, check_text
from analysis.describing import Units, describe
from analysis.describing_text import finding_lines
from analysis.description import Description, Finding
from analysis.store import Filter
from asr_core.audio import load_audio
from asr_core.manifest import read_manifest, write_manifest

SPOKEN = Path("assets/validation/spoken/manifest.jsonl")
RATE = 16_000


def findings(done: Description) -> dict[str, Finding]:
    return {finding.check: finding for finding in done.findings}


def ids(done: Description, check: str) -> set[str]:
    """The recordings that a finding's condition leads to; as many as it counts."""
    finding = findings(done)[check]
    rows = done.store.view(Filter(where=finding.where)).ask("SELECT utterance_id FROM matched")
    assert len(rows) == finding.count
    return {row["utterance_id"] for row in rows}


def texts(folder: Path, **splits: list[str | dict]) -> Description:
    """Splits of rows without sound; a row is a text or fields, and its id is split and number."""
    for split, rows in splits.items():
        records = [
            {"audio_filepath": f"{split}{i}.wav", "text": row}
            if isinstance(row, str)
            else {"audio_filepath": f"{split}{i}.wav"} | row
            for i, row in enumerate(rows)
        ]
        write_manifest(folder / f"{split}.jsonl", records)
    return describe([folder / f"{s}.jsonl" for s in splits], folder / "out", sound=False)


@pytest.mark.parametrize(
    ("check", "bad", "good"),
    [
        ("invisible_characters", "one\u200btwo", "क्\u200dष"),  # a joiner is part of the letter
        ("invisible_characters", "na\ufffdve", "naïve"),
        ("mixed_scripts", "сar with a Cyrillic es", "car и кот"),
        ("not_composed", "cafe\u0301", "café"),
        ("html", "rock &amp; roll", "rock & roll"),
        ("html", "a <b>bold</b> word", "a < b > c"),
        ("annotations", "well [noise] yes", "well yes"),
        ("annotations", "<unk> said so", "she said so"),
        ("digits", "flight 21", "flight twenty-one"),
        ("no_letters", "?!", "oh?!"),
        ("odd_spaces", "two  spaces", "two spaces"),
        ("odd_spaces", "end ", "end"),
        ("long_words", "x" * 30, "x" * 29),
        ("empty_text", " ", "yes"),
    ],
)
def test_texts(check: str, bad: str, good: str, tmp_path: Path) -> None:
    done = texts(tmp_path, train=[good, bad])
    assert ids(done, check) == {"train1"}


def test_texts_of_the_bundled_set_are_clean(tmp_path: Path) -> None:
    done = describe([SPOKEN], tmp_path / "out", sound=False)
    assert {f.check for f in done.findings if f.verdict != "ok"} == set()


def test_capitals_are_told_where_most_have_none(tmp_path: Path) -> None:
    done = texts(tmp_path, train=["small"] * 19 + ["BIG"])
    assert ids(done, "case_style") == {"train19"}
    done = texts(tmp_path, train=["small"] * 10 + ["BIG"] * 10)
    assert findings(done)["case_style"].verdict == "ok"


def test_what_splits_share_and_lack(tmp_path: Path) -> None:
    done = texts(
        tmp_path,
        train=[
            {"text": "good morning to you", "speaker": "ann"},
            {"text": "no", "speaker": "ben"},
        ],
        test=[
            {"text": "Good morning, to you!", "speaker": "ann"},
            {"text": "no", "speaker": "eve"},
            {"text": "a quiz", "speaker": "eve"},
        ],
    )
    assert ids(done, "speakers_shared") == {"test0"}
    assert findings(done)["speakers_shared"].facts == {"splits": "test 1/2"}
    assert ids(done, "texts_shared") == {"test0"}  # "no" is too short to be remembered
    assert ids(done, "symbols_unseen") == {"test2"}
    assert findings(done)["symbols_unseen"].facts["symbols"] == "a, q, z"
    assert ids(done, "words_unseen") == {"test2"}


def test_a_set_without_speakers_says_so(tmp_path: Path) -> None:
    done = texts(tmp_path, train=["one"], test=["one"])
    assert findings(done)["speakers_unknown"].verdict == "warning"
    assert "speakers_shared" not in findings(done)
    assert "words_unseen" not in findings(texts(tmp_path, train=["one"]))  # nothing is held out


def test_what_makes_up_most(tmp_path: Path) -> None:
    rows = [{"text": f"word{i}", "speaker": "ann" if i % 3 else "ben"} for i in range(30)]
    done = texts(tmp_path, train=rows)
    assert findings(done)["speaker_dominates"].count == 20
    assert findings(done)["text_dominates"].verdict == "ok"


def test_names_of_manifest_fields_confuse_no_question(tmp_path: Path) -> None:
    names = ["n", "m", "s", "d", "style", "name", "rate", "total", "kinds", "hit", "whole", "word"]
    row = dict.fromkeys(names, 7) | {"text": "one two three", "speaker": "ann"}
    done = texts(tmp_path, train=[row] * 3, test=[row])
    assert ids(done, "texts_shared") == {"test0"}


def test_rows_left_out_and_files_listed_twice(tmp_path: Path) -> None:
    row = {"audio_filepath": "a.wav", "text": "one", "duration": 1.0}
    write_manifest(tmp_path / "m.jsonl", [row, row | {"text": "two"}, {"text": "no file"}])
    done = describe([tmp_path / "m.jsonl"], tmp_path / "out", sound=False)
    assert findings(done)["skipped_rows"].count == 1
    assert ids(done, "listed_twice") == {"a", "a-2"}
    assert findings(done)["listed_twice"].examples == [["a", "a-2"]]


def test_unusual_lengths_are_those_of_as_many_words(tmp_path: Path) -> None:
    usual = [{"text": "one", "duration": 1 + i / 100} for i in range(30)]
    long = [{"text": "one two three four five six", "duration": 6.0}] * 2
    wrong = [{"text": "one", "duration": 12.0}, {"text": "one", "duration": 0.05}]
    done = texts(tmp_path, train=usual + long + wrong)
    assert ids(done, "unusual_length") == {"train32", "train33"}
    assert ids(done, "very_short") == {"train33"}


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Description:
    """Good recordings of the bundled set, and others spoilt in one way each, called after it."""
    folder = tmp_path_factory.mktemp("heard")
    chosen = [row for row in read_manifest(SPOKEN).rows if row.fields["noise"] == "none"][:8]
    rows = []

    def add(name: str, samples: np.ndarray, text: str, **fields: object) -> None:
        file = f"{name}.wav"
        soundfile.write(folder / file, samples, RATE, subtype="FLOAT")
        rows.append({"audio_filepath": file, "text": text} | fields)

    for i, row in enumerate(chosen):
        add(f"good{i}", load_audio(row.audio_path, RATE).samples, row.text)
    samples, text = load_audio(chosen[0].audio_path, RATE).samples, chosen[0].text
    loud = samples / np.abs(samples).max()
    noise = np.random.default_rng(3).standard_normal(len(samples))
    add("clipped", np.clip(4 * loud, -1, 1), text)
    add("silent", 1e-5 * loud, text)
    add("quiet", 0.01 * loud, text)
    add("noisy", loud / 2 + 0.5 * np.sqrt((loud**2).mean()) * noise, text)
    add("dc_offset", 0.5 * loud + 0.02, text)
    add("too_fast", samples, " ".join([text] * 6))
    add("declared_duration", samples, text, duration=9.0)
    soundfile.write(folder / "stereo.wav", np.stack([loud, loud / 2], 1), RATE)
    rows.append({"audio_filepath": "stereo.wav", "text": text})
    rows.append({"audio_filepath": "missing.wav", "text": text})
    write_manifest(folder / "train.jsonl", rows)
    return describe([folder / "train.jsonl"], folder / "out", workers=1)


@pytest.mark.parametrize(
    "check",
    ["clipped", "silent", "quiet", "noisy", "dc_offset", "too_fast", "declared_duration"],
)
def test_spoilt_sound_is_found_and_good_sound_is_not(check: str, heard: Description) -> None:
    assert ids(heard, check) == {check}


def test_files_and_channels(heard: Description) -> None:
    assert ids(heard, "unreadable") == {"missing"}
    assert findings(heard)["unreadable"].facts == {"missing": 1}
    assert ids(heard, "several_channels") == {"stereo"}
    lines = "\n".join(finding_lines(findings(heard)["unreadable"]))
    assert "1 recordings cannot be read; 1 of them" in lines


def test_every_check_has_its_text(tmp_path: Path) -> None:
    row = {"audio_filepath": str(next(iter(read_manifest(SPOKEN).rows)).audio_path.resolve())}
    rows = [row | {"text": "one", "speaker": "ann", "duration": 1.0}]
    for split in ("train", "test"):
        write_manifest(tmp_path / f"{split}.jsonl", rows)
    splits = [tmp_path / "train.jsonl", tmp_path / "test.jsonl"]
    units = Units(spell=lambda _: [])  # as of a model that knows no word of it
    done = describe(splits, tmp_path / "out", units=units, workers=1)
    assert set(findings(done)) == set(CHECKS) - {"speakers_unknown"}
    for finding in done.findings:
        title, what, advice = check_text(finding.check, finding.count, finding.facts)
        assert title
        assert bool(what) == bool(advice) == (finding.verdict != "ok")
        assert "{" not in what
    assert findings(done)["unknown_to_model"].count == 2
    assert findings(done)["duplicates_in_train"].count == 2


def test_strict_exits_with_2_on_errors(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "analysis", "describe", "--no-sound", "--strict"]
    for text, code in (("fine", 0), ("?!", 2)):
        manifest = tmp_path / f"{code}.jsonl"
        write_manifest(manifest, [{"audio_filepath": "a.wav", "text": text}])
        out = str(tmp_path / f"out{code}")
        done = subprocess.run(
            [*command, str(manifest), "--out", out], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert ("no_letters" in done.stderr) == (code == 2)
        assert json.loads((Path(out) / "findings.json").read_text())
