"""How log_probs become text: the choices that a person has, checked, and the decoder they make."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from asr_core.digests import file_sha256
from asr_core.lexicon import LexiconError, check_words, read_lexicon
from asr_core.text import Alphabet

if TYPE_CHECKING:  # a command line reads its options without what decodes
    from pydantic_core import ErrorDetails

    from asr_core.decoder import Decoder

SHIPPED = "model"  # as a lexicon: the one in the model's folder
MAX_BOOST = 20.0  # log units; one word in 5e8 becomes certain

Boost = Annotated[float, Field(ge=-MAX_BOOST, le=MAX_BOOST, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class DecodingConfigError(ValueError):
    """A choice of decoding that makes no sense, by itself or for the model."""


class DecodingConfig(BaseModel):
    """The decoder and what it takes into account (see `BeamSearch` and `WordScorer`).

    `lexicon` is a file, or "model" for the one that the model's folder holds; `lm` is a file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decoder: Literal["greedy", "beam"] = "greedy"
    beam: Annotated[int, Field(ge=1, le=1000)] = 20
    n_best: Annotated[int, Field(ge=1, le=1000)] = 1
    lexicon: str | None = None
    lm: str | None = None
    lm_weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.5
    word_bonus: Finite = 0.0
    hotwords: dict[str, Boost] = {}

    @model_validator(mode="after")
    def _is_sound(self) -> "DecodingConfig":
        given = [name for name in type(self).model_fields if getattr(self, name) != _default(name)]
        if self.decoder == "greedy" and given:
            raise ValueError(f"{given[0]} needs beam search: give the decoder beam, too")
        if self.n_best > self.beam:
            raise ValueError(f"a beam of {self.beam} holds no {self.n_best} readings; widen it")
        if self.lm is None and "lm_weight" in given:
            raise ValueError("lm_weight needs a language model; give its file as lm")
        return self

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # pydantic's own fails over hotwords, a dict

    @classmethod
    def checked(cls, **values: Any) -> "DecodingConfig":
        """A configuration of these values, those that are None left out.

        Raises:
            DecodingConfigError: what is wrong, in one line.
        """
        try:
            return cls(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as e:
            raise DecodingConfigError("; ".join(_in_a_line(error) for error in e.errors())) from e


def _in_a_line(error: "ErrorDetails") -> str:
    """One of pydantic's errors: which value, what was expected, and what it got."""
    message = error["msg"].removeprefix("Value error, ")
    where = ".".join(map(str, error["loc"]))
    return f"{where}: {message}, got {error['input']!r}" if where else message


def _default(name: str) -> Any:
    return DecodingConfig.model_fields[name].default


def parse_hotwords(options: Iterable[str]) -> dict[str, float]:
    """`stop=2.0`, a word and what it is worth in log units, each (raises DecodingConfigError)."""
    hotwords: dict[str, float] = {}
    for option in options:
        word, _, boost = (part.strip() for part in option.rpartition("="))
        try:
            value = float(boost)
        except ValueError:
            value = None
        if not word or value is None:
            raise DecodingConfigError(
                f"Expected a hotword and its boost, as stop=2.0, got {option.strip()!r}."
            )
        if word in hotwords:
            raise DecodingConfigError(f"The hotword {word!r} is given twice. Give it once.")
        hotwords[word] = value
    return hotwords


def build_decoder(
    config: DecodingConfig, alphabet: Alphabet, shipped_lexicon: Path | None = None
) -> "Decoder":
    """The decoder of a configuration, for a model.

    Args:
        config: what was chosen.
        alphabet: of the model.
        shipped_lexicon: the lexicon in the model's folder, if there is one.

    Raises:
        DecodingConfigError: the model has no lexicon of its own, it cannot write a hotword, or
            flashlight-text is not installed.
        LexiconError: the lexicon cannot be read, or the model cannot write a word of it.
        LanguageModelError: the language model cannot be read.
    """
    if config.decoder == "greedy":
        from asr_core.decoder import best_path

        return best_path
    from asr_core.beam import BeamSearch
    from asr_core.fusion import WordScorer
    from asr_core.language import read_language_model
    from asr_core.torchaudio_door import beam_decoding

    try:
        beam_decoding()
    except ImportError as e:
        raise DecodingConfigError(str(e)) from e
    path = _lexicon_path(config, shipped_lexicon)
    lexicon = read_lexicon(path, alphabet) if path else None
    hotwords = _hotwords(config, alphabet, lexicon)
    words = None
    if lexicon is not None or config.lm or hotwords or config.word_bonus:
        words = WordScorer(
            alphabet,
            lexicon=lexicon,
            lm=read_language_model(config.lm) if config.lm else None,
            lm_weight=config.lm_weight,
            word_bonus=config.word_bonus,
            hotwords=hotwords,
        )
    return BeamSearch(alphabet, config.beam, config.n_best, words)


def record(config: DecodingConfig, shipped_lexicon: Path | None = None) -> dict[str, Any]:
    """The choices that count as plain data; files by their name and sha256."""
    if config.decoder == "greedy":
        return {"decoder": "greedy"}
    files = {"lexicon": _lexicon_path(config, shipped_lexicon), "lm": config.lm}
    return config.model_dump() | {
        name: {"name": Path(path).name, "sha256": file_sha256(Path(path))} if path else None
        for name, path in files.items()
    }


def _lexicon_path(config: DecodingConfig, shipped: Path | None) -> Path | None:
    if config.lexicon == SHIPPED and shipped is None:
        raise DecodingConfigError(
            "This model has no lexicon of its own. Give one as a file with a word a line."
        )
    if config.lexicon == SHIPPED:
        return shipped
    return Path(config.lexicon) if config.lexicon else None


def _hotwords(
    config: DecodingConfig, alphabet: Alphabet, lexicon: frozenset[str] | None
) -> dict[str, float]:
    """Hotwords as the model writes them; one that can never be said is refused."""
    try:
        words = check_words(config.hotwords, alphabet)
    except LexiconError as e:
        raise DecodingConfigError(f"Among the hotwords: {e}") from e
    outside = [word for word in words if word == alphabet.unknown or word not in (lexicon or words)]
    if outside:
        raise DecodingConfigError(
            f"The hotword {outside[0]!r} is not in the lexicon. Add it there."
        )
    return dict(zip(words, config.hotwords.values(), strict=True))
