"""Long recordings on the page: progress, Stop, and a passage at a time."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from asr_core import recognizer as recognizer_module
from asr_core.audio import load_audio, read_excerpt
from asr_core.recognizer import Recognizer
from tests.test_recognizer import babble
from ui import hearing, recognise
from ui.background import Pending
from ui.downloads import Shelf
from ui.evidence import Evidence, Notice
from ui.passages import MOST_KEPT, Recordings, show

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """Every piece is a batch, and every one is told."""
    monkeypatch.setattr(recognizer_module, "MAX_BATCH_S", 35)
    monkeypatch.setattr(hearing, "EVERY_S", 0.0)


@pytest.fixture
def long_file(tmp_path, rng):
    path = tmp_path / "long.flac"
    sound = babble(rng, 150.0, rate=16000).samples
    soundfile.write(path, sound / np.abs(sound).max(), 16000)
    return path


class Published:
    """Where clips go when they are published."""

    def __init__(self):
        self.clips = {}

    def __call__(self, path: Path) -> str:
        self.clips[path.name] = soundfile.read(path)
        return f"url:{path.name}"


def hear(recognizer, path, recordings=None, **options):
    return hearing.hear(recognizer, path, Published(), recordings=recordings, **options)


def test_a_long_file_says_how_far_it_is_and_ends_with_all_its_text(tiny_recognizer, long_file):
    shelf = Shelf()
    *notices, value = hear(tiny_recognizer, long_file, shelf=shelf)
    assert all(isinstance(notice, Notice) and notice.stop for notice in notices)
    progress = [notice.progress for notice in notices]
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert 0.5 < progress[-1] <= 1
    assert notices[0].text == "0:00 of 2:30 minutes"
    assert isinstance(value, Evidence)
    (expected,) = tiny_recognizer.transcribe([long_file])
    assert " ".join(passage.text for passage in value.passages) == expected.text
    assert value.passages[-1].end_s == pytest.approx(150)
    assert value.note == ""
    text = shelf.fetch_text({"key": value.download, "format": "json"})["text"]
    (record,) = json.loads(text)
    assert record["text"] == expected.text
    assert record["words"] == expected.to_dict()["words"]


def test_each_passage_is_heard_and_sounds_as_in_the_whole(tiny_recognizer, long_file):
    recordings, publish = Recordings(), Published()
    *_, value = hearing.hear(tiny_recognizer, long_file, publish, recordings=recordings)
    whole, rate = soundfile.read(long_file)
    for i, passage in enumerate(value.passages):
        shown = show(recordings, value.recording, i, publish)
        assert " ".join(word.text for word in shown.lanes[0].words) == passage.text
        assert shown.passage == i
        assert len(json.dumps(shown.to_json())) < 200_000
        samples, clip_rate = publish.clips[shown.audio_url.removeprefix("url:")]
        assert clip_rate == rate
        start, end = round(passage.start_s * rate), round(passage.end_s * rate)
        np.testing.assert_allclose(samples, whole[start:end], rtol=0, atol=2**-14)


def test_stop_keeps_what_is_done(tiny_recognizer, long_file):
    recordings = Recordings()
    steps = hear(tiny_recognizer, long_file, recordings, shelf=(shelf := Shelf()))
    first = next(steps)
    next(steps)
    recordings.stop(first.stop)
    value = list(steps)[-1]
    assert isinstance(value, Evidence)
    assert 1 < len(value.passages) < 5
    assert value.note.startswith("Stopped after ")
    (record,) = json.loads(shelf.fetch_text({"key": value.download, "format": "json"})["text"])
    assert record["partial"] is True
    assert record["duration"] == pytest.approx(value.passages[-1].end_s, abs=1e-3)


def test_stop_before_the_second_piece(tiny_recognizer, long_file):
    recordings = Recordings()
    steps = hear(tiny_recognizer, long_file, recordings)
    recordings.stop(next(steps).stop)
    value = list(steps)[-1]
    assert len(value.passages) == 1
    assert value.note.startswith("Stopped after 0:")


def test_what_was_said_is_compared_with_short_recordings_only(tiny_recognizer, long_file):
    assert "up to a minute" in list(hear(tiny_recognizer, long_file, said="go"))[-1].note


def test_the_oldest_are_forgotten(tiny_recognizer):
    recordings = Recordings()
    first, *_ = [recordings.begin() for _ in range(MOST_KEPT + 1)]
    recordings.stop(first)
    recordings.stop("another")
    assert not recordings.is_stopped(first)
    with pytest.raises(IndexError, match="no longer kept"):
        show(recordings, first, 0, Published())


def test_the_page_asks_for_a_passage(tiny_recognizer, long_file):
    on = recognise._Handlers([Pending.of("tiny", tiny_recognizer)], [], Published())
    *_, value = on.changed(str(long_file), "tiny", "latin")
    event = SimpleNamespace(key=value["recording"], index=2)
    assert on.passage(event)["passage"] == 2
    for wrong in (
        SimpleNamespace(key="guess", index=0),
        SimpleNamespace(key=value["recording"], index=99),
        SimpleNamespace(key=value["recording"], index=-1),
        SimpleNamespace(key=value["recording"], index="x"),
        SimpleNamespace(key=value["recording"], index=None),
        SimpleNamespace(key=[], index=0),
    ):
        with pytest.raises(Exception, match=r"no longer kept|invalid literal|argument|unhashable"):
            on.passage(wrong)
    on.halted(SimpleNamespace(key=["no", "name"]))


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_an_excerpt_is_that_part_of_the_whole(tmp_path, rng, suffix):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, 0.1 * rng.standard_normal(44100 * 12), 44100)
    whole = load_audio(path).samples
    for start_s, end_s in ((0, 2), (5, 9), (11, 30)):
        part = read_excerpt(path, start_s, end_s)
        expected = whole[start_s * 44100 : end_s * 44100]
        np.testing.assert_allclose(part.samples, expected, rtol=0, atol=1e-6)


def test_the_bundled_models_passages_stay_small(tmp_path):
    """Evidence of a passage of a minute at most: see the budget of the view."""
    recognizer = Recognizer.load("spoken")
    paths = sorted((ROOT / "assets" / "examples").glob("*.opus"))
    sounds = [load_audio(path, 16000).samples for path in paths]
    soundfile.write(tmp_path / "long.wav", np.concatenate(sounds * 6), 16000)
    value = list(hear(recognizer, tmp_path / "long.wav"))[-1]
    assert len(value.passages) > 2
    assert len(json.dumps(value.to_json())) < 400_000
