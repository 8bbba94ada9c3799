"""Shards in NumPy alone."""

from __future__ import annotations

import tarfile
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.training.shards import ShardReader, Share
from tests.training.making import open_files
from tests.training.tars import add, png, write_shards


def numbers(reader: ShardReader, share: Share = Share()) -> list[int]:  # noqa: B008
    return [metadata["number"] for _, metadata in reader.read(share)]


def test_samples_in_order(tmp_path: Path) -> None:
    reader = ShardReader(write_shards(tmp_path, shards=3, each=4))
    found = list(reader)
    assert [metadata["number"] for _, metadata in found] == list(range(12))
    for image, metadata in found:
        assert image.flags.writeable
        assert image.tolist() == [[metadata["number"]] * 8] * 6


def test_shares_are_all_once(tmp_path: Path) -> None:
    for shuffle in (0, 5):
        reader = ShardReader(write_shards(tmp_path, shards=5, each=4), shuffle=shuffle)
        found = [number for share in range(3) for number in numbers(reader, Share(share, 3))]
        assert sorted(found) == list(range(20))


def test_orders_follow_seed_and_epoch(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, shards=4, each=5)
    reader = ShardReader(shards, shuffle=7)
    first = numbers(reader)
    assert numbers(reader) == first != list(range(20))
    reader.epoch = 1
    assert numbers(reader) != first
    assert numbers(ShardReader(shards, shuffle=7, seed=1)) != first


def test_transform_and_samples_without_metadata(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, "a.b.png", png(np.zeros((2, 3), np.uint8)))
        add(tar, "a.txt", b"no image")
        add(tar, "c.json", b'{"n": 1}')
    reader = ShardReader(tmp_path / "a.tar", transform=lambda image, metadata: (image.shape, metadata))
    assert list(reader) == []  # "b.png" is no extension of images: names are parted at their first dot


@pytest.mark.parametrize(
    ("extension", "encode"),
    [("png", imagecodecs.png_encode), ("jxl", lambda a: imagecodecs.jpegxl_encode(a, lossless=True))],
)
@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3)], ids=["gray", "colour"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_all_bits_come_back(tmp_path: Path, extension: str, encode, shape, dtype) -> None:  # type: ignore[no-untyped-def]
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, f"a.{extension}", encode(pixels))
    [(image, metadata)] = ShardReader([tmp_path / "a.tar"])
    assert image.dtype == dtype
    assert np.array_equal(image, pixels)
    assert metadata == {}


def test_errors_name_the_shard(tmp_path: Path) -> None:
    with pytest.raises(fastdcm.SourceError, match=r"none\.tar"):
        list(ShardReader(tmp_path / "none.tar"))
    [shard] = write_shards(tmp_path, shards=1, each=2)
    whole = Path(shard).read_bytes()
    Path(shard).write_bytes(whole[:700])
    with pytest.raises(fastdcm.SourceError, match="000000"):
        list(ShardReader(shard))
    with tarfile.open(shard, "w") as tar:
        add(tar, "a.png", b"no PNG")
    with pytest.raises(fastdcm.DecodeError, match=r"000000\.tar/a\.png"):
        list(ShardReader(shard))
    with tarfile.open(shard, "w") as tar:
        add(tar, "a.png", b"")
        add(tar, "a.jpg", b"")
    with pytest.raises(fastdcm.SourceError, match="second image"):
        list(ShardReader(shard))
    with pytest.raises(fastdcm.OptionError, match="no shards"):
        ShardReader([])


def test_no_shard_stays_open(tmp_path: Path) -> None:
    before = open_files()
    samples = iter(ShardReader(write_shards(tmp_path, shards=2, each=3)))
    next(samples)
    assert len(open_files() - before) == 1
    samples.close()  # type: ignore[attr-defined]
    assert open_files() == before
