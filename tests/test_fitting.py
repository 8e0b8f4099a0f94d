"""A recipe fitted to data: what is chosen, and that whatever is chosen loads."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core.checkpoint import Contract, build_model
from asr_core.text import normalise
from asr_core.training.corpora.clips import Clip
from asr_core.training.fitting import (
    BATCH_SIZES,
    BATCHES,
    EPOCHS,
    NETWORKS,
    choose_rate,
    choose_schedule,
    choose_stride,
    choose_symbols,
    fit,
)
from asr_core.training.recipe import Recipe, load_recipe

PANGRAM = "the quick brown fox jumps over the lazy dog it's"


def clips(*texts: str, seconds: float = 1.0, rate: int = 16000) -> list[Clip]:
    return [Clip(Path("x"), text, "c", "", "word", seconds, rate) for text in texts]


def loaded(recordings: list[Clip], folder: Path, name: str = "mine") -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(fit(recordings, name).text, encoding="utf-8")
    return load_recipe(path)


def test_few_words_are_outputs_and_are_joined(tmp_path: Path) -> None:
    recipe = loaded(clips(*["yes", "no", "off"] * 5, "yes no", rate=8000), tmp_path)
    assert recipe.alphabet.symbols == ("no", "off", "yes")
    assert recipe.alphabet.joiner == " "
    assert recipe.strings is not None
    assert recipe.strings.utterances == 0.06  # of 16, to two digits
    assert recipe.model.prologue.stride == 4
    assert (recipe.features.sample_rate, recipe.features.f_max) == (8000, 3800)


def test_strings_of_few_words_are_not_joined(tmp_path: Path) -> None:
    recipe = loaded(clips(*["yes no off"] * 5, "yes"), tmp_path)
    assert recipe.alphabet.joiner == " "
    assert recipe.strings is None


@pytest.mark.parametrize(
    "texts",
    [
        ["yes", "no"] * 5 + ["off"] * 4,  # one is too rare
        [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(101)] * 5,  # too many
    ],
)
def test_other_words_are_spelled(texts: list[str]) -> None:
    symbols = choose_symbols(texts)
    assert not symbols.are_words
    assert set(symbols.symbols) == {" ", *"".join(texts)}
    assert not symbols.left_out


def test_rare_characters_are_left_out_and_told(tmp_path: Path) -> None:
    recordings = clips(*[PANGRAM] * 300, "naïve ï", "café 7")
    recipe = loaded(recordings, tmp_path)
    assert set(recipe.alphabet.symbols) == set(PANGRAM)
    made = fit(recordings, "mine")
    assert made.symbols.left_out == {"7": 1, "é": 1, "ï": 2}
    assert made.symbols.n_lost == 2
    assert '# Left out, too rare to be learned: "7" (1), "é" (1), "ï" (2).' in made.text
    assert "# 2 recordings that have such letters are skipped in training." in made.text
    for clip in recordings[:300]:
        recipe.alphabet.encode(recipe.alphabet.normalise(clip.text))


def test_punctuation_is_a_symbol_where_texts_were_left_as_they_are(tmp_path: Path) -> None:
    recordings = clips(*["Well, yes.", "No?", "Wait… why"] * 30, "once")
    recipe = loaded(recordings, tmp_path)
    assert {".", ",", "?"} < set(recipe.alphabet.symbols)
    for clip in recordings:
        recipe.alphabet.encode(recipe.alphabet.normalise(clip.text))


def test_left_out_punctuation_costs_no_recording() -> None:
    symbols = choose_symbols([PANGRAM] * 300 + ["fox; once"])
    assert symbols.left_out == {";": 1}
    assert symbols.n_lost == 0


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([8000] * 3 + [16000], 8000),
        ([48000] * 3, 16000),
        ([11025] * 3 + [8000], 11025),
        ([4000], 8000),
    ],
)
def test_the_most_common_rate_within_bounds(rates: list[int], expected: int) -> None:
    rate, reason = choose_rate([clips("a", rate=each)[0] for each in rates])
    assert rate == expected
    assert str(rates[0]) in reason


@pytest.mark.parametrize(
    ("rate", "f_max"), [(8000, 3800), (16000, 7600), (44100, 7600), (4000, 1900), (11025, 5200)]
)
def test_bands_end_where_the_sound_does(tmp_path: Path, rate: int, f_max: float) -> None:
    assert loaded(clips(*["yes", "no"] * 5, rate=rate), tmp_path).features.f_max == f_max


def test_fast_speech_gets_short_frames() -> None:
    letters = choose_symbols([PANGRAM] * 20 + ["once"])
    assert choose_stride(clips(*[PANGRAM] * 20, seconds=4.0), letters)[0] == 2
    # 48 letters and no repeat in 0.6 s: 31 frames of 20 ms are too few, 61 of 10 ms are not.
    assert choose_stride(clips(*[PANGRAM] * 20, seconds=0.6), letters)[0] == 1
    stride, reason = choose_stride(clips(*[PANGRAM] * 20, seconds=0.2), letters)
    assert stride == 1
    assert "20 of 20 recordings are too fast" in reason


@given(
    st.lists(st.floats(0.05, 4000.0), min_size=1, max_size=60),
    st.booleans(),
)
def test_schedules_stay_within_bounds(lengths: list[float], joined: bool) -> None:
    recordings = [clips("a", seconds=length)[0] for length in lengths]
    schedule = choose_schedule(recordings, len(lengths) if joined else 0)
    assert 1 <= schedule.batch_size <= BATCH_SIZES[1]
    assert BATCHES[0] <= schedule.batches <= BATCHES[1]
    assert EPOCHS[0] <= schedule.epochs <= EPOCHS[1]


@pytest.mark.parametrize("hours", [0.5, 10.0, 300.0])
def test_networks_grow_with_the_hours_and_are_as_large_as_they_say(
    tmp_path: Path, hours: float
) -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz' ä"
    recipe = loaded(clips(*[alphabet] * 10, seconds=hours * 360), tmp_path)
    contract = Contract(
        name="x", features=recipe.features, alphabet=recipe.alphabet, model=recipe.model
    )
    n_parameters = sum(p.numel() for p in build_model(contract).parameters())
    size = next(size for size in NETWORKS if hours <= size.up_to_h)
    assert float(size.parameters.split()[0]) == pytest.approx(n_parameters / 1e6, rel=0.2)


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=12),
    st.integers(1, 40),
    st.booleans(),
    st.text(min_size=1, max_size=20),
)
def test_whatever_is_said_the_recipe_loads(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    times: int,
    is_basic: bool,
    name: str,
) -> None:
    said = [normalise(text) if is_basic else text.strip() for text in texts]
    recordings = clips(*[text for text in said if text] * times)
    if not recordings:
        return
    recipe = loaded(recordings, tmp_path_factory.mktemp("r"), name)
    assert recipe.name == name
    made = fit(recordings, name).symbols
    assert recipe.alphabet.symbols == made.symbols
    if not made.left_out:
        for clip in recordings:
            recipe.alphabet.encode(recipe.alphabet.normalise(clip.text))
