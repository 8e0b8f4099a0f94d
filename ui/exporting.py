"""The utterances that pass the filter, as a file to download."""

import tempfile
from pathlib import Path
from typing import Any

from analysis.exports import ExportFormat, export, file_name
from ui.explorer import Question
from ui.sound import Publish


class Exports:
    """Answers for a browser; `publish` is there once the page is built."""

    publish: Publish

    def __call__(self, question: Question) -> dict[str, Any]:
        """Write the file; its URL and name (raises QueryError, FilterError, EvaluationError)."""
        names = tuple(each.value for each in ExportFormat)
        written = ExportFormat(question.one_of("format", names, names[0]))
        name = file_name(question.evaluation, written)
        with tempfile.TemporaryDirectory(prefix="misheard-") as folder:
            export(question.evaluation, Path(folder) / name, written, question.filter)
            return {"url": self.publish(Path(folder) / name), "name": name}
