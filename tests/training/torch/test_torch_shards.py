"""`ShardDataset`: what `ShardReader` reads, shared among workers, each sample once an epoch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

from fastdcm.torch import ShardDataset
from fastdcm.training.shards import ShardReader
from tests.training.tars import write_shards


def number_of(image: torch.Tensor, metadata: dict[str, int]) -> int:
    assert image.shape == (1, 6, 8)
    assert image.dtype == torch.uint8
    assert int(image[0, 0, 0]) == metadata["number"]
    return metadata["number"]


def test_tensors(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, shards=1, each=3)
    for (array, known), (tensor, metadata) in zip(ShardReader(shards), ShardDataset(shards), strict=True):
        assert torch.equal(tensor[0], torch.from_numpy(array))
        assert metadata == known


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("shuffle", [0, 4])
def test_each_sample_once(tmp_path: Path, workers: int, shuffle: int) -> None:
    data = ShardDataset(write_shards(tmp_path, shards=5, each=4), shuffle=shuffle, transform=number_of)
    loader = DataLoader(data, batch_size=3, num_workers=workers)
    first = [int(number) for batch in loader for number in batch]
    assert sorted(first) == list(range(20))
    data.set_epoch(1)
    second = [int(number) for batch in loader for number in batch]
    assert sorted(second) == list(range(20))
    assert (first != second) == bool(shuffle)
    data.set_epoch(0)
    assert [int(number) for batch in loader for number in batch] == first


@pytest.mark.filterwarnings("ignore")  # it leaves tars to be closed by who collects garbage
def test_webdataset_reads_the_same(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    shards = write_shards(tmp_path, shards=2, each=3)
    theirs = webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8").to_tuple("png", "json")
    for (image, known), (tensor, metadata) in zip(theirs, ShardDataset(shards), strict=True):
        assert (image == tensor[0].numpy()[..., None]).all()
        assert metadata == known
