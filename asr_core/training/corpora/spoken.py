"""Corpus `spoken`: digits and commands, from three public corpora in their official layouts.

Free Spoken Digit, the Speech Commands test set and speechocean762 become `train.jsonl`,
`validation.jsonl` and one `test_*.jsonl` a question. A speaker belongs to one split, chosen by a
hash of seed and speaker: the split of a speaker is the same whoever else is there. The one
exception is the official Free Spoken Digit test, which shares its six speakers with training.

Where noise comes from is not a person: `_silence_` clips are cuts of the `_background_noise_`
recordings, which training hears where they are present (our copy of the corpus has them, the
official test archive does not): there `test_silence.jsonl` shows that known noise stays silent.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from asr_core.training.corpora import speechocean
from asr_core.training.corpora.clips import (
    Assigned,
    Clip,
    Skipped,
    corpus_folder,
    digest,
    draw,
    measured,
    progress,
    write_splits,
)
from asr_core.training.corpora.download import Original, obtain

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
WORDS = DIGITS + COMMANDS

FSDD = "free-spoken-digit-dataset"
SPEECH_COMMANDS = "speech_commands_test_set_v0.02"
SPEECHOCEAN = speechocean.ORIGINAL.folder

FOLDERS = (FSDD, SPEECH_COMMANDS, SPEECHOCEAN)

FSDD_COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
COMMANDS_ORIGINAL = Original(
    SPEECH_COMMANDS,
    f"https://storage.googleapis.com/download.tensorflow.org/data/{SPEECH_COMMANDS}.tar.gz",
    # size and digest from TensorFlow Datasets, url_checksums/speech_commands.txt
    sha256="cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
    size=112_563_277,
)
ORIGINALS = (
    Original(
        FSDD,
        f"https://github.com/Jakobovski/{FSDD}/archive/{FSDD_COMMIT}.tar.gz",
        sha256=None,  # GitHub makes this archive on request and publishes no digest
        strip_top=True,
    ),
    COMMANDS_ORIGINAL,
    speechocean.ORIGINAL,
)

AUDIO_ENDINGS = (".wav", ".opus")
FSDD_TEST_INDICES = 5  # official: indices 0 to 4 are the test
TRAIN_SHARE, VALIDATION_SHARE = 0.62, 0.10  # of Speech Commands' speakers; the rest is the test
STRING_VALIDATION_SPEAKERS = 5  # of the 26 speechocean762 train speakers who read digit strings
JOINED_STRINGS = 200  # a split
JOINED_WORDS = (2, 8)  # clips in a string, both ends included
JOINED_RATE = 8000  # Hz, the rate of Free Spoken Digit
JOINED_FROM = {
    "validation": "validation",
    "test_fsdd_official": "test_fsdd_joined",
    "test_commands": "test_commands_joined",
}  # the split whose isolated words are joined: the manifest that the strings go to
SPLITS = (
    "train",
    "validation",
    "test_fsdd_official",
    "test_fsdd_joined",
    "test_commands",
    "test_commands_joined",
    "test_digit_strings",
    "test_silence",
)

_FSDD_NAME = re.compile(r"([0-9])_([a-z]+)_([0-9]+)")
_COMMANDS_NAME = re.compile(r"(?:([a-z]+)_)?([0-9a-f]{8})_nohash_[0-9]+")


def prepare(out: Path, *, source: Path | None = None, seed: int = 1) -> None:
    """Write the manifests, the joined strings, `summary.json` and `skipped.jsonl` to `out`.

    Args:
        out: folder for everything written; made where it is missing.
        source: folder with `free-spoken-digit-dataset/recordings`,
            `speech_commands_test_set_v0.02` and `speechocean762`; clips stay there. Without it the
            originals are downloaded into `out/source`; two have no published checksum, and their
            first download is trusted (see `download.fetch`).
        seed: decides which speaker is in which split, and which clips are joined.

    Raises:
        ManifestError: a corpus is not where it is expected.
        DownloadError: without `source`, an original could not be downloaded.
    """
    out = Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    if source is None:
        source = out / "source"
        obtain(ORIGINALS, source)
    source = Path(source).resolve()
    assigned, skipped = measured(list(_assigned(source, seed)))
    splits: dict[str, list[Clip]] = {name: [] for name in SPLITS}
    for split, clip in assigned:
        splits[split].append(clip)
    for origin, target in JOINED_FROM.items():
        words = [clip for clip in splits[origin] if clip.kind == "word"]
        splits[target] += join_strings(words, out, target, seed, skipped)
    write_splits(out, source, "spoken", seed, splits, skipped)


def _assigned(source: Path, seed: int) -> Iterator[Assigned]:
    yield from _fsdd(corpus_folder(source, f"{FSDD}/recordings", FOLDERS))
    yield from speech_commands(corpus_folder(source, SPEECH_COMMANDS, FOLDERS), seed)
    yield from _speechocean(corpus_folder(source, SPEECHOCEAN, FOLDERS), seed)


def _fsdd(folder: Path) -> Iterator[Assigned]:
    for path in _audio_files(folder):
        match = _FSDD_NAME.fullmatch(_stem(path))
        if match is None:
            continue
        digit, speaker, index = match.groups()
        clip = Clip(path, DIGITS[int(digit)], "fsdd", f"fsdd-{speaker}", "word")
        yield ("test_fsdd_official" if int(index) < FSDD_TEST_INDICES else "train"), clip


def speech_commands(folder: Path, seed: int) -> Iterator[Assigned]:
    """Splits and clips: all 35 words of the training speakers, `WORDS` of the others, noise."""
    for path in _audio_files(folder):
        if path.parent.name in ("_background_noise_", "_silence_"):
            yield _noise_split(path, seed), Clip(path, "", "speech_commands", "", "noise")
            continue
        match = _COMMANDS_NAME.fullmatch(_stem(path))
        if match is None:
            continue
        word = match[1] or path.parent.name
        speaker = f"sc-{match[2]}"
        split = _commands_split(speaker, seed)
        if word in WORDS or split == "train":
            yield split, Clip(path, word, "speech_commands", speaker, "word")


def _noise_split(path: Path, seed: int) -> str:
    if path.parent.name == "_background_noise_":
        return "train"
    return "train" if draw(seed, f"silence-{_stem(path)}") < TRAIN_SHARE else "test_silence"


def _commands_split(speaker: str, seed: int) -> str:
    drawn = draw(seed, speaker)
    if drawn < TRAIN_SHARE:
        return "train"
    return "validation" if drawn < TRAIN_SHARE + VALIDATION_SHARE else "test_commands"


def _speechocean(folder: Path, seed: int) -> Iterator[Assigned]:
    train = list(speechocean.read_part(folder, "train", _kind))
    string_speakers = {clip.speaker for clip in train if clip.kind == "string"}
    by_draw = sorted(string_speakers, key=lambda speaker: draw(seed, speaker))
    validation = set(by_draw[:STRING_VALIDATION_SPEAKERS])
    for clip in train:
        if clip.speaker not in validation:
            yield "train", clip
        elif _in_vocabulary(clip.text):
            yield "validation", clip
    for clip in speechocean.read_part(folder, "test", _kind):
        if clip.kind == "string":
            yield "test_digit_strings", clip


def _kind(text: str) -> str:
    if len(text.split()) == 1:
        return "word"
    return "string" if _in_vocabulary(text) else "sentence"


def _in_vocabulary(text: str) -> bool:
    words = text.split()
    return bool(words) and all(word in WORDS for word in words)


def _audio_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_ENDINGS)


def _stem(path: Path) -> str:
    return path.name.split(".")[0]  # `a.wav.opus` is `a`


def join_strings(
    clips: Sequence[Clip], out: Path, split: str, seed: int, skipped: list[Skipped]
) -> list[Clip]:
    """Strings of words joined with gaps, one speaker a string, written as FLAC under `out`."""
    rng = np.random.default_rng(int.from_bytes(digest(seed, "joined", split)[:8], "big"))
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    folder = out / "joined" / split
    folder.mkdir(parents=True, exist_ok=True)
    strings: list[Clip] = []
    for number in progress(range(JOINED_STRINGS), f"Joining {split}"):
        chosen = _choose(by_speaker, rng)
        if not chosen:
            break
        try:
            strings.append(_joined(chosen, folder / f"{number:04d}.flac", rng))
        except ValueError as e:
            skipped.append({"audio_filepath": str(folder / f"{number:04d}.flac"), "reason": str(e)})
    return strings


def _choose(by_speaker: dict[str, list[Clip]], rng: np.random.Generator) -> list[Clip]:
    """2 to 8 different clips of one speaker, or none where nobody has two clips."""
    most = max(map(len, by_speaker.values()), default=0)
    shortest, longest = JOINED_WORDS[0], min(JOINED_WORDS[1], most)
    if longest < shortest:
        return []
    n_words = int(rng.integers(shortest, longest + 1))
    speakers = [s for s, own in by_speaker.items() if len(own) >= n_words]
    own = by_speaker[speakers[int(rng.integers(len(speakers)))]]
    return [own[i] for i in rng.choice(len(own), n_words, replace=False)]


def _joined(clips: Sequence[Clip], path: Path, rng: np.random.Generator) -> Clip:
    from asr_core.audio import load_audio
    from asr_core.training.joining import join_clips

    sounds = [load_audio(clip.path, JOINED_RATE).samples for clip in clips]
    samples, times = join_clips(sounds, JOINED_RATE, rng)
    soundfile.write(path, samples, JOINED_RATE, subtype="PCM_16")
    spans = [
        [clip.text, round(start_s, 4), round(end_s, 4)]
        for clip, (start_s, end_s) in zip(clips, times, strict=True)
    ]
    return replace(
        clips[0],
        path=path,
        text=" ".join(clip.text for clip in clips),
        kind="string",
        duration_s=len(samples) / JOINED_RATE,
        fields={"word_times": spans},
    )
