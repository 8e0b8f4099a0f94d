"""The network: separable 1-D convolutions whose kernels grow with depth, then a GRU.

After QuartzNet (Kriman et al. 2019, arXiv 1910.10261): blocks of time-channel-separable
convolutions with a residual path. Every frame past an utterance's length is set to zero before
every convolution, and the GRU's backward direction starts at each utterance's own last frame, so
that padding changes no result.
"""

import itertools
import math
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator
from torch import Tensor, nn

from asr_core.features import frame_mask

Fraction = Annotated[float, Field(ge=0, lt=1)]


class BlockConfig(BaseModel):
    """One block: `repeats` separable convolutions of `kernel` frames to `channels` channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: PositiveInt
    kernel: PositiveInt
    repeats: PositiveInt = 2

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(
                "expected an odd number of frames, so that a frame stays in the middle"
            )
        return kernel


class PrologueConfig(BaseModel):
    """The first convolution; its stride is the model's whole reduction in time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: PositiveInt
    kernel: PositiveInt = 11
    stride: PositiveInt = 2
    bands: PositiveInt | None = None  # around the loudest; None: all, where they are

    _odd = field_validator("kernel")(BlockConfig._odd.__func__)  # type: ignore[attr-defined]


class ModelConfig(BaseModel):
    """A network as a list of blocks, as written in a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prologue: PrologueConfig
    blocks: tuple[BlockConfig, ...]
    gru_hidden: int = Field(ge=0)  # each direction; 0 leaves the GRU out
    dropout: Fraction = 0.1


class MaskedConv(nn.Module):
    """A convolution that zeroes padding first and returns the new lengths."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv1d(
            channels_in, channels, kernel, stride, kernel // 2, groups=groups, bias=False
        )

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, T), (B,) -> (B, C', ceil(T / stride)), (B,); more axes before T are kept."""
        inside = frame_mask(lengths, x.shape[-1])
        for _ in range(x.ndim - 2):
            inside = inside.unsqueeze(1)
        return self.conv(x * inside), (lengths - 1) // self.stride + 1


class LoudestBands(nn.Module):
    """Each utterance's band of the highest mean power in the middle, some bands on either side.

    For a tone of unknown pitch: what follows learns one pitch instead of each. Past the lowest and
    the highest band lie zeros.
    """

    # Of min-max features of 80 dB: their power's exponent. What counts is that it is steep.
    STEEPNESS = 8 * math.log(10)

    def __init__(self, bands: int) -> None:
        super().__init__()
        self.bands = bands

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F), (B,) -> (B, T, bands)."""
        outside = ~frame_mask(lengths, features.shape[1]).unsqueeze(2)  # (B, T, 1)
        power = (self.STEEPNESS * features).masked_fill(outside, -torch.inf).logsumexp(dim=1)
        below = self.bands // 2
        padded = nn.functional.pad(features, (below, self.bands - 1 - below))
        offsets = torch.arange(self.bands, device=features.device)
        index = power.argmax(dim=1).reshape(-1, 1, 1) + offsets  # (B, 1, bands)
        return padded.gather(2, index.expand(-1, features.shape[1], -1))


class ConvBlock(nn.Module):
    """Separable convolutions, batch norm, ReLU, dropout, and a residual path around them."""

    def __init__(self, channels_in: int, config: BlockConfig, dropout: float) -> None:
        super().__init__()
        widths = [channels_in] + [config.channels] * config.repeats
        self.depthwise = nn.ModuleList(
            MaskedConv(width, width, config.kernel, groups=width) for width in widths[:-1]
        )
        self.pointwise = nn.ModuleList(
            nn.Conv1d(a, b, 1, bias=False) for a, b in itertools.pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:])
        self.residual = nn.Sequential(
            nn.Conv1d(channels_in, config.channels, 1, bias=False), nn.BatchNorm1d(config.channels)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, T), (B,) -> (B, C', T), (B,)."""
        y = x
        last = len(self.norms) - 1
        for i, (depthwise, pointwise, norm) in enumerate(
            zip(self.depthwise, self.pointwise, self.norms, strict=True)
        ):
            y, lengths = depthwise(y, lengths)
            y = norm(pointwise(y))
            if i == last:
                y = y + self.residual(x)
            y = torch.relu(y)
        return self.dropout(y), lengths


class BidirectionalGru(nn.Module):
    """Two GRUs over unpacked batches: one forward, one over each utterance reversed in place.

    What follows an utterance cannot reach back into it, so padding changes nothing. Packed
    sequences would do the same, but their backward pass on the CPU takes quadratic time: 2 of 3
    parts of a training step here.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.onward = nn.GRU(width, hidden, batch_first=True)
        self.reverse = nn.GRU(width, hidden, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, C), (B,) -> (B, T, 2 * hidden)."""
        time = torch.arange(x.shape[1], device=x.device)
        mirrored = lengths.unsqueeze(1) - 1 - time  # (B, T), negative past each length
        index = torch.where(mirrored >= 0, mirrored, time).unsqueeze(2)  # (B, T, 1)
        onward, _ = self.onward(x)
        mirror, _ = self.reverse(x.gather(1, index.expand_as(x)))
        return torch.cat([onward, mirror.gather(1, index.expand_as(mirror))], dim=2)


class CtcModel(nn.Module):
    """Features -> log-probabilities over the alphabet and the blank, a frame a `stride` hops."""

    def __init__(self, config: ModelConfig, n_mels: int, n_symbols: int) -> None:
        super().__init__()
        self.config = config
        width = config.prologue.channels
        bands = config.prologue.bands
        self.loudest = LoudestBands(bands) if bands else None
        self.prologue = MaskedConv(
            bands or n_mels, width, config.prologue.kernel, stride=config.prologue.stride
        )
        self.prologue_norm = nn.BatchNorm1d(width)
        blocks = []
        for block in config.blocks:
            blocks.append(ConvBlock(width, block, config.dropout))
            width = block.channels
        self.blocks = nn.ModuleList(blocks)
        self.conv_channels = width
        self.gru = None
        if config.gru_hidden:
            self.gru = BidirectionalGru(width, config.gru_hidden)
            width = 2 * config.gru_hidden
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(width, n_symbols)

    @property
    def stride(self) -> int:
        """Feature frames in one output frame."""
        return self.config.prologue.stride

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network.

        Args:
            features: (B, T, F) in [0, 1].
            lengths: (B,) frames of each utterance, at least 1.

        Returns:
            log_probs (B, T', V), always log-probabilities, in train and eval mode alike, and
            lengths (B,): T' = ceil(T / stride). Frames past a length mean nothing.
        """
        x, lengths = self.convolve(features, lengths)
        return self.read_out(x, lengths), lengths

    def convolve(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The convolutions alone: (B, T, F), (B,) -> (B, T', C), (B,)."""
        if self.loudest is not None:
            features = self.loudest(features, lengths)
        x, lengths = self.stack(features.transpose(1, 2), lengths)
        return x.transpose(1, 2), lengths

    def stack(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The prologue and the blocks: (B, F, T), (B,) -> (B, C, T'), (B,)."""
        x, lengths = self.prologue(x, lengths)
        x = torch.relu(self.prologue_norm(x))
        for block in self.blocks:
            x, lengths = block(x, lengths)
        return x, lengths

    def read_out(self, x: Tensor, lengths: Tensor) -> Tensor:
        """What follows the convolutions: (B, T', C), (B,) -> log_probs (B, T', V)."""
        if self.gru is not None:
            x = self.gru(x, lengths)
        return self.head(self.dropout(x)).float().log_softmax(dim=2)
