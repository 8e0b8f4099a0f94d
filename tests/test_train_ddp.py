"""Two processes on the CPU train as one does.

Each process makes `batches / 2` steps an epoch of `batch_size` utterances, so a step is over
`2 * batch_size`. The same step in one process is two batches accumulated: then batch norm, too,
sees the same batches, one at a time (one batch of twice the size would be normalised as a whole,
and SyncBatchNorm runs on GPUs alone). Only batch norm's running means differ, which rank 0 takes
from its own half of the batches: the validation is not compared, nor are they.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from asr_core.checkpoint import load_model
from asr_core.training.recipe import ByName, Recipe
from tests.test_train import data, last_weights, rows_of, run, toy

__all__ = ["data"]  # a fixture

EPOCHS = 3
# Halves of a gradient are two summands, and a half of each is exact: here both ways give the same
# bits. Left is what another summation inside a kernel may do in 36 steps of single precision; the
# table itself shows six digits after the point.
RTOL, ATOL = 1e-5, 2e-6


def recipe(accumulate: int = 1) -> Recipe:
    """The toy without a draw that depends on the process: no dropout, no augmentation."""
    plain = toy(epochs=EPOCHS)
    off = ("speed", "vocal_tract", "room", "noise", "channel")
    still = {f"{name}_probability": 0.0 for name in off} | {"n_time_masks": 0}
    batches = {"batches": 24, "batch_size": 4, "accumulate": accumulate}
    return plain.model_copy(
        update={
            "model": plain.model.model_copy(update={"dropout": 0.0}),
            "augment": plain.augment.model_copy(update=still),
            "optimiser": ByName(name="SGD", lr=0.05, momentum=0.9),
            "scheduler": ByName(name="OneCycleLR", max_lr=0.05),
            "training": plain.training.model_copy(update=batches),
        }
    )


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One process, two batches accumulated a step."""
    return run(recipe(accumulate=2), data, tmp_path_factory.mktemp("alone") / "run")


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param([], id="devices"),
        pytest.param(
            ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"], id="torchrun"
        ),
    ],
)
def test_two_processes_learn_what_one_does(
    launcher: list[str], alone: Path, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(recipe().model_dump(mode="json")))
    command = [sys.executable, *launcher, "-m", "asr_core", "train", str(tmp_path / "toy.yaml")]
    command += ["--data", str(data), "--out", str(tmp_path / "run"), "--accelerator", "cpu"]
    command += ["--devices", "2", "--strategy", "ddp"]
    free = {key: value for key, value in os.environ.items() if key != "MASTER_PORT"}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=240, env=free
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows, expected = rows_of(tmp_path / "run"), rows_of(alone)
    assert [row["step"] for row in rows] == [row["step"] for row in expected] == ["12", "24", "36"]
    losses, alone_losses = ([float(row["loss"]) for row in each] for each in (rows, expected))
    assert losses == pytest.approx(alone_losses, rel=RTOL, abs=ATOL)
    assert losses[-1] < 0.7 * losses[0], "there was something to learn"
    assert [row["lr"] for row in rows] == [row["lr"] for row in expected]
    assert_same_parameters(tmp_path / "run", alone)


def assert_same_parameters(first: Path, second: Path) -> None:
    """The weights after the last epoch; batch norm's running means and variances left out."""
    ours, theirs = last_weights(first), last_weights(second)
    learned = {f"model.{name}" for name, _ in load_model(first)[1].named_parameters()}
    assert learned <= set(ours)
    for name in learned:
        assert ours[name].numpy() == pytest.approx(theirs[name].numpy(), rel=RTOL, abs=1e-5), name
