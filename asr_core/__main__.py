"""`python -m asr_core prepare / train / average / verify / export / lm / transcribe / align`."""

import enum
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from asr_core import prepare_commands
from asr_core.decoding import DecodingConfig, build_decoder
from asr_core.decoding_options import with_decoding
from asr_core.writers import OF_MANY, SUFFIXES, Format, record, to_json, write

if TYPE_CHECKING:  # loading them takes as long as the rest of the command line
    from asr_core.doctor import Hint
    from asr_core.text import Alphabet
    from asr_core.transcript import Transcript
    from asr_core.what_if import Change

app = typer.Typer(
    help="Speech in, transcript out: prepare data, train a recogniser, transcribe recordings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
prepare_app = typer.Typer(
    help="Make the manifests that training and evaluation read.", no_args_is_help=True
)
prepare_app.add_typer(prepare_commands.app)  # data of one's own
app.add_typer(prepare_app, name="prepare")

Out = Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)]
Seed = Annotated[int, typer.Option(min=0, help="Decides every random choice.")]
Model = Annotated[
    str, typer.Option(help="A model folder, a bundled model, or hf:NAME_OR_DIR (Hugging Face).")
]
Output = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Write a file a recording here, not to the screen."),
]
Script = Annotated[
    Literal["latin", "cyrillic"], typer.Option(help="Letters that Morse signs are read as.")
]

STOPPED = "stopped before its turn"
STOPPED_CODE = 130  # what a shell says of a program that Ctrl-C ended


class Target(enum.StrEnum):
    """What a model can be exported to."""

    ONNX = "onnx"


@prepare_app.command("spoken")
def prepare_spoken(
    out: Out,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Folder with the corpora; without it they are downloaded."),
    ] = None,
    seed: Seed = 1,
) -> None:
    """Digits and commands, 20 words: Free Spoken Digit, Speech Commands, speechocean762."""
    from asr_core.manifest import ManifestError
    from asr_core.training.corpora import spoken
    from asr_core.training.corpora.download import DownloadError

    try:
        spoken.prepare(out, source=source, seed=seed)
    except (ManifestError, DownloadError, OSError) as e:
        _fail(e)


@prepare_app.command("sentences")
def prepare_sentences(
    out: Out,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Folder with the corpora; without it they are downloaded."),
    ] = None,
    seed: Seed = 1,
) -> None:
    """English sentences, letter by letter: speechocean762, and words of Speech Commands."""
    from asr_core.manifest import ManifestError
    from asr_core.training.corpora import sentences
    from asr_core.training.corpora.download import DownloadError

    try:
        sentences.prepare(out, source=source, seed=seed)
    except (ManifestError, DownloadError, OSError) as e:
        _fail(e)


@prepare_app.command("synthetic")
def prepare_synthetic(
    out: Out,
    n: Annotated[int, typer.Option(min=1, help="Utterances to render.")] = 360,
    seed: Seed = 1,
) -> None:
    """The bundled validation set: the 20 words by Debian's speech synthesisers, degraded."""
    from asr_core.training.corpora import synthetic
    from asr_core.training.voices import SynthesiserError

    try:
        synthetic.prepare(out, n=n, seed=seed)
    except (SynthesiserError, OSError) as e:
        _fail(e)


