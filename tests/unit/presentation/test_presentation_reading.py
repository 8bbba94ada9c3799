"""Files of presentation states to values; what is refused, and by which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fastdcm.errors import DicomError, FastdcmError, NotDicomError, RenderError, SourceError, UnsupportedError
from fastdcm.model import Window
from fastdcm.presentation.reading import parse_state, read_state, references_of
from fastdcm.presentation.state import Annotation, Area, Graphic, Layer, References, Shutter, Style, Text
from tests.builders import SYNTAXES, Element, dicom
from tests.unit.presentation.states import (
    COLOR,
    RED,
    UID,
    annotation,
    area,
    drawn,
    graphic,
    layer,
    parsed,
    reference,
    references,
    sequence,
    state,
    text,
)
from tests.unit.reader.test_reader_overlays import overlay


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_all_of_it_in_each_encoding(syntax: str) -> None:
    plane = np.eye(5, 7, dtype=bool)
    window = [Element(0x00281050, "DS", "40"), Element(0x00281051, "DS", "400")]
    lut = [Element(0x00283002, "US", (3, 60000, 16)), Element(0x00283006, "US", (1, 2, 3))]
    layers = [layer("L", 3, Element(0x00700066, "US", 7)), layer("M", 1, Element(0x00700401, "US", RED))]
    found = parsed(
        Element(0x00181600, "CS", "RECTANGULAR\\CIRCULAR\\POLYGONAL"),
        *(Element(0x00181602 + 2 * number, "IS", number + 1) for number in range(4)),
        Element(0x00181610, "IS", (10, 20)),
        Element(0x00181612, "IS", 5),
        Element(0x00181620, "IS", (1, 2, 3, 4, 5, 6)),
        Element(0x00181622, "US", 0x8000),
        Element(0x00181624, "US", (1, 2, 3)),
        Element(0x00281052, "DS", "-1024"),
        Element(0x00281053, "DS", "2"),
        sequence(
            0x00283110,
            [references(reference(UID, 1)), *window],
            [sequence(0x00283010, lut)],
        ),
        *drawn(
            annotation(
                [graphic("CIRCLE", [1.5, 2.5, 3.5, 2.5])],
                [text("A\r\nB", [1, 2, 3, 4], [5, 6], units="DISPLAY", justification="RIGHT", visible="Y")],
                images=[reference(UID, 2, 3)],
            ),
            layers=layers,
        ),
        Element(0x00700041, "CS", "Y"),
        Element(0x00700042, "US", 270),
        sequence(
            0x0070005A,
            area((1, -2), (30, 40), "MAGNIFY", Element(0x00700103, "FL", 1.5), images=[reference("9.9")]),
            area((1, 1), (2, 2), "TRUE SIZE", Element(0x00700101, "DS", (0.2, 0.1))),
        ),
        *overlay(plane, syntax=syntax),
        Element(0x60001001, "CS", "L"),
        Element(0x60021001, "CS", ""),
        images=[reference(UID, 1, 2), reference("9.9"), reference(UID, 3)],
        syntax=syntax,
        shape="INVERSE",
    )
    assert (found.name, found.kind, found.label) == ("a.pre", "grayscale", "TEST")
    assert found.title == "a.pre (TEST)"
    assert found.created == "20240102"
    assert found.images == References({UID: frozenset((1, 2, 3)), "9.9": frozenset()})
    assert found.shutter == Shutter(
        (1, 2, 3, 4), (10, 20, 5), ((1, 2), (3, 4), (5, 6)), None, 0x8000, (1, 2, 3)
    )
    assert found.rescale == (2.0, -1024.0)
    first, second = found.vois
    assert (first.images, first.windows) == (References({UID: frozenset((1,))}), (Window(40, 400),))
    assert (second.images.frames, second.luts[0].first, second.luts[0].size) == ({}, 60000, 3)
    assert (found.presentation_lut, found.presentation_lut_shape) == (None, "INVERSE")
    assert found.layers == {
        "L": Layer("L", 3, 7, None),
        "M": Layer("M", 1, None, (RED[0], RED[1], RED[2])),
    }
    assert found.annotations == (
        Annotation(
            References({UID: frozenset((2, 3))}),
            "L",
            (Graphic("CIRCLE", ((1.5, 2.5), (3.5, 2.5)), displayed=False),),
            (
                Text(
                    "A\nB",
                    ((1.0, 2.0), (3.0, 4.0)),
                    True,
                    "RIGHT",
                    (5.0, 6.0),
                    anchor_displayed=True,
                    anchor_visible=True,
                ),
            ),
        ),
    )
    assert (found.rotation, found.flip) == (270, True)
    assert found.areas == (
        Area(References({"9.9": frozenset()}), (1, -2), (30, 40), "MAGNIFY", (1.0, 1.0), False, 1.5),
        Area(References(), (1, 1), (2, 2), "TRUE SIZE", (0.2, 0.1), in_mm=True),
    )
    assert found.activations == {0x6000: "L", 0x6002: ""}
    assert np.array_equal(found.overlays.plane(0x6000, 4, (5, 7)), plane)
    assert found.odd == ()


def test_references_to_a_whole_image_are_to_all_of_its_frames() -> None:
    assert parsed(images=[reference(UID, 2), reference(UID)]).images.frames == {UID: frozenset()}
    assert parsed(images=[reference(UID), reference(UID, 2)]).images.frames == {UID: frozenset()}
    several = parsed(images=[reference(UID, 2)]).images
    assert [several.include(UID, frame) for frame in (1, 2)] == [False, True]
    assert not several.include("9.9", 2)
    assert References().include("any", 99)


def test_styles_and_what_is_not_drawn() -> None:
    line = [
        Element(0x00700251, "US", RED),
        Element(0x00700253, "FL", 3.0),
        Element(0x00700254, "CS", "DASHED"),
        Element(0x00700284, "FL", 0.5),
    ]
    objects = [
        graphic("POLYLINE", [0, 0, 1, 1], sequence(0x00700232, line)),
        graphic("POLYLINE", [0, 0, 5, 5], units="MATRIX"),
        graphic("ELLIPSE", [0, 0, 1, 1]),
        graphic("STAR", [0, 0]),
        graphic("POLYLINE", [0, 0, float("nan"), 1, 2, 2]),
    ]
    found = parsed(*drawn(annotation(objects, [text("nowhere")])))
    (item,) = found.annotations
    assert [one.kind for one in item.graphics] == ["POLYLINE", "POLYLINE"]
    assert item.graphics[0].line == Style((RED[0], RED[1], RED[2]), 0.5, 3.0)
    assert item.graphics[1].points == ((0.0, 0.0), (2.0, 2.0))
    assert item.texts == ()
    assert [message for _, message in found.odd] == [
        "a dashed line without a Line Pattern was drawn solid",
        "a POLYLINE in units of MATRIX is not supported, and was not drawn",
        "a ELLIPSE has 2 usable points, and was not drawn",
        "a graphic of type STAR is not known, and was not drawn",
        "a text has neither a bounding box nor an anchor point in known units",
    ]


def test_compound_graphics_are_drawn_by_the_simple_ones_in_their_place() -> None:
    identity = Element(0x00700226, "UL", 7)
    compound = [identity, Element(0x00700294, "CS", "RULER")]
    alone = parsed(*drawn(annotation([graphic("POINT", [1, 1])], more=[compound])))
    assert [message for _, message in alone.odd] == [
        "a compound graphic RULER has no simple ones in its place: it was not drawn"
    ]
    both = parsed(*drawn(annotation([graphic("POINT", [1, 1], identity)], more=[compound])))
    assert both.odd == ()


def test_text_in_its_character_set() -> None:
    raw = "Größe\\山田".encode()
    found = parsed(
        Element(0x00080005, "CS", "ISO_IR 192"), *drawn(annotation(texts=[text(raw, [0, 0, 1, 1])]))
    )
    assert found.annotations[0].texts[0].value == "Größe\\山田"


def test_layers_with_the_retired_rgb_value() -> None:
    found = parsed(sequence(0x00700060, layer("L", 1, Element(0x00700067, "US", (65535, 0, 0)))))
    assert found.layers["L"].lab == pytest.approx(tuple(RED), abs=300)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (4, "Blending Softcopy Presentation State"),
        (5, "XA/XRF Grayscale Softcopy Presentation State"),
        (8, "Advanced Blending Presentation State"),
        (12, "Variable Modality LUT Softcopy Presentation State"),
    ],
)
def test_other_kinds_are_refused_by_name(number: int, name: str) -> None:
    with pytest.raises(UnsupportedError, match=f"a {name} is not supported"):
        parsed(kind=f"1.2.840.10008.5.1.4.1.1.11.{number}")


@pytest.mark.parametrize(
    ("extra", "error", "message"),
    [
        ([Element(0x00700042, "US", 45)], DicomError, "Image Rotation is 45"),
        ([sequence(0x00286100, [])], UnsupportedError, "mask subtraction"),
        ([sequence(0x0070005A, area((1, 1), (2, 2), "ZOOM"))], DicomError, "Presentation Size Mode 'ZOOM'"),
        ([sequence(0x0070005A, area((1, 1), (2, 2), "MAGNIFY"))], DicomError, "no usable magnification"),
        (
            [sequence(0x0070005A, area((1, 1), (2, 2), "TRUE SIZE"))],
            DicomError,
            "no Presentation Pixel Spacing",
        ),
        ([sequence(0x0070005A, area((1,), (2, 2)))], DicomError, "has no two corners"),
        (
            [sequence(0x0070005A, area((1, 1), (2, 2), "SCALE TO FIT", Element(0x00700102, "IS", (1, 0))))],
            DicomError,
            "Presentation Pixel Aspect Ratio is unusable",
        ),
        ([Element(0x00181600, "CS", "CIRCULAR")], DicomError, "a CIRCULAR shutter has not all"),
        (
            [Element(0x00181600, "CS", "POLYGONAL"), Element(0x00181620, "IS", (1, 1, 2, 2))],
            DicomError,
            "fewer than three vertices",
        ),
        ([Element(0x00281053, "DS", "0"), Element(0x00281052, "DS", "0")], DicomError, "Rescale Slope is 0"),
    ],
)
def test_refusals(extra: list[Element], error: type[FastdcmError], message: str) -> None:
    with pytest.raises(error, match=message):
        parsed(*extra)


def test_what_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"no presentation state, but an object of SOP Class 1\.2"):
        parse_state(dicom([Element(0x00080016, "UI", "1.2")]), "a")
    path = tmp_path / "no.pre"
    path.write_bytes(b"no DICOM at all")
    with pytest.raises(NotDicomError, match=r"presentation state .*no\.pre: not a DICOM file"):
        read_state(str(path))
    with pytest.raises(SourceError, match=r"presentation state .*gone\.pre: No such file"):
        read_state(str(tmp_path / "gone.pre"))


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.pre"
    path.write_bytes(state(label="ONE"))
    first = read_state(str(path))
    assert read_state(str(path)) is first
    path.write_bytes(state(label="OTHER"))
    assert read_state(str(path)).label == "OTHER"


def test_what_an_index_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.pre"
    path.write_bytes(
        state(Element(0x00700083, "TM", "1234"), images=[reference("1.1"), reference("1.2", 3)], kind=COLOR)
    )
    assert references_of(str(path)) == (COLOR, "202401021234", ("1.1", "1.2"))
