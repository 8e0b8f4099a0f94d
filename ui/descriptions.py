"""The descriptions that the Data tab shows: made before, or in the background."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.description import Description, read_summary
from analysis.evaluation import set_name
from ui.background import Pending, Report

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer


def stored(folders: Sequence[Path]) -> list[Pending[Description]]:
    """Descriptions that were made before, not opened yet (raises DescriptionError)."""
    names = [str(read_summary(folder.resolve())["name"]) for folder in folders]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    return [_stored(name, folder) for name, folder in zip(names, folders, strict=True)]


def _stored(name: str, folder: Path) -> Pending[Description]:
    def read(report: Report) -> Description:  # noqa: ARG001 - it opens in one step
        return Description.open(folder)

    return Pending(name, read, quick=True)


def to_be_made(
    manifests: Sequence[Path], model: Pending["Recognizer"], runs: Path
) -> Pending[Description]:
    """One description of manifests, each a split, made when its tab is opened; kept in `runs`.

    Texts are spelt and aligned as the model would; as characters, where it cannot be loaded.
    """
    places = [path.resolve() for path in manifests]
    key = hashlib.sha256("\0".join(map(str, places)).encode()).hexdigest()[:12]

    def make(report: Report) -> Description:
        from analysis.describing import Units, describe
        from analysis.describing_text import units_of
        from analysis.measuring import default_cache

        try:
            units = units_of(model.result())
        except ValueError:  # said where the model is wanted for itself
            units = Units()
        out, cache = runs / f"description-{key}", default_cache()
        return describe(places, out, units=units, cache_path=cache, progress=report)

    return Pending(", ".join(map(set_name, places)), make, on_demand=True)
