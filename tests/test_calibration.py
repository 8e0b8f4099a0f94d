"""Calibration: planted temperatures and maps are found, and what helps nothing is not chosen."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis import calibration
from analysis.__main__ import app
from analysis.calibration import CalibrationError, JudgedWords, calibrate, fit_map
from analysis.recognition import recognise_manifest
from asr_core.checkpoint import find_model, load_model
from asr_core.confidence import ConfidenceConfig, Emissions
from asr_core.recognizer import Recognizer

ROOT = Path(__file__).parent.parent
BUNDLED_SET = ROOT / "assets" / "validation" / "spoken" / "manifest.jsonl"


def planted(rng: np.random.Generator, n_words: int, temperature: float) -> JudgedWords:
    """Words of one frame and 8 symbols, right with the probability that the temperature gives."""
    log_probs = rng.normal(0, 2, (n_words, 8))
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    ids = log_probs.argmax(axis=1)
    true = np.exp(log_probs / temperature)
    sure = (true / true.sum(axis=1, keepdims=True)).max(axis=1)
    ones = np.ones(n_words, dtype=int)
    return JudgedWords(
        emissions=Emissions(log_probs, ids, ones, ones),
        probabilities=np.exp(log_probs.max(axis=1)),
        right=rng.random(n_words) < (8 * sure - 1) / 7,
        groups=np.array([f"speaker {n}" for n in rng.integers(0, 30, n_words)]),
    )


@pytest.fixture
def few_ways(monkeypatch):
    """The search over measures takes seconds; these tests are about one of them."""
    monkeypatch.setattr(calibration, "_ways", lambda _: [ConfidenceConfig()])


@pytest.mark.parametrize("temperature", [2.0**-0.5, 1.0, 2.0])
def test_a_planted_temperature_is_found(rng, few_ways, temperature):
    found = calibrate(planted(rng, 4000, temperature))
    tempered = next(each for each in found.tried if each.level == "temperature")
    assert tempered.config.temperature == pytest.approx(temperature, rel=0.1)  # a step of the grid
    assert found.after.ece < 0.03
    if temperature != 1:
        assert found.after.nce > found.before.nce + 0.01
        assert found.after.ece < found.before.ece / 2


def test_what_is_calibrated_is_left_as_it_is(rng, few_ways):
    found = calibrate(planted(rng, 4000, 1.0))
    # The map may win by chance; by this little it is the same.
    losses = {each.level: each.loss for each in found.tried}
    assert losses["nothing"] <= min(losses.values()) + 0.001


def test_every_measure_is_tried_and_fits_say_nothing_of_noise(rng, monkeypatch):
    monkeypatch.setattr(calibration, "TEMPERATURES", (0.5, 1.0, 2.0))
    words = planted(rng, 300, 1.0)
    noise = JudgedWords(words.emissions, words.probabilities, rng.random(300) < 0.7, words.groups)
    found = calibrate(noise)
    assert found.chosen.level == "temperature and map"  # nothing else can say "70 %" of all
    assert found.after.nce == pytest.approx(0, abs=0.05)
    assert found.before.nce < found.after.nce


def test_a_map_is_the_logistic_regression_of_scikit_learn(rng):
    from sklearn.linear_model import LogisticRegression

    x = rng.normal(1, 2, 3000)
    right = rng.random(3000) < 1 / (1 + np.exp(-(1.7 * x - 0.6)))
    scale, bias = fit_map(1 / (1 + np.exp(-x)), right)
    oracle = LogisticRegression(C=1e9).fit(x[:, None], right)
    # Platt's targets draw the fit a little to the middle.
    assert scale == pytest.approx(oracle.coef_[0, 0], rel=0.02)
    assert bias == pytest.approx(oracle.intercept_[0], abs=0.02)


def test_a_map_of_words_that_can_be_parted_is_finite():
    scale, bias = fit_map(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert 0 < scale < 10
    assert abs(bias) < 10


def test_folds_keep_a_speaker_together_and_are_of_a_size(rng):
    groups = rng.choice([f"{n}" for n in range(23)], 500)
    folds = calibration._folds(groups)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))
    sizes = np.bincount(folds)
    assert len(sizes) == calibration.FOLDS
    assert sizes.max() < 1.3 * sizes.min()


@pytest.mark.parametrize("right", [True, False])
def test_words_that_are_all_alike_cannot_be_calibrated(rng, right):
    words = planted(rng, 50, 1.0)
    alike = JudgedWords(words.emissions, words.probabilities, words.right | right, words.groups)
    if not right:
        alike = JudgedWords(words.emissions, words.probabilities, words.right & right, words.groups)
    with pytest.raises(CalibrationError, match="Expected at least 5 of each"):
        calibrate(alike)


def test_from_the_command_line(tmp_path, few_ways):
    folder = tmp_path / "model"
    shutil.copytree(find_model("spoken"), folder)
    manifest = tmp_path / "few.jsonl"
    rows = [json.loads(line) for line in BUNDLED_SET.read_text().splitlines()[:24]]
    for row in rows:
        row["audio_filepath"] = str(BUNDLED_SET.parent / row["audio_filepath"])
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    before = load_model(folder)[0]
    arguments = ["calibrate", "--model", str(folder), "--manifest", str(manifest)]

    looked = CliRunner().invoke(app, arguments)
    assert looked.exit_code == 0, looked.output
    assert load_model(folder)[0] == before
    written = CliRunner().invoke(app, [*arguments, "--write"])
    assert written.stdout.startswith(looked.stdout)
    after = load_model(folder)[0]
    assert after.model_copy(update={"confidence": before.confidence}) == before
    assert after.confidence != before.confidence
    record = json.loads((folder / "metrics.json").read_text())["calibration"]
    assert f"{record['before']['nce']:.3f}" in looked.stdout
    assert f"{record['after']['auc']:.3f}" in looked.stdout

    recognition = recognise_manifest(Recognizer.load(folder), manifest, None)
    sure = [value for row in recognition.rows for value in row.confidences]
    right = [value for row in recognition.rows for value in row.score.heard_right]
    again = calibration.measure(sure, right)  # the model now says what calibration promised
    assert again.nce == pytest.approx(record["after"]["nce"])
    assert (again.words, again.right) == (record["after"]["words"], record["after"]["right"])
    assert (folder / "probe.safetensors").exists()


def test_one_line_where_it_cannot(tmp_path):
    missing = ["calibrate", "--model", "spoken", "--manifest", str(tmp_path / "none.jsonl")]
    failed = CliRunner().invoke(app, missing)
    assert failed.exit_code == 1
    assert failed.stderr.startswith("error: Cannot read manifest")
    (tmp_path / "bad.jsonl").write_text('{"audio_filepath": "none.wav", "text": "one"}\n')
    failed = CliRunner().invoke(app, [*missing[:-1], str(tmp_path / "bad.jsonl")])
    assert failed.exit_code == 1
    assert "No recording could be read" in failed.stderr
