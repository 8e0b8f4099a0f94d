"""The telling utterances as a report shows them: sound, picture, words with their times."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.clips import data_url
from analysis.error_regions import error_regions
from analysis.evaluation import Evaluation
from analysis.picture import Picture, draw
from analysis.scoring import Edit
from analysis.telling import Telling
from asr_core.audio import Audio, AudioError, declared_length_s, load_audio, read_excerpt

if TYPE_CHECKING:
    from asr_core.features import FeatureConfig
    from asr_core.recognizer import Recognizer

LONGEST_CLIP_S = 30  # of a longer recording, that much around the error
MOST_EDITS = 60  # words of a diff
PLAIN_RATE = 16_000  # Hz; what is drawn without a model
PLAIN_BANDS = 80
PLAIN_F_MAX = 7600.0
assert 2 * PLAIN_F_MAX < PLAIN_RATE

Span = tuple[float, float]  # seconds, from the start of the clip
Times = dict[int, Span]  # by a word's index in its text


@dataclass(frozen=True)
class Clip:
    """A recording, or a part of one, to be played and seen."""

    start_s: float  # in the recording
    duration_s: float
    whole: bool
    sound: str  # a data URL; "" where it was left out
    picture: Picture | None


@dataclass(frozen=True)
class Exhibit:
    """One utterance.

    Attributes:
        telling: why it is shown.
        row: of the evaluation's `utterances`.
        edits: the alignment, or its part around the region.
        region: edits [start, end) of `edits` that it is shown for.
        left_out: words before and after `edits`.
        said: where words of the reference are.
        heard: where words of the hypothesis are.
        clip: None where there is no recording.
        problem: why there is none, if there should be one.
    """

    telling: Telling
    row: Mapping[str, Any]
    edits: tuple[Edit, ...]
    region: tuple[int, int]
    left_out: tuple[int, int]
    said: Times
    heard: Times
    clip: Clip | None
    problem: str = ""


def exhibit(
    evaluation: Evaluation, telling: Telling, recognizer: "Recognizer | None" = None
) -> Exhibit:
    """All that is shown of an utterance; with a model, every word gets its place in the sound.

    The model's features make the picture; without one it is a plain log-mel spectrogram, and only
    errors whose times the evaluation knows have a place.
    """
    row = evaluation.row(telling.utterance_id)
    edits = evaluation.score(telling.utterance_id).edits
    start, end = _region(edits, telling.region)
    first = max(0, min((start + end - MOST_EDITS) // 2, len(edits) - MOST_EDITS))
    shown = edits[first : first + MOST_EDITS]
    said, heard = _known_times(evaluation, telling.utterance_id)
    clip, problem = None, ""
    if telling.audio_filepath is not None:
        path = evaluation.manifest_path.parent / telling.audio_filepath
        try:
            audio, from_s, whole = _excerpt(path, telling)
        except AudioError as e:
            problem = str(e)
        else:
            picture, placed = _look(audio, row, recognizer, whole)
            said, heard = (
                _within(of_model | known, from_s, audio.duration_s)
                for of_model, known in zip(placed, (said, heard), strict=True)
            )
            clip = Clip(from_s, audio.duration_s, whole, data_url(audio), picture)
    return Exhibit(
        telling=telling,
        row=row,
        edits=shown,
        region=(max(start - first, 0), min(end - first, len(shown))),
        left_out=(first, len(edits) - first - len(shown)),
        said=said if clip else {},
        heard=heard if clip else {},
        clip=clip,
        problem=problem,
    )


def _region(edits: Sequence[Edit], region: int | None) -> tuple[int, int]:
    """The edits of a region; where regions are not known, from the first error to the last."""
    found = error_regions(edits)
    if region is not None and region < len(found):
        return found[region].start, found[region].end
    return (found[0].start, found[-1].end) if found else (0, 0)


def _known_times(evaluation: Evaluation, utterance_id: str) -> tuple[Times, Times]:
    """Times of errors, of reference and hypothesis; of a substitution they are the heard word's."""
    said: Times = {}
    heard: Times = {}
    for error in evaluation.errors_of(utterance_id):
        if error["start_s"] is None or error["end_s"] is None:
            continue
        span = (error["start_s"], error["end_s"])
        if error["heard_index"] is not None:
            heard[error["heard_index"]] = span
        elif error["reference_index"] is not None:
            said[error["reference_index"]] = span
    return said, heard


def _excerpt(path: Path, telling: Telling) -> tuple[Audio, float, bool]:
    """What is played of a recording, where that starts, and whether it is all (or AudioError)."""
    length_s = declared_length_s(path)
    if length_s is not None and length_s <= LONGEST_CLIP_S:
        return load_audio(path), 0.0, True
    middle_s = ((telling.start_s or 0.0) + (telling.end_s or 0.0)) / 2
    first_s = max(0, math.floor(middle_s) - LONGEST_CLIP_S // 2)
    audio = read_excerpt(path, first_s, first_s + LONGEST_CLIP_S)
    whole = length_s is None and first_s == 0 and audio.duration_s < LONGEST_CLIP_S
    return audio, float(first_s), whole


def _look(
    audio: Audio, row: Mapping[str, Any], recognizer: "Recognizer | None", whole: bool
) -> tuple[Picture, tuple[Times, Times]]:
    """The picture, and where the model places the words of reference and hypothesis."""
    from asr_core.features import FeatureConfig

    config = FeatureConfig(sample_rate=PLAIN_RATE, n_mels=PLAIN_BANDS, f_max=PLAIN_F_MAX)
    if recognizer is not None:
        config = recognizer.contract.features
    if recognizer is None or not whole:
        return _picture(audio, config), ({}, {})
    from analysis.recognition import place_reference

    [transcript] = recognizer.transcribe([audio])
    said, heard = (
        {
            i: (word.start_s, word.end_s)
            for i, word in place_reference(recognizer, text.split(), transcript).items()
        }
        for text in (row["text"], row["pred_text"])
    )
    return draw(transcript.features, audio.duration_s, config), (said, heard)


def _picture(audio: Audio, config: "FeatureConfig") -> Picture:
    import torch

    from asr_core.features import LogMel

    read = load_audio(audio.samples, config.sample_rate, source_rate=audio.sample_rate)
    samples = torch.from_numpy(read.samples).unsqueeze(0)  # (1, N)
    features, _ = LogMel(config)(samples, torch.tensor([samples.shape[1]]))
    return draw(features[0].numpy(), audio.duration_s, config)


def _within(times: Times, from_s: float, duration_s: float) -> Times:
    """Times from the start of a clip; those outside of it are left out."""
    moved = {i: (start_s - from_s, end_s - from_s) for i, (start_s, end_s) in times.items()}
    return {
        i: (round(max(start_s, 0.0), 3), round(min(end_s, duration_s), 3))
        for i, (start_s, end_s) in moved.items()
        if end_s > 0 and start_s < duration_s
    }
