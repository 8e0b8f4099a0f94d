"""Transcripts in other programs' formats: planted, at the edges, and read back by Praat, sclite
and ffmpeg."""

import itertools
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_core import writers
from asr_core.decoder import Hypothesis, TokenSpan
from asr_core.transcript import BoundaryError, Transcript, Word
from asr_core.writers import Format, cues, write

FRAME_S = 0.04


def transcript(
    words: list[tuple[str, float, float]],
    duration_s: float = 4.0,
    symbols: list[tuple[str, int, int]] = (),
) -> Transcript:
    """Words (text, start, end) at confidence 0.5, symbols (text, first frame, frame after)."""
    tokens = tuple(TokenSpan(1, start, end, 0.25) for _, start, end in symbols)
    return Transcript(
        text=" ".join(text for text, _, _ in words),
        words=tuple(Word(text, start_s, end_s, 0.5) for text, start_s, end_s in words),
        tokens=tokens,
        duration_s=duration_s,
        frame_s=FRAME_S,
        hop_s=0.01,
        features=np.zeros((401, 1)),
        log_probs=np.zeros((100, 1)),
        n_best=(Hypothesis(tokens, -50.0, -40.0),),
        symbols=tuple(text for text, _, _ in symbols),
        boundary_error_s=BoundaryError(median=0.02, p95=0.2),
    )


EMPTY = transcript([])
THREE = transcript(
    [("three", 0.5, 0.875), ("seven", 0.875, 1.25), ("stop", 2.25, 3.0)],
    symbols=[("three", 20, 21), ("<unk>", 30, 32), ("seven", 32, 33), ("stop", 99, 101)],
)


# --- planted ---


def test_ctm() -> None:
    assert write(THREE, Format.CTM, "a") == (
        "a 1 0.500 0.375 three 0.5000\na 1 0.875 0.375 seven 0.5000\na 1 2.250 0.750 stop 0.5000\n"
    )


def test_labels() -> None:
    assert write(THREE, Format.LABELS, "a") == (
        "0.500000\t0.875000\tthree\n0.875000\t1.250000\tseven\n2.250000\t3.000000\tstop\n"
    )


def test_subtitles_break_at_the_long_pause() -> None:
    """The second is up for the shortest time a subtitle is, 5/6 s, instead of 0.75 s."""
    assert write(THREE, Format.SRT, "a") == (
        "1\n00:00:00,500 --> 00:00:01,333\nthree seven\n\n2\n00:00:02,250 --> 00:00:03,083\nstop\n"
    )
    assert write(THREE, Format.VTT, "a") == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.333\nthree seven\n\n"
        "00:00:02.250 --> 00:00:03.083\nstop\n"
    )


def test_text() -> None:
    assert write(THREE, Format.TEXT, "a") == "three seven stop\n"


def test_json() -> None:
    (got,) = json.loads(write(THREE, Format.JSON, "a.wav"))
    words, symbols = got.pop("words"), got.pop("symbols")
    assert got == {
        "file": "a.wav",
        "text": "three seven stop",
        "duration": 4.0,
        "log_prob": -50.0,
        "log_prob_per_frame": -0.5,
        "boundary_error_s": {"median": 0.02, "p95": 0.2},
    }
    assert words[1] == {"word": "seven", "start": 0.875, "end": 1.25, "confidence": 0.5}
    assert [s["symbol"] for s in symbols] == ["three", "<unk>", "seven", "stop"]
    assert symbols[1] == {"symbol": "<unk>", "start": 1.2, "end": 1.28, "score": 0.25}
    assert symbols[3]["end"] == 4.0  # the last output frame reaches past the recording


def test_json_of_what_is_not_known_is_null() -> None:
    (got,) = json.loads(write(replace(EMPTY, n_best=(), boundary_error_s=None), Format.JSON, "a"))
    assert [got[k] for k in ("log_prob", "log_prob_per_frame", "boundary_error_s")] == [None] * 3


