import numpy as np
import pytest

from asr_core.decoder import Hypothesis, TokenSpan
from asr_core.text import Alphabet
from ui.readings import MOST, posterior, readings

WORDS = Alphabet(symbols=("yes", "no", "stop", "<unk>"), joiner=" ", unknown="<unk>")


def reading(score: float, *ids: int) -> Hypothesis:
    return Hypothesis(
        tuple(TokenSpan(i, 2 * n, 2 * n + 1, 0.5) for n, i in enumerate(ids)), -9.0, score
    )


def test_words_are_marked_against_the_best_reading():
    best, other, shorter = readings([reading(-1, 1, 2), reading(-2, 1, 3), reading(-3, 1)], WORDS)
    assert best.words == (("equal", "yes"), ("equal", "no"))
    assert other.words == (("equal", "yes"), ("substitute", "stop"))
    assert shorter.words == (("equal", "yes"), ("delete", "no"))
    assert (other.score, other.log_prob) == (-2, -9)


def test_shares_are_the_softmax_of_all_scores():
    rows = readings([reading(np.log(p), i) for i, p in ((1, 0.5), (2, 0.25), (3, 0.25))], WORDS)
    assert [row.share for row in rows] == [0.5, 0.25, 0.25]
    assert posterior([-1e6, -1e6]) == pytest.approx([0.5, 0.5])


def test_one_reading_is_no_table():
    assert readings([], WORDS) == ()
    assert readings([reading(-1, 1)], WORDS) == ()
    assert readings([reading(-1, 1), reading(-2, 4, 1)], WORDS) == ()  # <unk> is no text


def test_long_readings_and_many_readings():
    long = [reading(-i, *([1, 2] * 150), 3 - i) for i in (0, 1)]
    assert readings(long, WORDS) == ()
    many = [reading(-i, *([1] * (i + 1))) for i in range(MOST + 5)]
    assert len(readings(many, WORDS)) == MOST


def test_a_reading_of_nothing():
    nothing, some = readings([reading(-1), reading(-2, 1)], WORDS)
    assert nothing.words == ()
    assert some.words == (("insert", "yes"),)
