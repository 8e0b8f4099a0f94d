"""A file in the Recognise tab: heard, however long it is, and made into what the page shows."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from asr_core.audio import AudioError, declared_length_s
from asr_core.morse_code import Script, is_morse, read_transcript
from asr_core.pieces import WHOLE, join
from asr_core.transcript import Transcript
from ui import evidence, strings
from ui.downloads import Shelf
from ui.evidence import Evidence, Fact, Notice
from ui.passages import Recording, Recordings, duration_s, light, passages, show
from ui.recording_hints import look
from ui.said import against
from ui.sound import Publish

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

MIN_S = 0.2  # no word is shorter
MAX_S = 7200.0  # some minutes of work; nobody waits longer for a page
EVERY_S = 0.3  # how often a long recording says how far it is


def hear(
    recognizer: "Recognizer",
    path: Path,
    publish: Publish,
    script: Script = "latin",
    said: str = "",
    shelf: Shelf | None = None,
    recordings: Recordings | None = None,
) -> Iterator[Notice | Evidence]:
    """Transcribe a file and publish its sound (raises AudioError, with a message for the page).

    Yields how far a long recording is, and at last the evidence. The `shelf` keeps the transcript
    for downloads, `recordings` what the buttons of a long one refer to. Given what was `said`, the
    evidence is of the comparison. Only Morse signs can be read in another script than `latin`;
    other models' text stays as it is.
    """
    if not is_morse(recognizer.alphabet):
        script = "latin"
    recordings = recordings or Recordings()
    key, started = recordings.begin(), time.perf_counter()
    parts: list[Transcript] = []
    try:
        for step in _pieces(recognizer, path, recordings, key):
            if isinstance(step, Notice):
                yield step
            else:
                parts = step
        check_length(duration_s(parts))
        took_s = time.perf_counter() - started
        facts = _facts(path.name, duration_s(parts), took_s, recognizer.contract.name)
        if len(parts) == 1 and not parts[0].partial:
            yield _whole(recognizer, parts[0], path, publish(path), facts, script, said, shelf)
            return
        transcript = read_transcript(join([*map(light, parts)], partial=parts[-1].partial), script)
        download = shelf.put(transcript, path.name) if shelf else ""
        note = _note(transcript, said)
        shown = passages(parts, script)
        hints = look(recognizer, path, None if transcript.partial else transcript.text)
        kept = Recording(path, recognizer, script, shown, facts, note, download, hints)
        recordings.keep(key, kept)
        yield show(recordings, key, 0, publish)
    except AudioError as e:
        raise AudioError(str(e).replace(str(path), path.name)) from e


def _pieces(
    recognizer: "Recognizer", path: Path, recordings: Recordings, key: str
) -> Iterator[Notice | list[Transcript]]:
    """How far it is, again and again; at last the pieces, the last one partial after a stop."""
    total_s = declared_length_s(path)
    check_length(total_s)
    parts: list[Transcript] = []
    told = time.perf_counter()
    if total_s is not None and total_s > WHOLE.longest_s:
        yield _progress(0.0, total_s, key)
    for part in recognizer.transcribe_pieces(path, max_s=MAX_S):
        parts = [*parts[:-1], *map(light, parts[-1:]), part]
        done_s = duration_s(parts)
        if recordings.is_stopped(key) and (total_s is None or done_s < total_s - MIN_S):
            parts[-1] = replace(part, partial=True)
            break
        if len(parts) > 1 and time.perf_counter() - told > EVERY_S:
            told = time.perf_counter()
            yield _progress(done_s, total_s, key)
    yield parts


def _progress(done_s: float, total_s: float | None, key: str) -> Notice:
    done = _clock(done_s)
    if total_s is None:
        text, share = strings.TRANSCRIBING_DONE.format(done=done), None
    else:
        text = strings.TRANSCRIBING_PROGRESS.format(done=done, total=_clock(total_s))
        share = round(min(done_s / total_s, 1.0), 3)
    return Notice("loading", strings.TRANSCRIBING, text, stop=key, progress=share)


def _took(seconds: float) -> str:
    if seconds < 10:
        return f"{1000 * seconds:.0f} {strings.UNITS['ms']}"
    return f"{seconds:.0f} {strings.UNITS['s']}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _note(transcript: Transcript, said: str) -> str:
    """What a reader of a long recording should know."""
    stopped = strings.STOPPED_AT.format(done=_clock(transcript.duration_s))
    known = (stopped if transcript.partial else "", strings.NOT_COMPARED if said.strip() else "")
    return " ".join(filter(None, known))


def _whole(
    recognizer: "Recognizer",
    transcript: Transcript,
    path: Path,
    url: str,
    facts: tuple[Fact, ...],
    script: Script,
    said: str,
    shelf: Shelf | None,
) -> Evidence:
    """The evidence of a recording that is one piece."""
    read = read_transcript(transcript, script)
    if said.strip():
        value = against(recognizer, transcript, said, url, facts, script)
    else:
        value = evidence.of_transcript(read, recognizer.contract, url, facts, script)
    return replace(
        value,
        hints=look(recognizer, path, said.strip() or transcript.text),
        download=shelf.put(read, path.name) if shelf else "",
    )


def check_length(duration_s: float | None) -> None:
    """Refuse what is too short or too long (raises AudioError); None is not known yet."""
    if duration_s is None:
        return
    if duration_s < MIN_S:
        raise AudioError(strings.TOO_SHORT.format(got=duration_s, least=MIN_S))
    if duration_s > MAX_S:
        raise AudioError(strings.TOO_LONG.format(got=duration_s / 60, most=MAX_S / 60))


def _facts(name: str, duration_s: float, took_s: float, model: str) -> tuple[Fact, ...]:
    factor = took_s / duration_s
    short = f"{duration_s:.2f} {strings.UNITS['s']}"
    return (
        Fact(strings.FACT_LENGTH, short if duration_s < 60 else _clock(duration_s)),
        Fact(strings.FACT_TOOK, _took(took_s), strings.FACT_TOOK_HINT),
        Fact(strings.FACT_FACTOR, f"{factor:.3f}", strings.FACT_FACTOR_HINT),
        Fact(strings.FACT_MODEL, model),
        Fact(strings.FACT_FILE, name),
    )
