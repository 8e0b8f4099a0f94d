"""Checks of a set of recordings, each with a verdict: what makes results wrong or training fail.

Each check is a function of the Material that yields findings, "ok" ones too, so that a reader sees
what was looked at; what cannot be looked at, for want of sound or of another split, yields none.
What they are called and what to do about them is in `analysis.check_texts`.
"""

from collections.abc import Iterator

from analysis import duplicate_checks, file_checks, sound_checks, split_checks, text_checks
from analysis.checking import Check, Material
from analysis.description import Finding

__all__ = ["CHECKS", "Material", "findings"]

CHECKS: tuple[Check, ...] = (
    *file_checks.CHECKS,
    *duplicate_checks.CHECKS,
    *split_checks.CHECKS,
    *text_checks.CHECKS,
    *sound_checks.CHECKS,
)


def findings(material: Material) -> Iterator[Finding]:
    """What every check found, in the order of CHECKS."""
    for check in CHECKS:
        yield from check(material)
