from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from asr_core.manifest import ManifestError, write_manifest
from asr_core.training.batches import (
    Clip,
    EpochSampler,
    StringBatches,
    UtteranceBatches,
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


def test_a_batch_depends_on_its_number_alone(clips: list[Clip], recipe: Recipe) -> None:
    first, second = (StringBatches(clips, recipe, seed=4) for _ in range(2))
    second[3]
    for a, b in zip(first[7], second[7], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(first[7].samples[:, :500], first[8].samples[:, :500])


def test_batches_hold_what_they_say(clips: list[Clip], recipe: Recipe) -> None:
    batches = StringBatches(clips, recipe, seed=1)
    texts: Counter[str] = Counter()
    for i in range(30):
        batch = batches[i]
        assert batch.samples.shape == (6, int(batch.lengths.max()))
        assert torch.isfinite(batch.samples).all()
        for row, length in zip(batch.samples, batch.lengths, strict=True):
            assert not row[length:].any()
        for ids, n in zip(batch.targets, batch.target_lengths, strict=True):
            assert 0 <= n <= recipe.strings.n_words[1] + 1
            texts.update(recipe.alphabet.symbol(int(i)) for i in ids[:n])
            texts["(silence)"] += int(n == 0)
    assert texts["(silence)"] > 0
    assert texts["<unk>"] > 0  # other words and the rest of the sentences
    assert min(texts[word] for word in ("one", "two", "go")) > 30
    assert set(texts) <= {"one", "two", "go", "<unk>", "(silence)"}


def test_rare_speakers_are_heard_more_than_their_share() -> None:
    rng = np.random.default_rng(0)
    silent = np.zeros(100, dtype="f4")
    many = [Clip(silent, "one", "often", "word") for _ in range(99)]
    choice = StringBatches([*many, Clip(silent, "one", "rare", "word")], load_recipe("spoken"), 1)
    drawn = Counter(choice.inside.clip(rng).speaker for _ in range(4000))
    # Square roots: 1 / (sqrt(99) + 1) = 9.1 %, against 1 % of the clips.
    assert drawn["rare"] / 4000 == pytest.approx(0.091, abs=0.02)


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
                batches.texts(i), batch.targets, batch.target_lengths, strict=True
            )
        ]
        assert all(decoded)


def test_sampler_counts_on_and_shares_out() -> None:
    shares = [EpochSampler(11, lambda: 15, rank, 2) for rank in range(2)]
    assert sorted([*shares[0], *shares[1]]) == list(range(33, 43))
    assert not set(shares[0]) & set(shares[1])
    assert len(shares[0]) == 5


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", np.zeros(4000), 16000)
    (tmp_path / "bad.wav").write_text("no audio")
    rows = [{"audio_filepath": name, "text": "One."} for name in ("good.wav", "bad.wav", "no.wav")]
    write_manifest(tmp_path / "m.jsonl", [*rows, {"audio_filepath": "good.wav"}])
    read = read_clips(tmp_path / "m.jsonl", RATE)
    assert [(c.text, c.kind, len(c.samples)) for c in read.clips] == [("one", "word", 2000)]
    assert read.n_skipped == 3
    write_manifest(tmp_path / "none.jsonl", rows[1:])
    with pytest.raises(ManifestError, match="None of the 2 recordings"):
        read_clips(tmp_path / "none.jsonl", RATE)
