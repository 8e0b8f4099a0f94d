"""Stretches of long recordings, written as files of their own: what manifests can name."""

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import soundfile

from asr_core.audio import Audio, AudioError, load_audio
from asr_core.training.corpora.clips import progress
from asr_core.training.layouts.found import Found, Reject

OVERSHOOT_S = 0.5  # a stretch may end so much after its recording, as in Kaldi's extract-segments


def write_excerpts(found: Sequence[Found], folder: Path) -> list[Found | Reject]:
    """The same, stretches now files of their own in `folder`: mono FLAC at the recording's rate."""
    if any(each.span_s for each in found):
        folder.mkdir(parents=True, exist_ok=True)
    targets = _targets(found, folder)
    return [
        _excerpt(each, target) if each.span_s else each
        for each, target in progress(list(zip(found, targets, strict=True)), "Cutting")
    ]


def _targets(found: Sequence[Found], folder: Path) -> list[Path]:
    """A file for each stretch; of several with one name, each but the first gets a number.

    The names of a manifest's stretches tell neither their end nor the folder above.
    """
    seen: Counter[str] = Counter()
    targets = []
    for each in found:
        seen[each.name] += 1
        n = seen[each.name]
        targets.append(folder / f"{file_name(each.name if n == 1 else f'{each.name}#{n}')}.flac")
    return targets


def _excerpt(found: Found, target: Path) -> Found | Reject:
    assert found.span_s is not None
    try:
        audio = read_span(found.path, *found.span_s)
        soundfile.write(target, audio.samples, audio.sample_rate, subtype="PCM_16")
    except (AudioError, soundfile.SoundFileError) as e:
        return Reject(found.name, str(e))
    return replace(found, path=target, span_s=None)


def file_name(name: str) -> str:
    """A name as a file's; one that has to be changed gets a digest, so that it stays unique."""
    plain = re.sub(r"[^\w.-]+", "_", name)[:60]  # a file system takes 255 bytes
    if plain == name:
        return plain
    # What is not UTF-8 in a name has come as surrogates.
    return f"{plain}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}"


def read_span(path: Path, start_s: float, end_s: float | None) -> Audio:
    """The samples from `start_s` up to `end_s`, or to the end (raises AudioError)."""
    try:
        with path.open("rb") as file, soundfile.SoundFile(file) as sound:
            rate, n_samples = sound.samplerate, sound.frames
            first, last = _bounds(path, start_s, end_s, rate, n_samples)
            sound.seek(first)
            return load_audio(sound.read(last - first, dtype="float32"), source_rate=rate)
    except (RuntimeError, OSError, TypeError):
        pass  # no file of soundfile's, or none at all: the door tells
    audio = _whole(path)
    first, last = _bounds(path, start_s, end_s, audio.sample_rate, len(audio.samples))
    return Audio(audio.samples[first:last], audio.sample_rate)


def _bounds(
    path: Path, start_s: float, end_s: float | None, rate: int, n_samples: int
) -> tuple[int, int]:
    """Half-open, in samples (raises AudioError)."""
    length_s = n_samples / rate
    stop_s = length_s if end_s is None else end_s
    if not 0 <= start_s < stop_s <= length_s + OVERSHOOT_S or start_s >= length_s:
        raise AudioError(
            f"The stretch from {start_s:g} to {stop_s:g} s is not in {path}, which lasts"
            f" {length_s:g} s."
        )
    first = round(start_s * rate)
    return first, max(first + 1, min(round(stop_s * rate), n_samples))


@functools.lru_cache(maxsize=1)  # the stretches of a recording come one after another
def _whole(path: Path) -> Audio:
    return load_audio(path)
