"""The descriptions that the Data tab shows: made before, or in the background."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from analysis.description import Description
from analysis.evaluation import set_name
from ui.background import Pending, Report


def stored(folders: Sequence[Path]) -> list[Pending[Description]]:
    """Descriptions that were made before (raises DescriptionError)."""
    opened = [Description.open(folder) for folder in folders]
    names = [each.name for each in opened]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in folders]
    return [Pending.of(name, each) for name, each in zip(names, opened, strict=True)]


def to_be_made(manifests: Sequence[Path], runs: Path) -> Pending[Description]:
    """One description of manifests, each a split, made when its tab is opened; kept in `runs`."""
    places = [path.resolve() for path in manifests]
    key = hashlib.sha256("\0".join(map(str, places)).encode()).hexdigest()[:12]

    def make(report: Report) -> Description:
        from analysis.describing import describe
        from analysis.measuring import default_cache

        out = runs / f"description-{key}"
        return describe(places, out, cache_path=default_cache(), progress=report)

    return Pending(", ".join(map(set_name, places)), make, on_demand=True)
