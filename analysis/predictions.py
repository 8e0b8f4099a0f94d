"""What another recogniser heard, as its files say it: one stream of utterances from any format."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from analysis.nist import (
    CtmWord,
    Segment,
    TrnLine,
    not_utf8,
    open_text,
    read_ctm,
    read_stm,
    read_trn,
    skipped,
)
from asr_core.manifest import (
    KNOWN_FIELDS,
    ManifestError,
    SkippedRow,
    is_table,
    newlines,
    read_duration,
    read_manifest,
    read_records,
)

TABLES = (".jsonl", ".json", ".manifest", ".csv", ".tsv")


class HeardWord(NamedTuple):
    """A word as the other system wrote it, with its time in the recording."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None


class Prediction(NamedTuple):
    """One utterance: what was said and what was heard, as the files have it."""

    line: int
    key: str | None  # None where the file names no utterance
    audio: str | None  # relative to the references' folder, or absolute
    text: str
    pred_text: str
    duration_s: float | None
    fields: dict[str, Any]
    words: tuple[HeardWord, ...] | None = None  # None where nothing is known of times


@dataclass(frozen=True)
class Predictions:
    """The files of another system and the utterances in them.

    `rows` yields every utterance and every row left out, and raises ManifestError where a file
    cannot be read at all.
    """

    references: Path
    hypotheses: Path  # the same file, or one of its own
    n_lines: int  # of the hypotheses, about
    rows: Callable[[], Iterator[Prediction | SkippedRow]]
    from_text: bool = False  # fields are text, even where they are numbers


def read_predictions(
    path: Path | None = None, *, references: Path | None = None, hypotheses: Path | None = None
) -> Predictions:
    """The files of another system, as their endings say.

    Args:
        path: JSON lines, CSV or TSV with `text` and `pred_text`; or, instead of it,
        references: a trn file, or for a ctm one also stm or a manifest; and
        hypotheses: a trn or ctm file.

    Raises:
        ManifestError: a file cannot be read, or files that do not go together.
    """
    if path is not None and references is None and hypotheses is None:
        return Predictions(path, path, _n_lines(path), lambda: _table_rows(path), is_table(path))
    if path is not None or references is None or hypotheses is None:
        raise ManifestError(
            "Expected either one file with text and pred_text, or both references and hypotheses."
        )
    kinds = references.suffix.lower(), hypotheses.suffix.lower()
    n_lines = _n_lines(hypotheses)
    if kinds == (".trn", ".trn"):
        rows = lambda: _trn_rows(references, hypotheses)  # noqa: E731
    elif kinds == (".stm", ".ctm"):
        rows = lambda: _stm_rows(references, hypotheses)  # noqa: E731
    elif kinds == (".trn", ".ctm"):
        rows = lambda: _ctm_rows(_of_trn(references), hypotheses)  # noqa: E731
    elif kinds[1] == ".ctm" and kinds[0] in TABLES:
        rows = lambda: _ctm_rows(_of_manifest(references), hypotheses)  # noqa: E731
    else:
        raise ManifestError(
            f"Got references {references.name} and hypotheses {hypotheses.name}. Expected .trn and"
            " .trn; or .trn, .stm or a manifest, and .ctm."
        )
    return Predictions(references, hypotheses, n_lines, rows, is_table(references))


def _n_lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError as e:
        raise ManifestError(f"Cannot read {path}: {e}. Expected a file of predictions.") from e


def _table_rows(path: Path) -> Iterator[Prediction | SkippedRow]:
    """The rows of JSON lines, CSV or TSV with `text` and `pred_text`."""
    try:
        with open_text(path, newlines(path)) as file:
            for line, raw, record in read_records(path, file):
                try:
                    prediction = _prediction(line, raw, record)
                except (ValueError, TypeError) as e:
                    yield skipped(line, str(e), raw)
                else:
                    yield prediction
    except OSError as e:
        raise ManifestError(f"Cannot read {path}: {e}. Expected a file of predictions.") from e


def _prediction(line: int, raw: str, record: Any) -> Prediction:
    if not_utf8(raw):
        raise ValueError("not UTF-8")
    if isinstance(record, ValueError):
        raise record
    if not isinstance(record, dict):
        raise TypeError(f"expected an object, got {type(record).__name__}")
    duration_s = read_duration(record.get("duration"))
    if duration_s == 0:
        raise ValueError("duration is zero")
    fields = {key: value for key, value in record.items() if key not in KNOWN_FIELDS}
    key = fields.get("id")
    return Prediction(
        line=line,
        key=None if key in (None, "") else str(key),
        audio=_string(record, "audio_filepath", optional=True) or None,
        text=_string(record, "text"),
        pred_text=_string(record, "pred_text"),
        duration_s=duration_s,
        fields=fields if duration_s is None else fields | {"duration": duration_s},
    )


def _string(record: dict[str, Any], name: str, *, optional: bool = False) -> str:
    value = record.get(name)
    if isinstance(value, str):
        return value
    if value is None:
        if optional:
            return ""
        raise ValueError(f"no {name}")
    raise TypeError(f"{name} is not a string")


def _trn_rows(references: Path, hypotheses: Path) -> Iterator[Prediction | SkippedRow]:
    """Utterances by their ids, in the references' order; both files must know them, once."""
    heard, bad = _by_key(read_trn(hypotheses), hypotheses.name)
    yield from bad
    said, bad = _by_key(read_trn(references), references.name)
    yield from bad
    for key, row in said.items():
        if key in heard:
            text = heard.pop(key).text
            yield Prediction(row.line, key, None, row.text, text, None, {})
        else:
            yield skipped(row.line, f"{key} is in {references.name} only", row.raw)
    for key, row in heard.items():
        yield skipped(row.line, f"{key} is in {hypotheses.name} only", row.raw)


