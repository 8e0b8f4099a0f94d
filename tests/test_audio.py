"""Audio at the door: every format, rate and layout gives the same sound, or an AudioError."""

import itertools
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from asr_core.audio import (
    MAX_CHANNELS,
    Audio,
    AudioError,
    load_audio,
)
from tests.audio_files import (
    LEVEL,
    TONE_HZ,
    convert,
    encoded,
    flac_of_unknown_length,
    needs_ffmpeg,
    tone,
)


def pitch_and_level(heard: Audio) -> tuple[float, float]:
    """Frequency in Hz and peak level of a tone, from the middle of the recording."""
    n = len(heard.samples)
    middle = heard.samples[n // 10 : -(n // 10)]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 16 * len(middle)))
    hz = spectrum.argmax() / (16 * len(middle)) * heard.sample_rate
    return float(hz), float(np.sqrt(2 * np.mean(middle.astype(float) ** 2)))


def no_ffmpeg(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("shutil.which", lambda _: None)


# --- formats ---


@pytest.mark.parametrize(
    ("kind", "subtype", "bits"),
    [
        ("WAV", "PCM_U8", 8),
        ("WAV", "PCM_16", 16),
        ("WAV", "PCM_24", 24),
        ("WAV", "PCM_32", 24),  # a float32 keeps 24 bits of it
        ("WAV", "FLOAT", 24),
        ("WAV", "DOUBLE", 24),
        ("WAVEX", "PCM_16", 16),
        ("AIFF", "PCM_16", 16),
        ("FLAC", "PCM_16", 16),
        ("FLAC", "PCM_24", 24),
    ],
)
def test_lossless_formats_give_the_samples_back(kind: str, subtype: str, bits: int) -> None:
    samples = tone(16000, 0.1)
    heard = load_audio(encoded(samples, 16000, kind, subtype))
    assert heard.sample_rate == 16000
    assert heard.samples.dtype == np.float32
    assert heard.samples.flags.c_contiguous
    # One step of the format, because a writer may round or truncate.
    np.testing.assert_allclose(heard.samples, samples, rtol=0, atol=2.0 ** (1 - bits))


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"),
    [
        ("MP3", "MPEG_LAYER_III", 16000),
        ("MP3", "MPEG_LAYER_III", 44100),
        ("OGG", "VORBIS", 16000),
        ("OGG", "OPUS", 16000),
        ("OGG", "OPUS", 48000),
    ],
)
def test_lossy_formats_keep_the_tone(kind: str, subtype: str, rate: int) -> None:
    heard = load_audio(encoded(tone(rate), rate, kind, subtype), 8000)
    assert heard.sample_rate == 8000
    assert heard.duration_s == pytest.approx(1.0, abs=0.1)  # MP3 pads to whole frames
    hz, level = pitch_and_level(heard)
    assert hz == pytest.approx(TONE_HZ, abs=1)
    assert level == pytest.approx(LEVEL, rel=0.1)  # a codec's own error on a pure tone


@needs_ffmpeg
@pytest.mark.parametrize("suffix", [".m4a", ".webm", ".aac", ".mp4"])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_ffmpeg_reads_the_rest(tmp_path: Path, suffix: str, *, as_bytes: bool) -> None:
    wav = tmp_path / "tone.wav"
    soundfile.write(wav, tone(48000), 48000)
    file = convert(wav, tmp_path / f"tone{suffix}")
    heard = load_audio(file.read_bytes() if as_bytes else file)
    assert heard.sample_rate == 48000  # the file's own
    assert heard.duration_s == pytest.approx(1.0, abs=0.1)  # codecs pad to whole frames
    hz, level = pitch_and_level(heard)
    assert hz == pytest.approx(TONE_HZ, abs=1)
    assert level == pytest.approx(LEVEL, rel=0.1)


@needs_ffmpeg
def test_ffmpeg_keeps_rate_and_averages_channels(tmp_path: Path) -> None:
    left, right = tone(44100), np.zeros(44100)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), 44100)
    heard = load_audio(convert(tmp_path / "stereo.wav", tmp_path / "stereo.m4a", "-b:a", "256k"))
    assert heard.sample_rate == 44100
    assert pitch_and_level(heard)[1] == pytest.approx(LEVEL / 2, rel=0.05)  # AAC's own error


