import io

import numpy as np
import pytest
import torch
from PIL import Image

from analysis import picture
from asr_core.features import FeatureConfig, LogMel

NARROW = FeatureConfig()
WIDE = FeatureConfig(sample_rate=16_000, n_mels=80, f_min=0, f_max=8000)


def pixels(png: bytes) -> np.ndarray:
    """(height, width) grey levels 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def test_low_frequencies_are_at_the_bottom_and_time_runs_right():
    features = np.zeros((30, 8), dtype=np.float32)  # (T, F)
    features[20, 1] = 1.0
    image = pixels(picture.spectrogram_png(features))
    assert image.shape == (8, 30)
    assert np.argwhere(image == image.max()).tolist() == [[6, 20]]


def test_louder_is_lighter():
    image = pixels(picture.spectrogram_png(np.linspace(0, 1, 64).reshape(64, 1)))
    assert (np.diff(image[0].astype(int)) > 0).all()


def test_a_long_recording_keeps_its_clicks():
    features = np.zeros((10 * picture.MAX_COLUMNS + 7, 4), dtype=np.float32)
    features[12_345] = 1.0
    image = pixels(picture.spectrogram_png(features))
    assert image.shape[1] == picture.MAX_COLUMNS
    assert (image[0] == image.max()).sum() == 1


def test_a_picture_of_ten_seconds_is_small():
    features = np.random.default_rng(0).random((1000, 64))  # noise is the worst case
    assert len(picture.spectrogram_png(features)) < 60_000


@pytest.mark.parametrize("config", [NARROW, WIDE])
def test_frequency_ticks_stand_at_the_band_that_hears_them(config):
    ticks = picture.frequency_ticks(config)
    assert len(ticks) >= 4
    time_s = torch.arange(config.sample_rate) / config.sample_rate
    for tick in ticks:
        tone = torch.sin(2 * torch.pi * float(tick.label) * time_s)
        features, _ = LogMel(config)(tone.unsqueeze(0), torch.tensor([len(tone)]))
        loudest = int(features[0, 50].argmax())
        # Within a band: below 500 Hz bands are narrower than the window can resolve.
        assert abs(tick.at * config.n_mels - (loudest + 0.5)) <= 1, tick
