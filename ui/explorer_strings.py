"""The texts of the Errors tab's filter, tables and notes; see strings for all others."""

from analysis import cause_texts

FILTERS = {
    "search": "Search in reference and heard",
    "only_errors": "Only errors",
    "where": "Condition, as SQL",
    "where_example": "snr_db < 5 AND n_reference > 3",
    "where_hint": (
        "A condition over the columns of the utterances; the table errors can be asked, too:"
        " utterance_id IN (SELECT utterance_id FROM errors WHERE heard = 'nine')"
    ),
    "apply": "Apply",
    "clear": "Clear the filter",
    "columns": "Columns to ask for",
    "quick": "Quick conditions",
    "shown": "{count} of {total} utterances; every figure and list is of these.",
    "everything": "All {total} utterances.",
    "failed": "The server does not answer. Is the app still running?",
    "export": "Export these utterances as",
    "format_names": {"report": "report, to hear in any browser"},
    "exporting": "Preparing the file…",
}
QUICK = {
    "empty": ("Nothing heard", "pred_text = ''"),
    "false_alarm": ("Silence heard as words", "text = '' AND pred_text <> ''"),
    "added": ("Words added", "insertions > 0"),
    "missed": ("Words missed", "deletions > 0"),
    "sure": ("Sure and wrong", "errors > 0 AND confidence > 0.9"),
    "unsure": ("Unsure", "confidence < 0.5"),
    "oov": (
        "Words the model does not know",
        "utterance_id IN (SELECT utterance_id FROM errors WHERE cause = 'oov')",
    ),
    "word": ("Contains a word…", "list_contains(string_split(text, ' '), 'seven')"),
    "long": ("Longer than 5 s", "duration_s > 5"),
    "marked": ("Marked by you", "tags IS NOT NULL"),
}

PANELS = {  # in their order: name and hint
    "utterances": ("Utterances", "One row an utterance; the worst first"),
    "causes": ("Causes", "Why words are wrong, the commonest cause first"),
    "recordings": ("Recordings", "What is unusual about the sound, and what it costs"),
    "confusions": ("Confusions", "Which word is heard as which"),
    "words": ("Words", "How often each word is said, heard, and right"),
    "characters": ("Characters", "Which character is written as which"),
    "slices": ("Slices", "Where errors concentrate: error rates by any field"),
    "skipped": ("Skipped", "Rows that could not be scored, with their reasons"),
}
PANEL = {
    "label": "Views of the utterances",
    "loading": "Counting…",
    "none": "Nothing to show for these utterances.",
    "cannot": "This cannot be shown: see the message above.",
    "narrow": "Show these utterances",
    "listen": "Listen to ten",
    "listen_hint": "Plays up to ten of these errors one after the other",
    "listening": "{i} of {n}: said “{said}”, heard “{heard}”",
    "stop": "Stop",
    "no_sound": "None of these has a recording with a known time.",
    "nothing": "(nothing)",
    "keys": "Keys: J next, K previous · Space plays · R plays the wrong word · T notes",
}
CAUSES_TABLE = {
    "columns": {
        "cause": ("Cause", "What the evidence points to; the rules are in analysis/causes.py"),
        "errors": ("Errors", "Wrong words: substituted, missed or added"),
        "share": ("Share, %", "Of all errors of these utterances"),
        "cumulative": ("Sum, %", "Share of this cause and of those above it"),
    },
    "unknown": cause_texts.UNKNOWN,
    "label_errors": "Suspected label errors, the likeliest first",
    "label_errors_hint": "How much better what was heard fits the sound than the reference does",
}
CONFUSION_LISTS = {
    "substitutions": ("Substituted", "Another word was heard: said → heard"),
    "deletions": ("Missed", "Words that were said and not heard"),
    "insertions": ("Added", "Words that were heard and not said"),
}
CONFUSIONS = {
    "pair": ("Said → heard", ""),
    "one": ("Word", ""),
    "columns": {
        "count": ("Times", "How often"),
        "share": ("Share, %", "Of all errors of these utterances"),
    },
    "matrix": "The most confused, said (rows) against heard (columns)",
    "none": "–",
    "cell": "“{said}” heard as “{heard}”: {n}",
    "capped": "Counted in {n} of the {all} utterances with an error.",
    "space": "␣",
}
WORDS = {
    "search": "Find a word",
    "columns": {
        "word": ("Word", ""),
        "said": ("Said", "Times the word stands in a reference"),
        "recall": ("Recall, %", "Of the times it was said, how often it was heard"),
        "heard": ("Heard", "Times the recogniser wrote it"),
        "precision": ("Precision, %", "Of the times it was heard, how often it was said"),
        "errors": ("Errors", "Substituted, missed, or heard where it was not said"),
        "substituted": ("Subst.", "Times another word was heard instead"),
        "deleted": ("Missed", "Times nothing was heard instead"),
        "heard_wrong": (
            "Heard wrongly",
            "Times it was heard where another word, or none, was said",
        ),
    },
    "total": "{first}–{last} of {total} words",
}
SLICES = {
    "field": "By",
    "worst": "Where it is worst",
    "worst_hint": (
        "Groups, and pairs of groups, whose error rate is higher than that of the rest by more than"
        " chance (q: share of false finds among those listed, Benjamini and Hochberg 1995)"
    ),
    "no_worst": "No group is worse than the rest by more than chance.",
    "columns": {
        "label": ("Group", ""),
        "utterances": ("Utterances", ""),
        "wer": ("WER, %", "Word error rate"),
        "interval": ("95 % interval", "By bootstrap over utterances"),
        "share_of_errors": ("Errors, %", "Share of all errors of these utterances"),
        "share_of_words": ("Words, %", "Share of all words of these utterances"),
    },
    "worst_columns": {
        "label": ("Group", ""),
        "utterances": ("Utterances", ""),
        "wer": ("WER, %", "Word error rate"),
        "rest_wer": ("Rest, %", "Word error rate of the other utterances"),
        "excess_errors": ("Excess", "Errors more than the rest's rate would give"),
        "q": ("q", "Corrected for having looked at many groups; below 0.05 is hardly chance"),
    },
    "range": "{low} to {high}",
    "kinds": {"others": "all others", "missing": "not given"},
}
SKIPPED = {
    "columns": {
        "line": ("Line", "In the file that was read"),
        "reason": ("Reason", "Why it could not be scored"),
        "raw": ("Row", "What stands there"),
    },
    "none": "Every row could be scored.",
}
NOTES = {
    "heading": "Your note",
    "tags": {  # what is kept -> what is shown
        "label wrong": "label wrong",
        "noise": "noise",
        "cut off": "cut off",
        "accent": "accent",
        "interesting": "interesting",
    },
    "other": "Other tag",
    "text": "What do you hear?",
    "saved": "Saved",
    "saving": "Saving…",
    "failed": "Not saved: {why}",
    "no_utterance": "There is no such utterance in this evaluation. Reload the page.",
}
