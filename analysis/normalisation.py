"""What of two texts counts as the same: normalisers, chosen per evaluation.

A normaliser looks at one written word at a time, so that words keep their times: a text's is that
of its words, in order. None of them deletes a word, a digit, or a sign that is read aloud: "zero",
"oh", "um" and "%" are as wrong when missed as any other (normalisers that drop "zero" or "oh" make
digit strings look better than they are).

- `none`: white space alone parts words.
- `basic`: Unicode's NFKC and case folding; punctuation parts words, but not apostrophes inside
  words, decimal points, and commas between thousands; `%`, `&`, `+`, `=`, `°`, and currencies
  are words of their own; a minus stays with its number.
- `english`: as `basic`; single digits as words ("5" = "five", "0" = "zero"; "oh" stays "oh"), `%`,
  `&`, `+`, `=`, too; contractions of one reading are written out ("we're" = "we are", "didn't" =
  "did not"). What has several is left: 's, 'd, numbers of more than one digit ("1995").
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

Normaliser = Callable[[str], str]  # of a text

OWN_NORMALISER = "model"  # as a model's alphabet writes text; other systems have none
REMEMBERED = 1 << 16  # written words whose normal form is kept
SIGNS = "%&+=°"  # read aloud, as currencies (Unicode's category Sc) are
AS_WRITTEN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u2212": "-"})
THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")  # 12,345 but not 1,2
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = {
    **{str(i): word for i, word in enumerate(DIGITS)},
    "%": "percent",
    "&": "and",
    "+": "plus",
    "=": "equals",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "ain't",  # am, is, are, has or have not
}
ENDINGS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am"}


def none(text: str) -> str:
    """Single spaces between words."""
    return " ".join(text.split())


def basic(text: str) -> str:
    """Case, punctuation and Unicode's variants do not count."""
    if text.isascii() and text.replace(" ", "").isalnum():  # `_basic` of every word, at once
        return none(text.lower())
    return _joined(map(_basic, text.split()))


def english(text: str) -> str:
    """As `basic`, and single digits are words, and contractions with one reading written out."""
    return _joined(map(_english, text.split()))


NORMALISERS: dict[str, Normaliser] = {"none": none, "basic": basic, "english": english}


def _joined(words: Iterable[str]) -> str:
    return " ".join(filter(None, words))


@lru_cache(REMEMBERED)
def _basic(word: str) -> str:
    if word.isascii() and word.isalnum():
        return word.lower()
    text = THOUSANDS.sub(lambda number: number[0].replace(",", ""), _folded(word))
    kept = [" "]
    for i, char in enumerate(text):
        kept.append(_piece(char, kept[-1][-1], text[i + 1 : i + 2]))
    return none("".join(kept))


def _piece(char: str, before: str, after: str) -> str:
    """What a character becomes, between what was kept before it and the one after it."""
    if char.isalnum():
        return char
    category = unicodedata.category(char)
    if category.startswith("M"):  # a mark belongs to the letter before it: vowels in Hindi
        return char if before != " " else " "
    if char in SIGNS or category == "Sc":
        return f" {char} "
    is_inside = (
        (char == "'" and before != " " and after.isalnum())
        or (char == "." and before.isdigit() and after.isdigit())
        or (char == "-" and before == " " and after.isdigit())
    )
    return char if is_inside else " "


def _folded(word: str) -> str:
    """Without case, variants and invisible characters: Unicode's NFKC_Casefold (its rule R5)."""
    seen = "".join(char for char in word if unicodedata.category(char) != "Cf")
    folded = unicodedata.normalize("NFD", seen).casefold()
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return unicodedata.normalize("NFKC", folded).translate(AS_WRITTEN)


@lru_cache(REMEMBERED)
def _english(word: str) -> str:
    return " ".join(_written_out(piece) for piece in _basic(word).split())


def _written_out(word: str) -> str:
    if word in WORDS:
        return WORDS[word]
    for ending, said in ENDINGS.items():
        if word.endswith(ending) and word != ending:
            return f"{word.removesuffix(ending)} {said}"
    return word
