"""Measures kept between programs, in an SQLite file that several of them may use at once."""

import sqlite3
import time
import warnings
from pathlib import Path

WAIT_S = 30.0  # for another program that is writing
SAVE_S = 2.0  # between writes: so much is lost when the power fails, nothing at Ctrl-C
TABLE = (
    "CREATE TABLE IF NOT EXISTS measures"
    " (content TEXT, version INTEGER, record TEXT, PRIMARY KEY (content, version))"
)


class MeasuresCache:
    """Records by the content of files. A file that is no database is put aside, with a warning.

    Args:
        path: of the SQLite file; None keeps nothing.
        version: of the records; those of others are as if they were not there.
    """

    def __init__(self, path: Path | None, version: int) -> None:
        self._path = path
        self._version = version
        self._database: sqlite3.Connection | None = None
        self._new: dict[str, str] = {}
        self._saved = time.monotonic()

    def __enter__(self) -> "MeasuresCache":
        if self._path is not None:
            try:
                self._database = self._opened(self._path)
            except (sqlite3.Error, OSError) as e:
                self._give_up(e)
        return self

    def __exit__(self, *_: object) -> None:
        self._save()
        if self._database is not None:
            self._database.close()

    def find(self, content: str) -> str | None:
        """The record of a content, if there is one."""
        if self._database is None:
            return None
        try:
            row = self._database.execute(
                "SELECT record FROM measures WHERE content = ? AND version = ?",
                (content, self._version),
            ).fetchone()
        except sqlite3.Error as e:
            self._give_up(e)
            return None
        return None if row is None else str(row[0])

    def keep(self, content: str, record: str) -> None:
        """Remember a record; it is written soon, together with others."""
        self._new[content] = record
        if time.monotonic() - self._saved > SAVE_S:
            self._save()

    def _opened(self, path: Path) -> sqlite3.Connection:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connected(path)
        except sqlite3.OperationalError:
            raise  # it is locked, or may not be written: that is no damage
        except sqlite3.DatabaseError as e:
            aside = path.with_name(path.name + ".damaged")
            path.replace(aside)
            warnings.warn(
                f"The measures in {path} cannot be read: {e}. They are now at {aside}, which can be"
                " deleted; everything is measured again.",
                stacklevel=2,
            )
            return _connected(path)

    def _save(self) -> None:
        """Write at once, so that other programs are locked out for a moment only."""
        rows = [(content, self._version, record) for content, record in self._new.items()]
        self._new.clear()
        self._saved = time.monotonic()
        if self._database is None or not rows:
            return
        try:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO measures VALUES (?, ?, ?)", rows)
        except sqlite3.Error as e:
            self._give_up(e)

    def _give_up(self, error: Exception) -> None:
        """Go on without it: measures are worth more than their being kept."""
        warnings.warn(
            f"Measures are not kept in {self._path}: {error}. If this comes again, delete the file"
            " or free its folder.",
            stacklevel=3,
        )
        if self._database is not None:
            self._database.close()
        self._database = None


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=WAIT_S)
    try:
        database.execute(TABLE)
        database.execute("SELECT content, version, record FROM measures LIMIT 1").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database
