"""What decoding changes: WER of greedy, beam, lexicon and language model, and the n-best's oracle.

    python -m benchmarks.decoding_wer --model spoken --data data/spoken

The language model is a bigram of the training texts that the model can write; its weight and the
word bonus are those with the least WER on validation. Sound goes through the network once.
"""

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.scoring import score, total
from asr_core.beam import BeamSearch
from asr_core.decoder import Decoder, best_path
from asr_core.fusion import WordScorer
from asr_core.language import Ngrams
from asr_core.lexicon import read_lexicon
from asr_core.manifest import read_manifest
from asr_core.ngrams import build_ngrams
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet
from asr_core.transcript import Transcript
from benchmarks.recognition import MANIFEST

SETS = (
    "test_commands",
    "test_commands_joined",
    "test_fsdd_official",
    "test_fsdd_joined",
    "test_digit_strings",
)
BEAM = 20
N_BEST = 10
ORDER = 2
WEIGHTS = (0.05, 0.1, 0.2, 0.4)
BONUSES = (0.0, 0.5, 1.0, 1.5, 2.0)  # log units a word


@dataclass(frozen=True)
class Heard:
    """A set after the network: what was said, and the (T, V) log_probs of each recording."""

    texts: list[str]
    log_probs: list[np.ndarray]


def main() -> None:
    """Print the table."""
    arguments = _arguments()
    recognizer = Recognizer.load(arguments.model)
    alphabet = recognizer.alphabet
    lm = bigram(arguments.data / "train.jsonl", alphabet)
    validation = listen(recognizer, arguments.data / "validation.jsonl")
    weight, bonus = least_wer(validation, alphabet, lm)
    print(f"\nbeam {BEAM}, bigram's weight {weight} and word bonus {bonus} (least on validation)\n")
    decoders = _decoders(recognizer, lm, weight, bonus)
    print(f"| set | utterances | {' | '.join(decoders)} | oracle of {N_BEST} |")
    print("|---|---:|" + "---:|" * (len(decoders) + 1))
    paths = [arguments.data / f"{name}.jsonl" for name in SETS]
    for name, path in zip([*SETS, "bundled, synthetic"], [*paths, MANIFEST], strict=True):
        heard = listen(recognizer, path)
        rates = [wer(heard, alphabet, decoder) for decoder in decoders.values()]
        cells = [f"{100 * rate:.2f}" for rate in (*rates, oracle(heard, alphabet))]
        print(f"| {name} | {len(heard.texts)} | {' | '.join(cells)} |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="WER of one model under several decoders.")
    parser.add_argument("--model", default="spoken")
    parser.add_argument("--data", type=Path, required=True, help="what `prepare spoken` wrote")
    return parser.parse_args()


def _decoders(
    recognizer: Recognizer, lm: Ngrams, weight: float, bonus: float
) -> dict[str, Decoder]:
    alphabet = recognizer.alphabet
    assert recognizer.lexicon_path is not None, "this benchmark is for a model with a lexicon"
    closed = WordScorer(alphabet, lexicon=read_lexicon(recognizer.lexicon_path, alphabet))
    return {
        "greedy": best_path,
        "beam": BeamSearch(alphabet, BEAM),
        "beam + lexicon": BeamSearch(alphabet, BEAM, words=closed),
        "beam + bigram": _with_lm(alphabet, lm, weight, bonus),
    }


def _with_lm(alphabet: Alphabet, lm: Ngrams, weight: float, bonus: float) -> BeamSearch:
    words = WordScorer(alphabet, lm=lm, lm_weight=weight, word_bonus=bonus)
    return BeamSearch(alphabet, BEAM, words=words)


def bigram(manifest: Path, alphabet: Alphabet) -> Ngrams:
    """A language model of the texts that hold no other words than the model's."""
    texts = [alphabet.normalise(row.text) for row in read_manifest(manifest).rows]
    known = [text for text in texts if alphabet.decode(_encoded(alphabet, text)) == text]
    return build_ngrams([text.split() for text in known], ORDER)


def _encoded(alphabet: Alphabet, text: str) -> list[int]:
    try:
        return alphabet.encode(text)
    except ValueError:  # a symbol outside, and no unknown one to stand for it
        return []


def listen(recognizer: Recognizer, manifest: Path) -> Heard:
    """The network's answers to a manifest, in its order."""
    rows = read_manifest(manifest).rows
    log_probs: dict[int, np.ndarray] = {}
    for i, transcript in recognizer.transcribe_each([row.audio_path for row in rows]):
        if isinstance(transcript, Transcript):
            log_probs[i] = transcript.log_probs
    texts = [recognizer.alphabet.normalise(rows[i].text) for i in sorted(log_probs)]
    return Heard(texts, [log_probs[i] for i in sorted(log_probs)])


def least_wer(heard: Heard, alphabet: Alphabet, lm: Ngrams) -> tuple[float, float]:
    """The weight and the bonus with the least WER; of several, the smallest."""
    choices = itertools.product(WEIGHTS, BONUSES)
    return min(choices, key=lambda choice: wer(heard, alphabet, _with_lm(alphabet, lm, *choice)))


def wer(heard: Heard, alphabet: Alphabet, decoder: Decoder) -> float:
    """Word error rate of the first readings."""
    texts = [_text(alphabet, decoder(each)[0].ids) for each in heard.log_probs]
    return total(score(heard.texts, texts)).wer


def oracle(heard: Heard, alphabet: Alphabet) -> float:
    """Word error rate of the best reading among the first ten, as somebody who knew would choose.

    The readings are those of a beam search without lexicon and language model.
    """
    search = BeamSearch(alphabet, BEAM, N_BEST)
    best = []
    for text, log_probs in zip(heard.texts, heard.log_probs, strict=True):
        readings = [_text(alphabet, reading.ids) for reading in search(log_probs)]
        scores = score([text] * len(readings), readings)
        best.append(readings[int(np.argmin([each.errors for each in scores]))])
    return total(score(heard.texts, best)).wer


def _text(alphabet: Alphabet, ids: list[int]) -> str:
    return " ".join(alphabet.decode(ids).split())


if __name__ == "__main__":
    main()
