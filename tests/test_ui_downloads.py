import json

import pytest
import soundfile

from asr_core.writers import Format, write
from tests.last_heard import recognise
from ui import evidence_strings as strings
from ui.downloads import DownloadError, Shelf

RATE = 8000
KINDS = [kind for kind in Format if kind is not Format.TEXT]


@pytest.fixture
def recording(tmp_path, rng):
    path = tmp_path / "my talk.wav"
    soundfile.write(path, 0.1 * rng.standard_normal(3 * RATE), RATE)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_is_what_is_downloaded(tiny_recognizer, recording, kind):
    shelf = Shelf()
    value = recognise(tiny_recognizer, recording, str, shelf=shelf)
    got = shelf.fetch_text({"key": value.download, "format": kind.value})
    transcript = tiny_recognizer.transcribe([recording])[0]
    assert transcript.text
    assert got["text"] == write(transcript, kind, "my talk.wav")
    assert got["name"].startswith("my talk.")


def test_morse_is_downloaded_in_the_letters_shown(tiny_morse_recognizer, recording):
    shelf = Shelf()
    publish = str
    value = recognise(tiny_morse_recognizer, recording, publish, "cyrillic", "да", shelf=shelf)
    text = shelf.fetch_text({"key": value.download, "format": "json"})["text"]
    shown = " ".join(word.text for word in value.lanes[1].words)
    assert json.loads(text)[0]["text"] == shown


def test_every_format_but_plain_text_is_offered():
    assert set(strings.EVIDENCE["formats"]) == {kind.value for kind in KINDS}


@pytest.mark.parametrize(
    "asked",
    [None, [], {}, {"key": "x", "format": "srt"}, {"key": None, "format": "srt"}, {"key": ["x"]}],
)
def test_what_a_browser_should_not_ask(asked):
    with pytest.raises(DownloadError, match="no such transcript"):
        Shelf().fetch_text(asked)


def test_a_format_that_is_not_there(tiny_recognizer, recording):
    shelf = Shelf()
    key = shelf.put(tiny_recognizer.transcribe([recording])[0], "a.wav")
    with pytest.raises(DownloadError):
        shelf.fetch_text({"key": key, "format": "../../etc"})


def test_the_oldest_are_forgotten_and_pictures_are_not_kept(tiny_recognizer, recording):
    shelf = Shelf(most=2)
    transcript = tiny_recognizer.transcribe([recording])[0]
    keys = [shelf.put(transcript, f"{i}.wav") for i in range(3)]
    with pytest.raises(DownloadError):
        shelf.fetch_text({"key": keys[0], "format": "srt"})
    assert shelf.fetch_text({"key": keys[2], "format": "srt"})["name"] == "2.srt"
    kept, _ = shelf._kept[keys[1]]
    assert kept.features.nbytes + kept.log_probs.nbytes == 0
