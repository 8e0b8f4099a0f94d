"""One model from several runs: the mean of their weights after the last epoch.

Weights that descend from one another lie in one valley of the loss, and their mean is often better
than any of them (Izmailov et al. 2018; for fine-tuning Wortsman et al. 2022, arXiv 2109.01903).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from asr_core.checkpoint import Contract, load_model, save_model, versions, write_json
from asr_core.training.recipe import RecipeError
from asr_core.verification import write_probe

PREFIX = "model."  # of the network's weights in a training checkpoint


def average_runs(runs: Sequence[Path], out: Path) -> None:
    """Write a model folder with the mean of the runs' last weights.

    Args:
        runs: folders that `train` wrote, of one architecture and alphabet.
        out: the model folder to write.

    Raises:
        CheckpointError: no model in a folder.
        RecipeError: a run without its last checkpoint, or runs of different models.
    """
    contracts = [load_model(run)[0] for run in runs]
    first = contracts[0]
    for run, contract in zip(runs, contracts, strict=True):
        if _shape(contract) != _shape(first):
            raise RecipeError(f"{run} and {runs[0]} are different models. Average runs of one.")
    weights = [_last_weights(run) for run in runs]
    mean = {
        name: torch.stack([each[name].double() for each in weights]).mean(dim=0).to(value.dtype)
        for name, value in weights[0].items()
    }
    _, model = load_model(runs[0])
    model.load_state_dict(mean)
    provenance = {"average_of": [c.provenance for c in contracts], "versions": versions()}
    # Two runs say words at different times; what their mean does, nobody has measured.
    changes: dict[str, Any] = {"provenance": provenance, "confidence": None}
    if len(runs) > 1:
        changes |= {"emission_delay_s": None, "boundary_error_s": None}
    save_model(out, first.model_copy(update=changes), model)
    write_json(out / "metrics.json", {})
    write_probe(out)


def _shape(contract: Contract) -> tuple[object, ...]:
    return contract.features, contract.alphabet, contract.model


def _last_weights(run: Path) -> dict[str, Tensor]:
    path = run / "checkpoints" / "last.ckpt"
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as e:
        raise RecipeError(f"{run} has no checkpoints/last.ckpt. Expected a run's folder.") from e
    state = checkpoint["state_dict"]
    return {k.removeprefix(PREFIX): v for k, v in state.items() if k.startswith(PREFIX)}
