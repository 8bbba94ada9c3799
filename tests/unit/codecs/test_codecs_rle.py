"""RLE as pydicom and its plug-ins write it, and segments that do not give the frame exactly.

The algorithm itself is checked in tests/standard.
"""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.pixels.encoders.base import EncodeRunner
from pydicom.pixels.encoders.native import _encode_frame
from pydicom.uid import RLELossless

from fastdcm.errors import CodestreamError, DecodeError, FastdcmError, UnsupportedError
from tests.unit.codecs.decoding import Array, decoded, header_of, image


def frame(segments: list[bytes], *, count: int | None = None) -> bytes:
    padded = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    starts = [64 + sum(map(len, padded[:number])) for number in range(len(padded))]
    values = [len(padded) if count is None else count, *starts, *[0] * (15 - len(padded))]
    return struct.pack("<16I", *values) + b"".join(padded)


def packed(data: bytes) -> bytes:
    return bytes(imagecodecs.packbits_encode(data))


def planes(array: Array) -> list[bytes]:
    """Bytes of each segment, sample by sample, the most significant first."""
    samples = array[..., None] if array.ndim == 2 else array
    big = samples.astype(samples.dtype.newbyteorder(">"))
    found = []
    for number in range(samples.shape[2]):
        plane = np.ascontiguousarray(big[..., number]).view(np.uint8).reshape(-1, array.itemsize)
        found += [plane[:, byte].tobytes() for byte in range(array.itemsize)]
    return found


@pytest.mark.encodes(cell=lambda kind, shape: (".5", 8 * int(kind[1]), "RGB" if shape[2:] else "MONOCHROME2"))
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4"])
@pytest.mark.parametrize("shape", [(16, 24), (3, 5), (1, 1), (1, 9), (9, 1), (7, 6, 3)])
def test_as_pydicom_encodes_it(kind: str, shape: tuple[int, ...]) -> None:
    array = image(shape, bits=min(8 * int(kind[1]), 31), signed=kind[0] == "i", kind=kind)
    runner = EncodeRunner(RLELossless)
    runner.set_options(
        rows=shape[0],
        columns=shape[1],
        number_of_frames=1,
        samples_per_pixel=1 if array.ndim == 2 else 3,
        bits_allocated=8 * array.itemsize,
        bits_stored=8 * array.itemsize,
        pixel_representation=int(kind[0] == "i"),
        photometric_interpretation="MONOCHROME2" if array.ndim == 2 else "RGB",
        planar_configuration=0,
        pixel_keyword="PixelData",
    )
    stream = bytes(_encode_frame(array.tobytes(), runner))
    samples, codes = decoded(stream, header_of(array, "rle"))
    assert samples.array.dtype == array.dtype
    assert np.array_equal(samples.array, array)
    assert not codes


@pytest.mark.encodes(".5", 1, "MONOCHROME2")
@pytest.mark.parametrize("shape", [(8, 8), (3, 5), (1, 1)])
@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_bits(shape: tuple[int, int], padding: bytes) -> None:
    """Each has a byte of its own (G.2); some writers packed eight into one, as native frames do."""
    array = image(shape, bits=1)
    header = header_of(array, "rle", bits_allocated=1)
    samples, codes = decoded(frame([packed(array.tobytes() + padding)]), header)
    assert np.array_equal(samples.array, array)
    assert not codes
    samples, codes = decoded(
        frame([packed(np.packbits(array, bitorder="little").tobytes() + padding)]), header
    )
    assert np.array_equal(samples.array, array)
    assert codes == (["rle-bits"] if array.size > 2 else [])


