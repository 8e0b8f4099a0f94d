"""The Evaluation folder: written from a tiny set with a tiny model, read back, and refused."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from analysis.evaluating import evaluate
from analysis.evaluation import WRITTEN, Evaluation, EvaluationError
from analysis.recognition import unique_ids
from analysis.store import Filter
from analysis.tables import ERROR_COLUMNS, UTTERANCE_COLUMNS
from asr_core.audio import Audio, AudioError, Source
from asr_core.checkpoint import Contract, build_model, save_model
from asr_core.features import FeatureConfig
from asr_core.manifest import ManifestError, ManifestRow
from asr_core.model import BlockConfig, ModelConfig, PrologueConfig
from asr_core.recognizer import Emission, Recognizer
from asr_core.text import Alphabet
from asr_core.transcript import Transcript

BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations" / "spoken"
RATE = 8000
WORDS = ("one", "two", "three", "<unk>")
CONTRACT = Contract(
    name="tiny",
    features=FeatureConfig(n_mels=8),
    alphabet=Alphabet(symbols=WORDS, joiner=" ", unknown="<unk>"),
    model=ModelConfig(
        prologue=PrologueConfig(channels=8, kernel=3),
        blocks=(BlockConfig(channels=8, kernel=3, repeats=1),),
        gru_hidden=4,
    ),
    provenance={"seed": 5, "recipe": {"name": "tiny", "speed": [0.9, 1.1]}, "commit": None},
)


def tiny_recognizer() -> Recognizer:
    torch.manual_seed(5)
    return Recognizer(CONTRACT, build_model(CONTRACT))


def write_tone(path: Path, *bursts_s: tuple[float, float], duration_s: float = 1.0) -> Path:
    """A tone that sounds from a to b of each burst, in faint noise."""
    time_s = np.arange(round(duration_s * RATE)) / RATE
    samples = np.random.default_rng(0).normal(0, 1e-4, len(time_s))
    for a, b in bursts_s:
        samples += 0.5 * np.sin(2 * np.pi * 500 * time_s) * ((a <= time_s) & (time_s < b))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)
    return path


def write_rows(path: Path, *rows: dict[str, Any] | str) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Five good rows and three bad ones."""
    folder = tmp_path / "set"
    for name in ("a.wav", "b.wav", "sub/a.wav", "silence.wav"):
        write_tone(folder / name, (0.2, 0.5))
    (folder / "text.wav").write_text("no audio")
    return write_rows(
        folder / "manifest.jsonl",
        {"audio_filepath": "a.wav", "text": "One, two!", "speaker": "x", "snr_db": 10},
        {"audio_filepath": "b.wav", "text": "three horse", "speaker": "y", "wer": "theirs"},
        "{not JSON",
        {"audio_filepath": "sub/a.wav", "text": "two", "age": 31, "tags": ["p", "q"]},
        {"audio_filepath": "missing.wav", "text": "two"},
        {"audio_filepath": "silence.wav", "text": "", "id": "quiet", "age": "old"},
        {"audio_filepath": "text.wav", "text": "one"},
        {"audio_filepath": str(folder / "b.wav"), "text": "ноль \ud800", "duration": 1.0},
    )


@pytest.fixture
def evaluation(manifest: Path, tmp_path: Path) -> Evaluation:
    return evaluate(tiny_recognizer(), manifest, tmp_path / "runs" / "eval")


def test_folder_and_columns(evaluation: Evaluation) -> None:
    assert sorted(path.name for path in evaluation.folder.iterdir()) == sorted(WRITTEN)
    assert [p.name for p in evaluation.folder.parent.iterdir()] == ["eval"]  # nothing left beside
    assert list(evaluation.utterances.columns)[: len(UTTERANCE_COLUMNS)] == list(UTTERANCE_COLUMNS)
    assert list(evaluation.errors.columns) == list(ERROR_COLUMNS)


def test_bad_rows_are_listed_and_stop_nothing(evaluation: Evaluation) -> None:
    lines = (evaluation.folder / "skipped.jsonl").read_text(encoding="utf-8").splitlines()
    skipped = [json.loads(line) for line in lines]
    assert [row["line"] for row in skipped] == [3, 5, 7]
    assert "not JSON" in skipped[0]["reason"]
    assert "does not exist" in skipped[1]["reason"]
    assert "not" in skipped[2]["reason"]
    assert skipped[2]["raw"] == "text.wav"
    assert evaluation.summary["counts"]["skipped"] == 3
    assert evaluation.summary["counts"]["utterances"] == len(evaluation.utterances) == 5


