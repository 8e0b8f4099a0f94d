"""A recipe that fits given data: each value with its reason, as comments in YAML.

The sizes are those of the bundled recipes; the rules between them are ours, and a beginning.
"""

import math
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import yaml

from asr_core.alignment import n_needed
from asr_core.text import normalise
from asr_core.training.corpora.clips import Clip

MOST_WORDS = 100  # different ones, each an output of its own
FEWEST_TIMES = 5  # that each of them is said
COMMON_SHARE = 1 / 5000  # of all characters; z has 1/1400 of English
COMMON_TIMES = 10  # or so many in all: then a character is common enough
RATES = (8000, 16000)  # Hz, lowest and highest
EDGE = 0.475  # of the sample rate: above lies the slope of filters
HOP_S = 0.010
STRIDES = (4, 2, 1)  # hops an output frame
MOST_LOST = 0.01  # share of recordings that may be too fast for a stride
BATCH_S = 100.0  # seconds of sound in a batch
BATCH_SIZES = (4, 32)
BATCHES = (50, 2000)  # an epoch
STEPS = 10_000  # in all, what `sentences` was given
EPOCHS = (10, 60)
STRING_CLIPS = 3.2  # words in a string of 1 to 8, on average: the lesser of two draws


@dataclass(frozen=True)
class Symbols:
    """What the model writes; and what it cannot, with how often that is there."""

    symbols: tuple[str, ...]
    joiner: str  # a space where symbols are words
    left_out: dict[str, int]
    n_lost: int  # recordings that have something left out: training skips them
    reason: str

    @property
    def are_words(self) -> bool:
        return self.joiner == " "


@dataclass(frozen=True)
class Network:
    """Five blocks of the bundled recipes' shape."""

    prologue: int
    channels: int
    gru_hidden: int
    parameters: str  # with thirty symbols
    up_to_h: float  # hours of training data


NETWORKS = (
    Network(96, 96, 64, "0.3 million", 1.0),
    Network(128, 192, 128, "0.9 million", 30.0),
    Network(384, 384, 256, "3.5 million", math.inf),
)


@dataclass(frozen=True)
class Schedule:
    """How much is seen how often."""

    epochs: int
    batches: int  # an epoch
    batch_size: int
    reason: str


@dataclass(frozen=True)
class Fit:
    """A recipe's text, and what of it is worth telling."""

    text: str
    symbols: Symbols
    sample_rate: int  # Hz
    schedule: Schedule


def fit(train: Sequence[Clip], name: str) -> Fit:
    """The recipe for these recordings.

    Args:
        train: recordings to train on, measured (`duration_s`, `sample_rate`); one has a text.
        name: of the model.
    """
    said = [clip for clip in train if clip.text]
    symbols = choose_symbols([clip.text for clip in said])
    n_words = sum(len(clip.text.split()) == 1 for clip in said)
    joins = symbols.are_words and n_words > len(said) / 2
    rate, rate_reason = choose_rate(said)
    stride, stride_reason = choose_stride(said, symbols)
    schedule = choose_schedule(said, n_words if joins else 0)
    hours = sum(clip.duration_s for clip in said) / 3600
    parts = [
        _head(name, len(said), hours),
        _features(rate, rate_reason, max(clip.sample_rate for clip in said)),
        _alphabet(symbols),
        _model(hours, stride, stride_reason),
        _strings(1 - n_words / len(said)) if joins else "",
        _augment(symbols),
        _training(schedule),
    ]
    return Fit("\n".join(part for part in parts if part), symbols, rate, schedule)


def choose_symbols(texts: Sequence[str]) -> Symbols:
    """Whole words where they are few and each is said often enough, else characters."""
    words = Counter(word for text in texts for word in normalise(text).split())
    if words and len(words) <= MOST_WORDS and min(words.values()) >= FEWEST_TIMES:
        rarest = min(words, key=words.__getitem__)
        reason = (
            f"whole words: only {len(words)} are said, the rarest ({rarest}) {words[rarest]} times"
        )
        return Symbols(tuple(sorted(words)), " ", {}, 0, reason)
    spelled = [_spelled(text) for text in texts]
    letters = Counter(character for text in spelled for character in text)
    enough = min(COMMON_TIMES, letters.total() * COMMON_SHARE)
    rare = {
        character: n
        for character, n in sorted(letters.items())
        if character != " " and (n < enough or not _can_be_written(character))
    }
    why = f"more than {MOST_WORDS}" if len(words) > MOST_WORDS else "some of them too rare"
    return Symbols(
        tuple(sorted({" ", *letters} - set(rare))),  # a space is also what is left out
        "",
        rare,
        # Punctuation that is left out becomes a space; a letter leaves nothing to learn from.
        sum(any(c in rare and normalise(c) for c in text) for text in spelled),
        f"letters: {len(words)} different words are said, {why} to be outputs themselves",
    )


