"""What is sent by radio: words, random groups, call signs, phrases of contacts, rare signs.

Every text is our own. Words come one by one without end; who keys them takes as many as fit.
"""

from collections.abc import Callable, Iterator

import numpy as np

from asr_core.morse_code import DIGITS, FURTHER_LETTERS, LETTERS, PROCEDURE, PUNCTUATION


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WORDS = _split(
    """
    the of and to in is you that it he was for on are as with his they at be this have from
    or one had by word but not what all were we when your can said there use an each which
    she do how their if will up other about out many then them these so some her would make
    like him into time has look two more write go see number no way could people my than
    first water been call who oil its now find long down day did get come made may part over
    new sound take only little work know place year live me back give most very after thing
    our just name good sentence man think say great where help through much before line
    right too mean old any same tell boy follow came want show also around form three small
    set put end does another well large must big even such because turn here why ask went
    men read need land different home us move try kind hand picture again change off play
    spell air away animal house point page letter mother answer found study still learn
    should world radio station signal antenna power weather rain snow wind cloud sunny cold
    warm report tower island ship harbour coast lake river mountain valley bridge road train
    morning evening night today tomorrow copy solid weak strong fading noise filter key
    paddle straight code speed slow fast please thanks friend club contest field summer
    winter north south east west kilo quebec zulu exactly quiz jazz fixed box juice zero six
    extra major quick vivid
    """
)
ABBREVIATIONS = _split(
    """
    cq de k r tu tnx tks fb om yl xyl ur es hr hw cpy rst wx temp ant rig pwr qth name op
    age agn pse sri nr abt bk cl cul cuagn dx fer ga ge gm gn gl gud hi hpe lid msg mni nil
    nw ob rpt rx sez sig sked stn test tfc tx vert vy wkd wrk yr 73 88 5nn 599 579 559 339
    buro dipole beam loop yagi gp vfo qro qrp qrm qrn qsb qsl qso qsy qrz qrl qrt qrv qrx
    qth qrs qrq qsk qst qtc
    """
)
NAMES = _split(
    """
    al ann bob carl dan eva fred gus hans ivan jim ken leo max nina olga pete ray sam tom
    uwe vic walt yuri zoe
    """
)
PLACES = _split(
    """
    oslo riga lyon bonn turin porto derby leeds perth osaka quito lima boston dallas reno
    tampa kyiv minsk split gdansk vilnius izmir cairo nairobi
    """
)
RIGS = ("ft817", "ic7300", "k3", "ts590", "kx2", "homebrew", "ic705", "ft dx10")
ANTENNAS = ("dipole", "vertical", "3 el yagi", "end fed", "loop", "inv v", "gp", "long wire")
WEATHERS = ("sunny", "rain", "cloudy", "snow", "windy", "fog", "clear sky", "storm")
ACCENTED = _split(
    """
    café résumé münchen köln säntis españa año niño grün schön bär über eĥo ĥoro
    """
)

PHRASES = (
    "cq cq cq de {a} {a} {a} pse k",
    "cq cq de {a} {a} +",
    "cq dx cq dx de {a} {a} k",
    "cq test {a} {a} test",
    "{a} de {b} {b} +",
    "{a} de {b} (",
    "{a} de {b} = {greeting} om tnx fer call = ur rst {rst} {rst} = name {name} {name} =",
    "= qth {place} {place} = rig {rig} = hw? +",
    "{greeting} dr {name} = tnx fer rprt = hr rig {rig} pwr {n} w = ant {antenna} =",
    "= wx {weather} temp {n} c = hw cpy? +",
    "r r tnx {name} fb cpy = ur {rst} {rst} in {place} = name is {name} =",
    "tu 5nn {n}", "5nn {n} {n} tu", "r 5nn {n}", "{a} 5nn {n} k", "tu {a} qrz?",
    "qrl? de {a}", "qrz? de {a} k", "pse qsy {khz} khz", "qrx {n} min <as>", "pse agn ur nr?",
    "<ka> <ka> {a} de {b} = nr {n} = {word} {word} {word} {word} +",
    "73 es gl {name} <sk> {a} de {b} <sk>",
    "tnx fer nice qso = 73 73 es gud dx <sk> ee",
    "qsl via buro or {name}@{word}.com ok?",
    "sri {name} qrm qrm = pse rpt ur name es qth (",
    "<sos> <sos> <sos> de {a} {a} = pos {n}.{n} n {n}.{n} w = need help",
    "nr {n} {a} ck {n} {place} {month} {n} = {word} {word} {word}. {word} {word}? = {name} +",
    "{word} <hh> {word} {word}", "msg rcvd <ve>", "solid cpy <ve> tu",
    "price $ {n}.{n} ({word} {word})", '{name}: "{word} {word}!"', "{word}-{word}, {word}; {word}.",
    "don't {word}, it's {word}!", "http://{word}_{word}.org/{n}", "{word} {word} {word}, {word}.",
    "{n}/{n}/{n} {n}:{n} utc", "{n} + {n} = {n}", "{a}/p de {b}/qrp", "{a}/{digit} es {b}/mm",
)  # fmt: skip