def test_rows_keep_the_manifests_order_names_and_fields(evaluation: Evaluation) -> None:
    table = evaluation.utterances
    assert list(table["utterance_id"]) == ["a", "b", "a-2", "quiet", "b-2"]
    assert list(table["text"]) == ["one two", "three horse", "two", "", "ноль"]
    assert table["text_raw"][0] == "One, two!"
    assert list(table["audio_filepath"]) == [
        "a.wav", "b.wav", "sub/a.wav", "silence.wav", "b.wav"
    ]  # fmt: skip
    assert all(evaluation.audio_path(key).is_file() for key in table["utterance_id"])
    assert list(table["speaker"].fillna("")) == ["x", "y", "", "", ""]
    assert table["manifest_wer"][1] == "theirs"
    assert table["wer"].dtype == float
    assert table["snr_db"][0] == 10.0
    assert table["snr_db"][1:].isna().all()
    assert list(table["age"].fillna("")) == ["", "", "31", "old", ""]  # mixed kinds become text
    assert json.loads(table["tags"][2]) == ["p", "q"]
    assert table["duration"][4] == 1.0
    assert table["duration_s"].tolist() == [1.0] * 5


def test_numbers_agree_everywhere(evaluation: Evaluation) -> None:
    table, counts = evaluation.utterances, evaluation.summary["counts"]
    for column in ("hits", "substitutions", "deletions", "insertions"):
        assert table[column].sum() == counts[column]
    assert table["n_reference"].sum() == counts["words"] == 6
    assert table["errors"].sum() == len(evaluation.errors)
    rates = evaluation.summary["rates"]
    assert rates["wer"]["value"] == table["errors"].sum() / 6
    assert rates["cer"]["value"] == table["char_errors"].sum() / table["n_char"].sum()
    assert rates["ser"]["value"] == (table["errors"] > 0).mean()
    for rate in rates.values():
        assert rate["low"] <= rate["value"] <= rate["high"]
    for key in table["utterance_id"]:
        row, scored = evaluation.row(key), evaluation.score(key)
        assert (row["errors"], row["wer"], row["cer"]) == (scored.errors, scored.wer, scored.cer)


def test_words_outside_the_vocabulary_are_errors(evaluation: Evaluation) -> None:
    row = evaluation.row("b-2")
    assert (row["text"], row["n_reference"]) == ("ноль", 1)
    assert row["errors"] >= 1


def test_summary_says_where_it_comes_from(
    evaluation: Evaluation, manifest: Path, tmp_path: Path
) -> None:
    summary = evaluation.summary
    save_model(tmp_path / "model", CONTRACT, tiny_recognizer().model)
    weights = (tmp_path / "model" / "model.safetensors").read_bytes()
    assert summary["model"] == {"name": "tiny", "sha256": hashlib.sha256(weights).hexdigest()}
    assert summary["manifest"]["sha256"] == hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert summary["manifest"]["path"] == "../../set/manifest.jsonl"
    assert evaluation.manifest_path == manifest.resolve()
    assert summary["name"] == "set"
    assert summary["audio_s"] == pytest.approx(5.0)
    assert summary["real_time_factor"] == pytest.approx(summary["took_s"] / 5.0)
    assert {"torch", "jiwer"} <= set(summary["versions"])


def test_the_same_evaluation_twice_gives_the_same_tables(
    evaluation: Evaluation, manifest: Path, tmp_path: Path
) -> None:
    again = evaluate(tiny_recognizer(), manifest, tmp_path / "again")
    pd.testing.assert_frame_equal(again.utterances, evaluation.utterances)
    pd.testing.assert_frame_equal(again.errors, evaluation.errors)
    assert again.summary["rates"] == evaluation.summary["rates"]


