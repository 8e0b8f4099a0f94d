"""Comparisons of short runs: their recipes, their bookkeeping and their statistics."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pydantic import ValidationError

from asr_core.manifest import ManifestError, read_manifest, write_manifest
from asr_core.training.corpora import spoken
from asr_core.training.recipe import load_recipe
from benchmarks import ablations, budget, loso
from benchmarks.budget import BudgetError, Counts, Outcome, Run

RATE = 8000
SPEAKERS = ("anna", "bert", "carl")
TINY = {
    "model.prologue.channels": 8,
    "model.blocks": [{"channels": 8, "kernel": 3}],
    "model.gru_hidden": 4,
    "training.batches": 2,
    "training.batch_size": 2,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `prepare spoken` writes, in miniature: three speakers say two digits three times."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "test_fsdd_official": []}
    for speaker in SPEAKERS:
        for word, hertz in (("one", 400), ("two", 1200)):
            for index in range(3):
                path = folder / f"{word}-{speaker}-{index}.wav"
                sound = 0.3 * np.sin(2 * np.pi * hertz * np.arange(2400) / RATE)
                soundfile.write(path, sound + rng.normal(0, 0.003, 2400), RATE)
                part = "train" if index else "test_fsdd_official"
                known = {"corpus": "fsdd", "speaker": f"fsdd-{speaker}", "kind": "word"}
                row = {"audio_filepath": path.name, "duration": 0.3, "text": word} | known
                rows[part].append(row)
    sentence = rows["train"][0] | {"text": "one dog", "kind": "sentence", "corpus": "other"}
    write_manifest(folder / "train.jsonl", [*rows["train"], sentence])
    write_manifest(folder / "test_fsdd_official.jsonl", rows["test_fsdd_official"])
    write_manifest(folder / "validation.jsonl", rows["test_fsdd_official"])
    return folder


@pytest.fixture(scope="module")
def fold(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fold")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spoken, "JOINED_STRINGS", 4)
        return loso.write_fold(loso.read_recordings(data), "fsdd-bert", folder, seed=1)


def counts(errors: list[int], words: list[int] | None = None) -> Counts:
    return Counts(np.array(errors), np.array(words or [1] * len(errors)))


@pytest.fixture
def toy_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of two small batches, in this process."""

    def in_process(folder: Path) -> int:
        budget.do(folder)
        return 0

    monkeypatch.setattr(budget, "_in_process", in_process)
    monkeypatch.setattr(budget, "BATCHES", 2)
    monkeypatch.setattr(spoken, "JOINED_STRINGS", 3)


