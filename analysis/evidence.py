"""What the model and the sound say of each error region of an utterance (see `analysis.causes`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.causes import Evidence
from analysis.error_regions import (
    ErrorRegion,
    error_regions,
    is_writable,
    reference_cost,
    word_symbols,
)
from analysis.scoring import Score
from asr_core.alignment import n_needed
from asr_core.decoder import TokenSpan
from asr_core.signal_measures import SignalMeasures
from asr_core.text import Alphabet
from asr_core.transcript import Transcript, Word

COLLAPSED_WORDS = 2  # missed in a row: single ones are missed for other reasons
PAUSES_HEARD_DB = 10.0  # signal-to-noise ratio from which pauses can be told from speech
CUT_ABOVE_NOISE_DB = 12.0  # the level of a cut edge; else it may be the noise that is cut


@dataclass(frozen=True)
class Utterance:
    """One utterance, with all that was measured of it.

    Attributes:
        score: its alignment.
        transcript: what was heard.
        heard: the word of each index heard in the alignment.
        said: where words of the reference are, as far as known; needed of missed ones.
        signal: of its recording.
        alphabet: of the model.
    """

    score: Score
    transcript: Transcript
    heard: Sequence[Word]
    said: Mapping[int, Word]
    signal: SignalMeasures
    alphabet: Alphabet


def explain(utterance: Utterance) -> list[tuple[ErrorRegion, Evidence]]:
    """The error regions of an utterance, in order, each with its evidence."""
    regions = error_regions(utterance.score.edits)
    if not regions:
        return []
    symbols = word_symbols(utterance.transcript.tokens, utterance.alphabet)
    return [(region, _evidence(utterance, region, symbols)) for region in regions]


def letters_per_s(scored: Score, signal: SignalMeasures) -> float | None:
    """How fast the reference was spoken, pauses left out; None where noise hides the pauses."""
    if signal.snr_db < PAUSES_HEARD_DB or signal.sound_s == 0:
        return None
    letters = sum(len(edit.reference) for edit in scored.edits if edit.reference is not None)
    return letters / signal.sound_s


def _evidence(
    utterance: Utterance, region: ErrorRegion, symbols: Sequence[Sequence[TokenSpan]]
) -> Evidence:
    heard, alphabet, signal = utterance.heard, utterance.alphabet, utterance.signal
    edits = utterance.score.edits[region.start : region.end]
    words = [heard[edit.heard_index] for edit in edits if edit.heard_index is not None]
    judged = len(symbols) == len(heard)  # else words were taken apart when they were normalised
    window_s, gap_s = _window_s(utterance, region, words), _gap_s(utterance, region)
    return Evidence(
        writable=all(is_writable(alphabet, word) for word in region.reference),
        cost=reference_cost(region, symbols, utterance.transcript, alphabet) if judged else None,
        n_disputed=max(len(region.reference), len(words)),
        missed=_is_missed(region, heard),
        sound_per_word_s=signal.sound_s_in(*gap_s) / _n_words(region),
        confidence=min((word.confidence for word in words), default=None),
        frames_per_symbol=_frames_per_symbol(utterance),
        recording_snr_db=signal.snr_db,
        snr_db=signal.snr_db_in(*window_s),
        clipped=signal.clipped_in(*window_s),
        edge_db=_edge_db(region, signal),
        dropout=signal.drops_out(*gap_s),
        letters_per_s=letters_per_s(utterance.score, signal),
    )


def _is_missed(region: ErrorRegion, heard: Sequence[Word]) -> bool:
    return not region.heard and len(region.reference) >= (COLLAPSED_WORDS if heard else 1)


def _n_words(region: ErrorRegion) -> int:
    """Words of the reference, the hits beside the region included; one at least."""
    n_hits = (region.before is not None) + (region.after is not None)
    return max(len(region.reference) + n_hits, 1)


def _frames_per_symbol(utterance: Utterance) -> float | None:
    """Frames there are for each that the reference needs; None where it cannot be written."""
    edits, alphabet = utterance.score.edits, utterance.alphabet
    text = " ".join(edit.reference for edit in edits if edit.reference is not None)
    if not text or not is_writable(alphabet, text):
        return None
    return len(utterance.transcript.log_probs) / n_needed(alphabet.encode(text))


def _window_s(
    utterance: Utterance, region: ErrorRegion, words: Sequence[Word]
) -> tuple[float, float]:
    """Where a region is: its words' extents, or else what lies between its neighbours."""
    edits = utterance.score.edits[region.start : region.end]
    missed = [
        utterance.said.get(edit.reference_index or 0) for edit in edits if edit.op == "delete"
    ]
    placed = [*words, *(word for word in missed if word)]
    if placed:
        return min(word.start_s for word in placed), max(word.end_s for word in placed)
    before, after = _neighbours(utterance, region)
    start_s = before.end_s if before else 0.0
    return start_s, max(start_s, after.start_s if after else utterance.transcript.duration_s)


def _gap_s(utterance: Utterance, region: ErrorRegion) -> tuple[float, float]:
    """A region and the words beside it: what was lost may lie anywhere there."""
    before, after = _neighbours(utterance, region)
    end_s = after.end_s if after else utterance.transcript.duration_s
    return before.start_s if before else 0.0, end_s


def _neighbours(utterance: Utterance, region: ErrorRegion) -> tuple[Word | None, Word | None]:
    """The words heard right beside a region."""
    hits = (region.before, region.after)
    before, after = (
        utterance.heard[hit.heard_index] if hit and hit.heard_index is not None else None
        for hit in hits
    )
    return before, after


def _edge_db(region: ErrorRegion, signal: SignalMeasures) -> float | None:
    """The louder of the recording's ends that a region touches; None where it is noise."""
    ends = [end for end, hit in ((False, region.before), (True, region.after)) if hit is None]
    edges_db = [signal.edge_db(end=end) for end in ends]
    least_db = CUT_ABOVE_NOISE_DB - signal.snr_db
    return max((edge_db for edge_db in edges_db if edge_db >= least_db), default=None)
