"""Bad inputs, geometry and bits: sizes, frames and samples that contradict the pixels (PS3.3 C.7.6.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fastdcm.errors import DicomError, TruncatedError, UnsupportedError
from tests.builders import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    PIXEL_DATA,
    Element,
    dicom,
    image,
    module,
    words,
)
from tests.refusals.rows import Row, error, notice, reads, row

SIX, PIXELS = [[1, 2, 3], [4, 5, 6]], bytes(range(1, 7))
HUGE = 65535


def six(**changes: Any) -> bytes:
    return image(PIXELS, **changes)


def without(tag: int) -> bytes:
    """`SIX` without one of its attributes."""
    elements = [element for element in module() if element.tag != tag]
    return dicom([*elements, Element(PIXEL_DATA, "OB", PIXELS)])


SIZES = {
    "Rows x Columns past 32 bits": row(
        six(rows=HUGE, columns=HUGE), error(DicomError, "exceeds the limit of 536870912 (max_pixels)")
    ),
    "Rows x Columns x Samples x Frames past 32 bits": row(
        image(PIXELS, rows=8192, columns=8192, samples=3, frames=24),
        error(TruncatedError, "Pixel Data is short", "frame"),
    ),
    "Rows x Columns x Samples x Frames past 64 bits": row(
        image(PIXELS, rows=HUGE, columns=8192, bits=32, samples=3, frames=0x7FFFFFFF),
        error(DicomError, "exceeds the limit"),
    ),
    "frames past what is decoded at most": row(
        image(bytes(12), frames=2), error(DicomError, "(max_decoded)"), options={"max_decoded": 11}
    ),
    "frames up to what is decoded at most": row(
        image(PIXELS * 2, frames=2), reads(SIX), options={"max_decoded": 12}
    ),
    "frame past the pixels allowed": row(
        six(), error(DicomError, "a frame of 2 x 3 pixels exceeds the limit of 5"), options={"max_pixels": 5}
    ),
    "frame of just the pixels allowed": row(six(), reads(SIX), options={"max_pixels": 6}),
    "decoded size past 4 GB, native": row(
        image(PIXELS, rows=30_000, columns=17_000, bits=64, stored=64),
        error(TruncatedError, "Pixel Data is short", "frame"),
    ),
    "Rows 0": row(six(rows=0), error(DicomError, "Rows x Columns is 0 x 3")),
    "Columns 0": row(six(columns=0), error(DicomError, "Rows x Columns is 2 x 0")),
    "Rows missing": row(without(0x00280010), error(DicomError, "Rows (0028,0010) is missing")),
    "Columns missing": row(without(0x00280011), error(DicomError, "Columns (0028,0011) is missing")),
    "Rows empty": row(
        six(rows=Element(0x00280010, "US", b"")), error(DicomError, "Rows (0028,0010) is missing")
    ),
    "Rows as UL": row(
        six(rows=Element(0x00280010, "UL", 2)), error(DicomError, "Rows (0028,0010) has 4 bytes")
    ),
    "Rows of two values": row(
        six(rows=Element(0x00280010, "US", [2, 2])), error(DicomError, "Rows (0028,0010) has 4 bytes")
    ),
    "Rows as SS": row(six(rows=Element(0x00280010, "SS", 2)), reads(SIX)),
}

FRAMES = {
    **{
        f"Number of Frames {text[:12]!r} and one frame": row(
            six(frames=text), notice("number-of-frames", SIX)
        )
        for text in ("0", "-1", "abc", "1A", "", "1.0", "1e3", "2147483648", "9" * 5000, "1\\2", "\xb2")
    },
    **{
        f"Number of Frames {text!r} and two frames": row(
            image(PIXELS * 2, frames=text), error(DicomError, "Number of Frames is unreadable")
        )
        for text in ("0", "-1", "abc", "2147483648")
    },
    "Number of Frames 2^31 - 1": row(
        six(frames=0x7FFFFFFF), error(DicomError, "Pixel Data can hold 2 at most")
    ),
    "Number of Frames with a sign and spaces": row(six(frames=" +1 "), reads(SIX)),
    "Number of Frames with zeros before it": row(six(frames="00001"), reads(SIX)),
    "more frames than there are, the first": row(image(PIXELS, frames=3), reads(SIX)),
    "more frames than there are, the second": row(
        image(PIXELS, frames=3),
        error(TruncatedError, "the frame needs bytes 6 to 12, 6 are there", "frame"),
        frame=2,
    ),
}

BITS = {
    "High Bit at Bits Allocated": row(
        six(high_bit=8), error(DicomError, "High Bit is 8 with 8 Bits Stored of 8 Bits Allocated")
    ),
    "High Bit 65535": row(six(high_bit=HUGE), error(DicomError, "High Bit is 65535")),
    "High Bit below Bits Stored": row(six(high_bit=3), error(DicomError, "High Bit is 3")),
    "High Bit missing": row(without(0x00280102), notice("no-high-bit", SIX)),
    "High Bit above Bits Stored": row(
        six(stored=4, high_bit=5), reads([[value >> 2 & 15 for value in line] for line in SIX])
    ),
    "Bits Stored 0": row(six(stored=0, high_bit=7), error(DicomError, "Bits Stored is 0")),
    "Bits Stored above Bits Allocated": row(six(stored=9), error(DicomError, "Bits Stored is 9 of 8")),
    "Bits Stored missing": row(without(0x00280101), error(DicomError, "Bits Stored (0028,0101) is missing")),
    **{
        f"Bits Allocated {bits}": row(
            six(allocated=bits, stored=1), error(UnsupportedError, f"Bits Allocated {bits} is not supported")
        )
        for bits in (0, 4, 24, 52, HUGE)
    },
    "Bits Allocated missing": row(without(0x00280100), error(DicomError, "Bits Allocated (0028,0100)")),
    "12 bits packed": row(
        image(bytes([0x01, 0x20, 0x00, 0x03, 0x40, 0x00]), rows=1, columns=4, bits=12), reads([[1, 2, 3, 4]])
    ),
    "12 bits packed, a frame that starts within a byte": row(
        image(bytes([0x01, 0x20, 0x00, 0x03, 0x40]), rows=1, columns=1, bits=12, frames=3),
        reads([[2]]),
        frame=2,
    ),
    "12 bits packed, cut": row(
        image(bytes([0x01, 0x20, 0x00, 0x03]), rows=1, columns=4, bits=12),
        error(TruncatedError, "Pixel Data is short", "frame"),
    ),
    "one bit, a frame that ends within a byte": row(
        image(b"\x2d\x01", rows=1, columns=5, bits=1, frames=2), reads([[1, 0, 1, 1, 0]])
    ),
    "one bit, a frame that starts within a byte": row(
        image(b"\x2d\x01", rows=1, columns=5, bits=1, frames=2), reads([[1, 0, 0, 1, 0]]), frame=2
    ),
    "Pixel Representation 2": row(six(representation=2), error(DicomError, "Pixel Representation is 2")),
    "Pixel Representation missing": row(
        without(0x00280103), error(DicomError, "Pixel Representation (0028,0103) is missing")
    ),
}

RGB = bytes(range(18))
SAMPLES = {
    **{
        f"Samples per Pixel {samples}": row(
            image(bytes(24), samples=samples, photometric="RGB"),
            error(UnsupportedError, f"Samples per Pixel {samples} with RGB is not supported"),
        )
        for samples in (0, 2, 4, HUGE)
    },
    "Samples per Pixel missing": row(without(0x00280002), error(DicomError, "Samples per Pixel (0028,0002)")),
    "three samples of gray": row(
        image(RGB, samples=3, photometric="MONOCHROME2"), error(DicomError, "MONOCHROME2 with 3 samples")
    ),
    "one sample of RGB": row(six(photometric="RGB"), error(DicomError, "RGB with 1 samples")),
    "no Photometric Interpretation": row(
        without(0x00280004), error(DicomError, "Photometric Interpretation (0028,0004) is missing")
    ),
    **{
        f"Photometric Interpretation {name}": row(
            image(RGB, samples=3, photometric=name), error(UnsupportedError, f"{name} is not supported")
        )
        for name in ("ARGB", "HSV", "CMYK", "NONSENSE")
    },
    "Photometric Interpretation in lower case, padded with NUL": row(
        six(photometric="monochrome2\0"), reads(SIX)
    ),
    "Planar Configuration 2": row(image(RGB, samples=3, planar=2), error(DicomError, "is 2, not 0 or 1")),
    "Planar Configuration missing": row(
        image(RGB, samples=3, planar=None),
        reads([[[9 * y + 3 * x + c for c in range(3)] for x in range(3)] for y in range(2)]),
    ),
    "planes": row(
        image(RGB, samples=3, planar=1),
        reads([[[6 * c + 3 * y + x for c in range(3)] for x in range(3)] for y in range(2)]),
    ),
    "planes, too few bytes": row(
        image(RGB[:-1], samples=3, planar=1), error(TruncatedError, "17 are there", "frame")
    ),
    "planes, one missing": row(
        image(RGB[:12], samples=3, planar=1), error(TruncatedError, "12 are there", "frame")
    ),
    "YBR_FULL_422 of odd width": row(
        image(bytes(range(8)) * 2, rows=2, columns=3, samples=3, photometric="YBR_FULL_422"),
        reads([[[0, 2, 3], [1, 2, 3], [4, 6, 7]]] * 2),
    ),
    "YBR_FULL_422 of odd width, too few bytes": row(
        image(bytes(12), rows=2, columns=3, samples=3, photometric="YBR_FULL_422"),
        error(TruncatedError, "the frame needs bytes 0 to 16", "frame"),
    ),
    "YBR_FULL_422 with all its chroma": row(
        image(RGB, samples=3, photometric="YBR_FULL_422"),
        notice("chroma", [[[9 * y + 3 * x + c for c in range(3)] for x in range(3)] for y in range(2)]),
    ),
    "native YBR_PARTIAL_420": row(
        image(RGB, samples=3, photometric="YBR_PARTIAL_420"),
        error(UnsupportedError, "YBR_PARTIAL_420 is not defined for uncompressed", "frame"),
    ),
}

LENGTHS = {
    "short": row(image(PIXELS[:-1]), error(TruncatedError, "needs bytes 0 to 6, 5 are there", "frame")),
    "empty": row(image(b""), error(TruncatedError, "0 are there", "frame")),
    "long by a byte of padding": row(image(bytes(9) + b"\xff", rows=3), reads([[0] * 3] * 3)),
    "long": row(image(PIXELS + b"more"), notice("pixel-data-long", SIX)),
    "very long": row(lambda: image(PIXELS + bytes(6 << 20)), notice("pixel-data-long", SIX)),
    "8 bits in big-endian words": row(image(bytes([2, 1, 4, 3, 6, 5]), BIG_ENDIAN, vr="OW"), reads(SIX)),
    "8 bits in big-endian bytes": row(image(PIXELS, BIG_ENDIAN, vr="OB"), reads(SIX)),
    "16 bits, a byte short": row(
        image(words(range(6))[:-1], bits=16), error(TruncatedError, "11 are there", "frame")
    ),
    "floats, short": row(
        image(bytes(23), pixel_tag=0x7FE00008, vr="OF", bits=32),
        error(TruncatedError, "23 are there", "frame"),
    ),
    "floats of 16 bits": row(
        image(bytes(24), pixel_tag=0x7FE00008, vr="OF", bits=16), error(DicomError, "these floats have 32")
    ),
    **{
        f"overlay in the high bits, {name}": row(
            image(words(value | 0xF000 for value in range(6)), syntax, bits=16, stored=12),
            reads([[0, 1, 2], [3, 4, 5]]),
        )
        for name, syntax in (("explicit", EXPLICIT), ("implicit", IMPLICIT))
    },
}


def overlay(
    *,
    rows: int = 2,
    columns: int = 3,
    origin: tuple[int, int] = (1, 1),
    data: bytes = b"\x3f\0",
    group: int = 0x6000,
) -> list[Element]:
    """An overlay plane (PS3.3 C.9.2) in a group of its own."""
    start = group << 16
    return [
        Element(start | 0x0010, "US", rows),
        Element(start | 0x0011, "US", columns),
        Element(start | 0x0040, "CS", "G"),
        Element(start | 0x0050, "SS", list(origin)),
        Element(start | 0x0100, "US", 1),
        Element(start | 0x0102, "US", 0),
        Element(start | 0x3000, "OW", data),
    ]


#: Overlays are shown where they are asked for; else what is wrong about them leaves the image as it is.
OVERLAYS = {
    "larger than the image": row(six(extra=overlay(rows=HUGE, columns=HUGE)), reads(SIX)),
    "with a negative origin": row(six(extra=overlay(origin=(-5, -32768))), reads(SIX)),
    "outside of the image": row(six(extra=overlay(origin=(100, 100))), reads(SIX)),
    "of too little data": row(six(extra=overlay(rows=100, columns=100)), reads(SIX)),
    "of no data": row(six(extra=overlay(data=b"")), reads(SIX)),
    "of no rows": row(six(extra=overlay(rows=0)), reads(SIX)),
    "that says where in the pixels it is, where it cannot be": row(
        six(extra=[Element(0x60000100, "US", 16), Element(0x60000102, "US", 40)]), reads(SIX)
    ),
    "in an odd group": row(six(extra=overlay(group=0x6001)), reads(SIX)),
    "whose data runs past the end": row(
        six(extra=[Element(0x60003000, "OW", b"", length=0xFFFFFF00)]),
        error(TruncatedError, "(6000,3000) declares"),
    ),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(hold: Callable[[Row], None], name: str) -> None:
    hold(SIZES[name])


@pytest.mark.parametrize("name", FRAMES)
def test_frames(hold: Callable[[Row], None], name: str) -> None:
    hold(FRAMES[name])


@pytest.mark.parametrize("name", BITS)
def test_bits(hold: Callable[[Row], None], name: str) -> None:
    hold(BITS[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(hold: Callable[[Row], None], name: str) -> None:
    hold(SAMPLES[name])


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths(hold: Callable[[Row], None], name: str) -> None:
    hold(LENGTHS[name])


@pytest.mark.parametrize("name", OVERLAYS)
def test_overlays(hold: Callable[[Row], None], name: str) -> None:
    hold(OVERLAYS[name])
