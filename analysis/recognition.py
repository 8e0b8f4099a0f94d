"""A whole manifest on the straight line: each row transcribed, scored and placed in time."""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.causes import Evidence, cause_of, label_suspicion
from analysis.error_regions import ErrorRegion
from analysis.evidence import Utterance, explain, letters_per_s
from analysis.names import UniqueNames
from analysis.normalisation import Normaliser
from analysis.scoring import Score, score
from analysis.tables import UTTERANCE_COLUMNS, number, utf8
from asr_core.alignment import forced_align
from asr_core.audio import Audio
from asr_core.confidence import word_confidences
from asr_core.doctor import codes_of
from asr_core.manifest import ManifestRow, SkippedRow, read_manifest
from asr_core.placement import place_words
from asr_core.recognizer import Recognizer
from asr_core.signal_measures import SignalMeasures, measure_signal
from asr_core.text import Alphabet
from asr_core.transcript import Transcript, Word

Progress = Callable[[int, int], None]  # recordings done, recordings in all
NamedRow = tuple[str, ManifestRow]  # with its utterance_id


@dataclass(frozen=True)
class RecognisedRow:
    """One utterance: its row of `utterances`, its rows of `errors`, and its alignment.

    `fields` are the manifest's, by their columns in `utterances`. `confidences` are those of the
    words heard, in order (see `Score.heard_right`).
    """

    utterance: dict[str, Any]
    fields: dict[str, Any]
    errors: list[dict[str, Any]]
    score: Score
    confidences: tuple[float, ...]


@dataclass(frozen=True)
class Recognition:
    """Rows of a manifest, recognised: what was scored, in their order, and what was left out."""

    rows: list[RecognisedRow]
    skipped: list[SkippedRow]
    took_s: float


def recognise_manifest(
    recognizer: Recognizer,
    path: Path,
    progress: Progress | None,
    normalise: Normaliser | None = None,
) -> Recognition:
    """Transcribe and score every row that can be (raises ManifestError).

    `normalise` is what both texts go through before they are compared: the model's own way where
    none is given.
    """
    manifest = read_manifest(path)
    named = list(zip(unique_ids(manifest.rows), manifest.rows, strict=True))
    n = len(named)
    when_done = None if progress is None else lambda n_done: progress(n_done, n)
    found = recognise_rows(
        recognizer, named, path.parent, normalise or recognizer.alphabet.normalise, when_done
    )
    skipped = sorted([*manifest.skipped, *found.skipped], key=lambda row: row.line)
    return Recognition(found.rows, skipped, found.took_s)


def recognise_rows(
    recognizer: Recognizer,
    named: Sequence[NamedRow],
    folder: Path,
    normalise: Normaliser,
    when_done: Callable[[int], None] | None = None,
) -> Recognition:
    """Transcribe and score rows of a manifest.

    Args:
        recognizer: the model.
        named: the rows, each with its utterance_id.
        folder: of the manifest, which recordings are named relative to.
        normalise: what both texts go through before they are compared.
        when_done: called after every recording with how many are done.
    """
    skipped: list[SkippedRow] = []
    done: dict[int, RecognisedRow] = {}
    started = time.perf_counter()
    signals: dict[int, SignalMeasures] = {}  # of the recordings read and not yet transcribed
    hints: dict[int, str] = {}

    def measure(i: int, audio: Audio) -> None:
        row = named[i][1]
        signals[i] = measure_signal(audio)
        hints[i] = codes_of(recognizer, audio, signals[i], row.audio_path, normalise(row.text))

    transcribed = recognizer.transcribe_each([row.audio_path for _, row in named], measure)
    for n_done, (i, result) in enumerate(transcribed, start=1):
        key, row = named[i]
        audio = _as_in_manifest(row, folder)
        if isinstance(result, Transcript):
            signal = signals.pop(i)
            known = _recognise_row(recognizer, row, key, audio, result, normalise, signal)
            known.utterance["hints"] = hints.pop(i)
            done[i] = known
        else:
            skipped.append(SkippedRow(row.line, str(result), audio))
        if when_done is not None:
            when_done(n_done)
    took_s = time.perf_counter() - started
    return Recognition([done[i] for i in sorted(done)], skipped, took_s)


def unique_ids(rows: Sequence[ManifestRow]) -> list[str]:
    """A row's `id`, or else its file's name; `-2`, `-3`, ... where several have the same."""
    names = UniqueNames()
    return [names.take(wanted_id(row)) for row in rows]


def wanted_id(row: ManifestRow) -> str:
    """What an utterance is called, unless another one is."""
    given = row.fields.get("id")
    return utf8(row.audio_path.stem if given in (None, "") else str(given))


