"""Recipes changed by `--set`, and what a wrong key or value is told."""

from pathlib import Path
from typing import Literal

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError
from typer.testing import CliRunner

from asr_core.__main__ import app
from asr_core.training.overrides import override, problems_of, read_yaml, torch_problems, validated
from asr_core.training.recipe import RECIPES, RecipeError, load_recipe


def problems(*settings: str) -> list[str]:
    """The lines of the refusal of the bundled recipe with these settings."""
    with pytest.raises(RecipeError) as caught:
        load_recipe("spoken", settings)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_settings_reach_dicts_lists_and_torchs_arguments() -> None:
    plain = load_recipe("spoken")
    settings = ["model.dropout=0.2", "training.epochs=3", "model.blocks.0.kernel=9", "seed=8"]
    settings += ["optimiser.weight_decay=1e-3", "augment.speed=[0.9, 1.1]", "strings.silence=0"]
    recipe = load_recipe("spoken", settings)
    assert (recipe.model.dropout, recipe.training.epochs, recipe.seed) == (0.2, 3, 8)
    assert [b.kernel for b in recipe.model.blocks] == [9, 9, 11, 13, 15]
    assert recipe.optimiser.arguments["weight_decay"] == 0.001  # a number, not YAML 1.1's text
    assert (recipe.augment.speed, recipe.strings.silence) == ((0.9, 1.1), 0)
    assert recipe.features == plain.features
    assert load_recipe("spoken") == plain


def test_a_whole_part_and_the_last_of_two_settings() -> None:
    settings = ["scheduler={name: StepLR, step_size: 5}", "seed=1", "seed=2", "name=a=b"]
    recipe = load_recipe("spoken", settings)
    assert recipe.scheduler.model_dump() == {"name": "StepLR", "step_size": 5}
    assert (recipe.seed, recipe.name) == (2, "a=b")


def test_a_part_the_file_leaves_out_is_made(tmp_path: Path) -> None:
    values = yaml.safe_load((RECIPES / "spoken.yaml").read_text(encoding="utf-8"))
    del values["strings"]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values))
    recipe = load_recipe(tmp_path / "mine.yaml", ["strings.silence=0.25"])
    assert (recipe.strings.silence, recipe.strings.n_words) == (0.25, (1, 8))


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (
            "model.dropuot=0.2",
            "model.dropuot: got an unknown key; expected one of prologue, blocks, gru_hidden,"
            " dropout; did you mean model.dropout?",
        ),
        (
            "model.blocks.2.kernal=3",
            "model.blocks.2.kernal: got an unknown key; expected one of channels, kernel, repeats;"
            " did you mean model.blocks.2.kernel?",
        ),
        (
            "training.precision=bf16-mixd",
            "training.precision: got 'bf16-mixd'; expected one of 32-true, bf16-mixed;"
            " did you mean bf16-mixed?",
        ),
        ("training.epochs=3.0", "training.epochs: got 3.0; expected a valid integer"),
        ("training.epochs='3'", "training.epochs: got '3'; expected a valid integer"),
        ("training.epochs=yes", "training.epochs: got True; expected a valid integer"),
        ("strings.silence=2", "strings.silence: got 2; expected less than or equal to 1"),
        ("augment.speed=[1]", "augment.speed.1: got nothing; expected a number"),
        ("model.prologue.kernel=8", "model.prologue.kernel: got 8; expected an odd number"),
        ("features.f_max=5000", "features: expected 0 <= f_min < f_max <= 4000.0"),
        ("alphabet.symbols=[a, a]", "alphabet: expected each symbol once, got more of ['a']"),
        ("alphabet=null", "alphabet: got None; expected the keys symbols, joiner, unknown"),
        ("model.blocks.5.kernel=3", "model.blocks.5: got no such item; expected one of 0, 1, 2,"),
        ("model.blocks.last.kernel=3", "model.blocks.last: got no such item; expected one of"),
        ("name.first=x", "name: got 'spoken'; expected a part with keys"),
        ("seed", "--set: got 'seed'; expected path=value"),
        ("model..x=1", "--set: got 'model..x=1'; expected path=value"),
        ("seed=[", "seed: got '['; expected YAML"),
        ("optimiser={}", "optimiser.name: got nothing; expected text"),
        ("optimiser=AdamW", "optimiser: got 'AdamW'; expected the keys name"),
    ],
)
def test_one_problem_one_line(setting: str, told: str) -> None:
    (line,) = problems(setting)
    assert line.startswith(told)


def test_a_key_of_another_place_is_found() -> None:
    (line,) = problems("dropout=0.2")
    assert line.endswith("; did you mean model.dropout?")
    (line,) = problems("warmth=1")
    assert "did you mean" not in line


