"""How many copies of recordings are found, by what happened to them, and how many takes are not.

python -m benchmarks.copies MANIFEST... [--planted 250] [--recordings 5000]

Copies are planted of some recordings; every pair of the others that is called a copy, and has not
the same samples, is printed: it is a false alarm, or a copy that nobody knew of. `--scale N` times
the search for alike pairs among N fingerprints, jittered from those of the recordings.
"""

import argparse
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from analysis.fingerprints import LEAST_ALIKE, RATE, SAME_SOUND, alike, fingerprint, same_sound
from asr_core.audio import Audio, load_audio
from asr_core.features import FeatureConfig, LogMel
from asr_core.manifest import read_manifest

LOG_MEL = LogMel(FeatureConfig())


def coded(codec: str, container: str, rate: str) -> Callable[[Audio], Audio]:
    """Through ffmpeg's coder and back."""

    def change(audio: Audio) -> Audio:
        wav = ["-f", "f32le", "-ar", str(audio.sample_rate), "-ac", "1", "-i", "-"]
        command = ["ffmpeg", "-v", "error", *wav, "-c:a", codec, "-b:a", rate, "-f", container, "-"]
        done = subprocess.run(
            command, input=audio.samples.tobytes(), capture_output=True, check=True
        )
        return load_audio(done.stdout)

    return change


def changed(change: Callable[[np.ndarray, int], np.ndarray]) -> Callable[[Audio], Audio]:
    """A change of the samples."""
    return lambda audio: Audio(
        change(audio.samples, audio.sample_rate).astype(np.float32), audio.sample_rate
    )


def noise(snr_db: float) -> Callable[[Audio], Audio]:
    """White noise, so far below the recording's mean power."""
    rng = np.random.default_rng(0)

    def add(samples: np.ndarray, _: int) -> np.ndarray:
        scale = np.sqrt((samples**2).mean()) * 10 ** (-snr_db / 20)
        return samples + scale * rng.standard_normal(len(samples))

    return changed(add)


DAMAGES: dict[str, Callable[[Audio], Audio]] = {
    "20 dB quieter, sign changed": changed(lambda x, _: -0.1 * x),
    "DC offset 0.02": changed(lambda x, _: x + 0.02),
    "resampled to 11025 Hz": lambda a: Audio(soxr.resample(a.samples, a.sample_rate, 11025), 11025),
    "silence added, 0.5 and 0.25 s": changed(lambda x, r: np.pad(x, (r // 2, r // 4))),
    "20 ms cut off at both ends": changed(lambda x, r: x[r // 50 : -(r // 50)]),
    "5 % cut off at both ends": changed(lambda x, _: x[len(x) // 20 : -(len(x) // 20)]),
    "noise at 30 dB": noise(30),
    "noise at 15 dB": noise(15),
    "Opus 16 kb/s": coded("libopus", "ogg", "16k"),
    "Opus 6 kb/s": coded("libopus", "ogg", "6k"),
    "MP3 24 kb/s": coded("libmp3lame", "mp3", "24k"),
}


def heard(audio: Audio) -> tuple[np.ndarray, bytes]:
    """The samples that are compared, and the fingerprint."""
    samples = load_audio(audio.samples, RATE, source_rate=audio.sample_rate).samples
    with torch.inference_mode():
        return samples, fingerprint(LOG_MEL.mel_power(torch.from_numpy(samples)[None])[0].numpy())


def cosine(one: bytes, other: bytes) -> float:
    """Of two fingerprints."""
    a, b = (np.frombuffer(each, np.int8).astype(float) for each in (one, other))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def hits(paths: list[Path]) -> None:
    """Print how many copies of these are found, a row a damage."""
    print(f"| {len(paths)} copies | alike | found |\n|---|---|---|", flush=True)
    originals = [(load_audio(path), heard(load_audio(path))) for path in paths]
    for name, damage in DAMAGES.items():
        near, found = 0, 0
        for audio, (samples, printed) in originals:
            copy, copied = heard(damage(audio))
            is_near = cosine(printed, copied) >= LEAST_ALIKE
            near += is_near
            found += is_near and same_sound(samples, copy) >= SAME_SOUND
        print(f"| {name} | {near / len(paths):.1%} | {found / len(paths):.1%} |", flush=True)


def alarms(paths: list[Path]) -> list[bytes]:
    """Print what is called a copy among these; their fingerprints."""
    found = [heard(load_audio(path)) for path in paths]
    prints = [printed for _, printed in found]
    pairs = alike(prints)
    likeness = [(same_sound(found[i][0], found[j][0]), i, j) for i, j in pairs]
    copies = [(i, j) for value, i, j in likeness if value >= SAME_SOUND]
    other = [pair for pair in copies if not np.array_equal(*(found[i][0] for i in pair))]
    below = max((value for value, *_ in likeness if value < SAME_SOUND), default=0.0)
    n = len(paths) * (len(paths) - 1) // 2
    print(
        f"{n:,} pairs: {len(pairs)} alike, {len(copies) - len(other)} of the same samples,"
        f" {len(other)} called copies; the likest of the rest is {below:.3f} of {SAME_SOUND}"
    )
    for i, j in other:
        print(f"  {paths[i]} = {paths[j]}")
    return prints


def scale(prints: list[bytes], n: int) -> None:
    """Print how long the search takes among so many fingerprints."""
    rng = np.random.default_rng(0)
    table = np.stack([np.frombuffer(each, np.int8) for each in prints if each])
    chosen = table[rng.integers(0, len(table), n)].astype(np.int16)
    many = np.clip(chosen + rng.integers(-25, 26, chosen.shape), -127, 127).astype(np.int8)
    start = time.perf_counter()
    pairs = alike([each.tobytes() for each in many])
    print(f"{n:,} fingerprints: {time.perf_counter() - start:.1f} s, {len(pairs):,} alike")


def main() -> None:
    """Print hits, false alarms and the time of a large search."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("manifests", nargs="+", type=Path)
    parser.add_argument("--planted", type=int, default=250)
    parser.add_argument("--recordings", type=int, default=5000)
    parser.add_argument("--scale", type=int, default=0)
    given = parser.parse_args()
    rows = [row for path in given.manifests for row in read_manifest(path).rows if row.text]
    paths = [row.audio_path for row in rows if soundfile.info(row.audio_path).duration < 60]
    chosen = random.Random(0)  # noqa: S311
    prints = alarms(chosen.sample(paths, min(given.recordings, len(paths))))
    if given.scale:
        scale(prints, given.scale)
    hits(chosen.sample(paths, min(given.planted, len(paths))))


if __name__ == "__main__":
    main()
