"""A against B and N systems: planted answers, invariants, and what the command prints."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.compare import Word, compare, decoder_name, table
from analysis.evaluation import Evaluation
from analysis.pairing import CompareError
from tests.text_evaluations import write_heard

RUNNER = CliRunner()
BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations"
REFERENCES = {f"u{i}": "one two three four" for i in range(10)}
HEARD = {
    "a": ["one two three"] * 4 + ["one two three four"] * 6,
    "b": ["one two three four"] * 9 + ["six one two three five"],
}


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Evaluation, Evaluation]:
    return (
        write_heard(tmp_path / "a", REFERENCES, HEARD["a"]),
        write_heard(tmp_path / "b", REFERENCES, HEARD["b"]),
    )


@pytest.fixture(scope="module")
def bundled() -> tuple[Evaluation, Evaluation]:
    a, b = (Evaluation.open(BUNDLED / name) for name in ("spoken", "spoken-beam"))
    return a, b


def test_planted(sides: tuple[Evaluation, Evaluation]) -> None:
    found = compare(*sides)
    assert (found.n_utterances, found.n_words, found.a_errors, found.b_errors) == (10, 40, 4, 2)
    assert (found.rates["wer"].a, found.rates["wer"].b) == (4 / 40, 2 / 40)
    assert (found.rates["ser"].a, found.rates["ser"].b) == (4 / 10, 1 / 10)
    assert found.rates["cer"].value == found.rates["cer"].b - found.rates["cer"].a
    assert found.outcomes == {"won": 4, "lost": 1, "tied": 0, "right": 5, "both_wrong": 0}
    assert found.changes == {"fixed": 4, "introduced": 1, "both_wrong": 0}
    assert (found.a_insertions, found.b_insertions) == (0, 1)
    assert found.most_fixed == (Word("four", 4, 1),)
    assert found.most_introduced == ()
    assert (found.mcnemar.only_a, found.mcnemar.only_b) == (1, 4)
    # Six segments: four of -1; in the last utterance +1 before "one" and +1 at "four".
    assert (found.matched_pairs.n, found.matched_pairs.mean) == (6, -2 / 6)
    assert found.matched_pairs.p == pytest.approx((2 * (1 + 6 + 15)) / 64)  # a coin thrown 6 times
    assert found.is_chance


def test_a_against_itself(bundled: tuple[Evaluation, Evaluation]) -> None:
    found = compare(bundled[0], bundled[0])
    rates = bundled[0].summary["rates"]
    for rate, difference in found.rates.items():
        assert difference.a == difference.b == rates[rate]["value"]
        assert (difference.value, difference.improvement) == (0, 0.5)
        assert difference.interval.low == difference.interval.high == 0
    assert found.matched_pairs.p == found.mcnemar.p == 1
    assert found.outcomes["won"] == found.outcomes["lost"] == 0
    assert found.changes["fixed"] == found.changes["introduced"] == 0


def test_the_other_way_round_everything_is_mirrored(
    bundled: tuple[Evaluation, Evaluation],
) -> None:
    there, back = compare(*bundled), compare(*reversed(bundled))
    assert there.outcomes["won"] == back.outcomes["lost"] > 0
    assert there.changes["fixed"] == back.changes["introduced"] > 0
    assert there.most_fixed == tuple(
        Word(w.word, w.introduced, w.fixed) for w in back.most_introduced
    )
    assert there.matched_pairs.p == back.matched_pairs.p
    assert there.mcnemar.p == back.mcnemar.p
    for rate, difference in there.rates.items():
        assert difference.value == -back.rates[rate].value
        interval = back.rates[rate].interval
        # Other kinds are drawn first: atol is a tenth of the intervals' width.
        assert difference.interval.low == pytest.approx(-interval.high, abs=0.002)


def test_numbers_add_up(bundled: tuple[Evaluation, Evaluation]) -> None:
    found = compare(*bundled)
    for errors, insertions, name in (
        (found.a_errors, found.a_insertions, "fixed"),
        (found.b_errors, found.b_insertions, "introduced"),
    ):
        assert errors - insertions == found.changes["both_wrong"] + found.changes[name]
    four = [found.outcomes[name] for name in ("won", "lost", "tied", "right")]
    assert sum(four) == found.n_utterances == 360
    wer = found.rates["wer"]
    assert wer.interval.low <= wer.value <= wer.interval.high
    assert 100 * wer.a == pytest.approx(46.50, abs=0.005)  # as the model card and README say


def test_n_systems_on_what_all_have(tmp_path: Path) -> None:
    more = REFERENCES | {"extra": "five"}
    first = write_heard(tmp_path / "first", more, [*HEARD["a"], "six"])
    second = write_heard(tmp_path / "second", more, [*HEARD["b"], "six"])
    third = write_heard(tmp_path / "third", REFERENCES, ["four"] * 10)
    found = table([first, second, third])
    assert (found.n_utterances, found.n_words) == (10, 40)  # the third has no "extra"
    assert [row.system.name for row in found.rows] == ["first", "second", "third"]
    assert [row.rates["wer"].value for row in found.rows] == [4 / 40, 2 / 40, 30 / 40]
    for row in found.rows:
        assert row.rates["wer"].interval.low <= row.rates["wer"].value
    assert (found.rows[0].difference, found.rows[0].p) == (None, None)
    two = compare(*(Evaluation.open(tmp_path / name) for name in ("first", "third")))
    assert found.rows[2].difference == two.rates["wer"]
    assert found.rows[2].p == two.matched_pairs.p
    assert found.rows[2].p_corrected == 2 * found.rows[2].p
    assert found.rows[1].p_corrected == found.rows[1].p > found.rows[2].p


def test_one_is_not_enough(sides: tuple[Evaluation, Evaluation]) -> None:
    with pytest.raises(CompareError, match="Got 1 evaluations"):
        table(sides[:1])


def test_decoder_names() -> None:
    assert decoder_name(None) == decoder_name({"decoder": "greedy"}) == ""
    assert decoder_name({"decoder": "BeamSearch(…)"}) == "BeamSearch(…)"
    beam = {"decoder": "beam", "beam": 20, "lexicon": {"name": "words.txt"}, "lm": None}
    assert decoder_name(beam) == "beam 20, words.txt"
    assert decoder_name(beam | {"hotwords": {"stop": 2.0}}) == "beam 20, words.txt, stop=2"


def run(*arguments: object) -> tuple[int, str, str]:
    result = RUNNER.invoke(app, ["compare", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_two_on_the_command_line(tmp_path: Path) -> None:
    code, stdout, _ = run(
        BUNDLED / "spoken", BUNDLED / "spoken-beam", "--json", tmp_path / "out.json"
    )
    assert code == 0
    found = compare(*(Evaluation.open(BUNDLED / name) for name in ("spoken", "spoken-beam")))
    wer = found.rates["wer"]
    assert "360 utterances, 1458 words" in stdout
    assert f"{100 * wer.a:.2f} % -> {100 * wer.b:.2f} %" in stdout
    assert f"p = {found.matched_pairs.p:.3f}" in stdout
    assert "beam 20, lexicon.txt" in stdout
    assert f"{found.outcomes['won']} won, {found.outcomes['lost']} lost" in stdout
    assert "zero (6 fixed, 0 introduced)" in stdout
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["comparisons"][0] == json.loads(json.dumps(found.to_dict()))
    assert written["table"]["n_words"] == 1458


def test_three_on_the_command_line(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        write_heard(folder, REFERENCES, HEARD["b" if folder.name == "c" else "a"])
    code, stdout, _ = run(*folders)
    assert code == 0
    assert "B against A" in stdout
    assert "C against A" in stdout
    assert stdout.count("matched pairs") == 2


def test_one_clear_line_when_it_cannot(tmp_path: Path) -> None:
    write_heard(tmp_path / "a", {"1": "one"}, ["one"])
    write_heard(tmp_path / "b", {"2": "one"}, ["one"])
    cases = {
        "No evaluation at": (tmp_path / "a", tmp_path / "none"),
        "no utterance to compare": (tmp_path / "a", tmp_path / "b"),
        "Got 1 evaluations": (tmp_path / "a",),
    }
    for message, folders in cases.items():
        code, stdout, stderr = run(*folders)
        assert (code, stdout) == (1, "")
        assert message in stderr
        assert len([line for line in stderr.splitlines() if line.strip()]) == 1
