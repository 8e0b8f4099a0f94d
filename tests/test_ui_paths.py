from dataclasses import replace

import numpy as np
import pytest

from asr_core.alignment import align
from asr_core.decoder import TokenSpan, greedy
from asr_core.text import Alphabet
from asr_core.transcript import Transcript
from ui import evidence_strings as strings
from ui import paths
from ui.evidence import symbol_names

WORDS = Alphabet(symbols=("yes", "no", "stop", "<unk>"), joiner=" ", unknown="<unk>")
NAMES = symbol_names(WORDS)


def transcript(log_probs: np.ndarray, alphabet: Alphabet = WORDS) -> Transcript:
    reading = greedy(log_probs)
    return Transcript(
        text=alphabet.decode(reading.ids),
        words=(),
        tokens=reading.spans,
        duration_s=len(log_probs) * 0.04,
        frame_s=0.04,
        hop_s=0.01,
        features=np.zeros((4 * len(log_probs), 8)),
        log_probs=log_probs,
    )


@pytest.fixture
def heard() -> Transcript:
    """yes ... no (twice as likely as stop) ..."""
    blank, rest = [0.92, 0.02, 0.02, 0.02, 0.02], 20 * [[0.92, 0.02, 0.02, 0.02, 0.02]]
    yes, no = [0.04, 0.9, 0.02, 0.02, 0.02], [0.02, 0.02, 0.6, 0.3, 0.06]
    return transcript(np.log([blank, yes, *rest, no, blank]))


def test_of_what_was_heard_alone_there_is_one_row(heard):
    value = paths.of_heard(heard)
    (row,) = value.rows
    assert row.kind == "both"
    assert row.runs == ((1, 1, 2, 90), (2, 22, 23, 60))
    assert row.log_prob == pytest.approx(greedy(heard.log_probs).log_prob, abs=1e-3)
    assert row.a_frame == pytest.approx(row.log_prob / 24, abs=1e-4)
    assert (value.regions, value.summary, value.note) == ((), "", "")


def test_a_wrong_word_is_a_region_with_words_and_price(heard):
    value = paths.of_both(heard, WORDS, NAMES, "yes stop", "yes no")
    assert [row.kind for row in value.rows] == ["reference", "both"]
    (region,) = value.regions
    assert (region.start_s, region.end_s) == (0.88, 0.92)
    assert region.title == "“stop” was said, “no” was heard"
    assert "0.7 nats" in region.text  # log 2
    assert "2.0 times less likely" in region.text
    assert value.disputed == (2, 3)
    reference, both = value.rows
    expected = align(heard.log_probs, [1, 3])
    assert reference.log_prob == pytest.approx(expected.log_prob, abs=1e-3)
    assert both.log_prob - reference.log_prob == pytest.approx(np.log(2), abs=2e-3)


def test_what_is_right_does_not_part(heard):
    value = paths.of_both(heard, WORDS, NAMES, "yes no", "yes no")
    assert (value.regions, value.summary) == ((), strings.NEVER_PART)


def test_a_missed_and_an_added_word_are_told_apart(heard):
    (missed,) = paths.of_both(heard, WORDS, NAMES, "yes stop no", "yes no").regions
    assert missed.title == "“stop” was said, and nothing was heard"
    (added,) = paths.of_both(heard, WORDS, NAMES, "yes", "yes no").regions
    assert added.title == "nothing was said, and “no” was heard"


def test_a_word_the_model_does_not_know_takes_its_symbol_for_others(heard):
    value = paths.of_both(heard, WORDS, NAMES, "yes <img>", "yes no")
    assert "<img>" in value.note
    assert "<unk>" in value.note
    assert value.rows[0].runs[-1][0] == 4


def test_without_a_path_it_says_so_in_place_and_shows_what_was_heard(heard):
    value = paths.of_both(heard, WORDS, NAMES, "yes " * 30, "yes no")
    assert [row.kind for row in value.rows] == ["both"]
    assert "needs at least 59 frames; the recording has 24" in value.note
    letters = Alphabet(symbols=("a", "b", "c", "d"))
    value = paths.of_both(heard, letters, ("", *"abcd"), "aé ß", "ab")
    assert "“aé”, “ß”" in value.note


def test_a_very_long_reference_is_refused(heard, monkeypatch):
    monkeypatch.setattr(paths, "MAX_CELLS", 100)
    assert paths.of_both(heard, WORDS, NAMES, "yes no", "yes no").note == strings.TOO_LONG_TO_ALIGN


def test_another_text_than_the_transcripts_gets_its_own_path_beside_the_greedy_one(heard):
    value = paths.of_both(heard, WORDS, NAMES, "yes stop", "yes")
    assert [row.kind for row in value.rows] == ["reference", "heard", "greedy"]
    assert [run[0] for run in value.rows[1].runs] == [1]


def test_a_decoder_that_does_not_take_the_best_frames_is_told_from_the_greedy_path(heard):
    other = replace(heard, text="yes", tokens=(TokenSpan(1, 1, 2, 0.9),))
    assert [row.kind for row in paths.of_heard(other).rows] == ["heard", "greedy"]
    (region,) = paths.of_both(other, WORDS, NAMES, "yes no", "yes").regions
    assert "gave the reference 3.4 nats more: 30 times more likely" in region.text  # log 0.6/0.02


@pytest.mark.parametrize(
    ("nats", "words"),
    [
        (0.0, "equally likely"),
        (np.log(2.44), "2.4 times less"),
        (np.log(123_456), "120,000 times less"),
        (40.0, "more than a million times less"),
        (5000.0, "more than a million times less"),
        (-np.log(17.2), "17 times more"),
    ],
)
def test_costs_in_words(nats, words):
    assert words in paths.cost_in_words(nats)
