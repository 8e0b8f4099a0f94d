"""Our model and its peers on the same clips in one run: speed and word error rate.

    python -m benchmarks.peers [--data data/spoken] [--utterances 120]

Speed: ours by onnxruntime and by torch, pocketsphinx, and a Conformer of 13 M parameters with
random weights; systems take turns, a process for each number of threads. Word error rates: on the
bundled set and, where `prepare spoken` has written them, on sets of real speech.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.results import Cell, Table, tell

if TYPE_CHECKING:
    from torch import Tensor

    from asr_core.recognizer import Recognizer
    from benchmarks.peer_networks import Network

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / "assets/validation/spoken/manifest.jsonl"
REAL = ("test_commands", "test_digit_strings", "test_fsdd_official")
MODEL = "spoken"
THREADS = (1, 2)
BATCH = 32
ROUNDS = 3
PRODUCT = "ours, onnxruntime fp32"  # what recognition runs
SPHINX = {"pocketsphinx, JSGF loop": "grammar", "pocketsphinx, unigram loop": "unigrams"}
WAYS = ("network, one clip", "network, batch", "file to text")


def main() -> None:
    """Measure, and tell the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT / "data/spoken")
    parser.add_argument("--utterances", type=int, default=120, help="of each set, at most")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    found = {threads: _measured(threads) for threads in THREADS}
    sets = {"bundled (synthetic)": MANIFEST}
    sets |= {name: given.data / f"{name}.jsonl" for name in REAL}
    here = {name: path for name, path in sets.items() if path.is_file()}
    missing = [name for name in sets if name not in here]
    tell([_speeds(found), *_qualities(here, given.utterances, missing)])


def _measured(threads: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.peers", "--measure", str(threads)]
    env = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env)
    return json.loads(done.stdout)


def measure(threads: int) -> dict[str, Any]:
    """Seconds of each round, and parameters, of all systems with as many threads."""
    from asr_core.recognizer import Recognizer, pad
    from benchmarks.peer_networks import conformer, ours, random_features
    from benchmarks.peer_sphinx import n_parameters

    recognizer = Recognizer.load(MODEL)
    paths = _every(MANIFEST, BATCH)[0]
    audios = [recognizer.read(path) for path in paths]
    durations_s = [audio.duration_s for audio in audios]
    features = [recognizer.log_mel(*pad([audio.samples]))[0][0] for audio in audios]
    with tempfile.TemporaryDirectory() as scratch:
        networks = [*ours(MODEL, threads, Path(scratch)), conformer()]
    hears = {True: features, False: random_features(durations_s)}
    work: dict[str, dict[str, Callable[[], object]]] = {way: {} for way in WAYS}
    for network in networks:
        heard = hears[network.is_ours]
        work[WAYS[0]][network.name] = lambda n=network, f=heard: [_one(n, each) for each in f]
        work[WAYS[1]][network.name] = lambda n=network, f=heard: _batch(n, f)
        if network.is_ours:
            work[WAYS[2]][network.name] = lambda n=network: _texts(recognizer, n, paths)
    if threads == 1:  # it has one
        for name in SPHINX:
            work[WAYS[2]][name] = lambda n=name: _sphinx_texts(recognizer, n, paths)
    sizes = {network.name: network.n_parameters for network in networks}
    sizes |= dict.fromkeys(SPHINX, n_parameters())
    seconds = {way: _in_turns(systems) for way, systems in work.items()}
    return {"seconds": seconds, "sizes": sizes, "audio_s": sum(durations_s)}


def _one(network: "Network", features: "Tensor") -> "tuple[np.ndarray, np.ndarray]":
    import torch

    return network.run(features[None], torch.tensor([len(features)]))


def _batch(network: "Network", features: "list[Tensor]") -> "tuple[np.ndarray, np.ndarray]":
    import torch
    from torch.nn.utils.rnn import pad_sequence

    lengths = torch.tensor([len(each) for each in features])
    return network.run(pad_sequence(features, batch_first=True), lengths)


