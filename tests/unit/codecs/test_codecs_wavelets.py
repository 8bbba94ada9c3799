"""JPEG 2000, HTJ2K, JPEG-LS and JPEG XL: round trips, other decoders, signs, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from pylibjpeg import decode as pylibjpeg_decode

from fastdcm.errors import CodestreamError, FastdcmError, UnsupportedError
from tests.unit.codecs.decoding import Array, decoded, header_of, image
from tests.unit.codestream import streams

Encoder = Callable[[Array], bytes]


def jpeg2000(array: Array, **options: Any) -> bytes:
    settings = {"codecformat": "j2k", "reversible": True, "level": 0} | options
    return bytes(imagecodecs.jpeg2k_encode(array, **settings))


def htj2k(array: Array, **options: Any) -> bytes:
    return bytes(imagecodecs.htj2k_encode(array, **({"reversible": True} | options)))


def jpegls(array: Array, **options: Any) -> bytes:
    return bytes(imagecodecs.jpegls_encode(array, **options))


def jpegxl(array: Array, **options: Any) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(array, **({"lossless": True} | options)))


ENCODERS: dict[str, Encoder] = {"jpeg2000": jpeg2000, "htj2k": htj2k, "jpeg-ls": jpegls, "jpegxl": jpegxl}
#: For the support table: the ends of their UIDs.
ENDINGS = {"jpeg2000": ".4.90", "htj2k": ".4.201", "jpeg-ls": ".4.80", "jpegxl": ".4.110"}
SHAPES = [(13, 17), (64, 64), (1, 1), (1, 9), (9, 1), (13, 17, 3), (3, 3, 3), (1, 1, 3), (3, 2, 3)]
SIGNED = ("jpeg2000", "htj2k")


@pytest.mark.encodes(
    cell=lambda name, bits, shape: (ENDINGS[name], bits, "RGB" if shape[2:] else "MONOCHROME2")
)
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_lossless_round_trip(name: str, bits: int, shape: tuple[int, ...]) -> None:
    array = image(shape, bits=bits)
    found, codes = decoded(ENCODERS[name](array), header_of(array, name))
    assert found.array.dtype == array.dtype
    assert np.array_equal(found.array, array)
    assert found.bits == bits
    assert not codes


@pytest.mark.encodes(cell=lambda name, bits: (ENDINGS[name], bits, "MONOCHROME2"))
@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(13, 17), (1, 1)], ids=str)
def test_signed_round_trip(name: str, bits: int, shape: tuple[int, ...]) -> None:
    array = image(shape, bits=bits, signed=True)
    found, codes = decoded(ENCODERS[name](array), header_of(array, name))
    assert found.array.dtype == array.dtype
    assert np.array_equal(found.array, array)
    assert not codes


@pytest.mark.parametrize("name", ENCODERS)
def test_gray_and_palette_keep_their_photometric_interpretation(name: str) -> None:
    array = image((13, 17))
    for photometric in ("MONOCHROME1", "PALETTE COLOR"):
        header = header_of(array, name, photometric_interpretation=photometric)
        assert decoded(ENCODERS[name](array), header)[0].photometric_interpretation == photometric


@pytest.mark.parametrize(
    ("name", "declared", "found"),
    [
        ("jpeg2000", "YBR_RCT", "RGB"),
        ("jpeg2000", "YBR_ICT", "RGB"),
        ("jpeg2000", "YBR_FULL", "RGB"),  # the stream has a component transform, so it was RGB
        ("jpeg2000", "YBR_FULL_422", "RGB"),
        ("htj2k", "YBR_RCT", "RGB"),
        ("jpeg-ls", "YBR_FULL", "YBR_FULL"),
        ("jpeg-ls", "YBR_FULL_422", "YBR_FULL"),
        ("jpegxl", "YBR_FULL_422", "RGB"),
        ("jpegxl", "XYB", "RGB"),
    ],
)
def test_colour(name: str, declared: str, found: str) -> None:
    """What the codestream's own transform was is undone; what the samples are beyond it stays."""
    array = image((13, 17, 3))
    header = header_of(array, name, photometric_interpretation=declared)
    samples, _ = decoded(ENCODERS[name](array), header)
    assert samples.photometric_interpretation == found
    assert np.array_equal(samples.array, array)


