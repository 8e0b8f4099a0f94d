"""Every text a person reads in the app, in English; larger views have *_strings of their own."""

from analysis import cause_texts

LANGUAGE = "en"  # of these texts, as HTML's `lang` takes it

PRODUCT = "Misheard"
TAGLINE = "Hear, see and explain what a speech recogniser got wrong."

TAB_RECOGNISE = "Recognise"
TAB_ERRORS = "Errors"
TAB_COMPARE = "Compare"
TAB_MODEL = "Model"

UNITS = {"s": "s", "ms": "ms", "hz": "Hz", "mb": "MB"}
THOUSANDS = ","  # between the digits of a large number
OVER = {"utterances": "utterances"}  # what a bootstrap draws

# ---- Recognise --------------------------------------------------------------------------------

RECORDER = "Speak, or drop a file"
MODEL = "Model"
SCRIPT = "Letters"
SCRIPT_HINT = "A Morse sign stands for a Latin or a Cyrillic letter"
SCRIPTS = {"latin": "Latin", "cyrillic": "Cyrillic"}
EXAMPLES = {"heading": "Or listen to an example (synthetic)"}
EXAMPLE_DESCRIPTIONS = {  # of the bundled ones, by id; others have their manifest's
    "five-five-five-zero-one-nine-two-six": "A phone number of eight digits, clean",
    "three-seven-stop": "Clean, close by",
    "go-left-no-right-noisy": "Pink noise, 5 dB below the speech",
    "yes-four-down-far": "Far from the microphone, in a large room with a fan",
    "nine-one-eight-off-telephone": "Over the telephone: 300 to 3400 Hz, with mains hum",
    "on-two-six-up-babble": "Others talking, 10 dB below the speech",
    "cq-clean": "A general call, keyed by a machine, 18 words per minute",
    "rst-599-by-hand": "Keyed by hand, 22 words per minute, in noise (6 dB in 2500 Hz)",
    "kak-slyshno": "Russian: the same signs, read as Cyrillic letters",
}

SAID = "What was said?"
SAID_HINT = "Type it to see where the model went wrong, and what your words would have cost it"
COMPARE = "Compare"

NOTHING_YET = "Nothing heard yet"
NOTHING_YET_HINT = "Press Record and say a few digits, or upload a recording."
BUSY = "Too many people are using this at once. Try again in a moment."
LISTENING = "Listening…"
LISTENING_HINT = "Press Stop to see what was heard."
LIVE = {"partial": "Heard so far; this may still change"}
BAD_CHUNK = "Expected an id, a sample rate and up to a minute of 16-bit samples in base64."
TRANSCRIBING = "Transcribing…"
TRANSCRIBING_PROGRESS = "{done} of {total} minutes"
TRANSCRIBING_DONE = "{done} minutes"  # where the length is not known
STOPPED_AT = "Stopped after {done} minutes: what follows was not transcribed."
NOT_COMPARED = "Only recordings of up to a minute are compared with what was said."
PASSAGE_GONE = "This recording is no longer kept. Transcribe it again."
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

DECODING = "Decoding"
DECODER = "Decoder"
DECODER_HINT = "Greedy takes each frame's best symbol; beam search sums whole readings up."
DECODERS = {"greedy": "Greedy", "beam": "Beam search"}
BEAM = "Beam"
BEAM_HINT = "Readings kept a frame. This and what follows is for beam search."
N_BEST = "Readings listed"
LEXICON = "Only words of the model's lexicon"
LEXICON_HINT = "A closed vocabulary: other words are heard as one of these, or not at all."
LEXICON_FILE = "Lexicon (text)"
LM_FILE = "Language model"
HOTWORDS = "Hotwords"
HOTWORDS_HINT = "A word and how much likelier it is, in log units. Press Enter to decode again."
BAD_DECODING = "These words do not fit the model"

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
EVALUATION_DECODER = "{name}, {decoder}"
MORSE_ON_DEMAND = "morse (200 generated messages, made on first use), model {model}"
MAKING_MORSE = "Making its 200 messages, or finding those that were made before"
BAD_EVALUATION = "This evaluation cannot be shown"
NO_EVALUATION = "No evaluation yet"
NO_EVALUATION_HINT = "Start the app with --manifest FILE to evaluate a set of recordings."
NO_SUCH_EVALUATION = "There is no such evaluation. Reload the page."
NO_SUCH_UTTERANCE = "There is no such utterance in this evaluation. Reload the page."
NO_SUCH_SORT = "Cannot sort by {got}. Expected one of: {expected}."
BAD_QUERY = "Expected {expected}, got {got}."
AN_OBJECT = "an object"
FROM_ZERO = "{name} from 0 on"
VALUES_OF = "values of {names}"
CAUSE_OF = "Cause of {n} wrong words"
NO_RECORDING = "This utterance names no recording"
NO_RECORDING_TEXTS = "Said: {}. Heard: {}."
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
    "substitutions": ("✗", "{n} substituted", "Substitutions, S: another word was heard"),
    "deletions": ("−", "{n} missed", "Deletions, D: a word of the reference was not heard"),
    "insertions": (
        "+",
        "{n} added",
        "Insertions, I: a word was heard that is not in the reference",
    ),
}
OF_WORDS = "of {words} words"
OF_WORDS_HINT = "N: the words of all references"
SUMMARY = "Model {model} on the set {name}: {utterances} utterances, {minutes} minutes."
SUMMARY_NO_AUDIO = "Model {model} on the set {name}: {utterances} utterances."
RAW = "{value} % as written"
RAW_HINT = (
    "Of the texts as they were written, case and punctuation counted (95 % interval {low} to {high}"
    " %); the figure above is of both texts after the normaliser “{normaliser}”"
)
SKIPPED = "{skipped} rows of the manifest could not be used."
SYNTHETIC = (
    "These voices are synthetic: speech synthesisers, noise and rooms made by a program. Rates on"
    " real speech are in the model card."
)

