"""Does the recording doctor see a fault, and only where there is one?

    python -m benchmarks.doctor assets/validation/spoken/manifest.jsonl [MORE.jsonl ...]

Every recording is measured untouched; then each fault is planted in those that do not have its hint
already, in several strengths, and nothing else is changed. A hit: the hint of the fault appears. A
false alarm: a hint on an untouched recording. Of manifests with the bundled set's annotations
(noise, room, band) only recordings that are clean by these count as untouched, and the annotated
faults are compared with the hints. "Others" are hints of another code that a fault brings besides.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
import soxr

from asr_core.audio import Audio, load_audio
from asr_core.degrade import (
    TELEPHONE_BAND,
    active_mask,
    active_rms,
    limit_band,
    make_noise,
    rms,
    scale_to_snr,
)
from asr_core.doctor import Hint, diagnose
from asr_core.doctor_rules import LEAST_LETTERS
from asr_core.doctor_texts import HINTS
from asr_core.manifest import ManifestRow, read_manifest
from asr_core.recognizer import Recognizer
from asr_core.recording_measures import measure_recording

SEED = 1
PEAK = 0.95

Damage = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Fault:
    """One way to spoil a recording (N,); the strongest of a code is the clear one, and last."""

    code: str
    name: str
    damage: Damage
    also: tuple[str, ...] = ()  # hints that say the same, and count as hits


def at_level(dbfs: float) -> Damage:
    """Speech at a level, in 16 bits as a file would have it; peaks are cut off."""

    def damage(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
        louder = samples * 10 ** (dbfs / 20) / max(active_rms(samples, rate), 1e-9)
        return np.clip(np.round(louder * 32768), -32768, 32767) / 32768

    return damage


def clip_at(share: float) -> Damage:
    """Cut everything above a quantile of the magnitudes of the speech."""

    def damage(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
        top = np.quantile(np.abs(samples[active_mask(samples, rate)]), 1 - share)
        return np.clip(samples, -top, top)

    return damage


def noise(kind: str, snr_db: float) -> Damage:
    def damage(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        added = make_noise(kind, len(samples), rate, rng)
        return samples + scale_to_snr(samples, added, snr_db, rate)

    return damage


def gentle_telephone(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
    return limit_band(samples, TELEPHONE_BAND, rate)


def sharp_telephone(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
    """A codec's filter: 60 dB down within 200 Hz."""
    filter_ = scipy.signal.ellip(8, 0.1, 60, TELEPHONE_BAND, "bandpass", fs=rate, output="sos")
    return scipy.signal.sosfilt(filter_, samples)


