"""Bars against counts made here, and every bar against the recordings its condition leads to."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.description import RECORDINGS, WORDS, open_store
from analysis.distributions import (
    BINS,
    CATEGORIES,
    OTHERS,
    Distribution,
    categories,
    distribution,
    profile,
    speakers,
)
from analysis.store import Filter, Store
from asr_core.recording_measures import PROFILE_BANDS

SPLITS = ("train", "it's a test", "empty")
HOSTILE = "'; DROP TABLE notes --"


def store(folder: Path, **columns: object) -> Store:
    """Recordings with some columns, two thirds in the first split."""
    n = len(next(iter(columns.values())))  # type: ignore[arg-type]
    table = pd.DataFrame(
        {
            "utterance_id": [f"u{i}" for i in range(n)],
            "split": [SPLITS[i % 3 == 2] for i in range(n)],
            "text": "yes",
            "duration_s": 2.0,
            **columns,
        }
    )
    table.to_parquet(folder / RECORDINGS, index=False)
    words = pd.DataFrame({"utterance_id": ["u0"], "word": ["yes"], "count": [1]})
    words.to_parquet(folder / WORDS, index=False)
    return open_store(folder)


def check(found: Distribution, view_of: Store, n: int) -> None:
    """Bars add up to all recordings, shares to 1, and each bar leads to as many as it counts."""
    assert sum(bar.count for bar in (*found.bars, *found.missing)) == n
    for bar in (*found.bars, *found.missing):
        view = view_of.view(Filter(where=bar.where))
        assert view.count == bar.count
        assert {row["split"] for row in view.ask("SELECT split FROM matched")} == {bar.split}
    for split in found.splits:
        if bars := found.of(split):
            assert sum(bar.share for bar in bars) == pytest.approx(1)


awkward = st.one_of(
    st.none(),
    st.floats(-1e6, 1e6),
    st.floats(0, 1).map(lambda x: round(x, 2)),  # on the edges of bins
    st.sampled_from([0.0, -0.0, 0.1, 0.2, 0.3, 1.0, 1e-12, -1e9, math.inf, -math.inf]),
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(awkward, min_size=1, max_size=40))
def test_bars_of_any_numbers_add_up_and_lead_to_what_they_count(
    tmp_path_factory: pytest.TempPathFactory, values: list[float | None]
) -> None:
    made = store(tmp_path_factory.mktemp("d"), snr_db=pd.array(values, dtype="Float64"))
    check(distribution(made.view(), "snr_db", SPLITS), made, len(values))


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.integers(-(10**6), 10**6) | st.integers(0, 5), min_size=1, max_size=30))
def test_whole_numbers_have_whole_edges(
    tmp_path_factory: pytest.TempPathFactory, values: list[int]
) -> None:
    made = store(tmp_path_factory.mktemp("d"), n_words=values)
    found = distribution(made.view(), "n_words", SPLITS)
    check(found, made, len(values))
    assert found.whole
    assert all(math.isinf(edge) or edge == int(edge) for edge in found.edges)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.sampled_from([None, "", HOSTILE, "a", "A", *map(str, range(20))]), min_size=1))
def test_bars_of_names_lead_to_what_they_count(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None]
) -> None:
    made = store(tmp_path_factory.mktemp("d"), format=values)
    found = categories(made.view(), "format", SPLITS)
    check(found, made, len(values))
    n_kinds = len({value for value in values if value is not None})
    assert found.n_bins == min(n_kinds, CATEGORIES)
    assert (found.names[-1:] == (OTHERS,)) == (n_kinds > CATEGORIES)


def test_bins_are_round_and_tails_do_not_flatten_the_rest(tmp_path: Path) -> None:
    values = [*np.linspace(0, 12, 999), 10_000.0]
    found = distribution(store(tmp_path, duration_s=values).view(), "duration_s", SPLITS)
    assert found.edges[:3] == (0.0, 0.5, 1.0)
    assert found.edges[-1] == math.inf
    assert found.n_bins <= BINS + 2
    assert sum(bar.count for bar in found.bars if bar.bin == found.n_bins - 1) < 50


def test_counts_are_those_of_numpy(tmp_path: Path, rng: np.random.Generator) -> None:
    values = rng.normal(-30, 6, 600)
    made = store(tmp_path, level_dbfs=values)
    edges = (-math.inf, *np.arange(-50.0, 0, 5), math.inf)
    found = distribution(made.view(Filter(where="level_dbfs < -20")), "level_dbfs", SPLITS, edges)
    for i, split in enumerate(SPLITS):
        mine = [v for k, v in enumerate(values) if (k % 3 == 2) == (i == 1) and v < -20 and i < 2]
        expected = np.histogram(mine, bins=np.array(edges))[0]
        counts = {bar.bin: bar.count for bar in found.of(split)}
        assert [counts.get(k, 0) for k in range(found.n_bins)] == list(expected)


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [None, None]])
def test_one_value_or_none_is_a_bar_or_none(tmp_path: Path, values: list[float | None]) -> None:
    made = store(tmp_path, snr_db=pd.array(values, dtype="Float64"))
    found = distribution(made.view(), "snr_db", SPLITS)
    check(found, made, len(values))
    assert found.n_bins == (values[0] is not None)


def test_speakers_with_the_most_sound_come_first(tmp_path: Path) -> None:
    names = ["ann", "ben", "ann", "eve", None, "ann"]
    made = store(tmp_path, speaker=names, duration_s=[1.0, 9.0, 1.0, 0.5, 3.0, 1.0])
    found = speakers(made.view(), SPLITS, most=2)
    assert found.names == ("ben", "ann")
    ann = {bar.split: bar.count for bar in found.bars if bar.bin == 1}
    assert ann == {"train": 1, "it's a test": 2}
    [ben] = [bar for bar in found.bars if bar.bin == 0]
    assert ben.hours == pytest.approx(9 / 3600)
    assert [bar.count for bar in found.missing] == [1]
    for bar in found.bars:
        assert made.view(Filter(where=bar.where)).count == bar.count


def test_a_band_is_that_of_the_files_that_reach_it(tmp_path: Path) -> None:
    low = [-20.0] * (PROFILE_BANDS // 2) + [-140.0] * (PROFILE_BANDS - PROFILE_BANDS // 2)
    bands = [[-30.0] * PROFILE_BANDS, low, [-10.0] * PROFILE_BANDS]
    made = store(tmp_path, bands_db=bands, sample_rate=[16_000, 2_000, 8_000])
    found = profile(made.view())
    train = dict(zip(found.centres_hz, found.levels_db["train"], strict=True))
    assert [level for hz, level in train.items() if hz < 1000] == [pytest.approx(-25.0)] * 14
    assert {level for hz, level in train.items() if hz > 1000} == {-30.0}
    other = dict(zip(found.centres_hz, found.levels_db["it's a test"], strict=True))
    assert {level for hz, level in other.items() if hz > 4000} == {None}
