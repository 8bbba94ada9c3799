"""What a data set says about showing a frame: which of several values counts, and what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fastdcm.errors import DicomError, FastdcmError, TruncatedError
from fastdcm.model import Display, Lut, Notice, Window
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import scan
from fastdcm.reader.source import MemorySource
from tests.builders import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    SYNTAXES,
    UNDEFINED,
    Element,
    attributes,
    delimiter,
    encode,
    image,
    item_head,
    lut_item,
    words,
)

TRANSFORMATION, FRAME_VOI = 0x00289145, 0x00289132
SHARED, PER_FRAME = 0x52009229, 0x52009230
MODALITY_LUT, VOI_LUT, PRESENTATION_LUT = 0x00283000, 0x00283010, 0x20500010


def reader(data: bytes) -> tuple[DisplayReader, list[Notice]]:
    notices: list[Notice] = []
    found = scan(MemorySource(data))
    return DisplayReader(found, read_header(found, notices), notices), notices


def display(syntax: str = EXPLICIT, **changes: Any) -> Display:
    return reader(image(None, syntax, **changes))[0].read(0)


def noted(**changes: Any) -> tuple[Display, list[str]]:
    found, notices = reader(image(**changes))
    return found.read(0), [notice.code for notice in notices]


# Rescale and windows of simple objects


def test_nothing() -> None:
    for samples in (1, 3):
        assert noted(samples=samples) == (Display(), [])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_values(syntax: str) -> None:
    found = display(
        syntax,
        slope="-2.5 ",
        intercept=" -1024",
        center="40\\-600 ",
        width="400\\1500",
        explanation="SOFT\\ LUNG",
        shape="inverse ",
        relationship="log",
        padding=7,
    )
    assert found.rescale == (-2.5, -1024.0)
    assert found.modality_source == found.windows_source == "the data set"
    assert found.windows == (
        Window(40, 400, "LINEAR", "SOFT"),
        Window(-600, 1500, "LINEAR", "LUNG"),
    )
    assert found.presentation_lut_shape == "INVERSE"
    assert found.pixel_intensity_relationship == "LOG"
    assert found.padding == (7, 7)


@pytest.mark.parametrize(
    ("changes", "rescale"),
    [
        ({"slope": "2"}, (2.0, 0.0)),
        ({"intercept": "-5"}, (1.0, -5.0)),
        ({"slope": "", "intercept": ""}, None),
        ({"slope": "1", "intercept": "0"}, (1.0, 0.0)),
        ({"slope": "2\\3", "intercept": "4\\5"}, (2.0, 4.0)),
        ({"slope": Element(0x00281053, "FD", 0.1), "intercept": Element(0x00281052, "FD", 0.2)}, (0.1, 0.2)),
        ({"slope": Element(0x00281053, "FL", 0.5)}, (0.5, 0.0)),
    ],
)
def test_rescale(changes: dict[str, Any], rescale: tuple[float, float] | None) -> None:
    assert display(**changes).rescale == rescale


@pytest.mark.parametrize(
    "changes", [{"slope": "0"}, {"slope": "x"}, {"slope": "1e400"}, {"intercept": "nan"}]
)
def test_rescale_that_is_none(changes: dict[str, str]) -> None:
    with pytest.raises(DicomError, match="Rescale"):
        display(**changes)


@pytest.mark.parametrize(
    ("center", "width", "function", "usable"),
    [
        ("40", "1", None, 1),
        ("40", "0.99", None, 0),
        ("40", "0", None, 0),
        ("40", "-5", None, 0),
        ("40", "0.5", "LINEAR_EXACT", 1),
        ("40", "0.5", "SIGMOID", 1),
        ("40", "0", "SIGMOID", 0),
        ("40", "-1", "LINEAR_EXACT", 0),
        ("nan", "5", None, 0),
        ("40", "1e400", None, 0),
        ("x", "5", None, 0),
        ("1_0", "5", None, 0),
        ("40\\50", "400\\0", None, 1),
        ("40\\50", "0\\400", None, 1),
        ("40\\50", "400", None, 1),
        ("40", "400\\500", None, 1),
        ("40", "", None, 0),
        ("", "400", None, 0),
        ("40", "400", "LOG", 0),
    ],
)
def test_windows_that_can_be_used(center: str, width: str, function: str | None, usable: int) -> None:
    found, codes = noted(center=center, width=width, function=function)
    assert len(found.windows) == usable
    pairs = max(center.count("\\"), width.count("\\")) + 1
    assert codes == (["window"] if usable < pairs else [])
    if usable and pairs == 2 and center.startswith("40\\") and width.startswith("0"):
        assert found.windows[0].center == 50


@pytest.mark.parametrize(
    ("written", "function", "codes"),
    [
        (b"LINEAR", "LINEAR", []),
        (b"SIGMOID ", "SIGMOID", []),
        (b"SIGMOID\0", "SIGMOID", []),
        (b"", "LINEAR", []),
        (b"  ", "LINEAR", []),
        (b"\0\0", "LINEAR", []),
        (b"Sigmoid ", "SIGMOID", ["voi-function"]),
        (b"linear_exact", "LINEAR_EXACT", ["voi-function"]),
        (b" SIGMOID", "SIGMOID", ["voi-function"]),
    ],
)
def test_function_in_odd_case_or_padded(written: bytes, function: str, codes: list[str]) -> None:
    found, notices = noted(center="4", width="5", function=Element(0x00281056, "CS", written))
    assert [window.function for window in found.windows] == [function]
    assert notices == codes


# Functional groups


def transformed(slope: float) -> Element:
    values = attributes(intercept="0", slope=str(slope))
    return Element(TRANSFORMATION, "SQ", [values])


def windowed(center: float, **changes: Any) -> Element:
    return Element(FRAME_VOI, "SQ", [attributes(center=str(center), width="100", **changes)])


def groups(
    *, shared: Sequence[Element] = (), frames: Sequence[Sequence[Element]] = (), undefined: bool = False
) -> list[Element]:
    found = []
    if shared:
        found.append(Element(SHARED, "SQ", [shared], undefined))
    if frames:
        found.append(Element(PER_FRAME, "SQ", frames, undefined))
    return found


OWN = [[transformed(20), windowed(1)], [transformed(30), windowed(2)]]


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [False, True], ids=["defined", "undefined"])
def test_the_frame_before_the_shared_before_the_top_level(syntax: str, undefined: bool) -> None:
    extra = groups(shared=[transformed(5), windowed(50)], frames=OWN, undefined=undefined)
    top = {"slope": "7", "intercept": "0", "center": "70", "width": "100"}
    found, notices = reader(image(None, syntax, frames=2, extra=extra, **top))
    for index, (slope, center) in enumerate([(20, 1), (30, 2)]):
        read = found.read(index)
        assert read.rescale == (slope, 0)
        assert read.windows == (Window(center, 100),)
        assert read.modality_source == read.windows_source == "the frame's functional group"
    assert not notices


@pytest.mark.parametrize(
    ("shared", "own", "slope", "center"),
    [
        ([transformed(5), windowed(50)], [], 5, 50),
        ([transformed(5)], [windowed(1)], 5, 1),
        ([windowed(50)], [transformed(20)], 20, 50),
        ([], [transformed(20)], 20, 70),
        ([windowed(50)], [], 7, 50),
        ([], [], 7, 70),
        ([Element(TRANSFORMATION, "SQ", [])], [Element(FRAME_VOI, "SQ", [[]])], 7, 70),
    ],
)
def test_each_attribute_comes_from_the_nearest_level_that_has_it(
    shared: list[Element], own: list[Element], slope: float, center: float
) -> None:
    extra = groups(shared=shared, frames=[own, own])
    found = display(frames=2, extra=extra, slope="7", intercept="0", center="70", width="100")
    assert found.rescale == (slope, 0)
    assert found.windows[0].center == center


def test_explanation_and_function_of_the_same_level() -> None:
    extra = groups(frames=[[windowed(3, function="SIGMOID", explanation="OWN")]])
    found = display(extra=extra, function="LINEAR_EXACT", explanation="TOP", center="70", width="100")
    assert found.windows == (Window(3, 100, "SIGMOID", "OWN"),)


def test_fewer_groups_than_frames() -> None:
    extra = groups(shared=[transformed(5)], frames=[[transformed(20)]])
    found, notices = reader(image(frames=3, extra=extra))
    assert [found.read(index).rescale for index in range(3)] == [(20, 0), (5, 0), (5, 0)]
    assert [notice.code for notice in notices] == ["functional-groups"]


def test_a_bad_window_is_noted_once_for_all_frames() -> None:
    bad = [attributes(center="4", width="0")]
    extra = groups(frames=[[Element(FRAME_VOI, "SQ", bad)]] * 5)
    found, notices = reader(image(frames=5, extra=extra))
    assert [found.read(index).windows for index in range(5)] == [()] * 5
    assert len(notices) == 1


def test_groups_inside_other_sequences_do_not_count() -> None:
    nested = Element(0x00081140, "SQ", [groups(frames=OWN)])
    assert display(frames=2, extra=[nested]).rescale is None


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (b"abcdefgh", DicomError),
        (item_head(500) + b"abcd", TruncatedError),
        (item_head(8) + b"\x28\x00\x45\x91SQ\0\0", FastdcmError),
        (item_head(UNDEFINED) + encode([Element(TRANSFORMATION, "SQ", b"", length=UNDEFINED)]), FastdcmError),
    ],
    ids=["no item", "item past the end", "cut element", "item without end"],
)
@pytest.mark.parametrize("tag", [SHARED, PER_FRAME])
def test_damaged_groups(value: bytes, error: type[FastdcmError], tag: int) -> None:
    with pytest.raises(error):
        display(extra=[Element(tag, "SQ", value)])


def test_groups_nested_too_deeply() -> None:
    """100 000 sequences in each other, inside an item that is entered."""
    head = encode([Element(0x00081140, "SQ", b"", length=UNDEFINED)]) + item_head(UNDEFINED)
    value = head * 100_000 + (delimiter(0xFFFEE00D) + delimiter(0xFFFEE0DD)) * 100_000
    item = item_head(len(value)) + value
    with pytest.raises(DicomError, match="more than 64 deep"):
        display(extra=[Element(SHARED, "SQ", item)])


# LUTs


def voi(descriptor: Sequence[int], data: bytes, syntax: str = EXPLICIT, **changes: Any) -> Lut:
    item = lut_item(descriptor, data)
    lut_vr = changes.pop("lut_vr", "US")
    if syntax == BIG_ENDIAN or lut_vr != "US":
        item = [Element(0x00283002, lut_vr, list(descriptor)), item[1]]
    extra = [*changes.pop("extra", []), Element(VOI_LUT, "SQ", [item])]
    (lut,) = display(syntax, extra=extra, **changes).voi_luts
    return lut


def entries(lut: Lut) -> list[int]:
    return np.frombuffer(lut.entries, "<u2").tolist()


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_lut(syntax: str) -> None:
    data = words([0, 1000, 65535], little=syntax != BIG_ENDIAN)
    lut = voi([3, 5, 16], data, syntax)
    assert (lut.first, lut.bits, entries(lut)) == (5, 16, [0, 1000, 65535])


def test_zero_entries_are_65536() -> None:
    lut = voi([0, 0, 16], words(range(65536)))
    assert entries(lut) == list(range(65536))


@pytest.mark.parametrize("lut_vr", ["US", "SS"])
@pytest.mark.parametrize(
    ("changes", "first"),
    [({}, 65526), ({"representation": 1}, -10), ({"slope": "1", "intercept": "-1024"}, -10)],
    ids=["unsigned", "signed", "negative by rescale"],
)
def test_first_value_has_the_sign_of_the_input(lut_vr: str, changes: dict[str, Any], first: int) -> None:
    """Whatever VR was written (C.11.2.1.1)."""
    written = 65526 if lut_vr == "US" else -10
    descriptor = [3, written, 16]
    if lut_vr == "SS":
        item = [
            Element(0x00283002, "SS", words([3, -10, 16])),
            Element(0x00283006, "OW", words([1, 2, 3])),
        ]
        (lut,) = display(extra=[Element(VOI_LUT, "SQ", [item])], **changes).voi_luts
    else:
        lut = voi(descriptor, words([1, 2, 3]), **changes)
    assert lut.first == first


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_8_bit_entries(syntax: str) -> None:
    """One a word, or two in a word, the first in its low byte."""
    little = syntax != BIG_ENDIAN
    assert entries(voi([4, 0, 8], words([1, 2, 3, 4], little=little), syntax)) == [1, 2, 3, 4]
    packed = words([0x0201, 0x0403], little=little)
    assert entries(voi([4, 0, 8], packed, syntax)) == [1, 2, 3, 4]


def test_longer_than_its_descriptor() -> None:
    assert entries(voi([3, 0, 16], words(range(100)))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (lut_item([4, 0, 16], words([1, 2, 3])), "4 entries has 6 bytes"),
        (lut_item([0, 0, 16], words([1, 2, 3])), "65536 entries has 6 bytes"),
        (lut_item([7, 0, 8], words([1, 2, 3])), "7 entries has 6 bytes"),
        (lut_item([4, 0, 16], b""), "4 entries has 0 bytes"),
        (lut_item([4, 0, 9], words([1, 2])), "4 entries has 4 bytes"),
        (lut_item([4, 0, 0], words([1, 2, 3, 4])), "0 bits"),
        (lut_item([4, 0, 17], words([1, 2, 3, 4])), "17 bits"),
        ([Element(0x00283002, "US", [4, 0])], "no three values"),
        ([Element(0x00283002, "US", b"")], "no three values"),
        ([Element(0x00283002, "US", b"\4\0\0\0\x10")], "5 bytes"),
        ([], "no three values"),
    ],
)
@pytest.mark.parametrize("tag", [MODALITY_LUT, VOI_LUT, PRESENTATION_LUT])
def test_lut_that_is_none(item: list[Element], reason: str, tag: int) -> None:
    with pytest.raises(DicomError, match=reason):
        display(extra=[Element(tag, "SQ", [item])])


def test_several_luts() -> None:
    explained = [*lut_item([2, 0, 16], words([0, 9])), Element(0x00283003, "LO", "Bone")]
    items = [lut_item([2, 0, 16], words([0, 7])), sorted(explained, key=lambda element: element.tag)]
    found = display(extra=[Element(VOI_LUT, "SQ", items, undefined=True)])
    assert [(entries(lut), lut.explanation) for lut in found.voi_luts] == [([0, 7], ""), ([0, 9], "Bone")]


def test_modality_lut_before_rescale() -> None:
    item = lut_item([2, 65535, 8], words([3, 4]))
    extra = [Element(MODALITY_LUT, "SQ", [item])]
    found = display(extra=extra, slope="2", intercept="0", representation=1)
    assert found.rescale is None
    assert found.modality_lut is not None
    assert (found.modality_lut.first, entries(found.modality_lut)) == (-1, [3, 4])


def test_presentation_lut() -> None:
    found = display(extra=[Element(PRESENTATION_LUT, "SQ", [lut_item([2, 0, 10], words([1023, 0]))])])
    assert found.presentation_lut is not None
    assert entries(found.presentation_lut) == [1023, 0]


# Padding


@pytest.mark.parametrize(
    ("changes", "padding"),
    [
        ({"padding": 7}, (7, 7)),
        ({"padding": 7, "padding_limit": 3}, (3, 7)),
        ({"padding": 3, "padding_limit": 7}, (3, 7)),
        ({"padding_limit": 7}, None),
        ({"padding": Element(0x00280120, "SS", -2000), "bits": 16, "representation": 1}, (-2000, -2000)),
        # Written with the sign that the stored values do not have.
        ({"padding": 63536, "bits": 16, "representation": 1}, (-2000, -2000)),
        ({"padding": Element(0x00280120, "SS", -2000), "bits": 16}, (63536, 63536)),
        ({"padding": 63536, "allocated": 16, "stored": 12, "representation": 1}, (-2000, -2000)),
        ({"padding": 7, "samples": 3}, None),
        ({"padding": Element(0x00280120, "US", b"")}, None),
    ],
)
def test_padding(changes: dict[str, Any], padding: tuple[int, int] | None) -> None:
    assert display(**changes).padding == padding


def test_padding_in_implicit_encoding_takes_the_sign_of_the_pixels() -> None:
    found = display(IMPLICIT, padding=63536, padding_limit=63537, bits=16, representation=1)
    assert found.padding == (-2000, -1999)