def _by_key(
    rows: Iterator[TrnLine | SkippedRow], name: str
) -> tuple[dict[str, TrnLine], list[SkippedRow]]:
    """Lines whose id occurs once, by it; and the others, with reasons."""
    kept: dict[str, TrnLine] = {}
    repeated: set[str] = set()
    bad = []
    for row in rows:
        if isinstance(row, SkippedRow):
            bad.append(SkippedRow(row.line, f"{name}: {row.reason}", row.raw))
        elif row.key in kept or row.key in repeated:
            repeated.add(row.key)
            first = kept.pop(row.key, None)
            again = [each for each in (first, row) if each is not None]
            bad += [skipped(r.line, f"{r.key} is in {name} more than once", r.raw) for r in again]
        else:
            kept[row.key] = row
    return kept, bad


def _of_trn(path: Path) -> Iterator[Prediction | SkippedRow]:
    """References of recordings whose names are the utterances' ids; nothing is heard yet."""
    said, bad = _by_key(read_trn(path), path.name)
    yield from bad
    for key, row in said.items():
        yield Prediction(row.line, key, None, row.text, "", None, {}, ())


def _of_manifest(path: Path) -> Iterator[Prediction | SkippedRow]:
    """The same of a manifest, whose `id`s or file names are those of the ctm."""
    manifest = read_manifest(path)
    yield from manifest.skipped
    seen = Counter(_recording(row.fields.get("id"), row.audio_path) for row in manifest.rows)
    for row in manifest.rows:
        key = _recording(row.fields.get("id"), row.audio_path)
        if seen[key] > 1:
            yield skipped(row.line, f"{key} is in {path.name} more than once", row.text)
            continue
        said = {} if row.duration_s is None else {"duration": row.duration_s}
        audio = row.audio_path
        folder = path.parent
        placed = str(audio.relative_to(folder) if audio.is_relative_to(folder) else audio)
        fields = row.fields | said
        yield Prediction(row.line, key, placed, row.text, "", row.duration_s, fields, ())


def _recording(given: Any, audio: Path) -> str:
    return audio.stem if given in (None, "") else str(given)


def _ctm_rows(
    references: Iterator[Prediction | SkippedRow], hypotheses: Path
) -> Iterator[Prediction | SkippedRow]:
    """References with the words of a ctm file; one without any heard nothing."""
    recordings: dict[str, list[CtmWord]] = {}
    for word in read_ctm(hypotheses):
        if isinstance(word, SkippedRow):
            yield SkippedRow(word.line, f"{hypotheses.name}: {word.reason}", word.raw)
        else:
            recordings.setdefault(word.recording, []).append(word)
    for row in references:
        if isinstance(row, SkippedRow):
            yield row
            continue
        assert row.key is not None
        words = recordings.pop(row.key, [])
        channels = sorted({word.channel for word in words})
        if len(channels) > 1:
            reason = f"{row.key} has channels {', '.join(channels)} in {hypotheses.name}, not one"
            yield skipped(row.line, reason, row.text)
        else:
            yield _with_words(row, words)
    for key, words in recordings.items():
        yield skipped(words[0].line, f"{key} is in {hypotheses.name} only", words[0].raw)


def _stm_rows(references: Path, hypotheses: Path) -> Iterator[Prediction | SkippedRow]:
    """Segments with the words of a ctm file whose middles lie in them."""
    words: dict[tuple[str, str], list[CtmWord]] = {}
    for word in read_ctm(hypotheses):
        if isinstance(word, SkippedRow):
            yield SkippedRow(word.line, f"{hypotheses.name}: {word.reason}", word.raw)
        else:
            words.setdefault((word.recording, word.channel), []).append(word)
    for of_recording in words.values():
        of_recording.sort(key=_middle_s)
    for row in read_stm(references):
        if isinstance(row, SkippedRow):
            yield row
        else:
            yield _with_words(_of_segment(row), _within(row, words))
    for left in words.values():
        yield from (skipped(w.line, f"{w.text!r} is in no segment", w.raw) for w in left)


def _of_segment(row: Segment) -> Prediction:
    key = f"{row.recording}-{row.channel}-{row.start_s:.2f}-{row.end_s:.2f}"
    fields = {
        "recording": row.recording,
        "channel": row.channel,
        "speaker": row.speaker,
        "label": row.label or None,
        "segment_start_s": row.start_s,
    }
    return Prediction(row.line, key, None, row.text, "", row.end_s - row.start_s, fields, ())


def _within(segment: Segment, words: dict[tuple[str, str], list[CtmWord]]) -> list[CtmWord]:
    """The words of a segment, taken from those of its recording."""
    place = segment.recording, segment.channel
    of_recording = words.get(place, [])
    inside = [w for w in of_recording if segment.start_s <= _middle_s(w) < segment.end_s]
    if inside:
        words[place] = [
            w for w in of_recording if not segment.start_s <= _middle_s(w) < segment.end_s
        ]
    return inside


def _middle_s(word: CtmWord) -> float:
    return (word.start_s + word.end_s) / 2


def _with_words(row: Prediction, words: list[CtmWord]) -> Prediction:
    inside = sorted(words, key=lambda word: (word.start_s, word.line))
    heard = tuple(HeardWord(w.text, w.start_s, w.end_s, w.confidence) for w in inside)
    return row._replace(pred_text=" ".join(word.text for word in heard), words=heard)
