"""Long recordings: pieces cover everything once, are cut in pauses, and lose and double no word."""

import itertools
from collections import defaultdict
from pathlib import Path

import jiwer
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from asr_core import recognizer as recognizer_module
from asr_core.alignment import align
from asr_core.audio import Audio, AudioError, load_audio
from asr_core.decoder import Hypothesis, TokenSpan
from asr_core.manifest import ManifestRow, read_manifest
from asr_core.morse_code import CODES
from asr_core.pieces import LIVE, WHOLE, Cutting, cut, join, quietest
from asr_core.recognizer import Emission, Recognizer
from asr_core.training.keying import Keying, key
from asr_core.training.receiver import Reception, receive
from asr_core.transcript import Transcript
from tests.test_recognizer import assert_same, babble

ROOT = Path(__file__).parents[1]
RATE = 8000
FRAME = 320  # samples; 40 ms
SHORT = Cutting(longest_s=4.0, piece_s=2.0, reach_s=0.5)  # so that tests need not be long


def in_blocks(samples: np.ndarray, sizes: list[int]) -> list[Audio]:
    edges = [0, *itertools.accumulate(sizes), len(samples)]
    return [
        Audio(samples[a:b], RATE) for a, b in itertools.pairwise(edges) if a < min(b, len(samples))
    ]


# --- the cutter ---


@given(
    seconds=st.floats(0.001, 30),
    sizes=st.lists(st.integers(1, 5 * RATE), max_size=20),
    seed=st.integers(0, 99),
)
def test_pieces_cover_everything_once_in_blocks_of_any_size(
    seconds: float, sizes: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, rng.uniform(0, 1, 40).repeat(RATE)[: round(seconds * RATE) + 1])
    samples = samples.astype(np.float32)
    pieces = [piece.samples for piece in cut(in_blocks(samples, sizes), FRAME, SHORT)]
    at = 0
    for piece in pieces[:-1]:  # each lacks the one sample before its cut, and no other
        np.testing.assert_array_equal(piece, samples[at : at + len(piece)])
        at += len(piece) + 1
        assert at % FRAME == 0
        assert abs(len(piece) / RATE - SHORT.piece_s) <= SHORT.reach_s + FRAME / RATE
    np.testing.assert_array_equal(pieces[-1], samples[at:])
    assert len(pieces[-1]) <= SHORT.longest_s * RATE
    assert (len(pieces) == 1) == (len(samples) <= SHORT.longest_s * RATE)


@settings(max_examples=30)
@given(
    pause_s=st.floats(25.4, 34.6), noise=st.floats(0, 0.01), cutting=st.sampled_from([WHOLE, LIVE])
)
def test_the_cut_is_in_the_planted_pause(pause_s: float, noise: float, cutting: Cutting) -> None:
    """Half a second of pause in loud noise, and shorter gaps everywhere, as between sounds."""
    rng = np.random.default_rng(1)
    time = np.arange(round((cutting.longest_s + 1) * RATE)) / RATE
    middle_s = pause_s * cutting.piece_s / WHOLE.piece_s
    samples = rng.normal(0, 0.1, len(time))
    samples[(time % 0.5) < 0.12] *= 0.05
    inside = np.abs(time - middle_s) < 0.25
    samples[inside] = noise * rng.normal(0, 1, inside.sum())
    at = quietest(samples.astype(np.float32), RATE, FRAME, cutting)
    assert at % FRAME == 0
    assert abs(at / RATE - middle_s) < 0.25


def test_a_piece_has_exactly_its_frames(tiny_recognizer: Recognizer) -> None:
    frame = tiny_recognizer.frame
    rng = np.random.default_rng(2)
    audio = babble(rng, 130)
    pieces = list(cut([audio], frame))
    transcripts = list(tiny_recognizer.transcribe_pieces(audio))
    assert len(pieces) == len(transcripts) > 2
    for piece, transcript in zip(pieces[:-1], transcripts[:-1], strict=True):
        n_frames = (len(piece.samples) + 1) // frame
        assert len(transcript.log_probs) * frame == len(piece.samples) + 1
        assert len(transcript.features) == n_frames * tiny_recognizer.model.stride
    whole = join(transcripts)
    assert len(whole.features) == 1 + len(audio.samples) // 80
    assert len(whole.log_probs) == 1 + len(audio.samples) // frame
    assert whole.duration_s == pytest.approx(130, abs=1e-9)


# --- joining ---


