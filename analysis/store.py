"""Questions to the tables of an Evaluation or a Description, answered by DuckDB over Parquet files.

A filter is an SQL condition over the columns of `utterances`; it may ask their details, too:
`utterance_id IN (SELECT utterance_id FROM errors WHERE heard = 'nine')`. Conditions come from
strangers' browsers: they are one expression, can read these two tables and nothing else, change
nothing, and are stopped when they take too long.
"""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from analysis.tables import utf8

if TYPE_CHECKING:
    import duckdb
    import numpy as np

T = TypeVar("T")

TIME_LIMIT_S = 10.0  # of one question
STREAM_LIMIT_S = 600.0  # of all rows of a view, into a file
MEMORY_LIMIT = "1GB"  # what a condition may use before it is refused
LONGEST_CONDITION = 10_000  # characters
RESERVED = ("position", "tags", "note")  # columns that the tables have besides their files'
WITH_NOTES = "SELECT u.*, n.tags, n.note FROM ({table}) u LEFT JOIN notes n USING (utterance_id)"
WITHOUT_NOTES = "SELECT *, NULL::VARCHAR AS tags, NULL::VARCHAR AS note FROM ({table})"


class FilterError(ValueError):
    """A condition that cannot be answered: its message says why, and which columns there are."""


@dataclass(frozen=True)
class Filter:
    """Which utterances of an Evaluation are meant; without any condition, all of them."""

    where: str = ""  # an SQL condition
    search: str = ""  # literal text in reference or hypothesis, in any case
    only_errors: bool = False

    def __bool__(self) -> bool:
        return bool(self.where.strip() or self.search or self.only_errors)


@dataclass(frozen=True)
class Details:
    """The second table, with rows an utterance: its name, and that of its part in a view."""

    table: str = "errors"
    in_view: str = "wrong"


