"""JPEG: all processes against other decoders, and what the colours of a stream are."""

from __future__ import annotations

import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pylibjpeg import decode as pylibjpeg_decode

from fastdcm.errors import CodestreamError, DecodeError, UnsupportedError
from tests.unit.codecs.decoding import Array, decoded, header_of, image
from tests.unit.codestream import streams
from tests.unit.codestream.streams import segment, without_segments

APP0, APP14 = 0xE0, 0xEE


def jpeg(array: Array, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(array, **options))


def lossless(array: Array, *, bits: int, predictor: int = 1, **options: Any) -> bytes:
    return jpeg(array, lossless=True, predictor=predictor, bitspersample=bits, **options)


def position(stream: bytes, *codes: int) -> int:
    """Where the first segment of one of these codes starts."""
    at = 2
    while stream[at + 1] not in codes:
        at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return at


def edited(stream: bytes, changes: dict[int, int]) -> bytes:
    data = bytearray(stream)
    for offset, value in changes.items():
        data[offset] = value
    return bytes(data)


def smooth(rows: int, columns: int, bits: int = 8, samples: int = 1) -> Array:
    return streams.image(rows, columns, bits=bits, samples=samples, noise=0.02)


# Lossy


@pytest.mark.encodes(cell=lambda samples: (".4.50", 8, "MONOCHROME2" if samples == 1 else "YBR_FULL"))
@pytest.mark.parametrize("shape", [(16, 16), (19, 23), (1, 1), (8, 1), (1, 100)])
@pytest.mark.parametrize("samples", [1, 3])
def test_baseline(shape: tuple[int, int], samples: int) -> None:
    array = smooth(*shape, samples=samples)
    stream = jpeg(array, level=95)
    expected = np.asarray(Image.open(io.BytesIO(stream)))
    found, codes = decoded(stream, header_of(array, "baseline"))
    assert found.array.dtype == np.uint8
    assert np.abs(found.array.astype(int) - expected).max() <= 1
    assert not codes


@pytest.mark.encodes(
    cell=lambda options: (".4.55" if "progressive" in options else ".4.50", 8, "YBR_FULL_422")
)
@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}, {"optimize": True}])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_what_pillow_writes(options: dict[str, Any], subsampling: int) -> None:
    array = smooth(19, 23, samples=3)
    stream = streams.pillow(array, subsampling=subsampling, **options)
    expected = np.asarray(Image.open(io.BytesIO(stream)))
    found, _ = decoded(stream, header_of(array, "baseline"))
    assert np.abs(found.array.astype(int) - expected).max() <= 1


@pytest.mark.encodes(".4.50", 8, "YBR_FULL_422")
@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "411"])
def test_subsampling(subsampling: str) -> None:
    array = np.full((19, 23, 3), (200, 30, 40), np.uint8)
    found, _ = decoded(jpeg(array, level=95, subsampling=subsampling), header_of(array, "baseline"))
    assert np.abs(found.array.astype(int) - array).max() <= 3


@pytest.mark.encodes(".4.51", 12, "MONOCHROME2")
@pytest.mark.parametrize("stored", [12, 16])
def test_extended_12_bits(stored: int) -> None:
    array = smooth(19, 23, bits=12)
    stream = jpeg(array, level=98, bitspersample=12)
    found, codes = decoded(stream, header_of(array, "extended", bits_stored=stored))
    expected = pylibjpeg_decode(stream)
    assert found.bits == 12
    assert found.array.dtype == np.uint16
    assert np.abs(found.array.astype(int) - expected.astype(int)).max() <= 2
    assert np.abs(found.array.astype(int) - array.astype(int)).max() <= 40
    assert codes == ([] if stored == 12 else ["precision"])


# Lossless


@pytest.mark.encodes(cell=lambda bits: (".4.57", bits, "MONOCHROME2"))
@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("shape", [(13, 17), (1, 1), (1, 9), (9, 1)])
def test_lossless(predictor: int, bits: int, shape: tuple[int, int]) -> None:
    array = image(shape, bits=bits)
    stream = lossless(array, bits=bits, predictor=predictor)
    found, codes = decoded(stream, header_of(array, "lossless", bits_stored=bits))
    assert np.array_equal(found.array, array)
    assert np.array_equal(found.array, pylibjpeg_decode(stream).reshape(shape))
    assert not codes


