"""Speed of alignment and decoding: ours against others', on emissions of the bundled models.

    python -m benchmarks.decode

The peers are torchaudio's native `forced_align`, where torch is built for CUDA, and the package
ctc-segmentation (`pip install ctc-segmentation`); one that is not installed is left out. All run
in one process and thread, in turn; figures are medians, ratios are to ours.
"""

import functools
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from asr_core.alignment import align, align_batch
from asr_core.beam import BeamSearch
from asr_core.decoder import Decoder, best_path
from asr_core.fusion import WordScorer
from asr_core.lexicon import read_lexicon
from asr_core.manifest import read_manifest
from asr_core.ngrams import build_ngrams
from asr_core.recognizer import Recognizer
from asr_core.text import Alphabet
from asr_core.torchaudio_door import torchaudio
from asr_core.transcript import Transcript
from benchmarks.recognition import MANIFEST

RUNS = 7
N_UTTERANCES = 64
LONG_FRAMES = 3000  # two minutes of 40 ms
LONG_SYMBOLS = 300
LETTERS = Alphabet(symbols=tuple("etaoinshrdlucmfwypvbgkjqxz' "))


@dataclass(frozen=True)
class Case:
    """Emissions and the texts to align to them."""

    name: str
    log_probs: list[np.ndarray]  # (T, V) of each utterance
    texts: list[list[int]]

    @property
    def n_frames(self) -> int:
        return sum(map(len, self.log_probs))


def main() -> None:
    """Print the tables in Markdown."""
    torch.set_num_threads(1)
    transcripts = _transcripts()
    cases = [
        Case(
            f"{len(transcripts)} utterances, what was heard",
            [t.log_probs for t in transcripts],
            [[token.id for token in t.tokens] for t in transcripts],
        ),
        _random_case(),
    ]
    for case in cases:
        print(f"\n{case.name}: {case.n_frames} frames\n")
        print(_table(case, {name: run for name, run in ALIGNERS.items() if run is not None}))
    recognizer = Recognizer.load("spoken")
    for name, alphabet, decoders in (
        ("spoken, words", recognizer.alphabet, _decoders(recognizer)),
        ("letters, random", LETTERS, _letter_decoders()),
    ):
        log_probs = cases[0].log_probs if alphabet is recognizer.alphabet else _random_letters()
        print(f"\nDecoders, {name}: {sum(map(len, log_probs))} frames\n")
        print(_decoder_table(decoders, log_probs))


def _decoders(recognizer: Recognizer) -> dict[str, Decoder]:
    alphabet = recognizer.alphabet
    assert recognizer.lexicon_path is not None
    closed = WordScorer(alphabet, lexicon=read_lexicon(recognizer.lexicon_path, alphabet))
    hot = WordScorer(alphabet, hotwords={"stop": 2.0})
    return {
        "greedy": best_path,
        "beam 5": BeamSearch(alphabet, 5),
        "beam 20": BeamSearch(alphabet, 20),
        "beam 100": BeamSearch(alphabet, 100),
        "beam 20, lexicon": BeamSearch(alphabet, 20, words=closed),
        "beam 20, hotword": BeamSearch(alphabet, 20, words=hot),
    }


def _letter_decoders() -> dict[str, Decoder]:
    words = ["".join(letters) for letters in itertools.product("etaoin", repeat=3)]
    texts = [" ".join(words[i : i + 6]) for i in range(0, len(words), 6)]
    lm = build_ngrams([text.split() for text in texts], 3)
    closed = WordScorer(LETTERS, lexicon=frozenset(words))
    spoken = WordScorer(LETTERS, lexicon=frozenset(words), lm=lm, lm_weight=0.5)
    return {
        "greedy": best_path,
        "beam 20": BeamSearch(LETTERS, 20),
        "beam 20, lexicon of 216 words": BeamSearch(LETTERS, 20, words=closed),
        "beam 20, lexicon and trigram": BeamSearch(LETTERS, 20, words=spoken),
    }


def _random_letters() -> list[np.ndarray]:
    """Emissions that are unsure: the hardest case for a beam."""
    rng = np.random.default_rng(2)
    return [np.log(rng.dirichlet(np.full(len(LETTERS), 0.1), 250) + 1e-9) for _ in range(4)]


def _decoder_table(decoders: dict[str, Decoder], log_probs: Sequence[np.ndarray]) -> str:
    times = _times({n: functools.partial(_decode, d, log_probs) for n, d in decoders.items()})
    lines = ["| decoder | ms | frames a second | time, greedy = 1 |", "|---|---:|---:|---:|"]
    n_frames = sum(map(len, log_probs))
    for name, seconds in times.items():
        ratio = seconds / times["greedy"]
        lines.append(f"| {name} | {1000 * seconds:.1f} | {n_frames / seconds:,.0f} | {ratio:.1f} |")
    return "\n".join(lines)