PREFIXES = _split(
    """
    k w n ka wb ve g m gm ei f dl dk pa on oz sm la oh es yl ly sp ok om ha oe hb9 i ik ea
    ct sv lz yo yu s5 9a ua r ur ew 4x ja jh vk zl py lu zs vu by hl 3b8 5b4 9k2 a71
    """
)

CONTENTS = {"words": 26, "groups": 26, "calls": 13, "phrases": 25, "signs": 10}  # shares
LETTERS_AND_DIGITS = tuple(LETTERS) + tuple(DIGITS)
RARE = tuple(PUNCTUATION) + tuple(FURTHER_LETTERS) + tuple(PROCEDURE)


def message_words(content: str, rng: np.random.Generator) -> Iterator[str]:
    """Words without end of one of `CONTENTS`, in symbols of `morse_code.SYMBOLS`."""
    sources: dict[str, Callable[[np.random.Generator], str]] = {
        "words": _word,
        "groups": _group,
        "calls": call_sign,
        "phrases": _phrase,
        "signs": _signs,
    }
    words = sources[content](rng).split()
    yield from words[rng.integers(len(words)) :]  # who listens in does so at any moment
    while True:
        yield from sources[content](rng).split()


def call_sign(rng: np.random.Generator) -> str:
    """A call sign of a usual form: prefix, digit, one to three letters."""
    prefix = _one(PREFIXES, rng)
    digit = "" if prefix[-1].isdigit() else _one(tuple(DIGITS), rng)
    suffix = _letters(int(rng.choice([1, 2, 3], p=[0.15, 0.4, 0.45])), rng)
    portable = _one(("/p", "/m", "/mm", "/qrp", "/1", "/7"), rng) if rng.random() < 0.08 else ""
    return prefix + digit + suffix + portable


def _word(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.5:
        word = _one(WORDS, rng)
    elif kind < 0.68:
        word = _one(ABBREVIATIONS, rng)
    elif kind < 0.94:  # so that no list is learnt by heart
        word = "".join(_syllable(rng) for _ in range(rng.integers(1, 4)))
    elif kind < 0.97:
        word = _one(ACCENTED, rng)
    else:
        word = _number(rng)
    return word + (_one((",", ".", "?", "!"), rng) if rng.random() < 0.1 else "")


def _syllable(rng: np.random.Generator) -> str:
    onset = _one((*"bcdfghjklmnpqrstvwxyz", "st", "tr", "th", "sh", "pl", ""), rng)
    return onset + _one(tuple("aeiouy"), rng) + _one((*"nrstlmdk", "", "", ""), rng)


def _group(rng: np.random.Generator) -> str:
    """Some groups of five from the same set: letters, digits, both, or all signs."""
    sets = (tuple(LETTERS), tuple(DIGITS), LETTERS_AND_DIGITS, tuple(LETTERS) * 3 + RARE)
    chosen = sets[rng.choice(4, p=[0.35, 0.2, 0.35, 0.1])]
    length = 5 if rng.random() < 0.7 else int(rng.integers(1, 8))
    return " ".join("".join(rng.choice(chosen, length)) for _ in range(rng.integers(2, 8)))


def _signs(rng: np.random.Generator) -> str:
    """Rare signs among letters."""
    rare = rng.choice(RARE, rng.integers(1, 4))
    return " ".join(_letters(int(rng.integers(0, 4)), rng) + str(sign) for sign in rare)


def _phrase(rng: np.random.Generator) -> str:
    values = {
        "a": call_sign(rng), "b": call_sign(rng), "name": _one(NAMES, rng),
        "place": _one(PLACES, rng), "rig": _one(RIGS, rng), "antenna": _one(ANTENNAS, rng),
        "weather": _one(WEATHERS, rng), "greeting": _one(("gm", "ga", "ge", "gd", "hi"), rng),
        "rst": _one(("599", "5nn", "579", "559", "449", "339", "589"), rng),
        "month": _one(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep"), rng),
        "khz": str(rng.integers(3500, 28500)), "digit": str(rng.integers(10)),
    }  # fmt: skip
    phrase = _one(PHRASES, rng)
    while "{n}" in phrase:  # every number and word is another one
        phrase = phrase.replace("{n}", _number(rng), 1)
    while "{word}" in phrase:
        phrase = phrase.replace("{word}", _one(WORDS, rng), 1)
    return phrase.format(**values)


def _number(rng: np.random.Generator) -> str:
    return str(rng.integers(10 ** int(rng.integers(1, 5))))


def _letters(n: int, rng: np.random.Generator) -> str:
    return "".join(rng.choice(tuple(LETTERS), n))


def _one(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[rng.integers(len(choices))]
