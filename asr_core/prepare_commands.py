"""`python -m asr_core prepare folder / csv / kaldi / commonvoice / librispeech / manifest / hf`.

The command line loads this at every start: what does the work is imported when it is called.
"""

import functools
import inspect
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from asr_core.training.corpora.clips import Skipped
    from asr_core.training.layouts.found import Found, Reject
    from asr_core.training.own_data import Preparation, Prepared

Layout = tuple["Iterable[Found | Reject]", Path]  # the recordings, and where they are from

N_REASONS = 3  # kinds of reasons that are printed
REASON_LENGTH = 80  # characters of each

app = typer.Typer()
OPTIONS: dict[str, tuple[Any, Any]] = {  # of every layout: by their names in Preparation
    "out": (
        Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
        inspect.Parameter.empty,
    ),
    "normalise": (
        Annotated[
            Literal["none", "basic"],
            typer.Option(help="basic: lower case, no punctuation; text_raw keeps what it was."),
        ],
        "basic",
    ),
    "validation": (
        Annotated[
            float,
            typer.Option(min=0, max=0.5, help="Share of recordings, if the data has no such part."),
        ],
        0.1,
    ),
    "test": (Annotated[float, typer.Option(min=0, max=0.5, help="The same for the test.")], 0.1),
    "seed": (Annotated[int, typer.Option(min=0, help="Decides every random choice.")], 1),
}
AudioColumn = Annotated[str | None, typer.Option(help="Column of the recordings.")]
TextColumn = Annotated[str | None, typer.Option(help="Column of the texts.")]
SpeakerColumn = Annotated[str | None, typer.Option(help="Column of the speakers.")]
AudioRoot = Annotated[
    Path | None, typer.Option(help="Folder that the recordings' paths are relative to.")
]


def _layout(read: Callable[..., Layout]) -> Callable[..., None]:
    """The command of a layout: its own options, those of all, and everything after reading."""

    @functools.wraps(read)
    def command(**given: Any) -> None:
        from asr_core.manifest import ManifestError
        from asr_core.training.own_data import Preparation, prepare

        chosen = Preparation(**{name: given.pop(name) for name in OPTIONS})
        try:
            found, source = read(chosen, **given)
            prepared = prepare(found, source, chosen)
        except (ManifestError, OSError) as e:
            typer.echo(f"error: {' '.join(str(e).split())}", err=True)
            raise typer.Exit(1) from e
        for line in summary(prepared, chosen.out):
            typer.echo(line)

    own = [p for name, p in inspect.signature(read).parameters.items() if name != "chosen"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=asked)
        for name, (asked, default) in OPTIONS.items()
    ]
    # Typer reads both, and evaluates annotations that are text.
    command.__annotations__ = {p.name: p.annotation for p in (*own, *shared)}
    command.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return command


@app.command("folder")
@_layout
def folder(
    chosen: "Preparation",  # noqa: ARG001
    folder: Annotated[Path, typer.Argument(help="Recordings, in sub-folders or not.")],
    text_from: Annotated[
        Literal["file", "folder"],
        typer.Option(help="file: a .txt beside each, or a list; folder: the name of its folder."),
    ] = "file",
    speaker_pattern: Annotated[
        str | None,
        typer.Option(help="Regular expression; its group in a recording's path is the speaker."),
    ] = None,
) -> Layout:
    """A folder of recordings with their texts; sub-folders are speakers, splits or words."""
    from asr_core.training.layouts.folder import read_folder

    return read_folder(folder, text_from=text_from, speaker_pattern=speaker_pattern), folder


@app.command("csv")
@_layout
def table(
    chosen: "Preparation",  # noqa: ARG001
    file: Annotated[Path, typer.Argument(help="A table with a header: .csv or .tsv.")],
    audio_column: AudioColumn = None,
    text_column: TextColumn = None,
    speaker_column: SpeakerColumn = None,
    audio_root: AudioRoot = None,
) -> Layout:
    """A table with a column of paths and one of texts; the others become fields."""
    from asr_core.training.layouts.tables import read_csv

    rows = read_csv(
        file,
        audio_column=audio_column,
        text_column=text_column,
        speaker_column=speaker_column,
        audio_root=audio_root,
    )
    return rows, audio_root or file.parent


@app.command("kaldi")
@_layout
def kaldi(
    chosen: "Preparation",  # noqa: ARG001
    folder: Annotated[Path, typer.Argument(help="With wav.scp and text, or folders that have.")],
    audio_root: AudioRoot = None,
) -> Layout:
    """A Kaldi data folder; segments are cut out, commands in wav.scp are never run."""
    from asr_core.training.layouts.kaldi import read_kaldi

    return read_kaldi(folder, audio_root=audio_root), audio_root or folder


