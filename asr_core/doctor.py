"""The recording doctor: what is unusual about a recording, and what to do about it.

A fault of a recording is seen by physics, whatever a model was trained on: a clipped top, an edge
at 3.4 kHz, hum. Whether it matters to a model is seen by what the model has met (`norms`): a fault
outside of that is a warning, one inside it a note. Where there is no fault but only something
unusual (level, pace), both must agree. The rules are in `doctor_rules`.

Not looked for: reverberation and music, and a wrong sample rate in a file's header as such, because
a high voice may be a child's; where it makes speech very fast or slow, that is seen.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from asr_core.audio import Audio, read_header, stream_audio
from asr_core.checkpoint import AnyContract
from asr_core.doctor_rules import (
    NOTES,
    RULES,
    Case,
    is_speechless,
    letters_per_s,
    outside_of_training,
    values_of,
)
from asr_core.doctor_texts import HINTS, sentence
from asr_core.morse_code import is_morse
from asr_core.norms import Norms
from asr_core.recording_measures import RecordingMeasures, measure_recording
from asr_core.signal_measures import SignalMeasures

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

LONGEST_S = 600.0  # of a recording is measured

Severity = Literal["warning", "note"]


@dataclass(frozen=True)
class Hint:
    """Something unusual about a recording.

    Attributes:
        code: its key in `doctor_texts.HINTS`.
        severity: "warning" outside of what the model was trained on, else "note".
        values: the numbers of its text.
        message: what was found and what to do.
        outside: whether the text compares it with the training data.
    """

    code: str
    severity: Severity
    values: dict[str, float]
    message: str
    outside: bool

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "severity": self.severity, "message": self.message} | {
            "values": self.values
        }


def diagnose(
    measures: RecordingMeasures,
    norms: Norms | None,
    *,
    text: str | None = None,
    contract: AnyContract | None = None,
    source_rate: int | None = None,
) -> tuple[Hint, ...]:
    """What is unusual about a recording, the most important first; nothing for a clean one.

    Args:
        measures: of the recording at the model's sample rate.
        norms: what the model has met; None where nobody knows.
        text: what is said or was heard in it, for its pace.
        contract: of the model.
        source_rate: of the file, in Hz.
    """
    rate = contract.features.sample_rate if contract else None
    case = Case(measures, norms, _pace(text, measures), source_rate, rate)
    if is_speechless(case):
        values = {"got": measures.speech_share * measures.duration_s, "whole": measures.duration_s}
        return (_hint("no_speech", values, False, "warning"),)
    signs = contract is not None and is_morse(contract.alphabet)
    hints = []
    for rule in RULES:
        if not rule.sees(case) or (signs and rule.speech):
            continue
        outside = outside_of_training(rule, case)
        if outside is False and (rule.needs_norms or signs):
            continue  # what is a fault of speech may be as good as signs get
        severity: Severity = "note" if outside is False or rule.code in NOTES else "warning"
        hints.append(_hint(rule.code, values_of(rule, case), bool(outside), severity))
    return tuple(sorted(hints, key=lambda hint: hint.severity != "warning"))


def examine(
    source: str | Path | Audio,
    contract: AnyContract,
    norms: Norms | None,
    text: str | None = None,
    max_s: float = LONGEST_S,
) -> tuple[Hint, ...]:
    """Measure the first minutes of a recording, as the model hears them, and diagnose them.

    Raises:
        AudioError: it cannot be read.
    """
    rate = contract.features.sample_rate
    if isinstance(source, Audio):
        own_rate: int | None = source.sample_rate
        stream = stream_audio(source.samples, rate, source_rate=own_rate)
    else:
        own_rate, stream = rate_of(source), stream_audio(source, rate)
    blocks, n_samples, whole = [], 0, True
    for block in stream:
        blocks.append(block.samples)
        n_samples += len(block.samples)
        if n_samples > max_s * rate:
            whole = False
            break
    audio = Audio(np.concatenate(blocks)[: round(max_s * rate)], rate)
    heard = text if whole else None  # a text of the whole says nothing of a part's pace
    return diagnose(
        measure_recording(audio), norms, text=heard, contract=contract, source_rate=own_rate
    )


def codes_of(
    recognizer: "Recognizer", audio: Audio, signal: SignalMeasures, path: Path, text: str
) -> str:
    """The hints of a recording that was read already, as a table has them: codes by spaces.

    Args:
        recognizer: whose norms count.
        audio: samples (N,) as the model hears them; the first LONGEST_S count.
        signal: their frames.
        path: the file they come from.
        text: what is said in it.
    """
    n = round(LONGEST_S * audio.sample_rate)
    if len(audio.samples) > n:
        audio, text = Audio(audio.samples[:n], audio.sample_rate), ""
        measures = measure_recording(audio)
    else:
        measures = measure_recording(audio, signal)
    hints = diagnose(
        measures,
        recognizer.norms,
        text=text,
        contract=recognizer.contract,
        source_rate=rate_of(path),
    )
    return " ".join(hint.code for hint in hints)


def rate_of(path: str | Path) -> int | None:
    """A file's own sample rate, by its header; None where that is not known."""
    header = read_header(path)
    return None if header is None else header.sample_rate


def _pace(text: str | None, measures: RecordingMeasures) -> float | None:
    return None if text is None else letters_per_s(text, measures)


def _hint(code: str, values: dict[str, float], outside: bool, severity: Severity) -> Hint:
    message = sentence(HINTS[code], values, outside=outside)
    return Hint(code, severity, values, message, outside)
