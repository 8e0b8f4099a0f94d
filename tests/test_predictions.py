"""Another system's files as an Evaluation: planted answers, and files that crash other tools."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.evaluation import Evaluation, EvaluationError
from analysis.imports import import_predictions
from analysis.predictions import read_predictions
from analysis.scoring import bootstrap, score
from analysis.summary import of_view, raw_of_view
from asr_core.audio import AudioError
from asr_core.manifest import ManifestError

ROOT = Path(__file__).parent.parent
GOOD = {"text": "One, two three", "pred_text": "one too three", "snr_db": 3, "speaker": "x"}
SILENCE = {"text": "", "pred_text": "hello <unk>", "audio_filepath": "no/such.wav", "duration": 2.5}


def write(path: Path, *lines: str | dict[str, Any]) -> Path:
    """Lines; dicts as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def imported(path: Path, **options: Any) -> Evaluation:
    out = path.parent / "evaluation"
    return import_predictions(read_predictions(path), out, name="whisper", **options)


def imported_pair(references: Path, hypotheses: Path) -> Evaluation:
    found = read_predictions(references=references, hypotheses=hypotheses)
    return import_predictions(found, references.parent / "evaluation", name="whisper")


def reasons(evaluation: Evaluation) -> dict[int, str]:
    return {row["line"]: row["reason"] for row in evaluation.skipped()}


def columns(evaluation: Evaluation, *names: str) -> list[tuple[Any, ...]]:
    rows = evaluation.store.ask("SELECT * FROM utterances ORDER BY position")
    return [tuple(row[name] for name in names) for row in rows]


def test_scored_as_ours_are(tmp_path: Path) -> None:
    evaluation = imported(write(tmp_path / "test.jsonl", GOOD, SILENCE))
    scores = score(["one two three", ""], ["one too three", "hello unk"])
    assert columns(evaluation, "utterance_id", "errors", "n_reference", "wer", "char_errors") == [
        ("line-1", 1, 3, 1 / 3, scores[0].char_errors),
        ("such", 2, 0, 2.0, 9),
    ]
    summary = evaluation.summary
    low = bootstrap(scores).low
    assert summary["rates"]["wer"] == {"value": 1.0, "low": low, "high": bootstrap(scores).high}
    assert of_view(evaluation.store.view())[1] == summary["rates"]
    assert summary["model"]["name"] == "whisper"
    assert summary["model"]["imported"] is True
    assert summary["model"]["file"] == "test.jsonl"
    assert summary["name"] == "test"
    assert [e["heard"] for e in evaluation.errors_of("such")] == ["hello", "unk"]
    assert evaluation.score("line-1").errors == 1


def test_raw_beside_normalised(tmp_path: Path) -> None:
    evaluation = imported(write(tmp_path / "a.jsonl", GOOD, GOOD))
    assert (
        columns(evaluation, "text_raw", "pred_raw", "raw_errors", "raw_n_reference")
        == [("One, two three", "one too three", 2, 3)] * 2
    )
    assert evaluation.summary["rates_raw"]["wer"]["value"] == 2 / 3
    assert evaluation.summary["rates_raw"]["wer"] == raw_of_view(evaluation.store.view())
    assert evaluation.summary["normaliser"] == "basic"
    untouched = imported(tmp_path / "a.jsonl", normaliser="none")
    assert untouched.summary["rates"]["wer"] == untouched.summary["rates_raw"]["wer"]
    assert untouched.row("line-1")["text"] == "One, two three"


