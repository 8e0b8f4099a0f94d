"""Beam search against brute force: every reading, scored from its text by other code than ours."""

import gc
import itertools
import threading
import weakref
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_core import beam as beam_room
from asr_core.alignment import forced_align
from asr_core.beam import BeamSearch, DecodingError
from asr_core.decoder import best_path
from asr_core.fusion import WordScorer
from asr_core.ngrams import build_ngrams
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet
from tests.test_decoder import collapse, planted, random_log_probs

WORDS = Alphabet(symbols=("go", "stop", "<unk>"), joiner=" ", unknown="<unk>")
LETTERS = Alphabet(symbols=(" ", "a", "b"))
LM = build_ngrams([["go", "stop", "go"], ["stop"]], 2)
LETTER_LM = build_ngrams([["a", "ab", "a"], ["b", "ab"]], 2)
WIDE = 2000  # readings, more than there are

EXAMPLES = Path(__file__).parents[1] / "assets" / "examples"


def readings(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Every reading and the probability of all the paths that spell it."""
    n_frames, n_symbols = log_probs.shape
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(n_symbols), repeat=n_frames):
        ids = tuple(collapse(path))
        found[ids] = found.get(ids, 0.0) + float(np.exp(log_probs[range(n_frames), path].sum()))
    return found


def text_of(alphabet: Alphabet, ids: Sequence[int]) -> str:
    return " ".join(alphabet.decode(list(ids)).split())


def brute_force(
    log_probs: np.ndarray,
    alphabet: Alphabet,
    worth: Callable[[list[str]], float] = lambda _: 0.0,
    lexicon: Collection[str] | None = None,
) -> list[tuple[str, float, float]]:
    """Texts with the log-probability and score of their best reading, the best first."""
    best: dict[str, tuple[float, float]] = {}
    for ids, probability in readings(log_probs).items():
        text = text_of(alphabet, ids)
        unknown = alphabet.unknown in map(alphabet.symbol, ids)
        if lexicon is None or (set(text.split()) <= set(lexicon) and not unknown):
            log_prob = float(np.log(probability))
            score = log_prob + worth(text.split())
            best[text] = max(best.get(text, (-np.inf, 0.0)), (score, log_prob))
    return sorted(((t, p, s) for t, (s, p) in best.items()), key=lambda row: -row[2])


def bigram(lm: object, words: Sequence[str]) -> float:
    """ln P of a sentence by the definition of back-off, order 2, read off the tables."""
    p, b = lm.log_probs, lm.backoffs
    total = 0.0
    for before, word in itertools.pairwise(["<s>", *words, "</s>"]):
        total += p[before, word] if (before, word) in p else b.get((before,), 0.0) + p[word,]
    return total


def check(
    search: BeamSearch, log_probs: np.ndarray, expected: list[tuple[str, float, float]]
) -> None:
    """The same texts in the same order, but where two scores are equal; log_probs and scores."""
    found = search(log_probs)
    got = {text_of(search.alphabet, h.ids): (h.log_prob, h.score) for h in found}
    assert len(got) == len(found)  # no text twice
    assert set(got) == {text for text, _, _ in expected}
    for text, log_prob, score in expected:
        assert got[text] == pytest.approx((log_prob, score), rel=1e-9, abs=1e-9)
    scores = [h.score for h in found]
    assert scores == sorted(scores, reverse=True)
    for hypothesis in found:
        assert hypothesis.spans == forced_align(log_probs, hypothesis.ids)


def wide(alphabet: Alphabet, **options: object) -> BeamSearch:
    words = WordScorer(alphabet, **options) if options else None
    # Nothing dropped for its score: LM and hotwords may bring a reading back from anywhere.
    return BeamSearch(alphabet, WIDE, WIDE, words, threshold=1e3)


cases = given(st.integers(0, 4), st.integers(0, 2**32 - 1))
few = settings(max_examples=40)


@few
@cases
def test_without_anything_it_is_the_sum_over_paths(n_frames: int, seed: int) -> None:
    for alphabet in (WORDS, LETTERS):
        log_probs = random_log_probs(n_frames, 4, seed)
        check(wide(alphabet), log_probs, brute_force(log_probs, alphabet))


@few
@cases
def test_with_a_language_model_and_a_bonus(n_frames: int, seed: int) -> None:
    log_probs = random_log_probs(n_frames, 4, seed)
    for alphabet, lm in ((WORDS, LM), (LETTERS, LETTER_LM)):

        def worth(words: list[str], lm: object = lm) -> float:
            known = [word if (word,) in lm.log_probs else "<unk>" for word in words]
            return 0.7 * bigram(lm, known) + 0.3 * len(words)

        search = wide(alphabet, lm=lm, lm_weight=0.7, word_bonus=0.3)
        check(search, log_probs, brute_force(log_probs, alphabet, worth))


@few
@cases
def test_with_a_lexicon(n_frames: int, seed: int) -> None:
    log_probs = random_log_probs(n_frames, 4, seed)
    for alphabet, lexicon in ((WORDS, {"stop"}), (LETTERS, {"ab", "b", "aab"})):
        expected = brute_force(log_probs, alphabet, lexicon=lexicon)
        check(wide(alphabet, lexicon=lexicon), log_probs, expected)


@few
@cases
def test_with_hotwords(n_frames: int, seed: int) -> None:
    log_probs = random_log_probs(n_frames, 4, seed)
    for alphabet, hotwords in (
        (WORDS, {"stop": 2.0, "go": -1.0}),
        (LETTERS, {"ab": 2.5, "abb": 1.0, "b": -0.5}),
    ):

        def worth(words: list[str], hotwords: dict[str, float] = hotwords) -> float:
            return sum(hotwords.get(word, 0.0) for word in words)

        expected = brute_force(log_probs, alphabet, worth)
        check(wide(alphabet, hotwords=hotwords), log_probs, expected)


@few
@cases
def test_with_all_of_it(n_frames: int, seed: int) -> None:
    log_probs = random_log_probs(n_frames, 4, seed)
    lexicon, hotwords = {"ab", "b", "a"}, {"ab": 2.0}

    def worth(words: list[str]) -> float:
        return 0.5 * bigram(LETTER_LM, words) + sum(hotwords.get(word, 0.0) for word in words)

    expected = brute_force(log_probs, LETTERS, worth, lexicon)
    search = wide(LETTERS, lexicon=lexicon, hotwords=hotwords, lm=LETTER_LM, lm_weight=0.5)
    check(search, log_probs, expected)


def test_five_frames_of_repeats() -> None:
    log_probs = planted([1, 1, 0, 1, 2], 4, sure=0.6)
    check(wide(WORDS), log_probs, brute_force(log_probs, WORDS))
    assert text_of(WORDS, wide(WORDS)(log_probs)[0].ids) == "go go stop"


@few
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_narrow_beam_finds_true_readings_no_better_than_the_best(
    beam: int, n_frames: int, seed: int
) -> None:
    log_probs = random_log_probs(n_frames, 4, seed)
    found = BeamSearch(LETTERS, beam, 5)(log_probs)
    best = wide(LETTERS)(log_probs)[0]
    assert 1 <= len(found) <= 5
    assert found[0].score <= best.score + 1e-9
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_narrow_beam_leaves_only_whole_words(beam: int, seed: int) -> None:
    search = BeamSearch(LETTERS, beam, 9, WordScorer(LETTERS, lexicon={"abab"}))
    for hypothesis in search(random_log_probs(9, 4, seed)):
        assert set(text_of(LETTERS, hypothesis.ids).split()) <= {"abab"}


def test_the_more_is_asked_for_the_more_comes_and_the_first_stay_the_same() -> None:
    log_probs = random_log_probs(8, 4, 5)
    three, nine = (BeamSearch(WORDS, 50, n)(log_probs) for n in (3, 9))
    assert (len(three), len(nine)) == (3, 9)
    assert nine[:3] == three


def test_the_same_recording_has_the_same_bits() -> None:
    log_probs = random_log_probs(40, 4, 1)
    search = BeamSearch(LETTERS, 8, 5, WordScorer(LETTERS, lm=LETTER_LM, lm_weight=0.5))
    assert search(log_probs) == search(log_probs)


def test_many_threads_hear_what_one_does() -> None:
    search = BeamSearch(LETTERS, 8, 3, WordScorer(LETTERS, lm=LETTER_LM, lm_weight=0.5))
    recordings = [random_log_probs(60, 4, seed) for seed in range(8)]
    alone = [search(log_probs) for log_probs in recordings]
    found: dict[int, object] = {}

    def decode(i: int) -> None:
        found[i] = [search(recordings[i]) for _ in range(3)]

    threads = [threading.Thread(target=decode, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [expected] * 3 for i, expected in enumerate(alone)}


def test_nothing_of_a_search_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[object]] = []
    token_lm = beam_room._token_lm

    def watched(*arguments: object) -> object:
        lm = token_lm(*arguments)
        made.append(weakref.ref(lm))
        return lm

    monkeypatch.setattr(beam_room, "_token_lm", watched)
    BeamSearch(LETTERS, 8, words=WordScorer(LETTERS, lexicon={"ab"}))(random_log_probs(30, 4, 0))
    gc.collect()
    assert len(made) == 1
    assert made[0]() is None


def test_no_frames_is_the_empty_reading() -> None:
    for search in (BeamSearch(LETTERS), wide(LETTERS, lexicon={"ab"})):
        (hypothesis,) = search(np.zeros((0, 4)))
        assert (hypothesis.spans, hypothesis.log_prob, hypothesis.score) == ((), 0.0, 0.0)


def test_a_probability_of_zero_is_never_read() -> None:
    log_probs = np.full((2, 4), -np.inf)
    log_probs[:, [0, 2]] = np.log([[0.5, 0.5], [0.4, 0.6]])
    found = {tuple(h.ids): h.log_prob for h in wide(LETTERS)(log_probs)}
    assert found == pytest.approx({(): np.log(0.2), (2,): np.log(0.8)})
    only_b = np.array([[-np.inf, -np.inf, -np.inf, 0.0]])
    with pytest.raises(DecodingError, match="probability of zero"):
        wide(LETTERS, lexicon={"a"})(only_b)


def test_what_cannot_be_decoded_is_refused() -> None:
    log_probs = random_log_probs(5, 4, 0)
    log_probs[3, 1] = np.nan
    with pytest.raises(DecodingError, match="NaN in frame 3 of 5"):
        BeamSearch(LETTERS)(log_probs)
    with pytest.raises(DecodingError, match=r"Expected log_probs \(T, 4\), got \(5, 6\)"):
        BeamSearch(LETTERS)(random_log_probs(5, 6, 0))


# --- real recordings ---


@pytest.fixture(scope="module")
def spoken() -> Recognizer:
    return Recognizer.load("spoken")


def test_a_real_recording(spoken: Recognizer) -> None:
    clip = EXAMPLES / "three-seven-stop.opus"
    greedy = spoken.decoding_with(best_path).transcribe([clip])[0]
    search = BeamSearch(spoken.alphabet, 20, 10)
    found = spoken.decoding_with(search).transcribe([clip])[0]
    assert len(found.n_best) == 10
    assert found.n_best[0].log_prob >= greedy.n_best[0].log_prob  # a sum holds its largest part
    texts = [text_of(spoken.alphabet, h.ids) for h in found.n_best]
    assert found.text == texts[0]
    assert "three seven stop" in texts
    assert len(set(texts)) == 10


def test_hotwords_bring_a_real_word_back(spoken: Recognizer) -> None:
    clip = EXAMPLES / "three-seven-stop.opus"
    words = WordScorer(spoken.alphabet, hotwords={"stop": 4.0})
    search = BeamSearch(spoken.alphabet, 20, 1, words)
    assert spoken.decoding_with(search).transcribe([clip])[0].text == "three seven stop"
