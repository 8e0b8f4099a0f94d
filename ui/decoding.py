"""How the recording shown is decoded: the controls, and the choice that they stand for."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from asr_core.decoding import SHIPPED, DecodingConfig, build_decoder, parse_hotwords
from ui import strings

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

GREEDY = DecodingConfig()
MAX_HOTWORDS = 2000  # characters
WIDEST = 100  # readings a frame; past that a recording of minutes takes too long
MOST = 20  # readings listed
LISTED = 5  # of them at first


@dataclass(frozen=True)
class Controls:
    """The parts on the page: `values` in the order of `choice`'s parameters."""

    values: tuple[gr.Radio, gr.Slider, gr.Slider, gr.Checkbox, gr.Textbox, gr.File, gr.File]
    lexicon: gr.Checkbox  # among them; hidden where the model has no lexicon
    error: gr.HTML
    chosen: gr.State  # the DecodingConfig in use


def build() -> Controls:
    """Put the controls on the page, folded up."""
    with gr.Accordion(strings.DECODING, open=False, elem_id="decoding"):
        decoder = gr.Radio(
            [(strings.DECODERS[name], name) for name in ("greedy", "beam")],
            value=GREEDY.decoder,
            label=strings.DECODER,
            info=strings.DECODER_HINT,
            elem_id="decoder",
        )
        beam = gr.Slider(1, WIDEST, GREEDY.beam, step=1, label=strings.BEAM, info=strings.BEAM_HINT)
        n_best = gr.Slider(1, MOST, LISTED, step=1, label=strings.N_BEST)
        lexicon = gr.Checkbox(
            label=strings.LEXICON, info=strings.LEXICON_HINT, visible=False, elem_id="lexicon"
        )
        hotwords = gr.Textbox(
            label=strings.HOTWORDS,
            info=strings.HOTWORDS_HINT,
            placeholder="stop=2.0, go=1.5",
            max_length=MAX_HOTWORDS,
            elem_id="hotwords",
        )
        with gr.Row():
            lexicon_file = gr.File(
                label=strings.LEXICON_FILE, file_types=[".txt"], height=180, elem_id="lexicon-file"
            )
            lm_file = gr.File(
                label=strings.LM_FILE, file_types=[".arpa", ".bin"], height=180, elem_id="lm-file"
            )
        error = gr.HTML(elem_id="decoding-error")
    values = decoder, beam, n_best, lexicon, hotwords, lexicon_file, lm_file
    return Controls(values, lexicon, error, gr.State(GREEDY))


def choice(
    decoder: str,
    beam: float,
    n_best: float,
    lexicon: bool,
    hotwords: str,
    lexicon_file: str | None = None,
    lm_file: str | None = None,
) -> DecodingConfig:
    """What the controls stand for (raises DecodingConfigError).

    Greedy decoding has no choices: what the other controls say waits for beam search. A lexicon
    that was given as a file goes before the model's own.
    """
    if decoder == "greedy":
        return GREEDY
    given = [part for part in hotwords.replace("\n", ",").split(",") if part.strip()]
    return DecodingConfig.checked(
        decoder=decoder,
        beam=beam,
        n_best=min(n_best, beam),
        lexicon=lexicon_file or (SHIPPED if lexicon else None),
        lm=lm_file,
        hotwords=parse_hotwords(given),
    )


def applied(recognizer: "Recognizer", config: DecodingConfig) -> "Recognizer":
    """The recogniser with the decoder chosen (raises ValueError, see `build_decoder`).

    Greedy is how a recogniser was loaded. A model without a lexicon of its own is asked for none:
    its page does not show that choice.
    """
    if config == GREEDY:
        return recognizer
    shipped = recognizer.lexicon_path
    if shipped is None and config.lexicon == SHIPPED:
        config = config.model_copy(update={"lexicon": None})
    try:
        decoder = build_decoder(config, recognizer.alphabet, shipped)
    except ValueError as e:
        raise type(e)(_without_folders(str(e), config)) from e
    return recognizer.decoding_with(decoder)


def _without_folders(message: str, config: DecodingConfig) -> str:
    """A message that names files as the person does who gave them."""
    for path in filter(None, (config.lexicon, config.lm)):
        message = message.replace(path, Path(path).name)
    return message


def wrong(reason: object) -> str:
    """An error as the page shows it, below the controls."""
    return f'<p class="mh-wrong" role="alert">{html.escape(str(reason))}</p>'


def events(controls: Controls) -> Sequence[object]:
    """The triggers after which the recording is decoded anew."""
    decoder, beam, n_best, lexicon, hotwords, *files = controls.values
    return [
        decoder.input, beam.release, n_best.release, lexicon.input, hotwords.submit, hotwords.blur,
        *(event for file in files for event in (file.upload, file.clear)),
    ]  # fmt: skip
