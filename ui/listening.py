"""Ten errors to listen to, one after the other."""

from pathlib import Path
from typing import Any

from analysis.conditions import equals
from asr_core.audio import AudioError
from ui import strings
from ui.explorer import QueryError, Question
from ui.sound import Publish

MOST = 10
LOOKED_AT = 200  # edits, to find ten utterances with a recording
AROUND_S = 0.25  # before and after the word, so that it is heard in its place
ASKED_BY = ("cause", "op", "reference", "heard")  # columns of `errors`


class Sounds:
    """Answers for a browser; `publish` is there once the page is built."""

    publish: Publish

    def __call__(self, question: Question) -> dict[str, Any]:
        """Up to ten edits with their sounds, an utterance each, scattered over the utterances.

        The question's `edits` says which: values of columns of `errors` (raises QueryError).
        """
        found = question.view.ask(
            "SELECT utterance_id AS id, op, reference, heard, reference_index, heard_index,"
            f" start_s, end_s FROM wrong WHERE {_condition(question)} AND start_s IS NOT NULL"
            f" ORDER BY hash(utterance_id), position LIMIT {LOOKED_AT}"
        )
        sounds: dict[str, dict[str, Any]] = {}
        for edit in found:
            path = _recording(question, edit["id"])
            if edit["id"] not in sounds and path is not None:
                sounds[edit["id"]] = edit | {"url": self.publish(path)} | _times(edit)
            if len(sounds) == MOST:
                break
        return {"sounds": list(sounds.values())}


def _recording(question: Question, utterance_id: str) -> Path | None:
    try:
        path = question.set.audio_path(utterance_id)
    except AudioError:  # an imported utterance without one
        return None
    return path if path.is_file() else None


def _condition(question: Question) -> str:
    edits = question.asked.get("edits")
    if not isinstance(edits, dict) or not edits or any(name not in ASKED_BY for name in edits):
        expected = strings.VALUES_OF.format(names=", ".join(ASKED_BY))
        raise QueryError(strings.BAD_QUERY.format(expected=expected, got=edits))
    return " AND ".join(
        equals(name, None if value is None else str(value)) for name, value in edits.items()
    )


def _times(edit: dict[str, Any]) -> dict[str, float]:
    start_s = max(0.0, edit["start_s"] - AROUND_S)
    return {"start_s": start_s, "end_s": edit["end_s"] + AROUND_S}
