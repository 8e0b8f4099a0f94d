"""Error regions: neighbouring edits as one, and what the reference would have cost in each.

A word for another and the word missed beside it are one event in the sound, so causes are given to
maximal runs of edits that are not hits, never to an edit alone.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.scoring import Edit
from asr_core.decoder import TokenSpan
from asr_core.likelihood import log_likelihoods
from asr_core.placement import group_symbols
from asr_core.text import Alphabet
from asr_core.transcript import Transcript

MOST_NATS = 1000.0  # a cost is kept within it: what cannot be said at all is no infinity in a table


@dataclass(frozen=True)
class ErrorRegion:
    """Edits [start, end) of an alignment, none of them a hit.

    `before` and `after` are the hits beside it; None at the ends of the utterance.
    """

    start: int
    end: int
    reference: tuple[str, ...]
    heard: tuple[str, ...]
    before: Edit | None
    after: Edit | None


@dataclass(frozen=True)
class Cost:
    """What the reference's words of a region would have cost, against those that were written.

    Attributes:
        nats: log P(written) less log P(reference), by the acoustic model alone: the sums over all
            paths through the region's frames, the hits at its sides included. Below zero where the
            model gave the reference more. At most MOST_NATS away from zero.
        n_frames: the frames summed over.
        n_needed: how many frames the reference needs at least: its symbols and repeats.
    """

    nats: float
    n_frames: int
    n_needed: int


def error_regions(edits: Sequence[Edit]) -> list[ErrorRegion]:
    """The maximal runs of edits that are not hits, in order."""
    found = []
    start = 0
    for hit, run in itertools.groupby(edits, key=lambda edit: edit.op == "equal"):
        some = tuple(run)
        end = start + len(some)
        if not hit:
            found.append(
                ErrorRegion(
                    start=start,
                    end=end,
                    reference=tuple(e.reference for e in some if e.reference is not None),
                    heard=tuple(e.heard for e in some if e.heard is not None),
                    before=edits[start - 1] if start else None,
                    after=edits[end] if end < len(edits) else None,
                )
            )
        start = end
    return found


def is_writable(alphabet: Alphabet, word: str) -> bool:
    """Whether a model can write a word; as the unknown symbol does not count."""
    return all(
        piece in alphabet.symbols and piece != alphabet.unknown for piece in alphabet.pieces(word)
    )


def word_symbols(tokens: Sequence[TokenSpan], alphabet: Alphabet) -> list[list[TokenSpan]]:
    """The symbols of each word that was written; unknown ones are no words."""
    groups = group_symbols(tokens, alphabet)
    return [group for group in groups if alphabet.decode([token.id for token in group])]


def n_needed(ids: Sequence[int]) -> int:
    """Frames that CTC needs for a text: a symbol each, and a blank between equal neighbours."""
    return len(ids) + sum(a == b for a, b in itertools.pairwise(ids))


def reference_cost(
    region: ErrorRegion,
    words: Sequence[Sequence[TokenSpan]],
    transcript: Transcript,
    alphabet: Alphabet,
) -> Cost | None:
    """What a region's reference would have cost; None where the model cannot write it.

    Args:
        region: of an alignment with the words heard.
        words: `word_symbols` of what was heard.
        transcript: of the utterance.
        alphabet: of the model.
    """
    if not all(is_writable(alphabet, word) for word in region.reference):
        return None
    first, last = _hit(region.before, words), _hit(region.after, words)
    start = first[0].start if first else 0
    end = last[-1].end if last else len(transcript.log_probs)
    tokens = transcript.tokens
    written = [token.id for token in tokens if token.start >= start and token.end <= end]
    wanted = [
        *(token.id for token in first),
        *_between(alphabet, region.reference, bool(first), bool(last)),
        *(token.id for token in last),
    ]
    likely = log_likelihoods(transcript.log_probs[start:end], [written, wanted])
    nats = float(likely[0] - likely[1]) if np.isfinite(likely).any() else MOST_NATS
    return Cost(min(max(nats, -MOST_NATS), MOST_NATS), end - start, n_needed(wanted))


def _hit(edit: Edit | None, words: Sequence[Sequence[TokenSpan]]) -> Sequence[TokenSpan]:
    """The symbols of the word heard right; none at an end of the utterance."""
    if edit is None:
        return ()
    assert edit.heard_index is not None
    return words[edit.heard_index]


def _between(
    alphabet: Alphabet, reference: Sequence[str], after_word: bool, before_word: bool
) -> list[int]:
    """The ids of words between two others, with the spaces that a model that spells writes."""
    if alphabet.joiner:
        return alphabet.encode(alphabet.joiner.join(reference))
    n_sides = after_word + before_word
    if not reference:
        return alphabet.encode(" " * (n_sides == 2))
    return alphabet.encode(" " * after_word + " ".join(reference) + " " * before_word)
