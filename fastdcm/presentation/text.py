"""Text objects (PS3.3 C.10.5.1.1), drawn by Pillow.

Font and size are the renderer's. Text is upright, but for a bounding box that a rotation has turned, in which
it runs from the corner that was the top left one to the other.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from fastdcm.errors import OptionError
from fastdcm.presentation.graphics import line_width, whole_pixel
from fastdcm.presentation.placing import View
from fastdcm.presentation.state import Point, Text

#: The height of letters by the shorter side of the image, where no box bounds it; and the least in pixels.
_BY_SIDE, _LEAST = 1 / 40, 9
#: Boxes often are larger than their text: it grows to so much of that height.
_LARGEST = 2.0
_ALIGNED = {"LEFT": "left", "CENTER": "center", "RIGHT": "right"}
_TURNS = {(1, 1): 0, (-1, 1): 90, (-1, -1): 180, (1, -1): 270}


@lru_cache(maxsize=32)
def font_of(path: str | None, size: int) -> Any:
    """A font of this size in pixels; None is Pillow's own. Raises `OptionError` where it cannot be used."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)
    except OSError as error:
        raise OptionError(f"annotation font {path}: {error}") from error


#: Fonts of many systems, for letters that Pillow's own font has not; Pillow knows where they lie.
_OTHER_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "msgothic.ttc",
)


@lru_cache(maxsize=256)
def font_for(value: str, path: str | None) -> str | None:
    """The font for a text: the one that is named; else Pillow's own, or one of the system with its letters.

    None is Pillow's own, which has little beyond ASCII.
    """
    if path is not None or not lacking(value, None):
        return path
    for name in _OTHER_FONTS:
        try:
            if not lacking(value, name):
                return name
        except OptionError:
            continue  # not on this system
    return None


@lru_cache(maxsize=256)
def lacking(value: str, path: str | None) -> str:
    """The letters of a text for which a font has no glyph."""
    font = font_of(path, 32)
    none = bytes(font.getmask("\U0010fffe"))
    letters = sorted({letter for letter in value if letter.isprintable() and not letter.isspace()})
    return "".join(letter for letter in letters if bytes(font.getmask(letter)) == none)


def write(canvas: Any, text: Text, view: View, flipped: bool, font_path: str | None) -> None:
    """Draw a text, and its anchor point where it is visible, onto a Pillow image of one channel."""
    from PIL import ImageDraw

    anchor = None
    if text.anchor is not None:
        anchor = view.of_area(text.anchor) if text.anchor_displayed else view.of_image(text.anchor)
    usual = max(min(view.size) * _BY_SIDE, _LEAST)
    if text.box is not None:
        first, last = (view.of_area(p) if text.box_displayed else view.of_image(p) for p in text.box)
        covered = _in_box(canvas, text, (first, last), _turn(first, last, flipped), usual, font_path)
    else:
        assert anchor is not None  # `drawings` leaves out what has neither
        covered = _at_anchor(canvas, text, anchor, usual, font_path)
    if text.anchor_visible and anchor is not None:
        pen, width = ImageDraw.Draw(canvas), line_width(view.size)
        x, y = whole_pixel(anchor)
        if text.box is not None:
            left, upper, right, lower = covered
            nearest = min(max(x, left), right), min(max(y, upper), lower)
            pen.line((nearest, (x, y)), fill=255, width=width)
        arm = 3 * width
        pen.line((x - arm, y, x + arm, y), fill=255, width=width)
        pen.line((x, y - arm, x, y + arm), fill=255, width=width)


Box = tuple[int, int, int, int]


def _turn(first: Point, last: Point, flipped: bool) -> int:
    """How far a box was turned, clockwise. One that was flipped shows its text upright, not mirrored."""
    if flipped:
        return 0
    return _TURNS[1 if last[0] >= first[0] else -1, 1 if last[1] >= first[1] else -1]


def _in_box(
    canvas: Any, text: Text, corners: tuple[Point, Point], turn: int, usual: float, font_path: str | None
) -> Box:
    (x0, y0), (x1, y1) = corners
    left, right, upper, lower = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    wide, high = right - left, lower - upper
    along, across = (high, wide) if turn in (90, 270) else (wide, high)
    size = _fitting(text.value, along, across, usual, font_path)
    piece = _lettering(text.value, size, _ALIGNED.get(text.justification, "left"), font_path)
    # Where the text begins within the box, along its own direction; in the middle of it across.
    spare = along - piece.width
    start = {"CENTER": spare / 2, "RIGHT": spare}.get(text.justification, 0.0)
    start = min(max(start, 0.0), max(spare, 0.0))
    over = (across - piece.height) / 2
    turned = piece.rotate(-turn, expand=True) if turn else piece
    x, y = {
        0: (left + start, upper + over),
        90: (right - over - turned.width, upper + start),
        180: (right - start - turned.width, lower - over - turned.height),
        270: (left + over, lower - start - turned.height),
    }[turn]
    return _put(canvas, turned, x, y)


def _at_anchor(canvas: Any, text: Text, anchor: Point, usual: float, font_path: str | None) -> Box:
    """To the right of the anchor point, at its height; the standard leaves it open."""
    piece = _lettering(text.value, round(usual), "left", font_path)
    gap = usual / 2 if text.anchor_visible else 0.0
    return _put(canvas, piece, anchor[0] + gap, anchor[1] - piece.height / 2)


def _put(canvas: Any, piece: Any, x: float, y: float) -> Box:
    """Paste, moved into the image where a part would lie outside: it shall be displayed (C.10.5.1.1)."""
    left, upper = whole_pixel((x + 0.5, y + 0.5))
    if -piece.width < left < canvas.width and -piece.height < upper < canvas.height:
        left = max(0, min(left, canvas.width - piece.width))
        upper = max(0, min(upper, canvas.height - piece.height))
    # What was drawn before in the same color stays.
    canvas.paste(255, (left, upper), piece)
    return left, upper, left + piece.width, upper + piece.height


@lru_cache(maxsize=256)
def _fitting(value: str, along: float, across: float, usual: float, font_path: str | None) -> int:
    """The largest size of letters that a box holds, within reason."""
    tried = 64
    wide, high, _ = _extent(value, tried, font_path)
    size: int = math.floor(min(along / wide, across / high) * tried)
    size = max(_LEAST, min(size, round(usual * _LARGEST)))
    # Small letters are a little wider than in proportion.
    while size > _LEAST and _extent(value, size, font_path)[0] > along:
        size -= 1
    return size


def _extent(value: str, size: int, font_path: str | None) -> tuple[int, int, int]:
    """Columns and rows that lines of text need, and how far letters reach to the left of their start."""
    font = font_of(font_path, size)
    ascent, descent = font.getmetrics()
    boxes = [font.getbbox(line) for line in value.split("\n")]
    left = min(0, *(math.floor(box[0]) for box in boxes))
    right = max(math.ceil(box[2]) for box in boxes)
    return max(1, right - left), max(1, (ascent + descent) * len(boxes)), -left


def _lettering(value: str, size: int, align: str, font_path: str | None) -> Any:
    """Lines of text as a Pillow image, as high as the font makes them."""
    from PIL import Image, ImageDraw

    font, lines = font_of(font_path, size), value.split("\n")
    width, height, left = _extent(value, size, font_path)
    piece = Image.new("L", (width, height))
    pen = ImageDraw.Draw(piece)
    for number, line in enumerate(lines):
        spare = width - font.getlength(line)
        start = {"center": spare / 2, "right": spare}.get(align, 0.0)
        pen.text((start + left, number * height / len(lines)), line, fill=255, font=font)
    return piece
