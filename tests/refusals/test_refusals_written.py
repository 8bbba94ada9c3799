"""Bad inputs, how they are written: encodings, meta group, deflate, what is no DICOM (PS3.5, PS3.10)."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest

from fastdcm.errors import DicomError, NoPixelDataError, NotDicomError, TruncatedError, UnsupportedError
from tests.builders import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    PIXEL_DATA,
    UNDEFINED,
    Element,
    dicom,
    encapsulated,
    encode,
    encode_for,
    image,
    item_head,
    meta,
    module,
    sequence,
    words,
)
from tests.refusals.objects import PIXELS, PREAMBLE, SIX, around, six
from tests.refusals.rows import Row, error, notice, reads, row
from tests.unit.codestream import streams

JPEG = "1.2.840.10008.1.2.4.50"
RAMP = np.arange(64, dtype=np.uint8).reshape(8, 8)


def deflated(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return PREAMBLE + meta(DEFLATED) + deflater.compress(body) + deflater.flush()


def archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        opened.writestr("image.dcm", six())
    return data.getvalue()


def unknown(value: bytes, *, little: bool = True) -> bytes:
    """An element of VR UN and undefined length."""
    return encode([Element(0x00091000, "UN", value, length=UNDEFINED)], little=little)


INNER = [Element(0x00091001, "LO", "in it"), Element(0x00091003, "SQ", [[Element(0x00091005, "LO", "")]])]
WINDOW = [Element(0x00281050, "DS", "3.5"), Element(0x00281051, "DS", "4 ")]
#: Stored values of `SIX` through the window of `WINDOW`, by the formula of PS3.3 C.11.2.1.2.1.
WINDOWED = [[round(255 * min(max((value - 3) / 3 + 0.5, 0), 1)) for value in line] for line in SIX]


def groups(*, explicit: bool, undefined: bool) -> bytes:
    """Shared functional groups with `WINDOW`, without the element around them."""
    frame_voi = Element(0x00289132, "SQ", [WINDOW], undefined=undefined)
    return sequence([[frame_voi]], explicit=explicit, undefined=undefined)


def with_groups(syntax: str, *, explicit: bool, undefined: bool) -> bytes:
    length = UNDEFINED if undefined else None
    value = groups(explicit=explicit, undefined=undefined)
    return six(Element(0x52009229, "SQ", value, length=length), syntax=syntax)


WRITTEN = {
    "UN of undefined length": row(
        around(unknown(sequence([INNER], explicit=False, undefined=True))), reads(SIX)
    ),
    "UN of undefined length, big endian": row(
        around(unknown(sequence([INNER], explicit=False, undefined=True), little=False), BIG_ENDIAN),
        reads(SIX),
    ),
    "UN of undefined length, big endian inside too": row(
        around(
            unknown(sequence([INNER], explicit=False, little=False, undefined=True), little=False), BIG_ENDIAN
        ),
        reads(SIX),
    ),
    "UN of undefined length with VRs inside": row(
        around(unknown(sequence([INNER], undefined=True))), notice("item-encoding", SIX)
    ),
    "functional groups as UN": row(
        six(Element(0x52009229, "UN", groups(explicit=False, undefined=False))), reads(SIX, WINDOWED)
    ),
    "functional groups as UN, big endian": row(
        six(Element(0x52009229, "UN", groups(explicit=False, undefined=False)), syntax=BIG_ENDIAN),
        reads(SIX, WINDOWED),
    ),
    "items with VRs in an implicit data set": row(
        with_groups(IMPLICIT, explicit=True, undefined=True), notice("item-encoding", SIX, WINDOWED)
    ),
    "items with VRs in an implicit data set, of defined length": row(
        with_groups(IMPLICIT, explicit=True, undefined=False), notice("item-encoding", SIX, WINDOWED)
    ),
    "items without VRs in an explicit data set": row(
        with_groups(EXPLICIT, explicit=False, undefined=True), notice("item-encoding", SIX, WINDOWED)
    ),
    "items without VRs in an explicit data set, of defined length": row(
        with_groups(EXPLICIT, explicit=False, undefined=False), notice("item-encoding", SIX, WINDOWED)
    ),
    "sequence with VRs in an implicit data set, its length a few bytes short": row(
        six(Element(0x00081140, "SQ", sequence([INNER], undefined=True)[:-8], length=40), syntax=IMPLICIT),
        error(TruncatedError, "declares"),
    ),
    "no preamble": row(meta(IMPLICIT) + six(syntax=IMPLICIT)[len(PREAMBLE + meta(IMPLICIT)) :], reads(SIX)),
    "neither preamble nor meta group": row(
        encode_for(EXPLICIT, [*module(), Element(PIXEL_DATA, "OB", PIXELS)]), notice("no-preamble", SIX)
    ),
    "neither preamble nor meta group, implicit": row(
        encode_for(IMPLICIT, [*module(), Element(PIXEL_DATA, "OW", PIXELS)]), notice("no-preamble", SIX)
    ),
    "no meta group": row(
        PREAMBLE + encode_for(EXPLICIT, [*module(), Element(PIXEL_DATA, "OB", PIXELS)]),
        notice("no-meta-group", SIX),
    ),
    "length of the meta group too small": row(
        dicom([*module(), Element(PIXEL_DATA, "OB", PIXELS)], group_length=4),
        notice("meta-group-length", SIX),
    ),
    "length of the meta group past the end": row(
        dicom([*module(), Element(PIXEL_DATA, "OB", PIXELS)], group_length=0xFFFFFFFF),
        notice("meta-group-length", SIX),
    ),
    "no transfer syntax": row(
        PREAMBLE
        + meta(None, extra=[Element(0x00020016, "AE", "WRITER")])
        + encode(module())
        + encode([Element(PIXEL_DATA, "OB", PIXELS)]),
        notice("no-transfer-syntax", SIX),
    ),
    "empty transfer syntax": row(around(b"", declared="\0\0"), notice("no-transfer-syntax", SIX)),
    "transfer syntax with NULs behind it": row(around(b"", declared=EXPLICIT + "\0\0\0"), reads(SIX)),
    "unknown transfer syntax": row(
        six(syntax="1.2.3"), error(UnsupportedError, "transfer syntax 1.2.3 is unknown", "frame")
    ),
    "implicit under an explicit syntax": row(
        around(b"", IMPLICIT, declared=EXPLICIT), notice("other-encoding", SIX)
    ),
    "explicit under the implicit syntax": row(
        around(b"", EXPLICIT, declared=IMPLICIT), notice("other-encoding", SIX)
    ),
    "little endian under the big endian syntax": row(
        around(b"", EXPLICIT, declared=BIG_ENDIAN), notice("other-encoding", SIX)
    ),
    "big endian under a little endian syntax": row(
        dicom(
            [*module(bits=16), Element(PIXEL_DATA, "OW", words(range(6), little=False))], BIG_ENDIAN
        ).replace(meta(BIG_ENDIAN), meta(EXPLICIT)),
        notice("other-encoding", [[0, 1, 2], [3, 4, 5]]),
    ),
    "native pixels under a compressed syntax": row(six(syntax=JPEG), notice("other-syntax", SIX)),
}

NO_DICOM = {
    "empty file": row(b"", error(NotDicomError, "the file is empty")),
    "one byte": row(b"D", error(NotDicomError, "not a DICOM file")),
    "preamble only": row(PREAMBLE, error(NotDicomError, "not a DICOM file")),
    "meta group only": row(PREAMBLE + meta(EXPLICIT), error(NoPixelDataError, "no pixel data")),
    "no pixels": row(dicom(module(modality="SR")), error(NoPixelDataError, "modality SR")),
    "DICOMDIR": row(
        dicom([Element(0x00041220, "SQ", [[]])]), error(NoPixelDataError, "no pixel data: a DICOMDIR")
    ),
    "text": row(b"Patient's name and so on.\n" * 99, error(NotDicomError, "not a DICOM file")),
    "ZIP": row(archive, error(NotDicomError, "not a DICOM file")),
    "JPEG": row(lambda: streams.pillow(streams.image(8, 8)), error(NotDicomError, "not a DICOM file")),
    "PNG": row(b"\x89PNG\r\n\x1a\n" + bytes(500), error(NotDicomError, "not a DICOM file")),
    "PDF": row(
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj\n" * 99, error(NotDicomError, "not a DICOM file")
    ),
    "zeros": row(bytes(1000), error(NotDicomError, "not a DICOM file")),
    "DICM by chance in a text": row(
        b"x" * 128 + b"DICM" + b"y" * 100, error(NotDicomError, "not a DICOM file")
    ),
}

DEFLATE = {
    "values that inflate past the limit": row(
        lambda: deflated(encode([Element(0x00091001, "OB", bytes(50 << 20))]) * 2),
        error(DicomError, "exceeds the limit of 67108864 bytes"),
        options={"max_inflated": 64 << 20},
    ),
    "value that declares more than the limit": row(
        deflated(encode([Element(0x00091001, "OB", bytes(1 << 20), length=65 << 20)])),
        error(DicomError, "exceeds the limit of 67108864 bytes"),
        options={"max_inflated": 64 << 20},
    ),
    "values that inflate to 150 MiB before the pixels": row(
        lambda: deflated(
            encode([Element(0x00091001, "OB", bytes(50 << 20))]) * 3
            + encode([*module(), Element(PIXEL_DATA, "OB", PIXELS)])
        ),
        reads(SIX),
    ),
    "two million tiny elements": row(
        lambda: deflated(encode([Element(0x00091001, "LO", "")]) * 2_000_000),
        error(DicomError, "more elements than any real one"),
    ),
    "two million tiny items": row(
        lambda: deflated(encode([Element(0x00091001, "SQ", item_head(0) * 2_000_000, length=UNDEFINED)])),
        error(DicomError, "more elements than any real one"),
    ),
    "cut": row(
        lambda: deflated(encode([*module(), Element(PIXEL_DATA, "OB", PIXELS)]))[:-9],
        error(TruncatedError, "the deflated data set is cut"),
    ),
    "no deflate": row(
        PREAMBLE + meta(DEFLATED) + b"\xff" * 50, error(DicomError, "the deflated data set is damaged")
    ),
    "nothing": row(PREAMBLE + meta(DEFLATED), error(NoPixelDataError, "no pixel data")),
    "fragments in a deflated data set": row(
        image(encapsulated([bytes(imagecodecs.jpegls_encode(RAMP))]), DEFLATED, rows=8, columns=8),
        notice("other-syntax", RAMP.tolist()),
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_encodings(hold: Callable[[Row], None], name: str) -> None:
    hold(WRITTEN[name])


@pytest.mark.parametrize("name", NO_DICOM)
def test_no_dicom(hold: Callable[[Row], None], name: str) -> None:
    hold(NO_DICOM[name])


@pytest.mark.parametrize("name", DEFLATE)
def test_deflate(hold: Callable[[Row], None], name: str) -> None:
    hold(DEFLATE[name])
