"""How sure a recogniser is of its words: from the emission, or from a list of readings.

The emission's measures are those of Laptev and Ginsburg 2022, "Fast entropy-based methods of
word-level confidence estimation for end-to-end automatic speech recognition" (NeMo offers the same
family): each frame that emits a symbol gets a confidence from its distribution over the symbols, a
symbol's is aggregated over its frames, a word's over its symbols. Blank frames take no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from asr_core.decoder import Hypothesis, TokenSpan
from asr_core.text import Alphabet

Aggregation = Literal["mean", "min", "max", "prod"]

CERTAIN = 1e-6  # how near to 0 and 1 a confidence may be where its logarithm is taken
NEARLY_ONE = 1e-6  # an alpha this near to 1 is 1: there both families become Gibbs' entropy
REDUCED_BY = {"mean": np.add, "min": np.minimum, "max": np.maximum, "prod": np.multiply}


class ConfidenceConfig(BaseModel):
    """How a model's words get their confidence. Stored in its folder, fitted on validation data.

    `scale` and `bias` map what is measured to the probability that the word is right (Platt 1999):
    sigmoid(scale * logit(measured) + bias). An entropy needs them, because no temperature makes it
    such a probability. The scale is positive, so they leave the order of words as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    measure: Literal["max_prob", "gibbs", "tsallis", "renyi"] = "max_prob"
    alpha: Annotated[float, Field(gt=0, le=10)] = 1.0  # of Tsallis and Renyi; 1 makes them Gibbs
    normalisation: Literal["linear", "exponential"] = "linear"  # of an entropy
    over_frames: Aggregation = "mean"  # of each symbol
    over_symbols: Aggregation = "mean"  # of the word
    temperature: PositiveFloat = 1.0  # log_probs are divided by it and normalised again
    scale: PositiveFloat = 1.0
    bias: float = 0.0

    @model_validator(mode="after")
    def _fits(self) -> "ConfidenceConfig":
        if self.measure == "max_prob" and (self.alpha, self.normalisation) != (1, "linear"):
            raise ValueError(
                "expected alpha=1 and normalisation=linear with max_prob, got"
                f" {self.alpha} and {self.normalisation}; they are for entropies"
            )
        if self.measure == "gibbs" and self.alpha != 1:
            raise ValueError(
                f"expected alpha=1 with gibbs, got {self.alpha}; tsallis and renyi have an alpha"
            )
        return self


@dataclass(frozen=True)
class Emissions:
    """The frames in which words were emitted, symbol after symbol, word after word.

    Attributes:
        log_probs: (N, V) of each frame.
        ids: (N,) the symbol that each frame emits.
        n_frames: (S,) of each symbol, one at least.
        n_symbols: (W,) of each word, one at least.
    """

    log_probs: np.ndarray
    ids: np.ndarray
    n_frames: np.ndarray
    n_symbols: np.ndarray


def emissions(log_probs: np.ndarray, words: Sequence[Sequence[TokenSpan]]) -> Emissions:
    """What an utterance's log_probs (T, V) say in the frames of some of its words."""
    spans = [span for word in words for span in word]
    frames = [np.arange(span.start, span.end) for span in spans]
    n_frames = np.array([span.end - span.start for span in spans], dtype=int)
    return Emissions(
        log_probs=log_probs[np.concatenate(frames)] if frames else log_probs[:0],
        ids=np.repeat(np.array([span.id for span in spans], dtype=int), n_frames),
        n_frames=n_frames,
        n_symbols=np.array([len(word) for word in words], dtype=int),
    )


def word_confidences(
    log_probs: np.ndarray, words: Sequence[Sequence[TokenSpan]], config: ConfidenceConfig | None
) -> list[float]:
    """The confidence of each word of an utterance, in [0, 1].

    Args:
        log_probs: (T, V) of the utterance.
        words: their symbols, one at least each.
        config: how; where there is none, the mean of the symbols' mean probabilities.
    """
    if config is None:
        return [float(np.mean([span.score for span in word])) for word in words]
    return confidences(emissions(log_probs, words), config).tolist()


def confidences(words: Emissions, config: ConfidenceConfig) -> np.ndarray:
    """The calibrated confidence of each word, (W,) in [0, 1]."""
    return calibrated(measured(words, config), config)


def measured(words: Emissions, config: ConfidenceConfig) -> np.ndarray:
    """The confidence of each word before `scale` and `bias`, (W,) in [0, 1]."""
    frames = frame_confidences(words.log_probs, words.ids, config)  # (N,)
    symbols = aggregate(frames, words.n_frames, config.over_frames)  # (S,)
    return aggregate(symbols, words.n_symbols, config.over_symbols)


