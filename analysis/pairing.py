"""Two Evaluations of the same utterances, joined: where each of them was right and wrong.

Every number of a comparison is asked of two tables. `pairs` has a row an utterance: its `position`
and `b_position` in the two evaluations, `n_reference`, `n_char`, and for either system `a_errors`,
`a_char_errors`. `places` has a row for each place where either erred: the utterance's `position`,
the `place`, the reference's `word` there (null between words), and the errors of `a` and of `b` at
it.

Word i of a reference is place 2 i + 1, and what was inserted before it is at place 2 i: so both
systems' alignments, which share nothing but the reference, have the same coordinates.
"""

import os
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.conditions import at_positions, literal
from analysis.evaluation import AGAIN, ERRORS, UTTERANCES, Evaluation

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "256MB"  # of one pairing; what does not fit waits in a file
MOST_THREADS = 4  # each wants its share of that memory
GAP = 2  # words that both have right, which end a segment (NIST sc_stats)
OUTCOMES = {  # of an utterance, as conditions over `pairs`; the first four share all out
    "won": "b_errors < a_errors",
    "lost": "b_errors > a_errors",
    "tied": "a_errors = b_errors AND a_errors > 0",
    "right": "a_errors = 0 AND b_errors = 0",
    "both_wrong": "a_errors > 0 AND b_errors > 0",
}
CHANGES = {  # of a reference's word, as conditions over `places`
    "fixed": "word IS NOT NULL AND a > 0 AND b = 0",
    "introduced": "word IS NOT NULL AND a = 0 AND b > 0",
    "both_wrong": "word IS NOT NULL AND a > 0 AND b > 0",
}

SAID = r"regexp_replace(trim({0}.text), '\s+', ' ', 'g')"
SAME = f"(a.text = {{0}}.text OR {SAID.format('a')} = {SAID})"  # {0}: another evaluation
PAIRS = """
CREATE TABLE pairs AS
SELECT a.file_row_number::INT AS position, b.file_row_number::INT AS b_position, utterance_id,
    a.n_reference::INT AS n_reference, a.n_char::INT AS n_char,
    a.errors::INT AS a_errors, b.errors::INT AS b_errors,
    a.char_errors::INT AS a_char_errors, b.char_errors::INT AS b_char_errors
FROM a JOIN b USING (utterance_id) {joins} WHERE {same}
"""
EDITS_OF = """
SELECT position, op, reference AS word, reference_index::INT AS reference_index,
    heard_index::INT AS heard_index, file_row_number::INT AS row, {a}::UTINYINT AS a,
    {b}::UTINYINT AS b
FROM {side}_edits JOIN pairs USING (utterance_id)
"""
EDITS = f"""
CREATE TABLE edits AS
{EDITS_OF.format(side="a", a=1, b=0)} UNION ALL {EDITS_OF.format(side="b", a=0, b=1)}
"""
# Where nothing was inserted, a word's place is its own; only the other utterances need be walked.
PLACES = """
CREATE TABLE places AS
WITH shifted AS (SELECT DISTINCT position FROM edits WHERE op = 'insert'), walked AS (
    SELECT position, word, a, b, CASE op WHEN 'insert'
        THEN 2 * (heard_index - sum((op = 'insert')::INT) OVER before
            + sum((op = 'delete')::INT) OVER before + 1)
        ELSE 2 * reference_index + 1 END AS place
    FROM edits SEMI JOIN shifted USING (position)
    WINDOW before AS (PARTITION BY a, position ORDER BY row)
), placed AS (
    SELECT * FROM walked UNION ALL
    SELECT position, word, a, b, 2 * reference_index + 1
    FROM edits ANTI JOIN shifted USING (position)
)
SELECT position, place::INT AS place, any_value(word) AS word,
    sum(a)::INT AS a, sum(b)::INT AS b
FROM placed GROUP BY position, place
"""
# Between two places lie place // 2 - (previous + 1) // 2 words that both have right.
SEGMENTS = f"""
WITH sorted AS (
    SELECT position, place, a, b FROM places ORDER BY position, place
), begun AS (  -- windows without an order of their own go along the rows, which are sorted once
    SELECT position, a, b, position IS DISTINCT FROM lag(position) OVER ()
        OR place // 2 - (lag(place) OVER () + 1) // 2 >= {GAP} AS new
    FROM sorted
), numbered AS (
    SELECT position, a, b, sum(new::INT) OVER (ROWS UNBOUNDED PRECEDING) AS segment FROM begun
)
SELECT any_value(position) AS position, segment, sum(a)::BIGINT AS a, sum(b)::BIGINT AS b
FROM numbered GROUP BY segment
"""


