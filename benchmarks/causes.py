"""How well causes are found: plant each on recordings that are heard right, and count.

    python -m benchmarks.causes [--model spoken] [--manifest FILE] [--rows 100] [--seed 0]

Every recording that the model hears right is damaged in one way at a time, so that the cause of
each error is known. Precision takes every way of planting as equally frequent. Label errors are
also planted in 5 % of the whole set, natural errors and all, to see how well `label_suspicion`
ranks them.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.stats
import soundfile
import soxr

from analysis.causes import CAUSES, Cause
from analysis.evaluating import evaluate
from analysis.evaluation import Evaluation
from asr_core.audio import Audio
from asr_core.decoding import DecodingConfig
from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer
from asr_core.transcript import Transcript, Word
from benchmarks.recognition import MANIFEST

BURST_DB = 10.0  # of the noise over the word below it
CLIP_GAIN_DB = 36.0  # over what just fits
SPED_UP = 3.0  # times
SLOWED = 0.7  # times: a deep, slow voice, such as nobody has
BOOST = 15.0  # log units of a hotword
WRONG_LABELS = 0.05  # of the rows
DRAWS = 5  # of which labels are wrong
UNKNOWN = "marvellous"


@dataclass(frozen=True)
class Heard:
    """A recording that is heard right: its sound, its words and where they are."""

    audio: Audio
    text: str
    words: tuple[Word, ...]


SILENCE = Audio(np.zeros(1, np.float32), 8000)  # where only the text is planted
Plant = Callable[[Heard, np.random.Generator, Sequence[str]], Heard]


def other_word(heard: Heard, rng: np.random.Generator, vocabulary: Sequence[str]) -> Heard:
    """Another word in the reference."""
    words = heard.text.split()
    i = int(rng.integers(len(words)))
    words[i] = str(rng.choice([word for word in vocabulary if word != words[i]]))
    return replace(heard, text=" ".join(words))


def added_word(heard: Heard, rng: np.random.Generator, vocabulary: Sequence[str]) -> Heard:
    """A word in the reference that nobody said."""
    words = heard.text.split()
    words.insert(int(rng.integers(len(words) + 1)), str(rng.choice(vocabulary)))
    return replace(heard, text=" ".join(words))


def missing_word(heard: Heard, rng: np.random.Generator, _: Sequence[str]) -> Heard:
    """A word that was said is not in the reference."""
    words = heard.text.split()
    words.pop(int(rng.integers(len(words))))
    return replace(heard, text=" ".join(words))


def unknown_word(heard: Heard, rng: np.random.Generator, _: Sequence[str]) -> Heard:
    """The reference has a word outside the vocabulary."""
    words = heard.text.split()
    words[int(rng.integers(len(words)))] = UNKNOWN
    return replace(heard, text=" ".join(words))


def noise_burst(heard: Heard, rng: np.random.Generator, _: Sequence[str]) -> Heard:
    """White noise over one word."""
    samples, part = heard.audio.samples.copy(), _one_word(heard, rng)
    rms = np.sqrt(np.mean(samples[part] ** 2)) * 10 ** (BURST_DB / 20)
    samples[part] += rng.normal(0, rms, len(samples[part]))
    return _with(heard, samples)


def clipping(heard: Heard, _: np.random.Generator, __: Sequence[str]) -> Heard:
    """The whole recording far too loud for its format."""
    samples = heard.audio.samples / np.abs(heard.audio.samples).max()
    return _with(heard, np.clip(samples * 10 ** (CLIP_GAIN_DB / 20), -1, 1))


def cut_edge(heard: Heard, rng: np.random.Generator, _: Sequence[str]) -> Heard:
    """The recording begins in the middle of its first word, or ends in that of its last."""
    rate = heard.audio.sample_rate
    first, last = _middle(heard.words[0], rate), _middle(heard.words[-1], rate)
    samples = heard.audio.samples
    return _with(heard, samples[first:] if rng.random() < 0.5 else samples[:last])


def dropout(heard: Heard, rng: np.random.Generator, _: Sequence[str]) -> Heard:
    """Digital silence over one word."""
    samples = heard.audio.samples.copy()
    samples[_one_word(heard, rng)] = 0.0
    return _with(heard, samples)


def sped_up(heard: Heard, _: np.random.Generator, __: Sequence[str]) -> Heard:
    """The whole recording played faster, higher voice included."""
    return _with(heard, soxr.resample(heard.audio.samples, SPED_UP, 1.0))


def slowed(heard: Heard, _: np.random.Generator, __: Sequence[str]) -> Heard:
    """The whole recording played slower: a voice unlike those of training."""
    return _with(heard, soxr.resample(heard.audio.samples, SLOWED, 1.0))


def nothing(heard: Heard, _: np.random.Generator, __: Sequence[str]) -> Heard:
    """The recording as it is, for a decoder that errs."""
    return heard


PLANTS: dict[str, tuple[Cause, Plant]] = {
    "another word in the reference": ("label", other_word),
    "a word too many in the reference": ("label", added_word),
    "a word missing in the reference": ("label", missing_word),
    "a word outside the vocabulary": ("oov", unknown_word),
    "noise burst over a word": ("signal", noise_burst),
    "hard clipping": ("signal", clipping),
    "cut in mid word": ("signal", cut_edge),
    "silence over a word": ("signal", dropout),
    "sped up": ("speed", sped_up),
    "absurd hotword": ("search", nothing),
    "slow, deep voice": ("acoustic", slowed),
}


def _one_word(heard: Heard, rng: np.random.Generator) -> slice:
    """The samples of one word."""
    word = heard.words[int(rng.integers(len(heard.words)))]
    rate = heard.audio.sample_rate
    return slice(round(word.start_s * rate), round(word.end_s * rate))


def _middle(word: Word, rate: int) -> int:
    return round((word.start_s + word.end_s) / 2 * rate)


def _with(heard: Heard, samples: np.ndarray) -> Heard:
    """Other samples, quieter where they would not fit a file."""
    fitting = samples / max(1.0, float(np.abs(samples).max()))
    return replace(heard, audio=Audio(fitting.astype(np.float32), heard.audio.sample_rate))


def heard_right(recognizer: Recognizer, manifest: Path) -> list[Heard]:
    """The recordings of a manifest whose words are all heard right, and some words there are."""
    rows = read_manifest(manifest).rows
    found: dict[int, Heard] = {}
    audios: dict[int, Audio] = {}
    paths = [row.audio_path for row in rows]
    for i, result in recognizer.transcribe_each(paths, audios.__setitem__):
        text = recognizer.alphabet.normalise(rows[i].text)
        audio = audios.pop(i)
        if isinstance(result, Transcript) and text and result.text == text:
            found[i] = Heard(audio, text, result.words)
    return [found[i] for i in sorted(found)]


def plant(
    recognizer: Recognizer, name: str, recordings: Sequence[Heard], folder: Path, seed: int
) -> Evaluation:
    """An evaluation of the recordings, all damaged in one way."""
    rng = np.random.default_rng(seed)
    cause, damage = PLANTS[name]
    vocabulary = [s for s in recognizer.alphabet.symbols if s != recognizer.alphabet.unknown]
    folder.mkdir()
    lines = []
    for i, heard in enumerate(recordings):
        planted = damage(heard, rng, vocabulary)
        soundfile.write(folder / f"{i}.wav", planted.audio.samples, planted.audio.sample_rate)
        lines.append(json.dumps({"audio_filepath": f"{i}.wav", "text": planted.text}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    decoding = None
    if cause == "search":
        decoding = DecodingConfig(decoder="beam", hotwords={str(rng.choice(vocabulary)): BOOST})
    return evaluate(recognizer, folder / "manifest.jsonl", folder / "eval", decoding=decoding)


def regions(evaluation: Evaluation) -> Counter[str]:
    """How many error regions of each cause there are."""
    rows = evaluation.store.ask(
        "SELECT cause, count(DISTINCT (utterance_id, region)) AS n FROM errors GROUP BY cause"
    )
    return Counter({row["cause"]: row["n"] for row in rows})


def precision_recall(shares: dict[str, dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Of each cause, from the shares of causes found for each way of planting."""
    found = {}
    for cause in CAUSES:
        truly = [of for name, of in shares.items() if PLANTS[name][0] == cause]
        right = sum(of[cause] for of in truly)
        called = sum(of[cause] for of in shares.values())
        found[cause] = (right / called if called else float("nan"), right / len(truly))
    return found


