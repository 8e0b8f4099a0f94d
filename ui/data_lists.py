"""The lists of the Data tab: recordings, words, characters, and what could not be read.

Whatever stands for recordings carries `where`, the condition that leads to them.
"""

from typing import Any

from analysis.conditions import identifier, literal
from analysis.description import Description
from ui import data_strings
from ui.explorer import Question
from ui.language import count
from ui.recording_facts import NOT_SORTED, label_of
from ui.table import PAGE_SIZE

SPLITS_SHOWN = 6
SAMPLED = 20_000  # recordings whose characters are counted
LISTED = 1000
PLACES = {"duration_s": 1, "level_dbfs": 0, "snr_db": 0}


def rows(question: Question[Description]) -> dict[str, Any]:
    """One page of the table of recordings (raises QueryError, FilterError)."""
    offset, view = question.whole("offset"), question.view
    columns = [name for name in question.set.store.columns if name not in NOT_SORTED]
    sort = question.one_of("sort", tuple(columns), "position")
    order = "ASC" if question.asked.get("ascending") is True else "DESC"
    found = view.ask(
        "SELECT utterance_id, text, split, speaker, duration_s, level_dbfs, snr_db, problem"
        f" FROM matched ORDER BY {identifier(sort)} {order} NULLS LAST, position"
        f" LIMIT {PAGE_SIZE} OFFSET {offset}"
    )
    return {
        "total": view.count,
        "offset": offset,
        "columns": [[name, label_of(name)] for name in columns],
        "rows": [_row(record) for record in found],
    }


def words(question: Question[Description]) -> dict[str, Any]:
    """One page of the words, with how often each split has them."""
    table = (
        "SELECT word, count, utterance_id, split FROM said"
        " JOIN (SELECT utterance_id, split FROM matched) USING (utterance_id)"
    )
    found = _spread(question, table, data_strings.WORDS)
    for row in found["rows"]:
        word = literal(row["word"])
        row["where"] = f"utterance_id IN (SELECT utterance_id FROM words WHERE word = {word})"
    return found


def symbols(question: Question[Description]) -> dict[str, Any]:
    """One page of the characters, of a sample where there are very many recordings."""
    table = (
        "SELECT unnest(string_split(text, '')) AS word, 1 AS count, utterance_id, split FROM"
        f" (SELECT * FROM matched ORDER BY hash(utterance_id) LIMIT {SAMPLED}) WHERE text <> ''"
    )
    found = _spread(question, table, data_strings.SYMBOLS)
    for row in found["rows"]:
        row["where"] = f"contains(text, {literal(row['word'])})"
        row["word"] = data_strings.SPACE if row["word"] == " " else row["word"]
    n = question.view.count
    if n > SAMPLED:
        capped = data_strings.SYMBOLS["capped"].format(n=count(SAMPLED), all=count(n))
        found["note"] = f"{found['note']} {capped}".strip()
    return found


def skipped(question: Question[Description]) -> dict[str, Any]:
    """Recordings that cannot be read, by the filter, and rows left out, which it cannot ask for."""
    unreadable = question.view.ask(
        "SELECT utterance_id AS id, split, line, problem AS reason, audio_filepath AS raw"
        f" FROM matched WHERE problem IS NOT NULL ORDER BY position LIMIT {LISTED}"
    )
    return {"unreadable": unreadable, "left_out": question.set.skipped()[:LISTED]}


def _spread(question: Question[Description], table: str, texts: dict[str, Any]) -> dict[str, Any]:
    """A page of counts over splits, of a SELECT with `word`, `count`, `utterance_id`, `split`."""
    splits = question.set.splits
    shown = splits[:SPLITS_SHOWN]
    columns = {**texts["columns"]}
    for i, split in enumerate(shown if len(splits) > 1 else []):
        columns[f"split_{i}"] = (split, data_strings.WORDS["of_split"].format(split=split))
    sort = question.one_of("sort", columns, "count")
    order = "ASC" if question.asked.get("ascending") is True else "DESC"
    counts = "".join(
        f", coalesce(sum(count) FILTER (split = {literal(split)}), 0)::BIGINT AS split_{i}"
        for i, split in enumerate(shown)
    )
    offset = question.whole("offset")
    found = question.view.ask(
        "SELECT *, count(*) OVER () AS of_all FROM (SELECT word, sum(count)::BIGINT AS count,"
        f" count(DISTINCT utterance_id) AS recordings{counts} FROM ({table})"
        " WHERE contains(lower(word), ?) GROUP BY word)"
        f" ORDER BY {sort} {order}, count DESC, word LIMIT {PAGE_SIZE} OFFSET {offset}",
        [question.text("word").lower()],
    )
    fewer = data_strings.FEWER_SPLITS.format(n=len(shown)) if len(splits) > len(shown) else ""
    return {
        "columns": columns,
        "total": found[0]["of_all"] if found else 0,
        "offset": offset,
        "note": fewer,
        "rows": [
            {
                "word": row["word"],
                "count": count(row["count"]),
                "recordings": count(row["recordings"]),
                "splits": [
                    [split, row[f"split_{i}"]] for i, split in enumerate(shown) if len(splits) > 1
                ],
            }
            for row in found
        ],
    }


def _row(record: dict[str, Any]) -> dict[str, Any]:
    text = record["text"]
    numbers = {
        name: "" if record[name] is None else f"{record[name]:.{places}f}"
        for name, places in PLACES.items()
    }
    return {
        "id": record["utterance_id"],
        "tags": data_strings.COLUMNS["problem"] if record["problem"] else "",
        "words": [["equal", text, text]] if text else [],
        "split": record["split"],
        "speaker": record["speaker"] or "",
        **numbers,
    }
