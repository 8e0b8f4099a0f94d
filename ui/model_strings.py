"""The texts of the Model tab, in English; see strings for all others."""

from ui import strings

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

FOREIGN_FACTS = {
    "network": ("Network", "The name of its class"),
    "source": ("Source", "As the app was given it"),
    **{key: MODEL_FACTS[key] for key in ("parameters", "size", "symbols")},
    "rate": ("Sample rate", "What recordings are resampled to"),
    "band": ("Hears", "Half the sample rate; the model has no features but the samples"),
    "frame": MODEL_FACTS["frame"],
}
FOREIGN_NOTE = (
    "This model was not trained here, so nothing is known here of its training data, its tests or"
    " its limits: see where it comes from. Its confidence is the mean probability of the letters,"
    " not calibrated, and its word times are estimated without knowing its delay."
)
FOREIGN_SYMBOLS = "It writes: {symbols}"

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
    **{name: (short, strings.RATES[name][1]) for name, short in RATES_SHORT.items()},
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
