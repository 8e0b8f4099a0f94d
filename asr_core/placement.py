"""Words on the time axis: how far each one reaches, given the frames that emit its symbols."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from asr_core.decoder import TokenSpan
from asr_core.morse_code import is_morse, keyed_bounds_s
from asr_core.text import Alphabet
from asr_core.transcript import Word

SILENCE_SHARE = 0.35  # of the way from the quietest to the loudest frame; below it is silence
LONGEST_PAUSE_S = 0.15  # inside a word: the closure of a stop consonant lasts up to that
SHORTEST_WORD_S = 0.08  # of sound
LATEST_BORDER_S = 0.1  # after a word was emitted: how late the one before may end
DELAY_SPREAD_S = 0.6  # around the median delay of a network's emissions
ODD_LENGTH_COST = 4.0  # of a word without any sound, or twice as long as the longest
LOUD_BORDER_COST = 2.0  # of a border at the loudest frame
BACKWARDS_COST = 1e6  # not infinite: where nothing else is left, some way has to be the best
LONGEST_WORD_S = 0.7  # of sound, before it looks like two


def place_words(
    spans: Sequence[TokenSpan],
    alphabet: Alphabet,
    features: np.ndarray,
    stride: int,
    hop_s: float,
    delay_s: float | None = None,
    confidences: Callable[[Sequence[Sequence[TokenSpan]]], Sequence[float]] | None = None,
) -> tuple[Word, ...]:
    """Group symbols into words and give each word its extent in seconds.

    CTC emits a symbol in a few frames somewhere near the sound ("peaky"), before it or after it as
    the network happened to learn, so the path alone says that a word was there, not how far it
    reached. The extent given here is an estimate. Where the network's delay is known, words share
    the sound out so that each lies about its emission less that delay. Else two neighbours meet at
    the quietest frame between their emissions, and each has, on its side, the longest stretch of
    sound; a word that is spelt, from the sound at its first symbol to the sound at its last, and in
    Morse code no further than its signs take (see `morse_code.keyed_bounds_s`). Words never
    overlap, and lie inside the recording.

    Args:
        spans: symbols in order, output frames.
        alphabet: what the symbols are, and which of them is no word.
        features: (T, F) log-mel in [0, 1]; their mean over the bands is taken as energy.
        stride: feature frames in an output frame.
        hop_s: seconds a feature frame.
        delay_s: from a word's middle (a Morse sign's start) to its emission, as measured for this
            network; where it is not known, emissions are taken to come before the words.
        confidences: of words, given their symbols; without it, the mean of these symbols' scores.
    """
    groups = group_symbols(spans, alphabet)
    if not groups:
        return ()
    energy = features.mean(axis=1)
    duration_s = (len(energy) - 1) * hop_s  # of the recording's whole hops
    emitted = [
        [(span.start * stride, min(span.end * stride, len(energy))) for span in group]
        for group in groups
    ]
    keyed = is_morse(alphabet)
    if delay_s is not None and not keyed:
        n_late = round(delay_s / hop_s)
        emitted = [[(start - n_late, end - n_late) for start, end in word] for word in emitted]
    extents = _extents(emitted, energy, hop_s, centred=delay_s is not None and not keyed)
    bounds_s = [(0.0, duration_s)] * len(groups)
    if keyed and delay_s is not None:
        bounds_s = _keyed_bounds_s(groups, alphabet, stride * hop_s, delay_s)
    words = []
    placed = zip(groups, (confidences or _mean_scores)(groups), extents, bounds_s, strict=True)
    for group, sure, (start, end), (first_s, last_s) in placed:
        text = alphabet.decode([span.id for span in group])
        if text:  # the unknown symbol takes its room on the time axis but is no word
            # Frame t is centred on t * hop_s: it reaches half a hop to either side.
            start_s, end_s = ((frame - 0.5) * hop_s for frame in (start, end))
            start_s, end_s = max(start_s, 0.0), min(end_s, duration_s)
            if max(start_s, first_s) < min(end_s, last_s):  # else there is no sound, or no time
                start_s, end_s = max(start_s, first_s), min(end_s, last_s)
            words.append(Word(text, start_s, end_s, sure))
    return tuple(words)


def _mean_scores(words: Sequence[Sequence[TokenSpan]]) -> list[float]:
    return [float(np.mean([span.score for span in word])) for word in words]


def _keyed_bounds_s(
    groups: list[list[TokenSpan]], alphabet: Alphabet, frame_s: float, delay_s: float
) -> list[tuple[float, float]]:
    words = [[(alphabet.symbol(s.id), s.start * frame_s) for s in group] for group in groups]
    return keyed_bounds_s(words, delay_s)


def group_symbols(spans: Sequence[TokenSpan], alphabet: Alphabet) -> list[list[TokenSpan]]:
    """Spans of each word: every symbol where symbols are words, else the runs between spaces."""
    if alphabet.joiner == " ":
        return [[span] for span in spans]
    groups: list[list[TokenSpan]] = [[]]
    for span in spans:
        if alphabet.symbol(span.id) == " ":
            groups.append([])
        else:
            groups[-1].append(span)
    return [group for group in groups if group]


def _extents(
    emitted: list[list[tuple[int, int]]], energy: np.ndarray, hop_s: float, *, centred: bool
) -> list[tuple[int, int]]:
    """Feature frames [start, end) of each word, given the frames that emit its symbols."""
    lowest, highest = np.quantile(energy, [0.02, 0.98])
    sounding = energy > lowest + SILENCE_SHARE * (highest - lowest)
    if any(len(word) > 1 for word in emitted):  # spelt: a gap inside a letter is no border
        energy = _smooth(energy, round(LONGEST_PAUSE_S / hop_s))
    if centred:
        middles = np.array([(word[0][0] + word[-1][1]) / 2 for word in emitted])
        level = np.clip((energy - lowest) / max(highest - lowest, 1e-6), 0, 1)
        borders = _shared_out(middles * hop_s, level, sounding, hop_s)
    else:
        borders = _met(emitted, energy, sounding, hop_s)
    extents = []
    for word, (low, high) in zip(emitted, itertools.pairwise(borders), strict=True):
        frames = low + np.flatnonzero(sounding[low:high])
        stretches = _stretches(frames, round(LONGEST_PAUSE_S / hop_s))
        start, end = max(word[0][0], low), min(word[-1][1], high)  # where it is silent all along
        silent = (start, end) if start < end else (low, high)
        extents.append(_sound_of(word, stretches) if stretches else silent)
    return extents


def _smooth(x: np.ndarray, n_frames: int) -> np.ndarray:
    """The moving average over `n_frames`, (T,) -> (T,)."""
    before, after = n_frames // 2, (n_frames - 1) // 2
    padded = np.pad(x, (before, after), mode="edge")
    return np.convolve(padded, np.full(n_frames, 1 / n_frames), mode="valid")


def _sound_of(word: list[tuple[int, int]], stretches: list[tuple[int, int]]) -> tuple[int, int]:
    """The longest stretch; of a word that is spelt, all from its first symbol to its last.

    Between the letters of Morse code it is silent for longer than inside any spoken word.
    """
    if len(word) == 1:
        return max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    first, last = (
        min(stretches, key=lambda stretch: max(stretch[0] - symbol[1], symbol[0] - stretch[1], 0))
        for symbol in (word[0], word[-1])
    )
    return first[0], last[1]


def _met(
    emitted: list[list[tuple[int, int]]], energy: np.ndarray, sounding: np.ndarray, hop_s: float
) -> list[int]:
    """Borders of words that are emitted early, one after the other (see `_border`)."""
    borders = [0]
    for word, following in itertools.pairwise(emitted):
        n_left = len(emitted) - len(borders)  # words after this border
        # Where symbols are letters, the words meet between the last one and the next word's first.
        border = _border(borders[-1], word[-1], following[0], energy, sounding, hop_s, n_left)
        # Every word keeps a frame at least.
        borders.append(min(max(border, borders[-1] + 1), len(energy) - n_left))
    return [*borders, len(energy)]


def _shared_out(
    middles_s: np.ndarray, level: np.ndarray, sounding: np.ndarray, hop_s: float
) -> list[int]:
    """The borders that share the sound out best among words with about these middles.

    Dynamic programming over the quiet frames near each border: a border costs its level, a word the
    distance of its sound from where it is expected, and what it has of sound too little or too
    much. The weights are guesses; `benchmarks.boundaries` measures what comes of them.

    Args:
        middles_s: (W,) where each word's middle is expected, in seconds.
        level: (T,) sound of each frame over the whole recording's, 0 to 1.
        sounding: (T,) which frames have sound.
        hop_s: seconds a frame.

    Returns:
        W + 1 frames, rising from 0 to T.
    """
    n_frames = len(level)
    quiet = _quiet_frames(level, round(SHORTEST_WORD_S / hop_s))
    n_sound = np.concatenate([[0], np.cumsum(sounding)])
    moment = np.concatenate([[0], np.cumsum(sounding * np.arange(n_frames))])
    choices, costs, came_from = [np.array([0])], np.zeros(1), []
    for i, middle_s in enumerate(middles_s):
        if i + 1 < len(middles_s):
            near = sorted((middle_s / hop_s, middles_s[i + 1] / hop_s))
            slack = DELAY_SPREAD_S / hop_s
            ends = quiet[(quiet > near[0] - slack) & (quiet < near[1] + slack)]
            ends = ends if len(ends) else np.array([round(sum(near) / 2)])
            ends = np.clip(ends, 1, n_frames - 1)
        else:
            ends = np.array([n_frames])
        starts = choices[-1]
        sound = n_sound[ends] - n_sound[starts][:, None]  # (starts, ends) frames
        centre = (moment[ends] - moment[starts][:, None]) / np.maximum(sound, 1)
        off = (centre * hop_s - middle_s) / DELAY_SPREAD_S
        lack = np.maximum(SHORTEST_WORD_S - sound * hop_s, 0) / SHORTEST_WORD_S
        excess = np.maximum(sound * hop_s - LONGEST_WORD_S, 0) / LONGEST_WORD_S
        cost = costs[:, None] + np.where(sound > 0, off**2, 0) + ODD_LENGTH_COST * (lack + excess)
        cost = cost + LOUD_BORDER_COST * np.append(level, 0.0)[ends]
        cost = cost + BACKWARDS_COST * (ends <= starts[:, None])
        came_from.append(cost.argmin(axis=0))
        choices.append(ends)
        costs = cost.min(axis=0)
    place, borders = 0, [n_frames]
    for i in range(len(middles_s) - 1, -1, -1):
        place = int(came_from[i][place])
        borders.append(int(choices[i][place]))
    return _increasing(borders[::-1])


def _quiet_frames(level: np.ndarray, reach: int) -> np.ndarray:
    """Frames that no frame within `reach` is quieter than; of an even stretch, its ends."""
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(level, reach, constant_values=np.inf), 2 * reach + 1
    )
    lowest = level <= windows.min(axis=1)
    edges = np.flatnonzero(lowest)
    inside = lowest & np.roll(lowest, 1) & np.roll(lowest, -1)
    return edges[~inside[edges]]


def _increasing(borders: list[int]) -> list[int]:
    """Every word keeps a frame at least."""
    n_frames = borders[-1]
    kept = [borders[0]]
    for i, border in enumerate(borders[1:-1], start=1):
        n_left = len(borders) - 1 - i
        kept.append(min(max(border, kept[-1] + 1), n_frames - n_left))
    return [*kept, n_frames]


def _border(
    previous: int,
    word: tuple[int, int],
    following: tuple[int, int],
    energy: np.ndarray,
    sounding: np.ndarray,
    hop_s: float,
    n_left: int,
) -> int:
    """The quietest frame between a word and the following one, with some sound on either side.

    A network that sees the future often emits a word before it begins, the first one in the very
    first frame: without that sound, the silence before the word would be the quietest place.
    """
    last = min(following[1] + round(LATEST_BORDER_S / hop_s), len(energy) - 1)
    shortest = round(SHORTEST_WORD_S / hop_s)
    room = np.flatnonzero(np.cumsum(sounding[::-1])[::-1] >= n_left * shortest)
    last = min(last, int(room[-1])) if len(room) else last
    heard = np.cumsum(sounding[previous : last + 1]) >= shortest
    first = max(word[0], previous + int(heard.argmax())) if heard.any() else last
    if first >= last:
        return (word[1] + following[0]) // 2
    return first + int(energy[first : last + 1].argmin())


def _stretches(frames: np.ndarray, longest_pause: int) -> list[tuple[int, int]]:
    """Runs [start, end) of increasing frames, those at most `longest_pause` apart taken as one."""
    if len(frames) == 0:
        return []
    breaks = np.flatnonzero(np.diff(frames) > longest_pause + 1)
    starts = frames[[0, *(breaks + 1)]]
    ends = frames[[*breaks, len(frames) - 1]] + 1
    return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]
