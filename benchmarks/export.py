"""The exported network against torch's: size, speed and word error rate, on a manifest.

    python -m benchmarks.export data/spoken/test_commands.jsonl --model spoken --repeats 5

One utterance at a time, the network alone: features are computed once, before. The networks take
turns on all utterances, so that whatever else the machine does befalls all of them; the speed is
torch's time over theirs, the median of the rounds.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jiwer
import numpy as np
import onnxruntime
import torch

from asr_core.checkpoint import find_model, load_model
from asr_core.decoder import greedy
from asr_core.export import export_onnx
from asr_core.features import LogMel
from asr_core.manifest import read_manifest
from asr_core.recognizer import Recognizer, pad
from asr_core.text import Alphabet

Network = Callable[[np.ndarray], np.ndarray]  # features (1, T, F) -> log_probs (1, T', V)


def main() -> None:
    """Print the table."""
    arguments = _arguments()
    recognizer = Recognizer.load(arguments.model)
    features, texts = _read(recognizer, arguments.manifest)
    with tempfile.TemporaryDirectory() as scratch:
        networks, sizes = _networks(arguments.model, Path(scratch))
        times = _times(networks, features, arguments.repeats)
        print(
            f"\n{len(texts)} utterances of {arguments.manifest.name}, {arguments.repeats} rounds,"
        )
        print(f"{torch.get_num_threads()} threads, torch {torch.__version__},", end=" ")
        print(f"onnxruntime {onnxruntime.__version__}\n")
        print("| network | size, MB | an utterance, ms | times as fast as torch | WER, % |")
        print("|---|---:|---:|---:|---:|")
        for name, network in networks.items():
            each_ms = 1000 * statistics.median(times[name]) / len(features)
            pairs = zip(times["torch"], times[name], strict=True)
            speed = statistics.median(ours / theirs for ours, theirs in pairs)
            wer = 100 * jiwer.wer(texts, _heard(network, features, recognizer.alphabet))
            print(f"| {name} | {sizes[name]:.2f} | {each_ms:.2f} | {speed:.2f} | {wer:.2f} |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--model", default="spoken")
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def _read(recognizer: Recognizer, manifest: Path) -> tuple[list[np.ndarray], list[str]]:
    """Features (1, T, F) and texts of the utterances that have words."""
    log_mel = LogMel(recognizer.contract.features)
    rows = read_manifest(manifest).rows
    texts = [recognizer.alphabet.normalise(row.text) for row in rows]
    rows = [row for row, text in zip(rows, texts, strict=True) if text]
    features = [log_mel(*pad([recognizer.read(row.audio_path).samples]))[0].numpy() for row in rows]
    return features, [text for text in texts if text]


def _networks(model: str, scratch: Path) -> tuple[dict[str, Network], dict[str, float]]:
    """The networks by name, and what they take on disk in MB."""
    sizes = {"torch": (find_model(model) / "model.safetensors").stat().st_size / 1e6}
    networks: dict[str, Network] = {"torch": _torch(model)}
    for name, int8 in (("onnx float32", False), ("onnx int8", True)):
        file = scratch / f"{name}.onnx"
        export_onnx(model, file, int8=int8)
        sizes[name] = file.stat().st_size / 1e6
        networks[name] = _onnx(file)
    return networks, sizes


def _torch(model: str) -> Network:
    _, network = load_model(model)

    @torch.inference_mode()
    def run(features: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(features), torch.tensor([features.shape[1]]))[0].numpy()

    return run


def _onnx(file: Path) -> Network:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(features: np.ndarray) -> np.ndarray:
        lengths = np.array([features.shape[1]])
        return session.run(["log_probs"], {"features": features, "lengths": lengths})[0]

    return run


def _times(
    networks: dict[str, Network], features: list[np.ndarray], repeats: int
) -> dict[str, list[float]]:
    """Seconds for all utterances, a figure a round; the first round, a warm-up, is not counted."""
    times: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(1 + repeats):
        for name, network in networks.items():
            started = time.perf_counter()
            for each in features:
                network(each)
            times[name].append(time.perf_counter() - started)
    return {name: seconds[1:] for name, seconds in times.items()}


def _heard(network: Network, features: list[np.ndarray], alphabet: Alphabet) -> list[str]:
    return [alphabet.decode(greedy(network(each)[0]).ids) for each in features]


if __name__ == "__main__":
    main()
