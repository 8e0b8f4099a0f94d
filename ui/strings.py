"""Every text a person reads in the app, in one place, ready for translation."""

PRODUCT = "Misheard"
TAGLINE = "Hear, see and explain what a speech recogniser got wrong."

TAB_RECOGNISE = "Recognise"
TAB_ERRORS = "Errors"
TAB_MODEL = "Model"

WORD_GAP = "gap"  # between words: the name of a model's symbol for it

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
    "hint": "Click a word to hear it. On the picture: Space plays, ← → move, + − 0 zoom.",
    "heard_word": "“{word}” heard from {start} to {end} s, {sure} % confidence",
    "reference_word": "“{word}” expected, from about {start} to {end} s",
    "no_place": "“{word}” has no place in the sound: the model does not know the word, or no "
    "alignment exists.",
    "no_word": "no word",
    "sides": {"reference": "Reference", "heard": "Heard"},
    "side_hints": {
        "reference": "The reference: the text that comes with the recording, placed in time by "
        "forced alignment",
        "heard": "The hypothesis: what the model made of the recording",
    },
    "ops": {"substitute": "substituted", "delete": "missed", "insert": "added"},
    "hertz": "Hz",
    "seconds": "s",
    "zoom": "Zoom",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "zoom_whole": "Whole",
    "zoom_whole_hint": "The whole recording",
    "zoom_word": "This word",
    "zoom_word_hint": "The word that was clicked last",
    "zoom_region": "Where they part",
    "zoom_region_hint": "The next place where the paths of reference and heard part",
    "belief": "How probable the model held each symbol, frame by frame",
    "belief_hint": "The emission: in each frame of {frame} ms the model shares out 100 % among its "
    "symbols and the blank. The higher the bar, the more probable.",
    "gap": WORD_GAP,
    "gap_sign": "␣",
    "rests": "others",
    "rests_hint": "All symbols that have no row of their own, together",
    "blank_hint": "The blank of CTC: “nothing new is written here”",
    "symbol_hint": "“{symbol}”: the bar's height is its probability in each frame",
    "at": "“{symbol}” at {time} s: {percent} %",
    "best_at": "{time} s: {symbols}",
    "best_symbol": "“{symbol}” {percent} %",
    "run": "“{symbol}” written from {start} to {end} s; {percent} % probable there. A model of "
    "this kind writes a symbol in a few frames near its sound, often some time after it.",
    "paths": {
        "reference": [
            "Reference",
            "The reference's path: the most probable way to write, frame by "
            "frame, what was said (forced alignment)",
        ],
        "heard": ["Heard", "The path of what was heard: the frames in which the model wrote it"],
        "both": [
            "Heard",
            "The path of what was heard. It is also the greedy path: it takes "
            "the most probable symbol of every frame",
        ],
        "greedy": [
            "Greedy",
            "The greedy path: the most probable symbol of every frame, whatever "
            "the decoder made of them",
        ],
    },
    "a_frame": "/ frame",
    "a_frame_hint": "Mean log-probability of a frame on this path, in nats: 0 is certain, −0.69 "
    "is a probability of one half. All frames together: {total}.",
    "parts": "They part",
    "part_title": "Where reference and heard part",
    "part_hint": "Marked and numbered across the rows. Nats are natural logarithms of "
    "probability: each nat more makes a path 2.7 times less likely.",
    "part_button": "From {start} to {end} s",
    "delay": "This model writes a word about {delay} s after the middle of its sound, so the "
    "lower rows run behind the picture by about that much.",
    "download": "Download",
    "download_hint": "The transcript as a text file",
    "download_failed": "This transcript is no longer kept. Transcribe the recording again.",
    "formats": {
        "json": ["JSON", "Words and symbols with times and confidence, for programs"],
        "ctm": ["CTM", "A line a word: what sclite and other scorers read"],
        "textgrid": ["TextGrid", "Tiers of words and symbols for Praat"],
        "srt": ["SRT", "Subtitles for video players"],
        "vtt": ["VTT", "Subtitles for web pages"],
        "labels": ["Labels", "A label track for Audacity"],
    },
    "readings": "Other readings",
    "readings_hint": "The decoder's n best readings. Words that differ from the best are marked.",
    "reading_columns": [
        ["Reading", "Marked: ✗ another word, − a word less, + a word more than the best reading"],
        ["Share", "Posterior: its share of the probability of all these readings"],
        ["Score", "What readings are ranked by: log-probability plus language model and hotwords"],
        ["Log-prob.", "What the model alone gives the reading, in nats"],
    ],
}

BLANK_NAME = "blank"

DOWNLOAD_GONE = "There is no such transcript here, or no such format."

# ---- Paths: of what was said and of what was heard --------------------------------------------

