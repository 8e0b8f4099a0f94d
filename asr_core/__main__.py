"""`python -m asr_core prepare / train / average / verify / export / lm / transcribe / align`."""

import enum
import os

# Recordings share the cores already: threads of NumPy's BLAS on top only get in their way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # it looks when NumPy is loaded

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from asr_core import prepare_corpora
from asr_core.decoding import DecodingConfig, build_decoder
from asr_core.decoding_options import with_decoding
from asr_core.handing_over import check_fits_screen, fail, hand_over, one_line
from asr_core.quick_imports import uncollected
from asr_core.writers import Format

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
app.add_typer(prepare_corpora.app, name="prepare")

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
    cache_gb: Annotated[
        float, typer.Option(min=0, help="GB of decoded audio kept for the next run; 0: none.")
    ] = 10.0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="path=value instead of the recipe's, as model.dropout=0.2."),
    ] = None,
) -> None:
    """Train a recogniser; the model folder and its checkpoints go to --out."""
    from asr_core.checkpoint import CheckpointError
    from asr_core.manifest import ManifestError
    from asr_core.training import process
    from asr_core.training import train as training
    from asr_core.training.recipe import RecipeError, load_recipe
    from asr_core.training.sounds import SoundCache, default_folder

    sounds = SoundCache(default_folder(), cache_gb) if cache_gb else None
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
        process.settle(chosen.training.workers)
        training.train(
            chosen, data, out, resume=resume, init=init, sounds=sounds, trainer_options=options
        )
    except RecipeError as e:
        typer.echo(f"error: {e}", err=True)  # a line for every key that does not fit
        raise typer.Exit(1) from e
    except (ManifestError, CheckpointError, OSError) as e:
        fail(e)


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
        fail(e)


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
        typer.echo(f"{check.status:<6}  {check.name:<16} {one_line(check.detail)}")
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
        fail(e)
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
        fail(e)


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
        fail(e)
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
    with uncollected():
        from asr_core.files import transcribe_changed, transcribe_files
        from asr_core.morse_code import check_script, read_transcript
        from asr_core.recognizer import Recognizer

    try:
        check_fits_screen(files, output_format, output)
        changes = _changes(what_if or [])
        recognizer = Recognizer.load(model)
        check_script(script, recognizer.alphabet)
        recognizer = recognizer.decoding_with(
            build_decoder(decoding, recognizer.alphabet, recognizer.lexicon_path)
        )
    except ValueError as e:  # CheckpointError and WhatIfError are
        fail(e)
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
                results[i] = one_line(result)
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
    hand_over(results, files, output_format, output, findings)
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
    with uncollected():
        from asr_core.morse_code import check_script, read_transcript, signs_of
        from asr_core.recognizer import Recognizer

    try:
        recognizer = Recognizer.load(model)
        check_script(script, recognizer.alphabet)
        transcript = recognizer.align(str(file), signs_of(text, script))
    except ValueError as e:  # CheckpointError, AudioError and AlignmentError are
        fail(e)
    hand_over([read_transcript(transcript, script)], [file], output_format, output)


if __name__ == "__main__":
    app()
