"""What a reading's words are worth beside its sound: vocabulary, language model, hotwords.

Shallow fusion (Gulcehre et al. 2015): a decoder ranks readings by log P(symbols | sound) and what
`WordScorer` gives their words.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from asr_core.language import END, LanguageModel
from asr_core.text import Alphabet

FORBIDDEN = -math.inf


class State(NamedTuple):
    """Where a reading stands: the language model's context, the letters of the word begun."""

    context: Any
    begun: str


@dataclass(frozen=True)
class WordScorer:
    """Scores the words of readings, symbol by symbol.

    Words are the symbols where the alphabet joins them by a space, else the runs between its space
    symbols. The unknown symbol is no word.

    Attributes:
        alphabet: of the model.
        lexicon: the only words allowed; None allows any. The unknown symbol is allowed only
            where it is listed.
        lm: P(word | words before), or None.
        lm_weight: what the natural logarithm of P is multiplied by.
        word_bonus: for every word, against a language model's (or CTC's) liking for few.
        hotwords: what a word is worth on top, in log units. Where words are spelt, letters bring
            their share at once, which is taken back if another word comes of it, as in pyctcdecode.
    """

    alphabet: Alphabet
    lexicon: Collection[str] | None = None
    lm: LanguageModel | None = None
    lm_weight: float = 0.0
    word_bonus: float = 0.0
    hotwords: Mapping[str, float] = field(default_factory=dict)
    _prefixes: frozenset[str] = field(init=False, repr=False)  # of the lexicon's words
    _credits: Mapping[str, float] = field(init=False, repr=False)  # of the hotwords' prefixes

    def __post_init__(self) -> None:
        prefixes = {p for word in self.lexicon or () for p in self._spelt(word)}
        shares: dict[str, float] = {}
        for word, boost in self.hotwords.items():
            spelt = self._spelt(word)
            for n, prefix in enumerate(spelt, start=1):
                share = boost * n / len(spelt)
                shares[prefix] = max(share, shares.get(prefix, -math.inf))
        object.__setattr__(self, "_prefixes", frozenset(prefixes))
        object.__setattr__(self, "_credits", shares)

    def _spelt(self, word: str) -> list[str]:
        """What is said of a word after each of its symbols: s, st, sto, stop."""
        if self.alphabet.joiner == " ":
            return [word]
        symbols = [self.alphabet.symbol(i) for i in self.alphabet.encode(word)]
        return ["".join(symbols[: n + 1]) for n in range(len(symbols))]

    def start(self) -> State:
        return State(self.lm.start() if self.lm else None, "")

    def step(self, state: State, symbol_id: int) -> tuple[State, float]:
        """The state after one more symbol and what it adds to the score, maybe FORBIDDEN."""
        symbol = self.alphabet.symbol(symbol_id)
        if symbol == self.alphabet.unknown:
            allowed = self.lexicon is None or symbol in self.lexicon
            return state, 0.0 if allowed else FORBIDDEN
        if self.alphabet.joiner == " ":
            return self._said(state, symbol)
        if symbol == " ":
            return self._said(state, state.begun) if state.begun else (state, 0.0)
        begun = state.begun + symbol
        if self.lexicon is not None and begun not in self._prefixes:
            return state, FORBIDDEN
        gain = self._credits.get(begun, 0.0) - self._credits.get(state.begun, 0.0)
        return State(state.context, begun), gain

    def finish(self, state: State) -> float:
        """What the end of the utterance adds: of the word begun, if any, and of `END`."""
        gain = 0.0
        if state.begun:
            state, gain = self._said(state, state.begun)
        if self.lm:
            gain += self.lm_weight * self.lm.score(state.context, END)[0]
        return gain

    def score(self, ids: Sequence[int]) -> float:
        """What is added to a whole reading's log-probability."""
        state, total = self.start(), 0.0
        for symbol_id in ids:
            state, gain = self.step(state, symbol_id)
            total += gain
        return total + self.finish(state)

    def whole_words(self, ids: Sequence[int]) -> Sequence[int]:
        """The reading without the symbols of a last word that the lexicon does not hold."""
        if self.lexicon is None or self.alphabet.joiner == " ":
            return ids
        begun = ""
        start = 0
        for i, symbol_id in enumerate(ids):
            symbol = self.alphabet.symbol(symbol_id)
            if symbol == " ":
                begun, start = "", i + 1
            elif symbol != self.alphabet.unknown:
                begun += symbol
        return ids if not begun or begun in self.lexicon else ids[:start]

    def _said(self, state: State, word: str) -> tuple[State, float]:
        """A word has ended; where it is spelt, its letters' shares are already counted."""
        if self.lexicon is not None and word not in self.lexicon:
            return state, FORBIDDEN
        gain = self.word_bonus + self.hotwords.get(word, 0.0)
        gain -= self._credits.get(state.begun, 0.0)
        context = state.context
        if self.lm:
            log_prob, context = self.lm.score(context, word)
            gain += self.lm_weight * log_prob
        return State(context, ""), gain
