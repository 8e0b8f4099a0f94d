"""Slices against pandas, planted causes found, and pure noise left alone."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import slices
from analysis.conditions import equals, literal
from analysis.evaluation import Evaluation, EvaluationError
from analysis.excess import false_discovery_rates, p_of_excess, terms
from analysis.parts import readable
from analysis.scoring import resampled_interval
from analysis.slices import Slice, slice_by, worst
from analysis.store import Filter
from analysis.summary import RESAMPLES, of_view
from tests.text_evaluations import write_texts

BUNDLED = Path(__file__).parent.parent / "assets" / "evaluations" / "spoken"
ODD = ["it's", "<img>", "", None, "до", 'a"b', "a;--", "  ", "NULL", "\x00"]


@pytest.fixture(scope="module")
def bundled() -> Evaluation:
    return Evaluation.open(BUNDLED)


def texts(rng: np.random.Generator, rates: np.ndarray) -> tuple[list[str], list[str]]:
    """Utterances of 1 to 8 words; of each, a share drawn around its rate is substituted."""
    lengths = rng.integers(1, 9, len(rates))
    own = rng.beta(rates, 1 - rates)  # errors of one utterance go together
    said, heard = [], []
    for n, rate in zip(lengths, own, strict=True):
        words = rng.choice(["one", "two", "six"], n)
        said.append(" ".join(words))
        heard.append(" ".join(np.where(rng.random(n) < rate, "oh", words)))
    return said, heard


def ids(evaluation: Evaluation, where: str) -> list[str]:
    found = evaluation.store.view(Filter(where)).ask("SELECT utterance_id FROM matched ORDER BY 1")
    return [row["utterance_id"] for row in found]


def counts(found: Slice | slices.Finding) -> tuple[int, int, int]:
    return found.utterances, found.words, found.errors


@pytest.mark.parametrize("wanted", [Filter(), Filter("snr_db < 20")])
@pytest.mark.parametrize("field", ["speaker", "noise", "snr_db", "n_reference"])
def test_values_as_pandas_groups_them(bundled: Evaluation, field: str, wanted: Filter) -> None:
    table = bundled.utterances
    table = table[table["snr_db"] < 20] if wanted else table
    expected = {
        None if pd.isna(value) else value: (
            len(rows),
            rows["n_reference"].sum(),
            rows["errors"].sum(),
        )
        for value, rows in table.groupby(field, dropna=False)
    }
    view = bundled.store.view(wanted)
    found = slice_by(view, field)
    wheres = {equals(field, value): n for value, n in expected.items()}
    assert {each.where: counts(each) for each in found} == wheres
    for each in found:
        assert each.wer == each.errors / each.words
        assert each.share_of_errors == each.errors / table["errors"].sum()
    assert sum(each.share_of_words for each in found) == pytest.approx(1)


@pytest.mark.parametrize("field", ["duration_s", "confidence", "rt60_s", "level_dbfs", "position"])
def test_bins_part_the_set(bundled: Evaluation, field: str) -> None:
    found = slice_by(bundled.store.view(), field)
    assert len([each for each in found if each.kind == "bin"]) == 6
    keys = [key for each in found for key in ids(bundled, each.where)]
    assert sorted(keys) == sorted(bundled.utterances["utterance_id"])
    table = bundled.utterances.set_index("utterance_id")
    for each in found:
        rows = table.loc[ids(bundled, each.where)]
        assert counts(each) == (len(rows), rows["n_reference"].sum(), rows["errors"].sum())
    sizes = [each.utterances for each in found if each.kind == "bin"]
    assert max(sizes) < 1.7 * min(sizes)
    assert max(len(each.label) for each in found) < 16


def test_edges_are_readable_and_stay_apart() -> None:
    assert readable([2.0412, 2.5531, 3.1, 3.94]) == [2.0, 2.6, 3.1, 3.9]
    assert readable([0, 0, 0, 1234.5, 4321.9]) == [0, 1000, 4000]
    assert readable([0.00123, 0.00125]) == [0.00123, 0.00125]
    assert readable([7.25]) == [7.2]


def test_odd_values_are_slices_that_lead_to_their_utterances(tmp_path: Path) -> None:
    values = ODD * 3
    numbers = [0.1 + 0.2, -0.0, float("inf"), float("-inf"), None, 1e300, 5e-324, 1, 2, 3] * 3
    name = 'my "field"'
    said, heard = ["one two"] * 30, ["one two", "two", ""] * 10
    evaluation = write_texts(
        tmp_path / "e", said, heard, **{name: values, "x": numbers, "yes": [True, None, False] * 10}
    )
    table = evaluation.utterances
    for column in (name, "x", "yes"):
        for bins in (2, 6):
            found = slice_by(evaluation.store.view(), column, bins)
            keys = [ids(evaluation, each.where) for each in found]
            assert [len(k) for k in keys] == [each.utterances for each in found]
            assert sorted(itertools.chain(*keys)) == sorted(table["utterance_id"])
    by_value = slice_by(evaluation.store.view(), name)
    assert {(each.label, each.kind) for each in by_value} == {
        ("no value", "missing") if value is None else (value, "value") for value in ODD
    }
    assert all(each.utterances == 3 for each in by_value)


def test_rare_categories_are_one_slice(tmp_path: Path) -> None:
    values = [f"v{i}" for i in range(60) for _ in range(2)] + ["v0"] * 3 + [None]
    evaluation = write_texts(tmp_path / "e", ["one"] * 124, ["one"] * 124, name=values)
    found = slice_by(evaluation.store.view(), "name")
    assert (found[0].label, found[0].utterances) == ("v0", 5)
    assert [(each.kind, each.utterances) for each in found[-2:]] == [("others", 20), ("missing", 1)]
    assert len(found) == 52
    assert len(ids(evaluation, found[-2].where)) == 20


def test_the_interval_of_a_slice(bundled: Evaluation) -> None:
    """Of utterances: as its link will show it. Of speakers: as `resampled_interval` has it."""
    for each in slice_by(bundled.store.view(), "speaker"):
        _, rates = of_view(bundled.store.view(Filter(each.where)))
        if each.errors > 0:
            assert each.resampled == "utterances"
            assert (each.low, each.high) == (rates["wer"]["low"], rates["wer"]["high"])
    for each in slice_by(bundled.store.view(), "noise"):
        rows = bundled.utterances[bundled.utterances["noise"] == each.label]
        if rows["speaker"].nunique() >= slices.FEWEST_GROUPS:
            assert each.resampled == "speaker"
            expected = resampled_interval(
                rows["errors"].to_numpy(),
                rows["n_reference"].to_numpy(),
                n=RESAMPLES,
                groups=rows["speaker"].tolist(),
            )
            assert (each.low, each.high) == (expected.low, expected.high)


def test_without_an_error_the_rate_may_still_not_be_zero(tmp_path: Path) -> None:
    groups = ["few"] * 3 + ["many"] * 300 + ["wrong"] * 20
    said = ["one two"] * len(groups)
    heard = said[:303] + ["one"] * 20
    found = slice_by(write_texts(tmp_path / "e", said, heard, g=groups).store.view(), "g")
    by_label = {each.label: each for each in found}
    few, many, wrong = (by_label[name] for name in ("few", "many", "wrong"))
    assert (few.low, many.low) == (0, 0)
    assert few.high == pytest.approx((1 - 0.025 ** (1 / 3)) * 0.5)  # 0.5 of a wrong one's words
    assert many.high == pytest.approx(3.689 / 300 * 0.5, rel=0.01)
    assert wrong.low < wrong.wer == 0.5 == wrong.high


def test_fields_are_what_a_set_can_be_parted_by(bundled: Evaluation, tmp_path: Path) -> None:
    names = {field.name: field for field in slices.fields(bundled.store)}
    assert {"duration_s", "snr_db", "n_reference", "confidence", "speaker", "rate"} <= set(names)
    no_fields = {
        *("utterance_id", "id", "audio_filepath", "text", "pred_text", "wer", "errors", "hits"),
        *("position", "note", "tags", "duration", "corpus", "word_times", "n_char"),
    }
    assert not no_fields & set(names)
    assert names["speaker"] == slices.Field("speaker", "category", 23)
    assert (names["snr_db"].kind, names["snr_db"].n_values) == ("number", 6)
    n = 100
    evaluation = write_texts(
        tmp_path / "e",
        ["one"] * n,
        ["one"] * n,
        line=list(range(n)),
        path=[f"/a/{i}" for i in range(n)],
        constant=["x"] * n,
        known=["x"] * 9 + [None] * (n - 9),
        long=["x" * 200, "y"] * (n // 2),
        nested=[["p"], ["q"]] * (n // 2),
        good=[True, False] * (n // 2),
    )
    assert {field.name for field in slices.fields(evaluation.store)} == {"known", "good"}
    assert slices.fields(write_texts(tmp_path / "e", [], []).store) == []


def test_what_cannot_be_grouped_by_is_refused(bundled: Evaluation) -> None:
    with pytest.raises(EvaluationError, match=r"'speeker'.*speaker"):
        slice_by(bundled.store.view(), "speeker")
    with pytest.raises(EvaluationError, match="at least 2 bins"):
        slice_by(bundled.store.view(), "snr_db", 1)


def test_of_nothing_there_is_no_slice(bundled: Evaluation) -> None:
    nothing = bundled.store.view(Filter("false"))
    for field in ("speaker", "duration_s"):
        assert slice_by(nothing, field) == []
    assert worst(nothing) == []


def planted(folder: Path, rng: np.random.Generator, n: int = 3000) -> Evaluation:
    """Speaker s3 is heard badly in the hall and nowhere else; a street is loud for everybody."""
    fields: dict[str, Any] = {
        "speaker": rng.choice([f"s{i}" for i in range(8)], n),
        "room": rng.choice(["hall", "none", "office"], n),
        "noise": rng.choice(["none", "fan", "street", "white"], n),
        "age": rng.integers(10, 80, n).astype(float),
    }
    pair = (fields["speaker"] == "s3") & (fields["room"] == "hall")
    rates = np.where(pair, 0.5, np.where(fields["noise"] == "street", 0.25, 0.08))
    columns = {name: values.tolist() for name, values in fields.items()}
    return write_texts(folder, *texts(rng, rates), **columns)


def test_planted_causes_are_found(tmp_path: Path, rng: np.random.Generator) -> None:
    evaluation = planted(tmp_path / "e", rng)
    found = worst(evaluation.store.view())
    labels = [{(part.field, part.label) for part in each.slices} for each in found]
    assert labels[0] == {("noise", "street")}
    assert {("speaker", "s3"), ("room", "hall")} in labels
    assert all(
        {("noise", "street")} == each or ("speaker", "s3") in each or ("room", "hall") in each
        for each in labels
    )
    table = evaluation.utterances.set_index("utterance_id")
    for each in found:
        rows = table.loc[ids(evaluation, each.where)]
        rest = table.drop(rows.index)
        assert counts(each) == (len(rows), rows["n_reference"].sum(), rows["errors"].sum())
        assert each.rest_wer == rest["errors"].sum() / rest["n_reference"].sum()
        assert each.excess_errors == pytest.approx(each.errors - each.rest_wer * each.words)
        assert each.share_of_errors == each.errors / table["errors"].sum()
        assert each.p <= each.q <= slices.FALSE_DISCOVERIES
    excess = [each.excess_errors for each in found]
    assert excess == sorted(excess, reverse=True)
    assert worst(evaluation.store.view(), limit=1) == found[:1]
    assert worst(evaluation.store.view(), max_fields=0) == []


def test_a_pair_is_not_just_its_parent(tmp_path: Path, rng: np.random.Generator) -> None:
    """A bad speaker is as bad in each room: no pair of the two is a finding."""
    n = 2000
    speaker, room = rng.choice(["s1", "s2", "s3"], n), rng.choice(["hall", "none"], n)
    said, heard = texts(rng, np.where(speaker == "s2", 0.4, 0.1))
    columns = {"speaker": speaker.tolist(), "room": room.tolist(), "voice": speaker.tolist()}
    evaluation = write_texts(tmp_path / "e", said, heard, **columns)
    assert [each.label for each in worst(evaluation.store.view())] == ["speaker: s2"]


def test_the_real_evaluation_has_known_causes(bundled: Evaluation) -> None:
    labels = [each.label for each in worst(bundled.store.view())]
    assert labels[0] == "noise: babble"
    assert "snr_db: 0" in labels


def test_noise_gives_few_findings(tmp_path: Path, rng: np.random.Generator) -> None:
    """8 sets of 8 fields that mean nothing; at most 5 % of such sets may have findings."""
    false = 0
    for _ in range(8):
        n = 400
        columns = {f"f{k}": rng.choice(k, n).astype(str).tolist() for k in (2, 3, 4, 6, 10, 20)}
        columns |= {f"x{k}": rng.normal(size=n).tolist() for k in range(2)}
        said, heard = texts(rng, np.full(n, 0.2))
        false += bool(worst(write_texts(tmp_path / "e", said, heard, **columns).store.view()))
    assert false <= 1


@pytest.mark.parametrize("size", [30, 300])
def test_p_values_of_chance_are_no_smaller_than_chance(rng: np.random.Generator, size: int) -> None:
    """Parts drawn at random, of short utterances or of long ones, which have more errors each."""
    n = 3000
    words = rng.integers(0, 20, n)
    errors = rng.binomial(words, rng.beta(0.2, 1.5, n))
    each = terms(errors, words)
    whole, of_each = each.whole[:, np.newaxis], each.of_kinds[:, each.kinds]
    for lengths in (words >= 0, words >= 12):
        among = np.flatnonzero(lengths)
        parts = [rng.choice(among, size, replace=False) for _ in range(3000)]
        p = p_of_excess(np.stack([of_each[:, part].sum(axis=1) for part in parts], axis=1), whole)
        assert (p <= 0.05).mean() <= 0.065
        assert (p <= 0.01).mean() <= 0.015
        assert (p <= 0.001).mean() <= 0.004


def test_p_of_a_part_as_permutation_gives_it(rng: np.random.Generator) -> None:
    """All utterances of one length: then drawing them at random is an exact test."""
    n, m = 400, 60
    words, errors = np.full(n, 5), rng.binomial(5, rng.beta(0.3, 2, n))
    each = terms(errors, words)
    whole = each.whole[:, np.newaxis]
    drawn = np.array([rng.permutation(errors)[:m].sum() for _ in range(20_000)])
    for _ in range(20):
        codes = (rng.permutation(n) >= m).astype(int)
        p = p_of_excess(each.sums_by(codes, 2), whole)[0]
        exact = (drawn >= errors[codes == 0].sum()).mean()
        assert p == pytest.approx(exact, rel=0.2, abs=0.02) or exact < p  # own variance was larger


def test_a_part_without_a_rest_is_not_tested() -> None:
    each = terms(np.array([1, 0, 2]), np.array([2, 0, 2]))
    whole = each.whole[:, np.newaxis]
    assert p_of_excess(whole, whole).tolist() == [1]
    assert p_of_excess(each.of_kinds[:, each.kinds], whole).tolist() == [1, 1, 1]


def test_sums_are_those_of_the_utterances_one_by_one(rng: np.random.Generator) -> None:
    n, parts = 500, 7
    words = rng.integers(0, 30, n)
    errors, codes = rng.binomial(words, 0.3), rng.integers(0, parts, n)
    each = terms(errors, words)
    one_by_one = np.zeros((8, parts))
    np.add.at(one_by_one.T, codes, each.of_kinds[:, each.kinds].T)
    alike, of_many_kinds = each.sums_by(codes, parts), each.sums_by(codes, 10_000)
    # Sums of the same floats in another order; the first six are of whole numbers.
    np.testing.assert_allclose(alike, one_by_one, rtol=1e-12)
    np.testing.assert_array_equal(alike[:6], one_by_one[:6])
    np.testing.assert_allclose(of_many_kinds[:, :parts], one_by_one, rtol=1e-12)
    assert not of_many_kinds[:, parts:].any()
    plain = np.stack([np.ones(n), errors, words, errors**2, errors * words, words**2])
    np.testing.assert_array_equal(each.whole[:6], plain.sum(axis=1))


def test_false_discovery_rates_as_scipy_gives_them(rng: np.random.Generator) -> None:
    from scipy.stats import false_discovery_control

    p = rng.random(200) ** 3
    q = false_discovery_rates(p, np.zeros(200, dtype=int))
    np.testing.assert_allclose(q, false_discovery_control(p), rtol=1e-12)
    both = false_discovery_rates(np.repeat(p, 2), np.tile([0, 1], 200))  # of one size: no weights
    np.testing.assert_allclose(both, np.repeat(q, 2), rtol=1e-12)
    assert false_discovery_rates(np.empty(0), np.empty(0, dtype=int)).tolist() == []
    few = false_discovery_rates(np.array([0.01, *[0.9] * 99]), np.array([0, *[1] * 99]))
    assert few[0] == pytest.approx(0.02)  # a family of its own: as of two tests, not of 100


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (None, "NULL"),
        (True, "true"),
        (3, "3"),
        (0.9, "0.9"),
        (0.1 + 0.2, "'0.30000000000000004'::DOUBLE"),
        (float("inf"), "'inf'::DOUBLE"),
        ("it's", "'it''s'"),
    ],
)
def test_literals(value: Any, sql: str) -> None:
    assert literal(value) == sql
