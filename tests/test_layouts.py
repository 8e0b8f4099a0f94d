"""Each layout on a miniature of it: what is found, what is refused, and why."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_core.audio import AudioError, load_audio
from asr_core.manifest import ManifestError, write_manifest
from asr_core.training.corpora.kaldi import read_table as read_kaldi_table
from asr_core.training.layouts.excerpts import file_name, read_span, write_excerpts
from asr_core.training.layouts.folder import read_folder
from asr_core.training.layouts.found import Found, Reject, split_named
from asr_core.training.layouts.kaldi import read_kaldi
from asr_core.training.layouts.librispeech import read_librispeech
from asr_core.training.layouts.manifests import read_manifests
from asr_core.training.layouts.tables import read_common_voice, read_csv, with_numbers
from tests.audio_files import convert, needs_ffmpeg
from tests.small_layouts import (
    parted,
    record,
    write,
    write_common_voice,
    write_kaldi,
    write_librispeech,
    write_voices,
)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("train-clean-100", "train"),
        ("Training", "train"),
        ("dev", "validation"),
        ("dev-other", "validation"),
        ("valid", "validation"),
        ("validation", "validation"),
        ("test", "test"),
        ("test.other", "test"),
        ("eval2000", "test"),
        ("devon", None),
        ("trainer", None),
        ("validated", None),
        ("", None),
        ("ann", None),
    ],
)
def test_a_name_that_begins_with_a_split_is_that_split(name: str, split: str | None) -> None:
    assert split_named(name) == split


def test_folder_of_speakers_with_a_text_beside_each(tmp_path: Path) -> None:
    write_voices(tmp_path, {"ann/1": "Yes.", "bob/1": "No!"})
    record(tmp_path / "bob" / "silent.wav")
    found, rejects = parted(read_folder(tmp_path))
    assert {name: (f.text.strip(), f.speaker) for name, f in found.items()} == {
        "ann/1.wav": ("Yes.", "ann"),
        "bob/1.wav": ("No!", "bob"),
    }
    assert list(rejects) == [str(tmp_path / "bob" / "silent.wav")]
    assert "expected silent.txt beside it" in rejects[str(tmp_path / "bob" / "silent.wav")]


def test_folder_of_splits_and_speakers(tmp_path: Path) -> None:
    write_voices(tmp_path, {"train/ann/1": "a", "train/bob/1": "b", "dev/eve/1": "c"})
    found, _ = parted(read_folder(tmp_path))
    assert {n: (f.split, f.speaker) for n, f in found.items()} == {
        "dev/eve/1.wav": ("validation", "eve"),
        "train/ann/1.wav": ("train", "ann"),
        "train/bob/1.wav": ("train", "bob"),
    }


def test_one_sub_folder_is_nobody(tmp_path: Path) -> None:
    write_voices(tmp_path, {"wavs/1": "a", "wavs/2": "b"})
    assert {each.speaker for each in read_folder(tmp_path)} == {""}


def test_ljspeech_takes_the_spelled_out_text(tmp_path: Path) -> None:
    for name in ("LJ001-0001", "LJ001-0002", "LJ001-0003"):
        record(tmp_path / "wavs" / f"{name}.wav")
    write(
        tmp_path / "metadata.csv",
        'LJ001-0001|In 1455, "he"|In fourteen fifty-five, "he"',
        "LJ001-0002|only one|",
        "LJ001-0009|gone|gone",
    )
    found, rejects = parted(read_folder(tmp_path))
    assert {name: each.text for name, each in found.items()} == {
        "wavs/LJ001-0001.wav": 'In fourteen fifty-five, "he"',
        "wavs/LJ001-0002.wav": "only one",
    }
    assert {Path(location).name for location in rejects} == {"LJ001-0003.wav", "LJ001-0009"}


def test_a_list_with_a_header_as_of_audio_folders(tmp_path: Path) -> None:
    record(tmp_path / "train" / "a.opus")
    record(tmp_path / "train" / "b.opus")
    write(tmp_path / "train" / "metadata.csv", "file_name,transcription", 'a.opus,"one, two"')
    found, rejects = parted(read_folder(tmp_path))
    assert [(each.text, each.split) for each in found.values()] == [("one, two", "train")]
    assert len(rejects) == 1


def test_the_same_name_in_two_folders_is_two_recordings(tmp_path: Path) -> None:
    for speaker in ("ann", "bob"):
        record(tmp_path / speaker / "1.wav")
        write(tmp_path / speaker / "x.trans.txt", f"1 SAID BY {speaker.upper()}")
    found, rejects = parted(read_folder(tmp_path))
    assert {name: f.text for name, f in found.items()} == {
        "ann/1.wav": "SAID BY ANN",
        "bob/1.wav": "SAID BY BOB",
    }
    assert not rejects


def test_speech_commands_words_speakers_noise_and_official_lists(tmp_path: Path) -> None:
    for name in ("yes/0123abcd_nohash_0", "yes/0123abce_nohash_1", "turn_left/0123abcd_nohash_0"):
        record(tmp_path / f"{name}.wav")
    record(tmp_path / "_background_noise_" / "tap.wav")
    record(tmp_path / "_unknown_" / "bird_0123abcd_nohash_0.wav")
    write(tmp_path / "validation_list.txt", "yes/0123abce_nohash_1.wav")
    write(tmp_path / "testing_list.txt", "turn_left/0123abcd_nohash_0.wav")
    found, rejects = parted(read_folder(tmp_path, text_from="folder"))
    assert list(rejects.values()) == ["its folder _unknown_ names no word"]
    told = {n: (f.text, f.speaker, f.split, f.is_noise) for n, f in found.items()}
    assert told == {
        "yes/0123abcd_nohash_0.wav": ("yes", "0123abcd", "train", False),
        "yes/0123abce_nohash_1.wav": ("yes", "0123abce", "validation", False),
        "turn_left/0123abcd_nohash_0.wav": ("turn left", "0123abcd", "test", False),
        "_background_noise_/tap.wav": ("", "", "train", True),
    }


def test_speaker_by_a_pattern(tmp_path: Path) -> None:
    write_voices(tmp_path, {"0_ann_0": "zero", "1_bob_0": "one", "noname": "two"})
    found, _ = parted(read_folder(tmp_path, speaker_pattern="_([a-z]+)_"))
    assert [each.speaker for each in found.values()] == ["ann", "bob", ""]
    for wrong in ("_[a-z]+_", "("):
        with pytest.raises(ManifestError, match=r"no group|regular expression"):
            list(read_folder(tmp_path, speaker_pattern=wrong))


def test_folders_that_cannot_be_used_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="No folder"):
        list(read_folder(tmp_path / "nowhere"))
    with pytest.raises(ManifestError, match="No recordings"):
        list(read_folder(tmp_path))
    record(tmp_path / "yes" / "1.wav")
    with pytest.raises(ManifestError, match="--text-from folder"):
        list(read_folder(tmp_path))


def test_a_text_that_is_not_utf8_is_one_rejection(tmp_path: Path) -> None:
    write_voices(tmp_path, {"a": "fine", "b": ""})
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00caf\xe9")
    found, rejects = parted(read_folder(tmp_path))
    assert list(found) == ["a.wav"]
    assert "b.txt cannot be read" in rejects[str(tmp_path / "b.wav")]


@pytest.mark.parametrize(("ending", "delimiter"), [(".csv", ","), (".csv", ";"), (".tsv", "\t")])
def test_tables_with_fields_of_one_kind_a_column(
    tmp_path: Path, ending: str, delimiter: str
) -> None:
    file = tmp_path / f"table{ending}"
    rows = [
        ["path", "sentence", "who", "split", "age", "take"],
        ["a.wav", "One two", "ann", "train", "31", "7"],
        ["b.wav", "Three", "bob", "dev", "7", "7b"],
        ["", "Four", "bob", "dev", "7", "8"],
        ["short"],
    ]
    with file.open("w", newline="") as opened:
        csv.writer(opened, delimiter=delimiter).writerows(rows)
    found, rejects = parted(read_csv(file, speaker_column="who"))
    assert {n: (f.text, f.speaker, f.split, f.fields) for n, f in found.items()} == {
        "a.wav": ("One two", "ann", "train", {"age": 31, "take": "7"}),
        "b.wav": ("Three", "bob", "validation", {"age": 7, "take": "7b"}),
    }
    assert found["a.wav"].path == tmp_path / "a.wav"
    assert rejects[f"{file}:4"] == "no path in its column 'path'"
    assert rejects[f"{file}:5"] == "expected 6 cells as in the header, got 1"


def test_a_table_without_the_columns_lists_those_it_has(tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", "sound,words", "a.wav,one")
    with pytest.raises(ManifestError, match=r"'sound', 'words'.*--audio-column"):
        list(read_csv(file))
    with pytest.raises(ManifestError, match="Expected said"):
        list(read_csv(file, audio_column="sound", text_column="said"))
    assert [f.text for f in read_csv(file, audio_column="sound", text_column="words")] == ["one"]


def test_numbers_are_those_of_a_whole_column() -> None:
    records = [{"a": "1", "b": "1.5", "c": "007", "d": "1"}, {"a": "-2", "b": "2", "d": "x"}]
    assert with_numbers(records) == [
        {"a": 1, "b": 1.5, "c": "007", "d": "1"},
        {"a": -2, "b": 2.0, "d": "x"},
    ]


def test_common_voice_keeps_its_splits_and_fields(tmp_path: Path) -> None:
    found, rejects = parted(read_common_voice(write_common_voice(tmp_path)))
    assert not rejects
    assert [f.split for f in found.values()] == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    one = found["common_voice_en_dev1.mp3"]
    assert one.text == 'He said "yes1".'
    assert one.speaker == "dev1" * 20
    assert one.path == tmp_path / "clips" / "common_voice_en_dev1.mp3"
    assert one.fields == {
        "sentence_id": "s1",
        "up_votes": 3,
        "down_votes": 0,
        "age": "twenties",
        "accents": "Scottish",
        "locale": "en",
    }


def test_common_voice_validated_alone_has_no_splits(tmp_path: Path) -> None:
    write_common_voice(tmp_path, ("validated",))
    for source in (tmp_path, tmp_path / "validated.tsv"):
        assert [each.split for each in read_common_voice(source)] == [None, None]
    with pytest.raises(ManifestError, match="no column client_id, sentence"):
        list(read_common_voice(write(tmp_path / "other.tsv", "path\ttext", "a.mp3\tb")))


@pytest.mark.parametrize("segments", [True, False])
def test_kaldi_with_and_without_segments(tmp_path: Path, segments: bool) -> None:
    found, rejects = parted(read_kaldi(write_kaldi(tmp_path, segments=segments)))
    assert not rejects
    first = found["train/train-ann-1" if segments else "train/train-ann"]
    assert first.path == tmp_path / "wav" / "train-ann.flac"  # found above the data folder
    assert first.speaker == "ann"
    assert first.fields == {"gender": "f", "age": 31, "accent": "us"}
    assert first.group == "train/train-ann"
    assert first.span_s == ((0.5, 1.25) if segments else None)
    assert len(found) == (4 if segments else 2)
    if segments:
        assert found["train/train-bob-2"].span_s == (2.0, None)


def test_kaldi_folders_of_splits(tmp_path: Path) -> None:
    for split in ("train", "dev", "eval"):
        write_kaldi(tmp_path, split)
    found, _ = parted(read_kaldi(tmp_path / "data"))
    assert {f.name.partition("/")[0]: f.split for f in found.values()} == {
        "train": "train",
        "dev": "validation",
        "eval": "test",
    }


def test_kaldi_commands_are_refused_and_never_run(tmp_path: Path) -> None:
    data = write_kaldi(tmp_path, segments=False)
    proof = tmp_path / "it-ran"
    with (data / "wav.scp").open("a") as scp:
        scp.write(f"eve touch {proof}; cat wav/train-ann.flac |\nmute wav/none.flac\n")
    with (data / "text").open("a") as text:
        text.write("eve HELLO\nnobody SPEAKS\n")
    found, rejects = parted(read_kaldi(data))
    assert set(found) == {"train/train-ann", "train/train-bob"}
    assert "the output of a command, which is never run here" in rejects["train/eve"]
    assert rejects["train/mute"] == "not in text"
    assert rejects["train/nobody"] == "in text, but in no segments or wav.scp"
    assert not proof.exists()


def test_kaldi_segments_that_make_no_sense_are_single_rejections(tmp_path: Path) -> None:
    data = write_kaldi(tmp_path)
    with (data / "segments").open("a") as segments:
        segments.write("x train-ann 0.0\ny train-ann one 2\nz gone 0 1\n")
    found, rejects = parted(read_kaldi(data))
    assert len(found) == 4
    assert {name: "segment" in why or "wav.scp" in why for name, why in rejects.items()} == {
        "train/x": True,
        "train/y": True,
        "train/z": True,
    }


def test_kaldi_tables_keep_spaces_inside_a_value(tmp_path: Path) -> None:
    file = write(tmp_path / "wav.scp", "a  my  wavs/a 1.wav ", "b", "")
    assert read_kaldi_table(file) == {"a": "my  wavs/a 1.wav", "b": ""}


def test_librispeech_subsets_speakers_and_genders(tmp_path: Path) -> None:
    write_librispeech(tmp_path)
    chapter = tmp_path / "dev-clean" / "15" / "208"
    (chapter / "15-208-0001.flac").unlink()
    record(chapter / "15-208-0009.flac")
    found, rejects = parted(read_librispeech(tmp_path))
    assert {n.split("/")[0]: f.split for n, f in found.items()} == {
        "train-clean-100": "train",
        "dev-clean": "validation",
        "test-other": "test",
    }
    one = found["train-clean-100/14/208/14-208-0001.flac"]
    assert (one.text, one.speaker) == ("CHAPTER ONEONE", "14")
    assert one.fields == {"gender": "F", "chapter": "208", "subset": "train-clean-100"}
    assert "gender" not in found["test-other/16/208/16-208-0000.flac"].fields
    assert {Path(location).stem for location in rejects} == {"15-208-0001", "15-208-0009"}


def test_one_librispeech_subset_finds_the_speakers_above_it(tmp_path: Path) -> None:
    write_librispeech(tmp_path)
    found, _ = parted(read_librispeech(tmp_path / "train-clean-100"))
    assert {f.fields["gender"] for f in found.values()} == {"F"}
    assert {f.split for f in found.values()} == {"train"}


def test_manifests_keep_fields_and_cut_offsets(tmp_path: Path) -> None:
    rows = [
        {"audio_filepath": "a.wav", "duration": 0.3, "text": "One.", "speaker": 7, "corpus": "x"},
        {"audio_filepath": "/far/b.wav", "duration": 0.5, "offset": 1.5, "text": "Two"},
        {"audio_filepath": "c.wav", "offset": 1.5, "text": "no duration"},
        {"audio_filepath": "c.wav", "offset": "soon", "duration": 1, "text": "no number"},
        {"audio_filepath": "d.wav", "text": "", "kind": "noise", "pred_text": "a"},
        {"audio_filepath": "e.wav"},
    ]
    write_manifest(tmp_path / "dev_all.jsonl", rows)
    found, rejects = parted(read_manifests([tmp_path / "dev_all.jsonl"]))
    a, b, d = found.values()
    assert (a.path, a.speaker, a.fields) == (tmp_path / "a.wav", "7", {"corpus": "x"})
    assert (b.path, b.span_s, b.name) == (Path("/far/b.wav"), (1.5, 2.0), "//far/b.wav-1.5")
    assert d.is_noise
    assert d.fields == {"pred_text": "a"}
    assert {each.split for each in (a, b, d)} == {"validation"}
    assert [int(location.rpartition(":")[2]) for location in rejects] == [3, 4, 6]


def test_excerpts_are_the_samples_between_the_times(tmp_path: Path) -> None:
    samples = (np.arange(16000) / 16000).astype(np.float32)  # each sample says where it was
    soundfile.write(tmp_path / "long.wav", samples, 8000, subtype="FLOAT")
    asked = [
        Found(tmp_path / "long.wav", "", "rec/1", span_s=(0.5, 1.25)),
        Found(tmp_path / "long.wav", "", "rec/2", span_s=(1.9, None)),
        Found(tmp_path / "long.wav", "", "rec/3", span_s=(1.5, 2.4)),
        Found(tmp_path / "long.wav", "", "late", span_s=(1.5, 2.6)),
        Found(tmp_path / "long.wav", "", "back", span_s=(1.5, 1.0)),
        Found(tmp_path / "gone.wav", "", "gone", span_s=(0.0, 1.0)),
        Found(tmp_path / "long.wav", "", "whole"),
    ]
    made = write_excerpts(asked, tmp_path / "clips")
    bounds = [(4000, 10000), (15200, 16000), (12000, 16000)]
    for each, (first, last) in zip(made, bounds, strict=False):
        assert isinstance(each, Found)
        assert each.path.parent == tmp_path / "clips"
        heard = load_audio(each.path)
        assert heard.sample_rate == 8000
        np.testing.assert_allclose(heard.samples, samples[first:last], atol=2**-15)  # 16 bits
    assert ["is not in" in e.reason for e in made[3:5] if isinstance(e, Reject)] == [True, True]
    assert isinstance(made[5], Reject)
    assert "does not exist" in made[5].reason
    assert made[6] == asked[6]


@needs_ffmpeg
def test_excerpts_of_what_only_ffmpeg_reads(tmp_path: Path) -> None:
    record(tmp_path / "a.wav", 2.0, rate=16000)
    convert(tmp_path / "a.wav", tmp_path / "a.m4a")
    assert read_span(tmp_path / "a.m4a", 0.5, 1.0).duration_s == 0.5
    with pytest.raises(AudioError, match="is not in"):
        read_span(tmp_path / "a.m4a", 5.0, 6.0)


def test_file_names_are_safe_and_stay_different() -> None:
    names = ["a", "a/b", "a b", "../../etc/x", "ä-1", "x" * 300, "x" * 301]
    made = [file_name(name) for name in names]
    assert made[0] == "a"
    assert made[4] == "ä-1"
    assert len(set(made)) == len(names)
    assert all("/" not in name and len(name) < 120 for name in made)


def test_stretches_of_one_name_are_files_of_their_own(tmp_path: Path) -> None:
    """Two recordings of one name in two folders, and two stretches from one moment on."""
    level = {"x": 0.25, "y": 0.75}
    for folder, value in level.items():
        path = tmp_path / folder / "a" / "b" / "c.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, np.full(16000, value), 8000)
    asked = [("x", 1.0), ("y", 1.0), ("y", 2.0)]
    manifest = tmp_path / "inner" / "train.jsonl"
    rows = [
        {
            "audio_filepath": f"{tmp_path / folder}/a/b/c.wav",
            "offset": 0,
            "duration": s,
            "text": "a",
        }
        for folder, s in asked
    ]
    write_manifest(manifest, rows)
    found = [each for each in read_manifests([manifest]) if isinstance(each, Found)]
    made = write_excerpts(found, tmp_path / "clips")
    for each, (folder, seconds) in zip(made, asked, strict=True):
        assert isinstance(each, Found)
        heard = load_audio(each.path)
        assert heard.duration_s == seconds
        assert heard.samples[0] == pytest.approx(level[folder], abs=2**-15)


def test_names_that_are_not_utf8_or_long_fit_a_file_system(tmp_path: Path) -> None:
    for name in ("caf\udce9/1", "\U00020000" * 300):
        (tmp_path / f"{file_name(name)}.flac").touch()
