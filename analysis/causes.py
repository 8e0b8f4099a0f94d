"""Why a word is wrong: each error region gets evidence, and the first cause whose rule holds.

| order | id | holds where |
|---|---|---|
| 1 | `oov` | the model has no symbols for a word of the reference, or the unknown one only |
| 2 | `search` | the acoustic model gives the reference more than what was written |
| 3 | `signal` | the sound there is clipped, interrupted, or cut off at an end |
| 4 | `speed` | too few frames for the reference, very fast speech, or nothing written for sound |
| 5 | `label` | the reference is implausible, and what was heard instead is sure |
| 6 | `signal` | the sound there is hardly above its noise |
| 7 | `acoustic` | the rest: the wrong symbol is preferred in a sound without a visible fault |

The first two are facts and the next two nearly; a wrong label does not make them true. It does
stand out in noise: where the model is sure of another word, noise has not misled it much, so the
label comes before the noise.
Thresholds were set on real joined commands (`benchmarks.causes --manifest
data/spoken/test_commands_joined.jsonl`) and measured on other sets; each one's reason stands beside
it.

How suspicious a label is, in nats, is the cost of the reference per disputed word: what the model
gives the text it wrote over the text with this region's words replaced by the reference's. It is
the self-confidence margin of confident learning (Northcutt et al. 2021) with CTC likelihoods for
class probabilities; ctc-segmentation (Kürzinger et al. 2020) cleans alignments by such a score.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Cause = Literal["oov", "search", "speed", "label", "signal", "acoustic"]
CAUSES: tuple[Cause, ...] = get_args(Cause)

CLIPPED_SHARE = 0.05  # of the region's samples; whole speech has under 0.005, whole tones 0.036
CUT_DB = -15.0  # of the edge, to the vowels; 99 % of whole recordings are quieter there

# Frames a symbol, repeats counted: below 1 no path spells the reference, and up to this the few
# that do leave no room for a blank or for a symbol held a frame longer.
LEAST_FRAMES_PER_SYMBOL = 1.2
FAST_LETTERS_PER_S = 22.0  # of sound; 99 % of real commands are below 16, of hasty digits below 22
WORD_S = 0.25  # of sound a word; less is no sign that all of them were said

# Half of the wrong labels of real recordings cost more than 10, 95 % more than 4.6; of the model's
# own errors 95 % cost less than 5.9.
LABEL_NATS = 6.0  # a disputed word
LABEL_CONFIDENCE = 0.6  # of the least sure word heard; 95 % are surer where the label is wrong

NOISY_DB = 10.0  # signal-to-noise ratio below which the bundled model errs twice as often
BURST_DB = 2.0  # the same in the region alone, where the quiet moments of a word count as noise


@dataclass(frozen=True)
class Evidence:
    """What is known of one error region; None where it cannot be told.

    Attributes:
        writable: whether the model has symbols for all of the reference's words.
        cost: what the reference would have cost there, in nats (see `reference_cost`).
        n_disputed: words of the reference or heard, whichever are more; one at least.
        missed: whether nothing was written for several words in a row, or for all there are.
        sound_per_word_s: seconds of sound there and in the words beside it, a word of the
            reference.
        confidence: of the least sure word heard.
        frames_per_symbol: frames of the recording for each that the whole reference needs.
        recording_snr_db: signal-to-noise ratio of the whole recording.
        snr_db: the recording's speech over the region's noise.
        clipped: share of the region's samples that lie on a clipped top.
        edge_db: level of the recording's end that the region touches, to that of its speech; None
            where it is not above the noise.
        dropout: whether digital silence interrupts the sound.
        letters_per_s: of the whole reference, a second of sound.
    """

    writable: bool
    cost: float | None
    n_disputed: int
    missed: bool
    sound_per_word_s: float
    confidence: float | None
    frames_per_symbol: float | None
    recording_snr_db: float
    snr_db: float
    clipped: float
    edge_db: float | None
    dropout: bool
    letters_per_s: float | None

    @property
    def suspicion(self) -> float | None:
        """How suspicious the label is: nats a disputed word, 0 at least."""
        return None if self.cost is None else max(self.cost, 0.0) / self.n_disputed


def cause_of(evidence: Evidence) -> Cause:
    """The first cause whose rule holds (see the module's table)."""
    return next((cause for cause, holds in RULES if holds(evidence)), "acoustic")


def label_suspicion(regions: Sequence[Evidence]) -> float | None:
    """How suspicious an utterance's label is: its most suspicious region's nats a word.

    0 where all was heard as the reference says; None where no region can be judged.
    """
    known = [each.suspicion for each in regions if each.suspicion is not None]
    return max(known) if known else (None if regions else 0.0)


def _below(value: float | None, threshold: float) -> bool:
    return value is not None and value < threshold


def _reaches(value: float | None, threshold: float) -> bool:
    return value is not None and value >= threshold


def _is_unwritable(evidence: Evidence) -> bool:
    return not evidence.writable


def _is_lost(evidence: Evidence) -> bool:
    return _below(evidence.cost, 0.0)


def _is_damaged(evidence: Evidence) -> bool:
    return (
        evidence.dropout or evidence.clipped >= CLIPPED_SHARE or _reaches(evidence.edge_db, CUT_DB)
    )


def _is_hurried(evidence: Evidence) -> bool:
    return (
        _below(evidence.frames_per_symbol, LEAST_FRAMES_PER_SYMBOL)
        or _reaches(evidence.letters_per_s, FAST_LETTERS_PER_S)
        or (evidence.missed and evidence.sound_per_word_s >= WORD_S)
    )


def _is_suspected(evidence: Evidence) -> bool:
    if evidence.confidence is None:  # nothing was heard, which noise may be the reason of
        sure = evidence.recording_snr_db >= NOISY_DB
    else:
        sure = evidence.confidence >= LABEL_CONFIDENCE
    return sure and _reaches(evidence.suspicion, LABEL_NATS)


def _is_noisy(evidence: Evidence) -> bool:
    return evidence.recording_snr_db < NOISY_DB or evidence.snr_db < BURST_DB


RULES: tuple[tuple[Cause, Callable[[Evidence], bool]], ...] = (
    ("oov", _is_unwritable),
    ("search", _is_lost),
    ("signal", _is_damaged),
    ("speed", _is_hurried),
    ("label", _is_suspected),
    ("signal", _is_noisy),
)