class Planted(Recognizer):
    """Emits what it is told, whatever it hears."""

    def __init__(self, log_probs: np.ndarray) -> None:
        super().__init__(CONTRACT, build_model(CONTRACT))
        self.log_probs = log_probs  # (T', V)

    def transcribe_each(
        self,
        recordings: Sequence[Source | Audio],
        when_read: Callable[[int, Audio], None] | None = None,
    ) -> Iterator[tuple[int, Transcript | AudioError]]:
        for i, recording in enumerate(recordings):
            audio = self.read(recording)
            if when_read:
                when_read(i, audio)
            samples = torch.from_numpy(audio.samples).unsqueeze(0)
            features, lengths = self.log_mel(samples, torch.tensor([samples.shape[1]]))
            seen = features[0, : lengths[0]].numpy()
            readings = self.decoder(self.log_probs)
            emission = Emission(audio.duration_s, seen, self.log_probs)
            yield i, self._transcript(emission, readings)


def test_a_deleted_word_is_placed_by_alignment(tmp_path: Path) -> None:
    """Three bursts; of the second the model is not sure enough to write it."""
    bursts = (0.2, 0.4), (0.8, 1.0), (1.4, 1.6)
    write_tone(tmp_path / "a.wav", *bursts, duration_s=2.0)
    log_probs = np.full((101, 5), 0.02)  # blank, one, two, three, <unk>; 20 ms a frame
    log_probs[:, 0] = 0.92
    log_probs[14:16] = [0.04, 0.9, 0.02, 0.02, 0.02]
    log_probs[44:46] = [0.6, 0.04, 0.3, 0.04, 0.02]
    log_probs[74:76] = [0.04, 0.02, 0.02, 0.9, 0.02]
    rows = write_rows(tmp_path / "m.jsonl", {"audio_filepath": "a.wav", "text": "one two three"})
    evaluation = evaluate(Planted(np.log(log_probs)), rows, tmp_path / "eval")
    assert evaluation.row("a")["pred_text"] == "one three"
    [error] = evaluation.errors.to_dict("records")
    assert (error["op"], error["reference"], error["reference_index"]) == ("delete", "two", 1)
    # atol: two frames of 20 ms, because an analysis window of 25 ms reaches over the edges
    np.testing.assert_allclose([error["start_s"], error["end_s"]], [0.8, 1.0], atol=0.04)
    assert np.isnan(error["confidence"])


