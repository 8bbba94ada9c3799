"""What a video starts as, by the start codes and boxes of the standards."""

from __future__ import annotations

import pytest

from fastdcm.codestream.video import identify

TS = b"\x47" + bytes(187)
M2TS = bytes(4) + TS


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\0\0\1\xb3\x2d\x01\xe0", "mpegvideo"),
        (b"\0\0\0\0\0\1\xb3\x2d", "mpegvideo"),
        (b"\0\0\1\xba\x44", "mpeg"),
        (b"\0\0\0\1\x67\x64\x00\x29", "h264"),
        (b"\0\0\1\x27\x4d", "h264"),
        (b"\0\0\0\1\x09\x10", "h264"),
        (b"\0\0\1\x06\x01\x05", "h264"),
        (b"\0\0\0\1\x40\x01\x0c", "hevc"),
        (b"\0\0\1\x42\x01", "hevc"),
        (b"\0\0\0\1\x46\x01\x50", "hevc"),
        (b"\0\0\1\x4e\x01\x05", "hevc"),
        (TS * 3, "mpegts"),
        (TS * 5 + TS[:50], "mpegts"),
        (M2TS * 4, "mpegts"),
        (b"\0\0\0\x20ftypisom", "mov"),
        (b"\0\0\0\x08wide\0\0\1\0mdat", "mov"),
        (b"", None),
        (b"\0" * 600, None),
        (b"\0\0\1", None),
        (b"\0\1\xb3\x2d", None),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", None),
        (b"\xff\x4f\xff\x51\0\x2f", None),
        (TS + b"\x46" + bytes(187), None),
        (b"\0\0\1\xe7\x64", None),
        (b"RIFF\0\0\0\0AVI ", None),
    ],
)
def test_identify(head: bytes, expected: str | None) -> None:
    assert identify(head) == expected
