"""Options of shards: names, sizes."""

from __future__ import annotations

import pytest

from fastdcm.errors import OptionError
from fastdcm.options.shards import ShardOptions, parse_shard_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("256M", 256 << 20),
        ("256m", 256 << 20),
        ("1G", 1 << 30),
        ("1.5 GiB", 3 << 29),
        ("64KB", 64 << 10),
        ("2T", 2 << 40),
        ("20480", 20_480),
        (20_480, 20_480),
    ],
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_shard_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1X", "1 M M", "1e9", "nan", "٣M x"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(OptionError, match="256M"):
        parse_shard_size(text)


def test_names() -> None:
    options = ShardOptions("some/folder/train-%06d.tar")
    assert [options.name(number) for number in (0, 41, 1_234_567)] == [
        "train-000000.tar",
        "train-000041.tar",
        "train-1234567.tar",
    ]
    assert [options.number(options.name(number)) for number in (0, 41, 1_234_567)] == [0, 41, 1_234_567]
    for other in (
        "train-41.tar",
        "train-000041.tar.gz",
        "train-.tar",
        "xtrain-000041.tar",
        "train-0000041.tar",
    ):
        assert options.number(other) is None
    assert options.journal == "train.shards.jsonl"
    assert ShardOptions("%d.tar").journal == "shards.jsonl"
    assert ShardOptions("a.b-%d-c.tar").number("a.b-7-c.tar") == 7
    assert ShardOptions("a.b-%d-c.tar").number("aXb-7-c.tar") is None
