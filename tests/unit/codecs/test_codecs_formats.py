"""Every format besides JPEG and PNG, as other programs read what was written."""

from __future__ import annotations

import io
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fastdcm
from fastdcm.codecs.encode import encode_image
from fastdcm.codecs.encoders import table
from fastdcm.errors import EncodeError
from fastdcm.options import FORMATS, EncodeOptions, Format
from tests.builders import image as dicom_image
from tests.conftest import PYDICOM_FILES
from tests.unit.codecs.decoding import image
from tests.unit.codecs.written import Array, Peer, by_command, by_ffmpeg, by_pillow, noise_distance, pnm

SHAPES: list[tuple[int, ...]] = [(1, 1), (13, 17), (64, 61), (1, 1, 3), (13, 17, 3), (70, 33, 3)]
DEEP = [format for format, holds in FORMATS.items() if holds.deep and format != "png"]
SHALLOW = [format for format, holds in FORMATS.items() if not holds.deep]


def written(array: Array, format: Format, **options: Any) -> bytes:
    return encode_image(array, EncodeOptions(format, **options))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("format", ["tiff", "bmp", "jp2", "j2k", "gif", "pnm", "webp"])
def test_lossless_by_pillow(shape: tuple[int, ...], format: Format) -> None:
    array = image(shape)
    if format == "gif":
        array //= 48  # of up to 256 colours none is lost
    lossless = True if format == "webp" else None
    with Image.open(io.BytesIO(written(array, format, lossless=lossless))) as found:
        assert found.size == (shape[1], shape[0])
        colour = len(shape) == 3 or format in ("webp", "gif")
        expected = array if len(shape) == 3 or not colour else np.repeat(array[..., None], 3, axis=2)
        assert np.array_equal(np.asarray(found.convert("RGB" if colour else "L")), expected)


@pytest.mark.parametrize("format", ["tiff", "pnm"])
def test_deep_gray_by_pillow(format: Format) -> None:
    array = image((33, 21), bits=16)
    assert np.array_equal(by_pillow(written(array, format)).astype(np.uint16), array)


@pytest.mark.parametrize("format", ["tiff", "pnm", "ppm"])
def test_deep_colour_by_ffmpeg(format: Format, tmp_path: Path, peer: Peer) -> None:
    """Which Pillow cannot read."""
    array = image((33, 21, 3), bits=16)
    data = written(array, format)
    assert np.array_equal(by_ffmpeg(data, FORMATS[format].extension, "rgb48le", tmp_path, peer)[0], array)


COMMANDS: dict[Format, list[list[str]]] = {
    "jp2": [["opj_decompress", "-i", "IN", "-o", "OUT"]],
    "j2k": [["opj_decompress", "-i", "IN", "-o", "OUT"]],
    "jph": [["opj_decompress", "-i", "IN", "-o", "OUT"]],
    "jhc": [["opj_decompress", "-i", "IN", "-o", "OUT"], ["ojph_expand", "-i", "IN", "-o", "OUT"]],
    "jpegxl": [["djxl", "IN", "OUT"]],
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(64, 61), (13, 17), (70, 33, 3), (1, 1, 3)], ids=str)
@pytest.mark.parametrize("format", COMMANDS)
def test_lossless_by_the_reference_decoders(
    format: Format, shape: tuple[int, ...], bits: int, tmp_path: Path, peer: Peer
) -> None:
    array = image(shape, bits=bits)
    data = written(array, format)
    for name, *arguments in COMMANDS[format]:
        extension = FORMATS[format].extension
        if name == "ojph_expand":
            extension = ".j2c"  # all that it takes
        out = by_command(data, extension, [peer(name), *arguments], tmp_path, colour=len(shape) == 3)
        assert np.array_equal(out, array), name


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_npy(shape: tuple[int, ...], bits: int) -> None:
    found = np.load(io.BytesIO(written(image(shape, bits=bits), "npy")), allow_pickle=False)
    assert found.dtype == np.dtype(f"u{bits // 8}")
    assert np.array_equal(found, image(shape, bits=bits))


def test_gray_as_ppm_and_colour_as_pgm() -> None:
    gray = image((5, 7))
    assert np.array_equal(pnm(written(gray, "ppm")), np.repeat(gray[..., None], 3, axis=2))
    assert written(gray, "pgm") == written(gray, "pnm")
    with pytest.raises(EncodeError, match=r"PGM holds gray.*-F ppm"):
        written(image((5, 7, 3)), "pgm")


