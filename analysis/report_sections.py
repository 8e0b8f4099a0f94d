"""The parts of a report that are counted: rates, causes, slices, confusions, words, notes."""

from collections.abc import Iterable, Sequence

from analysis import confusions, slices
from analysis.cause_texts import cause_text
from analysis.confusions import Confusion, Matrix
from analysis.evaluation import Evaluation
from analysis.markup import Markup, cut, el, join
from analysis.store import View
from analysis.summary import of_view, raw_of_view

MOST_FINDINGS = 10
MOST_CONFUSIONS = 12  # of each list
MOST_WORDS = 15
MATRIX_WORDS = 10
MOST_SKIPPED = 50
MOST_NOTES = 50
LONGEST_WORD = 60  # characters of a cell
LONGEST_TEXT = 300

RATES = {
    "wer": ("WER", "word error rate"),
    "cer": ("CER", "character error rate"),
    "ser": ("SER", "utterances with an error"),
}
NO_WORD = "–"


def headline(evaluation: Evaluation, view: View) -> Markup:
    """Rates with their intervals, the raw word error rate beside, and counts."""
    counts, rates = of_view(view)
    raw = raw_of_view(view)
    tiles = [_rate(name, rates[name], counts["words"]) for name in RATES]
    if raw is not None and counts["words"]:
        normaliser = evaluation.summary.get("normaliser") or "unknown"
        hint = f"of the texts as they were written; the others: normaliser “{normaliser}”"
        tiles.insert(1, _tile("WER, raw", _percent(raw["value"]), _interval(raw), hint))
    sums = (
        f"{counts['wrong_utterances']:,} of {counts['utterances']:,} utterances have an error."
        f" Of {counts['words']:,} words, {counts['hits']:,} were heard right,"
        f" {counts['substitutions']:,} substituted and {counts['deletions']:,} missed;"
        f" {counts['insertions']:,} were added."
    )
    return join(el("div", *tiles, class_="rates"), el("p", sums))


def causes(view: View) -> Markup:
    """A sentence that names the causes in their order, and the Pareto chart of them."""
    found = view.ask(
        "SELECT cause, count(*) AS errors, count(DISTINCT utterance_id) AS utterances FROM wrong"
        " GROUP BY cause ORDER BY errors DESC, cause"
    )
    total = sum(row["errors"] for row in found)
    if not total:
        return el("p", "There are no errors.")
    rows, done = [], 0
    for row in found:
        done += row["errors"]
        name, hint, advice = cause_text(row["cause"])
        rows.append(
            el(
                "tr",
                el("th", name, el("span", hint, class_="hint"), scope="row"),
                _number(f"{row['errors']:,}"),
                el("td", _bar(row["errors"] / total), class_="wide"),
                _number(_percent(row["errors"] / total)),
                _number(_percent(done / total)),
                el("td", advice or NO_WORD, class_="advice"),
            )
        )
    heads = ("Cause", "Errors", "", "Share, %", "Sum, %", "What to do")
    return join(
        el("p", sentence([(row["cause"], row["errors"]) for row in found]), class_="lead"),
        _table(heads, rows, class_="causes"),
    )


def sentence(found: Sequence[tuple[str | None, int]]) -> str:
    """The causes in their order, in words."""
    total = sum(n for _, n in found)
    names = [f"{cause_text(cause)[0].lower()} {100 * n / total:.0f} %" for cause, n in found]
    if [cause for cause, _ in found] == [None]:
        return f"Why the {total:,} words are wrong is not known: {cause_text(None)[1].lower()}."
    most = "Most of" if 2 * found[0][1] > total else "Of"
    return f"{most} {total:,} wrong words: {', '.join(names)}."


def worst(view: View) -> Markup:
    """The groups of utterances, and meetings of two, that are worse than the rest."""
    found = slices.worst(view, limit=MOST_FINDINGS)
    if not found:
        return el("p", "No group of utterances is worse than the rest by more than chance.")
    rows = [
        el(
            "tr",
            el("th", _group(each), scope="row"),
            _number(f"{each.utterances:,}"),
            _number(_percent(each.wer)),
            _number(_percent(each.rest_wer)),
            _number(f"{each.excess_errors:+,.0f}"),
            _number(_percent(each.share_of_errors)),
            _number("< 0.0001" if each.q < 1e-4 else f"{each.q:.4f}"),
        )
        for each in found
    ]
    heads = ("Group", "Utterances", "WER, %", "Rest, %", "Excess", "Errors, %", "q")
    note = (
        "Excess: errors above what the rate of all other utterances would give. q: the share of"
        " false finds to expect among groups as extreme as this, looking at all of them."
    )
    return join(_table(heads, rows), el("p", note, class_="hint"))


def confusion_tables(view: View) -> Markup:
    """The matrix of the most confused words, and the lists of edits."""
    lists = (
        ("Substituted", confusions.substitutions(view, MOST_CONFUSIONS)),
        ("Missed", confusions.deletions(view, MOST_CONFUSIONS)),
        ("Added", confusions.insertions(view, MOST_CONFUSIONS)),
    )
    columns = [_confusions(title, found) for title, found in lists if found]
    if not columns:
        return el("p", "There are none.")
    return join(
        _matrix(confusions.matrix(view, MATRIX_WORDS)), el("div", *columns, class_="columns")
    )