def _texts(recognizer: "Recognizer", network: "Network", paths: Sequence[Path]) -> list[str]:
    """File to text, one after the other."""
    from asr_core.recognizer import pad

    found = []
    for path in paths:
        features = recognizer.log_mel(*pad([recognizer.read(path).samples]))[0][0]
        found.append(_text(recognizer, _one(network, features)[0][0]))
    return found


def _text(recognizer: "Recognizer", log_probs: np.ndarray) -> str:
    from asr_core.decoder import greedy

    return recognizer.alphabet.decode(greedy(log_probs).ids)


def _sphinx_texts(recognizer: "Recognizer", name: str, paths: Sequence[Path]) -> list[str]:
    """The words of our alphabet as pocketsphinx hears them: file to text, one after the other."""
    from asr_core.audio import load_audio
    from benchmarks.peer_sphinx import RATE, sphinx

    words = tuple(s for s in recognizer.alphabet.symbols if s != recognizer.alphabet.unknown)
    decoder = sphinx(SPHINX[name], words)
    return [decoder.hear(load_audio(path, RATE).samples) for path in paths]


def _every(manifest: Path, n: int) -> tuple[list[Path], list[str]]:
    """Paths and texts of n rows with words, evenly spaced; all where there are fewer."""
    from asr_core.manifest import read_manifest

    rows = [row for row in read_manifest(manifest).rows if row.text]
    places = np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int))
    return [rows[i].audio_path for i in places], [rows[i].text for i in places]


def _in_turns(systems: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each system's rounds, after one that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for _ in range(1 + ROUNDS):
        for name, work in systems.items():
            started = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - started)
    return {name: taken[1:] for name, taken in seconds.items()}


def _speeds(found: dict[int, dict[str, Any]]) -> Table:
    """Times real time; in brackets ours over it, a median of ratios within the rounds."""
    first = found[THREADS[0]]
    columns = [(way, n) for way in WAYS for n in THREADS]
    rows = tuple(
        (name, f"{size / 1e6:.2f}", *(_speed(found[n], way, name) for way, n in columns))
        for name, size in first["sizes"].items()
    )
    plural = {1: "1 thread", 2: "2 threads"}
    note = (
        f"Times real time on {first['audio_s']:.0f} s of the bundled set in {BATCH} files, median"
        f" of {ROUNDS} rounds; in brackets how many times as fast `{PRODUCT}` is, the median of"
        " the rounds' ratios. *Network*: features to log-probabilities, features not included,"
        f" one recording at a time or {BATCH} padded in one batch. *File to text*: reading Opus,"
        " resampling, features, network and greedy decoding (pocketsphinx: its whole search), one"
        " after the other; recognition itself runs files side by side, see `recognition`."
        " The Conformer (16 layers of 176, subsampling by 4, 1,025 symbols, features of 80 bands"
        " at 10 ms) has random weights: speed only, the ratio of runtimes aside to be compared"
        " with `ours, torch fp32`. pocketsphinx has one thread."
    )
    heads = ("system", "parameters, millions", *(f"{way}, {plural[n]}" for way, n in columns))
    return Table("Speed beside the peers", heads, rows, note)


def _speed(found: dict[str, Any], way: str, name: str) -> str:
    seconds = found["seconds"][way]
    if name not in seconds:
        return "–"
    speed = found["audio_s"] / statistics.median(seconds[name])
    pairs = zip(seconds[name], seconds[PRODUCT], strict=True)
    faster = statistics.median(theirs / ours for theirs, ours in pairs)
    return f"{speed:,.0f}" + ("" if name == PRODUCT else f" ({faster:.1f})")


@dataclass(frozen=True)
class Heard:
    """One system on one set."""

    texts: list[str]
    log_probs: list[np.ndarray]  # (T', V) each; none of pocketsphinx