def textgrid(text: str) -> dict[str, list[tuple[float, float, str]]]:
    """The tiers of a TextGrid in the long format."""
    tiers = {}
    for part in re.split(r"    item \[\d+\]:\n", text)[1:]:
        (name,) = re.findall(r'name = "(.*)"', part)
        found = re.findall(
            r'intervals \[\d+\]:\n +xmin = ([\d.]+)\n +xmax = ([\d.]+)\n +text = "(.*)"', part
        )
        assert len(found) == int(re.findall(r"intervals: size = (\d+)", part)[0])
        tiers[name] = [(float(a), float(b), label.replace('""', '"')) for a, b, label in found]
    return tiers


def test_textgrid_fills_the_gaps() -> None:
    assert textgrid(write(THREE, Format.TEXTGRID, "a")) == {
        "words": [
            (0, 0.5, ""),
            (0.5, 0.875, "three"),
            (0.875, 1.25, "seven"),  # words that touch have no gap between
            (1.25, 2.25, ""),
            (2.25, 3.0, "stop"),
            (3.0, 4.0, ""),
        ],
        "symbols": [
            (0, 0.8, ""),
            (0.8, 0.84, "three"),
            (0.84, 1.2, ""),
            (1.2, 1.28, "<unk>"),
            (1.28, 1.32, "seven"),
            (1.32, 3.96, ""),
            (3.96, 4.0, "stop"),
        ],
    }


# --- the edges ---


@pytest.mark.parametrize(
    ("written", "expected"),
    [("text", "\n"), ("ctm", ""), ("srt", ""), ("vtt", "WEBVTT\n"), ("labels", "")],
)
def test_an_empty_transcript(written: str, expected: str) -> None:
    assert write(EMPTY, Format(written), "a") == expected


def test_an_empty_transcript_is_one_empty_interval_a_tier() -> None:
    tiers = textgrid(write(EMPTY, Format.TEXTGRID, "a"))
    assert tiers == {"words": [(0, 4.0, "")], "symbols": [(0, 4.0, "")]}


def test_words_without_length() -> None:
    """Three at the very end of the recording, and one that another begins with."""
    point = transcript([("a", 1.0, 1.0), ("b", 1.0, 1.5), ("c", 4, 4), ("d", 4, 4), ("e", 4, 4)])
    assert textgrid(write(point, Format.TEXTGRID, "a"))["words"] == [
        (0, 1.0, ""),
        (1.0, 1.001, "a"),
        (1.001, 1.5, "b"),
        (1.5, 3.997, ""),
        (3.997, 3.998, "c"),
        (3.998, 3.999, "d"),
        (3.999, 4.0, "e"),
    ]
    assert write(point, Format.CTM, "a").splitlines()[0] == "a 1 1.000 0.000 a 0.5000"
    assert write(point, Format.LABELS, "a").splitlines()[0] == "1.000000\t1.000000\ta"
    assert [(c.start_ms, c.end_ms, c.text) for c in cues(point)] == [
        (1000, 1833, "a b"),
        (3999, 4000, "c d e"),
    ]


def test_a_recording_shorter_than_its_words() -> None:
    tiny = transcript([("a", 0.0, 0.0005), ("b", 0.0005, 0.0005)], duration_s=0.0005)
    tier = textgrid(write(tiny, Format.TEXTGRID, "a"))["words"]
    assert tier == [(0, 0.001, "a"), (0.001, 0.002, "b")]


def test_quotes_signs_and_line_breaks_in_words() -> None:
    odd = transcript([('"say"', 0, 1), ("a\nb\tc", 1, 2), ("<i>&-->", 2, 3), (" \n", 3, 4)])
    assert write(odd, Format.CTM, "my talk\n.wav").splitlines() == [
        'my_talk_.wav 1 0.000 1.000 "say" 0.5000',
        "my_talk_.wav 1 1.000 1.000 a_b_c 0.5000",
        "my_talk_.wav 1 2.000 1.000 <i>&--> 0.5000",
    ]
    assert [row.split("\t")[2] for row in write(odd, Format.LABELS, "a").splitlines()] == [
        '"say"',
        "a b c",
        "<i>&-->",
    ]
    grid = write(odd, Format.TEXTGRID, "a")
    assert '            text = """say"""\n' in grid
    assert [label for *_, label in textgrid(grid)["words"]] == ['"say"', "a b c", "<i>&-->", ""]
    assert write(odd, Format.VTT, "a").splitlines()[-1] == '"say" a b c &lt;i&gt;&amp;--&gt;'
    assert write(odd, Format.SRT, "a").splitlines()[-1] == '"say" a b c <i>&-->'


