"""The Model tab's tables as HTML; every text in them is escaped."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ui import model_strings, strings
from ui.language import count
from ui.model_runs import Progress, Record

if TYPE_CHECKING:
    from asr_core.architecture import Part


def duration(seconds: float) -> str:
    """A length of time for people: `41 s`, `33 min`, `2 h 05 min`."""
    if seconds < 100:
        return model_strings.SECONDS.format(seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 100:
        return model_strings.MINUTES.format(minutes=minutes)
    return model_strings.HOURS.format(hours=minutes // 60, minutes=minutes % 60)


def milliseconds(seconds: float) -> str:
    """A length of sound: `25 ms`, `4.13 s`."""
    if seconds < 1:
        return f"{1000 * seconds:.4g} {strings.UNITS['ms']}"
    return f"{seconds:.2f} {strings.UNITS['s']}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def status(value: Progress, folder: str, every_s: float) -> str:
    """How far a run is, with a bar."""
    known = value.state == "running" and value.total is not None
    title = model_strings.RUN_STATES["running_of" if known else value.state].format(
        done=value.done, total=value.total, age=duration(value.age_s)
    )
    text = ""
    if value.state == "waiting":
        text = model_strings.RUN_WAITING_HINT.format(folder=folder, every=every_s)
    elif value.state == "stalled":
        text = model_strings.RUN_STALLED_HINT.format(done=value.done)
    facts = " · ".join(_run_facts(value))
    share = value.done / value.total if value.total else 0.0
    bar = (
        f'<div class="mh-bar" role="progressbar" aria-valuenow="{value.done}" aria-valuemin="0"'
        f' aria-valuemax="{value.total}" style="--share: {share:.4f}"></div>'
    )
    lines = "".join(f"<p>{escape(line)}</p>" for line in (text, facts) if line)
    return (
        f'<div class="mh-run mh-run-{value.state}" role="status"><h2>{escape(title)}</h2>'
        f"{bar if value.total else ''}{lines}</div>"
    )


def _run_facts(value: Progress) -> Iterator[str]:
    texts = model_strings.RUN_FACTS
    if value.epoch_s is not None:
        yield texts["epoch"].format(time=duration(value.epoch_s))
    if value.left_s is not None and value.state == "running":
        yield texts["left"].format(time=duration(value.left_s))
    if value.wer is not None:
        yield texts["wer"].format(wer=percent(value.wer))
    if value.best_wer is not None:
        yield texts["best"].format(wer=percent(value.best_wer), epoch=value.best_epoch)


def facts(record: Record, parts: "Sequence[Part]") -> str:
    """The model in a line of figures."""
    contract = record.contract
    assert contract is not None
    features, units = contract.features, strings.UNITS
    low, high = count(round(features.f_min)), count(round(features.f_max))
    values = {
        "parameters": count(sum(part.parameters for part in parts)),
        "size": f"{record.weights_bytes / 1e6:.2f} {units['mb']}" if record.weights_bytes else "",
        "symbols": str(len(contract.alphabet)),
        "band": f"{model_strings.RANGE.format(low=low, high=high)} {units['hz']}",
        "frame": milliseconds(parts[-1].step * features.hop_s),
        "best": _best(record.metrics),
    }
    return facts_html(contract.name, model_strings.MODEL_FACTS, values)


def facts_html(name: str, labels: Mapping[str, tuple[str, str]], values: Mapping[str, str]) -> str:
    """A model's name and the figures that there are, each with its label and hint."""
    items = "".join(
        f'<div title="{escape(hint)}"><dt>{escape(label)}</dt><dd>{escape(values[key])}</dd></div>'
        for key, (label, hint) in labels.items()
        if values[key]
    )
    return f'<h2>{escape(name)}</h2><dl class="mh-model-facts">{items}</dl>'


def _best(metrics: Mapping[str, Any]) -> str:
    validation = metrics.get("validation")
    wer = validation.get("wer") if isinstance(validation, dict) else None
    return f"{percent(wer)} %" if isinstance(wer, float) else ""


def results(metrics: Mapping[str, Any]) -> str:
    """The test results of `metrics.json`, a line a set (raises LookupError, TypeError)."""
    evaluations = metrics.get("evaluations") or []
    heading = f"<h2>{escape(model_strings.RESULTS_HEADING)}</h2>"
    if not evaluations:
        return f"{heading}<p>{with_code(model_strings.NO_RESULTS)}</p>"
    interval = evaluations[0]["interval"]
    over = strings.OVER.get(interval["over"], interval["over"])
    note = model_strings.RESULTS_NOTE.format(level=100 * interval["level"], over=over)
    commands = "\n".join(each["command"] for each in evaluations)
    rows = [_result(each) for each in evaluations]
    parts = "".join(_slices(each) for each in evaluations if "slices" in each)
    return (
        f"{heading}{table(model_strings.RESULTS_COLUMNS, rows, 'mh-results')}"
        f"<p>{escape(note)}</p>{parts}{details(model_strings.RESULTS_COMMANDS, commands)}"
    )


def confidence(metrics: Mapping[str, Any]) -> str:
    """What confidences are worth, a line a set; nothing where no set says (raises as `results`)."""
    rows = [_confidence_row(name, found) for name, found in confidences(metrics).items()]
    if not rows:
        return ""
    return (
        f"<h2>{escape(model_strings.CONFIDENCE_HEADING)}</h2><p>{escape(model_strings.CONFIDENCE_INTRO)}</p>"
        f"{table(model_strings.CONFIDENCE_COLUMNS, rows, 'mh-results')}"
    )


