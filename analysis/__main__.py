"""`python -m analysis describe / evaluate / import / report / compare / ...`: see `--help`."""

import os

# Recordings share the cores already: threads of NumPy's BLAS on top only get in their way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # it looks when NumPy is loaded

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from analysis.summary_text import calibration_text, summary_text
from analysis.worker_options import Jobs, OnRay, RayCommand, ShardRows, run_of
from asr_core.decoding import DecodingConfig, DecodingConfigError
from asr_core.decoding_options import with_decoding
from asr_core.handing_over import fail

if TYPE_CHECKING:
    from rich.progress import Progress

    from asr_core.recognizer import Recognizer

app = typer.Typer(
    help="Measure a recogniser on a whole set, and say what its errors are.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

NORMALISER_HELP = "What both texts go through before they are compared."

Model = Annotated[
    str,
    typer.Option(help="A model folder, a bundled model's name, or hf:NAME_OR_DIR (Hugging Face)."),
]

Where = Annotated[str, typer.Option(help='An SQL condition: "snr_db < 5".')]
Search = Annotated[str, typer.Option(help="Text in reference or hypothesis.")]
OnlyErrors = Annotated[bool, typer.Option("--only-errors", help="Leave out the rest.")]


@app.command(cls=RayCommand)
@with_decoding
def evaluate(
    decoding: DecodingConfig,
    model: Model,
    manifest: Annotated[Path, typer.Option(help="JSON lines, CSV or TSV.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="The Evaluation folder to write.")],
    name: Annotated[str | None, typer.Option(help="The set's name; else the manifest's.")] = None,
    normaliser: Annotated[
        Literal["model", "none", "basic", "english"], typer.Option(help=NORMALISER_HELP)
    ] = "model",
    jobs: Jobs = None,
    ray: OnRay = None,
    shard_rows: ShardRows = None,
) -> None:
    """Transcribe and score a manifest; write an Evaluation folder and print its summary."""
    from analysis.evaluating import evaluate as evaluate_set
    from analysis.evaluation import EvaluationError
    from asr_core.checkpoint import CheckpointError
    from asr_core.language import LanguageModelError
    from asr_core.lexicon import LexiconError
    from asr_core.manifest import ManifestError
    from asr_core.recognizer import Recognizer

    try:
        recognizer = Recognizer.load(model)
        with _progress_bar() as bar:
            task = bar.add_task("Recognising", total=None)
            result = evaluate_set(
                recognizer,
                manifest,
                out,
                name=name,
                decoding=decoding,
                normaliser=normaliser,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
                shard_rows=shard_rows,
                run=run_of(model, jobs, ray),
            )
    except (ManifestError, CheckpointError, EvaluationError) as e:
        fail(e)
    except (DecodingConfigError, LexiconError, LanguageModelError) as e:
        fail(e)
    typer.echo(summary_text(result.summary))
    typer.echo(f"written to        {result.folder}")


@app.command("describe")
def describe_command(
    manifests: Annotated[list[Path], typer.Argument(help="JSON lines, CSV or TSV; each a split.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="The Description folder to write.")],
    name: Annotated[str | None, typer.Option(help="Of the whole; else the folder's.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Spell and align texts as this model would.")
    ] = None,
    sound: Annotated[
        bool, typer.Option(help="Read the recordings, not the manifests only.")
    ] = True,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit with code 2 if a check finds an error, and say which: for CI, so that no"
            " broken data is merged.",
        ),
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; else all cores.")] = None,
    cache: Annotated[bool, typer.Option(help="Keep what was measured, by files' content.")] = True,
) -> None:
    """Measure and check the recordings and texts of manifests; write a Description folder."""
    from analysis.describing import Units, describe
    from analysis.describing_text import lines, units_of
    from analysis.description import DescriptionError
    from analysis.measuring import default_cache
    from asr_core.manifest import ManifestError

    units = Units() if model is None else units_of(_loaded(model))
    try:
        with _progress_bar() as bar:
            task = bar.add_task("Measuring", total=None)
            done = describe(
                manifests,
                out,
                name=name,
                units=units,
                sound=sound,
                cache_path=default_cache() if cache else None,
                workers=workers,
                progress=lambda n, total: bar.update(task, completed=n, total=total),
            )
    except (ManifestError, DescriptionError) as e:
        fail(e)
    for line in lines(done):
        typer.echo(line)
    errors = [finding.check for finding in done.findings if finding.verdict == "error"]
    if strict and errors:
        typer.echo(f"error: checks failed: {', '.join(errors)}", err=True)
        raise typer.Exit(2)


@app.command("import")
def import_command(
    out: Annotated[Path, typer.Option(file_okay=False, help="The Evaluation folder to write.")],
    name: Annotated[str, typer.Option(help="The system's name.")],
    predictions: Annotated[
        Path | None, typer.Argument(help="JSON lines, CSV or TSV with text and pred_text.")
    ] = None,
    ref: Annotated[
        Path | None, typer.Option(help="Instead: references, as trn, stm or a manifest; with --hyp")
    ] = None,
    hyp: Annotated[Path | None, typer.Option(help="Hypotheses, as trn or ctm.")] = None,
    set_name: Annotated[
        str | None, typer.Option("--set", help="The set's name; else the references' file's.")
    ] = None,
    normaliser: Annotated[
        Literal["none", "basic", "english"], typer.Option(help=NORMALISER_HELP)
    ] = "basic",
    model: Annotated[
        str | None, typer.Option(help="Our model for causes and times, where there is sound.")
    ] = None,
) -> None:
    """Score another system's predictions; write an Evaluation folder and print its summary."""
    from analysis.evaluation import EvaluationError
    from analysis.imports import import_predictions
    from analysis.predictions import read_predictions
    from asr_core.manifest import ManifestError

    try:
        recognizer = None if model is None else _loaded(model)
        found = read_predictions(predictions, references=ref, hypotheses=hyp)
        with _progress_bar() as bar:
            task = bar.add_task("Scoring", total=None)
            result = import_predictions(
                found,
                out,
                name=name,
                set_named=set_name,
                normaliser=normaliser,
                recognizer=recognizer,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except (ManifestError, EvaluationError) as e:
        fail(e)
    typer.echo(summary_text(result.summary))
    typer.echo(f"written to        {result.folder}")


@app.command("export")
def export_command(
    evaluation: Annotated[Path, typer.Argument(help="An Evaluation folder.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The file to write.")],
    written: Annotated[
        Literal["csv", "parquet", "jsonl", "trn", "ctm"], typer.Option("--format")
    ] = "csv",
    where: Where = "",
    search: Search = "",
    only_errors: OnlyErrors = False,
    sort: Annotated[str, typer.Option(help="A column; else the manifest's order.")] = "position",
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
) -> None:
    """Write the utterances that a condition lets through to a file, for other programs."""
    from analysis.evaluation import Evaluation, EvaluationError
    from analysis.exports import ExportFormat, export
    from analysis.notes import NoteError
    from analysis.store import Filter, FilterError

    wanted = Filter(where=where, search=search, only_errors=only_errors)
    try:
        opened = Evaluation.open(evaluation)
        kind = ExportFormat(written)
        n = export(opened, out, kind, wanted, sort=sort, ascending=not descending)
    except (EvaluationError, FilterError, NoteError) as e:
        fail(e)
    typer.echo(f"{n} utterances written to {out}")


@app.command()
def report(
    evaluation: Annotated[Path, typer.Argument(help="An Evaluation folder.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The HTML file to write.")],
    model: Annotated[
        str | None,
        typer.Option(help="What places words in the sound; else the bundled one that made it."),
    ] = None,
    utterances: Annotated[int, typer.Option(min=0, max=50, help="To show and play.")] = 10,
    where: Where = "",
    search: Search = "",
    only_errors: OnlyErrors = False,
) -> None:
    """Write a page to open anywhere: rates, causes, and the most telling utterances to hear."""
    from analysis.evaluation import Evaluation, EvaluationError
    from analysis.notes import NoteError
    from analysis.report import model_for, write_report
    from analysis.store import Filter, FilterError
    from asr_core.checkpoint import CheckpointError

    wanted = Filter(where=where, search=search, only_errors=only_errors)
    try:
        opened = Evaluation.open(evaluation)
        recognizer = model_for(opened, model)
        done = write_report(opened, out, wanted, recognizer=recognizer, n_telling=utterances)
    except (EvaluationError, FilterError, NoteError, CheckpointError) as e:
        fail(e)
    for said in done.left_out:
        typer.echo(said, err=True)
    typer.echo(
        f"{done.path}: {done.n_bytes / 1e6:.2f} MB, {done.n_utterances} utterances,"
        f" {done.n_playable} to hear"
    )


@app.command()
def card(
    model: Model,
    evaluations: Annotated[list[Path], typer.Argument(help="Evaluation folders of the model.")],
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SET:FIELD[,FIELD]",
            help="Show a set by its fields' values too; an option a set.",
        ),
    ] = None,
) -> None:
    """Write a model folder's metrics.json and, from it, its model card README.md."""
    from analysis.card import write_card
    from analysis.evaluation import Evaluation, EvaluationError
    from asr_core.checkpoint import CheckpointError

    try:
        path = write_card(model, [Evaluation.open(folder) for folder in evaluations], _by(by or []))
    except (CheckpointError, EvaluationError, OSError) as e:
        fail(e)
    typer.echo(path)


@app.command()
def calibrate(
    model: Model,
    manifest: Annotated[Path, typer.Option(help="Validation data: not what it is tested on.")],
    write: Annotated[
        bool, typer.Option("--write", help="Store the result in the model folder.")
    ] = False,
) -> None:
    """Fit what a model's word confidences are made of; print how good they are before and after."""
    from analysis import calibration
    from asr_core.checkpoint import CheckpointError, find_model
    from asr_core.manifest import ManifestError
    from asr_core.recognizer import Recognizer

    try:
        if write:
            find_model(model)  # before the work: what is not ours has nowhere to store it
        words = calibration.judged_words(Recognizer.load(model), manifest)
        found = calibration.calibrate(words)
        typer.echo(calibration_text(found))
        if write:
            calibration.store(find_model(model), found, manifest)
            typer.echo(f"written to        {find_model(model)}")
    except (ManifestError, CheckpointError, calibration.CalibrationError, OSError) as e:
        fail(e)


@app.command()
def compare(
    evaluations: Annotated[
        list[Path], typer.Argument(help="Evaluation folders; the others against the first.")
    ],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers here.")
    ] = None,
) -> None:
    """Say which of several systems is better on the same utterances, and whether that is sure."""
    from analysis.compare import all_with_first
    from analysis.compare_text import describe as describe_comparison
    from analysis.evaluation import Evaluation, EvaluationError
    from analysis.pairing import CompareError

    try:
        rows, comparisons = all_with_first([Evaluation.open(folder) for folder in evaluations])
        if json_file is not None:
            from asr_core.checkpoint import write_json  # reads torch, which nothing else here needs

            found = [each.to_dict() for each in comparisons]
            write_json(json_file, {"table": rows.to_dict(), "comparisons": found})
    except (EvaluationError, CompareError, OSError) as e:
        fail(e)
    typer.echo(describe_comparison(rows, comparisons))


@app.command()
def robustness(
    model: Model,
    manifest: Annotated[Path, typer.Option(help="JSON lines, CSV or TSV.")],
    out: Annotated[
        Path, typer.Option(file_okay=False, help="A folder, or the evaluation to join.")
    ],
    sets: Annotated[str, typer.Option(help="What to change.")] = "snr,speed,level,band",
    sample: Annotated[int | None, typer.Option(min=1, help="Utterances; else all.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw, and of noise.")] = 0,
) -> None:
    """WER under noise, other speeds, low level and narrow bands; write robustness.json."""
    from analysis import robustness as robust
    from analysis.evaluation import EvaluationError
    from asr_core.manifest import ManifestError

    try:
        with _progress_bar() as bar:
            task = bar.add_task("Recognising", total=None)
            found = robust.measure(
                _loaded(model),
                manifest,
                axes=[name.strip() for name in sets.split(",")],
                sample=sample,
                seed=seed,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        path = robust.write(found, out)
    except (ManifestError, EvaluationError, robust.RobustnessError) as e:
        fail(e)
    typer.echo(robust.describe(found))
    typer.echo(f"written to        {path}")


def _by(options: list[str]) -> dict[str, list[str]]:
    """`SET:FIELD,FIELD` -> set -> fields."""
    parsed = {}
    for option in options:
        name, colon, fields = option.rpartition(":")
        if not (name and colon and fields):
            raise typer.BadParameter(
                f"got {option!r}; expected a set, a colon and its fields: test_snr:snr_db"
            )
        if name in parsed:
            raise typer.BadParameter(f"got {name} twice; expected all its fields at once")
        parsed[name] = fields.split(",")
    return parsed


def _loaded(model: str) -> "Recognizer":
    from asr_core.checkpoint import CheckpointError
    from asr_core.recognizer import Recognizer

    try:
        return Recognizer.load(model)
    except CheckpointError as e:
        fail(e)


def _progress_bar() -> "Progress":
    """On stderr, so that stdout holds the summary alone."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining()
    return Progress(*columns, console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    app()
