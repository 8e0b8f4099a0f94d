"""From data of one's own to manifests, a recipe, a model and an evaluation."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis.__main__ import app as analysis_app
from analysis.evaluation import Evaluation
from asr_core.__main__ import app
from asr_core.manifest import ManifestError, read_manifest
from asr_core.text import normalise
from asr_core.training.layouts.found import SPLITS, Found, Reject
from asr_core.training.own_data import Preparation, Prepared, prepare
from asr_core.training.recipe import load_recipe
from tests.audio_files import convert, needs_ffmpeg
from tests.small_layouts import (
    RATE,
    record,
    write,
    write_common_voice,
    write_kaldi,
    write_librispeech,
    write_voices,
)

EXAMPLES = Path(__file__).parent.parent / "assets" / "examples"
SPEAKERS = ("ann", "bob", "cyd", "dan", "eve", "fay")


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, ["prepare", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def rows(out: Path) -> dict[str, list[dict]]:
    """What the three manifests say, by split."""
    return {
        split: [json.loads(line) for line in (out / f"{split}.jsonl").read_text().splitlines()]
        for split in SPLITS
    }


def voices(folder: Path) -> Path:
    """Six speakers, each `yes.` and `no.` three times."""
    texts = {f"{s}/{w}{i}": f"{w.title()}." for s in SPEAKERS for w in ("yes", "no") for i in "123"}
    return write_voices(folder, texts)


def test_a_folder_of_voices_becomes_all_that_training_wants(tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = voices(tmp_path / "in")
    (folder / "ann" / "yes1.wav").write_bytes(b"RIFF, but no sound")
    write(folder / "ann" / "yes2.txt", " ... ")
    record(folder / "ann" / "quiet.wav")
    told = run("folder", folder, "--out", out)
    made = rows(out)
    assert {split: len(each) for split, each in made.items()} == {
        "train": 24,
        "validation": 6,
        "test": 4,  # ann's, the fewest: a speaker of six is more than a tenth
    }
    people = [{row["speaker"] for row in each} for each in made.values()]
    assert not people[0] & people[1] | people[1] & people[2] | people[0] & people[2]
    row = made["test"][0]
    assert row["text"] == normalise(row["text_raw"])
    assert row["text_raw"] in ("Yes.", "No.")
    assert row["duration"] == pytest.approx(0.3)
    assert row["kind"] == "word"
    assert Path(row["audio_filepath"]).is_file()
    skipped = read_skipped(out)
    assert {Path(name).name: reason for name, reason in skipped.items()}.keys() == {
        "yes1.wav",
        "yes2.wav",
        "quiet.wav",
    }
    assert "got only '...'" in skipped[str(folder / "ann" / "yes2.wav")]
    assert json.loads((out / "summary.json").read_text())["skipped"] == 3
    assert load_recipe(out / "recipe.yaml").alphabet.symbols == ("no", "yes")
    assert "train           24 recordings, 0.002 h, 4 speakers" in told
    assert re.search(r"left out +3 recordings: 1 of: ", told)
    assert f"python -m asr_core train {out}/recipe.yaml --data {out} --out runs/out" in told


def read_skipped(out: Path) -> dict[str, str]:
    lines = (out / "skipped.jsonl").read_text().splitlines()
    return {row["audio_filepath"]: row["reason"] for row in map(json.loads, lines)}


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    folder = voices(tmp_path / "in")
    for out in ("a/x", "b/x"):
        run("folder", folder, "--out", tmp_path / out, "--seed", "5")
    names = [f"{split}.jsonl" for split in SPLITS] + ["summary.json", "recipe.yaml"]
    for name in names:
        assert (tmp_path / "a/x" / name).read_bytes() == (tmp_path / "b/x" / name).read_bytes()


def test_data_elsewhere_is_split_alike(tmp_path: Path) -> None:
    for place in ("here", "there"):
        texts = {f"{i}": "a b" for i in range(60)}
        run("folder", write_voices(tmp_path / place / "in", texts), "--out", tmp_path / place / "x")
    first, second = (rows(tmp_path / place / "x") for place in ("here", "there"))
    for split in SPLITS:
        names = [[Path(row["audio_filepath"]).name for row in r[split]] for r in (first, second)]
        assert names[0] == names[1]


def test_texts_can_stay_as_they_are(tmp_path: Path) -> None:
    folder = voices(tmp_path / "in")
    run("folder", folder, "--out", tmp_path / "out", "--normalise", "none")
    made = [row for each in rows(tmp_path / "out").values() for row in each]
    assert {row["text"] for row in made} == {"Yes.", "No."}
    assert all("text_raw" not in row for row in made)


def test_who_is_unknown_is_null_not_one_and_the_same(tmp_path: Path) -> None:
    run("folder", write_voices(tmp_path / "in", dict.fromkeys("abcdefgh", "hi")), "--out", tmp_path)
    made = [row for each in rows(tmp_path).values() for row in each]
    assert [row["speaker"] for row in made] == [None] * 8


def test_every_kind_of_recording(tmp_path: Path) -> None:
    for number, ending in enumerate((".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff")):
        record(tmp_path / "in" / f"{number}{ending}", 0.5, rate=16000)
        write(tmp_path / "in" / f"{number}.txt", "hello there")
    run("folder", tmp_path / "in", "--out", tmp_path / "out")
    made = [row for each in rows(tmp_path / "out").values() for row in each]
    assert len(made) == 6
    assert all(row["duration"] == pytest.approx(0.5, abs=0.08) for row in made)  # MP3's frames


@needs_ffmpeg
def test_what_only_ffmpeg_reads_is_measured_by_decoding(tmp_path: Path) -> None:
    record(tmp_path / "a.wav", 1.0, rate=16000)
    convert(tmp_path / "a.wav", tmp_path / "in.m4a")
    write(tmp_path / "t.csv", "path,text", "in.m4a,hello")
    run("csv", tmp_path / "t.csv", "--out", tmp_path / "out")
    assert rows(tmp_path / "out")["train"][0]["duration"] == pytest.approx(1.0, abs=0.1)
    assert load_recipe(tmp_path / "out" / "recipe.yaml").features.sample_rate == 16000


def test_kaldi_segments_are_cut_and_relative_to_the_manifest(tmp_path: Path) -> None:
    data = write_kaldi(tmp_path)
    run("kaldi", data, "--out", tmp_path / "out")
    made = {row["audio_filepath"]: row for each in rows(tmp_path / "out").values() for row in each}
    assert len(made) == 4
    (first,) = (row for name, row in made.items() if "train-ann-1" in name)
    assert first["audio_filepath"].startswith("clips/train_train-ann-1")
    assert first["duration"] == 0.75
    assert (first["text"], first["gender"], first["age"]) == ("say it 1", "f", 31)
    for row in read_manifest(tmp_path / "out" / "train.jsonl").rows:
        assert row.audio_path.is_file()


@pytest.mark.parametrize(
    ("command", "write_it", "counts"),
    [
        ("commonvoice", write_common_voice, (2, 2, 2)),
        ("librispeech", write_librispeech, (2, 2, 2)),
    ],
)
def test_official_splits_are_kept(
    tmp_path: Path, command: str, write_it: Callable[[Path], Path], counts: tuple[int, ...]
) -> None:
    told = run(command, write_it(tmp_path / "in"), "--out", tmp_path / "out")
    made = rows(tmp_path / "out")
    assert tuple(len(each) for each in made.values()) == counts
    assert "The data's own splits were kept (test, train, validation)." in told
    load_recipe(tmp_path / "out" / "recipe.yaml")


def test_manifests_are_prepared_again_without_loss(tmp_path: Path) -> None:
    run("folder", voices(tmp_path / "in"), "--out", tmp_path / "x")
    files = [tmp_path / "x" / f"{split}.jsonl" for split in SPLITS]
    run("manifest", *files, "--out", tmp_path / "again" / "x")
    assert rows(tmp_path / "x") == rows(tmp_path / "again" / "x")


def test_manifests_are_not_written_over(tmp_path: Path) -> None:
    run("folder", voices(tmp_path / "in"), "--out", tmp_path / "x")
    before = (tmp_path / "x" / "train.jsonl").read_bytes()
    arguments = ["prepare", "manifest", str(tmp_path / "x/train.jsonl"), "--out", f"{tmp_path}/x"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "where it could be written over" in result.output
    assert (tmp_path / "x" / "train.jsonl").read_bytes() == before


@pytest.mark.parametrize("arguments", [["folder", "nowhere"], ["csv", "no.csv"], ["hf", "no/no"]])
def test_errors_are_one_line_and_exit_code_1(
    tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    result = CliRunner().invoke(app, ["prepare", *arguments, "--out", "out"])
    assert result.exit_code == 1
    assert result.output.startswith("error: ")
    assert len(result.output.splitlines()) == 1


def test_nothing_to_train_on_says_what_was_wrong(tmp_path: Path) -> None:
    found = [Reject("a.wav", "too odd"), Found(tmp_path / "b.wav", "hello", "b")]
    with pytest.raises(ManifestError, match=r"a\.wav: too odd; .*b\.wav.*does not exist"):
        prepare(found, tmp_path, Preparation(tmp_path / "out"))


def prepared(folder: Path, texts: list[str], how: str) -> Prepared:
    sound = record(folder / "a.wav")
    found = [Found(sound, text, f"{i}") for i, text in enumerate(["hello", *texts])]
    return prepare(found, folder, Preparation(folder / "out", how, validation=0, test=0))


@pytest.mark.parametrize("how", ["basic", "none"])
@given(texts=st.lists(st.text(), max_size=8))
def test_any_text_comes_back_from_its_manifest(
    tmp_path_factory: pytest.TempPathFactory, how: str, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    made = prepared(folder, texts, how)
    expected = [normalise(text) if how == "basic" else text.strip() for text in ["hello", *texts]]
    kept = [text for text in expected if text]
    read = read_manifest(folder / "out" / "train.jsonl")
    assert [row.text for row in read.rows] == kept
    assert not read.skipped
    assert len(made.skipped) == len(expected) - len(kept)
    raw = [row.fields.get("text_raw", row.text) for row in read.rows]
    assert raw == [t.strip() for t, e in zip(["hello", *texts], expected, strict=True) if e]


def test_five_commands_from_a_folder_to_an_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tiny epoch of the recipe as written, and the commands as `prepare` prints them."""
    monkeypatch.chdir(tmp_path)
    hertz = {"yes": 500.0, "no": 1500.0}
    for speaker in SPEAKERS:
        for word, tone in hertz.items():
            for take in "12":
                record(Path("in") / speaker / f"{word}{take}.wav", 0.4, RATE, tone)
                write(Path("in") / speaker / f"{word}{take}.txt", word)
    told = run("folder", "in", "--out", "data/mine")
    train, judge, browse = (shlex.split(line) for line in told.splitlines()[-3:])
    small = ["training.epochs=1", "training.batches=2", "training.batch_size=2"]
    small += ["training.workers=0", "model.blocks=[{channels: 8, kernel: 7}]", "model.gru_hidden=8"]
    options = [part for setting in small for part in ("--set", setting)]
    result = CliRunner().invoke(app, [*train[3:], *options, "--accelerator", "cpu"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(analysis_app, judge[3:])
    assert result.exit_code == 0, result.output
    evaluation = Evaluation.open(browse[-1])
    assert len(evaluation.utterances) == 4
    assert set(evaluation.utterances["text"]) == {"yes", "no"}
