"""The n-best table: the decoder's readings, and where each differs from the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.scoring import score
from asr_core.decoder import Hypothesis
from asr_core.morse_code import Script, read_as
from asr_core.text import Alphabet

MOST = 10  # readings
MOST_WORDS = 200  # of the best reading; a table of longer ones could not be read


@dataclass(frozen=True)
class Reading:
    """A line of the table: `words` are (op against the best reading, word), missing words too."""

    words: tuple[tuple[str, str], ...]
    score: float
    log_prob: float
    share: float  # of the probability of all readings, by their scores


def readings(
    n_best: Sequence[Hypothesis], alphabet: Alphabet, script: Script = "latin"
) -> tuple[Reading, ...]:
    """The best readings, each text once; none where there is only one, or where they are long."""
    texts = [" ".join(alphabet.decode(each.ids).split()) for each in n_best]
    kept = [i for i, text in enumerate(texts) if text not in texts[:i]]
    if len(kept) < 2 or len(texts[0].split()) > MOST_WORDS:
        return ()
    shares = posterior([n_best[i].score for i in kept])
    compared = score([texts[0]] * len(kept), [texts[i] for i in kept])
    rows = [
        Reading(
            words=tuple(
                (edit.op, read_as(edit.heard or edit.reference or "", script))
                for edit in each.edits
            ),
            score=round(n_best[i].score, 3),
            log_prob=round(n_best[i].log_prob, 3),
            share=round(float(share), 4),
        )
        for i, each, share in zip(kept, compared, shares, strict=True)
    ]
    return tuple(rows[:MOST])


def posterior(scores: Sequence[float]) -> np.ndarray:
    """The softmax of scores: the share of each reading, were there no others."""
    odds = np.exp(np.array(scores) - max(scores))
    return odds / odds.sum()
