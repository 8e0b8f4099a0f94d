import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from asr_core.manifest import ManifestError, read_manifest
from asr_core.training.corpora import download, spoken
from asr_core.training.corpora.download import Original
from tests.corpora_splits import Splits, read_splits

REAL = Path(
    os.environ.get("MISHEARD_CORPORA") or Path(__file__).parents[1].parent / "shared" / "corpora"
)
SEED = 1
SPEAKERS = [f"{n:08x}" for n in range(24)]  # of the fake Speech Commands


def write_clip(path: Path, seconds: float = 0.3, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    sound = 0.3 * np.sin(2 * np.pi * 440 * time) * (np.abs(time - seconds / 2) < seconds / 4)
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format="WAV")
    path.write_bytes(file.getvalue())


def write_fsdd(folder: Path) -> None:
    for speaker in ("jackson", "theo"):
        for index in (0, 4, 5, 9):
            for digit in (3, 7):
                write_clip(folder / "recordings" / f"{digit}_{speaker}_{index}.wav")


def write_speech_commands(folder: Path) -> None:
    for speaker in SPEAKERS:
        write_clip(folder / "yes" / f"{speaker}_nohash_0.wav")
        write_clip(folder / "stop" / f"{speaker}_nohash_1.wav")
        write_clip(folder / "_unknown_" / f"nine_{speaker}_nohash_0.wav")
        write_clip(folder / "_unknown_" / f"marvin_{speaker}_nohash_0.wav")
    for number in range(12):
        write_clip(folder / "_silence_" / f"{number}.wav")
    write_clip(folder / "_background_noise_" / "running_tap.wav", seconds=2)
    (folder / "LICENSE").write_text("CC BY 4.0")


def write_speechocean(folder: Path) -> None:
    readings = ("TWO SIX FOUR", "MARK IS GOING", "YES", "TWO DOGS")
    for part, speakers in (("train", range(1, 9)), ("test", range(11, 14))):
        tables: dict[str, list[str]] = {name: [] for name in ("wav.scp", "text", "utt2spk")}
        for number in speakers:
            for index, text in enumerate(readings):
                utterance, location = f"{number:04}{index:05}", f"WAVE/SPEAKER{number:04}"
                write_clip(folder / location / f"{utterance}.WAV", rate=16000)
                tables["wav.scp"].append(f"{utterance}\t{location}/{utterance}.WAV")
                tables["text"].append(f"{utterance}\t{text}")
                tables["utt2spk"].append(f"{utterance} {number:04}")
        tables["spk2age"] = [f"{number:04}\t{number + 5}" for number in speakers]
        tables["spk2gender"] = [f"{number:04}\tf" for number in speakers]
        for name, lines in tables.items():
            path = folder / part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")


def write_corpora(folder: Path) -> Path:
    write_fsdd(folder / spoken.FSDD)
    write_speech_commands(folder / spoken.SPEECH_COMMANDS)
    write_speechocean(folder / spoken.SPEECHOCEAN)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpora(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="module")
