"""The straight line: recordings in, transcripts out."""

import copy
import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from asr_core.alignment import align, spell
from asr_core.audio import Audio, AudioError, Source, load_audio, stream_audio
from asr_core.checkpoint import AnyContract, find_model, load_model
from asr_core.confidence import word_confidences
from asr_core.decoder import Decoder, Hypothesis, TokenSpan, best_path
from asr_core.features import LogMel
from asr_core.inference import OnnxNetwork
from asr_core.lexicon import LEXICON
from asr_core.model import CtcModel
from asr_core.model_names import is_hugging_face
from asr_core.norms import Norms, load_norms
from asr_core.pieces import cut, join
from asr_core.placement import place_words
from asr_core.transcript import Reading, Transcript, Word
from asr_core.workers import side_by_side

MAX_BATCH_S = 60.0  # padded seconds in a batch: what a thread works on at a time
READ_AHEAD = 64  # recordings that are read before they are wanted
WINDOW = 512  # recordings held in memory and sorted by length at a time, ...
WINDOW_S = 3600.0  # ... or as many as make an hour


@dataclass(frozen=True)
class Emission:
    """What a recording looks and sounds like to a network: features (T, F), log_probs (T', V)."""

    duration_s: float
    features: np.ndarray
    log_probs: np.ndarray


class SampleNetwork(Protocol):
    """A network that is not ours: it hears the samples themselves, not our features of them."""

    stride: int  # feature frames in one output frame
    packages: tuple[str, ...]  # that it runs on, besides torch

    @property
    def weights_sha256(self) -> str:
        """What tells its weights from others."""

    def __call__(self, samples: Tensor, lengths: Tensor, /) -> tuple[Tensor, Tensor]:
        """(B, N), (B,) -> log_probs (B, T', V), (B,): T' as `CtcModel` of the features' frames."""


