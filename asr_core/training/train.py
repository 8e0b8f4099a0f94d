"""Training: a recipe and manifests in, a model folder out. Reads top to bottom."""

import inspect
import json
import math
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jiwer
import lightning
import torch
from lightning.pytorch.callbacks import (
    EarlyStopping,
    ModelCheckpoint,
)
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor, nn
from torch.utils.data import DataLoader

from asr_core.checkpoint import Contract, build_model, load_model, versions, write_json
from asr_core.decoder import greedy
from asr_core.features import LogMel
from asr_core.manifest import Manifest, fingerprint, read_manifest
from asr_core.morse_code import is_morse
from asr_core.text import BLANK
from asr_core.torchaudio_door import torchaudio
from asr_core.training.augment import VocalTract
from asr_core.training.batches import (
    Batch,
    Clip,
    Clips,
    EpochSampler,
    Targets,
    TrainingUtterances,
    UtteranceBatches,
    read_clips,
)
from asr_core.training.boundaries import store_boundary_error
from asr_core.training.delay import store_delay
from asr_core.training.norms import store_norms
from asr_core.training.recipe import ByName, Recipe, RecipeError
from asr_core.training.records import Averaging, ModelFolder, TrainingTable, WholeCheckpoints
from asr_core.training.sounds import SoundCache
from asr_core.training.strings import StringBatches
from asr_core.verification import write_probe

N_REASONS_SHOWN = 5  # of rows that were skipped
N_SAMPLES_SHOWN = 4  # hypotheses printed each epoch
SAMPLES = "samples.txt"  # the last of them, for who looks on


