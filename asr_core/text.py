"""Text and symbols: normalised text <-> the ids that a model's outputs stand for."""

import re
import unicodedata
from collections.abc import Collection
from functools import cached_property, lru_cache

from pydantic import BaseModel, ConfigDict, model_validator

BLANK = 0  # CTC's blank, everywhere; a constant so that no checkpoint can disagree


def normalise(text: str, kept_whole: Collection[str] = ()) -> str:
    """Lower case, NFC, punctuation (but apostrophes) to spaces, single spaces.

    Args:
        text: any text.
        kept_whole: pieces of text that stay as they are, the longest first: the signs among a
            model's symbols (see `Alphabet.normalise`).
    """
    text = fold(text)
    kept = [" "]
    for piece in _pieces(text, kept_whole):
        # A mark belongs to the letter before it: stress in Russian, vowels in Hindi.
        is_mark = kept[-1] != " " and unicodedata.category(piece[0]).startswith("M")
        is_kept = piece in kept_whole or piece.isalnum() or piece == "'" or is_mark
        kept.append(piece if is_kept else " ")
    return " ".join("".join(kept).split())


def fold(text: str) -> str:
    """Lower case, NFC, the apostrophe of typesetters as that of typewriters."""
    return unicodedata.normalize("NFC", text.lower()).replace("\u2019", "'")


def _pieces(text: str, known: Collection[str]) -> list[str]:
    """Text cut into known pieces, the longest that fits first, and single characters."""
    return _cutter(tuple(known)).findall(text)


@lru_cache
def _cutter(known: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(known, key=len, reverse=True)
    return re.compile("|".join([*map(re.escape, longest_first), "."]), re.DOTALL)


class Alphabet(BaseModel):
    """The symbols of a model, in order: symbol i has id i + 1, because id 0 is the blank.

    A symbol is a string of any length. `joiner` stands between symbols in text: a space where
    symbols are whole words, nothing where they are characters (then the space is a symbol).
    `unknown`, if given, is one of the symbols: it stands for any run of text outside the alphabet
    and is left out of decoded text. `aliases` are other spellings of symbols in texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbols: tuple[str, ...]
    joiner: str = ""
    unknown: str | None = None
    aliases: dict[str, str] = {}  # lower case, as symbols are

    @model_validator(mode="after")
    def _is_sound(self) -> "Alphabet":
        if not self.symbols or "" in self.symbols:
            raise ValueError("expected at least one symbol and no empty one")
        repeated = {s for s in self.symbols if self.symbols.count(s) > 1}
        if repeated:
            raise ValueError(f"expected each symbol once, got more of {sorted(repeated)}")
        if self.joiner and any(self.joiner in s for s in self.symbols):
            raise ValueError(f"expected no symbol with the joiner {self.joiner!r} inside")
        if self.unknown is not None and self.unknown not in self.symbols:
            raise ValueError(f"expected unknown={self.unknown!r} to be one of the symbols")
        wrong = {
            a: s for a, s in self.aliases.items() if a in self.symbols or s not in self.symbols
        }
        if wrong:
            raise ValueError(f"expected aliases of symbols that are none themselves, got {wrong}")
        return self

    @cached_property
    def _signs(self) -> tuple[str, ...]:
        """What is kept of texts though it is no word: the signs among symbols and aliases."""
        spellings = [symbol for symbol in self.symbols if symbol.strip() and symbol != self.unknown]
        return tuple(s for s in [*spellings, *self.aliases] if normalise(s) != s)

    def normalise(self, text: str) -> str:
        """Text as the model would write it: lower case, its own punctuation kept, aliases resolved.

        Other characters stay as in any text (see the function `normalise`): a reference may hold
        words that the model does not know.
        """
        clean = normalise(text, self._signs)
        if not self.aliases:
            return clean
        return "".join(self.aliases.get(piece, piece) for piece in _pieces(clean, self.aliases))

    def __len__(self) -> int:
        """V: the symbols and the blank."""
        return len(self.symbols) + 1

    def symbol(self, index: int) -> str:
        """The symbol of an id; the blank's is the empty string."""
        return "" if index == BLANK else self.symbols[index - 1]

    def pieces(self, text: str) -> list[str]:
        """Normalised text cut where its symbols part; what is no symbol is a piece, too."""
        pieces = text.split(self.joiner) if self.joiner else _pieces(text, self.symbols)
        return [piece for piece in pieces if piece]

    def encode(self, text: str) -> list[int]:
        """Normalised text -> ids.

        Raises:
            ValueError: the text has a symbol outside the alphabet, and there is no `unknown`.
        """
        ids: list[int] = []
        for piece in self.pieces(text):
            symbol = piece if piece in self.symbols else self.unknown
            if symbol is None:
                raise ValueError(f"{piece!r} is not in the alphabet {' '.join(self.symbols)}")
            if symbol != self.unknown or not ids or self.symbol(ids[-1]) != symbol:
                ids.append(self.symbols.index(symbol) + 1)
        return ids

    def decode(self, ids: list[int]) -> str:
        """Ids (no blanks, repeats meant) -> text; the unknown symbol is left out."""
        return self.joiner.join(self.symbol(i) for i in ids if self.symbol(i) != self.unknown)
