"""The switches of decoding, the same on every command that decodes."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from asr_core.decoding import DecodingConfig, DecodingConfigError, parse_hotwords

SWITCHES: dict[str, Any] = {  # by the name of their value in DecodingConfig
    "decoder": Annotated[
        str | None, typer.Option(help="greedy, the quickest; or beam: beam search, n-best.")
    ],
    "beam": Annotated[int | None, typer.Option(help="Readings kept a frame. 20 if not given.")],
    "n_best": Annotated[
        int | None, typer.Option(help="Readings listed in JSON at most. 1 if not given.")
    ],
    "lexicon": Annotated[
        str | None,
        typer.Option(help="The only words allowed: a file, a word a line; model: its own."),
    ],
    "lm": Annotated[
        str | None, typer.Option(help="Language model: ARPA, as `lm` writes, or KenLM's binary.")
    ],
    "lm_weight": Annotated[float | None, typer.Option(help="Of its log P. 0.5 if not given.")],
    "word_bonus": Annotated[float | None, typer.Option(help="Added a word, in log units.")],
    "hotword": Annotated[
        list[str] | None,
        typer.Option(metavar="WORD=BOOST", help="Likelier by BOOST log units; may be repeated."),
    ],
}


def with_decoding(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the switches, and their values in its one parameter `decoding`.

    Typer takes a command's options from its signature and has no groups of options, so the
    signature that it sees is the command's with `decoding` replaced by the switches.
    """

    @functools.wraps(command)
    def with_switches(**options: Any) -> None:
        values = {name: options.pop(name) for name in SWITCHES}
        try:
            values["hotwords"] = parse_hotwords(values.pop("hotword") or []) or None
            decoding = DecodingConfig.checked(**values)
        except DecodingConfigError as e:
            typer.echo(f"error: {e}", err=True)
            raise typer.Exit(1) from e
        command(decoding=decoding, **options)

    signature = inspect.signature(command)
    own = [p for name, p in signature.parameters.items() if name != "decoding"]
    switches = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in SWITCHES.items()
    ]
    kept = {name: a for name, a in command.__annotations__.items() if name != "decoding"}
    with_switches.__annotations__ = kept | SWITCHES
    with_switches.__signature__ = signature.replace(parameters=[*own, *switches])  # type: ignore[attr-defined]
    return with_switches
