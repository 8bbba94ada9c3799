"""Display shutters (PS3.3 C.7.6.11, C.7.6.15): which pixels of the image they hide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastdcm.presentation.state import Shutter

Mask = NDArray[np.bool_]


def hidden(shutter: Shutter, shape: tuple[int, int], bitmap: Mask | None, pixel_ratio: float) -> Mask:
    """The pixels that a shutter hides, (rows, columns) of bool.

    Of several shapes together the least of the image stays visible. The edges of a rectangle, and pixels
    whose middle is on a circle, are visible. ``bitmap`` is the plane of the shutter's overlay.
    ``pixel_ratio`` is the height of a pixel by its width: a radius counts pixels along a row.
    """
    found = np.zeros(shape, np.bool_)
    row, column = np.arange(1, shape[0] + 1), np.arange(1, shape[1] + 1)
    if shutter.rectangle is not None:
        left, right, upper, lower = shutter.rectangle
        found |= ((row < upper) | (row > lower))[:, None] | ((column < left) | (column > right))[None, :]
    if shutter.circle is not None:
        middle_row, middle_column, radius = (float(part) for part in shutter.circle)
        away = ((row - middle_row) * pixel_ratio)[:, None] ** 2 + (column - middle_column)[None, :] ** 2
        found |= away > radius**2
    if shutter.polygon:
        found |= ~_inside(shutter.polygon, shape)
    if bitmap is not None:
        found |= bitmap
    return found


def _inside(vertices: tuple[tuple[int, int], ...], shape: tuple[int, int]) -> Mask:
    """Pixels in a polygon of (row, column) from 1, its edges included."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (shape[1], shape[0]))
    points = [(column - 1, row - 1) for row, column in vertices]
    ImageDraw.Draw(canvas).polygon(points, fill=1, outline=1)
    inside: Mask = np.asarray(canvas) != 0
    return inside
