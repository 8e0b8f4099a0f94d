"""An independent reader of clean Morse code: envelope, threshold, lengths in dots, a table.

Nothing here comes from our code: the table is typed from Recommendation ITU-R M.1677-1, section 1,
and Russia's national one, so that what it reads in our sound checks table and timing alike.
"""

import numpy as np
import scipy.ndimage

_ITU = """
a .-    b -...  c -.-.  d -..   e .     é ..-.. f ..-.  g --.   h ....  i ..    j .---  k -.-
l .-..  m --    n -.    o ---   p .--.  q --.-  r .-.   s ...   t -     u ..-   v ...-  w .--
x -..-  y -.--  z --..  1 .---- 2 ..--- 3 ...-- 4 ....- 5 ..... 6 -.... 7 --... 8 ---.. 9 ----.
0 ----- . .-.-.-  , --..--  : ---...  ? ..--..  ' .----.  - -....-  / -..-.  ( -.--.  ) -.--.-
" .-..-.  = -...-  + .-.-.  @ .--.-.  <as> .-...  <sk> ...-.-  <ka> -.-.-  <ve> ...-.
<hh> ........
"""
_RUSSIAN = """
а .-    б -...  в .--   г --.   д -..   е .     ж ...-  з --..  и ..    й .---  к -.-   л .-..
м --    н -.    о ---   п .--.  р .-.   с ...   т -     у ..-   ф ..-.  х ....  ц -.-.  ч ---.
ш ----  щ --.-  ъ --.-- ы -.--  ь -..-  э ..-.. ю ..--  я .-.-
"""


def _table(text: str) -> dict[str, str]:
    pieces = text.split()
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


ITU = _table(_ITU)  # symbol -> code
RUSSIAN = _table(_RUSSIAN)


def down(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """(M, 2) seconds in which a clean tone is at more than half its height."""
    n = max(1, round(0.003 * sample_rate))  # more than half a period from 300 Hz on
    envelope = scipy.ndimage.maximum_filter1d(np.abs(samples), n)
    on = np.concatenate([[False], envelope > 0.5 * envelope.max(), [False]])
    edges = np.flatnonzero(on[1:] != on[:-1]).reshape(-1, 2)
    return edges / sample_rate


def read_codes(samples: np.ndarray, sample_rate: int, wpm: float) -> list[list[str]]:
    """Words of signs of dots and dashes, for exact timing at a known speed."""
    dot_s = 1.2 / wpm
    marks = down(samples, sample_rate)
    words: list[list[str]] = [[""]]
    for (start, end), following in zip(marks, [*marks[1:, 0], np.inf], strict=True):
        words[-1][-1] += "." if end - start < 2 * dot_s else "-"
        gap = (following - end) / dot_s
        if 2 < gap < np.inf:
            words[-1].append("") if gap < 5 else words.append([""])
    return words


def read(samples: np.ndarray, sample_rate: int, wpm: float, table: dict[str, str] = ITU) -> str:
    """The text of exactly keyed, clean Morse code; `*` for a sign that the table has not."""
    letters = {code: symbol for symbol, code in table.items()}
    words = read_codes(samples, sample_rate, wpm)
    return " ".join("".join(letters.get(code, "*") for code in word) for word in words)
