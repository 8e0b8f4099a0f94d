"""A comparison of systems in plain text."""

from collections.abc import Sequence

from analysis.compare import Comparison, Row, System, Table, Word
from analysis.significance import LEAST_SEGMENTS, Difference, MatchedPairs


def describe(table: Table, comparisons: Sequence[Comparison]) -> str:
    """N systems in a table, then each against the first."""
    letters = [chr(ord("A") + i) if i < 26 else str(i + 1) for i in range(len(table.rows))]
    lines = [
        f"{table.n_utterances} utterances, {table.n_words} words that all have with the same"
        " reference; intervals are of 95 %",
        f"{'':<4}{'WER, %':<24}{'CER, %':<9}{'SER, %':<9}{'against A, points':<26}{'p (Holm)':<10}",
        *(_row(letter, row) for letter, row in zip(letters, table.rows, strict=True)),
        *(
            f"{letter}: {_name(row.system)}"
            for letter, row in zip(letters, table.rows, strict=True)
        ),
    ]
    for letter, comparison in zip(letters[1:], comparisons, strict=True):
        lines += ["", *_comparison(comparison, letter)]
    return "\n".join(lines)


def _row(letter: str, row: Row) -> str:
    wer, cer, ser = (row.rates[rate] for rate in ("wer", "cer", "ser"))
    low, high = (100 * bound for bound in (wer.interval.low, wer.interval.high))
    cells = f"{letter:<4}{f'{100 * wer.value:.2f} ({low:.2f} to {high:.2f})':<24}"
    cells += f"{100 * cer.value:<9.2f}{100 * ser.value:<9.2f}"
    if row.difference is not None and row.p_corrected is not None:
        cells += f"{_points(row.difference):<26}{row.p_corrected:<10.3g}"
    return cells.rstrip()


def _name(system: System) -> str:
    decoder = f", {system.decoder}" if system.decoder else ""
    return f"model {system.name}{decoder} on {system.set} ({system.folder})"


def _points(difference: Difference) -> str:
    low, high = 100 * difference.interval.low, 100 * difference.interval.high
    return f"{100 * difference.value:+.2f} ({low:+.2f} to {high:+.2f})"


def _comparison(found: Comparison, letter: str) -> list[str]:
    wer, outcomes, changes = found.rates["wer"], found.outcomes, found.changes
    chance = "could be chance" if found.is_chance else "hardly chance"
    return [
        f"{letter} against A: {found.b_errors} errors instead of {found.a_errors} in"
        f" {found.n_words} words",
        f"WER               {100 * wer.a:.2f} % -> {100 * wer.b:.2f} %, {_points(wer)} points;"
        f" {letter} is better in {100 * wer.improvement:.0f} % of resamples",
        f"matched pairs     {_test(found.matched_pairs)}: {chance}",
        f"McNemar           right in A only {found.mcnemar.only_a}, in {letter} only"
        f" {found.mcnemar.only_b}, p = {found.mcnemar.p:.3f}",
        f"utterances        {outcomes['won']} won, {outcomes['lost']} lost, {outcomes['tied']} with"
        f" as many errors, {outcomes['right']} right in both",
        f"words             {changes['fixed']} fixed, {changes['introduced']} introduced,"
        f" {changes['both_wrong']} wrong in both",
        f"words inserted    {found.a_insertions} -> {found.b_insertions}",
        *_words("most fixed", found.most_fixed),
        *_words("most introduced", found.most_introduced),
        *_left_out(found, letter),
    ]


def _test(test: MatchedPairs) -> str:
    if test.exact:
        how = f"exact, as there are fewer than {LEAST_SEGMENTS}, "
    else:
        how = "" if test.z is None else f"z = {test.z:.3f}, "
    return f"{test.n} segments, {how}p = {test.p:.3f}"


def _words(label: str, words: Sequence[Word]) -> list[str]:
    if not words:
        return []
    listed = (f"{w.word} ({w.fixed} fixed, {w.introduced} introduced)" for w in words)
    return [f"{label:<18}{', '.join(listed)}"]


def _left_out(found: Comparison, letter: str) -> list[str]:
    left = found.left_out
    if not left:
        return []
    return [
        f"left out          {left.only_a} in A only, {left.only_b} in {letter} only,"
        f" {left.other_reference} with another reference"
    ]