class TestBudget:
    @pytest.fixture
    def run(self, data: Path) -> Run:
        recipe = budget.short_recipe(1, TINY)
        return Run("tiny", recipe, data, {"seen": data / "validation.jsonl"})

    def test_changes_are_made_and_typos_refused(self):
        recipe = budget.short_recipe(2, {"seed": 5, "augment.noise_probability": 0.0})
        assert (recipe.seed, recipe.augment.noise_probability) == (5, 0.0)
        with pytest.raises(AssertionError, match=r"augment\.nois"):
            budget.changed(recipe, {"augment.nois": 0.0})
        with pytest.raises(ValidationError, match="noise_probability"):
            budget.changed(recipe, {"augment.noise_probability": 2.0})

    def test_the_average_reaches_back_over_the_same_share_of_the_run(self):
        full = load_recipe("spoken").training
        short = budget.short_recipe(10, {}).training
        shares = [
            1 / (1 - t.ema_decay) / (t.epochs * t.batches / t.accumulate) for t in (full, short)
        ]
        assert shares[0] == pytest.approx(shares[1])

    def test_a_finished_run_is_not_done_again(self, run, tmp_path, monkeypatch, capsys):
        def in_process(folder: Path) -> int:
            done.append(folder.name)
            budget.do(folder)
            return 0

        done: list[str] = []
        monkeypatch.setattr(budget, "_in_process", in_process)
        outcome = budget.perform([run], tmp_path, jobs=1)["tiny"]
        assert outcome.sets["seen"].words.tolist() == [1] * 6
        assert outcome.n_parameters == ablations.n_parameters(run.recipe)
        assert "tiny: seen" in capsys.readouterr().out
        again = budget.perform([run], tmp_path, jobs=1)["tiny"]
        assert done == ["tiny"]
        assert again.sets["seen"].errors.tolist() == outcome.sets["seen"].errors.tolist()

    def test_a_run_stopped_before_its_result_ends_the_same(self, run, tmp_path):
        folder = tmp_path / "tiny"
        budget._ask(run, folder)
        budget.do(folder)
        first = (folder / "result.json").read_text(), (folder / "model.safetensors").read_bytes()
        (folder / "result.json").unlink()
        budget.do(folder)
        second = (folder / "result.json").read_text(), (folder / "model.safetensors").read_bytes()
        assert first[1] == second[1]
        assert json.loads(first[0])["sets"] == json.loads(second[0])["sets"]

    def test_another_recipe_or_other_data_is_refused(self, run, data, tmp_path):
        budget._ask(run, tmp_path)
        budget._ask(run, tmp_path)
        other = Run("tiny", budget.changed(run.recipe, {"seed": 2}), data, run.sets)
        with pytest.raises(BudgetError, match="another recipe, budget or data"):
            budget._ask(other, tmp_path)
        fewer = tmp_path / "fewer"
        rows = [budget.record(row) for row in read_manifest(data / "train.jsonl").rows]
        write_manifest(fewer / "train.jsonl", rows[1:])
        write_manifest(fewer / "validation.jsonl", rows[:1])
        with pytest.raises(BudgetError, match="another recipe, budget or data"):
            budget._ask(Run("tiny", run.recipe, fewer, run.sets), tmp_path)

    def test_one_failure_leaves_the_others_done_and_is_told(self, run, tmp_path, monkeypatch):
        def in_process(folder: Path) -> int:
            if folder.name == "broken":
                return 1
            result = {"n_parameters": 1, "seconds": 1.0, "sets": {}}
            (folder / "result.json").write_text(json.dumps(result))
            return 0

        monkeypatch.setattr(budget, "_in_process", in_process)
        runs = [Run(name, run.recipe, run.data, run.sets) for name in ("broken", "whole")]
        with pytest.raises(BudgetError, match=r"1 of 2 runs failed; see .*broken/train\.log"):
            budget.perform(runs, tmp_path, jobs=2)
        assert (tmp_path / "whole" / "result.json").exists()

    @pytest.mark.parametrize(("program", "code"), [("echo", 0), ("false", 1)])
    def test_a_process_has_its_own_log_and_exit_code(self, program, code, tmp_path, monkeypatch):
        monkeypatch.setattr(budget.sys, "executable", shutil.which(program))
        assert budget._in_process(tmp_path) == code
        said = f"-m benchmarks.budget {tmp_path}\n" if program == "echo" else ""
        assert (tmp_path / "train.log").read_text() == said


