"""An evaluation's summary, and a calibration, in a few lines of plain text."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.calibration import Calibration

RATE_NAMES = {"wer": "WER, words", "cer": "CER, characters", "ser": "SER, utterances"}


def summary_text(summary: dict[str, Any]) -> str:
    """A summary in a few lines of plain text."""
    counts, rates, interval = summary["counts"], summary["rates"], summary["interval"]
    lines = [
        f"{summary['model']['name']} on {summary['name']}: {counts['utterances']} utterances,"
        f" {counts['words']} words{_audio(summary['audio_s'])}"
    ]
    for key, name in RATE_NAMES.items():
        if key != "ser" and not counts["words"]:
            lines.append(f"{name:<17} none, because the references have no words")
            continue
        value, low, high = (100 * rates[key][part] for part in ("value", "low", "high"))
        level = f"{100 * interval['level']:.0f} %: {low:.2f} to {high:.2f}"
        lines.append(f"{name:<17} {value:6.2f} %  ({level})")
    return "\n".join(
        [
            *lines,
            *raw_lines(summary),
            *confidence_lines(summary.get("confidence")),
            f"words             {counts['hits']} right, {counts['substitutions']} substituted,"
            f" {counts['deletions']} deleted, {counts['insertions']} inserted",
            f"skipped rows      {counts['skipped']}",
            *_speed_lines(summary),
            *_evidence_lines(summary.get("evidence")),
        ]
    )


def raw_lines(summary: dict[str, Any]) -> list[str]:
    """WER of the texts as they were written; nothing where an older program wrote the summary."""
    raw = summary.get("rates_raw")
    if raw is None or not summary["counts"]["words"]:
        return []
    value, low, high = (100 * raw["wer"][part] for part in ("value", "low", "high"))
    level = f"{100 * summary['interval']['level']:.0f} %: {low:.2f} to {high:.2f}"
    return [
        f"WER, raw texts    {value:6.2f} %  ({level}); above: normaliser {summary['normaliser']}"
    ]


def _audio(audio_s: float | None) -> str:
    return "" if audio_s is None else f", {audio_s:.1f} s of audio"


def _speed_lines(summary: dict[str, Any]) -> list[str]:
    if summary["real_time_factor"] is None:
        return []  # another system, whose speed nobody measured
    return [f"real-time factor  {summary['real_time_factor']:.4f} ({summary['took_s']:.1f} s)"]


def confidence_lines(metrics: dict[str, Any] | None) -> list[str]:
    """What the words' confidences are worth; nothing where no word was heard."""
    if metrics is None:
        return []
    nce, auc = ("none" if metrics[key] is None else f"{metrics[key]:.3f}" for key in ("nce", "auc"))
    return [f"confidence        NCE {nce}, ECE {100 * metrics['ece']:.2f} %, AUC {auc}"]


def _evidence_lines(evidence: dict[str, Any] | None) -> list[str]:
    if evidence is None:
        return []
    n, total = evidence["utterances"], evidence["utterances"] + evidence["without_sound"]
    return [f"causes and times  by {evidence['model']}, for {n} of {total} utterances"]


def calibration_text(found: "Calibration") -> str:
    """What was tried, what was chosen, and what it does, in plain text."""
    lines = [
        f"{found.before.words} words heard, {found.before.right} of them right",
        "fitted                 log loss a word, cross-validated",
        *(f"{each.level:<22} {each.loss:.4f}" for each in found.tried),
        f"chosen                 {found.chosen.level}: {found.chosen.config}",
        f"{'':<22} {'NCE':>7} {'ECE %':>7} {'AUC':>7}",
    ]
    for name, metrics in (("mean probability", found.before), ("calibrated", found.after)):
        figures = f"{metrics.nce:7.3f} {100 * metrics.ece:7.2f} {metrics.auc:7.3f}"
        lines.append(f"{name:<22} {figures}")
    return "\n".join(lines)
