"""What the doctor says of a recording, in plain English.

A hint has a name; what was found, with numbers in {}; the same against the training data, said
where a recording lies outside of it ('' where it would mean little); and what to do.
"""

from typing import NamedTuple


class HintText(NamedTuple):
    name: str
    found: str
    compared: str
    advice: str


HINTS = {
    "no_speech": HintText(
        "No speech",
        "No speech stands out: {got:.2f} s of sound above the noise in {whole:.2f} s.",
        "",
        "Check that the microphone is on and is the right one, and record again.",
    ),
    "quiet": HintText(
        "Too quiet",
        "The speech is at {got:.0f} dB of full scale",
        "{difference:.0f} dB quieter than 95 % of the training data",
        "Move closer to the microphone, or raise the input level.",
    ),
    "loud": HintText(
        "Too loud",
        "The speech is at {got:.0f} dB of full scale",
        "{difference:.0f} dB louder than 95 % of the training data",
        "Lower the input level, or move away from the microphone.",
    ),
    "clipped": HintText(
        "Clipped",
        "The tops of the wave are cut off: {got:.1f} % of the samples lie on them",
        "more than in 95 % of the training data",
        "Lower the input level and record again; turning a clipped file down does not help.",
    ),
    "noisy": HintText(
        "Noisy",
        "Speech over noise is only {got:.0f} dB",
        "less than in 95 % of the training data",
        "Move closer to the microphone, away from the noise, or switch its source off.",
    ),
    "narrow_band": HintText(
        "Narrow band",
        "The sound ends at about 3.4 to 4 kHz, where it falls by {got:.0f} dB: a telephone or a"
        " Bluetooth headset",
        "a steeper edge than in 95 % of the training data",
        "Use a built-in or wired microphone, or a model trained on telephone speech.",
    ),
    "low_rate": HintText(
        "Low sample rate",
        "The file has {got:.0f} samples a second, and so nothing above {top:.1f} kHz; the model"
        " expects {expected:.0f}",
        "",
        "Record at {expected:.0f} Hz or more.",
    ),
    "low_cut": HintText(
        "Low tones missing",
        "The voice's lowest tones (60 to 250 Hz) are {got:.0f} dB below its loudest",
        "less of them than in 99 % of the training data",
        "Switch off the microphone's low-cut filter, or use another microphone.",
    ),
    "hum": HintText(
        "Hum",
        "Mains hum (50 or 60 Hz and its multiples) is only {got:.0f} dB below the speech",
        "more than in 95 % of the training data",
        "Try another socket or cable, or a laptop on battery; keep away from power supplies.",
    ),
    "rumble": HintText(
        "Rumble",
        "A steady rumble below 80 Hz is only {got:.0f} dB below the speech",
        "more than in 95 % of the training data",
        "Shield the microphone from wind, do not touch it, or switch its low-cut filter on.",
    ),
    "dc_offset": HintText(
        "Offset",
        "The wave does not swing around zero: its mean is {got:.1f} % of full scale",
        "more than in 95 % of the training data",
        "A fault of the sound card or its driver: use another input, or remove the offset.",
    ),
    "cut_start": HintText(
        "Recording starts late",
        "Speech starts at the first sample, at full level ({got:.0f} dB): the first word may be"
        " cut",
        "",
        "Press record, wait half a second, then speak.",
    ),
    "cut_end": HintText(
        "Recording stops early",
        "Speech lasts until the last sample, at full level ({got:.0f} dB): the last word may be"
        " cut",
        "",
        "Wait half a second after the last word before you stop.",
    ),
    "tight": HintText(
        "No pause around",
        "Hardly any silence lies around the speech: {got:.2f} s",
        "",
        "Leave a quarter of a second before the first and after the last word.",
    ),
    "mostly_silence": HintText(
        "Mostly silence",
        "{got:.0f} % of the recording is silence",
        "more than in 95 % of the training data",
        "Cut the silence off; if somebody did speak, move closer to the microphone.",
    ),
    "dropouts": HintText(
        "Drop-outs",
        "The sound is interrupted: {got:.2f} s of digital silence between sounds",
        "",
        "The connection or the computer lost samples: use a cable, close other programs.",
    ),
    "short": HintText(
        "Too short",
        "The recording lasts {got:.2f} s, hardly as long as a word",
        "",
        "Hold the button longer, or do not cut so close.",
    ),
    "long": HintText(
        "Very long",
        "The recording lasts {got:.0f} s, and the model hears it in pieces",
        "longer than all the training data",
        "Cut it at pauses if words go missing where pieces meet.",
    ),
    "fast": HintText(
        "Fast",
        "{got:.0f} letters a second of sound",
        "faster than 99 % of the training data",
        "Speak more slowly; if the voice is too high as well, the file plays too fast.",
    ),
    "slow": HintText(
        "Slow",
        "{got:.1f} letters a second of sound",
        "slower than 99 % of the training data",
        "Speak more briskly; if the voice is too deep as well, the file plays too slowly.",
    ),
}
NOTHING = "Nothing unusual about this recording."


def sentence(text: HintText, values: dict[str, float], *, outside: bool) -> str:
    """What was found, against the training data where it lies outside, and what to do."""
    return f"{finding(text, values, outside=outside)} {text.advice.format(**values)}"


def finding(text: HintText, values: dict[str, float], *, outside: bool) -> str:
    """What was found, as a sentence."""
    found = text.found.format(**values).rstrip(".")
    if outside and text.compared:
        found += ", " + text.compared.format(**values)
    return found + "."
