"""Networks that the peers' benchmark runs side by side: ours in four ways, and a Conformer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from asr_core.checkpoint import load_model
from asr_core.export import export_onnx
from asr_core.torchaudio_door import torchaudio

# Conformer-CTC-S (Gulati et al. 2020; the sizes of NeMo's conformer_ctc_s, of 13 M parameters).
LAYERS, WIDTH, HEADS, KERNEL = 16, 176, 4, 31
N_MELS, HOP_S, N_SYMBOLS = 80, 0.01, 1025  # 1,024 pieces of words and the blank
Run = Callable[[Tensor, Tensor], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Network:
    """A network to be timed.

    Attributes:
        name: what the tables call it.
        n_parameters: of it.
        run: features (B, T, F), frames (B,) -> log_probs (B, T', V), frames (B,).
        is_ours: hears our features, and can be asked for words.
    """

    name: str
    n_parameters: int
    run: Run
    is_ours: bool = True


class Conformer(nn.Module):
    """Features (B, T, F) -> log_probs (B, T / 4, V): convolutions of stride 2, then the encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.subsampling = nn.Sequential(
            nn.Conv2d(1, WIDTH, 3, 2, 1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 3, 2, 1), nn.ReLU()
        )
        self.into = nn.Linear(WIDTH * N_MELS // 4, WIDTH)
        self.encoder = torchaudio.models.Conformer(WIDTH, HEADS, 4 * WIDTH, LAYERS, KERNEL)
        self.head = nn.Linear(WIDTH, N_SYMBOLS)

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, F), frames (B,) -> log_probs (B, T', V), frames (B,)."""
        x = self.subsampling(features.unsqueeze(1))  # (B, C, T', F / 4)
        x = self.into(x.transpose(1, 2).flatten(2))  # (B, T', C)
        lengths = (lengths + 3) // 4
        x, lengths = self.encoder(x, lengths)
        return self.head(x).log_softmax(dim=2), lengths


def ours(model: str, threads: int, scratch: Path) -> list[Network]:
    """Our network as recognition runs it, quantised, and in torch in both precisions."""
    _, network = load_model(model)
    size = sum(weight.numel() for weight in network.parameters())
    found = []
    for name, int8 in (("onnxruntime fp32", False), ("onnxruntime int8", True)):
        file = scratch / f"{name}.onnx"
        export_onnx(model, file, int8=int8)
        found.append(Network(f"ours, {name}", size, in_onnxruntime(file.read_bytes(), threads)))
    found.append(Network("ours, torch fp32", size, in_torch(network.float(), torch.float32)))
    double = load_model(model)[1].double()
    return [*found, Network("ours, torch fp64", size, in_torch(double, torch.float64))]


def conformer() -> Network:
    """The Conformer, its weights random, in torch.

    Not in onnxruntime: torch's older exporter fixes the number of frames in its attention, and the
    newer one takes another package.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Conformer().eval()
    size = sum(weight.numel() for weight in network.parameters())
    return Network("Conformer, torch fp32", size, in_torch(network, torch.float32), is_ours=False)


def in_torch(network: nn.Module, dtype: torch.dtype) -> Run:
    """A network that torch runs, with the threads it has."""

    @torch.inference_mode()
    def run(features: Tensor, lengths: Tensor) -> tuple[np.ndarray, np.ndarray]:
        log_probs, frames = network.eval()(features.to(dtype), lengths)
        return log_probs.numpy(), frames.numpy()

    return run


def in_onnxruntime(network: bytes, threads: int) -> Run:
    """A network that onnxruntime runs."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def run(features: Tensor, lengths: Tensor) -> tuple[np.ndarray, np.ndarray]:
        inputs = {"features": features.numpy(), "lengths": lengths.numpy()}
        log_probs, frames = session.run(None, inputs)
        return log_probs, frames

    return run


def random_features(durations_s: Sequence[float]) -> list[Tensor]:
    """(T, F) of the Conformer's frames for recordings of these lengths."""
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(round(s / HOP_S), N_MELS, generator=generator) for s in durations_s]
