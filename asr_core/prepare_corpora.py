"""`python -m asr_core prepare spoken / sentences / synthetic / morse`, and data of one's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from asr_core import prepare_commands
from asr_core.handing_over import fail

app = typer.Typer(
    help="Make the manifests that training and evaluation read.", no_args_is_help=True
)
app.add_typer(prepare_commands.app)  # data of one's own

Out = Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)]
Seed = Annotated[int, typer.Option(min=0, help="Decides every random choice.")]
Source = Annotated[
    Path | None,
    typer.Option("--from", help="Folder with the corpora; without it they are downloaded."),
]


@app.command("spoken")
def prepare_spoken(
    out: Out,
    source: Source = None,
    seed: Seed = 1,
) -> None:
    """Digits and commands, 20 words: Free Spoken Digit, Speech Commands, speechocean762."""
    from asr_core.training.corpora import spoken

    _prepare(spoken.prepare, out, source, seed)


@app.command("sentences")
def prepare_sentences(
    out: Out,
    source: Source = None,
    seed: Seed = 1,
) -> None:
    """English sentences, letter by letter: speechocean762, and words of Speech Commands."""
    from asr_core.training.corpora import sentences

    _prepare(sentences.prepare, out, source, seed)


@app.command("synthetic")
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
        fail(e)


@app.command("morse")
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
        fail(e)


def _prepare(prepare: Callable[..., object], out: Path, source: Path | None, seed: int) -> None:
    """Read corpora where they are, or download them; what goes wrong is one line."""
    from asr_core.manifest import ManifestError
    from asr_core.training.corpora.download import DownloadError

    try:
        prepare(out, source=source, seed=seed)
    except (ManifestError, DownloadError, OSError) as e:
        fail(e)