class CompareError(ValueError):
    """Evaluations that cannot be compared, and why."""


@dataclass(frozen=True)
class LeftOut:
    """Utterances that are not compared."""

    only_a: int = 0
    only_b: int = 0
    other_reference: int = 0  # in both, with another reference
    not_in_all: int = 0  # missing, or with another reference, in a further evaluation

    def __bool__(self) -> bool:
        return bool(self.only_a or self.only_b or self.other_reference or self.not_in_all)


@dataclass(frozen=True, eq=False)
class Pairing:
    """What two Evaluations have in common; to be asked from any thread."""

    a: Evaluation
    b: Evaluation
    left_out: LeftOut
    _database: list["duckdb.DuckDBPyConnection"] = field(repr=False)  # emptied at the end

    def ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows of a SELECT of ours over `pairs` and `places`, as dicts."""
        cursor = self._database[0].cursor()
        try:
            cursor.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def kinds(self, columns: str, source: str = "pairs") -> tuple[np.ndarray, np.ndarray]:
        """(K, C) the values that some columns take together, sorted, and (K,) how often."""
        cursor = self._database[0].cursor()
        try:
            cursor.execute(f"SELECT {columns}, count(*) FROM {source} GROUP BY ALL ORDER BY ALL")
            table = np.array(cursor.fetchall(), dtype=np.int64)
            table = table.reshape(-1, len(cursor.description or ()))
        finally:
            cursor.close()
        return table[:, :-1], table[:, -1]

    def page(
        self,
        outcome: str = "",
        word: str = "",
        change: str = "",
        *,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[dict[str, Any]], int]:
        """Utterances, those first whose errors differ most, and how many there are on all pages.

        Args:
            outcome: a key of OUTCOMES; none for all utterances.
            word: only where this word of the reference changed.
            change: how it changed: a key of CHANGES.
            offset: rows before the page.
            limit: rows on the page at most.
        """
        conditions, parameters = [OUTCOMES[outcome] if outcome else "true"], []
        if change:
            conditions.append(
                f"position IN (SELECT position FROM places WHERE {CHANGES[change]} AND word = ?)"
            )
            parameters.append(word)
        where = " AND ".join(f"({condition})" for condition in conditions)
        rows = self.ask(
            f"SELECT * FROM pairs WHERE {where} ORDER BY abs(a_errors - b_errors) DESC,"
            f" a_errors + b_errors DESC, position LIMIT {max(limit, 0)} OFFSET {max(offset, 0)}",
            parameters,
        )
        [found] = self.ask(f"SELECT count(*) AS n FROM pairs WHERE {where}", parameters)
        return self._with_texts(rows), int(found["n"])

    def _with_texts(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of `pairs` with `utterance_id`, `text`, `a_heard` and `b_heard`."""
        of_a = _texts(self.a, [row["position"] for row in rows])
        of_b = _texts(self.b, [row["b_position"] for row in rows])
        return [
            row
            | {name: of_a[row["position"]][name] for name in ("utterance_id", "text")}
            | {"a_heard": of_a[row["position"]]["pred_text"]}
            | {"b_heard": of_b[row["b_position"]]["pred_text"]}
            for row in rows
        ]