def _spelled(text: str) -> str:
    """As a model's own alphabet normalises it, its own punctuation kept."""
    return " ".join(unicodedata.normalize("NFC", text.lower()).replace("\u2019", "'").split())


def _can_be_written(character: str) -> bool:
    """Not so of control characters and half characters, which YAML cannot hold."""
    return not unicodedata.category(character).startswith("C")


def choose_rate(clips: Sequence[Clip]) -> tuple[int, str]:
    """The most common sample rate, in Hz, within RATES; and why."""
    rates = Counter(clip.sample_rate for clip in clips)
    common, n_common = rates.most_common(1)[0]
    rate = min(max(common, RATES[0]), RATES[1])
    reason = f"{_share(n_common, len(clips))} of the recordings have {common} Hz"
    if common > rate:
        reason += "; speech has little above 8 kHz"
    if n_below := sum(clip.sample_rate < min(rate, common) for clip in clips):
        reason += f", {_share(n_below, len(clips))} less: their upper bands are empty"
    return rate, reason


def choose_stride(clips: Sequence[Clip], symbols: Symbols) -> tuple[int, str]:
    """Hops an output frame: the most that leaves CTC a path for nearly all texts; and why.

    CTC needs a frame a symbol, and one more between two that are equal (Graves et al. 2006).
    """
    for stride in STRIDES if symbols.are_words else STRIDES[1:]:
        n_lost = sum(_n_frames(clip, stride) < _n_needed(clip.text, symbols) for clip in clips)
        if n_lost <= MOST_LOST * len(clips):
            break
    lost = f"{n_lost} of {len(clips)} recordings are too fast for it" if n_lost else "none too fast"
    return stride, f"a frame is {1000 * stride * HOP_S:g} ms: {lost}"


def _n_frames(clip: Clip, stride: int) -> int:
    return int(clip.duration_s / HOP_S) // stride + 1


def _n_needed(text: str, symbols: Symbols) -> int:
    pieces: Sequence[str] = text.split() if symbols.are_words else _spelled(text)
    return n_needed(pieces)


def choose_schedule(clips: Sequence[Clip], n_joined: int) -> Schedule:
    """Batches of a hundred seconds, each recording once an epoch, some ten thousand steps.

    Args:
        clips: with a text.
        n_joined: how many of them are words that are joined into strings; 0: none is.
    """
    lengths = sorted(clip.duration_s for clip in clips)
    long_s = lengths[int(0.9 * (len(lengths) - 1))] * (STRING_CLIPS if n_joined else 1)
    most = BATCH_SIZES[1] if n_joined else min(BATCH_SIZES[1], len(clips))
    batch_size = max(min(BATCH_SIZES[0], most), min(most, int(BATCH_S / long_s)))
    once = math.ceil((n_joined / STRING_CLIPS if n_joined else len(clips)) / batch_size)
    batches = min(max(once, BATCHES[0]), BATCHES[1])
    epochs = min(max(round(STEPS / batches), EPOCHS[0]), EPOCHS[1])
    seen = batches / once
    times = "once" if 0.95 < seen < 1.05 else f"{seen:.2g} times"
    return Schedule(epochs, batches, batch_size, f"each recording about {times}")


def _share(n: int, n_all: int) -> str:
    return "all" if n == n_all else f"{100 * n / n_all:.3g} %"


