"""What a model folder or a training run's folder says, also while it is being written."""

import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from ui import model_strings as strings

if TYPE_CHECKING:
    from asr_core.checkpoint import Contract
    from asr_core.recognizer import Recognizer
    from ui.background import Pending

TABLE = "training.csv"
SAMPLES = "samples.txt"  # what the last validation heard
WATCHED = (TABLE, "config.json", "metrics.json", SAMPLES)

RECENT_EPOCHS = 5  # their median is what an epoch takes now
STALLED_EPOCHS = 5.0  # a run that writes nothing for so many epochs is not running
STALLED_S = 600.0  # nor does one that writes nothing for so long
LONGEST_SAMPLES = 4000  # characters


@dataclass(frozen=True)
class Training:
    """A folder with a model, or in which one is being trained."""

    name: str
    folder: Path
    live: bool = False  # asked for as a run: it may be under way
    foreign: "Pending[Recognizer] | None" = None  # not trained here; then the folder has no record


@dataclass(frozen=True)
class Record:
    """The files of a folder, read; what is missing is empty, what is damaged a problem."""

    contract: "Contract | None"
    metrics: dict[str, Any]
    card: str  # Markdown
    samples: str
    weights_bytes: int | None
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    state: Literal["waiting", "running", "stalled", "finished"]
    done: int = 0  # epochs
    total: int | None = None  # epochs; None while unknown
    epoch_s: float | None = None
    left_s: float | None = None
    wer: float | None = None  # share, of the last epoch
    best_wer: float | None = None
    best_epoch: int | None = None
    age_s: float = 0.0  # since the last epoch was written


def read_record(folder: Path) -> Record:
    """Read a folder; nothing in it can make this fail."""
    problems: list[str] = []
    weights = folder / "model.safetensors"
    return Record(
        contract=_contract(folder / "config.json", problems),
        metrics=_json_object(folder / "metrics.json", problems),
        card=_text(folder / "README.md"),
        samples=_text(folder / SAMPLES)[-LONGEST_SAMPLES:],
        weights_bytes=weights.stat().st_size if weights.is_file() else None,
        problems=tuple(problems),
    )


def read_table(path: Path) -> "pd.DataFrame | None":
    """A `training.csv` as numbers, a row an epoch; None where no epoch can be read.

    A last line without its end is still being written and is left out; of an epoch that is there
    twice (a run that was killed and resumed) the later row counts.
    """
    whole, _, _ = _text(path).rpartition("\n")
    try:
        table = pd.read_csv(io.StringIO(whole), on_bad_lines="skip", index_col=False)
    except ValueError:  # nothing in it, or no table
        return None
    if "epoch" not in table.columns:
        return None
    table = table.apply(pd.to_numeric, errors="coerce")
    table = table[table["epoch"].between(0, 1e9)]
    table = table.drop_duplicates("epoch", keep="last").sort_values("epoch", ignore_index=True)
    return None if table.empty else table


def read_tables(trainings: Iterable[Training], chosen: Training) -> "dict[str, pd.DataFrame]":
    """The tables to lay over each other: the chosen one, its other seeds, all runs."""
    paths = {chosen.name: chosen.folder / TABLE}
    for path in sorted((chosen.folder / "seeds").glob("*.csv")):
        paths[strings.SEED_NAME.format(name=chosen.name, seed=path.stem)] = path
    paths |= {each.name: each.folder / TABLE for each in trainings if each.live}
    tables = {name: read_table(path) for name, path in paths.items()}
    return {name: table for name, table in tables.items() if table is not None}


def stamp(trainings: Iterable[Training], chosen: Training) -> tuple[Any, ...]:
    """Changes when a file changes that the page shows."""
    folders = [chosen.folder, *(each.folder for each in trainings if each.live)]
    return (chosen.name, *(_stamp(folder / name) for folder in folders for name in WATCHED))


def progress(table: "pd.DataFrame | None", record: Record, age_s: float) -> Progress:
    """How far a run is.

    Args:
        table: its `training.csv`, or None before the first epoch is done.
        record: its folder.
        age_s: seconds since the table was written.
    """
    training = _training_of(record.contract)
    total = _count(training.get("epochs"))
    if table is None:
        return Progress("waiting", total=total)
    done = int(table["epoch"].iloc[-1]) + 1
    wer = _column(table, "val_wer")
    best = int(wer.idxmin()) if wer.notna().any() else None
    patience = _count(training.get("patience"))
    since_best = 0 if best is None else len(table) - 1 - best
    seconds = _column(table, "seconds").dropna().tail(RECENT_EPOCHS)
    epoch_s = float(seconds.median()) if len(seconds) else None
    finished = (total is not None and done >= total) or (
        patience is not None and since_best >= patience
    )
    stalled = age_s > max(STALLED_S, STALLED_EPOCHS * (epoch_s or 0.0))
    left = None if total is None or epoch_s is None else max(0.0, (total - done) * epoch_s - age_s)
    return Progress(
        state="finished" if finished else "stalled" if stalled else "running",
        done=done,
        total=total,
        epoch_s=epoch_s,
        left_s=left,
        wer=_number(wer.iloc[-1]),
        best_wer=None if best is None else float(wer[best]),
        best_epoch=None if best is None else int(table["epoch"][best]),
        age_s=age_s,
    )


def _training_of(contract: "Contract | None") -> dict[str, Any]:
    """A recipe's `training` section; whatever is in its place counts as nothing."""
    value: Any = contract.provenance if contract is not None else {}
    for key in ("recipe", "training"):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _column(table: "pd.DataFrame", name: str) -> "pd.Series[Any]":
    """A column without infinities; all null where there is none."""
    if name not in table.columns:
        return pd.Series(math.nan, index=table.index)
    return table[name].where(table[name].abs() != math.inf)


def _contract(path: Path, problems: list[str]) -> "Contract | None":
    from pydantic import ValidationError

    from asr_core.checkpoint import Contract

    value = _json_object(path, problems)
    if not value:
        return None
    try:
        return Contract.model_validate(value)
    except ValidationError as e:
        problems.append(strings.BAD_CONFIG.format(file=path.name, why=str(e)))
        return None


def _json_object(path: Path, problems: list[str]) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as e:
        problems.append(strings.BAD_JSON.format(file=path.name, why=str(e)))
        return {}
    if not isinstance(value, dict):
        problems.append(strings.BAD_JSON.format(file=path.name, why=type(value).__name__))
        return {}
    return value


def _text(path: Path) -> str:
    """A file's text; none where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