class TestAblations:
    def test_each_variant_changes_one_thing(self):
        recipes = ablations.variants(budget.short_recipe(1, {}))
        baseline = recipes.pop(ablations.BASELINE).model_dump()
        differing = {
            name: {part for part, value in recipe.model_dump().items() if value != baseline[part]}
            for name, recipe in recipes.items()
        }
        assert differing == {
            "kernels-constant": {"model"},
            "kernels-shrinking": {"model"},
            "mean-variance": {"features"},
            "no-normalisation": {"features"},
            "whole-band": {"features"},
            "no-gru": {"model"},
            "no-gru-same-size": {"model"},
            "no-specaugment": {"augment"},
            "no-noise": {"augment", "strings"},
        }

    def test_sizes_are_alike_where_they_should_be(self):
        recipes = ablations.variants(budget.short_recipe(1, {}))
        sizes = {name: ablations.n_parameters(recipe) for name, recipe in recipes.items()}
        baseline = sizes[ablations.BASELINE]
        for name in ("kernels-constant", "kernels-shrinking", "no-gru-same-size"):
            assert sizes[name] == pytest.approx(baseline, rel=0.02)
        assert sizes["no-gru"] < 0.9 * baseline
        kernels = {name: [b.kernel for b in recipes[name].model.blocks] for name in sizes}
        assert kernels["kernels-shrinking"] == kernels[ablations.BASELINE][::-1]
        assert len(set(kernels["kernels-constant"])) == 1

    def test_sentences_are_left_out(self, data, tmp_path):
        ablations.write_data(data, tmp_path)
        ours = read_manifest(tmp_path / "train.jsonl").rows
        assert len(ours) == 12
        assert {row.fields["kind"] for row in ours} == {"word"}
        assert all(row.audio_path.is_file() for row in ours)

    @pytest.mark.usefixtures("toy_budget")
    def test_the_command_from_manifests_to_table(self, data, tmp_path, monkeypatch):
        rows = [budget.record(row) for row in read_manifest(data / "validation.jsonl").rows]
        for name in ablations.SETS[1:]:
            write_manifest(tmp_path / "data" / f"{name}.jsonl", rows)
        for name in ("train", "validation"):
            rows = [budget.record(row) for row in read_manifest(data / f"{name}.jsonl").rows]
            write_manifest(tmp_path / "data" / f"{name}.jsonl", rows)
        given = f"x --data {tmp_path / 'data'} --out {tmp_path / 'out'} --epochs 1 --jobs 1"
        chosen = "--seeds 4 --only no-gru no-normalisation"
        monkeypatch.setattr("sys.argv", f"{given} {chosen}".split())
        ablations.main()
        told = json.loads((tmp_path / "out" / "ablations.json").read_text())
        assert list(told["variants"]) == ["baseline", "no-normalisation", "no-gru"]
        assert told["seeds"] == [4]
        sizes = {name: row["n_parameters"] for name, row in told["variants"].items()}
        assert sizes["no-gru"] < sizes["baseline"] == sizes["no-normalisation"]

    def test_no_difference_is_zero(self, rng):
        same = [counts([1, 0, 2]), counts([0, 0, 1])]
        assert ablations.difference(same, same, rng) == ablations.Difference(0, 0, 0)

    def test_pairs_cancel_what_both_get_wrong(self, rng):
        """Every utterance has one error more, however hard it is: the interval is a point."""
        base = [counts([0, 5, 1], [2, 8, 2]), counts([3, 0, 0], [2, 8, 2])]
        worse = [Counts(each.errors + np.array([1, 4, 1]), each.words) for each in base]
        found = ablations.difference(worse, base, rng)
        assert (found.mean, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))

    def test_seeds_that_disagree_widen_the_interval(self, rng):
        base = [counts([0] * 400)] * 3
        better, worse = counts([0] * 400), counts([1] * 400)
        found = ablations.difference([better, worse, worse], base, rng)
        # Each of three drawn seeds adds a third; none of them or all three: (1/3)**3, (2/3)**3.
        assert (found.low, found.high) == (0.0, 1.0)
        assert found.mean == pytest.approx(2 / 3)

    def test_interval_is_a_plain_bootstraps(self, rng):
        n_seeds, n_utterances = 3, 40
        words = rng.integers(1, 5, n_utterances)
        base = [Counts(rng.binomial(words, 0.3), words) for _ in range(n_seeds)]
        variant = [Counts(rng.binomial(words, 0.5), words) for _ in range(n_seeds)]
        rates = []
        for _ in range(4000):
            drawn = rng.integers(n_utterances, size=n_utterances)
            seeds = rng.integers(n_seeds, size=n_seeds)
            more = sum((variant[s].errors - base[s].errors)[drawn].sum() for s in seeds)
            rates.append(more / n_seeds / words[drawn].sum())
        found = ablations.difference(variant, base, rng, n=4000)
        # Quantiles of 4,000 resamples scatter by about a twentieth of the interval's width.
        width = np.quantile(rates, 0.975) - np.quantile(rates, 0.025)
        assert (found.low, found.high) == pytest.approx(
            tuple(np.quantile(rates, ablations.INTERVAL)), abs=0.1 * width
        )

    def test_the_table_tells_mean_spread_and_difference(self, tmp_path, capsys):
        def outcome(errors: list[int]) -> Outcome:
            return Outcome(dict.fromkeys(ablations.SETS, counts(errors)), 1234, 90.0)

        base = [outcome([1, 0, 0, 0]), outcome([1, 1, 0, 0])]
        worse = [outcome([1, 1, 1, 0]), outcome([1, 1, 1, 1])]
        by_variant = {ablations.BASELINE: base, "no-noise": worse}
        ablations.report(by_variant, [1, 2], epochs=3, out=tmp_path)
        text = (tmp_path / "ablations.md").read_text()
        assert text in capsys.readouterr().out
        assert "| baseline | 1,234 | 37.5 ± 17.7 |" in text
        assert "| no-noise | 1,234 | 87.5 ± 17.7; +50.0 (" in text
        assert f"{3 * budget.BATCHES} steps" in text
        told = json.loads((tmp_path / "ablations.json").read_text())
        assert told["variants"]["no-noise"]["difference"]["validation"]["mean"] == 0.5


