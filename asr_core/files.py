"""Files in, transcripts out: with a progress bar on a terminal; Ctrl-C keeps what is done."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from asr_core.audio import AudioError, declared_length_s, load_audio
from asr_core.pieces import WHOLE, join
from asr_core.recognizer import Recognizer
from asr_core.transcript import Transcript

if TYPE_CHECKING:  # noise and filters take their time to load
    from asr_core.what_if import Change


def transcribe_files(
    recognizer: Recognizer, files: Sequence[str]
) -> Iterator[tuple[int, Transcript | AudioError]]:
    """`Recognizer.transcribe_each`, but long files one by one, never a whole one in memory.

    Short files come first, in batches.

    Raises:
        KeyboardInterrupt: Ctrl-C. What was done of a long file is yielded before, marked partial.
    """
    lengths_s = [declared_length_s(file) for file in files]
    short = [i for i, s in enumerate(lengths_s) if s is not None and s <= WHOLE.longest_s]
    for i, result in recognizer.transcribe_each([files[i] for i in short]):
        yield short[i], result
    for i in sorted(set(range(len(files))) - set(short)):
        try:
            result = transcribe_file(recognizer, files[i], lengths_s[i])
        except AudioError as e:
            yield i, e
            continue
        yield i, result
        if result.partial:
            raise KeyboardInterrupt


def transcribe_changed(
    recognizer: Recognizer, files: Sequence[str], changes: "Sequence[Change]", seed: int = 0
) -> Iterator[tuple[int, Transcript | AudioError]]:
    """The files as they would be heard after some changes, in their order; each held as a whole."""
    from asr_core.what_if import apply

    for i, file in enumerate(files):
        try:
            audio = load_audio(file)
        except AudioError as e:
            yield i, e
            continue
        yield i, recognizer.transcribe([apply(audio, changes, seed)])[0]


def transcribe_file(recognizer: Recognizer, file: str, length_s: float | None = None) -> Transcript:
    """Transcribe a file of any length, with a progress bar; after Ctrl-C, partially.

    Raises:
        AudioError: it cannot be read.
        KeyboardInterrupt: Ctrl-C before the first piece was done.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    parts: list[Transcript] = []
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task(file, total=length_s)
        try:
            for part in recognizer.transcribe_pieces(file):
                parts.append(part)
                progress.update(task, advance=part.duration_s)
        except KeyboardInterrupt:
            if not parts:
                raise
            return join(parts, partial=True)
    return join(parts)
