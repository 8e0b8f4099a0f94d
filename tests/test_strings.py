import pickle
from collections import Counter

import numpy as np
import pytest
import torch

from asr_core.training.batches import Clip
from asr_core.training.recipe import Recipe, load_recipe
from asr_core.training.strings import StringBatches, _RootOdds

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
    one, again = first[7], second[7]
    assert one.letters is not None
    assert again.letters is not None
    for a, b in zip(
        (one.samples, one.counts, *one.targets, *one.letters),
        (again.samples, again.counts, *again.targets, *again.letters),
        strict=True,
    ):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(first[7].samples[:, :500], first[8].samples[:, :500])


def test_workers_may_be_started_afresh(clips: list[Clip], recipe: Recipe) -> None:
    batches = StringBatches(clips, recipe, seed=1)
    copied = pickle.loads(pickle.dumps(batches))  # noqa: S301 - our own
    assert torch.equal(batches[2].samples, copied[2].samples)


def test_batches_hold_what_they_say(clips: list[Clip], recipe: Recipe) -> None:
    batches = StringBatches(clips, recipe, seed=1)
    texts: Counter[str] = Counter()
    n_letters_only = 0
    for i in range(30):
        batch = batches[i]
        assert batch.samples.shape == (6, int(batch.lengths.max()))
        assert torch.isfinite(batch.samples).all()
        n_letters_only += int((batch.counts == 0).sum())
        for row, length in zip(batch.samples, batch.lengths, strict=True):
            assert not row[length:].any()
        for ids, n in zip(*batch.targets, strict=True):
            assert 0 <= n <= recipe.strings.n_words[1] + 1
            texts.update(recipe.alphabet.symbol(int(i)) for i in ids[:n])
            texts["(silence)"] += int(n == 0)
    assert texts["(silence)"] > 0
    assert 0 < n_letters_only < 0.4 * 180
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


def test_the_items_of_a_batch_are_of_one_length(clips: list[Clip], recipe: Recipe) -> None:
    batches = [StringBatches(clips, recipe, seed=1)[i] for i in range(40)]
    heard = sum(int(batch.lengths.sum()) for batch in batches)
    padded = sum(batch.samples.numel() for batch in batches)
    assert heard / padded > 0.65  # speed, gaps and the last word's length remain


def test_odds_draw_what_numpys_choice_draws() -> None:
    counts = [1, 400, 7, 90]
    shares = np.sqrt(counts) / np.sqrt(counts).sum()
    odds = _RootOdds(counts)
    ours, numpys = (np.random.default_rng(5) for _ in range(2))
    drawn = [odds.draw(ours) for _ in range(500)]
    assert drawn == [numpys.choice(len(counts), p=shares) for _ in range(500)]
    assert set(drawn) == {0, 1, 2, 3}