def out(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    spoken.prepare(folder, source=source, seed=SEED)
    return folder


@pytest.fixture(scope="module")
def splits(out: Path) -> Splits:
    return read_splits(out, spoken.SPLITS)


def assert_no_speaker_crosses(splits: Splits) -> None:
    official = ("test_fsdd_official", "test_fsdd_joined")  # share speakers by FSDD's definition
    homes: dict[str, set[str]] = {}
    for name, records in splits.items():
        if name not in official:
            for record in records:
                homes.setdefault(record["speaker"], set()).add(name.removesuffix("_joined"))
    homes.pop("", None)
    assert {speaker: names for speaker, names in homes.items() if len(names) > 1} == {}


def of(splits: Splits, name: str, corpus: str) -> list[dict[str, Any]]:
    return [record for record in splits[name] if record["corpus"] == corpus]


def test_no_speaker_crosses_splits(splits):
    assert_no_speaker_crosses(splits)


def test_fsdd_indices_decide(splits):
    indices = {name: set[int]() for name in ("train", "test_fsdd_official")}
    for name, seen in indices.items():
        for record in of(splits, name, "fsdd"):
            digit, speaker, index = Path(record["audio_filepath"]).stem.split("_")
            seen.add(int(index))
            assert record["text"] == spoken.DIGITS[int(digit)]
            assert record["speaker"] == f"fsdd-{speaker}"
    assert indices == {"train": {5, 9}, "test_fsdd_official": {0, 4}}


def test_all_clips_of_a_commands_speaker_stay_together(splits):
    used = [
        (name, record["speaker"], record["text"])
        for name in ("train", "validation", "test_commands")
        for record in of(splits, name, "speech_commands")
        if record["kind"] == "word"
    ]
    homes = {speaker: name for name, speaker, _ in used}
    assert set(homes) == {f"sc-{speaker}" for speaker in SPEAKERS}
    for speaker, home in homes.items():
        own = sorted(text for _, one, text in used if one == speaker)
        other = ["marvin"] if home == "train" else []
        assert own == [*other, "nine", "stop", "yes"]
    assert set(homes.values()) == {"train", "validation", "test_commands"}


def test_speakers_left_out_move_nobody(source, out, tmp_path):
    fewer = tmp_path / "fewer"
    write_corpora(fewer)
    for path in (fewer / spoken.SPEECH_COMMANDS).rglob(f"*{SPEAKERS[0]}*"):
        path.unlink()
    spoken.prepare(tmp_path / "out", source=fewer, seed=SEED)
    homes = [
        {r["speaker"]: name for name in spoken.SPLITS for r in of(s, name, "speech_commands")}
        for s in (read_splits(out, spoken.SPLITS), read_splits(tmp_path / "out", spoken.SPLITS))
    ]
    homes[0].pop(f"sc-{SPEAKERS[0]}")
    joined = {name: name.removesuffix("_joined") for name in spoken.SPLITS}
    assert {s: joined[n] for s, n in homes[0].items()} == {
        s: joined[n] for s, n in homes[1].items()
    }


def test_speechocean_string_speakers_go_to_validation_with_all_they_read(splits):
    validation = of(splits, "validation", "speechocean762")
    speakers = {record["speaker"] for record in validation}
    assert len(speakers) == spoken.STRING_VALIDATION_SPEAKERS
    assert {(r["text"], r["kind"]) for r in validation} == {
        ("two six four", "string"),
        ("yes", "word"),
    }
    train = of(splits, "train", "speechocean762")
    assert {(r["text"], r["kind"]) for r in train} == {
        ("two six four", "string"),
        ("mark is going", "sentence"),
        ("yes", "word"),
        ("two dogs", "sentence"),
    }
    assert {r["age"] for r in train + validation} == set(range(6, 14))
    assert {r["gender"] for r in train + validation} == {"f"}


def test_digit_strings_are_the_test_speakers_strings(splits):
    test = splits["test_digit_strings"]
    assert {(r["speaker"], r["text"]) for r in test} == {
        (f"so-{number:04}", "two six four") for number in (11, 12, 13)
    }


def test_everything_but_train_stays_within_the_vocabulary(splits):
    texts = [r["text"] for name in spoken.SPLITS if name != "train" for r in splits[name]]
    assert {word for text in texts for word in text.split()} <= set(spoken.WORDS)


def test_noise_has_no_text_and_no_speaker(splits):
    noise = [r for name in ("train", "test_silence") for r in splits[name] if r["kind"] == "noise"]
    assert {(r["text"], r["speaker"]) for r in noise} == {("", "")}
    assert len(noise) == 13
    assert all(r["kind"] == "noise" for r in splits["test_silence"])
    assert 0 < len(splits["test_silence"]) < 12
    assert [r for r in splits["train"] if "_background_noise_" in r["audio_filepath"]]


@pytest.mark.parametrize("name", spoken.JOINED_FROM.values())
def test_joined_strings_are_one_speakers_words_in_order(out, splits, name):
    strings = [r for r in splits[name] if "word_times" in r]
    assert len(strings) == spoken.JOINED_STRINGS
    for record in strings:
        info = soundfile.info(out / record["audio_filepath"])
        assert (info.format, info.subtype, info.samplerate) == ("FLAC", "PCM_16", 8000)
        assert info.duration == pytest.approx(record["duration"], abs=1e-6)  # rounded to 1e-6
        words, starts, ends = zip(*record["word_times"], strict=True)
        assert " ".join(words) == record["text"]
        assert 2 <= len(words) <= 8
        edges = [time for span in zip(starts, ends, strict=True) for time in span]
        assert edges == sorted(edges)
        assert 0 <= edges[0] < edges[-1] <= record["duration"]


def test_every_row_is_readable_and_its_duration_true(out):
    for name in spoken.SPLITS:
        manifest = read_manifest(out / f"{name}.jsonl")
        assert manifest.skipped == []
        for row in manifest.rows[:50]:
            assert soundfile.info(row.audio_path).duration == pytest.approx(
                row.duration_s, abs=1e-6
            )


def test_same_seed_same_bytes_and_fingerprints_anywhere(out, tmp_path):
    elsewhere = write_corpora(tmp_path / "elsewhere")
    spoken.prepare(tmp_path / "again", source=elsewhere, seed=SEED)
    assert (tmp_path / "again/summary.json").read_text() == (out / "summary.json").read_text()
    for path in sorted((out / "joined").rglob("*.flac"))[::40]:
        again = tmp_path / "again" / path.relative_to(out)
        assert again.read_bytes() == path.read_bytes()


def test_another_seed_moves_speakers(source, out, tmp_path):
    spoken.prepare(tmp_path, source=source, seed=SEED + 1)
    ours, other = (json.loads((p / "summary.json").read_text()) for p in (out, tmp_path))
    assert ours["manifests"]["train"]["sha256"] != other["manifests"]["train"]["sha256"]


def test_summary_counts_what_the_manifests_hold(out, splits):
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["seed"], summary["skipped"]) == (SEED, 0)
    for name, records in splits.items():
        told = summary["manifests"][name]
        assert told["utterances"] == len(records)
        assert told["words"] == sum(len(r["text"].split()) for r in records)
        assert told["speakers"] == len({r["speaker"] for r in records} - {""})
        assert told["hours"] == pytest.approx(sum(r["duration"] for r in records) / 3600, abs=1e-4)


