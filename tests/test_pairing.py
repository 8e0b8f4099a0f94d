"""Two Evaluations joined: planted answers, an independent walk along the alignments, NIST's."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.compare import compare
from analysis.evaluation import UTTERANCES, Evaluation
from analysis.pairing import (
    CHANGES,
    OUTCOMES,
    SEGMENTS,
    CompareError,
    LeftOut,
    Pairing,
    n_common,
    pair,
)
from analysis.scoring import Edit, score
from analysis.significance import matched_pairs
from tests.test_scoring import sclite
from tests.text_evaluations import write_heard

REFERENCES = {
    "won": "one two three four",
    "lost": "one two three",
    "it's": "seven eight",
    "right": "nine",
    "silence": "",
    "both": "one one one",
}
HEARD_A = ["one too three", "one two three", "seven ate", "nine", "", "six one one"]
HEARD_B = ["one two three four", "one three three go", "seven hate", "nine", "", "one one six"]


@pytest.fixture
def planted(tmp_path: Path) -> Pairing:
    a = write_heard(tmp_path / "it's a", REFERENCES, HEARD_A)
    return pair(a, write_heard(tmp_path / "b", REFERENCES, HEARD_B))


def ids(pairing: Pairing, **wanted: str) -> list[str]:
    rows, total = pairing.page(**wanted)
    assert total == len(rows)
    return [row["utterance_id"] for row in rows]


def test_outcomes(planted: Pairing) -> None:
    assert {name: set(ids(planted, outcome=name)) for name in OUTCOMES} == {
        "won": {"won"},
        "lost": {"lost"},
        "tied": {"it's", "both"},
        "right": {"right", "silence"},
        "both_wrong": {"it's", "both"},
    }


def test_words_fixed_and_introduced(planted: Pairing) -> None:
    def words(change: str) -> list[str]:
        kept = planted.ask("SELECT * FROM places ORDER BY word")
        wanted = {"fixed": (True, False), "introduced": (False, True), "both_wrong": (True, True)}
        return [
            row["word"]
            for row in kept
            if row["word"] and (row["a"] > 0, row["b"] > 0) == wanted[change]
        ]

    assert words("fixed") == ["four", "one", "two"]
    assert words("introduced") == ["one", "two"]
    assert words("both_wrong") == ["eight"]
    assert ids(planted, word="one", change="fixed") == ["both"]
    assert ids(planted, outcome="won", word="one", change="fixed") == []
    assert ids(planted, word="it's", change="fixed") == []


def test_the_largest_differences_come_first_with_their_texts(planted: Pairing) -> None:
    rows, total = planted.page(limit=2)
    assert [row["utterance_id"] for row in rows] == ["won", "lost"]
    assert total == 6
    assert rows[0]["text"] == "one two three four"
    assert (rows[1]["a_heard"], rows[1]["b_heard"]) == ("one two three", "one three three go")
    rest, _ = planted.page(offset=2)
    assert len(rest) == 4


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    a = write_heard(tmp_path / "a", {"1": "one", "2": "two", "3": "three"}, ["one"] * 3)
    b = write_heard(tmp_path / "b", {"3": "tree", "2": " two", "4": "four"}, ["two"] * 3)
    c = write_heard(tmp_path / "c", {"1": "one", "2": "to"}, ["two"] * 2)
    assert pair(a, b).left_out == LeftOut(only_a=1, only_b=1, other_reference=1)
    assert ids(pair(a, b)) == ["2"]
    assert (n_common(a, b), n_common(a, c), n_common(b, c)) == (1, 1, 0)
    assert ids(pair(a, a, [c])) == ["1"]
    assert pair(a, a, [c]).left_out == LeftOut(not_in_all=2)
    assert not pair(a, a).left_out
    with pytest.raises(CompareError, match="1 have another reference in each"):
        pair(b, c)
    with pytest.raises(CompareError, match="1 are not in all others"):
        pair(a, b, [c])


def test_positions_that_an_older_program_did_not_write(tmp_path: Path) -> None:
    a = write_heard(tmp_path / "a", {"1": "one"}, ["two"])
    errors = pd.read_parquet(tmp_path / "a" / "errors.parquet")
    errors.assign(reference_index=None).to_parquet(tmp_path / "a" / "errors.parquet")
    with pytest.raises(CompareError, match="no positions"):
        pair(Evaluation.open(tmp_path / "a"), a)
    errors.drop(columns="reference_index").to_parquet(tmp_path / "a" / "errors.parquet")
    with pytest.raises(CompareError, match="Run `python -m analysis evaluate` again"):
        pair(Evaluation.open(tmp_path / "a"), a)


def walk(edits: tuple[Edit, ...]) -> dict[float, int]:
    """Errors by where they are: at word i, or before it, at i - 1/2."""
    found: dict[float, int] = {}
    n_passed = 0
    for edit in edits:
        place = n_passed - 0.5 if edit.op == "insert" else n_passed
        if edit.op != "equal":
            found[place] = found.get(place, 0) + 1
        n_passed += edit.op != "insert"
    return found


def segments(a: dict[float, int], b: dict[float, int], n_words: int) -> list[tuple[int, int]]:
    """Walk along a reference; two words in a row that both have right end a segment."""
    found, sums, n_right = [], [0, 0], 0
    for place in np.arange(-0.5, n_words + 0.5, 0.5):
        errors = a.get(place, 0), b.get(place, 0)
        if any(errors):
            sums, n_right = [sums[0] + errors[0], sums[1] + errors[1]], 0
        elif place % 1 == 0:
            n_right += 1
        if n_right == 2 and any(sums):
            found.append(tuple(sums))
            sums = [0, 0]
    return found + [tuple(sums)] * any(sums)


def test_places_and_segments_are_those_of_a_walk(tmp_path: Path, rng: np.random.Generator) -> None:
    def texts() -> list[str]:
        words = ["one", "two", "three"]
        return [" ".join(rng.choice(words, size=rng.integers(0, 9))) for _ in range(500)]

    said, heard = texts(), {"a": texts(), "b": texts()}
    heard["b"][::2] = [text if rng.random() < 0.5 else "one " + text for text in said[::2]]
    references = {f"u{i}": text for i, text in enumerate(said)}
    a, b = (write_heard(tmp_path / side, references, heard[side]) for side in "ab")
    expected, changes = [], dict.fromkeys(CHANGES, 0)
    for text, of_a, of_b in zip(
        said, score(said, heard["a"]), score(said, heard["b"]), strict=True
    ):
        places = walk(of_a.edits), walk(of_b.edits)
        expected += segments(*places, len(text.split()))
        for i in range(len(text.split())):
            wrong = tuple(i in side for side in places)
            changes["fixed"] += wrong == (True, False)
            changes["introduced"] += wrong == (False, True)
            changes["both_wrong"] += wrong == (True, True)
    found = [(row["a"], row["b"]) for row in pair(a, b).ask(SEGMENTS)]
    assert sorted(found) == sorted(expected)
    assert len(found) > len(said)  # some utterances have several
    assert compare(a, b).changes == changes
    assert min(changes.values()) > 50


def noisy(words: list[str], rate: float, rng: np.random.Generator, tag: str) -> list[str]:
    """Errors whose alignment is no tie: new words, and either additions or omissions."""
    heard = []
    adds = rng.random() < 0.5
    for word in words:
        draw = rng.random()
        if draw < rate:
            heard.append(f"{tag}{rng.integers(10**9)}")
        elif draw < 1.5 * rate:
            heard += [word, f"{tag}{rng.integers(10**9)}"] if adds else []
        else:
            heard.append(word)
    return heard


@pytest.mark.skipif(sclite() is None, reason="sclite is not installed (Debian package sctk)")
@pytest.mark.parametrize(
    ("n", "rate_a", "rate_b"),
    [(120, 0.06, 0.06), (120, 0.06, 0.14), (120, 0.3, 0.35), (30, 0.02, 0.06)],
)
def test_tests_are_those_of_sc_stats(tmp_path: Path, n: int, rate_a: float, rate_b: float) -> None:
    rng = np.random.default_rng(4)
    said = [[f"w{i}" for i in rng.permutation(30)[: rng.integers(4, 15)]] for _ in range(n)]
    references = {f"s{i % 6}_{i:03d}": " ".join(words) for i, words in enumerate(said)}
    heard = {
        name: [" ".join(noisy(words, rate, rng, name)) for words in said]
        for name, rate in (("a", rate_a), ("b", rate_b))
    }
    ours = compare(*(write_heard(tmp_path / n, references, heard[n]) for n in heard))
    for name, texts in {"ref": references.values(), **heard}.items():
        lines = (f"{text} ({key})\n" for text, key in zip(texts, references, strict=True))
        (tmp_path / f"{name}.trn").write_text("".join(lines))
    report = sc_stats(tmp_path, "mapsswe")
    theirs = re.search(
        r"# segs: (\d+)\).*mean: (\S+)\) \(std dev: (\S+)\) \(Z Stat: (\S+)\) \(Stat Diff: (\w+)",
        report,
    )
    assert theirs is not None
    test = ours.matched_pairs
    # sc_stats subtracts the other way round.
    found = (str(test.n), f"{-test.mean:.3f}", f"{test.deviation:.3f}", f"{-test.z:.3f}")
    assert found == theirs.groups()[:4]
    if not test.exact:
        assert (theirs[5] == "Yes") == (test.p < 0.05)
    report = sc_stats(tmp_path, "mcn")
    table = re.search(r"corr +(\d+) +(\d+)\s+incorr +(\d+) +(\d+)", report)
    assert table is not None
    both_right, only_a, only_b, both_wrong = map(int, table.groups())
    assert (ours.mcnemar.only_a, ours.mcnemar.only_b) == (only_a, only_b)
    assert (ours.outcomes["right"], ours.outcomes["both_wrong"]) == (both_right, both_wrong)
    (p,) = re.findall(r"probability of\s+it occurring is (\d\.\d+)", report)
    if only_a + only_b < 30:  # above, its factorials overflow: P(at most 26 of 58) is "0.000"
        assert ours.mcnemar.p == pytest.approx(float(p), abs=0.00051)


def sc_stats(folder: Path, test: str) -> str:
    """NIST's report of a test on a.trn and b.trn."""
    command = sclite()
    assert command is not None
    alignments = ""
    for name in "ab":
        files = ["-r", "ref.trn", "trn", "-h", f"{name}.trn", "trn", name]
        alignments += run([*command, *files, "-i", "spu_id", "-o", "sgml", "stdout"], folder)
    stats = [*command[:-1], "sc_stats", "-p", "-t", test, "-v", "-n", "-"]
    return run(stats, folder, alignments)


