"""What a person says a recording holds, against what was heard in it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from asr_core.morse_code import Script, signs_of
from asr_core.transcript import Transcript
from ui import evidence
from ui.evidence import Evidence, Fact

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

MAX_SAID = 5000  # characters


def against(
    recognizer: "Recognizer",
    transcript: Transcript,
    said: str,
    audio_url: str,
    facts: Sequence[Fact] = (),
    script: Script = "latin",
) -> Evidence:
    """The evidence of a recording against a text that someone typed.

    Args:
        recognizer: that made the transcript.
        transcript: of the recording, in the model's own symbols.
        said: the text, in the letters of `script`.
        audio_url: where the page finds the sound.
        facts: what else is known.
        script: the letters in which a model of Morse is read.
    """
    from analysis.recognition import place_reference
    from analysis.scoring import score

    normalise = recognizer.alphabet.normalise
    reference = normalise(signs_of(said[:MAX_SAID], script))
    heard = [(text, word) for word in transcript.words for text in normalise(word.text).split()]
    (scored,) = score([reference], [" ".join(text for text, _ in heard)])
    placed = place_reference(recognizer, reference.split(), transcript)
    return evidence.of_comparison(
        transcript,
        recognizer.contract,
        audio_url,
        scored.edits,
        reference=placed,
        heard={i: word for i, (_, word) in enumerate(heard)},
        facts=facts,
        script=script,
    )