def confidences(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Sets whose words were right and wrong -> what their confidences are worth."""
    evaluations = metrics.get("evaluations") or []
    found = {each["name"]: each.get("confidence") for each in evaluations}
    return {name: each for name, each in found.items() if each and each["nce"] is not None}


def _confidence_row(name: str, found: Mapping[str, Any]) -> list[str]:
    return [
        set_name(name),
        f"{found['nce']:.3f}",
        percent(found["ece"]),
        f"{found['auc']:.3f}",
        percent(found["right"] / found["words"]),
        count(found["words"]),
    ]


def set_name(name: str) -> str:
    """A set's name as HTML; a long one may be broken."""
    return f"<code>{escape(name).replace('_', '_<wbr>')}</code>"


def _slices(evaluation: Mapping[str, Any]) -> str:
    """An evaluation by the values of some fields, a line a value."""
    fields = evaluation["slices"]["by"]
    columns = {field: (field, model_strings.SLICE_HINT) for field in fields}
    columns |= model_strings.SLICE_COLUMNS
    rows = []
    for part in evaluation["slices"]["rows"]:
        values = [model_strings.NO_VALUE if v is None else escape(f"{v}") for v in part["values"]]
        rates = [_rate_cell(part["rates"][key]) for key in ("wer", "cer")]
        rows.append([*values, *rates, count(part["utterances"])])
    title = model_strings.SLICES_TITLE.format(name=evaluation["name"], fields=", ".join(fields))
    grid = table(columns, rows, "mh-results")
    return f"<details><summary>{escape(title)}</summary>{grid}</details>"


def _rate_cell(rate: Mapping[str, float]) -> str:
    value, low, high = (percent(rate[part]) for part in ("value", "low", "high"))
    return _two_lines(f"<b>{value}</b>", model_strings.RANGE.format(low=low, high=high))


def table(columns: Mapping[str, tuple[str, str]], rows: Sequence[Sequence[str]], look: str) -> str:
    """A table that scrolls sideways where it is too wide.

    Args:
        columns: titles and their hints.
        rows: cells as HTML; the first of a row is its name.
        look: a class for the style sheet.
    """
    head = "".join(
        f'<th scope="col" title="{escape(hint)}">{escape(title)}</th>'
        for title, hint in columns.values()
    )
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    return (
        f'<div class="mh-scroll" tabindex="0"><table class="mh-grid {look}"><thead><tr>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def with_code(text: str) -> str:
    """A text as HTML, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def details(title: str, text: str) -> str:
    """A text that opens under its title."""
    return (
        f'<details><summary>{escape(title)}</summary><pre tabindex="0">{escape(text)}</pre>'
        "</details>"
    )


def _result(evaluation: Mapping[str, Any]) -> list[str]:
    counts, rates = evaluation["counts"], evaluation["rates"]
    cells = [set_name(evaluation["name"])]
    for key in model_strings.RATES_SHORT:
        if key != "ser" and not counts["words"]:  # a set without words has no word error rate
            cells.append("–")
            continue
        cells.append(_rate_cell(rates[key]))
    return [*cells, count(counts["utterances"]), count(counts["words"])]


def architecture(parts: "Sequence[Part]") -> str:
    """The network as a table, a row a part."""
    total = sum(part.parameters for part in parts)
    blocks = 0
    rows = []
    for part in parts:
        blocks += part.kind == "block"
        rows.append(_part(part, blocks, total))
    rows.append([escape(model_strings.PARTS["total"]), *[""] * 4, count(total), ""])
    notes = [
        model_strings.ARCHITECTURE_NOTE.format(hop=milliseconds(parts[0].features.hop_s)),
        *([model_strings.GRU_NOTE] if any(part.kind == "gru" for part in parts) else []),
    ]
    grid = table(model_strings.ARCHITECTURE_COLUMNS, rows, "mh-parts")
    heading = escape(model_strings.ARCHITECTURE_HEADING)
    return f"<h2>{heading}</h2>{grid}<p>{escape(' '.join(notes))}</p>"


def _part(part: "Part", block: int, total: int) -> list[str]:
    kind = "block_1" if part.kind == "block" and part.repeats == 1 else part.kind
    kernel = ""
    if part.kernel is not None and part.kernel_s is not None:
        kernel = _two_lines(_frames(part.kernel), milliseconds(part.kernel_s))
    elif part.kernel_s is not None:
        kernel = _two_lines(escape(model_strings.WINDOW), milliseconds(part.kernel_s))
    sees = escape(model_strings.WHOLE)
    if part.sees is not None and part.sees_s is not None:
        sees = _two_lines(_frames(part.sees), milliseconds(part.sees_s))
    share = part.parameters / total
    bar = f'<span class="mh-share" style="--share: {share:.4f}">{percent(share)} %</span>'
    return [
        escape(model_strings.PARTS[kind].format(n=block, repeats=part.repeats)),
        kernel,
        str(part.stride) if part.kernel is not None else "",
        count(part.channels),
        sees,
        count(part.parameters) if part.parameters else "",
        bar if part.parameters else "",
    ]


def _two_lines(html: str, small: str) -> str:
    return f"{html}<small>{escape(small)}</small>"


def _frames(n: int) -> str:
    return escape(
        model_strings.FRAMES_1 if n == 1 else model_strings.FRAMES.format(frames=count(n))
    )


def damage(title: str, problems: Sequence[str]) -> str:
    """What could not be read, and why."""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    return f'<div class="mh-problems" role="alert"><h2>{escape(title)}</h2><ul>{items}</ul></div>'


def samples(text: str) -> str:
    """What the last validation heard, as the run wrote it."""
    return details(model_strings.LAST_SAMPLES, text) if text.strip() else ""
