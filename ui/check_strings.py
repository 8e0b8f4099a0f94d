"""The texts of the checks of data: those of `analysis`, which its commands show, too."""

from analysis import check_texts

CHECKS = check_texts.CHECKS
BY_SPEAKER = check_texts.BY_SPEAKER
UNITS = {"dBFS": "dBFS", "dB": "dB", "Hz": "Hz"}  # as facts have them
CASES = {"lower": "small letters", "UPPER": "capitals", "Mixed": "both"}  # as facts have them
