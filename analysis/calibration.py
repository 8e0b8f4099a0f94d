"""Confidence fitted to a model on validation data: measure, temperature, and a map if it helps.

Each way to measure is fitted at three levels: as it is, with a temperature, with a temperature and
a map (Platt 1999). Every fit is judged by its log loss on words that it has not seen, in FOLDS
folds that keep a speaker's together; the least loss is chosen.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.confidence_metrics import ConfidenceMetrics, log_losses, measure
from analysis.scoring import score
from asr_core.checkpoint import load_model, save_contract, write_json
from asr_core.confidence import (
    Aggregation,
    ConfidenceConfig,
    Emissions,
    calibrated,
    confidences,
    emissions,
    logit,
    measured,
)
from asr_core.digests import file_sha256
from asr_core.manifest import read_manifest
from asr_core.placement import group_symbols
from asr_core.recognizer import Recognizer
from asr_core.transcript import Transcript

FOLDS = 5
TEMPERATURES = tuple(2.0 ** (k / 8) for k in range(-8, 13))  # a half to 2.8, in steps of 9 %
ALPHA = 1 / 3  # of Tsallis and Renyi; NeMo's default
FRAMES: tuple[Aggregation, ...] = ("mean", "max")
SYMBOLS: tuple[Aggregation, ...] = ("mean", "min", "prod")
LEVELS = ("nothing", "temperature", "temperature and map")  # what is fitted


class CalibrationError(ValueError):
    """Validation data that says nothing about confidence."""


@dataclass(frozen=True)
class JudgedWords:
    """Every word that was heard in a set, with all that its confidence can be made of.

    Attributes:
        emissions: of all words.
        probabilities: (W,) the mean probability, which is the confidence without a configuration.
        right: (W,) by the alignment with the reference.
        groups: (W,) whose word it is: the speaker's, or the utterance's where none is named.
    """

    emissions: Emissions
    probabilities: np.ndarray
    right: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Candidate:
    """A way to measure at a level of fitting.

    Attributes:
        level: one of LEVELS.
        config: fitted on all words.
        loss: nats a word, each word's by a fit that has not seen it.
    """

    level: str
    config: ConfidenceConfig
    loss: float


@dataclass(frozen=True)
class Calibration:
    """What was chosen, what it does to the words it was fitted on, and what else was tried."""

    chosen: Candidate
    before: ConfidenceMetrics  # mean probability, the confidence without a configuration
    after: ConfidenceMetrics
    tried: tuple[Candidate, ...]  # the best of each level

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "fitted": self.chosen.level,
            "log_loss": {each.level: each.loss for each in self.tried},
            "before": _figures(self.before),
            "after": _figures(self.after),
        }


def _figures(metrics: ConfidenceMetrics) -> dict[str, Any]:
    return {name: value for name, value in metrics.to_dict().items() if name != "bins"}


def calibrate(words: JudgedWords) -> Calibration:
    """Choose and fit the confidence of a model.

    Raises:
        CalibrationError: fewer right or wrong words, or fewer speakers, than there are folds.
    """
    _check(words)
    candidates = [each for config in _ways(words.emissions) for each in _fitted(words, config)]
    tried = tuple(
        min((c for c in candidates if c.level == level), key=lambda each: each.loss)
        for level in LEVELS
    )
    chosen = min(tried, key=lambda each: each.loss)  # the first where they are alike
    before = measure(words.probabilities, words.right)
    after = measure(confidences(words.emissions, chosen.config), words.right)
    assert before is not None
    assert after is not None
    return Calibration(chosen, before, after, tried)


def judged_words(recognizer: Recognizer, manifest: Path) -> JudgedWords:
    """Transcribe a manifest and judge every word heard; what cannot be read is left out.

    Raises:
        ManifestError: the manifest cannot be read.
        CalibrationError: no word was heard.
    """
    alphabet = recognizer.alphabet
    rows = read_manifest(manifest).rows
    found = []
    for i, transcript in recognizer.transcribe_each([row.audio_path for row in rows]):
        if not isinstance(transcript, Transcript):
            continue
        spoken = [
            spans
            for spans in group_symbols(transcript.tokens, alphabet)
            if alphabet.decode([span.id for span in spans])
        ]
        heard = [
            (text, spans)
            for word, spans in zip(transcript.words, spoken, strict=True)
            for text in alphabet.normalise(word.text).split()
        ]
        reference = alphabet.normalise(rows[i].text)
        (scored,) = score([reference], [" ".join(text for text, _ in heard)])
        spans_of_words = [spans for _, spans in heard]
        speaker = rows[i].fields.get("speaker")
        found.append(
            JudgedWords(
                emissions=emissions(transcript.log_probs, spans_of_words),
                probabilities=np.array([np.mean([s.score for s in w]) for w in spans_of_words]),
                right=np.array(scored.heard_right, dtype=bool),
                groups=np.array([str(i if speaker is None else speaker)] * len(heard), dtype=str),
            )
        )
    return _joined(found)


def store(folder: Path, found: Calibration, manifest: Path) -> None:
    """Write the configuration into a model folder's config.json, and its figures to metrics.json.

    The probe stays valid: weights, features and log-probabilities are as they were.
    """
    contract, _ = load_model(folder)
    save_contract(folder, contract.model_copy(update={"confidence": found.chosen.config}))
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    sha256 = file_sha256(manifest)
    record = {"calibration": {"manifest_sha256": sha256, **found.to_dict()}}
    write_json(path, metrics | record)


def fit_map(values: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Scale and bias that make probabilities of measured values (W,) in [0, 1] (Platt 1999).

    Least log loss, towards Platt's targets: a word counts as right, or wrong, only as far as so
    many words can tell, which keeps the fit finite where they can be parted.
    """
    from scipy.optimize import minimize

    n_right = int(right.sum())
    targets = np.where(right, (n_right + 1) / (n_right + 2), 1 / (len(right) - n_right + 2))
    x = logit(values)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scale, bias = np.exp(parameters[0]), parameters[1]  # so that the scale is positive
        z = scale * x + bias
        off = np.exp(-np.logaddexp(0.0, -z)) - targets
        return (
            float((np.logaddexp(0.0, z) - targets * z).mean()),
            np.array([(off * x).mean() * scale, off.mean()]),
        )

    bounds = [(-5.0, 5.0), (-20.0, 20.0)]  # of a scale from 0.007 to 150
    log_scale, bias = minimize(loss, np.zeros(2), jac=True, bounds=bounds).x
    return float(np.exp(log_scale)), float(bias)