# Precision and sign unlike the data set's


@pytest.mark.parametrize("name", SIGNED)
def test_unsigned_codestream_of_signed_values(name: str) -> None:
    """Sign-extended from the codestream's precision."""
    array = image((13, 17), bits=16, signed=True)
    found, codes = decoded(ENCODERS[name](array.view(np.uint16)), header_of(array, name))
    assert found.array.dtype == np.int16
    assert np.array_equal(found.array, array)
    assert codes == ["sign"]


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("bits", [8, 16])
def test_signed_codestream_of_unsigned_values(name: str, bits: int) -> None:
    array = image((13, 17), bits=bits, signed=True)
    header = header_of(array, name, pixel_representation=0)
    found, codes = decoded(ENCODERS[name](array), header)
    assert found.array.dtype == f"u{bits // 8}"
    assert np.array_equal(found.array, array.view(f"u{bits // 8}"))
    assert codes == ["sign"]


@pytest.mark.encodes(cell=lambda bits: (".4.90", bits, "MONOCHROME2"))
@pytest.mark.parametrize("bits", [9, 10, 12, 14])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("declared_signed", [False, True])
def test_jpeg2000_of_other_depths(bits: int, signed: bool, declared_signed: bool) -> None:
    array = image((13, 17), bits=bits, signed=signed)
    stream = jpeg2000(array, bitspersample=bits)
    header = header_of(array, "jpeg2000", bits_stored=bits, pixel_representation=int(declared_signed))
    found, codes = decoded(stream, header)
    pattern = (1 << bits) - 1
    expected = array.astype(int) & pattern
    if declared_signed:
        expected = np.where(expected >> (bits - 1), expected - (1 << bits), expected)
    assert np.array_equal(found.array, expected)
    assert found.array.dtype == ("i2" if declared_signed else "u2")
    assert codes == (["sign"] if signed != declared_signed else [])


@pytest.mark.parametrize("name", ENCODERS)
def test_precision_unlike_bits_stored(name: str) -> None:
    array = image((13, 17), bits=16)
    found, codes = decoded(ENCODERS[name](array), header_of(array, name, bits_stored=12))
    assert np.array_equal(found.array, array)
    assert found.bits == 16
    assert codes == ["precision"]


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("allocated", [16, 32])
def test_8_bit_codestream_in_wider_words(name: str, allocated: int) -> None:
    array = image((13, 17))
    found, _ = decoded(ENCODERS[name](array), header_of(array, name, bits_allocated=allocated, bits_stored=8))
    assert found.array.dtype == f"u{allocated // 8}"
    assert np.array_equal(found.array, array)


# Against other decoders


@pytest.mark.encodes(cell=lambda shape, bits: (".4.201", bits, "RGB" if shape[2:] else "MONOCHROME2"))
@pytest.mark.parametrize(
    ("shape", "bits", "signed"),
    [
        *[((37, 41), bits, signed) for bits in (8, 12, 16) for signed in (False, True)],
        ((37, 41, 3), 8, False),
        ((37, 41, 3), 16, False),
    ],
)
def test_htj2k_as_openjpeg_reads_it(shape: tuple[int, ...], bits: int, signed: bool) -> None:
    array = image(shape, bits=bits, signed=signed)
    stream = htj2k_12(array, signed) if bits == 12 else htj2k(array)
    expected = imagecodecs.jpeg2k_decode(stream)
    found, codes = decoded(stream, header_of(array, "htj2k", bits_stored=bits))
    assert np.array_equal(expected, array)
    assert np.array_equal(found.array, array)
    assert not codes


def htj2k_12(array: Array, signed: bool) -> bytes:
    """The encoder writes whole bytes only: signed 16 bits have no level shift, so that its SIZ can say 12.

    Unsigned samples of 12 bits are shifted by 2^11 (T.800 G.1.2).
    """
    shifted = array.astype(np.int16) if signed else (array.astype(int) - 2048).astype(np.int16)
    stream = bytearray(htj2k(shifted))
    depth = stream.index(b"\xff\x51") + 40
    assert stream[depth] == 0x8F
    stream[depth] = 0x8B if signed else 0x0B
    return bytes(stream)


