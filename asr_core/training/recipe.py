"""A recipe: everything that decides a training run, in one YAML file that reads like a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from asr_core.features import FeatureConfig
from asr_core.model import ModelConfig
from asr_core.text import Alphabet
from asr_core.training.augment import AugmentConfig, Probability
from asr_core.training.overrides import (
    override,
    problems_of,
    read_yaml,
    torch_problems,
    validated,
    wrong_choice,
)

RECIPES = Path(__file__).parent / "recipes"


class RecipeError(ValueError):
    """A recipe that is missing or does not fit; the message names the key."""


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StringsConfig(Strict):
    """How isolated words become strings while training."""

    n_words: tuple[PositiveInt, PositiveInt] = (1, 8)
    gap_s: tuple[float, float] = (0.0, 0.45)
    same_speaker: Probability = 0.6  # share of strings whose words are one speaker's
    utterances: Probability = 0.2  # share of items that are whole recorded utterances
    sentences: Probability = 0.05  # share of these that have words outside the alphabet as well
    silence: Probability = 0.03  # share of items that are noise only, with no text
    other_words: Probability = 0.04  # share of a string's words that are outside the alphabet
    clip_noise: Probability = 0.4  # share of words that get noise of their own before joining
    clip_denoise: Probability = 0.3  # share of words that get cleaned of theirs


class AuxiliaryConfig(Strict):
    """A second output while training: letters, read off the convolutions (Lee and Watanabe 2021).

    Sentences whose words the alphabet lacks teach the convolutions what speech sounds like; the
    words' own output learns nothing from them. It is no part of the model that is saved.
    """

    symbols: Annotated[str, Field(min_length=1)] = "abcdefghijklmnopqrstuvwxyz' "
    weight: PositiveFloat = 0.3  # of its loss, beside the words' 1
    sentences: Probability = 0.2  # share of items that are sentences, for the letters alone

    @property
    def alphabet(self) -> Alphabet:
        return Alphabet(symbols=tuple(self.symbols))


class TrainingConfig(Strict):
    epochs: PositiveInt
    batches: PositiveInt  # an epoch; strings are made on the fly, so an epoch is what we call one
    batch_size: PositiveInt
    accumulate: PositiveInt = 1  # batches whose gradients make one step
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None  # averaged weights, a step's share
    gradient_clip: PositiveFloat = 1.0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    patience: PositiveInt = 1000  # epochs without a better validation WER before stopping early
    keep: Literal["best", "last"] = "best"  # the epoch of lowest validation loss, or the last one
    workers: int = Field(1, ge=0)  # processes that make batches


class ByName(BaseModel):
    """A class of torch by its own name, with its own arguments."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Recipe(Strict):
    """Data, features, alphabet, network, augmentation, optimiser, scheduler, seed."""

    name: str
    seed: Annotated[int, Field(ge=0)] = 1
    features: FeatureConfig
    alphabet: Alphabet
    model: ModelConfig
    strings: StringsConfig | None = None  # without it, utterances are taken as they are
    auxiliary: AuxiliaryConfig | None = None
    augment: AugmentConfig = Field(default_factory=lambda: AugmentConfig.model_validate({}))
    optimiser: ByName
    scheduler: ByName  # stepped with every step; ReduceLROnPlateau after every epoch
    training: TrainingConfig

    @model_validator(mode="after")
    def _fits_together(self) -> "Recipe":
        if self.auxiliary and not self.strings:
            raise ValueError("expected `strings` beside `auxiliary`: it learns from their batches")
        bands = self.model.prologue.bands
        if bands and bands > self.features.n_mels:
            raise ValueError(
                f"expected model.prologue.bands of at most features.n_mels={self.features.n_mels},"
                f" got {bands}"
            )
        if bands and self.features.normalisation != "min_max":
            raise ValueError(
                "expected features.normalisation=min_max with model.prologue.bands, which takes"
                f" 1 for the loudest, got {self.features.normalisation}"
            )
        return self


def load_recipe(name: str | Path, settings: Sequence[str] = ()) -> Recipe:
    """A bundled recipe by its name, or one from a YAML file.

    Args:
        name: of a bundled recipe, or the path of a YAML file.
        settings: `path=value` each, instead of what the file says.

    Raises:
        RecipeError: no such recipe, not YAML, or keys or values that do not fit, all of them
            listed with what would.
    """
    path = Path(name) if Path(name).suffix in (".yaml", ".yml") else RECIPES / f"{name}.yaml"
    if not path.is_file():
        bundled = sorted(p.stem for p in RECIPES.glob("*.yaml"))
        raise RecipeError(wrong_choice("recipe", str(name), ["a YAML file", *bundled]))
    try:
        values, problems = override(read_yaml(path.read_text(encoding="utf-8")), settings)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as e:
        raise RecipeError(f"{path} is not YAML: {e}") from e
    recipe = None
    try:
        recipe = validated(Recipe, values)
    except ValidationError as e:
        problems += problems_of(Recipe, e)
    except ValueError as e:
        raise RecipeError(f"{path} holds a value inside itself: {e}") from e
    for part in ("optimiser", "scheduler"):
        problems += torch_problems(part, values)
    if recipe is None or problems:
        raise RecipeError("\n  ".join([f"{path} does not fit:", *problems]))
    return recipe