def _ways(words: Emissions) -> Iterator[ConfidenceConfig]:
    """Every way to measure, unfitted; symbols that are words need no aggregation."""
    spelt = bool((words.n_symbols > 1).any())
    for over_frames in FRAMES:
        for over_symbols in SYMBOLS if spelt else SYMBOLS[:1]:
            plain = ConfidenceConfig(over_frames=over_frames, over_symbols=over_symbols)
            yield plain
            for measure_name, alpha in (("gibbs", 1.0), ("tsallis", ALPHA), ("renyi", ALPHA)):
                for normalisation in ("linear", "exponential"):
                    changes = {"alpha": alpha, "normalisation": normalisation}
                    yield _changed(plain, measure=measure_name, **changes)


def _fitted(words: JudgedWords, config: ConfidenceConfig) -> Iterator[Candidate]:
    """A way to measure, at each level of fitting."""
    tempered = [_changed(config, temperature=t) for t in TEMPERATURES]
    values = {each: measured(words.emissions, each) for each in tempered}
    folds = _folds(words.groups)
    for level in LEVELS:
        losses = np.empty(len(words.right))
        for fold in range(FOLDS):
            rest = folds != fold
            fit = _fit(level, {c: v[rest] for c, v in values.items()}, words.right[rest])
            unseen = calibrated(values[_unmapped(fit)][~rest], fit)
            losses[~rest] = log_losses(unseen, words.right[~rest])
        yield Candidate(level, _fit(level, values, words.right), float(losses.mean()))


def _fit(
    level: str, values: dict[ConfidenceConfig, np.ndarray], right: np.ndarray
) -> ConfidenceConfig:
    """The temperature, and the map, of the least loss on these words."""
    if level == "nothing":
        return next(config for config in values if config.temperature == 1)
    fits = {}
    for config, each in values.items():
        fit = config
        if level == LEVELS[-1]:
            scale, bias = fit_map(each, right)
            fit = _changed(config, scale=scale, bias=bias)
        fits[fit] = log_losses(calibrated(each, fit), right).mean()
    return min(fits, key=lambda fit: fits[fit])


def _changed(config: ConfidenceConfig, **changes: Any) -> ConfidenceConfig:
    """The same with other values, validated."""
    return ConfidenceConfig.model_validate(config.model_dump() | changes)


def _unmapped(config: ConfidenceConfig) -> ConfidenceConfig:
    return _changed(config, scale=1.0, bias=0.0)


def _folds(groups: np.ndarray) -> np.ndarray:
    """(W,) groups -> (W,) folds of about equal size, a group's words in one of them."""
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    filled = np.zeros(FOLDS, dtype=int)
    of_group = np.empty(len(sizes), dtype=int)
    for group in np.argsort(-sizes, kind="stable"):
        of_group[group] = filled.argmin()
        filled[of_group[group]] += sizes[group]
    return of_group[places]


def _check(words: JudgedWords) -> None:
    n_right, n_words = int(words.right.sum()), len(words.right)
    n_groups = len(np.unique(words.groups))
    if min(n_right, n_words - n_right, n_groups) < FOLDS:
        raise CalibrationError(
            f"Got {n_right} right and {n_words - n_right} wrong words of {n_groups} speakers or"
            f" utterances. Expected at least {FOLDS} of each; calibrate on a larger set."
        )


def _joined(parts: Sequence[JudgedWords]) -> JudgedWords:
    if not parts:
        raise CalibrationError("No recording could be read. Expected a validation set with audio.")
    inner = [part.emissions for part in parts]
    names = ("log_probs", "ids", "n_frames", "n_symbols")
    joined = Emissions(*(np.concatenate([getattr(e, name) for e in inner]) for name in names))
    outer = ("probabilities", "right", "groups")
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in outer}
    return replace(parts[0], emissions=joined, **columns)
