"""Names of models: a folder, a bundled model's name, or `hf:` and one of Hugging Face."""

from pathlib import Path

HUGGING_FACE = "hf:"  # begins the names of models that are not ours: see huggingface


def is_hugging_face(given: str | Path) -> bool:
    """Whether a model's name is that of a Hugging Face model."""
    return str(given).startswith(HUGGING_FACE)


def hugging_face_folder(given: str) -> Path | None:
    """The folder of a Hugging Face model; None of one that is on the Hub."""
    folder = Path(given.removeprefix(HUGGING_FACE)).expanduser()
    return folder if folder.is_dir() else None


def hugging_face_name(given: str) -> str:
    """What a Hugging Face model is called: its folder's name, or its name on the Hub."""
    folder = hugging_face_folder(given)
    return given.removeprefix(HUGGING_FACE) if folder is None else folder.resolve().name