@pytest.mark.encodes(cell=lambda shape, bits: (".4.90", bits, "RGB" if shape[2:] else "MONOCHROME2"))
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(13, 17), (13, 17, 3)], ids=str)
def test_jpeg2000_as_pylibjpeg_reads_it(bits: int, shape: tuple[int, ...]) -> None:
    array = image(shape, bits=bits)
    stream = jpeg2000(array)
    assert np.array_equal(pylibjpeg_decode(stream), array)
    assert np.array_equal(decoded(stream, header_of(array, "jpeg2000"))[0].array, array)


@pytest.mark.encodes(cell=lambda bits: (".4.80", bits, "MONOCHROME2"))
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("shape", [(13, 17), (2, 90)], ids=str)
def test_jpeg_ls_as_pyjpegls_writes_it(bits: int, shape: tuple[int, int]) -> None:
    array = image(shape, bits=bits)
    stream = bytes(jpeg_ls.encode_array(array))
    found, codes = decoded(stream, header_of(array, "jpeg-ls"))
    assert np.array_equal(found.array, array)
    # CharLS takes the depth from the largest value.
    assert codes == ([] if bits in (8, 16) else ["precision"])


@pytest.mark.encodes(".4.80", 8, "RGB")
@pytest.mark.parametrize("interleave", [0, 1, 2])
def test_jpeg_ls_colour_of_every_interleave_mode(interleave: int) -> None:
    """By plane, by line and by sample (T.87 C.2.3)."""
    array = image((13, 17, 3))
    ordered = array if interleave else np.ascontiguousarray(array.transpose(2, 0, 1))
    stream = bytes(jpeg_ls.encode_array(ordered, interleave_mode=interleave))
    assert np.array_equal(decoded(stream, header_of(array, "jpeg-ls"))[0].array, array)


def test_jpeg_ls_of_one_scan_a_component() -> None:
    array = streams.image(19, 23, samples=3)
    assert np.array_equal(decoded(streams.by_plane(array), header_of(array, "jpeg-ls"))[0].array, array)


@pytest.mark.encodes(".4.81", 8, "MONOCHROME2")
@pytest.mark.parametrize("near", [1, 3])
def test_near_lossless(near: int) -> None:
    array = image((13, 17))
    found, _ = decoded(jpegls(array, level=near), header_of(array, "1.2.840.10008.1.2.4.81"))
    difference = np.abs(found.array.astype(int) - array)
    assert 0 < difference.max() <= near


@pytest.mark.encodes(".4.90", 8, "MONOCHROME2")
@pytest.mark.parametrize("tiles", [(8, 8), (5, 7)])
def test_tiles(tiles: tuple[int, int]) -> None:
    array = streams.image(19, 23)
    stream = streams.pillow_tiles(array, tiles)
    assert np.array_equal(decoded(stream, header_of(array, "jpeg2000"))[0].array, array)


def test_jp2_boxes() -> None:
    """DICOM wants bare codestreams; files with boxes exist."""
    array = image((13, 17, 3))
    found, _ = decoded(jpeg2000(array, codecformat="jp2"), header_of(array, "jpeg2000"))
    assert np.array_equal(found.array, array)


@pytest.mark.encodes(cell=lambda bits, shape: (".4.110", bits, "RGB" if shape[2:] else "MONOCHROME2"))
@pytest.mark.parametrize("container", [True, False])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("shape", [(13, 17), (13, 17, 3)], ids=str)
def test_jpeg_xl(container: bool, bits: int, shape: tuple[int, ...]) -> None:
    array = image(shape, bits=bits)
    stream = jpegxl(array, usecontainer=container, bitspersample=bits)
    found, codes = decoded(stream, header_of(array, "jpegxl", bits_stored=bits))
    assert np.array_equal(found.array, array)
    assert found.bits == bits
    assert not codes


