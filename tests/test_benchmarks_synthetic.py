"""The synthetic evaluations that benchmarks ask: their planted errors are in their texts."""

from pathlib import Path

import pytest

from analysis.evaluation import Evaluation
from analysis.pairing import pair
from benchmarks import comparing, explorer
from benchmarks.synthetic import write_evaluation

ROWS = 400


@pytest.fixture(scope="module")
def systems(tmp_path_factory) -> list[Evaluation]:
    folder = tmp_path_factory.mktemp("synthetic")
    for system in range(2):
        write_evaluation(folder / f"{system}", ROWS, system=system)
    return [Evaluation.open(folder / f"{system}") for system in range(2)]


def test_edits_are_where_the_texts_have_them(systems: list[Evaluation]) -> None:
    texts = systems[0].utterances.set_index("utterance_id")
    edits = systems[0].errors
    assert set(edits["op"]) == {"substitute", "delete", "insert"}
    for edit in edits.itertuples():
        for text, place, word in (
            ("text", edit.reference_index, edit.reference),
            ("pred_text", edit.heard_index, edit.heard),
        ):
            if isinstance(word, str):
                assert texts.loc[edit.utterance_id, text].split()[int(place)] == word
    n_heard = texts["pred_text"].str.split().str.len()
    assert (n_heard == texts["hits"] + texts["substitutions"] + texts["insertions"]).all()


def test_systems_hear_the_same_differently(systems: list[Evaluation]) -> None:
    a, b = systems
    assert (a.utterances["text"] == b.utterances["text"]).all()
    assert (a.utterances["snr_db"] == b.utterances["snr_db"]).all()
    assert (a.utterances["pred_text"] != b.utterances["pred_text"]).mean() > 0.5


def test_the_checks_of_the_benchmarks_pass_and_can_fail(systems: list[Evaluation]) -> None:
    a, b = systems
    explorer.check(a)
    comparing.check(pair(a, b), a.summary["counts"], b.summary["counts"])
    with pytest.raises(AssertionError):
        comparing.check(pair(a, b), b.summary["counts"], a.summary["counts"])
    one_more = a.summary["counts"] | {"substitutions": a.summary["counts"]["substitutions"] + 1}
    a.summary["counts"] = one_more
    with pytest.raises(AssertionError):
        explorer.check(a)


def test_the_same_seed_gives_the_same_files(systems: list[Evaluation], tmp_path: Path) -> None:
    write_evaluation(tmp_path / "again", ROWS, system=1)
    for file in ("utterances.parquet", "errors.parquet"):
        assert (tmp_path / "again" / file).read_bytes() == (systems[1].folder / file).read_bytes()
