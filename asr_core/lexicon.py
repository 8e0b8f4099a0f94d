"""A closed vocabulary: a text file with a word a line; a model folder may hold one."""

from collections.abc import Iterable
from pathlib import Path

from asr_core.text import Alphabet

LEXICON = "lexicon.txt"  # in a model folder


class LexiconError(ValueError):
    """A lexicon that cannot be read, or a word that the model cannot write."""


def read_lexicon(path: str | Path, alphabet: Alphabet) -> frozenset[str]:
    """The words of a lexicon, normalised.

    The alphabet's unknown symbol may be one of the lines: it stands for any other word, which then
    may be said but is left out of the text.

    Raises:
        LexiconError: no such file, no word in it, or a line that is no word the model can write.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise LexiconError(
            f"Cannot read the lexicon {path}: {e}. Expected a text file in UTF-8, a word a line."
        ) from e
    try:
        words = check_words(filter(str.strip, lines), alphabet)
    except LexiconError as e:
        raise LexiconError(f"In the lexicon {path}: {e}") from e
    if not words:
        raise LexiconError(f"Expected a word a line in the lexicon {path}, got no word.")
    return frozenset(words)


def check_words(words: Iterable[str], alphabet: Alphabet) -> list[str]:
    """Words as the model writes them (raises LexiconError for the first that it cannot)."""
    return [_check_word(word.strip(), alphabet) for word in words]


def _check_word(word: str, alphabet: Alphabet) -> str:
    if word == alphabet.unknown:
        return word
    clean = alphabet.normalise(word)
    if len(clean.split()) != 1:
        raise LexiconError(f"Expected one word, got {word!r}.")
    try:
        written = alphabet.decode(alphabet.encode(clean))
    except ValueError as e:
        raise LexiconError(f"The model cannot write {word!r}: {e}.") from e
    if written != clean:
        known = ", ".join(s for s in alphabet.symbols if s != alphabet.unknown)
        raise LexiconError(f"The model cannot write {word!r}. It writes: {known}.")
    return clean
