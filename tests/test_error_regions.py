"""Error regions, and what references cost there, by emissions whose answer is known."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.error_regions import (
    MOST_NATS,
    error_regions,
    is_writable,
    reference_cost,
    word_symbols,
)
from analysis.scoring import score
from asr_core.alignment import align, n_needed
from asr_core.decoder import greedy
from asr_core.text import Alphabet
from asr_core.transcript import Transcript

WORDS = Alphabet(symbols=("a", "b", "c", "<unk>"), joiner=" ", unknown="<unk>")
LETTERS = Alphabet(symbols=(" ", "x", "y"))


def heard(log_probs: np.ndarray, alphabet: Alphabet) -> Transcript:
    """What greedy decoding makes of an emission."""
    spans = greedy(log_probs).spans
    text = " ".join(alphabet.decode([span.id for span in spans]).split())
    return Transcript(text, (), spans, 1.0, 0.04, 0.01, np.zeros((9, 2)), log_probs)


def costs(log_probs: np.ndarray, alphabet: Alphabet, reference: str) -> list[float | None]:
    transcript = heard(log_probs, alphabet)
    words = word_symbols(transcript.tokens, alphabet)
    regions = error_regions(score([reference], [transcript.text])[0].edits)
    return [reference_cost(region, words, transcript, alphabet) for region in regions]


def emission(*ids: int, n_symbols: int = 5) -> np.ndarray:
    """Frames that each give one symbol 0.9, the others the rest alike."""
    probabilities = np.full((len(ids), n_symbols), 0.1 / (n_symbols - 1))
    probabilities[np.arange(len(ids)), ids] = 0.9
    return np.log(probabilities)


def likelihoods(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Of each text, by brute force over every path."""
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        text = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
        found[text] += np.exp(log_probs[range(len(path)), path].sum())
    return found


@given(st.lists(st.sampled_from("abcd"), max_size=6), st.lists(st.sampled_from("abcd"), max_size=6))
def test_regions_are_the_maximal_runs_of_errors(said: list[str], got: list[str]) -> None:
    edits = score([" ".join(said)], [" ".join(got)])[0].edits
    regions = error_regions(edits)
    inside = [i for region in regions for i in range(region.start, region.end)]
    assert inside == [i for i, edit in enumerate(edits) if edit.op != "equal"]
    assert all(a.end < b.start for a, b in itertools.pairwise(regions))
    for region in regions:
        assert region.reference or region.heard
        assert region.before == (edits[region.start - 1] if region.start else None)
        assert region.after == (edits[region.end] if region.end < len(edits) else None)


@given(st.integers(0, 10_000), st.sampled_from(["", "a", "b", "a b", "b a", "c", "a b a"]))
def test_the_cost_of_the_only_region_is_that_of_the_texts(seed: int, reference: str) -> None:
    """Without a hit the region is the whole utterance, which brute force can sum up."""
    scores = np.random.default_rng(seed).normal(0, 2, (4, 5))
    log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    transcript = heard(log_probs, WORDS)
    if set(reference.split()) & set(transcript.text.split()) or reference == transcript.text:
        return
    known = likelihoods(log_probs)
    written = tuple(span.id for span in transcript.tokens)
    wanted = tuple(WORDS.encode(reference))
    [cost] = costs(log_probs, WORDS, reference)
    if known[wanted] == 0:
        assert cost == MOST_NATS
    else:
        assert cost == pytest.approx(np.log(known[written] / known[wanted]), abs=1e-9)


def test_a_region_costs_the_same_whatever_lies_far_from_it() -> None:
    near = [0, 1, 0, 2, 0, 3, 0]
    [cost] = costs(emission(*near), WORDS, "a c c")
    [again] = costs(emission(1, 0, 2, *near, 2, 0, 1, 0), WORDS, "a b a c c b a")
    assert again == pytest.approx(cost, rel=0.02)  # what is said there has other paths, too
    assert cost > np.log(0.9 / 0.025) - 0.5


def test_regions_are_judged_apart() -> None:
    log_probs = emission(1, 0, 2, 0, 3, 0, 1, 0, 3)
    log_probs[2, 3] = np.log(0.8)  # nearly as likely as the b that was written
    close, far = costs(log_probs, WORDS, "a c c a b")
    assert close is not None
    assert far is not None
    assert close < 1
    assert far > 3


def test_the_reference_may_be_likelier_than_what_was_written() -> None:
    """Summed over paths: no single path of the text is the best one."""
    log_probs = np.log(np.array([[0.4, 0.3, 0.1, 0.1, 0.1], [0.4, 0.3, 0.1, 0.1, 0.1]]))
    assert heard(log_probs, WORDS).text == ""
    [cost] = costs(log_probs, WORDS, "a")
    assert cost == pytest.approx(np.log(0.16 / (2 * 0.3 * 0.4 + 0.09)))
    assert cost < 0


def test_words_that_cannot_be_written_cost_nothing_that_is_known() -> None:
    assert costs(emission(1, 0, 2), WORDS, "a z") == [None]
    assert not is_writable(WORDS, "<unk>")
    assert is_writable(WORDS, "a b")
    assert costs(emission(1, 0, 2, n_symbols=4), Alphabet(symbols=("x", "y", "z")), "xy z") == [
        None
    ]


def test_an_unknown_symbol_gives_way_to_the_word_that_was_said() -> None:
    [cost] = costs(emission(1, 0, 4, 0, 2), WORDS, "a c b")
    alone = emission(1, 0, 4, 0, 2)
    difference = align(alone, [1, 4, 2]).log_prob - align(alone, [1, 3, 2]).log_prob
    assert cost == pytest.approx(difference, rel=0.05)  # the sums over all paths are a bit more


@pytest.mark.parametrize(("reference", "likelier"), [("x y", "x"), ("y x", "x y"), ("x", "y")])
def test_spelt_words_keep_their_spaces(reference: str, likelier: str) -> None:
    ids = [i for symbol in LETTERS.encode(likelier) for i in (symbol, 0, 0)]
    for cost in costs(emission(*ids, n_symbols=4), LETTERS, reference):
        assert cost is not None
        assert 0 < cost < MOST_NATS


def test_frames_needed() -> None:
    assert n_needed([]) == 0
    assert n_needed([1, 2, 1]) == 3
    assert n_needed([1, 1, 2, 2, 2]) == 8
