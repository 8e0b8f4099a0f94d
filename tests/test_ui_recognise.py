import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from asr_core.alignment import align
from asr_core.audio import AudioError
from asr_core.morse_code import CYRILLIC
from asr_core.recognizer import Recognizer
from tests import last_heard
from ui import recognise
from ui.background import Pending
from ui.decoding import GREEDY
from ui.evidence import Notice
from ui.recognise import Example

ROOT = Path(__file__).parent.parent
RATE = 8000


def write(path: Path, duration_s: float, rng: np.random.Generator) -> Path:
    soundfile.write(path, 0.1 * rng.standard_normal(round(duration_s * RATE)), RATE)
    return path


def publish(path: Path) -> str:
    return f"url:{path.name}"


def test_a_file_becomes_its_evidence(tiny_recognizer, tmp_path, rng):
    path = write(tmp_path / "noise.wav", 1.5, rng)
    value = last_heard.recognise(tiny_recognizer, path, publish)
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
    value = last_heard.recognise(tiny_recognizer, tmp_path / "silence.wav", publish)
    assert value.state == "ready"
    assert value.picture.src.startswith("data:image/png")


@pytest.mark.parametrize(
    ("duration_s", "words"), [(0.05, "too short"), (7201.0, "up to 120 minutes")]
)
def test_lengths_that_are_refused(tiny_recognizer, tmp_path, duration_s, words):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(round(duration_s * RATE), dtype=np.int16), RATE)
    with pytest.raises(AudioError, match=words):
        last_heard.recognise(tiny_recognizer, path, publish)


def test_a_long_file_is_refused_before_it_is_decoded(tmp_path, monkeypatch, tiny_recognizer):
    soundfile.write(tmp_path / "a.flac", np.zeros(7201 * RATE, dtype=np.int16), RATE)
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_: pytest.fail("was decoded"))
    with pytest.raises(AudioError, match="minutes"):
        last_heard.recognise(tiny_recognizer, tmp_path / "a.flac", publish)


