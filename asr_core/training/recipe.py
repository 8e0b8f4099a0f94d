"""A recipe: everything that decides a training run, in one YAML file that reads like a page."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from asr_core.features import FeatureConfig
from asr_core.model import ModelConfig
from asr_core.text import Alphabet
from asr_core.training.augment import AugmentConfig, Probability

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
    sentences: Probability = 0.15  # share of these that have words outside the alphabet as well
    silence: Probability = 0.03  # share of items that are noise only, with no text
    other_words: Probability = 0.04  # share of a string's words that are outside the alphabet
    clip_noise: Probability = 0.4  # share of words that get noise of their own before joining
    clip_denoise: Probability = 0.3  # share of words that get cleaned of theirs


class TrainingConfig(Strict):
    epochs: PositiveInt
    batches: PositiveInt  # an epoch; strings are made on the fly, so an epoch is what we call one
    batch_size: PositiveInt
    gradient_clip: PositiveFloat = 1.0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    patience: PositiveInt = 1000  # epochs without a better validation WER before stopping early
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
    strings: StringsConfig = StringsConfig()
    augment: AugmentConfig = Field(default_factory=lambda: AugmentConfig.model_validate({}))
    optimiser: ByName
    scheduler: ByName
    training: TrainingConfig


def load_recipe(name: str | Path) -> Recipe:
    """A bundled recipe by its name, or one from a YAML file.

    Raises:
        RecipeError: no such recipe, not YAML, or a key or value that does not fit.
    """
    path = Path(name) if Path(name).suffix in (".yaml", ".yml") else RECIPES / f"{name}.yaml"
    if not path.is_file():
        bundled = ", ".join(sorted(p.stem for p in RECIPES.glob("*.yaml")))
        raise RecipeError(f"No recipe {str(name)!r}: expected a YAML file or one of {bundled}.")
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise RecipeError(f"{path} is not YAML: {e}") from e
    except ValidationError as e:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'recipe'}: {error['msg']}"
            for error in e.errors()
        )
        raise RecipeError(f"{path} does not fit: {problems}") from e
