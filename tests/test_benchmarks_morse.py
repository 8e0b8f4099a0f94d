"""The Morse benchmark: fair to the peer's spelling, one character a sign, planted rates."""

import shutil
from pathlib import Path

import pytest
import soundfile

from analysis.scoring import total
from asr_core.morse_code import CODES, symbols
from asr_core.training.corpora.morse import Wanted, plan, render
from benchmarks.morse import (
    AS_IT_COMES,
    Recording,
    hear_by_peer,
    in_our_spelling,
    markdown,
    rate_signs,
)


@pytest.mark.parametrize(
    ("printed", "ours"),
    [
        ("CQ DE K1ABC = \n", "cq de k1abc ="),
        ("<SN> <CT> & <SK>", "<ve> <ka> <as> <sk>"),
        ("<ERR_8>A<_.___.>B<ERR_6>", "<hh>a*b*"),
        ("", ""),
    ],
)
def test_the_peers_spelling(printed: str, ours: str) -> None:
    assert in_our_spelling(printed) == ours


@pytest.mark.parametrize(
    ("said", "heard", "errors", "size"),
    [
        ("a <sk>", "a <sk>", 0, 3),
        ("a <sk>", "a", 2, 3),  # the space and one sign
        ("a<sk>", "a<ve>", 1, 2),
        ("eĥo", "echo", 0, 4),
        ("ab", "a<do>b", 1, 2),  # a sign that only the peer knows
    ],
)
def test_a_sign_is_one_character(said: str, heard: str, errors: int, size: int) -> None:
    totals = total(rate_signs([said], [heard]))
    assert (totals.char_errors, totals.n_char) == (errors, size)


def test_table() -> None:
    row = {
        "row": ["plain", None], "messages": 2, "signs": 40, "ours": 0.025,
        "ours_interval": [0.0, 0.05], "multimon": 0.5, "multimon_helped": 0.25,
    }  # fmt: skip
    alone = {**row, "row": ["any", -3.0]}
    del alone["multimon"], alone["multimon_helped"]
    lines = markdown("snr_db", [row, alone]).splitlines()
    assert lines[2] == "| plain | clean | 2 | 40 | 2.5 (0.0 to 5.0) | 50.0 | 25.0 |"
    assert lines[3] == "| any | -3 | 2 | 40 | 2.5 (0.0 to 5.0) | – | – |"


@pytest.mark.skipif(shutil.which("multimon-ng") is None, reason="multimon-ng is not installed")
def test_multimon_reads_our_clean_code(tmp_path: Path) -> None:
    """It is given what it can read, and reads it: the comparison is not rigged."""
    recordings = []
    for i in range(12):
        wanted = Wanted(wpm=(20.0, 24.0), snrs_db=(None,), is_plain=True)
        message = plan(f"m{i}", (7, 7, i), wanted)
        path = tmp_path / f"{i}.wav"
        soundfile.write(path, render(message), 8000)
        reception, station = message.reception, message.station
        wpm = station.keying.wpm
        recordings.append(Recording(path, station.text, wpm, reception.tone_hz, ("plain", None)))
    heard = hear_by_peer(recordings, AS_IT_COMES)
    scores = rate_signs([recording.text for recording in recordings], heard)
    assert sum(len(symbols(recording.text)) for recording in recordings) > 80
    assert total(scores).cer < 0.1
    assert set("".join(heard)) - set(" *") <= set("".join(CODES))