def test_what_crashes_others_is_listed_or_fine(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [
        b'\xef\xbb\xbf{"text": "\xd0\xb4\xd0\xb0", "pred_text": "<b>\\"x\\" &"}\r',
        b"{bad",
        b'{"text": "x"}',
        b'{"pred_text": "x"}',
        b'{"text": "x", "pred_text": "y", "duration": 0}',
        b'{"text": "x", "pred_text": "y", "duration": -1}',
        b'{"text": "x", "text": "y", "pred_text": "y"}',
        b'{"text": "\xff", "pred_text": "y"}',
        b"[1]",
        b'{"text": 5, "pred_text": "y"}',
        b'{"text": "x", "pred_text": null}',
        b'{"text": "x", "pred_text": "y", "audio_filepath": 3}',
        b'{"text": "\\ud800 x", "pred_text": "", "note": "n", "Tags": 1, "": 2, "WER": 0.1}',
        b"",
    ]
    path.write_bytes(b"\n".join(lines) + b"\n\n")
    evaluation = imported(path)
    assert [row[0] for row in columns(evaluation, "utterance_id")] == ["line-1", "line-13"]
    found = reasons(evaluation)
    assert sorted(found) == list(range(2, 13))
    wanted = {
        2: "not JSON", 3: "no pred_text", 4: "no text", 5: "zero", 6: "positive", 7: "repeats",
        8: "not UTF-8", 9: "expected an object", 10: "text is not", 11: "no pred_text",
        12: "audio_filepath is not",
    }  # fmt: skip
    assert all(part in found[line] for line, part in wanted.items())
    assert evaluation.skipped()[0]["raw"] == "{bad"
    assert evaluation.summary["counts"]["skipped"] == 11
    row = evaluation.row("line-13")
    kept = [row[name] for name in ("manifest_note", "manifest_Tags", "unnamed", "manifest_WER")]
    assert kept == ["n", 1, 2, 0.1]


@pytest.mark.parametrize("field", ["file_row_number", "position", "tags", "utterance_id", "a\"b'c"])
def test_any_name_of_a_field(tmp_path: Path, field: str) -> None:
    evaluation = imported(write(tmp_path / "a.jsonl", GOOD | {field: 7}))
    [row] = evaluation.store.ask("SELECT * FROM utterances")
    assert 7 in (row.get(field), row.get(f"manifest_{field}"))


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = "\ufefftext,pred_text,age,snr_db", '"a, ""b""",a b,31,5', "x,,,", "x", '"a\nb",c,4,'
    path.write_text("".join(f"{line}\r\n" for line in lines), encoding="utf-8", newline="")
    evaluation = imported(path)
    assert columns(evaluation, "text", "pred_text", "age", "snr_db") == [
        ("a b", "a b", 31, 5.0),
        ("x", "", None, None),
        ("a b", "c", 4, None),
    ]
    assert "expected 4 cells" in reasons(evaluation)[4]
    tsv = write(tmp_path / "b.tsv", "text\tpred_text", 'say "x\tsay')
    assert columns(imported(tsv), "text", "errors") == [("say x", 1)]


def test_names_are_unique(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", GOOD | {"id": "u"}, GOOD | {"id": "u"}, GOOD | {"id": 5})
    assert columns(imported(path), "utterance_id") == [("u",), ("u-2",), ("5",)]


def test_durations_are_those_stated(tmp_path: Path) -> None:
    known = imported(write(tmp_path / "a.jsonl", SILENCE, SILENCE))
    assert known.summary["audio_s"] == 5.0
    assert columns(known, "duration_s", "duration") == [(2.5, 2.5)] * 2
    partly = imported(write(tmp_path / "a.jsonl", SILENCE, GOOD))
    assert partly.summary["audio_s"] is None
    assert partly.summary["real_time_factor"] is None


def test_a_recording_is_where_the_file_says_or_nowhere(tmp_path: Path) -> None:
    evaluation = imported(write(tmp_path / "a.jsonl", SILENCE, GOOD))
    assert evaluation.audio_path("such") == tmp_path / "no" / "such.wav"
    with pytest.raises(AudioError, match="names no recording of line-2"):
        evaluation.audio_path("line-2")


def test_batches_keep_order_and_edits_with_their_utterances(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.imports.BATCH", 3)
    rows = [{"text": f"a w{i} b", "pred_text": f"a {'x' if i % 2 else f'w{i}'}"} for i in range(10)]
    seen: list[tuple[int, int]] = []
    path = write(tmp_path / "a.jsonl", *rows[:4], "{", *rows[4:])
    evaluation = imported(path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 11), (6, 11), (9, 11), (11, 11)]
    for i, row in enumerate(evaluation.store.ask("SELECT * FROM utterances ORDER BY position")):
        edits = evaluation.score(row["utterance_id"]).edits
        wanted = [(e.op, e.reference, e.heard) for e in edits if e.op != "equal"]
        stored = evaluation.errors_of(row["utterance_id"])
        assert [(e["op"], e["reference"], e["heard"]) for e in stored] == wanted
        assert row["text"] == f"a w{i} b"


def test_trn_pairs_need_both_sides_once(tmp_path: Path) -> None:
    references = write(
        tmp_path / "ref.trn", ";; comment", "one two (s-1)", "three (s-2)", "four (s-3)",
        "five (s-3)", "no id", "(uh) six (s-4)", "{ a / b } (s-5)", "only here (s-6)",
    )  # fmt: skip
    hypotheses = write(tmp_path / "hyp.trn", "one too (s-1)", "(s-2)", "six (s-4)", "x (s-9)")
    evaluation = imported_pair(references, hypotheses)
    assert columns(evaluation, "utterance_id", "text", "pred_text", "errors") == [
        ("s-1", "one two", "one too", 1),
        ("s-2", "three", "", 1),
        ("s-4", "uh six", "six", 1),
    ]
    found = [(row["line"], row["reason"]) for row in evaluation.skipped()]
    assert found == [
        (4, "s-3 is in ref.trn more than once"),
        (4, "s-9 is in hyp.trn only"),
        (5, "s-3 is in ref.trn more than once"),
        (6, "ref.trn: no utterance id in parentheses at the end"),
        (8, "ref.trn: alternatives { a / b } are not supported"),
        (9, "s-6 is in ref.trn only"),
    ]


CTM = (
    ";; comment",
    "s-1 1 0.4 0.2 To-o 0.4",
    "s-1 1 0.1 0.2 one 0.9",
    "s-3 1 0 1 extra 0.5",
    "s-2 1 x 1 bad",
    "s-2 A 0.5 0.25 four NA",
    "s-2 A 0 0 <ALT_BEGIN>",
    "s-2 A 0.5 0.25 for",
    "s-2 A 0 0 <ALT_END>",
)


def test_ctm_fills_times_and_confidence(tmp_path: Path) -> None:
    references = write(tmp_path / "ref.trn", "one two (s-1)", "three four (s-2)", "(s-4)")
    evaluation = imported_pair(references, write(tmp_path / "hyp.ctm", *CTM))
    assert columns(evaluation, "utterance_id", "pred_text", "confidence") == [
        ("s-1", "one to o", 0.4),
        ("s-2", "four", None),
        ("s-4", "", None),
    ]
    timed = [
        (e["op"], e["heard"], e["start_s"], e["end_s"], e["confidence"])
        for key in ("s-1", "s-2")
        for e in evaluation.errors_of(key)
    ]
    assert timed[:2] == [
        ("insert", "to", 0.4, pytest.approx(0.6), 0.4),
        ("substitute", "o", 0.4, pytest.approx(0.6), 0.4),
    ]
    assert timed[2:] == [("delete", None, None, None, None)]
    assert evaluation.summary["confidence"]["words"] == 3
    assert evaluation.summary["confidence"]["right"] == 1
    assert reasons(evaluation)[4] == "s-3 is in hyp.ctm only"
    assert reasons(evaluation)[5] == "hyp.ctm: time 'x' is not a number"
    assert sorted(reasons(evaluation)) == [4, 5, 7, 8, 9]


def test_stm_takes_the_words_whose_middles_are_inside(tmp_path: Path) -> None:
    references = write(
        tmp_path / "ref.stm", "s-1 1 ann 0 0.35 <o,f> One", "s-1 1 ben 0.35 2 two",
        "s-1 1 ben 3 2 never", "s-2 A ann 0 0.5 x", "s-1 1 ann 2 3 ignore_time_segment_in_scoring",
    )  # fmt: skip
    evaluation = imported_pair(references, write(tmp_path / "hyp.ctm", *CTM))
    assert columns(evaluation, "utterance_id", "speaker", "label", "pred_text", "duration_s") == [
        ("s-1-1-0.00-0.35", "ann", "o,f", "one", 0.35),
        ("s-1-1-0.35-2.00", "ben", None, "to o", 1.65),
        ("s-2-A-0.00-0.50", "ann", None, "", 0.5),
    ]
    assert "not after its start" in reasons(evaluation)[3]
    assert "ignore_time_segment" in " ".join(r["reason"] for r in evaluation.skipped())
    left = [row["reason"] for row in evaluation.skipped() if "no segment" in row["reason"]]
    assert left == ["'extra' is in no segment", "'four' is in no segment"]


def test_a_manifest_is_a_reference_too(tmp_path: Path) -> None:
    references = write(
        tmp_path / "set.jsonl", {"audio_filepath": "wav/s-1.wav", "text": "one two", "age": 3}
    )
    evaluation = imported_pair(references, write(tmp_path / "hyp.ctm", *CTM))
    assert columns(evaluation, "utterance_id", "audio_filepath", "age", "pred_raw") == [
        ("s-1", "wav/s-1.wav", 3, "one To-o")
    ]
    assert evaluation.audio_path("s-1") == tmp_path / "wav" / "s-1.wav"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    trn, ctm = write(tmp_path / "a.trn", "x (1)"), write(tmp_path / "a.ctm")
    with pytest.raises(ManifestError, match="Cannot read"):
        read_predictions(tmp_path / "none.jsonl")
    with pytest.raises(ManifestError, match=r"Got references a\.ctm and hypotheses a\.trn"):
        read_predictions(references=ctm, hypotheses=trn)
    with pytest.raises(ManifestError, match="either one file"):
        read_predictions(references=ctm)
    with pytest.raises(ManifestError, match=r"ends in '\.txt'"):
        imported(write(tmp_path / "a.txt", "x"))
    with pytest.raises(EvaluationError, match="no rows"):
        imported(write(tmp_path / "empty.jsonl"))
    with pytest.raises(EvaluationError, match=r"None of the 1 rows .* line 1: no pred_text"):
        imported(write(tmp_path / "b.jsonl", {"text": "x"}))
    assert not (tmp_path / "evaluation").exists()


def test_the_command(tmp_path: Path) -> None:
    path = write(tmp_path / "set.jsonl", GOOD, "{")
    options = ["import", str(path), "--name", "whisper", "--out", str(tmp_path / "eval")]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "whisper on set: 1 utterances, 3 words"
    assert "WER, words         33.33 %" in result.stdout
    raw = next(line for line in lines if line.startswith("WER, raw texts"))
    assert "66.67 %" in raw
    assert raw.endswith("normaliser basic")
    assert "skipped rows      1" in lines
    assert not [line for line in lines if "real-time" in line]
    failed = CliRunner().invoke(app, [*options[:1], str(tmp_path / "x.csv"), *options[2:]])
    assert failed.exit_code == 1
    assert "Cannot read" in failed.stderr


def test_our_own_predictions_come_back_the_same(tmp_path: Path) -> None:
    """The bundled evaluation, exported as a manifest, imported: the same counts and rates."""
    from analysis.exports import ExportFormat, export

    ours = Evaluation.open(ROOT / "assets" / "evaluations" / "spoken")
    export(ours, tmp_path / "spoken.jsonl", ExportFormat.JSONL)
    back = imported(tmp_path / "spoken.jsonl")
    assert back.summary["rates"] == ours.summary["rates"]
    assert back.summary["counts"] == ours.summary["counts"]
    assert columns(back, "utterance_id", "hits") == columns(ours, "utterance_id", "hits")
    some = columns(back, "utterance_id")[0][0]
    assert back.audio_path(some) == ours.audio_path(some)
    assert back.audio_path(some).is_file()
