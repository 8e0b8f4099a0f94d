"""What a person noted about utterances: tags and free text, in a SQLite file that survives crashes.

Every note is one transaction, so a program killed at any moment leaves the notes before it whole.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LONGEST_NOTE = 10_000  # characters
LONGEST_TAG = 100
MOST_TAGS = 20
BUSY_S = 5.0  # to wait for another program that writes

SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (
    utterance_id TEXT PRIMARY KEY, tags TEXT NOT NULL, note TEXT NOT NULL, changed TEXT NOT NULL
)
"""


class NoteError(ValueError):
    """A note that cannot be kept: the file cannot be read or written, or the note is too long."""


@dataclass(frozen=True)
class Note:
    """What is noted about one utterance."""

    utterance_id: str
    tags: tuple[str, ...] = ()
    text: str = ""
    changed: str = ""  # when, in UTC, ISO 8601

    @property
    def tag_list(self) -> str:
        """The tags as a column holds them: `label wrong, noise`."""
        return ", ".join(self.tags)


def read_notes(path: Path) -> list[Note]:
    """All notes of a file, or none where there is no file (raises NoteError)."""
    if not path.exists():
        return []
    with _opened(path) as connection:
        rows = connection.execute("SELECT utterance_id, tags, note, changed FROM notes").fetchall()
    return [Note(key, tuple(tags.split("\n")) if tags else (), *rest) for key, tags, *rest in rows]


def write_note(path: Path, utterance_id: str, tags: Sequence[str], text: str) -> Note:
    """Keep a note in place of the one before; without tags and text there is none any more.

    Raises:
        NoteError: the note is too long, or the file cannot be written.
    """
    kept = tuple(dict.fromkeys(" ".join(tag.split()) for tag in tags if tag.strip()))
    _check(kept, text)
    note = Note(utterance_id, kept, text.strip(), datetime.now(UTC).isoformat(timespec="seconds"))
    with _opened(path) as connection:
        if note.tags or note.text:
            values = (utterance_id, "\n".join(note.tags), note.text, note.changed)
            connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", values)
        else:
            connection.execute("DELETE FROM notes WHERE utterance_id = ?", (utterance_id,))
    return note


def _check(tags: Sequence[str], text: str) -> None:
    longest = max(map(len, tags), default=0)
    if len(tags) > MOST_TAGS or longest > LONGEST_TAG or len(text) > LONGEST_NOTE:
        raise NoteError(
            f"Got {len(tags)} tags of up to {longest} characters and a text of {len(text)}."
            f" Expected up to {MOST_TAGS} tags of {LONGEST_TAG} characters and a text of"
            f" {LONGEST_NOTE}."
        )


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction on a file of notes."""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection, connection:
            connection.execute(SCHEMA)
            yield connection
    except (sqlite3.Error, UnicodeEncodeError) as e:
        raise NoteError(f"Cannot keep notes in {path}: {e}. Make its folder writable.") from e
