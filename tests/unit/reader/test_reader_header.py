"""The Image Pixel module: what is taken, what is refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from fastdcm.errors import DicomError, FastdcmError, NoPixelDataError, UnsupportedError
from fastdcm.model import Header, Notice
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import scan
from fastdcm.reader.source import MemorySource
from tests.builders import EXPLICIT, SYNTAXES, Element, dicom, image


def header(data: bytes) -> tuple[Header, list[Notice]]:
    notices: list[Notice] = []
    found = scan(MemorySource(data))
    return read_header(found, notices), notices


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_values(syntax: str) -> None:
    data = image(
        bytes(4 * 5 * 2 * 3),
        syntax,
        rows=4,
        columns=5,
        frames=3,
        allocated=16,
        stored=12,
        high_bit=13,
        representation=1,
        photometric="MONOCHROME1 ",
        sop_class="1.2.840.10008.5.1.4.1.1.2",
        sop_instance="1.2.3",
        series_instance="1.2.3.4",
        modality="CT",
    )
    found, notices = header(data)
    assert found == Header(
        transfer_syntax_uid=syntax,
        rows=4,
        columns=5,
        frames=3,
        samples_per_pixel=1,
        photometric_interpretation="MONOCHROME1",
        planar_configuration=0,
        bits_allocated=16,
        bits_stored=12,
        high_bit=13,
        pixel_representation=1,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uid="1.2.3",
        series_instance_uid="1.2.3.4",
        modality="CT",
    )
    assert not notices


@pytest.mark.parametrize("photometric", ["RGB", "ybr_full\0", "YBR_FULL_422"])
def test_colour(photometric: str) -> None:
    size = 16 if photometric == "YBR_FULL_422" else 18
    found, _ = header(image(bytes(size), samples=3, planar=1, photometric=photometric))
    assert found.photometric_interpretation == photometric.strip("\0").upper()
    assert (found.samples_per_pixel, found.planar_configuration) == (3, 1)


def test_planar_configuration_of_gray_is_ignored() -> None:
    assert header(image(bytes(6), planar=1))[0].planar_configuration == 0


BAD_VALUES: list[tuple[dict[str, Any], type[FastdcmError], str]] = [
    ({"rows": 0}, DicomError, "Rows x Columns is 0 x 3"),
    ({"columns": 0}, DicomError, "Rows x Columns is 2 x 0"),
    ({"rows": None}, DicomError, r"Rows \(0028,0010\) is missing"),
    ({"columns": Element(0x00280011, "US", b"")}, DicomError, r"Columns \(0028,0011\) is missing"),
    ({"rows": Element(0x00280010, "UL", 2)}, DicomError, "Rows .* has 4 bytes"),
    ({"rows": Element(0x00280010, "US", b"\x02")}, DicomError, "Rows .* has 1 bytes"),
    ({"rows": 65535, "columns": 65535}, DicomError, "exceeds the limit"),
    ({"rows": 32768, "columns": 16385}, DicomError, "exceeds the limit of 536870912"),
    ({"samples": None}, DicomError, "Samples per Pixel .* is missing"),
    ({"samples": 0}, UnsupportedError, "Samples per Pixel 0"),
    ({"samples": 2}, UnsupportedError, "Samples per Pixel 2"),
    ({"samples": 4, "photometric": "CMYK"}, UnsupportedError, "Samples per Pixel 4"),
    ({"photometric": None}, DicomError, "Photometric Interpretation .* is missing"),
    ({"photometric": ""}, DicomError, "Photometric Interpretation .* is missing"),
    ({"photometric": "HSV", "samples": 3}, UnsupportedError, "Photometric Interpretation HSV"),
    ({"photometric": "RGB"}, DicomError, "RGB with 1 samples"),
    ({"photometric": "MONOCHROME2", "samples": 3}, DicomError, "MONOCHROME2 with 3 samples"),
    ({"samples": 3, "planar": 2}, DicomError, "Planar Configuration is 2"),
    ({"representation": 2}, DicomError, "Pixel Representation is 2"),
    ({"representation": None}, DicomError, "Pixel Representation .* is missing"),
    ({"allocated": None, "stored": 8}, DicomError, "Bits Allocated .* is missing"),
    ({"allocated": 0, "stored": 0, "high_bit": 0}, UnsupportedError, "Bits Allocated 0"),
    ({"allocated": 24}, UnsupportedError, "Bits Allocated 24"),
    ({"allocated": 52}, UnsupportedError, "Bits Allocated 52"),
    ({"stored": None}, DicomError, "Bits Stored .* is missing"),
    ({"stored": 0, "high_bit": 0}, DicomError, "Bits Stored is 0"),
    ({"stored": 9}, DicomError, "Bits Stored is 9 of 8"),
    ({"stored": 8, "high_bit": 6}, DicomError, "High Bit is 6"),
    ({"stored": 8, "high_bit": 8}, DicomError, "High Bit is 8"),
    ({"allocated": 16, "stored": 12, "high_bit": 16}, DicomError, "High Bit is 16"),
]


@pytest.mark.parametrize(("changes", "error", "reason"), BAD_VALUES, ids=lambda value: str(value)[:40])
def test_refused(changes: dict[str, Any], error: type[FastdcmError], reason: str) -> None:
    with pytest.raises(error, match=reason):
        header(image(bytes(18), **changes))


@pytest.mark.parametrize(("tag", "vr", "bits"), [(0x7FE00008, "OF", 32), (0x7FE00009, "OD", 64)])
def test_floats(tag: int, vr: str, bits: int) -> None:
    """Bits Stored, High Bit and Pixel Representation are absent there (C.7.6.24)."""
    changes: dict[str, Any] = {"stored": None, "high_bit": None, "representation": None}
    found, notices = header(image(bytes(6 * bits // 8), pixel_tag=tag, vr=vr, bits=bits, **changes))
    assert found.is_float
    assert (found.bits_allocated, found.bits_stored) == (bits, bits)
    assert found.pixel_keyword == ("FloatPixelData" if bits == 32 else "DoubleFloatPixelData")
    assert not notices
    with pytest.raises(DicomError, match="Bits Allocated is 16"):
        header(image(bytes(100), pixel_tag=tag, vr=vr, bits=16, **changes))


def test_missing_high_bit() -> None:
    found, notices = header(image(bytes(12), allocated=16, stored=12, high_bit=None))
    assert found.high_bit == 11
    assert [notice.code for notice in notices] == ["no-high-bit"]


@pytest.mark.parametrize(
    ("written", "frames"),
    [
        ("1", 1),
        ("12", 12),
        ("+3", 3),
        (" 4 ", 4),
        ("007", 7),
        ("000000000003", 3),
        ("2147483647", 2147483647),
    ],
)
def test_number_of_frames(written: str, frames: int) -> None:
    found, notices = header(image(bytes(6), frames=written))
    assert found.frames == frames
    assert not notices


@pytest.mark.parametrize(
    "written",
    ["", "0", "-1", "abc", "1A", "1.5", "1\\2", "2147483648", "9" * 5000, "²", "١", "1_0"],
    ids=lambda written: written[:12] or "empty",
)
def test_number_of_frames_that_is_none(written: str) -> None:
    """One frame, with a notice; whether the pixels are one is for the frame index."""
    value = written.encode("utf-8")
    found, notices = header(image(bytes(6), frames=Element(0x00280008, "IS", value)))
    assert found.frames == 1
    assert [notice.code for notice in notices] == ["number-of-frames"]
    assert len(notices[0].message) < 120


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ([Element(0x00080060, "CS", "SR")], "modality SR"),
        ([Element(0x00080016, "UI", "1.2.840.10008.1.3.10")], "a DICOMDIR"),
        ([Element(0x00041220, "SQ", [])], "a DICOMDIR"),
        ([Element(0x00080060, "CS", "US"), Element(0x00287FE0, "UR", "http://x")], "Provider URL"),
        ([Element(0x00080005, "CS", "ISO_IR 100")], "no pixel data"),
    ],
)
def test_no_pixels(elements: list[Element], reason: str) -> None:
    with pytest.raises(NoPixelDataError, match=reason):
        header(dicom(elements, EXPLICIT))