def _recognise_row(
    recognizer: Recognizer,
    row: ManifestRow,
    key: str,
    audio: str,
    transcript: Transcript,
    normalise: Normaliser,
    signal: SignalMeasures,
) -> RecognisedRow:
    reference = normalise(row.text)
    heard = [(text, word) for word in transcript.words for text in normalise(word.text).split()]
    hypothesis = " ".join(text for text, _ in heard)
    scored, raw = score([reference, row.text], [hypothesis, transcript.text])
    said = place_reference(recognizer, reference.split(), transcript) if scored.deletions else {}
    words = [word for _, word in heard]
    regions = explain(Utterance(scored, transcript, words, said, signal, recognizer.alphabet))
    utterance = {
        "utterance_id": key,
        "audio_filepath": audio,
        "text": reference,
        "text_raw": row.text,
        "pred_text": hypothesis,
        "pred_raw": transcript.text,
        "duration_s": transcript.duration_s,
        "hits": scored.hits,
        "substitutions": scored.substitutions,
        "deletions": scored.deletions,
        "insertions": scored.insertions,
        "errors": scored.errors,
        "n_reference": scored.n_reference,
        "char_errors": scored.char_errors,
        "n_char": scored.n_char,
        "raw_errors": raw.errors,
        "raw_n_reference": raw.n_reference,
        "wer": scored.wer,
        "cer": scored.cer,
        "confidence": transcript.confidence,
        "snr_db": number(row.fields.get("snr_db")),
        "snr_estimate_db": signal.snr_db,
        "clipped_share": signal.clipped_share,
        "letters_per_s": letters_per_s(scored, signal),
        "label_suspicion": label_suspicion([evidence for _, evidence in regions]),
    }
    errors = _error_rows(key, scored, words, said, error_evidence(regions))
    sure = tuple(word.confidence for word in words)
    return RecognisedRow(utterance, _manifest_columns(row), errors, scored, sure)


def place_reference(
    recognizer: Recognizer, words: Sequence[str], transcript: Transcript
) -> dict[int, Word]:
    """Where the reference's words are in the sound, by forced alignment.

    Words outside the model's alphabet have no place, and none has where no path through the
    frames spells the others.
    """
    alphabet = recognizer.alphabet
    spelt = {i: word for i, word in enumerate(words) if can_write(alphabet, word)}
    try:
        spans = forced_align(transcript.log_probs, alphabet.encode(" ".join(spelt.values())))
    except ValueError:  # an AlignmentError, or a space that the alphabet does not have
        return {}
    stride = recognizer.model.stride
    contract = recognizer.contract
    placed = place_words(
        spans,
        alphabet,
        transcript.features,
        stride,
        transcript.hop_s,
        contract.emission_delay_s,
        functools.partial(word_confidences, transcript.log_probs, config=contract.confidence),
    )
    known = [i for i, word in spelt.items() if alphabet.decode(alphabet.encode(word))]
    return dict(zip(known, placed, strict=True)) if len(known) == len(placed) else {}


def can_write(alphabet: Alphabet, word: str) -> bool:
    """Whether a model has symbols for a word; the one for unknown words is one, too."""
    try:
        alphabet.encode(word)
    except ValueError:
        return False
    return True


def error_evidence(regions: Sequence[tuple[ErrorRegion, Evidence]]) -> dict[int, dict[str, Any]]:
    """What `errors` says of each edit's region, by the edit's place in the alignment."""
    return {
        i: {
            "cause": cause_of(evidence),
            "region": n,
            "cost": evidence.cost,
            "region_snr_db": evidence.snr_db,
            "region_clipped": evidence.clipped,
            "edge_db": evidence.edge_db,
        }
        for n, (region, evidence) in enumerate(regions)
        for i in range(region.start, region.end)
    }


def _error_rows(
    key: str,
    scored: Score,
    heard: Sequence[Word],
    said: dict[int, Word],
    causes: dict[int, dict[str, Any]],
) -> list[dict[str, Any]]:
    rows = []
    for i, edit in enumerate(scored.edits):
        if edit.op == "equal":
            continue
        if edit.heard_index is not None:
            word: Word | None = heard[edit.heard_index]
        else:
            assert edit.reference_index is not None
            word = said.get(edit.reference_index)
        rows.append(
            {
                "utterance_id": key,
                "op": edit.op,
                "reference": edit.reference,
                "heard": edit.heard,
                "reference_index": edit.reference_index,
                "heard_index": edit.heard_index,
                "start_s": word.start_s if word else None,
                "end_s": word.end_s if word else None,
                "confidence": word.confidence if word and edit.heard is not None else None,
                **causes[i],
            }
        )
    return rows


def _manifest_columns(row: ManifestRow) -> dict[str, Any]:
    """Every field of the row but those that our own columns already say."""
    fields = dict(row.fields)
    if row.duration_s is not None:
        fields["duration"] = row.duration_s
    if row.pred_text is not None:
        fields["pred_text"] = row.pred_text
    if fields.get("snr_db") is None or number(fields["snr_db"]) is not None:
        fields.pop("snr_db", None)
    return {
        f"manifest_{name}" if name in UTTERANCE_COLUMNS else utf8(name): value
        for name, value in fields.items()
    }


def _as_in_manifest(row: ManifestRow, folder: Path) -> str:
    path = row.audio_path
    return utf8(str(path.relative_to(folder) if path.is_relative_to(folder) else path))
