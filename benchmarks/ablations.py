"""What each choice of the recipe is worth: one thing changed at a time, at one fixed short budget.

    python -m asr_core prepare spoken --out data/spoken
    python -m benchmarks.ablations --data data/spoken --out runs/ablations

Every variant is trained with the same seeds and thus hears the same batches. The network is small
and the runs are short (`budget.short_recipe`), without the data's sentences, which `spoken` hears
in few of its items: the differences are what counts, not the rates.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asr_core.checkpoint import write_json
from asr_core.manifest import read_manifest, write_manifest
from asr_core.model import CtcModel
from asr_core.training.recipe import Recipe
from benchmarks.budget import (
    BATCHES,
    Counts,
    Outcome,
    Run,
    changed,
    perform,
    record,
    short_recipe,
)

SETS = ("validation", "test_commands", "test_fsdd_official", "test_digit_strings")
BASELINE = "baseline"
WATCHED = 5  # every fifth utterance of validation
RESAMPLES = 2000
INTERVAL = (0.025, 0.975)  # 95 %


@dataclass(frozen=True)
class Difference:
    """WER of a variant less the baseline's, and its 95 % interval."""

    mean: float
    low: float
    high: float


def main() -> None:
    """Train all variants, print a Markdown table; write it and all counts to --out."""
    parser = argparse.ArgumentParser(description="Change one thing of the recipe at a time.")
    parser.add_argument("--data", type=Path, required=True, help="what `prepare spoken` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=5, help=f"of {BATCHES} batches")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, a thread each")
    parser.add_argument("--only", nargs="+", choices=list(variants(short_recipe(1, {}))))
    chosen = parser.parse_args()
    recipes = variants(short_recipe(chosen.epochs, {}))
    names = [name for name in recipes if name in {BASELINE, *(chosen.only or recipes)}]
    data = write_data(chosen.data, chosen.out / "data")
    sets = {name: chosen.data / f"{name}.jsonl" for name in SETS}
    runs = [
        Run(f"{name}-{seed}", changed(recipes[name], {"seed": seed}), data, sets)
        for seed in chosen.seeds  # a whole comparison of one seed first
        for name in names
    ]
    outcomes = perform(runs, chosen.out, chosen.jobs)
    by_variant = {name: [outcomes[f"{name}-{seed}"] for seed in chosen.seeds] for name in names}
    report(by_variant, chosen.seeds, chosen.epochs, chosen.out)


def variants(baseline: Recipe) -> dict[str, Recipe]:
    """The baseline and, by name, the recipes that differ from it in one thing."""
    kernels = [block.kernel for block in baseline.model.blocks]
    assert kernels == sorted(kernels), "the baseline's kernels grow with depth"
    middle = round(sum(kernels) / len(kernels)) // 2 * 2 + 1
    changes: dict[str, dict[str, Any]] = {
        BASELINE: {},
        "kernels-constant": _kernels(baseline, [middle] * len(kernels)),
        "kernels-shrinking": _kernels(baseline, kernels[::-1]),
        "mean-variance": {"features.normalisation": "mean_variance"},
        "no-normalisation": {"features.normalisation": "none"},
        "whole-band": {"features.f_min": 0.0, "features.f_max": baseline.features.sample_rate / 2},
        "no-gru": {"model.gru_hidden": 0},
        "no-gru-same-size": _without_gru(baseline),
        "no-specaugment": {"augment.n_time_masks": 0, "augment.n_frequency_masks": 0},
        "no-noise": {"augment.noise_probability": 0.0, "strings.clip_noise": 0.0},
    }
    return {name: changed(baseline, change) for name, change in changes.items()}


def _kernels(recipe: Recipe, kernels: Sequence[int]) -> dict[str, Any]:
    blocks = zip(recipe.model.blocks, kernels, strict=True)
    return {"model.blocks": [block.model_dump() | {"kernel": kernel} for block, kernel in blocks]}


def _without_gru(recipe: Recipe) -> dict[str, Any]:
    """Wider convolutions in the GRU's place, as near to the same number of parameters as can be."""

    def widened(channels: int) -> dict[str, Any]:
        blocks = [block.model_dump() | {"channels": channels} for block in recipe.model.blocks]
        return {"model.gru_hidden": 0, "model.blocks": blocks}

    target = n_parameters(recipe)
    widths = range(recipe.model.blocks[0].channels, 4 * recipe.model.blocks[0].channels, 4)
    return min(
        map(widened, widths), key=lambda wide: abs(n_parameters(changed(recipe, wide)) - target)
    )