def test_a_name_is_never_a_comment_of_the_ctm() -> None:
    assert write(THREE, Format.CTM, ";;a").startswith("_;a 1 ")
    assert write(THREE, Format.CTM, " ").startswith("_ 1 ")


def test_times_past_an_hour() -> None:
    late = transcript([("late", 3725.0078, 3726.0)], duration_s=4000)
    assert "01:02:05,008 --> 01:02:06,000" in write(late, Format.SRT, "a")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # 21 characters, a space and 20 are a full line; one more is too many.
        ([("x" * 21, 0, 1), ("y" * 20, 1, 2)], 1),
        ([("x" * 21, 0, 1), ("y" * 21, 1, 2)], 2),
        ([("x" * 99, 0, 1)], 1),
        # 7 s are the longest; a word alone may be longer.
        ([("a", 0, 1), ("b", 1.5, 7)], 1),
        ([("a", 0, 1), ("b", 1.5, 7.1)], 2),
        ([("a", 0, 9), ("b", 9, 9.1)], 2),
        # A pause of 1 s parts.
        ([("a", 0, 1), ("b", 1.999, 3)], 1),
        ([("a", 0, 1), ("b", 2, 3)], 2),
    ],
)
def test_where_a_subtitle_ends(words: list[tuple[str, float, float]], expected: int) -> None:
    assert len(cues(transcript(words, duration_s=20))) == expected


def test_a_short_subtitle_stays_until_the_next_one_at_most() -> None:
    words = [("x" * 40, 0.0, 0.2), ("y" * 40, 0.5, 0.6), ("z", 3.8, 3.9)]
    assert [(cue.start_ms, cue.end_ms) for cue in cues(transcript(words))] == [
        (0, 500),
        (500, 1333),
        (3800, 4000),
    ]


# --- whatever the words ---


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Words in order, some without length, some that touch; any characters."""
    n = draw(st.integers(0, 12))
    times = sorted(draw(st.lists(st.floats(0, 30), min_size=2 * n, max_size=2 * n)))
    texts = draw(st.lists(st.text(max_size=30), min_size=n, max_size=n))
    duration_s = draw(st.floats(max([0.01, *times]), 40))
    return transcript(
        [(t, a, b) for t, a, b in zip(texts, times[::2], times[1::2], strict=True)], duration_s
    )


def one_line(t: Transcript) -> list[str]:
    return [line for line in (" ".join(word.text.split()) for word in t.words) if line]


@given(transcripts())
def test_tiers_are_whole(t: Transcript) -> None:
    filled = textgrid(write(t, Format.TEXTGRID, "a"))["words"]
    assert filled[0][0] == 0
    assert filled[-1][1] == pytest.approx(max(t.duration_s, len(one_line(t)) / 1000), abs=1e-6)
    for a, b in itertools.pairwise(filled):
        assert a[1] == b[0]
    assert all(start < end for start, end, _ in filled)
    assert [label for *_, label in filled if label] == one_line(t)


@given(transcripts())
def test_subtitles_hold_every_word_once_in_order(t: Transcript) -> None:
    found = cues(t)
    assert " ".join(cue.text for cue in found) == " ".join(one_line(t))
    assert all(cue.start_ms < cue.end_ms for cue in found)
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(found))
    for cue in found:
        assert len(cue.text) <= 42 or cue.text in one_line(t)


@given(transcripts())
def test_a_line_of_the_ctm_has_six_fields(t: Transcript) -> None:
    lines = write(t, Format.CTM, "some name").split("\n")[:-1]
    assert len(lines) == len(one_line(t))
    end_s = 0.0
    for line in lines:
        name, channel, start, length, _, confidence = line.split()
        assert (name, channel, confidence) == ("some_name", "1", "0.5000")
        assert float(start) >= end_s - 1e-9
        end_s = float(start) + float(length)


# --- read by others ---

PRAAT = """
form Read
  sentence Path
