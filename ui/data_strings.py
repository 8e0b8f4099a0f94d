"""The texts of the Data tab; see strings for all others."""

TAB_DATA = "Data"
DESCRIPTION = "Description"
DESCRIBING = "Describing {name}…"
DESCRIBING_PROGRESS = "{done} of {total} recordings measured"
DESCRIBING_HINT = "Reading the manifests"
NO_DESCRIPTION = "No description yet"
NO_DESCRIPTION_HINT = (
    "Describe your recordings with `python -m analysis describe MANIFEST... --out DIR`, then start"
    " the app with --description DIR; or let the app do it with --describe MANIFEST."
)
BAD_DESCRIPTION = "This description cannot be shown"
NO_SUCH_DESCRIPTION = "There is no such description. Reload the page."
NO_SUCH_RECORDING = "There is no such recording in this description. Reload the page."
UNREADABLE = "This recording cannot be read"
NO_MODEL = "Without a model: sound and picture only. {why}"
PICKING = "Choose a recording"
PICKING_HINT = "Click a row of the table, or walk through its rows with ↑ and ↓."

FILTERS = {
    "search": "Search in the texts",
    "where": "Condition, as SQL",
    "where_example": "snr_db < 5 AND n_words > 3",
    "where_hint": (
        "A condition over the columns of the recordings; the table words can be asked, too:"
        " utterance_id IN (SELECT utterance_id FROM words WHERE word = 'nine')"
    ),
    "apply": "Apply",
    "clear": "Clear the filter",
    "columns": "Columns to ask for",
    "quick": "Quick conditions",
    "shown": "{count} of {total} recordings; the figures and lists below are of these.",
    "everything": "All {total} recordings.",
    "failed": "The server does not answer. Is the app still running?",
    "split_hint": "Show the recordings of this split",
    "checks": "Checks",
    "checks_hint": "Of all recordings, whatever the filter says",
    "show": "Show them",
    "all_ok": "{n} checks found nothing",
    "no_checks": "No check was made.",
}
VERDICTS = {"error": ("✗", "Error"), "warning": ("!", "Warning"), "ok": ("✓", "Nothing found")}
QUICK = {
    "quiet": ("Quiet", "level_dbfs < -40"),
    "noisy": ("Noisy", "snr_db < 10"),
    "clipped": ("Clipped", "clipped_share > 0.001"),
    "narrow": ("Telephone band or narrower", "bandwidth_hz < 4000"),
    "cut": ("Starts in the first sound", "lead_s < 0.02"),
    "silent": ("No sound in it", "sound_s = 0"),
    "long": ("Longer than 20 s", "duration_s > 20"),
    "empty": ("Empty text", "text = ''"),
    "fast": ("Too fast for CTC", "ctc_ratio < 1"),
    "nobody": ("Speaker unknown", "speaker IS NULL"),
    "unreadable": ("Cannot be read", "problem IS NOT NULL"),
}

NUMBERS = {  # name and hint
    "recordings": ("Recordings", "Rows of the manifests that could be read"),
    "hours": ("Hours", "Of sound and silence together"),
    "minutes": ("Minutes", "Of sound and silence together"),
    "speakers": ("Speakers", "As the manifests name them"),
    "words": ("Words", "Of all texts, after normalisation"),
    "different": ("Different words", "The vocabulary of the texts"),
}
SPLIT = ("Split", "One manifest is one split")
ORIGIN = "{name}: what its manifests and recordings hold, measured on {date}."
ORIGIN_SILENT = (
    "{name}: what its manifests say, read on {date}. Recordings were not measured (`--no-sound`):"
    " there is nothing about level, noise or band."
)
ORIGIN_SKIPPED = "{n} rows of the manifests could not be read: see Skipped."
SYNTHETIC = "These voices are synthetic, made by speech synthesisers."

