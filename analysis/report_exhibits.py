"""The telling utterances of a report, as HTML: player, picture, diff, cause and evidence."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from analysis.cause_texts import cause_text
from analysis.error_regions import MOST_NATS
from analysis.exhibits import Clip, Exhibit, Times
from analysis.markup import Markup, cut, el, join
from analysis.scoring import Edit
from analysis.tables import UTTERANCE_COLUMNS
from analysis.telling import Telling

LONGEST_WORD = 40  # characters
LONGEST_VALUE = 60
LONGEST_PROBLEM = 300
MOST_FIELDS = 8  # of the manifest
MILLION = math.log(1e6)  # nats

SIGNS = {"substitute": ("✗", "substituted"), "delete": ("−", "missed"), "insert": ("+", "added")}
HIDDEN = {"id", "duration", "position", "tags", "note", "word_times"}  # said elsewhere, or long


def article(shown: Exhibit, number: int) -> Markup:
    """One utterance."""
    telling = shown.telling
    name, hint, _ = cause_text(telling.cause)
    title = f"{number}. {name}: {_said_and_heard(telling)}"
    return el(
        "article",
        el("h3", title),
        el("p", hint, class_="hint") if telling.cause else None,
        _sound(shown),
        _figure(shown) if shown.clip is not None and shown.clip.picture is not None else None,
        _diff(shown),
        el("ul", *(el("li", fact) for fact in evidence(telling)), class_="evidence"),
        _facts(shown.row),
        id=f"utterance-{number}",
    )


def evidence(telling: Telling) -> Iterable[str]:
    """What is known of the error region, in words."""
    if telling.cost is not None:
        yield _cost(telling.cost)
    if telling.confidence is not None:
        yield f"Least sure word heard here: {100 * telling.confidence:.0f} % confidence."
    if telling.snr_db is not None:
        yield f"Speech stands {telling.snr_db:.1f} dB above the noise here."
    if telling.clipped:
        yield f"{100 * telling.clipped:.1f} % of the samples here are clipped."
    if telling.edge_db is not None:
        yield (
            "The recording begins or ends beside these words, at a level"
            f" {-telling.edge_db:.0f} dB under its speech: it may be cut off."
        )


def _cost(nats: float) -> str:
    if nats == 0:
        return "The model holds what was said and what was written for equally likely."
    if nats >= MOST_NATS:
        return "The reference cannot be written here: no path through these frames spells it."
    often = "more than a million" if abs(nats) > MILLION else _times(math.exp(abs(nats)))
    if nats > 0:
        return (
            f"Writing the reference here would have cost {nats:.1f} nats: the model held it"
            f" {often} times less likely."
        )
    return f"The model itself gave the reference {-nats:.1f} nats more: {often} times more likely."


def _times(n: float) -> str:
    return f"{n:.1f}" if n < 10 else f"{n:,.0f}"


def _said_and_heard(telling: Telling) -> str:
    said, heard = (cut(text, LONGEST_VALUE) for text in (telling.said, telling.heard))
    if not heard:
        return f"“{said}” missed"
    return f"“{heard}” added" if not said else f"“{said}” heard as “{heard}”"


def _sound(shown: Exhibit) -> Markup:
    clip = shown.clip
    if clip is None:
        why = cut(shown.problem, LONGEST_PROBLEM) or "This evaluation has no recording of it."
        return el("p", f"No sound: {why}", class_="hint")
    if not clip.sound:
        return el("p", "The sound was left out to keep this file small.", class_="hint")
    part = None
    if not clip.whole:
        end_s = clip.start_s + clip.duration_s
        part = el("p", f"From {clip.start_s:.0f} to {end_s:.0f} s of the recording.", class_="hint")
    return join(el("audio", controls=True, preload="metadata", src=clip.sound), part)


def _figure(shown: Exhibit) -> Markup:
    """The spectrogram between what was said and what was heard."""
    clip = shown.clip
    assert clip is not None
    assert clip.picture is not None
    ticks = [
        el("span", tick.label, style=f"bottom: {100 * tick.at:.1f}%")
        for tick in clip.picture.frequencies
    ]
    plot = el(
        "div",
        _lane(shown, clip, "said"),
        el(
            "div",
            el("img", src=clip.picture.src, alt="Log-mel spectrogram: time runs to the right"),
            el("i", class_="now", hidden=True),
            class_="screen",
            data_length=f"{clip.picture.width_s:.3f}",
        ),
        _lane(shown, clip, "heard"),
        class_="plot",
        style=f"--least: {round(60 * clip.duration_s)}px",
    )
    return el(
        "div",
        el("div", el("div", *ticks, el("em", "Hz"), class_="hertz"), class_="gutter"),
        el("div", plot, class_="scroll"),
        class_="spectrogram",
    )


def _lane(shown: Exhibit, clip: Clip, side: str) -> Markup:
    """Words at their times, over or under the picture."""
    assert clip.picture is not None
    words = []
    for edit in shown.edits:
        word, span = _word(edit, shown, side)
        if word is not None and span is not None:
            start, width = (
                100 * part / clip.picture.width_s for part in (span[0], span[1] - span[0])
            )
            style = f"left: {start:.2f}%; width: {width:.2f}%"
            words.append(_button(word, span, clip, f"{edit.op} place", style))
    return el("div", *words, class_=f"lane {side}")


def _diff(shown: Exhibit) -> Markup:
    before, after = shown.left_out
    columns = [_column(edit, i, shown) for i, edit in enumerate(shown.edits)]
    if before:
        columns.insert(0, _gap(before))
    if after:
        columns.append(_gap(after))
    names = el("div", el("span", "Said"), el("span"), el("span", "Heard"), class_="names")
    return el("div", names, el("div", *columns, class_="words"), class_="diff")


def _gap(n_words: int) -> Markup:
    return el("div", el("span"), el("span", f"… {n_words:,} words …"), el("span"), class_="column")


def _column(edit: Edit, i: int, shown: Exhibit) -> Markup:
    sign, name = SIGNS.get(edit.op, ("", ""))
    chosen = " chosen" if shown.region[0] <= i < shown.region[1] else ""
    return el(
        "div",
        _side(edit, shown, "said"),
        el("span", sign, class_="sign", title=name or None),
        _side(edit, shown, "heard"),
        class_=f"column {edit.op}{chosen}",
    )


def _side(edit: Edit, shown: Exhibit, side: str) -> Markup:
    word, span = _word(edit, shown, side)
    if word is None:
        return el("span", "·", class_="nothing")
    if span is None and edit.op == "substitute":  # known by the word heard in its place
        span = _word(edit, shown, "heard")[1]
    return _button(word, span, shown.clip, "word")


def _button(
    word: str, span: tuple[float, float] | None, clip: Clip | None, class_: str, style: str = ""
) -> Markup:
    """A word, to be clicked where there is something to hear."""
    text = el("bdi", cut(word, LONGEST_WORD))
    if span is None or clip is None or not clip.sound:
        return el("span", text, class_=class_, style=style or None)
    return el(
        "button",
        text,
        type="button",
        class_=class_,
        style=style or None,
        data_start=f"{span[0]:.3f}",
        data_end=f"{span[1]:.3f}",
    )


def _word(edit: Edit, shown: Exhibit, side: str) -> tuple[str | None, tuple[float, float] | None]:
    """A side's word and when it was spoken."""
    word, index = (
        (edit.reference, edit.reference_index) if side == "said" else (edit.heard, edit.heard_index)
    )
    times: Times = shown.said if side == "said" else shown.heard
    return word, None if index is None else times.get(index)


def _facts(row: Mapping[str, Any]) -> Markup:
    """What is known of the utterance, the manifest's fields last."""
    known = {
        "Utterance": row["utterance_id"],
        "Length": _unit(row["duration_s"], "s"),
        "SNR, as stated": _unit(row["snr_db"], "dB"),
        "SNR, estimated": _unit(row["snr_estimate_db"], "dB"),
        "Errors": f"{row['errors']} in {row['n_reference']} words",
        "Tags": row["tags"],
        "Note": row["note"],
    }
    fields = {
        name.replace("_", " ").capitalize(): _value(value)
        for name, value in row.items()
        if name not in UTTERANCE_COLUMNS and name not in HIDDEN and value not in (None, "")
    }
    shown = known | dict(list(fields.items())[:MOST_FIELDS])
    pairs = [
        el("div", el("dt", cut(name, LONGEST_WORD)), el("dd", el("bdi", cut(str(value), 300))))
        for name, value in shown.items()
        if value
    ]
    return el("dl", *pairs)


def _unit(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:.3g} {unit}"


def _value(value: Any) -> str:
    return cut(f"{value:.4g}" if isinstance(value, float) else str(value), LONGEST_VALUE)
