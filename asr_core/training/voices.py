"""The synthetic voices: espeak-ng, flite and festival, called as programs, one clip a text."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from math import log2
from pathlib import Path

import numpy as np
import soundfile
import soxr

SAMPLE_RATE = 16_000  # Hz, of everything made here

DEBIAN_PACKAGES = (
    "espeak-ng",
    "flite",
    "festival",
    "festvox-kallpc16k",
    "festvox-kdlpc16k",
    "festvox-us-slt-hts",
)
TIMEOUT_S = 60

ESPEAK_WORDS_PER_MINUTE = 175  # its default speed
ESPEAK_PITCH = 50  # its default
ESPEAK_PITCH_PER_OCTAVE = 70  # measured: -p 38 is 0.89 of the default's pitch, -p 62 is 1.13
FESTIVAL_DIPHONE_HZ = 105  # both diphone voices' target_f0_mean

SILENCE_DB = -40.0  # under the loudest frame; awb's recordings carry noise at -45 dB
FRAME_S = 0.010
MARGIN_S = 0.020  # kept around what is louder


class SynthesiserError(RuntimeError):
    """A synthesiser that is not installed, or that said nothing."""


@dataclass(frozen=True)
class Voice:
    """One voice of one engine; two engines may hold the same speaker."""

    name: str
    engine: str
    code: str  # what the engine calls it
    speaker: str
    gender: str  # female or male
    accent: str
    has_pitch: bool = True  # False where the engine ignores the wish


def _espeak(name: str, code: str, gender: str, accent: str) -> Voice:
    return Voice(f"espeak-{name}", "espeak-ng", code, f"espeak-{name}", gender, accent)


VOICES = (
    _espeak("us", "en-us", "male", "american"),
    _espeak("nyc", "en-us-nyc", "male", "new york"),
    _espeak("rp", "en-gb-x-rp", "male", "british"),
    _espeak("scotland", "en-gb-scotland", "male", "scottish"),
    _espeak("midlands", "en-gb-x-gbcwmd", "male", "west midlands"),
    _espeak("lancaster", "en-gb-x-gbclan", "male", "lancaster"),
    _espeak("caribbean", "en-029", "male", "caribbean"),
    _espeak("us-m3", "en-us+m3", "male", "american"),
    _espeak("us-andy", "en-us+Andy", "male", "american"),
    _espeak("us-klatt2", "en-us+klatt2", "male", "american"),
    _espeak("us-f2", "en-us+f2", "female", "american"),
    _espeak("us-f5", "en-us+f5", "female", "american"),
    _espeak("us-steph", "en-us+steph", "female", "american"),
    _espeak("us-annie", "en-us+Annie", "female", "american"),
    _espeak("us-belinda", "en-us+belinda", "female", "american"),
    _espeak("us-linda", "en-us+linda", "female", "american"),
    _espeak("rp-f3", "en-gb-x-rp+f3", "female", "british"),
    _espeak("scotland-f4", "en-gb-scotland+f4", "female", "scottish"),
    Voice("flite-kal", "flite", "kal16", "kal", "male", "american"),
    Voice("flite-awb", "flite", "awb", "awb", "male", "scottish"),
    Voice("flite-rms", "flite", "rms", "rms", "male", "american", has_pitch=False),
    Voice("flite-slt", "flite", "slt", "slt", "female", "american"),
    Voice("festival-kal", "festival", "kal_diphone", "kal", "male", "american"),
    Voice("festival-ked", "festival", "ked_diphone", "ked", "male", "american"),
    Voice(
        "festival-slt",
        "festival",
        "cmu_us_slt_arctic_hts",
        "slt",
        "female",
        "american",
        has_pitch=False,
    ),
)


class Synthesiser:
    """Renders texts, each of them once: what was said before is remembered."""

    def __init__(self) -> None:
        require_synthesisers()
        self._said: dict[tuple[str, str, float, float], np.ndarray] = {}

    def say(self, voice: Voice, texts: list[str], rate: float, pitch: float) -> list[np.ndarray]:
        """Each text as samples (N,) float64 at 16 kHz, without the silence around it.

        Args:
            voice: who speaks.
            texts: words or phrases.
            rate: speaking rate, 1.0 = the voice's own, 2.0 = twice as fast.
            pitch: factor on the voice's own; without effect where it has no `has_pitch`.

        Raises:
            SynthesiserError: the engine failed or was silent.
        """
        unsaid = [t for t in dict.fromkeys(texts) if (voice.name, t, rate, pitch) not in self._said]
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{index}.wav" for index in range(len(unsaid))]
            if unsaid:
                _RENDERERS[voice.engine](voice, unsaid, rate, pitch, paths)
            for text, path in zip(unsaid, paths, strict=True):
                self._said[voice.name, text, rate, pitch] = _read(path, voice, text)
        return [self._said[voice.name, text, rate, pitch] for text in texts]


def require_synthesisers() -> None:
    """Raises SynthesiserError, with the command to type, if an engine is not on the path."""
    missing = [name for name in _RENDERERS if shutil.which(name) is None]
    if missing:
        raise SynthesiserError(f"{', '.join(missing)} not found. {_install()}")


def _install() -> str:
    return f"On Debian or Ubuntu: apt-get install {' '.join(DEBIAN_PACKAGES)}"


def _say_by_espeak(
    voice: Voice, texts: list[str], rate: float, pitch: float, paths: list[Path]
) -> None:
    speed = str(round(ESPEAK_WORDS_PER_MINUTE * rate))
    height = str(round(ESPEAK_PITCH + ESPEAK_PITCH_PER_OCTAVE * log2(pitch)))
    for text, path in zip(texts, paths, strict=True):
        _run(
            ["espeak-ng", "-v", voice.code, "-s", speed, "-p", height, "-w", str(path), text], voice
        )


def _say_by_flite(
    voice: Voice, texts: list[str], rate: float, pitch: float, paths: list[Path]
) -> None:
    settings = ["--setf", f"duration_stretch={1 / rate:.4f}", "--setf", f"f0_shift={pitch}"]
    for text, path in zip(texts, paths, strict=True):
        _run(["flite", "-voice", voice.code, *settings, "-t", text, "-o", str(path)], voice)


def _say_by_festival(
    voice: Voice, texts: list[str], rate: float, pitch: float, paths: list[Path]
) -> None:
    script = [f"(voice_{voice.code})", f"(Parameter.set 'Duration_Stretch {1 / rate:.4f})"]
    if voice.has_pitch:
        script.append(
            f"(set! int_lr_params '((target_f0_mean {FESTIVAL_DIPHONE_HZ * pitch:.1f})"
            " (target_f0_std 14) (model_f0_mean 170) (model_f0_std 34)))"
        )
    else:  # the HTS voice, whose engine has its own rate
        script.append(
            f'(set! hts_engine_params (append hts_engine_params (list (list "-r" {rate}))))'
        )
    for text, path in zip(texts, paths, strict=True):
        script.append(f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{path}" \'riff)')
    script_path = paths[0].with_suffix(".scm")
    script_path.write_text("\n".join(script), encoding="utf-8")
    _run(["festival", "-b", str(script_path)], voice)


_RENDERERS = {
    "espeak-ng": _say_by_espeak,
    "flite": _say_by_flite,
    "festival": _say_by_festival,
}


def _run(command: list[str], voice: Voice) -> None:
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
    except subprocess.SubprocessError as e:
        said = (getattr(e, "stderr", None) or b"").decode(errors="replace").strip()
        reason = said.partition("\n")[0] or e
        raise SynthesiserError(f"{voice.name} failed: {reason}. {_install()}") from e


def _read(path: Path, voice: Voice, text: str) -> np.ndarray:
    try:
        samples, rate = soundfile.read(path, dtype="float64")
    except soundfile.LibsndfileError as e:
        raise SynthesiserError(f"{voice.name} wrote no audio for {text!r}. {_install()}") from e
    frame = round(FRAME_S * rate)
    power = (samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    peak = power.max(initial=0)
    if peak == 0:
        raise SynthesiserError(f"{voice.name} was silent on {text!r}. {_install()}")
    loud = np.flatnonzero(power > peak * 10 ** (SILENCE_DB / 10)) * frame
    margin = round(MARGIN_S * rate)
    clip = samples[max(0, loud[0] - margin) : loud[-1] + frame + margin]
    return np.asarray(soxr.resample(clip, rate, SAMPLE_RATE))
