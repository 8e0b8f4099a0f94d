"""An evaluation on a local Ray cluster of two workers, one of them killed, is that of one process.

One cluster for the file: it takes seconds to start.
"""

import logging
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.evaluating import evaluate
from analysis.evaluation import EvaluationError
from analysis.ray_workers import RayMissingError, on_ray
from asr_core.checkpoint import save_model
from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer
from tests.test_evaluation import CONTRACT, tiny_recognizer, write_rows, write_tone
from tests.test_shards import Stopped, files_of, stop_after

VALIDATION = Path(__file__).parent.parent / "assets" / "validation" / "spoken" / "manifest.jsonl"
N_ROWS, ROWS_EACH = 96, 8


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray")
    options: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False}
    ray.init("local", num_cpus=2, logging_level=logging.ERROR, **options)
    yield
    ray.shutdown()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """The first rows of the bundled set, one that is missing among them."""
    rows: list[dict[str, Any]] = [
        {"audio_filepath": str(row.audio_path), "text": row.text, **row.fields}
        for row in read_manifest(VALIDATION).rows[: N_ROWS - 1]
    ]
    rows.insert(20, {"audio_filepath": "missing.opus", "text": "one"})
    return write_rows(tmp_path / "part.jsonl", *rows)


def workers() -> list[int]:
    """The processes of Ray Data's workers, of this process's cluster alone."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            pid = int(folder.name)
            parents[pid] = int(re.findall(r"PPid:\s+(\d+)", (folder / "status").read_text())[0])
            names[pid] = (folder / "cmdline").read_text()
        except (OSError, IndexError):
            continue  # it has ended

    def is_ours(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and is_ours(parents[pid]))

    return sorted(p for p, name in names.items() if "ray::MapWorker" in name and is_ours(p))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")
def test_one_worker_killed_and_earlier_shards_kept(
    cluster: None, manifest: Path, tmp_path: Path
) -> None:
    recognizer = Recognizer.load("spoken")
    whole = evaluate(recognizer, manifest, tmp_path / "whole")
    with pytest.raises(Stopped):
        evaluate(
            recognizer,
            manifest,
            tmp_path / "e",
            shard_rows=ROWS_EACH,
            progress=stop_after(2 * ROWS_EACH + 1),
        )
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / ".e.shards").glob("*.parquet")}
    assert len(kept) == 2
    calls: list[int] = []
    killed: list[int] = []

    def kill_one(done: int, _: int) -> None:
        assert {p: p.stat().st_mtime_ns for p in kept} == kept
        calls.append(done)
        if not killed:
            found = workers()
            assert len(found) == 2
            killed.append(found[0])
            os.kill(found[0], signal.SIGKILL)

    done = evaluate(recognizer, manifest, tmp_path / "e", run=on_ray("spoken"), progress=kill_one)
    assert killed
    assert calls == list(range(3 * ROWS_EACH, N_ROWS + 1, ROWS_EACH))
    assert files_of(done) == files_of(whole)
    assert len(whole.utterances) == N_ROWS - 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*")
def test_what_fails_in_a_worker_is_said_in_a_line(cluster: None, tmp_path: Path) -> None:
    save_model(tmp_path / "model", CONTRACT, tiny_recognizer().model)
    write_tone(tmp_path / "a.wav")
    rows = [{"audio_filepath": "a.wav", "text": "one"}] * 4
    manifest = write_rows(tmp_path / "m.jsonl", *rows)
    with pytest.raises(Stopped):
        evaluate(tiny_recognizer(), manifest, tmp_path / "e", shard_rows=1, progress=stop_after(3))
    (tmp_path / ".e.shards" / "000003.jsonl").unlink()
    with pytest.raises(
        EvaluationError, match=r"^A worker on Ray failed: .*000003.*run the same"
    ) as e:
        evaluate(tiny_recognizer(), manifest, tmp_path / "e", run=on_ray(str(tmp_path / "model")))
    assert "\n" not in str(e.value)


def test_without_ray_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RayMissingError, match=r"pip install -r requirements-ray\.txt"):
        on_ray("spoken")
    command = ["evaluate", "--model", "spoken", "--manifest", str(VALIDATION), "--ray"]
    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "e")])
    assert result.exit_code == 1
    [line] = result.stderr.strip().splitlines()
    assert "pip install -r requirements-ray.txt" in line
