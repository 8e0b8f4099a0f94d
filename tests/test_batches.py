import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from asr_core.manifest import ManifestError, write_manifest
from asr_core.text import Alphabet
from asr_core.training.batches import (
    Batch,
    Clip,
    EpochSampler,
    Item,
    TrainingUtterances,
    UtteranceBatches,
    collate,
    read_clips,
)
from asr_core.training.recipe import Recipe, load_recipe

RATE = 8000


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    spoken = load_recipe("spoken")
    return spoken.model_copy(
        update={"training": spoken.training.model_copy(update={"batch_size": 6})}
    )


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    rng = np.random.default_rng(0)

    def clip(text: str, speaker: str, kind: str, seconds: float) -> Clip:
        return Clip(rng.normal(0, 0.1, round(seconds * RATE)).astype("f4"), text, speaker, kind)

    words = [
        clip(w, f"speaker{i % 3}", "word", 0.4) for i, w in enumerate(("one", "two", "go") * 4)
    ]
    others = [clip("marvin", "speaker0", "word", 0.4)]
    strings = [clip("one two", "speaker3", "string", 1.5)]
    sentences = [clip("please go home", "speaker3", "sentence", 2.0)]
    return words + others + strings + sentences + [clip("", "", "noise", 3.0)]


def same(first: Batch, second: Batch) -> bool:
    assert first.letters is None
    return all(
        torch.equal(a, b)
        for a, b in zip((*first[:2], *first.targets), (*second[:2], *second.targets), strict=True)
    )


@pytest.fixture(scope="module")
def toy_utterances(recipe: Recipe) -> tuple[list[Clip], Recipe]:
    rng = np.random.default_rng(1)
    words = recipe.alphabet.symbols[:10]
    clips = [
        Clip(
            rng.normal(0, 0.1, int(rng.integers(4000, 40_000))).astype("f4"),
            " ".join(rng.choice(words, int(rng.integers(1, 5)))),
            "speaker",
            "utterance",
        )
        for _ in range(300)
    ]
    still = recipe.augment.model_copy(
        update={name: 0.0 for name in type(recipe.augment).model_fields if "probability" in name}
    )
    return clips, recipe.model_copy(update={"strings": None, "augment": still})


def test_a_pass_takes_each_utterance_once_and_pads_little(
    toy_utterances: tuple[list[Clip], Recipe],
) -> None:
    clips, recipe = toy_utterances
    batches = TrainingUtterances(clips, recipe, seed=1)
    n_batches = len(clips) // 6
    for number in range(3):
        one_pass = [batches[number * n_batches + i] for i in range(n_batches)]
        lengths = [int(n) for batch in one_pass for n in batch.lengths]
        assert sorted(lengths) == sorted(len(clip.samples) for clip in clips)
        n_padded = sum(batch.samples.numel() for batch in one_pass)
        assert n_padded < 1.12 * sum(lengths)  # 1.6 if the utterances came in a random order
        longest = [batch.samples.shape[1] for batch in one_pass]
        assert (longest == sorted(longest)) == (number == 0)  # the first pass: shortest first
    assert same(batches[7], TrainingUtterances(clips, recipe, seed=1)[7])
    assert not same(batches[7], TrainingUtterances(clips, recipe, seed=2)[7])


def test_workers_may_be_started_afresh(toy_utterances: tuple[list[Clip], Recipe]) -> None:
    batches = TrainingUtterances(*toy_utterances, seed=1)
    assert same(batches[3], pickle.loads(pickle.dumps(batches))[3])  # noqa: S301 - our own


def test_uncounted_texts_reach_the_letters_alone(recipe: Recipe) -> None:
    samples = np.zeros(800, dtype="f4")
    letters = Alphabet(symbols=tuple("abcdefghijklmnopqrstuvwxyz' "))
    items = [Item(samples, "go 1 one"), Item(samples, "caf\u00e9 men", counts=False)]
    batch = collate(items, recipe.alphabet, letters)
    assert batch.counts.tolist() == [1.0, 0.0]
    assert batch.targets.lengths.tolist() == [3, 0]
    assert batch.letters is not None
    spelled = [letters.decode(ids[:n].tolist()) for ids, n in zip(*batch.letters, strict=True)]
    assert spelled == ["go  one", "caf men"]


def test_utterances_go_in_order_of_length_with_their_texts(
    clips: list[Clip], recipe: Recipe
) -> None:
    batches = UtteranceBatches(clips, recipe.alphabet, batch_size=4)
    lengths = [int(n) for i in range(len(batches)) for n in batches[i].lengths]
    assert lengths == sorted(lengths)
    assert sum(len(batches.texts(i)) for i in range(len(batches))) == len(clips)
    for i in range(len(batches)):
        batch = batches[i]
        decoded = [
            recipe.alphabet.encode(text) == [int(x) for x in ids[:n]]
            for text, ids, n in zip(
                batches.texts(i), batch.targets.ids, batch.targets.lengths, strict=True
            )
        ]
        assert all(decoded)


def test_sampler_counts_on_and_shares_out() -> None:
    shares = [EpochSampler(11, lambda: 3, rank, 2) for rank in range(2)]
    assert sorted([*shares[0], *shares[1]]) == list(range(33, 43))
    assert not set(shares[0]) & set(shares[1])
    assert len(shares[0]) == 5


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", np.zeros(4000), 16000)
    (tmp_path / "bad.wav").write_text("no audio")
    names = ("good.wav", "bad.wav", "no.wav")
    rows: list[dict[str, object]] = [{"audio_filepath": name, "text": "One."} for name in names]
    foreign = {"audio_filepath": "good.wav", "text": "two"}
    alphabet = Alphabet(symbols=("one",), joiner=" ")
    write_manifest(tmp_path / "m.jsonl", [*rows, {"audio_filepath": "good.wav"}, foreign])
    read = read_clips(tmp_path / "m.jsonl", RATE, alphabet)
    assert [(c.text, c.kind, len(c.samples)) for c in read.clips] == [("one", "word", 2000)]
    assert len(read.skipped) == 4
    assert "line 5: 'two' is not in the alphabet one" in read.skipped
    write_manifest(tmp_path / "none.jsonl", rows[1:])
    with pytest.raises(ManifestError, match="None of the 2 recordings"):
        read_clips(tmp_path / "none.jsonl", RATE, alphabet)
