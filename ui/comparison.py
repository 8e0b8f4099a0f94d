"""What the Compare tab shows of two evaluations, as texts and rows for the browser."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from analysis import compare
from analysis.compare import Comparison, Table
from analysis.evaluation import Evaluation
from analysis.pairing import CHANGES, OUTCOMES, CompareError, LeftOut, Pairing, n_common, pair
from analysis.scoring import score
from analysis.significance import Difference
from ui import compare_strings as strings
from ui.explorer import Question
from ui.language import count

PAGE_SIZE = 50
MOST_KEPT = 4  # pairings, the oldest are forgotten: 100,000 utterances are some 10 MB
LEAST_SHARE = 0.5  # of what A and B share, for a further system to stand in the table
LEAST_P = 0.001


class Pairings:
    """Evaluations joined to each other, kept as long as somebody looks at them.

    Who asks for what is being joined waits for it; nobody waits for what others join.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Future[Pairing]] = OrderedDict()
        self._common: dict[frozenset[str], int] = {}
        self._lock = threading.Lock()

    def of(self, a: Evaluation, b: Evaluation) -> Pairing:
        """B against A (raises CompareError)."""
        key = str(a.folder), str(b.folder)
        with self._lock:
            found = self._kept.get(key)
            wanted = self._kept.setdefault(key, Future())
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        if found is None:
            try:
                wanted.set_result(pair(a, b))
            except BaseException as e:  # noqa: BLE001 - whoever waits for it gets it
                with self._lock:  # so that the next one who asks tries again
                    self._kept.pop(key, None)
                wanted.set_exception(e)
        return wanted.result()

    def among(self, a: Evaluation, b: Evaluation, others: Sequence[Evaluation]) -> Pairing:
        """B against A on what `others` have, too (raises CompareError)."""
        return pair(a, b, others) if others else self.of(a, b)

    def n_common(self, a: Evaluation, b: Evaluation) -> int:
        """How many utterances they share (raises CompareError)."""
        key = frozenset((str(a.folder), str(b.folder)))
        if key not in self._common:
            self._common[key] = n_common(a, b)
        return self._common[key]


def headline(pairing: Pairing) -> dict[str, Any]:
    """The difference in a sentence, the numbers behind it, and the words it is made of."""
    found = compare.of_pairing(pairing)
    return {
        "sentence": _sentence(found),
        "facts": _facts(found),
        "outcomes": [
            [name, *labels, n, count(n)]
            for name, labels in {"": strings.EVERY_OUTCOME, **strings.OUTCOMES}.items()
            for n in [found.outcomes.get(name, found.n_utterances)]
        ],
        "fixed": [[w.word, w.fixed, w.introduced] for w in found.most_fixed],
        "introduced": [[w.word, w.fixed, w.introduced] for w in found.most_introduced],
    }


def systems(
    pairings: Pairings, a: Evaluation, b: Evaluation, others: Mapping[str, Evaluation]
) -> dict[str, Any]:
    """A, B and the systems that share enough utterances with them, in a table.

    Args:
        pairings: what is known of who shares how much.
        a: what all are compared with.
        b: the other system that is looked at.
        others: names -> evaluations, all that might stand in the table.
    """
    least = LEAST_SHARE * pairings.n_common(a, b)
    shown = {
        name: each
        for name, each in others.items()
        if each is b or (each is not a and pairings.n_common(a, each) >= least)
    }
    try:
        found = compare.table([a, *shown.values()], pairings.among)
    except CompareError:  # each shares much with A, but all together share nothing
        shown = {name: each for name, each in shown.items() if each is b}
        found = compare.table([a, b], pairings.among)
    (name_a,) = (name for name, each in others.items() if each is a)
    names = [name_a, *shown]
    return {
        "columns": list(strings.SYSTEM_COLUMNS.items()),
        "rows": _system_rows(found, names),
        "utterances": count(found.n_utterances),
        "words": count(found.n_words),
    }


