"""Bad inputs, what is shown: palettes, LUTs, windows and rescale (PS3.3 C.7.6.3.1.5, C.7.9.2, C.11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fastdcm.errors import DicomError
from tests.builders import Element, attributes, image, lut_item, words
from tests.refusals.rows import Row, error, notice, reads, row

SIX, PIXELS = [[1, 2, 3], [4, 5, 6]], bytes(range(1, 7))
#: Where nothing says what to show: 8 bits as they are, anything else from the least to the largest value.
RANGE = SIX
FALLING = [[255, 204, 153], [102, 51, 0]]
SEGMENTED = 0x00281221


def six(**changes: Any) -> bytes:
    return image(PIXELS, **changes)


def tables(
    data: bytes, descriptor: Sequence[int] = (4, 1, 16), *, first_tag: int = 0x00281201, vr: str = "US"
) -> list[Element]:
    """Three equal palette tables, plain or (``SEGMENTED``) segmented."""
    heads = [Element(0x00281101 + channel, vr, list(descriptor)) for channel in range(3)]
    return heads + [Element(first_tag + channel, "OW", data) for channel in range(3)]


def coloured(extra: Sequence[Element], **changes: Any) -> bytes:
    return six(photometric="PALETTE COLOR", extra=extra, **changes)


def segments(numbers: Sequence[int], entries: int = 4) -> bytes:
    return coloured(tables(words(numbers), (entries, 1, 16), first_tag=SEGMENTED))


def grays(*values: int) -> list[list[list[int]]]:
    """Display values of two rows, three equal channels."""
    return [[[value] * 3 for value in line] for line in (values[:3], values[3:])]


ENTRIES = words([0x1000, 0x2000, 0x3000, 0x4000])
#: `SIX` through these four entries from 1 on; the last stands for all above (C.7.6.3.1.5).
LOOKED_UP = grays(16, 32, 48, 64, 64, 64)

PALETTES = {
    "index past the table": row(coloured(tables(ENTRIES)), reads(SIX, LOOKED_UP)),
    "index before the table": row(
        coloured(tables(ENTRIES, (4, 3, 16))), reads(SIX, grays(16, 16, 16, 32, 48, 64))
    ),
    "descriptor 0, which is 65536": row(
        coloured(tables(words(value << 8 & 0xFFFF for value in range(65536)), (0, 0, 16))),
        reads(SIX, grays(1, 2, 3, 4, 5, 6)),
    ),
    "descriptor 0 with four entries": row(
        coloured(tables(ENTRIES, (0, 0, 16))),
        error(DicomError, "a LUT of 65536 entries has 8 bytes of data", "render", SIX),
    ),
    "signed first value": row(
        image(
            bytes([0xFD, 0xFE, 0xFF, 0, 1, 2]),
            representation=1,
            photometric="PALETTE COLOR",
            extra=tables(ENTRIES, (4, -2, 16), vr="SS"),
        ),
        reads([[-3, -2, -1], [0, 1, 2]], grays(16, 16, 32, 48, 64, 64)),
    ),
    "signed first value, written unsigned": row(
        image(
            bytes([0xFD, 0xFE, 0xFF, 0, 1, 2]),
            representation=1,
            photometric="PALETTE COLOR",
            extra=tables(ENTRIES, (4, 65534, 16)),
        ),
        reads([[-3, -2, -1], [0, 1, 2]], grays(16, 16, 32, 48, 64, 64)),
    ),
    "data longer than the descriptor": row(
        coloured(tables(ENTRIES + words([0xFFFF] * 9))), reads(SIX, LOOKED_UP)
    ),
    "data shorter than the descriptor": row(
        coloured(tables(ENTRIES[:-2])), error(DicomError, "a LUT of 4 entries has 6 bytes", "render", SIX)
    ),
    "no data": row(coloured(tables(b"")), error(DicomError, "a LUT of 4 entries has 0 bytes", "render", SIX)),
    "no tables": row(
        coloured(tables(ENTRIES)[:3]),
        error(DicomError, "Red Palette Color Lookup Table Data is missing", "render", SIX),
    ),
    "no descriptors": row(
        coloured(tables(ENTRIES)[3:]), error(DicomError, "Descriptor is missing", "render", SIX)
    ),
    "descriptor of two values": row(
        coloured(tables(ENTRIES, (4, 1))), error(DicomError, "has no three values", "render", SIX)
    ),
    "descriptors that differ": row(
        coloured([Element(0x00281101, "US", [5, 1, 16]), *tables(ENTRIES)[1:]]),
        error(DicomError, "the three palette descriptors differ", "render", SIX),
    ),
    "entries of 12 bits": row(
        coloured(tables(ENTRIES, (4, 1, 12))), error(DicomError, "12 bits an entry", "render", SIX)
    ),
    "8 bits declared, 16 there": row(
        coloured(tables(ENTRIES, (4, 1, 8))), notice("palette-bits", SIX, LOOKED_UP)
    ),
}

#: Discrete 0x1000 0x2000, then linear to 0x4000 in two steps.
PIECES = [0, 2, 0x1000, 0x2000, 1, 2, 0x4000]
SEGMENTS = {
    "discrete and linear": row(segments(PIECES), reads(SIX, LOOKED_UP)),
    "indirect": row(segments([0, 2, 0x1000, 0x2000, 2, 1, 0, 0]), reads(SIX, grays(16, 32, 16, 32, 32, 32))),
    "cut in a discrete segment": row(
        segments([0, 9, 0x1000]), error(DicomError, "a discrete segment of the palette is cut", "render", SIX)
    ),
    "cut in a linear segment": row(
        segments(PIECES[:-1]), error(DicomError, "segmented palette is cut", "render", SIX)
    ),
    "cut in an indirect segment": row(
        segments([0, 2, 0x1000, 0x2000, 2, 1, 0]), error(DicomError, "palette is cut", "render", SIX)
    ),
    "too few entries": row(
        segments(PIECES, 9), error(DicomError, "expands to 4 of 9 entries", "render", SIX)
    ),
    "none": row(
        coloured([*tables(b"")[:3], *(Element(SEGMENTED + channel, "OW", b"") for channel in range(3))]),
        error(DicomError, "expands to 0 of 4 entries", "render", SIX),
    ),
    "linear first": row(
        segments([1, 4, 0x4000]), error(DicomError, "starts with a linear segment", "render", SIX)
    ),
    "unknown kind of segment": row(
        segments([*PIECES[:4], 7, 2, 0]), error(DicomError, "a segment of type 7", "render", SIX)
    ),
    "indirect to itself": row(
        segments([0, 1, 0x1000, 2, 1, 6, 0]), error(DicomError, "itself or ahead", "render", SIX)
    ),
    "indirect ahead": row(
        segments([0, 1, 0x1000, 2, 1, 600, 0]), error(DicomError, "itself or ahead", "render", SIX)
    ),
    "indirect to an indirect one": row(
        segments([0, 1, 0x1000, 2, 1, 0, 0, 2, 1, 6, 0]),
        error(DicomError, "a segment of type 2", "render", SIX),
    ),
    "copies without end": row(
        segments([0, 1, 0x1000, 2, 65535, 0, 0], 65535),
        error(DicomError, "palette", "render", SIX),
    ),
    "copies of nothing": row(
        segments([0, 0, 2, 65535, 0, 0]), error(DicomError, "copies an empty one", "render", SIX)
    ),
}


def voi(descriptor: Sequence[int], data: bytes) -> bytes:
    return six(extra=[Element(0x00283010, "SQ", [lut_item(descriptor, data)])])


LUTS = {
    "VOI LUT": row(voi((4, 1, 16), words([0, 1000, 2000, 65535])), reads(SIX, [[0, 4, 8], [255, 255, 255]])),
    "VOI LUT longer than its descriptor": row(
        voi((4, 1, 16), words([0, 1000, 2000, 65535, 9, 9])), reads(SIX, [[0, 4, 8], [255, 255, 255]])
    ),
    "VOI LUT shorter than its descriptor": row(
        voi((5, 1, 16), words([0, 1000, 2000, 65535])),
        error(DicomError, "a LUT of 5 entries has 8 bytes", "render", SIX),
    ),
    "VOI LUT of 65536 entries, descriptor 0": row(
        voi((0, 0, 16), words(range(0, 65536 * 257, 257))), reads(SIX, SIX)
    ),
    "VOI LUT without data": row(
        voi((4, 1, 16), b""), error(DicomError, "a LUT of 4 entries has 0 bytes", "render", SIX)
    ),
    "VOI LUT of 17 bits": row(voi((4, 1, 17), ENTRIES), error(DicomError, "17 bits an entry", "render", SIX)),
    "VOI LUT of 0 bits": row(voi((4, 1, 0), ENTRIES), error(DicomError, "0 bits an entry", "render", SIX)),
    "VOI LUT with deeper entries": row(
        voi((4, 1, 8), words([0, 0x100, 0x200, 0x3FF])), notice("lut-bits", SIX, [[0, 64, 128], [255] * 3])
    ),
    "empty VOI LUT Sequence": row(six(extra=[Element(0x00283010, "SQ", [])]), reads(SIX, RANGE)),
    "empty item of the VOI LUT Sequence": row(
        six(extra=[Element(0x00283010, "SQ", [[]])]),
        error(DicomError, "LUT Descriptor (0028,3002) has no three values", "render", SIX),
    ),
    "Modality LUT shorter than its descriptor": row(
        six(extra=[Element(0x00283000, "SQ", [lut_item((9, 0, 16), ENTRIES)])]),
        error(DicomError, "a LUT of 9 entries has 8 bytes", "render", SIX),
    ),
}


def windowed(center: float, width: float) -> list[list[int]]:
    """LINEAR (C.11.2.1.2.1)."""
    return [
        [round(255 * min(max((x - (center - 0.5)) / (width - 1) + 0.5, 0), 1)) for x in line] for line in SIX
    ]


WINDOWS = {
    **{
        f"width {width}": row(six(center="3.5", width=width), notice("window", SIX, RANGE))
        for width in ("0", "-4", "nan", "NaN", "inf", "1e400", "-1e400", "abc", "1,5", "0.5", "1_0")
    },
    **{
        f"center {center}": row(six(center=center, width="4"), notice("window", SIX, RANGE))
        for center in ("nan", "1e400", "abc", "3,5")
    },
    "center without width": row(six(center="3.5"), notice("window", SIX, RANGE)),
    "width without center": row(six(width="4"), notice("window", SIX, RANGE)),
    "more centers than widths": row(
        six(center="3.5\\9\\9", width="4"), notice("window", SIX, windowed(3.5, 4))
    ),
    "more widths than centers": row(six(center="3.5", width="4\\9"), notice("window", SIX, windowed(3.5, 4))),
    "the first of two of no use": row(
        six(center="9\\3.5", width="0\\4"), notice("window", SIX, windowed(3.5, 4))
    ),
    "the smallest width": row(six(center="3.5", width="1"), reads(SIX, [[0, 0, 0], [255, 255, 255]])),
    "empty": row(six(center="", width=""), reads(SIX, RANGE)),
    "function in lower case": row(
        six(center="3.5", width="4", function="linear"), notice("voi-function", SIX, windowed(3.5, 4))
    ),
    "function with a space before it": row(
        six(center="3.5", width="4", function=" LINEAR"), notice("voi-function", SIX, windowed(3.5, 4))
    ),
    "function padded as it may be": row(
        six(center="3.5", width="4", function="LINEAR  "), reads(SIX, windowed(3.5, 4))
    ),
    "unknown function": row(six(center="3.5", width="4", function="CUBIC"), notice("window", SIX, RANGE)),
    "slope 0": row(six(slope="0", intercept="0"), error(DicomError, "Rescale Slope is 0", "render", SIX)),
    "negative slope": row(six(slope="-1", intercept="0"), reads(SIX, FALLING)),
    **{
        f"slope {slope}": row(
            six(slope=slope, intercept="0"), error(DicomError, "is no number", "render", SIX)
        )
        for slope in ("nan", "1e400", "abc", "1,5")
    },
    "intercept nan": row(six(slope="1", intercept="nan"), error(DicomError, "is no number", "render", SIX)),
    "slope without intercept": row(six(slope="-2"), reads(SIX, FALLING)),
    "slope and intercept empty": row(six(slope="", intercept=""), reads(SIX, RANGE)),
    "padding that is no 16-bit number": row(
        six(padding=Element(0x00280120, "US", b"\1\0\0")),
        error(DicomError, "(0028,0120) has 3 bytes", "render", SIX),
    ),
    "functional groups of another number than frames": row(
        six(extra=[Element(0x52009230, "SQ", [attributes(), attributes()])]),
        notice("functional-groups", SIX, RANGE),
    ),
}


@pytest.mark.parametrize("name", PALETTES)
def test_palettes(hold: Callable[[Row], None], name: str) -> None:
    hold(PALETTES[name])


@pytest.mark.parametrize("name", SEGMENTS)
def test_segmented_palettes(hold: Callable[[Row], None], name: str) -> None:
    hold(SEGMENTS[name])


@pytest.mark.parametrize("name", LUTS)
def test_luts(hold: Callable[[Row], None], name: str) -> None:
    hold(LUTS[name])


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_and_rescale(hold: Callable[[Row], None], name: str) -> None:
    hold(WINDOWS[name])