def n_parameters(recipe: Recipe) -> int:
    """Weights of a recipe's network."""
    with torch.device("meta"):  # counted, not filled
        model = CtcModel(recipe.model, recipe.features.n_mels, len(recipe.alphabet))
    return sum(weight.numel() for weight in model.parameters())


def write_data(data: Path, folder: Path) -> Path:
    """The training data without its sentences: most of its hours, little of its use here.

    Validation only shows how a run goes: a part of it is enough.
    """
    for part, every in (("train", 1), ("validation", WATCHED)):
        rows = read_manifest(data / f"{part}.jsonl").rows[::every]
        kept = [record(row) for row in rows if row.fields.get("kind") != "sentence"]
        write_manifest(folder / f"{part}.jsonl", kept)
    return folder


def difference(
    variant: Sequence[Counts],
    baseline: Sequence[Counts],
    rng: np.random.Generator,
    n: int = RESAMPLES,
) -> Difference:
    """WER of a variant less the baseline's, by a bootstrap paired by seed and by utterance.

    Seeds and utterances are drawn with replacement, the same for both sides, so the interval
    holds for other seeds as well as for other utterances of such a set (Bisani and Ney 2004).

    Args:
        variant: of each seed, the same set.
        baseline: of the same seeds, in the same order.
        rng: draws the resamples.
        n: resamples.
    """
    words = variant[0].words  # (U,)
    more = np.stack([a.errors - b.errors for a, b in zip(variant, baseline, strict=True)])  # (S, U)
    n_seeds, n_utterances = more.shape
    seeds = rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=n)  # (n, S)
    drawn = rng.multinomial(n_utterances, np.full(n_utterances, 1 / n_utterances), size=n)  # (n, U)
    errors = (seeds * (drawn @ more.T)).sum(axis=1) / n_seeds  # (n,)
    low, high = np.quantile(errors / np.maximum(drawn @ words, 1), INTERVAL)
    return Difference(float(more.sum() / n_seeds / max(words.sum(), 1)), float(low), float(high))


def report(
    by_variant: dict[str, list[Outcome]], seeds: Sequence[int], epochs: int, out: Path
) -> None:
    """Print and write `ablations.md` and `ablations.json`."""
    rng = np.random.default_rng(0)
    rows = {}
    for name, outcomes in by_variant.items():
        sets = {key: [outcome.sets[key] for outcome in outcomes] for key in SETS}
        base = {key: [outcome.sets[key] for outcome in by_variant[BASELINE]] for key in SETS}
        rows[name] = {
            "n_parameters": outcomes[0].n_parameters,
            "minutes": round(sum(outcome.seconds for outcome in outcomes) / len(outcomes) / 60, 1),
            "wer": {key: [counts.wer for counts in sets[key]] for key in SETS},
            "difference": {
                key: vars(difference(sets[key], base[key], rng)) for key in SETS if name != BASELINE
            },
        }
    text = f"{_table(rows)}\n\n{_note(rows, seeds, epochs)}\n"
    print("\n" + text)
    (out / "ablations.md").write_text(text, encoding="utf-8")
    write_json(out / "ablations.json", {"seeds": list(seeds), "epochs": epochs, "variants": rows})


def _table(rows: dict[str, dict[str, Any]]) -> str:
    """WER ± its deviation over the seeds; below, the difference to the baseline."""
    lines = ["| variant | parameters | " + " | ".join(f"`{key}`" for key in SETS) + " |"]
    lines.append("|---|---:|" + "---:|" * len(SETS))
    for name, row in rows.items():
        cells = [_cell(row["wer"][key], row["difference"].get(key)) for key in SETS]
        lines.append(f"| {name} | {row['n_parameters']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(rates: Sequence[float], change: dict[str, float] | None) -> str:
    spread = f" ± {100 * np.std(rates, ddof=1):.1f}" if len(rates) > 1 else ""
    text = f"{100 * np.mean(rates):.1f}{spread}"
    if change is None:
        return text
    mean, low, high = (100 * change[key] for key in ("mean", "low", "high"))
    return f"{text}; {mean:+.1f} ({low:+.1f} to {high:+.1f})"


def _note(rows: dict[str, dict[str, Any]], seeds: Sequence[int], epochs: int) -> str:
    return (
        f"WER %, greedy: mean ± standard deviation of {len(seeds)} seeds; then the difference to"
        " the baseline with its 95 % bootstrap interval, paired by seed and by utterance."
        f" {epochs * BATCHES} steps of a batch each, on one thread,"
        f" {rows[BASELINE]['minutes']} minutes a run."
    )


if __name__ == "__main__":
    main()
