"""One alignment: against jiwer and sclite, against planted answers, and in the undefined cases."""

import math
import re
import shutil
import subprocess
from pathlib import Path

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scoring import (
    Edit,
    Interval,
    Score,
    bootstrap,
    resampled_interval,
    score,
    total,
)

WORDS = st.lists(st.sampled_from(["one", "two", "three", "it's", "ноль"]), max_size=7)
PAIRS = st.lists(st.tuples(WORDS, WORDS), max_size=8)


def texts(pairs: list[tuple[list[str], list[str]]]) -> tuple[list[str], list[str]]:
    return [" ".join(said) for said, _ in pairs], [" ".join(heard) for _, heard in pairs]


def test_one_of_each_edit() -> None:
    [scored] = score(["one two three four"], ["one too three eight eight four"])
    assert scored.edits == (
        Edit("equal", "one", "one", 0, 0),
        Edit("substitute", "two", "too", 1, 1),
        Edit("equal", "three", "three", 2, 2),
        Edit("insert", None, "eight", None, 3),
        Edit("insert", None, "eight", None, 4),
        Edit("equal", "four", "four", 3, 5),
    )
    assert (scored.hits, scored.substitutions, scored.deletions, scored.insertions) == (3, 1, 0, 2)
    assert (scored.n_reference, scored.n_heard, scored.errors, scored.wer) == (4, 6, 3, 3 / 4)
    assert (scored.char_errors, scored.n_char) == (13, 18)  # w -> o, and two of "eight "


def test_a_deleted_word() -> None:
    [scored] = score(["one two three"], ["one three"])
    assert scored.edits[1] == Edit("delete", "two", None, 1, None)
    assert (scored.deletions, scored.errors, scored.n_heard) == (1, 1, 2)


@pytest.mark.parametrize(
    ("reference", "heard", "edits", "wer", "cer"),
    [
        ("", "", "", 0.0, 0.0),
        ("", "one two", "insert insert", 2.0, 7.0),
        ("one two", "", "delete delete", 1.0, 1.0),
        (" \t ", "\n", "", 0.0, 0.0),
        ("one\ttwo", " one  two ", "equal equal", 0.0, 0.0),
    ],
)
def test_empty_and_white(reference: str, heard: str, edits: str, wer: float, cer: float) -> None:
    [scored] = score([reference], [heard])
    assert " ".join(edit.op for edit in scored.edits) == edits
    assert (scored.wer, scored.cer) == (wer, cer)
    if not {"\t", "\n"} & {*reference, *heard}:  # jiwer's words end at spaces only
        assert scored.wer == jiwer.wer(reference, heard)


def test_empty_references_do_not_shift_pairs() -> None:
    scores = score(["", "one", "", "two"], ["six", "one", "", "go"])
    assert [s.errors for s in scores] == [1, 0, 0, 1]
    assert total(scores).wer == 2 / 2


def test_unequal_lists_are_refused() -> None:
    with pytest.raises(ValueError, match="2 references and 1 hyp"):
        score(["one", "two"], ["one"])
    assert score([], []) == []


@given(PAIRS)
def test_edits_replay_the_reference_into_what_was_heard(
    pairs: list[tuple[list[str], list[str]]],
) -> None:
    for (said, heard), scored in zip(pairs, score(*texts(pairs)), strict=True):
        assert [e.reference for e in scored.edits if e.reference is not None] == said
        assert [e.heard for e in scored.edits if e.heard is not None] == heard
        indices = [e.reference_index for e in scored.edits if e.reference_index is not None]
        assert indices == list(range(len(said)))
        indices = [e.heard_index for e in scored.edits if e.heard_index is not None]
        assert indices == list(range(len(heard)))
        for edit in scored.edits:
            assert (edit.op == "equal") == (edit.reference == edit.heard)


@given(PAIRS.filter(lambda pairs: any(said for said, _ in pairs)))
def test_sums_equal_jiwers(pairs: list[tuple[list[str], list[str]]]) -> None:
    references, heard = texts(pairs)
    totals = total(score(references, heard))
    words = jiwer.process_words(references, heard)
    assert totals.hits == words.hits
    assert totals.substitutions == words.substitutions
    assert totals.deletions == words.deletions
    assert totals.insertions == words.insertions
    assert totals.wer == pytest.approx(words.wer, abs=1e-12)
    assert totals.cer == pytest.approx(jiwer.cer(references, heard), abs=1e-12)
    wrong = [said != got for said, got in zip(references, heard, strict=True)]
    assert totals.ser == pytest.approx(sum(wrong) / len(wrong))


def test_rates_are_of_sums_not_means_of_rates() -> None:
    totals = total(score(["one", "one two three four five"], ["two", "one two three four five"]))
    assert totals.wer == 1 / 6
    assert totals.ser == 1 / 2


