"""Splits: no speaker in two, shares nearly as asked, the layout's own kept, the same every time."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core.training.layouts.found import SPLITS, Found
from asr_core.training.layouts.tables import read_csv
from asr_core.training.splitting import assign

SHARES = {"validation": 0.1, "test": 0.1, "seed": 1}


def recordings(*speakers: str, splits: tuple[str | None, ...] = ()) -> list[Found]:
    """One recording a speaker named, in order."""
    each = splits or (None,) * len(speakers)
    return [
        Found(Path(f"{i}.wav"), "a", f"{i}.wav", speaker, split=split)
        for i, (speaker, split) in enumerate(zip(speakers, each, strict=True))
    ]


people = st.lists(st.sampled_from(["", *"abcdefgh"]), min_size=3, max_size=80)


@given(people, st.integers(0, 5))
def test_no_speaker_is_in_two_splits_and_nobody_is_lost(speakers: list[str], seed: int) -> None:
    found = recordings(*speakers)
    names, _ = assign(found, validation=0.1, test=0.1, seed=seed)
    assert len(names) == len(found)
    assert set(names) == set(SPLITS)
    if len(set(speakers) - {""}) >= 3:
        where = defaultdict(set)
        for each, name in zip(found, names, strict=True):
            where[each.speaker].add(name)
        assert all(len(splits) == 1 for speaker, splits in where.items() if speaker)


@given(people, st.randoms(use_true_random=False))
def test_the_order_of_the_recordings_changes_nothing(speakers: list[str], random) -> None:
    found = recordings(*speakers)
    shuffled = random.sample(found, len(found))
    first = dict(zip((f.name for f in found), assign(found, **SHARES)[0], strict=True))
    second = dict(zip((f.name for f in shuffled), assign(shuffled, **SHARES)[0], strict=True))
    assert first == second


def test_shares_of_many_speakers_are_as_asked() -> None:
    found = recordings(*(f"s{i % 100}" for i in range(5000)))
    counts = Counter(assign(found, validation=0.1, test=0.2, seed=3)[0])
    assert counts["validation"] == 500
    assert counts["test"] == 1000


def test_one_who_said_nearly_all_stays_in_training() -> None:
    found = recordings(*["much"] * 90, *"abcde")
    for seed in range(20):
        names, how = assign(found, validation=0.1, test=0.1, seed=seed)
        assert set(names[:90]) == {"train"}
        assert "none is in two splits" in how


def test_without_speakers_recordings_stay_where_they_are_when_others_come() -> None:
    few, many = recordings(*[""] * 300), recordings(*[""] * 900)
    names, how = assign(few, **SHARES)
    assert "by a hash" in how
    assert assign(many, **SHARES)[0][:300] == names
    shares = {name: n / 300 for name, n in Counter(names).items()}
    assert shares["test"] == pytest.approx(0.1, abs=0.05)  # 3 standard deviations of 300 draws
    assert assign(few, validation=0.1, test=0.1, seed=2)[0] != names


def test_two_speakers_are_too_few_to_part() -> None:
    names, how = assign(recordings(*"ab" * 50), **SHARES)
    assert set(names) == set(SPLITS)
    assert "by a hash" in how


def test_stretches_of_one_recording_stay_together() -> None:
    found = [Found(Path("x"), "a", f"{i}", group=f"g{i // 10}") for i in range(300)]
    names = assign(found, **SHARES)[0]
    assert all(len(set(names[i : i + 10])) == 1 for i in range(0, 300, 10))


def test_the_layouts_own_splits_are_kept_and_what_lacks_is_taken_from_training() -> None:
    own = ("train",) * 40 + ("test",) * 5 + (None,) * 5
    found = recordings(*(f"s{i % 20}" for i in range(50)), splits=own)
    names, how = assign(found, **SHARES)
    assert [i for i, name in enumerate(names) if name == "test"] == [40, 41, 42, 43, 44]
    assert 3 <= names.count("validation") <= 6  # of 45
    assert how.startswith("The data's own splits were kept (test, train). Validation drawn")


def test_own_splits_without_a_training_one_are_drawn_anew() -> None:
    names, how = assign(recordings(*[""] * 50, splits=("test",) * 50), **SHARES)
    assert names.count("train") > 30
    assert "kept" not in how


def test_a_share_of_zero_leaves_a_split_empty() -> None:
    names, _ = assign(recordings(*"abcdefgh"), validation=0.2, test=0.0, seed=1)
    assert set(names) == {"train", "validation"}


@given(people, st.integers(0, 50))
def test_training_is_never_empty(speakers: list[str], seed: int) -> None:
    few = recordings(*speakers[:2])
    assert "train" in assign(few, validation=0.5, test=0.4, seed=seed)[0]


def test_a_single_recording_is_for_training() -> None:
    assert assign(recordings("a"), **SHARES)[0] == ["train"]


def test_kept_splits_may_share_speakers_and_nothing_else_is_said() -> None:
    """Of the speakers drawn, one may also be in a split that came with the data."""
    found = recordings(*"abcdef" * 5, splits=("train",) * 24 + ("validation",) * 6)
    splits, how = assign(found, **SHARES)
    drawn = {each.speaker for each, split in zip(found, splits, strict=True) if split == "test"}
    assert drawn
    assert "none is left in train" in how
    assert not drawn & {
        each.speaker for each, split in zip(found, splits, strict=True) if split == "train"
    }


@pytest.mark.parametrize("seed", range(5))
def test_one_file_by_two_names_and_one_voice_with_a_space_stay_together(
    tmp_path: Path, seed: int
) -> None:
    paths = [name for i in range(20) for name in (f"x/{i}.wav", f"./x/../x/{i}.wav")]
    tables = {
        "files.csv": [f"{path},,a" for path in paths],
        "voices.csv": [f"{i}{p}.wav,{p}{' ' * i},a" for p in "abcdefgh" for i in range(2)],
    }
    for name, rows in tables.items():
        (tmp_path / name).write_text("\n".join(["path,speaker,text", *rows]))
    files, voices = (
        [each for each in read_csv(tmp_path / name) if isinstance(each, Found)]
        for name in ("files.csv", "voices.csv")
    )
    for found, key in ((files, lambda each: each.path.resolve()), (voices, speaker_of)):
        assert found
        splits, _ = assign(found, validation=0.2, test=0.2, seed=seed)
        pairs = {(key(each), split) for each, split in zip(found, splits, strict=True)}
        assert len(pairs) == len({key(each) for each in found})


def speaker_of(found: Found) -> str:
    return found.path.stem[-1]
