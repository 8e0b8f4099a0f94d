"""An Evaluation: what a model heard in a whole set, as a folder that every view reads.

`utterances.parquet` has a row an utterance, `errors.parquet` a row an edit that is not a hit,
`summary.json` the rates of the set, `skipped.jsonl` the manifest rows left out, with reasons.
"""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.conditions import at_positions, identifier
from analysis.notes import Note, read_notes, write_note
from analysis.scoring import Score, score, total
from analysis.store import Filter, FilterError, Store
from analysis.summary import rates
from analysis.tables import DUCKDB_TYPES, ERROR_COLUMNS, UTTERANCE_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
UTTERANCES, ERRORS, SUMMARY, SKIPPED = WRITTEN = (
    "utterances.parquet",
    "errors.parquet",
    "summary.json",
    "skipped.jsonl",
)
NOTES = ("notes.sqlite", "notes.sqlite-journal")  # the latter where a program died while it wrote
PARQUET = b"PAR1"  # what such a file begins and ends with
AGAIN = "Run `python -m analysis evaluate` again."
ROBUSTNESS = "robustness.json"  # of the same model and manifest; a new evaluation leaves it out
FILES = (*WRITTEN, *NOTES, ROBUSTNESS)
REQUIRED = {  # other columns are null in folders of older programs
    "utterances": (
        *("utterance_id", "audio_filepath", "text", "pred_text", "hits", "substitutions"),
        *("deletions", "insertions", "errors", "n_reference", "char_errors", "n_char"),
    ),
    "errors": ("utterance_id", "op", "reference", "heard"),
}


