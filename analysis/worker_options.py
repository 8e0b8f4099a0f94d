"""The switches that say who does the work of `python -m analysis evaluate`."""

import itertools
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from analysis.shard_workers import Run

Jobs = Annotated[
    int | None, typer.Option(min=1, help="Processes. 1 if not given; on Ray, all processors.")
]
OnRay = Annotated[
    str | None,
    typer.Option(metavar="[ADDRESS]", help="On Ray: of this machine alone, auto, or HOST:PORT."),
]
ShardRows = Annotated[
    int | None, typer.Option(min=1, help="Rows done at a time and then kept. 512 if not given.")
]


class RayCommand(TyperCommand):
    """A command whose `--ray` needs no address, which Typer's options cannot say."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Without one, it is "local"."""
        full = []
        for arg, following in itertools.zip_longest(args, args[1:], fillvalue="-"):
            bare = arg == "--ray" and following.startswith("-")
            full += [arg, "local"] if bare else [arg]
        return super().parse_args(ctx, full)


def run_of(model: str, jobs: int | None, address: str | None) -> "Run | None":
    """Who does the work (see `evaluate`); raises RayMissingError."""
    if address is not None:
        from analysis.ray_workers import on_ray

        return on_ray(model, address, jobs)
    if jobs is None or jobs == 1:
        return None
    from analysis.shard_workers import in_processes

    return in_processes(model, jobs)
