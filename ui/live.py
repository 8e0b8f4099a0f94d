"""Text while the microphone is on: the page sends what is new, the answer is what was heard so far.

Gradio's recorder gives the whole recording when it stops, and that is what counts: its text is the
final one. Its streaming mode keeps only the last chunk that arrives while an answer is being made,
so that sound is lost on a busy machine; `live.js` sends all of it, one request at a time.
"""

import base64
import binascii
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from asr_core.audio import RATES
from asr_core.morse_code import read_as
from ui import strings
from ui.background import Pending
from ui.limits import LISTENING

if TYPE_CHECKING:
    from asr_core.live import Listener
    from asr_core.recognizer import Recognizer

HERE = Path(__file__).parent

MOST_KEPT = 32  # recordings that go on; the ones that were silent longest are forgotten
MAX_CHUNK_S = 60.0  # in one request: a page that waited for the model sends what has gathered
MAX_SHOWN = 1000  # characters of what is settled: what was said last

EVENT = "() => document.dispatchEvent(new CustomEvent('{name}'))"
LISTEN = (
    "(model, script) => document.dispatchEvent("
    "new CustomEvent('mh-listen', {detail: {model, script}}))"
)
SILENCE, HEARD = EVENT.format(name="mh-silence"), EVENT.format(name="mh-heard")


class ChunkError(ValueError):
    """A page sent no sound."""


class Live:
    """The recordings that go on, by the names that their pages gave them."""

    def __init__(self, models: Mapping[str, Pending["Recognizer"]]) -> None:
        self._models = models
        self._listeners: OrderedDict[tuple[str, str], Listener] = OrderedDict()
        self._lock = threading.Lock()

    def hear_more(self, asked: Any) -> dict[str, str]:
        """`{"id", "model", "script", "rate", "pcm"}` from a browser -> the text so far.

        `pcm` is base64 of 16-bit samples, in order: a page sends nothing before it has its answer.

        Raises:
            ChunkError: anything else.
        """
        name, rate, samples = _parse(asked)
        model = str(asked.get("model"))
        if model not in self._models:
            raise ChunkError(strings.NO_SUCH_MODEL)
        listener = self._listener((name, model), rate)
        text = listener.hear(samples)
        script = "cyrillic" if asked.get("script") == "cyrillic" else "latin"
        return {
            "settled": read_as(text.settled[-MAX_SHOWN:], script),
            "growing": read_as(text.growing, script),
        }

    def _listener(self, key: tuple[str, str], rate: int) -> "Listener":
        from asr_core.live import Listener

        recognizer = self._models[key[1]].result()
        with self._lock:
            if key not in self._listeners or self._listeners[key].rate != rate:
                self._listeners[key] = Listener(recognizer, rate)
            self._listeners.move_to_end(key)
            while len(self._listeners) > MOST_KEPT:
                self._listeners.popitem(last=False)
            return self._listeners[key]


def _parse(asked: Any) -> tuple[str, int, np.ndarray]:
    """(id, rate, samples (N,) int16) of a request."""
    try:
        name, rate = str(asked["id"])[:64], int(asked["rate"])
        samples = np.frombuffer(base64.b64decode(asked["pcm"], validate=True), "<i2")
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as e:
        raise ChunkError(strings.BAD_CHUNK) from e
    if not RATES[0] <= rate <= RATES[1] or not 0 < len(samples) <= MAX_CHUNK_S * rate:
        raise ChunkError(strings.BAD_CHUNK)
    return name, rate, samples


def component(live: Live) -> gr.HTML:
    """Where the text appears while the microphone is on; empty and without room otherwise."""

    def hear_more(asked: Any) -> dict[str, str]:
        return live.hear_more(asked)

    return gr.HTML(
        None,
        html_template='<div class="mh-live" aria-live="polite"></div>',
        css_template=(HERE / "live.css").read_text(encoding="utf-8"),
        js_on_load=(HERE / "live.js").read_text(encoding="utf-8"),
        server_functions=LISTENING.limited([hear_more]),
        apply_default_css=False,
        elem_id="live",
        texts=strings.LIVE,
        longest_s=MAX_CHUNK_S,
    )


def wire(recorder: gr.Audio, chosen: Sequence[gr.components.Component], shown: Any) -> None:
    """Listen while the recorder does.

    Args:
        recorder: the microphone.
        chosen: the components of the model's name and of the script.
        shown: the event after which the final text is there.
    """
    private = {"api_visibility": "private", "show_progress": "hidden"}
    recorder.start_recording(None, list(chosen), None, js=LISTEN, **private)
    recorder.stop_recording(None, None, None, js=SILENCE, **private)
    shown.then(None, None, None, js=HEARD, **private)
