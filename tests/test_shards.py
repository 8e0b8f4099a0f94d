"""Shards of any size, done by anyone, taken up after any stop, make the same Evaluation."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from analysis.evaluating import evaluate
from analysis.evaluation import Evaluation, EvaluationError
from analysis.shard_workers import in_processes
from analysis.shards import open_shards
from analysis.tables import column_type, kinds_of, table
from analysis.worker_options import OnRay, RayCommand
from asr_core.checkpoint import save_model
from asr_core.manifest import ManifestError
from tests.test_evaluation import CONTRACT, manifest, tiny_recognizer, write_rows, write_tone

__all__ = ["manifest"]  # a fixture

VARYING = ("date", "took_s", "real_time_factor", "manifest")


class Stopped(Exception):  # noqa: N818  # not an error: what a test stops an evaluation with
    pass


def files_of(evaluation: Evaluation) -> tuple[Any, ...]:
    """All that is in an Evaluation, tables to the last byte, without times and places."""
    tables = (evaluation.folder / name for name in ("utterances.parquet", "errors.parquet"))
    skipped = (evaluation.folder / "skipped.jsonl").read_text(encoding="utf-8")
    summary = {key: value for key, value in evaluation.summary.items() if key not in VARYING}
    return *(path.read_bytes() for path in tables), skipped, json.dumps(summary)


def stop_after(n_rows: int) -> Callable[[int, int], None]:
    def progress(done: int, _: int) -> None:
        if done >= n_rows:
            raise Stopped

    return progress


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    """Nine rows whose fields change their kind, one without a recording, one no JSON."""
    for i in range(3):
        write_tone(tmp_path / "set" / f"{i}.wav", (0.2, 0.3 + 0.1 * i))
    fields: list[dict[str, Any]] = [
        {"age": 31, "late": None, "long": 2**70},
        {"age": 32, "long": 1},
        {"age": 33.5, "clean": True},
        {"age": None, "late": "x", "clean": False},
        {"many": [1, "\ud800"]},
        {"many": "ноль", "id": "1"},
        {"age": float("nan"), "id": 7},
        {"age": -1},
    ]
    rows: list[dict[str, Any] | str] = [
        {"audio_filepath": f"{i % 3}.wav", "text": "one two" if i % 2 else "three"} | more
        for i, more in enumerate(fields)
    ]
    rows[3:3] = [{"audio_filepath": "missing.wav", "text": "one", "age": "old"}, "{no JSON"]
    return write_rows(tmp_path / "set" / "manifest.jsonl", *rows)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_the_size_of_shards_changes_nothing(tones: Path, tmp_path: Path, rows: int) -> None:
    whole = evaluate(tiny_recognizer(), tones, tmp_path / "whole")
    parts = evaluate(tiny_recognizer(), tones, tmp_path / "parts", shard_rows=rows)
    assert files_of(parts) == files_of(whole)
    assert len(whole.utterances) == 8
    ids = ["0", "1", "2", "0-2", "1-2", "1-3", "7", "1-4"]
    assert list(whole.utterances["utterance_id"]) == ids
    assert sorted(p.name for p in tmp_path.iterdir()) == ["parts", "set", "whole"]


def test_fields_have_the_type_that_all_their_values_have(tones: Path, tmp_path: Path) -> None:
    """One row a shard, and yet no shard's own type; what is skipped has no say."""
    types = evaluate(tiny_recognizer(), tones, tmp_path / "e", shard_rows=1).store.types
    expected = {"age": "DOUBLE", "late": "VARCHAR", "long": "VARCHAR", "clean": "BOOLEAN"}
    assert {name: types[name] for name in expected} == expected


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**65), 2**65), st.floats(), st.text(max_size=3)
)


