"""Transcripts to take away: each one shown is kept for a while, its text written when asked for."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from asr_core.transcript import Transcript
from asr_core.writers import SUFFIXES, Format, write
from ui import evidence_strings as strings

MOST_KEPT = 100  # transcripts of all visitors; the oldest are forgotten


class DownloadError(ValueError):
    """There is no such transcript or format."""


class Shelf:
    """The transcripts that pages show, under names that cannot be guessed."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, tuple[Transcript, str]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, transcript: Transcript, file_name: str) -> str:
        """Keep a transcript, without its pictures; what to ask for it by."""
        light = replace(
            transcript,
            features=np.empty((0, 0)),
            log_probs=np.empty((len(transcript.log_probs), 0)),
            n_best=transcript.n_best[:1],
        )
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[key] = (light, file_name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return key

    def fetch_text(self, asked: Any) -> dict[str, str]:
        """`{"key", "format"}` from a browser -> file `name` and `text` (raises DownloadError)."""
        try:
            written = Format(asked["format"])
            with self._lock:
                transcript, file_name = self._kept[asked["key"]]
        except (KeyError, ValueError, TypeError) as e:
            raise DownloadError(strings.DOWNLOAD_GONE) from e
        return {
            "name": PurePath(file_name).stem + SUFFIXES[written],
            "text": write(transcript, written, file_name),
        }