def test_nothing_at_all() -> None:
    totals = total([])
    assert (totals.wer, totals.cer, totals.ser, totals.n_utterances) == (0.0, 0.0, 0.0, 0)
    interval = bootstrap([])
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def random_scores(rng: np.random.Generator, n: int, error_rate: float) -> list[Score]:
    references = [["one"] * int(rng.integers(1, 9)) for _ in range(n)]
    heard = [["two" if rng.random() < error_rate else "one" for _ in ref] for ref in references]
    return score(*texts(list(zip(references, heard, strict=True))))


def test_bootstrap_is_deterministic() -> None:
    scores = random_scores(np.random.default_rng(1), 50, 0.3)
    assert bootstrap(scores, seed=3) == bootstrap(scores, seed=3)
    assert bootstrap(scores, seed=3) != bootstrap(scores, seed=4)


@pytest.mark.parametrize(("said", "expected"), [("one", 0.0), ("two", 1.0)])
def test_bootstrap_without_variation(said: str, expected: float) -> None:
    scores = score(["one"] * 20, [said] * 20)
    for rate in ("wer", "ser"):
        assert bootstrap(scores, rate=rate) == Interval(expected, expected)


def test_bootstrap_covers_a_planted_rate() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for seed in range(200):
        sizes = rng.integers(1, 9, size=100)
        interval = resampled_interval(rng.binomial(sizes, 0.2), sizes, n=400, seed=seed)
        covered += interval.low <= 0.2 <= interval.high
    # 95 % of 200 is 190, with a standard deviation of 3; the percentile bootstrap runs a bit low.
    assert 180 <= covered <= 198


def test_bootstrap_draws_as_resampling_utterances_does() -> None:
    rng = np.random.default_rng(5)
    scores = random_scores(rng, 80, 0.25)
    errors = np.array([s.errors for s in scores])
    sizes = np.array([s.n_reference for s in scores])
    drawn = rng.integers(len(scores), size=(20_000, len(scores)))  # the textbook's way
    rates = errors[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(rates, [0.025, 0.975])
    interval = bootstrap(scores, n=20_000)
    # atol: the sampling error of a 2.5 % quantile of 20,000 draws is about 0.0006 here
    np.testing.assert_allclose([interval.low, interval.high], [low, high], atol=0.003)


def test_bootstrap_over_speakers_is_wider_where_errors_are_a_speakers() -> None:
    scores = score(["one"] * 100, ["one"] * 50 + ["two"] * 50)
    speakers = [f"speaker {i // 10}" for i in range(100)]
    over_speakers = bootstrap(scores, groups=speakers)
    over_utterances = bootstrap(scores)
    assert over_speakers.high - over_speakers.low > over_utterances.high - over_utterances.low
    assert bootstrap(scores, groups=["all"] * 100) == Interval(0.5, 0.5)
    with pytest.raises(ValueError, match="100 utterances and 1 groups"):
        bootstrap(scores, groups=["one"])


def sclite() -> list[str] | None:
    """The command, under its own name or behind Debian's `sctk`."""
    if shutil.which("sclite"):
        return ["sclite"]
    return ["sctk", "sclite"] if shutil.which("sctk") else None


@pytest.mark.skipif(sclite() is None, reason="sclite is not installed (Debian package sctk)")
def test_errors_equal_sclites(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    vocabulary = ["one", "two", "three", "four"]
    pairs = [
        (
            list(rng.choice(vocabulary, size=rng.integers(0, 6))),
            list(rng.choice(vocabulary, size=rng.integers(0, 6))),
        )
        for _ in range(200)
    ]
    references, heard = texts(pairs)
    for name, lines in (("ref.trn", references), ("hyp.trn", heard)):
        rows = "".join(f"{line} (s_{i:04d})\n" for i, line in enumerate(lines))
        (tmp_path / name).write_text(rows)
    command = sclite()
    assert command is not None
    files = ["-r", "ref.trn", "trn", "-h", "hyp.trn", "trn"]
    options = ["-i", "spu_id", "-o", "pra", "stdout"]
    done = subprocess.run(
        [*command, *files, *options], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    pattern = r"id: \(s_(\d+)\)\nScores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)"
    theirs = {int(i): [int(n) for n in rest] for i, *rest in re.findall(pattern, done.stdout)}
    assert len(theirs) == len(pairs)
    for i, ours in enumerate(score(references, heard)):
        hits, substitutions, deletions, insertions = theirs[i]
        assert ours.errors == substitutions + deletions + insertions
        # Alignments of equally many errors are ties: sclite takes the one with the most hits.
        assert ours.hits <= hits