def test_opus_names_are_read_like_wav(tmp_path):
    folder = tmp_path / spoken.SPEECH_COMMANDS
    for name in ("_unknown_/marvin_0000000a_nohash_0.wav.opus", "yes/0000000a_nohash_0.opus"):
        write_clip(folder / name)
    assigned = list(spoken.speech_commands(folder, _seed_with_train("sc-0000000a")))
    assert [(split, clip.text) for split, clip in assigned] == [
        ("train", "marvin"),
        ("train", "yes"),
    ]


def _seed_with_train(speaker: str) -> int:
    return next(s for s in range(100) if spoken._commands_split(speaker, s) == "train")


def test_bad_clips_are_counted_not_fatal(tmp_path, capsys):
    source = write_corpora(tmp_path / "corpora")
    bad = source / spoken.FSDD / "recordings" / "3_theo_5.wav"
    bad.write_bytes(b"not audio")
    empty = source / spoken.FSDD / "recordings" / "7_theo_5.wav"
    write_clip(empty, seconds=0)
    listed = source / spoken.SPEECHOCEAN / "WAVE" / "SPEAKER0001" / "000100000.WAV"
    listed.unlink()
    spoken.prepare(tmp_path / "out", source=source, seed=SEED)
    skipped = [json.loads(x) for x in (tmp_path / "out/skipped.jsonl").read_text().splitlines()]
    assert {row["audio_filepath"] for row in skipped} == {str(bad), str(empty), str(listed)}
    assert all(row["reason"] for row in skipped)
    assert json.loads((tmp_path / "out/summary.json").read_text())["skipped"] == 3
    assert "3 clips" in capsys.readouterr().err