def _qualities(sets: dict[str, Path], n: int, missing: Sequence[str]) -> list[Table]:
    """Word error rates of all systems on all sets; what precision and runtime change."""
    from asr_core.recognizer import Recognizer
    from benchmarks.peer_networks import ours

    recognizer = Recognizer.load(MODEL)
    said, heard = {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        networks = ours(MODEL, 1, Path(scratch))
        for name, manifest in sets.items():
            paths, texts = _every(manifest, n)
            said[name] = [recognizer.alphabet.normalise(text) for text in texts]
            heard[name] = _heard(recognizer, networks, paths)
            product = [transcript.text for transcript in recognizer.transcribe(paths)]
            assert product == heard[name][PRODUCT].texts, "expected what recognition hears"
    return [_rates(said, heard, missing), _changes(heard)]


def _heard(
    recognizer: "Recognizer", networks: "Sequence[Network]", paths: Sequence[Path]
) -> dict[str, Heard]:
    from asr_core.recognizer import pad

    features = [recognizer.log_mel(*pad([recognizer.read(path).samples]))[0][0] for path in paths]
    found = {}
    for network in networks:
        log_probs = [_one(network, each)[0][0] for each in features]
        found[network.name] = Heard([_text(recognizer, each) for each in log_probs], log_probs)
    for name in SPHINX:
        found[name] = Heard(_sphinx_texts(recognizer, name, paths), [])
    return found


def _rates(
    said: dict[str, list[str]], heard: dict[str, dict[str, Heard]], missing: Sequence[str]
) -> Table:
    names = list(next(iter(heard.values())))
    rows: list[tuple[Cell, ...]] = []
    for key, texts in said.items():
        cells = [_rate(texts, heard[key][name].texts) for name in names]
        rows.append((key, len(texts), sum(len(text.split()) for text in texts), *cells))
    note = (
        "WER in %, in brackets the 95 % bootstrap interval over utterances. pocketsphinx hears"
        " its American English model (general, trained on other and far more speech) with a"
        " loop of our 20 words, at 16 kHz: a JSGF grammar, or unigrams that accept the"
        " same; ours was trained for these words, on"
        " other recordings of the real sets' corpora (`test_fsdd_official`: of its very speakers)."
        " `test_fsdd_official` was recorded at 8 kHz, as was a fifth of the bundled set (telephone"
        " band): there pocketsphinx lacks half of its band. The tuned settings were chosen on a"
        " third of these very utterances, which favours it."
    )
    if missing:
        note += f" Not here, run `prepare spoken` for them: {', '.join(missing)}."
    return Table("WER beside the peers", ("set", "utterances", "words", *names), tuple(rows), note)


def _rate(said: list[str], heard: list[str]) -> str:
    from analysis.scoring import bootstrap, score, total

    scores = score(said, heard)
    interval = bootstrap(scores)
    low, high = 100 * interval.low, 100 * interval.high
    return f"{100 * total(scores).wer:.1f} ({low:.1f} to {high:.1f})"


def _changes(heard: dict[str, dict[str, Heard]]) -> Table:
    """Each of our networks against torch in double precision, over all sets."""
    ours = [name for name, each in next(iter(heard.values())).items() if each.log_probs]
    exact = ours[-1]
    rows: list[tuple[Cell, ...]] = []
    for name in ours[:-1]:
        pairs = [(found[name], found[exact]) for found in heard.values()]
        others = sum(
            a != b for one, two in pairs for a, b in zip(one.texts, two.texts, strict=True)
        )
        furthest = max(
            np.abs(a - b).max()
            for one, two in pairs
            for a, b in zip(one.log_probs, two.log_probs, strict=True)
        )
        n_texts = sum(len(one.texts) for one, _ in pairs)
        rows.append((name, n_texts, others, f"{furthest:.1g}"))
    columns = ("network", "utterances", f"other text than {exact}", "log-probabilities apart by")
    return Table(
        "What precision and runtime change",
        columns,
        tuple(rows),
        "All sets above; the last column is the largest difference of any symbol in any frame.",
    )


if __name__ == "__main__":
    main()
