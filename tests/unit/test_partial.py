"""``allow_partial``: what is there of a frame that is cut, black where nothing is; and the limits."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from click.testing import CliRunner

import fastdcm
from fastdcm.cli import cli
from fastdcm.errors import DicomError, FastdcmError, OptionError, TruncatedError
from tests.builders import BIG_ENDIAN, DEFLATED, EXPLICIT, Element, encapsulated, image, offsets, words

RLE, DEFLATED_FRAME, BASELINE = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1", "1.2.840.10008.1.2.4.50"
JPEG_LS = "1.2.840.10008.1.2.4.80"


def partial(data: bytes, index: int = 0, **options: Any) -> tuple[Any, Any, list[str]]:
    """Stored values, display values and the codes of notices; an error without ``allow_partial``."""
    with pytest.raises(FastdcmError), fastdcm.open(data) as found:
        found.pixels(index)
    with fastdcm.open(data, allow_partial=True) as found:
        stored, shown = found.pixels(index, raw=True), found.render(index, **options)
        return stored.tolist(), shown.tolist(), [notice.code for notice in found.notices]


@pytest.mark.parametrize(
    ("changes", "black"),
    [
        ({}, 0),
        ({"photometric": "MONOCHROME1"}, 0xFFF),
        ({"representation": 1}, -0x800),
        ({"representation": 1, "slope": "-2", "intercept": "0"}, 0x7FF),
        ({"slope": "-1", "intercept": "0", "photometric": "MONOCHROME1"}, 0),
        ({"center": "100", "width": "50"}, 0),
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN, DEFLATED])
def test_gray(changes: dict[str, Any], black: int, syntax: str) -> None:
    """The last sample, and half of the one before, are missing; they do not stretch the range."""
    there = words([10, 20, 30, 40], little=syntax != BIG_ENDIAN) + b"\x01"
    changes = {"bits": 16, "stored": 12} | changes
    data = image(there, syntax, **changes)
    stored, shown, codes = partial(data)
    assert stored == [[10, 20, 30], [40, black, black]]
    assert codes[-1] == "partial"
    assert shown[1][1:] == [0, 0]
    whole = image(words([10, 20, 30, 40, 40, 40]), **changes)
    with fastdcm.open(whole) as expected:
        assert shown[0] == expected.render()[0].tolist(), "as if nothing were missing"


def test_file_that_ends_early() -> None:
    data = image(words(range(12)), bits=16, frames=2)
    assert partial(data[:-3], 1)[0] == [[6, 7, 8], [9, 0, 0]]
    with fastdcm.open(data[:-12], allow_partial=True) as found:
        assert found.pixels(0).tolist() == [[0, 1, 2], [3, 4, 5]]
        with pytest.raises(TruncatedError) as error:
            found.pixels(1)
    assert error.value.frame == 2, "there is nothing of it"


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize(("photometric", "black"), [("RGB", [0, 0, 0]), ("YBR_FULL", [0, 128, 128])])
def test_colour(planar: int, photometric: str, black: list[int]) -> None:
    """A pixel of which one sample is missing is missing."""
    values = np.arange(18, dtype=np.uint8).reshape(6, 3) + 1
    there = (values.T if planar else values).tobytes()[:-4]
    data = image(there, samples=3, planar=planar, photometric=photometric)
    stored, shown, codes = partial(data)
    count = 2 if planar else 4
    expected = [*values[:count].tolist(), *[black] * (6 - count)]
    assert np.reshape(stored, (6, 3)).tolist() == expected
    assert np.reshape(shown, (6, 3))[count:].tolist() == [[0, 0, 0]] * (6 - count)
    assert codes == ["partial"]


def test_shared_chroma() -> None:
    """Y1 Y2 Cb Cr, of which the last is missing."""
    data = image(
        bytes([50, 60, 100, 200, 70, 80, 90]), rows=1, columns=4, samples=3, photometric="YBR_FULL_422"
    )
    stored, shown, _ = partial(data)
    assert stored == [[[50, 100, 200], [60, 100, 200], [0, 128, 128], [0, 128, 128]]]
    assert shown[0][2:] == [[0, 0, 0]] * 2


def test_palette() -> None:
    """The darkest colour has index 2."""
    tables = [
        element
        for channel in range(3)
        for element in (
            Element(0x00281101 + channel, "US", [4, 0, 16]),
            Element(0x00281201 + channel, "OW", words([60000, 50000, 300, 40000])),
        )
    ]
    data = image(b"\1\3", rows=1, columns=4, photometric="PALETTE COLOR", extra=tables)
    stored, shown, _ = partial(data)
    assert stored == [[1, 3, 2, 2]]
    assert shown[0][2] == [1, 1, 1]


def test_bits_and_packed_samples() -> None:
    assert partial(image(b"\xff\x01", rows=3, columns=7, bits=1))[0] == [[1] * 7, [1, 1, *[0] * 5], [0] * 7]
    packed = partial(image(b"\x21\x43\x65\x87", rows=1, columns=4, bits=12))[0]
    assert packed == [[0x321, 0x654, 0, 0]]


def test_floats() -> None:
    data = image(
        np.float32([1, 2, 3]).tobytes(),
        rows=1,
        columns=4,
        bits=32,
        pixel_tag=0x7FE00008,
        vr="OF",
        stored=None,
    )
    stored, shown, _ = partial(data)
    assert stored == [[1, 2, 3, -np.inf]]
    assert shown == [[0, 128, 255, 0]]


@pytest.mark.parametrize("size", [1, 2])
def test_rle(size: int) -> None:
    """The last segment is cut within a literal: what stands before it counts."""
    segment = b"\xff\x07\x01\x08\x09\x03\x0a\x0b\x0c\x0d"  # 7 7, 8 9, 10 11 12 13
    segments = [b"\xf9\x01", segment][2 - size :]
    heads = [64 + sum(map(len, segments[:number])) for number in range(size)]
    frame = np.array([size, *heads, *[0] * (15 - size)], "<u4").tobytes() + b"".join(segments)
    data = image(encapsulated([frame]), RLE, rows=2, columns=4, bits=8 * size)
    with fastdcm.open(data) as whole:
        expected = whole.pixels()
    cut = data[: data.index(segment) + 8]
    stored, _, codes = partial(cut)
    assert stored == [expected[0].tolist(), [0] * 4]
    assert codes == ["partial"]


def test_deflated_frame() -> None:
    deflater = zlib.compressobj(wbits=-15)
    pixels = np.random.default_rng(1).integers(0, 255, 600).astype(np.uint8)
    frame = deflater.compress(pixels.tobytes()) + deflater.flush()
    data = image(encapsulated([frame]), DEFLATED_FRAME, rows=20, columns=30)
    stored = np.reshape(partial(data[:-200])[0], -1)
    missing = int((stored[::-1] == 0).argmin())
    assert 150 < missing < 350
    assert np.array_equal(stored[:-missing], pixels[:-missing])


def test_jpeg() -> None:
    pixels = np.arange(64, 96, dtype=np.uint8).repeat(32).reshape(32, 32)
    stream = bytes(imagecodecs.jpeg8_encode(pixels, level=95))
    data = image(encapsulated([stream]), BASELINE, rows=32, columns=32)
    stored = np.array(partial(data[: (data.index(b"\xff\xda") + 2 * len(data)) // 3])[0])
    rows = int((stored == 0).all(1).argmax())
    assert rows in (8, 16, 24)
    assert np.abs(stored[:rows] - pixels[:rows].astype(int)).max() <= 3
    assert not stored[rows:].any()


def test_a_codestream_deeper_than_declared() -> None:
    """Black is that of the codestream's depth."""
    pixels = np.full((16, 16), 60000, np.uint16)
    stream = bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=16))
    changes = {"rows": 16, "columns": 16, "bits": 16, "stored": 12, "photometric": "MONOCHROME1"}
    data = image(encapsulated([stream]), "1.2.840.10008.1.2.4.70", **changes)
    end = data.index(b"\xff\xda") + 30
    stored, shown, _ = partial(data[:end], voi="none")
    assert stored[-1] == [65535] * 16
    assert shown[-1] == [0] * 16


