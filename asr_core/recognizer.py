"""The straight line: recordings in, transcripts out."""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from asr_core.alignment import align, spell
from asr_core.audio import Audio, AudioError, Source, load_audio, stream_audio
from asr_core.checkpoint import AnyContract, find_model, load_model
from asr_core.confidence import word_confidence
from asr_core.decoder import Decoder, Hypothesis, TokenSpan, best_path
from asr_core.features import LogMel
from asr_core.lexicon import LEXICON
from asr_core.model import CtcModel
from asr_core.model_names import is_hugging_face
from asr_core.norms import Norms, load_norms
from asr_core.pieces import cut, join
from asr_core.placement import place_words
from asr_core.transcript import Reading, Transcript, Word

MAX_BATCH_S = 300.0  # padded seconds in a batch; bounds memory when there are many recordings
WINDOW = 512  # recordings held in memory and sorted by length at a time, ...
WINDOW_S = 3600.0  # ... or as many as make an hour


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
        if isinstance(model, CtcModel):
            # In double precision the sums of a batch and of a single recording agree to the last
            # digit shown; in single precision they part by up to 1e-4, because shapes decide their
            # order.
            self.model = copy.deepcopy(model).double().eval()
        self.log_mel = LogMel(contract.features)

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
        audios = [self.read(recording) for recording in recordings]
        pieces = [list(cut([audio], self.frame)) for audio in audios]
        heard = iter(self._transcribe_all([piece for some in pieces for piece in some]))
        return [join(list(islice(heard, len(some)))) for some in pieces]

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
        for batch in _batches(enumerate(pieces), self.max_batch_s):
            yield from self._transcribe_batch([piece for _, piece in batch])

    def _transcribe_all(self, audios: Sequence[Audio]) -> list[Transcript]:
        """In batches of similar length."""
        by_length = sorted(enumerate(audios), key=lambda item: item[1].duration_s)
        transcripts: dict[int, Transcript] = {}
        for batch in _batches(by_length, self.max_batch_s):
            results = self._transcribe_batch([audio for _, audio in batch])
            transcripts |= zip((i for i, _ in batch), results, strict=True)
        return [transcripts[i] for i in range(len(audios))]

    @torch.inference_mode()
    def _transcribe_batch(self, audios: Sequence[Audio]) -> list[Transcript]:
        samples, lengths = pad([audio.samples for audio in audios])
        features, feature_lengths = self.log_mel(samples, lengths)
        if isinstance(self.model, CtcModel):
            log_probs, frame_lengths = self.model(features.double(), feature_lengths)
        else:
            log_probs, frame_lengths = self.model(samples, lengths)
        heard = []
        for i, audio in enumerate(audios):
            frames = log_probs[i, : frame_lengths[i]].numpy()
            seen = features[i, : feature_lengths[i]].numpy()
            heard.append(self._transcript(audio.duration_s, seen, frames, self.decoder(frames)))
        return heard

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
        for i, recording in enumerate(recordings):
            try:
                audio = self.read(recording)
            except AudioError as e:
                yield i, e
                continue
            if when_read is not None:
                when_read(i, audio)
            held.append((i, audio))
            if len(held) == WINDOW or sum(audio.duration_s for _, audio in held) > WINDOW_S:
                yield from self._transcribe_held(held)
                held = []
        yield from self._transcribe_held(held)

    def _transcribe_held(self, held: list[tuple[int, Audio]]) -> Iterator[tuple[int, Transcript]]:
        held.sort(key=lambda item: item[1].duration_s)
        for batch in _batches(held, self.max_batch_s):
            transcripts = self.transcribe([audio for _, audio in batch])
            yield from zip((i for i, _ in batch), transcripts, strict=True)

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
        return self._transcript(heard.duration_s, heard.features, heard.log_probs, readings)

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

    def _transcript(
        self,
        duration_s: float,
        features: np.ndarray,
        log_probs: np.ndarray,
        readings: Sequence[Hypothesis],
    ) -> Transcript:
        spans = readings[0].spans
        return Transcript(
            text=self._text(readings[0].ids),
            words=self._place(spans, features, log_probs),
            tokens=spans,
            n_best=tuple(readings),
            readings=self._readings(readings, features, log_probs),
            duration_s=duration_s,
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
            functools.partial(word_confidence, log_probs, config=self.contract.confidence),
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
