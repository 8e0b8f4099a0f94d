"""Transcripts as a command line hands them over: on the screen, or a file a recording."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from asr_core.writers import OF_MANY, SUFFIXES, Format, record, to_json, write

if TYPE_CHECKING:
    from asr_core.doctor import Hint
    from asr_core.transcript import Transcript


def check_fits_screen(files: Sequence[Path], written: Format, output: Path | None) -> None:
    """Refuse several recordings in a format of one where they would run into each other."""
    if output is None and len(files) > 1 and written not in OF_MANY:
        raise ValueError(
            f"The format {written} holds one recording, and {len(files)} are given. Add --output"
            " FOLDER to write a file for each."
        )


def hand_over(
    results: Sequence["Transcript | str"],
    files: Sequence[Path],
    written: Format,
    to: Path | None,
    findings: "Sequence[tuple[Hint, ...] | None]" = (),
) -> None:
    """Print transcripts, or write them to a folder; where there is none, its error stands.

    What the doctor found goes into the JSON, beside any other format to stderr.
    """
    findings = findings or [None] * len(files)
    try:
        if to is None:
            _print(results, files, written, findings)
        else:
            _write(results, files, written, to, findings)
    except OSError as e:
        fail(e)
    if written is not Format.JSON and any(hints is not None for hints in findings):
        from asr_core.doctor_cli import tell

        for file, hints in zip(files, findings, strict=True):
            tell(_shown(file), hints)


def _record(
    transcript: "Transcript", name: str, hints: "tuple[Hint, ...] | None"
) -> dict[str, Any]:
    """An entry of the JSON, with what the doctor said where it was asked."""
    found = {} if hints is None else {"doctor": [hint.to_json() for hint in hints]}
    return record(transcript, name) | found


def _print(
    results: Sequence["Transcript | str"],
    files: Sequence[Path],
    written: Format,
    findings: "Sequence[tuple[Hint, ...] | None]",
) -> None:
    """Text: the bare text of one file; of several, `file<TAB>text`."""
    if written is Format.JSON:
        records = [
            {"file": _shown(file), "error": result}
            if isinstance(result, str)
            else _record(result, _shown(file), hints)
            for file, result, hints in zip(files, results, findings, strict=True)
        ]
        typer.echo(to_json(records), nl=False)
        return
    for file, name, result in zip(files, _names(files), results, strict=True):
        if not isinstance(result, str):
            prefix = f"{_shown(file)}\t" if len(files) > 1 and written is Format.TEXT else ""
            typer.echo(prefix + write(result, written, _shown(Path(name))), nl=False)


def _write(
    results: Sequence["Transcript | str"],
    files: Sequence[Path],
    written: Format,
    folder: Path,
    findings: "Sequence[tuple[Hint, ...] | None]",
) -> None:
    """One `<name>.txt`, `<name>.json`, ... a recording that was transcribed."""
    folder.mkdir(parents=True, exist_ok=True)
    done = [
        (file, result, hints)
        for file, result, hints in zip(files, results, findings, strict=True)
        if not isinstance(result, str)
    ]
    names = _names([file for file, _, _ in done])
    for (file, transcript, hints), name in zip(done, names, strict=True):
        if written is Format.JSON:
            text = to_json([_record(transcript, _shown(file), hints)])
        else:
            text = write(transcript, written, _shown(Path(name)))
        (folder / (name + SUFFIXES[written])).write_text(text, encoding="utf-8")


def _names(files: Sequence[Path]) -> list[str]:
    """Each file's name without its ending; a second `<name>` becomes `<name>-2`."""
    names: list[str] = []
    for file in files:
        numbered = (f"{file.stem}-{n}" for n in itertools.count(2))
        names.append(next(n for n in itertools.chain([file.stem], numbered) if n not in names))
    return names


def _shown(file: Path) -> str:
    """A file's name as text, also where its bytes are not UTF-8."""
    return os.fsencode(file).decode(errors="replace")


def one_line(error: object) -> str:
    """An error as one line of text."""
    return " ".join(str(error).split())


def fail(error: Exception) -> NoReturn:
    """One clear line on stderr and exit code 1."""
    typer.echo(f"error: {one_line(error)}", err=True)
    raise typer.Exit(1)