class EvaluationError(ValueError):
    """An Evaluation folder that cannot be read or written, or a question it cannot answer."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An Evaluation folder, opened."""

    folder: Path
    summary: dict[str, Any]
    store: Store

    @classmethod
    def open(cls, folder: str | Path) -> "Evaluation":
        """Read an Evaluation folder.

        Raises:
            EvaluationError: no such folder, a file missing or damaged, or a newer format.
            NoteError: its notes cannot be read.
        """
        folder = Path(folder).resolve()
        opened = cls(folder, check_folder(folder), _open_store(folder))
        opened._show_notes()
        return opened

    @cached_property
    def utterances(self) -> "pd.DataFrame":
        """UTTERANCE_COLUMNS, then every manifest field: all rows, in memory."""
        return _read_table(self.folder / UTTERANCES)

    @cached_property
    def errors(self) -> "pd.DataFrame":
        """ERROR_COLUMNS: all rows, in memory."""
        return _read_table(self.folder / ERRORS)

    @property
    def name(self) -> str:
        return self.summary["name"]

    @property
    def confidence(self) -> dict[str, Any] | None:
        """`ConfidenceMetrics` as JSON; None where no word was heard, or an older program wrote."""
        return self.summary.get("confidence")

    @property
    def manifest_path(self) -> Path:
        """The manifest that was evaluated; it may have moved since."""
        return Path(os.path.normpath(self.folder / self.summary["manifest"]["path"]))

    def page(
        self,
        wanted: Filter | None = None,
        *,
        columns: Sequence[str] = (),
        sort: str = "errors",
        ascending: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[dict[str, Any]], int]:
        """One page of the utterances that a filter lets through.

        Args:
            wanted: the filter; None lets all of them through.
            columns: what to read of each row, quicker than the default, all of it.
            sort: a column; ties keep the manifest's order, nulls come last.
            ascending: smallest first.
            offset: rows before the page.
            limit: rows on the page at most.

        Returns:
            The rows of the page, and how many rows there are on all pages.

        Raises:
            EvaluationError: no such column.
            FilterError: the filter's condition cannot be answered.
        """
        if sort not in self.store.columns:
            raise EvaluationError(
                f"Cannot sort by {sort!r}. Expected one of: {', '.join(self.store.columns)}."
            )
        view = self.store.view(wanted)
        direction = "ASC" if ascending else "DESC"
        # To count what a filter lets through along with it is quicker than to filter twice.
        n = "count(*) OVER ()" if wanted else str(view.count)
        found = view.ask(  # positions alone: to sort whole rows takes several times as long
            f"SELECT position, {n} AS n FROM matched"
            f" ORDER BY {identifier(sort)} {direction} NULLS LAST, position"
            f" LIMIT {max(limit, 0)} OFFSET {max(offset, 0)}"
        )
        if not found:
            return [], view.count
        places = {row["position"]: i for i, row in enumerate(found)}
        read = ", ".join(map(identifier, {*columns, "position"})) if columns else "*"
        rows = self.store.ask(f"SELECT {read} FROM utterances WHERE {at_positions(places)}")
        return sorted(rows, key=lambda row: places[row["position"]]), int(found[0]["n"])

    def row(self, utterance_id: str) -> dict[str, Any]:
        """One utterance's row (raises KeyError)."""
        found = self.store.ask("SELECT * FROM utterances WHERE utterance_id = ?", [utterance_id])
        if not found:
            raise KeyError(utterance_id)
        return found[0]

    def errors_of(self, utterance_id: str) -> list[dict[str, Any]]:
        """One utterance's rows of `errors`, in their order."""
        return self.store.ask(
            "SELECT * FROM errors WHERE utterance_id = ? ORDER BY position", [utterance_id]
        )

    def mark(self, utterance_id: str, tags: Sequence[str], text: str) -> Note:
        """Note something about an utterance, in place of what was noted before.

        Raises:
            KeyError: no such utterance.
            NoteError: the note cannot be kept.
        """
        self.row(utterance_id)
        note = write_note(self.folder / NOTES[0], utterance_id, tags, text)
        self._show_notes()
        return note

    def skipped(self) -> list[dict[str, Any]]:
        """The rows left out, in their order: `line`, `reason` and `raw`, what the line said.

        Raises:
            EvaluationError: the file is damaged.
        """
        path = self.folder / SKIPPED
        try:
            with path.open(encoding="utf-8") as file:
                return [json.loads(line) for line in file if line.strip()]
        except (OSError, ValueError) as e:
            raise EvaluationError(f"Cannot read {path}: {e}. {AGAIN}") from e

    def notes(self) -> list[Note]:
        """What persons noted (raises NoteError)."""
        return read_notes(self.folder / NOTES[0])

    def score(self, utterance_id: str) -> Score:
        """One utterance's alignment, from its stored texts (raises KeyError)."""
        return score_of(self.row(utterance_id))

    def slices(self, fields: Sequence[str]) -> list[dict[str, Any]]:
        """Rates of the utterances that share the values of some columns, in the order of the set.

        Returns:
            A dict a group: `values` (None where a row has none), `utterances`, `rates`.

        Raises:
            EvaluationError: no such column.
        """
        unknown = [field for field in fields if field not in self.utterances.columns]
        if unknown or not fields:
            raise EvaluationError(
                f"Cannot group {self.name} by {', '.join(unknown) or 'nothing'}. Expected of:"
                f" {', '.join(self.utterances.columns)}."
            )
        groups = self.utterances.groupby(list(fields), sort=False, dropna=False)
        found = []
        for _, rows in groups:
            scores = score(rows["text"].tolist(), rows["pred_text"].tolist())
            values = [_plain(rows[field].iloc[0]) for field in fields]
            found.append(
                {"values": values, "utterances": len(rows), "rates": rates(scores, total(scores))}
            )
        return found

    def audio_path(self, utterance_id: str) -> Path:
        """Where one utterance's recording should be.

        Raises:
            KeyError: no such utterance.
            AudioError: an imported utterance whose recording nobody named.
        """
        return self.audio_path_of(self.row(utterance_id))

    def audio_path_of(self, row: Mapping[str, Any]) -> Path:
        """The same of a row that is known (raises AudioError)."""
        if row["audio_filepath"] is None:
            from asr_core.audio import AudioError

            raise AudioError(
                f"{self.name} names no recording of {row['utterance_id']}. Import it again with"
                " audio_filepath."
            )
        return self.manifest_path.parent / row["audio_filepath"]

    def _show_notes(self) -> None:
        self.store.set_notes((n.utterance_id, n.tag_list, n.text) for n in self.notes())


