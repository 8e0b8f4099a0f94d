"""Corpus `sentences`: open-vocabulary English, all that speechocean762's speakers read.

The corpus's own parts are kept: its train speakers make `train.jsonl`. Its test speakers are
shared out by a hash of seed and speaker: a quarter of them make `validation.jsonl`, which a
training run sees after every epoch, the others `test.jsonl`, for the final figure only. No
speaker is in two of the three.

`train.jsonl` has isolated words too, of Speech Commands' training speakers: CTC gets hold of
letters in one word of a second far sooner than in a sentence.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from asr_core.text import normalise
from asr_core.training.corpora import speechocean, spoken
from asr_core.training.corpora.clips import (
    Assigned,
    Clip,
    Skipped,
    corpus_folder,
    draw,
    measured,
    write_splits,
)
from asr_core.training.corpora.download import obtain

CHARACTERS = " 'abcdefghijklmnopqrstuvwxyz"  # of the recipe's alphabet
VALIDATION_SHARE = 0.25  # of the test speakers
NATIVE_LANGUAGE = "Mandarin"  # of every speaker, says the corpus's description
SPLITS = ("train", "validation", "test")
CORPORA = (speechocean.CORPUS, spoken.SPEECH_COMMANDS)


def prepare(out: Path, *, source: Path | None = None, seed: int = 1) -> None:
    """Write the three manifests, `summary.json` and `skipped.jsonl` to `out`.

    Args:
        out: folder for everything written; made where it is missing.
        source: folder that contains `speechocean762` and `speech_commands_test_set_v0.02`; the
            recordings stay there. Without it the originals are downloaded into `out/source`; the
            first has no published checksum, and its first download is trusted (see
            `download.fetch`).
        seed: decides which test speakers are for validation, and whose words are for training.

    Raises:
        ManifestError: the corpus is not where it is expected.
        DownloadError: without `source`, the original could not be downloaded.
    """
    out = Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    if source is None:
        source = out / "source"
        obtain([speechocean.ORIGINAL, spoken.COMMANDS_ORIGINAL], source)
    source = Path(source).resolve()
    assigned, skipped = measured(list(_assigned(source, seed)))
    splits: dict[str, list[Clip]] = {name: [] for name in SPLITS}
    for split, clip in assigned:
        problem = _problem(clip.text)
        if problem is None:
            splits[split].append(clip)
        else:
            skipped.append(_skipped(clip, problem))
    write_splits(out, source, "sentences", seed, splits, skipped)


def _assigned(source: Path, seed: int) -> Iterator[Assigned]:
    folder = corpus_folder(source, speechocean.CORPUS, CORPORA)
    for clip in speechocean.read_part(folder, "train", _kind):
        yield "train", _described(clip)
    for clip in speechocean.read_part(folder, "test", _kind):
        held = draw(seed, f"sentences-{clip.speaker}") < VALIDATION_SHARE
        yield ("validation" if held else "test"), _described(clip)
    words = corpus_folder(source, spoken.SPEECH_COMMANDS, CORPORA)
    for split, clip in spoken.speech_commands(words, seed):
        if split == "train" and clip.kind == "word":
            yield split, clip


def _kind(text: str) -> str:  # noqa: ARG001 (whatever it says)
    return "utterance"


def _described(clip: Clip) -> Clip:
    fields = {**clip.fields, "native_language": NATIVE_LANGUAGE}
    return replace(clip, text=normalise(clip.text), fields=fields)


def _problem(text: str) -> str | None:
    strange = "".join(sorted(set(text) - set(CHARACTERS)))
    if strange:
        return f"has {strange!r}; expected letters from a to z, apostrophes and spaces"
    return None if text else "has no text"


def _skipped(clip: Clip, reason: str) -> Skipped:
    return {"audio_filepath": str(clip.path), "reason": reason}