@prepare_app.command("morse")
def prepare_morse(
    out: Out,
    hours: Annotated[float, typer.Option(min=0.001, help="Hours of training recordings.")] = 20.0,
    seed: Seed = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render.")] = 2,
) -> None:
    """Radio Morse code, keyed and received here: nothing is downloaded."""
    from asr_core.training.corpora import morse

    try:
        morse.prepare(out, hours=hours, seed=seed, workers=workers)
    except OSError as e:
        _fail(e)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A bundled recipe's name, or a YAML file.")],
    data: Annotated[Path, typer.Option(help="Folder with train.jsonl and validation.jsonl.")],
    out: Out,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last epoch.")] = False,
    init: Annotated[
        str | None, typer.Option(help="Begin with the weights of this model: fine-tuning.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    accelerator: Annotated[str, typer.Option(help="Lightning's: auto, cpu, gpu.")] = "auto",
    devices: Annotated[str, typer.Option(help="Lightning's: a number, or auto.")] = "auto",
    strategy: Annotated[str, typer.Option(help="Lightning's: auto, ddp, ...")] = "auto",
    num_nodes: Annotated[int, typer.Option(min=1, help="Machines that train together.")] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="path=value instead of the recipe's, as model.dropout=0.2."),
    ] = None,
) -> None:
    """Train a recogniser; the model folder and its checkpoints go to --out."""
    from asr_core.checkpoint import CheckpointError
    from asr_core.manifest import ManifestError
    from asr_core.training import train as training
    from asr_core.training.recipe import RecipeError, load_recipe

    try:
        own = {"seed": seed, "training.epochs": epochs}
        named = [f"{path}={value}" for path, value in own.items() if value is not None]
        chosen = load_recipe(recipe, [*(settings or []), *named])
        options = {
            "accelerator": accelerator,
            "devices": int(devices) if devices.isdigit() else devices,
            "strategy": strategy,
            "num_nodes": num_nodes,
        }
        training.train(chosen, data, out, resume=resume, init=init, trainer_options=options)
    except RecipeError as e:
        typer.echo(f"error: {e}", err=True)  # a line for every key that does not fit
        raise typer.Exit(1) from e
    except (ManifestError, CheckpointError, OSError) as e:
        _fail(e)


@app.command()
def average(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `train` wrote.")], out: Out
) -> None:
    """One model from several runs: the mean of their weights after the last epoch."""
    from asr_core.checkpoint import CheckpointError
    from asr_core.training.averaging import average_runs
    from asr_core.training.recipe import RecipeError

    try:
        average_runs(runs, out)
    except (RecipeError, CheckpointError, OSError) as e:
        _fail(e)


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="A model folder, or a bundled model.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder with the manifests it was trained on.")
    ] = None,
) -> None:
    """Check a model folder against what was recorded when it was saved; exit code 1 if it fails."""
    from asr_core import verification

    checks = verification.verify(model, data)
    for check in checks:
        typer.echo(f"{check.status:<6}  {check.name:<16} {_one_line(check.detail)}")
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(1)


@app.command()
def norms(
    model: Annotated[str, typer.Argument(help="A model folder, or a bundled model.")],
    data: Annotated[Path, typer.Option(help="Folder with the train.jsonl of its training.")],
) -> None:
    """Store what a model's training recordings were like, for the recording doctor."""
    from asr_core.checkpoint import CheckpointError
    from asr_core.manifest import ManifestError
    from asr_core.norms import NORMS
    from asr_core.training.norms import make_norms
    from asr_core.training.recipe import RecipeError

    try:
        folder = make_norms(model, data)
    except (CheckpointError, ManifestError, RecipeError, OSError) as e:
        _fail(e)
    typer.echo(folder / NORMS)


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="A model folder, or a bundled model.")],
    out: Annotated[Path, typer.Option(help="File to write.", dir_okay=False)],
    to: Annotated[Target, typer.Option(help="The file's format.")] = Target.ONNX,  # noqa: ARG001
    int8: Annotated[
        bool, typer.Option("--int8", help="Quantised: half the size, a little less exact.")
    ] = False,
) -> None:
    """Write a model's network as one file for other programs; features are not in it."""
    from asr_core.checkpoint import CheckpointError
    from asr_core.export import ExportError, export_onnx

    try:
        export_onnx(model, out, int8=int8)
    except (CheckpointError, ExportError) as e:
        _fail(e)


@app.command()
def lm(
    text: Annotated[Path, typer.Argument(help="A text file in UTF-8, an utterance a line.")],
    out: Annotated[Path, typer.Option(help="ARPA file to write.", dir_okay=False)],
    order: Annotated[int, typer.Option(min=1, max=6, help="Words in the longest n-grams.")] = 3,
    model: Annotated[
        str | None, typer.Option(help="Spell words as this model does: Morse's own signs stay.")
    ] = None,
) -> None:
    """Build an n-gram language model of a text, for `--lm`."""
    from asr_core.checkpoint import CheckpointError
    from asr_core.language import LanguageModelError
    from asr_core.ngrams import build_ngrams, read_sentences, write_arpa
    from asr_core.text import normalise

    try:
        spell = normalise if model is None else _alphabet(model).normalise
        ngrams = build_ngrams(read_sentences(text, spell), order)
        write_arpa(ngrams, out)
    except (CheckpointError, LanguageModelError, OSError) as e:
        _fail(e)
    counts = ", ".join(f"{n} of {k}" for k, n in enumerate(ngrams.counts(), start=1))
    typer.echo(f"{out}: n-grams {counts} words")


