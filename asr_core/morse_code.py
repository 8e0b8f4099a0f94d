"""Morse signs as text: which keying each symbol is, and the letters a sign is read as.

A sign (a pattern of dots and dashes) is one symbol. Where several characters share a keying, the
symbol is the one that Recommendation ITU-R M.1677-1 prints (`=` for <bt>, `+` for <ar>, `(` for
<kn>), or else the procedure sign (`<as>` for &). Signs past M.1677 (`!`, `;`, `_`, `$`, letters
with accents, most procedure signs) are keyed as radio amateurs do. `ĥ`, as in Esperanto, stands for
the sign of CH and of Ш: "ch" are two signs in most languages.
"""

import itertools
import math
import re
import statistics
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from asr_core.text import Alphabet
from asr_core.transcript import Transcript, Word

Script = Literal["latin", "cyrillic"]

LETTERS = {
    "a": ".-", "b": "-...", "c": "-.-.", "d": "-..", "e": ".", "f": "..-.", "g": "--.",
    "h": "....", "i": "..", "j": ".---", "k": "-.-", "l": ".-..", "m": "--", "n": "-.",
    "o": "---", "p": ".--.", "q": "--.-", "r": ".-.", "s": "...", "t": "-", "u": "..-",
    "v": "...-", "w": ".--", "x": "-..-", "y": "-.--", "z": "--..",
}  # fmt: skip
FURTHER_LETTERS = {
    "é": "..-..", "ä": ".-.-", "ö": "---.", "ü": "..--", "ĥ": "----", "ñ": "--.--",
}  # fmt: skip
DIGITS = {
    "0": "-----", "1": ".----", "2": "..---", "3": "...--", "4": "....-",
    "5": ".....", "6": "-....", "7": "--...", "8": "---..", "9": "----.",
}  # fmt: skip
PUNCTUATION = {
    ".": ".-.-.-", ",": "--..--", ":": "---...", "?": "..--..", "'": ".----.", "-": "-....-",
    "/": "-..-.", "(": "-.--.", ")": "-.--.-", '"': ".-..-.", "=": "-...-", "+": ".-.-.",
    "@": ".--.-.", "!": "-.-.--", ";": "-.-.-.", "_": "..--.-", "$": "...-..-",
}  # fmt: skip
PROCEDURE = {
    "<as>": ".-...", "<ka>": "-.-.-", "<sk>": "...-.-", "<ve>": "...-.",
    "<hh>": "........", "<sos>": "...---...",
}  # fmt: skip

CODES = LETTERS | DIGITS | PUNCTUATION | FURTHER_LETTERS | PROCEDURE
SYMBOLS = (" ", *CODES)  # a space is the gap between words

# Other spellings in texts of what is keyed the same.
ALIASES = {
    "<bt>": "=", "<ar>": "+", "<kn>": "(", "&": "<as>", "<va>": "<sk>", "<ct>": "<ka>",
    "<sn>": "<ve>", "<err>": "<hh>", "×": "x", "–": "-",
}  # fmt: skip

# The Russian alphabet over the same signs; ё is sent as е. Punctuation is read as M.1677 has it.
CYRILLIC = dict(
    zip("abwgdevzijklmnoprstufhcöĥqñyxéüä", "абвгдежзийклмнопрстуфхцчшщъыьэюя", strict=True)
)

KEYED_SLACK_S = 0.015  # on either side of a word: output frames are some 40 ms long

_SYMBOL = re.compile(r"<[a-z]+>|.", re.DOTALL)


def symbols(text: str) -> list[str]:
    """Text -> its symbols in order: `<sk>` is one, whatever else is one a character."""
    return _SYMBOL.findall(text)


def read_as(text: str, script: Script) -> str:
    """The same signs in another script's letters; what it has no letter for stays as it is."""
    if script == "latin":
        return text
    return "".join(CYRILLIC.get(symbol, symbol) for symbol in symbols(text))


def signs_of(text: str, script: Script) -> str:
    """A text in a script's letters as the text of its signs: what `read_as` reads back."""
    if script == "latin":
        return text
    letters = {letter: sign for sign, letter in CYRILLIC.items()} | {"ё": "e"}
    lower = unicodedata.normalize("NFC", text.lower())
    return "".join(letters.get(letter, letter) for letter in lower)


def read_transcript(transcript: Transcript, script: Script) -> Transcript:
    """The transcript with all its texts in another script's letters."""
    readings = tuple(
        replace(each, text=read_as(each.text, script), words=_read_words(each.words, script))
        for each in transcript.readings
    )
    return replace(
        transcript,
        text=read_as(transcript.text, script),
        words=_read_words(transcript.words, script),
        symbols=tuple(read_as(symbol, script) for symbol in transcript.symbols),
        readings=readings,
    )


def _read_words(words: tuple[Word, ...], script: Script) -> tuple[Word, ...]:
    return tuple(replace(word, text=read_as(word.text, script)) for word in words)


def keyed_bounds_s(
    words: Sequence[Sequence[tuple[str, float]]], delay_s: float
) -> list[tuple[float, float]]:
    """The most that each word can take: (start_s, end_s), without overlaps.

    A word begins where its first sign does, and ends when the last one is keyed: as many dots after
    its start as its code has, with the dot that the distances between the signs tell. In noise that
    says more than the sound.

    Args:
        words: one at least; their signs, at least one each, with the second each is emitted at.
        delay_s: from a sign's start to its emission, as measured for the network.
    """
    dot_s = _dot_s(words)
    starts_s = [word[0][1] - delay_s for word in words]
    ends_s = [word[-1][1] - delay_s + _units(word[-1][0]) * dot_s for word in words]
    starts_s = [start_s - KEYED_SLACK_S for start_s in starts_s]
    nexts_s = [*starts_s[1:], math.inf]
    ends_s = [min(e + KEYED_SLACK_S, n) for e, n in zip(ends_s, nexts_s, strict=True)]
    return list(zip(starts_s, ends_s, strict=True))


def _dot_s(words: Sequence[Sequence[tuple[str, float]]]) -> float:
    """Seconds a dot, from the distances of signs in a word, or else of words; infinite of one sign.

    From a sign to the next one it is as long as its code and a gap of three dots; of seven, where
    the next one begins a word.
    """
    inside = [
        (later - at) / (_units(sign) + 3)
        for word in words
        for (sign, at), (_, later) in itertools.pairwise(word)
    ]
    between = [
        (following[0][1] - word[-1][1]) / (_units(word[-1][0]) + 7)
        for word, following in itertools.pairwise(words)
    ]
    return statistics.median(inside or between or [math.inf])


def _units(sign: str) -> int:
    """Dots that a sign takes to key: a dash takes three, a gap inside it one."""
    code = CODES[sign]
    return 2 * code.count("-") + 2 * len(code) - 1


def is_morse(alphabet: Alphabet) -> bool:
    """Whether a model's symbols are Morse signs."""
    return set(alphabet.symbols) == set(SYMBOLS)


def check_script(script: Script, alphabet: Alphabet) -> None:
    """Refuse other letters for a model whose symbols are no Morse signs (raises ValueError)."""
    if script != "latin" and not is_morse(alphabet):
        raise ValueError(
            f"The script {script} is for Morse signs, and this model's symbols are others. Leave"
            " --script out, or choose --model morse."
        )