def score_of(row: Mapping[str, Any]) -> Score:
    """A row's alignment, from its stored texts."""
    return score([row["text"]], [row["pred_text"]])[0]


def _plain(value: Any) -> Any:
    """A cell as JSON has it; None for what is missing."""
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and math.isnan(plain) else plain


def set_name(manifest_path: Path) -> str:
    """The manifest's name, or its folder's where it is just called "manifest"."""
    stem = manifest_path.stem
    return manifest_path.parent.name if stem == "manifest" else stem


def check_folder(folder: Path) -> dict[str, Any]:
    """The summary of an Evaluation folder; its tables are there and whole, but not opened.

    Raises:
        EvaluationError: no such folder, a file missing or damaged, or a newer format.
    """
    if not folder.is_dir():
        raise EvaluationError(
            f"No evaluation at {folder}. Expected a folder that `python -m analysis evaluate"
            " --out` wrote."
        )
    summary = _read_summary(folder / SUMMARY)
    for file in (UTTERANCES, ERRORS):
        _check_parquet(folder / file)
    return summary


def _check_parquet(path: Path) -> None:
    """A Parquet file from its beginning to its end, without what reads one (EvaluationError)."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(PARQUET))
            file.seek(-len(PARQUET), os.SEEK_END)
            whole = begins == file.read() == PARQUET
    except OSError as e:  # of an empty one, too: it has nothing to seek
        raise EvaluationError(f"Cannot read {path}: {e}. {AGAIN}") from e
    if not whole:
        raise EvaluationError(f"Cannot read {path}: it is no whole Parquet file. {AGAIN}")


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        found, _, _ = summary["format_version"], summary["name"], summary["manifest"]["path"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise EvaluationError(
            f"Cannot read {path}: {e!r}. Expected the summary of an evaluation; run"
            " `python -m analysis evaluate` again."
        ) from e
    if found > FORMAT_VERSION:
        raise EvaluationError(
            f"{path} has format version {found}; this program reads up to {FORMAT_VERSION}."
            " Update Misheard."
        )
    return summary


def _open_store(folder: Path) -> Store:
    """The two tables, if they have what every view needs (raises EvaluationError)."""
    expected = {
        "utterances": {name: DUCKDB_TYPES[kind] for name, kind in UTTERANCE_COLUMNS.items()},
        "errors": {name: DUCKDB_TYPES[kind] for name, kind in ERROR_COLUMNS.items()},
    }
    _check_columns(
        {folder / UTTERANCES: REQUIRED["utterances"], folder / ERRORS: REQUIRED["errors"]}
    )
    try:
        store = Store(folder / UTTERANCES, folder / ERRORS, expected)
        if _repeats(store):
            raise EvaluationError(f"{folder / UTTERANCES} has a repeated utterance_id. {AGAIN}")
    except FilterError as e:
        raise EvaluationError(f"Cannot read {folder}: {e}. {AGAIN}") from e
    return store


def _check_columns(required: Mapping[Path, Iterable[str]]) -> None:
    """Parquet files that can be read and have some columns (raises EvaluationError)."""
    import duckdb

    with duckdb.connect(":memory:") as database:
        for path, columns in required.items():
            try:
                rows = database.execute("SELECT name FROM parquet_schema(?)", [str(path)])
                names = {name for (name,) in rows.fetchall()}
            except duckdb.Error as e:
                raise EvaluationError(f"Cannot read {path}: {e}. {AGAIN}") from e
            missing = [column for column in columns if column not in names]
            if missing:
                raise EvaluationError(f"{path} has no column {', '.join(missing)}. {AGAIN}")


def _repeats(store: Store) -> bool:
    """Whether two utterances have one id; only where two hashes meet are the ids compared."""
    for key in ("hash(utterance_id)", "utterance_id"):
        [row] = store.ask(f"SELECT count(*) AS n, count(DISTINCT {key}) AS d FROM utterances")
        if row["n"] == row["d"]:
            return False
    return True


def _read_table(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as e:  # pyarrow's errors are among these
        raise EvaluationError(f"Cannot read {path}: {e}. {AGAIN}") from e