FIGURE_GROUPS = {
    "time": "Length and pace",
    "sound": "Sound",
    "texts": "Texts",
    "files": "Speakers and files",
    "model": "What a model is given",
    "fields": "Fields of the manifests",
}
FIGURES = {  # name, title of the axis, and what it tells
    "duration_s": (
        "Length",
        "seconds",
        "Very long recordings cost memory; who only heard short ones does badly on long ones.",
    ),
    "characters_per_s": (
        "Speaking rate",
        "characters a second of sound",
        "Far above the rest, a text says more than is spoken; far below, less.",
    ),
    "words_per_s": ("Words a second", "words a second of sound", "The same, counted in words."),
    "silence_share": (
        "Silence",
        "% of the recording",
        "What is no sound: much of it slows training and is where words are invented.",
    ),
    "lead_s": (
        "Silence before the first sound",
        "seconds",
        "At zero, the first word may be cut off.",
    ),
    "trail_s": (
        "Silence after the last sound",
        "seconds",
        "At zero, the last word may be cut off.",
    ),
    "level_dbfs": (
        "Level",
        "dBFS, mean of the sound",
        "Relative to full scale; splits of different loudness come from different sources.",
    ),
    "peak_dbfs": ("Peak", "dBFS", "The largest sample; many at 0 dBFS are clipped or were raised."),
    "snr_db": (
        "Signal-to-noise ratio",
        "dB, estimated",
        "A model is only as good in noise as the noise it was trained in.",
    ),
    "noise_dbfs": (
        "Noise",
        "dBFS",
        "Level of what is no sound; at the very bottom it is digital silence.",
    ),
    "clipped_share": (
        "Clipping",
        "% of the samples",
        "Samples on a cut-off top of the wave: recorded too loud.",
    ),
    "dc_offset": (
        "DC offset",
        "% of full scale",
        "The mean of the samples; away from zero, the recorder is faulty and low bands are wrong.",
    ),
    "bandwidth_hz": (
        "Bandwidth",
        "Hz, the highest frequency with a signal",
        "A file with nothing above 3400 Hz went over a telephone, whatever its sample rate says.",
    ),
    "bands_db": (
        "Energy by frequency",
        "Hz",
        "Which band carries the signal: the reason why the features are cut to a part of it.",
    ),
    "n_words": ("Words", "words a text", "Length of the texts."),
    "n_characters": ("Characters", "characters a text", "Length of the texts."),
    "ctc_ratio": (
        "Room for CTC",
        "output frames over the least that the text needs",
        "Left of 1 CTC cannot align the text: such recordings teach nothing.",
    ),
    "speaker": (
        "Speakers",
        "minutes",
        "Who is heard how long; a speaker in two colours is in two splits.",
    ),
    "sample_rate": ("Sample rates", "Hz", "Of the files, before any resampling."),
    "format": ("Formats", "", "Container and coding of the files; lossy ones sound different."),
    "features": (
        "Features before and after normalisation",
        "",
        "Splits that differ above and agree below differ in level only: a model does not hear it.",
    ),
}
MISSING = "not known"
NOTHING = "None of these recordings has a value."
SPACE = "␣ (space)"
FOUND = "Recordings: {n}"
FIELD_HINT = "As the manifests say it."
FIGURE = {
    "heading": "Distributions",
    "choose": "What to show",
    "counts": "Count recordings instead of shares of each split",
    "click": "Click a bar to see and hear its recordings.",
    "table": "The bars as a table",
    "range": "Range",
    "cell": "{range}, {split}: show {n} recordings",
    "failed": "The figure cannot be shown: the server does not answer.",
    "plot": "Figure: {title}",
}
AXES = {
    "share": "%",
    "count": "n",
    "panel": "{split}, {n} recordings",
    "hover": "{range}: {n} recordings, {share} % of the split",
    "hover_speaker": "{range}, {minutes} min, {n} recordings",
    "below": "below {edge}",
    "above": "from {edge}",
    "between": "{low} to {high}",
    "others": "all others",
    "level": "dB of full scale",
    "band": "what the model hears",
    "before": "Log-mel before",
    "after": "After normalisation",
    "x_before": "dB",
    "x_after": "value of a feature",
    "y_features": "% of the values",
}
ALL_DATA = "Of all recordings: the filter does not change this figure."
SPEAKERS_SHOWN = "The {n} speakers with the most sound."
FEWER_SPLITS = "The first {n} splits."

