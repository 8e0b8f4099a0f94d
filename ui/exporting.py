"""The utterances that pass the filter, as a file to download, or as a report to pass on."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evaluation import Evaluation
from analysis.exports import ExportFormat, export, file_name, safe_name
from ui.background import Pending
from ui.explorer import Question
from ui.sound import Publish

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

REPORT = "report"
FORMATS = (*(each.value for each in ExportFormat), REPORT)

ModelOf = Callable[[Evaluation], "Pending[Recognizer]"]


class Exports:
    """Answers for a browser; `publish` is there once the page is built.

    Args:
        model_of: the model that shows an evaluation's utterances.
    """

    publish: Publish

    def __init__(self, model_of: ModelOf) -> None:
        self._model_of = model_of

    def __call__(self, question: Question) -> dict[str, Any]:
        """Write the file; its URL and name (raises QueryError, FilterError, EvaluationError)."""
        asked = question.one_of("format", FORMATS, FORMATS[0])
        evaluation = question.set
        with tempfile.TemporaryDirectory(prefix="misheard-") as folder:
            if asked == REPORT:
                from analysis.report import write_report

                path = Path(folder) / f"{safe_name(evaluation)}.html"
                recognizer = self._recognizer(evaluation)
                write_report(evaluation, path, question.filter, recognizer=recognizer)
            else:
                written = ExportFormat(asked)
                path = Path(folder) / file_name(evaluation, written)
                export(evaluation, path, written, question.filter)
            return {"url": self.publish(path), "name": path.name}

    def _recognizer(self, evaluation: Evaluation) -> "Recognizer | None":
        """The model, once it is loaded; None where it cannot be: the report does without."""
        pending = self._model_of(evaluation)
        try:
            return pending.result()
        except ValueError:  # said where the model is wanted for itself
            return None
