"""What a training run leaves behind, epoch by epoch: its table and the best model so far."""

import csv
import functools
import sys
import time
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, WeightAveraging
from lightning.pytorch.plugins import TorchCheckpointIO
from torch import Tensor

from asr_core.checkpoint import Contract, save_model, write_json
from asr_core.model import CtcModel

SCORES = ("loss", "wer", "cer")  # of the validation set
RATES = ("loss", *(f"val_{name}" for name in SCORES))


class Averaging(WeightAveraging):
    """Moving average of the weights (torch's swa_utils), exponential; validation is done with it.

    It begins short and grows to `decay`, as in TensorFlow's ExponentialMovingAverage: else the
    first weights would be heard for thousands of steps.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=functools.partial(_moved, decay))

    def averaged(self, pl_module: lightning.LightningModule) -> lightning.LightningModule:
        """The averaged twin of the module in training."""
        if self._average_model is None:
            return pl_module
        twin = self._average_model.module
        assert isinstance(twin, lightning.LightningModule)
        return twin


def _moved(decay: float, average: Tensor, current: Tensor, n_averaged: Tensor | int) -> Tensor:
    share = min(decay, (1 + int(n_averaged)) / (10 + int(n_averaged)))
    return average + (1 - share) * (current - average)


class TrainingTable(Callback):
    """Writes `training.csv`, a row an epoch; a resumed run drops the rows it will redo."""

    COLUMNS = ("epoch", "step", "loss", "val_loss", "val_wer", "val_cer", "lr", "seconds")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started_s = time.monotonic()

    def on_train_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        kept: list[dict[str, str]] = []
        if self.path.exists() and trainer.current_epoch:
            with self.path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if _is_whole(row)]
                kept = [row for row in rows if int(row["epoch"]) < trainer.current_epoch]
        if trainer.is_global_zero:
            part = self.path.with_name(self.path.name + ".part")
            with part.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.COLUMNS)
                writer.writeheader()
                writer.writerows(kept)
            part.replace(self.path)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        self.started_s = time.monotonic()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        metrics = trainer.callback_metrics
        row = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            **{k: f"{float(metrics[k]):.6f}" for k in RATES},
            "lr": f"{trainer.optimizers[0].param_groups[0]['lr']:.3e}",
            "seconds": f"{time.monotonic() - self.started_s:.1f}",
        }
        if trainer.is_global_zero:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.COLUMNS).writerow(row)

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        if isinstance(exception, KeyboardInterrupt) and trainer.is_global_zero:
            done = trainer.current_epoch
            go_on = "go on with --resume" if done else "nothing is lost by starting again"
            print(f"stopped after {done} epochs; {go_on}", file=sys.stderr)


def _is_whole(row: dict[str, str]) -> bool:
    """Not so of a row that a kill cut off."""
    return set(row) == set(TrainingTable.COLUMNS) and all(row.values())


class ModelFolder(Callback):
    """Writes the model folder anew at every epoch that is to be kept.

    That is each, or each whose validation loss is the lowest so far: the loss, because the word
    error rate of a validation set of a thousand words moves by a point or two by chance, and the
    best of many epochs would be the luckiest.
    """

    def __init__(
        self, folder: Path, contract: Contract, averaging: Averaging | None, keep: str
    ) -> None:
        self.folder = folder
        self.contract = contract
        self.averaging = averaging
        self.keep = keep
        self.lowest = float("inf")

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        metrics = {name: float(trainer.callback_metrics[f"val_{name}"]) for name in SCORES}
        loss = metrics["loss"]
        if not (loss < self.lowest or self.keep == "last") or not trainer.is_global_zero:
            return
        self.lowest = min(loss, self.lowest)
        scored = self.averaging.averaged(pl_module) if self.averaging else pl_module
        assert isinstance(scored.model, CtcModel)
        save_model(self.folder, self.contract, scored.model)
        place = {"epoch": trainer.current_epoch, "step": trainer.global_step}
        write_json(self.folder / "metrics.json", {"validation": metrics | place})

    def state_dict(self) -> dict[str, Any]:
        return {"lowest": self.lowest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.lowest = state_dict["lowest"]


class WholeCheckpoints(TorchCheckpointIO):
    """A checkpoint is written beside the old one and renamed over it: a kill leaves either.

    Lightning's own is written to the folder for temporary files and moved, which is a copy where
    that is another disk.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        part = Path(f"{path}.part")
        super().save_checkpoint(checkpoint, part, storage_options)
        part.replace(path)
