"""The straight line: recordings in, transcripts out."""

import copy
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from asr_core.audio import Audio, AudioError, Source, load_audio
from asr_core.checkpoint import Contract, load_model
from asr_core.confidence import word_confidence
from asr_core.decoder import Decoder, best_path
from asr_core.features import LogMel
from asr_core.model import CtcModel
from asr_core.placement import place_words
from asr_core.transcript import Transcript

MAX_BATCH_S = 300.0  # padded seconds in a batch; bounds memory when there are many recordings
WINDOW = 512  # recordings held in memory and sorted by length at a time, ...
WINDOW_S = 3600.0  # ... or as many as make an hour


class Recognizer:
    """A model and all it needs to turn recordings into transcripts."""

    def __init__(self, contract: Contract, model: CtcModel, decoder: Decoder = best_path) -> None:
        self.contract = contract
        self.decoder = decoder
        self.alphabet = contract.alphabet
        # In double precision the sums of a batch and of a single recording agree to the last digit
        # shown; in single precision they part by up to 1e-4, because shapes decide their order.
        self.model = copy.deepcopy(model).double().eval()
        self.log_mel = LogMel(contract.features)

    @classmethod
    def load(cls, folder: str | Path) -> "Recognizer":
        """Load a model folder, or a bundled model by its name (raises CheckpointError)."""
        return cls(*load_model(folder))

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

    @torch.inference_mode()
    def transcribe(self, recordings: Sequence[Source | Audio]) -> list[Transcript]:
        """Transcribe recordings of any lengths as one padded batch.

        Raises:
            AudioError: a recording that cannot be read (see `transcribe_each` to go on).
        """
        if not recordings:
            return []
        audios = [self.read(recording) for recording in recordings]
        samples, lengths = pad([audio.samples for audio in audios])
        features, feature_lengths = self.log_mel(samples, lengths)
        log_probs, frame_lengths = self.model(features.double(), feature_lengths)
        return [
            self._transcript(audio, x[:t].numpy(), y[:u].numpy())
            for audio, x, t, y, u in zip(
                audios, features, feature_lengths, log_probs, frame_lengths, strict=True
            )
        ]

    def transcribe_each(
        self, recordings: Sequence[Source | Audio]
    ) -> Iterator[tuple[int, Transcript | AudioError]]:
        """Transcribe any number of recordings, in batches of similar length.

        Yields (index, transcript) as they are done, not in order; for a recording that cannot
        be read, (index, the AudioError).
        """
        held: list[tuple[int, Audio]] = []
        for i, recording in enumerate(recordings):
            try:
                held.append((i, self.read(recording)))
            except AudioError as e:
                yield i, e
            if len(held) == WINDOW or sum(audio.duration_s for _, audio in held) > WINDOW_S:
                yield from self._transcribe_held(held)
                held = []
        yield from self._transcribe_held(held)

    def _transcribe_held(self, held: list[tuple[int, Audio]]) -> Iterator[tuple[int, Transcript]]:
        held.sort(key=lambda item: item[1].duration_s)
        for batch in _batches(held):
            transcripts = self.transcribe([audio for _, audio in batch])
            yield from zip((i for i, _ in batch), transcripts, strict=True)

    def read(self, recording: Source | Audio) -> Audio:
        """The recording, checked, at the model's sample rate (raises AudioError)."""
        if isinstance(recording, Audio):
            samples, rate = recording.samples, recording.sample_rate
            return load_audio(samples, self.sample_rate, source_rate=rate)
        return load_audio(recording, self.sample_rate)

    def _transcript(self, audio: Audio, features: np.ndarray, log_probs: np.ndarray) -> Transcript:
        readings = self.decoder(log_probs)
        spans = readings[0].spans
        words = place_words(
            spans,
            self.alphabet,
            features,
            self.model.stride,
            self.hop_s,
            self.contract.emission_delay_s,
            functools.partial(word_confidence, log_probs, config=self.contract.confidence),
        )
        return Transcript(
            # Where the space is a symbol, it may come first, last, or twice around an unknown.
            text=" ".join(self.alphabet.decode(readings[0].ids).split()),
            words=words,
            tokens=spans,
            n_best=tuple(readings),
            duration_s=audio.duration_s,
            frame_s=self.frame_s,
            hop_s=self.hop_s,
            features=features,
            log_probs=log_probs,
        )


def pad(recordings: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Recordings (N,) -> samples (B, N) zero-padded, lengths (B,)."""
    lengths = torch.tensor([len(samples) for samples in recordings])
    samples = torch.zeros(len(recordings), int(lengths.max()))
    for row, recording in zip(samples, recordings, strict=True):
        row[: len(recording)] = torch.from_numpy(recording)
    return samples, lengths


def _batches(audios: list[tuple[int, Audio]]) -> Iterator[list[tuple[int, Audio]]]:
    """Cut a list sorted by length so that no batch, padded, exceeds MAX_BATCH_S."""
    batch: list[tuple[int, Audio]] = []
    for item in audios:
        if batch and (len(batch) + 1) * item[1].duration_s > MAX_BATCH_S:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