def calibrated(values: np.ndarray, config: ConfidenceConfig) -> np.ndarray:
    """What was measured, (W,) in [0, 1] -> the probability that each word is right."""
    if config.scale == 1 and config.bias == 0:
        return values
    return np.exp(-np.logaddexp(0.0, -(config.scale * logit(values) + config.bias)))


def logit(values: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), with p kept CERTAIN away from 0 and 1."""
    kept = np.clip(values, CERTAIN, 1 - CERTAIN)
    return np.log(kept / (1 - kept))


def frame_confidences(
    log_probs: np.ndarray, ids: np.ndarray, config: ConfidenceConfig
) -> np.ndarray:
    """How sure frames are of the symbols they emit: 0 where all are alike, 1 for certainty.

    An entropy says how sure the network is, not of what. Where the symbol is not the frame's best,
    as happens on other paths than the greedy one, the confidence is less by as much as the symbol
    is less probable. For the same reason `max_prob` is the symbol's own probability.

    Args:
        log_probs: (N, V).
        ids: (N,) the symbol that each frame emits.
        config: measure, alpha, normalisation and temperature.

    Returns:
        (N,) in [0, 1].
    """
    log_probs = _log_normalised(log_probs / config.temperature)
    emitted = np.take_along_axis(log_probs, ids[:, None], axis=1)[:, 0]
    n_symbols = log_probs.shape[1]
    if config.measure == "max_prob":
        sure = (n_symbols * np.exp(emitted) - 1) / (n_symbols - 1)
    else:
        entropy = _entropy(log_probs, config)
        most = _entropy(np.full((1, n_symbols), -np.log(n_symbols)), config)  # of a uniform one
        sure = _normalised(entropy, most, config) * np.exp(emitted - log_probs.max(axis=1))
    return np.clip(sure, 0.0, 1.0)  # rounding; and a symbol less probable than the average


def aggregate(values: np.ndarray, lengths: np.ndarray, how: Aggregation) -> np.ndarray:
    """Runs of values (N,) of these lengths (S,), one at least each -> a value a run, (S,)."""
    if len(lengths) == 0:
        return np.zeros(0)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    reduced = REDUCED_BY[how].reduceat(values, starts)
    return reduced / lengths if how == "mean" else reduced


def n_best_confidences(
    readings: Sequence[Hypothesis], alphabet: Alphabet, temperature: float = 1.0
) -> tuple[float, ...]:
    """The confidence of each word of the best reading: its share of an n-best list's posterior.

    A reading's posterior is the softmax of the scores over the list (Wessel et al. 2001); a word's
    is the sum of those of the readings that have it at its place, by the fewest edits between
    their words and the best's. What the list left out counts as nothing, so a short list is too
    sure, and a list of one is certain.

    Args:
        readings: the best first.
        alphabet: what their symbols are.
        temperature: scores are divided by it; above 1 the readings get more alike.
    """
    texts = [alphabet.decode(reading.ids).split() for reading in readings]
    scores = np.array([[reading.score for reading in readings]]) / temperature
    posteriors = np.exp(_log_normalised(scores))[0]
    sums = np.zeros(len(texts[0]))
    for text, posterior in zip(texts, posteriors, strict=True):
        sums[_kept(texts[0], text)] += posterior
    return tuple(float(share) for share in np.clip(sums, 0.0, 1.0))


def _kept(words: list[str], others: list[str]) -> list[int]:
    """The words, by position, that are in the other text too, aligned with the fewest edits."""
    from rapidfuzz.distance import Levenshtein

    steps = Levenshtein.opcodes(words, others)
    return [i for step in steps if step.tag == "equal" for i in range(step.src_start, step.src_end)]


def _log_normalised(values: np.ndarray) -> np.ndarray:
    """Log-softmax over the last axis."""
    values = values - values.max(axis=-1, keepdims=True)
    return values - np.log(np.exp(values).sum(axis=-1, keepdims=True))


def _entropy(log_probs: np.ndarray, config: ConfidenceConfig) -> np.ndarray:
    """In nats, (N, V) -> (N,)."""
    alpha = config.alpha
    if config.measure == "gibbs" or abs(alpha - 1) < NEARLY_ONE:
        probs = np.exp(log_probs)
        return -(probs * np.where(probs > 0, log_probs, 0.0)).sum(axis=1)
    if config.measure == "tsallis":
        return (1 - np.exp(alpha * log_probs).sum(axis=1)) / (alpha - 1)
    return np.log(np.exp(alpha * log_probs).sum(axis=1)) / (1 - alpha)


def _normalised(entropy: np.ndarray, most: np.ndarray, config: ConfidenceConfig) -> np.ndarray:
    """1 for an entropy of 0, 0 for the most there can be."""
    if config.normalisation == "linear":
        return 1 - entropy / most
    return (np.exp(-entropy) - np.exp(-most)) / (1 - np.exp(-most))
