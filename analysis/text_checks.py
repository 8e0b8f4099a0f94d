r"""Checks of texts as the manifest has them: what nobody says, and what looks alike but is not.

Conditions are DuckDB's; its regular expressions are RE2's, which know Unicode's classes.
"""

from collections.abc import Iterator

from analysis.checking import Check, Material, found
from analysis.conditions import literal
from analysis.description import Finding

TAGS = (
    "a|abbr|b|big|br|div|em|font|h[1-6]|i|li|p|small|span|strong|sub|sup|u|ul"  # HTML's commonest
)
HTML = rf"</?(?:{TAGS})(?:\s[^<>]*)?/?>|&(?:[a-z]+|#[0-9]+|#x[0-9a-f]+);"
# Speech in brackets is rare; (laughter), [noise], <unk> and {fw} are what corpora mark.
ANNOTATIONS = r"\[[^\[\]]*\]|<[^<>]+>|\{[^{}]*\}|\([^()]*\)|\*[^* ]+\*"
# Controls but tab and newline, invisible and private characters, and what bad decoding leaves.
INVISIBLE = r"[\x{00}-\x{08}\x{0b}\x{0c}\x{0e}-\x{1f}\x{7f}-\x{9f}\x{fffd}]|[\p{Cf}\p{Co}]"
JOINERS = r"[\x{200c}\x{200d}]"  # which scripts of India and Iran need
MIXED_SCRIPTS = "|".join(
    rf"{a}{b}|{b}{a}"
    for a, b in (
        (r"\p{Latin}", r"\p{Cyrillic}"),
        (r"\p{Latin}", r"\p{Greek}"),
        (r"\p{Cyrillic}", r"\p{Greek}"),
    )
)
LONGEST_WORD = 30  # letters
MAJORITY = 0.9  # of the texts are written in one style, if there is one
SOUND_S, SOUND_SNR_DB = 0.3, 15.0  # of a recording without text that seems to hold speech

PATTERNS = {  # check -> verdict, condition
    "invisible_characters": (
        "error",
        rf"regexp_matches(regexp_replace(text_raw, '{JOINERS}', '', 'g'), '{INVISIBLE}')",
    ),
    "mixed_scripts": ("error", f"regexp_matches(text_raw, '{MIXED_SCRIPTS}')"),
    "not_composed": ("warning", "text_raw <> nfc_normalize(text_raw)"),
    "html": ("error", f"regexp_matches(text_raw, '{HTML}', 'i')"),
    "annotations": (
        "warning",
        f"regexp_matches(regexp_replace(text_raw, '{HTML}', '', 'gi'), '{ANNOTATIONS}')",
    ),
    "digits": ("warning", r"regexp_matches(text_raw, '\p{Nd}')"),
    "no_letters": ("error", "trim(text_raw) <> '' AND text = ''"),
    "odd_spaces": (
        "warning",
        r"trim(text_raw) <> '' AND regexp_matches(text_raw, '^\s|\s$|\s\s|[\t\r\n\p{Zl}\p{Zp}]')",
    ),
    "long_words": (
        "warning",
        "utterance_id IN"
        f" (SELECT utterance_id FROM words WHERE strlen(word) >= {LONGEST_WORD}"
        f" AND length(word) >= {LONGEST_WORD})",
    ),
}
EMPTY = "trim(text_raw) = ''"
STYLE = (
    "CASE WHEN text_raw = lower(text_raw) THEN 'lower' WHEN text_raw = upper(text_raw) THEN 'UPPER'"
    " ELSE 'Mixed' END"
)
HAS_CASE = "lower(text_raw) <> upper(text_raw)"


def patterns(material: Material) -> Iterator[Finding]:
    """Everything that a condition over a text alone can tell."""
    for check, (verdict, where) in PATTERNS.items():
        yield found(material, check, verdict, where)


def empty_texts(material: Material) -> Iterator[Finding]:
    """Recordings without a text; where they sound like speech, it is probably missing."""
    speech = f"sound_s >= {SOUND_S} AND snr_db >= {SOUND_SNR_DB}"
    if material.sound:
        order = "snr_db DESC, position"
        where = f"{EMPTY} AND {speech}"
        yield found(material, "speech_without_text", "warning", where, order=order)
    yield found(material, "empty_text", "warning", EMPTY)


def case_styles(material: Material) -> Iterator[Finding]:
    """Texts written in capitals where most are not, or the reverse."""
    rows = material.store.ask(
        f"SELECT {STYLE} AS style, count(*) AS n FROM utterances WHERE {HAS_CASE}"
        f" GROUP BY {STYLE} ORDER BY count(*) DESC"
    )
    usual = rows[0]["style"] if rows else "lower"
    is_usual = bool(rows) and rows[0]["n"] >= MAJORITY * sum(row["n"] for row in rows)
    where = f"{HAS_CASE} AND {STYLE} <> {literal(usual)}" if is_usual else "false"
    yield found(material, "case_style", "warning", where, {"usual": usual})


CHECKS: tuple[Check, ...] = (empty_texts, patterns, case_styles)
