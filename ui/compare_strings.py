"""The texts of the Compare tab; see strings for all others."""

A_LABEL = "A: the one to compare with"
B_LABEL = "B: is it better?"
SIDE = "{side}: {name}"

ALONE = "Nothing to compare yet"
ALONE_HINT = (
    "Two evaluations of the same recordings are needed: of two models, or of one model with two"
    " decoders. For example:\n"
    "python -m analysis evaluate --model spoken --manifest FILE --out runs/eval-greedy\n"
    "python -m analysis evaluate --model spoken --manifest FILE --decoder beam --lexicon model"
    " --out runs/eval-beam\n"
    "python app.py --evaluation runs/eval-greedy --evaluation runs/eval-beam"
)
NOT_OFFERED = "Not offered beside A: {reasons}."
REASON = "{name} ({why})"
NOT_MADE = "not made yet; the Errors tab makes it"
FAILED = "failed"
NOTHING_COMMON = "no utterance in common"

FEWER = "B makes fewer errors than A: {b} instead of {a}, in {words} words."
MORE = "B makes more errors than A: {b} instead of {a}, in {words} words."
EQUAL = "B makes as many errors as A: {b} in {words} words."
WER = "WER {a} → {b} %, a difference of {difference} points (95 % interval {low} to {high})."
WER_HINT = (
    "Word error rate. The interval is of the difference: another set of utterances of the same"
    " kind would give a difference in it in 95 of 100 cases (paired bootstrap, Bisani and Ney 2004)"
)
CHANCE = "This could be chance ({p})."
NO_CHANCE = "This is hardly chance ({p})."
P = "p\u00a0=\u00a0{p}"
P_LEAST = "p\u00a0<\u00a0{p}"
P_HINT = (
    "p: how often two systems that are equally good would differ at least this much. From 0.05 on"
    " it is called chance. Matched-pairs test on {n} stretches of words where either errs (MAPSSWE,"
    " Gillick and Cox 1989)"
)
P_HINT_EXACT = "{hint}; exact, because there are so few."
RATE_AND_INTERVAL = "{value} ({low}–{high})"
DIFFERENCE = "{difference} ({low} to {high})"

FACTS = {
    "cer": ("Character error rate", "{a} → {b} %, {difference} ({low} to {high})"),
    "ser": ("Utterances with an error", "{a} → {b} %, {difference} ({low} to {high})"),
    "improvement": ("B is better in", "{share} % of resamples"),
    "mcnemar": ("Wholly right in one only", "A {a}, B {b} ({p})"),
    "words": ("Words", "{fixed} fixed, {introduced} introduced, {both_wrong} wrong in both"),
    "insertions": ("Words added", "{a} → {b}"),
    "left_out": ("Left out", "{reasons}"),
}
FACT_HINTS = {
    "cer": "CER, the difference in points, and its 95 % interval",
    "ser": "SER, the difference in points, and its 95 % interval",
    "improvement": "Probability of improvement: in how many of 1000 resamples of the utterances B"
    " has the lower WER",
    "mcnemar": "Utterances that one system has wholly right and the other has not, and McNemar's"
    " exact test of that",
    "words": "Words of the references: fixed are those wrong in A and right in B, introduced those"
    " right in A and wrong in B",
    "insertions": "Words that were heard and not said, in A and in B",
    "left_out": "Only utterances that both have with the same reference are compared",
}
LEFT_OUT = {
    "only_a": "{n} in A only",
    "only_b": "{n} in B only",
    "other_reference": "{n} with another reference",
}

COMPARISON = {
    "loading": "Comparing…",
    "no_answer": "The server does not answer. Is the app still running?",
    "systems": "All systems on the {utterances} utterances, {words} words, that they share",
    "choose": "Compare A with this one",
    "bar": "Utterances by who has fewer errors",
    "fixed": "Most fixed words",
    "introduced": "Most introduced words",
    "words_hint": "Words of the references, by how much oftener B put them right than wrong; a"
    " click shows their utterances",
    "n_fixed": "{n} fixed",
    "n_introduced": "{n} introduced",
    "no_words": "none",
    "only_word": "“{word}” {change}",
    "changes": {"fixed": "fixed", "introduced": "introduced"},
    "every_word": "Show all words",
    "filters": "Which utterances",
    "list": "Utterances, the largest difference first. The up and down arrows walk through them.",
    "columns": [
        ["What A and B heard", "The reference, with what was heard instead"],
        ["Errors", "Errors of A → errors of B"],
        ["Difference", "Errors of B minus errors of A"],
    ],
    "sides": ["A", "B"],
    "total": "{first}–{last} of {total} utterances",
    "none": "No utterance is like this.",
    "previous": "Previous page",
    "next": "Next page",
    "nothing": "(nothing)",
}
OUTCOMES = {  # sign, name and hint; the first four are the bar
    "won": ("▲", "B better", "B has fewer errors than A"),
    "right": ("✓", "Both right", "No error in either"),
    "tied": ("=", "As many errors", "Both err, equally often"),
    "lost": ("▼", "B worse", "B has more errors than A"),
    "both_wrong": ("✗", "Both wrong", "Both err, equally often or not"),
}
EVERY_OUTCOME = ("", "All", "All utterances that both have")
SYSTEM_COLUMNS = {
    "system": ("System", ""),
    "wer": ("WER, %", "Word error rate, and its 95 % interval"),
    "cer": ("CER, %", "Character error rate"),
    "ser": ("SER, %", "Utterances with an error"),
    "difference": (
        "To the first, points",
        "Its WER minus that of the first system, and the 95 % interval of that",
    ),
    "p": (
        "p",
        "How often equal systems would differ as much: matched-pairs test, corrected for the"
        " number of systems (Holm). Below 0.05 it is hardly chance",
    ),
}
