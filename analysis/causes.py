"""Why a word is wrong: each error region gets evidence, and the first cause whose rule holds.

| order | id | holds where |
|---|---|---|
| 1 | `oov` | the model has no symbols for a word of the reference, or the unknown one only |
| 2 | `search` | the acoustic model gives the reference more than what was written |
| 3 | `speed` | too few frames to write the reference in |
| 4 | `label` | the reference is implausible, and what was heard instead is sure |
| 5 | `signal` | the sound is clipped, cut at an end, interrupted, or hardly above its noise |
| 6 | `speed` | speech is very fast, or the model wrote nothing for several words in a row |
| 7 | `acoustic` | the rest: the wrong symbol is preferred in a sound without a visible fault |

The first three are facts, the others suspicions. A label that is wrong stands out in any sound:
where the model is sure of another word, neither noise nor speed has misled it much, so the label is
suspected before them.
Thresholds were set on real joined commands (`benchmarks.causes --manifest
data/spoken/test_commands_joined.jsonl`) and measured on other sets; each one's reason stands beside
it.

How suspicious a label is, in nats, is the cost of the reference per disputed word: what the model
gives the text it wrote over the text with this region's words replaced by the reference's. It is
the self-confidence margin of confident learning (Northcutt et al. 2021) with CTC likelihoods for
class probabilities; ctc-segmentation (Kürzinger et al. 2020) cleans alignments by such a score.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from analysis.error_regions import (
    ErrorRegion,
    error_regions,
    is_writable,
    reference_cost,
    word_symbols,
)
from analysis.scoring import Score
from analysis.signal_measures import SignalMeasures
from asr_core.text import Alphabet
from asr_core.transcript import Transcript, Word

Cause = Literal["oov", "search", "speed", "label", "signal", "acoustic"]
CAUSES: tuple[Cause, ...] = get_args(Cause)

# Frames a symbol, repeats counted: below 1 no path spells the reference, and up to this the few
# that do leave no room for a blank or for a symbol held a frame longer.
LEAST_FRAMES_PER_SYMBOL = 1.2

LABEL_NATS = 7.0  # a word: odds of 1000 to 1 against the reference; errors of the model rarely are
LABEL_CONFIDENCE = 0.8  # of the least sure word heard in the region

CLIPPED_SHARE = 0.03  # of the region's samples; clean speech has under 0.005, clean tones 0.027
LOW_SNR_DB = 6.0  # in the region: where the word error rate of the bundled model doubles
CUT_DB = -12.0  # of the edge, under the vowels: 99 % of whole recordings fade in and out below it
CUT_ABOVE_NOISE_DB = 12.0  # else it may be the noise that is cut

FAST_LETTERS_PER_S = 22.0  # of sound; 99 % of real digits and commands lie below
PAUSES_HEARD_DB = 10.0  # signal-to-noise ratio from which pauses can be told from speech
COLLAPSED_WORDS = 2  # in a row; single words are missed for other reasons


@dataclass(frozen=True)
class Evidence:
    """What is known of one error region; None where it cannot be told.

    Attributes:
        writable: whether the model has symbols for all of the reference's words.
        cost: what the reference would have cost there, in nats (see `error_regions.Cost`).
        n_disputed: words of the reference or heard, whichever are more; one at least.
        n_missed: words of the reference, where nothing was written for them; else 0.
        confidence: of the least sure word heard.
        frames_per_symbol: frames there are for each that the reference needs.
        snr_db: the recording's speech over the region's noise.
        clipped: share of the region's samples that lie on a clipped top.
        edge_db: level of the recording's end that the region touches, under that of its speech.
        dropout: whether digital silence interrupts the sound.
        letters_per_s: of the whole reference, a second of sound.
    """

    writable: bool
    cost: float | None
    n_disputed: int
    n_missed: int
    confidence: float | None
    frames_per_symbol: float | None
    snr_db: float | None
    clipped: float | None
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


def explain(
    scored: Score,
    transcript: Transcript,
    alphabet: Alphabet,
    heard: Sequence[Word],
    said: Mapping[int, Word],
    signal: SignalMeasures,
) -> list[tuple[ErrorRegion, Evidence]]:
    """The error regions of one utterance, in order, each with its evidence.

    Args:
        scored: the utterance's alignment.
        transcript: what was heard.
        alphabet: of the model.
        heard: the word of each index in the alignment.
        said: where words of the reference are, as far as known; needed of missed ones.
        signal: of the recording.
    """
    symbols = word_symbols(transcript.tokens, alphabet)
    judged = len(symbols) == len(heard)  # else words were taken apart when they were normalised
    found = []
    for region in error_regions(scored.edits):
        edits = scored.edits[region.start : region.end]
        words = [heard[e.heard_index] for e in edits if e.heard_index is not None]
        missed = [said.get(e.reference_index) for e in edits if e.op == "delete"]  # type: ignore[arg-type]
        placed = [*words, *(word for word in missed if word is not None)]
        window_s = _window_s(region, placed, heard, transcript.duration_s)
        cost = reference_cost(region, symbols, transcript, alphabet) if judged else None
        evidence = Evidence(
            writable=all(is_writable(alphabet, word) for word in region.reference),
            cost=cost.nats if cost else None,
            n_disputed=max(len(region.reference), len(region.heard)),
            n_missed=0 if region.heard else len(region.reference),
            confidence=min((word.confidence for word in words), default=None),
            frames_per_symbol=cost.n_frames / max(cost.n_needed, 1) if cost else None,
            snr_db=signal.snr_db_in(*window_s),
            clipped=signal.clipped_in(*window_s),
            edge_db=_edge_db(region, signal),
            dropout=signal.drops_out(*window_s),
            letters_per_s=letters_per_s(scored, signal),
        )
        found.append((region, evidence))
    return found


def letters_per_s(scored: Score, signal: SignalMeasures) -> float | None:
    """How fast the reference was spoken, pauses left out; None where noise hides the pauses."""
    if signal.snr_db < PAUSES_HEARD_DB or signal.sound_s == 0:
        return None
    letters = sum(len(edit.reference) for edit in scored.edits if edit.reference is not None)
    return letters / signal.sound_s


def _window_s(
    region: ErrorRegion, placed: Sequence[Word], heard: Sequence[Word], duration_s: float
) -> tuple[float, float]:
    """Where a region is: its words' extents, or else what lies between its neighbours."""
    if placed:
        return min(word.start_s for word in placed), max(word.end_s for word in placed)
    before, after = region.before, region.after
    start_s = heard[before.heard_index].end_s if before and before.heard_index is not None else 0.0
    end_s = duration_s
    if after and after.heard_index is not None:
        end_s = heard[after.heard_index].start_s
    return start_s, max(start_s, end_s)


