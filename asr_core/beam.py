"""Beam search: log_probs to readings, the best first, through torchaudio and flashlight-text."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from asr_core.alignment import align_batch
from asr_core.decoder import Hypothesis
from asr_core.fusion import FORBIDDEN, State, WordScorer
from asr_core.likelihood import log_likelihoods
from asr_core.text import BLANK, Alphabet

LEAST = -1e4  # what flashlight gets for log 0: its sums of two infinities would be NaN
IMPOSSIBLE = 10 * LEAST  # what it gets for a symbol that the words forbid


class DecodingError(ValueError):
    """Log-probabilities that cannot be decoded, or a decoding that makes no sense."""


class _Reading(NamedTuple):
    ids: tuple[int, ...]
    log_prob: float
    score: float


@dataclass(frozen=True)
class BeamSearch:
    """CTC prefix beam search (Graves and Jaitly 2014; Hannun et al. 2014), a `Decoder`.

    Flashlight's search without a lexicon (Kahn et al. 2022) finds the readings; each is then scored
    exactly, by the sum over all its paths and by its words, and they are ranked by that. With a
    beam as wide as there are readings, the order is exact. Safe to call from several threads: every
    call has its own search.

    Attributes:
        alphabet: of the model.
        beam: readings kept a frame; those that end in a blank and in a symbol are two.
        n_best: readings returned at most, no two with the same text.
        words: what words are worth, if anything.
        threshold: log units below a frame's best, where readings are dropped whatever the beam.
    """

    alphabet: Alphabet
    beam: int = 20
    n_best: int = 1
    words: WordScorer | None = None
    threshold: float = 20.0

    def __call__(self, log_probs: np.ndarray, /) -> list[Hypothesis]:
        """Decode (T, V) log_probs of one utterance.

        Raises:
            DecodingError: V is not the alphabet's, there are NaNs, or every reading that the
                lexicon allows has a probability of zero.
        """
        _check(log_probs, len(self.alphabet))
        found = self._search(log_probs) if len(log_probs) else [[]]
        best = self._one_a_text(self._scored(log_probs, found))[: self.n_best]
        if not best:
            raise DecodingError(
                "Every reading that the lexicon allows has a probability of zero. Use a wider beam,"
                " or a lexicon of words that the model can write."
            )
        batch = np.broadcast_to(log_probs, (len(best), *log_probs.shape))
        texts = [reading.ids for reading in best]
        alignments = align_batch(batch, [len(log_probs)] * len(best), texts)
        return [
            Hypothesis(alignment.spans, reading.log_prob, reading.score)
            for alignment, reading in zip(alignments, best, strict=True)
        ]

    def _scored(self, log_probs: np.ndarray, found: list[list[int]]) -> list[_Reading]:
        """The possible ones among the readings, scored exactly, the best first."""
        words = self.words
        # Flashlight orders equal readings by their addresses; sorted, they are alike every time.
        different = sorted({tuple(words.whole_words(ids) if words else ids) for ids in found})
        readings = [
            _Reading(ids, float(log_prob), float(log_prob) + (words.score(ids) if words else 0.0))
            for ids, log_prob in zip(different, log_likelihoods(log_probs, different), strict=True)
        ]
        possible = [reading for reading in readings if reading.score > -np.inf]
        return sorted(possible, key=lambda reading: -reading.score)

    def _one_a_text(self, readings: list[_Reading]) -> list[_Reading]:
        """The first of each text: readings may differ in unknown symbols or in spaces only."""
        kept: dict[str, _Reading] = {}
        for reading in readings:
            kept.setdefault(" ".join(self.alphabet.decode(list(reading.ids)).split()), reading)
        return list(kept.values())

    def _search(self, log_probs: np.ndarray) -> list[list[int]]:
        """The readings that are left at the end of the beam, at least one."""
        import torch

        decoder = self._flashlight()
        emissions = np.maximum(log_probs, LEAST).astype(np.float32)
        (found,) = decoder(torch.from_numpy(np.ascontiguousarray(emissions))[None])
        return [hypothesis.tokens.tolist() for hypothesis in found]

    def _flashlight(self) -> Any:
        """The decoder of torchaudio, without a lexicon; words come in as a model over symbols.

        Flashlight's own LexiconDecoder cannot read words of one symbol: after its first frame such
        a word is back at the trie's root, and there the next frame may only be silence or blank
        (LexiconDecoder.cpp, "(2) Try same lexicon node":
        `int n = prevLex == lexicon_->getRoot() ? sil_ : prevIdx;`).
        """
        from asr_core.torchaudio_door import beam_decoding

        n_symbols = len(self.alphabet)
        # Without a lexicon, symbols past the beam's width in a frame have as many better ones; with
        # it, those may all be forbidden.
        lexicon = self.words is not None and self.words.lexicon is not None
        decoding = beam_decoding()
        return decoding.ctc_decoder(
            lexicon=None,
            tokens=[str(i) for i in range(n_symbols)],
            lm=_token_lm(decoding, self.words) if self.words else None,
            nbest=self.beam,
            beam_size=self.beam,
            beam_size_token=n_symbols if lexicon else min(self.beam + 1, n_symbols),
            beam_threshold=self.threshold,
            lm_weight=1.0,
            log_add=True,
            blank_token=str(BLANK),
            sil_token=str(BLANK),  # so that no symbol gets silence's treatment
        )


def _check(log_probs: np.ndarray, n_symbols: int) -> None:
    if log_probs.ndim != 2 or log_probs.shape[1] != n_symbols:
        raise DecodingError(
            f"Expected log_probs (T, {n_symbols}), got {log_probs.shape}. Take the alphabet and the"
            " log-probabilities from the same model."
        )
    if np.isnan(log_probs).any():
        frame = int(np.flatnonzero(np.isnan(log_probs).any(axis=1))[0])
        raise DecodingError(
            f"Expected log-probabilities, got NaN in frame {frame} of {len(log_probs)}. Check the"
            " recording and the model's weights."
        )


def _token_lm(decoding: Any, words: WordScorer) -> Any:
    """A `WordScorer` as flashlight asks for it: over symbols, each prefix with a state of its own.

    Flashlight holds raw pointers to the states, so they are kept here, for one decode: decoder,
    language model and states all end with it.
    """

    class TokenLM(decoding.CTCDecoderLM):
        def __init__(self) -> None:
            super().__init__()
            # Of each prefix: where its words stand, and the answers about its next symbols.
            self.reached: dict[Any, tuple[State | None, dict[int, tuple[Any, float]]]] = {}

        def start(self, _: bool) -> Any:
            first = decoding.CTCDecoderLMState()
            self.reached[first] = words.start(), {}
            return first

        def score(self, state: Any, symbol_id: int) -> tuple[Any, float]:
            before, answers = self.reached[state]
            if symbol_id not in answers:  # else quick: it is asked for every frame
                after, gain = words.step(before, symbol_id) if before else (None, FORBIDDEN)
                child = state.child(symbol_id)
                self.reached[child] = after if gain > FORBIDDEN else None, {}
                answers[symbol_id] = child, max(gain, IMPOSSIBLE)
            return answers[symbol_id]

        def finish(self, state: Any) -> tuple[Any, float]:
            # An unfinished word is cut off afterwards: a narrow beam may hold nothing else.
            reached, _ = self.reached[state]
            gain = words.finish(reached) if reached else IMPOSSIBLE
            return state, gain if gain > FORBIDDEN else 0.0

    return TokenLM()