@dataclass(frozen=True)
class View:
    """The utterances that a filter lets through, as `matched`, and their edits, as `wrong`.

    Where the store's details are others than errors, they have their own name (see `Details`).
    """

    store: "Store"
    filter: Filter
    _with: str  # the two tables, as SQL
    _parameters: tuple[Any, ...]

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a SELECT over `matched` and `wrong`, as dicts (raises FilterError)."""
        return self.store.ask(f"{self._with} {sql}", (*self._parameters, *parameters))

    def arrays(self, sql: str) -> "dict[str, np.ndarray]":
        """The same as an array a column, for many rows of numbers (raises FilterError)."""
        return self.store.arrays(f"{self._with} {sql}", self._parameters)

    def stream(self, sql: str, size: int) -> "Iterator[list[tuple[Any, ...]]]":
        """Rows of a SELECT over `matched` and `wrong`, `size` at a time (raises FilterError).

        For files that hold a whole view: it may take minutes, once `count` was quick.
        """
        assert self.count >= 0
        yield from self.store.stream(f"{self._with} {sql}", self._parameters, size)

    @cached_property
    def count(self) -> int:
        """How many utterances there are."""
        return int(self.ask("SELECT count(*) AS n FROM matched")[0]["n"])


class Store:
    """The tables of one folder; to be used from any thread.

    Besides their files' columns both have `position`, the row from 0; `utterances` have `tags` and
    `note`, null where nobody marked the utterance.

    Args:
        utterances: a Parquet file with a column `utterance_id`.
        errors: the Parquet file of their edits, or other details.
        expected: a table's name -> its columns with DuckDB's types; those that the file does not
            have, because an older program wrote it, are null.
        details: what the second table is called.
        searched: columns of text that `Filter.search` looks in.
    """

    def __init__(
        self,
        utterances: Path,
        errors: Path,
        expected: Mapping[str, Mapping[str, str]],
        *,
        details: Details = Details(),
        searched: Sequence[str] = ("text", "pred_text"),
    ) -> None:
        import duckdb

        self.details = details
        self.searched = searched
        self._remembered: dict[str, object] = {}

        self._database = [duckdb.connect(":memory:")]
        # Let go of when the program ends, too: duckdb complains of what is held longer.
        weakref.finalize(self, self._database.clear)
        files = {"utterances": utterances, details.table: errors}
        with self._cursor() as cursor, _explained():
            cursor.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            cursor.execute("CREATE TABLE notes (utterance_id VARCHAR, tags VARCHAR, note VARCHAR)")
            self._tables = {name: _select(cursor, files[name], expected[name]) for name in files}
            cursor.execute(f"CREATE VIEW {details.table} AS {self._tables[details.table]}")
            self._show_notes(cursor, any_noted=False)
            cursor.execute(f"SET allowed_paths = [{', '.join(map(_quoted, files.values()))}]")
            cursor.execute("SET enable_external_access = false")
            cursor.execute("SET lock_configuration = true")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of `utterances`, which conditions can name."""
        return tuple(self.types)

    @cached_property
    def types(self) -> dict[str, str]:
        """The type of each column of `utterances`, as DuckDB says it: VARCHAR, BIGINT, DOUBLE."""
        found = self.ask("DESCRIBE utterances")
        return {str(row["column_name"]): str(row["column_type"]) for row in found}

    def view(self, wanted: Filter | None = None) -> View:
        """The utterances that a filter lets through (raises FilterError)."""
        wanted = wanted or Filter()
        conditions, parameters = [], []
        if wanted.only_errors:
            conditions.append("errors > 0")
        if wanted.search:
            found = (f"contains(lower({column}), $1)" for column in self.searched)
            conditions.append(f"({' OR '.join(found)})")
            parameters.append(utf8(wanted.search).lower())
        if wanted.where.strip():
            conditions.append(f"(\n{self.checked(wanted.where)}\n)")  # a comment ends with its line
        where = " AND ".join(conditions)
        matched = "SELECT * FROM utterances" + (f" WHERE {where}" if where else "")
        among = " WHERE utterance_id IN (SELECT utterance_id FROM matched)" if where else ""
        details = f"{self.details.in_view} AS (SELECT * FROM {self.details.table}{among})"
        tables = f"WITH matched AS ({matched}), {details}"
        return View(self, wanted, tables, tuple(parameters))

    def checked(self, condition: str) -> str:
        """A condition, if it is one (raises FilterError)."""
        import duckdb

        condition = utf8(condition)
        if len(condition) > LONGEST_CONDITION:
            raise FilterError(
                f"The condition has {len(condition)} characters. Expected at most"
                f" {LONGEST_CONDITION}."
            )
        with self._cursor() as cursor, _explained(self.columns):
            only_one = duckdb.SQLExpression(condition)  # refuses a second statement
            cursor.view("utterances").filter(only_one).limit(0).fetchall()
        return condition

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a SELECT over `utterances` and `errors`, as dicts (raises FilterError)."""
        with self._cursor() as cursor, _explained():
            cursor.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def arrays(self, sql: str, parameters: Sequence[Any] = ()) -> "dict[str, np.ndarray]":
        """The same as an array a column, for many rows of numbers (raises FilterError)."""
        with self._cursor() as cursor, _explained():
            found = cursor.execute(sql, list(parameters)).fetchnumpy()
            return cast("dict[str, np.ndarray]", found)

    def remembered(self, key: str, find: Callable[[], T]) -> T:
        """What `find` found the first time: of the files alone, which do not change."""
        if key not in self._remembered:
            self._remembered[key] = find()
        return cast("T", self._remembered[key])

    def stream(
        self, sql: str, parameters: Sequence[Any], size: int
    ) -> "Iterator[list[tuple[Any, ...]]]":
        """Rows of a SELECT, `size` at a time, for as long as a file takes to write."""
        with self._cursor(STREAM_LIMIT_S) as cursor, _explained():
            cursor.execute(sql, list(parameters))
            while rows := cursor.fetchmany(size):
                yield rows

    def set_notes(self, notes: Iterable[tuple[str, str, str]]) -> None:
        """Give utterances tags and notes, as columns `tags` and `note`; replaces those before.

        Args:
            notes: (utterance_id, tags, note).
        """
        rows = list(notes)
        with self._cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("DELETE FROM notes")
            if rows:
                cursor.executemany("INSERT INTO notes VALUES (?, ?, ?)", rows)
            self._show_notes(cursor, any_noted=bool(rows))
            cursor.execute("COMMIT")

    def _show_notes(self, cursor: "duckdb.DuckDBPyConnection", *, any_noted: bool) -> None:
        """Make the view `utterances`: to join a million rows with no note takes a while, too."""
        whole = WITH_NOTES if any_noted else WITHOUT_NOTES
        table = whole.format(table=self._tables["utterances"])
        cursor.execute(f"CREATE OR REPLACE VIEW utterances AS {table}")

    @contextmanager
    def _cursor(self, limit_s: float | None = None) -> "Iterator[duckdb.DuckDBPyConnection]":
        """A connection for one question, which is interrupted when its time is over."""
        cursor = self._database[0].cursor()
        timer = threading.Timer(limit_s or TIME_LIMIT_S, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield cursor
        finally:
            timer.cancel()
            cursor.close()


def _select(cursor: "duckdb.DuckDBPyConnection", path: Path, expected: Mapping[str, str]) -> str:
    """A SELECT of a file's columns, with nulls for the expected ones that it does not have."""
    source = f"read_parquet({_quoted(path)}, file_row_number = true)"
    found = {row[0] for row in cursor.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    renamed = ", ".join(f"{name} AS manifest_{name}" for name in RESERVED if name in found)
    columns = f"* RENAME (file_row_number AS position{', ' * bool(renamed)}{renamed})"
    nulls = "".join(
        f', NULL::{kind} AS "{name}"' for name, kind in expected.items() if name not in found
    )
    return f"SELECT {columns}{nulls} FROM {source}"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


@contextmanager
def _explained(columns: Iterable[str] = ()) -> Iterator[None]:
    """DuckDB's errors as a FilterError that says what went wrong and which columns there are."""
    import duckdb

    try:
        yield
    except duckdb.InterruptException as e:
        raise FilterError(
            f"The question took more than {TIME_LIMIT_S:.0f} s and was stopped. Ask for less."
        ) from e
    except duckdb.Error as e:
        names = f"\nColumns: {', '.join(columns)}." if columns else ""
        raise FilterError(f"{str(e).strip()}{names}") from e