class TestLeaveOneOut:
    def test_the_speaker_left_out_is_heard_only_in_the_test(self, fold):
        speakers = {
            name: {row.fields["speaker"] for row in read_manifest(fold / f"{name}.jsonl").rows}
            for name in ("train", "validation", *loso.SETS)
        }
        others, own = {"fsdd-anna", "fsdd-carl"}, {"fsdd-bert"}
        assert speakers == {
            "train": others,
            "validation": others,
            "isolated": own,
            "joined": own,
        }

    def test_nothing_validated_on_is_trained_on_and_all_clips_are_tested(self, fold):
        names = {
            name: {row.audio_path.name for row in read_manifest(fold / f"{name}.jsonl").rows}
            for name in ("train", "validation", "isolated")
        }
        assert not names["train"] & names["validation"]
        assert len(names["train"]) == 8
        assert len(names["isolated"]) == 6

    def test_joined_strings_are_where_the_manifest_says(self, fold):
        rows = read_manifest(fold / "joined.jsonl").rows
        assert len(rows) == 4
        assert all(2 <= len(row.text.split()) <= 6 for row in rows)
        assert all(
            soundfile.info(row.audio_path).duration == pytest.approx(row.duration_s, abs=1e-6)
            for row in rows
        )

    def test_other_data_is_refused(self, tmp_path):
        row = {"audio_filepath": "x.wav", "text": "one", "corpus": "other"}
        for name in ("train", "test_fsdd_official"):
            write_manifest(tmp_path / f"{name}.jsonl", [row])
        with pytest.raises(ManifestError, match="no rows of Free Spoken Digit"):
            loso.read_recordings(tmp_path)

    def test_the_recipe_knows_the_digits_only(self):
        recipe = loso.digit_recipe(epochs=2, seed=4)
        assert recipe.alphabet.symbols == spoken.DIGITS
        assert (recipe.alphabet.unknown, recipe.seed, recipe.training.epochs) == (None, 4, 2)

    @pytest.mark.usefixtures("toy_budget")
    def test_the_command_from_manifests_to_table(self, data, tmp_path, monkeypatch):
        given = f"x --data {data} --out {tmp_path} --budget-epochs 1 --jobs 1"
        monkeypatch.setattr("sys.argv", given.split())
        loso.main()
        told = json.loads((tmp_path / "loso.json").read_text())
        assert list(told["speakers"]) == [f"fsdd-{name}" for name in SPEAKERS]
        assert {row["isolated"]["words"] for row in told["speakers"].values()} == {6}
        assert {row["joined"]["utterances"] for row in told["speakers"].values()} == {3}

    def test_speakers_who_are_all_alike_leave_no_doubt(self, rng):
        alike = [counts([1, 1, 1], [4, 4, 4])] * 6
        assert loso.speaker_interval(alike, rng) == (0.25, 0.25)

    def test_interval_is_a_plain_bootstraps(self, rng):
        hard = (0.05, 0.1, 0.2, 0.2, 0.3, 0.6)
        speakers = [counts(rng.binomial(1, rate, 60).tolist()) for rate in hard]
        means = []
        for _ in range(4000):
            drawn = [speakers[i] for i in rng.integers(6, size=6)]
            rates = [one.errors[rng.integers(60, size=60)].mean() for one in drawn]
            means.append(np.mean(rates))
        found = loso.speaker_interval(speakers, rng, n=4000)
        # As above; speakers differ more than their own clips do.
        width = np.quantile(means, 0.975) - np.quantile(means, 0.025)
        assert found == pytest.approx(tuple(np.quantile(means, loso.INTERVAL)), abs=0.1 * width)
        assert width > 0.15

    def test_the_table_tells_every_speaker_and_the_mean(self, tmp_path, capsys):
        outcomes = {
            f"fsdd-{name}": Outcome({"isolated": counts(e), "joined": counts(e, [2, 2])}, 99, 1.0)
            for name, e in (("anna", [0, 1]), ("bert", [1, 1]))
        }
        loso.report(outcomes, loso.digit_recipe(2, 1), tmp_path)
        text = (tmp_path / "loso.md").read_text()
        assert text in capsys.readouterr().out
        assert "| anna | 50.0 | 25.0 |" in text
        assert "| mean | 75.0 (" in text
        told = json.loads((tmp_path / "loso.json").read_text())
        assert told["mean"]["isolated"]["mean"] == 0.75
        assert told["speakers"]["fsdd-bert"]["joined"] == {
            "utterances": 2,
            "words": 4,
            "errors": 2,
            "wer": 0.5,
        }
