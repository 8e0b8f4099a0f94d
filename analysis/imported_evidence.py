"""Evidence from one of our models for what another system got wrong, where there is sound.

The model is made to spell the other system's words (forced alignment); from there its evidence is
what it is for its own errors. What it says is its own view of the sound: a region's `cost` compares
the two texts by our model, so `search` says that our model, unlike the other system, hears what the
reference says; a word that our model cannot write has no cost, and a place between its neighbours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.causes import label_suspicion
from analysis.evidence import Utterance, explain, letters_per_s
from analysis.recognition import error_evidence, place_reference
from analysis.scoring import Score, score
from asr_core.alignment import forced_align
from asr_core.audio import Audio
from asr_core.doctor import codes_of
from asr_core.recognizer import Recognizer
from asr_core.signal_measures import SignalMeasures, measure_signal
from asr_core.transcript import Transcript, Word

if TYPE_CHECKING:
    import pyarrow

MEASURED = (
    "duration_s",
    "snr_estimate_db",
    "clipped_share",
    "letters_per_s",
    "label_suspicion",
    "hints",
)
EXPLAINED = ("cause", "region", "cost", "region_snr_db", "region_clipped", "edge_db")
TIMES = ("start_s", "end_s")

Progress = Callable[[int, int], None]  # recordings done, recordings in all


def with_evidence(
    recognizer: Recognizer,
    utterances: "pyarrow.Table",
    errors: "pyarrow.Table",
    folder: Path,
    progress: Progress | None = None,
) -> tuple["pyarrow.Table", "pyarrow.Table", dict[str, int]]:
    """The tables of an import with what a model says of each utterance whose sound can be read.

    Args:
        recognizer: the model.
        utterances: UTTERANCE_COLUMNS; `MEASURED` are filled.
        errors: ERROR_COLUMNS; `EXPLAINED` are filled, and `TIMES` where the system gave none.
        folder: to which `audio_filepath` is relative.
        progress: called after every recording.

    Returns:
        The two tables, and how many utterances have evidence and how many have none.
    """
    rows = utterances.select(["text", "pred_text", "audio_filepath"]).to_pylist()
    starts = _starts(utterances["utterance_id"].to_pylist(), errors["utterance_id"].to_pylist())
    measured = {name: utterances[name].to_pylist() for name in MEASURED}
    explained = {name: errors[name].to_pylist() for name in (*EXPLAINED, *TIMES)}
    places = [i for i, row in enumerate(rows) if row["audio_filepath"] is not None]
    signals: dict[int, SignalMeasures] = {}
    hints: dict[int, str] = {}

    def measure(n: int, audio: Audio) -> None:
        signals[n] = measure_signal(audio)
        hints[n] = codes_of(recognizer, audio, signals[n], recordings[n], rows[places[n]]["text"])

    n_heard = 0
    recordings = [folder / rows[i]["audio_filepath"] for i in places]
    transcribed = recognizer.transcribe_each(recordings, measure)
    for n_done, (n, result) in enumerate(transcribed, start=1):
        if isinstance(result, Transcript):
            i = places[n]
            [scored] = score([rows[i]["text"]], [rows[i]["pred_text"]])
            found, edits = _explain(recognizer, scored, result, signals.pop(n))
            _fill(measured, i, found | {"hints": hints.pop(n)})
            for place, edit in enumerate(edits, start=starts[i]):
                times = {name: explained[name][place] for name in TIMES}
                known = {name: value for name, value in times.items() if value is not None}
                _fill(explained, place, edit | known)
            n_heard += 1
        if progress is not None:
            progress(n_done, len(places))
    counted = {"utterances": n_heard, "without_sound": len(rows) - n_heard}
    return _replaced(utterances, measured), _replaced(errors, explained), counted


def _starts(keys: Sequence[str], of_errors: Sequence[str]) -> list[int]:
    """Where each utterance's rows of `errors` begin: they are in the utterances' order."""
    starts, at = [], 0
    for key in keys:
        starts.append(at)
        while at < len(of_errors) and of_errors[at] == key:
            at += 1
    assert at == len(of_errors)
    return starts


def _explain(
    recognizer: Recognizer, scored: Score, transcript: Transcript, signal: SignalMeasures
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An utterance's `MEASURED`, and the `EXPLAINED` and `TIMES` of its edits that are no hits."""
    texts = [edit.heard for edit in scored.edits if edit.heard is not None]
    reference = [edit.reference for edit in scored.edits if edit.reference is not None]
    written = _as_if_written(recognizer, texts, transcript)
    said = place_reference(recognizer, reference, transcript) if scored.deletions else {}
    regions = explain(Utterance(scored, written, written.words, said, signal, recognizer.alphabet))
    evidence = error_evidence(regions)
    edits = []
    for i, edit in enumerate(scored.edits):
        if edit.op == "equal":
            continue
        if edit.heard_index is not None:
            word: Word | None = written.words[edit.heard_index]
        else:
            assert edit.reference_index is not None
            word = said.get(edit.reference_index)
        times = {"start_s": word and word.start_s, "end_s": word and word.end_s}
        edits.append(evidence[i] | times)
    found = {
        "duration_s": transcript.duration_s,
        "snr_estimate_db": signal.snr_db,
        "clipped_share": signal.clipped_share,
        "letters_per_s": letters_per_s(scored, signal),
        "label_suspicion": label_suspicion([evidence for _, evidence in regions]),
    }
    return found, edits


def _as_if_written(
    recognizer: Recognizer, texts: Sequence[str], transcript: Transcript
) -> Transcript:
    """A transcript in which the model wrote these words, where it can."""
    try:
        ids = recognizer.alphabet.encode(" ".join(texts))
        tokens = forced_align(transcript.log_probs, ids)
    except ValueError:  # an AlignmentError, or what the alphabet does not have
        tokens = ()
    placed = place_reference(recognizer, texts, transcript)
    words = _all_placed(texts, placed, transcript.duration_s)
    return replace(transcript, words=words, tokens=tokens, text=" ".join(texts))


def _all_placed(
    texts: Sequence[str], placed: Mapping[int, Word], duration_s: float
) -> tuple[Word, ...]:
    """Words in order; one without a place is between its neighbours, and sure of nothing."""
    nexts_s = [duration_s] * (len(texts) + 1)
    for i in reversed(range(len(texts))):
        nexts_s[i] = placed[i].start_s if i in placed else nexts_s[i + 1]
    words: list[Word] = []
    at_s = 0.0
    for i, text in enumerate(texts):
        word = placed.get(i) or Word(text, at_s, max(at_s, nexts_s[i]), 0.0)
        words.append(word)
        at_s = word.end_s if i in placed else at_s
    return tuple(words)


def _fill(columns: dict[str, list[Any]], place: int, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        columns[name][place] = value


def _replaced(table: "pyarrow.Table", columns: Mapping[str, list[Any]]) -> "pyarrow.Table":
    import pyarrow

    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        kind = table.schema.field(place)
        table = table.set_column(place, kind, pyarrow.array(values, kind.type))
    return table