OTHER_MODEL = "The evaluation is of the model {evaluated}; picture and times come from {shown}."
OTHER_DECODER = (
    "The evaluation was decoded with {decoder}; picture, paths and times are of the plain decoder."
)
HEARS_NOW = "Heard now: {text}. The diff shows what the evaluation holds."
NOTHING = "nothing"

TABLE = {
    "total": "{first}–{last} of {total} utterances",
    "none": "No utterance matches.",
    "previous": "Previous page",
    "next": "Next page",
    "label": "Utterances. The up and down arrows walk through them.",
    "sort": "Sort the utterances",
    "by": "by {label}",
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
    "n_reference": "Words said",
    "tags": "Your tags",
    "wer": "Word error rate",
    "cer": "Character error rate",
    "confidence": "Lowest confidence",
    "snr_db": "Signal-to-noise ratio",
    "snr_estimate_db": "Signal-to-noise ratio, estimated",
    "clipped_share": "Clipped samples",
    "letters_per_s": "Letters a second of sound",
    "label_suspicion": "Suspicion of the label",
    "level_dbfs": "Level",
    "rt60_s": "Reverberation time",
    "direct_db": "Direct to reverberant sound",
    "rate": "Speaking rate",
    "pitch": "Pitch factor",
    "text_raw": "Reference as written",
    "corpus": "Corpus",
    "speaker": "Speaker",
    "voice": "Voice",
    "engine": "Engine",
    "gender": "Gender",
    "accent": "Accent",
    "kind": "Kind",
    "content": "Content",
    "style": "Style",
    "noise": "Noise",
    "room": "Room",
    "band": "Band",
    "wpm": "Keying speed",
    "spacing_wpm": "Speed with its gaps",
    "dash_ratio": "Dash to dot",
    "tone_hz": "Tone",
    "drift_hz": "Drift of the tone",
    "rise_ms": "Rise time",
    "fading_db": "Depth of fading",
    "clicks_per_s": "Clicks",
    "neighbour_db": "Second station",
    "filter_hz": "Receiver's filter",
}
FIELD_UNITS = {  # by a field's ending, the first that fits
    "_dbfs": "dBFS",
    "_db": "dB",
    "_per_s": "/s",
    "_s": "s",
    "_ms": "ms",
    "_hz": "Hz",
    "wpm": "wpm",
}
FIELD_HINTS = {
    "confidence": "How sure the model was of its least sure word",
    "snr_estimate_db": "From the sound itself",
    "clipped_share": "Share of the samples that lie on a cut-off top of the wave",
    "label_suspicion": "How little the reference fits the sound, in log units a disputed word",
    "level_dbfs": "Relative to full scale: 0 dBFS is the loudest a file can hold",
    "rt60_s": "RT60: how long the room takes to fall by 60 dB",
    "snr_db": "Speech power over noise power; for Morse, the carrier's over the noise in 2500 Hz",
    "wpm": "Words per minute, a word as long as PARIS",
    "spacing_wpm": "Words per minute over all, with Farnsworth's longer gaps",
    "neighbour_db": "Its power over that of the station to read",
}

CAUSES = cause_texts.CAUSES  # in `analysis`, whose report shows them, too
