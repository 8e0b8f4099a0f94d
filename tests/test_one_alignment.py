"""One alignment behind every number: rates, diff, confusions, word table and S/D/I agree.

The oracle is sclite. It looks for the smallest 4 S + 3 D + 3 I, jiwer (as everybody else) for the
smallest S + D + I. For H hits these are the largest 3 H + S and the largest 2 H + S, so

- reference words, and deletions minus insertions, are always the same;
- sclite never has fewer hits than we have, and never fewer errors;
- where the errors are as many, each further hit of sclite's stands for two of our substitutions
  that it writes as a deletion and an insertion around the hit: a tie, told the other way.
"""

import json
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import confusions
from analysis.evaluation import Evaluation
from analysis.imports import import_predictions
from analysis.predictions import read_predictions
from analysis.scoring import Edit, score
from analysis.store import Filter, View
from analysis.summary import of_view
from tests.text_evaluations import write_texts

BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations" / "spoken"
ALL = 10**6  # of a list
WORDS = ("a", "it's", "<img>", "до", "a'", "100%")

texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
pairs = st.lists(st.tuples(texts, texts), min_size=1, max_size=12)


def edits_of(view: View) -> list[list[Edit]]:
    """The diffs that the page shows, an utterance each."""
    rows = view.ask("SELECT text, pred_text FROM matched ORDER BY position")
    scores = score([row["text"] for row in rows], [row["pred_text"] for row in rows])
    return [list(each.edits) for each in scores]


def assert_agree(evaluation: Evaluation, wanted: Filter) -> None:
    view = evaluation.store.view(wanted)
    diffs = edits_of(view)
    expected = Counter((e.op, e.reference, e.heard) for diff in diffs for e in diff)
    by_op = Counter(e.op for diff in diffs for e in diff)
    sums, rates = of_view(view)
    assert sums["hits"] == by_op["equal"]
    assert sums["substitutions"] == by_op["substitute"]
    assert sums["deletions"] == by_op["delete"]
    assert sums["insertions"] == by_op["insert"]
    n_errors = sum(by_op.values()) - by_op["equal"]
    assert rates["wer"]["value"] == n_errors / max(sums["words"], 1)

    listed = [
        *confusions.substitutions(view, ALL),
        *confusions.deletions(view, ALL),
        *confusions.insertions(view, ALL),
    ]
    wrong = {edit: n for edit, n in expected.items() if edit[0] != "equal"}
    assert {(c.op, c.reference, c.heard): c.count for c in listed} == wrong
    assert sum(c.share for c in listed) == pytest.approx(float(bool(listed)))
    assert_words(view, expected, sums)
    assert_matrices(view, expected)
    characters = confusions.characters(view, ALL)
    assert characters.utterances == characters.wrong_utterances == sums["wrong_utterances"]
    lists = (characters.substitutions, characters.deletions, characters.insertions)
    assert sum(c.count for each in lists for c in each) == sums["character_errors"]


def assert_words(view: View, expected: Counter, sums: dict[str, int]) -> None:
    rows, n = confusions.words(view, limit=ALL)
    assert n == len(rows)
    for row in rows:
        of_word = dict.fromkeys(("equal", "substitute", "delete"), 0)
        misheard = 0
        for (op, reference, heard), times in expected.items():
            if reference == row.word:
                of_word[op] += times
            misheard += times * (heard == row.word and op != "equal")
        assert (row.hits, row.substituted, row.deleted) == tuple(of_word.values())
        assert (row.heard, row.heard_wrong) == (row.hits + misheard, misheard)
        assert row.recall == (row.hits / row.said if row.said else None)
        assert row.precision == (row.hits / row.heard if row.heard else None)
    assert sum(row.said for row in rows) == sums["words"]
    assert sum(row.hits for row in rows) == sums["hits"]
    assert sum(row.substituted for row in rows) == sums["substitutions"]
    assert sum(row.deleted for row in rows) == sums["deletions"]
    assert sum(row.heard_wrong for row in rows) == sums["substitutions"] + sums["insertions"]


def assert_matrices(view: View, expected: Counter) -> None:
    said, heard = Counter(), Counter()
    for (_, reference, word), n in expected.items():
        said[reference] += n
        heard[word] += n
    for size in (0, 2, ALL):
        found = confusions.matrix(view, size)
        for i, row in enumerate((*found.words, None)):
            for j, column in enumerate((*found.heard, None)):
                op = "insert" if row is None else "delete" if column is None else "substitute"
                op = "equal" if row == column else op
                assert found.counts[i][j] == expected[op, row, column]
        for i, name in enumerate(found.words):
            assert sum(found.counts[i]) + found.heard_otherwise[i] == said[name]
            column = [line[i] for line in found.counts]
            assert sum(column) + found.said_otherwise[i] == heard[name]
        if size == ALL:
            assert not any(found.heard_otherwise + found.said_otherwise)


@settings(max_examples=10)
@given(pairs, st.sampled_from([Filter(), Filter("n_reference > 1"), Filter(search="it's")]))
def test_every_number_is_counted_from_the_same_edits(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, str]], wanted: Filter
) -> None:
    said, heard = zip(*drawn, strict=True)
    evaluation = write_texts(tmp_path_factory.mktemp("texts") / "e", said, heard)
    assert_agree(evaluation, wanted)


