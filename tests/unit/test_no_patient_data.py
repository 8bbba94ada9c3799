"""Nothing of the data set gets into an output but its pixels: no comments, no EXIF, no text."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.codecs.encoders import jpeg, png, turbojpeg
from fastdcm.options import FORMATS, Format
from tests.builders import Element, encapsulated, image
from tests.unit.codestream import streams

BASELINE = "1.2.840.10008.1.2.4.50"
#: Who is in the data set, and in the comments of its stream.
SECRETS = (b"NAMENLOS", b"19650102", b"MRN-4711", b"KLINIKUM", b"1.2.276.99")
PHI = [
    Element(0x00080080, "LO", "KLINIKUM"),
    Element(0x00100010, "PN", "NAMENLOS^NORA"),
    Element(0x00100020, "LO", "MRN-4711"),
    Element(0x00100030, "DA", "19650102"),
]
ARRAYS = {
    "gray": streams.image(40, 50),
    "colour": streams.image(40, 50, samples=3),
    "gray 16": streams.image(40, 50).astype(np.uint16) * 257,
    "colour 16": streams.image(40, 50, samples=3).astype(np.uint16) * 257,
}


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, contents) up to the scan (T.81 B.1.1)."""
    assert data[:2] == b"\xff\xd8"
    position = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        yield marker, data[position + 4 : position + 2 + length]
        if marker == 0xFFDA:
            return
        position += 2 + length


def png_chunks(data: bytes) -> list[bytes]:
    position, kinds = 8, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kinds.append(data[position + 4 : position + 8])
        position += 12 + length
    return kinds


#: Tables, frame headers, the scan; APP0 is JFIF's 14 bytes, which hold a density and no thumbnail.
HARMLESS = {0xFFDB, 0xFFC0, 0xFFC4, 0xFFDD, 0xFFDA, 0xFFE0}


def assert_no_words(data: bytes) -> None:
    for marker, contents in jpeg_segments(data):
        assert marker in HARMLESS, hex(marker)
        if marker == 0xFFE0:
            assert contents[:5] == b"JFIF\0"
            assert contents[-2:] == b"\0\0"
            assert len(contents) == 14
    assert data.endswith(b"\xff\xd9")


@pytest.mark.parametrize("name", ["gray", "colour"])
@pytest.mark.parametrize("quality", [50, 100])
def test_jpeg_encoders(name: str, quality: int) -> None:
    assert_no_words(jpeg.encode_bundled(ARRAYS[name], quality, "420"))
    assert_no_words(jpeg.encode(ARRAYS[name], quality, "444"))


@pytest.mark.peer
def test_the_systems_jpeg_encoder() -> None:
    if turbojpeg.system_library() is None:
        pytest.skip("no system libjpeg-turbo")
    assert_no_words(turbojpeg.encode(ARRAYS["colour"], 90, "420"))


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("level", [1, 9])
def test_png_encoder(name: str, level: int) -> None:
    kinds = png_chunks(png.encode(ARRAYS[name], level))
    assert (kinds[0], set(kinds[1:-1]), kinds[-1]) == (b"IHDR", {b"IDAT"}, b"IEND")


def commented(stream: bytes) -> bytes:
    """A JPEG with EXIF, a comment and private application data, each of which names somebody."""
    secret = b"NAMENLOS MRN-4711"
    segments = [(0xFFE1, b"Exif\0\0" + secret), (0xFFFE, secret), (0xFFEB, b"HDR" + secret)]
    added = b"".join(struct.pack(">HH", marker, 2 + len(text)) + text for marker, text in segments)
    return stream[:2] + added + stream[2:]


def objects() -> dict[str, bytes]:
    """Of two frames each."""
    values = {"frames": 2, "rows": 40, "columns": 50, "extra": PHI, "sop_instance": "1.2.276.99.1"}
    stream = commented(imagecodecs.jpeg8_encode(ARRAYS["gray"]))
    colour = commented(imagecodecs.jpeg8_encode(ARRAYS["colour"]))
    made = {
        "gray": image(ARRAYS["gray"].tobytes() * 2, **values),
        "colour": image(ARRAYS["colour"].tobytes() * 2, samples=3, **values),
        "jpeg": image(encapsulated([stream] * 2), BASELINE, **values),
        "jpeg colour": image(
            encapsulated([colour] * 2), BASELINE, samples=3, photometric="YBR_FULL_422", **values
        ),
    }
    assert all(secret in made["jpeg"] for secret in SECRETS)
    return made


def holds(format: Format, name: str) -> bool:
    return format != "pgm" or "colour" not in name


@pytest.mark.parametrize("options", [{}, {"size": 20}, {"masks": [(0, 0, 9, 9)]}], ids=str)
@pytest.mark.parametrize(
    ("name", "format"),
    [(name, format) for name in objects() for format in FORMATS if holds(format, name)],
)
def test_outputs(name: str, options: dict[str, Any], format: Format) -> None:
    """Also where a JPEG frame is copied, and of files that hold all frames."""
    with fastdcm.open(objects()[name]) as opened:
        data = opened.encode(None if FORMATS[format].frames else 0, format, **options)
    assert not [secret for secret in SECRETS if secret in data]
    assert not [secret for secret in SECRETS if secret.decode().encode("utf-16-le") in data]


@pytest.mark.parametrize("format", FORMATS)
def test_files(format: Format, tmp_path: Path) -> None:
    """Neither contents nor names."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, (name, data) in enumerate(objects().items()):
        if holds(format, name):
            (folder / f"{number}.dcm").write_bytes(data)
    report = fastdcm.convert(folder, tmp_path / "out", format=format)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    files = len(list(folder.iterdir()))
    assert report.images == len(written) == (files if FORMATS[format].frames else 2 * files)
    for path in written:
        assert not [secret for secret in SECRETS if secret in path.name.encode() + path.read_bytes()]
