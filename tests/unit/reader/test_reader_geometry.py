"""The shape of pixels and the regions of an ultrasound, in every encoding and from every place."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import fastdcm
from fastdcm.errors import RenderError
from fastdcm.model import Notice, Region
from fastdcm.options import Limits
from fastdcm.reader.geometry import GeometryReader
from fastdcm.reader.source import MemorySource
from tests.builders import SYNTAXES, Element, image

RATIO, SPACING, IMAGER, SCANNED = 0x00280034, 0x00280030, 0x00181164, 0x00182010
SHARED, PER_FRAME, MEASURES = 0x52009229, 0x52009230, 0x00289110


def read(extra: list[Element], index: int = 0, **changes: Any) -> tuple[Fraction, list[Notice]]:
    data = image(extra=extra, **changes)
    notices: list[Notice] = []
    return reader(data, notices).aspect(index), notices


def reader(data: bytes, notices: list[Notice]) -> GeometryReader:
    with fastdcm.open(data) as opened:
        return GeometryReader(MemorySource(data), opened.header, Limits(), notices)


def measures(spacing: str) -> list[Element]:
    return [Element(MEASURES, "SQ", [[Element(SPACING, "DS", spacing)]])]


ASPECTS: list[tuple[list[Element], Fraction]] = [
    ([], Fraction(1)),
    ([Element(RATIO, "IS", "4\\3")], Fraction(4, 3)),
    ([Element(RATIO, "IS", "1\\1")], Fraction(1)),
    ([Element(SPACING, "DS", "0.3\\0.1")], Fraction(3)),
    ([Element(IMAGER, "DS", "0.1\\0.2")], Fraction(1, 2)),
    ([Element(SCANNED, "DS", "0.1\\0.5")], Fraction(1, 5)),
    # The first that there is.
    ([Element(SPACING, "DS", "1\\1"), Element(IMAGER, "DS", "1\\2")], Fraction(1)),
    ([Element(IMAGER, "DS", "1\\2"), Element(SCANNED, "DS", "1\\3")], Fraction(1, 2)),
    ([Element(SPACING, "DS", ""), Element(IMAGER, "DS", "1\\2")], Fraction(1, 2)),
    ([Element(SHARED, "SQ", [measures("2\\1")]), Element(SPACING, "DS", "3\\1")], Fraction(2)),
    ([Element(SHARED, "SQ", [measures("2\\1")]), Element(PER_FRAME, "SQ", [measures("5\\1")])], Fraction(5)),
    ([Element(SHARED, "SQ", [measures("2\\1")]), Element(PER_FRAME, "SQ", [[]])], Fraction(2)),
    ([Element(SHARED, "SQ", [[]]), Element(SPACING, "DS", "3\\1")], Fraction(3)),
]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(("extra", "expected"), ASPECTS, ids=str)
def test_aspect(extra: list[Element], expected: Fraction, syntax: str) -> None:
    assert read(extra, syntax=syntax) == (expected, [])


@pytest.mark.parametrize("undefined", [False, True])
def test_each_frame_has_its_own(undefined: bool) -> None:
    groups = Element(PER_FRAME, "SQ", [measures("2\\1"), measures("1\\4"), []], undefined)
    extra = [groups, Element(SHARED, "SQ", [measures("7\\1")], undefined)]
    found = [read(extra, index, frames=3)[0] for index in range(3)]
    assert found == [2, Fraction(1, 4), 7]


@pytest.mark.parametrize("value", ["1", "1\\2\\3", "0\\1", "-1\\1", "a\\1", "1\\inf", "1\\nan"])
@pytest.mark.parametrize(
    ("tag", "vr", "name"), [(RATIO, "IS", "Pixel Aspect Ratio"), (SPACING, "DS", "Pixel Spacing")]
)
def test_what_cannot_be_used(tag: int, vr: str, name: str, value: str) -> None:
    """The next one is taken, and there is a notice."""
    found, notices = read([Element(tag, vr, value), Element(IMAGER, "DS", "1\\2")])
    assert found == Fraction(1, 2)
    assert notices == [Notice("pixel-aspect", f"{name} cannot be used; ignored")]


def test_a_contradiction_is_told() -> None:
    found, notices = read([Element(RATIO, "IS", "1\\1"), Element(SPACING, "DS", "0.6\\0.3")])
    assert found == 1
    assert [notice.code for notice in notices] == ["pixel-aspect"]
    assert "the ratio was taken" in notices[0].message
    # 300 by 201 is 1.4925, nearly 3 by 2.
    assert read([Element(RATIO, "IS", "3\\2"), Element(SPACING, "DS", "0.3\\0.201")]) == (Fraction(3, 2), [])


def region(*corners: Any) -> list[Element]:
    tags = (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E)
    return [
        Element(tag, "UL", corner) for tag, corner in zip(tags, corners, strict=True) if corner is not None
    ]


def regions(*items: list[Element], undefined: bool = False) -> list[Element]:
    return [Element(0x00186011, "SQ", items, undefined)]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [False, True])
def test_us_regions(undefined: bool, syntax: str) -> None:
    """The corners are part of the region (PS3.3 C.8.5.5.1)."""
    extra = regions(region(1, 2, 1, 2), region(10, 20, 639, 479), undefined=undefined)
    notices: list[Notice] = []
    found = reader(image(extra=extra, syntax=syntax), notices).us_regions()
    assert found == (Region(1, 2, 1, 1), Region(10, 20, 630, 460))
    assert not notices


UNUSABLE = [region(5, 5, 4, 9), region(5, 5, 9, 4), region(None, 5, 9, 9), region(5, 5, 9, b"\1\0")]


@pytest.mark.parametrize("item", UNUSABLE, ids=str)
def test_a_region_without_usable_corners(item: list[Element]) -> None:
    """It is not kept, and there is a notice."""
    notices: list[Notice] = []
    found = reader(image(extra=regions(item, region(0, 0, 1, 1))), notices).us_regions()
    assert found == (Region(0, 0, 2, 2),)
    assert [notice.code for notice in notices] == ["us-regions"]
    with pytest.raises(RenderError, match=r"no Sequence of Ultrasound Regions \(0018,6011\)"):
        reader(image(extra=regions(item)), []).us_regions()


@pytest.mark.parametrize("extra", [[], [Element(0x00186011, "SQ", [])]], ids=["absent", "empty"])
def test_no_regions(extra: list[Element]) -> None:
    with pytest.raises(RenderError, match=r"no Sequence of Ultrasound Regions .* \(--mask\)"):
        reader(image(extra=extra), []).us_regions()


def calibrated(down: float, across: float, units: tuple[int, int] = (3, 3)) -> list[Element]:
    return [
        Element(0x00186024, "US", units[1]),
        Element(0x00186026, "US", units[0]),
        Element(0x0018602C, "FD", across),
        Element(0x0018602E, "FD", down),
    ]


REGIONS = 0x00186011
SPACINGS: list[tuple[list[Element], tuple[str, str]]] = [
    ([Element(SPACING, "DS", "0.3\\0.1")], ("0.3", "0.1")),
    ([Element(IMAGER, "DS", "0.1\\0.2")], ("0.1", "0.2")),
    ([Element(SCANNED, "DS", "0.1\\0.5")], ("0.1", "0.5")),
    ([Element(SPACING, "DS", "0.15\\0.15"), Element(IMAGER, "DS", "0.2\\0.2")], ("0.15", "0.15")),
    ([Element(SHARED, "SQ", [measures("2\\1")]), Element(SPACING, "DS", "3\\1")], ("2", "1")),
    ([Element(SHARED, "SQ", [measures("2\\1")]), Element(PER_FRAME, "SQ", [measures("5\\4")])], ("5", "4")),
    # A ratio tells nothing of millimetres.
    ([Element(RATIO, "IS", "4\\3"), Element(SPACING, "DS", "1\\2")], ("1", "2")),
    # Centimetres; a spectrum and a curve beside the image do not count; downwards may be negative.
    ([Element(REGIONS, "SQ", [calibrated(0.05, 0.02)])], ("0.5", "0.2")),
    (
        [Element(REGIONS, "SQ", [calibrated(1, 2, (7, 4)), calibrated(-0.05, 0.02), calibrated(0.05, 0.02)])],
        ("0.5", "0.2"),
    ),
    ([Element(REGIONS, "SQ", [calibrated(0.05, 0.02)]), Element(SPACING, "DS", "7\\8")], ("7", "8")),
]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(("extra", "expected"), SPACINGS, ids=str)
def test_spacing(extra: list[Element], expected: tuple[str, str], syntax: str) -> None:
    notices: list[Notice] = []
    found = reader(image(extra=extra, syntax=syntax), notices).spacing(0)
    assert found == tuple(map(Fraction, expected))
    assert notices == []


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ([], "Imager Pixel Spacing"),
        ([Element(RATIO, "IS", "4\\3")], "Pixel Spacing"),
        ([Element(SPACING, "DS", "0\\1")], "Pixel Spacing"),
        ([Element(REGIONS, "SQ", [calibrated(0.1, 0.1, (3, 4))])], "in centimetres"),
        ([Element(REGIONS, "SQ", [calibrated(0.0, 0.1)])], "in centimetres"),
        ([Element(REGIONS, "SQ", [calibrated(0.1, 0.1), calibrated(0.2, 0.2)])], "differ"),
    ],
    ids=str,
)
def test_no_spacing(extra: list[Element], said: str) -> None:
    with pytest.raises(RenderError, match=said):
        reader(image(extra=extra), []).spacing(0)
