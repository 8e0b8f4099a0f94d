"""What if the recording were louder, cleaner, faster, or came by telephone? Changes to a recording.

A change has a name and at most one number; `CHANGES` says which there are. They are applied in
order, each to what the one before made of the recording. The same seed makes the same noise.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from asr_core import damages, repairs
from asr_core.audio import Audio
from asr_core.degrade import PEAK_LIMIT

Function = Callable[[np.ndarray, int, float, np.random.Generator], np.ndarray]


class WhatIfError(ValueError):
    """A change that does not exist, or an amount that it does not take."""


@dataclass(frozen=True)
class Parameter:
    """The number of a change: what it is, and the values that it may have."""

    name: str
    unit: str
    low: float
    high: float
    default: float
    step: float  # of a slider


@dataclass(frozen=True)
class Kind:
    """A kind of change; `parameter` is None where there is nothing to choose."""

    name: str
    group: Literal["repair", "damage"]
    what: str
    parameter: Parameter | None
    function: Function


@dataclass(frozen=True)
class Change:
    """One change; `amount` is None where its kind has no parameter."""

    name: str
    amount: float | None = None

    def __str__(self) -> str:
        return self.name if self.amount is None else f"{self.name}={self.amount:g}"

    @classmethod
    def checked(cls, name: str, amount: float | None = None) -> "Change":
        """A change of a known kind, its amount the default where none is given.

        Raises:
            WhatIfError: no such kind, or an amount outside its range.
        """
        kind = CHANGES.get(name)
        if kind is None:
            raise WhatIfError(f"There is no change {name!r}. Expected one of: {_known()}.")
        parameter = kind.parameter
        if parameter is None:
            if amount is not None:
                raise WhatIfError(f"The change {name} takes no amount; got {amount:g}.")
            return cls(name)
        if amount is None:
            return cls(name, parameter.default)
        if not parameter.low <= amount <= parameter.high:  # nor NaN
            raise WhatIfError(
                f"Got {amount:g} as the {parameter.name} of {name}. Expected"
                f" {parameter.low:g} to {parameter.high:g} {parameter.unit}."
            )
        return cls(name, float(amount))

    @classmethod
    def parse(cls, text: str) -> "Change":
        """`noise=5`, `telephone` (raises WhatIfError)."""
        name, _, amount = text.partition("=")
        try:
            number = float(amount) if amount.strip() else None
        except ValueError as e:
            raise WhatIfError(
                f"Got {amount!r} as the amount of {name}. Expected a number, as in noise=5; known:"
                f" {_known()}."
            ) from e
        return cls.checked(name.strip(), number)


def apply(audio: Audio, changes: Iterable[Change], seed: int | Sequence[int] = 0) -> Audio:
    """The recording after some changes, one after the other.

    Where a change makes a peak that no file could hold, all is scaled down to hold it.

    Args:
        audio: the recording.
        changes: what to do, in order.
        seed: of noise and rooms; the n-th change draws the same whatever its amount is.
    """
    entropy = [seed] if isinstance(seed, int) else list(seed)
    samples, rate = audio.samples, audio.sample_rate
    for n, change in enumerate(changes):
        rng = np.random.default_rng([*entropy, n])
        amount = math.nan if change.amount is None else change.amount
        samples = CHANGES[change.name].function(samples, rate, amount, rng)
        peak = float(np.abs(samples).max())
        if peak > 1:
            samples = samples * (PEAK_LIMIT / peak)
        samples = np.ascontiguousarray(samples, dtype=np.float32)
    return Audio(samples, rate)


def _known() -> str:
    """Every change with its range, for messages."""
    return ", ".join(
        f"{kind.name} ({p.low:g} to {p.high:g} {p.unit})" if (p := kind.parameter) else kind.name
        for kind in CHANGES.values()
    )


_KINDS = (
    Kind(
        "level",
        "repair",
        "active speech brought to a level, as far as peaks allow",
        Parameter("level", "dBFS", -40, -10, -23, 1),
        lambda x, rate, amount, _: repairs.to_level(x, rate, amount),
    ),
    Kind(
        "denoise",
        "repair",
        "spectral gating (noisereduce)",
        Parameter("strength", "%", 10, 100, 80, 5),
        lambda x, rate, amount, _: repairs.denoise(x, rate, amount),
    ),
    Kind(
        "trim",
        "repair",
        "silence at both ends cut off (librosa)",
        Parameter("threshold below the loudest frame", "dB", 15, 60, 35, 1),
        lambda x, rate, amount, _: repairs.trim(x, rate, amount),
    ),
    Kind(
        "pad",
        "repair",
        "quiet added before and after, as loud as the recording's pauses",
        Parameter("length of each", "s", 0.05, 2, 0.3, 0.05),
        repairs.pad,
    ),
    Kind(
        "lowcut",
        "repair",
        "rumble and hum cut off below a frequency (Butterworth, 24 dB an octave)",
        Parameter("lowest frequency", "Hz", 20, 400, 100, 10),
        lambda x, rate, amount, _: repairs.cut_low(x, rate, amount),
    ),
    Kind(
        "dc",
        "repair",
        "a constant offset taken out",
        None,
        lambda x, *_: repairs.remove_offset(x),
    ),
    Kind(
        "noise",
        "damage",
        "pink noise, by active speech over noise",
        Parameter("SNR", "dB", -10, 40, 5, 1),
        lambda x, rate, amount, rng: damages.add_noise(x, rate, "pink", amount, rng),
    ),
    Kind(
        "hum",
        "damage",
        "mains hum of 50 Hz and its harmonics, by active speech over hum",
        Parameter("SNR", "dB", -20, 40, 0, 1),
        lambda x, rate, amount, rng: damages.add_noise(x, rate, "hum50", amount, rng),
    ),
    Kind(
        "room",
        "damage",
        "a room with as much reverberation as direct sound",
        Parameter("reverberation time RT60", "s", 0.1, 2, 0.6, 0.1),
        damages.put_in_room,
    ),
    Kind(
        "speed",
        "damage",
        "faster or slower at the same pitch",
        Parameter("tempo", "×", 0.5, 2, 1.3, 0.05),
        lambda x, rate, amount, _: damages.change_speed(x, rate, amount),
    ),
    Kind(
        "telephone",
        "damage",
        "a telephone's band, 300 to 3400 Hz (ITU-T G.712)",
        None,
        lambda x, rate, *_: damages.over_telephone(x, rate),
    ),
    Kind(
        "lowpass",
        "damage",
        "no sound above a frequency (Butterworth, 48 dB an octave)",
        Parameter("highest frequency", "Hz", 500, 8000, 2000, 100),
        lambda x, rate, amount, _: damages.cut_high(x, rate, amount),
    ),
    Kind(
        "clip",
        "damage",
        "recorded too loud: active samples that lie at full scale",
        Parameter("share", "%", 0.1, 50, 5, 0.1),
        lambda x, rate, amount, _: damages.clip(x, rate, amount),
    ),
    Kind(
        "quiet",
        "damage",
        "recorded too quietly, in 16 bits",
        Parameter("attenuation", "dB", 0, 60, 30, 1),
        lambda x, _rate, amount, _: damages.turn_down(x, amount),
    ),
)
CHANGES = {kind.name: kind for kind in _KINDS}
