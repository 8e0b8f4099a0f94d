"""What a model's recordings were like: percentiles of their measures, in its folder.

Two sets of them. `recordings` are those of the manifest. `training` are what the model was really
trained on: drawn by its recipe, so joined into strings and degraded. The second is what a recording
is compared with, because a model has met what training made for it, not what lay on the disk; a
recipe that augments nothing has two sets alike.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asr_core.checkpoint import CheckpointError, write_json

FORMAT_VERSION = 1
NORMS = "recordings.json"  # in a model folder
PERCENTILES = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100)
LETTERS_PER_S = "letters_per_s"  # of the text, a second of sound: the one measure that needs it
DIGITS = 4  # of a stored number: finer ones would differ between processors


@dataclass(frozen=True)
class Distribution:
    """`n` recordings; the PERCENTILES of each measure, by its name."""

    n: int
    measures: Mapping[str, tuple[float, ...]]

    def percentile(self, measure: str, percent: int) -> float:
        """The value that `percent` of the recordings do not exceed (raises KeyError)."""
        return self.measures[measure][PERCENTILES.index(percent)]

    def share_below(self, measure: str, value: float) -> float:
        """The share of the recordings below a value, between percentiles by interpolation."""
        points = np.asarray(self.measures[measure])
        # Equal percentiles: of those at the value, half are counted as below.
        low, high = np.searchsorted(points, value, "left"), np.searchsorted(points, value, "right")
        if low < high:
            return (PERCENTILES[low] + PERCENTILES[high - 1]) / 200
        return float(np.interp(value, points, PERCENTILES)) / 100


@dataclass(frozen=True)
class Norms:
    """What a model has met; measured at its sample rate.

    Attributes:
        sample_rate: Hz.
        manifest_sha256: the fingerprint of the manifest that it was trained on.
        recordings: of the manifest.
        training: drawn by the recipe, as the model was trained on them.
    """

    sample_rate: int
    manifest_sha256: str
    recordings: Distribution
    training: Distribution


def distribution(records: Sequence[Mapping[str, float]]) -> Distribution:
    """The percentiles of measures; a record may lack some of them."""
    names = list(dict.fromkeys(name for record in records for name in record))
    measures = {}
    for name in names:
        values = [record[name] for record in records if name in record]
        points = np.percentile(values, PERCENTILES)
        measures[name] = tuple(round(float(point), DIGITS) for point in points)
    return Distribution(len(records), measures)


def save_norms(folder: Path, norms: Norms) -> None:
    write_json(folder / NORMS, {"format_version": FORMAT_VERSION} | asdict(norms))


def load_norms(folder: Path) -> Norms | None:
    """The norms of a model folder; None of one that has none (raises CheckpointError)."""
    path = folder / NORMS
    if not path.is_file():
        return None  # older than the doctor
    try:
        return _norms(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as e:
        raise CheckpointError(
            f"Cannot read {path}: {e}. Expected what `python -m asr_core norms MODEL --data DIR`"
            " writes; run it again, or delete the file to do without."
        ) from e


def _norms(record: dict[str, Any]) -> Norms:
    """The inverse of `save_norms` (raises ValueError, KeyError, TypeError, AttributeError)."""
    if record["format_version"] != FORMAT_VERSION:
        raise ValueError(f"got format version {record['format_version']}, not {FORMAT_VERSION}")
    sets = {name: _distribution(record[name]) for name in ("recordings", "training")}
    return Norms(int(record["sample_rate"]), str(record["manifest_sha256"]), **sets)


def _distribution(record: dict[str, Any]) -> Distribution:
    measures = {}
    for name, values in record["measures"].items():
        points = tuple(map(float, values))
        if len(points) != len(PERCENTILES) or list(points) != sorted(points):
            raise ValueError(f"{name} has no {len(PERCENTILES)} percentiles in order")
        measures[name] = points
    return Distribution(int(record["n"]), measures)
