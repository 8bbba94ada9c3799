"""JPEG XL image headers and containers (ISO/IEC 18181-1 and -2)."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codestream import jpegxl, signatures
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.unit.codestream.streams import image

CONTAINED = bytes(imagecodecs.jpegxl_encode(image(19, 23), usecontainer=True))
BARE = bytes(imagecodecs.jpegxl_encode(image(19, 23), usecontainer=False))
PARTS = bytes(imagecodecs.jpegxl_encode_jpeg(imagecodecs.jpeg8_encode(image(19, 23)), usecontainer=True))

# Small and large sizes, multiples of 8, and each of the seven ratios.
SIZES = [
    (1, 1),
    (8, 8),
    (8, 16),
    (256, 256),
    (256, 248),
    (19, 23),
    (100, 120),
    (90, 120),
    (60, 90),
    (90, 160),
]
SIZES += [
    (80, 100),
    (50, 100),
    (264, 264),
    (512, 512),
    (513, 700),
    (1, 9000),
    (600, 1),
    (1000, 1200),
    (264, 8),
]


@pytest.mark.parametrize(("rows", "columns"), SIZES)
@pytest.mark.parametrize("container", [False, True])
def test_size(rows: int, columns: int, container: bool) -> None:
    options: Any = {"usecontainer": container, "effort": 1}
    header = jpegxl.parse(bytes(imagecodecs.jpegxl_encode(np.zeros((rows, columns), np.uint8), **options)))
    assert (header.rows, header.columns) == (rows, columns)
    assert header.has_container == container
    assert header.greyscale


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("samples", [1, 3, 4])
@pytest.mark.parametrize("lossless", [False, True])
def test_samples(bits: int, samples: int, lossless: bool) -> None:
    options: Any = {"bitspersample": bits, "lossless": lossless, "effort": 1}
    header = jpegxl.parse(
        bytes(imagecodecs.jpegxl_encode(image(19, 23, bits=bits, samples=samples), **options))
    )
    assert (header.rows, header.columns) == (19, 23)
    assert (header.bits, header.is_float) == (bits, False)
    assert (header.components, header.extra_channels) == (1 if samples == 1 else 3, int(samples == 4))
    assert header.xyb != lossless


@pytest.mark.parametrize(("dtype", "bits"), [(np.float16, 16), (np.float32, 32)])
def test_floats(dtype: Any, bits: int) -> None:
    header = jpegxl.parse(bytes(imagecodecs.jpegxl_encode(np.zeros((9, 7), dtype), effort=1)))
    assert (header.bits, header.is_float) == (bits, True)


def test_restorable_jpeg() -> None:
    header = jpegxl.parse(PARTS)
    assert header.has_jpeg
    assert (header.rows, header.columns, header.components) == (19, 23, 1)
    assert not jpegxl.parse(CONTAINED).has_jpeg


def test_animation() -> None:
    header = jpegxl.parse(bytes(imagecodecs.jpegxl_encode(np.zeros((3, 19, 23, 3), np.uint8), effort=1)))
    assert header.animated
    assert (header.rows, header.columns) == (19, 23)
    assert not jpegxl.parse(BARE).animated


def test_bytes_behind_the_end() -> None:
    for trailing in (b"\0", b"\0\0\0\0\0\0\0\0\0"):
        assert jpegxl.parse(BARE + trailing) == jpegxl.parse(BARE)
    assert jpegxl.parse(CONTAINED + 9 * b"\0") == jpegxl.parse(CONTAINED)


def box(kind: bytes, contents: bytes) -> bytes:
    return (len(contents) + 8).to_bytes(4, "big") + kind + contents


def header(*fields: tuple[int, int]) -> bytes:
    """A bare codestream of 8 x 8 with these (value, bits) fields behind SizeHeader."""
    value = position = 0
    for field, bits in ((1, 1), (0, 5), (1, 3), *fields):  # small, rows 8, ratio 1:1
        value |= field << position
        position += bits
    return signatures.JPEG_XL + value.to_bytes((position + 7) // 8 + 1, "little")


START = signatures.JPEG_XL_CONTAINER + box(b"ftyp", b"jxl \0\0\0\0jxl ")
STREAM = header((1, 1))


def test_all_default() -> None:
    parsed = jpegxl.parse(STREAM)
    assert (parsed.rows, parsed.columns, parsed.bits, parsed.components) == (8, 8, 8, 3)
    assert parsed.xyb


def test_every_field() -> None:
    fields = [(0, 1), (1, 1), (5, 3)]  # not all default, extra fields, orientation 6
    fields += [(1, 1), (1, 1), (0, 5), (1, 3)]  # intrinsic size
    fields += [(1, 1), (1, 1), (0, 2), (0, 3), (0, 2)]  # preview: div8, 16, no ratio, 16
    fields += [(1, 1), (0, 2), (0, 2), (0, 2), (0, 1)]  # animation
    fields += [(0, 1), (2, 2), (1, 1)]  # 12 bits, 16-bit buffers
    fields += [(2, 2), (0, 4)]  # two extra channels
    fields += [(0, 1), (0, 2), (0, 1), (0, 2), (0, 2), (1, 2), (2, 4), (0x4141, 16), (0, 1)]  # alpha 'AA'
    fields += [(0, 1), (2, 2), (0, 4), (0, 1), (0, 2), (0, 2), (0, 2), (0, 64)]  # spot colour
    fields += [(0, 1), (0, 1), (1, 1), (1, 2)]  # no XYB, colour encoding: ICC, grey
    parsed = jpegxl.parse(header(*fields))
    assert (parsed.orientation, parsed.animated, parsed.bits) == (6, True, 12)
    assert (parsed.extra_channels, parsed.components, parsed.has_icc, parsed.xyb) == (2, 1, True, False)


@pytest.mark.parametrize("last", [b"\0\0\0\0", b"\0\0\0\x01"])
def test_container_forms(last: bytes) -> None:
    contents = STREAM if last == b"\0\0\0\0" else (16 + len(STREAM)).to_bytes(8, "big") + STREAM
    assert jpegxl.parse(START + last + b"jxlc" + contents).rows == 8
    parts = b"".join(
        box(b"jxlp", (index | (index == len(STREAM) - 1) << 31).to_bytes(4, "big") + bytes([byte]))
        for index, byte in enumerate(STREAM)
    )
    assert jpegxl.parse(START + parts).rows == 8


@pytest.mark.parametrize(
    ("stream", "cause"),
    [
        (b"", "no JPEG XL signature"),
        (b"\xff\x0a", "cut: the data ends in the JPEG XL header"),
        (STREAM[:3], "cut: the data ends in the JPEG XL header"),
        (START, "codestream, or its last part, is missing"),
        (START + b"\0\0\0", "cut: the data ends in a JPEG XL box header"),
        (START + b"\0\0\0\x04jxlc", "shorter than its own header"),
        (START + box(b"jxlc", STREAM)[:-1], "cut: the JPEG XL box at byte 32 ends 1 bytes past"),
        (START + box(b"jxlc", b"\0\0\0"), "no JPEG XL signature"),
        (START + box(b"jxlc", STREAM) + box(b"jxlc", STREAM), "second JPEG XL codestream"),
        (START + box(b"jxlp", b"\0\0\0\0" + STREAM), "last part, is missing"),
        (START + box(b"jxlp", b"\x80\0\0\x01" + STREAM), "part 0 of the JPEG XL codestream"),
        (START + box(b"jxlp", b"\x80"), "part 0 of the JPEG XL codestream"),
        (
            header((0, 1), (0, 1), (0, 3), (0, 1), (0, 2), (0, 1), (0, 1), (0, 1), (2, 2), (2, 4)),
            "colour space 4",
        ),
    ],
)
def test_damaged(stream: bytes, cause: str) -> None:
    with pytest.raises(CodestreamError, match=cause):
        jpegxl.parse(stream)


def test_extra_channel_of_unknown_kind() -> None:
    fields = [(0, 1), (0, 1), (0, 3), (0, 1), (1, 2), (0, 1), (3, 2), (20, 6)]
    with pytest.raises(UnsupportedError, match="kind 38"):
        jpegxl.parse(header(*fields))