def part(text: str, n_frames: int, token: TokenSpan, rng: np.random.Generator) -> Transcript:
    best = Hypothesis((token,), -1.5, -1.0)
    return Transcript(
        text, (), (token,), n_frames * 0.02, 0.02, 0.01,
        rng.random((2 * n_frames, 3)), rng.random((n_frames, 4)), (best, best),
        symbols=(f"symbol {token.id}",),
    )  # fmt: skip


def test_a_planted_join(rng: np.random.Generator) -> None:
    tokens = [TokenSpan(1, 3, 5, 0.5), TokenSpan(2, 0, 1, 0.25), TokenSpan(2, 7, 8, 1.0)]
    parts = [part(t, 10, s, rng) for t, s in zip(("a", "", "b"), tokens, strict=True)]
    whole = join(parts, partial=True)
    assert whole.text == "a b"
    assert [(t.id, t.start, t.end, t.score) for t in whole.tokens] == [
        (1, 3, 5, 0.5), (2, 10, 11, 0.25), (2, 27, 28, 1.0),
    ]  # fmt: skip
    assert whole.symbols == ("symbol 1", "symbol 2", "symbol 2")
    assert whole.n_best == (Hypothesis(whole.tokens, -4.5, -3.0),)
    assert whole.duration_s == pytest.approx(0.6)
    assert (whole.features.shape, whole.log_probs.shape) == ((60, 3), (30, 4))
    assert whole.partial
    assert whole.to_dict()["partial"] is True
    assert join(parts[:1]) == parts[0]


# --- the straight line, long ---


