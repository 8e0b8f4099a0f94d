"""What the causes of `analysis.causes` are called, what they are, and what to do about them."""

CAUSES = {  # name, what it is, what to do
    "oov": (
        "Unknown word",
        "The reference has a word that the model has no symbols for, so it cannot be written.",
        "Correct its spelling in the reference, or train the model with this word.",
    ),
    "search": (
        "Search or language model",
        "The acoustic model found the reference likelier than what was written; decoding lost it.",
        "Widen the beam, or lower the weights of language model and hotwords.",
    ),
    "speed": (
        "Too fast, or collapsed",
        "The words come too fast for the model's frames, or it wrote nothing where several were"
        " said.",
        "Listen for hurried speech and add it to the training data, or use a smaller stride.",
    ),
    "label": (
        "Suspected label error",
        "The model is sure of what it heard, and the reference hardly fits the sound.",
        "Listen, and correct the reference where it is not what was said.",
    ),
    "signal": (
        "Damaged sound",
        "The sound is noisy, clipped, interrupted, or cut off at its start or end.",
        "Record again with more distance to noise and full scale, or train with such damage.",
    ),
    "acoustic": (
        "Acoustic confusion",
        "No fault can be seen in the sound; the model prefers the wrong word in it.",
        "Collect more voices that say these words, and train on them.",
    ),
}
UNKNOWN = ("Not known", "This evaluation has no recordings to look at, or is older", "")


def cause_text(cause: str | None) -> tuple[str, str, str]:
    """Name, explanation and advice of a cause; None is one that nobody knows."""
    return CAUSES.get(cause or "", UNKNOWN)
