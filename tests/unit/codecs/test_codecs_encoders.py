"""PNG and JPEG as other programs read them."""

from __future__ import annotations

import io
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from isal import isal_zlib
from PIL import Image

from fastdcm.codecs.encode import encode_image
from fastdcm.codecs.encoders import jpeg, png, turbojpeg
from fastdcm.errors import EncodeError
from fastdcm.options import EncodeOptions
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import Array, image
from tests.unit.codestream import streams

SHAPES = [(1, 1), (1, 9), (9, 1), (13, 17), (64, 64), (1, 1, 3), (13, 17, 3), (1, 300, 3)]


def opened(data: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(data))
    found.load()
    return found


def png_samples(data: bytes) -> Array:
    """Samples of a PNG, decoded here: Pillow reduces 16-bit RGB to 8."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, compressed, columns, rows, depth, colour = 8, b"", 0, 0, 0, 0
    kinds = []
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        checksum = int.from_bytes(data[position + 8 + length : position + 12 + length], "big")
        assert checksum == zlib.crc32(kind + body)
        kinds.append(kind)
        if kind == b"IHDR":
            columns, rows = (int.from_bytes(body[start : start + 4], "big") for start in (0, 4))
            depth, colour = body[8], body[9]
            assert body[10:] == b"\0\0\0"
        elif kind == b"IDAT":
            compressed += body
        position += 12 + length
    assert kinds[0] == b"IHDR"
    assert kinds[-1] == b"IEND"
    samples = {0: 1, 2: 3}[colour]
    stride = columns * samples * depth // 8
    lines = unfiltered(
        np.frombuffer(zlib.decompress(compressed), np.uint8).reshape(rows, -1), stride // columns
    )
    words = np.ascontiguousarray(lines).view(">u2" if depth == 16 else "u1").astype(f"u{depth // 8}")
    return words.reshape((rows, columns, 3) if samples == 3 else (rows, columns))


def unfiltered(raw: Array, step: int) -> Array:
    """Rows from their filters and bytes; ``step`` is the bytes of a pixel."""
    lines = raw[:, 1:].copy()
    for row, kind in enumerate(raw[:, 0]):
        if kind == 1:
            pixels = lines[row].reshape(-1, step)
            pixels[...] = np.cumsum(pixels, axis=0, dtype=np.uint8)
        elif kind == 2:
            lines[row] += lines[row - 1] if row else np.uint8(0)
        else:
            assert kind == 0, "filters none, sub and up"
    return lines


@pytest.fixture(params=["by NumPy", "compiled"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to filter, by NumPy in blocks of a few rows."""
    monkeypatch.setattr(png, "_PAYOFF", Fixed(request.param == "compiled"))
    monkeypatch.setattr(png, "_BLOCK_BYTES", 100)
    return str(request.param)


def scene(shape: tuple[int, ...]) -> Array:
    """Rows of every kind: flat, noise, gradients along and across, repetitions of the row above."""
    chance = np.random.default_rng(sum(shape))
    rows = chance.integers(0, 256, shape, np.uint8)
    for row in range(shape[0]):
        kind = chance.integers(0, 6)
        if kind == 0:
            rows[row] = chance.integers(0, 256)
        elif kind == 1:
            rows[row] = (np.arange(rows[row].size).reshape(rows[row].shape) * 3) % 256
        elif kind == 2 and row:
            rows[row] = rows[row - 1] + chance.integers(0, 3, rows[row].shape, np.uint8)
        elif kind == 3:
            rows[row] = np.where(chance.random(rows[row].shape) < 0.1, 255, 0)
    return rows


@pytest.mark.parametrize("shape", [*SHAPES, (200, 150), (90, 31, 3), (40, 2)], ids=str)
def test_png_filters(shape: tuple[int, ...], by: str) -> None:
    """Each row by the filter whose bytes, taken as signed, sum up to the least; the same both ways."""
    array = scene(shape)
    step, raw = array[0, 0].size, array.reshape(shape[0], -1)
    filtered = png._filtered(raw, step)
    assert np.array_equal(unfiltered(filtered, step), raw)
    before = np.zeros(raw.shape[1], np.uint8)
    for row, line in enumerate(raw):
        left = np.concatenate([np.zeros(step, np.uint8), line[:-step]])
        sums = [
            int(np.abs((line - less).view(np.int8).astype(int)).sum()) for less in (0 * line, left, before)
        ]
        assert filtered[row, 0] == sums.index(min(sums)), (row, sums)
        before = line