@given(st.lists(VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_kinds_of_parts_make_the_type_of_the_whole(first: list[Any], second: list[Any]) -> None:
    whole = table([{"x": value} for value in [*first, *second, None]], {})
    assert column_type(kinds_of(first) | kinds_of(second)) == str(whole["x"].dtype)


def test_what_is_done_is_not_done_again(tones: Path, tmp_path: Path) -> None:
    whole = evaluate(tiny_recognizer(), tones, tmp_path / "whole")
    folder = tmp_path / ".e.shards"
    with pytest.raises(Stopped):
        evaluate(tiny_recognizer(), tones, tmp_path / "e", shard_rows=2, progress=stop_after(7))
    done = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}
    assert sorted(done) == ["000000.parquet", "000001.parquet", "000002.parquet"]
    assert not (tmp_path / "e").exists()
    calls: list[int] = []

    def progress(n_done: int, _: int) -> None:
        kept = {name: (folder / name).stat().st_mtime_ns for name in done}
        assert kept == done
        calls.append(n_done)

    again = evaluate(tiny_recognizer(), tones, tmp_path / "e", progress=progress)
    assert calls == [7, 8, 9]
    assert files_of(again) == files_of(whole)
    assert not folder.exists()


def test_a_damaged_shard_is_done_again(tones: Path, tmp_path: Path) -> None:
    whole = evaluate(tiny_recognizer(), tones, tmp_path / "whole")
    with pytest.raises(Stopped):
        evaluate(tiny_recognizer(), tones, tmp_path / "e", shard_rows=2, progress=stop_after(7))
    damaged = tmp_path / ".e.shards" / "000001.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    assert files_of(evaluate(tiny_recognizer(), tones, tmp_path / "e")) == files_of(whole)


def test_unfinished_work_of_something_else_is_refused(tones: Path, tmp_path: Path) -> None:
    def again(**options: Any) -> None:
        evaluate(tiny_recognizer(), tones, tmp_path / "e", shard_rows=2, **options)

    with pytest.raises(Stopped):
        again(progress=stop_after(7))
    with pytest.raises(EvaluationError, match=r"3 of 5 shards .* another normaliser"):
        again(normaliser="none")
    with tones.open("a", encoding="utf-8") as file:
        file.write('{"audio_filepath": "0.wav", "text": "two"}\n')
    with pytest.raises(EvaluationError, match=r"\.e\.shards holds .* another manifest"):
        again()
    assert len(list((tmp_path / ".e.shards").glob("*.parquet"))) == 3
    evaluate(tiny_recognizer(), tones, tmp_path / "elsewhere")


def test_a_moment_of_work_is_not_kept(tones: Path, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        evaluate(tiny_recognizer(), tones, tmp_path / "e", progress=stop_after(7))
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_plan_that_was_not_finished_is_made_anew(tones: Path, tmp_path: Path) -> None:
    first = open_shards(tmp_path / "s", tones, {"model": "x"}, 4)
    (tmp_path / "s" / "plan.json").unlink()
    (tmp_path / "s" / "000000.jsonl").write_text("half a li")
    again = open_shards(tmp_path / "s", tones, {"model": "x"}, 4)
    assert again == first
    assert [len(again.rows(n)) for n in range(len(again))] == [again.size(n) for n in range(3)]
    assert sum(map(again.size, range(3))) == again.n_rows == 9
    assert [row.line for row in again.left_out()] == [5]


def test_a_shard_is_not_attempted_for_ever(tones: Path, tmp_path: Path) -> None:
    shards = open_shards(tmp_path / "s", tones, {}, 4)
    assert [shards.attempt(n) for n in (0, 1, 0, 0)] == [1, 1, 2, 3]
    shards.forget_attempts()
    assert shards.attempt(0) == 1


def test_a_manifest_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no rows"):
        evaluate(tiny_recognizer(), write_rows(tmp_path / "m.jsonl"), tmp_path / "e")
    assert [path.name for path in tmp_path.iterdir()] == ["m.jsonl"]


def test_a_killed_process_loses_its_shard_alone(tones: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "model", CONTRACT, tiny_recognizer().model)
    whole = evaluate(tiny_recognizer(), tones, tmp_path / "whole")
    run = in_processes(str(tmp_path / "model"), 1)

    def kill(done: int, _: int) -> None:
        if done == 4:
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            [worker] = [
                c for c in children if "spawn_main" in Path(f"/proc/{c}/cmdline").read_text()
            ]
            os.kill(int(worker), signal.SIGKILL)

    with pytest.raises(EvaluationError, match=r"ended from outside.* run the same again"):
        evaluate(tiny_recognizer(), tones, tmp_path / "e", run=run, shard_rows=1, progress=kill)
    n_done = len(list((tmp_path / ".e.shards").glob("*.parquet")))
    assert 4 <= n_done < 9
    calls: list[int] = []
    again = evaluate(
        tiny_recognizer(), tones, tmp_path / "e", run=run, progress=lambda n, _: calls.append(n)
    )
    assert calls == list(range(n_done + 1, 10))
    assert files_of(again) == files_of(whole)


def test_ray_needs_no_address() -> None:
    app = typer.Typer()

    @app.command(cls=RayCommand)
    def show(ray: OnRay = None, out: str = "") -> None:
        typer.echo(f"{ray} {out}")

    for options, expected in {
        "": "None ",
        "--ray": "local ",
        "--ray --out x": "local x",
        "--out x --ray": "local x",
        "--ray auto --out x": "auto x",
        "--ray=host:6379": "host:6379 ",
        "--out --ray": None,
    }.items():
        result = CliRunner().invoke(app, options.split())
        assert (result.stdout.rstrip("\n") if result.exit_code == 0 else None) == expected
