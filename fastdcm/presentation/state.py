"""What a presentation state says, as values: frozen, and nothing but data.

Coordinates are those of the standard: pixels count from 1 in shutters and displayed areas; in annotations
0.0 is the upper or left edge of the first pixel.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from fastdcm.model import Lut, Palette, Window
from fastdcm.reader.overlays import OverlayReader

Kind = Literal["grayscale", "color", "pseudo-color"]
#: Values of a color as CIELab (C.10.7.1.1): L, a, b, each from 0 to 65535.
Lab = tuple[int, int, int]
Point = tuple[float, float]


class References(NamedTuple):
    """Images, and frames of them (Image SOP Instance Reference Macro): none means all of the state's."""

    frames: dict[str, frozenset[int]] = {}  # noqa: RUF012  # never written to

    def include(self, uid: str, frame: int) -> bool:
        """Whether a frame (from 1) of an image is one of them."""
        if not self.frames:
            return True
        numbers = self.frames.get(uid)
        return numbers is not None and (not numbers or frame in numbers)


class Voi(NamedTuple):
    """An item of the Softcopy VOI LUT Sequence (C.11.8)."""

    images: References
    windows: tuple[Window, ...]
    luts: tuple[Lut, ...]


class Shutter(NamedTuple):
    """Display and Bitmap Display Shutter (C.7.6.11, C.7.6.15).

    ``rectangle`` is (left, right, upper, lower) edge, ``circle`` (row, column, radius), ``polygon`` (row,
    column) of its vertices, ``overlay_group`` that of the bitmap. ``value`` is the P-Value of what is hidden.
    """

    rectangle: tuple[int, int, int, int] | None = None
    circle: tuple[int, int, int] | None = None
    polygon: tuple[tuple[int, int], ...] = ()
    overlay_group: int | None = None
    value: int = 0
    lab: Lab | None = None


class Area(NamedTuple):
    """An item of the Displayed Area Selection Sequence (C.10.4).

    ``top_left`` and ``bottom_right`` are (column, row) of pixels of the image, its corners after rotation and
    flip. ``pixel_size`` is (vertical, horizontal), in mm or, without ``in_mm``, as a ratio.
    """

    images: References
    top_left: tuple[int, int]
    bottom_right: tuple[int, int]
    mode: str = "SCALE TO FIT"
    pixel_size: tuple[float, float] = (1.0, 1.0)
    in_mm: bool = False
    magnification: float = 1.0


class Layer(NamedTuple):
    """A graphic layer (C.10.7); those of lower order are drawn first. ``gray`` is a P-Value."""

    name: str
    order: int = 0
    gray: int | None = None
    lab: Lab | None = None


class Shadow(NamedTuple):
    """The shadow of lines or of a text (C.10.5.1.3.13.2): moved by ``offset`` to the right and down.

    One that is ``outlined`` lies around, as far as the offset is long. Units are pixels of the image, or
    ``displayed`` area fractions.
    """

    offset: Point
    displayed: bool
    outlined: bool
    lab: Lab
    opacity: float


class Style(NamedTuple):
    """What is said of a line or a filling beyond its layer (C.10.5.1.3.13, C.10.5.1.3.14).

    ``thickness`` is in the units of its graphic. What is off in a pattern has ``off_lab``, or is not drawn.
    ``dashes`` is a Line Pattern, 0 that of a solid line; ``tile`` a Fill Pattern, 32 rows of 32 bits.
    """

    lab: Lab | None = None
    opacity: float = 1.0
    thickness: float | None = None
    off_lab: Lab | None = None
    off_opacity: float = 1.0
    dashes: int = 0
    tile: bytes = b""
    shadow: Shadow | None = None


class TextStyle(NamedTuple):
    """What is said of a text beyond its layer (C.10.5.1.3.12); ``family`` is a generic font of CSS.

    ``horizontal`` and ``vertical`` alignment in the bounding box are empty where they are not said.
    """

    lab: Lab | None = None
    font: str = ""
    family: str = ""
    horizontal: str = ""
    vertical: str = ""
    underlined: bool = False
    bold: bool = False
    italic: bool = False
    shadow: Shadow | None = None


class Graphic(NamedTuple):
    """A graphic object (C.10.5.1.2): points (column, row) in pixels, or ``displayed`` area fractions."""

    kind: str
    points: tuple[Point, ...]
    displayed: bool
    filled: bool = False
    line: Style = Style()
    filling: Style | None = None


class Text(NamedTuple):
    """A text object (C.10.5.1.1): in a box from its top left to its bottom right corner, or at an anchor."""

    value: str
    box: tuple[Point, Point] | None = None
    box_displayed: bool = False
    justification: str = "LEFT"
    anchor: Point | None = None
    anchor_displayed: bool = False
    anchor_visible: bool = False
    style: TextStyle = TextStyle()


class Annotation(NamedTuple):
    """An item of the Graphic Annotation Sequence (C.10.5)."""

    images: References
    layer: str
    graphics: tuple[Graphic, ...]
    texts: tuple[Text, ...]


class State(NamedTuple):
    """A Softcopy Presentation State.

    LUTs have their first input as an unsigned number: the image decides on its sign. ``activations`` says
    in which layer an overlay is shown, by its group; ``overlays`` are those of the state itself. ``created``
    is its date and time, to compare with others'. ``odd`` is what there was to notice.
    """

    name: str
    kind: Kind
    label: str
    created: str
    images: References
    rescale: tuple[float, float] | None
    modality_lut: Lut | None
    rescale_type: str
    vois: tuple[Voi, ...]
    presentation_lut: Lut | None
    presentation_lut_shape: str
    palette: Palette | None
    shutter: Shutter | None
    rotation: int
    flip: bool
    areas: tuple[Area, ...]
    layers: dict[str, Layer]
    annotations: tuple[Annotation, ...]
    activations: dict[int, str]
    overlays: OverlayReader
    icc_profile: bytes
    odd: tuple[tuple[str, str], ...]

    @property
    def title(self) -> str:
        """Its name, and its label where it has one."""
        return f"{self.name} ({self.label})" if self.label else self.name
