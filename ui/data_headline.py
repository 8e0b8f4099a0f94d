"""The headline of a description: how much there is in each split, and what the checks found."""

import re
from typing import Any

from analysis.conditions import equals
from analysis.description import Description, Finding
from analysis.summary import is_synthetic
from ui import check_strings, data_strings
from ui.explorer import Question
from ui.language import count

MEASURED = {"train", "splits"}  # facts that hold amounts with units
AMOUNT = re.compile(r"(?<![\w-])(-?\d[\d/]*) (dBFS|dB|Hz)\b")
MINUS = "−"
VERDICTS = ("error", "warning", "ok")  # the gravest first

COUNTED = (
    "SELECT split, count(*) AS recordings, coalesce(sum(duration_s), 0) / 3600 AS hours,"
    " count(DISTINCT speaker) AS speakers, sum(n_words)::BIGINT AS words, min(position) AS place"
    " FROM matched GROUP BY GROUPING SETS ((split), ())"
)
DIFFERENT = (
    "SELECT split, count(DISTINCT word) AS different FROM said JOIN"
    " (SELECT utterance_id, split FROM matched) USING (utterance_id)"
    " GROUP BY GROUPING SETS ((split), ())"
)


def headline(question: Question[Description]) -> dict[str, Any]:
    """What the recordings that pass the filter are, as texts (raises FilterError)."""
    description, view = question.set, question.view
    different = {row["split"]: row["different"] for row in view.ask(DIFFERENT)}
    rows = [
        row | {"different": different.get(row["split"], 0)}
        for row in sorted(view.ask(COUNTED), key=lambda row: (row["place"] is None, row["place"]))
    ]
    [whole] = [row for row in rows if row["split"] is None]
    splits = [row for row in rows if row["split"] is not None]
    unit = "hours" if whole["hours"] >= 1 else "minutes"
    names = ("recordings", unit, "speakers", "words", "different")
    [total] = description.store.ask("SELECT count(*) AS n FROM utterances")
    return {
        "numbers": [
            [*data_strings.NUMBERS[name], text]
            for name, text in zip(names, _texts(whole, unit), strict=True)
        ],
        "columns_of_splits": {
            "split": data_strings.SPLIT,
            **{name: data_strings.NUMBERS[name] for name in names},
        },
        "splits": [
            {
                "name": row["split"],
                "cells": _texts(row, unit),
                "where": equals("split", row["split"]),
            }
            for row in splits
        ],
        "checks": _checks(description),
        "origin": _origin(description),
        "filtered": bool(question.filter),
        "count": count(whole["recordings"]),
        "total": count(total["n"]),
        "columns": list(description.store.types.items()),
    }


def _texts(row: dict[str, Any], unit: str) -> list[str]:
    """The numbers of a split; none is known of speakers whom no manifest names."""
    time = row["hours"] * (1 if unit == "hours" else 60)
    return [
        count(row["recordings"]),
        f"{time:.2f}" if unit == "hours" and time < 10 else f"{time:.1f}",
        count(row["speakers"]) if row["speakers"] else "–",
        count(row["words"] or 0),
        count(row["different"]),
    ]


def _checks(description: Description) -> list[dict[str, Any]]:
    """What the checks found, the gravest first (raises DescriptionError)."""
    findings = sorted(description.findings, key=lambda each: VERDICTS.index(each.verdict))
    return [_check(finding) for finding in findings]


def _check(finding: Finding) -> dict[str, Any]:
    title, what, advice = _check_text(finding)
    sign, verdict = data_strings.VERDICTS[finding.verdict]
    return {
        "kind": finding.verdict,
        "sign": sign,
        "verdict": verdict,
        "title": title,
        "what": what,
        "advice": advice,
        "count": data_strings.FOUND.format(n=count(finding.count)),
        "where": finding.where,
    }


def _check_text(finding: Finding) -> tuple[str, str, str]:
    """Title, what was found, and advice; of a check that another program made, its name alone."""
    bare = finding.check.replace("_", " ").capitalize(), "", ""
    title, what, advice = check_strings.CHECKS.get(finding.check, bare)
    if finding.verdict == "ok":
        return title, "", ""
    try:
        return title, what.format(**_told(finding)).rstrip(), advice
    except (KeyError, ValueError):  # facts of another program's check of that name
        return title, "", advice


def _told(finding: Finding) -> dict[str, Any]:
    """A finding's facts in the page's language; those that are numbers stay numbers."""
    told = finding.facts | {"count": count(finding.count)}
    if told.get("speakers"):
        told["speakers"] = check_strings.BY_SPEAKER.format(speakers=told["speakers"])
    if "usual" in told:
        told["usual"] = check_strings.CASES.get(told["usual"], told["usual"])
    for name in MEASURED & told.keys():
        told[name] = AMOUNT.sub(_amount, str(told[name]))
    return told


def _amount(found: re.Match[str]) -> str:
    number, unit = found.groups()
    return f"{number.replace('-', MINUS)} {check_strings.UNITS[unit]}"


def _origin(description: Description) -> str:
    summary = description.summary
    pattern = data_strings.ORIGIN if summary["sound"] else data_strings.ORIGIN_SILENT
    sentences = [pattern.format(name=description.name, date=summary["date"][:10])]
    if skipped := sum(each["skipped"] for each in summary["manifests"]):
        sentences.append(data_strings.ORIGIN_SKIPPED.format(n=count(skipped)))
    if is_synthetic(description.store.view()):
        sentences.append(data_strings.SYNTHETIC)
    return " ".join(sentences)