@settings(max_examples=5)
@given(pairs)
def test_every_number_of_another_systems_predictions(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    rows = [{"text": said, "pred_text": heard} for said, heard in drawn]
    (folder / "p.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    predictions = read_predictions(folder / "p.jsonl")
    imported = import_predictions(predictions, folder / "e", name="other", normaliser="none")
    assert_agree(imported, Filter())


@pytest.mark.parametrize(
    "wanted", [Filter(), Filter("snr_db < 15", only_errors=True), Filter("false")]
)
def test_every_number_of_a_real_evaluation(wanted: Filter) -> None:
    evaluation = Evaluation.open(BUNDLED)
    assert_agree(evaluation, wanted)
    rows = evaluation.store.ask("SELECT utterance_id FROM utterances WHERE errors > 0")
    for key in [row["utterance_id"] for row in rows][:20]:
        diff = [e for e in evaluation.score(key).edits if e.op != "equal"]
        stored = evaluation.errors_of(key)
        assert [(e.op, e.reference, e.heard, e.reference_index, e.heard_index) for e in diff] == [
            (r["op"], r["reference"], r["heard"], r["reference_index"], r["heard_index"])
            for r in stored
        ]


@settings(max_examples=4)
@given(pairs)
def test_a_cell_leads_to_the_utterances_that_it_counts(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, str]]
) -> None:
    said, heard = zip(*drawn, strict=True)
    view = write_texts(tmp_path_factory.mktemp("texts") / "e", said, heard).store.view()
    diffs = edits_of(view)
    words = confusions.matrix(view, 3).words
    for row in (*words, None):
        for column in (*words, None):
            where = confusions.cell_condition(row, column)
            found = view.store.view(Filter(where)).ask("SELECT position FROM matched ORDER BY 1")
            assert [each["position"] for each in found] == [
                i
                for i, diff in enumerate(diffs)
                if any((e.reference, e.heard) == (row, column) for e in diff)
            ]


# ------------------------------------------------------------------------------------- sclite


def sclite(folder: Path, said: Sequence[str], heard: Sequence[str]) -> list[tuple[int, ...]]:
    """Hits, substitutions, deletions and insertions of each pair, by sclite."""
    if not shutil.which("sctk"):
        pytest.skip("sclite is not installed (Debian package sctk)")
    for name, lines in (("ref", said), ("hyp", heard)):
        trn = "".join(f"{text} (s-{i:06d})\n" for i, text in enumerate(lines))
        (folder / name).write_text(trn)
    command = "sctk sclite -r ref trn -h hyp trn -i rm -o pralign stdout"
    done = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True, check=True)
    found = {
        int(number): tuple(map(int, numbers.split()))
        for number, numbers in re.findall(
            r"id: \(s-(\d+)\)\nScores: \(#C #S #D #I\) ([\d ]+)", done.stdout
        )
    }
    return [found[i] for i in range(len(said))]


def random_pairs(n: int, words: int, length: int) -> tuple[list[str], list[str]]:
    draw = random.Random(words)
    vocabulary = [f"w{i}" for i in range(words)]
    lists = [[draw.choices(vocabulary, k=draw.randint(0, length)) for _ in range(n)] for _ in "ab"]
    said, heard = ([" ".join(words) for words in each] for each in lists)
    return said, heard


def assert_as_sclite(folder: Path, said: list[str], heard: list[str]) -> float:
    """What must agree, does; how many utterances have the same four counts is returned."""
    ours = score(said, heard)
    theirs = sclite(folder, said, heard)
    same = 0
    for mine, (hits, substitutions, deletions, insertions) in zip(ours, theirs, strict=True):
        assert mine.n_reference == hits + substitutions + deletions
        assert mine.deletions - mine.insertions == deletions - insertions
        assert mine.hits <= hits
        assert mine.errors <= substitutions + deletions + insertions
        if mine.errors == substitutions + deletions + insertions:
            assert mine.substitutions - substitutions == 2 * (hits - mine.hits)
        same += mine.hits == hits and mine.substitutions == substitutions
    return same / len(said)


@pytest.mark.parametrize(("words", "length"), [(2, 6), (5, 8), (50, 12)])
def test_random_texts_as_sclite_counts_them(tmp_path: Path, words: int, length: int) -> None:
    same = assert_as_sclite(tmp_path, *random_pairs(400, words, length))
    assert 0.9 < same < 1  # there are ties, or this tests nothing


def test_a_real_evaluation_as_sclite_counts_it(tmp_path: Path) -> None:
    evaluation = Evaluation.open(BUNDLED)
    table = evaluation.utterances
    said, heard = table["text"].tolist(), table["pred_text"].tolist()
    same = assert_as_sclite(tmp_path, said, heard)
    assert same == 358 / 360
    hits, substitutions, deletions, insertions = (
        sum(column) for column in zip(*sclite(tmp_path, said, heard), strict=True)
    )
    sums = evaluation.summary["counts"]
    assert sums["words"] == hits + substitutions + deletions
    assert sums["hits"] == hits - 2  # two ties
    ours = sums["substitutions"] + sums["deletions"] + sums["insertions"]
    assert ours == substitutions + deletions + insertions


def test_a_tie_told_the_other_way(tmp_path: Path) -> None:
    """Two substitutions for us are a deletion, a hit and an insertion for sclite."""
    [ours] = score(["a b"], ["b c"])
    [theirs] = sclite(tmp_path, ["a b"], ["b c"])
    assert (ours.hits, ours.substitutions, ours.deletions, ours.insertions) == (0, 2, 0, 0)
    assert theirs == (1, 0, 1, 1)
