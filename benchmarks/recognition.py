"""Recognition's speed, file to transcript, and where its time goes, on the bundled set.

python -m benchmarks.recognition

The set's Opus files, and the same sound as 16 kHz WAV. Each number of threads has a process of its
own (`OMP_NUM_THREADS`); times are medians of several rounds.
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
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import matmul_gflops
from benchmarks.results import Growth, Table, tell

MANIFEST = Path(__file__).parent.parent / "assets/validation/spoken/manifest.jsonl"
THREADS = (1, 2)
ROUNDS = 5
BATCH = 32
CLIP_S = (2.5, 3.5)
ANSWERS = 200  # that the percentiles of one clip are of
SIZES = (1, 8, 64, 512)  # clips in one call
STAGES = ("reading Opus", "reading WAV", "features", "network", "decoding", "words in time")


def main() -> None:
    """Measure with one thread and with two; print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = {threads: _measured(threads, Path(folder)) for threads in THREADS}
    tell(_tables(found), _growths(found))


def _measured(threads: int, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.recognition", "--measure", str(folder)]
    env = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(folder: Path) -> dict[str, Any]:
    """All figures of this process's number of threads; WAV files are kept in `folder`."""
    import torch

    from asr_core.recognizer import Recognizer

    recognizer = Recognizer.load("spoken")
    opus, audio_s, clips = _set()
    wav = _as_wav(opus, folder)
    recognizer.transcribe(opus[:BATCH])  # the first one traces the network
    texts = [t.text for t in recognizer.transcribe(opus)]
    assert texts == [recognizer.transcribe([path])[0].text for path in opus]
    speeds = {}
    for name, paths in (("Opus", opus), ("WAV", wav)):
        speeds[f"{name}, one file at a time"] = _times_real_time(
            audio_s, lambda paths=paths: [recognizer.transcribe([path]) for path in paths]
        )
        speeds[f"{name}, {BATCH} files at a time"] = _times_real_time(
            audio_s, lambda paths=paths: [recognizer.transcribe(some) for some in _parts(paths)]
        )
        speeds[f"{name}, the whole set (`transcribe_each`)"] = _times_real_time(
            audio_s, lambda paths=paths: list(recognizer.transcribe_each(paths))
        )
    one = [
        _seconds(lambda i=i: recognizer.transcribe([clips[i % len(clips)]])) for i in range(ANSWERS)
    ]
    growth = []
    for n in SIZES:
        some = [wav[i % len(wav)] for i in range(n)]
        heard_s = sum(t.duration_s for t in recognizer.transcribe(some))
        growth.append((heard_s, _median_s(lambda some=some: recognizer.transcribe(some))))
    threads = torch.get_num_threads()
    return {
        "speeds": speeds,
        "clip_ms": [1000 * statistics.median(one), 1000 * statistics.quantiles(one, n=20)[-1]],
        "growth": growth,
        "stages": _stages(recognizer, opus, wav) if threads == 1 else {},
        "network": _network(recognizer, threads),
    }


def _set() -> tuple[list[str], float, list[str]]:
    """The set's files, their seconds together, and the files of about 3 s."""
    from asr_core.manifest import read_manifest

    rows = read_manifest(MANIFEST).rows
    clips = [str(r.audio_path) for r in rows if CLIP_S[0] <= (r.duration_s or 0) <= CLIP_S[1]]
    return [str(r.audio_path) for r in rows], sum(r.duration_s or 0.0 for r in rows), clips


def _as_wav(opus: Sequence[str], folder: Path) -> list[str]:
    import soundfile

    made = []
    for path in opus:
        target = folder / f"{Path(path).stem}.wav"
        if not target.exists():
            samples, rate = soundfile.read(path)
            soundfile.write(target, samples, rate)
        made.append(str(target))
    return made


def _parts(paths: Sequence[str]) -> list[Sequence[str]]:
    return [paths[i : i + BATCH] for i in range(0, len(paths), BATCH)]


def _stages(recognizer: Any, opus: Sequence[str], wav: Sequence[str]) -> dict[str, float]:
    """Seconds that each stage takes for the whole set, one after the other on one thread."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    from asr_core.inference import OnnxNetwork
    from asr_core.recognizer import Emission, pad

    network = OnnxNetwork(recognizer.model, recognizer.contract.features.n_mels)
    spent = dict.fromkeys(STAGES, 0.0)

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        spent[stage] += time.perf_counter() - started
        return result

    audios = timed("reading Opus", lambda: [recognizer.read(path) for path in opus])
    timed("reading WAV", lambda: [recognizer.read(path) for path in wav])
    audios.sort(key=lambda audio: audio.duration_s)
    samples, lengths = pad([audios[0].samples])
    with torch.inference_mode():
        network(*recognizer.log_mel(samples, lengths))  # traces it
        for batch in _parts(audios):
            seen = timed(
                "features",
                lambda: [recognizer.log_mel(*pad([a.samples]))[0][0] for a in batch],  # noqa: B023
            )
            lengths = torch.tensor([len(each) for each in seen])
            padded = pad_sequence(seen, batch_first=True)
            log_probs, frames = timed("network", lambda: network(padded, lengths))  # noqa: B023
            for i, audio in enumerate(batch):
                said = log_probs[i, : frames[i]]
                emission = Emission(audio.duration_s, seen[i].numpy(), said)
                found = timed("decoding", lambda: recognizer.decoder(said))  # noqa: B023
                timed("words in time", lambda: recognizer._transcript(emission, found))  # noqa: B023
    return spent


def _network(recognizer: Any, threads: int) -> dict[str, float]:
    """The network's arithmetic on batches of 3 s in one thread, GFLOP/s, and the machine's peak."""
    import torch

    from asr_core.inference import OnnxNetwork

    n_mels = recognizer.contract.features.n_mels
    network = OnnxNetwork(recognizer.model, n_mels)
    n_frames = round(3 / recognizer.hop_s)
    rng = np.random.default_rng(0)
    found = {"peak": matmul_gflops(threads)}
    # Every weight of a convolution, a GRU or the head is multiplied and added once an output frame.
    weights = sum(w.numel() for w in recognizer.model.parameters() if w.ndim > 1)
    for batch in (1, BATCH):
        features = torch.from_numpy(rng.random((batch, n_frames, n_mels), dtype=np.float32))
        lengths = torch.full((batch,), n_frames)
        work = 2 * weights * batch * -(-n_frames // recognizer.model.stride)
        found[str(batch)] = work / _median_s(lambda f=features, n=lengths: network(f, n), 41) / 1e9
    return found


def _times_real_time(audio_s: float, work: Callable[[], object]) -> float:
    return audio_s / _median_s(work)


def _median_s(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    return statistics.median(_seconds(work) for _ in range(rounds))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _tables(found: dict[int, dict[str, Any]]) -> list[Table]:
    names = [f"{n} thread{'s' * (n > 1)}" for n in THREADS]
    speeds = tuple(
        (name, *(round(found[n]["speeds"][name]) for n in THREADS)) for name in found[1]["speeds"]
    )
    clips = tuple(
        (name, *(f"{found[n]['clip_ms'][i]:.1f}" for n in THREADS))
        for i, name in enumerate(("median", "95th percentile"))
    )
    spent = found[1]["stages"]
    whole = sum(s for name, s in spent.items() if name != "reading WAV")
    stages = tuple(
        (
            name,
            f"{1000 * spent[name]:.0f}",
            "" if name == "reading WAV" else f"{spent[name] / whole:.0%}",
        )
        for name in STAGES
    )
    rates = tuple(
        (
            f"network, batch of {batch}",
            *(f"{found[1]['network'][batch]:.0f}",),
            f"{found[1]['network'][batch] / found[1]['network']['peak']:.0%}",
        )
        for batch in ("1", str(BATCH))
    )
    peaks = (("matrix product, the fastest here", f"{found[1]['network']['peak']:.0f}", "100%"),)
    return [
        Table(
            "Recognition, file to transcript, times real time",
            ("the 360 bundled files (1026 s)", *names),
            speeds,
            "Greedy decoding, words placed. Reading is most of it for Opus; see below.",
        ),
        Table(
            "One clip of about 3 s, Opus file to transcript, in the process, ms",
            (f"of {ANSWERS} answers", *names),
            clips,
        ),
        Table(
            "Where the time goes, one thread, the whole set",
            ("stage", "ms", "share with Opus"),
            stages,
            f"Batches of {BATCH}. Words in time: the alignment of words with the sound, confidence"
            " and text.",
        ),
        Table(
            "The network's arithmetic, one thread",
            ("what", "GFLOP/s", "of the peak"),
            rates + peaks,
            "Single precision, clips of 3 s; multiplications and additions of weights counted,"
            " nothing else. Recognition gives each batch one thread, and several batches go side by"
            " side.",
        ),
    ]


def _growths(found: dict[int, dict[str, Any]]) -> list[Growth]:
    return [
        Growth(
            f"recognise WAV files, {n} thread{'s' * (n > 1)}",
            "seconds of audio",
            "s",
            tuple(map(tuple, found[n]["growth"])),
        )
        for n in THREADS
    ]


if __name__ == "__main__":
    main()
