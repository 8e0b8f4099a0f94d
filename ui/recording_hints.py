"""What the doctor says of a recording, in the page's language."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asr_core.audio import Audio, AudioError
from asr_core.doctor_texts import HintText, finding
from ui import doctor_strings

if TYPE_CHECKING:
    from asr_core.doctor import Hint
    from asr_core.recognizer import Recognizer


@dataclass(frozen=True)
class ShownHint:
    """One hint as the evidence view shows it."""

    severity: str  # warning or note
    name: str
    found: str
    advice: str


def shown(hints: "Sequence[Hint]") -> tuple[ShownHint, ...]:
    """The hints in words."""
    return tuple(_shown(hint) for hint in hints)


def look(
    recognizer: "Recognizer", source: Path | Audio, text: str | None
) -> tuple[ShownHint, ...] | None:
    """What is unusual about a recording; None where it cannot be read (see `asr_core.doctor`)."""
    from asr_core.doctor import examine

    try:
        return shown(examine(source, recognizer.contract, recognizer.norms, text))
    except AudioError:
        return None


def _shown(hint: "Hint") -> ShownHint:
    text = HintText(*doctor_strings.HINTS[hint.code])
    return ShownHint(
        severity=hint.severity,
        name=text.name,
        found=finding(text, hint.values, outside=hint.outside),
        advice=text.advice.format(**hint.values),
    )
