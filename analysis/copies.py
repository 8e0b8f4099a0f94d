"""Which recordings of a set are the same sound: of the same samples, or near copies."""

from collections.abc import Sequence
from pathlib import Path

from analysis.fingerprints import copies
from analysis.measuring import FileMeasures
from asr_core.audio import AudioError

LEAST_SOUND_S = 0.1  # of recordings that can be near copies: steady noises are all alike
Measured = FileMeasures | AudioError | None


def copy_groups(measures: Sequence[Measured], paths: Sequence[Path]) -> list[int | None]:
    """For each recording the number of its group, from 0; None where there is no copy of it.

    Args:
        measures: of every recording.
        paths: where it can be read again, to compare it sample by sample.
    """
    first: dict[str, int] = {}  # samples -> the first recording of them
    leader = list(range(len(measures)))
    for i, each in enumerate(measures):
        if isinstance(each, FileMeasures):
            leader[i] = first.setdefault(each.samples_sha256, i)
    alone = sorted(first.values())
    for a, b in copies([_print(measures[i]) for i in alone], [paths[i] for i in alone]):
        one, other = sorted((_root(leader, alone[a]), _root(leader, alone[b])))
        leader[other] = one
    roots = [_root(leader, i) for i in range(len(leader))]
    shared = {root for i, root in enumerate(roots) if root != i}
    numbers = {root: number for number, root in enumerate(sorted(shared))}
    return [numbers.get(root) for root in roots]


def _print(measured: Measured) -> bytes:
    if not isinstance(measured, FileMeasures) or measured.recording.sound_s < LEAST_SOUND_S:
        return b""
    return measured.fingerprint


def _root(leader: list[int], i: int) -> int:
    while leader[i] != i:
        i = leader[i]
    return i
