"""Checks of what splits have in common and what not: speakers, texts, words, and their balance."""

import hashlib
from collections.abc import Iterator

from analysis.checking import Check, Material, found, listed, passed, told
from analysis.conditions import literal
from analysis.description import Finding

SENTENCE_WORDS = 3  # shorter texts are the same by chance
SHARED_TEXTS = 0.01  # of the held-out texts; fewer are everyday phrases
DOMINANT = 0.5  # of a split
NAME_LENGTH = 100  # characters of a speaker or a text, in facts and conditions
FEWEST = 20  # recordings of a split that can be out of balance


def speakers_shared(material: Material) -> Iterator[Finding]:
    """Voices that are trained on and tested with: the score is of known speakers."""
    if not material.held_out:
        return
    if not material.n_known["speaker"]:
        yield Finding("speakers_unknown", "warning", _count(material), "", {}, [])
        return
    shared = (
        f"{material.in_others} AND speaker IN"
        f" (SELECT speaker FROM utterances WHERE {material.in_train})"
    )
    rows = material.store.ask(
        f"SELECT split, count(DISTINCT speaker) FILTER ({shared}) AS n,"
        f" count(DISTINCT speaker) AS total FROM utterances WHERE {material.in_others}"
        f" GROUP BY split HAVING count(*) FILTER ({shared}) > 0 ORDER BY min(position)"
    )
    facts = {"splits": told({row["split"]: f"{row['n']}/{row['total']}" for row in rows})}
    yield found(material, "speakers_shared", "warning", shared, facts)


def texts_shared(material: Material) -> Iterator[Finding]:
    """Sentences that are trained on and tested with: a language model knows them by heart."""
    if not material.held_out:
        return
    long = f"n_words >= {SENTENCE_WORDS}"
    shared = (
        f"{material.in_others} AND {long} AND text IN"
        f" (SELECT text FROM utterances WHERE {material.in_train} AND {long})"
    )
    rows = material.store.ask(
        f"SELECT split, count(*) FILTER ({shared}) AS n, count(*) AS total FROM utterances"
        f" WHERE {material.in_others} AND {long} GROUP BY split"
        f" HAVING count(*) FILTER ({shared}) > {SHARED_TEXTS} * count(*) ORDER BY min(position)"
    )
    if not rows:
        yield passed("texts_shared")
        return
    splits = ", ".join(literal(row["split"]) for row in rows)
    facts = {
        "splits": told({row["split"]: f"{100 * row['n'] / row['total']:.0f} %" for row in rows})
    }
    yield found(material, "texts_shared", "warning", f"split IN ({splits}) AND {shared}", facts)


def symbols_unseen(material: Material) -> Iterator[Finding]:
    """Characters of held-out texts that training texts lack: a model cannot learn them."""
    if not material.held_out:
        return
    train, others = (_symbols(material, where) for where in _sides(material))
    unseen = sorted(others - train)
    if not unseen:
        yield passed("symbols_unseen")
        return
    has = " OR ".join(f"contains(text, {literal(symbol)})" for symbol in unseen[:100])
    facts = {"symbols": listed(unseen), "n": len(unseen)}
    yield found(material, "symbols_unseen", "error", f"{material.in_others} AND ({has})", facts)


def words_unseen(material: Material) -> Iterator[Finding]:
    """Words of held-out texts that training texts lack."""
    if not material.held_out:
        return
    said = (
        "SELECT word FROM words WHERE utterance_id IN"
        f" (SELECT utterance_id FROM utterances WHERE {material.in_train})"
    )
    where = (
        f"{material.in_others} AND utterance_id IN"
        f" (SELECT utterance_id FROM words WHERE word NOT IN ({said}))"
    )
    rows = material.store.ask(
        f"SELECT word, sum(count) AS n FROM words WHERE word NOT IN ({said})"
        " GROUP BY word ORDER BY n DESC, word"
    )
    facts = {"words": listed([row["word"] for row in rows]), "n": len(rows)}
    yield found(material, "words_unseen", "warning", where, facts)


def imbalance(material: Material) -> Iterator[Finding]:
    """One speaker, or one text, that makes up most of a split."""
    for check, column in (("speaker_dominates", "speaker"), ("text_dominates", "text")):
        shares = material.store.ask(
            f"SELECT split, {column} AS name, n, total FROM (SELECT split, {column}, count(*) AS n,"
            " sum(count(*)) OVER (PARTITION BY split) AS total,"
            " count(*) OVER (PARTITION BY split) AS kinds FROM utterances"
            f" WHERE {column} IS NOT NULL AND {column} <> '' GROUP BY split, {column})"
            f" WHERE kinds > 1 AND total >= {FEWEST} AND n > {DOMINANT} * total ORDER BY split"
        )
        if not shares:
            yield passed(check)
            continue
        where = " OR ".join(
            f"split = {literal(row['split'])} AND {_is(column, row['name'])}" for row in shares
        )
        told_shares = {
            f"{row['split']}: {row['name'][:NAME_LENGTH]}": f"{100 * row['n'] / row['total']:.0f} %"
            for row in shares
        }
        yield found(material, check, "warning", where, {"shares": told(told_shares)})


def _is(column: str, value: str) -> str:
    """A condition: a column's value; a long one by its digest, for conditions have a limit."""
    if len(value) <= NAME_LENGTH:
        return f"{column} = {literal(value)}"
    return f"sha256({column}) = {literal(hashlib.sha256(value.encode()).hexdigest())}"


def _sides(material: Material) -> tuple[str, str]:
    return material.in_train, material.in_others


def _symbols(material: Material, where: str) -> set[str]:
    """The characters of the words of some recordings."""
    rows = material.store.ask(
        "SELECT DISTINCT unnest(string_split(word, '')) AS symbol FROM words WHERE utterance_id IN"
        f" (SELECT utterance_id FROM utterances WHERE {where})"
    )
    return {row["symbol"] for row in rows}


def _count(material: Material) -> int:
    return int(material.store.ask("SELECT count(*) AS n FROM utterances")[0]["n"])


CHECKS: tuple[Check, ...] = (
    speakers_shared,
    texts_shared,
    symbols_unseen,
    words_unseen,
    imbalance,
)
