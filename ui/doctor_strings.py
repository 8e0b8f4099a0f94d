"""What the doctor says on the page; the hints are those of `asr_core.doctor_texts`."""

from asr_core import doctor_texts

HINTS = doctor_texts.HINTS  # name, what was found, that against the training, what to do
DOCTOR = {
    "title": "Recording",
    "title_hint": "What is unusual about the sound, measured as the model hears it. ⚠ lies outside"
    " of what the model was trained on; ⓘ is a fault that it has met.",
    "nothing": "Nothing unusual about this recording.",
    "warning": "Warning",
    "note": "Note",
}
RECORDINGS = {
    "columns": {
        "hint": ("Recording", "What the doctor sees in the sound; see asr_core/doctor.py"),
        "utterances": ("Utterances", "That have this hint"),
        "wer": ("WER with it, %", "Word error rate of the utterances that have this hint"),
        "rest": ("WER without, %", "Word error rate of the other ones"),
    },
    "unknown": "This evaluation is older than the doctor. Evaluate again to see its hints.",
    "none": "Nothing unusual about these recordings.",
    "clean": "Nothing unusual",
    "clean_advice": "Recordings without any hint.",
}
