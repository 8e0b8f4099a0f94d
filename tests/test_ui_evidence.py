import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.scoring import score
from asr_core.decoder import TokenSpan
from asr_core.transcript import Transcript, Word
from ui import evidence, filters, panel, strings
from ui.evidence import Fact, LaneWord, Notice, Step

HOSTILE = "<img src=x onerror=alert(1)> ${1+1} {{1+1}}"


@pytest.fixture
def transcript(tiny_contract) -> Transcript:
    n_symbols = len(tiny_contract.alphabet)
    return Transcript(
        text="yes stop",
        words=(Word("yes", 0.1, 0.3, 0.9), Word("stop", 0.50001, 0.8, 0.41239)),
        tokens=(TokenSpan(1, 10, 12, 0.9), TokenSpan(5, 20, 21, 0.3), TokenSpan(3, 30, 33, 0.4)),
        duration_s=1.0,
        frame_s=0.02,
        hop_s=0.01,
        features=np.zeros((101, 16), dtype=np.float32),
        log_probs=np.zeros((51, n_symbols), dtype=np.float32),
    )


def test_what_was_heard(transcript, tiny_contract):
    value = evidence.of_transcript(transcript, tiny_contract, "u", [Fact("Length", "1.00 s")])
    (lane,) = value.lanes
    assert lane.side == "heard"
    assert lane.words == (
        LaneWord("yes", "equal", 0.1, 0.3, 0.9),
        LaneWord("stop", "equal", 0.5, 0.8, 0.4124),
    )
    assert value.steps == ()
    assert value.facts == (Fact("Length", "1.00 s"),)


def test_what_the_model_wrote_and_where_with_the_unknown_symbol(transcript, tiny_contract):
    value = evidence.of_transcript(transcript, tiny_contract, "u")
    assert value.symbols == ("blank", "yes", "no", "stop", "go", "<unk>")
    (heard,) = (row for row in value.paths.rows if row.kind == "heard")
    assert heard.runs == ((1, 10, 12, 90), (5, 20, 21, 30), (3, 30, 33, 40))
    assert value.frame_s == 0.02
    assert value.span_s == 1.02  # the last of 51 frames reaches past the recording's second


def test_what_was_heard_against_what_was_said(transcript, tiny_contract):
    edits = score(["yes no go"], ["yes stop go go"])[0].edits
    said = {0: Word("yes", 0.1, 0.3, 1.0), 2: Word("go", 0.5, 0.8, 1.0)}
    heard = {i: Word(w, i / 10, i / 10 + 0.1, 0.5) for i, w in enumerate(["yes", "stop", "go"])}
    value = evidence.of_comparison(transcript, tiny_contract, "u", edits, said, heard)
    reference, got = value.lanes
    assert [word.text for word in reference.words] == ["yes", "no", "go"]
    assert [word.text for word in got.words] == ["yes", "stop", "go", "go"]
    assert reference.words[1].start_s is None  # it has no place in the sound
    assert got.words[3].start_s is None
    for step, edit in zip(value.steps, edits, strict=True):
        assert step == Step(edit.op, edit.reference_index, edit.heard_index)
        if step.reference is not None:
            assert reference.words[step.reference].text == edit.reference
            assert reference.words[step.reference].op == edit.op
        if step.heard is not None:
            assert got.words[step.heard].text == edit.heard


def test_nothing_said_and_nothing_heard(transcript, tiny_contract):
    value = evidence.of_comparison(transcript, tiny_contract, "u", (), {}, {})
    assert [lane.words for lane in value.lanes] == [(), ()]
    assert value.steps == ()


@pytest.mark.parametrize("duration_s", [0.02, 600.0])
def test_extreme_lengths(transcript, tiny_contract, duration_s):
    n = 1 + int(duration_s * 100)
    long = replace(transcript, duration_s=duration_s, features=np.zeros((n, 16)), words=())
    value = evidence.of_transcript(long, tiny_contract, "u")
    assert value.picture.min_width_px <= 12_000
    assert len(json.dumps(value.to_json())) < 300_000


