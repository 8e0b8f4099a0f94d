"""Our model's evidence for another system: that of its own errors, where the texts are its own."""

from pathlib import Path

import pytest

from analysis.evaluating import evaluate
from analysis.evaluation import Evaluation
from analysis.exports import ExportFormat, export
from analysis.imports import import_predictions
from analysis.predictions import read_predictions
from asr_core.recognizer import Recognizer
from tests.test_predictions import write

BUNDLED = Path(__file__).parent.parent / "assets" / "validation" / "spoken"
N_UTTERANCES = 16


@pytest.fixture(scope="module")
def spoken() -> Recognizer:
    return Recognizer.load("spoken")


@pytest.fixture(scope="module")
def ours(spoken: Recognizer, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("ours")
    lines = (BUNDLED / "manifest.jsonl").read_text(encoding="utf-8").splitlines()[:N_UTTERANCES]
    (folder / "audio").symlink_to(BUNDLED / "audio")
    return evaluate(spoken, write(folder / "set.jsonl", *lines), folder / "evaluation")


def imported(path: Path, recognizer: Recognizer) -> Evaluation:
    out = path.parent / "imported"
    return import_predictions(read_predictions(path), out, name="other", recognizer=recognizer)


def test_its_own_texts_have_its_own_evidence(
    spoken: Recognizer, ours: Evaluation, tmp_path: Path
) -> None:
    export(ours, tmp_path / "set.jsonl", ExportFormat.JSONL)
    theirs = imported(tmp_path / "set.jsonl", spoken)
    pairs = list(
        zip(
            *(each.store.ask("SELECT * FROM errors ORDER BY position") for each in (ours, theirs)),
            strict=True,
        )
    )
    assert len(pairs) > 20
    same = ("utterance_id", "op", "reference", "heard", "region")
    assert all(a[name] == b[name] for a, b in pairs for name in same)
    # Greedy tokens end where their symbol does; aligned ones may be held a frame or so longer.
    assert sum(a["cause"] == b["cause"] for a, b in pairs) >= 0.9 * len(pairs)
    assert sum(abs(a["start_s"] - b["start_s"]) < 0.1 for a, b in pairs) >= 0.9 * len(pairs)
    assert all(b["confidence"] is None for _, b in pairs)  # the other system's: it says none
    names = "duration_s, snr_estimate_db, clipped_share, letters_per_s, hints"
    sql = f"SELECT {names} FROM utterances ORDER BY position"  # noqa: S608
    assert theirs.store.ask(sql) == ours.store.ask(sql)
    assert any("noisy" in row["hints"].split() for row in theirs.store.ask(sql))
    assert theirs.summary["evidence"] == {
        "model": "spoken", "utterances": N_UTTERANCES, "without_sound": 0
    }  # fmt: skip
    assert theirs.summary["audio_s"] == pytest.approx(ours.summary["audio_s"])


def test_words_it_cannot_write_and_rows_without_sound(
    spoken: Recognizer, ours: Evaluation, tmp_path: Path
) -> None:
    row = ours.store.ask("SELECT * FROM utterances WHERE n_reference >= 3 ORDER BY position")[0]
    audio = str(ours.audio_path(row["utterance_id"]))
    path = write(
        tmp_path / "set.jsonl",
        {"text": row["text"], "pred_text": f"{row['text']} zebra", "audio_filepath": audio},
        {"text": "one", "pred_text": "zebra"},
        {"text": "one", "pred_text": "two", "audio_filepath": "missing.wav"},
        {"text": "zebra", "pred_text": "", "audio_filepath": audio},
    )
    evaluation = imported(path, spoken)
    errors = evaluation.store.ask("SELECT * FROM errors ORDER BY position")
    assert [(e["op"], e["cause"] is None) for e in errors] == [
        ("insert", False), ("substitute", True), ("substitute", True), ("delete", False),
    ]  # fmt: skip
    assert 0 < errors[0]["start_s"] <= errors[0]["end_s"] <= row["duration_s"]  # after the others
    assert errors[0]["cost"] is None  # our model has no symbols for what was written
    assert errors[3]["cause"] == "oov"
    assert evaluation.summary["evidence"]["utterances"] == 2
    assert evaluation.summary["evidence"]["without_sound"] == 2
    assert evaluation.summary["audio_s"] is None


def test_the_systems_own_times_stay(spoken: Recognizer, ours: Evaluation, tmp_path: Path) -> None:
    row = ours.store.ask("SELECT * FROM utterances ORDER BY position")[0]
    audio = str(ours.audio_path(row["utterance_id"]))
    references = write(
        tmp_path / "set.jsonl", {"id": "u", "text": row["text"], "audio_filepath": audio}
    )
    hypotheses = write(tmp_path / "hyp.ctm", "u 1 0.125 0.25 zebra 0.5")
    found = read_predictions(references=references, hypotheses=hypotheses)
    evaluation = import_predictions(found, tmp_path / "e", name="other", recognizer=spoken)
    [heard] = [e for e in evaluation.errors_of("u") if e["heard"] is not None]
    assert (heard["start_s"], heard["end_s"], heard["confidence"]) == (0.125, 0.375, 0.5)
    assert heard["cause"] is not None
