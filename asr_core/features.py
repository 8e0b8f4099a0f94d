"""Samples to log-mel: the mel bands inside [f_min, f_max], in dB, min-max scaled to [0, 1]."""

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, model_validator
from torch import Tensor, nn

from asr_core.torchaudio_door import torchaudio

POWER_FLOOR = 1e-10  # keeps digital silence finite
FLOOR_DB = -100.0  # of POWER_FLOOR
STEADY_DB = 0.1  # a band that varies less is constant: its rounding errors are no speech

Normalisation = Literal["min_max", "mean_variance", "none"]


class FeatureConfig(BaseModel):
    """What a model hears. Stored in its folder, so that it always hears the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sample_rate: PositiveInt = 8000  # Hz
    window_s: PositiveFloat = 0.025
    hop_s: PositiveFloat = 0.010
    n_fft: PositiveInt = 512
    n_mels: PositiveInt = 64  # F
    f_min: float = 60.0  # Hz; below it lie hum and rumble
    f_max: float = 3800.0  # Hz; above it an 8 kHz recording has nothing but the filter's slope
    range_db: PositiveFloat = 80.0  # what lies deeper below the loudest bin counts as silence
    normalisation: Normalisation = "min_max"  # the others are for comparison

    @property
    def window(self) -> int:
        return round(self.window_s * self.sample_rate)

    @property
    def hop(self) -> int:
        return round(self.hop_s * self.sample_rate)

    @model_validator(mode="after")
    def _fits(self) -> "FeatureConfig":
        if not 0 <= self.f_min < self.f_max <= self.sample_rate / 2:
            raise ValueError(
                f"expected 0 <= f_min < f_max <= {self.sample_rate / 2} (half the sample rate),"
                f" got {self.f_min} and {self.f_max}"
            )
        if not 1 <= self.window <= self.n_fft:
            raise ValueError(f"expected a window of 1 to n_fft={self.n_fft}, got {self.window}")
        if self.hop < 1:
            raise ValueError(f"expected a hop of at least one sample, got hop_s={self.hop_s}")
        return self


class LogMel(nn.Module):
    """Batch of samples -> log-mel features, in [0, 1] with the default normalisation.

    The mel filters are Slaney's, as in librosa. Each utterance is scaled by itself, over its own
    frames only:

    - `min_max`: by the minimum and maximum of all its bins, to [0, 1];
    - `mean_variance`: each band by its own mean and deviation (Viikki and Laurila 1998), which
      takes out a microphone's colour as well as the level;
    - `none`: not at all, -100 dB (`FLOOR_DB`) is 0 and 0 dB is 1, whatever the utterance.

    The dynamic range of the first two is limited to `range_db`, so that a stretch of digital
    silence does not squash the rest. Frames are centred and the signal is padded with zeros, which
    is what a batch is padded with: padding changes nothing.
    """

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        self.spectrum = torchaudio.transforms.Spectrogram(
            n_fft=config.n_fft,
            win_length=config.window,
            hop_length=config.hop,
            power=None,
            center=True,
            pad_mode="constant",
        )
        self.mel = torchaudio.transforms.MelScale(
            n_mels=config.n_mels,
            sample_rate=config.sample_rate,
            f_min=config.f_min,
            f_max=config.f_max,
            n_stft=config.n_fft // 2 + 1,
            norm="slaney",
            mel_scale="slaney",
        )

    def forward(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute features.

        Args:
            samples: (B, N) float, zero-padded.
            lengths: (B,) samples of each utterance.

        Returns:
            Features (B, T, F), zero past each length, and lengths (B,) in frames:
            T = 1 + N // hop.
        """
        power = self.mel_power(samples)
        lengths = 1 + lengths // self.config.hop
        decibel = 10 * torch.log10(power.clamp(min=POWER_FLOOR))
        inside = frame_mask(lengths, decibel.shape[1]).unsqueeze(2)  # (B, T, 1)
        return self._normalised(decibel, inside).masked_fill(~inside, 0.0), lengths

    def mel_power(self, samples: Tensor) -> Tensor:
        """(B, N) -> (B, T, F)."""
        spectrum = self.spectrum(samples)
        # Not torchaudio's power=2: it takes a root to square it again, six times as long.
        power = spectrum.real.square() + spectrum.imag.square()
        return self.mel(power).transpose(1, 2)

    def _normalised(self, decibel: Tensor, inside: Tensor) -> Tensor:
        """(B, T, F) in dB, (B, T, 1) True inside each utterance -> (B, T, F)."""
        if self.config.normalisation == "none":
            return 1 - decibel / FLOOR_DB
        highest = decibel.masked_fill(~inside, -torch.inf).amax(dim=(1, 2), keepdim=True)
        decibel = decibel.maximum(highest - self.config.range_db)
        if self.config.normalisation == "mean_variance":
            return _standardised(decibel, inside)
        lowest = decibel.masked_fill(~inside, torch.inf).amin(dim=(1, 2), keepdim=True)
        # A constant signal (silence) has no range: all its features are 0.
        return (decibel - lowest) / (highest - lowest).clamp(min=1e-6)


def _standardised(x: Tensor, inside: Tensor) -> Tensor:
    """(B, T, F), (B, T, 1) -> each band with mean 0 and deviation 1 over the frames inside."""
    n_frames = inside.sum(dim=1, keepdim=True)  # (B, 1, 1)
    # In double: the zeros of padding change the order of a sum, and with it its rounding.
    mean = x.double().masked_fill(~inside, 0.0).sum(dim=1, keepdim=True) / n_frames  # (B, 1, F)
    centred = (x - mean).to(x).masked_fill(~inside, 0.0)
    deviation = (centred.square().sum(dim=1, keepdim=True) / n_frames).sqrt()
    return torch.where(deviation > STEADY_DB, centred / deviation, 0.0)


def frame_mask(lengths: Tensor, n_frames: int) -> Tensor:
    """(B,) lengths -> (B, T) True inside each utterance."""
    return torch.arange(n_frames, device=lengths.device) < lengths.unsqueeze(1)