@pytest.mark.parametrize("layout", ["transposed", "strided", "big-endian"])
@pytest.mark.parametrize("format", DEEP)
def test_any_layout(layout: str, format: Format) -> None:
    array = image((13, 17), bits=16)
    other = {
        "transposed": np.asfortranarray(array),
        "strided": np.repeat(array, 2, axis=1)[:, ::2],
        "big-endian": array.astype(">u2"),
    }[layout]
    assert written(other, format) == written(array, format)


# What is lost


def real(name: str) -> Array:
    with fastdcm.open(PYDICOM_FILES / name) as found:
        return found.render(0)


#: Distance of noise in dB (PSNR) at quality 90 and 50, and the largest difference at 90: measured, with 1 dB
#: and a few levels to spare. The first is a CT whose window leaves much noise, the second has coloured text,
#: of which all but JPEG 2000 halve the chroma.
CT: dict[Format, tuple[float, float, int]] = {
    "webp": (42.0, 36.0, 13),
    "avif": (46.0, 37.5, 8),
    "jpegxl": (43.5, 35.5, 10),
    "jp2": (46.0, 38.0, 8),
    "jph": (47.5, 39.5, 8),
}
COLOUR: dict[Format, tuple[float, float, int]] = {
    "webp": (32.0, 29.0, 110),
    "avif": (32.0, 28.5, 110),
    "jpegxl": (31.5, 26.0, 145),
    "jp2": (47.0, 39.5, 15),
    "jph": (47.5, 39.5, 15),
}


def decoded(data: bytes, format: Format, folder: Path, peer: Peer, *, colour: bool) -> Array:
    if format in COMMANDS:
        name, *arguments = COMMANDS[format][0]
        extension = FORMATS[format].extension
        return by_command(data, extension, [peer(name), *arguments], folder, colour=colour)
    return by_pillow(data)


@pytest.mark.parametrize(
    ("name", "bounds"), [("CT_small.dcm", CT), ("examples_rgb_color.dcm", COLOUR)], ids=["CT", "colour"]
)
@pytest.mark.parametrize("format", CT)
def test_lossy(
    format: Format, name: str, bounds: dict[Format, tuple[float, float, int]], tmp_path: Path, peer: Peer
) -> None:
    array = real(name)
    good, fair, most = bounds[format]
    sizes = []
    for quality, least in ((100, good), (90, good), (50, fair)):
        data = written(array, format, quality=quality, lossless=False)
        found = decoded(data, format, tmp_path, peer, colour=array.ndim == 3)
        if found.ndim > array.ndim:
            assert (np.ptp(found.astype(int), axis=2) <= 1).all()
            found = found[..., 1]
        assert noise_distance(found, array) >= least, quality
        if quality == 90:
            assert np.abs(found.astype(int) - array).max() <= most
        sizes.append(len(data))
    assert sizes[0] > sizes[1] > sizes[2]


@pytest.mark.parametrize("format", ["jp2", "jph"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("quality", [20, 50, 90])
def test_quality_of_jpeg_2000_is_a_distance_from_noise(
    format: Format, bits: int, quality: int, tmp_path: Path, peer: Peer
) -> None:
    """30 + N/5 dB, or hardly less."""
    array = real("CT_small.dcm").astype(np.uint8 if bits == 8 else np.uint16)
    array = array if bits == 8 else array * np.uint16(257)
    data = written(array, format, quality=quality, lossless=False)
    found = decoded(data, format, tmp_path, peer, colour=False)
    asked = 30 + quality / 5
    assert asked - 1.5 <= noise_distance(found, array) <= asked + 4


@pytest.mark.parametrize("format", ["jp2", "j2k", "jph", "jhc", "jpegxl", "webp"])
def test_lossless_or_not(format: Format) -> None:
    usual, lossy = EncodeOptions(format), EncodeOptions(format, lossless=False)
    assert usual.is_lossless is (format != "webp")
    array = real("CT_small.dcm")
    assert len(encode_image(array, lossy)) < len(encode_image(array, EncodeOptions(format, lossless=True)))


# What a format cannot hold


@pytest.mark.parametrize("format", SHALLOW)
def test_16_bits_where_there_are_8(format: Format) -> None:
    with pytest.raises(EncodeError, match=rf"{FORMATS[format].title} holds 8 bits; ask for PNG"):
        written(image((4, 4), bits=16), format)


def test_a_long_side() -> None:
    with pytest.raises(EncodeError, match="more than WebP holds"):
        written(np.zeros((1, 16384), np.uint8), "webp")
    with pytest.raises(EncodeError, match="more than GIF holds"):
        written(np.zeros((65536, 1), np.uint8), "gif")


def test_a_video_of_one_frame() -> None:
    with pytest.raises(EncodeError, match="needs several frames"):
        written(image((4, 4)), "mp4")


# What is in a file besides


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "mp4"])
def test_nothing_but_pixels(format: Format) -> None:
    """No names of programs, no dates, no comments: the same bytes always, and no text among them."""
    data = written(image((16, 16)), format)
    assert data == written(image((16, 16)), format)
    for word in (b"Software", b"Exif", b"http", b"Creat", b"Pillow", b"imagecodecs", b"libtiff", b"OpenJPEG"):
        assert word not in data, word
    if format == "tiff":
        tags = {306, 305, 270, 315, 316, 33432}  # DateTime, Software, ImageDescription, Artist, ...
        with Image.open(io.BytesIO(data)) as found:
            assert not tags & set(found.tag_v2)  # type: ignore[attr-defined]


