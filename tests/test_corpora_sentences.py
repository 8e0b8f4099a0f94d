import itertools
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_core.manifest import ManifestError, read_manifest
from asr_core.text import Alphabet
from asr_core.training.corpora import download, sentences
from asr_core.training.corpora.clips import draw
from asr_core.training.corpora.speechocean import CORPUS
from asr_core.training.corpora.spoken import SPEECH_COMMANDS, TRAIN_SHARE
from asr_core.training.recipe import load_recipe
from tests.corpora_splits import Splits, read_splits

READINGS = ("MARK ISN'T GOING", "TWO SIX FOUR", "CALL 999")  # the last one is no text of ours
TRAIN, TEST = range(1, 7), range(11, 41)
WORD_SPEAKERS = [f"{n:08x}" for n in range(20)]


def write_corpus(folder: Path, test: range = TEST, ending: str = ".opus") -> Path:
    """A miniature in the official layout: every speaker reads all READINGS."""
    sound = np.sin(np.arange(4800) / 10) / 3
    for part, speakers in (("train", TRAIN), ("test", test)):
        tables: dict[str, list[str]] = {n: [] for n in ("wav.scp", "text", "utt2spk")}
        for number in speakers:
            for index, text in enumerate(READINGS):
                utterance = f"{number:04}{index:05}"
                location = f"WAVE/SPEAKER{number:04}/{utterance}{ending}"
                path = folder / CORPUS / location
                path.parent.mkdir(parents=True, exist_ok=True)
                kind = {"format": "OGG", "subtype": "OPUS"} if ending == ".opus" else {}
                soundfile.write(path, sound, 16000, **kind)
                tables["wav.scp"].append(f"{utterance}\t{location}")
                tables["text"].append(f"{utterance}\t{text}")
                tables["utt2spk"].append(f"{utterance} {number:04}")
        tables["spk2age"] = [f"{number:04}\t{number + 5}" for number in speakers if number != 1]
        tables["spk2gender"] = [f"{number:04}\tf" for number in speakers]
        (folder / CORPUS / part).mkdir(parents=True, exist_ok=True)
        for name, lines in tables.items():
            (folder / CORPUS / part / name).write_text("\n".join(lines) + "\n")
    for word in ("bird", "go"):
        (folder / SPEECH_COMMANDS / word).mkdir(parents=True, exist_ok=True)
        for speaker in WORD_SPEAKERS:
            path = folder / SPEECH_COMMANDS / word / f"{speaker}_nohash_0.wav"
            soundfile.write(path, sound, 16000)
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def out(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    sentences.prepare(folder, source=source, seed=1)
    return folder


@pytest.fixture(scope="module")
def splits(out: Path) -> Splits:
    return read_splits(out, sentences.SPLITS)


def readings_of(splits: Splits) -> Splits:
    """Without the words of Speech Commands."""
    return {
        name: [row for row in rows if row["corpus"] == "speechocean762"]
        for name, rows in splits.items()
    }


def speakers_of(splits: Splits) -> dict[str, set[str]]:
    read = readings_of(splits)
    return {name: {row["speaker"] for row in rows} for name, rows in read.items()}


def test_words_are_the_training_speakers_of_the_other_corpus(splits):
    words = [row for row in splits["train"] if row["corpus"] == "speech_commands"]
    trained = [s for s in WORD_SPEAKERS if draw(1, f"sc-{s}") < TRAIN_SHARE]
    assert 3 <= len(trained) < len(WORD_SPEAKERS)
    assert sorted((row["speaker"], row["text"], row["kind"]) for row in words) == sorted(
        (f"sc-{speaker}", word, "word") for speaker in trained for word in ("bird", "go")
    )
    assert all(row["corpus"] == "speechocean762" for row in splits["validation"] + splits["test"])


def test_no_speaker_is_in_two_splits_and_none_is_lost(splits):
    speakers = speakers_of(splits)
    assert speakers["train"] == {f"so-{n:04}" for n in TRAIN}
    assert speakers["validation"] | speakers["test"] == {f"so-{n:04}" for n in TEST}
    assert not speakers["validation"] & speakers["test"]
    assert 3 <= len(speakers["validation"]) < len(speakers["test"])


def test_rows_say_what_is_known(out, splits):
    rows = readings_of(splits)["train"]
    assert {row["text"] for row in rows} == {"mark isn't going", "two six four"}
    assert {(row["kind"], row["native_language"], row["gender"]) for row in rows} == {
        ("utterance", "Mandarin", "f")
    }
    assert {row["speaker"]: row["age"] for row in rows} == {
        "so-0001": None,
        **{f"so-{n:04}": n + 5 for n in TRAIN if n != 1},
    }
    manifest = read_manifest(out / "train.jsonl")
    assert manifest.skipped == []
    assert {row.duration_s for row in manifest.rows} == {0.3}
    assert all(row.audio_path.is_file() for row in manifest.rows)


def test_what_has_no_letters_for_it_is_listed_not_lost(out, splits):
    skipped = [json.loads(line) for line in (out / "skipped.jsonl").read_text().splitlines()]
    assert len(skipped) == len(TRAIN) + len(TEST)
    assert all("'9'" in row["reason"] for row in skipped)
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["corpus"], summary["skipped"]) == ("sentences", len(skipped))
    n_words = len(splits["train"]) - len(readings_of(splits)["train"])
    assert summary["manifests"]["train"]["utterances"] == 2 * len(TRAIN) + n_words


