"""pocketsphinx as a peer: its American English model with a loop of the words that ours knows.

The loop is given in two forms that accept the same: a JSGF grammar, and a unigram model in which
all words are alike, whose search prunes otherwise and hears better. Settings are the best of some
forty tried on a third of the sets' utterances (LOG.md). With its own settings and the grammar it
hears many more words than were said: WER 74 to 121 %, a fifth as fast.
"""

import functools
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

RATE = 16_000  # Hz, of its acoustic model
SETTINGS: dict[str, dict[str, Any]] = {
    "grammar": {"wip": 1e-4, "silprob": 0.5},  # what a word costs; how likely silence is
    "unigrams": {"wip": 1e-8},
}


class Sphinx:
    """A decoder for one recording after the other, on one thread.

    Args:
        loop: "grammar" or "unigrams".
        words: that may be said, any number of them, in any order; the decoder adds silence and
            noises between them, and other pronunciations of its dictionary.
    """

    def __init__(self, loop: str, words: tuple[str, ...]) -> None:
        from pocketsphinx import Decoder

        with tempfile.TemporaryDirectory() as folder:
            path = {name: Path(folder) / name for name in ("words.dict", "words.arpa")}
            path["words.dict"].write_text(pronunciations(words), encoding="utf-8")
            path["words.arpa"].write_text(unigrams(words), encoding="utf-8")
            self._decoder = Decoder(
                lm=str(path["words.arpa"]) if loop == "unigrams" else None,
                dict=str(path["words.dict"]),
                samprate=RATE,
                loglevel="FATAL",
                **SETTINGS[loop],
            )
        if loop == "grammar":
            self._decoder.add_jsgf_string("words", grammar(words))
            self._decoder.activate_search("words")

    def hear(self, samples: np.ndarray) -> str:
        """The words in samples (N,) in [-1, 1] at `RATE`."""
        self._decoder.start_utt()
        # All at once: its features are then normalised by the whole recording's mean.
        self._decoder.process_raw((samples * 32767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()
        best = self._decoder.hyp()
        return best.hypstr if best else ""


@functools.cache
def sphinx(loop: str, words: tuple[str, ...]) -> Sphinx:
    """One decoder for all who ask; loading it is not timed."""
    return Sphinx(loop, words)


def grammar(words: tuple[str, ...]) -> str:
    """JSGF: one or more of the words."""
    return f"#JSGF V1.0;\ngrammar words;\npublic <words> = ( {' | '.join(words)} )+ ;\n"


def unigrams(words: tuple[str, ...]) -> str:
    """ARPA: each word and the end as probable as any other."""
    each = -math.log10(len(words) + 1)
    lines = [f"{each:.4f} </s>", "-99 <s>", *(f"{each:.4f} {word}" for word in words)]
    return "\n".join(
        ["\\data\\", f"ngram 1={len(lines)}", "", "\\1-grams:", *lines, "", "\\end\\\n"]
    )


def pronunciations(words: tuple[str, ...]) -> str:
    """Its dictionary's lines for the words, all ways to say them: "two T UW"."""
    from pocketsphinx import get_model_path

    whole = Path(get_model_path()) / "en-us/cmudict-en-us.dict"
    lines = whole.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split(" ", 1)[0].partition("(")[0] in words]
    return "\n".join(kept) + "\n"


def n_parameters() -> int:
    """Of its acoustic model: means and variances of Gaussians (4 bytes), their weights (1 byte)."""
    from pocketsphinx import get_model_path

    folder = Path(get_model_path()) / "en-us/en-us"
    size = {name: (folder / name).stat().st_size for name in ("means", "variances", "sendump")}
    return (size["means"] + size["variances"]) // 4 + size["sendump"]