class CtcTraining(lightning.LightningModule):
    """Features, SpecAugment, network and CTC loss; validation by greedy WER."""

    def __init__(self, recipe: Recipe, contract: Contract, references: list[list[str]]) -> None:
        super().__init__()
        self.recipe = recipe
        self.alphabet = contract.alphabet
        self.references = references  # of each validation batch
        self.log_mel = LogMel(contract.features)
        self.model = build_model(contract)
        self.letters: nn.Linear | None = None
        if recipe.auxiliary:
            n_letters = len(recipe.auxiliary.alphabet)
            self.letters = nn.Linear(self.model.conv_channels, n_letters)
        self.vocal_tract = VocalTract(contract.features)
        self.mask = _spec_augment(recipe)
        self.heard: list[tuple[str, str]] = []  # (reference, hypothesis) of this validation

    def training_step(self, batch: Batch) -> Tensor:
        features, lengths = self._features(batch, self._augment)
        frames, lengths = self.model.convolve(features, lengths)
        log_probs = self.model.read_out(frames, lengths)
        loss = ctc_loss(log_probs, lengths, batch.targets, batch.counts)
        if self.letters is not None and batch.letters is not None:
            assert self.recipe.auxiliary is not None
            letters = self.letters(frames).float().log_softmax(dim=2)
            spelled = ctc_loss(letters, lengths, batch.letters, torch.ones_like(batch.counts))
            self._log_loss("letters", spelled, lengths)
            loss = loss + self.recipe.auxiliary.weight * spelled
        self._log_loss("loss", loss, lengths)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        features, lengths = self._features(batch)
        log_probs, lengths = self.model(features, lengths)
        loss = ctc_loss(log_probs, lengths, batch.targets, batch.counts)
        self.log("val_loss", loss, batch_size=len(lengths), sync_dist=True)
        for i, (row, length) in enumerate(zip(log_probs.cpu().numpy(), lengths, strict=True)):
            text = self.alphabet.decode(greedy(row[:length]).ids)
            self.heard.append((self.references[batch_idx][i], text))

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002
        # Masks and dropout draw from torch's global generator: seeded here, a step depends on its
        # number alone, and a resumed run repeats it exactly.
        torch.manual_seed(hash((self.recipe.seed, self.global_step, batch_idx, self.global_rank)))

    def on_validation_epoch_end(self) -> None:
        scored = [(r, h) for r, h in self.heard if r]
        said, heard = [r for r, _ in scored], [h for _, h in scored]
        wer = jiwer.wer(said, heard)
        self.log("val_wer", wer, prog_bar=True, sync_dist=True)
        self.log("val_cer", jiwer.cer(said, heard), sync_dist=True)
        if self.global_rank == 0 and not self.trainer.sanity_checking:
            self._show_samples(wer)
        self.heard = []

    def configure_optimizers(self) -> Any:
        optimiser = _by_name(torch.optim, self.recipe.optimiser, self.parameters())
        # Not `estimated_stepping_batches`: it would start the batches before a resumed run knows
        # its epoch.
        n_steps = self.recipe.training.epochs * steps_an_epoch(self.recipe, self.trainer)
        scheduler = _by_name(
            torch.optim.lr_scheduler, self.recipe.scheduler, optimiser, total_steps=n_steps
        )
        by_score = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
        turn = {"interval": "epoch", "monitor": "val_loss"} if by_score else {"interval": "step"}
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": scheduler} | turn}

    def _log_loss(self, name: str, value: Tensor, lengths: Tensor) -> None:
        self.log(name, value, on_step=False, on_epoch=True, sync_dist=True, batch_size=len(lengths))

    @torch.no_grad()
    def _features(
        self, batch: Batch, augment: Callable[[Tensor], Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        with torch.autocast(batch.samples.device.type, enabled=False):
            features, lengths = self.log_mel(batch.samples, batch.lengths)
            return (augment(features) if augment else features), lengths

    def _augment(self, features: Tensor) -> Tensor:
        config = self.recipe.augment
        low, high = config.vocal_tract
        factors = torch.empty(len(features)).uniform_(low, high)
        factors[torch.rand(len(features)) > config.vocal_tract_probability] = 1.0
        features = self.vocal_tract(features, factors)
        return self.mask(features.transpose(1, 2)).transpose(1, 2)

    def _show_samples(self, wer: float) -> None:
        wrong = [(r, h) for r, h in self.heard if r != h]
        picks = wrong[:: max(1, len(wrong) // N_SAMPLES_SHOWN)][:N_SAMPLES_SHOWN]
        lines = [
            f"epoch {self.current_epoch}: validation WER {100 * wer:.2f} %",
            *(f"  said {reference!r}, heard {heard!r}" for reference, heard in picks),
        ]
        text = "\n".join(lines)
        self.print(f"\n{text}")
        (Path(self.trainer.default_root_dir) / SAMPLES).write_text(text + "\n", encoding="utf-8")


def steps_an_epoch(recipe: Recipe, trainer: lightning.Trainer) -> int:
    """Steps of the optimiser; the last one of an epoch takes what batches there are."""
    n_batches = recipe.training.batches // trainer.world_size
    return math.ceil(n_batches / recipe.training.accumulate)


def ctc_loss(log_probs: Tensor, lengths: Tensor, targets: Targets, counts: Tensor) -> Tensor:
    """CTC loss a symbol (Graves et al. 2006), averaged over the utterances that count.

    Args:
        log_probs: (B, T, V).
        lengths: (B,) frames.
        targets: ids (B, L) and their lengths.
        counts: (B,) weight of each utterance; all 0 gives 0.

    Returns:
        A scalar; utterances with fewer frames than symbols and repeats add nothing.
    """
    losses = nn.functional.ctc_loss(
        log_probs.transpose(0, 1),
        targets.ids,
        lengths,
        targets.lengths,
        blank=BLANK,
        reduction="none",
        zero_infinity=True,
    )
    losses = losses / targets.lengths.clamp(min=1)
    return (losses * counts).sum() / counts.sum().clamp(min=1)


def train(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    init: str | Path | None = None,
    sounds: SoundCache | None = None,
    trainer_options: dict[str, Any] | None = None,
) -> Path:
    """Train a model and write its folder.

    Args:
        recipe: what to train.
        data: folder with `train.jsonl` and `validation.jsonl`.
        out: the model folder to write; checkpoints go to its `checkpoints`.
        resume: go on from the last checkpoint in `out`, if there is one.
        init: a model folder, or a bundled model's name, whose weights to begin with.
        sounds: where decoded recordings are kept for the next run; None: in memory only.
        trainer_options: passed to Lightning's Trainer (devices, strategy, ...).

    Raises:
        RecipeError: the recipe does not fit the data, or names what torch does not have.
        CheckpointError: no model to begin with, or a damaged one.
        ManifestError: no manifest, or none of its recordings can be read.
    """
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    manifests = {name: read_manifest(data / f"{name}.jsonl") for name in ("train", "validation")}
    contract = Contract(
        name=recipe.name,
        features=recipe.features,
        alphabet=recipe.alphabet,
        model=recipe.model,
        provenance=_provenance(recipe, manifests, init),
    )
    last = out / "checkpoints" / "last.ckpt"
    _begin(out, contract, resume=resume)
    rate = recipe.features.sample_rate
    clips = read_clips(manifests["train"], rate, recipe.alphabet, sounds)
    unseen = read_clips(manifests["validation"], rate, recipe.alphabet, sounds)
    print(_counts(clips, unseen), file=sys.stderr)
    _check_usable(clips.clips, recipe)

    validation = UtteranceBatches(unseen.clips, recipe.alphabet, recipe.training.batch_size)
    references = [validation.texts(i) for i in range(len(validation))]
    module = CtcTraining(recipe, contract, references)
    if init is not None:
        _begin_with(init, contract, module.model)
    trainer = _trainer(recipe, out, contract, trainer_options or {})
    trainer.fit(
        module,
        _training_batches(clips.clips, recipe, trainer),
        DataLoader(validation, batch_size=None),
        ckpt_path=str(last) if resume and last.exists() else None,
        weights_only=False,  # our own checkpoint: Lightning's hold more than tensors
    )
    if trainer.is_global_zero:
        if recipe.strings or is_morse(recipe.alphabet):
            store_delay(out, unseen.clips, recipe.seed)
            store_boundary_error(out, unseen.clips, recipe.seed)  # of words placed by the delay
        store_norms(out, clips.clips, recipe, manifests["train"])
        write_probe(out)
    return out


def _begin(out: Path, contract: Contract, *, resume: bool) -> None:
    """Make the run's folder, or check that it holds the beginning of this very run."""
    asked = {key: contract.provenance[key] for key in ("recipe", "data", "init")}
    asked = json.loads(json.dumps(asked))  # as it will be read
    path = out / "checkpoints" / "run.json"
    if not (out / "checkpoints" / "last.ckpt").exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rank_zero_only(write_json)(path, asked)
        return
    if not resume:
        raise RecipeError(
            f"{out} holds a run already. Go on with --resume, or choose another --out."
        )
    begun = json.loads(path.read_text(encoding="utf-8")) if path.exists() else asked
    if others := list(_differences(begun, asked)):
        raise RecipeError(
            f"{out} holds another run: {'; '.join(others)}. --resume goes on with a run as it was"
            f" begun. Choose another --out; --init {out} begins with its weights."
        )


def _differences(begun: Any, asked: Any, path: str = "") -> Iterator[str]:
    """Each place in which two plain values differ."""
    if isinstance(begun, dict) and isinstance(asked, dict):
        for key in sorted(begun.keys() | asked.keys()):
            yield from _differences(begun.get(key), asked.get(key), f"{path}.{key}".lstrip("."))
    elif begun != asked:
        was, now = (textwrap.shorten(repr(value), 60) for value in (begun, asked))
        yield f"{path} was {was}, is now {now}"


def _check_usable(clips: Sequence[Clip], recipe: Recipe) -> None:
    """Refuse data of which no batch can be made (raises RecipeError)."""
    if recipe.strings is None:
        if all(clip.kind == "noise" for clip in clips):
            raise RecipeError("No training recording has a text. Expected at least one that has.")
    elif not any(clip.kind == "word" and clip.text in recipe.alphabet.symbols for clip in clips):
        raise RecipeError(
            "No training recording is a single word of the alphabet, and `strings` joins such."
            " Leave `strings` out of the recipe to train on utterances as they are."
        )


def _training_batches(
    clips: Sequence[Clip], recipe: Recipe, trainer: lightning.Trainer
) -> DataLoader[Batch]:
    batches = StringBatches if recipe.strings else TrainingUtterances
    sampler = EpochSampler(
        recipe.training.batches,
        lambda: trainer.global_step // steps_an_epoch(recipe, trainer),
        trainer.global_rank,
        trainer.world_size,
    )
    return DataLoader(
        batches(clips, recipe, recipe.seed),
        batch_size=None,
        sampler=sampler,
        num_workers=recipe.training.workers,
        persistent_workers=recipe.training.workers > 0,
    )


def _trainer(
    recipe: Recipe, out: Path, contract: Contract, options: dict[str, Any]
) -> lightning.Trainer:
    checkpoints = [
        ModelCheckpoint(
            out / "checkpoints",
            name,
            monitor=monitor,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        for name, monitor in (("best", "val_wer"), ("last", None))
    ]
    averaging = Averaging(recipe.training.ema_decay) if recipe.training.ema_decay else None
    return lightning.Trainer(
        default_root_dir=out,
        accumulate_grad_batches=recipe.training.accumulate,
        precision=recipe.training.precision,
        gradient_clip_val=recipe.training.gradient_clip,
        callbacks=[
            TrainingTable(out / "training.csv"),
            *([averaging] if averaging else []),
            ModelFolder(out, contract, averaging, recipe.training.keep),
            EarlyStopping(
                "val_wer", patience=recipe.training.patience, check_on_train_epoch_end=True
            ),
            *checkpoints,
        ],
        plugins=[WholeCheckpoints()],
        deterministic="warn",  # CTC loss has no deterministic kernel on CUDA; on the CPU it is
        logger=False,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        use_distributed_sampler=False,  # EpochSampler shares batches out itself
        **{"max_epochs": recipe.training.epochs} | options,
    )


def _spec_augment(recipe: Recipe) -> nn.Module:
    """SpecAugment (Park et al. 2019): silent stretches of time and of frequency, (B, F, T)."""
    config = recipe.augment
    return torchaudio.transforms.SpecAugment(
        n_time_masks=config.n_time_masks,
        time_mask_param=round(config.time_mask_s / recipe.features.hop_s),
        n_freq_masks=config.n_frequency_masks,
        freq_mask_param=config.frequency_mask,
        iid_masks=True,
        zero_masking=True,
    )


def _by_name(module: Any, choice: ByName, *positional: Any, **extra: Any) -> Any:
    """Build torch's class of that name; `extra` arguments are given only if it takes them."""
    found = getattr(module, choice.name, None)
    if not isinstance(found, type):
        raise RecipeError(
            f"{module.__name__} has no {choice.name!r}. Use one of torch's own names."
        )
    takes = inspect.signature(found).parameters
    arguments = {k: v for k, v in extra.items() if k in takes} | choice.arguments
    try:
        return found(*positional, **arguments)
    except (TypeError, ValueError) as e:
        raise RecipeError(f"{choice.name} cannot be built from {arguments}: {e}") from e


def _begin_with(init: str | Path, contract: Contract, model: nn.Module) -> None:
    """Copy another model's weights into `model`; both must be of one shape and alphabet."""
    other, trained = load_model(init)
    for part in ("features", "alphabet", "model"):
        if getattr(other, part) != getattr(contract, part):
            raise RecipeError(f"{init} has other {part} than the recipe; they must be the same.")
    model.load_state_dict(trained.state_dict())


def _provenance(
    recipe: Recipe, manifests: Mapping[str, Manifest], init: str | Path | None
) -> dict[str, Any]:
    """Where a model comes from: enough to train it again."""
    return {
        "recipe": recipe.model_dump(mode="json"),
        "seed": recipe.seed,
        "data": {name: fingerprint(manifest) for name, manifest in manifests.items()},
        "versions": versions() | {"lightning": lightning.__version__},
        "commit": _commit(),
        "init": load_model(init)[0].provenance if init is not None else None,
    }


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None  # not a git checkout


def _counts(clips: Clips, unseen: Clips) -> str:
    told = f"{len(clips.clips)} recordings to train on, {len(unseen.clips)} to validate on"
    skipped = [*clips.skipped, *unseen.skipped]
    if not skipped:
        return told
    shown = "".join(f"\n  {reason}" for reason in skipped[:N_REASONS_SHOWN])
    more = "\n  ..." if len(skipped) > N_REASONS_SHOWN else ""
    return f"{told}; {len(skipped)} rows skipped:{shown}{more}"