def words(view: View) -> Markup:
    """The words that most errors are of."""
    found, total = confusions.words(view, limit=MOST_WORDS)
    rows = [
        el(
            "tr",
            el("th", cut(each.word, LONGEST_WORD), scope="row"),
            _number(f"{each.said:,}"),
            _number(_share(each.recall)),
            _number(f"{each.heard:,}"),
            _number(_share(each.precision)),
            _number(f"{each.errors:,}"),
        )
        for each in found
        if each.errors
    ]
    if not rows:
        return el("p", "Every word was heard right.")
    heads = ("Word", "Said", "Recall, %", "Heard", "Precision, %", "Errors")
    return join(
        _table(heads, rows),
        el("p", f"The worst {len(rows)} of {total:,} different words.", class_="hint"),
    )


def notes(view: View) -> Markup | None:
    """What persons noted about these utterances."""
    noted = "(tags IS NOT NULL OR note IS NOT NULL)"
    found = view.ask(
        f"SELECT utterance_id, tags, note FROM matched WHERE {noted} ORDER BY position"
    )
    if not found:
        return None
    rows = [
        _texts(row["utterance_id"], row["tags"] or "", row["note"] or "")
        for row in found[:MOST_NOTES]
    ]
    return join(_table(("Utterance", "Tags", "Note"), rows), _more(len(found), len(rows), "notes"))


def skipped(evaluation: Evaluation) -> Markup:
    """Rows of the manifest that could not be scored; no filter can ask for them."""
    found = evaluation.skipped()
    if not found:
        return el("p", "Every row could be scored.")
    rows = [
        _texts(str(row["line"]), str(row["reason"]), str(row["raw"]))
        for row in found[:MOST_SKIPPED]
    ]
    return join(_table(("Line", "Reason", "Row"), rows), _more(len(found), len(rows), "rows"))


def _rate(name: str, rate: dict[str, float], n_words: int) -> Markup:
    label, hint = RATES[name]
    if name != "ser" and not n_words:
        return _tile(label, NO_WORD, "the references have no words", hint)
    return _tile(label, _percent(rate["value"]), _interval(rate), hint)


def _tile(label: str, value: str, interval: str, hint: str) -> Markup:
    return el(
        "div",
        el("h3", label),
        el("p", value, el("small", " %") if value != NO_WORD else None, class_="figure"),
        el("p", interval),
        el("p", hint, class_="hint"),
        class_="rate",
    )


def _interval(rate: dict[str, float]) -> str:
    return f"95 %: {_percent(rate['low'])} to {_percent(rate['high'])}"


def _group(found: slices.Finding) -> str:
    parts = (f"{part.field.replace('_', ' ')}: {part.label}" for part in found.slices)
    return cut(" · ".join(parts), 2 * LONGEST_WORD)


def _confusions(title: str, found: Sequence[Confusion]) -> Markup:
    rows = [
        el(
            "tr",
            el("th", _pair(each.reference, each.heard), scope="row"),
            _number(f"{each.count:,}"),
            _number(_percent(each.share)),
        )
        for each in found
    ]
    return el("div", el("h3", title), _table(("", "Times", "Share, %"), rows))


def _pair(reference: str | None, heard: str | None) -> str:
    known = [cut(word, LONGEST_WORD) for word in (reference, heard) if word is not None]
    return " → ".join(known)


def _matrix(matrix: Matrix) -> Markup:
    """Said in rows, heard in columns; the last ones are nothing heard and nothing said."""
    highest = max((n for i, row in enumerate(matrix.counts) for n in _wrong(row, i)), default=1)
    sides = [
        [*(cut(word, LONGEST_WORD // 3) for word in names), last]
        for names, last in ((matrix.words, "(added)"), (matrix.heard, "(missed)"))
    ]
    rows = [
        el("tr", el("th", name, scope="row"), *_cells(counts, i, highest))
        for i, (name, counts) in enumerate(zip(sides[0], matrix.counts, strict=True))
    ]
    caption = "The most confused words: said (rows) against heard (columns)"
    return _table(("", *sides[1]), rows, caption, class_="matrix")


def _wrong(counts: Sequence[int], i: int) -> Iterable[int]:
    return (n for j, n in enumerate(counts) if j != i)


def _cells(counts: Sequence[int], i: int, highest: int) -> Iterable[Markup]:
    for j, n in enumerate(counts):
        kind = "right" if i == j else "wrong"
        shade = min(1.0, n / max(highest, 1)) if n else 0.0
        style = f"--shade: {100 * shade:.0f}%" if n else None
        yield el("td", f"{n:,}" if n else "", class_=kind if n else None, style=style)


def _table(
    heads: Sequence[str], rows: Sequence[Markup], caption: str = "", class_: str | None = None
) -> Markup:
    return el(
        "div",
        el(
            "table",
            el("caption", caption) if caption else None,
            el("thead", el("tr", *(el("th", head, scope="col") for head in heads))),
            el("tbody", *rows),
            class_=class_,
        ),
        class_="scroll",
    )


def _texts(first: str, *others: str) -> Markup:
    cells = (el("td", el("bdi", cut(text, LONGEST_TEXT))) for text in others)
    return el("tr", el("th", el("bdi", cut(first, LONGEST_WORD)), scope="row"), *cells)


def _more(n_all: int, n_shown: int, what: str) -> Markup | None:
    if n_all == n_shown:
        return None
    return el("p", f"The first {n_shown} of {n_all:,} {what}.", class_="hint")


def _bar(share: float) -> Markup:
    return el("span", class_="bar", style=f"width: {100 * share:.1f}%")


def _number(text: str) -> Markup:
    return el("td", text, class_="number")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _share(share: float | None) -> str:
    return NO_WORD if share is None else _percent(share)
