"""Line, Fill and Text Style Sequences of a presentation state (PS3.3 C.10.5.1.3.12 to 14)."""

from __future__ import annotations

import math
from collections.abc import Callable

from fastdcm.presentation.state import Lab, Shadow, Style, TextStyle
from fastdcm.reader.items import first_item
from fastdcm.reader.values import Values

Note = Callable[[str, str], None]
_BLACK: Lab = (0, 0x8080, 0x8080)
#: A Fill Pattern has 32 rows of 32 bits.
_TILE_BYTES = 128
_VERTICAL, _HORIZONTAL = ("TOP", "CENTER", "BOTTOM"), ("LEFT", "CENTER", "RIGHT")


def line_style(graphic: Values, displayed: bool, note: Note) -> Style:
    """How the lines of a graphic are drawn (C.10.5.1.3.13).

    ``displayed`` says that its units are fractions of the displayed area.
    """
    item = first_item(graphic, 0x00700232)
    if item is None:
        return Style()
    thickness = number(item, 0x00700253)
    if thickness is not None and displayed and thickness >= 1:
        note("annotation", "a line as thick as the displayed area was drawn in the usual width")
        thickness = None
    style = _patterned(item)._replace(thickness=thickness, shadow=_shadow(item, displayed, note))
    if item.text(0x00700254).upper() != "DASHED":
        return style
    dashes = int.from_bytes(item.raw(0x00700255) or b"", "little" if item.encoding.little else "big")
    if not 0 < dashes < 1 << 32:
        note("annotation", "a dashed line without a Line Pattern was drawn solid")
        return style
    return style._replace(dashes=dashes)


def fill_style(graphic: Values, note: Note) -> Style | None:
    """How a graphic is filled (C.10.5.1.3.14); None where that is not said."""
    item = first_item(graphic, 0x00700233)
    if item is None:
        return None
    style = _patterned(item)
    if item.text(0x00700257).upper() not in ("STIPPELED", "STIPPLED"):
        return style
    tile = item.raw(0x00700256) or b""
    if len(tile) != _TILE_BYTES:
        note("annotation", f"a Fill Pattern has {len(tile)} bytes, not 128: the filling was drawn solid")
        return style
    return style._replace(tile=tile)


def text_style(text: Values, displayed: bool, note: Note) -> TextStyle:
    """How a text is drawn (C.10.5.1.3.12); ``displayed`` is of the units of its shadow."""
    item = first_item(text, 0x00700231)
    if item is None:
        return TextStyle()
    horizontal, vertical = (item.text(tag).upper() for tag in (0x00700242, 0x00700243))
    for name, value, known in (("Horizontal", horizontal, _HORIZONTAL), ("Vertical", vertical, _VERTICAL)):
        if value and value not in known:
            note("annotation", f"{name} Alignment {value} of a text is not known, and was left out")
    underlined, bold, italic = (item.text(tag).upper() == "Y" for tag in (0x00700248, 0x00700249, 0x00700250))
    return TextStyle(
        lab=lab_of(item, 0x00700241),
        font=item.text(0x00700227),
        family=item.text(0x00700229).strip("'\" ").lower(),
        horizontal=horizontal if horizontal in _HORIZONTAL else "",
        vertical=vertical if vertical in _VERTICAL else "",
        underlined=underlined,
        bold=bold,
        italic=italic,
        shadow=_shadow(item, displayed, note),
    )


def lab_of(item: Values, tag: int) -> Lab | None:
    """A color as CIELab (C.10.7.1.1)."""
    parts = item.numbers(tag)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None


def number(item: Values, tag: int) -> float | None:
    """A number that is one."""
    values = item.floats(tag, item.vr(tag) or b"FL") if tag in item else []
    return values[0] if values and math.isfinite(values[0]) else None


def _patterned(item: Values) -> Style:
    """Colors and opacities of what is on and off in a pattern."""
    return Style(
        lab=lab_of(item, 0x00700251),
        opacity=_opacity(item, 0x00700284),
        off_lab=lab_of(item, 0x00700252),
        off_opacity=_opacity(item, 0x00700285),
    )


def _opacity(item: Values, tag: int) -> float:
    opacity = number(item, tag)
    return 1.0 if opacity is None else min(max(opacity, 0.0), 1.0)


def _shadow(item: Values, displayed: bool, note: Note) -> Shadow | None:
    """C.10.5.1.3.13.2."""
    style = item.text(0x00700244).upper()
    if style not in ("NORMAL", "OUTLINED"):
        if style not in ("", "OFF"):
            note("annotation", f"Shadow Style {style} is not known: no shadow was drawn")
        return None
    offset = number(item, 0x00700245) or 0.0, number(item, 0x00700246) or 0.0
    return Shadow(
        offset, displayed, style == "OUTLINED", lab_of(item, 0x00700247) or _BLACK, _opacity(item, 0x00700258)
    )
