"""What a model was trained on, measured: recordings as they are, and as its recipe made them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from asr_core.audio import Audio
from asr_core.checkpoint import Contract, find_model, load_model
from asr_core.doctor_rules import letters_per_s
from asr_core.manifest import Manifest, fingerprint
from asr_core.norms import LETTERS_PER_S, Norms, distribution, save_norms
from asr_core.recording_measures import measure_recording
from asr_core.text import Alphabet
from asr_core.training.batches import Clip, TrainingUtterances, read_clips
from asr_core.training.recipe import Recipe, RecipeError
from asr_core.training.strings import StringBatches

N_RECORDINGS = 2000  # of a manifest, evenly spread; its percentiles move by less than their meaning
N_DRAWN = 1000  # utterances drawn by the recipe


def store_norms(
    folder: Path, clips: Sequence[Clip], recipe: Recipe, manifest: Path | Manifest
) -> Norms:
    """Measure the recordings and what the recipe makes of them, and write both to the folder."""
    rate = recipe.features.sample_rate
    spoken = [clip for clip in clips if clip.text]
    chosen = [spoken[i] for i in _spread(len(spoken), N_RECORDINGS)]
    norms = Norms(
        sample_rate=rate,
        manifest_sha256=fingerprint(manifest),
        recordings=distribution([_measures(c.samples, rate, c.text) for c in chosen]),
        training=distribution([_measures(*drawn) for drawn in _drawn(clips, recipe)]),
    )
    save_norms(folder, norms)
    return norms


def make_norms(model: str | Path, data: Path) -> Path:
    """Write the norms of a model that is there already.

    Raises:
        CheckpointError: no such model.
        ManifestError: no manifest, or none of its recordings can be read.
        RecipeError: the model does not say how it was trained, or not on this data.
    """
    folder = find_model(model)
    contract, _ = load_model(folder)
    manifest = data / "train.jsonl"
    recipe = _recipe(contract, fingerprint(manifest))
    clips = read_clips(manifest, recipe.features.sample_rate, recipe.alphabet).clips
    store_norms(folder, clips, recipe, manifest)
    return folder


def _recipe(contract: Contract, found: str) -> Recipe:
    """The recipe of the model, or of the first of those that were averaged."""
    provenance = contract.provenance
    run = (provenance.get("average_of") or [provenance])[0]
    if "recipe" not in run:
        raise RecipeError(f"The model {contract.name!r} does not say by which recipe it was made.")
    expected = (run.get("data") or {}).get("train")
    if expected not in (None, found):
        raise RecipeError(
            f"{contract.name!r} was trained on other data: got a train.jsonl of fingerprint"
            f" {found}, expected {expected}. Prepare the data as for training."
        )
    return Recipe.model_validate(run["recipe"])


def _drawn(clips: Sequence[Clip], recipe: Recipe) -> Iterator[tuple[np.ndarray, int, str]]:
    """Samples (N,), rate and text of utterances of training batches, spread over the training."""
    batches = (StringBatches if recipe.strings else TrainingUtterances)(clips, recipe, recipe.seed)
    total = recipe.training.epochs * recipe.training.batches
    for index in _spread(total, max(1, N_DRAWN // recipe.training.batch_size)):
        batch = batches[index]
        for i, length in enumerate(batch.lengths):
            ids = batch.targets.ids[i, : batch.targets.lengths[i]].tolist()
            if ids:
                samples = batch.samples[i, :length].numpy()
                yield samples, recipe.features.sample_rate, _spelt(ids, recipe.alphabet)


def _spelt(ids: list[int], alphabet: Alphabet) -> str:
    """A text whose letters can be counted; '' where one of its words is the unknown one."""
    strange = any(alphabet.symbol(i) == alphabet.unknown for i in ids)
    return "" if strange else alphabet.decode(ids)


def _measures(samples: np.ndarray, rate: int, text: str) -> dict[str, float]:
    measures = measure_recording(Audio(samples, rate))
    pace = letters_per_s(text, measures)
    return measures.numbers() | ({} if pace is None else {LETTERS_PER_S: pace})


def _spread(total: int, wanted: int) -> list[int]:
    """At most `wanted` numbers below `total`, evenly spread, without repeats."""
    return [int(i) for i in np.unique(np.linspace(0, total - 1, min(wanted, total)).round())]