def test_not_audio_is_named_without_its_folder(tiny_recognizer, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("three seven stop")
    with pytest.raises(AudioError, match=r"notes\.txt is not") as caught:
        last_heard.recognise(tiny_recognizer, path, publish)
    assert str(tmp_path) not in str(caught.value)


def test_examples_come_from_a_manifest_and_only_where_their_files_are(tmp_path, rng):
    write(tmp_path / "a.wav", 0.5, rng)
    (tmp_path / "manifest.jsonl").write_text(
        '{"audio_filepath": "a.wav", "text": "go", "id": "x", "description": "Clean"}\n'
        '{"audio_filepath": "gone.wav", "text": "go"}\n'
    )
    found = recognise.read_examples(tmp_path)
    assert found == [Example("x", "go", "Clean", tmp_path / "a.wav")]
    assert recognise.read_examples(tmp_path / "none") == []


def test_examples_of_a_folder_deeper_name_their_model_and_are_read_in_their_script(tmp_path, rng):
    (tmp_path / "morse").mkdir()
    write(tmp_path / "morse" / "b.wav", 0.5, rng)
    (tmp_path / "morse" / "manifest.jsonl").write_text(
        '{"audio_filepath": "b.wav", "text": "da <sk>", "model": "morse", "script": "cyrillic"}\n'
    )
    path = tmp_path / "morse" / "b.wav"
    expected = Example("b", "да <sk>", "", path, model="morse", script="cyrillic")
    assert recognise.read_examples(tmp_path) == [expected]


def test_the_bundled_examples_hold_some_of_each_kind():
    models = [example.model for example in recognise.read_examples(ROOT / "assets" / "examples")]
    assert models[0] == "spoken"
    assert models.count("morse") == 3


def test_morse_is_read_in_the_script_chosen_symbols_and_all(tiny_morse_recognizer, tmp_path, rng):
    path = write(tmp_path / "noise.wav", 6.0, rng)
    both = [
        last_heard.recognise(tiny_morse_recognizer, path, publish, s) for s in ("latin", "cyrillic")
    ]
    assert both[0].symbols[2:5] == ("a", "b", "c")
    assert both[1].symbols[2:5] == ("а", "б", "ц")
    latin, cyrillic = (value.lanes[0] for value in both)
    assert set("".join(word.text for word in latin.words)) & set(CYRILLIC)
    for one, other in zip(latin.words, cyrillic.words, strict=True):
        assert other.text == recognise.read_as(one.text, "cyrillic")
        assert (one.start_s, one.end_s) == (other.start_s, other.end_s)


def test_speech_has_one_script(tiny_recognizer, tmp_path, rng):
    path = write(tmp_path / "noise.wav", 1.5, rng)
    both = [last_heard.recognise(tiny_recognizer, path, publish, s) for s in ("latin", "cyrillic")]
    assert both[0].lanes == both[1].lanes


def test_what_was_said_is_compared_with_what_was_heard():
    recognizer = Recognizer.load("spoken")
    path = ROOT / "assets" / "examples" / "three-seven-stop.opus"
    value = last_heard.recognise(recognizer, path, publish, said="Three, seven: STOP!")
    heard = recognizer.transcribe([path])[0]
    reference, got = value.lanes
    assert [word.text for word in reference.words] == ["three", "seven", "stop"]
    assert " ".join(word.text for word in got.words) == heard.text
    ids = recognizer.alphabet.encode("three seven stop")
    assert [run[0] for run in value.paths.rows[0].runs] == ids
    expected = align(heard.log_probs, ids).log_prob
    assert value.paths.rows[0].log_prob == pytest.approx(expected, abs=1e-3)


def test_words_no_model_knows_are_named_in_place():
    path = ROOT / "assets" / "examples" / "three-seven-stop.opus"
    value = last_heard.recognise(Recognizer.load("spoken"), path, publish, said="three <b>")
    assert "“b”" in value.paths.note
    assert value.lanes[0].words[1].start_s is None


def test_morse_may_be_said_in_cyrillic():
    path = ROOT / "assets" / "examples" / "morse" / "kak-slyshno.opus"
    morse = Recognizer.load("morse")
    value = last_heard.recognise(morse, path, publish, "cyrillic", said="Привет, как слышно")
    assert [word.text for word in value.lanes[0].words][1:] == ["как", "слышно"]
    assert [word.text for word in value.lanes[1].words] == ["привет", "как", "слышно"]
    assert value.paths.regions[0].title == "“,” was said, and nothing was heard"


class TestHandlers:
    @pytest.fixture
    def handlers(self, tiny_recognizer, tmp_path, rng):
        example = Example("x", "go", "", write(tmp_path / "x.wav", 1.0, rng))
        model = Pending.of("tiny", tiny_recognizer)
        return recognise._Handlers([model], [example], publish)

    def test_the_page_opens_with_an_example(self, handlers, tmp_path):
        ((value, path, listed, letters),) = handlers.opened("tiny", "latin")
        assert value["state"] == "ready"
        assert path == str(tmp_path / "x.wav")
        assert [example["id"] for example in listed] == ["x"]
        assert letters["visible"] is False

    def test_the_recorder_is_emptied(self, handlers, tmp_path):
        *_, (value, path, recorder) = handlers.heard(str(tmp_path / "x.wav"), "tiny", "latin")
        assert (value["state"], path, recorder) == ("ready", str(tmp_path / "x.wav"), None)

    def test_what_was_said_is_asked_for_again(self, handlers, tmp_path):
        path = str(tmp_path / "x.wav")
        (value,) = handlers.changed(path, "tiny", "latin", said="go go")
        assert [word["text"] for word in value["lanes"][0]["words"]] == ["go", "go"]
        (value,) = handlers.changed(path, "tiny", "latin", said="  ")
        assert len(value["lanes"]) == 1

    def test_without_a_file_the_view_invites(self, handlers):
        assert [value["state"] for value in handlers.changed(None, "tiny", "latin")] == ["empty"]

    def test_a_model_that_is_not_there(self, handlers):
        with pytest.raises(Exception, match="no such model"):
            list(handlers.changed(None, "other", "latin"))

    def test_a_bad_file_shows_its_reason_and_then_raises(self, handlers, tmp_path):
        (tmp_path / "a.txt").write_text("<b>")
        values = handlers.changed(str(tmp_path / "a.txt"), "tiny", "latin")
        assert next(values)["state"] == "failed"
        with pytest.raises(Exception, match=r"a\.txt is not"):
            next(values)

    def test_a_model_that_fails_to_load(self):
        def fail(report):
            raise ValueError("weights are damaged")

        broken = Pending("tiny", fail)
        broken.make()
        values = recognise._Handlers([broken], [], publish).changed("x.wav", "tiny", "latin")
        title, text = "The model cannot be loaded", "weights are damaged"
        assert next(values) == Notice("failed", title, text).to_json()

    def test_while_the_model_loads_the_view_says_so(self, tiny_recognizer, tmp_path, rng):
        go = threading.Event()
        pending = Pending("tiny", lambda _: go.wait(5) and tiny_recognizer)
        path = str(write(tmp_path / "a.wav", 0.5, rng))
        values = recognise._Handlers([pending], [], publish).changed(path, "tiny", "latin")
        assert next(values)["state"] == "loading"
        go.set()
        assert next(values)["state"] == "ready"


class TestSwitching:
    """Between a model of speech and one of Morse."""

    @pytest.fixture
    def handlers(self, tiny_recognizer, tiny_morse_recognizer, tmp_path, rng):
        examples = [
            Example("said", "go", "", write(tmp_path / "said.wav", 1.0, rng)),
            Example("keyed", "sos", "", write(tmp_path / "keyed.wav", 2.0, rng), "morse"),
            Example("да", "да", "", write(tmp_path / "da.wav", 2.0, rng), "morse", "cyrillic"),
        ]
        models = [
            Pending.of("tiny", tiny_recognizer),
            Pending("signs", lambda _: tiny_morse_recognizer),
        ]
        return recognise._Handlers(models, examples, publish)

    def test_morse_brings_its_examples_and_its_letters(self, handlers, tmp_path):
        loading, (value, path, listed, letters) = handlers.switched(
            str(tmp_path / "said.wav"), "signs", "latin"
        )
        assert loading[0]["state"] == "loading"
        assert (value["state"], path) == ("ready", str(tmp_path / "keyed.wav"))
        assert [example["id"] for example in listed] == ["keyed", "да"]
        assert (letters["visible"], letters["value"]) == (True, "latin")

    def test_and_back(self, handlers, tmp_path):
        ((_, path, listed, letters),) = handlers.switched(
            str(tmp_path / "da.wav"), "tiny", "cyrillic"
        )
        assert path == str(tmp_path / "said.wav")
        assert [example["id"] for example in listed] == ["said"]
        assert letters["visible"] is False

    def test_a_recording_of_ones_own_is_heard_again(self, handlers, tmp_path, rng):
        own = str(write(tmp_path / "own.wav", 1.0, rng))
        *_, (_, path, _, letters) = handlers.switched(own, "signs", "cyrillic")
        assert path == own
        assert letters["value"] == "cyrillic"

    def test_an_example_sets_its_letters(self, handlers, tmp_path):
        *_, (_, path, script) = handlers.chosen("signs", GREEDY, SimpleNamespace(id="да"))
        assert (path, script) == (str(tmp_path / "da.wav"), "cyrillic")

    def test_a_broken_model_says_so(self, handlers):
        def fail(report):
            raise ValueError("weights are damaged")

        handlers.models["broken"] = Pending("broken", fail)
        values = handlers.switched(None, "broken", "latin")
        assert next(values)[0]["state"] == "loading"
        assert next(values)[0]["text"] == "weights are damaged"
