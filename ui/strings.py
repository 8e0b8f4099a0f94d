"""Every text a person reads in the app, in one place, ready for translation."""

PRODUCT = "Misheard"
TAGLINE = "Hear, see and explain what a speech recogniser got wrong."

TAB_RECOGNISE = "Recognise"
TAB_ERRORS = "Errors"

# ---- Evidence of one recording, in the browser; {names} are filled in there -------------------

EVIDENCE = {
    "player": "The recording",
    "unplayable": "This browser cannot play this file. The text and the picture are not affected.",
    "transcript": "What was heard",
    "diff": "What was said against what was heard",
    "nothing": "No words heard",
    "nothing_why": "The recording may be silent, very quiet, or hold no word this model knows.",
    "table": "Words",
    "columns": ["Word", "Start", "End", "Confidence"],
    "picture": "Log-mel spectrogram: time from left to right, low to high frequencies upwards",
    "slider": "Position in the recording. Space plays and pauses, the arrows move by 0.1 seconds",
    "position": "{now} seconds",
    "hint": "Click a word to hear it. In the picture, Space plays and ← → move.",
    "heard_word": "“{word}” heard from {start} to {end} s, {sure} % confidence",
    "reference_word": "“{word}” expected, from about {start} to {end} s",
    "no_place": "“{word}” has no place in the sound: the model does not know the word, or no "
    "alignment exists.",
    "no_word": "no word",
    "emission": "“{symbol}” written by the model from {start} to {end} s with probability "
    "{probability} %. A model of this kind writes a word in a few frames somewhere inside its "
    "sound; the bar below estimates how far the word reaches.",
    "sides": {"reference": "Reference", "heard": "Heard"},
    "side_hints": {
        "reference": "The reference: the text that comes with the recording, placed in time by "
        "forced alignment",
        "heard": "The hypothesis: what the model made of the recording",
    },
    "ops": {"substitute": "substituted", "delete": "missed", "insert": "added"},
    "hertz": "Hz",
    "seconds": "s",
}

# ---- Recognise --------------------------------------------------------------------------------

RECORDER = "Speak, or drop a file"
MODEL = "Model"
EXAMPLES = {"heading": "Or listen to an example (synthetic voices)"}

NOTHING_YET = "Nothing heard yet"
NOTHING_YET_HINT = "Press Record and say a few digits, or upload a recording."
LISTENING = "Listening…"
LISTENING_HINT = "Press Stop to see what was heard."
LOADING_MODEL = "Loading the model…"
BAD_AUDIO = "This recording cannot be transcribed"
BAD_MODEL = "The model cannot be loaded"
NO_SUCH_MODEL = "There is no such model. Reload the page."
NO_SUCH_EXAMPLE = "There is no such example. Reload the page."
TOO_SHORT = (
    "The recording lasts {got:.2f} s, which is too short to hold a word. Record at least {least} s."
)
TOO_LONG = (
    "The recording lasts {got:.1f} minutes. This page takes up to {most:.0f} minutes; for longer"
    " ones use `python -m asr_core transcribe`."
)

FACT_LENGTH = "Length"
FACT_TOOK = "Processing time"
FACT_TOOK_HINT = "Reading, resampling, features, network and decoding, on this machine's CPU"
FACT_FACTOR = "Real-time factor"
FACT_FACTOR_HINT = "Processing time divided by length; below 1 is faster than speech"
FACT_MODEL = "Model"
FACT_FILE = "File"

# ---- Errors -----------------------------------------------------------------------------------

EVALUATION = "Evaluation"
EVALUATING = "Evaluating {name}…"
EVALUATING_PROGRESS = "{done} of {total} recordings"
EVALUATING_HINT = "Loading the model and reading the recordings"
EVALUATION_NAME = "{set}, model {model}"
BAD_EVALUATION = "This evaluation cannot be shown"
NO_EVALUATION = "No evaluation yet"
NO_EVALUATION_HINT = "Start the app with --manifest FILE to evaluate a set of recordings."
NO_SUCH_EVALUATION = "There is no such evaluation. Reload the page."
NO_SUCH_UTTERANCE = "There is no such utterance in this evaluation. Reload the page."
NO_SUCH_SORT = "Cannot sort by {got}. Expected one of: {expected}."
BAD_QUERY = "Expected {expected}, got {got}."
PICKING = "Choose an utterance"
PICKING_HINT = "Click a row on the left, or walk through the rows with ↑ and ↓."

RATES = {
    "wer": (
        "Word error rate",
        "WER: substituted, missed and added words, divided by the words of the references",
    ),
    "cer": (
        "Character error rate",
        "CER: the same for characters, spaces included",
    ),
    "ser": (
        "Utterances with an error",
        "Sentence error rate, SER: the share of utterances with at least one wrong word",
    ),
}
INTERVAL = "95 % interval {low} to {high} %"
INTERVAL_HINT = (
    "Another set of utterances of the same kind would give a rate in this range in 95 of 100 cases"
    " (bootstrap over {over})"
)
COUNTS = {
    "substitutions": ("✗", "substituted", "Substitutions, S: another word was heard"),
    "deletions": ("−", "missed", "Deletions, D: a word of the reference was not heard"),
    "insertions": ("+", "added", "Insertions, I: a word was heard that is not in the reference"),
}
OF_WORDS = "of {words} words"
OF_WORDS_HINT = "N: the words of all references"
SUMMARY = "Model {model} on the set {name}: {utterances} utterances, {minutes} minutes."
SKIPPED = "{skipped} rows of the manifest could not be used."
SYNTHETIC = (
    "These voices are synthetic: speech synthesisers, noise and rooms made by a program. Rates on"
    " real speech are in the model card."
)

OTHER_MODEL = "The evaluation is of the model {evaluated}; picture and times come from {shown}."
HEARS_NOW = "Heard now: {text}. The diff shows what the evaluation holds."
NOTHING = "nothing"

TABLE = {
    "search": "Search words",
    "only_errors": "Only errors",
    "total": "{first}–{last} of {total} utterances",
    "none": "No utterance matches.",
    "failed": "The table could not be loaded. Reload the page.",
    "previous": "Previous page",
    "next": "Next page",
    "label": "Utterances. The up and down arrows walk through them.",
    "nothing": "(nothing)",
    "columns": {
        "text": ["Reference → heard", "Reference, with what was heard instead"],
        "errors": ["Errors", "Substituted, missed and added words"],
        "wer": ["WER, %", "Word error rate of the utterance, in %"],
        "confidence": ["Conf., %", "Confidence of the least sure word, in %"],
        "snr_db": ["SNR, dB", "Signal-to-noise ratio in dB, as the manifest says"],
        "duration_s": ["Length, s", "Length in seconds"],
    },
}

FIELDS = {  # manifest fields we know; others are shown by their own name
    "utterance_id": "Utterance",
    "duration_s": "Length",
    "errors": "Wrong words",
    "wer": "Word error rate",
    "cer": "Character error rate",
    "confidence": "Lowest confidence",
    "snr_db": "Signal-to-noise ratio",
    "level_dbfs": "Level",
    "rt60_s": "Reverberation time",
    "direct_db": "Direct to reverberant sound",
    "rate": "Speaking rate",
    "pitch": "Pitch factor",
    "text_raw": "Reference as written",
}
FIELD_HINTS = {
    "confidence": "The mean probability the model gave its least sure word",
    "level_dbfs": "Relative to full scale: 0 dBFS is the loudest a file can hold",
    "rt60_s": "RT60: how long the room takes to fall by 60 dB",
    "snr_db": "Speech power over noise power",
}
