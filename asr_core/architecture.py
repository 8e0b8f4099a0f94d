"""A network part by part: what each part sees of the recording, and how many weights it has.

The receptive field is that of Araujo et al. 2019 ("Computing Receptive Fields of Convolutional
Neural Networks", Distill): a convolution of kernel k widens it by k - 1 steps of its input.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from asr_core.checkpoint import Contract, build_model
from asr_core.features import FeatureConfig


@dataclass(frozen=True)
class Part:
    """One part of the line from sound to symbols; its frames are those of its output."""

    kind: Literal["features", "bands", "convolution", "block", "gru", "output"]
    channels: int  # numbers in a frame
    parameters: int  # that training changes
    step: int  # feature frames from one frame to the next
    sees: int | None  # feature frames that a frame depends on; None is the whole recording
    features: FeatureConfig
    kernel: int | None = None  # frames of its input; None where there is no convolution
    stride: int = 1  # frames of its input from one frame to the next
    repeats: int = 1  # convolutions of this kernel, one after the other

    @property
    def kernel_s(self) -> float | None:
        """Seconds that the kernel covers, of its input's frames; the features' is their window."""
        if self.kernel is None:
            return self.features.window_s if self.kind == "features" else None
        return self.kernel * self.step // self.stride * self.features.hop_s

    @property
    def sees_s(self) -> float | None:
        """Seconds of sound that a frame depends on, the windows at both ends included."""
        if self.sees is None:
            return None
        return (self.sees - 1) * self.features.hop_s + self.features.window_s


def architecture(contract: Contract) -> tuple[Part, ...]:
    """The parts of a model from the sound to the symbols; their parameters sum to the model's."""
    return tuple(_parts(contract))


def _parts(contract: Contract) -> Iterator[Part]:
    features, config = contract.features, contract.model
    with torch.device("meta"):  # shapes without memory: nothing is computed
        model = build_model(contract)
    part = Part("features", features.n_mels, 0, step=1, sees=1, features=features)
    yield part
    first = config.prologue
    if first.bands:
        part = replace(part, kind="bands", channels=first.bands)
        yield part
    part = replace(
        _widened(part, first.kernel, first.stride),
        kind="convolution",
        channels=first.channels,
        parameters=_size(model.prologue) + _size(model.prologue_norm),
    )
    yield part
    for block, module in zip(config.blocks, model.blocks, strict=True):
        part = replace(
            _widened(part, block.kernel, repeats=block.repeats),
            kind="block",
            channels=block.channels,
            parameters=_size(module),
        )
        yield part
    part = replace(part, kernel=None, stride=1, repeats=1)
    if model.gru is not None:
        width = 2 * config.gru_hidden  # both directions
        part = replace(part, kind="gru", channels=width, parameters=_size(model.gru), sees=None)
        yield part
    symbols = len(contract.alphabet)
    yield replace(part, kind="output", channels=symbols, parameters=_size(model.head))


def _widened(part: Part, kernel: int, stride: int = 1, repeats: int = 1) -> Part:
    """The part after convolutions of `kernel` frames, the last of which has the stride."""
    assert part.sees is not None
    return replace(
        part,
        kernel=kernel,
        stride=stride,
        repeats=repeats,
        step=part.step * stride,
        sees=part.sees + repeats * (kernel - 1) * part.step,
    )


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
