"""The import benchmark: the errors it plants are those that are counted."""

from pathlib import Path

from benchmarks.imports import WORDS, measure, write_predictions


def test_planted_errors_are_counted(tmp_path: Path) -> None:
    n_rows = 300
    planted = write_predictions(tmp_path / "a.jsonl", n_rows)
    assert 0.05 < planted / (n_rows * WORDS) < 0.15
    assert write_predictions(tmp_path / "b.jsonl", n_rows) == planted
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_a_run_has_its_time_and_memory(tmp_path: Path) -> None:
    seconds, megabytes = measure(200, tmp_path)  # it asserts that as many are counted
    assert seconds > 0
    assert 50 < megabytes < 400