def test_values_are_json_and_keep_hostile_text_as_it_is(transcript, tiny_contract):
    edits = score([HOSTILE], [HOSTILE + " x"])[0].edits
    facts = [Fact(HOSTILE, HOSTILE, HOSTILE)]
    value = evidence.of_comparison(
        transcript, tiny_contract, "u", edits, {}, {}, facts, note=HOSTILE
    ).to_json()
    back = json.loads(json.dumps(value, allow_nan=False))
    assert back["facts"] == [{"label": HOSTILE, "value": HOSTILE, "hint": HOSTILE}]
    assert " ".join(word["text"] for word in back["lanes"][0]["words"]) == HOSTILE
    assert json.loads(json.dumps(Notice("failed", HOSTILE, HOSTILE).to_json()))["title"] == HOSTILE


def test_no_template_takes_a_value_and_no_script_builds_html():
    folder = Path(evidence.__file__).parent
    scripts = sorted(folder.glob("*.js"))
    assert len(scripts) >= 3
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        for forbidden in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ):
            assert forbidden not in text, (script.name, forbidden)
    for sheet in folder.glob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "${" not in text
        assert "{{" not in text
        assert "url(" not in text


def test_scripts_ask_for_no_text_that_is_missing():
    folder = Path(evidence.__file__).parent
    for names, texts in (
        (["evidence_*.js"], evidence.texts()),
        (["panel*.js", "table.js"], panel._texts()),
        (["filters.js", "headline.js"], filters._texts()),
        (["examples.js"], strings.EXAMPLES),
    ):
        scripts = [path for name in names for path in folder.glob(name)]
        script = "".join(path.read_text(encoding="utf-8") for path in scripts)
        asked = set(re.findall(r"texts\.(\w+)", script))
        by_name = {name for name in texts if name.startswith("zoom_")}  # texts[name]
        assert asked | by_name == set(texts), names
        for group in {name for name in asked if isinstance(texts[name], dict)}:
            keys = set(re.findall(rf"texts\.{group}\.(\w+)", script))
            assert keys <= set(texts[group]), (names, group)


def test_every_script_of_the_view_is_read():
    folder = Path(evidence.__file__).parent
    names = {path.stem.removeprefix("evidence_") for path in folder.glob("evidence_*.js")}
    assert names == set(evidence.SCRIPTS)


ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("model", "example"),
    [("spoken", "on-two-six-up-babble"), ("morse", "morse/rst-599-by-hand")],
)
def test_half_a_minute_is_light(model, example):
    from asr_core.audio import load_audio
    from asr_core.recognizer import Recognizer
    from ui.said import against

    recognizer = Recognizer.load(model)
    clip = load_audio(ROOT / "assets" / "examples" / f"{example}.opus", recognizer.sample_rate)
    samples = np.resize(clip.samples, 30 * clip.sample_rate)
    noise = np.random.default_rng(0).normal(0, 0.03, len(samples))  # pictures of noise weigh most
    audio = replace(clip, samples=(samples + noise).clip(-1, 1).astype(np.float32))
    transcript = recognizer.transcribe([audio])[0]
    assert transcript.duration_s == 30
    said = "one two three four" if model == "spoken" else "cq de k1abc"
    for value in (
        evidence.of_transcript(transcript, recognizer.contract, "u"),
        against(recognizer, transcript, said, "u"),
    ):
        assert len(json.dumps(value.to_json())) < 200_000


def test_an_hour_grows_by_its_words_alone(transcript, tiny_contract):
    rng = np.random.default_rng(0)
    n_words, frame_s, apart = 7200, 0.04, 12  # two words a second
    probabilities = np.full((90_000, len(tiny_contract.alphabet)), 0.01)
    probabilities[:, 0] = 0.95
    probabilities[: apart * n_words : apart, :2] = 0.05, 0.91
    hour = replace(
        transcript,
        duration_s=3600.0,
        frame_s=frame_s,
        words=tuple(Word("seven", i / 2, i / 2 + 0.4567, 0.9876) for i in range(n_words)),
        tokens=tuple(TokenSpan(1, i, i + 1, 0.91) for i in range(0, apart * n_words, apart)),
        features=np.resize(rng.random((5000, 64), dtype=np.float32), (360_001, 64)),
        log_probs=np.log(probabilities),
    )
    value = evidence.of_transcript(hour, tiny_contract, "u")
    assert len(value.picture.src) < 150_000
    assert len(value.emission.levels) < 40_000
    assert len(value.paths.rows) == 1
    assert len(json.dumps(value.to_json())) < 200_000 + 150 * n_words
