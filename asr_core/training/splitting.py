"""Who goes where: training, validation and test, no speaker in two of them.

A layout's own splits are kept; what it lacks is taken out of its training recordings.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from asr_core.training.corpora.clips import draw
from asr_core.training.layouts.found import Found

FEWEST_SPEAKERS = 3  # one a split
TOLERANCE = 1.5  # a held-out split may be so much larger than asked: speakers come whole


def assign(
    found: Sequence[Found], *, validation: float, test: float, seed: int
) -> tuple[list[str], str]:
    """The split of each recording, in order, and a sentence that says how it was chosen.

    Where three speakers or more are named, whole speakers are drawn. Recordings without a speaker,
    or of fewer, go by a hash of seed and name: each stays where it is when others are added.

    Args:
        found: the recordings.
        validation: share for validation, of recordings; taken where the layout has no such split.
        test: the same for the test.
        seed: of the hashes.
    """
    official = {each.split for each in found if each.split}
    if "train" not in official:
        official = set()
    shares = {
        name: share
        for name, share in (("test", test), ("validation", validation))
        if name not in official and share > 0
    }
    is_free = [not official or each.split in (None, "train") for each in found]
    free = [each for each, is_one in zip(found, is_free, strict=True) if is_one]
    by_speaker = len({each.speaker for each in free} - {""}) >= FEWEST_SPEAKERS
    drawn = _drawn(free, shares, seed, by_speaker=by_speaker)
    splits = [
        drawn[_group(each, by_speaker)] if is_one else each.split or "train"
        for each, is_one in zip(found, is_free, strict=True)
    ]
    return splits, _told(official, shares, by_speaker=by_speaker)


def _group(found: Found, by_speaker: bool) -> str:
    """What stays together."""
    if by_speaker and found.speaker:
        return f"speaker {found.speaker}"
    return found.group or found.name


def _drawn(
    free: Sequence[Found], shares: Mapping[str, float], seed: int, *, by_speaker: bool
) -> dict[str, str]:
    """The split of each group of recordings."""
    sizes = Counter(_group(each, by_speaker) for each in free)
    speakers = {_group(each, True) for each in free if each.speaker} if by_speaker else set()
    order = sorted(sizes, key=lambda group: draw(seed, group))
    drawn = _by_size([g for g in order if g in speakers], sizes, shares)
    drawn |= _by_hash([g for g in order if g not in speakers], shares, seed)
    if drawn and "train" not in drawn.values():  # a few groups may all go one way
        drawn[max(order, key=sizes.__getitem__)] = "train"
    for split in shares:
        training = [g for g in order if drawn[g] == "train"]
        if split not in drawn.values() and len(training) > 1:
            drawn[min(training, key=sizes.__getitem__)] = split
    return drawn


def _by_size(
    order: Sequence[str], sizes: Mapping[str, int], shares: Mapping[str, float]
) -> dict[str, str]:
    """Speakers in the order drawn, each split filled up to its share of the recordings."""
    n_all = sum(sizes[group] for group in order)
    drawn = dict.fromkeys(order, "train")
    for split, share in shares.items():
        n_taken = 0
        for group in order:
            fits = n_taken + sizes[group] <= TOLERANCE * share * n_all
            if n_taken < share * n_all and fits and drawn[group] == "train":
                drawn[group] = split
                n_taken += sizes[group]
    return drawn


def _by_hash(order: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    drawn = {}
    for group in order:
        place = draw(seed, group)
        drawn[group] = "train"
        for split, share in shares.items():
            if 0 <= place < share:
                drawn[group] = split
            place -= share
    return drawn


def _told(official: set[str], shares: Mapping[str, float], *, by_speaker: bool) -> str:
    kept = f"The data's own splits were kept ({', '.join(sorted(official))})." if official else ""
    how = "by a hash of the names"
    if by_speaker:
        how = f"by speaker: none is {'left in train' if official else 'in two splits'}"
    taken = f"{' and '.join(sorted(shares))} drawn {how}." if shares else ""
    return " ".join(part for part in (kept, taken[:1].upper() + taken[1:]) if part)
