"""The headline of an evaluation: its rates with their intervals, its counts, where it is from."""

from html import escape

from analysis.evaluation import Evaluation
from ui import strings
from ui.evidence import Notice


def headline(evaluation: Evaluation) -> str:
    """The headline as HTML; every text in it is escaped."""
    summary = evaluation.summary
    over = summary["interval"]["over"]
    rates = "".join(_rate(name, summary["rates"][name], over) for name in strings.RATES)
    return (
        f'<div class="mh-headline"><div class="mh-rates">{rates}{_counts(summary["counts"])}</div>'
        f"<p>{escape(_origin(evaluation))}</p></div>"
    )


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


def is_synthetic(evaluation: Evaluation) -> bool:
    """Whether the manifest says that all its voices come from synthesisers."""
    if "corpus" not in evaluation.store.columns:
        return False
    [row] = evaluation.store.ask("SELECT bool_and(corpus = 'synthetic') AS all_of FROM utterances")
    return bool(row["all_of"])


def _rate(name: str, rate: dict[str, float], over: str) -> str:
    label, hint = strings.RATES[name]
    value, low, high = (f"{100 * rate[key]:.1f}" for key in ("value", "low", "high"))
    interval = strings.INTERVAL.format(low=low, high=high)
    return (
        f'<div class="mh-rate"><h3 title="{escape(hint)}">{escape(label)}</h3>'
        f'<p class="mh-number">{value}<small> %</small></p>'
        f'<p title="{escape(strings.INTERVAL_HINT.format(over=over))}">{escape(interval)}</p></div>'
    )


def _counts(counts: dict[str, int]) -> str:
    lines = "".join(
        f'<li class="mh-count-{name}" title="{escape(hint)}"><b aria-hidden="true">{sign}</b>'
        f" {counts[name]:,} {escape(label)}</li>"
        for name, (sign, label, hint) in strings.COUNTS.items()
    )
    words = strings.OF_WORDS.format(words=f"{counts['words']:,}")
    return (
        f'<div class="mh-counts"><ul>{lines}</ul>'
        f'<p title="{escape(strings.OF_WORDS_HINT)}">{escape(words)}</p></div>'
    )


def _origin(evaluation: Evaluation) -> str:
    summary = evaluation.summary
    counts = summary["counts"]
    audio_s = summary["audio_s"]  # None of another system that does not say
    sentences = [
        (strings.SUMMARY_NO_AUDIO if audio_s is None else strings.SUMMARY).format(
            model=summary["model"]["name"],
            name=summary["name"],
            utterances=f"{counts['utterances']:,}",
            minutes="" if audio_s is None else f"{audio_s / 60:.1f}",
        )
    ]
    if counts["skipped"]:
        sentences.append(strings.SKIPPED.format(skipped=counts["skipped"]))
    if is_synthetic(evaluation):
        sentences.append(strings.SYNTHETIC)
    return " ".join(sentences)
