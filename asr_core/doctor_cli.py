"""The doctor on the command line: `transcribe --doctor`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from asr_core.audio import AudioError, load_audio
from asr_core.doctor import Hint, examine
from asr_core.doctor_texts import NOTHING
from asr_core.recognizer import Recognizer
from asr_core.transcript import Transcript

if TYPE_CHECKING:  # noise and filters take their time to load
    from asr_core.what_if import Change


def look_at(
    recognizer: Recognizer,
    files: Sequence[str],
    results: Sequence[Transcript | str],
    changes: "Sequence[Change]" = (),
) -> list[tuple[Hint, ...] | None]:
    """What the doctor says of each file that was transcribed, changed as it was for that."""
    return [
        None if isinstance(result, str) else _look_at(recognizer, file, result, changes)
        for file, result in zip(files, results, strict=True)
    ]


def tell(name: str, hints: tuple[Hint, ...] | None) -> None:
    """A line a hint on stderr."""
    if hints is None:
        return
    for hint in hints:
        typer.echo(f"{name}: {hint.severity}: {hint.message}", err=True)
    if not hints:
        typer.echo(f"{name}: {NOTHING}", err=True)


def _look_at(
    recognizer: Recognizer, file: str, transcript: Transcript, changes: "Sequence[Change]"
) -> tuple[Hint, ...] | None:
    text = None if transcript.partial else transcript.text
    try:
        if not changes:
            return examine(file, recognizer.contract, recognizer.norms, text)
        from asr_core.what_if import apply

        changed = apply(load_audio(file), changes)
        return examine(changed, recognizer.contract, recognizer.norms, text)
    except AudioError as e:  # it could be read a moment ago
        typer.echo(f"error: {e}", err=True)
        return None