def high_pass(hz: float, order: int) -> Damage:
    def damage(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
        filter_ = scipy.signal.butter(order, hz, "highpass", fs=rate, output="sos")
        return scipy.signal.sosfilt(filter_, samples)

    return damage


def rumble(snr_db: float) -> Damage:
    """Brown noise below 60 Hz."""

    def damage(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        low = scipy.signal.butter(4, (20, 60), "bandpass", fs=rate, output="sos")
        added = scipy.signal.sosfilt(low, rng.standard_normal(len(samples)))
        return samples + scale_to_snr(samples, added, snr_db, rate)

    return damage


def offset(mean: float) -> Damage:
    return lambda samples, _rate, _rng: samples + mean


def cut(*, end: bool) -> Damage:
    """Begin or end in the middle of the first or last loud stretch: a word is cut in two."""

    def damage(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
        frame = round(0.02 * rate)
        power = np.square(samples[: len(samples) // frame * frame]).reshape(-1, frame).mean(axis=1)
        loud = np.flatnonzero(power > 0.3 * np.quantile(power, 0.95))
        at = int(loud[-1 if end else 0]) * frame
        return samples[: at + frame] if end else samples[at:]

    return damage


def trim(below_db: float) -> Damage:
    """Leave no pause around, but cut no word."""

    def damage(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
        frame = round(0.01 * rate)
        power = np.square(samples[: len(samples) // frame * frame]).reshape(-1, frame).mean(axis=1)
        sound = np.flatnonzero(power > np.quantile(power, 0.95) * 10 ** (-below_db / 10))
        return samples[sound[0] * frame : (sound[-1] + 1) * frame]

    return damage


def only_noise(dbfs: float) -> Damage:
    def damage(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        return make_noise("pink", len(samples), rate, rng) * 10 ** (dbfs / 20)

    return damage


def silence_after(seconds: float) -> Damage:
    """Noise as loud as the recording's quietest tenth of a second."""

    def damage(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        width = rate // 10
        quiet = min(rms(samples[i : i + width]) for i in range(0, len(samples) - width, width))
        rest = make_noise("pink", round(seconds * rate), rate, rng) * max(quiet, 1e-5)
        return np.concatenate([samples, rest])

    return damage


def drop_out(gap_s: float) -> Damage:
    """Lost samples in the middle of what is loud, of a recording with a little noise."""

    def damage(samples: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        noisy = samples + 3e-4 * rng.standard_normal(len(samples))  # it would not be digital else
        loud = np.flatnonzero(active_mask(samples, rate))
        middle, width = int(loud[len(loud) // 2]), round(gap_s * rate)
        noisy[max(middle - width // 2, 0) : middle + width // 2] = 0
        return noisy

    return damage


def first(seconds: float) -> Damage:
    """What is left of a button that was let go: the loudest moment."""

    def damage(samples: np.ndarray, rate: int, _: np.random.Generator) -> np.ndarray:
        at = int(np.abs(samples).argmax())
        start = max(0, at - round(seconds * rate / 2))
        return samples[start : start + round(seconds * rate)]

    return damage


def repeat(seconds: float) -> Damage:
    return lambda samples, rate, _: np.resize(samples, round(seconds * rate))


def speed(factor: float) -> Damage:
    return lambda samples, rate, _: soxr.resample(samples, rate * factor, rate)


FAULTS = (
    Fault("no_speech", "pink noise alone, -50 dB", only_noise(-50)),
    Fault("quiet", "speech at -52 dB", at_level(-52)),
    Fault("quiet", "speech at -60 dB", at_level(-60)),
    Fault("loud", "speech at -8 dB, clipped where it must", at_level(-8)),
    Fault("loud", "speech at -6 dB, clipped where it must", at_level(-6)),
    Fault("clipped", "2 % of the speech's samples", clip_at(0.02)),
    Fault("clipped", "10 %", clip_at(0.10)),
    Fault("noisy", "white noise, 10 dB", noise("white", 10)),
    Fault("noisy", "white noise, 5 dB", noise("white", 5)),
    Fault("noisy", "pink noise, 0 dB", noise("pink", 0)),
    Fault("narrow_band", "telephone, gentle (24 dB an octave)", gentle_telephone),
    Fault("narrow_band", "telephone, sharp (elliptic)", sharp_telephone),
    Fault("low_cut", "high-pass 300 Hz, 24 dB an octave", high_pass(300, 4)),
    Fault("low_cut", "high-pass 500 Hz, 48 dB an octave", high_pass(500, 8)),
    Fault("hum", "50 Hz, 20 dB below", noise("hum50", 20)),
    Fault("hum", "60 Hz, 20 dB below", noise("hum60", 20)),
    Fault("hum", "50 Hz, 10 dB below", noise("hum50", 10)),
    Fault("rumble", "20 to 60 Hz, 10 dB below", rumble(10)),
    Fault("rumble", "20 to 60 Hz, 0 dB", rumble(0)),
    Fault("dc_offset", "3 % of full scale", offset(0.03)),
    Fault("dc_offset", "10 %", offset(-0.1)),
    Fault("cut_start", "begins in the first loud stretch", cut(end=False)),
    Fault("cut_end", "ends in the last loud stretch", cut(end=True)),
    Fault("tight", "trimmed to what is within 24 dB", trim(24), ("cut_start", "cut_end")),
    Fault("mostly_silence", "20 s of pause after it", silence_after(20)),
    Fault("mostly_silence", "60 s of pause after it", silence_after(60)),
    Fault("dropouts", "0.15 s lost", drop_out(0.15)),
    Fault("dropouts", "0.3 s lost", drop_out(0.3)),
    Fault("short", "0.25 s of it", first(0.25)),
    Fault("long", "repeated for 90 s", repeat(90)),
    Fault("fast", "2 times as fast", speed(2.0)),
    Fault("fast", "3 times as fast", speed(3.0)),
    Fault("slow", "a half of the speed", speed(0.5)),
    Fault("slow", "a quarter of the speed", speed(0.25)),
)
assert {fault.code for fault in FAULTS} | {"low_rate"} == set(HINTS)  # that one is read, not heard


def untouched(rows: Sequence[ManifestRow]) -> list[ManifestRow]:
    """Rows with speech that are clean by their annotations; all of them where there are none."""
    clean = {"noise": "none", "room": "none", "band": "wide"}
    return [
        row
        for row in rows
        if row.text and all(row.fields.get(name, best) == best for name, best in clean.items())
    ]


def examine(recognizer: Recognizer, samples: np.ndarray, text: str) -> tuple[Hint, ...]:
    measures = measure_recording(Audio(samples.astype(np.float32), recognizer.sample_rate))
    return diagnose(measures, recognizer.norms, text=text, contract=recognizer.contract)


def codes(hints: Sequence[Hint]) -> set[str]:
    return {hint.code for hint in hints}


def report(recognizer: Recognizer, path: Path, limit: int) -> Iterator[str]:
    """The Markdown of one manifest."""
    rows = read_manifest(path).rows
    clean = untouched(rows)
    clean = clean[:: max(1, len(clean) // limit)]
    rate = recognizer.sample_rate
    sounds = [load_audio(row.audio_path, rate).samples for row in clean]
    before = [codes(examine(recognizer, s, row.text)) for s, row in zip(sounds, clean, strict=True)]
    alarms = Counter(code for found in before for code in found)
    free = sum(not found for found in before)
    name = path.parent.name if path.stem == "manifest" else path.stem
    yield f"\n## {name}: {len(clean)} untouched\n"
    yield f"{percent(free, len(clean))} are free of hints. False alarms: " + (
        ", ".join(f"{c} {percent(n, len(clean))}" for c, n in alarms.most_common()) or "none"
    )
    yield "\n| hint | fault planted | hits | false alarms | others it brings |"
    yield "|---|---|--:|--:|---|"
    for fault in FAULTS:
        yield _row(recognizer, fault, clean, sounds, before, alarms)
    yield from _annotated(recognizer, rows)


def _row(
    recognizer: Recognizer,
    fault: Fault,
    clean: Sequence[ManifestRow],
    sounds: Sequence[np.ndarray],
    before: Sequence[set[str]],
    alarms: Counter[str],
) -> str:
    rng = np.random.default_rng(SEED)
    hits, n, others = 0, 0, Counter[str]()
    for samples, row, had in zip(sounds, clean, before, strict=True):
        if fault.code in had:
            continue
        if fault.code in ("fast", "slow") and sum(map(len, row.text.split())) < LEAST_LETTERS:
            continue  # its pace is not measured
        spoilt = fault.damage(samples.astype(np.float64), recognizer.sample_rate, rng)
        found = codes(examine(recognizer, spoilt, row.text))
        n += 1
        hits += bool(found & {fault.code, *fault.also})
        others.update(found - had - {fault.code})
    common = [(code, k) for code, k in others.most_common(3) if 20 * k > n]
    brought = ", ".join(f"{code} {percent(k, n)}" for code, k in common)
    return (
        f"| {fault.code} | {fault.name} | {percent(hits, n)}"
        f" | {percent(alarms[fault.code], len(clean))} | {brought} |"
    )


def _annotated(recognizer: Recognizer, rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Where the manifest says what was done to its recordings: which hints they have."""
    if not any("noise" in row.fields for row in rows):
        return
    yield "\n| annotation | hint | recordings | with it |\n|---|---|--:|--:|"
    rate = recognizer.sample_rate
    found = []
    for row in rows:
        samples = load_audio(row.audio_path, rate).samples
        found.append((row, codes(examine(recognizer, samples, row.text))))
    wide = [pair for pair in found if pair[0].fields.get("band") == "wide"]
    phone = [pair for pair in found if pair[0].fields.get("band") == "telephone"]
    groups = {("band telephone", "narrow_band"): phone, ("band wide", "narrow_band"): wide}
    for low, high in ((-99, 0), (0, 5), (5, 10), (10, 20), (20, 99)):
        name = f"snr_db over {low} to {high}" if low > -99 else f"snr_db to {high}"
        groups[name, "noisy"] = [
            (row, has)
            for row, has in found
            if row.fields.get("snr_db") is not None and low < row.fields["snr_db"] <= high
        ]
    groups["no noise", "noisy"] = [p for p in found if p[0].fields.get("noise") == "none"]
    for kind in ("hum50", "hum60"):
        groups[f"noise {kind}", "hum"] = [p for p in found if p[0].fields.get("noise") == kind]
    groups["other noise or none", "hum"] = [
        p for p in found if not str(p[0].fields.get("noise")).startswith("hum")
    ]
    for (name, code), pairs in groups.items():
        n = sum(code in has or (code == "noisy" and "no_speech" in has) for _, has in pairs)
        if pairs:
            yield f"| {name} | {code} | {len(pairs)} | {percent(n, len(pairs))} |"


def percent(n: int, total: int) -> str:
    return f"{100 * n / total:.1f} %" if total else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="+", type=Path)
    parser.add_argument("--model", default="spoken")
    parser.add_argument("--limit", type=int, default=200, help="untouched recordings of each")
    args = parser.parse_args()
    recognizer = Recognizer.load(args.model)
    for path in args.manifests:
        for line in report(recognizer, path, args.limit):
            print(line, flush=True)


if __name__ == "__main__":
    main()
