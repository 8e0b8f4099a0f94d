"""Kaldi's data folders (Povey et al. 2011): tables of a key and what belongs to it, a line each."""

from pathlib import Path

from asr_core.manifest import ManifestError


def read_table(path: Path, expected: str = "a table of Kaldi's, in UTF-8") -> dict[str, str]:
    """A key, white space, the rest of the line.

    Args:
        path: the table.
        expected: what the error says that the file should be.

    Raises:
        ManifestError: the table is missing, or cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as e:
        raise ManifestError(f"Cannot read {path}: {e}. Expected {expected}.") from e
    pairs = (line.strip().split(maxsplit=1) for line in lines if line.strip())
    return {key: "".join(rest) for key, *rest in pairs}