CANNOT_WRITE = (
    "This model has no symbols for {words}, so no path through the frames spells the reference."
)
NO_PATH = "No path through the frames spells the reference. {why}"
TOO_LONG_TO_ALIGN = (
    "This recording is too long to lay the whole reference over its frames here. Cut it into parts."
)
UNKNOWN_WORDS = (
    "The model does not know {words}: the path of the reference takes its symbol for any other "
    "word, {symbol}, instead."
)
PART_WORDS = "“{said}” was said, “{got}” was heard"
PART_SAID_ONLY = "“{said}” was said, and nothing was heard"
PART_HEARD_ONLY = "nothing was said, and “{got}” was heard"
PART_TIMES = "The same symbols, in other frames"
COST_NONE = "Both are equally likely to the model."
COST = "Writing the reference instead costs {nats:.1f} nats: the model held it {times} less likely."
GAIN = "The model itself gave the reference {nats:.1f} nats more: {times} more likely."
TIMES = "{times} times"
MILLIONS = "more than a million times"
NEVER_PART = "The reference takes the same path as what was heard: here the model was right."
PART_ONCE = "The paths part in one place:"
PART_SUMMARY = (
    "The paths part in {n} places. Writing the whole reference instead costs {nats:.1f} nats."
)

# ---- Recognise --------------------------------------------------------------------------------

RECORDER = "Speak, or drop a file"
MODEL = "Model"
SCRIPT = "Letters"
SCRIPT_HINT = "A Morse sign stands for a Latin or a Cyrillic letter"
SCRIPTS = {"latin": "Latin", "cyrillic": "Cyrillic"}
EXAMPLES = {"heading": "Or listen to an example (synthetic)"}

SAID = "What was said?"
SAID_HINT = "Type it to see where the model went wrong, and what your words would have cost it"
COMPARE = "Compare"

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
MORSE_ON_DEMAND = "morse (200 generated messages, made on first use), model {model}"
MAKING_MORSE = "Making its 200 messages, or finding those that were made before"
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
FIELD_HINTS = {
    "confidence": "How sure the model was of its least sure word",
    "level_dbfs": "Relative to full scale: 0 dBFS is the loudest a file can hold",
    "rt60_s": "RT60: how long the room takes to fall by 60 dB",
    "snr_db": "Speech power over noise power; for Morse, the carrier's over the noise in 2500 Hz",
    "wpm": "Words per minute, a word as long as PARIS",
    "spacing_wpm": "Words per minute over all, with Farnsworth's longer gaps",
    "neighbour_db": "Its power over that of the station to read",
}

# ---- Model ------------------------------------------------------------------------------------

NO_TRAINING = "No model to show"
NO_TRAINING_HINT = "Start the app with --model DIR or --run DIR."
NO_SUCH_TRAINING = "There is no such model or run. Reload the page."
READING_MODEL = "Reading the model…"
DAMAGED = "Something in this folder cannot be read"
BAD_JSON = "{file} is not a JSON object: {why}."
BAD_CONFIG = "{file} does not describe a model of this version: {why}"
BAD_METRICS = "metrics.json has no results as `python -m analysis card` writes them."
NO_MODEL_YET = "No model yet"
NO_MODEL_YET_HINT = (
    "The model and what describes it are written when the first epoch is done. Expected them in"
    " {folder}."
)
NO_CARD = (
    "No model card yet. `python -m analysis card --model DIR EVALUATION...` makes it from"
    " evaluations."
)
SEED_NAME = "{name}, seed {seed}"

MODEL_FACTS = {
    "parameters": ("Parameters", "Numbers that training has set"),
    "size": ("Size", "The file of the weights"),
    "symbols": ("Symbols", "What the model can write, the blank of CTC included"),
    "band": ("Hears", "The band of frequencies that the features cover"),
    "frame": ("A decision every", "The time from one frame of the output to the next"),
    "best": (
        "Validation WER",
        "While training, on the validation set, of the epoch whose weights were kept",
    ),
}

RUN_STATES = {
    "waiting": "No epoch is done yet",
    "running": "Training: {done} epochs done",
    "running_of": "Training: {done} of {total} epochs done",
    "stalled": "No new epoch for {age}",
    "finished": "Training is finished after {done} epochs",
}
RUN_WAITING_HINT = "Nothing to read in {folder}/training.csv. This page looks every {every:.0f} s."
RUN_STALLED_HINT = "{done} epochs are done. If training was stopped, it goes on with --resume."
RUN_FACTS = {
    "epoch": "{time} an epoch",
    "left": "about {time} left",
    "wer": "validation WER {wer} %",
    "best": "lowest {wer} % in epoch {epoch}",
}
LAST_SAMPLES = "What the last validation heard"
MINUTES = "{minutes} min"
HOURS = "{hours} h {minutes:02d} min"
SECONDS = "{seconds:.0f} s"

CURVES_HEADING = "How it learned"
CURVES = {
    "y": "Loss (solid: validation, dotted: training)",
    "y2": "Validation word error rate, %",
    "y3": "Learning rate",
    "x": "Epoch, counted from 0",
    "hover": "Epoch %{x}",
    "loss": "training loss",
    "val_loss": "validation loss",
    "val_wer": "WER, %",
    "val_cer": "CER, %",
    "lr": "learning rate",
}
NO_CURVES = "No curves: there is no training.csv in this folder, or no epoch in it."

