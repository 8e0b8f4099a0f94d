"""Every text of the evidence view, ready for translation."""

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
    "passages": "The recording, passage by passage. Choose one to see and hear it",
    "passage": "Show and hear {start} to {end}",
    "stop": "Stop and keep what is done",
    "progress": "How much was transcribed",
}

BLANK_NAME = "blank"

DOWNLOAD_GONE = "There is no such transcript here, or no such format."

# ---- Paths: of what was said and of what was heard --------------------------------------------

QUOTED = "“{word}”"
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