@pytest.mark.usefixtures("by")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("level", [1, 3, 9])
def test_png(shape: tuple[int, ...], bits: int, level: int) -> None:
    array = image(shape, bits=bits)
    data = encode_image(array, EncodeOptions("png", png_level=level))
    assert np.array_equal(png_samples(data), array)
    pillow = opened(data)
    assert pillow.size == (shape[1], shape[0])
    if bits == 8 or len(shape) == 2:
        assert np.array_equal(np.asarray(pillow), array)


@pytest.mark.parametrize("name", ["transposed", "strided", "read-only", "big-endian"])
@pytest.mark.parametrize("samples", [1, 3])
def test_png_of_any_layout(name: str, samples: int) -> None:
    array = image((13, 17) if samples == 1 else (13, 17, 3), bits=16)
    assert np.array_equal(png_samples(png.encode(laid_out(array, name), 3)), array)


def laid_out(array: Array, name: str) -> Array:
    """The same values elsewhere in memory."""
    if name == "transposed":
        return np.asfortranarray(array)
    if name == "strided":
        return np.repeat(array, 2, axis=1)[:, ::2]
    if name == "read-only":
        array = array.copy()
        array.flags.writeable = False
        return array
    return array.astype(array.dtype.newbyteorder(">"))


def test_png_of_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk holds less than 2^31 bytes; here a limit of 100 stands for it."""
    monkeypatch.setattr(png, "_LONGEST_CHUNK", 100)
    array = image((20, 30))
    file = png.encode(array, 3)
    assert file.count(b"IDAT") > 3
    assert np.array_equal(png_samples(file), array)


class Isal:
    """ISA-L, and what it was given."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def compress(self, data: Any, level: int) -> bytes:
        self.sizes.append(data.size)
        return isal_zlib.compress(data, level)


@pytest.mark.parametrize("noisy", [True, False])
@pytest.mark.parametrize("shape", [(64, 100), (64, 100, 3)], ids=str)
@pytest.mark.parametrize("bits", [8, 16])
def test_which_library_compresses(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], bits: int, noisy: bool
) -> None:
    """Noise is ISA-L's at level 1, all of it; the rest is what libdeflate makes of it."""
    array = image(shape, bits=bits) if noisy else np.full(shape, 77, f"u{bits // 8}")
    used = Isal()
    monkeypatch.setattr(png, "isal", lambda: used)
    file = png.encode(array, 1)
    whole = array.shape[0] * (1 + array[0].nbytes)
    assert used.sizes == ([whole // 16, whole] if noisy else [whole // 16])
    assert np.array_equal(png_samples(file), array)
    assert np.array_equal(png_samples(png.encode(array, 2)), array)
    assert len(used.sizes) == 1 + noisy, "of other levels it knows nothing"


def test_without_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no wheel for some machines."""
    monkeypatch.setitem(sys.modules, "isal", None)
    find = png.isal.__wrapped__
    assert find() is None
    monkeypatch.setattr(png, "isal", find)
    array = image((20, 30))
    assert np.array_equal(png_samples(png.encode(array, 1)), array)


# JPEG


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_jpeg(shape: tuple[int, ...]) -> None:
    array = streams.image(*shape[:2], samples=shape[2] if len(shape) == 3 else 1, noise=0.02)
    found = opened(encode_image(array, EncodeOptions(quality=98, subsampling="444")))
    assert found.format == "JPEG"
    assert found.mode == ("RGB" if len(shape) == 3 else "L")
    assert np.abs(np.asarray(found).astype(int) - array).max() <= 12


def test_jpeg_colours() -> None:
    """Channels in order, and as JFIF says."""
    array = np.full((16, 16, 3), (200, 30, 40), np.uint8)
    for subsampling in ("444", "422", "420"):
        found = opened(encode_image(array, EncodeOptions(subsampling=subsampling)))  # type: ignore[arg-type]
        assert np.abs(np.asarray(found).astype(int) - array).max() <= 4
        assert found.info["jfif"]


@pytest.mark.parametrize(("subsampling", "factors"), [("444", (1, 1)), ("422", (2, 1)), ("420", (2, 2))])
def test_subsampling(subsampling: Any, factors: tuple[int, int]) -> None:
    from fastdcm.codestream.jpeg import parse

    array = streams.image(32, 32, samples=3)
    header = parse(encode_image(array, EncodeOptions(subsampling=subsampling)))
    first, *others = header.components
    assert (first.horizontal, first.vertical) == factors
    assert all((other.horizontal, other.vertical) == (1, 1) for other in others)
    assert (header.process, header.sof) == ("baseline", 0xC0)


def test_quality() -> None:
    array = streams.image(64, 64)
    sizes = [len(encode_image(array, EncodeOptions(quality=quality))) for quality in (1, 50, 90, 100)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("name", ["transposed", "strided", "read-only"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("which", ["bundled", "system"])
def test_jpeg_of_any_layout(name: str, samples: int, which: str) -> None:
    array = streams.image(13, 17, samples=samples)
    encode = jpeg.encode_bundled if which == "bundled" else system_encoder()
    assert encode(laid_out(array, name), 90, "420") == encode(array, 90, "420")


def system_encoder() -> Any:
    """The encoder of the system's libjpeg-turbo, which not every machine has."""
    if turbojpeg.system_library() is None:
        message = "no system libjpeg-turbo"
        if os.environ.get("FASTDCM_REQUIRE_PEERS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return turbojpeg.encode


@pytest.mark.parametrize("quality", [1, 50, 75, 90, 100])
@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (64, 48), (129, 255)], ids=str)
def test_both_libraries_give_the_same_bytes(
    quality: int, subsampling: str, samples: int, shape: tuple[int, int]
) -> None:
    array = streams.image(*shape, samples=samples)
    expected = system_encoder()(array, quality, subsampling)
    assert jpeg.encode_bundled(array, quality, subsampling) == expected


@pytest.mark.parametrize("newer", [True, False])
def test_the_newer_library_is_used(monkeypatch: pytest.MonkeyPatch, newer: bool) -> None:
    monkeypatch.setattr(turbojpeg, "system_library", lambda: (None, (99, 0, 0) if newer else (1, 0, 0)))
    monkeypatch.setattr(turbojpeg, "encode", lambda *arguments: b"system")
    monkeypatch.setattr(jpeg, "encode_bundled", lambda *arguments: b"bundled")
    jpeg.uses_system_library.cache_clear()
    try:
        assert jpeg.encode(image((2, 2)), 90, "420") == (b"system" if newer else b"bundled")
    finally:
        jpeg.uses_system_library.cache_clear()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("libjpeg-turbo version 2.1.5 (build 20240101)", (2, 1, 5)),
        ("jpeg 3.1", (3, 1, 0)),
        ("libjpeg_turbo 3.1.3", (3, 1, 3)),
        ("none", None),
    ],
)
def test_version(text: str, version: turbojpeg.Version | None) -> None:
    assert turbojpeg.parse_version(text) == version


