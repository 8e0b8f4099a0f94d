"""The headline of an evaluation: its rates with their intervals, its counts, where it is from."""

from html import escape
from typing import Any

from analysis.evaluation import Evaluation
from analysis.summary import is_synthetic, of_view, raw_of_view
from ui import strings
from ui.evidence import Notice
from ui.explorer import Question
from ui.language import count


def headline(question: Question) -> dict[str, Any]:
    """The headline of the utterances that pass the filter, as texts (raises FilterError)."""
    evaluation = question.set
    counts, rates = of_view(question.view)
    total = evaluation.summary["counts"]["utterances"]
    over = evaluation.summary["interval"]["over"]
    told = [_rate(name, rates[name], over) for name in strings.RATES]
    raw = raw_of_view(question.view)
    if raw is not None:
        told[0]["raw"] = _raw(raw, evaluation.summary.get("normaliser", ""))
    return {
        "rates": told,
        "counts": _counts(counts),
        "origin": _origin(evaluation),
        "filtered": bool(question.filter),
        "count": count(counts["utterances"]),
        "total": count(total),
        "columns": list(evaluation.store.types.items()),
    }


def notice(value: Notice, done: int = 0, total: int = 0) -> str:
    """A Notice in the headline's place, as HTML, with a bar of what is done if there is a total."""
    spinner = '<span class="mh-spinner" aria-hidden="true"></span>'
    text = f"<p>{escape(value.text)}</p>" if value.text else ""
    bar = (
        f'<div class="mh-progress" role="progressbar" aria-valuenow="{done}"'
        f' aria-valuemax="{total}" style="--share: {done / max(total, 1):.3f}"></div>'
    )
    return (
        f'<div class="mh-notice mh-{value.state}" role="status">'
        f"{spinner if value.state == 'loading' else ''}"
        f'<p class="mh-notice-title">{escape(value.title)}</p>{text}{bar if total else ""}</div>'
    )


def _raw(rate: dict[str, float], normaliser: str) -> dict[str, str]:
    value, low, high = (f"{100 * rate[key]:.1f}" for key in ("value", "low", "high"))
    return {
        "text": strings.RAW.format(value=value),
        "hint": strings.RAW_HINT.format(low=low, high=high, normaliser=normaliser),
    }


def _rate(name: str, rate: dict[str, float], over: str) -> dict[str, Any]:
    label, hint = strings.RATES[name]
    value, low, high = (f"{100 * rate[key]:.1f}" for key in ("value", "low", "high"))
    known = low != "nan"  # there is no interval of no utterances
    return {
        "label": label,
        "hint": hint,
        "value": value if known else "–",
        "interval": strings.INTERVAL.format(low=low, high=high) if known else "",
        "interval_hint": strings.INTERVAL_HINT.format(over=strings.OVER.get(over, over)),
    }


def _counts(counts: dict[str, int]) -> dict[str, Any]:
    return {
        "lines": [
            {"name": name, "sign": sign, "text": label.format(n=count(counts[name])), "hint": hint}
            for name, (sign, label, hint) in strings.COUNTS.items()
        ],
        "of_words": strings.OF_WORDS.format(words=count(counts["words"])),
        "of_words_hint": strings.OF_WORDS_HINT,
    }


def _origin(evaluation: Evaluation) -> str:
    summary = evaluation.summary
    counts = summary["counts"]
    audio_s = summary["audio_s"]  # None of another system that does not say
    sentences = [
        (strings.SUMMARY_NO_AUDIO if audio_s is None else strings.SUMMARY).format(
            model=summary["model"]["name"],
            name=summary["name"],
            utterances=count(counts["utterances"]),
            minutes="" if audio_s is None else f"{audio_s / 60:.1f}",
        )
    ]
    if counts["skipped"]:
        sentences.append(strings.SKIPPED.format(skipped=counts["skipped"]))
    if is_synthetic(evaluation.store.view()):
        sentences.append(strings.SYNTHETIC)
    return " ".join(sentences)