def label_ranking(
    recognizer: Recognizer, manifest: Path, folder: Path, seed: int
) -> tuple[float, float]:
    """AUC and average precision of `label_suspicion`, with WRONG_LABELS planted in a whole set."""
    rng = np.random.default_rng(seed)
    vocabulary = [s for s in recognizer.alphabet.symbols if s != recognizer.alphabet.unknown]
    rows = [row for row in read_manifest(manifest).rows if len(row.text.split()) > 1]
    wrong = rng.random(len(rows)).argsort() < max(1, round(WRONG_LABELS * len(rows)))
    folder.mkdir()
    lines = []
    for i, row in enumerate(rows):
        text = recognizer.alphabet.normalise(row.text)
        if wrong[i]:
            way = (other_word, added_word, missing_word)[int(rng.integers(3))]
            text = way(Heard(SILENCE, text, ()), rng, vocabulary).text
        path = str(row.audio_path.resolve())
        lines.append(json.dumps({"audio_filepath": path, "text": text, "wrong": bool(wrong[i])}))
    (folder / "manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table = evaluate(recognizer, folder / "manifest.jsonl", folder / "eval").utterances
    return ranked(table["label_suspicion"].fillna(0.0).to_numpy(), table["wrong"].to_numpy(bool))


def ranked(scores: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    """AUC and average precision of scores that should be higher for the wrong ones."""
    n_wrong, n_right = int(wrong.sum()), int((~wrong).sum())
    ranks = scipy.stats.rankdata(scores)
    auc = (ranks[wrong].sum() - n_wrong * (n_wrong + 1) / 2) / (n_wrong * n_right)
    hits = wrong[np.argsort(-scores, kind="stable")]
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(auc), float(precisions[hits].mean())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--model", default="spoken", help="a model folder, or a bundled model")
    parser.add_argument("--manifest", type=Path, default=MANIFEST)
    parser.add_argument("--rows", type=int, default=100, help="recordings damaged in each way")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    recognizer, seed = Recognizer.load(arguments.model), arguments.seed
    with tempfile.TemporaryDirectory(prefix="misheard-causes-") as name:
        folder = Path(name)
        right = heard_right(recognizer, arguments.manifest)
        clean = [heard for heard in right if len(heard.words) > 1]
        order = np.random.default_rng(seed).permutation(len(clean))[: arguments.rows]
        chosen = [clean[i] for i in order]
        found = {
            plant_name: regions(plant(recognizer, plant_name, chosen, folder / f"{i}", seed))
            for i, plant_name in enumerate(PLANTS)
        }
        natural = regions(evaluate(recognizer, arguments.manifest, folder / "natural"))
        rankings = [
            label_ranking(recognizer, arguments.manifest, folder / f"labels{draw}", seed + draw)
            for draw in range(DRAWS)
        ]
    print(f"\n{arguments.manifest}: {len(chosen)} recordings, seed {seed}\n")
    print(markdown(found, natural))
    aucs, precisions = np.array(rankings).T
    print(
        f"\n{100 * WRONG_LABELS:.0f} % wrong labels, {DRAWS} draws: AUC {aucs.mean():.3f}"
        f" ({aucs.min():.3f} to {aucs.max():.3f}), average precision {precisions.mean():.3f}"
    )


def markdown(found: dict[str, Counter[str]], natural: Counter[str]) -> str:
    """Two tables: what each way of planting is taken for, and how good each cause is."""
    lines = [
        f"| planted | is | regions | {' | '.join(f'{cause}, %' for cause in CAUSES)} |",
        "|---|---|---:" + "|---:" * len(CAUSES) + "|",
    ]
    for name, counts in [*found.items(), ("nothing (natural errors)", natural)]:
        cells = [f"{100 * share:.0f}" for share in shares(counts).values()]
        truth = PLANTS[name][0] if name in PLANTS else ""
        lines.append(f"| {name} | {truth} | {counts.total()} | {' | '.join(cells)} |")
    lines += ["", "| cause | precision, % | recall, % |", "|---|---:|---:|"]
    rates = precision_recall({name: shares(counts) for name, counts in found.items()})
    for cause, (precision, recall) in rates.items():
        lines.append(f"| {cause} | {100 * precision:.0f} | {100 * recall:.0f} |")
    return "\n".join(lines)


def shares(counts: Counter[str]) -> dict[str, float]:
    """Of each cause, the share of the regions."""
    return {cause: counts[cause] / max(counts.total(), 1) for cause in CAUSES}


if __name__ == "__main__":
    main()