PANELS = {  # in their order: name and hint
    "utterances": ("Recordings", "One row a recording"),
    "words": ("Words", "How often each word is said, and in which splits"),
    "symbols": ("Characters", "How often each character is written, and in which splits"),
    "skipped": ("Skipped", "Rows and recordings that could not be read, with their reasons"),
}
PANEL = {
    "label": "Views of the recordings",
    "loading": "Counting…",
    "none": "Nothing to show for these recordings.",
    "cannot": "This cannot be shown: see the message above.",
    "narrow": "Show these recordings",
    "nothing": "(nothing)",
    "keys": "Keys: J next, K previous · Space plays",
    "lacks": "{split} does not have it",
}
TABLE = {
    "total": "{first}–{last} of {total} recordings",
    "none": "No recording matches.",
    "previous": "Previous page",
    "next": "Next page",
    "label": "Recordings. The up and down arrows walk through them.",
    "sort": "Sort the recordings",
    "by": "by {label}",
    "nothing": "(no text)",
    "columns": {
        "text": ["Text", "As it is trained on, normalised"],
        "split": ["Split", "The manifest that it is from"],
        "speaker": ["Speaker", "As the manifest names them"],
        "duration_s": ["Length, s", "Length in seconds"],
        "level_dbfs": ["Level, dBFS", "Mean level of the sound, relative to full scale"],
        "snr_db": ["SNR, dB", "Signal-to-noise ratio, estimated, in dB"],
    },
}
WORDS = {
    "search": "Find a word",
    "columns": {
        "word": ("Word", ""),
        "count": ("Times", "How often it stands in the texts"),
        "recordings": ("Recordings", "How many have it"),
    },
    "of_split": "Times in {split}",
    "total": "{first}–{last} of {total} words",
}
SYMBOLS = {
    "search": "Find a character",
    "columns": {
        "word": ("Character", ""),
        "count": ("Times", "How often it stands in the texts"),
        "recordings": ("Recordings", "How many have it"),
    },
    "total": "{first}–{last} of {total} characters",
    "capped": "Counted in {n} of the {all} recordings.",
}
SKIPPED = {
    "columns": {
        "split": ("Split", "The manifest"),
        "line": ("Line", "In the manifest"),
        "reason": ("Reason", "Why it could not be read"),
        "raw": ("Row", "What stands there"),
    },
    "unreadable": "Recordings that cannot be read",
    "left_out": "Rows left out",
    "none": "Every row and every recording could be read.",
}

COLUMNS = {  # of the recordings, where FIGURES and FIELDS do not name them
    "position": "Order of the manifests",
    "split": "Split",
    "line": "Line of the manifest",
    "audio_filepath": "File",
    "text": "Text",
    "problem": "Problem",
    "speaker": "Speaker",
    "sample_rate": "Sample rate",
    "format": "Format",
    "channels": "Channels",
    "sound_s": "Sound",
    "start_edge_db": "Level of the first 30 ms",
    "end_edge_db": "Level of the last 30 ms",
    "dropout_s": "Dropouts",
    "burst_db": "Loudest 0.15 s over the noise",
    "speech_share": "Speech",
    "band_edge_db": "Fall at a telephone's upper edge",
    "low_band_db": "Lowest harmonics",
    "hum_db": "Mains hum",
    "rumble_db": "Rumble",
}
OF_MANIFEST = "{label} (manifest)"
COLUMN_HINTS = {
    "sound_s": "Seconds of speech or other sound above the noise",
    "start_edge_db": "Over the level of the sound: near 0 it starts in the middle of a word",
    "end_edge_db": "Over the level of the sound: near 0 it ends in the middle of a word",
    "dropout_s": "Digital silence between sounds",
    "speech_share": "Share of the recording that is as loud as its loudest part, or little less",
    "low_band_db": "Level of a voice's lowest harmonics over that of its loudest ones",
    "hum_db": "Over the speech; at the very bottom there is none",
    "rumble_db": "What never pauses below 80 Hz, over the speech",
}
RANK = "above {p} %"
RANK_HINT = "Higher than in {p} % of the recordings of this description."