@pytest.mark.encodes(".4.111", 8, "YBR_FULL")
@pytest.mark.parametrize("container", [True, False])
def test_recompressed_jpeg(container: bool) -> None:
    """JPEG XL around a JPEG: the pixels of that JPEG."""
    array = streams.image(19, 23, samples=3, noise=0.02)
    original = bytes(imagecodecs.jpeg8_encode(array, level=95, subsampling="444"))
    stream = bytes(imagecodecs.jpegxl_encode_jpeg(original, usecontainer=container))
    header = header_of(array, "1.2.840.10008.1.2.4.111", photometric_interpretation="YBR_FULL")
    found, _ = decoded(stream, header)
    assert found.photometric_interpretation == "RGB"
    assert np.abs(found.array.astype(int) - imagecodecs.jpeg8_decode(original)).max() <= 2


# Refused before anything is decoded


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of a decoder fails the test."""

    def called(*arguments: object, **options: object) -> None:
        raise AssertionError("the library was called")

    for name in ("jpeg8_decode", "jpegls_decode", "jpeg2k_decode", "htj2k_decode", "jpegxl_decode"):
        monkeypatch.setattr(imagecodecs, name, called)


GRAY, RGB = image((13, 17)), image((13, 17, 3))


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize(
    ("array", "changes", "reason"),
    [
        (GRAY, {"rows": 17, "columns": 13}, "13 x 17, Rows x Columns say 17 x 13"),
        (GRAY, {"rows": 14}, "13 x 17, Rows x Columns say 14 x 17"),
        (GRAY, {"samples_per_pixel": 3}, "1 components, Samples per Pixel is 3"),
        (RGB, {"samples_per_pixel": 1}, "3 components, Samples per Pixel is 1"),
    ],
)
def test_geometry_is_compared_first(name: str, array: Array, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(CodestreamError, match=reason):
        decoded(ENCODERS[name](array), header_of(array, name, **changes))


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("name", ["jpeg2000", "htj2k", "jpeg-ls"])
def test_cuts_are_seen_by_the_structure(name: str) -> None:
    stream = ENCODERS[name](GRAY)
    for end in [*range(100), *range(100, len(stream), 7), len(stream) - 1]:
        with pytest.raises(CodestreamError):
            decoded(stream[:end], header_of(GRAY, name))


@pytest.mark.parametrize("container", [True, False])
def test_cut_jpeg_xl(container: bool) -> None:
    """The structure tells where a box is cut, and the library the rest."""
    stream = jpegxl(GRAY, usecontainer=container)
    for end in [*range(60), *range(60, len(stream), 7), len(stream) - 1]:
        with pytest.raises(FastdcmError):
            decoded(stream[:end], header_of(GRAY, "jpegxl"))


def test_components_of_different_depth() -> None:
    stream = bytearray(jpeg2000(RGB, mct=False))
    depth = stream.index(b"\xff\x51") + 40
    stream[depth + 3] = 6
    with pytest.raises(UnsupportedError, match="different size or depth"):
        decoded(bytes(stream), header_of(RGB, "jpeg2000"))


def test_subsampled_components() -> None:
    stream = bytearray(jpeg2000(RGB, mct=False))
    depth = stream.index(b"\xff\x51") + 40
    stream[depth + 4] = stream[depth + 5] = 2
    with pytest.raises(UnsupportedError, match="different size or depth"):
        decoded(bytes(stream), header_of(RGB, "jpeg2000"))


def test_more_than_16_bits() -> None:
    array = image((13, 17), bits=20, kind="u4")
    stream = jpeg2000(array, bitspersample=20)
    with pytest.raises(UnsupportedError, match="20 bits"):
        decoded(stream, header_of(array, "jpeg2000", bits_stored=20))


def test_jpeg_xl_of_floats() -> None:
    stream = bytes(imagecodecs.jpegxl_encode(np.full((13, 17), 0.5, np.float32), lossless=True))
    with pytest.raises(UnsupportedError, match="floats"):
        decoded(stream, header_of(GRAY, "jpegxl"))
