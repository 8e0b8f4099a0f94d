"""The straight line: alone or in any batch, from any source, a recording has one transcript."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_core import recognizer as recognizer_module
from asr_core.alignment import AlignmentError, forced_align
from asr_core.audio import Audio, AudioError, load_audio
from asr_core.checkpoint import Contract, build_model
from asr_core.decoder import Hypothesis, greedy
from asr_core.features import FeatureConfig
from asr_core.manifest import read_manifest
from asr_core.placement import place_words
from asr_core.recognizer import Emission, Recognizer, pad
from asr_core.transcript import Transcript

BUNDLED = Path(__file__).parents[1] / "assets" / "validation" / "spoken" / "manifest.jsonl"
ATOL = 1e-4  # float32: on some processors, other batch shapes may sum in another order


def babble(rng: np.random.Generator, seconds: float, rate: int = 8000) -> Audio:
    """Bursts of noise of different colour, so that the tiny model hears different things."""
    samples = rng.normal(0, 0.1, round(seconds * rate))
    for start in range(0, len(samples), rate // 5):
        burst = samples[start : start + rate // 5]
        burst[:] = np.convolve(burst, rng.normal(0, 1, 8), "same") * rng.uniform(0, 1)
    return Audio(samples.astype(np.float32), rate)


def assert_same(a: Transcript, b: Transcript) -> None:
    np.testing.assert_allclose(a.log_probs, b.log_probs, rtol=0, atol=ATOL)
    np.testing.assert_allclose(a.features, b.features, rtol=0, atol=ATOL)
    assert a.text == b.text
    assert [(t.id, t.start, t.end) for t in a.tokens] == [(t.id, t.start, t.end) for t in b.tokens]
    assert [w.text for w in a.words] == [w.text for w in b.words]
    assert (a.duration_s, a.frame_s, a.hop_s) == (b.duration_s, b.frame_s, b.hop_s)


def test_together_as_alone(tiny_recognizer: Recognizer, rng: np.random.Generator) -> None:
    audios = [babble(rng, s) for s in (1.5, 0.001, 3.2, 0.02, 2.0)]
    together = tiny_recognizer.transcribe(audios)
    assert len({transcript.text for transcript in together}) > 2  # the test would see a mix-up
    for audio, transcript in zip(audios, together, strict=True):
        assert_same(transcript, tiny_recognizer.transcribe([audio])[0])


def test_order_in_a_batch_does_not_matter(
    tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    audios = [babble(rng, s) for s in (0.7, 2.1, 1.3)]
    forth, back = tiny_recognizer.transcribe(audios), tiny_recognizer.transcribe(audios[::-1])
    for a, b in zip(forth, back[::-1], strict=True):
        assert_same(a, b)


def test_a_transcript_is_what_its_own_intermediates_say(
    tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    audio = babble(rng, 2.0)
    (transcript,) = tiny_recognizer.transcribe([audio])
    alphabet = tiny_recognizer.alphabet
    assert transcript.duration_s == 2.0
    assert transcript.hop_s == 0.01
    assert transcript.frame_s == 0.02
    assert transcript.features.shape == (201, 16)
    assert transcript.log_probs.shape == (101, len(alphabet))
    hypothesis = greedy(transcript.log_probs)
    assert (
        transcript.tokens == hypothesis.spans == forced_align(transcript.log_probs, hypothesis.ids)
    )
    assert transcript.tokens  # it heard something
    assert transcript.text == alphabet.decode(hypothesis.ids)
    assert transcript.text == " ".join(word.text for word in transcript.words)
    assert transcript.words == place_words(hypothesis.spans, alphabet, transcript.features, 2, 0.01)
    assert transcript.confidence == min(word.confidence for word in transcript.words)


def test_to_dict_is_plain_json_in_seconds(
    tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    (transcript,) = tiny_recognizer.transcribe([babble(rng, 1.2346)])
    plain = transcript.to_dict()
    assert plain["duration"] == 1.235
    assert plain["log_prob"] == pytest.approx(transcript.log_probs.max(axis=1).sum(), abs=1e-4)
    n_frames = len(transcript.log_probs)
    assert plain["log_prob_per_frame"] == pytest.approx(plain["log_prob"] / n_frames, abs=1e-5)
    assert plain["boundary_error_s"] is None  # of a model that was never measured
    for word, line in zip(transcript.words, plain["words"], strict=True):
        assert line == {
            "word": word.text,
            "start": pytest.approx(word.start_s, abs=5e-4),
            "end": pytest.approx(word.end_s, abs=5e-4),
            "confidence": pytest.approx(word.confidence, abs=5e-5),
        }
    for token, line in zip(transcript.tokens, plain["symbols"], strict=True):
        assert line == {
            "symbol": tiny_recognizer.alphabet.symbol(token.id),
            "start": pytest.approx(token.start * 0.02, abs=5e-4),
            "end": pytest.approx(min(token.end * 0.02, 1.2346), abs=6e-4),
            "score": pytest.approx(token.score, abs=5e-5),
        }


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_any_sample_rate_is_heard_alike(
    tiny_recognizer: Recognizer, rng: np.random.Generator, rate: int
) -> None:
    """The same tones, sampled at other rates; band-limited, so that every rate can hold them."""
    shape = rng.uniform(0.1, 1, (8, 3))

    def chord(at: int) -> Audio:
        time = np.arange(2 * at) / at
        tones = [a * np.sin(2 * np.pi * (200 + 400 * i) * time) for i, a in enumerate(shape[:, 0])]
        return Audio((0.1 * sum(tones)).astype(np.float32), at)

    (heard,), (expected,) = (tiny_recognizer.transcribe([chord(at)]) for at in (rate, 8000))
    assert heard.log_probs.shape == expected.log_probs.shape
    # At the ends the resampler's filter meets the edge of the recording; between, -60 dB and
    # more below the tones, some bins hold nothing but its own noise floor.
    middle = slice(20, -20)
    assert np.abs(heard.features - expected.features)[40:-40].mean() < 0.02
    np.testing.assert_array_equal(
        heard.log_probs[middle].argmax(axis=1), expected.log_probs[middle].argmax(axis=1)
    )


def test_every_kind_of_source(
    tiny_recognizer: Recognizer, rng: np.random.Generator, tmp_path: Path
) -> None:
    audio = babble(rng, 1.0, rate=16000)
    path = tmp_path / "a.wav"
    soundfile.write(path, audio.samples, 16000, subtype="FLOAT")
    transcripts = tiny_recognizer.transcribe([audio, path, str(path), path.read_bytes()])
    for transcript in transcripts[1:]:
        assert_same(transcript, transcripts[0])


def test_silence_is_nothing_but_is_heard(tiny_recognizer: Recognizer) -> None:
    silence = Audio(np.zeros(4000, dtype=np.float32), 8000)
    (transcript,) = tiny_recognizer.transcribe([silence])
    assert (transcript.features == 0).all()
    assert np.isfinite(transcript.log_probs).all()
    assert transcript.duration_s == 0.5


def test_no_recordings_are_no_transcripts(tiny_recognizer: Recognizer) -> None:
    assert tiny_recognizer.transcribe([]) == []
    assert list(tiny_recognizer.transcribe_each([])) == []


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.array([0.1, np.nan], dtype=np.float32), "NaN"),
        (np.zeros(0, dtype=np.float32), "no samples"),
        (np.zeros((3, 2, 2), dtype=np.float32), "shape"),
    ],
)
def test_audio_made_by_hand_is_checked_too(
    tiny_recognizer: Recognizer, samples: np.ndarray, message: str
) -> None:
    with pytest.raises(AudioError, match=message):
        tiny_recognizer.transcribe([Audio(samples, tiny_recognizer.sample_rate)])


def test_a_bare_array_says_how_to_give_its_rate(tiny_recognizer: Recognizer) -> None:
    with pytest.raises(AudioError, match=r"Audio\(samples, rate\)"):
        tiny_recognizer.transcribe([np.zeros(800)])


def test_float64_and_stereo_audio(tiny_recognizer: Recognizer, rng: np.random.Generator) -> None:
    mono = babble(rng, 1.0)
    stereo = Audio(np.stack([mono.samples, mono.samples], axis=1).astype(np.float64), 8000)
    a, b = tiny_recognizer.transcribe([mono, stereo])
    assert_same(a, b)


# --- align ---


def test_a_given_text_is_on_its_best_path(
    tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    audio = babble(rng, 2.0)
    (heard,) = tiny_recognizer.transcribe([audio])
    aligned = tiny_recognizer.align(audio, "Stop, GO go!")
    assert aligned.text == "stop go go"
    assert [word.text for word in aligned.words] == ["stop", "go", "go"]
    np.testing.assert_allclose(aligned.log_probs, heard.log_probs, rtol=0, atol=ATOL)
    assert aligned.tokens == forced_align(aligned.log_probs, [3, 4, 4])
    assert aligned.symbols == ("stop", "go", "go")
    (only,) = aligned.n_best
    assert only.spans == aligned.tokens
    assert only.log_prob < heard.n_best[0].log_prob  # the best path of all has another text


def test_what_was_heard_is_aligned_as_it_was_heard(
    tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    audio = babble(rng, 1.0)
    (heard,) = tiny_recognizer.transcribe([audio])
    assert heard.text
    assert "<unk>" not in heard.symbols  # else the text would not say all of the path
    assert_same(tiny_recognizer.align(audio, heard.text), heard)


def test_align_does_not_use_the_decoder(
    tiny_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    def never(log_probs: np.ndarray, /) -> list[Hypothesis]:
        raise AssertionError(log_probs.shape)

    audio = babble(rng, 1.0)
    expected = tiny_recognizer.align(audio, "yes")
    assert_same(tiny_recognizer.decoding_with(never).align(audio, "yes"), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Nothing to align in the text ''"),
        (" ,.! ", "Nothing to align"),
        (
            "stop banana maybe banana",
            r"does not know 'banana', 'maybe'\. It knows yes no stop go\.",
        ),
        ("<unk>", "does not know 'unk'"),  # no one says it
        ("go " * 40, "40 symbols and 39 repeats, so it needs at least 79 frames; .* has 51"),
    ],
)
def test_texts_that_cannot_be_aligned(
    tiny_recognizer: Recognizer, rng: np.random.Generator, text: str, message: str
) -> None:
    with pytest.raises(AlignmentError, match=message):
        tiny_recognizer.align(babble(rng, 1.0), text)


def test_signs_are_aligned_one_by_one(
    tiny_morse_recognizer: Recognizer, rng: np.random.Generator
) -> None:
    audio = babble(rng, 2.0)
    aligned = tiny_morse_recognizer.align(audio, "CQ  de\n= <sk>")
    assert aligned.symbols == (*"cq de = ", "<sk>")
    assert [word.text for word in aligned.words] == ["cq", "de", "=", "<sk>"]
    with pytest.raises(AlignmentError, match="does not know 'ж'"):
        tiny_morse_recognizer.align(audio, "ж")


# --- transcribe_each ---


def indices(recognizer: Recognizer, recordings: list[Audio | Path]) -> list[int]:
    return [i for i, _ in recognizer.transcribe_each(recordings)]


def test_each_goes_past_bad_files_and_yields_every_index_once(
    tiny_recognizer: Recognizer, rng: np.random.Generator, tmp_path: Path
) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    good = [babble(rng, s) for s in (2.0, 0.3, 1.1)]
    recordings = [tmp_path / "missing.wav", good[0], tmp_path / "text.wav", good[1], good[2]]
    results = dict(tiny_recognizer.transcribe_each(recordings))
    assert len(indices(tiny_recognizer, recordings)) == len(recordings)
    assert sorted(results) == [0, 1, 2, 3, 4]
    for i in (0, 2):
        assert isinstance(results[i], AudioError)
        assert str(recordings[i]) in str(results[i])
    for i, audio in zip((1, 3, 4), good, strict=True):
        assert_same(results[i], tiny_recognizer.transcribe([audio])[0])


def test_each_of_only_bad_files(tiny_recognizer: Recognizer, tmp_path: Path) -> None:
    results = list(tiny_recognizer.transcribe_each([tmp_path / "a.wav", tmp_path / "b.wav"]))
    assert [(i, type(result)) for i, result in results] == [(0, AudioError), (1, AudioError)]


@pytest.mark.parametrize("limits", [(100, 1e9, 3.0), (3, 1e9, 1e9), (100, 2.5, 1e9), (1, 0, 0)])
def test_each_keeps_its_limits(
    tiny_recognizer: Recognizer,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, float, float],
) -> None:
    window, window_s, batch_s = limits
    monkeypatch.setattr(recognizer_module, "WINDOW", window)
    monkeypatch.setattr(recognizer_module, "WINDOW_S", window_s)
    monkeypatch.setattr(recognizer_module, "MAX_BATCH_S", batch_s)
    durations = [0.5, 3.0, 1.0, 5.0, 0.1, 2.0, 2.0]  # 5 s is longer than a batch: it goes alone
    batches: list[list[float]] = []
    emit = tiny_recognizer._emit

    def spy(audios: list[Audio]) -> list[Emission]:
        batches.append([audio.duration_s for audio in audios])
        return emit(audios)

    monkeypatch.setattr(tiny_recognizer, "_emit", spy)
    audios = [babble(rng, s) for s in durations]
    assert sorted(indices(tiny_recognizer, audios)) == list(range(7))
    assert sorted(itertools.chain(*batches)) == sorted(durations)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(batch) <= batch_s
        assert len(batch) <= window
        assert sum(batch) <= window_s + max(batch)
    if batch_s == 3.0:  # everything is sorted together
        assert batches == [[0.1, 0.5, 1.0], [2.0], [2.0], [3.0], [5.0]]


def test_each_reads_no_further_than_it_has_to(
    tiny_recognizer: Recognizer, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million recordings must not be in memory at once."""
    monkeypatch.setattr(recognizer_module, "WINDOW", 2)
    monkeypatch.setattr(recognizer_module, "READ_AHEAD", 3)
    n_read = 0
    read = tiny_recognizer.read

    def spy(recording: Audio) -> Audio:
        nonlocal n_read
        n_read += 1
        return read(recording)

    audios = [babble(rng, 0.2)] * 12
    with monkeypatch.context() as patch:
        patch.setattr(tiny_recognizer, "read", spy)
        next(iter(tiny_recognizer.transcribe_each(audios)))
    assert n_read <= 2 + 3  # the window, and what is read ahead