@pytest.mark.encodes(cell=lambda bits: (".4.70", bits, "MONOCHROME2"))
@pytest.mark.parametrize("bits", [2, 5, 7, 9, 10, 14, 15])
def test_lossless_of_any_depth(bits: int) -> None:
    array = image((13, 17), bits=bits)
    stream = lossless(array, bits=bits)
    found, codes = decoded(stream, header_of(array, "sv1", bits_stored=bits))
    assert np.array_equal(found.array, array)
    assert found.bits == bits
    assert not codes


@pytest.mark.encodes(".4.57", 12, "MONOCHROME2")
@pytest.mark.parametrize("predictor", [1, 4, 7])
@pytest.mark.parametrize("transform", [1, 2])
def test_point_transform(predictor: int, transform: int) -> None:
    """T.81 H.1.2.1: samples are coded shifted down and come back shifted up.

    A stream of 10 bits that says 10 + Pt bits and a point transform of Pt: prediction starts at
    2^(P - Pt - 1), which is the same.
    """
    array = image((13, 17), bits=10)
    stream = lossless(array, bits=10, predictor=predictor)
    sof, sos = position(stream, 0xC3), position(stream, 0xDA)
    stream = edited(stream, {sof + 4: 10 + transform, sos + 9: transform})
    header = header_of(array, "lossless", bits_stored=10 + transform)
    assert np.array_equal(decoded(stream, header)[0].array, array << transform)


def test_signed_lossless() -> None:
    """The stream is always unsigned; Pixel Representation says what its bits mean."""
    array = image((13, 17), bits=12, signed=True)
    stream = lossless((array & 0xFFF).astype(np.uint16), bits=12)
    found, codes = decoded(stream, header_of(array, "lossless", bits_stored=12))
    assert found.array.dtype == np.int16
    assert np.array_equal(found.array, array)
    assert not codes
    # Written with 16 bits: the sign lies at the codestream's depth.
    stream = lossless(array.view(np.uint16), bits=16)
    found, codes = decoded(stream, header_of(array, "lossless", bits_stored=12))
    assert np.array_equal(found.array, array)
    assert codes == ["precision"]


@pytest.mark.encodes(cell=lambda photometric: (".4.70", 8, photometric))
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("rgb", [True, False])
def test_lossless_colour_is_never_converted_by_the_codec(photometric: str, rgb: bool) -> None:
    array = image((13, 17, 3))
    stream = lossless(array, bits=8, colorspace="RGB", outcolorspace="RGB")
    stream = without_segments(stream, APP0, APP14)
    identified = with_identifiers(stream, b"\1\2\3")
    header = header_of(array, "sv1", photometric_interpretation=photometric)
    found, _ = decoded(identified, header, rgb=rgb)
    assert found.photometric_interpretation == photometric
    assert np.array_equal(found.array, array)


# Colour


def with_identifiers(stream: bytes, identifiers: bytes) -> bytes:
    """The stream with other component identifiers, in the frame and in the scan header."""
    sof, sos = position(stream, 0xC0, 0xC1, 0xC3), position(stream, 0xDA)
    changes = {sof + 10 + 3 * number: value for number, value in enumerate(identifiers)}
    return edited(stream, changes | {sos + 5 + 2 * number: value for number, value in enumerate(identifiers)})


def with_adobe(stream: bytes, transform: int) -> bytes:
    return stream[:2] + segment(APP14, b"Adobe\0\x64" + bytes(4) + bytes([transform])) + stream[2:]