RESULTS_HEADING = "How good it is"
RATES_SHORT = {"wer": "WER, %", "cer": "CER, %", "ser": "With an error, %"}
RESULTS_COLUMNS = {
    "set": ("Set", "Recordings to test on; the card tells what each set is"),
    **{name: (short, RATES[name][1]) for name, short in RATES_SHORT.items()},
    "utterances": ("Utterances", "Recordings in the set"),
    "words": ("Words", "Words of all references"),
}
SLICE_COLUMNS = {key: RESULTS_COLUMNS[key] for key in ("wer", "cer", "utterances")}
SLICE_HINT = "A field of the set's manifest"
SLICES_TITLE = "{name} by {fields}"
NO_VALUE = "none"
RESULTS_NOTE = (
    "Below each rate its {level:.0f} % interval: another set of the same kind would give a rate in"
    " this range in {level:.0f} of 100 cases (bootstrap over {over}). What each set is stands"
    " below, in the card."
)
RESULTS_COMMANDS = "The command that makes each line"
NO_RESULTS = "Not tested yet. `python -m analysis evaluate` and then `card` make this table."
RANGE = "{low} to {high}"

CONFIDENCE_HEADING = "How far its confidence can be trusted"
CONFIDENCE_INTRO = (
    "Of the words it is 80 % sure of, 80 of 100 should be right: then a point lies on the dashed"
    " line. Below the line the model is too sure of itself, above it not sure enough. The grey bars"
    " show what share of the words has that confidence; the thin lines are 95 % intervals, long"
    " where there are few words."
)
CONFIDENCE_COLUMNS = {
    "set": ("Set", "As in the table of results"),
    "nce": (
        "NCE",
        "Normalised cross entropy: 1 if the confidence tells of every word whether it is right, 0"
        " if it tells no more than the share of right words, below 0 if it misleads",
    ),
    "ece": (
        "ECE, %",
        "Expected calibration error: how far confidence and share of right words are apart, in the"
        " mean over words, in ten bins of equal width",
    ),
    "auc": (
        "AUC",
        "How often a right word has more confidence than a wrong one: 0.5 is chance, 1 always",
    ),
    "right": ("Right, %", "Share of the words heard that were said"),
    "words": ("Words heard", "Words that were missed have no confidence"),
}
RELIABILITY = {
    "x": "Confidence, %",
    "y": "Right, %",
    "hover": (
        "{words} words ({part:.0f} %) with {low:.0f} to {high:.0f} % confidence, {mean:.1f} % in"
        " the mean<br>{right} right: {share:.1f} % (95 % interval {share_low:.0f} to"
        " {share_high:.0f} %)"
    ),
}

ARCHITECTURE_HEADING = "What it is made of"
ARCHITECTURE_COLUMNS = {
    "part": ("Part", ""),
    "kernel": ("Kernel", "How much of its input one convolution covers"),
    "stride": ("Stride", "Frames of the input from one frame of the output to the next"),
    "channels": ("Channels", "Numbers in each frame of the output"),
    "sees": (
        "Sees",
        "Receptive field so far: how much of the recording one frame of the output depends on",
    ),
    "parameters": ("Parameters", "Numbers that training has set"),
    "share": ("Share", "Of all parameters"),
}
PARTS = {
    "features": "Log-mel features",
    "bands": "Bands around the loudest of the recording",
    "convolution": "Convolution",
    "block": "Block {n}: {repeats} separable convolutions",
    "block_1": "Block {n}: a separable convolution",
    "gru": "GRU, both directions",
    "output": "Output: a symbol or the blank",
    "total": "All",
}
WINDOW = "window"
FRAMES = "{frames} frames"
FRAMES_1 = "1 frame"
WHOLE = "everything"
ARCHITECTURE_NOTE = (
    "Frames of the column “Sees” are feature frames, {hop} apart. Not counted there: the features"
    " are scaled by the loudest and the quietest of the whole recording."
)
GRU_NOTE = (
    "The GRU runs over the whole recording in both directions, so that from there on every frame"
    " depends on everything."
)

CARD_HEADING = "What it learned from, and its limits"
RECORD_HEADING = "How it was trained"
NO_RECORD = "This model's folder does not say how it was trained."
AVERAGE = "The weights are the mean of those of the runs {runs}."
RUN_NUMBER = "Run {n}"
RECORD_ROWS = {
    "name": "Recipe",
    "seed": "Seed",
    "began": "Began with",
    "length": "Planned length",
    "optimiser": "Optimiser",
    "scheduler": "Learning rate",
    "train": "Training data",
    "validation": "Validation data",
    "commit": "Program version (commit)",
    "versions": "Packages",
}
FRESH = "fresh weights"
WEIGHTS_OF = "weights of run {n}"
LENGTH = "{epochs} epochs of {batches} batches of {batch_size}"
FINGERPRINT_HINT = "SHA-256 of the texts and file names: {sha256}"
RECIPE = "The recipe"
RECIPE_OF = "The recipe of run {n}"