@pytest.mark.parametrize("length", [13, 14, 17, 18, 64, 122])
def test_bits_of_wrong_length(length: int) -> None:
    """Neither 120 bytes nor 15, give or take one of padding."""
    header = header_of(image((8, 15), bits=1), "rle", bits_allocated=1)
    with pytest.raises(CodestreamError, match=f"expands to {length} bytes"):
        decoded(frame([packed(bytes([1, 0] * (length // 2)) + bytes(length % 2))]), header)


def test_bits_stored() -> None:
    array = np.array([[0xF123, 0x0800]], np.uint16)
    stream = frame([packed(plane) for plane in planes(array)])
    header = header_of(array, "rle", bits_stored=12, pixel_representation=1)
    assert decoded(stream, header)[0].array.tolist() == [[0x123, -2048]]


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_a_byte_of_padding_in_each_segment(kind: str, shape: tuple[int, ...]) -> None:
    """Encoders that pad the odd plane before they pack it: planes must not slip into each other."""
    array = image(shape, bits=8 * int(kind[1]))
    stream = frame([packed(plane + b"\xee") for plane in planes(array)])
    assert np.array_equal(decoded(stream, header_of(array, "rle"))[0].array, array)


RGB = image((3, 5, 3))
DEEP = image((3, 5), bits=16)


@pytest.mark.parametrize(
    ("array", "lengths"),
    [
        (RGB, (15, 13, 17)),
        (RGB, (15, 14, 16)),
        (RGB, (14, 15, 15)),
        (RGB, (15, 15, 14)),
        (RGB, (15, 15, 17)),
        (RGB, (45, 0, 0)),
        (DEEP, (15, 13)),
        (DEEP, (13, 17)),
        (DEEP, (17, 17)),
    ],
)
def test_segments_of_wrong_length(array: Array, lengths: tuple[int, ...]) -> None:
    """Too short by one sample is damage, even where another is too long by as much."""
    segments = [packed(bytes(range(1, length + 1))) for length in lengths]
    with pytest.raises(CodestreamError):
        decoded(frame(segments), header_of(array, "rle"))


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"", "do not hold the RLE header"),
        (bytes(63), "do not hold the RLE header"),
        (frame([packed(bytes(15))] * 3, count=0), "0 segments"),
        (frame([packed(bytes(15))] * 3, count=16), "16 segments"),
        (frame([packed(bytes(15))]), "1 segments where the image has 3"),
        (frame([packed(bytes(15))] * 4), "4 segments where the image has 3"),
        (frame([packed(bytes(15))] * 3)[:-2], "past the end"),
        (struct.pack("<16I", 3, 64, 66, 9999, *[0] * 12) + bytes(40), "past the end"),
        (struct.pack("<16I", 3, 64, 80, 70, *[0] * 12) + bytes(40), "do not ascend"),
        (struct.pack("<16I", 3, 60, 70, 80, *[0] * 12) + bytes(40), "instead of 64"),
    ],
)
def test_headers_that_are_wrong(stream: bytes, reason: str) -> None:
    with pytest.raises(CodestreamError, match=reason):
        decoded(stream, header_of(RGB, "rle"))


def test_a_literal_past_the_end_of_its_segment() -> None:
    segments = [packed(bytes(15)), packed(bytes(15)), bytes([20, 1, 2, 3])]
    with pytest.raises(DecodeError):
        decoded(frame(segments), header_of(RGB, "rle"))


@pytest.mark.parametrize("cut", range(1, 30))
def test_every_cut_of_noise_is_seen(cut: int) -> None:
    """Noise is all literals: each byte that is missing is a sample."""
    array = image((3, 5), bits=16)
    stream = frame([packed(plane) for plane in planes(array)])
    # The last byte is padding.
    with pytest.raises(FastdcmError):
        decoded(stream[: -cut - len(packed(planes(array)[1])) % 2], header_of(array, "rle"))


@pytest.mark.parametrize("bits", [12, 64])
def test_depths_that_rle_has_not(bits: int) -> None:
    header = header_of(image((3, 5)), "rle", bits_allocated=bits)
    with pytest.raises(UnsupportedError, match=f"RLE with {bits}"):
        decoded(frame([packed(bytes(15))]), header)


def test_chroma_is_never_shared() -> None:
    header = header_of(RGB, "rle", photometric_interpretation="YBR_FULL_422")
    samples, _ = decoded(frame([packed(plane) for plane in planes(RGB)]), header)
    assert samples.photometric_interpretation == "YBR_FULL"
    assert np.array_equal(samples.array, RGB)


def test_bomb() -> None:
    """Two bytes expand to 128: no more is made of a stream than 64 times its size."""
    stream = frame([b"\x81\0" * 500_000] + [packed(bytes(15))] * 2)
    with pytest.raises(CodestreamError, match="expands to 64000000 bytes"):
        decoded(stream, header_of(RGB, "rle"))
