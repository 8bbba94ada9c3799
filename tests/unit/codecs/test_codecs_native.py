"""Uncompressed frames of every depth and arrangement."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from fastdcm.errors import CodestreamError, DecodeError, FastdcmError, TruncatedError, UnsupportedError
from fastdcm.model import Header
from tests.unit.codecs.decoding import UIDS, Array, decoded, header_of, image


def native(data: bytes, header: Header, **options: Any) -> Array:
    samples, codes = decoded(data, header, encapsulated=False, **options)
    assert not codes
    found: Array = samples.array
    return found


@pytest.mark.encodes(
    cell=lambda kind, shape, little: (
        ".1" if little else ".2",
        8 * int(kind[1]),
        "RGB" if shape[2:] else "MONOCHROME2",
    )
)
@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
@pytest.mark.parametrize("shape", [(3, 5), (1, 1), (4, 2, 3)])
def test_integers(little: bool, kind: str, shape: tuple[int, ...]) -> None:
    info = np.iinfo(kind)
    array = np.linspace(info.min, info.max, int(np.prod(shape))).clip(info.min, info.max // 2).astype(kind)
    array = array.reshape(shape)
    data = array.astype(array.dtype.newbyteorder("<" if little else ">")).tobytes()
    found = native(data, header_of(array, "native" if little else "big endian"), little=little)
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.encodes(cell=lambda little: (".1" if little else ".2", "float", "MONOCHROME2"))
@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_floats(little: bool, kind: str) -> None:
    array = np.array([[0.5, -1e30, np.inf], [np.nan, 3.25, -0.0]], kind)
    keyword = "FloatPixelData" if kind == "f4" else "DoubleFloatPixelData"
    data = array.astype(array.dtype.newbyteorder("<" if little else ">")).tobytes()
    found = native(data, header_of(array, "native", pixel_keyword=keyword), little=little)
    assert found.dtype == array.dtype
    assert np.array_equal(found, array, equal_nan=True)


@pytest.mark.parametrize(
    ("stored", "high_bit", "signed", "words", "values"),
    [
        (12, 11, False, [0xF123, 0x0FFF, 0xF000], [0x123, 0xFFF, 0]),
        (12, 11, True, [0xF123, 0x0FFF, 0x0800], [0x123, -1, -2048]),
        (12, 11, True, [0xFFFF, 0xF800, 0x07FF], [-1, -2048, 2047]),
        (12, 15, False, [0x123F, 0xFFF0, 0x000F], [0x123, 0xFFF, 0]),
        (12, 15, True, [0x7FFF, 0xFFF0, 0x8000], [2047, -1, -2048]),
        (10, 12, False, [0xFFFF, 0x0008, 0x1FF8], [0x3FF, 1, 0x3FF]),
        (10, 12, True, [0xFFFF, 0x0008, 0x1000], [-1, 1, -512]),
        (1, 0, False, [0x0001, 0xFFFE, 0xFFFF], [1, 0, 1]),
        (16, 15, True, [0x8000, 0x7FFF, 0xFFFF], [-32768, 32767, -1]),
    ],
)
def test_bits_stored_that_end_at_high_bit(
    stored: int, high_bit: int, signed: bool, words: list[int], values: list[int]
) -> None:
    """What lies above or below (overlays, junk) does not count (PS3.5 8.1.1)."""
    array = np.array([words], np.uint16)
    header = header_of(
        array, "native", bits_stored=stored, high_bit=high_bit, pixel_representation=int(signed)
    )
    found = native(array.tobytes(), header)
    assert found.tolist() == [values]
    assert found.dtype == ("i2" if signed else "u2")


def test_bits_stored_of_8() -> None:
    array = np.array([[0xFF, 0x7F, 0x40]], np.uint8)
    assert native(array.tobytes(), header_of(array, "native", bits_stored=7)).tolist() == [[127, 127, 64]]
    signed = header_of(array, "native", bits_stored=7, pixel_representation=1)
    assert native(array.tobytes(), signed).tolist() == [[-1, -1, -64]]


def test_the_file_s_bytes_are_left_alone() -> None:
    array = np.array([[0xFFFF, 0xF001]], np.uint16)
    data = bytearray(array.tobytes())
    native(data, header_of(array, "native", bits_stored=12, pixel_representation=1))
    assert data == array.tobytes()


@pytest.mark.encodes(".1", 1, "MONOCHROME2")
@pytest.mark.parametrize("offset", range(8))
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 9), (4, 4)])
def test_bits(offset: int, shape: tuple[int, int]) -> None:
    """1 bit allocated, from the lowest bit up, starting anywhere in a byte."""
    random = np.random.default_rng(offset)
    array = random.integers(0, 2, shape).astype(np.uint8)
    before = random.integers(0, 2, offset).astype(np.uint8)
    data = np.packbits(np.concatenate([before, array.ravel(), [1, 1]]), bitorder="little").tobytes()
    header = header_of(array, "native", bits_allocated=1)
    found = native(data, header, bit_offset=offset)
    assert np.array_equal(found, array)
    assert found.dtype == np.uint8


@pytest.mark.encodes(".1", 12, "MONOCHROME2")
@pytest.mark.parametrize("offset", [0, 4])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 4)])
def test_12_bits_packed(offset: int, signed: bool, shape: tuple[int, int]) -> None:
    array = image(shape, bits=12, signed=signed)
    bits = [(int(value) >> bit) & 1 for value in array.ravel() for bit in range(12)]
    data = np.packbits([1] * offset + bits, bitorder="little").tobytes()
    header = header_of(array, "native", bits_allocated=12)
    found = native(data, header, bit_offset=offset)
    assert np.array_equal(found, array)


@pytest.mark.encodes(cell=lambda bits: (".1", bits, "RGB"))
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", [0, 1])
def test_planar_configuration(bits: int, planar: int) -> None:
    array = image((3, 5, 3), bits=bits)
    data = (array.transpose(2, 0, 1) if planar else array).tobytes()
    assert np.array_equal(native(data, header_of(array, "native", planar_configuration=planar)), array)


@pytest.mark.encodes(cell=lambda bits, photometric: (".1", bits, photometric))
@pytest.mark.parametrize("columns", [1, 2, 5, 6])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_PARTIAL_422"])
def test_chroma_of_two_pixels(columns: int, bits: int, photometric: str) -> None:
    """Y1 Y2 Cb Cr; an odd width has one luma more than pixels (C.7.6.3.1.2)."""
    pairs = (columns + 1) // 2
    packed = image((3, pairs, 4), bits=bits)
    expected = np.empty((3, columns, 3), packed.dtype)
    for column in range(columns):
        pair = packed[:, column // 2]
        expected[:, column] = np.stack([pair[:, column % 2], pair[:, 2], pair[:, 3]], -1)
    header = header_of(expected, "native", photometric_interpretation=photometric)
    assert header.native_frame_bits == 3 * pairs * 4 * bits
    assert np.array_equal(native(packed.tobytes(), header), expected)


def test_partial_420_is_compressed_only() -> None:
    header = header_of(image((2, 2, 3)), "native", photometric_interpretation="YBR_PARTIAL_420")
    with pytest.raises(UnsupportedError, match="YBR_PARTIAL_420"):
        native(bytes(12), header)


@pytest.mark.parametrize("encapsulated", [True, False])
@pytest.mark.parametrize("syntax", ["native", "uncompressed"])
@pytest.mark.parametrize("missing", [1, 14, 15])
def test_short(encapsulated: bool, syntax: str, missing: int) -> None:
    array = image((3, 5))
    with pytest.raises((TruncatedError, CodestreamError)):
        decoded(array.tobytes()[:-missing], header_of(array, syntax), encapsulated=encapsulated)


def test_encapsulated_uncompressed() -> None:
    """A.4.11: native samples in fragments, which may start with anything."""
    array = image((3, 5))
    array.reshape(-1)[:4] = [0xFF, 0xD8, 0xFF, 0xE0]
    samples, codes = decoded(array.tobytes() + b"\0", header_of(array, "uncompressed"))
    assert np.array_equal(samples.array, array)
    assert not codes


@pytest.mark.parametrize("bits", [8, 16])
def test_pixels_that_are_not_encapsulated_though_declared(bits: int) -> None:
    array = image((3, 5), bits=bits)
    samples, codes = decoded(array.tobytes(), header_of(array, "baseline"), encapsulated=False)
    assert np.array_equal(samples.array, array)
    assert codes == ["other-syntax"]


# Deflated Image Frame Compression


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


@pytest.mark.encodes(cell=lambda kind: (".8.1", 8 * int(kind[1]), "MONOCHROME2"))
@pytest.mark.parametrize("kind", ["u1", "i2", "u4"])
def test_deflated_frame(kind: str) -> None:
    array = image((3, 5), bits=8, kind=kind)
    for data in (array.tobytes(), array.tobytes() + b"\0"):
        stream = deflated(data)
        samples, codes = decoded(stream + b"\0" * (len(stream) % 2), header_of(array, "deflated frame"))
        assert np.array_equal(samples.array, array)
        assert not codes


def test_deflated_bits() -> None:
    array = image((3, 5), bits=1)
    stream = deflated(np.packbits(array, bitorder="little").tobytes())
    samples, _ = decoded(stream, header_of(array, "deflated frame", bits_allocated=1))
    assert np.array_equal(samples.array, array)


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (deflated(bytes(14)), TruncatedError),
        (deflated(image((30, 50)).tobytes())[:9], TruncatedError),
        (deflated(bytes(17)), DecodeError),
        (deflated(bytes(50_000_000)), DecodeError),
        (b"\xff" * 20, DecodeError),
        (b"\x78\x9c" + bytes(20), FastdcmError),
        (b"\xff\xd8\xff\xe0" + bytes(20), CodestreamError),
    ],
    ids=["short", "cut", "long", "bomb", "no deflate", "zlib header", "looks like JPEG"],
)
def test_deflated_frame_that_is_none(stream: bytes, error: type[FastdcmError]) -> None:
    with pytest.raises(error):
        decoded(stream, header_of(image((3, 5)), UIDS["deflated frame"]))