def test_pad() -> None:
    samples, lengths = pad([np.float32([1, 2]), np.float32([3]), np.float32([])])
    assert samples.tolist() == [[1, 2], [3, 0], [0, 0]]
    assert lengths.tolist() == [2, 1, 0]


def test_times_follow_whole_samples(tiny_contract: Contract) -> None:
    """10 ms at 11025 Hz are 110.25 samples: frames come every 110, and seconds must not drift."""
    features = FeatureConfig(sample_rate=11025, f_max=5000, n_mels=16)
    contract = tiny_contract.model_copy(update={"features": features})
    recognizer = Recognizer(contract, build_model(contract))
    assert recognizer.hop_s == 110 / 11025
    assert recognizer.frame_s == 220 / 11025
    (transcript,) = recognizer.transcribe([Audio(np.ones(110 * 300, dtype=np.float32), 11025)])
    assert (len(transcript.features) - 1) * transcript.hop_s == pytest.approx(transcript.duration_s)


# --- the real thing ---


@pytest.fixture(scope="module")
def bundled_audios() -> list[Audio]:
    rate = Recognizer.load("spoken").sample_rate
    manifest = read_manifest(BUNDLED)
    assert not manifest.skipped
    return [load_audio(row.audio_path, rate) for row in manifest.rows]


def test_batch_of_one_is_batch_of_many_over_the_bundled_set(bundled_audios: list[Audio]) -> None:
    """In the order of the manifest, so that short and long ones share a batch."""
    recognizer = Recognizer.load("spoken")
    assert len(bundled_audios) >= 300
    for first in range(0, len(bundled_audios), 60):
        batch = bundled_audios[first : first + 60]
        for audio, together in zip(batch, recognizer.transcribe(batch), strict=True):
            (alone,) = recognizer.transcribe([audio])
            np.testing.assert_allclose(alone.log_probs, together.log_probs, rtol=0, atol=ATOL)
            assert alone.text == together.text