def rows(pairing: Pairing, question: Question) -> dict[str, Any]:
    """One page of the utterances, with the aligned words of both (raises QueryError)."""
    word = question.asked.get("word")
    offset = question.whole("offset")
    records, total = pairing.page(
        question.one_of("outcome", ("", *OUTCOMES), ""),
        word if isinstance(word, str) else "",
        question.one_of("change", ("", *CHANGES), ""),
        offset=offset,
        limit=PAGE_SIZE,
    )
    said = [row["text"] for row in records]
    of_a, of_b = (score(said, [row[side] for row in records]) for side in ("a_heard", "b_heard"))
    return {
        "total": total,
        "offset": offset,
        "rows": [
            {
                "id": row["utterance_id"],
                "sides": [
                    [[edit.op, edit.reference, edit.heard] for edit in scored.edits]
                    for scored in (a, b)
                ],
                "errors": [row["a_errors"], row["b_errors"]],
            }
            for row, a, b in zip(records, of_a, of_b, strict=True)
        ],
    }


def _sentence(found: Comparison) -> list[dict[str, str]]:
    """Parts with hints, the first of them the most important."""
    counts = {
        "a": count(found.a_errors),
        "b": count(found.b_errors),
        "words": count(found.n_words),
    }
    change = found.b_errors - found.a_errors
    first = strings.FEWER if change < 0 else strings.MORE if change else strings.EQUAL
    test = found.matched_pairs
    hint = strings.P_HINT.format(n=count(test.n))
    if test.exact:
        hint = strings.P_HINT_EXACT.format(hint=hint)
    chance = strings.CHANCE if found.is_chance else strings.NO_CHANCE
    return [
        {"text": first.format(**counts), "hint": ""},
        {"text": strings.WER.format(**_points(found.rates["wer"])), "hint": strings.WER_HINT},
        {"text": chance.format(p=_p(test.p)), "hint": hint},
    ]


def _facts(found: Comparison) -> list[list[str]]:
    """Label, value and hint of what is known besides."""
    values: dict[str, dict[str, Any]] = {
        "cer": _points(found.rates["cer"]),
        "ser": _points(found.rates["ser"]),
        "improvement": {"share": f"{100 * found.rates['wer'].improvement:.0f}"},
        "mcnemar": {
            "a": count(found.mcnemar.only_a),
            "b": count(found.mcnemar.only_b),
            "p": _p(found.mcnemar.p),
        },
        "words": {name: count(n) for name, n in found.changes.items()},
        "insertions": {"a": count(found.a_insertions), "b": count(found.b_insertions)},
    }
    if found.left_out:
        values["left_out"] = {"reasons": _left_out(found.left_out)}
    return [
        [strings.FACTS[name][0], strings.FACTS[name][1].format(**value), strings.FACT_HINTS[name]]
        for name, value in values.items()
    ]


def _left_out(left_out: LeftOut) -> str:
    counts = {name: getattr(left_out, name) for name in strings.LEFT_OUT}
    return ", ".join(strings.LEFT_OUT[name].format(n=count(n)) for name, n in counts.items() if n)


def _system_rows(found: Table, names: Sequence[str]) -> list[dict[str, str]]:
    return [
        {
            "system": name,
            "wer": strings.RATE_AND_INTERVAL.format(
                value=_percent(row.rates["wer"].value),
                low=_percent(row.rates["wer"].interval.low),
                high=_percent(row.rates["wer"].interval.high),
            ),
            "cer": _percent(row.rates["cer"].value),
            "ser": _percent(row.rates["ser"].value),
            "difference": ""
            if row.difference is None
            else strings.DIFFERENCE.format(**_points(row.difference)),
            "p": "" if row.p_corrected is None else _p(row.p_corrected, bare=True),
        }
        for name, row in zip(names, found.rows, strict=True)
    ]


def _points(difference: Difference) -> dict[str, str]:
    return {
        "a": _percent(difference.a),
        "b": _percent(difference.b),
        "difference": _signed(difference.value),
        "low": _signed(difference.interval.low),
        "high": _signed(difference.interval.high),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _signed(share: float) -> str:
    """Points with their sign; a zero has none."""
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def _p(p: float, *, bare: bool = False) -> str:
    """`p = 0.16`; `bare`: the number alone."""
    text = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    if bare:
        return f"< {LEAST_P}" if p < LEAST_P else text
    return strings.P_LEAST.format(p=LEAST_P) if p < LEAST_P else strings.P.format(p=text)
