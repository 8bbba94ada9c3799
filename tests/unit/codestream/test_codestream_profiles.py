"""ICC profiles in the segments of JPEG and the boxes of JP2."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fastdcm.codestream.profiles import embedded, of_jpeg, segments
from fastdcm.errors import CodestreamError
from tests.profiles import large, wide
from tests.unit.codestream.streams import image, pillow, segment


def read_of(data: bytes) -> list[int]:
    """What is asked of a stream to find its profile."""
    asked = []

    def read(size: int) -> bytes:
        asked.append(size)
        return data[:size]

    embedded(read)
    return asked


def found(data: bytes) -> bytes | None:
    return embedded(lambda size: data[:size])


@pytest.mark.parametrize("size", [0, 65519, 65520, 65521, 200_000])
def test_of_pillow(size: int) -> None:
    """Which writes it in as many segments as it takes."""
    profile = large(size) if size else wide()
    stream = pillow(image(20, 30, samples=3), icc_profile=profile)
    assert found(stream) == of_jpeg(stream) == profile


@pytest.mark.parametrize("size", [0, 65519, 65520, 1_000_000])
def test_for_pillow(size: int) -> None:
    profile = large(size) if size else wide()
    stream = pillow(image(20, 30, samples=3))
    with Image.open(io.BytesIO(stream[:20] + segments(profile) + stream[20:])) as opened:
        assert opened.info["icc_profile"] == profile
        opened.load()


def test_none() -> None:
    assert found(pillow(image(20, 30))) is None
    assert found(b"") is None
    assert found(b"\xff\xd8") is None
    assert found(bytes(100)) is None


def test_little_is_read_where_there_is_none() -> None:
    assert read_of(pillow(image(400, 400, samples=3))) == [1024]
    assert read_of(b"\xff\x4f\xff\x51" + bytes(1 << 20)) == [1024]
    behind = b"\xff\xd8" + segment(0xE1, bytes(60_000)) + pillow(image(20, 30))[2:]
    assert read_of(behind) == [1024, 16384, 262144]


def test_damage() -> None:
    """A part that is missing is no profile; a segment that runs past the end is no stream."""
    stream = pillow(image(20, 30, samples=3), icc_profile=large(200_000))
    first = stream.index(b"ICC_PROFILE\0")
    second = stream.index(b"ICC_PROFILE\0", first + 1)
    assert found(stream[: second - 4] + stream[stream.index(b"ICC_PROFILE\0", second + 1) - 4 :]) == b""
    assert found(stream[:second]) is None
    assert found(b"\xff\xd8" + segment(0xE2, b"ICC_PROFILE\0") + b"\xff\xd9") is None
    assert found(b"\xff\xd8" + segment(0xE2, b"ICC_PROFILE\0\1\1") + b"\xff\xd9") == b""


def test_too_much_for_jpeg() -> None:
    assert len(segments(bytes(255 * 65519))) == 255 * 65537
    with pytest.raises(CodestreamError, match="more than JPEG holds"):
        segments(bytes(255 * 65519 + 1))


def test_of_jp2() -> None:
    from fastdcm.codecs.encode import encode_image
    from fastdcm.options import EncodeOptions

    pixels = np.zeros((4, 4, 3), np.uint8)
    for profile in (wide(), large(50_000)):
        assert found(encode_image(pixels, EncodeOptions("jp2"), profile)) == profile
    assert found(encode_image(pixels, EncodeOptions("jp2"))) is None
    assert found(encode_image(pixels, EncodeOptions("jp2"), wide())[:200]) is None
