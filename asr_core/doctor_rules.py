"""How each of the doctor's hints is seen: by physics, and by what a model was trained on.

Thresholds were set on the untouched joined corpora of the bundled model (`benchmarks.doctor` counts
hits and false alarms); each one's reason stands beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from asr_core.doctor_texts import HINTS
from asr_core.norms import LETTERS_PER_S, Norms
from asr_core.recording_measures import RecordingMeasures
from asr_core.signal_measures import SNR_BIAS_DB

QUIET_DBFS = -45.0
LOUD_DBFS = -11.0  # only clipped or compressed speech is louder, on average
CLIPPED_SHARE = 0.005  # whole speech has less (see analysis.causes)
NOISY_DB = 10.0  # below it the bundled model errs twice as often
PAUSES_HEARD_DB = 10.0  # from here on pauses can be told from speech
NOISE_ALONE_DB = -2.5  # estimated ratio of a recording that is all noise; noisy speech has more
SPEECHLESS_DB = 9.0  # of the loudest moment over the noise: steady noise has less
LEAST_SOUND_S = 0.1
BAND_EDGE_DB = 25.0
# A telephone of gentle filters lacks something at both ends of its band: more than a voice does,
# whose edge falls by 5 dB and whose lowest tones are 2 dB below its loudest, half of the time.
BOTH_ENDS_DB = 28.0
SOFT_EDGE_DB = 8.0
LOW_CUT_DB = -35.0
HUM_DB = -40.0
RUMBLE_DB = -24.0
DC_OFFSET = 0.02
CUT_DB = -15.0  # 99 % of whole recordings begin and end quieter
CUT_ABOVE_NOISE_DB = 12.0  # else it may be the noise that is cut
TIGHT_S = 0.05
TIGHT_SNR_DB = 28.0  # below it, noise is among the sound that reaches the edges
SPEECH_SHARE = 0.12
LONG_SILENCE_S = 5.0
SHORT_S = 0.3
LONG_S = 60.0  # longer ones are cut into pieces (see pieces.WHOLE)
PACE = (3.0, 16.0)  # letters a second of sound
LEAST_LETTERS = 10  # of a text whose pace is measured: single words differ too much


@dataclass(frozen=True)
class Case:
    """What a rule looks at."""

    measures: RecordingMeasures
    norms: Norms | None
    letters_per_s: float | None
    source_rate: int | None
    rate: int | None


@dataclass(frozen=True)
class Rule:
    """One hint: how to see it.

    Attributes:
        code: the hint's.
        measure: whose norms say whether it is outside of training; '' where none do.
        high: whether too much of the measure is meant, or too little.
        sees: whether physics sees it in a recording.
        percent: of training that must lie on the other side.
        needs_norms: whether training must agree, where it is known.
        speech: whether it is about speech alone, and not about Morse signs.
        scale: of the value in the text.
    """

    code: str
    measure: str
    high: bool
    sees: Callable[[Case], bool]
    percent: int = 95
    needs_norms: bool = False
    speech: bool = False
    scale: float = 1.0


def letters_per_s(text: str, measures: RecordingMeasures) -> float | None:
    """How fast a text was spoken, pauses left out; None where noise hides them, or of a word."""
    letters = sum(not character.isspace() for character in text)
    if (
        letters < LEAST_LETTERS
        or measures.snr_db < PAUSES_HEARD_DB
        or measures.sound_s < LEAST_SOUND_S
    ):
        return None
    return letters / measures.sound_s


def is_speechless(case: Case) -> bool:
    found = case.measures
    if found.duration_s < SHORT_S:
        return False  # too short to tell
    if found.sound_s >= LEAST_SOUND_S and found.snr_db >= NOISE_ALONE_DB:
        return False
    seconds = found.speech_share * found.duration_s
    return found.burst_db < SPEECHLESS_DB or seconds < LEAST_SOUND_S  # else a word in long silence


def _narrow(case: Case) -> bool:
    found = case.measures
    if found.band_edge_db > BAND_EDGE_DB:
        return True
    both_db = found.band_edge_db - found.low_band_db
    soft = found.band_edge_db > SOFT_EDGE_DB and found.low_band_db > LOW_CUT_DB
    return soft and both_db > BOTH_ENDS_DB


def _cut(edge_db: float, measures: RecordingMeasures) -> bool:
    """Whether speech reaches an end of the recording, at its full level."""
    above_noise_db = edge_db + measures.snr_db + SNR_BIAS_DB
    return edge_db > CUT_DB and above_noise_db > CUT_ABOVE_NOISE_DB


def _tight(case: Case) -> bool:
    found = case.measures
    cut = _cut(found.start_edge_db, found) or _cut(found.end_edge_db, found)
    return found.snr_db > TIGHT_SNR_DB and not cut and max(found.lead_s, found.trail_s) < TIGHT_S


def _drops_out(case: Case) -> bool:
    # The pauses of a very quiet recording are rounded to zeros: nothing is lost.
    return case.measures.dropout_s > 0 and case.measures.level_dbfs > QUIET_DBFS


def _silent(case: Case) -> bool:
    found = case.measures
    return found.speech_share < SPEECH_SHARE and found.duration_s > LONG_SILENCE_S


def _noisy(case: Case) -> bool:
    # Where there is hardly any speech, what stands for its level is the noise.
    # In less than a word there is no pause in which noise could be measured.
    heard = case.measures.duration_s >= SHORT_S and not _silent(case)
    return case.measures.snr_db < NOISY_DB and heard


def _low_cut(case: Case) -> bool:
    return case.measures.low_band_db < LOW_CUT_DB and not _narrow(case)  # a telephone lacks both


def _rumbles(case: Case) -> bool:
    found = case.measures
    if found.hum_db > HUM_DB or _noisy(case) or _silent(case):
        return False  # it is the lowest part of something that has a hint of its own
    return found.rumble_db > RUMBLE_DB


def _paced(case: Case, *, fast: bool) -> bool:
    if case.letters_per_s is None:
        return False
    return case.letters_per_s > PACE[1] if fast else case.letters_per_s < PACE[0]


def _low_rate(case: Case) -> bool:
    return bool(case.source_rate and case.rate and case.source_rate < case.rate)


NOTES = ("long", "tight")  # nothing is lost: never more than a note
RULES = (
    Rule("dropouts", "", True, _drops_out, speech=True),
    Rule(
        "clipped",
        "clipped_share",
        True,
        lambda case: case.measures.clipped_share > CLIPPED_SHARE,
        scale=100,
    ),
    Rule(
        "quiet",
        "level_dbfs",
        False,
        lambda case: case.measures.sound_s > 0 and case.measures.level_dbfs < QUIET_DBFS,
        needs_norms=True,
    ),
    Rule(
        "loud",
        "level_dbfs",
        True,
        lambda case: case.measures.level_dbfs > LOUD_DBFS,
        speech=True,
    ),
    Rule("noisy", "snr_db", False, _noisy),
    Rule("cut_start", "", True, lambda c: _cut(c.measures.start_edge_db, c.measures)),
    Rule("cut_end", "", True, lambda c: _cut(c.measures.end_edge_db, c.measures)),
    Rule("tight", "", False, _tight),
    Rule("narrow_band", "band_edge_db", True, _narrow, speech=True),
    Rule("low_rate", "", False, _low_rate),
    Rule("low_cut", "low_band_db", False, _low_cut, percent=99, speech=True),
    Rule("hum", "hum_db", True, lambda case: case.measures.hum_db > HUM_DB),
    Rule("rumble", "rumble_db", True, _rumbles),
    Rule(
        "dc_offset",
        "dc_offset",
        True,
        lambda case: abs(case.measures.dc_offset) > DC_OFFSET,
        scale=100,
    ),
    Rule("mostly_silence", "speech_share", False, _silent),
    Rule("short", "", False, lambda case: case.measures.duration_s < SHORT_S),
    Rule("long", "duration_s", True, lambda case: case.measures.duration_s > LONG_S, percent=100),
    Rule(
        "fast",
        LETTERS_PER_S,
        True,
        lambda case: _paced(case, fast=True),
        percent=99,
        needs_norms=True,
    ),
    Rule(
        "slow",
        LETTERS_PER_S,
        False,
        lambda case: _paced(case, fast=False),
        percent=99,
        needs_norms=True,
    ),
)
# The number of each hint's text, where it is not its measure.
SHOWN: dict[str, Callable[[Case], float]] = {
    "cut_start": lambda case: case.measures.start_edge_db,
    "cut_end": lambda case: case.measures.end_edge_db,
    "mostly_silence": lambda case: 100 * (1 - case.measures.speech_share),
    "tight": lambda case: case.measures.lead_s + case.measures.trail_s,
    "dropouts": lambda case: case.measures.dropout_s,
    "short": lambda case: case.measures.duration_s,
    "low_rate": lambda case: float(case.source_rate or 0),
    "low_cut": lambda case: -case.measures.low_band_db,
    "hum": lambda case: -case.measures.hum_db,
    "rumble": lambda case: -case.measures.rumble_db,
    "dc_offset": lambda case: abs(case.measures.dc_offset),
}
CODES = ("no_speech", *(rule.code for rule in RULES))
assert set(CODES) == set(HINTS)


def _value(rule: Rule, case: Case) -> float:
    if rule.measure == LETTERS_PER_S:
        return case.letters_per_s or 0.0
    value = float(getattr(case.measures, rule.measure))
    return abs(value) if rule.code == "dc_offset" else value


def _edge(rule: Rule, norms: Norms) -> float | None:
    """The training's percentile on the rule's side; None where it has none of the measure."""
    try:
        percent = rule.percent if rule.high else 100 - rule.percent
        return norms.training.percentile(rule.measure, percent)
    except KeyError:
        return None


def outside_of_training(rule: Rule, case: Case) -> bool | None:
    """Whether a recording lies outside of what the model was trained on; None: not known."""
    edge = _edge(rule, case.norms) if case.norms and rule.measure else None
    if edge is None:
        return None
    value = _value(rule, case)
    return value > edge if rule.high else value < edge


def values_of(rule: Rule, case: Case) -> dict[str, float]:
    """The numbers of a hint's text."""
    shown = SHOWN.get(rule.code)
    values = {"got": rule.scale * (shown(case) if shown else _value(rule, case))}
    edge = _edge(rule, case.norms) if case.norms and rule.measure else None
    if edge is not None:
        values["difference"] = abs(_value(rule, case) - edge)
    if rule.code == "low_rate":
        values |= {"expected": float(case.rate or 0), "top": (case.source_rate or 0) / 2000}
    return {name: round(value, 3) for name, value in values.items()}