def with_jfif(stream: bytes) -> bytes:
    return stream[:2] + segment(APP0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + stream[2:]


RED = np.full((16, 16, 3), (200, 30, 40), np.uint8)
YCC = without_segments(jpeg(RED, level=98, subsampling="444"), APP0, APP14)
YCC_420 = without_segments(jpeg(RED, level=98, subsampling="420"), APP0, APP14)
COLOUR = with_identifiers(
    without_segments(jpeg(RED, level=98, colorspace="RGB", outcolorspace="RGB"), APP0, APP14), b"\1\2\3"
)

#: name -> stream, what Photometric Interpretation says, and what is right: the stream's own signs first.
COLOURS: dict[str, tuple[bytes, str]] = {
    "YCbCr with JFIF, declared RGB": (with_jfif(YCC), "RGB"),
    "YCbCr with JFIF, declared YBR": (with_jfif(YCC), "YBR_FULL_422"),
    "YCbCr with Adobe 1, declared RGB": (with_adobe(YCC, 1), "RGB"),
    "YCbCr with Adobe 1 and identifiers RGB": (with_adobe(with_identifiers(YCC, b"RGB"), 1), "RGB"),
    "YCbCr without signs, declared YBR_FULL": (YCC, "YBR_FULL"),
    "YCbCr without signs, declared YBR_FULL_422": (YCC, "YBR_FULL_422"),
    "YCbCr without signs, declared YBR_PARTIAL_420": (YCC, "YBR_PARTIAL_420"),
    "YCbCr subsampled, declared RGB": (YCC_420, "RGB"),
    "RGB with Adobe 0, declared YBR": (with_adobe(COLOUR, 0), "YBR_FULL_422"),
    "RGB with Adobe 0 and JFIF": (with_jfif(with_adobe(COLOUR, 0)), "YBR_FULL"),
    "RGB with identifiers, declared YBR": (with_identifiers(COLOUR, b"RGB"), "YBR_FULL_422"),
    "RGB without signs, declared RGB": (COLOUR, "RGB"),
}


@pytest.mark.parametrize("name", COLOURS)
def test_colours_are_right(name: str) -> None:
    stream, photometric = COLOURS[name]
    found, codes = decoded(stream, header_of(RED, "baseline", photometric_interpretation=photometric))
    assert found.photometric_interpretation == "RGB"
    assert np.abs(found.array.astype(int) - RED).max() <= 3
    assert not codes


@pytest.mark.parametrize("name", COLOURS)
def test_as_coded(name: str) -> None:
    stream, photometric = COLOURS[name]
    header = header_of(RED, "baseline", photometric_interpretation=photometric)
    found, _ = decoded(stream, header, rgb=False)
    if name.startswith("RGB"):
        assert found.photometric_interpretation == "RGB"
        assert np.abs(found.array.astype(int) - RED).max() <= 3
    else:
        assert found.photometric_interpretation == "YBR_FULL"
        # Y, Cb and Cr of (200, 30, 40)
        assert np.abs(found.array.astype(int) - (82, 104, 212)).max() <= 2


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"])
def test_single_component(photometric: str) -> None:
    array = smooth(16, 16)
    header = header_of(array, "baseline", photometric_interpretation=photometric)
    found, _ = decoded(jpeg(array), header)
    assert found.photometric_interpretation == photometric


# Refused before anything is decoded


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of the decoder fails the test."""

    def called(*arguments: object, **options: object) -> None:
        raise AssertionError("the library was called")

    for name in ("jpeg8_decode", "jpegls_decode", "jpeg2k_decode", "htj2k_decode", "jpegxl_decode"):
        monkeypatch.setattr(imagecodecs, name, called)


GRAY = smooth(16, 24)


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rows": 24, "columns": 16}, "16 x 24, Rows x Columns say 24 x 16"),
        ({"rows": 15}, "16 x 24, Rows x Columns say 15 x 24"),
        ({"columns": 25}, "say 16 x 25"),
        (
            {"samples_per_pixel": 3, "photometric_interpretation": "RGB"},
            "1 components, Samples per Pixel is 3",
        ),
    ],
)
def test_geometry_is_compared_first(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(CodestreamError, match=reason):
        decoded(jpeg(GRAY), header_of(GRAY, "baseline", **changes))


@pytest.mark.usefixtures("no_library")
def test_bomb_is_refused_before_it_is_decoded() -> None:
    """A tiny stream that says 65500 x 65500, under a header that says so too or not."""
    stream = jpeg(GRAY)
    sof = position(stream, 0xC0)
    bomb = edited(stream, {sof + 5: 0xFF, sof + 6: 0xDC, sof + 7: 0xFF, sof + 8: 0xDC})
    for changes in ({}, {"rows": 65500, "columns": 65500}):
        with pytest.raises(CodestreamError):
            decoded(bomb, header_of(GRAY, "baseline", **changes))


@pytest.mark.usefixtures("no_library")
def test_cuts_are_seen_by_the_structure() -> None:
    stream = jpeg(GRAY)
    for end in range(len(stream)):
        with pytest.raises(CodestreamError):
            decoded(stream[:end], header_of(GRAY, "baseline"))


@pytest.mark.parametrize("tail", [b"\0", b"\0\0\0", b"\xff" * 5, b"abc", b"\xff\xd8\xff\xd9"])
def test_bytes_behind_the_end(tail: bytes) -> None:
    """Real files have some; the image is whole."""
    stream = jpeg(GRAY)
    found, codes = decoded(stream + tail, header_of(GRAY, "baseline"))
    assert np.array_equal(found.array, decoded(stream, header_of(GRAY, "baseline"))[0].array)
    assert not codes


def test_progressive_stream_without_its_last_scans() -> None:
    """Legal, but also what a stream that was cut between scans looks like."""
    image = smooth(32, 32)
    stream = streams.pillow(image, progressive=True)
    cut = stream[: stream.rindex(b"\xff\xda")] + b"\xff\xd9"
    with pytest.raises(CodestreamError, match="scans of a progressive stream are missing"):
        decoded(cut, header_of(image, "baseline"))
    found, codes = decoded(cut, header_of(image, "1.2.840.10008.1.2.4.55"), darkest=lambda bits: 0)
    assert codes == ["partial"]
    assert np.abs(found.array.astype(int) - image).max() < 30, "less detail"


@pytest.mark.parametrize("process", ["baseline", "lossless"])
@pytest.mark.parametrize("tail", [b"", b"\xff\xd9"])
def test_part_of_a_stream(process: str, tail: bytes) -> None:
    image = smooth(40, 24)
    stream = jpeg(image, lossless=process == "lossless")
    header = header_of(image, process)
    whole, _ = decoded(stream, header)
    cut = stream[: (position(stream, 0xDA) + 2 * len(stream)) // 3] + tail
    found, codes = decoded(cut, header, darkest=lambda bits: 7)
    rows = np.flatnonzero((found.array != whole.array).any(1))[0]
    assert 8 <= rows < 40
    assert (found.array[rows:] == 7).all()
    assert (found.missing, codes) == ((40 - rows) * 24, ["partial"])
    with pytest.raises(CodestreamError, match="cut"):
        decoded(cut, header)


def test_part_of_the_last_progressive_scan() -> None:
    """All scans have their headers, and all rows are there, in less detail."""
    image = streams.image(64, 64)
    stream = streams.pillow(image, progressive=True)
    cut = stream[: (stream.rindex(b"\xff\xda") + len(stream)) // 2] + b"\xff\xd9"
    found, codes = decoded(cut, header_of(image, "baseline"), darkest=lambda bits: 0)
    assert codes[-1] == "partial"
    assert not np.array_equal(found.array, decoded(stream, header_of(image, "baseline"))[0].array)


@pytest.mark.parametrize("partial", [False, True])
def test_restart_intervals_that_are_missing_in_the_middle(partial: bool) -> None:
    """What follows them would move up."""
    image = streams.image(64, 64)
    stream = streams.pillow(image, restart_marker_rows=1)
    start, end = stream.index(b"\xff\xd1"), stream.index(b"\xff\xd3")
    options = {"darkest": lambda bits: 0} if partial else {}
    with pytest.raises(CodestreamError, match="restart markers"):
        decoded(stream[:start] + stream[end:], header_of(image, "baseline"), **options)


def test_what_the_library_refuses() -> None:
    """Structure and codes in order, no quantization tables."""
    broken = streams.without_segments(jpeg(GRAY), 0xDB)
    with pytest.raises(DecodeError, match="libjpeg-turbo cannot decode it"):
        decoded(broken, header_of(GRAY, "baseline"))


def test_four_components() -> None:
    stream = jpeg(np.zeros((8, 8, 4), np.uint8), colorspace="CMYK", outcolorspace="CMYK")
    with pytest.raises(CodestreamError, match="4 components"):
        decoded(stream, header_of(RED[:8, :8], "baseline"))


def test_arithmetic_coding() -> None:
    stream = jpeg(GRAY)
    with pytest.raises(UnsupportedError, match="arithmetic"):
        decoded(edited(stream, {position(stream, 0xC0) + 1: 0xC9}), header_of(GRAY, "baseline"))