@pytest.mark.parametrize("folder", [spoken.FSDD, spoken.SPEECH_COMMANDS, spoken.SPEECHOCEAN])
def test_missing_corpus_says_where_it_was_expected(source, tmp_path, folder):
    for name in {spoken.FSDD, spoken.SPEECH_COMMANDS, spoken.SPEECHOCEAN} - {folder}:
        (tmp_path / name).symlink_to(source / name)
    with pytest.raises(ManifestError, match=str(tmp_path / folder)):
        spoken.prepare(tmp_path / "out", source=tmp_path)
    assert not list((tmp_path / "out").glob("*.jsonl"))


def test_missing_kaldi_table_is_named(tmp_path):
    source = write_corpora(tmp_path / "corpora")
    (source / spoken.SPEECHOCEAN / "test" / "text").unlink()
    with pytest.raises(ManifestError, match=r"test/text"):
        spoken.prepare(tmp_path / "out", source=source)


def test_without_a_source_the_originals_are_downloaded_and_read(source, tmp_path, monkeypatch):
    def serve(url: str, target: Path, *, sha256: str | None, size: int | None) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(target, "w:gz") as archive:
            archive.add(source / Path(url).name, arcname=tops[Path(url).name])

    tops = {
        spoken.FSDD: f"{spoken.FSDD}-{spoken.FSDD_COMMIT}",
        spoken.SPEECH_COMMANDS: ".",
        spoken.SPEECHOCEAN: spoken.SPEECHOCEAN,
    }
    originals = [
        Original(o.folder, f"https://example.org/{o.folder}", None, strip_top=o.strip_top)
        for o in spoken.ORIGINALS
    ]
    monkeypatch.setattr(spoken, "ORIGINALS", originals)
    monkeypatch.setattr(download, "fetch", serve)
    spoken.prepare(tmp_path, seed=SEED)
    assert_no_speaker_crosses(read_splits(tmp_path, spoken.SPLITS))
    assert len(read_splits(tmp_path, spoken.SPLITS)["test_fsdd_official"]) == 8


def test_originals_are_pinned_and_https():
    assert [o.folder for o in spoken.ORIGINALS] == [
        spoken.FSDD,
        spoken.SPEECH_COMMANDS,
        spoken.SPEECHOCEAN,
    ]
    assert all(o.url.startswith("https://") for o in spoken.ORIGINALS)
    assert spoken.FSDD_COMMIT in spoken.ORIGINALS[0].url


@pytest.mark.corpora
@pytest.mark.skipif(
    not (REAL / spoken.FSDD).is_dir(), reason=f"no real corpora in {REAL} (set MISHEARD_CORPORA)"
)
def test_real_corpora(tmp_path, monkeypatch):
    monkeypatch.setattr(spoken, "JOINED_STRINGS", 5)
    spoken.prepare(tmp_path, source=REAL)
    splits = read_splits(tmp_path, spoken.SPLITS)
    assert_no_speaker_crosses(splits)
    assert (tmp_path / "skipped.jsonl").read_text() == ""
    assert len(splits["test_fsdd_official"]) == 300
    assert len(of(splits, "train", "fsdd")) == 2700
    commands = {
        name: len({r["speaker"] for r in of(splits, name, "speech_commands")} - {""})
        for name in ("train", "validation", "test_commands")
    }
    assert sum(commands.values()) == 207
    assert 0.5 < commands["train"] / 207 < 0.7
    assert 0.2 < commands["test_commands"] / 207 < 0.36
    for name in ("train", "validation", "test_commands"):
        words = {word for r in splits[name] for word in r["text"].split()}
        assert set(spoken.WORDS) <= words
