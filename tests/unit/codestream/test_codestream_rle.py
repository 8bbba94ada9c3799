"""The RLE header (PS3.5 G.5)."""

from __future__ import annotations

import struct

import pytest

from fastdcm.codestream import rle
from fastdcm.errors import CodestreamError


def frame(*offsets: int, count: int | None = None, size: int = 200) -> bytes:
    header = [len(offsets) if count is None else count, *offsets]
    return struct.pack("<16I", *(header + [0] * (16 - len(header)))).ljust(size, b"\x81")


@pytest.mark.parametrize(
    ("data", "segments"),
    [
        (frame(64), ((64, 136),)),
        (frame(64, size=65), ((64, 1),)),
        (frame(64, 100), ((64, 36), (100, 100))),
        (frame(64, 66, 68, 70), ((64, 2), (66, 2), (68, 2), (70, 130))),
        (frame(*range(64, 79)), (*((offset, 1) for offset in range(64, 78)), (78, 122))),
    ],
)
def test_segments(data: bytes, segments: tuple[tuple[int, int], ...]) -> None:
    assert rle.parse(data, len(segments)) == segments


@pytest.mark.parametrize(
    ("data", "expected", "cause"),
    [
        (b"", 1, "cut: 0 bytes"),
        (frame(64)[:63], 1, "cut: 63 bytes"),
        (frame(count=0), 1, "says 0 segments"),
        (frame(64, count=16), 15, "says 16 segments"),
        (frame(64, count=2**31), 1, "1 to 15"),
        (frame(64, 100), 1, "2 segments where the image has 1"),
        (frame(64), 3, "1 segments where the image has 3"),
        (frame(0), 1, "start at byte 0 instead of 64"),
        (frame(65), 1, "start at byte 65 instead of 64"),
        (frame(64, size=64), 1, "cut: an RLE segment starts at byte 64"),
        (frame(64, 200), 2, "cut: an RLE segment starts at byte 200"),
        (frame(64, 2**32 - 1), 2, "past the end"),
        (frame(64, 64), 2, "do not ascend"),
        (frame(64, 120, 100), 3, "do not ascend"),
        (frame(64, 500, 100), 3, "do not ascend"),
    ],
)
def test_damaged(data: bytes, expected: int, cause: str) -> None:
    with pytest.raises(CodestreamError, match=cause):
        rle.parse(data, expected)
