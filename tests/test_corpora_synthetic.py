"""The synthetic corpus: planted ratios, rooms and bands are measured back; the shipped set."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr_core.degrade import (
    NOISES,
    PEAK_LIMIT,
    TELEPHONE_BAND,
    Conditions,
    active_mask,
    active_rms,
    degrade,
    limit_band,
    make_noise,
    measure_snr_db,
    reverberate,
    rms,
    room_response,
)
from asr_core.manifest import read_manifest
from asr_core.training.corpora import synthetic
from asr_core.training.corpora.spoken import WORDS
from asr_core.training.voices import (
    DEBIAN_PACKAGES,
    SAMPLE_RATE,
    VOICES,
    Synthesiser,
    SynthesiserError,
)

ASSETS = Path(__file__).parent.parent / "assets"
SHIPPED = ASSETS / "validation" / "spoken"
MAX_BYTES = 8_000_000

FESTIVAL_VOICES = Path("/usr/share/festival/voices")

needs_synthesisers = pytest.mark.skipif(
    not all(map(shutil.which, ("espeak-ng", "flite", "festival")))
    or any(not list(FESTIVAL_VOICES.glob(f"*/{v.code}")) for v in VOICES if v.engine == "festival"),
    reason=f"the synthesisers are not all installed: {' '.join(DEBIAN_PACKAGES)}",
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def speech() -> np.ndarray:
    """One second of a 220 Hz tone between half seconds of silence."""
    tone = np.sin(2 * np.pi * 220 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    pause = np.zeros(SAMPLE_RATE // 2)
    return np.concatenate([pause, tone, pause])


@pytest.fixture
def talkers(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.standard_normal(n) for n in (9_000, 12_000, 20_000)]


def in_db(ratio: float) -> float:
    return 20 * math.log10(ratio)


@pytest.mark.parametrize("snr_db", [30.0, 10.0, 0.0])
@pytest.mark.parametrize("noise", NOISES)
def test_ratio_holds_for_every_noise(speech, talkers, rng, noise, snr_db):
    mixture = degrade(speech, Conditions(noise, snr_db), SAMPLE_RATE, rng, talkers)
    active = mixture.speech[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2].astype(float)
    measured = in_db(
        np.sqrt((active**2).mean()) / np.sqrt((mixture.noise.astype(float) ** 2).mean())
    )
    assert measured == pytest.approx(snr_db, abs=0.1)  # dB; frames and float32 cost less


def test_ratio_holds_behind_room_and_telephone(speech, rng):
    conditions = Conditions("brown", 5.0, room="large", rt60_s=0.8, direct_db=0.0, band="telephone")
    mixture = degrade(speech, conditions, SAMPLE_RATE, rng)
    assert measure_snr_db(mixture.speech, mixture.noise, SAMPLE_RATE) == pytest.approx(5.0, abs=0.1)


def test_clean_speech_gets_no_noise(speech, rng):
    mixture = degrade(speech, Conditions(), SAMPLE_RATE, rng)
    assert not mixture.noise.any()
    assert measure_snr_db(mixture.speech, mixture.noise, SAMPLE_RATE) == math.inf


def test_active_part_is_the_tone(speech):
    mask = active_mask(speech, SAMPLE_RATE)
    assert mask.sum() == SAMPLE_RATE
    assert mask[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2].all()
    assert active_rms(speech, SAMPLE_RATE) == pytest.approx(math.sqrt(0.5), rel=1e-3)


def test_silence_has_no_active_part():
    assert not active_mask(np.zeros(1000), SAMPLE_RATE).any()
    assert active_rms(np.zeros(1000), SAMPLE_RATE) == 0.0


@pytest.mark.parametrize("level_dbfs", [-16.0, -36.0])
def test_level_is_that_of_the_active_speech(speech, rng, level_dbfs):
    conditions = Conditions("pink", 20.0, level_dbfs=level_dbfs)
    mixture = degrade(speech, conditions, SAMPLE_RATE, rng)
    assert mixture.level_dbfs == level_dbfs
    assert in_db(active_rms(mixture.speech, SAMPLE_RATE)) == pytest.approx(level_dbfs, abs=0.01)


def test_level_gives_way_where_the_peak_would_clip(speech, rng):
    conditions = Conditions("clicks", 0.0, level_dbfs=-6.0)
    mixture = degrade(speech, conditions, SAMPLE_RATE, rng)
    assert np.abs(mixture.samples).max() <= PEAK_LIMIT + 1e-6  # float32 rounding
    assert mixture.level_dbfs < -6.0
    reached = in_db(active_rms(mixture.speech, SAMPLE_RATE))
    assert reached == pytest.approx(mixture.level_dbfs, abs=0.01)


@pytest.mark.parametrize("rt60_s", [0.3, 1.0])
def test_room_decays_by_60_db_in_its_time(rng, rt60_s):
    tail = room_response(rt60_s, 0.0, SAMPLE_RATE, rng)[1:]
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / (tail**2).sum())  # Schroeder's integral
    start, end = np.searchsorted(-left, [5, 35])
    measured = 2 * (end - start) / SAMPLE_RATE  # 30 dB of the 60
    assert measured == pytest.approx(rt60_s, rel=0.1)  # the tail is random


def test_room_has_the_direct_sound_it_says(rng):
    response = room_response(0.5, 6.0, SAMPLE_RATE, rng)
    assert response[0] == 1.0
    assert -10 * math.log10((response[1:] ** 2).sum()) == pytest.approx(6.0, abs=1e-6)


def test_room_neither_delays_nor_lengthens(speech, rng):
    wet = reverberate(speech, room_response(0.5, 6.0, SAMPLE_RATE, rng))
    assert len(wet) == len(speech)
    assert np.abs(wet[: SAMPLE_RATE // 2]).max() < 1e-9  # FFT rounding
    assert rms(wet[-SAMPLE_RATE // 2 :]) > 0.01  # the room sounds on


@pytest.mark.parametrize(
    ("frequency", "least_db", "most_db"),
    [(60, -200, -40), (1000, -0.5, 0.5), (3000, -2, 0.5), (6000, -200, -30)],
)
def test_telephone_lets_only_its_band_through(frequency, least_db, most_db):
    tone = np.sin(2 * np.pi * frequency * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    passed = limit_band(tone, TELEPHONE_BAND, SAMPLE_RATE)[SAMPLE_RATE // 2 :]
    assert least_db < in_db(rms(passed) / rms(tone)) < most_db


@pytest.mark.parametrize("kind", NOISES)
def test_noise_is_of_unit_power_and_repeatable(kind, talkers):
    first, second = (
        make_noise(kind, 8_000, SAMPLE_RATE, np.random.default_rng(3), talkers) for _ in range(2)
    )
    assert first.shape == (8_000,)
    assert rms(first) == pytest.approx(1.0)
    assert np.array_equal(first, second)


@pytest.mark.parametrize(("kind", "slope_db"), [("white", 0.0), ("pink", -3.01), ("brown", -6.02)])
def test_coloured_noise_falls_as_its_colour_says(rng, kind, slope_db):
    power = np.abs(np.fft.rfft(make_noise(kind, 2**18, SAMPLE_RATE, rng))) ** 2
    frequency = np.fft.rfftfreq(2**18, 1 / SAMPLE_RATE)
    octaves = [power[(frequency >= f) & (frequency < 2 * f)].mean() for f in (200, 400, 800, 1600)]
    assert np.diff(10 * np.log10(octaves)) == pytest.approx(slope_db, abs=0.3)  # random spectrum


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_is_mains_and_harmonics(rng, mains_hz):
    spectrum = np.abs(np.fft.rfft(make_noise(f"hum{mains_hz}", SAMPLE_RATE, SAMPLE_RATE, rng)))
    assert set(np.flatnonzero(spectrum > 1)) == {mains_hz * k for k in range(1, 13)}


def test_unknown_noise_names_the_known():
    with pytest.raises(ValueError, match=r"'rain'.*white"):
        make_noise("rain", 100, SAMPLE_RATE, np.random.default_rng(0))


@pytest.mark.parametrize("n", [0, 1, 7, 360])
def test_deal_keeps_the_shares(rng, n):
    cards = synthetic.deal({"a": 3, "b": 2, "c": 1}, n, rng)
    assert len(cards) == n
    for card, share in {"a": 3, "b": 2, "c": 1}.items():
        assert abs(cards.count(card) - n * share / 6) < 1


def test_plan_is_the_same_for_a_seed_and_new_for_another():
    first, second, other = (synthetic.plan(50, np.random.default_rng(s)) for s in (1, 1, 2))
    assert first == second
    assert first != other


def test_plan_says_noise_where_there_is_a_ratio(rng):
    for utterance in synthetic.plan(200, rng):
        conditions = utterance.conditions
        assert (conditions.noise == "none") == (conditions.snr_db is None)
        assert (conditions.room == "none") == (conditions.rt60_s is None)
        assert set(utterance.words) <= set(synthetic.VOCABULARIES[utterance.content])


def test_joined_clips_lie_where_their_times_say(rng):
    clips = [np.full(3_000, 1.0), np.full(5_000, 2.0)]
    samples, spans = synthetic.join(clips, rng)
    for clip, (start_s, end_s) in zip(clips, spans, strict=True):
        part = samples[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]
        assert np.array_equal(part, clip)
    assert np.count_nonzero(samples) == 8_000


def test_missing_synthesisers_say_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SynthesiserError, match=r"flite.*apt-get install .*festvox-us-slt-hts"):
        synthetic.prepare(tmp_path / "out", n=1)
    assert not (tmp_path / "out").exists()


@needs_synthesisers
def test_a_voice_that_is_not_there_is_named(tmp_path):
    absent = replace(VOICES[-1], code="nobody_hts")
    with pytest.raises(SynthesiserError, match=r"festival-slt.*apt-get install"):
        Synthesiser().say(absent, ["one"], rate=1.0, pitch=1.0)


@needs_synthesisers
def test_same_seed_same_samples_bit_for_bit():
    runs = []
    for _ in range(2):
        rng = np.random.default_rng(5)
        utterances = synthetic.plan(6, rng)
        renderings = synthetic.render_all(utterances, Synthesiser(), rng)
        runs.append([rendering.mixture.samples for _, rendering in renderings])
    for first, second in zip(*runs, strict=True):
        assert np.array_equal(first, second)


@needs_synthesisers
def test_prepared_set_is_as_its_manifest_says(tmp_path):
    synthetic.prepare(tmp_path, n=4, seed=2)
    check_audio(tmp_path, n_rows=4)


@needs_synthesisers
@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.name)
def test_every_voice_says_every_word(voice):
    clips = Synthesiser().say(voice, list(WORDS), rate=1.0, pitch=1.0)
    for word, clip in zip(WORDS, clips, strict=True):
        assert 0.1 < len(clip) / SAMPLE_RATE < 1.0, word  # kal's "up" is the shortest: 0.15 s
        assert active_rms(clip, SAMPLE_RATE) > 0.01, word


def test_shipped_set_is_as_its_manifest_says():
    check_audio(SHIPPED, n_rows=360)
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*")) < MAX_BYTES


def test_shipped_set_is_wide_enough():
    rows = read_manifest(SHIPPED / "manifest.jsonl").rows
    column = {
        name: {row.fields[name] for row in rows} for name in rows[0].fields if name != "word_times"
    }
    assert column["snr_db"] == {None, 30.0, 20.0, 15.0, 10.0, 5.0, 0.0}
    assert column["noise"] == {"none", *NOISES}
    assert column["engine"] == {"espeak-ng", "flite", "festival"}
    assert column["voice"] == {voice.name for voice in VOICES}
    assert len(VOICES) >= 12
    assert column["room"] == {"none", "small", "large"}
    assert column["band"] == {"wide", "telephone"}
    assert {word for row in rows for word in row.text.split()} == set(WORDS)
    assert {len(row.text.split()) for row in rows} == set(range(1, 9))


def test_shipped_set_is_the_plan_of_its_seed():
    planned = synthetic.plan(synthetic.N_UTTERANCES, np.random.default_rng(synthetic.SEED))
    rows = read_manifest(SHIPPED / "manifest.jsonl").rows
    for utterance, row in zip(planned, rows, strict=True):
        assert (row.fields["id"], row.text) == (utterance.id, " ".join(utterance.words))
        assert row.fields["snr_db"] == utterance.conditions.snr_db


def test_word_times_lie_in_order_within_the_recording():
    for row in read_manifest(SHIPPED / "manifest.jsonl").rows:
        times = row.fields["word_times"]
        assert (times is None) == (row.fields["style"] != "isolated")
        if times:
            edges = [0, *(edge for span in times for edge in span), row.duration_s]
            assert edges == sorted(edges)
            assert len(times) == len(row.text.split())


def test_shipped_examples_are_as_their_manifest_says():
    rows = check_audio(ASSETS / "examples", n_rows=len(synthetic.EXAMPLES))
    for row in rows:
        assert row.audio_path.stem.startswith(row.text.replace(" ", "-"))
        assert row.fields["description"]


@pytest.mark.parametrize("folder", [SHIPPED, ASSETS / "examples"], ids=["validation", "examples"])
def test_readme_names_every_recording_field_and_voice(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    row = read_manifest(folder / "manifest.jsonl").rows[0]
    for name in row.fields if folder == SHIPPED else ():
        assert f"`{name}`" in text
    for voice in VOICES if folder == SHIPPED else ():
        assert f"`{voice.name}`" in text
    assert "synthetic" in text


def check_audio(folder, n_rows):
    """Every row has its own mono 16 kHz file of the stated length, within range."""
    manifest = read_manifest(folder / "manifest.jsonl")
    assert (len(manifest.rows), manifest.skipped) == (n_rows, [])
    assert len({row.fields["id"] for row in manifest.rows}) == n_rows
    for row in manifest.rows:
        info = soundfile.info(row.audio_path)
        assert (info.samplerate, info.channels, info.subtype) == (SAMPLE_RATE, 1, "OPUS")
        assert info.duration == pytest.approx(row.duration_s, abs=1 / SAMPLE_RATE)
        assert set(row.text.split()) <= set(WORDS)
    return manifest.rows