def _alphabet(model: str) -> "Alphabet":
    """Of a model by its name, as in `Model` (raises CheckpointError)."""
    from asr_core.recognizer import Recognizer

    return Recognizer.load(model).alphabet


@app.command()
@with_decoding
def transcribe(
    decoding: DecodingConfig,
    files: Annotated[list[Path], typer.Argument(help="Recordings of any common format.")],
    model: Model = "spoken",
    output_format: Annotated[
        Format, typer.Option("--format", help="text: a line a file; json: all that is known.")
    ] = Format.TEXT,
    output: Output = None,
    script: Script = "latin",
    doctor: Annotated[
        bool, typer.Option("--doctor", help="Say what is unusual about each recording.")
    ] = False,
    what_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CHANGE[=AMOUNT]", help="Change them before, as noise=5; repeatable."),
    ] = None,
) -> None:
    """Transcribe recordings; one that cannot be read is reported and the others are done.

    Ctrl-C stops it and keeps what is done.
    """
    from asr_core.files import transcribe_changed, transcribe_files
    from asr_core.morse_code import check_script, read_transcript
    from asr_core.recognizer import Recognizer

    try:
        _check_fits_screen(files, output_format, output)
        changes = _changes(what_if or [])
        recognizer = Recognizer.load(model)
        check_script(script, recognizer.alphabet)
        recognizer = recognizer.decoding_with(
            build_decoder(decoding, recognizer.alphabet, recognizer.lexicon_path)
        )
    except ValueError as e:  # CheckpointError and WhatIfError are
        _fail(e)
    results: list[Transcript | str] = [STOPPED] * len(files)
    stopped = False
    paths = [str(file) for file in files]
    try:
        for i, result in (
            transcribe_changed(recognizer, paths, changes)
            if changes
            else transcribe_files(recognizer, paths)
        ):
            if isinstance(result, Exception):
                results[i] = _one_line(result)
                typer.echo(f"error: {results[i]}", err=True)
            else:
                results[i] = read_transcript(result, script)
    except KeyboardInterrupt:
        stopped = True
        typer.echo("stopped: this is what was done until then", err=True)
    findings: list[tuple[Hint, ...] | None] = []
    if doctor:
        from asr_core.doctor_cli import look_at

        findings = look_at(recognizer, paths, results, changes)
    _hand_over(results, files, output_format, output, findings)
    if stopped:
        raise typer.Exit(STOPPED_CODE)
    if any(isinstance(result, str) for result in results):
        raise typer.Exit(1)


def _changes(given: Sequence[str]) -> "list[Change]":
    """`noise=5`, ... (raises WhatIfError)."""
    if not given:
        return []
    from asr_core.what_if import Change

    return [Change.parse(text) for text in given]


@app.command()
def align(
    file: Annotated[Path, typer.Argument(help="A recording of any common format.")],
    text: Annotated[str, typer.Option(help="What is said in it.")],
    model: Model = "spoken",
    output_format: Annotated[
        Format, typer.Option("--format", help="json: words, symbols, log-probability.")
    ] = Format.JSON,
    output: Output = None,
    script: Script = "latin",
) -> None:
    """Where each word of a known text is in a recording."""
    from asr_core.morse_code import check_script, read_transcript, signs_of
    from asr_core.recognizer import Recognizer

    try:
        recognizer = Recognizer.load(model)
        check_script(script, recognizer.alphabet)
        transcript = recognizer.align(str(file), signs_of(text, script))
    except ValueError as e:  # CheckpointError, AudioError and AlignmentError are
        _fail(e)
    _hand_over([read_transcript(transcript, script)], [file], output_format, output)


def _check_fits_screen(files: Sequence[Path], written: Format, output: Path | None) -> None:
    """Refuse several recordings in a format of one where they would run into each other."""
    if output is None and len(files) > 1 and written not in OF_MANY:
        raise ValueError(
            f"The format {written} holds one recording, and {len(files)} are given. Add --output"
            " FOLDER to write a file for each."
        )


def _hand_over(
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
        _fail(e)
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


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _fail(error: Exception) -> NoReturn:
    """One clear line on stderr and exit code 1."""
    typer.echo(f"error: {_one_line(error)}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
