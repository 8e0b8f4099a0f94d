"""Morse signs as text: which keying each symbol is, and the letters a sign is read as.

A sign (a pattern of dots and dashes) is one symbol. Where several characters share a keying, the
symbol is the one that Recommendation ITU-R M.1677-1 prints (`=` for <bt>, `+` for <ar>, `(` for
<kn>), or else the procedure sign (`<as>` for &). Signs past M.1677 (`!`, `;`, `_`, `$`, letters
with accents, most procedure signs) are keyed as radio amateurs do. `ĥ`, as in Esperanto, stands for
the sign of CH and of Ш: "ch" are two signs in most languages.
"""

import re
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

_SYMBOL = re.compile(r"<[a-z]+>|.", re.DOTALL)


def symbols(text: str) -> list[str]:
    """Text -> its symbols in order: `<sk>` is one, whatever else is one a character."""
    return _SYMBOL.findall(text)


def read_as(text: str, script: Script) -> str:
    """The same signs in another script's letters; what it has no letter for stays as it is."""
    if script == "latin":
        return text
    return "".join(CYRILLIC.get(symbol, symbol) for symbol in symbols(text))


def read_transcript(transcript: Transcript, script: Script) -> Transcript:
    """The transcript with its text, words and readings in another script's letters."""
    readings = tuple(
        replace(each, text=read_as(each.text, script), words=_read_words(each.words, script))
        for each in transcript.readings
    )
    words = _read_words(transcript.words, script)
    text = read_as(transcript.text, script)
    return replace(transcript, text=text, words=words, readings=readings)


def _read_words(words: tuple[Word, ...], script: Script) -> tuple[Word, ...]:
    return tuple(replace(word, text=read_as(word.text, script)) for word in words)


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