def _edge_db(region: ErrorRegion, signal: SignalMeasures) -> float | None:
    """The louder of the recording's ends that the region touches; None where it is noise."""
    ends = [end for end, hit in ((False, region.before), (True, region.after)) if hit is None]
    edges_db = [signal.edge_db(end=end) for end in ends]
    least_db = CUT_ABOVE_NOISE_DB - signal.snr_db
    return max((edge_db for edge_db in edges_db if edge_db >= least_db), default=None)


def _below(value: float | None, threshold: float) -> bool:
    return value is not None and value < threshold


def _reaches(value: float | None, threshold: float) -> bool:
    return value is not None and value >= threshold


def _is_unwritable(evidence: Evidence) -> bool:
    return not evidence.writable


def _is_lost(evidence: Evidence) -> bool:
    return _below(evidence.cost, 0.0)


def _is_cramped(evidence: Evidence) -> bool:
    return _below(evidence.frames_per_symbol, LEAST_FRAMES_PER_SYMBOL)


def _is_suspected(evidence: Evidence) -> bool:
    sure = evidence.confidence is None or evidence.confidence >= LABEL_CONFIDENCE
    return sure and _reaches(evidence.suspicion, LABEL_NATS)


def _is_damaged(evidence: Evidence) -> bool:
    return (
        evidence.dropout
        or _below(evidence.snr_db, LOW_SNR_DB)
        or _reaches(evidence.clipped, CLIPPED_SHARE)
        or _reaches(evidence.edge_db, CUT_DB)
    )


def _is_hurried(evidence: Evidence) -> bool:
    return _reaches(evidence.letters_per_s, FAST_LETTERS_PER_S) or (
        evidence.n_missed >= COLLAPSED_WORDS
    )


RULES: tuple[tuple[Cause, Callable[[Evidence], bool]], ...] = (
    ("oov", _is_unwritable),
    ("search", _is_lost),
    ("speed", _is_cramped),
    ("label", _is_suspected),
    ("signal", _is_damaged),
    ("speed", _is_hurried),
)
