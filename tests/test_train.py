"""Training end to end on a toy: two tones are two words."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import lightning
import numpy as np
import pytest
import safetensors.torch
import soundfile
import torch
import yaml

from asr_core.checkpoint import CheckpointError, load_model
from asr_core.features import FeatureConfig
from asr_core.manifest import read_manifest, write_manifest
from asr_core.norms import NORMS, load_norms
from asr_core.recognizer import Recognizer
from asr_core.training.averaging import average_runs
from asr_core.training.recipe import ByName, Recipe, RecipeError, load_recipe
from asr_core.training.sounds import SoundCache

RATE = 8000
CPU = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False}
HERTZ = {"go": 400.0, "stop": 1600.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, n in (("train", 6), ("validation", 3)):
        rows = []
        for word, hertz in HERTZ.items():
            for i in range(n):
                times = np.arange(round(0.4 * RATE)) / RATE
                sound = 0.3 * np.sin(2 * np.pi * hertz * rng.uniform(0.95, 1.05) * times)
                sound = np.pad(sound, round(0.15 * RATE))
                name = f"{split}-{word}-{i}.wav"
                soundfile.write(folder / name, sound + rng.normal(0, 0.003, len(sound)), RATE)
                rows.append({"audio_filepath": name, "text": word, "speaker": f"{split}{i}"})
        write_manifest(folder / f"{split}.jsonl", rows)
    return folder


def toy(epochs: int, seed: int = 7) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "toy",
            "seed": seed,
            "features": {"n_mels": 20},
            "alphabet": {"symbols": ["go", "stop"], "joiner": " "},
            "model": {
                "prologue": {"channels": 32, "kernel": 5, "stride": 4},
                "blocks": [{"channels": 32, "kernel": 5, "repeats": 1}],
                "gru_hidden": 16,
            },
            "strings": {
                "n_words": [1, 1],
                "gap_s": [0.1, 0.3],
                "utterances": 0,
                "silence": 0,
                "clip_noise": 0,
                "clip_denoise": 0,
            },
            "augment": {  # what tells two tones apart stays: their frequency
                "vocal_tract_probability": 0,
                "speed_probability": 0,
                "channel_probability": 0,
                "noise_snr_db": [15, 30],
                "n_frequency_masks": 0,
                "n_time_masks": 0,
            },
            "optimiser": {"name": "AdamW", "lr": 0.006},
            "scheduler": {"name": "OneCycleLR", "max_lr": 0.006},
            "auxiliary": {"weight": 0.1, "sentences": 0.0},
            "training": {
                "epochs": epochs,
                "batches": 12,
                "batch_size": 8,
                "accumulate": 2,
                "ema_decay": 0.5,
                "workers": 0,
            },
        }
    )


def run(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    init: Path | None = None,
    sounds: SoundCache | None = None,
    **options: object,
) -> Path:
    from asr_core.training.train import train

    options = CPU | options
    return train(
        recipe, data, out, resume=resume, init=init, sounds=sounds, trainer_options=options
    )


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "training.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_learns_two_words_and_leaves_a_model_folder(data: Path, tmp_path: Path) -> None:
    out = run(toy(epochs=14), data, tmp_path / "run")
    rows = rows_of(out)
    assert [int(row["epoch"]) for row in rows] == list(range(14))
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])
    chosen = min(rows, key=lambda row: float(row["val_loss"]))
    assert float(chosen["val_wer"]) == 0
    validation = json.loads((out / "metrics.json").read_text())["validation"]
    assert validation["epoch"] == int(chosen["epoch"])
    assert validation["wer"] == float(chosen["val_wer"])
    assert (out / "samples.txt").read_text().startswith("epoch 13: validation WER 0.00 %")
    recognizer = Recognizer.load(out)
    heard = [recognizer.transcribe([data / f"validation-{w}-0.wav"])[0].text for w in HERTZ]
    assert heard == list(HERTZ)
    provenance = recognizer.contract.provenance
    assert provenance["seed"] == 7
    assert set(provenance["data"]) == {"train", "validation"}
    assert provenance["versions"]["torch"] == torch.__version__


def last_weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt", weights_only=False)["state_dict"]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_same_seed_same_bits(data: Path, tmp_path: Path) -> None:
    first, second = (run(toy(epochs=2), data, tmp_path / name) for name in ("first", "second"))
    other = run(toy(epochs=2, seed=8), data, tmp_path / "other")
    assert same(last_weights(first), last_weights(second))
    assert not same(last_weights(first), last_weights(other))
    for name in ("model.safetensors", NORMS):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    norms, others = load_norms(first), load_norms(other)
    assert norms is not None
    assert others is not None
    assert norms.recordings == others.recordings
    assert norms.training != others.training  # drawn by the recipe, whose seed differs


def test_kept_sounds_train_to_the_same_bits(data: Path, tmp_path: Path) -> None:
    recipe = toy(epochs=1)
    plain = run(recipe, data, tmp_path / "plain")
    for name in ("first", "second"):  # it fills the cache, and reads it
        out = run(recipe, data, tmp_path / name, sounds=SoundCache(tmp_path / "sounds"))
        assert same(last_weights(plain), last_weights(out))
        for written in ("model.safetensors", NORMS):
            assert (out / written).read_bytes() == (plain / written).read_bytes()
    assert len(list((tmp_path / "sounds").iterdir())) == 2  # of training, of validation


def test_init_begins_with_another_models_weights(data: Path, tmp_path: Path) -> None:
    first = run(toy(epochs=1), data, tmp_path / "first")
    recipe = toy(epochs=1, seed=8)
    still = recipe.model_copy(update={"optimiser": ByName(name="SGD", lr=0.0)})
    still = still.model_copy(update={"scheduler": ByName(name="ConstantLR", factor=1.0)})
    second = run(still, data, tmp_path / "second", init=first)
    weights = [dict(load_model(folder)[1].named_parameters()) for folder in (first, second)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert load_model(second)[0].provenance["init"]["seed"] == 7
    wider = recipe.model_copy(update={"features": FeatureConfig(n_mels=24)})
    with pytest.raises(RecipeError, match="other features"):
        run(wider, data, tmp_path / "third", init=first)


def test_data_of_which_no_batch_can_be_made_is_refused(data: Path, tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.mkdir()
    for part in ("train", "validation"):
        rows = [
            {"audio_filepath": str(row.audio_path.resolve()), "text": "go stop", "kind": "string"}
            for row in read_manifest(data / f"{part}.jsonl").rows
        ]
        write_manifest(long / f"{part}.jsonl", rows)
    with pytest.raises(RecipeError, match="No training recording is a single word"):
        run(toy(epochs=1), long, tmp_path / "out")


def test_a_scheduler_that_looks_at_the_score(data: Path, tmp_path: Path) -> None:
    recipe = toy(epochs=2)
    plateau = ByName(name="ReduceLROnPlateau", patience=0, threshold=1e9)
    run(recipe.model_copy(update={"scheduler": plateau}), data, tmp_path / "out")
    rates = [float(row["lr"]) for row in rows_of(tmp_path / "out")]
    assert rates[1] == pytest.approx(0.1 * recipe.optimiser.arguments["lr"])


def test_an_average_is_the_mean_of_the_last_weights(data: Path, tmp_path: Path) -> None:
    runs = [run(toy(epochs=1, seed=seed), data, tmp_path / str(seed)) for seed in (7, 8)]
    average_runs(runs, tmp_path / "mean")
    contract, model = load_model(tmp_path / "mean")
    assert [each["seed"] for each in contract.provenance["average_of"]] == [7, 8]
    first, second = (last_weights(folder) for folder in runs)
    for name, value in model.named_parameters():
        middle = (first[f"model.{name}"] + second[f"model.{name}"]) / 2
        torch.testing.assert_close(value.data, middle)
    (runs[1] / "checkpoints" / "last.ckpt").unlink()
    with pytest.raises(RecipeError, match=r"no checkpoints/last.ckpt"):
        average_runs(runs, tmp_path / "none")


class PulledPlugError(Exception):
    pass


def test_a_resumed_run_ends_where_an_unbroken_one_does(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asr_core.training.records import TrainingTable

    def pull_plug(_: object, trainer: lightning.Trainer, __: object) -> None:
        if trainer.current_epoch == 2:
            raise PulledPlugError

    whole = run(toy(epochs=3), data, tmp_path / "whole")
    broken = tmp_path / "broken"
    with monkeypatch.context() as patched:
        patched.setattr(TrainingTable, "on_train_epoch_start", pull_plug)
        with pytest.raises(PulledPlugError):
            run(toy(epochs=3), data, broken)
    with pytest.raises(RecipeError, match="--resume"):
        run(toy(epochs=3), data, broken)
    with pytest.raises(RecipeError, match=r"another run: recipe\.seed was 7, is now 8"):
        run(toy(epochs=3, seed=8), data, broken, resume=True)
    run(toy(epochs=3), data, broken, resume=True)
    assert not list((broken / "checkpoints").glob("*.part"))
    assert same(last_weights(whole), last_weights(broken))
    assert [r["loss"] for r in rows_of(whole)] == [r["loss"] for r in rows_of(broken)]


@pytest.mark.slow
def test_ctrl_c_leaves_what_resume_goes_on_with(data: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "mine.yaml", tmp_path / "run"
    recipe.write_text(yaml.safe_dump(toy(epochs=400).model_dump(mode="json")))
    command = [sys.executable, "-m", "asr_core", "train", str(recipe), "--data", str(data)]
    options = ["--out", str(out), "--accelerator", "cpu"]
    running = subprocess.Popen(
        [*command, *options],
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background ignores SIGINT, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline_s = time.monotonic() + 240
    while not (out / "checkpoints" / "last.ckpt").exists() or len(rows_of(out)) < 2:
        assert running.poll() is None
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "go on with --resume" in errors
    assert "Traceback" not in errors
    n_done = torch.load(out / "checkpoints" / "last.ckpt", weights_only=False)["global_step"] // 12
    run(toy(epochs=400), data, out, resume=True, limit_val_batches=1, max_epochs=n_done + 2)
    assert [int(row["epoch"]) for row in rows_of(out)] == list(range(n_done + 2))


def test_the_command_line_trains_by_a_yaml_file(data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(yaml.safe_dump(toy(epochs=1).model_dump(mode="json")))
    out = tmp_path / "run"
    command = [sys.executable, "-m", "asr_core", "train", str(recipe), "--data", str(data)]
    options = ["--out", str(out), "--seed", "3", "--accelerator", "cpu", "--devices", "1"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=True, timeout=300
    )
    assert "validation WER" in done.stdout + done.stderr
    contract, _ = load_model(out)
    assert contract.provenance["seed"] == 3
    refused = subprocess.run(
        [*command, *options], check=False, capture_output=True, text=True, timeout=300
    )
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "--resume" in refused.stderr


def test_the_bundled_recipe_holds_its_promises() -> None:
    recipe = load_recipe("spoken")
    kernels = [block.kernel for block in recipe.model.blocks]
    assert kernels == sorted(set(kernels)), "kernels grow with depth"
    assert len(recipe.alphabet.symbols) == 21
    assert recipe.features.f_max <= recipe.features.sample_rate / 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimiser": {"name": "Adamw"}}, "torch.optim has no 'Adamw'"),
        ({"optimiser": {"name": "AdamW", "rl": 1.0}}, "AdamW cannot be built"),
        ({"scheduler": {"name": "OneCycle"}}, "has no 'OneCycle'"),
    ],
)
def test_names_that_torch_does_not_have_are_refused(
    change: dict[str, object], message: str, data: Path, tmp_path: Path
) -> None:
    wrong = Recipe.model_validate(toy(epochs=1).model_dump(mode="json") | change)
    with pytest.raises(RecipeError, match=message):
        run(wrong, data, tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: {blocks: []}", "name"),
        ("{name: x, modle: {}}", "modle"),
        ("[1, 2]", "recipe"),
        ("a: [", "not YAML"),
    ],
)
def test_wrong_recipes_are_refused_by_key(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        load_recipe(path)
    with pytest.raises(RecipeError, match="spoken"):
        load_recipe("no-such-recipe")


def test_an_untrained_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No model"):
        load_model(tmp_path)


def test_the_saved_weights_are_the_moving_average(data: Path, tmp_path: Path) -> None:
    recipe = toy(epochs=1)
    out = run(recipe, data, tmp_path / "run")
    checkpoint = torch.load(out / "checkpoints" / "last.ckpt", weights_only=False)
    averaged, current = checkpoint["state_dict"], checkpoint["current_model_state"]
    saved = safetensors.torch.load_file(out / "model.safetensors")
    assert all(torch.equal(value, averaged[f"model.{name}"]) for name, value in saved.items())
    assert not torch.equal(averaged["model.head.weight"], current["model.head.weight"])
    assert not any(name.startswith("letters") for name in saved)  # of no use after training
    assert "letters.weight" in averaged


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_folder_holds_the_epoch_that_the_recipe_keeps(
    keep: str, data: Path, tmp_path: Path
) -> None:
    recipe = toy(epochs=3)
    # Far too fast: the loss gets worse.
    wild = recipe.model_copy(
        update={
            "optimiser": ByName(name="SGD", lr=3.0),
            "scheduler": ByName(name="ConstantLR", factor=1.0),
            "training": recipe.training.model_copy(update={"keep": keep}),
        }
    )
    out = run(wild, data, tmp_path / "run")
    losses = [float(row["val_loss"]) for row in rows_of(out)]
    best = losses.index(min(losses))
    assert best != 2
    kept = json.loads((out / "metrics.json").read_text())["validation"]["epoch"]
    assert kept == (best if keep == "best" else 2)


def test_ctc_loss_is_torchs_mean_over_the_utterances_that_count(rng: np.random.Generator) -> None:
    from asr_core.training.batches import Targets
    from asr_core.training.train import ctc_loss

    log_probs = torch.from_numpy(rng.normal(size=(3, 9, 4))).log_softmax(dim=2)
    ids, n_ids = torch.tensor([[1, 2, 3], [2, 0, 0], [0, 0, 0]]), torch.tensor([3, 1, 0])
    lengths = torch.tensor([9, 7, 5])
    loss = torch.nn.CTCLoss(blank=0)
    every = loss(log_probs.transpose(0, 1), ids, lengths, n_ids)
    torch.testing.assert_close(
        ctc_loss(log_probs, lengths, Targets(ids, n_ids), torch.ones(3)), every
    )
    two = loss(log_probs[1:].transpose(0, 1), ids[1:], lengths[1:], n_ids[1:])
    counts = torch.tensor([0.0, 1.0, 1.0])
    torch.testing.assert_close(ctc_loss(log_probs, lengths, Targets(ids, n_ids), counts), two)
    assert ctc_loss(log_probs, lengths, Targets(ids, n_ids), torch.zeros(3)) == 0