@needs_ffmpeg
def test_an_uploaded_m4a_with_its_index_at_the_end(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    """Bytes through a pipe would fail here: the index lies behind more than a pipe remembers."""
    soundfile.write(tmp_path / "noise.wav", rng.normal(0, 0.2, (48000 * 40, 2)), 48000)
    file = convert(tmp_path / "noise.wav", tmp_path / "noise.m4a", "-b:a", "320k")
    assert load_audio(file.read_bytes(), 8000).duration_s == pytest.approx(40, abs=0.1)


def test_flac_of_unknown_length_is_read() -> None:
    heard = load_audio(flac_of_unknown_length())
    assert len(heard.samples) == 16000
    assert pitch_and_level(heard)[0] == pytest.approx(TONE_HZ, abs=1)


def test_wav_of_unknown_length_is_read() -> None:
    """As written to a pipe: the sizes are the largest number there is."""
    wav = bytearray(encoded(tone(16000), 16000, "WAV", "PCM_16"))
    wav[4:8] = wav[40:44] = b"\xff\xff\xff\xff"
    assert len(load_audio(bytes(wav)).samples) == 16000


def test_a_cut_off_recording_is_heard_as_far_as_it_goes() -> None:
    wav = encoded(tone(16000), 16000, "WAV", "PCM_16")
    heard = load_audio(wav[: 44 + 2 * 7000])
    np.testing.assert_allclose(heard.samples, tone(16000)[:7000], rtol=0, atol=2.0**-15)


def test_path_string_and_bytes_are_the_same(tmp_path: Path) -> None:
    file = tmp_path / "tone.wav"
    file.write_bytes(encoded(tone(16000), 16000, "WAV"))
    first, *others = (load_audio(s, 8000) for s in (file, str(file), file.read_bytes()))
    for other in others:
        np.testing.assert_array_equal(first.samples, other.samples)


# --- rates ---

RATES = [4000, 8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000, 192000]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("wanted", [8000, 16000])
def test_resampling_keeps_pitch_level_and_length(rate: int, wanted: int) -> None:
    heard = load_audio(encoded(tone(rate), rate, "WAV", "FLOAT"), wanted)
    assert heard.sample_rate == wanted
    assert abs(len(heard.samples) - wanted) <= 1  # one second, rounded
    hz, level = pitch_and_level(heard)
    assert hz == pytest.approx(TONE_HZ, abs=0.5)  # a 16th of a bin of 0.8 s is 0.08 Hz
    assert level == pytest.approx(LEVEL, rel=1e-3)  # soxr's pass band is flatter than this


def test_nothing_above_the_new_nyquist_folds_back() -> None:
    """Down-sampling by slicing would turn 6 kHz into a loud 2 kHz."""
    heard = load_audio(encoded(tone(16000, hz=6000), 16000, "WAV", "FLOAT"), 8000)
    assert np.abs(heard.samples[800:-800]).max() < LEVEL * 1e-3  # -60 dB; soxr's HQ gives -120


def test_without_a_wanted_rate_the_source_keeps_its_own() -> None:
    assert load_audio(encoded(tone(11025), 11025, "WAV")).sample_rate == 11025


# --- channels and arrays ---


@pytest.mark.parametrize("n_channels", [1, 2, 3, 6])
@pytest.mark.parametrize("as_array", [False, True])
def test_channels_are_averaged_sample_by_sample(n_channels: int, *, as_array: bool) -> None:
    ramp = np.linspace(-0.5, 0.5, 1000)
    weights = np.arange(1, n_channels + 1) / n_channels
    samples = np.outer(ramp, weights)  # (N, channels)
    if as_array:
        heard = load_audio(samples, source_rate=8000)
    else:
        heard = load_audio(encoded(samples, 8000, "WAV", "FLOAT"))
    # float32 rounding of up to six summands
    np.testing.assert_allclose(heard.samples, ramp * weights.mean(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.uint8, [0, 64, 128, 255]),
        (np.uint16, [0, 2**14, 2**15, 2**16 - 1]),
        (np.int8, [-128, -64, 0, 127]),
        (np.int16, [-(2**15), -(2**14), 0, 2**15 - 1]),
        (np.int32, [-(2**31), -(2**30), 0, 2**31 - 1]),
        (np.float16, [-1, -0.5, 0, 1]),
        (np.float32, [-1, -0.5, 0, 1]),
        (np.float64, [-1, -0.5, 0, 1]),
    ],
)
def test_array_types_are_scaled_by_their_range(dtype: type, values: list[float]) -> None:
    heard = load_audio(np.array(values, dtype=dtype), source_rate=8000)
    assert heard.samples.dtype == np.float32
    # The highest integer lies one step below 1: 1/128 for 8 bits.
    np.testing.assert_allclose(heard.samples, [-1, -0.5, 0, 1], rtol=0, atol=1 / 128)
    np.testing.assert_array_equal(heard.samples[:3], np.float32([-1, -0.5, 0]))


