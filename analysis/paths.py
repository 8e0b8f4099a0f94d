"""Two texts as paths through the same frames: where they part, and what the difference costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr_core.alignment import Alignment
from asr_core.decoder import TokenSpan, path_spans
from asr_core.text import BLANK


@dataclass(frozen=True)
class Parting:
    """Frames [start, end) in which the path of the reference is not that of what was heard.

    Attributes:
        start: the first frame.
        end: one past the last frame.
        reference: ids that only the path of the reference writes here; may be empty.
        heard: ids that only the path of what was heard writes here; may be empty.
        cost: log-probability of the heard path less that of the reference, over these frames, in
            nats; below zero where the model gave the reference more.
    """

    start: int
    end: int
    reference: tuple[int, ...]
    heard: tuple[int, ...]
    cost: float


def path_of(spans: Sequence[TokenSpan], log_probs: np.ndarray) -> Alignment:
    """The path through (T, V) log_probs that a decoder's spans describe."""
    path = np.full(len(log_probs), BLANK)
    for span in spans:
        path[span.start : span.end] = span.id
    return Alignment(path, log_probs[np.arange(len(path)), path], tuple(spans))


def greedy_path(log_probs: np.ndarray) -> Alignment:
    """The symbol that wins each frame of (T, V) log_probs."""
    path = log_probs.argmax(axis=1)
    return Alignment(path, log_probs.max(axis=1), path_spans(path, log_probs))


def part(reference: Alignment, heard: Alignment, longest_gap: int = 0) -> tuple[Parting, ...]:
    """The regions in which two paths through the same frames differ, in order.

    Where the paths agree they cost the same, so the costs of all regions add up to
    `heard.log_prob - reference.log_prob`.

    Args:
        reference: the path of what was said.
        heard: the path of what was heard.
        longest_gap: differing frames with at most so many frames between them, blank in both
            paths, are one region: of a word for another, each is written in frames of its own.
    """
    costs = heard.frame_log_probs - reference.frame_log_probs
    regions: list[list[int]] = []
    for frame in np.flatnonzero(reference.path != heard.path):
        between = reference.path[regions[-1][1] : frame] if regions else None
        if between is not None and len(between) <= longest_gap and not between.any():
            regions[-1][1] = int(frame) + 1
        else:
            regions.append([int(frame), int(frame) + 1])
    return tuple(
        Parting(
            start=start,
            end=end,
            reference=_only(reference.spans, heard.spans, start, end),
            heard=_only(heard.spans, reference.spans, start, end),
            cost=float(costs[start:end].sum()),
        )
        for start, end in regions
    )


def _only(
    spans: Sequence[TokenSpan], others: Sequence[TokenSpan], start: int, end: int
) -> tuple[int, ...]:
    """Ids written in frames [start, end), but those the other path writes at the same time."""
    here = [span for span in spans if span.start < end and span.end > start]
    return tuple(
        span.id
        for span in here
        if not any(
            other.id == span.id and other.start < span.end and other.end > span.start
            for other in others
        )
    )
