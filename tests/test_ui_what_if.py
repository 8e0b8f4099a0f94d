"""What if, behind the page: what is shown is what the model hears."""

import numpy as np
import pytest
import soundfile

from analysis.scoring import score
from asr_core.audio import load_audio
from asr_core.what_if import CHANGES, Change, apply
from ui import what_if, what_if_strings, what_if_strings_ru
from ui.background import Pending
from ui.decoding import GREEDY
from ui.downloads import Shelf

RATE = 8000
STEADY = [{"name": "noise", "amount": 3}, {"name": "telephone", "amount": None}]


class Sounds:
    """Keeps what is published, as the page's own folder does."""

    def __init__(self):
        self.kept = {}

    def publish(self, path):
        self.kept[path.name] = soundfile.read(path, dtype="float32")[0]
        return f"url:{path.name}"


@pytest.fixture
def recording(tmp_path, rng):
    path = tmp_path / "a.wav"
    wave = 0.1 * rng.standard_normal(2 * RATE) * np.hanning(2 * RATE)
    soundfile.write(path, wave, RATE, subtype="FLOAT")
    return path


@pytest.fixture
def sounds():
    return Sounds()


def handlers(recognizer, sounds, tmp_path=None):
    return what_if.Handlers(lambda name: Pending.of(name, recognizer), sounds.publish, Shelf())


def ask(on, asked, path, said=""):
    return list(on.asked({"asked": asked}, str(path), "tiny", "latin", GREEDY, said))


def test_both_recordings_are_what_the_model_hears(tiny_recognizer, recording, sounds):
    (working, _), (panel, view) = ask(handlers(tiny_recognizer, sounds), STEADY, recording)
    assert (working["state"], panel["state"]) == ("working", "ready")
    changes = [Change("noise", 3.0), Change("telephone")]
    changed = apply(load_audio(recording), changes)
    np.testing.assert_array_equal(sounds.kept["a-noise3-telephone.wav"], changed.samples)
    before, after = (
        tiny_recognizer.transcribe([each])[0] for each in (load_audio(recording), changed)
    )
    assert before.text != after.text
    shown = panel["shown"]
    assert " ".join(shown["before"]["words"]) == before.text
    assert " ".join(shown["after"]["words"]) == after.text
    assert shown["after"]["confidence"] == pytest.approx(
        np.mean([word.confidence for word in after.words])
    )
    [scored] = score([before.text], [after.text])
    assert [op for op, *_ in shown["steps"]] == [edit.op for edit in scored.edits]
    assert (shown["before"]["url"], shown["after"]["url"]) == (
        "url:a.wav",
        "url:a-noise3-telephone.wav",
    )
    assert [word["text"] for word in view["lanes"][0]["words"]] == after.text.split()
    assert view["audio_url"] == shown["after"]["url"]
    assert shown["before"]["errors"] is None
    facts = {fact["label"]: fact["value"] for fact in view["facts"]}
    assert facts["Changes"] == "Noise 3 dB → Telephone"


def test_against_what_was_said(tiny_recognizer, recording, sounds):
    *_, (panel, view) = ask(handlers(tiny_recognizer, sounds), STEADY, recording, "yes no yes")
    for side in ("before", "after"):
        [expected] = score(["yes no yes"], [" ".join(panel["shown"][side]["words"])])
        assert panel["shown"][side]["errors"] == expected.errors
    assert [lane["side"] for lane in view["lanes"]] == ["reference", "heard"]


def test_nothing_is_left_on_disk(tiny_recognizer, recording, sounds, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    ask(handlers(tiny_recognizer, sounds), STEADY, recording)
    assert list(scratch.iterdir()) == []


def test_of_a_long_recording_the_first_minute(tiny_recognizer, tmp_path, rng, sounds):
    path = tmp_path / "long.flac"
    soundfile.write(path, 0.1 * rng.standard_normal(62 * RATE), RATE)
    asked = [{"name": "quiet", "amount": 10}]
    *_, (panel, _) = ask(handlers(tiny_recognizer, sounds), asked, path)
    assert "first 60 s" in panel["shown"]["note"]
    assert len(sounds.kept["long-quiet10.wav"]) == len(sounds.kept["long.wav"]) == 60 * RATE


def test_no_change_is_the_start(tiny_recognizer, recording, sounds):
    assert ask(handlers(tiny_recognizer, sounds), [], recording) == [(what_if.NOTHING, None)]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([{"name": "<b>", "amount": 1}], "no change &#x27;&lt;b&gt;"),
        ([{"name": "noise", "amount": 99}], "-10 to 40 dB"),
        ([{"name": "noise"}], "not possible"),
        ("noise", "not possible"),
        (None, "not possible"),
        (STEADY * 5, "Up to 8 changes"),
    ],
)
def test_what_a_browser_may_not_ask(tiny_recognizer, recording, sounds, asked, words):
    with pytest.raises(Exception, match="(?s)" + words):
        ask(handlers(tiny_recognizer, sounds), asked, recording)


def test_a_recording_that_is_gone_is_told_without_its_folder(tiny_recognizer, tmp_path, sounds):
    *_, (panel, view) = ask(handlers(tiny_recognizer, sounds), STEADY, tmp_path / "gone.wav")
    assert panel["shown"] is None
    assert view["state"] == "failed"
    assert "gone.wav" in view["text"]
    assert str(tmp_path) not in view["text"]


@pytest.mark.parametrize("module", [what_if_strings, what_if_strings_ru])
def test_every_change_has_its_texts(module):
    assert list(module.KINDS) == list(CHANGES)
    units = {kind.parameter.unit for kind in CHANGES.values() if kind.parameter}
    assert units <= module.UNITS.keys()
    for name, (label, hint, amount) in module.KINDS.items():
        assert label
        assert hint
        assert bool(amount) == (CHANGES[name].parameter is not None)


def test_a_long_name_leaves_room_for_many_changes(tiny_recognizer, recording, sounds):
    long = recording.with_name("запись" * 16 + ".wav")
    long.write_bytes(recording.read_bytes())
    many = [{"name": "telephone", "amount": None}] * what_if.MOST
    *_, (panel, _) = ask(handlers(tiny_recognizer, sounds), many, long)
    assert panel["state"] == "ready"
    [name] = [name for name in sounds.kept if "telephone" in name]
    assert name.startswith("запись")
    assert name.count("telephone") == what_if.MOST
    assert len(name.encode()) < 200  # Gradio cuts longer ones
