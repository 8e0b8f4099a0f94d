"""What the checks of `analysis.data_checks` are called, what they found, and what to do about it.

Placeholders are filled with a finding's facts and `count`.
"""

from typing import Any

CHECKS = {  # title, what was found, what to do
    "unreadable": (
        "Unreadable files",
        "{count} recordings cannot be read; {missing} of them are not there at all.",
        "Correct their audio_filepath, or copy or convert the files again.",
    ),
    "skipped_rows": (
        "Manifest rows left out",
        "{count} rows of manifests cannot be read ({splits}).",
        "Each reason is in skipped.jsonl: correct those lines.",
    ),
    "listed_twice": (
        "Files listed twice",
        "{count} rows share {files} files.",
        "Keep one row a file: the others count twice in training and in scores.",
    ),
    "too_short_for_ctc": (
        "Too short for their texts",
        "{count} recordings have fewer output frames than their texts need: CTC cannot learn them.",
        "Correct the text, cut the recording less tightly, or use a model with a smaller stride."
        " Without --model texts are letters, and a frame 40 ms.",
    ),
    "tight_for_ctc": (
        "Hardly long enough for their texts",
        "{count} recordings have less than {ratio} times the output frames that their texts need.",
        "Listen whether the text is what is said; a smaller stride gives them room.",
    ),
    "unknown_to_model": (
        "Texts that the model cannot write",
        "{count} texts have words or characters that the given model has no symbols for.",
        "Correct them, or train a model whose alphabet has them.",
    ),
    "very_short": (
        "Very short recordings",
        "{count} recordings are shorter than {seconds} s.",
        "Listen: a word is hardly ever so short. Remove what was cut off.",
    ),
    "very_long": (
        "Very long recordings",
        "{count} recordings are longer than {seconds:g} s.",
        "Cut them at pauses: one of them fills a batch, and its words are hard to align.",
    ),
    "unusual_length": (
        "Unusual lengths",
        "{count} recordings are much longer or shorter than others of their split with as"
        " many words.",
        "Listen to them: they are often cut wrongly, or of another kind.",
    ),
    "declared_duration": (
        "Durations that are not true",
        "{count} recordings do not last as long as the manifest says.",
        "Write the manifest again from the files, or look for files that were cut or replaced.",
    ),
    "duplicates_in_train": (
        "Test recordings in the training data",
        "{count} recordings, {groups} different ones, are in the training split and in another.",
        "Remove them from training: a score on what was trained on says too little.",
    ),
    "duplicates_in_tests": (
        "Recordings in several tests",
        "{count} recordings, {groups} different ones, are in several splits, though not in"
        " training.",
        "Do not choose a model by one of these splits and report the other.",
    ),
    "duplicates_within": (
        "Recordings several times in a split",
        "{count} recordings are only {groups} different ones.",
        "Remove the copies: they count twice.",
    ),
    "duplicates_disagree": (
        "Copies with different texts",
        "{count} recordings, {groups} different ones, have copies with another text.",
        "Listen, and correct the text that is wrong.",
    ),
    "near_copies_in_train": (
        "Near copies of test recordings in the training data",
        "{count} recordings in {groups} groups are the same sound in training and in another"
        " split, of another level, format or cut.",
        "Listen to the pairs, and remove them from training.",
    ),
    "near_copies_in_tests": (
        "Near copies in several tests",
        "{count} recordings in {groups} groups are the same sound in several splits, though not in"
        " training.",
        "Do not choose a model by one of these splits and report the other.",
    ),
    "near_copies_within": (
        "Near copies in a split",
        "{count} recordings in {groups} groups are the same sound, of another level, format or"
        " cut.",
        "Remove the copies, unless they are meant as augmentation.",
    ),
    "near_copies_disagree": (
        "Near copies with different texts",
        "{count} recordings in {groups} groups are the same sound with different texts.",
        "Listen, and correct the text that is wrong.",
    ),
    "speakers_unknown": (
        "No speakers known",
        "No row says who speaks, so that nobody can see whether test speakers were trained on.",
        "Add a field `speaker`.",
    ),
    "speakers_shared": (
        "Speakers on both sides",
        "{count} held-out recordings are by speakers of the training split ({splits} speakers).",
        "Do not call their score one of unknown voices; split by speaker to learn that.",
    ),
    "texts_shared": (
        "Sentences on both sides",
        "{count} held-out texts of three words or more are training texts too ({splits}).",
        "Split by text, too, if the words shall be heard and not remembered.",
    ),
    "symbols_unseen": (
        "Characters that training lacks",
        "{count} held-out texts have characters that no training text has: {symbols}.",
        "Correct or normalise them, or add training texts: they cannot be learnt.",
    ),
    "words_unseen": (
        "Words that training lacks",
        "{count} held-out texts have {n} different words that no training text has: {words}.",
        "As it should be with an open vocabulary; with a closed one they cannot be right.",
    ),
    "speaker_dominates": (
        "One speaker makes up most",
        "More than half of a split is one speaker's: {shares}.",
        "Give results by speaker, and collect more voices.",
    ),
    "text_dominates": (
        "One text makes up most",
        "More than half of a split has the same text: {shares}.",
        "A model that always says it would look good: balance the texts.",
    ),
    "speech_without_text": (
        "Sound like speech without a text",
        "{count} recordings have no text, and sound that stands out as speech does.",
        "Listen: if something is said, write it down, or remove the recording.",
    ),
    "empty_text": (
        "Empty texts",
        "{count} recordings have no text.",
        "Right for noise in which nobody speaks; else the text was lost.",
    ),
    "invisible_characters": (
        "Invisible or broken characters",
        "{count} texts have control, zero-width or replacement characters.",
        "Remove them; look for a file that was read in the wrong encoding.",
    ),
    "mixed_scripts": (
        "Letters of two alphabets in one word",
        "{count} texts have words of Latin and Cyrillic or Greek letters that look alike.",
        "Type these words again: to a program they are other words.",
    ),
    "not_composed": (
        "Accents apart from their letters",
        "{count} texts are not in Unicode's composed form (NFC).",
        "Normalise them: the same word must have the same characters.",
    ),
    "html": (
        "HTML in texts",
        "{count} texts have HTML tags or entities.",
        "Remove the tags and decode the entities.",
    ),
    "annotations": (
        "Marks in brackets",
        "{count} texts have marks such as [noise], <unk> or (laughter).",
        "Remove them unless a model shall write them.",
    ),
    "digits": (
        "Digits not spelled out",
        "{count} texts have digits.",
        "Write numbers as they are said: 21 may be twenty-one or two one.",
    ),
    "no_letters": (
        "Texts without a word",
        "{count} texts have signs and nothing that can be said.",
        "Write what is said, or remove the recording.",
    ),
    "odd_spaces": (
        "Superfluous spaces",
        "{count} texts have spaces at their ends, several in a row, tabs or line breaks.",
        "Normalise them; a line break may show that rows ran together.",
    ),
    "long_words": (
        "Very long words",
        "{count} texts have a word of 30 letters or more.",
        "Look for lost spaces and for addresses.",
    ),
    "case_style": (
        "Capitals unlike the rest",
        "Most texts are written in one style ({usual}); {count} are not.",
        "They may come from elsewhere; write all in one style unless the normaliser folds case.",
    ),
    "silent": (
        "Silence with a text",
        "{count} recordings have a text, and no sound that could be heard. {speakers}",
        "Remove them: they teach a model to invent words.",
    ),
    "clipped": (
        "Clipped sound",
        "{count} recordings are clipped: the tops of their waves are cut off. {speakers}",
        "Record again at a lower level; what was cut off cannot be restored.",
    ),
    "dropouts": (
        "Gaps in the sound",
        "{count} recordings have digital silence between sounds. {speakers}",
        "Listen for lost words; a noise gate or a bad connection makes such gaps.",
    ),
    "cut_edges": (
        "Cut at full voice",
        "{count} recordings begin or end in the middle of sound. {speakers}",
        "Cut less tightly: first and last sounds may be missing.",
    ),
    "quiet": (
        "Very quiet sound",
        "{count} recordings have speech below -45 dB of full scale. {speakers}",
        "Raise the recording level; normalise it unless the features do.",
    ),
    "noisy": (
        "Noise nearly as loud as speech",
        "{count} recordings have a signal-to-noise ratio below 5 dB. {speakers}",
        "Listen whether the words can be understood; give results with and without them.",
    ),
    "dc_offset": (
        "Waves off centre",
        "{count} recordings have a mean of 0.5 % of full scale or more (DC offset). {speakers}",
        "Take the mean off: it comes from the sound card and costs range.",
    ),
    "narrow_band": (
        "Telephone band in wide-band files",
        "{count} recordings of 12 kHz or more have nothing above 4.5 kHz. {speakers}",
        "They went through a telephone, a headset or a narrow codec; train on such sound if it is"
        " what the model will hear.",
    ),
    "several_channels": (
        "Several channels",
        "{count} recordings have more than one channel; their mean is heard. {speakers}",
        "Check that channels are not different speakers, or cancel each other out.",
    ),
    "too_fast": (
        "Too much text for the sound",
        "{count} texts are longer than anybody could say in the time.",
        "Listen whether the recording is cut, or the text another one's.",
    ),
    "too_slow": (
        "Too little text for the sound",
        "{count} texts are much shorter than what seems to be said.",
        "Listen whether words are missing from the text.",
    ),
    "sample_rates": (
        "Several sample rates",
        "{count} files do not have the usual {rate} Hz ({splits}).",
        "Resampling is done, but upsampled files stay dull; compare their results.",
    ),
    "level_shift": (
        "Another level than in training",
        "Median level in training {train}, in {splits}.",
        "Harmless where features are normalised; otherwise augment with gain.",
    ),
    "snr_shift": (
        "Another noise than in training",
        "Median signal-to-noise ratio in training {train}, in {splits}.",
        "Add noise to the training data, or give results by signal-to-noise ratio.",
    ),
    "bandwidth_shift": (
        "Another band than in training",
        "Median bandwidth in training {train}, in {splits}.",
        "Limit the features to the narrower band, or augment with band filters.",
    ),
}
BY_SPEAKER = "By speaker: {speakers}."


def check_text(check: str, count: int, facts: dict[str, Any]) -> tuple[str, str, str]:
    """Title, what was found, and advice; the last two are empty where nothing was found.

    A check of another version of this program has its name alone.
    """
    title, what, advice = CHECKS.get(check, (check, "", ""))
    if not count:
        return title, "", ""
    told = facts | {"count": count}
    if told.get("speakers"):
        told["speakers"] = BY_SPEAKER.format(speakers=told["speakers"])
    return title, what.format(**told).rstrip(), advice