@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.int16, np.int32]),
        arrays.array_shapes(min_dims=1, max_dims=2, max_side=20),
    )
)
def test_integers_end_up_between_minus_one_and_one(samples: np.ndarray) -> None:
    heard = load_audio(samples, source_rate=8000)
    assert len(heard.samples) == len(samples)
    assert np.abs(heard.samples).max() <= 1


@pytest.mark.parametrize(
    "samples",
    [
        np.array(0.5),
        np.zeros((2, 3, 4)),
        np.zeros((100, 0)),
        np.zeros((2, 16000)),  # (channels, N) instead of (N, channels)
        np.zeros((16, MAX_CHANNELS + 1)),
    ],
    ids=lambda samples: str(samples.shape),
)
def test_array_of_a_wrong_shape(samples: np.ndarray) -> None:
    with pytest.raises(AudioError, match=r"Got an array of shape .*Expected \(N,\)"):
        load_audio(samples, source_rate=8000)


@pytest.mark.parametrize("dtype", [bool, complex, object, "U1"])
def test_array_of_a_wrong_type(dtype: type) -> None:
    with pytest.raises(AudioError, match="Expected integers or floats"):
        load_audio(np.zeros(100, dtype=dtype), source_rate=8000)


def test_array_without_its_rate() -> None:
    with pytest.raises(AudioError, match=r"without its sample rate.*source_rate"):
        load_audio(np.zeros(100))


@pytest.mark.parametrize("rate", [-8000, 0, 1, 999, 2**31 - 1])
def test_impossible_rates(rate: int) -> None:
    with pytest.raises(AudioError, match=f"sample rate of {rate} Hz.*Expected 1000 to"):
        load_audio(np.zeros(100), 8000, source_rate=rate)


# --- failures ---


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("channels", [1, 2])
def test_no_nan_infinite_or_absurd_samples(bad: float, channels: int) -> None:
    """1e30 is finite, but its power is not: the features would be NaN."""
    samples = np.zeros((800, channels), dtype=np.float32)
    samples[400, 0] = bad
    for source in (samples, encoded(samples, 8000, "WAV", "FLOAT")):
        with pytest.raises(AudioError, match=r"NaN, infinite.*Export it again"):
            load_audio(source, 16000, source_rate=8000)


@pytest.mark.filterwarnings("error")  # a warning would be a second line on stderr
def test_channels_that_are_infinite_in_opposite_directions() -> None:
    samples = np.full((10, 2), [np.inf, -np.inf])
    with pytest.raises(AudioError, match="NaN, infinite"):
        load_audio(samples, source_rate=8000)


@pytest.mark.filterwarnings("error")
def test_what_overflows_a_float32_is_refused() -> None:
    with pytest.raises(AudioError, match="NaN, infinite"):
        load_audio(np.full(10, 1e300), source_rate=8000)


def named(tmp_path: Path, name: str, content: bytes | None = None) -> Path:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    return tmp_path / name


def endless_link(folder: Path) -> Path:
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    return folder / "loop.wav"


WAV = encoded(tone(8000, 0.1), 8000, "WAV", "PCM_16")
FAILURES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty file": (lambda p: named(p, "a.wav", b""), r"is empty \(0 bytes\)\. Expected"),
    "no samples": (lambda p: named(p, "a.wav", WAV[:44]), "holds no samples. Expected"),
    "text": (lambda p: named(p, "a.wav", b"hello world\n" * 100), "is not .*WAV, FLAC"),
    "truncated header": (lambda p: named(p, "a.wav", WAV[:30]), "is not .*WAV, FLAC"),
    "one byte": (lambda p: named(p, "a.flac", b"f"), "is not .*WAV, FLAC"),
    "raw samples": (lambda p: named(p, "a.raw", WAV[44:]), "is not .*WAV, FLAC"),
    "missing": (lambda p: named(p, "a.wav"), "does not exist. Check the path"),
    "endless link": (endless_link, "does not exist. Check the path"),
    "folder": (lambda p: p, "is a folder. Expected an audio file"),
    "device": (lambda _: Path("/dev/zero"), "is not a regular file. Expected"),
    "long name": (lambda p: p / ("a" * 300), "cannot be opened: .* too long. Check"),
    "zero byte in the name": (lambda p: p / "a\0b.wav", "does not exist. Check"),
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("with_ffmpeg", [pytest.param(True, marks=needs_ffmpeg), False])
def test_failures_name_the_file_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, *, with_ffmpeg: bool
) -> None:
    if not with_ffmpeg:
        no_ffmpeg(monkeypatch)
    make, message = FAILURES[case]
    source = make(tmp_path)
    with pytest.raises(AudioError, match=message) as caught:
        load_audio(source, 8000)
    assert str(caught.value).startswith(str(source))
    assert "misheard-" not in str(caught.value)  # the name of a temporary copy helps nobody