def test_version_of_a_library_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in the library's text only; what is no such library is passed over."""
    library, other, empty = (tmp_path / name for name in ("libturbojpeg.so.0", "other.so", "empty.so"))
    library.write_bytes(b"\x7fELF" + bytes(5000) + b"libjpeg-turbo version 2.1.5 (build 1)\0" + bytes(50))
    other.write_bytes(b"\x7fELF" + bytes(100) + b"version 9.9.9")
    empty.write_bytes(b"")
    paths = [str(path) for path in (tmp_path / "absent.so", empty, other, library)]
    find = turbojpeg.system_library.__wrapped__
    monkeypatch.setattr(turbojpeg, "_PLACES", {sys.platform: paths})
    assert find() == (str(library), (2, 1, 5))
    monkeypatch.setattr(turbojpeg, "_PLACES", {sys.platform: paths[:3]})
    assert find() is None


def test_version_of_the_bundled_library() -> None:
    assert jpeg.bundled_version() >= (2, 0, 0)


# What a format cannot hold


def test_jpeg_of_16_bits() -> None:
    with pytest.raises(EncodeError, match="ask for PNG"):
        encode_image(image((2, 2), bits=16), EncodeOptions())


@pytest.mark.parametrize("shape", [(65501, 1), (1, 65501), (65501, 1, 3)])
def test_jpeg_of_a_long_side(shape: tuple[int, ...]) -> None:
    with pytest.raises(EncodeError, match="more than JPEG holds"):
        encode_image(np.zeros(shape, np.uint8), EncodeOptions())
    assert encode_image(np.zeros(shape, np.uint8), EncodeOptions("png"))


@pytest.mark.parametrize("shape", [(65500, 1), (1, 65500)])
def test_longest_side(shape: tuple[int, int]) -> None:
    found = opened(encode_image(np.full(shape, 77, np.uint8), EncodeOptions()))
    assert found.size == (shape[1], shape[0])
    assert np.asarray(found).flat[65499] == 77
