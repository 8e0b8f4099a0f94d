"""Long recordings on the page: heard with a Stop button, then shown a passage at a time.

The evidence of an hour would be megabytes: the page gets the text of all passages and the evidence
of one, which is heard anew from its part of the file when it is chosen.
"""

import math
import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from asr_core.audio import Audio, load_audio, read_excerpt
from asr_core.morse_code import Script, read_as, read_transcript
from asr_core.transcript import Transcript
from ui import evidence, strings
from ui.evidence import Evidence, Fact, Passage
from ui.recording_hints import ShownHint
from ui.sound import Publish

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

MOST_KEPT = 50  # recordings of all visitors; the oldest are forgotten
CONTEXT_S = 1  # around a passage: whole seconds, so that it is resampled as in the whole recording


@dataclass(frozen=True)
class Recording:
    """A long recording that was heard: what is needed to show any of its passages."""

    path: Path
    recognizer: "Recognizer"  # with the decoder that was chosen
    script: Script
    passages: tuple[Passage, ...]
    facts: tuple[Fact, ...]
    note: str = ""
    download: str = ""
    hints: tuple[ShownHint, ...] | None = None


class Recordings:
    """The long recordings that pages show, and which of those being heard shall stop."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, Recording | None] = OrderedDict()
        self._stopped: set[str] = set()
        self._lock = threading.Lock()

    def begin(self) -> str:
        """A name that cannot be guessed, for a recording that is going to be heard."""
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[key] = None
            while len(self._kept) > self._most:
                self._stopped.discard(self._kept.popitem(last=False)[0])
        return key

    def stop(self, key: str) -> None:
        """Ask whoever hears it to stop."""
        with self._lock:
            if key in self._kept:
                self._stopped.add(key)

    def is_stopped(self, key: str) -> bool:
        return key in self._stopped

    def keep(self, key: str, recording: Recording) -> None:
        with self._lock:
            self._kept[key] = recording

    def find(self, key: str) -> Recording | None:
        """None: unknown, or forgotten."""
        return self._kept.get(key)


def light(transcript: Transcript) -> Transcript:
    """Without its pictures: what is kept of every piece of a long recording."""
    return replace(
        transcript,
        features=np.empty((0, transcript.features.shape[1])),
        log_probs=np.empty((len(transcript.log_probs), 0)),
    )


def passages(parts: Sequence[Transcript], script: Script) -> tuple[Passage, ...]:
    """Where each piece is and what was heard in it."""
    ends = accumulate(len(part.log_probs) * part.frame_s for part in parts)
    starts_s = [0.0, *ends]
    return tuple(
        Passage(round(start_s, 6), round(start_s + part.duration_s, 6), read_as(part.text, script))
        for start_s, part in zip(starts_s, parts, strict=False)
    )


def show(recordings: Recordings, key: str, index: int, publish: Publish) -> Evidence:
    """The evidence of one passage (raises AudioError, and IndexError where there is none such)."""
    recording = recordings.find(key)
    if recording is None or not 0 <= index < len(recording.passages):
        raise IndexError(strings.PASSAGE_GONE)
    passage, recognizer = recording.passages[index], recording.recognizer
    native, audio = _excerpt(recording.path, passage, recognizer.sample_rate)
    (transcript,) = recognizer.transcribe([audio])
    with tempfile.TemporaryDirectory(prefix="misheard-") as folder:
        clip = Path(folder) / f"{recording.path.stem}-{passage.start_s:.0f}s.wav"
        soundfile.write(clip, native.samples, native.sample_rate)
        url = publish(clip)
    read = read_transcript(transcript, recording.script)
    value = evidence.of_transcript(
        read, recognizer.contract, url, recording.facts, recording.script
    )
    return replace(
        value,
        note=recording.note,
        download=recording.download,
        hints=recording.hints,
        passages=recording.passages,
        passage=index,
        recording=key,
    )


def _excerpt(path: Path, passage: Passage, rate: int) -> tuple[Audio, Audio]:
    """A passage at the file's own rate, to be played, and at the model's, to be heard."""
    first_s = max(0, math.floor(passage.start_s) - CONTEXT_S)
    around = read_excerpt(path, first_s, math.ceil(passage.end_s) + CONTEXT_S)
    resampled = load_audio(around.samples, rate, source_rate=around.sample_rate)
    own, wanted = (_part(audio, passage, first_s) for audio in (around, resampled))
    return own, wanted


def _part(audio: Audio, passage: Passage, first_s: int) -> Audio:
    start, end = (
        round((at_s - first_s) * audio.sample_rate) for at_s in (passage.start_s, passage.end_s)
    )
    return Audio(audio.samples[start:end], audio.sample_rate)


def duration_s(parts: Iterable[Transcript]) -> float:
    return sum(part.duration_s for part in parts)
