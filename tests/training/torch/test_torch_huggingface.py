"""Frames as a data set of Hugging Face's `datasets`."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import fastdcm
from fastdcm.training.frames import FrameDataset
from tests.training.making import NAMES, paths

pytest.importorskip("datasets")

SIZE = (48, 64)


def test_rows_are_decoded_when_they_are_read() -> None:
    from fastdcm.integrations.huggingface import dataset_of

    labels = [index % 2 for index in range(len(NAMES))]
    data = dataset_of(paths(), labels, size=SIZE, channels=1)
    frames = FrameDataset(paths(), size=SIZE, channels=1)
    assert len(data) == len(NAMES)
    for row, path, image, label in zip(data, paths(), frames, labels, strict=True):
        assert (row["path"], row["frame"], row["label"]) == (str(path), 1, label)
        assert np.array_equal(row["image"], image)


def test_rows_go_their_own_way() -> None:
    from fastdcm.integrations.huggingface import dataset_of

    labels = [index % 2 for index in range(len(NAMES))]
    kept = dataset_of(paths(), labels, transform=np.shape).filter(
        lambda label: label == 1, input_columns="label", keep_in_memory=True
    )
    assert [row["path"] for row in kept] == [str(path) for path in paths()[1::2]]
    assert [row["image"] for row in kept] == [array.shape for array in list(FrameDataset(paths()))[1::2]]


def test_shuffled_and_pickled() -> None:
    from fastdcm.integrations.huggingface import dataset_of

    data = dataset_of(paths(), size=SIZE, channels=1).shuffle(seed=1)
    frames = FrameDataset(paths(), size=SIZE, channels=1)
    for one in (data, pickle.loads(pickle.dumps(data))):
        rows = list(one)
        assert [row["item"] for row in rows] != list(range(len(NAMES)))
        assert all(np.array_equal(row["image"], frames[row["item"]]) for row in rows)


def test_only_paths(tmp_path: Path) -> None:
    from fastdcm.integrations.huggingface import dataset_of

    with pytest.raises(fastdcm.OptionError, match="paths"):
        dataset_of([paths()[0].read_bytes()])
