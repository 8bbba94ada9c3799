"""Line, fill and text styles: dashes, shadows, thickness, patterns, fonts (PS3.3 C.10.5.1.3.12 to 14)."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import fastdcm
from fastdcm.presentation import fonts
from fastdcm.presentation.graphics import Drawn, drawn, width_of
from fastdcm.presentation.placing import View, plan_placing
from fastdcm.presentation.state import Area, Graphic, Point, References, Shadow, Style, Text, TextStyle
from fastdcm.presentation.text import drawn as drawn_text
from tests.builders import Element
from tests.unit.presentation import states
from tests.unit.presentation.states import (
    RED,
    annotation,
    graphic,
    layer,
    parsed,
    referenced,
    sequence,
    state,
)

ROWS, COLUMNS = 60, 90
PLAIN = View(1, 0, 0, 0, 1, 0, (COLUMNS, ROWS))
BLACK, WHITE = (0, 0x8080, 0x8080), (0xFFFF, 0x8080, 0x8080)
Mask = NDArray[Any]


def _masks(all_of_it: Any, view: View = PLAIN) -> list[tuple[Drawn, Mask]]:
    masks = []
    for one in all_of_it:
        canvas = Image.new("L", view.size)
        one.draw(canvas)
        masks.append((one, np.asarray(canvas)))
    return masks


def _line(points: list[Point], style: Style, view: View = PLAIN) -> list[tuple[Drawn, Mask]]:
    return _masks(drawn(Graphic("POLYLINE", tuple(points), False, line=style), view), view)


def _bits(pattern: int, count: int, places: Any) -> Any:
    """By hand: the bit of each place, the least significant one first."""
    return np.array([bool(pattern >> (place % count) & 1) for place in places])


# Dashes


@pytest.mark.parametrize(
    ("pattern", "count"), [(0x00FF, 16), (0xF00F, 16), (0x1234, 16), (0xFFFF00FF, 32), (0x80000001, 32)]
)
def test_dashes_follow_the_bits(pattern: int, count: int) -> None:
    """A pixel a bit; 00FFH "defines the dashes with an equal size" (Table C.10-5b), so these are 16 bits."""
    expected = _bits(pattern, count, range(76))
    ((_, across),) = _line([(3.5, 2.5), (78.5, 2.5)], Style(dashes=pattern))
    assert np.array_equal(across[2, 3:79] == 255, expected)
    assert across.sum() == 255 * expected.sum()
    ((_, back),) = _line([(78.5, 2.5), (3.5, 2.5)], Style(dashes=pattern))
    assert np.array_equal(back[2, 3:79][::-1] == 255, expected)
    ((_, down),) = _line([(5.5, 1.5), (5.5, 50.5)], Style(dashes=pattern))
    assert np.array_equal(down[1:51, 5] == 255, expected[:50])


def test_dashes_go_on_around_corners() -> None:
    ((_, mask),) = _line([(0.5, 0.5), (10.5, 0.5), (10.5, 40.5), (60.5, 40.5)], Style(dashes=0x0F0F))
    along = [*mask[0, :11], *mask[1:41, 10], *mask[40, 11:61]]
    assert np.array_equal(np.array(along) == 255, _bits(0x0F0F, 16, range(101)))


def test_what_is_off_has_a_color_of_its_own_or_none() -> None:
    off, on = _line(
        [(0.5, 5.5), (63.5, 5.5)], Style(WHITE, 0.9, dashes=0x00FF, off_lab=BLACK, off_opacity=0.4)
    )
    assert (off[0].lab, off[0].opacity, on[0].lab, on[0].opacity) == (BLACK, 0.4, WHITE, 0.9)
    assert np.array_equal(on[1][5, :64] == 255, np.arange(64) % 16 < 8)
    assert np.array_equal(off[1][5, :64] == 255, np.arange(64) % 16 >= 8)
    assert len(_line([(0.5, 5.5), (63.5, 5.5)], Style(off_lab=BLACK))) == 1  # a solid line has nothing off


def test_dashes_grow_with_the_image() -> None:
    view = View(1, 0, 0, 0, 1, 0, (2048, 8))
    ((_, mask),) = _line([(0.5, 4.5), (400.5, 4.5)], Style(thickness=1.0, dashes=0x00FF), view)
    assert np.array_equal(mask[4, :400] == 255, np.arange(400) // 2 % 16 < 8)


def test_dashes_of_curves_and_slanting_lines() -> None:
    circle = Graphic("CIRCLE", ((45.0, 30.0), (45.0, 54.0)), False, line=Style(dashes=0x00FF))
    ((_, mask),) = _masks(drawn(circle, PLAIN))
    whole = _masks(drawn(circle._replace(line=Style()), PLAIN))[0][1]
    assert not np.any((mask > 0) & ~_around(whole, 1.5))
    assert (mask > 0).sum() == pytest.approx((whole > 0).sum() / 2, rel=0.15)
    ((_, slanting),) = _line([(0.5, 0.5), (40.5, 40.5)], Style(dashes=0x00FF))
    steps = np.diagonal(slanting)[:41] == 255
    away = np.arange(41) * math.sqrt(2) % 16
    clear = (np.abs(away - 7.5) > 1) & (away > 1) & (away < 14.5)
    assert np.array_equal(steps[clear], away[clear] < 8)


def test_dashes_of_far_places_end() -> None:
    start = time.perf_counter()
    ((_, mask),) = _line([(-1e30, 5.5), (1e30, 5.5), (4.0, 1e30), (1e30, 7e29)], Style(dashes=0x00FF))
    assert time.perf_counter() - start < 2
    assert 0.3 < (mask[5] == 255).mean() < 0.7
    _line([(5.0, 5.0), (5.0, 5.0)], Style(dashes=0x5555))


# Shadows


def _shadow(x: float, y: float, outlined: bool = False, displayed: bool = False) -> Shadow:
    return Shadow((x, y), displayed, outlined, BLACK, 0.5)


CORNER = [(20.5, 20.5), (50.5, 20.5), (50.5, 40.5)]


@pytest.mark.parametrize(("x", "y"), [(3, 2), (-4, 0), (0, -5)])
def test_a_shadow_is_the_line_moved_right_and_down(x: int, y: int) -> None:
    shadow, line = _line(CORNER, Style(shadow=_shadow(x, y)))
    assert (shadow[0].beneath, shadow[0].lab, shadow[0].opacity) == (True, BLACK, 0.5)
    assert not line[0].beneath
    assert np.array_equal(shadow[1], np.roll(line[1], (y, x), (0, 1)))


def test_a_shadow_is_solid() -> None:
    """C.10.5.1.3.13.1: dashing does not apply to it."""
    shadow, line = _line(CORNER, Style(dashes=0x00FF, shadow=_shadow(0, 1)))
    whole = _line(CORNER, Style())[0][1]
    assert np.array_equal(shadow[1], np.roll(whole, 1, 0))
    assert line[1].sum() < whole.sum()


def test_a_shadow_is_not_turned_with_the_image() -> None:
    """It is "applied after rotation", in the units of its line: pixels of the image, here shown as 3 x 2."""
    area = Area(References(), (1, 1), (COLUMNS, ROWS), "MAGNIFY", (2.0, 3.0), False, 2.0)
    view = plan_placing((ROWS, COLUMNS), 90, False, area, None, 1 << 20).view
    assert view.size == (2 * ROWS, 3 * COLUMNS)
    shadow, line = _line(CORNER, Style(shadow=_shadow(4, 1)), view)
    assert np.array_equal(shadow[1], np.roll(line[1], (1 * 3, 4 * 2), (0, 1)))
    shadow, line = _line(CORNER, Style(shadow=_shadow(0.1, 0.1, displayed=True)), view)
    assert np.array_equal(shadow[1], np.roll(line[1], (27, 12), (0, 1)))


def _around(mask: Mask, radius: float) -> Mask:
    """All pixels as near as that to one of a mask, by trying all."""
    places = np.argwhere(mask)
    rows, columns = np.indices(mask.shape)
    away = np.full(mask.shape, np.inf)
    for row, column in places:
        away = np.minimum(away, np.hypot(rows - row, columns - column))
    return away <= radius


@pytest.mark.parametrize(("x", "y"), [(3, 4), (-3, 4), (0, 2), (6, 0)])
@pytest.mark.parametrize("points", [CORNER, [(30.5, 30.5), (30.5, 30.5)], [(20.5, 40.5), (40.5, 28.5)]])
def test_an_outlined_shadow_is_around_the_line(points: list[Point], x: int, y: int) -> None:
    """C.10.5.1.3.13.2: "the length of the vector ... defines the radius"."""
    shadow, line = _line(points, Style(shadow=_shadow(x, y, outlined=True)))
    radius = math.hypot(x, y)
    found = shadow[1] > 0
    assert not np.any(_around(line[1], radius - 1) & ~found)
    assert not np.any(found & ~_around(line[1], radius + 1.5))


@pytest.mark.parametrize("thickness", [None, 0.0, 3.0])
def test_points_have_shadows(thickness: float | None) -> None:
    point = Graphic("POINT", ((40.5, 30.5),), False, line=Style(thickness=thickness, shadow=_shadow(5, 3)))
    shadow, mark = _masks(drawn(point, PLAIN))
    assert np.array_equal(shadow[1], np.roll(mark[1], (3, 5), (0, 1)))
    outlined, mark = _masks(drawn(point._replace(line=Style(shadow=_shadow(0, 3, True))), PLAIN))
    assert np.argwhere(outlined[1]).min(0).tolist() == (np.argwhere(mark[1]).min(0) - 3).tolist()


def test_far_shadows_end() -> None:
    for x in (1e30, -1e30):
        assert not _line(CORNER, Style(shadow=_shadow(x, x)))[0][1].any()
        assert _line(CORNER, Style(shadow=_shadow(x, x, True)))[0][1].all()
        text = Text("Text", ((10, 10), (60, 40)), style=TextStyle(shadow=_shadow(x, x)))
        assert not _masks(drawn_text(text, PLAIN, False, None))[0][1].any()
        _masks(drawn_text(text._replace(style=TextStyle(shadow=_shadow(x, x, True))), PLAIN, False, None))


# Thickness, filling


def test_a_thickness_is_in_the_units_of_its_graphic() -> None:
    """Table C.10-5b: pixels of the image, or fractions of the displayed area."""
    line = Graphic("POLYLINE", ((0, 0), (9, 9)), False)
    for scale, thickness, width in [(1, 3.0, 3), (4, 3.0, 12), (1, 0.1, 1), (4, 0.5, 2), (1, 0.0, 0)]:
        view = View(scale, 0, 0, 0, scale, 0, (4096, 400))
        assert width_of(line._replace(line=Style(thickness=thickness)), view) == width
    assert width_of(line, View(4, 0, 0, 0, 4, 0, (4096, 400))) == 4  # the usual one
    displayed = line._replace(displayed=True, line=Style(thickness=0.01))
    assert width_of(displayed, View(4, 0, 0, 0, 4, 0, (900, 400))) == 6  # of a side of 600
    assert width_of(line._replace(line=Style(thickness=1e30)), PLAIN) == COLUMNS


TILE = bytes(range(1, 129))
BOX = ((10.5, 7.5), (50.5, 7.5), (50.5, 50.5), (10.5, 50.5), (10.5, 7.5))


def test_a_stippled_filling_has_the_bits_of_its_pattern() -> None:
    filled = Graphic("POLYLINE", BOX, False, True, Style(thickness=0.0))
    solid = _masks(drawn(filled, PLAIN))[0][1] == 255
    tiled = filled._replace(filling=Style(WHITE, off_lab=BLACK, off_opacity=0.3, tile=TILE))
    on, off, _ = _masks(drawn(tiled, PLAIN))
    bits = np.unpackbits(np.frombuffer(TILE, np.uint8)).reshape(32, 32).astype(bool)
    everywhere = np.tile(bits, (2, 3))[:ROWS, :COLUMNS]
    assert np.array_equal(on[1] == 255, solid & everywhere)
    assert np.array_equal(off[1] == 255, solid & ~everywhere)
    assert (on[0].lab, off[0].lab, off[0].opacity) == (WHITE, BLACK, 0.3)
    assert len(_masks(drawn(tiled._replace(filling=Style(tile=TILE)), PLAIN))) == 2  # off is not drawn


# Text


def _text(style: TextStyle, value: str = "Mill", **more: Any) -> list[Mask]:
    text = Text(value, ((5, 5), (85, 55)), style=style, **more)
    return [mask for _, mask in _masks(drawn_text(text, PLAIN, False, None))]


def _middle(mask: Mask) -> tuple[float, float]:
    rows, columns = np.indices(mask.shape)
    return float((rows * mask).sum() / mask.sum()), float((columns * mask).sum() / mask.sum())


def test_vertical_alignment() -> None:
    rows = {
        side: np.nonzero(_text(TextStyle(vertical=side))[0].any(1))[0]
        for side in ("", "TOP", "CENTER", "BOTTOM")
    }
    assert np.array_equal(rows[""], rows["CENTER"])
    assert rows["TOP"].min() in range(5, 12)
    assert rows["BOTTOM"].max() in range(46, 55)
    assert rows["CENTER"].min() - rows["TOP"].min() == pytest.approx(
        rows["BOTTOM"].min() - rows["CENTER"].min(), abs=1
    )


def test_the_style_s_horizontal_alignment_counts() -> None:
    assert np.array_equal(
        _text(TextStyle(horizontal="RIGHT"))[0], _text(TextStyle(), justification="RIGHT")[0]
    )
    assert np.array_equal(
        _text(TextStyle(horizontal="LEFT"), justification="RIGHT")[0],
        _text(TextStyle(), justification="LEFT")[0],
    )


def test_underlined() -> None:
    """All columns of the text have a line below its letters."""
    plain, lined = _text(TextStyle())[0], _text(TextStyle(underlined=True))[0]
    bottom = np.nonzero(plain.any(1))[0].max()
    assert np.array_equal(lined[: bottom + 1], plain[: bottom + 1])
    columns = np.nonzero(plain.any(0))[0]
    below = lined[bottom + 1 :]
    assert (below.max(0)[columns.min() : columns.max() + 1] == 255).all()
    assert 1 <= below.any(1).sum() <= 2


def test_bold() -> None:
    plain, bold = (
        _text(TextStyle(horizontal="CENTER"))[0],
        _text(TextStyle(horizontal="CENTER", bold=True))[0],
    )
    assert 1.3 < bold.sum() / plain.sum() < 1.7
    assert _middle(bold) == pytest.approx(_middle(plain), abs=0.4)


@pytest.mark.parametrize("size", [9, 12, 20, 37])
@pytest.mark.parametrize("value", ["Mill", "jaw", "Text"])
def test_a_line_alone_is_nowhere_cut(value: str, size: int) -> None:
    """Its image is as wide as it is, so that alignment does nothing."""
    for look in (fonts.Look(None, bold, italic) for bold in (False, True) for italic in (False, True)):
        pieces = [
            np.asarray(fonts.lettering(value, size, side, look)) for side in ("left", "center", "right")
        ]
        assert np.array_equal(pieces[0], pieces[1])
        assert np.array_equal(pieces[0], pieces[2])
        wider = np.asarray(fonts.lettering(value + "\n" + 40 * "M", size, "left", look))
        assert wider[: pieces[0].shape[0]].sum() == pieces[0].sum()


def test_italic_letters_lean_to_the_right_line_by_line() -> None:
    mask = _text(TextStyle(italic=True), "I\nI")[0].astype(float)
    rows = np.nonzero(mask.any(1))[0]
    gap = int(np.argmax(np.diff(rows)))
    starts = []
    for line in (rows[: gap + 1], rows[gap + 1 :]):
        columns = np.array([(mask[row] * np.arange(COLUMNS)).sum() / mask[row].sum() for row in line])
        lean = np.polyfit(line, columns, 1)[0]
        assert lean == pytest.approx(-math.tan(math.radians(12)), abs=0.04)
        starts.append(columns[-1])
    assert starts[0] == pytest.approx(starts[1], abs=0.6)


@pytest.mark.parametrize("style", [TextStyle(), TextStyle(bold=True, italic=True, underlined=True)])
def test_shadows_of_text(style: TextStyle) -> None:
    shadow, letters = _text(style._replace(shadow=_shadow(4, 2)))
    assert np.array_equal(shadow, np.roll(letters, (2, 4), (0, 1)))
    around, letters = _text(style._replace(shadow=_shadow(0, 3, outlined=True)))
    assert not np.any(_around(letters > 200, 1.9) & (around < 128))
    assert not np.any((around > 128) & ~_around(letters > 0, 4.5))


def test_text_that_was_turned_has_its_shadow_down_and_right() -> None:
    style = TextStyle(shadow=_shadow(4, 2), bold=True)
    turned = Text("Mill", ((60, 5), (40, 55)), style=style)
    (_, shadow), (_, letters) = _masks(drawn_text(turned, PLAIN, False, None))
    assert np.array_equal(shadow, np.roll(letters, (2, 4), (0, 1)))
    assert np.ptp(np.argwhere(letters)[:, 0]) > np.ptp(np.argwhere(letters)[:, 1])


def test_families(monkeypatch: pytest.MonkeyPatch) -> None:
    text = Text("Mill", ((5, 5), (85, 55)))
    serif = text._replace(style=TextStyle(family="serif"))
    named = text._replace(style=TextStyle(family="sans-serif", font="Arial"))
    assert fonts.oddities(text, None, fonts.font_for("Mill", None)) == []
    assert fonts.oddities(named, None, None) == [
        "text that is to be in Arial (sans-serif) was drawn in the built-in sans-serif font"
    ]
    assert fonts.oddities(named, "some.ttf", None) == []
    fonts.font_for.cache_clear()
    monkeypatch.setattr(fonts, "_FAMILIES", {"serif": ("no font of this name.ttf",)})
    assert fonts.font_for("Mill", None, "serif") is None
    assert fonts.oddities(serif, None, None) == [
        "text that is to be in (serif) was drawn in the built-in sans-serif font"
    ]
    # One that is there, and has the letters.
    pillow = Path(__file__)
    monkeypatch.setattr(fonts, "lacking", lambda value, path: "" if path != str(pillow) else value)
    monkeypatch.setattr(fonts, "_FAMILIES", {"serif": (str(pillow), "other.ttf")})
    fonts.font_for.cache_clear()
    assert fonts.font_for("Mill", None, "serif") == "other.ttf"
    assert fonts.oddities(serif, None, "other.ttf") == []
    assert fonts.font_for("Mill", "of the user.ttf", "serif") == "of the user.ttf"
    fonts.font_for.cache_clear()


# From the file to the picture


def _shadow_elements(style: str, x: float, y: float, opacity: float = 1.0) -> list[Element]:
    return [
        Element(0x00700244, "CS", style),
        Element(0x00700245, "FL", x),
        Element(0x00700246, "FL", y),
        Element(0x00700247, "US", RED),
        Element(0x00700258, "FL", opacity),
    ]


def _style(tag: int, *elements: Element) -> Element:
    return sequence(tag, sorted(elements, key=lambda element: element.tag))


def test_styles_are_read() -> None:
    line = _style(
        0x00700232,
        Element(0x00700251, "US", WHITE),
        Element(0x00700252, "US", RED),
        Element(0x00700253, "FL", 2.5),
        Element(0x00700254, "CS", "DASHED"),
        Element(0x00700255, "UL", 0xFF00FF00),
        Element(0x00700284, "FL", 0.5),
        Element(0x00700285, "FL", 0.25),
        *_shadow_elements("OUTLINED", 1.5, -2.0, 0.75),
    )
    filling = _style(
        0x00700233,
        Element(0x00700251, "US", RED),
        Element(0x00700256, "OB", TILE),
        Element(0x00700257, "CS", "STIPPELED"),
    )
    label = _style(
        0x00700231,
        Element(0x00700227, "LO", "Helvetica"),
        Element(0x00700229, "LO", "Serif"),
        Element(0x00700241, "US", WHITE),
        Element(0x00700242, "CS", "RIGHT"),
        Element(0x00700243, "CS", "TOP"),
        Element(0x00700248, "CS", "Y"),
        Element(0x00700249, "CS", "N"),
        Element(0x00700250, "CS", "Y"),
        *_shadow_elements("NORMAL", 0.5, 0.25),
    )
    one = graphic("POLYLINE", [0, 0, 0.5, 0, 0.5, 0.5, 0, 0], line, filling, units="DISPLAY", filled="Y")
    two = states.text("a", [0, 0, 9, 9], [1, 1], label)
    red = (RED[0], RED[1], RED[2])
    found = parsed(*states.drawn(annotation([one], [two])))
    (item,) = found.annotations
    # A thickness of 2.5 displayed areas cannot be meant.
    assert item.graphics[0].line == Style(
        WHITE, 0.5, None, red, 0.25, 0xFF00FF00, b"", Shadow((1.5, -2.0), True, True, red, 0.75)
    )
    assert item.graphics[0].filling == Style(red, tile=TILE)
    assert item.texts[0].style == TextStyle(
        WHITE,
        "Helvetica",
        "serif",
        "RIGHT",
        "TOP",
        True,
        False,
        True,
        Shadow((0.5, 0.25), False, False, red, 1.0),
    )
    assert [message for _, message in found.odd] == [
        "a line as thick as the displayed area was drawn in the usual width"
    ]


def test_a_text_s_shadow_has_the_units_of_its_anchor() -> None:
    label = _style(0x00700231, *_shadow_elements("NORMAL", 0.5, 0.25))
    anchored = [
        Element(0x00700004, "CS", "DISPLAY") if e.tag == 0x00700004 else e
        for e in states.text("a", [0, 0, 9, 9], [0.5, 0.5], label)
    ]
    boxed = states.text("a", [0, 0, 9, 9], None, label)
    texts = parsed(*states.drawn(annotation(texts=[anchored, boxed]))).annotations[0].texts
    assert [text.style.shadow.displayed for text in texts if text.style.shadow] == [True, False]


def test_what_is_not_known_of_styles_is_told() -> None:
    line = _style(0x00700232, Element(0x00700254, "CS", "DASHED"), Element(0x00700244, "CS", "GLOW"))
    filling = _style(0x00700233, Element(0x00700256, "OB", b"12"), Element(0x00700257, "CS", "STIPPELED"))
    label = _style(0x00700231, Element(0x00700242, "CS", "JUSTIFY"), Element(0x00700243, "CS", "BASE"))
    found = parsed(
        *states.drawn(
            annotation(
                [graphic("POLYLINE", [0, 0, 5, 0, 5, 5, 0, 0], line, filling, filled="Y")],
                [states.text("a", [0, 0, 9, 9], None, label)],
            )
        )
    )
    assert [message for _, message in found.odd] == [
        "Shadow Style GLOW is not known: no shadow was drawn",
        "a dashed line without a Line Pattern was drawn solid",
        "a Fill Pattern has 2 bytes, not 128: the filling was drawn solid",
        "Horizontal Alignment JUSTIFY of a text is not known, and was left out",
        "Vertical Alignment BASE of a text is not known, and was left out",
    ]


def test_the_picture(tmp_path: Path) -> None:
    """Shadows lie under all lines of their layer, with their opacity, and over the layers below."""
    shadowed = _style(0x00700232, Element(0x00700251, "US", WHITE), *_shadow_elements("NORMAL", 0, 2, 0.5))
    lines = [graphic("POLYLINE", [2.5, y, 17.5, y], shadowed) for y in (7.5, 5.5)]
    dashed = _style(
        0x00700232,
        Element(0x00700251, "US", WHITE),
        Element(0x00700252, "US", RED),
        Element(0x00700254, "CS", "DASHED"),
        Element(0x00700255, "UL", 0x00FF),
    )
    below = annotation([graphic("POLYLINE", [0.5, 9.5, 31.5, 9.5], dashed)], name="B")
    path = tmp_path / "a.pre"
    drawing = states.drawn(annotation(lines), below, layers=[layer("L", 2), layer("B", 1)])
    path.write_bytes(state(*drawing))
    with fastdcm.open(referenced(bytes(32 * 16), rows=16, columns=32)) as image:
        found = image.render(presentation_state=path).astype(int)
        assert not image.notices
    assert np.array_equal(found[5, 2:18], np.full((16, 3), 255))
    assert np.array_equal(found[7, 2:18], np.full((16, 3), 255))  # not under the shadow of the other line
    assert not found[6].any()
    on = np.arange(32) % 16 < 8
    assert (found[9, 18:][on[18:]] == 255).all()
    assert np.abs(found[9, 18:][~on[18:]] - (255, 0, 0)).max() <= 2
    # Half of the shadow's red over the white dashes.
    assert np.abs(found[9, 2:8] - (255, 128, 128)).max() <= 2
