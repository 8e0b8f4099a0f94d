"""Views as files: what other programs read from them is what the view holds."""

import csv
import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.evaluation import Evaluation, EvaluationError
from analysis.exports import ExportFormat, export, file_name
from analysis.imports import import_predictions
from analysis.predictions import read_predictions
from analysis.store import Filter, FilterError
from analysis.summary import totals_of
from tests.test_predictions import write
from tests.test_scoring import sclite

BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations" / "spoken"
NOISY = Filter(where="snr_db < 5 -- quiet", only_errors=True)


@pytest.fixture(scope="module")
def bundled() -> Evaluation:
    return Evaluation.open(BUNDLED)


def imported(folder: Path, rows: list[dict[str, Any]], normaliser: str = "basic") -> Evaluation:
    path = write(folder / "set.jsonl", *rows)
    return import_predictions(
        read_predictions(path), folder / "eval", name="w", normaliser=normaliser
    )


def ids(evaluation: Evaluation) -> list[str]:
    sql = "SELECT utterance_id FROM matched ORDER BY position"
    rows = evaluation.store.view(NOISY).ask(sql)
    return [row["utterance_id"] for row in rows]


def test_tables_hold_the_view_in_its_order(bundled: Evaluation, tmp_path: Path) -> None:
    sql = "SELECT utterance_id FROM matched ORDER BY cer DESC, position"
    wanted = [row["utterance_id"] for row in bundled.store.view(NOISY).ask(sql)]
    assert 5 < len(wanted) < 360
    for kind in (ExportFormat.CSV, ExportFormat.PARQUET):
        path = tmp_path / f"x.{kind}"
        n = export(bundled, path, kind, NOISY, sort="cer", ascending=False)
        table = pd.read_csv(path) if kind is ExportFormat.CSV else pd.read_parquet(path)
        assert n == len(table) == len(wanted)
        assert list(table["utterance_id"]) == wanted
        assert list(table.columns) == list(bundled.store.columns)
        np.testing.assert_allclose(table["cer"], sorted(table["cer"], reverse=True))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.csv", "x.parquet"]  # nothing beside


def test_parquet_keeps_every_value(bundled: Evaluation, tmp_path: Path) -> None:
    export(bundled, tmp_path / "all.parquet", ExportFormat.PARQUET)
    back = pyarrow.parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert back == bundled.store.ask("SELECT * FROM utterances ORDER BY position")


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    text = "=cmd|'/c calc'!A1"
    rows = [{"text": text, "pred_text": "-5 @x", "+f": -1.5, "g": "\tx", "h": 'a,"b\nя'}]
    evaluation = imported(tmp_path, rows, "none")
    export(evaluation, tmp_path / "x.csv", ExportFormat.CSV)
    with (tmp_path / "x.csv").open(encoding="utf-8-sig", newline="") as file:
        header, cells = csv.reader(file)
    row = dict(zip(header, cells, strict=True))
    assert row["text"] == "'" + text
    assert row["pred_text"] == "'-5 @x"
    assert row["'+f"] == "-1.5"  # a number is a number
    assert row["g"] == "'\tx"
    assert row["h"] == 'a,"b\nя'


def test_a_manifest_has_nemos_fields_and_ours(tmp_path: Path) -> None:
    rows = [
        {"audio_filepath": "below/a.wav", "text": "One, two", "pred_text": "One", "age": 3,
         "wer": "theirs", "duration": 1.5, "snr_db": 4},
        {"audio_filepath": "/elsewhere/b.wav", "text": "\ud800", "pred_text": "", "age": None},
        {"text": "x", "pred_text": "x"},
    ]  # fmt: skip
    evaluation = imported(tmp_path, rows)
    evaluation.mark("a", ["label wrong", "noise"], "hears one")
    export(evaluation, tmp_path / "new" / "m.jsonl", ExportFormat.JSONL)
    export(evaluation, tmp_path / "m.jsonl", ExportFormat.JSONL)
    new, beside = (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in (tmp_path / "new" / "m.jsonl", tmp_path / "m.jsonl")
    )
    assert new[0] == {
        "id": "a", "audio_filepath": str(tmp_path / "below" / "a.wav"), "duration": 1.5,
        "text": "One, two", "pred_text": "One", "snr_db": 4.0, "age": 3, "wer": "theirs",
        "tags": "label wrong, noise", "note": "hears one",
    }  # fmt: skip
    assert beside[0]["audio_filepath"] == "below/a.wav"
    assert new[1]["audio_filepath"] == "/elsewhere/b.wav"
    assert new[2] == {"id": "line-3", "text": "x", "pred_text": "x"}


