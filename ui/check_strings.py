"""The texts of the checks of data: those of `analysis`, which its commands show, too."""

from analysis import check_texts

CHECKS = check_texts.CHECKS
