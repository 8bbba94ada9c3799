"""`DicomDataset` in a `DataLoader`: without workers, forked, spawned; memory and open files over epochs."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import fastdcm
from fastdcm.torch import DicomDataset, collate, tensor_of
from fastdcm.training.frames import FrameDataset
from tests.training.making import NAMES, open_files, paths
from tests.training.torch import epochs

SIZE = (48, 64)
LABELS = list(range(len(NAMES)))


def test_tensors_share_memory_with_arrays() -> None:
    for shape in ((4, 6), (4, 6, 3)):
        array = np.zeros(shape, np.uint8)
        tensor = tensor_of(array)
        assert tensor.shape == ((1, 4, 6) if len(shape) == 2 else (3, 4, 6))
        tensor[0, 1, 2] = 7
        assert array[1, 2].ravel()[0] == 7


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_items_are_those_of_numpy(dtype: str) -> None:
    arrays = FrameDataset(paths(), LABELS, dtype=dtype)
    tensors = DicomDataset(paths(), LABELS, dtype=dtype)
    assert isinstance(tensors, torch.utils.data.Dataset)
    for (array, label), (tensor, same) in zip(arrays, tensors, strict=True):
        channels_last = array if array.ndim == 3 else array[..., None]
        assert np.array_equal(tensor.permute(1, 2, 0).numpy(), channels_last)
        assert label == same


def test_transforms_get_tensors() -> None:
    data = DicomDataset(paths()[:1], [3], transform=lambda image: image.float().mean())
    assert data[0][0].ndim == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_give_the_same(method: str) -> None:
    if method not in torch.multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    data = DicomDataset(paths(), LABELS, size=SIZE, channels=3, fit="stretch")
    data[0]  # a reader of this process, which others must not use
    expected = epochs.digests(DataLoader(data, batch_size=3, shuffle=False))
    loader = DataLoader(data, batch_size=3, num_workers=2, multiprocessing_context=method)
    assert epochs.digests(loader) == expected
    assert len(expected) == 3


def test_batches_can_be_pinned() -> None:
    """Pinning copies tensors of any layout; without an accelerator a loader leaves them as they are."""
    data = DicomDataset(paths(), LABELS, size=SIZE, channels=3, fit="stretch")
    for images, labels in DataLoader(data, batch_size=4, pin_memory=torch.cuda.is_available()):
        assert images.shape == (4, 3, *SIZE)
        assert images.is_pinned() == labels.is_pinned() == torch.cuda.is_available()


def test_errors_come_out_of_workers(tmp_path: Path) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(paths()[0].read_bytes()[:-1000])
    loader = DataLoader(DicomDataset([cut]), num_workers=1)
    with pytest.raises(fastdcm.TruncatedError, match=r"cut\.dcm"):
        next(iter(loader))


def test_frames_that_fail_are_left_out(tmp_path: Path) -> None:
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(paths()[0].read_bytes()[:-1000])
    data = DicomDataset([cut, paths()[0], cut], [1, 2, 3], on_error="skip")
    batches = list(DataLoader(data, batch_size=2, collate_fn=collate))
    assert batches[0][1].tolist() == [2]
    assert batches[1] is None


def test_pickled() -> None:
    data = DicomDataset(paths(), LABELS, size=SIZE, channels=1, fit="stretch")
    again: Any = pickle.loads(pickle.dumps(data))
    assert all(torch.equal(one, other) for (one, _), (other, _) in zip(data, again, strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_epochs_leave_neither_memory_nor_files(tmp_path: Path) -> None:
    for number in range(64):
        source = paths()[number % 5]
        (tmp_path / f"{number}.dcm").write_bytes(source.read_bytes())
    data = DicomDataset(tmp_path, size=(128, 128), channels=1)
    loader = DataLoader(
        data, batch_size=8, num_workers=2, persistent_workers=True, worker_init_fn=epochs.collect
    )
    before = open_files()
    found = [epochs.one(loader) for _ in range(10)]
    assert len({epoch.digest for epoch in found}) == 1
    assert all(epoch.files == 0 for epoch in found)
    # The first two fill caches. An array of each image would be a megabyte an epoch, its file two.
    assert found[-1].memory - found[1].memory < 4_000_000
    del loader
    assert open_files() <= before