@pytest.mark.parametrize("with_ffmpeg", [pytest.param(True, marks=needs_ffmpeg), False])
@pytest.mark.parametrize("content", [b"", b"hello", WAV[:30], WAV[:44]])
def test_failures_of_bytes(
    monkeypatch: pytest.MonkeyPatch, content: bytes, *, with_ffmpeg: bool
) -> None:
    if not with_ffmpeg:
        no_ffmpeg(monkeypatch)
    with pytest.raises(AudioError, match=r"^The uploaded audio (is|holds) .*Expected|install"):
        load_audio(content)


def test_without_ffmpeg_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    no_ffmpeg(monkeypatch)
    with pytest.raises(AudioError, match="Convert it to one of these, or install ffmpeg") as caught:
        load_audio(b"no audio at all")
    assert isinstance(caught.value.__cause__, soundfile.LibsndfileError)


@needs_ffmpeg
def test_a_video_without_sound(tmp_path: Path) -> None:
    file = tmp_path / "mute.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=s=16x16:d=0.2", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(AudioError, match="does not contain any stream"):
        load_audio(file)


@needs_ffmpeg
@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_playlist_reads_no_other_file(tmp_path: Path, *, as_bytes: bool) -> None:
    """An upload that names files of this machine must not be played."""
    soundfile.write(tmp_path / "private.mp3", tone(16000), 16000)
    segments = f"#EXTINF:1,\n{tmp_path}/private.mp3\n#EXT-X-ENDLIST\n"
    hls = named(tmp_path, "a.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n{segments}".encode())
    concat = named(tmp_path, "a.ffconcat", b"ffconcat version 1.0\nfile private.mp3\n")
    for playlist in (hls, concat):
        with pytest.raises(AudioError, match="is not audio"):
            load_audio(playlist.read_bytes() if as_bytes else playlist)


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    caught: list[Exception] = []

    def load() -> None:
        try:
            load_audio(tmp_path / "pipe.wav")
        except AudioError as e:
            caught.append(e)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive(), "opening a pipe that nobody writes to hangs"
    assert "is not a regular file" in str(caught[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = named(tmp_path, "a.wav", WAV)
    file.chmod(0)
    with pytest.raises(AudioError, match=r"cannot be opened: Permission denied\. Check") as caught:
        load_audio(file)
    assert isinstance(caught.value.__cause__, PermissionError)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    named(closed, "a.wav", WAV)
    closed.chmod(0)
    try:
        with pytest.raises(AudioError, match="Permission denied"):
            load_audio(closed / "a.wav")
    finally:
        closed.chmod(0o700)


NAMES = [
    " two  spaces .wav",
    'it\'s "quoted" `here` $HOME.wav',
    "запись №1.wav",
    "-i.wav",
    "file:pipe|0.wav",
    "100%d#?.wav",
    "two\nlines.wav",
    "no suffix",
    "WAV by content.mp3",
    os.fsdecode(b"caf\xe9.wav"),  # a name that is not UTF-8
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(WAV)
    assert len(load_audio(name).samples) == 800


@needs_ffmpeg
@pytest.mark.parametrize("name", NAMES)
def test_odd_names_through_ffmpeg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("tone.wav", tone(16000), 16000)
    convert(Path("tone.wav"), Path("tone.m4a")).rename(name)
    assert load_audio(name).duration_s == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("WAV", {"error", "sound"}),
        ("FLAC", {"error", "sound"}),
        ("MP3", {"error", "sound"}),
        ("OGG", {"error"}),  # its pages carry a checksum
    ],
)
def test_damaged_headers_give_sound_or_audio_errors(
    kind: str, expected: set[str], monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    no_ffmpeg(monkeypatch)  # a process each would take long, and it is soundfile's answers we meet
    whole = encoded(tone(8000, 0.2), 8000, kind)
    outcomes = set()
    for n_flips in itertools.chain(*itertools.repeat((1, 2, 8), 50)):
        damaged = bytearray(whole)
        for position in rng.integers(0, 64, n_flips):
            damaged[position] ^= rng.integers(1, 256)  # Ogg's serial number differs every time
        try:
            heard = load_audio(bytes(damaged), 8000)
        except AudioError:
            outcomes.add("error")
        else:
            assert len(heard.samples) > 0
            assert np.isfinite(heard.samples).all()
            outcomes.add("sound")
    assert outcomes == expected
