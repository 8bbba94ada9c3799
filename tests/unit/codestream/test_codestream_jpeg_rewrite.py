"""Streams made into files: libjpeg shows of a file what it shows of the stream when told its colours."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.codestream.jpeg_rewrite import rewrite
from fastdcm.errors import CodestreamError, FastdcmError
from tests.encodings.markers import signed
from tests.unit.codestream import streams
from tests.unit.codestream.streams import segment

Array = NDArray[Any]
SOI, EOI = b"\xff\xd8", b"\xff\xd9"
GRAY = "MONOCHROME2"
CODED = {"RGB": "RGB", "YBR_FULL": "YCBCR"}


def file_of(stream: bytes, photometric: str = GRAY) -> bytes | None:
    header = jpeg.parse(stream)
    return rewrite(stream, header, jpeg.colour(header, photometric))


def told(stream: bytes, coded: str) -> Array:
    """What is coded, by a decoder that is told what its components are, not left to guess."""
    if coded == GRAY:
        return np.asarray(imagecodecs.jpeg8_decode(stream))
    return np.asarray(imagecodecs.jpeg8_decode(stream, colorspace=CODED[coded], outcolorspace="RGB"))


def assert_shows(file: bytes, expected: Array) -> None:
    """Viewers that guess colours as libjpeg does show exactly this."""
    np.testing.assert_array_equal(imagecodecs.jpeg8_decode(file), expected)
    with Image.open(io.BytesIO(file)) as opened:
        np.testing.assert_array_equal(
            np.asarray(opened if expected.ndim == 2 else opened.convert("RGB")), expected
        )


def segments(stream: bytes) -> list[tuple[int, bytes]]:
    """Code and bytes of everything between SOI and the end, scans with what follows them up to a marker."""
    assert stream.startswith(SOI)
    assert stream.endswith(EOI)
    found, position = [], 2
    while position < len(stream) - 2:
        assert stream[position] == 0xFF
        code = stream[position + 1]
        end = position + 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
        if code == 0xDA:
            while not (stream[end] == 0xFF and stream[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
        found.append((code, stream[position:end]))
        position = end
    assert position == len(stream) - 2
    return found


def codes(stream: bytes) -> list[int]:
    return [code for code, _ in segments(stream)]


def kept(stream: bytes) -> list[bytes]:
    """What makes the image: all but application segments and comments."""
    return [contents for code, contents in segments(stream) if not (0xE0 <= code <= 0xEF or code == 0xFE)]


def by_component(array: Array) -> bytes:
    """Baseline of a scan a component (T.81 A.2.2), put together of three streams with the same tables."""
    planes = [
        segments(bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(array[..., n])))) for n in range(3)
    ]
    stream = SOI + b"".join(part for code, part in planes[0] if code in (0xDB, 0xC4))
    rows, columns = array.shape[:2]
    frame = b"\x08" + rows.to_bytes(2, "big") + columns.to_bytes(2, "big") + b"\x03"
    stream += segment(0xC0, frame + b"".join(bytes([n + 1, 0x11, 0]) for n in range(3)))
    for number, plane in enumerate(planes):
        (scan,) = (part for code, part in plane if code == 0xDA)
        stream += segment(0xDA, bytes([1, number + 1, 0, 0, 63, 0])) + scan[10:]
    return stream + EOI


@cache
def baseline() -> dict[str, tuple[bytes, str]]:
    """Streams that can be taken as they are, and what they code."""
    grey, colour = streams.image(45, 61), streams.image(45, 61, samples=3)
    found = {"gray": (bytes(imagecodecs.jpeg8_encode(grey)), GRAY)}
    found["gray, restarts"] = streams.pillow(grey, restart_marker_blocks=5), GRAY
    found["gray, 2 x 2"] = found["gray"][0].replace(b"\x01\x01\x11\x00", b"\x01\x01\x22\x00"), GRAY
    found["optimised"] = streams.pillow(colour, optimize=True, quality=98), "YBR_FULL"
    found["restarts"] = streams.pillow(colour, restart_marker_blocks=1), "YBR_FULL"
    found["by component"] = by_component(colour), "YBR_FULL"
    for subsampling in ("444", "422", "420", "411", "440"):
        found[subsampling] = bytes(imagecodecs.jpeg8_encode(colour, subsampling=subsampling)), "YBR_FULL"
    found["RGB"] = bytes(imagecodecs.jpeg8_encode(colour, colorspace="RGB", outcolorspace="RGB")), "RGB"
    return found


@pytest.mark.parametrize("name", baseline())
def test_the_image_is_kept(name: str) -> None:
    stream, coded = baseline()[name]
    file = file_of(stream, coded)
    assert file is not None
    assert kept(file) == kept(stream)
    assert_shows(file, told(stream, coded))


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("identifiers", [b"\1\2\3", b"\0\1\2", b"RGB", b"YCc"])
@pytest.mark.parametrize("jfif", [False, True])
@pytest.mark.parametrize("adobe", [None, 0, 1, 2])
@pytest.mark.parametrize("name", ["RGB", "420"])
def test_colours_do_not_depend_on_the_data_set(
    name: str, adobe: int | None, jfif: bool, identifiers: bytes, photometric: str
) -> None:
    stream = signed(baseline()[name][0], adobe=adobe, jfif=jfif, identifiers=identifiers)
    coded = jpeg.colour(jpeg.parse(stream), photometric)
    file = file_of(stream, photometric)
    if coded == "YBR_FULL" and identifiers == b"RGB":
        assert file is None  # stb_image and others go by these identifiers, whatever the markers say
        return
    assert file is not None
    assert_shows(file, told(stream, coded))
    # Java's ImageIO takes unmarked components of one resolution for RGB, libjpeg for YCbCr.
    transforms = [contents[-1] for code, contents in segments(file) if code == 0xEE]
    if coded == "RGB":
        assert (codes(file)[0], transforms) == (0xEE, [0])
        assert 0xE0 not in codes(file)
    else:
        assert (codes(file)[0], transforms) == (0xE0, [] if adobe is None else [1])


def test_nothing_else_is_taken_over() -> None:
    """Application data, comments, what stands between and behind: anything may hold a name there."""
    name = b"DOE^JANE"
    stream, _ = baseline()["420"]
    adobe = segment(0xEE, b"Adobe\0\x64" + bytes(4) + b"\1" + name)
    junk = b"".join(segment(code, b"ICC_PROFILE\0\1\1" + name) for code in (*range(0xE1, 0xEE), 0xEF, 0xFE))
    jfif = segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\0\0" + name) + segment(0xE0, b"JFXX\0\x13" + name)
    full = SOI + jfif + adobe + junk + b"\xff\xff\xff" + stream[2:-2] + segment(0xFE, name) + EOI + name
    file = file_of(full, "YBR_FULL")
    assert file is not None
    assert name not in file
    assert codes(file)[:2] == [0xE0, 0xEE]
    assert not set(codes(file)[2:]) & {*range(0xE0, 0xF0), 0xFE}
    assert kept(file) == kept(stream)
    assert_shows(file, told(full, "YBR_FULL"))


def test_density_is_that_of_square_pixels() -> None:
    file = file_of(baseline()["gray"][0])
    assert file is not None
    with Image.open(io.BytesIO(file)) as opened:
        assert (opened.info["jfif"], opened.info["jfif_density"], opened.info["jfif_unit"]) == (
            0x102,
            (1, 1),
            0,
        )


def test_tables_that_change_between_scans() -> None:
    """Each component with a quantization and Huffman tables of its own, in the same places (T.81 B.2.4)."""
    colour = streams.image(45, 61, samples=3)
    planes = [
        segments(streams.pillow(np.ascontiguousarray(colour[..., n]), quality=quality, optimize=True))
        for n, quality in enumerate((95, 80, 60))
    ]
    whole = by_component(colour)
    stream = whole[: whole.index(b"\xff\xda")]
    for number, plane in enumerate(planes, 1):
        stream += b"".join(part for code, part in plane if code in (0xDB, 0xC4))
        (scan,) = (part for code, part in plane if code == 0xDA)
        stream += segment(0xDA, bytes([1, number, 0, 0, 63, 0])) + scan[10:]
    stream += EOI
    file = file_of(stream, "YBR_FULL")
    assert file is not None
    assert kept(file) == kept(stream)
    assert_shows(file, told(stream, "YBR_FULL"))


def _replaced(stream: bytes, code: int, change: Callable[[bytes], bytes]) -> bytes:
    """The stream with other contents of its first segment of a code; no contents remove it."""
    parts, done = [SOI], False
    for found, whole in segments(stream):
        if found != code or done:
            parts.append(whole)
            continue
        done = True
        length = int.from_bytes(whole[2:4], "big")
        contents = change(whole[4 : 2 + length])
        parts.append((segment(code, contents) if contents else b"") + whole[2 + length :])
    assert done
    return b"".join([*parts, EOI])


def _sampled(*factors: int) -> Callable[[bytes], bytes]:
    """A change of the frame header's sampling factors."""

    def change(contents: bytes) -> bytes:
        data = bytearray(contents)
        data[7::3] = bytes(factors)
        return bytes(data)

    return change


