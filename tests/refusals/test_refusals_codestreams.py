"""Bad inputs, codestreams: what they say against what the data set says, bombs, junk (truncation apart)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from fastdcm.errors import CodestreamError, DecodeError, DicomError, UnsupportedError
from tests.builders import encapsulated, image
from tests.refusals.rows import Row, error, notice, reads, row
from tests.unit.codestream import streams
from tests.unit.codestream.streams import segment

UID = "1.2.840.10008.1.2.4."
BASELINE, EXTENDED, LOSSLESS, JPEG_LS = UID + "50", UID + "51", UID + "70", UID + "80"
JPEG_2000, HTJ2K, JPEG_XL, RLE = UID + "90", UID + "201", UID + "110", "1.2.840.10008.1.2.5"
Array = NDArray[Any]

NOISE: Array = np.random.default_rng(5).integers(0, 256, (16, 24)).astype(np.uint8)
DEEP: Array = np.random.default_rng(6).integers(0, 4096, (16, 24)).astype(np.uint16)
#: The middle of 12 bits, which is nothing but zeros once it is transformed.
MIDDLE: Array = np.full((16, 24), 2048, np.uint16)
FLAT: Array = np.full((16, 24), 77, np.uint8)
COLOUR: Array = np.random.default_rng(7).integers(0, 256, (16, 24, 3)).astype(np.uint8)


def one(stream: bytes, syntax: str, **changes: Any) -> bytes:
    """An image of 16 x 24 whose frame is this stream."""
    return image(encapsulated([bytes(stream)]), syntax, **{"rows": 16, "columns": 24} | changes)


def jpeg(array: Array = FLAT, **options: Any) -> bytes:
    """Flat images, which survive the DCT as they are."""
    return bytes(imagecodecs.jpeg8_encode(array, **options))


#: Syntax -> an encoder without loss of what is compared.
ENCODERS: dict[str, Callable[[Array], bytes]] = {
    BASELINE: lambda array: jpeg(array),
    LOSSLESS: lambda array: jpeg(array, lossless=True),
    JPEG_LS: lambda array: bytes(imagecodecs.jpegls_encode(array)),
    JPEG_2000: lambda array: bytes(imagecodecs.jpeg2k_encode(array, codecformat="j2k", level=0)),
    HTJ2K: lambda array: bytes(imagecodecs.htj2k_encode(array)),
    JPEG_XL: lambda array: bytes(imagecodecs.jpegxl_encode(array, lossless=True)),
}
NAMES = {
    BASELINE: "JPEG",
    LOSSLESS: "lossless JPEG",
    JPEG_LS: "JPEG-LS",
    JPEG_2000: "JPEG 2000",
    HTJ2K: "HTJ2K",
    JPEG_XL: "JPEG XL",
}
STREAMS = {syntax: encode(FLAT) for syntax, encode in ENCODERS.items()}


def contradictions() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for syntax, encode in ENCODERS.items():
        name, stream = NAMES[syntax], STREAMS[syntax]
        rows |= {
            f"{name}, as declared": row(one(stream, syntax), reads(FLAT.tolist())),
            f"{name}, Rows too many": row(
                one(stream, syntax, rows=17), error(CodestreamError, "stream is 16 x 24", "frame")
            ),
            f"{name}, Rows and Columns exchanged": row(
                one(stream, syntax, rows=24, columns=16), error(CodestreamError, "stream is 16 x 24", "frame")
            ),
            f"{name}, gray where colour must be": row(
                one(stream, syntax, samples=3), error(CodestreamError, "1 component", "frame")
            ),
            f"{name}, colour where gray must be": row(
                one(encode(COLOUR), syntax), error(CodestreamError, "3 components", "frame")
            ),
            f"{name}, a syntax of signs declared": row(
                one(stream, EXTENDED if syntax == JPEG_2000 else JPEG_2000),
                notice("other-syntax", FLAT.tolist()),
            )
            if syntax != HTJ2K
            else row(one(stream, JPEG_LS), notice("other-syntax", FLAT.tolist())),
            f"{name}, RLE declared": row(one(stream, RLE), notice("other-syntax", FLAT.tolist())),
            f"{name}, nothing of the kind there": row(
                one(b"\x12\x34" * 40, syntax), error(CodestreamError, "does not start as", "frame")
            ),
            f"{name}, zeros there": row(
                one(bytes(80), syntax), error(CodestreamError, "does not start as", "frame")
            ),
            f"{name}, text there": row(
                one(b"not an image at all ", syntax), error(CodestreamError, "does not start as", "frame")
            ),
        }
    # A JPEG 2000 stream under JPEG 2000's own syntax is no contradiction.
    return {name: found for name, found in rows.items() if name != "JPEG 2000, a syntax of signs declared"}


PRECISION = {
    "JPEG-LS of 12 bits, 8 declared": row(
        one(bytes(imagecodecs.jpegls_encode(DEEP)), JPEG_LS), notice("precision", DEEP.tolist())
    ),
    "JPEG 2000 of 16 bits, 12 declared": row(
        one(ENCODERS[JPEG_2000](DEEP * 16), JPEG_2000, bits=16, stored=12),
        notice("precision", (DEEP * 16).tolist()),
    ),
    "JPEG 2000 of 8 bits, 16 declared": row(
        one(ENCODERS[JPEG_2000](NOISE), JPEG_2000, bits=16), notice("precision", NOISE.tolist())
    ),
    "JPEG 2000 with signs, none declared": row(
        one(ENCODERS[JPEG_2000](NOISE.view(np.int8)), JPEG_2000), notice("sign", NOISE.tolist())
    ),
    "JPEG 2000 without signs, signs declared": row(
        one(ENCODERS[JPEG_2000](NOISE), JPEG_2000, representation=1),
        notice("sign", NOISE.view(np.int8).tolist()),
    ),
    "JPEG of 12 bits under the syntax of 8": row(
        one(jpeg(MIDDLE, bitspersample=12), BASELINE, bits=16, stored=12),
        notice("other-syntax", MIDDLE.tolist()),
    ),
}

SOF = {BASELINE: 0xC0, LOSSLESS: 0xC3, JPEG_LS: 0xF7}


def resized(stream: bytes, syntax: str, rows: int, columns: int) -> bytes:
    """The stream with another size in its header, the rest as it is."""
    changed = bytearray(stream)
    if syntax in SOF:
        at = stream.index(bytes([0xFF, SOF[syntax]])) + 5
        changed[at : at + 4] = struct.pack(">2H", rows, columns)
    else:  # SIZ: reference grid, then tile (T.800 A.5.1)
        changed[8:16] = struct.pack(">2I", columns, rows)
        changed[24:32] = struct.pack(">2I", columns, rows)
    return bytes(changed)


def tiled(stream: bytes, rows: int, columns: int, tile: int) -> bytes:
    """A JPEG 2000 stream that says it is so large, in tiles of so many rows and columns."""
    changed = bytearray(resized(stream, JPEG_2000, rows, columns))
    changed[24:32] = struct.pack(">2I", tile, tile)
    return bytes(changed)


def bombs() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for syntax in (BASELINE, LOSSLESS, JPEG_LS, JPEG_2000, HTJ2K):
        name, stream = NAMES[syntax], STREAMS[syntax]
        largest = 65500 if syntax in SOF else 0xFFFFFFFF
        rows |= {
            f"{name} of the largest size, the data set's is small": row(
                one(resized(stream, syntax, largest, largest), syntax), error(CodestreamError, "", "frame")
            ),
            f"{name} of 65500 x 65500, the data set's too": row(
                one(resized(stream, syntax, 65500, 65500), syntax, rows=65500, columns=65500),
                error(DicomError, "exceeds the limit"),
            ),
            f"{name} of 16000 x 16000, the data set's too": row(
                one(resized(stream, syntax, 16000, 16000), syntax, rows=16000, columns=16000),
                error(CodestreamError, "", "frame"),
            ),
            f"{name} of no size": row(
                one(resized(stream, syntax, 16, 0), syntax), error(CodestreamError, "", "frame")
            ),
        }
    return rows | {
        "JPEG 2000 of 2^28 tiles": row(
            one(tiled(STREAMS[JPEG_2000], 16000, 16000, 1), JPEG_2000, rows=16000, columns=16000),
            error(CodestreamError, "", "frame"),
        ),
        "JPEG XL of another size": row(
            one(bytes(imagecodecs.jpegxl_encode(np.zeros((4000, 4000), np.uint8), lossless=True)), JPEG_XL),
            error(CodestreamError, "stream is 4000 x 4000", "frame"),
        ),
    }


def packed(data: bytes) -> bytes:
    found = bytes(imagecodecs.packbits_encode(data))
    return found + b"\0" * (len(found) % 2)


def rle(parts: Sequence[bytes], count: int | None = None, starts: Sequence[int] | None = None) -> bytes:
    """An RLE frame of these segments; the header may say anything (PS3.5 G.5)."""
    where = [64 + sum(map(len, parts[:number])) for number in range(len(parts))]
    header = [len(parts) if count is None else count, *(where if starts is None else starts)]
    return struct.pack("<16I", *(header + [0] * 16)[:16]) + b"".join(parts)


PACKED = packed(NOISE.tobytes())
RUNS = {
    "RLE, as declared": row(one(rle([PACKED]), RLE), reads(NOISE.tolist())),
    "no segment": row(one(rle([PACKED], 0), RLE), error(CodestreamError, "0 segments", "frame")),
    "16 segments": row(one(rle([PACKED], 16), RLE), error(CodestreamError, "16 segments", "frame")),
    "2^32 - 1 segments": row(
        one(rle([PACKED], 0xFFFFFFFF), RLE), error(CodestreamError, "4294967295 segments", "frame")
    ),
    "two segments of one": row(
        one(rle([PACKED] * 2), RLE), error(CodestreamError, "2 segments where the image has 1", "frame")
    ),
    "one segment of two": row(
        one(rle([PACKED]), RLE, bits=16), error(CodestreamError, "1 segments where the image has 2", "frame")
    ),
    "first offset in the header": row(
        one(rle([PACKED], starts=[0]), RLE), error(CodestreamError, "start at byte 0 instead of 64", "frame")
    ),
    "first offset outside": row(
        one(rle([PACKED], starts=[1 << 31]), RLE), error(CodestreamError, "instead of 64", "frame")
    ),
    "second offset outside": row(
        one(rle([PACKED] * 2, starts=[64, 1 << 31]), RLE, bits=16),
        error(CodestreamError, "past the end", "frame"),
    ),
    "offsets that do not ascend": row(
        one(rle([PACKED] * 3, starts=[64, 70, 66]), RLE, samples=3), error(CodestreamError, "ascend", "frame")
    ),
    "offsets that are equal": row(
        one(rle([PACKED] * 2, starts=[64, 64]), RLE, bits=16), error(CodestreamError, "ascend", "frame")
    ),
    "segment of a row too few": row(
        one(rle([packed(NOISE[:-1].tobytes())]), RLE), error(CodestreamError, "", "frame")
    ),
    "segment of a row too many": row(
        one(rle([packed(NOISE.tobytes() + bytes(24))]), RLE), error(CodestreamError, "", "frame")
    ),
    "segment that expands a hundredfold": row(
        one(rle([b"\x81\0" * 500_000]), RLE), error(CodestreamError, "", "frame")
    ),
    "segment of no-ops": row(one(rle([b"\x80" * 400]), RLE), error(CodestreamError, "", "frame")),
    "no-ops between": row(one(rle([b"\x80\x80" + PACKED]), RLE), reads(NOISE.tolist())),
    "header alone": row(one(rle([]), RLE), error(CodestreamError, "", "frame")),
    "half a header": row(one(rle([PACKED])[:32], RLE), error(CodestreamError, "header", "frame")),
    "a codestream of nothing known": row(
        one(b"\xff" * 400, RLE), error(CodestreamError, "segments", "frame")
    ),
}


def after_soi(stream: bytes, junk: bytes) -> bytes:
    return stream[:2] + junk + stream[2:]


def deep_htj2k() -> bytes:
    """A stream whose first quantization step has the largest exponent; OpenJPH crashes on it."""
    stream = bytearray(imagecodecs.htj2k_encode(NOISE, level=0.01))
    at = stream.index(b"\xff\x5c") + 5
    stream[at : at + 2] = b"\xff\xff"
    return bytes(stream)


SHADE = jpeg()
TILES: Array = np.random.default_rng(8).integers(0, 256, (160, 160)).astype(np.uint8)
JUNK = {
    **{
        f"{name} after SOI": row(one(after_soi(SHADE, junk), BASELINE), reads(FLAT.tolist()))
        for name, junk in {
            "COM": segment(0xFE, b"a comment"),
            "empty COM": segment(0xFE, b""),
            "APP1 that is no Exif": segment(0xE1, b"Exif\0\0" + b"\xff" * 40),
            "APP14 that is not Adobe's": segment(0xEE, b"Eve"),
            "all APPn": b"".join(segment(0xE1 + number, bytes([number]) * 9) for number in range(13)),
            "a thousand COMs": segment(0xFE, b"\xff\xd9") * 1000,
            "a comment with markers in it": segment(0xFE, b"\xff\xc4\x00\x05\xff\xda\xff\xd9"),
            "fill bytes": b"\xff" * 100,
        }.items()
    },
    "bytes behind EOI": row(one(SHADE + b"\xff\xd9\0\0junk" * 9, BASELINE), reads(FLAT.tolist())),
    "an image behind EOI": row(one(SHADE + jpeg(FLAT + 9), BASELINE), reads(FLAT.tolist())),
    "bytes before SOI": row(
        one(b"\0\0" + SHADE, BASELINE), error(CodestreamError, "does not start as", "frame")
    ),
    "a segment longer than the stream": row(
        one(after_soi(SHADE, b"\xff\xfe\xff\xff"), BASELINE), error(CodestreamError, "", "frame")
    ),
    "a segment shorter than its length": row(
        one(after_soi(SHADE, b"\xff\xfe\x00\x01"), BASELINE), error(CodestreamError, "", "frame")
    ),
    "no markers": row(one(b"\xff\xd8" + bytes(400), BASELINE), error(CodestreamError, "", "frame")),
    "SOI and EOI": row(one(b"\xff\xd8\xff\xd9", BASELINE), error(CodestreamError, "", "frame")),
    "two frame headers": row(
        one(after_soi(SHADE, segment(0xC0, b"\x08" + struct.pack(">2H", 16, 24) + b"\1\1\x11\0")), BASELINE),
        error(CodestreamError, "", "frame"),
    ),
    "no Huffman tables": row(
        one(streams.without_segments(SHADE, 0xC4), BASELINE), error(UnsupportedError, "Huffman", "frame")
    ),
    "no quantization table": row(
        one(streams.without_segments(SHADE, 0xDB), BASELINE), error(DecodeError, "antization", "frame")
    ),
    "arithmetic coding": row(
        one(SHADE.replace(b"\xff\xc0", b"\xff\xc9", 1), BASELINE), error(UnsupportedError, "", "frame")
    ),
    "hierarchical": row(
        one(SHADE.replace(b"\xff\xc0", b"\xff\xc5", 1), BASELINE), error(UnsupportedError, "", "frame")
    ),
    "JPEG 2000 of thousands of tiles": row(
        one(streams.pillow_tiles(TILES, (4, 4)), JPEG_2000, rows=160, columns=160),
        notice("", TILES.tolist()),
    ),
    "JPEG 2000 in boxes": row(
        one(bytes(imagecodecs.jpeg2k_encode(NOISE, codecformat="jp2", level=0)), JPEG_2000),
        reads(NOISE.tolist()),
    ),
    "HTJ2K of more bit-planes than its decoder has": row(
        one(deep_htj2k(), HTJ2K), error(UnsupportedError, "more than 30 bit-planes", "frame")
    ),
    "JPEG 2000 of subsampled components": row(
        one(
            bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", mct=False, level=0)).replace(
                b"\x07\x01\x01\x07\x01\x01", b"\x07\x01\x01\x07\x02\x02", 1
            ),
            JPEG_2000,
            samples=3,
        ),
        error(UnsupportedError, "components of different size", "frame"),
    ),
}

CONTRADICTIONS, BOMBS = contradictions(), bombs()


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions(hold: Callable[[Row], None], name: str) -> None:
    hold(CONTRADICTIONS[name])


@pytest.mark.parametrize("name", PRECISION)
def test_precision_and_sign(hold: Callable[[Row], None], name: str) -> None:
    hold(PRECISION[name])


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(hold: Callable[[Row], None], name: str) -> None:
    hold(BOMBS[name])


@pytest.mark.parametrize("name", RUNS)
def test_rle(hold: Callable[[Row], None], name: str) -> None:
    hold(RUNS[name])


@pytest.mark.parametrize("name", JUNK)
def test_junk(hold: Callable[[Row], None], name: str) -> None:
    hold(JUNK[name])