def run(command: list[str], folder: Path, text: str | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        errors="replace",
        input=text,
    )
    return done.stdout


def test_calibration_through_the_folders(tmp_path: Path) -> None:
    """Equal systems, 200 sets of 60 utterances: the segments' test calls 5 % of them different."""
    rng = np.random.default_rng(8)
    n_sets, n_utterances = 200, 60
    said = [["one"] * int(rng.integers(1, 9)) for _ in range(n_sets * n_utterances)]
    references = {f"u{i}": " ".join(words) for i, words in enumerate(said)}
    a, b = (
        write_heard(
            tmp_path / name,
            references,
            [" ".join(w if rng.random() > 0.2 else "two" for w in words) for words in said],
        )
        for name in "ab"
    )
    rows = pd.DataFrame(pair(a, b).ask(SEGMENTS))
    sets = (rows["b"] - rows["a"]).groupby(rows["position"] // n_utterances)
    p = sets.apply(lambda d: matched_pairs(*np.unique(d, return_counts=True)).p)
    assert len(p) == n_sets
    assert 3 <= (p < 0.05).sum() <= 18  # 10 expected, with a deviation of 3


def test_the_bundled_evaluations_of_one_set() -> None:
    folder = Path(__file__).parent.parent / "assets" / "evaluations"
    a, b = (Evaluation.open(folder / name) for name in ("spoken", "spoken-beam"))
    pairing = pair(a, b)
    assert not pairing.left_out
    assert len(pd.read_parquet(folder / "spoken" / UTTERANCES)) == n_common(a, b)
    [sums] = pairing.ask("SELECT sum(a)::BIGINT AS a, sum(b)::BIGINT AS b FROM places")
    for side, each in (("a", a), ("b", b)):
        counts = each.summary["counts"]
        parts = ("substitutions", "deletions", "insertions")
        assert sums[side] == sum(counts[part] for part in parts)
