"""Corpus `spoken`: digits and commands, from three public corpora in their official layouts.

Free Spoken Digit, the Speech Commands test set and speechocean762 become `train.jsonl`,
`validation.jsonl` and one `test_*.jsonl` a question. A speaker belongs to one split, chosen by a
hash of seed and speaker: the split of a speaker is the same whoever else is there. The one
exception is the official Free Spoken Digit test, which shares its six speakers with training.

Where noise comes from is not a person: `_silence_` clips are cuts of the `_background_noise_`
recordings, which training hears where they are present (our copy of the corpus has them, the
official test archive does not): there `test_silence.jsonl` shows that known noise stays silent.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import soundfile
from rich.console import Console
from rich.progress import track

from asr_core.manifest import ManifestError, write_manifest
from asr_core.training.corpora.download import Original, obtain

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
WORDS = DIGITS + COMMANDS

FSDD = "free-spoken-digit-dataset"
SPEECH_COMMANDS = "speech_commands_test_set_v0.02"
SPEECHOCEAN = "speechocean762"

FSDD_COMMIT = "26eb9aaf76e81b692f806f9140c2d2777410d7a1"
ORIGINALS = (
    Original(
        FSDD,
        f"https://github.com/Jakobovski/{FSDD}/archive/{FSDD_COMMIT}.tar.gz",
        sha256=None,  # GitHub makes this archive on request and publishes no digest
        strip_top=True,
    ),
    Original(
        SPEECH_COMMANDS,
        f"https://storage.googleapis.com/download.tensorflow.org/data/{SPEECH_COMMANDS}.tar.gz",
        # size and digest from TensorFlow Datasets, url_checksums/speech_commands.txt
        sha256="cc2a00c1147c2254e9be3fa0f779d8c17421dc349b86366567a8edfa9acd51df",
        size=112_563_277,
    ),
    Original(
        SPEECHOCEAN,
        f"https://www.openslr.org/resources/101/{SPEECHOCEAN}.tar.gz",
        sha256=None,  # OpenSLR publishes none
        strip_top=True,
    ),
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


@dataclass(frozen=True)
class Clip:
    """One recording, as its corpus describes it."""

    path: Path
    text: str
    corpus: str
    speaker: str  # "" for noise
    kind: str  # word, string, sentence or noise
    duration_s: float = 0.0
    fields: dict[str, Any] = field(default_factory=dict)

    def record(self, audio_filepath: str) -> dict[str, Any]:
        """The manifest row of this clip."""
        return {
            "audio_filepath": audio_filepath,
            "duration": round(self.duration_s, 6),
            "text": self.text,
            "corpus": self.corpus,
            "speaker": self.speaker,
            "kind": self.kind,
            **self.fields,
        }


T = TypeVar("T")
Assigned = tuple[str, Clip]  # the split, and the clip that belongs to it
Skipped = dict[str, str]  # audio_filepath, reason


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
    assigned, skipped = _measured(list(_assigned(source, seed)))
    splits: dict[str, list[Clip]] = {name: [] for name in SPLITS}
    for split, clip in assigned:
        splits[split].append(clip)
    for origin, target in JOINED_FROM.items():
        words = [clip for clip in splits[origin] if clip.kind == "word"]
        splits[target] += _join_strings(words, out, target, seed, skipped)
    _write(out, source, seed, splits, skipped)


def _assigned(source: Path, seed: int) -> Iterator[Assigned]:
    yield from _fsdd(_corpus_folder(source, f"{FSDD}/recordings"))
    yield from _speech_commands(_corpus_folder(source, SPEECH_COMMANDS), seed)
    yield from _speechocean(_corpus_folder(source, SPEECHOCEAN), seed)


def _corpus_folder(source: Path, name: str) -> Path:
    folder = source / name
    if not folder.is_dir():
        raise ManifestError(
            f"No folder {folder}. Expected that corpus in its official layout: "
            f"give the folder that contains {FSDD}, {SPEECH_COMMANDS} and {SPEECHOCEAN}, "
            "or leave --from out to download them."
        )
    return folder


def _fsdd(folder: Path) -> Iterator[Assigned]:
    for path in _audio_files(folder):
        match = _FSDD_NAME.fullmatch(_stem(path))
        if match is None:
            continue
        digit, speaker, index = match.groups()
        clip = Clip(path, DIGITS[int(digit)], "fsdd", f"fsdd-{speaker}", "word")
        yield ("test_fsdd_official" if int(index) < FSDD_TEST_INDICES else "train"), clip


def _speech_commands(folder: Path, seed: int) -> Iterator[Assigned]:
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
    return "train" if _draw(seed, f"silence-{_stem(path)}") < TRAIN_SHARE else "test_silence"


def _commands_split(speaker: str, seed: int) -> str:
    drawn = _draw(seed, speaker)
    if drawn < TRAIN_SHARE:
        return "train"
    return "validation" if drawn < TRAIN_SHARE + VALIDATION_SHARE else "test_commands"


def _speechocean(folder: Path, seed: int) -> Iterator[Assigned]:
    train = list(_speechocean_clips(folder, "train"))
    string_speakers = {clip.speaker for clip in train if clip.kind == "string"}
    by_draw = sorted(string_speakers, key=lambda speaker: _draw(seed, speaker))
    validation = set(by_draw[:STRING_VALIDATION_SPEAKERS])
    for clip in train:
        if clip.speaker not in validation:
            yield "train", clip
        elif _in_vocabulary(clip.text):
            yield "validation", clip
    for clip in _speechocean_clips(folder, "test"):
        if clip.kind == "string":
            yield "test_digit_strings", clip


def _speechocean_clips(folder: Path, part: str) -> Iterator[Clip]:
    scp, texts, speakers = (_kaldi(folder / part / n) for n in ("wav.scp", "text", "utt2spk"))
    ages, genders = (_kaldi(folder / part / name) for name in ("spk2age", "spk2gender"))
    for utterance, location in scp.items():
        if utterance not in texts or utterance not in speakers:
            raise ManifestError(
                f"{folder / part}: utterance {utterance} of wav.scp is missing in text or utt2spk. "
                "Expected the same utterances in the three: get the corpus again."
            )
        text, speaker = texts[utterance].lower(), speakers[utterance]
        age = ages.get(speaker, "")
        known = {"age": int(age) if age.isdigit() else None, "gender": genders.get(speaker)}
        yield Clip(
            folder / location, text, "speechocean762", f"so-{speaker}", _kind(text), fields=known
        )


def _kaldi(path: Path) -> dict[str, str]:
    """A Kaldi table: a key, white space, the rest of the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as e:
        raise ManifestError(
            f"Cannot read {path}: {e}. Expected a file of the official {SPEECHOCEAN} layout."
        ) from e
    return {key: " ".join(rest) for key, *rest in (line.split() for line in lines if line.strip())}


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


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("|".join(map(str, parts)).encode()).digest()