def test_ctm_has_the_errors_whose_time_is_known(bundled: Evaluation, tmp_path: Path) -> None:
    export(bundled, tmp_path / "x.ctm", ExportFormat.CTM, NOISY)
    lines = [line.split() for line in (tmp_path / "x.ctm").read_text().splitlines()]
    wanted = [e for key in ids(bundled) for e in bundled.errors_of(key) if e["heard"] is not None]
    assert len(lines) == len(wanted) > 10
    for line, edit in zip(lines, wanted, strict=True):
        assert line[0] == edit["utterance_id"]
        assert line[4] == edit["heard"]
        assert float(line[2]) + float(line[3]) == pytest.approx(edit["end_s"], abs=1e-3)
        assert float(line[5]) == pytest.approx(edit["confidence"], abs=1e-4)


def scored_by_sclite(archive: Path, folder: Path) -> tuple[int, ...]:
    """Correct, substitutions, deletions, insertions by sclite; whatever its alignments are."""
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    command = sclite()
    assert command is not None
    options = ["-s", "-e", "utf-8", "-i", "spu_id", "-o", "pra", "stdout"]
    done = subprocess.run(
        [*command, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", *options],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = re.findall(r"Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    return tuple(sum(int(row[i]) for row in found) for i in range(4))


@pytest.mark.skipif(sclite() is None, reason="sclite is not installed (Debian package sctk)")
def test_sclite_counts_the_exported_trn_as_we_do(bundled: Evaluation, tmp_path: Path) -> None:
    export(bundled, tmp_path / "x.zip", ExportFormat.TRN, NOISY)
    hits, substitutions, deletions, insertions = scored_by_sclite(tmp_path / "x.zip", tmp_path)
    totals = totals_of(bundled.store.view(NOISY))
    assert substitutions + deletions + hits == totals.n_reference
    assert substitutions + deletions + insertions == totals.errors


@pytest.mark.skipif(sclite() is None, reason="sclite is not installed (Debian package sctk)")
def test_sclite_reads_any_signs(tmp_path: Path, rng: np.random.Generator) -> None:
    """Names and words of the characters that mean something to it, of any case and script."""
    signs = ["(uh)", "{", "/", "}", "@", ";;", "*", "***", "<a>", "A", "a", "Да", "да", "-", "b-"]
    words = [*signs, "%hes", "_", "a/b", "&", "#", "~", "^", "\\", '"', "x"]
    rows = [
        {
            "id": f"a (b)_{i};",
            "text": " ".join(rng.choice(words, size=rng.integers(1, 6))),
            "pred_text": " ".join(rng.choice(words, size=rng.integers(1, 6))),
        }
        for i in range(150)
    ]
    evaluation = imported(tmp_path, rows, "none")
    export(evaluation, tmp_path / "x.zip", ExportFormat.TRN)
    hits, substitutions, deletions, insertions = scored_by_sclite(tmp_path / "x.zip", tmp_path)
    totals = totals_of(evaluation.store.view())
    assert hits + substitutions + deletions == totals.n_reference
    assert substitutions + deletions + insertions == totals.errors


def test_what_cannot_be_written(bundled: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="Cannot sort by 'loudness'"):
        export(bundled, tmp_path / "x.csv", ExportFormat.CSV, sort="loudness")
    with pytest.raises(FilterError, match="Columns:"):
        export(bundled, tmp_path / "x.csv", ExportFormat.CSV, Filter("loudness > 1"))
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match="Cannot write"):
        export(bundled, tmp_path / "file" / "x.csv", ExportFormat.CSV)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_names_of_files_are_safe(tmp_path: Path) -> None:
    evaluation = imported(tmp_path, [{"text": "x", "pred_text": "x"}])
    for name in ("../../etc/passwd", "CON: <a>?", "...", "x" * 300):
        evaluation.summary["model"]["name"] = name
        found = file_name(evaluation, ExportFormat.TRN)
        assert re.fullmatch(r"\w[\w.-]{0,110}\.trn\.zip", found), found


def test_the_command(bundled: Evaluation, tmp_path: Path) -> None:
    out = str(tmp_path / "x.jsonl")
    command = ["export", str(BUNDLED), "--where", "snr_db < 5", "--only-errors", "--out", out]
    result = CliRunner().invoke(app, [*command, "--format", "jsonl"])
    assert result.exit_code == 0, result.output
    assert len(Path(out).read_text(encoding="utf-8").splitlines()) == len(ids(bundled))
    failed = CliRunner().invoke(app, [*command[:3], "nonsense", *command[4:]])
    assert failed.exit_code == 1
    assert "nonsense" in failed.stderr