class Recognizer:
    """A model and all it needs to turn recordings into transcripts."""

    def __init__(
        self,
        contract: AnyContract,
        model: CtcModel | SampleNetwork,
        decoder: Decoder = best_path,
        lexicon_path: Path | None = None,
        norms: Norms | None = None,
    ) -> None:
        self.contract = contract
        self.norms = norms  # what its training recordings were like; None of an older model
        self.decoder = decoder
        self.lexicon_path = lexicon_path  # of the lexicon that came with the model, if any
        self.alphabet = contract.alphabet
        self.model = model
        self.log_mel = LogMel(contract.features)
        if isinstance(model, CtcModel):
            self.model = copy.deepcopy(model).eval()
            self._network = OnnxNetwork(self.model, contract.features.n_mels)

    @classmethod
    def load(cls, folder: str | Path) -> "Recognizer":
        """Load a model folder, a bundled model by its name, or `hf:` and a Hugging Face model.

        Raises:
            CheckpointError: no such model, or a damaged one.
        """
        if is_hugging_face(folder):
            from asr_core.huggingface import load_network

            return cls(*load_network(str(folder)))
        lexicon_path = find_model(folder) / LEXICON
        shipped = lexicon_path if lexicon_path.is_file() else None
        norms = load_norms(find_model(folder))
        return cls(*load_model(folder), lexicon_path=shipped, norms=norms)

    def decoding_with(self, decoder: Decoder) -> "Recognizer":
        """The same model, its weights shared, with another decoder."""
        other = copy.copy(self)
        other.decoder = decoder
        return other

    @property
    def sample_rate(self) -> int:
        return self.contract.features.sample_rate

    @property
    def hop_s(self) -> float:
        """Seconds a feature frame; `FeatureConfig.hop_s` rounded to whole samples."""
        return self.contract.features.hop / self.sample_rate

    @property
    def frame_s(self) -> float:
        """Seconds an output frame: the one conversion from frames to seconds."""
        return self.hop_s * self.model.stride

    @property
    def frame(self) -> int:
        """Samples an output frame."""
        return self.contract.features.hop * self.model.stride

    @property
    def max_batch_s(self) -> float:
        """Padded seconds in a batch; with a network that pads nothing, each recording is one."""
        return MAX_BATCH_S if isinstance(self.model, CtcModel) else 0.0

    def transcribe(self, recordings: Sequence[Source | Audio]) -> list[Transcript]:
        """Transcribe recordings of any lengths; those past a minute are cut where they are quiet.

        Recordings and pieces go through as padded batches; the pieces' transcripts are joined (see
        `pieces.join`). All recordings are held in memory: `transcribe_pieces` reads a file bit by
        bit, and shows and keeps what is done.

        Raises:
            AudioError: a recording that cannot be read (see `transcribe_each` to go on).
        """
        audios = list(side_by_side(self.read, recordings, READ_AHEAD))
        heard = dict(self._transcribe_all(audios))
        return [heard[i] for i in range(len(audios))]

    def transcribe_pieces(
        self, recording: Source | Audio, max_s: float | None = None
    ) -> Iterator[Transcript]:
        """Transcribe a recording of any length in little memory, piece by piece.

        Yields the transcript of each piece, its times from its own start, as soon as its batch is
        done: whoever reads on knows how far it is (the sum of `duration_s`), may stop, and `join`s
        what there is. A recording of up to a minute is one piece.

        Raises:
            AudioError: a recording that cannot be read, or is longer than `max_s`; after the pieces
                before the place where that showed.
        """
        pieces = cut(self._stream(recording, max_s), self.frame)
        batches = _batches(enumerate(pieces), self.max_batch_s)
        for emitted in self._emissions([piece for _, piece in batch] for batch in batches):
            yield from map(self._decode, emitted)

    def _transcribe_all(self, audios: Sequence[Audio]) -> Iterator[tuple[int, Transcript]]:
        """(index, transcript) of each as it is done, in batches of similar length."""
        cuts = [list(cut([audio], self.frame)) for audio in audios]
        owners = [i for i, pieces in enumerate(cuts) for _ in pieces]
        missing = Counter(owners)
        heard: dict[int, dict[int, Transcript]] = defaultdict(dict)  # by owner, then by piece
        by_length = sorted(enumerate(chain.from_iterable(cuts)), key=_length)
        batches = list(_batches(by_length, self.max_batch_s))
        emissions = self._emissions([piece for _, piece in batch] for batch in batches)
        for batch, emitted in zip(batches, emissions, strict=True):
            for (k, _), each in zip(batch, emitted, strict=True):
                owner = owners[k]
                heard[owner][k] = self._decode(each)
                missing[owner] -= 1
                if not missing[owner]:
                    parts = heard.pop(owner)
                    yield owner, join([parts[k] for k in sorted(parts)])

    def _emissions(self, batches: Iterable[Sequence[Audio]]) -> Iterator[list[Emission]]:
        """What the network says of each batch, in order."""
        if isinstance(self.model, CtcModel):
            return side_by_side(self._emit, batches, ahead=torch.get_num_threads() + 1)
        return map(self._emit, batches)  # torch itself has several threads

    @torch.inference_mode()
    def _emit(self, audios: Sequence[Audio]) -> list[Emission]:
        # One by one: what lies between two steps then stays in the processor's cache.
        features = [self.log_mel(*pad([audio.samples]))[0][0] for audio in audios]
        if isinstance(self.model, CtcModel):
            lengths = torch.tensor([len(each) for each in features])
            log_probs, n_frames = self._network(pad_sequence(features, batch_first=True), lengths)
        else:
            heard = self.model(*pad([audio.samples for audio in audios]))
            log_probs, n_frames = (x.numpy() for x in heard)
        return [
            Emission(audio.duration_s, seen.numpy(), said[:n])
            for audio, seen, said, n in zip(audios, features, log_probs, n_frames, strict=True)
        ]

    def _decode(self, emission: Emission) -> Transcript:
        return self._transcript(emission, self.decoder(emission.log_probs))

    def transcribe_each(
        self,
        recordings: Sequence[Source | Audio],
        when_read: Callable[[int, Audio], None] | None = None,
    ) -> Iterator[tuple[int, Transcript | AudioError]]:
        """Transcribe any number of recordings, in batches of similar length.

        Yields (index, transcript) as they are done, not in order; for a recording that cannot
        be read, (index, the AudioError).

        Args:
            recordings: the recordings.
            when_read: is shown each one's index and samples as the model hears them, before it is
                transcribed, so that whoever measures the sound need not decode it again.
        """
        held: list[tuple[int, Audio]] = []
        held_s = 0.0
        for i, audio in enumerate(side_by_side(self._try_to_read, recordings, READ_AHEAD)):
            if isinstance(audio, AudioError):
                yield i, audio
                continue
            if when_read is not None:
                when_read(i, audio)
            held.append((i, audio))
            held_s += audio.duration_s
            if len(held) == WINDOW or held_s > WINDOW_S:
                yield from self._transcribe_held(held)
                held, held_s = [], 0.0
        yield from self._transcribe_held(held)

    def _transcribe_held(self, held: list[tuple[int, Audio]]) -> Iterator[tuple[int, Transcript]]:
        for place, transcript in self._transcribe_all([audio for _, audio in held]):
            yield held[place][0], transcript

    def _try_to_read(self, recording: Source | Audio) -> Audio | AudioError:
        try:
            return self.read(recording)
        except AudioError as e:
            return e

    def align(self, recording: Source | Audio, text: str) -> Transcript:
        """Where a given text is in a recording, whatever the model would have heard.

        The transcript is of the most probable path that spells the text; `n_best` holds that alone.

        Raises:
            AudioError: a recording that cannot be read.
            AlignmentError: words that the model does not know, or a recording too short for them.
        """
        ids = spell(text, self.alphabet)
        heard = self.decoding_with(best_path).transcribe([recording])[0]
        best = align(heard.log_probs, ids)
        readings = [Hypothesis(best.spans, best.log_prob, best.log_prob)]
        return self._transcript(
            Emission(heard.duration_s, heard.features, heard.log_probs), readings
        )

    def read(self, recording: Source | Audio) -> Audio:
        """The recording, checked, at the model's sample rate (raises AudioError)."""
        if isinstance(recording, Audio):
            samples, rate = recording.samples, recording.sample_rate
            return load_audio(samples, self.sample_rate, source_rate=rate)
        return load_audio(recording, self.sample_rate)

    def _stream(self, recording: Source | Audio, max_s: float | None) -> Iterator[Audio]:
        if isinstance(recording, Audio):
            samples, rate = recording.samples, recording.sample_rate
            return stream_audio(samples, self.sample_rate, source_rate=rate, max_s=max_s)
        return stream_audio(recording, self.sample_rate, max_s=max_s)

    def _transcript(self, emission: Emission, readings: Sequence[Hypothesis]) -> Transcript:
        features, log_probs = emission.features, emission.log_probs
        spans = readings[0].spans
        return Transcript(
            text=self._text(readings[0].ids),
            words=self._place(spans, features, log_probs),
            tokens=spans,
            n_best=tuple(readings),
            readings=self._readings(readings, features, log_probs),
            duration_s=emission.duration_s,
            frame_s=self.frame_s,
            hop_s=self.hop_s,
            features=features,
            log_probs=log_probs,
            symbols=tuple(self.alphabet.symbol(span.id) for span in spans),
            boundary_error_s=self.contract.boundary_error_s,
        )

    def _readings(
        self, found: Sequence[Hypothesis], features: np.ndarray, log_probs: np.ndarray
    ) -> tuple[Reading, ...]:
        """The decoder's readings as text, their words placed; none where there is only one."""
        if len(found) == 1:
            return ()
        return tuple(
            Reading(
                text=self._text(each.ids),
                words=self._place(each.spans, features, log_probs),
                log_prob=each.log_prob,
                score=each.score,
            )
            for each in found
        )

    def _text(self, ids: list[int]) -> str:
        # Where the space is a symbol, it may come first, last, or twice around an unknown.
        return " ".join(self.alphabet.decode(ids).split())

    def _place(
        self, spans: Sequence[TokenSpan], features: np.ndarray, log_probs: np.ndarray
    ) -> tuple[Word, ...]:
        return place_words(
            spans,
            self.alphabet,
            features,
            self.model.stride,
            self.hop_s,
            self.contract.emission_delay_s,
            functools.partial(word_confidences, log_probs, config=self.contract.confidence),
        )


def pad(recordings: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Recordings (N,) -> samples (B, N) zero-padded, lengths (B,)."""
    lengths = torch.tensor([len(samples) for samples in recordings])
    samples = torch.zeros(len(recordings), int(lengths.max()))
    for row, recording in zip(samples, recordings, strict=True):
        row[: len(recording)] = torch.from_numpy(recording)
    return samples, lengths


def _batches(
    audios: Iterable[tuple[int, Audio]], max_s: float
) -> Iterator[list[tuple[int, Audio]]]:
    """Cut what comes so that no batch, padded, exceeds `max_s`; best sorted by length."""
    batch: list[tuple[int, Audio]] = []
    longest_s = 0.0
    for item in audios:
        longest_s = max(longest_s, item[1].duration_s)
        if batch and (len(batch) + 1) * longest_s > max_s:
            yield batch
            batch, longest_s = [], item[1].duration_s
        batch.append(item)
    if batch:
        yield batch


def _length(item: tuple[int, Audio]) -> int:
    return len(item[1].samples)