@app.command("commonvoice")
@_layout
def common_voice(
    chosen: "Preparation",  # noqa: ARG001
    source: Annotated[Path, typer.Argument(help="A language's folder, or one of its .tsv files.")],
) -> Layout:
    """Mozilla Common Voice: train.tsv, dev.tsv and test.tsv, or validated.tsv."""
    from asr_core.training.layouts.tables import read_common_voice

    return read_common_voice(source), source if source.is_dir() else source.parent


@app.command("librispeech")
@_layout
def librispeech(
    chosen: "Preparation",  # noqa: ARG001
    folder: Annotated[Path, typer.Argument(help="LibriSpeech, or a corpus in its layout.")],
) -> Layout:
    """LibriSpeech and others in its layout: SUBSET/SPEAKER/CHAPTER with *.trans.txt."""
    from asr_core.training.layouts.librispeech import read_librispeech

    return read_librispeech(folder), folder


@app.command("manifest")
@_layout
def manifest(
    chosen: "Preparation",
    files: Annotated[list[Path], typer.Argument(help="NeMo manifests; names tell their splits.")],
) -> Layout:
    """NeMo manifests of others: checked, offsets cut out, texts normalised."""
    from asr_core.manifest import ManifestError
    from asr_core.training.layouts.manifests import read_manifests

    for file in files:
        if file.resolve().parent == chosen.out.resolve():
            raise ManifestError(f"{file} lies in {chosen.out}, where it could be written over.")
    return read_manifests(files), files[0].parent


@app.command("hf")
@_layout
def hub(
    chosen: "Preparation",
    name: Annotated[str, typer.Argument(help="A dataset on the hub, or a folder.")],
    config: Annotated[str | None, typer.Option(help="Its configuration: a language, say.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only these splits.")] = None,
    audio_column: AudioColumn = None,
    text_column: TextColumn = None,
    speaker_column: SpeakerColumn = None,
) -> Layout:
    """A dataset of Hugging Face; needs the package `datasets` (requirements-hf.txt)."""
    from asr_core.training.layouts.hub import read_hub

    rows = read_hub(
        name,
        chosen.clips,
        config=config,
        splits=split or (),
        audio_column=audio_column,
        text_column=text_column,
        speaker_column=speaker_column,
    )
    return rows, chosen.out


def summary(prepared: "Prepared", out: Path) -> Iterator[str]:
    """What was made, and the commands that go on with it, a line each."""
    for name, clips in prepared.splits.items():
        hours = sum(clip.duration_s for clip in clips) / 3600
        speakers = len({clip.speaker for clip in clips} - {""})
        told = f", {speakers} speakers" if speakers else ""
        yield f"{name:<10} {len(clips):>7} recordings, {hours:.3f} h{told}"
    yield prepared.how_split
    if not prepared.splits["validation"]:
        yield "No recordings for validation, and `train` needs some: see --validation."
    if prepared.skipped:
        kinds = Counter(map(_kind, prepared.skipped))
        told = "; ".join(f"{n} of: {reason}" for reason, n in kinds.most_common(N_REASONS))
        yield f"left out   {len(prepared.skipped):>7} recordings: {told}"
    recipe, schedule = prepared.recipe, prepared.recipe.schedule
    yield f"Recipe: {recipe.symbols.reason}; {recipe.sample_rate} Hz; {schedule.epochs} epochs."
    if recipe.symbols.left_out:
        yield (
            f"Not in its alphabet, too rare: {' '.join(recipe.symbols.left_out)}"
            f" ({recipe.symbols.n_lost} recordings are skipped for it)."
        )
    yield from ("", "Next:", *next_commands(prepared, out))


def _kind(skipped: "Skipped") -> str:
    """The reason without the one recording's name, cut short."""
    location = skipped["audio_filepath"]
    reason = skipped["reason"].replace(location, "...").replace(Path(location).stem, "...")
    return reason if len(reason) <= REASON_LENGTH else f"{reason[:REASON_LENGTH]} ..."


def next_commands(prepared: "Prepared", out: Path) -> list[str]:
    """To look at what was prepared, to train, evaluate and browse."""
    name = out.resolve().name
    run, evaluation, description = (
        shlex.quote(f"runs/{front}{name}") for front in ("", "eval-", "describe-")
    )
    data, recipe = shlex.quote(str(out)), shlex.quote(str(out / "recipe.yaml"))
    there = [split for split, clips in prepared.splits.items() if clips]
    manifests = [shlex.quote(str(out / f"{split}.jsonl")) for split in there]
    last = manifests[-1]  # of the test, where there is one
    return [
        f"  python -m analysis describe {' '.join(manifests)} --out {description}",
        f"  python -m asr_core train {recipe} --data {data} --out {run}",
        f"  python -m analysis evaluate --model {run} --manifest {last} --out {evaluation}",
        f"  python app.py --model {run} --evaluation {evaluation}",
    ]
