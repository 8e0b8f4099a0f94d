"""Datasets of Hugging Face, made here and read without the network."""

import sys
from pathlib import Path

import numpy as np
import pyarrow
import pytest

from asr_core.audio import load_audio
from asr_core.manifest import ManifestError
from asr_core.training.layouts.found import Found
from asr_core.training.layouts.hub import read_hub
from tests.small_layouts import parted, record, write


def test_hub_rows_from_disk(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    recording = record(tmp_path / "a.wav", rate=16000)
    columns = {
        "audio": [
            {"bytes": recording.read_bytes(), "path": None},
            {"bytes": None, "path": str(recording)},
            {"bytes": b"no audio at all", "path": "x.mp3"},
        ],
        "sentence": ["One.", "Two.", None],
        "speaker_id": [7, 8, None],
        "age": [31, None, None],
        "vector": [[1.0], [2.0], [3.0]],
        "accent": [1, 0, 0],
    }
    kinds = {
        "audio": datasets.Audio(),
        "sentence": datasets.Value("string"),
        "speaker_id": datasets.Value("int64"),
        "age": datasets.Value("int64"),
        "vector": datasets.List(datasets.Value("float32")),
        "accent": datasets.ClassLabel(names=["us", "scottish"]),
    }
    features = datasets.Features(kinds)  # as Arrow: encoding audio would take torchcodec
    arrow = pyarrow.table(columns, schema=features.arrow_schema)
    table = datasets.Dataset(arrow, datasets.DatasetInfo(features=features))
    datasets.DatasetDict({"train": table, "test": table}).save_to_disk(tmp_path / "saved")
    name, clips = str(tmp_path / "saved"), tmp_path / "clips"

    found, rejects = parted(read_hub(name, clips, splits=["train"]))
    one, two = found["train-0000000"], found["train-0000001"]
    assert (one.text, one.speaker, one.split) == ("One.", "7", "train")
    assert one.fields == {"age": 31, "accent": "scottish"}
    assert one.path == clips / "train-0000000.flac"
    np.testing.assert_allclose(
        load_audio(one.path).samples, load_audio(recording).samples, atol=2**-15
    )
    assert (two.text, two.fields) == ("Two.", {"accent": "us"})
    assert list(rejects) == ["train-0000002"]
    assert len(list(read_hub(name, clips))) == 6
    with pytest.raises(ManifestError, match=r"no split dev.*train, test"):
        list(read_hub(name, clips, splits=["dev"]))
    worded, _ = parted(read_hub(name, clips, text_column="accent", splits=["train"]))
    assert [each.text for each in worded.values()] == ["scottish", "us"]
    with pytest.raises(ManifestError, match="Expected said, got 'audio', 'sentence'"):
        list(read_hub(name, clips, text_column="said"))
    with pytest.raises(ManifestError, match="Cannot load the dataset"):
        list(read_hub(str(tmp_path / "clips"), clips))


def test_hub_parquet_whose_recordings_are_files_leaves_them_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    recording = record(tmp_path / "a.wav")
    features = datasets.Features({"audio": datasets.Audio(), "text": datasets.Value("string")})
    cells = {"audio": [{"bytes": None, "path": str(recording)}], "text": ["One"]}
    arrow = pyarrow.table(cells, schema=features.arrow_schema)
    (tmp_path / "set").mkdir()
    table = datasets.Dataset(arrow, datasets.DatasetInfo(features=features))
    table.to_parquet(tmp_path / "set" / "train-0.parquet")
    (one,) = read_hub(str(tmp_path / "set"), tmp_path / "clips")
    assert isinstance(one, Found)
    assert (one.path, one.text, one.split) == (recording, "One", "train")
    assert not (tmp_path / "clips").exists()


def test_hub_of_loose_files_points_to_the_other_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    if datasets.config.TORCHCODEC_AVAILABLE:
        pytest.skip("with torchcodec, datasets reads them itself")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    record(tmp_path / "set" / "train" / "a.wav")
    write(tmp_path / "set" / "train" / "metadata.csv", "file_name,transcription", "a.wav,One")
    with pytest.raises(ManifestError, match=r"torchcodec.*`prepare folder`"):
        list(read_hub(str(tmp_path / "set"), tmp_path / "clips"))


def test_without_the_package_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ManifestError, match=r"pip install -r requirements-hf\.txt"):
        list(read_hub("any", tmp_path))
