from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_core.audio import AudioError
from ui import recognise
from ui.background import Pending
from ui.recognise import Example

RATE = 8000


def write(path: Path, duration_s: float, rng: np.random.Generator) -> Path:
    soundfile.write(path, 0.1 * rng.standard_normal(round(duration_s * RATE)), RATE)
    return path


def publish(path: Path) -> str:
    return f"url:{path.name}"


def test_a_file_becomes_its_evidence(tiny_recognizer, tmp_path, rng):
    path = write(tmp_path / "noise.wav", 1.5, rng)
    value = recognise.recognise(tiny_recognizer, path, publish)
    transcript = tiny_recognizer.transcribe([path])[0]
    assert " ".join(word.text for word in value.lanes[0].words) == transcript.text
    assert transcript.text
    assert value.audio_url == "url:noise.wav"
    facts = {fact.label: fact.value for fact in value.facts}
    assert facts["Length"] == "1.50 s"
    assert facts["Model"] == "tiny"
    assert facts["Processing time"].endswith(" ms")
    assert float(facts["Real-time factor"]) > 0


def test_silence_is_no_error(tiny_recognizer, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE), RATE)
    value = recognise.recognise(tiny_recognizer, tmp_path / "silence.wav", publish)
    assert value.state == "ready"
    assert value.picture.src.startswith("data:image/png")


@pytest.mark.parametrize(
    ("duration_s", "words"), [(0.05, "too short"), (601.0, "up to 10 minutes")]
)
def test_lengths_that_are_refused(tiny_recognizer, tmp_path, rng, duration_s, words):
    path = write(tmp_path / "a.flac", duration_s, rng)
    with pytest.raises(AudioError, match=words):
        recognise.recognise(tiny_recognizer, path, publish)


def test_a_long_file_is_refused_before_it_is_decoded(tmp_path, monkeypatch, tiny_recognizer):
    soundfile.write(tmp_path / "a.flac", np.zeros(601 * RATE), RATE)
    monkeypatch.setattr(recognise, "load_audio", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(AudioError, match="minutes"):
        recognise.recognise(tiny_recognizer, tmp_path / "a.flac", publish)


def test_not_audio_is_named_without_its_folder(tiny_recognizer, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("three seven stop")
    with pytest.raises(AudioError, match=r"notes\.txt is not") as caught:
        recognise.recognise(tiny_recognizer, path, publish)
    assert str(tmp_path) not in str(caught.value)


def test_examples_come_from_a_manifest_and_only_where_their_files_are(tmp_path, rng):
    write(tmp_path / "a.wav", 0.5, rng)
    (tmp_path / "manifest.jsonl").write_text(
        '{"audio_filepath": "a.wav", "text": "go", "id": "x", "description": "Clean"}\n'
        '{"audio_filepath": "gone.wav", "text": "go"}\n'
    )
    found = recognise.read_examples(tmp_path / "manifest.jsonl")
    assert found == [Example("x", "go", "Clean", tmp_path / "a.wav")]
    assert recognise.read_examples(tmp_path / "none.jsonl") == []


class TestHandlers:
    @pytest.fixture
    def handlers(self, tiny_recognizer, tmp_path, rng):
        example = Example("x", "go", "", write(tmp_path / "x.wav", 1.0, rng))
        model = Pending.of("tiny", tiny_recognizer)
        return recognise._Handlers([model], [example], publish)

    def test_the_page_opens_with_an_example(self, handlers, tmp_path):
        ((value, path),) = handlers.opened("tiny")
        assert value["state"] == "ready"
        assert path == str(tmp_path / "x.wav")

    def test_the_recorder_is_emptied(self, handlers, tmp_path):
        *_, (value, path, recorder) = handlers.heard(str(tmp_path / "x.wav"), "tiny")
        assert (value["state"], path, recorder) == ("ready", str(tmp_path / "x.wav"), None)

    def test_without_a_file_the_view_invites(self, handlers):
        assert [value["state"] for value in handlers.changed(None, "tiny")] == ["empty"]

    def test_a_model_that_is_not_there(self, handlers):
        with pytest.raises(Exception, match="no such model"):
            list(handlers.changed(None, "other"))

    def test_a_bad_file_shows_its_reason_and_then_raises(self, handlers, tmp_path):
        (tmp_path / "a.txt").write_text("<b>")
        values = handlers.changed(str(tmp_path / "a.txt"), "tiny")
        assert next(values)["state"] == "failed"
        with pytest.raises(Exception, match=r"a\.txt is not"):
            next(values)

    def test_a_model_that_fails_to_load(self):
        def fail(report):
            raise ValueError("weights are damaged")

        broken = Pending("tiny", fail)
        broken.make()
        values = recognise._Handlers([broken], [], publish).changed("x.wav", "tiny")
        assert next(values) == {
            "state": "failed",
            "title": "The model cannot be loaded",
            "text": "weights are damaged",
        }

    def test_while_the_model_loads_the_view_says_so(self, tiny_recognizer, tmp_path, rng):
        pending = Pending("tiny", lambda _: tiny_recognizer)
        path = str(write(tmp_path / "a.wav", 0.5, rng))
        values = recognise._Handlers([pending], [], publish).changed(path, "tiny")
        assert next(values)["state"] == "loading"
        pending.make()
        assert next(values)["state"] == "ready"