def test_long_and_short_ones_together_as_alone(
    tiny_recognizer: Recognizer, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    audios = [babble(rng, s) for s in (3.0, 135.0, 0.02, 61.0, 59.0)]
    together = tiny_recognizer.transcribe(audios)
    for audio, transcript in zip(audios, together, strict=True):
        assert_same(transcript, tiny_recognizer.transcribe([audio])[0])
        assert_same(transcript, join(list(tiny_recognizer.transcribe_pieces(audio))))
        assert_same(transcript, dict(tiny_recognizer.transcribe_each([audio]))[0])
    monkeypatch.setattr(recognizer_module, "MAX_BATCH_S", 40)  # each piece alone
    assert_same(together[1], tiny_recognizer.transcribe([audios[1]])[0])
    assert " ".join(word.text for word in together[1].words) == together[1].text


def test_a_text_is_aligned_across_the_cuts(tiny_recognizer: Recognizer) -> None:
    audio = babble(np.random.default_rng(4), 130.0)
    (heard,) = tiny_recognizer.transcribe([audio])
    aligned = tiny_recognizer.align(audio, heard.text)
    assert aligned.text == heard.text
    ids = [token.id for token in aligned.tokens]
    assert aligned.tokens == align(heard.log_probs, ids).spans
    assert max(np.diff([token.start for token in aligned.tokens])) < 10 / aligned.frame_s


def test_batches_stay_within_their_limit_and_pieces_come_as_they_are_done(
    tiny_recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizer_module, "MAX_BATCH_S", 100)
    batches: list[int] = []
    emit = tiny_recognizer._emit

    def spy(audios: list[Audio]) -> list[Emission]:
        assert len(audios) * max(audio.duration_s for audio in audios) <= 100
        batches.append(len(audios))
        return emit(audios)

    monkeypatch.setattr(tiny_recognizer, "_emit", spy)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    pieces = tiny_recognizer.transcribe_pieces(babble(np.random.default_rng(3), 600))
    next(pieces)
    assert len(batches) <= 1 + 2  # those ahead; the rest has not been read yet
    assert 1 + len(list(pieces)) == sum(batches)
    assert len(batches) > 5


def test_what_is_too_long_shows_after_its_first_pieces(tiny_recognizer: Recognizer) -> None:
    audio = Audio(np.zeros(100 * RATE, dtype=np.float32), RATE)
    with pytest.raises(AudioError, match=r"longer than 1.5 minutes"):
        list(tiny_recognizer.transcribe_pieces(audio, max_s=90))


# --- no word is lost or doubled ---


def right_ones(recognizer: Recognizer) -> dict[str, list[tuple[ManifestRow, np.ndarray]]]:
    """Clean recordings that are heard right, of each synthetic voice, equally loud."""
    rows = [
        row
        for row in read_manifest(ROOT / "assets/validation/spoken/manifest.jsonl").rows
        if row.fields["snr_db"] is None and row.fields["room"] == "none"
    ]
    voices = defaultdict(list)
    for i, transcript in recognizer.transcribe_each([row.audio_path for row in rows]):
        if transcript.text == rows[i].text:
            samples = load_audio(rows[i].audio_path, RATE).samples
            samples = samples * np.float32(0.05 / np.sqrt(np.mean(np.square(samples))))
            voices[rows[i].fields["voice"]].append((rows[i], samples))
    return voices


def test_joined_clips_of_one_voice_lose_and_double_no_word() -> None:
    """What the model hears right in half a minute, it hears right in two minutes, in its place.

    Without a pause of ours between the clips: the cut has to find their own. Up to 1 % of the words
    may be misheard inside pieces, because a sentence of 30 s is longer than any in training.
    """
    recognizer = Recognizer.load("spoken")
    n_voices = n_words = n_lost = n_doubled = n_wrong = n_astray = 0
    for clips in right_ones(recognizer).values():
        sounds = [samples for _, samples in clips]
        texts = [row.text for row, _ in clips]
        few, many = (round(s * RATE / sum(map(len, sounds))) for s in (25, 120))
        (short,) = recognizer.transcribe([Audio(np.concatenate(sounds * few), RATE)])
        if short.text != " ".join(texts * few):
            continue  # the model fails, cut or not
        (long,) = recognizer.transcribe([Audio(np.concatenate(sounds * many), RATE)])
        assert long.duration_s > WHOLE.longest_s
        words = jiwer.process_words(" ".join(texts * many), long.text)
        n_lost += words.deletions
        n_doubled += words.insertions
        n_words += words.hits + words.substitutions + words.deletions
        n_wrong += words.substitutions
        n_voices += 1
        if len(long.words) != len(" ".join(texts * many).split()):
            continue
        edges_s = np.cumsum([len(sound) / RATE for sound in sounds * many])
        middles_s = [(word.start_s + word.end_s) / 2 for word in long.words]
        own = np.repeat(np.arange(len(edges_s)), [len(text.split()) for text in texts * many])
        n_astray += int((np.searchsorted(edges_s, middles_s) != own).sum())
    assert n_voices >= 4
    assert n_words > 400
    assert n_doubled == 0
    assert n_lost + n_wrong <= 0.01 * n_words
    assert n_astray <= 0.02 * n_words


@pytest.mark.corpora
def test_real_clips_are_cut_as_well_as_between_them(
    corpora: Path, rng: np.random.Generator
) -> None:
    """Against sentences of 30 s that end where a clip ends: cutting costs at most 1 % of words."""
    recognizer = Recognizer.load("spoken")
    words = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
    folder = corpora / "speech_commands_test_set_v0.02"
    files = sorted(file for word in words for file in (folder / word).glob("*.opus"))
    chosen = [files[i] for i in rng.permutation(len(files))[:600]]
    sounds = [load_audio(file, RATE).samples for file in chosen]
    said = " ".join(file.parent.name for file in chosen)
    joined = [np.concatenate(sounds[i : i + 30]) for i in range(0, len(sounds), 30)]
    sentences = recognizer.transcribe([Audio(samples, RATE) for samples in joined])
    (long,) = recognizer.transcribe([Audio(np.concatenate(sounds), RATE)])
    between = jiwer.wer(said, " ".join(sentence.text for sentence in sentences))
    assert jiwer.wer(said, long.text) <= between + 0.01


@pytest.mark.parametrize("wpm", [8, 12, 20])
def test_keyed_morse_loses_and_doubles_no_sign(wpm: int, rng: np.random.Generator) -> None:
    """Words take up to seven seconds at 8 wpm: the cut has to find the gap between two of them."""
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789")
    words = ["".join(rng.choice(letters, rng.integers(2, 7))) for _ in range(wpm * 3)]
    marks = key(" ".join(words), Keying(wpm), rng) + 0.5
    sound = receive(marks, round((marks[-1, 1] + 0.5) * RATE), Reception(600.0), rng)
    (transcript,) = Recognizer.load("morse").transcribe([Audio(sound, RATE)])
    assert transcript.duration_s > 2 * WHOLE.longest_s
    assert transcript.text == " ".join(words)
    n_marks = np.cumsum([sum(len(CODES[letter]) for letter in word) for word in words])
    for word, first, past in zip(transcript.words, [0, *n_marks], n_marks, strict=False):
        start_s, end_s = marks[first, 0], marks[past - 1, 1]
        assert min(word.end_s, end_s) - max(word.start_s, start_s) > 0.8 * (end_s - start_s)
