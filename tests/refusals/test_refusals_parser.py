"""Bad inputs, the parser's: lengths and nesting (PS3.5 clause 7)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fastdcm.errors import DicomError, TruncatedError
from tests.builders import (
    EXPLICIT,
    IMPLICIT,
    ITEM_END,
    PIXEL_DATA,
    SEQUENCE_END,
    UNDEFINED,
    Element,
    delimiter,
    dicom,
    encode,
    image,
    item_head,
    meta,
    module,
    sequence,
)
from tests.refusals.objects import PIXELS, PREAMBLE, SIX, around, six
from tests.refusals.rows import Row, error, notice, reads, row

FAR = 0xFFFFFF00


def deep(levels: int, *, explicit: bool = True) -> bytes:
    """Sequences in each other, all of undefined length."""
    head = encode([Element(0x00081140, "SQ", b"", length=UNDEFINED)], explicit=explicit)
    end = delimiter(ITEM_END) + delimiter(SEQUENCE_END)
    return (head + item_head(UNDEFINED)) * levels + end * levels


def deep_defined(levels: int, tag: int = 0x00081140) -> bytes:
    """The same of defined length, the outermost with this tag."""
    heads, inside = [], 0
    for level in range(levels):
        outermost = level == levels - 1
        element = Element(tag if outermost else 0x00081140, "SQ", b"", length=inside + 8)
        heads.append(encode([element]) + item_head(inside))
        inside += len(heads[-1])
    return b"".join(reversed(heads))


def shortened(data: bytes, fewer: int) -> Callable[[], bytes]:
    return lambda: data[:-fewer]


ENDS = {
    "element past the end": row(
        six(Element(0x00091001, "OB", b"ab", length=FAR)), error(TruncatedError, "(0009,1001) declares")
    ),
    "element past the end, implicit": row(
        six(Element(0x00091001, "OB", b"ab", length=FAR), syntax=IMPLICIT),
        error(TruncatedError, "(0009,1001) declares"),
    ),
    "element that is needed past the end": row(
        image(PIXELS, rows=Element(0x00280010, "US", b"\2\0", length=60_000)),
        error(TruncatedError, "(0028,0010) declares 60000 bytes"),
    ),
    "element of the meta group past the end": row(
        PREAMBLE + encode([Element(0x00020010, "UI", EXPLICIT, length=999)]),
        error(TruncatedError, "(0002,0010) declares 999 bytes"),
    ),
    "cut within the meta group": row((PREAMBLE + meta(EXPLICIT))[:148], error(TruncatedError, "cut within")),
    "sequence past the end": row(
        six(Element(0x00081140, "SQ", sequence([[]]), length=FAR)),
        error(TruncatedError, "(0008,1140) declares"),
    ),
    "item past the end": row(
        around(encode([Element(0x00081140, "SQ", item_head(FAR), length=UNDEFINED)])),
        error(TruncatedError, "(FFFE,E000) declares"),
    ),
    "item of functional groups past the end": row(
        six(Element(0x52009229, "SQ", item_head(60) + b"abcd")),
        error(TruncatedError, "an item declares 60 bytes, 4 follow", "render", SIX),
    ),
    "element past the end of its item": row(
        six(Element(0x52009229, "SQ", [[Element(0x00289145, "SQ", b"", length=400)]])),
        error(TruncatedError, "(0028,9145) declares 400 bytes, 0 follow in its item", "render", SIX),
    ),
    "cut within an element's head": row(
        dicom(module()) + b"\x29\x00\x11", error(TruncatedError, "3 bytes are no element")
    ),
    "pixels cut, a frame before them": row(shortened(image(PIXELS * 2, frames=2), 1), reads(SIX)),
    "pixels cut": row(
        shortened(image(PIXELS * 2, frames=2), 1),
        error(TruncatedError, "the frame needs bytes 6 to 12, 11 are there", "frame"),
        frame=2,
    ),
    "pixels that declare more than there is": row(
        dicom([*module(), Element(PIXEL_DATA, "OB", PIXELS, length=FAR)]),
        notice("pixel-data-long", SIX),
    ),
    "odd length of text": row(six(Element(0x00080060, "CS", b"ABC")), reads(SIX)),
    "odd length of a private value": row(six(Element(0x00091001, "OB", b"12345")), reads(SIX)),
    "odd length of pixels": row(image(bytes(range(9)), rows=3), reads([[0, 1, 2], [3, 4, 5], [6, 7, 8]])),
    "odd length of a number": row(
        image(PIXELS, rows=Element(0x00280010, "US", b"\2\0\0")),
        error(DicomError, "Rows (0028,0010) has 3 bytes"),
    ),
    "value of 2 MiB where numbers must be": row(
        lambda: six(Element(0x00281050, "DS", b"40\\" * (700_000)), syntax=IMPLICIT),
        error(DicomError, "(0028,1050) has 2100000 bytes; more than 1048576 are not read", "render", SIX),
    ),
    "no VR": row(
        around(b"\x08\x00\x60\x00\x00\x01\x02\x00CTCTCTCT"), error(DicomError, "(0008,0060) has no VR")
    ),
    "unknown VR": row(six(Element(0x00091001, "ZZ", b"abcd")), reads(SIX)),
    "unknown VR of what is needed": row(image(PIXELS, rows=Element(0x00280010, "ZZ", b"\2\0")), reads(SIX)),
    "a million empty elements": row(
        lambda: around(encode([Element(0x00091001, "LO", "")]) * 1_000_000), reads(SIX)
    ),
}

NESTED = {
    "64 deep": row(around(deep(64)), reads(SIX)),
    "65 deep": row(around(deep(65)), error(DicomError, "nested more than 64 deep")),
    "65 deep, implicit": row(
        around(deep(65, explicit=False), IMPLICIT), error(DicomError, "nested more than 64 deep")
    ),
    "100 000 deep": row(lambda: around(deep(100_000)), error(DicomError, "nested more than 64 deep")),
    "65 deep of defined length": row(around(deep_defined(65)), reads(SIX)),
    "100 000 deep of defined length": row(lambda: around(deep_defined(100_000)), reads(SIX)),
    "100 000 deep of defined length where rendering looks": row(
        lambda: (
            PREAMBLE
            + meta(EXPLICIT)
            + encode(module())
            + deep_defined(100_000, 0x52009229)
            + encode([Element(PIXEL_DATA, "OB", PIXELS)])
        ),
        reads(SIX),
    ),
    "8 deep where 7 are allowed": row(
        around(deep(8)), error(DicomError, "nested more than 7 deep"), options={"max_nesting": 7}
    ),
    "sequence that does not end": row(
        around(encode([Element(0x00081140, "SQ", b"", length=UNDEFINED)]) + item_head(UNDEFINED)),
        error(TruncatedError, "a sequence of undefined length does not end"),
    ),
    "sequence that ends with the file": row(
        dicom([*module(), Element(0x00321064, "SQ", b"", length=UNDEFINED)]),
        error(TruncatedError, "a sequence of undefined length does not end"),
    ),
    "item without delimiter": row(
        around(
            encode([Element(0x00081140, "SQ", item_head(UNDEFINED), length=UNDEFINED)])
            + delimiter(SEQUENCE_END)
        ),
        error(DicomError, "(FFFE,E0DD) where an element must be"),
    ),
    "element for an item": row(
        around(encode([Element(0x00081140, "SQ", b"", length=UNDEFINED)])),
        error(DicomError, "(0028,0002) where an item must be"),
    ),
    "delimiters of no sequence": row(
        around(delimiter(ITEM_END) + delimiter(SEQUENCE_END)), notice("stray-item", SIX)
    ),
    "items of no length without end": row(
        lambda: dicom([*module(), Element(0x00321064, "SQ", item_head(0) * 500_000, length=UNDEFINED)]),
        error(TruncatedError, "does not end"),
    ),
    "items of no length, many": row(
        lambda: around(
            encode([Element(0x00081140, "SQ", item_head(0) * 200_000, length=UNDEFINED)])
            + delimiter(SEQUENCE_END)
        ),
        reads(SIX),
    ),
    "functional groups of no length, many": row(
        lambda: six(Element(0x52009230, "SQ", item_head(0) * 200_000)),
        notice("functional-groups", SIX),
    ),
    "functional groups of no length, too many": row(
        lambda: six(Element(0x52009230, "SQ", item_head(0) * 1_100_000)),
        error(DicomError, "a sequence has more than 1048576 items", "render", SIX),
    ),
    "VOI LUTs without number": row(
        lambda: six(Element(0x00283010, "SQ", item_head(0) * 5_000)),
        error(DicomError, "a sequence has more than 4096 items", "render", SIX),
    ),
    "an item of a hundred thousand elements": row(
        lambda: six(Element(0x52009229, "SQ", [[Element(0x00091001, "LO", "")] * 100_000])),
        error(DicomError, "an item has more than 65536 elements", "render", SIX),
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_lengths(hold: Callable[[Row], None], name: str) -> None:
    hold(ENDS[name])


@pytest.mark.parametrize("name", NESTED)
def test_nesting(hold: Callable[[Row], None], name: str) -> None:
    hold(NESTED[name])
