"""Presentation states built element by element, and an image for them to reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fastdcm.presentation.reading import parse_state
from fastdcm.presentation.state import State
from tests.builders import EXPLICIT, Element, Items, dicom, image

UID, SERIES = "1.2.3", "1.2.9"
GRAYSCALE, COLOR, PSEUDO_COLOR = (f"1.2.840.10008.5.1.4.1.1.11.{number}" for number in (1, 2, 3))
#: CIELab of sRGB's red (53.24, 80.09, 67.20 with D65; 54.29, 80.82, 69.90 with D50, which counts).
RED = [round(54.29 / 100 * 65535), round((80.82 + 128) / 255 * 65535), round((69.90 + 128) / 255 * 65535)]


def reference(uid: str = UID, *frames: int) -> list[Element]:
    """An item of a Referenced Image Sequence."""
    item = [Element(0x00081155, "UI", uid)]
    return [*item, Element(0x00081160, "IS", frames)] if frames else item


def references(*items: Sequence[Element]) -> Element:
    """A Referenced Image Sequence."""
    return Element(0x00081140, "SQ", items)


def sequence(tag: int, *items: Sequence[Element]) -> Element:
    """A sequence of items."""
    return Element(tag, "SQ", items)


def state(
    *extra: Element,
    images: Items | None = None,
    kind: str = GRAYSCALE,
    shape: str | None = "IDENTITY",
    created: str = "20240102",
    label: str = "TEST",
    syntax: str = EXPLICIT,
) -> bytes:
    """A state's file, of `referenced` where ``images`` names none; ``extra`` elements come in any order."""
    images = [reference()] if images is None else images
    elements = [
        Element(0x00080016, "UI", kind),
        sequence(0x00081115, [references(*images), Element(0x0020000E, "UI", SERIES)]),
        Element(0x00700080, "CS", label),
        Element(0x00700082, "DA", created),
        *extra,
    ]
    if shape is not None:
        elements.append(Element(0x20500020, "CS", shape))
    return dicom(sorted(elements, key=lambda element: element.tag), syntax)


def parsed(*extra: Element, **changes: Any) -> State:
    """The same as a `State`, of the name "a.pre"."""
    return parse_state(state(*extra, **changes), "a.pre")


def referenced(pixels: bytes | None = None, **changes: Any) -> bytes:
    """An image that the states reference."""
    return image(pixels, **{"sop_instance": UID, **changes})


def area(
    top_left: Sequence[int],
    bottom_right: Sequence[int],
    mode: str = "SCALE TO FIT",
    *more: Element,
    images: Items = (),
) -> list[Element]:
    """An item of the Displayed Area Selection Sequence; pixels are square where ``more`` does not say."""
    item = [references(*images)] if images else []
    item += [Element(0x00700052, "SL", top_left), Element(0x00700053, "SL", bottom_right)]
    item += [Element(0x00700100, "CS", mode)]
    if not any(element.tag in (0x00700101, 0x00700102) for element in more):
        item.append(Element(0x00700102, "IS", (1, 1)))
    return sorted([*item, *more], key=lambda element: element.tag)


def layer(name: str = "L", order: int = 1, *more: Element) -> list[Element]:
    """An item of the Graphic Layer Sequence."""
    return [Element(0x00700002, "CS", name), Element(0x00700062, "IS", order), *more]


def graphic(
    kind: str, points: Iterable[float], *more: Element, units: str = "PIXEL", filled: str = "N"
) -> list[Element]:
    """An item of the Graphic Object Sequence."""
    points = list(points)
    item = [
        Element(0x00700005, "CS", units),
        Element(0x00700020, "US", 2),
        Element(0x00700021, "US", len(points) // 2),
        Element(0x00700022, "FL", points),
        Element(0x00700023, "CS", kind),
        Element(0x00700024, "CS", filled),
    ]
    return sorted([*item, *more], key=lambda element: element.tag)


def text(
    value: str | bytes,
    box: Sequence[float] | None = None,
    anchor: Sequence[float] | None = None,
    *more: Element,
    units: str = "PIXEL",
    justification: str = "LEFT",
    visible: str = "N",
) -> list[Element]:
    """An item of the Text Object Sequence; ``box`` is left, upper, right, lower."""
    item = [Element(0x00700006, "ST", value)]
    if box is not None:
        item += [
            Element(0x00700003, "CS", units),
            Element(0x00700010, "FL", box[:2]),
            Element(0x00700011, "FL", box[2:]),
            Element(0x00700012, "CS", justification),
        ]
    if anchor is not None:
        item += [
            Element(0x00700004, "CS", units),
            Element(0x00700014, "FL", anchor),
            Element(0x00700015, "CS", visible),
        ]
    return sorted([*item, *more], key=lambda element: element.tag)


def annotation(
    graphics: Items = (), texts: Items = (), *, name: str = "L", images: Items = (), more: Items = ()
) -> list[Element]:
    """An item of the Graphic Annotation Sequence; ``more`` are compound graphics."""
    item = [references(*images)] if images else []
    item.append(Element(0x00700002, "CS", name))
    if texts:
        item.append(sequence(0x00700008, *texts))
    if graphics:
        item.append(sequence(0x00700009, *graphics))
    if more:
        item.append(sequence(0x00700209, *more))
    return item


def drawn(*items: Sequence[Element], layers: Items | None = None) -> list[Element]:
    """The Graphic Annotation and Graphic Layer Sequences; there is a layer "L" where none are given."""
    return [sequence(0x00700001, *items), sequence(0x00700060, *([layer()] if layers is None else layers))]
