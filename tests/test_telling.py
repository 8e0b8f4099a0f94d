"""Which utterances are told of: seats by an independent count, and planted regions by SQL."""

from collections import Counter
from pathlib import Path

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis.evaluation import ERRORS, Evaluation
from analysis.telling import FREQUENT, Telling, choose, most_telling
from tests.text_evaluations import write_texts


def region(key: str, cause: str, of_cause: int, said: str = "") -> Telling:
    unknown = dict.fromkeys(
        ("cost", "confidence", "snr_db", "clipped", "edge_db", "start_s", "end_s")
    )
    return Telling(
        utterance_id=key,
        region=0,
        cause=cause,
        n_errors=1,
        said=said or key,
        heard="",
        of_cause=of_cause,
        audio_filepath=None,
        **unknown,
    )


@given(st.lists(st.integers(1, 900), min_size=1, max_size=5), st.integers(5, 14))
def test_causes_share_the_places_as_sainte_lague_has_it(counts: list[int], n: int) -> None:
    candidates = [
        region(f"{cause}-{i}", str(cause), count)
        for cause, count in enumerate(counts)
        for i in range(n)
    ]
    total = sum(counts)
    first = Counter(str(i) for i, count in enumerate(counts) if count >= FREQUENT * total)
    quotients = sorted(
        (
            (-count / (2 * k + 1), i)
            for i, count in enumerate(counts)
            for k in range(first[str(i)], n)
        )
    )
    expected = first + Counter(str(i) for _, i in quotients[: n - first.total()])
    chosen = choose(candidates, n)
    assert len(chosen) == n
    assert Counter(each.cause for each in chosen) == expected
    for cause in expected:  # the most telling first
        keys = [each.utterance_id for each in chosen if each.cause == cause]
        assert keys == [f"{cause}-{i}" for i in range(len(keys))]


def test_the_same_mistake_or_utterance_is_taken_once() -> None:
    candidates = [
        region("a", "acoustic", 9, said="one"),
        region("b", "acoustic", 9, said="one"),
        region("c", "acoustic", 9, said="two"),
        region("a", "signal", 2, said="six"),
    ]
    assert [(e.utterance_id, e.said) for e in choose(candidates, 10)] == [
        ("a", "one"),
        ("c", "two"),
    ]


def planted(folder: Path) -> Evaluation:
    """Ten utterances with an error each, whose cost grows; the last is of another cause."""
    said = [f"one word{i}" for i in range(10)]
    evaluation = write_texts(folder, said, ["one"] * 10)
    table = pd.read_parquet(folder / ERRORS)
    table["cause"] = ["acoustic"] * 9 + ["label"]
    table["cost"] = [float(i) for i in range(10)]
    table["region"] = pd.Series([0] * 10, dtype="Int64")
    table.to_parquet(folder / ERRORS, index=False)
    return Evaluation.open(evaluation.folder)


def test_the_costliest_of_each_cause_come_first(tmp_path: Path) -> None:
    view = planted(tmp_path / "eval").store.view()
    found = most_telling(view, lambda _: True, 4)
    assert [e.utterance_id for e in found] == ["u-8", "u-7", "u-6", "u-9"]
    assert [(e.said, e.heard, e.of_cause) for e in found[:1]] == [("word8", "", 9)]


def test_those_with_a_recording_go_first(tmp_path: Path) -> None:
    view = planted(tmp_path / "eval").store.view()
    assert [e.utterance_id for e in most_telling(view, {"3.wav"}.__contains__, 4)] == ["u-3"]
    assert len(most_telling(view, lambda _: False, 4)) == 4