def test_all_problems_are_told_at_once() -> None:
    lines = problems("sed=1", "optimiser.lr=fast", "scheduler.name=OneCycle", "training.epochs=0")
    told = {line.partition(":")[0] for line in lines}
    assert told == {"sed", "optimiser.lr", "scheduler.name", "training.epochs"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["optimiser.name=Adamw"], "Rprop, SGD, SparseAdam; did you mean AdamW?"),
        (["scheduler.name=OneCycle"], "did you mean OneCycleLR?"),
        (["optimiser.weight_decai=0"], "did you mean optimiser.weight_decay?"),
        (["optimiser.params=[]"], "optimiser.params: got an unknown key"),
        (["optimiser.lr=fast"], "optimiser.lr: got 'fast'; expected a number, as 0.001"),
        (["optimiser.amsgrad='no'"], "got 'no'; expected true or false"),
        (["scheduler={name: StepLR}"], "scheduler.step_size: got nothing; expected a value"),
    ],
)
def test_what_torch_does_not_have(settings: list[str], told: str) -> None:
    (line,) = problems(*settings)
    assert told in line


def test_every_optimiser_that_needs_nothing_is_let_through() -> None:
    for name in ("AdamW", "SGD", "RMSprop", "Muon", "LBFGS"):
        assert hasattr(torch.optim, name)
        assert torch_problems("optimiser", {"optimiser": {"name": name, "lr": 0.1}}) == []
    needs_given = {"scheduler": {"name": "OneCycleLR", "max_lr": 1}}
    assert torch_problems("scheduler", needs_given) == []
    for values in (None, {}, {"optimiser": []}, {"optimiser": {"name": 3}}):
        assert torch_problems("optimiser", values) == []  # told by the recipe's own types
    (told,) = torch_problems("scheduler", {"scheduler": {"name": "LRScheduler"}})
    assert told.startswith("scheduler.name")


class Wide(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["wide"] = "wide"
    width: int


class Deep(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["deep"] = "deep"
    layers: list[Wide]


class Whole(BaseModel):
    either: Wide | Deep
    perhaps: Wide | None = None
    by_name: dict[str, Wide] = {}


def test_unions_and_absent_parts_keep_the_path_that_people_wrote() -> None:
    values = {
        "either": {"kind": "deep", "layers": [{"widht": 3}]},
        "perhaps": {"width": 1, "wide": 2},
        "by_name": {"a": {"width": "x"}},
    }
    with pytest.raises(ValidationError) as caught:
        validated(Whole, values)
    told = problems_of(Whole, caught.value)
    assert not any("Wide" in line or "Deep" in line for line in told)
    near = "either.layers.0.widht: got an unknown key; expected one of kind, width; did you mean"
    assert any(line.startswith(near) for line in told)
    assert any(line.startswith("perhaps.wide: got an unknown key") for line in told)
    assert any(line.startswith("by_name.a.width: got 'x'; expected") for line in told)


KEYS = st.text("abcxyz_", min_size=1, max_size=4)


@given(
    st.dictionaries(KEYS, st.one_of(st.integers(), st.lists(st.integers(), max_size=2))),
    st.lists(KEYS, min_size=1, max_size=3),
    st.integers(),
)
def test_a_setting_changes_its_place_and_nothing_else(
    values: dict[str, object], path: list[str], value: int
) -> None:
    before = dict(values)
    changed, wrong = override(values, [f"{'.'.join(path)}={value}"])
    assert values == before
    assert {k: v for k, v in changed.items() if k != path[0]} == {
        k: v for k, v in before.items() if k != path[0]
    }
    if wrong:
        assert changed == before
    else:
        for key in path:
            changed = changed[key]
        assert changed == value


@pytest.mark.parametrize("text", ["1e-3", "-2E5", "+.5e1", "3.e2", "1.5e+3"])
def test_exponents_are_numbers(text: str) -> None:
    assert read_yaml(text) == float(text)


@pytest.mark.parametrize("text", ["e3", "1e", "three", "1e3x"])
def test_what_only_looks_like_an_exponent_is_text(text: str) -> None:
    assert read_yaml(text) == text


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: &a [*a]", "a: [", "seed: 2024-01-01"])
def test_files_that_are_no_recipe(text: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(RecipeError, match=r"wrong\.yaml"):
        load_recipe(tmp_path / "wrong.yaml", ["seed=1"])


def test_a_setting_that_contains_itself() -> None:
    with pytest.raises(RecipeError, match="inside itself"):
        load_recipe("spoken", ["seed=&a [*a]"])


@pytest.mark.parametrize(
    ("recipe", "setting", "complaint"),
    [
        ("spoken", "strings=null", "expected `strings` beside `auxiliary`"),
        ("morse", "model.prologue.bands=41", "bands of at most features.n_mels=40, got 41"),
        ("morse", "features.normalisation=none", "normalisation=min_max with model.prologue.bands"),
    ],
)
def test_parts_that_do_not_fit_each_other(recipe: str, setting: str, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        load_recipe(recipe, [setting])


def test_the_nearest_recipe() -> None:
    with pytest.raises(RecipeError, match="did you mean spoken"):
        load_recipe("spokn")


def test_the_command_line_tells_every_problem(tmp_path: Path) -> None:
    options = ["--data", str(tmp_path), "--out", str(tmp_path / "run")]
    options += ["--set", "training.epohcs=3", "--set", "sede=1"]
    done = CliRunner().invoke(app, ["train", "spoken", *options])
    assert done.exit_code == 1
    assert "did you mean training.epochs?" in done.stderr
    assert "did you mean seed?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