endform
grid = Read from file: path$
n_tiers = Get number of tiers
for tier to n_tiers
  name$ = Get tier name: tier
  n = Get number of intervals: tier
  for i to n
    start = Get start time of interval: tier, i
    end = Get end time of interval: tier, i
    label$ = Get label of interval: tier, i
    appendInfoLine: name$, tab$, fixed$(start, 3), tab$, fixed$(end, 3), tab$, label$
  endfor
endfor
"""


@pytest.mark.skipif(shutil.which("praat") is None, reason="praat is not installed")
def test_praat_opens_the_textgrid(tmp_path: Path) -> None:
    said = [('say "go"', 0.5, 1.25), ("стоп", 1.25, 1.25), ("ĥo\nro", 3.0, 4.0)]
    grid = write(transcript(said, symbols=[("<sk>", 20, 21)]), Format.TEXTGRID, "a")
    (tmp_path / "a.TextGrid").write_text(grid, encoding="utf-8")
    (tmp_path / "read.praat").write_text(PRAAT)
    done = subprocess.run(
        ["praat", "--utf8", "--run", tmp_path / "read.praat", tmp_path / "a.TextGrid"],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(name, float(a), float(b), label) for name, a, b, label in rows] == [
        ("words", 0, 0.5, ""),
        ("words", 0.5, 1.25, 'say "go"'),
        ("words", 1.25, 1.251, "стоп"),
        ("words", 1.251, 3.0, ""),
        ("words", 3.0, 4.0, "ĥo ro"),
        ("symbols", 0, 0.8, ""),
        ("symbols", 0.8, 0.84, "<sk>"),
        ("symbols", 0.84, 4.0, ""),
    ]


@pytest.mark.skipif(shutil.which("sctk") is None, reason="sctk is not installed")
def test_sclite_scores_the_ctm(tmp_path: Path) -> None:
    """Planted: 5 right, 1 word for another, 3 lost (a file without words has no lines), 1 more."""
    heard = {
        "one talk": THREE,  # three seven stop
        "quiet": EMPTY,
        "two": transcript([("go", 0.1, 0.1), ("left", 0.1, 1.0), ("on", 1.0, 1.5)]),
        "wrong": transcript([("up", 0.5, 1.0)]),
    }
    (tmp_path / "heard.ctm").write_text(
        "".join(write(t, Format.CTM, name) for name, t in heard.items())
    )
    (tmp_path / "said.stm").write_text(
        "one_talk 1 ann 0.0 4.0 three seven stop no\n"
        "quiet 1 ann 0.0 4.0 yes yes\n"
        "two 1 ann 0.0 4.0 go left\n"
        "wrong 1 ann 0.0 4.0 down\n"
    )
    done = subprocess.run(
        [
            "sctk",
            "sclite",
            "-r",
            "said.stm",
            "stm",
            "-h",
            "heard.ctm",
            "ctm",
            "-o",
            "rsum",
            "stdout",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (total,) = [line for line in done.stdout.splitlines() if line.strip().startswith("| Sum")]
    # sentences, words | right, substituted, deleted, inserted, errors, sentences with errors
    assert [int(n) for n in re.findall(r"-?\d+", total)[:8]] == [4, 9, 5, 1, 3, 1, 5, 4]


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("written", [Format.SRT, Format.VTT])
def test_ffmpeg_reads_the_subtitles(tmp_path: Path, written: Format) -> None:
    path = tmp_path / f"a{writers.SUFFIXES[written]}"
    said = [("three", 0.5, 1.0), ("a&b", 1.0, 1.5), ("стоп", 3.0, 4.0)]
    path.write_text(write(transcript(said), written, "a"), encoding="utf-8")
    probe = ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,duration_time"]
    read = subprocess.run(
        [*probe, "-of", "json", path], capture_output=True, check=True, timeout=60
    )
    packets = json.loads(read.stdout)["packets"]
    assert [(float(p["pts_time"]), float(p["duration_time"])) for p in packets] == [
        (0.5, 1.0),
        (3.0, 1.0),
    ]
    to_srt = ["ffmpeg", "-v", "error", "-i", path, "-f", "srt", "-"]
    text = subprocess.run(to_srt, capture_output=True, encoding="utf-8", check=True, timeout=60)
    assert [line for line in text.stdout.splitlines() if "a" in line or "с" in line] == [
        "three a&b",
        "стоп",
    ]
