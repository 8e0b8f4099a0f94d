"""A training run killed without warning goes on as if nothing had happened."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from asr_core.training.recipe import Recipe
from tests.test_train import data, last_weights, rows_of, run, same, toy

__all__ = ["data"]  # a fixture

EPOCHS = 14
KILLS = 3
EPOCH_S = 0.3  # about what an epoch of the toy takes


def recipe() -> Recipe:
    """The toy with all that keeps a state: dropout's draws, masks, averaged weights, momentum."""
    plain = toy(epochs=EPOCHS)
    return plain.model_copy(
        update={
            "training": plain.training.model_copy(update={"ema_decay": 0.9, "accumulate": 2}),
            "augment": plain.augment.model_copy(update={"n_time_masks": 1}),
        }
    )


@pytest.mark.slow
def test_a_run_killed_at_random_moments_ends_with_the_same_bytes(
    data: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    whole, broken = run(recipe(), data, tmp_path / "whole"), tmp_path / "broken"
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(recipe().model_dump(mode="json")))
    command = [sys.executable, "-m", "asr_core", "train", str(tmp_path / "toy.yaml"), "--resume"]
    command += ["--data", str(data), "--out", str(broken), "--accelerator", "cpu", "--devices", "1"]
    for kill in range(KILLS):
        n_more = min(kill, 1)  # the first may fall before there is a checkpoint at all
        kill_while_it_trains(command, broken, n_more, rng)
    n_done = len(rows_of(broken))
    assert 0 < n_done < EPOCHS, "the kills fell inside the run"
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert same(last_weights(whole), last_weights(broken))
    assert (whole / "model.safetensors").read_bytes() == (broken / "model.safetensors").read_bytes()
    timed = ("seconds",)
    shown = [
        [{k: v for k, v in row.items() if k not in timed} for row in rows_of(folder)]
        for folder in (whole, broken)
    ]
    assert shown[0] == shown[1]


def kill_while_it_trains(
    command: list[str], out: Path, n_more: int, rng: np.random.Generator
) -> None:
    """Start a run; SIGKILL at a random moment of the two epochs after `n_more` of its own."""
    table = out / "training.csv"
    before_ns = table.stat().st_mtime_ns if table.exists() else 0
    n_before = len(rows_of(out)) if table.exists() else 0
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline_s = time.monotonic() + 120
        while (
            not table.exists()
            or table.stat().st_mtime_ns == before_ns
            or len(rows_of(out)) < n_before + n_more
        ):
            assert running.poll() is None
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        epoch_s = float(rows_of(out)[-1]["seconds"]) if n_more else EPOCH_S
        time.sleep(rng.uniform(0, 2 * epoch_s))
        assert running.poll() is None, "it was done before it could be killed"
    finally:
        running.kill()
        running.wait()


def test_the_sameness_that_is_checked_can_fail(tmp_path: Path) -> None:
    first = {"a": torch.zeros(2)}
    assert same(first, {"a": torch.zeros(2)})
    assert not same(first, {"a": torch.tensor([0.0, 1e-30])})
