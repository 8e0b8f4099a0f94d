"""Checks for recordings that a set has more than once, in one split or in several.

A test recording that was trained on is known by heart: the score of its split says too little.
"""

from collections.abc import Iterator

from analysis.checking import EXAMPLES, Check, Material, passed
from analysis.description import Finding
from analysis.store import Filter

HAS_SOUND = "samples_sha256 IS NOT NULL AND peak_dbfs > -120"  # digital silence is no recording
# What makes recordings copies of each other, and which rows are looked at.
KINDS = {
    "duplicates": ("samples_sha256", HAS_SOUND),
    "near_copies": (
        "copy_group",
        "copy_group IN (SELECT copy_group FROM utterances"
        " GROUP BY copy_group HAVING count(DISTINCT samples_sha256) > 1)",
    ),
}


def copies_across_splits(material: Material) -> Iterator[Finding]:
    """The same recording on both sides of a split."""
    if not (material.sound and material.held_out):
        return
    for kind in KINDS:
        train = f"count(*) FILTER ({material.in_train})"
        both = f"{train} > 0 AND count(DISTINCT split) > 1"
        yield _found(material, f"{kind}_in_train", "error", kind, both)
        others = f"{train} = 0 AND count(DISTINCT split) > 1"
        yield _found(material, f"{kind}_in_tests", "warning", kind, others)


def copies_within_splits(material: Material) -> Iterator[Finding]:
    """The same recording several times in one split."""
    if material.sound:
        for kind in KINDS:
            within = "count(*) > count(DISTINCT split)"
            yield _found(material, f"{kind}_within", "warning", kind, within)


def copies_that_disagree(material: Material) -> Iterator[Finding]:
    """One recording with two texts: one of them is wrong."""
    if material.sound:
        for kind in KINDS:
            texts = "count(DISTINCT text) > 1"
            yield _found(material, f"{kind}_disagree", "error", kind, texts)


def _found(material: Material, check: str, verdict: str, kind: str, having: str) -> Finding:
    """The recordings of all groups of copies that a condition over the group lets through."""
    key, among = KINDS[kind]
    where = (
        f"{among} AND {key} IN (SELECT {key} FROM utterances WHERE {among}"
        f" GROUP BY {key} HAVING {having})"
    )
    groups = material.store.view(Filter(where=where)).ask(
        "SELECT first(utterance_id ORDER BY position) AS one,"
        " last(utterance_id ORDER BY position) AS other, count(*) AS n"
        f" FROM matched GROUP BY {key} ORDER BY min(position)"
    )
    if not groups:
        return passed(check)
    n = sum(group["n"] for group in groups)
    examples = [[group["one"], group["other"]] for group in groups[:EXAMPLES]]
    return Finding(check, verdict, n, where, {"groups": len(groups)}, examples)


CHECKS: tuple[Check, ...] = (copies_across_splits, copies_within_splits, copies_that_disagree)