def test_substituted_and_inserted_words_have_their_own_time(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", (0.2, 0.4), (0.8, 1.0), duration_s=1.4)
    log_probs = np.full((71, 5), 0.02)
    log_probs[:, 0] = 0.92
    log_probs[14:16] = [0.1, 0.1, 0.6, 0.1, 0.1]
    log_probs[44:46] = [0.1, 0.7, 0.1, 0.05, 0.05]
    rows = write_rows(tmp_path / "m.jsonl", {"audio_filepath": "a.wav", "text": "three"})
    evaluation = evaluate(Planted(np.log(log_probs)), rows, tmp_path / "eval")
    errors = evaluation.errors.set_index("op")
    assert set(errors.index) == {"substitute", "insert"}
    times = errors.sort_values("heard_index")
    np.testing.assert_allclose(times["start_s"], [0.2, 0.8], atol=0.04)
    np.testing.assert_allclose(times["end_s"], [0.4, 1.0], atol=0.04)
    np.testing.assert_allclose(times["confidence"], [0.6, 0.7], atol=1e-6)
    assert evaluation.row("a")["confidence"] == pytest.approx(0.6)
    found = evaluation.confidence
    assert (found["words"], found["right"], found["nce"], found["auc"]) == (2, 0, None, None)
    assert found["ece"] == pytest.approx(0.65)
    assert [each["words"] for each in found["bins"]] == [1, 1]
    assert [each["mean"] for each in found["bins"]] == pytest.approx([0.6, 0.7])


def test_confidence_is_that_of_every_word_heard() -> None:
    evaluation = Evaluation.open(BUNDLED)
    table, found = evaluation.utterances, evaluation.confidence
    assert found["words"] == table["pred_text"].str.split().str.len().sum()
    assert found["right"] == table["hits"].sum()
    assert sum(each["words"] for each in found["bins"]) == found["words"]
    wrong = evaluation.errors["confidence"].dropna()
    assert len(wrong) == found["words"] - found["right"]


def test_an_evaluation_of_an_older_program_opens_without_confidence(evaluation: Evaluation) -> None:
    older = {key: value for key, value in evaluation.summary.items() if key != "confidence"}
    (evaluation.folder / "summary.json").write_text(json.dumps(older))
    assert Evaluation.open(evaluation.folder).confidence is None


def test_a_reference_too_long_for_its_sound_has_no_times(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", duration_s=0.05)
    rows = write_rows(
        tmp_path / "m.jsonl", {"audio_filepath": "a.wav", "text": "one one two two three three"}
    )
    silence = np.log(np.full((3, 5), [0.96, 0.01, 0.01, 0.01, 0.01]))
    errors = evaluate(Planted(silence), rows, tmp_path / "eval").errors
    assert list(errors["op"]) == ["delete"] * 6
    assert errors["start_s"].isna().all()


def test_words_outside_the_vocabulary_do_not_shift_the_others(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", (0.2, 0.4), (0.8, 1.0), duration_s=1.4)
    log_probs = np.full((71, 5), 0.01)
    log_probs[:, 0] = 0.96
    log_probs[14:16] = [0.6, 0.05, 0.05, 0.05, 0.25]
    log_probs[44:46] = [0.6, 0.05, 0.25, 0.05, 0.05]
    rows = write_rows(tmp_path / "m.jsonl", {"audio_filepath": "a.wav", "text": "big horse two"})
    errors = evaluate(Planted(np.log(log_probs)), rows, tmp_path / "eval").errors
    assert list(errors["reference"]) == ["big", "horse", "two"]
    assert errors["start_s"][:2].isna().all()
    assert errors["start_s"][2] == pytest.approx(0.8, abs=0.04)


def test_no_errors_is_an_empty_table(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav")
    rows = write_rows(tmp_path / "m.jsonl", {"audio_filepath": "a.wav", "text": ""})
    silence = np.log(np.full((51, 5), [0.96, 0.01, 0.01, 0.01, 0.01]))
    evaluation = evaluate(Planted(silence), rows, tmp_path / "eval")
    assert len(evaluation.errors) == 0
    assert list(evaluation.errors.columns) == list(ERROR_COLUMNS)
    assert evaluation.summary["rates"]["wer"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert evaluation.row("a")["confidence"] is None
    assert evaluation.confidence is None


def test_pages(evaluation: Evaluation) -> None:
    def ids(page: list[dict[str, Any]]) -> list[str]:
        return [row["utterance_id"] for row in page]

    page, n = evaluation.page(sort="utterance_id", ascending=True, offset=1, limit=2)
    assert (ids(page), n) == (["a-2", "b"], 5)
    worst, _ = evaluation.page()
    order = list(evaluation.utterances["utterance_id"])
    keys = [(-row["errors"], order.index(row["utterance_id"])) for row in worst]
    assert keys == sorted(keys)
    nulls_last, _ = evaluation.page(sort="snr_db", ascending=True)
    assert ids(nulls_last)[0] == "a"
    assert evaluation.page(offset=99) == ([], 5)
    only, n = evaluation.page(Filter(only_errors=True))
    assert all(row["errors"] > 0 for row in only)
    assert n == (evaluation.utterances["errors"] > 0).sum()
    with pytest.raises(EvaluationError, match="Cannot sort by 'x'"):
        evaluation.page(sort="x")


@pytest.mark.parametrize(
    ("search", "found"), [("HORSE", ["b"]), ("НОЛЬ", ["b-2"]), ("h.rse", []), ("(", []), ("%", [])]
)
def test_search_is_literal(evaluation: Evaluation, search: str, found: list[str]) -> None:
    page, n = evaluation.page(Filter(search=search))
    assert ([row["utterance_id"] for row in page], n) == (found, len(found))


def test_notes_survive_a_new_evaluation(evaluation: Evaluation, manifest: Path) -> None:
    evaluation.mark("b", ["label wrong", "noise"], "a horse, not a house")
    again = evaluate(tiny_recognizer(), manifest, evaluation.folder)
    [row] = again.page(Filter("tags LIKE '%noise%'"))[0]
    assert (row["utterance_id"], row["note"]) == ("b", "a horse, not a house")
    again.mark("b", [], "")
    assert again.page(Filter("tags IS NOT NULL")) == ([], 0)
    assert Evaluation.open(again.folder).notes() == []
    with pytest.raises(KeyError):
        again.mark("nobody", ["noise"], "")


def test_folders_of_older_programs_have_nulls(evaluation: Evaluation) -> None:
    table = evaluation.errors.drop(columns=["cause", "confidence"])
    table.to_parquet(evaluation.folder / "errors.parquet", index=False)
    old = Evaluation.open(evaluation.folder)
    found = old.store.ask("SELECT cause, confidence FROM errors")
    assert len(found) == len(table) > 0
    assert all(row == {"cause": None, "confidence": None} for row in found)


def test_unknown_utterances(evaluation: Evaluation) -> None:
    for look_up in (evaluation.row, evaluation.score, evaluation.audio_path):
        with pytest.raises(KeyError):
            look_up("nobody")


def test_names_are_made_unique_whatever_they_are() -> None:
    rows = [
        ManifestRow(Path("a.wav"), "", None, 1, fields={"id": name} if name else {})
        for name in ("a-2", None, None, "a", 7, 7, "")
    ]
    ids = unique_ids(rows)
    assert ids[:2] == ["a-2", "a"]
    assert len(set(ids)) == len(ids)


def test_progress_reaches_the_end(manifest: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    evaluate(tiny_recognizer(), manifest, tmp_path / "e", progress=lambda *call: calls.append(call))
    assert calls == [(i, 7) for i in range(1, 8)]


def test_an_evaluation_is_replaced_and_other_folders_are_not(
    evaluation: Evaluation, manifest: Path
) -> None:
    again = evaluate(tiny_recognizer(), manifest, evaluation.folder, name="again")
    assert Evaluation.open(evaluation.folder).name == again.name == "again"
    with pytest.raises(EvaluationError, match=r"holds '.*', which is no part of an evaluation"):
        evaluate(tiny_recognizer(), manifest, manifest.parent)
    assert manifest.exists()
    with pytest.raises(EvaluationError, match="Cannot write"):
        evaluate(tiny_recognizer(), manifest, manifest)


def test_a_crash_leaves_the_old_evaluation(
    evaluation: Evaluation, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("analysis.folder.write_table", fail)
    with pytest.raises(EvaluationError, match="No space left"):
        evaluate(tiny_recognizer(), manifest, evaluation.folder, name="new")
    assert Evaluation.open(evaluation.folder).name == "set"
    assert [p.name for p in evaluation.folder.parent.iterdir()] == ["eval"]


def test_nothing_to_score_is_refused(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "m.jsonl", {"audio_filepath": "no.wav", "text": "one"})
    with pytest.raises(EvaluationError, match=r"None of the 1 rows .* line 1: .*does not exist"):
        evaluate(tiny_recognizer(), rows, tmp_path / "eval")
    assert not (tmp_path / "eval").exists()
    with pytest.raises(ManifestError):
        evaluate(tiny_recognizer(), tmp_path / "none.jsonl", tmp_path / "eval")


@pytest.mark.parametrize("file", [name for name in WRITTEN if name != "skipped.jsonl"])
def test_damaged_folders_are_refused(evaluation: Evaluation, file: str) -> None:
    path = evaluation.folder / file
    path.write_bytes(b"{}")
    with pytest.raises(EvaluationError, match=file):
        Evaluation.open(evaluation.folder)
    path.unlink()
    with pytest.raises(EvaluationError, match=file):
        Evaluation.open(evaluation.folder)


def test_a_missing_folder_and_a_newer_format_are_refused(evaluation: Evaluation) -> None:
    with pytest.raises(EvaluationError, match="No evaluation at"):
        Evaluation.open(evaluation.folder / "nowhere")
    summary = evaluation.summary | {"format_version": 99}
    (evaluation.folder / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(EvaluationError, match="format version 99"):
        Evaluation.open(evaluation.folder)


def test_the_normaliser_is_chosen_and_raw_texts_are_kept(manifest: Path, tmp_path: Path) -> None:
    """Scored as written, only white space parts words; the model's own is the default."""
    own, none = (
        evaluate(tiny_recognizer(), manifest, tmp_path / name, normaliser=name)
        for name in ("model", "none")
    )
    assert (own.row("a")["text"], none.row("a")["text"]) == ("one two", "One, two!")
    assert (own.summary["normaliser"], none.summary["normaliser"]) == ("model", "none")
    assert none.summary["rates"]["wer"] == none.summary["rates_raw"]["wer"]
    assert own.summary["rates_raw"] == none.summary["rates_raw"]
    assert all(each.row("a")["raw_n_reference"] == 2 for each in (own, none))
