"""Deflated data sets, inflated as far as they are read, in bounded memory (PS3.5 A.5)."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import pytest

from fastdcm.errors import DicomError
from fastdcm.reader import inflate
from fastdcm.reader.inflate import InflatedSource
from fastdcm.reader.source import MemorySource


def deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def source(data: bytes, limit: int = 1 << 30) -> InflatedSource:
    return InflatedSource(MemorySource(b"head" + deflate(data)), 4, limit)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with sizes that a small test passes often."""
    for name, value in {"KEPT": 5000, "MARK_EVERY": 3000, "_CHUNK": 100, "_STEP": 700}.items():
        monkeypatch.setattr(inflate, name, value)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("seed", range(20))
def test_ranges_in_any_order(seed: int) -> None:
    """Forwards, backwards, overlapping, longer than what is kept, and past the end."""
    chance = random.Random(seed)
    data = bytes(chance.choices(range(256), weights=range(1, 257), k=40_000))
    found = source(data)
    for _ in range(200):
        offset = chance.randrange(len(data) + 1000)
        length = chance.choice([0, 1, 16, 700, 5001, 20_000])
        assert found.read(offset, length) == data[offset : offset + length]
    found.read(0, len(data) + 1)
    assert found.size == len(data)


def test_memory_does_not_grow_with_the_data_set() -> None:
    """300 MiB in 300 KB: read on and on, then from its start again."""
    found = source(bytes(300 << 20))
    tracemalloc.start()
    try:
        for offset in range(0, 300 << 20, 30 << 20):
            assert found.read(offset, 1000) == bytes(1000)
        assert found.read(1 << 20, 1000) == bytes(1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < inflate.KEPT + (16 << 20)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("size", [9_999, 10_000, 10_001, 50_000])
def test_limit(size: int) -> None:
    found = source(bytes(size), 10_000)
    assert found.size == 10_000
    assert found.read(9_000, 100) == bytes(100)
    if size <= 10_000:
        assert len(found.read(0, 20_000)) == size
        assert found.size == size
        return
    for _ in range(2):
        with pytest.raises(DicomError, match="exceeds the limit of 10000 bytes"):
            found.read(9_000, 2_000)
    # What lies before the limit stays readable.
    assert found.read(0, 8_000) == bytes(8_000)


def test_only_what_is_needed_is_read() -> None:
    noise = random.Random(1).randbytes(4 << 20)
    found = source(noise)
    assert found.read(10, 10) == noise[10:20]
    assert found._position <= 200_000