def _draw(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on nothing but seed and name."""
    return int.from_bytes(_digest(seed, name)[:6], "big") / 2**48


def _measured(assigned: Sequence[Assigned]) -> tuple[list[Assigned], list[Skipped]]:
    """The clips with their durations, and those that cannot be read."""
    usable: list[Assigned] = []
    skipped: list[Skipped] = []
    for split, clip in _progress(assigned, "Reading clips"):
        try:
            duration_s = soundfile.info(clip.path).duration
        except (soundfile.SoundFileError, OSError) as e:
            skipped.append({"audio_filepath": str(clip.path), "reason": str(e)})
            continue
        if duration_s > 0:
            usable.append((split, replace(clip, duration_s=duration_s)))
        else:
            skipped.append({"audio_filepath": str(clip.path), "reason": "no samples"})
    return usable, skipped


def _join_strings(
    clips: Sequence[Clip], out: Path, split: str, seed: int, skipped: list[Skipped]
) -> list[Clip]:
    """Strings of words joined with gaps, one speaker a string, written as FLAC under `out`."""
    rng = np.random.default_rng(int.from_bytes(_digest(seed, "joined", split)[:8], "big"))
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        by_speaker.setdefault(clip.speaker, []).append(clip)
    folder = out / "joined" / split
    folder.mkdir(parents=True, exist_ok=True)
    strings: list[Clip] = []
    for number in _progress(range(JOINED_STRINGS), f"Joining {split}"):
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


def _write(
    out: Path, source: Path, seed: int, splits: dict[str, list[Clip]], skipped: list[Skipped]
) -> None:
    manifests = {}
    for split, clips in splits.items():
        write_manifest(out / f"{split}.jsonl", (c.record(_location(c.path, out)) for c in clips))
        manifests[split] = _describe(clips, out, source)
    write_manifest(out / "skipped.jsonl", skipped)
    summary = {"corpus": "spoken", "seed": seed, "skipped": len(skipped), "manifests": manifests}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    if skipped:
        print(f"Left out {len(skipped)} clips: see {out / 'skipped.jsonl'}.", file=sys.stderr)


def _location(path: Path, out: Path) -> str:
    """What a manifest in `out` says: relative for files written by us, absolute for the rest."""
    return path.relative_to(out).as_posix() if path.is_relative_to(out / "joined") else str(path)


def _describe(clips: Sequence[Clip], out: Path, source: Path) -> dict[str, Any]:
    portable = [
        clip.record(
            clip.path.relative_to(
                out if clip.path.is_relative_to(out / "joined") else source
            ).as_posix()
        )
        for clip in clips
    ]
    lines = "\n".join(json.dumps(record, sort_keys=True) for record in portable)
    return {
        "utterances": len(clips),
        "hours": round(sum(clip.duration_s for clip in clips) / 3600, 4),
        "speakers": len({clip.speaker for clip in clips if clip.speaker}),
        "words": sum(len(clip.text.split()) for clip in clips),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def _progress(items: Sequence[T], description: str) -> Iterable[T]:
    console = Console(stderr=True)
    return track(items, description, console=console, disable=not sys.stderr.isatty())
