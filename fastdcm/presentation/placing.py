"""Where pixels of the image come to lie: rotation and flip (PS3.3 C.10.6), displayed area (C.10.4)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.presentation.state import Area, Point
from fastdcm.rendering.resample import resampled

Array = NDArray[Any]


class View(NamedTuple):
    """From places in the image to places in what is shown: x' = a x + b y + c, y' = d x + e y + f.

    Places are (x, y) of 0.0, 0.0 at the upper left corner of the first pixel. ``size`` is (columns, rows) of
    what is shown.
    """

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float
    size: tuple[int, int]

    def of_image(self, point: Point) -> Point:
        """A place in the image, in pixels."""
        x, y = point
        return self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f

    def of_area(self, point: Point) -> Point:
        """A place in fractions of the displayed area."""
        return point[0] * self.size[0], point[1] * self.size[1]

    def unit(self, displayed: bool) -> Point:
        """How many pixels of what is shown a pixel of the image has across and down; or all of it."""
        if displayed:
            return float(self.size[0]), float(self.size[1])
        return abs(self.a) + abs(self.b), abs(self.d) + abs(self.e)

    def scaled(self, columns: int, rows: int) -> View:
        """The same where what is shown was resized."""
        x, y = columns / self.size[0], rows / self.size[1]
        return View(self.a * x, self.b * x, self.c * x, self.d * y, self.e * y, self.f * y, (columns, rows))


class Placing(NamedTuple):
    """What is done to place an image: turned, cut to a box of the turned image, resized.

    ``box`` is (left, upper, right, lower) in pixels, and may go beyond the image, where black is shown.
    """

    rotation: int
    flip: bool
    box: tuple[int, int, int, int]
    view: View


def plan_placing(
    shape: tuple[int, int],
    rotation: int,
    flip: bool,
    area: Area | None,
    display_spacing: float | None,
    max_pixels: int,
) -> Placing:
    """How an image of this shape is placed.

    ``display_spacing`` is the size of the output's pixels in mm, for TRUE SIZE. Raises `RenderError` where
    what is shown would have more than ``max_pixels``.
    """
    turned = _turn(shape, rotation, flip)
    columns, rows = turned.size
    left, upper, right, lower = 0, 0, columns, rows
    x_scale = y_scale = 1.0
    if area is not None:
        # Its corners are pixels of the image. After the turn they are the top left and bottom right ones, or
        # were meant to be: a box it is anyway.
        corners = [
            turned.of_image((column - edge, row - edge))
            for column, row in (area.top_left, area.bottom_right)
            for edge in (0, 1)
        ]
        left, right = round(min(x for x, _ in corners)), round(max(x for x, _ in corners))
        upper, lower = round(min(y for _, y in corners)), round(max(y for _, y in corners))
        x_scale, y_scale = _scales(area, rotation, display_spacing)
    wide, high = right - left, lower - upper
    size = max(1, round(wide * x_scale)), max(1, round(high * y_scale))
    if max(size[0] * size[1], wide * high) > max_pixels:
        raise RenderError(
            f"the displayed area has {size[1]} x {size[0]} pixels; more than {max_pixels} are not shown"
        )
    moved = turned._replace(c=turned.c - left, f=turned.f - upper, size=(wide, high))
    return Placing(rotation, flip, (left, upper, right, lower), moved.scaled(*size))


def placed(pixels: Array, placing: Placing) -> Array:
    """An image, (rows, columns[, 3]) of uint8 or uint16, or of bool, placed; itself where nothing changes.

    Of bool, what is resized is uint8: how much of each pixel is covered, 255 all of it.
    """
    pixels = np.rot90(pixels, -placing.rotation // 90)
    if placing.flip:
        pixels = pixels[:, ::-1]
    pixels = _cut(pixels, placing.box)
    columns, rows = placing.view.size
    if pixels.dtype == np.bool_ and pixels.shape[:2] != (rows, columns):
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    # By area along an axis that shrinks, linear along one that grows.
    return resampled(pixels, rows, columns, None)


def _turn(shape: tuple[int, int], rotation: int, flip: bool) -> View:
    """Clockwise, then from left to right (C.10.6)."""
    rows, columns = shape
    match rotation:
        case 90:
            view = View(0, -1, rows, 1, 0, 0, (rows, columns))
        case 180:
            view = View(-1, 0, columns, 0, -1, rows, (columns, rows))
        case 270:
            view = View(0, 1, 0, -1, 0, columns, (rows, columns))
        case _:
            view = View(1, 0, 0, 0, 1, 0, (columns, rows))
    if flip:
        view = view._replace(a=-view.a, b=-view.b, c=view.size[0] - view.c)
    return view


def _scales(area: Area, rotation: int, display_spacing: float | None) -> tuple[float, float]:
    """How much larger the columns and rows of the turned image become."""
    height, width = area.pixel_size
    if rotation in (90, 270):
        height, width = width, height
    if area.mode == "TRUE SIZE" and display_spacing is not None:
        return width / display_spacing, height / display_spacing
    # Pixels become square, by making them larger: nothing of the image gets lost (C.10.4).
    least = min(height, width)
    factor = area.magnification if area.mode == "MAGNIFY" else 1.0
    return factor * width / least, factor * height / least


def _cut(pixels: Array, box: tuple[int, int, int, int]) -> Array:
    left, upper, right, lower = box
    rows, columns = pixels.shape[:2]
    if (left, upper, right, lower) == (0, 0, columns, rows):
        return pixels
    inside = pixels[max(0, upper) : max(0, lower), max(0, left) : max(0, right)]
    if left >= 0 and upper >= 0 and right <= columns and lower <= rows:
        return inside
    wider = np.zeros((lower - upper, right - left, *pixels.shape[2:]), pixels.dtype)
    top, first = max(0, -upper), max(0, -left)
    wider[top : top + inside.shape[0], first : first + inside.shape[1]] = inside
    return wider
