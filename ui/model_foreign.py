"""The Model tab of a model that was not trained here: what is known without our model folder."""

from html import escape
from typing import TYPE_CHECKING

from ui import model_strings, strings
from ui.language import count
from ui.model_tables import facts_html, milliseconds

if TYPE_CHECKING:
    from asr_core.recognizer import Recognizer

MOST_LISTED = 100  # symbols


def foreign(recognizer: "Recognizer") -> str:
    """Its figures, its symbols, and what this page cannot tell, as HTML."""
    contract, network, units = recognizer.contract, recognizer.model, strings.UNITS
    band = model_strings.RANGE.format(low=0, high=count(recognizer.sample_rate // 2))
    values = {
        "network": contract.provenance["network"],
        "source": contract.provenance["source"],
        "parameters": count(network.n_parameters),
        "size": f"{network.n_bytes / 1e6:,.2f} {units['mb']}",
        "symbols": count(len(contract.alphabet)),
        "rate": f"{count(recognizer.sample_rate)} {units['hz']}",
        "band": f"{band} {units['hz']}",
        "frame": milliseconds(recognizer.frame_s),
    }
    symbols = [symbol for symbol in contract.alphabet.symbols if symbol.strip()]
    listed = " ".join(symbols[:MOST_LISTED]) + (" …" if len(symbols) > MOST_LISTED else "")
    shown = facts_html(contract.name, model_strings.FOREIGN_FACTS, values)
    return (
        f'{shown}<p class="mh-foreign">{escape(model_strings.FOREIGN_NOTE)}</p>'
        f'<p class="mh-foreign">{escape(model_strings.FOREIGN_SYMBOLS.format(symbols=listed))}</p>'
    )
