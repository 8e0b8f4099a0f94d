"""Confidence: values worked out by hand, limits, invariants, and a list of readings."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from asr_core.confidence import (
    CERTAIN,
    ConfidenceConfig,
    aggregate,
    calibrated,
    confidences,
    emissions,
    frame_confidences,
    n_best_confidences,
    word_confidences,
)
from asr_core.decoder import Hypothesis, TokenSpan, greedy
from asr_core.text import BLANK, Alphabet

WORDS = Alphabet(symbols=("yes", "no", "stop", "<unk>"), joiner=" ", unknown="<unk>")
ENTROPIES = [
    ConfidenceConfig(measure=measure, alpha=alpha, normalisation=normalisation)
    for normalisation in ("linear", "exponential")
    for measure, alpha in (("gibbs", 1.0), ("tsallis", 1 / 3), ("tsallis", 2.0), ("renyi", 0.5))
]
EVERY = [ConfidenceConfig(), *ENTROPIES]

configs = st.builds(
    lambda measure, alpha, normalisation, frames, symbols, temperature, scale, bias: (
        ConfidenceConfig(
            measure=measure,
            alpha=alpha if measure in {"tsallis", "renyi"} else 1.0,
            normalisation="linear" if measure == "max_prob" else normalisation,
            over_frames=frames,
            over_symbols=symbols,
            temperature=temperature,
            scale=scale,
            bias=bias,
        )
    ),
    st.sampled_from(["max_prob", "gibbs", "tsallis", "renyi"]),
    st.floats(0.01, 10),
    st.sampled_from(["linear", "exponential"]),
    st.sampled_from(["mean", "min", "max", "prod"]),
    st.sampled_from(["mean", "min", "max", "prod"]),
    st.floats(0.05, 20),
    st.floats(0.01, 20),
    st.floats(-20, 20),
)


def log_softmax(values: np.ndarray) -> np.ndarray:
    return values - np.logaddexp.reduce(values, axis=-1, keepdims=True)


def random_log_probs(rng: np.random.Generator, n_frames: int, n_symbols: int) -> np.ndarray:
    return log_softmax(rng.normal(0, 4, (n_frames, n_symbols)))


def of_frame(probabilities: list[float], config: ConfidenceConfig, symbol: int = 0) -> float:
    with np.errstate(divide="ignore"):
        log_probs = np.log([probabilities])
    return float(frame_confidences(log_probs, np.array([symbol]), config)[0])


class TestByHand:
    """Of a half, a quarter, a quarter, over three symbols."""

    P = (0.5, 0.25, 0.25)
    GIBBS = 1.5 * math.log(2)  # nats
    TSALLIS = (0.5**0.5 + 2 * 0.25**0.5 - 1) / 0.5  # alpha of a half
    RENYI = 2 * math.log(0.5**0.5 + 2 * 0.25**0.5)  # the same

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, (3 * 0.5 - 1) / 2),
            ({"measure": "gibbs"}, 1 - GIBBS / math.log(3)),
            (
                {"measure": "gibbs", "normalisation": "exponential"},
                (math.exp(-GIBBS) - 1 / 3) / (2 / 3),
            ),
            ({"measure": "tsallis", "alpha": 0.5}, 1 - TSALLIS / (2 * (3**0.5 - 1))),
            (
                {"measure": "tsallis", "alpha": 0.5, "normalisation": "exponential"},
                (math.exp(-TSALLIS) - math.exp(2 - 2 * 3**0.5)) / (1 - math.exp(2 - 2 * 3**0.5)),
            ),
            ({"measure": "tsallis", "alpha": 2.0}, 1 - (1 - 0.375) / (1 - 1 / 3)),
            ({"measure": "renyi", "alpha": 0.5}, 1 - RENYI / math.log(3)),
            (
                {"measure": "renyi", "alpha": 2.0, "normalisation": "exponential"},
                (0.375 - 1 / 3) / (2 / 3),
            ),
        ],
    )
    def test_measures(self, settings, expected):
        assert of_frame(list(self.P), ConfidenceConfig(**settings)) == pytest.approx(expected)

    def test_temperature_comes_first(self):
        # At a temperature of 1/2 probabilities are squared: 4, 1, 1 of 6.
        config = ConfidenceConfig(temperature=0.5)
        assert of_frame(list(self.P), config) == pytest.approx((3 * 4 / 6 - 1) / 2)

    def test_an_entropy_is_less_where_another_symbol_is_better(self):
        for config in ENTROPIES:
            best, other = (of_frame(list(self.P), config, symbol) for symbol in (0, 1))
            assert other == pytest.approx(best * 0.25 / 0.5)

    def test_a_word_of_two_symbols(self):
        log_probs = np.log([[0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6], [0.4, 0.1, 0.5]])
        word = [TokenSpan(1, 0, 1, 0.8), TokenSpan(2, 2, 4, 0.55)]  # the blank between is left out
        first, second, third = 0.7, 0.4, 0.25  # (3 p - 1) / 2
        expected = {
            ("mean", "mean"): (first + (second + third) / 2) / 2,
            ("max", "prod"): first * second,
            ("min", "min"): third,
            ("prod", "max"): first,
        }
        for (frames, symbols), value in expected.items():
            config = ConfidenceConfig(over_frames=frames, over_symbols=symbols)
            assert word_confidences(log_probs, [word], config)[0] == pytest.approx(value)
        assert word_confidences(log_probs, [word], None)[0] == pytest.approx((0.8 + 0.55) / 2)

    def test_the_map(self):
        config = ConfidenceConfig(scale=2.0, bias=1.0)
        values = calibrated(np.array([0.0, 0.25, 1.0]), config)
        assert values[1] == pytest.approx(1 / (1 + math.exp(-(2 * math.log(1 / 3) + 1))))
        ends = [1 / (1 + math.exp(-(sign * 2 * math.log(1 / CERTAIN) + 1))) for sign in (-1, 1)]
        assert values[[0, 2]] == pytest.approx(ends, abs=1e-9)


class TestLimits:
    @pytest.mark.parametrize("config", EVERY)
    @pytest.mark.parametrize("n_symbols", [2, 22, 500])
    def test_uniform_is_zero_and_certain_is_one(self, config, n_symbols):
        assert of_frame([1 / n_symbols] * n_symbols, config) == pytest.approx(0, abs=1e-9)
        assert of_frame([1.0, *[0.0] * (n_symbols - 1)], config) == pytest.approx(1)

    @pytest.mark.parametrize("normalisation", ["linear", "exponential"])
    @pytest.mark.parametrize("measure", ["tsallis", "renyi"])
    def test_both_families_meet_gibbs_at_one(self, rng, measure, normalisation):
        log_probs = random_log_probs(rng, 50, 9)
        best = log_probs.argmax(axis=1)
        gibbs = ConfidenceConfig(measure="gibbs", normalisation=normalisation)
        expected = frame_confidences(log_probs, best, gibbs)
        for alpha, atol in ((1.0, 0), (1 + 1e-7, 1e-12), (1 - 1e-5, 1e-4), (1 + 1e-5, 1e-4)):
            config = ConfidenceConfig(measure=measure, alpha=alpha, normalisation=normalisation)
            # The families part from Gibbs in proportion to alpha - 1.
            np.testing.assert_allclose(
                frame_confidences(log_probs, best, config), expected, rtol=0, atol=atol
            )

    @pytest.mark.parametrize("config", EVERY)
    def test_colder_is_surer(self, rng, config):
        log_probs = random_log_probs(rng, 40, 6)
        best = log_probs.argmax(axis=1)
        cold, warm = (
            frame_confidences(log_probs, best, config.model_copy(update={"temperature": t}))
            for t in (0.7, 1.4)
        )
        assert (cold >= warm).all()


class TestInvariants:
    @given(configs, st.integers(2, 40), st.integers(0, 2**32 - 1), st.floats(0.01, 300))
    def test_always_from_0_to_1(self, config, n_symbols, seed, spread):
        rng = np.random.default_rng(seed)
        log_probs = log_softmax(rng.normal(0, spread, (12, n_symbols)))
        spans = (*greedy(log_probs).spans, TokenSpan(1, 3, 5, 0.5))  # and one off the best path
        for value in confidences(emissions(log_probs, [spans, spans[-1:]]), config):
            assert 0 <= value <= 1

    def test_frames_around_change_nothing(self, rng):
        log_probs = random_log_probs(rng, 10, 5)
        word = [TokenSpan(2, 1, 4, 0.5), TokenSpan(1, 6, 7, 0.5)]
        padded = np.concatenate([random_log_probs(rng, 3, 5), log_probs, np.zeros((4, 5))])
        moved = [TokenSpan(s.id, s.start + 3, s.end + 3, s.score) for s in word]
        for config in EVERY:
            alone = word_confidences(log_probs, [word], config)
            assert word_confidences(padded, [moved], config) == alone

    def test_one_by_one_as_all_at_once(self, rng):
        log_probs = random_log_probs(rng, 30, 4)
        spans = greedy(log_probs).spans
        words = [spans[:1], spans[1:4], spans[4:6], spans[6:]]
        for config in (*EVERY, ConfidenceConfig(over_symbols="prod", scale=2.0, bias=0.5)):
            alone = [word_confidences(log_probs, [word], config)[0] for word in words]
            np.testing.assert_allclose(
                confidences(emissions(log_probs, words), config), alone, rtol=1e-12
            )

    def test_a_map_keeps_the_order(self, rng):
        values = np.sort(rng.uniform(0.001, 0.999, 200))
        mapped = calibrated(values, ConfidenceConfig(scale=0.3, bias=-2.0))
        assert (np.diff(mapped) > 0).all()

    def test_no_words(self, rng):
        assert confidences(emissions(random_log_probs(rng, 5, 3), []), ConfidenceConfig()).size == 0
        assert aggregate(np.zeros(0), np.zeros(0, dtype=int), "mean").size == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 0.5}, "for entropies"),
        ({"normalisation": "exponential"}, "for entropies"),
        ({"measure": "gibbs", "alpha": 0.5}, "tsallis and renyi have an alpha"),
        ({"measure": "tsallis", "alpha": 0.0}, "greater than 0"),
        ({"temperature": 0.0}, "greater than 0"),
        ({"scale": -1.0}, "greater than 0"),
        ({"bias": math.nan}, "finite"),
        ({"aggregation": "mean"}, "Extra"),
    ],
)
def test_what_does_not_fit_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        ConfidenceConfig(**settings)


class TestNBest:
    def reading(self, text: str, score: float) -> Hypothesis:
        spans = [TokenSpan(i, n, n + 1, 0.5) for n, i in enumerate(WORDS.encode(text))]
        return Hypothesis(tuple(spans), score, score)

    def readings(self, **weights: float) -> list[Hypothesis]:
        return [self.reading(t.replace("_", " "), math.log(w)) for t, w in weights.items()]

    def test_a_word_has_the_share_of_the_readings_that_have_it(self):
        # Weights need not add up to one; "no" is there in the second reading, at another place.
        found = n_best_confidences(
            self.readings(yes_no_stop=5, no_stop=3, yes_yes_stop=1, stop_stop=1), WORDS
        )
        assert found == pytest.approx((0.6, 0.8, 1.0))

    def test_one_word_in_the_place_of_two_counts_for_one(self):
        found = n_best_confidences(self.readings(yes_yes=1, yes=1), WORDS)
        assert sum(found) == pytest.approx(1.5)

    def test_unknown_words_and_empty_readings(self):
        assert n_best_confidences([self.reading("", 0.0)], WORDS) == ()
        found = n_best_confidences([self.reading("yes", 0.0), self.reading("what", 0.0)], WORDS)
        assert found == pytest.approx((0.5,))

    def test_temperature_makes_readings_alike(self):
        readings = self.readings(yes=9, no=1)
        assert n_best_confidences(readings, WORDS) == pytest.approx((0.9,))
        assert n_best_confidences(readings, WORDS, temperature=2) == pytest.approx((0.75,))
        assert n_best_confidences(readings[:1], WORDS) == (1.0,)

    def test_scores_of_any_size(self):
        readings = [self.reading("yes", -1e4), self.reading("no", -1e4 - math.log(3))]
        assert n_best_confidences(readings, WORDS) == pytest.approx((0.75,))

    @given(st.lists(st.tuples(st.text("yns", max_size=6), st.floats(-50, 0)), min_size=1))
    def test_always_from_0_to_1(self, drawn):
        names = {"y": "yes", "n": "no", "s": "stop"}
        texts = [" ".join(names[c] for c in letters) for letters, _ in drawn]
        readings = [self.reading(t, s) for t, (_, s) in zip(texts, drawn, strict=True)]
        found = n_best_confidences(readings, WORDS)
        assert len(found) == len(texts[0].split())
        assert all(0 <= value <= 1 for value in found)

    def test_every_reading_of_a_small_lattice(self, rng):
        # All readings of three frames, with their exact probabilities: their shares are posteriors.
        log_probs = random_log_probs(rng, 3, 3)
        alphabet = Alphabet(symbols=("yes", "no"), joiner=" ")
        sums: dict[tuple[int, ...], float] = {}
        for path in np.ndindex(3, 3, 3):
            runs = [s for n, s in enumerate(path) if n == 0 or path[n - 1] != s]
            text = tuple(s for s in runs if s != BLANK)
            probability = math.exp(sum(log_probs[t, s] for t, s in enumerate(path)))
            sums[text] = sums.get(text, 0.0) + probability
        ranked = sorted(sums.items(), key=lambda item: -item[1])
        best = next(n for n, (text, _) in enumerate(ranked) if len(text) == 1)
        ranked.insert(0, ranked.pop(best))
        readings = [
            Hypothesis(tuple(TokenSpan(i, 0, 1, 1.0) for i in ids), 0.0, math.log(p))
            for ids, p in ranked
        ]
        (word,) = ranked[0][0]
        expected = sum(p for ids, p in ranked if word in ids)
        assert n_best_confidences(readings, alphabet) == pytest.approx((expected,))