def _texts(evaluation: Evaluation, positions: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Id and texts of some utterances, by their positions."""
    if not positions:
        return {}
    found = evaluation.store.ask(
        "SELECT position, utterance_id, text, pred_text FROM utterances"
        f" WHERE {at_positions(positions)}"
    )
    return {row["position"]: row for row in found}


def pair(a: Evaluation, b: Evaluation, among: Sequence[Evaluation] = ()) -> Pairing:
    """Join two Evaluations by `utterance_id`, where their references are the same.

    Args:
        a: what `b` is compared with.
        b: the other one.
        among: further evaluations that must have the utterances, too.

    Raises:
        CompareError: they have no utterance in common, or one was written by a program too old.
    """
    import duckdb

    database = duckdb.connect(":memory:")
    try:
        others = _open_views(database, a, b, among)
        joins = " ".join(f"JOIN {other} USING (utterance_id)" for other in others)
        same = " AND ".join(SAME.format(name) for name in ("b", *others))
        database.execute(PAIRS.format(joins=joins, same=same))
        left_out = _left_out(database)
        _check_common(database, a, b, left_out)
        database.execute(EDITS)
        database.execute("ALTER TABLE pairs DROP COLUMN utterance_id")  # names are a third of it
        database.execute(PLACES)
        database.execute("DROP TABLE edits")
        _check_places(database)
    except duckdb.Error as e:
        raise _cannot(a, b, e) from e
    pairing = Pairing(a, b, left_out, [database])
    # Let go of when the program ends, too: duckdb complains of what is held longer.
    weakref.finalize(pairing, pairing._database.clear)
    return pairing


def n_common(a: Evaluation, b: Evaluation) -> int:
    """How many utterances two Evaluations share, with the same reference (raises CompareError)."""
    import duckdb

    sql = f"SELECT count(*) FROM a JOIN b USING (utterance_id) WHERE {SAME.format('b')}"
    try:
        with duckdb.connect(":memory:") as database:
            _open_views(database, a, b, ())
            return int(database.execute(sql).fetchall()[0][0])
    except duckdb.Error as e:
        raise _cannot(a, b, e) from e


def _cannot(a: Evaluation, b: Evaluation, why: Exception) -> CompareError:
    return CompareError(f"Cannot compare {a.folder} with {b.folder}: {why}. {AGAIN}")


def _open_views(
    database: "duckdb.DuckDBPyConnection", a: Evaluation, b: Evaluation, among: Sequence[Evaluation]
) -> list[str]:
    """Views a, b, a_edits, b_edits, and one for each other evaluation, whose names it returns."""
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    spilled = Path(tempfile.gettempdir()) / f"misheard-{os.getpid()}-{id(database)}"
    database.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET threads = {threads}")
    database.execute(f"SET temp_directory = {literal(str(spilled))}")
    others = {f"other_{i}": each for i, each in enumerate(among)}
    for name, evaluation in {"a": a, "b": b, **others}.items():
        _view(database, name, evaluation.folder / UTTERANCES)
    for name, evaluation in {"a_edits": a, "b_edits": b}.items():
        _view(database, name, evaluation.folder / ERRORS)
    return list(others)


def _view(database: "duckdb.DuckDBPyConnection", name: str, path: Path) -> None:
    source = f"read_parquet({literal(str(path))}, file_row_number = true)"
    database.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")


def _left_out(database: "duckdb.DuckDBPyConnection") -> LeftOut:
    def counts(sql: str) -> tuple[int, ...]:
        [row] = database.execute(f"SELECT {sql}").fetchall()
        return tuple(map(int, row))

    sides = ", ".join(f"(SELECT count(*) FROM {name})" for name in ("a", "b", "pairs"))
    in_a, in_b, paired = counts(sides)
    if in_a == in_b == paired:
        return LeftOut()
    joined, same = counts(
        f"count(*), count(*) FILTER ({SAME.format('b')}) FROM a JOIN b USING (utterance_id)"
    )
    return LeftOut(
        only_a=in_a - joined,
        only_b=in_b - joined,
        other_reference=joined - same,
        not_in_all=same - paired,
    )


def _check_common(
    database: "duckdb.DuckDBPyConnection", a: Evaluation, b: Evaluation, left_out: LeftOut
) -> None:
    if database.execute("SELECT 1 FROM pairs LIMIT 1").fetchall():
        return
    raise CompareError(
        f"{a.folder} and {b.folder} have no utterance to compare:"
        f" {left_out.only_a + left_out.only_b} are in one of them only,"
        f" {left_out.other_reference} have another reference in each,"
        f" {left_out.not_in_all} are not in all others."
        " Expected evaluations of the same manifest."
    )


def _check_places(database: "duckdb.DuckDBPyConnection") -> None:
    if database.execute("SELECT 1 FROM places WHERE place IS NULL LIMIT 1").fetchall():
        raise CompareError(
            "The errors of an evaluation have no positions: an older program wrote it. " + AGAIN
        )
