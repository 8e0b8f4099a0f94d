"""Data of one's own: what a layout yields becomes manifests and a recipe that fits them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from asr_core.manifest import ManifestError
from asr_core.text import normalise
from asr_core.training.corpora.clips import Clip, Skipped, measured, write_splits
from asr_core.training.fitting import Fit, fit
from asr_core.training.layouts.excerpts import write_excerpts
from asr_core.training.layouts.found import SPLITS, Found, Reject
from asr_core.training.splitting import assign

CLIPS = "clips"  # folder for recordings that had to be written
RECIPE = "recipe.yaml"
Normalise = Literal["none", "basic"]


@dataclass(frozen=True)
class Preparation:
    """What a person chooses, whatever the layout."""

    out: Path
    normalise: Normalise = "basic"
    validation: float = 0.1  # share of recordings
    test: float = 0.1
    seed: int = 1

    @property
    def clips(self) -> Path:
        return self.out.resolve() / CLIPS


@dataclass(frozen=True)
class Prepared:
    """What was written to `out`, and why it is so."""

    out: Path
    splits: dict[str, list[Clip]]
    skipped: list[Skipped]
    how_split: str
    recipe: Fit


def prepare(found: Iterable[Found | Reject], source: Path, chosen: Preparation) -> Prepared:
    """Write `train.jsonl`, `validation.jsonl`, `test.jsonl`, what was left out, and `recipe.yaml`.

    Args:
        found: the recordings of a layout.
        source: where they are from; the fingerprints' names are relative to it.
        chosen: the folder to write, and the rest.

    Raises:
        ManifestError: nothing to train on, or what reading the layout raises.
    """
    out = chosen.out.resolve()
    usable, rejects = _parted(found)
    usable, without_text = _parted(_with_text(each, chosen.normalise) for each in usable)
    usable, without_sound = _parted(write_excerpts(usable, chosen.clips))
    skipped = [
        {"audio_filepath": reject.location, "reason": reject.reason}
        for reject in (*rejects, *without_text, *without_sound)
    ]
    pairs, unreadable = measured(list(zip(usable, _clips(usable, out.name), strict=True)))
    skipped += unreadable
    names, how_split = assign(
        [each for each, _ in pairs],
        validation=chosen.validation,
        test=chosen.test,
        seed=chosen.seed,
    )
    splits: dict[str, list[Clip]] = {name: [] for name in SPLITS}
    for name, (_, clip) in zip(names, pairs, strict=True):
        splits[name].append(clip)
    _check_trainable(splits["train"], skipped)
    recipe = fit(splits["train"], out.name)
    splits = {name: [_of_kind(c, recipe) for c in clips] for name, clips in splits.items()}
    write_splits(out, source.resolve(), out.name, chosen.seed, splits, skipped)
    (out / RECIPE).write_text(recipe.text, encoding="utf-8")
    return Prepared(out, splits, skipped, how_split, recipe)


def _parted(found: Iterable[Found | Reject]) -> tuple[list[Found], list[Reject]]:
    usable: list[Found] = []
    rejects: list[Reject] = []
    for each in found:
        if isinstance(each, Found):
            usable.append(each)
        else:
            rejects.append(each)
    return usable, rejects


def _with_text(found: Found, how: Normalise) -> Found | Reject:
    """The text normalised, as it was written kept beside it."""
    written = found.text.strip()
    text = normalise(written) if how == "basic" else written
    if not text and not found.is_noise:
        got = f"only {written[:40]!r}" if written else "nothing"
        return Reject(str(found.path), f"no text: got {got}, expected letters or digits")
    raw = {} if text == written else {"text_raw": written}
    return replace(found, text=text, fields={**found.fields, **raw})


def _clips(found: Sequence[Found], corpus: str) -> list[Clip]:
    return [
        Clip(
            each.path,
            each.text,
            corpus,
            each.speaker,
            "noise" if each.is_noise else "utterance",
            # An unknown speaker is null: as "", all who are unknown would count as one.
            fields=dict(each.fields) if each.speaker else {**each.fields, "speaker": None},
        )
        for each in found
    ]


def _check_trainable(train: Sequence[Clip], skipped: Sequence[Skipped]) -> None:
    if any(clip.text for clip in train):
        return
    reasons = "; ".join(f"{each['audio_filepath']}: {each['reason']}" for each in skipped[:3])
    raise ManifestError(
        f"No recording with a text to train on. Left out: {len(skipped)}"
        f"{f' ({reasons})' if reasons else ''}. Expected at least one that can be read."
    )


def _of_kind(clip: Clip, recipe: Fit) -> Clip:
    """What training takes it for: only words are joined, and only strings are of such words."""
    if clip.kind == "noise":
        return clip
    if len(clip.text.split()) == 1:
        return replace(clip, kind="word")
    return replace(clip, kind="string" if recipe.symbols.joiner else "utterance")