def test_speakers_left_out_move_nobody(splits, tmp_path):
    fewer = write_corpus(tmp_path / "fewer", test=range(15, 41))
    sentences.prepare(tmp_path / "out", source=fewer, seed=1)
    left_out = {f"so-{n:04}" for n in range(11, 15)}
    ours, theirs = speakers_of(splits), speakers_of(read_splits(tmp_path / "out", sentences.SPLITS))
    assert theirs == {name: speakers - left_out for name, speakers in ours.items()}


def test_another_seed_moves_speakers_of_the_test_only(source, splits, tmp_path):
    sentences.prepare(tmp_path, source=source, seed=2)
    ours, theirs = speakers_of(splits), speakers_of(read_splits(tmp_path, sentences.SPLITS))
    assert ours["train"] == theirs["train"]
    assert ours["validation"] != theirs["validation"]


def test_a_missing_corpus_says_where_it_was_expected(tmp_path):
    with pytest.raises(
        ManifestError, match=f"No folder {tmp_path}.*contains {CORPUS} and {SPEECH_COMMANDS}"
    ):
        sentences.prepare(tmp_path / "out", source=tmp_path)


def test_without_a_source_the_original_is_downloaded(tmp_path, monkeypatch):
    source = write_corpus(tmp_path / "official", ending=".WAV")

    def serve(url: str, target: Path, *, sha256: str | None, size: int | None) -> None:
        assert url.startswith("https://")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(target, "w:gz") as archive:
            if "speech_commands" in url:
                archive.add(source / SPEECH_COMMANDS, arcname=".")
            else:
                archive.add(source / CORPUS, arcname=CORPUS)

    monkeypatch.setattr(download, "fetch", serve)
    sentences.prepare(tmp_path / "out")
    assert len(readings_of(read_splits(tmp_path / "out", sentences.SPLITS))["train"]) == 2 * len(
        TRAIN
    )


def test_the_recipes_alphabet_spells_every_text():
    alphabet = load_recipe("sentences").alphabet
    assert "".join(alphabet.symbols) == sentences.CHARACTERS
    assert alphabet.decode(alphabet.encode("that's a yes")) == "that's a yes"


def test_the_recipe_is_under_4_mb():
    from asr_core.checkpoint import Contract, build_model, weights_bytes

    recipe = load_recipe("sentences")
    contract = Contract(
        name="x", features=recipe.features, alphabet=recipe.alphabet, model=recipe.model
    )
    assert len(weights_bytes(build_model(contract))) < 4_000_000


def n_frames_needed(text: str, alphabet: Alphabet) -> int:
    ids = alphabet.encode(text)
    return len(ids) + sum(a == b for a, b in itertools.pairwise(ids))


@pytest.mark.corpora
def test_real_corpus(corpora, tmp_path):
    sentences.prepare(tmp_path, source=corpora)
    assert (tmp_path / "skipped.jsonl").read_text() == ""
    splits = read_splits(tmp_path, sentences.SPLITS)
    speakers = speakers_of(splits)
    read = readings_of(splits)
    assert [len(read[name]) for name in sentences.SPLITS] == [2500, 500, 1380]
    assert len(splits["train"]) == 2500 + 2584  # words of Speech Commands
    assert [len(speakers[name]) for name in sentences.SPLITS] == [125, 25, 69]
    # CTC needs T >= L + repeats, also where augmentation speeds a recording up.
    recipe = load_recipe("sentences")
    frame_s = recipe.features.hop_s * recipe.model.prologue.stride
    fastest = recipe.augment.speed[1]
    short = [
        row
        for rows in splits.values()
        for row in rows
        if row["duration"] / fastest / frame_s < n_frames_needed(row["text"], recipe.alphabet)
    ]
    assert short == []
