import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.notes import LONGEST_NOTE, NoteError, read_notes, write_note

ODD = "<img src=x onerror=alert(1)> ${1+1} ноль\n'; DROP TABLE notes; --"


def test_the_last_note_of_an_utterance_stays(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    assert read_notes(path) == []
    assert not path.exists()
    write_note(path, "a", ["noise"], "first")
    written = write_note(path, ODD, [" label   wrong ", "noise", "noise", " "], ODD)
    again = write_note(path, "a", [], "second")
    assert written.tags == ("label wrong", "noise")
    assert {note.utterance_id: note for note in read_notes(path)} == {"a": again, ODD: written}


def test_an_empty_note_is_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    write_note(path, "a", ["noise"], "")
    write_note(path, "a", [" "], " ")
    assert read_notes(path) == []


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    with pytest.raises(NoteError, match="Expected up to"):
        write_note(path, "a", [], "a" * (LONGEST_NOTE + 1))
    with pytest.raises(NoteError, match="Expected up to"):
        write_note(path, "a", list("abcdefghijklmnopqrstuvwxyz"), "")
    path.write_bytes(b"no database at all" * 100)
    for use in (lambda: read_notes(path), lambda: write_note(path, "a", ["x"], "")):
        with pytest.raises(NoteError, match="Cannot keep notes in"):
            use()


def test_a_program_killed_while_it_writes_loses_nothing_that_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    write_note(path, "a", ["noise"], "kept")
    kill = (
        "import os, signal, sqlite3, sys;"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN');"
        "c.executemany('INSERT INTO notes VALUES (?, ?, ?, ?)',"
        " [(str(i), '', 'x' * 5000, '') for i in range(200)]);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", kill, str(path)], check=False)
    assert done.returncode == -9
    assert path.with_name("notes.sqlite-journal").exists()  # pages were written already
    assert [note.text for note in read_notes(path)] == ["kept"]


def test_another_writer_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    write_note(path, "a", ["noise"], "")
    with sqlite3.connect(path) as other:
        other.execute("INSERT INTO notes VALUES ('b', '', 'beside', '')")
    write_note(path, "c", [], "after")
    assert len(read_notes(path)) == 3
