"""Every text of "What if" in the Recognise tab and of "Robustness" in the Errors tab."""

# ---- What if -------------------------------------------------------------------------------------

TITLE = "What if…"
INTRO = (
    "Repair this recording or damage it, and see at once whether the model still hears the same."
    " Changes are applied one after the other."
)
GROUPS = {"repair": "Repairs", "damage": "Damage"}
KINDS = {  # label, what it does, and what its slider says
    "level": ("Louder or quieter", "The gain that brings the words to a level", "Level of speech"),
    "denoise": ("Less noise", "Spectral gating takes steady noise down", "Strength"),
    "trim": ("Trim the ends", "Cuts silence off both ends", "Silence: below the loudest by"),
    "pad": ("Add silence", "Quiet before and after; helps a word cut at its start", "Each"),
    "lowcut": ("Cut rumble", "Takes out hum and rumble below a frequency", "Keep from"),
    "dc": ("Remove offset", "Takes out a constant (DC) that some sound cards add", ""),
    "noise": ("Noise", "Pink noise, like rain; 0 dB is as loud as the speech", "Speech over noise"),
    "hum": ("Mains hum", "50 Hz and its harmonics", "Speech over hum"),
    "room": ("Room", "Far from the microphone in a room with echo", "Echo falls by 60 dB in"),
    "speed": ("Speed", "Faster or slower at the same pitch", "Tempo"),
    "telephone": ("Telephone", "Only 300 to 3400 Hz, as an old telephone line", ""),
    "lowpass": ("Muffled", "Takes out all sound above a frequency", "Keep up to"),
    "clip": ("Clipping", "Recorded too loud: the tops of the waves are cut off", "Samples cut off"),
    "quiet": ("Too quiet", "Recorded too quietly, in 16 bits", "Quieter by"),
}
UNITS = {"dB": "dB", "dBFS": "dBFS", "Hz": "Hz", "s": "s", "%": "%", "×": "×"}
PANEL = {
    "apply": "Apply and transcribe",
    "reset": "Reset",
    "remove": "Take out: {change}",
    "changes": "Changes, in order",
    "none": "No change yet: choose one above.",
    "working": "Changing and transcribing…",
    "before": "Before",
    "after": "After",
    "diff": "What was heard before against what is heard after the changes",
    "same": "The same words as before.",
    "nothing": "No words heard",
    "gap": "no word",
    "signs": {"substitute": "another word", "delete": "lost", "insert": "new"},
    "columns": ["Recording", "Words", "Confidence", "Errors", "Listen"],
    "confidence_hint": "Mean confidence of the words",
    "errors_hint": "Word errors against what you typed as said",
    "play": "Play: {which}",
}
SHORTENED = "Only the first {seconds:.0f} s of this recording are changed and compared."
EVIDENCE_NAME = "The changed recording"
FACT_CHANGES = "Changes"
TOO_MANY = "Up to {most} changes at once. Take one out first."
BAD_CHANGE = "This change is not possible: {why}"
NO_RECORDING = "Record, upload or choose something first."

# ---- Robustness ----------------------------------------------------------------------------------

ROBUSTNESS = "Robustness"
ROBUSTNESS_INTRO = (
    "Word error rate of {n} utterances of this set ({model}) when each is damaged further. Every"
    " point hears the same utterances; the shaded band is the 95 % interval over utterances."
)
NOT_MEASURED = "Nobody has measured yet how this model stands noise, speed, level and band."
NOT_MEASURED_HINT = (
    "Measuring here takes {n} of its utterances and about a minute or two. All of them:"
    " python -m analysis robustness --model {model} --manifest {manifest} --out {folder}"
)
MEASURE = "Measure on up to {n} utterances"
MEASURING = "Measuring…"
MEASURING_PROGRESS = "{done} of {total} transcripts"
CANNOT_MEASURE = "This cannot be measured"
CURVES = {
    "y": "WER, %",
    "full": "all",
    "telephone": "phone",
    "hover": "{x}: WER {value:.1f} % ({low:.1f} to {high:.1f})",
    "axes": {
        "snr": ("Noise", "Speech over added pink noise, dB; ∞: none"),
        "speed": ("Speed", "Times as fast, at the same pitch"),
        "level": ("Level", "Quieter by, dB (16 bits)"),
        "band": ("Band", "Nothing above, kHz"),
    },
}