def _all_ones(contents: bytes) -> bytes:
    """A table whose codes of 1 bit are 0 and 1."""
    return contents[:1] + bytes([2]) + bytes(15) + b"\0\1"


#: What is wrong -> a stream of it. libjpeg refuses some of these, and puts up with the others.
REFUSED: dict[str, Callable[[bytes, bytes], bytes]] = {
    "extended": lambda gray, _: gray.replace(b"\xff\xc0", b"\xff\xc1"),
    "12 bits": lambda *_: bytes(imagecodecs.jpeg8_encode(streams.image(45, 61, bits=12), bitspersample=12)),
    "baseline of 12 bits": lambda *_: bytes(
        imagecodecs.jpeg8_encode(streams.image(45, 61, bits=12), bitspersample=12)
    ).replace(b"\xff\xc1", b"\xff\xc0"),
    "65501 columns": lambda *_: bytes(imagecodecs.jpeg8_encode(np.zeros((8, 65500), np.uint8))).replace(
        b"\x08\0\x08\xff\xdc\1", b"\x08\0\x08\xff\xdd\1"
    ),
    "progressive": lambda *_: streams.pillow(streams.image(45, 61), progressive=True),
    "lossless": lambda *_: bytes(imagecodecs.jpeg8_encode(streams.image(45, 61), lossless=True)),
    "no quantization table": lambda gray, _: streams.without_segments(gray, 0xDB),
    "quantization of 16 bits": lambda gray, _: _replaced(
        gray, 0xDB, lambda c: b"\x10" + b"".join(bytes([0, q]) for q in c[1:])
    ),
    "quantization table 4": lambda gray, _: _replaced(gray, 0xDB, lambda c: c + b"\4" + c[1:]),
    "quantization table cut": lambda gray, _: _replaced(gray, 0xDB, lambda c: c + c[:-1]),
    "Huffman table 2": lambda gray, _: _replaced(gray, 0xC4, lambda c: c + b"\2" + c[1:]),
    "Huffman code of ones": lambda gray, _: _replaced(gray, 0xC4, lambda c: c + _all_ones(b"\1")),
    "restart interval of 3 bytes": lambda *_: _replaced(
        streams.pillow(streams.image(45, 61), restart_marker_blocks=5), 0xDD, lambda c: b"\0" + c
    ),
    "more restart intervals": lambda *_: (
        streams.pillow(streams.image(16, 16), restart_marker_blocks=2)[:-2] + b"\xff\xd1DOE^JANE" + EOI
    ),
    "fill before a stuffed byte": lambda gray, _: gray[:-2] + b"\xff\xff\0" + EOI,
    "Se of 62": lambda gray, _: _replaced(gray, 0xDA, lambda c: c[:-2] + b"\x3e" + c[-1:]),
    "Al of 1": lambda gray, _: _replaced(gray, 0xDA, lambda c: c[:-1] + b"\1"),
    "11 units in an MCU": lambda _, colour: _replaced(colour, 0xC0, _sampled(0x33, 0x11, 0x11)),
    "factors 3 and 2": lambda _, colour: _replaced(colour, 0xC0, _sampled(0x31, 0x21, 0x11)),
    "other order": lambda _, colour: _replaced(colour, 0xDA, lambda c: c[:1] + c[3:5] + c[1:3] + c[5:]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_plain_is_left_to_decoders(name: str) -> None:
    gray, colour = baseline()["gray"][0], baseline()["444"][0]
    assert None not in (file_of(gray), file_of(colour, "YBR_FULL"))
    stream = REFUSED[name](gray, colour)
    header = jpeg.parse(stream)
    assert rewrite(stream, header, jpeg.colour(header, "YBR_FULL")) is None


def test_damaged_headers_never_make_a_file_that_shows_something_else() -> None:
    """A file is made of damaged streams only where libjpeg decodes them without complaint, to the same."""
    chance = random.Random(4)
    made = 0
    for stream, photometric in baseline().values():
        head = stream.index(b"\xff\xda") + 14
        for _ in range(150):
            damaged = bytearray(stream)
            for _ in range(chance.randint(1, 2)):
                damaged[chance.randrange(2, head)] = chance.choice([chance.randrange(256), 0, 1, 2, 17, 255])
            data = bytes(damaged)
            try:
                header = jpeg.parse(data)
                if header.rows * header.columns > 1 << 20:
                    continue
                coded = jpeg.colour(header, photometric)
                file = rewrite(data, header, coded)
                if file is None or jpeg_entropy.coverage(data, header).rows < header.rows:
                    continue
            except FastdcmError:
                continue
            made += 1
            assert_shows(file, told(data, coded))
    assert made > 100


@pytest.mark.parametrize("cut", [0, 1, 2, 10, 300])
def test_cut_streams_are_errors_of_the_parser(cut: int) -> None:
    stream, _ = baseline()["gray"]
    with pytest.raises(CodestreamError):
        file_of(stream[: len(stream) - 2 - cut])
