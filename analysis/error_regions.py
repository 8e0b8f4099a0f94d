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


def is_writable(alphabet: Alphabet, text: str) -> bool:
    """Whether a model can write a text; as the unknown symbol does not count."""
    return all(
        piece in alphabet.symbols and piece != alphabet.unknown for piece in alphabet.pieces(text)
    )


def word_symbols(tokens: Sequence[TokenSpan], alphabet: Alphabet) -> list[list[TokenSpan]]:
    """The symbols of each word that was written; unknown ones are no words."""
    groups = group_symbols(tokens, alphabet)
    return [group for group in groups if alphabet.decode([token.id for token in group])]


def reference_cost(
    region: ErrorRegion,
    words: Sequence[Sequence[TokenSpan]],
    transcript: Transcript,
    alphabet: Alphabet,
) -> float | None:
    """What a region's reference would have cost, in nats; None where the model cannot write it.

    log P(written) less log P(reference), by the acoustic model alone: the sums over all paths
    through the frames between what was written before and after the region and the hits at its
    sides, which both texts have. Below zero where the model gave the reference more.

    Args:
        region: of an alignment with the words heard.
        words: `word_symbols` of what was heard.
        transcript: of the utterance.
        alphabet: of the model.
    """
    first, last = _hit(region.before, words), _hit(region.after, words)
    between = _text(alphabet, region.reference, bool(first), bool(last))
    if not is_writable(alphabet, between):
        return None
    tokens = transcript.tokens
    opens = tokens.index(first[0]) if first else 0
    closes = tokens.index(last[-1]) + 1 if last else len(tokens)
    start = tokens[opens - 1].end if opens else 0
    end = tokens[closes].start if closes < len(tokens) else len(transcript.log_probs)
    written = [token.id for token in tokens[opens:closes]]
    wanted = [
        *(token.id for token in first),
        *alphabet.encode(between),
        *(token.id for token in last),
    ]
    likely = log_likelihoods(transcript.log_probs[start:end], [written, wanted])
    nats = float(likely[0] - likely[1]) if np.isfinite(likely).any() else MOST_NATS
    return min(max(nats, -MOST_NATS), MOST_NATS)


def _hit(edit: Edit | None, words: Sequence[Sequence[TokenSpan]]) -> Sequence[TokenSpan]:
    """The symbols of the word heard right; none at an end of the utterance."""
    if edit is None:
        return ()
    assert edit.heard_index is not None
    return words[edit.heard_index]


def _text(alphabet: Alphabet, reference: Sequence[str], after_hit: bool, before_hit: bool) -> str:
    """Words between two others, with the spaces that a model that spells writes there."""
    words = " ".join(reference)
    if alphabet.joiner:
        return words
    if not words:
        return " " * (after_hit and before_hit)
    return " " * after_hit + words + " " * before_hit
