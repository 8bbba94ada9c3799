"""Text objects (PS3.3 C.10.5.1.1), drawn by Pillow.

Size and place beyond what a state says are the renderer's. Text is upright, but for a bounding box that a
rotation has turned, in which it runs from the corner that was the top left one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from fastdcm.presentation.fonts import LEAST, Look, extent, fitting, lettering
from fastdcm.presentation.graphics import Drawn, cast, line_width, whole_pixel
from fastdcm.presentation.placing import View
from fastdcm.presentation.state import Point, Text

#: The height of letters by the shorter side of the image, where no box bounds it.
_BY_SIDE = 1 / 40
#: Boxes often are larger than their text: it grows to so much of that height.
_LARGEST = 2.0
_ALIGNED = {"LEFT": "left", "CENTER": "center", "RIGHT": "right"}
#: How much of the space that is left lies before the text.
_BEFORE = {"CENTER": 0.5, "RIGHT": 1.0, "BOTTOM": 1.0}
_TURNS = {(1, 1): 0, (-1, 1): 90, (-1, -1): 180, (1, -1): 270}


class _Place(NamedTuple):
    """Where a text comes to lie, in pixels of what is shown; ``turn`` is clockwise."""

    left: int
    upper: int
    right: int
    lower: int
    size: int
    align: str
    turn: int


def drawn(text: Text, view: View, flipped: bool, font_path: str | None) -> Iterator[Drawn]:
    """All that is drawn of a text, in this order."""
    style = text.style
    if style.shadow is not None:
        shade = partial(_shade, text=text, view=view, flipped=flipped, font_path=font_path)
        yield Drawn(shade, style.shadow.lab, style.shadow.opacity, beneath=True)
    draw = partial(write, text=text, view=view, flipped=flipped, font_path=font_path)
    yield Drawn(draw, style.lab)


def write(canvas: Any, text: Text, view: View, flipped: bool, font_path: str | None) -> None:
    """Draw a text, and its anchor point where it is visible, onto a Pillow image of one channel."""
    from PIL import ImageDraw

    look, anchor = _look(text, font_path), _anchor(text, view)
    place = _place(text, look, view, flipped)
    _put(canvas, _letters(text, look, place), place)
    if text.anchor_visible and anchor is not None:
        pen, width = ImageDraw.Draw(canvas), line_width(view.size)
        x, y = whole_pixel(anchor)
        if text.box is not None:
            nearest = min(max(x, place.left), place.right), min(max(y, place.upper), place.lower)
            pen.line((nearest, (x, y)), fill=255, width=width)
        arm = 3 * width
        pen.line((x - arm, y, x + arm, y), fill=255, width=width)
        pen.line((x, y - arm, x, y + arm), fill=255, width=width)


def _shade(canvas: Any, text: Text, view: View, flipped: bool, font_path: str | None) -> None:
    """Draw the shadow of a text's letters; around them it reaches no farther than they are high."""
    if (shadow := text.style.shadow) is None:
        return
    look = _look(text, font_path)
    place = _place(text, look, view, flipped)
    moved, grown = cast(shadow, view)
    _put(canvas, _letters(text, look, place, min(grown, place.size)), place, moved)


def _look(text: Text, font_path: str | None) -> Look:
    style = text.style
    return Look(font_path, style.bold, style.italic, style.underlined)


def _letters(text: Text, look: Look, place: _Place, grown: float = 0.0) -> Any:
    piece = lettering(text.value, place.size, place.align, look, grown)
    return piece.rotate(-place.turn, expand=True) if place.turn else piece


def _put(canvas: Any, piece: Any, place: _Place, moved: Point = (0.0, 0.0)) -> None:
    """Paste letters, which may be larger than their place on all sides. What was drawn before stays."""
    x, y = whole_pixel((moved[0] + 0.5, moved[1] + 0.5))
    left = place.left + x - (piece.width - (place.right - place.left)) // 2
    upper = place.upper + y - (piece.height - (place.lower - place.upper)) // 2
    canvas.paste(255, (left, upper), piece)


def _anchor(text: Text, view: View) -> Point | None:
    if text.anchor is None:
        return None
    return view.of_area(text.anchor) if text.anchor_displayed else view.of_image(text.anchor)


def _place(text: Text, look: Look, view: View, flipped: bool) -> _Place:
    """Moved into what is shown where a part would lie outside: text shall be displayed (C.10.5.1.1)."""
    usual = max(min(view.size) * _BY_SIDE, LEAST)
    if text.box is not None:
        first, last = (view.of_area(p) if text.box_displayed else view.of_image(p) for p in text.box)
        x, y, size, align, turn = _in_box(text, (first, last), _turn(first, last, flipped), usual, look)
    else:
        anchor = _anchor(text, view)
        assert anchor is not None  # `drawings` leaves out what has neither
        size, align, turn = round(usual), "left", 0
        # To the right of the anchor point, at its height; the standard leaves it open.
        x = anchor[0] + (usual / 2 if text.anchor_visible else 0.0)
        y = anchor[1] - extent(text.value, size, look)[1] / 2
    wide, high, _ = extent(text.value, size, look)
    if turn in (90, 270):
        wide, high = high, wide
    left, upper = whole_pixel((x + 0.5, y + 0.5))
    if -wide < left < view.size[0] and -high < upper < view.size[1]:
        left = max(0, min(left, view.size[0] - wide))
        upper = max(0, min(upper, view.size[1] - high))
    return _Place(left, upper, left + wide, upper + high, size, align, turn)


def _turn(first: Point, last: Point, flipped: bool) -> int:
    """How far a box was turned, clockwise. One that was flipped shows its text upright, not mirrored."""
    if flipped:
        return 0
    return _TURNS[1 if last[0] >= first[0] else -1, 1 if last[1] >= first[1] else -1]


def _in_box(
    text: Text, corners: tuple[Point, Point], turn: int, usual: float, look: Look
) -> tuple[float, float, int, str, int]:
    """Left and upper edge, size, alignment and turn of a text in a box (C.10.5.1.3.12.1)."""
    (x0, y0), (x1, y1) = corners
    left, right, upper, lower = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    wide, high = right - left, lower - upper
    along, across = (high, wide) if turn in (90, 270) else (wide, high)
    size = fitting(text.value, along, across, round(usual * _LARGEST), look)
    horizontal = text.style.horizontal or text.justification
    align = _ALIGNED.get(horizontal, "left")
    width, height, _ = extent(text.value, size, look)
    # Where the text begins within the box, along its own direction, and across; in the middle by itself.
    start = max(along - width, 0.0) * _BEFORE.get(horizontal, 0.0)
    over = (across - height) * (_BEFORE.get(text.style.vertical, 0.0) if text.style.vertical else 0.5)
    x, y = {
        0: (left + start, upper + over),
        90: (right - over - height, upper + start),
        180: (right - start - width, lower - over - height),
        270: (left + over, lower - start - width),
    }[turn]
    return x, y, size, align, turn