def _quoted(text: str) -> str:
    dumped: str = yaml.dump(text, default_style='"', allow_unicode=True, width=math.inf)
    return dumped.strip()


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        text,
        100,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _head(name: str, n: int, hours: float) -> str:
    return f"""\
# Written by `python -m asr_core prepare` for {n} recordings, {hours:.3g} hours of training data.
# A beginning: change what you know better, here or with `train --set path=value`.
name: {_quoted(name)}
seed: 1
"""


def _features(rate: int, reason: str, highest: int) -> str:
    top = max(100, int(EDGE * min(rate, highest)) // 100 * 100)
    return f"""\
features:
  sample_rate: {rate} # {reason}
  window_s: 0.025
  hop_s: {HOP_S}
  n_fft: 512
  n_mels: 64
  f_min: 60.0 # below lie hum and rumble
  f_max: {top}.0 # above lies the slope of the filters of {min(rate, highest)} Hz
"""


def _alphabet(symbols: Symbols) -> str:
    listed = _list(_quoted(symbol) for symbol in symbols.symbols)
    lines = [f"alphabet: # {symbols.reason}"]
    if symbols.left_out:
        told = _list(f"{_quoted(c)} ({n})" for c, n in symbols.left_out.items())
        lines.append(
            _wrapped(f"Left out, too rare to be learned: {told}.", "  # ")
            + f"\n  # {symbols.n_lost} recordings that have such letters are skipped in training."
        )
    lines += ["  symbols:", _wrapped(f"[{listed}]", "    "), f"  joiner: {_quoted(symbols.joiner)}"]
    return "\n".join(lines) + "\n"


def _list(items: Iterable[str]) -> str:
    return ", ".join(items)


def _model(hours: float, stride: int, stride_reason: str) -> str:
    size = next(size for size in NETWORKS if hours <= size.up_to_h)
    blocks = "\n".join(
        f"    - {{channels: {size.channels}, kernel: {kernel}, repeats: 2}}"
        for kernel in (7, 9, 11, 13, 15)
    )
    return f"""\
model: # some {size.parameters} parameters, for {hours:.3g} hours
  prologue: {{channels: {size.prologue}, kernel: 11, stride: {stride}}} # {stride_reason}
  blocks: # kernels grow with depth
{blocks}
  gru_hidden: {size.gru_hidden}
  dropout: 0.1
"""


def _strings(utterances: float) -> str:
    return f"""\
strings: # most recordings are one word: joined, they teach to hear several in a row as well
  n_words: [1, 8]
  gap_s: [-0.1, 0.45]
  same_speaker: 0.5
  utterances: {utterances:.2f} # the share of recordings that are longer, as they are
  silence: 0.03
"""


def _augment(symbols: Symbols) -> str:
    if symbols.are_words:
        return """\
augment: # as in the bundled recipe `spoken`: other voices, rooms and microphones
  speed: [0.85, 1.3]
  vocal_tract: [0.87, 1.3]
  room_probability: 0.25
  noise_snr_db: [5.0, 30.0]
  noise_probability: 0.5
  channel_probability: 0.3
  codec_probability: 0.1
  n_time_masks: 2
  time_mask_s: 0.12
  n_frequency_masks: 2
  frequency_mask: 8
"""
    return """\
augment: # light, as in `sentences`: with more of it, the network is slower to leave the blanks
  speed: [0.85, 1.2]
  vocal_tract: [0.85, 1.2]
  room_probability: 0.0
  noise_snr_db: [8.0, 35.0]
  noise_probability: 0.2
  channel_probability: 0.1
  codec_probability: 0.05
  n_time_masks: 1
  time_mask_s: 0.25
  n_frequency_masks: 2
  frequency_mask: 12
"""


def _training(schedule: Schedule) -> str:
    return f"""\
optimiser: {{name: AdamW, lr: 0.003, weight_decay: 0.02}}
scheduler: {{name: OneCycleLR, max_lr: 0.003, pct_start: 0.1}}

training:
  epochs: {schedule.epochs} # {schedule.epochs * schedule.batches} steps in all
  batches: {schedule.batches} # an epoch: {schedule.reason}
  batch_size: {schedule.batch_size} # at most {BATCH_S:g} s of sound, but for the longest tenth
  gradient_clip: 1.0
  ema_decay: 0.998
  keep: last # of averaged weights at a learning rate of 0, the best guess
  precision: bf16-mixed
  workers: 1
"""