def _decode(decoder: Decoder, log_probs: Sequence[np.ndarray]) -> None:
    for each in log_probs:
        decoder(each)


def _times(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median seconds of each, run in turn so that a slow moment meets all."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for i in range(RUNS + 1):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            if i:  # the first is a warm-up
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(each) for name, each in times.items()}


def _transcripts() -> list[Transcript]:
    rows = read_manifest(MANIFEST).rows[:N_UTTERANCES]
    return Recognizer.load("spoken").transcribe([row.audio_path for row in rows])


def _random_case() -> Case:
    rng = np.random.default_rng(1)
    log_probs = np.log(rng.dirichlet(np.ones(30), LONG_FRAMES))
    text = rng.integers(1, 30, size=LONG_SYMBOLS).tolist()
    return Case(f"one long text, {LONG_SYMBOLS} symbols, 30 in the alphabet", [log_probs], [text])


def ours_batched(case: Case) -> list[float]:
    """The log-probability of each path, from one padded batch."""
    lengths = [len(x) for x in case.log_probs]
    padded = np.zeros((len(lengths), max(lengths), case.log_probs[0].shape[1]))
    for row, x in zip(padded, case.log_probs, strict=True):
        row[: len(x)] = x
    return [each.log_prob for each in align_batch(padded, lengths, case.texts)]


def ours(case: Case) -> list[float]:
    """The same, one by one."""
    pairs = zip(case.log_probs, case.texts, strict=True)
    return [align(log_probs, ids).log_prob for log_probs, ids in pairs]


def native(case: Case) -> list[float]:
    """Those of torchaudio's forced_align, which takes one utterance at a time on the CPU."""
    found = []
    for log_probs, ids in zip(case.log_probs, case.texts, strict=True):
        if not ids:  # refused there
            found.append(float(log_probs[:, 0].sum()))
            continue
        emission = torch.from_numpy(log_probs)[None]
        _, scores = torchaudio.functional.forced_align(emission, torch.tensor([ids]))
        found.append(float(scores.sum()))
    return found


def segmentation(case: Case) -> None:
    """ctc-segmentation's times of each text; its lattice is another one: it can skip the ends."""
    import ctc_segmentation as peer

    n_symbols = case.log_probs[0].shape[1]
    config = peer.CtcSegmentationParameters(char_list=[str(i) for i in range(n_symbols)])
    config.blank = 0
    for log_probs, ids in zip(case.log_probs, case.texts, strict=True):
        if ids:
            matrix, _ = peer.prepare_token_list(config, [np.array(ids)])
            peer.ctc_segmentation(config, log_probs.astype(np.float32), matrix)


def _has_native() -> bool:
    probe = torch.log(torch.full((1, 3, 2), 0.5))
    try:
        torchaudio.functional.forced_align(probe, torch.tensor([[1]]))
    except (RuntimeError, AttributeError):  # no such operator in a build for the CPU
        return False
    return True


def _has_segmentation() -> bool:
    try:
        import ctc_segmentation  # noqa: F401
    except ImportError:
        return False
    return True


ALIGNERS: dict[str, Callable[[Case], Sequence[float] | None] | None] = {
    "ours, one batch": ours_batched,
    "ours, one by one": ours,
    "torchaudio forced_align": native if _has_native() else None,
    "ctc-segmentation": segmentation if _has_segmentation() else None,
}


def _table(case: Case, aligners: dict[str, Callable[[Case], Sequence[float] | None]]) -> str:
    answers = {name: run(case) for name, run in aligners.items()}
    medians = _times({name: functools.partial(run, case) for name, run in aligners.items()})
    first, *_ = medians
    lines = ["| aligner | ms | frames a second | time, ours = 1 | same log-probabilities |"]
    lines.append("|---|---:|---:|---:|---|")
    for name, seconds in medians.items():
        same = _agreement(answers[first], answers[name])
        speed = f"{case.n_frames / seconds:,.0f}"
        ratio = f"{seconds / medians[first]:.2f}"
        lines.append(f"| {name} | {1000 * seconds:.1f} | {speed} | {ratio} | {same} |")
    return "\n".join(lines)


def _agreement(expected: Sequence[float] | None, got: Sequence[float] | None) -> str:
    if expected is None or got is None:
        return "another lattice"
    return "yes" if np.allclose(expected, got, atol=1e-3) else "no"


if __name__ == "__main__":
    main()