def test_boxes_of_jp2() -> None:
    """T.800 I.5: height and width, components, depth; 17 is gray, 16 sRGB."""
    for shape, samples, space in (((5, 7), 1, 17), ((5, 7, 3), 3, 16)):
        for format, brand in (("jp2", b"jp2 "), ("jph", b"jph ")):
            data = written(image(shape, bits=16), format)  # type: ignore[arg-type]
            assert data[16:24] == b"ftyp" + brand
            header = data[data.index(b"ihdr") + 4 :]
            assert struct.unpack(">IIHBBBB", header[:14]) == (5, 7, samples, 15, 7, 0, 0)
            assert data[data.index(b"colr") + 4 :][:7] == b"\1\0\0" + space.to_bytes(4, "big")


def test_our_own_readers_take_what_is_written() -> None:
    from fastdcm.codestream import jpeg2000, jpegxl

    for format in ("jp2", "j2k", "jph", "jhc"):
        stream = jpeg2000.parse(written(image((20, 30, 3)), format))  # type: ignore[arg-type]
        assert (stream.rows, stream.columns, len(stream.components)) == (20, 30, 3)
        assert stream.has_jp2 is format.startswith("jp")
        assert stream.high_throughput is format.endswith(("h", "hc"))
    assert jpegxl.parse(written(image((20, 30), bits=16), "jpegxl")).bits == 16


# What is here


def test_every_format_has_a_writer_that_is_here() -> None:
    assert table.WRITERS.keys() == FORMATS.keys()
    for format in FORMATS:
        assert table.missing(format) == ("" if format != "mp4" or find_spec("av") else "not installed")
        assert callable(table.encoder(format))


@pytest.mark.parametrize(
    ("format", "module", "attribute", "says"),
    [
        ("tiff", "imagecodecs", "TIFF", "no TIFF: pip install -U imagecodecs"),
        ("jph", "imagecodecs", "HTJ2K", "no HTJ2K: pip install -U imagecodecs"),
    ],
)
def test_a_codec_that_is_not_here(
    format: Format, module: str, attribute: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Absent:
        available = False

    monkeypatch.setattr(f"{module}.{attribute}", Absent)
    table.encoder.cache_clear()
    assert says in table.missing(format)
    with pytest.raises(EncodeError, match="cannot be written"):
        written(image((4, 4)), format)


def test_packages_that_are_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "find_spec", lambda name: None)
    assert "video" in table.missing("mp4")
    assert "pip install pillow" in table.missing("webp")


@pytest.mark.parametrize("stored", [10, 12, 16])
@pytest.mark.parametrize("format", ["png", "tiff"])
def test_deep_colour_is_scaled_by_bits_stored(
    stored: int, format: Format, tmp_path: Path, peer: Peer
) -> None:
    """0 stays 0, and 2^BitsStored - 1 becomes 65535."""
    values = image((9, 11, 3), bits=stored).astype(np.uint16)
    values[0, 0], values[0, 1] = 0, (1 << stored) - 1
    data = dicom_image(values.tobytes(), rows=9, columns=11, bits=16, samples=3, stored=stored)
    with fastdcm.open(data) as opened:
        file = opened.encode(0, format, bits=16)
    found = by_ffmpeg(file, FORMATS[format].extension, "rgb48le", tmp_path, peer)[0]
    assert np.array_equal(found, np.floor(values * (65535 / ((1 << stored) - 1)) + 0.5))