@pytest.mark.parametrize("bits", [8, 32])
def test_a_palette_that_cannot_be_used(bits: int) -> None:
    """Values can be had all the same, whole or in part, and at no cost."""
    data = image(bytes(6 * bits // 8), bits=bits, photometric="PALETTE COLOR")
    with fastdcm.open(data, allow_partial=True) as found:
        assert not found.pixels().any()


@pytest.mark.parametrize("table", [False, True])
def test_offset_table_or_not(table: bool) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (3, 64, 32)).astype(np.uint8)
    frames = [bytes(imagecodecs.jpeg8_encode(pixels, level=95)) for pixels in noise]
    value = encapsulated(frames, table=offsets([[frame] for frame in frames]) if table else ())
    data = image(value, BASELINE, rows=64, columns=32, frames=3)
    cut = data[: data.rindex(b"\xff\xd8") - 8 - len(frames[1]) // 3]
    stored, _, codes = partial(cut, 1)
    assert stored[:8] == fastdcm.read(data, 1)[:8].tolist()
    assert stored[-1] == [0] * 32
    assert codes == ["partial"]


def test_codecs_that_cannot_be_read_in_part() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for encode, syntax, choice in (
        (imagecodecs.jpegls_encode, "80", "library"),
        (imagecodecs.htj2k_encode, "201", "auto"),
    ):
        stream = bytes(encode(pixels))
        data = image(encapsulated([stream[:-20]]), f"1.2.840.10008.1.2.4.{syntax}", rows=8, columns=8)
        options: dict[str, Any] = {"allow_partial": True, "decoder": choice}
        with fastdcm.open(data, **options) as found, pytest.raises(FastdcmError, match=r"cut|past"):
            found.pixels()


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_jpeg_ls(end: bytes) -> None:
    """By our own decoder, which knows how many rows are whole."""
    noise = np.random.default_rng(5).integers(1, 256, (64, 32)).astype(np.uint8)
    stream = bytes(imagecodecs.jpegls_encode(noise))
    data = image(encapsulated([stream[: len(stream) // 2] + end]), JPEG_LS, rows=64, columns=32)
    stored, shown, codes = partial(data)
    whole = sum(row != [0] * 32 for row in stored)
    assert 25 < whole < 35
    assert stored[:whole] == noise[:whole].tolist()
    assert shown[whole:] == [[0] * 32] * (64 - whole)
    assert codes == ["partial"]
    nothing = image(encapsulated([stream[:40] + end]), JPEG_LS, rows=64, columns=32)
    with fastdcm.open(nothing, allow_partial=True) as found, pytest.raises(FastdcmError):
        found.pixels()


def test_convert(tmp_path: Path) -> None:
    (tmp_path / "cut.dcm").write_bytes(image(bytes([9] * 4)))
    run = CliRunner()
    refused = run.invoke(cli, ["convert", str(tmp_path / "cut.dcm"), str(tmp_path / "a.png")])
    assert (refused.exit_code, "Pixel Data is short" in refused.output) == (1, True)
    assert not (tmp_path / "a.png").exists()
    arguments = ["convert", "--allow-partial", str(tmp_path / "cut.dcm"), str(tmp_path / "a.png")]
    done = run.invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert "4 of 6 pixels are there" in done.output
    assert imagecodecs.png_decode((tmp_path / "a.png").read_bytes()).tolist() == [[9, 9, 9], [9, 0, 0]]


# Limits


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_pixels": 5}, r"2 x 3 pixels exceeds the limit of 5 \(max_pixels\)"),
        ({"max_decoded": 47}, r"4 frames of 2 x 3 are 48 bytes, .* limit of 47 \(max_decoded\)"),
    ],
)
def test_limits(limits: dict[str, int], reason: str, tmp_path: Path) -> None:
    data = image(bits=16, frames=4)
    with pytest.raises(DicomError, match=reason):
        fastdcm.open(data, **limits)
    fastdcm.open(data, max_pixels=6, max_decoded=48).close()
    (tmp_path / "a.dcm").write_bytes(data)
    report = fastdcm.convert(str(tmp_path / "a.dcm"), tmp_path / "out", **limits)
    assert [failure.error.message for failure in report.failures]
    assert not list((tmp_path / "out").glob("*"))


def test_limits_of_nesting_and_inflating() -> None:
    nested: list[Element] = [Element(0x00081140, "SQ", [[]], undefined=True)]
    for _ in range(4):
        nested = [Element(0x00081140, "SQ", [nested], undefined=True)]
    data = image(bytes(6), extra=nested)
    fastdcm.open(data, max_nesting=5).close()
    with pytest.raises(DicomError, match="nested more than 4 deep"):
        fastdcm.open(data, max_nesting=4)
    deflated = image(bytes(3_000_000), DEFLATED, rows=1500, columns=2000)
    fastdcm.read(deflated)
    with (
        fastdcm.open(deflated, max_inflated=1 << 20) as found,
        pytest.raises(DicomError, match=r"1048576 bytes \(max_inflated\)"),
    ):
        found.pixels()


@pytest.mark.parametrize("limits", [{"max_pixels": 0}, {"max_pixels": 1.5}, {"max_size": 5}])
def test_limits_that_make_no_sense(limits: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        fastdcm.open(image(), **limits)


def test_limits_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(image())
    result = CliRunner().invoke(cli, ["convert", str(tmp_path / "a.dcm"), "--max-pixels", "5"])
    assert result.exit_code == 1
    assert "exceeds the limit of 5 (max_pixels)" in result.output
