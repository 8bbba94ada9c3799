"""Where the pixels of a picture come from: its region, turns, size and place, as whole numbers.

The order is that of `fastdcm.options.GeometryOptions`.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.model import Region
from fastdcm.options import GeometryOptions

Array = NDArray[Any]
#: Millimetres from pixel to pixel: down a column, along a row.
Spacing = tuple[Fraction, Fraction]


class Arrangement(NamedTuple):
    """How a picture is made of a frame: ``region`` of its ``shape`` is turned clockwise, then mirrored, then
    ``resized``, then put onto a canvas with its upper left pixel at ``offset``, which is negative where it
    stands out. Shapes are (rows, columns), the offset is (down, right).
    """

    shape: tuple[int, int]
    region: Region
    rotate: int
    flip: str | None
    resized: tuple[int, int]
    offset: tuple[int, int]
    canvas: tuple[int, int]

    @property
    def unturned_sides(self) -> tuple[int, int]:
        """(rows, columns) that the frame is resized to, where that is done before it is turned."""
        return unturned(self.resized, self.rotate)

    @property
    def takes_all(self) -> bool:
        """Whether the picture shows all of the frame."""
        return (self.region.height, self.region.width) == self.shape

    @property
    def is_whole(self) -> bool:
        """Whether the picture has all of what is resized, and nothing else."""
        return self.resized == self.canvas

    @property
    def is_identity(self) -> bool:
        """Whether the picture is the frame as it is."""
        same = self.shape == self.resized == self.canvas == (self.region.height, self.region.width)
        return same and not self.rotate and self.flip is None


@lru_cache(maxsize=256)
def arrangement(
    shape: tuple[int, int],
    options: GeometryOptions,
    aspect: Fraction | None = None,
    spacing: Spacing | None = None,
) -> Arrangement:
    """That of a frame of this shape, (rows, columns), by options whose ``crop`` is a region or None.

    ``aspect`` is how many times as high as wide the frame's pixels are, where that is to be undone;
    ``spacing`` is theirs, where another is asked for. Raises `RenderError` where the picture does not fit.
    """
    rows, columns = shape
    crop = options.crop
    assert not isinstance(crop, str)
    region = Region(0, 0, columns, rows) if crop is None else crop
    if region.y + region.height > rows or region.x + region.width > columns:
        raise RenderError(
            f"the region {','.join(map(str, region))} (x, y, width, height) is not all in the image, "
            f"which is {columns} x {rows} (width x height)"
        )
    upright = unturned((region.height, region.width), options.rotate)
    if options.rotate in (90, 270):
        aspect = None if aspect is None else 1 / aspect
        spacing = None if spacing is None else spacing[::-1]
    sides = resized(upright, options, aspect, spacing)
    canvas = sides if options.fit == "inside" else box_of(options)
    if options.fit == "pad" and (sides[0] > canvas[0] or sides[1] > canvas[1]):
        raise RenderError(
            f"at this spacing the image has {sides[1]} x {sides[0]} pixels, which are more than the size of "
            f"{canvas[1]} x {canvas[0]} has: ask for a larger size or spacing, or for fit crop"
        )
    offset = (canvas[0] - sides[0]) // 2, (canvas[1] - sides[1]) // 2
    return Arrangement(shape, region, options.rotate, options.flip, sides, offset, canvas)


def resized(
    shape: tuple[int, ...],
    options: GeometryOptions,
    aspect: Fraction | None = None,
    spacing: Spacing | None = None,
) -> tuple[int, int]:
    """(rows, columns) of a picture of this shape by ``aspect``, ``size``, ``scale`` and ``spacing`` of the
    options; of one that is padded or cut off afterwards, before that.

    Computed in fractions, rounded half up, at least 1; a side that decides is the size that was asked for.
    """
    height, width = Fraction(shape[0]), Fraction(shape[1])
    if options.spacing is not None:
        assert spacing is not None
        wanted = [Fraction(str(float(distance))) for distance in options.spacing]
        return _whole(height * spacing[0] / wanted[0]), _whole(width * spacing[1] / wanted[1])
    if options.fit == "stretch":
        return box_of(options)
    if aspect is not None and aspect > 1:
        height *= aspect
    elif aspect is not None:
        width /= aspect
    factor = Fraction(1)
    if options.scale is not None:
        factor = Fraction(str(float(options.scale)))
    elif options.size is not None:
        box = box_of(options)
        if options.fit == "crop":
            factor = max(box[0] / height, box[1] / width)
        else:
            fitting = min(box[0] / height, box[1] / width)
            factor = fitting if options.enlarge or options.fit == "pad" else min(fitting, factor)
    return _whole(height * factor), _whole(width * factor)


def box_of(options: GeometryOptions) -> tuple[int, int]:
    """The size of the options as (rows, columns)."""
    assert options.size is not None
    return options.size if isinstance(options.size, tuple) else (options.size, options.size)


def unturned(sides: tuple[int, int], rotate: int) -> tuple[int, int]:
    """(rows, columns) of what is turned by so many degrees, before that."""
    return sides[::-1] if rotate in (90, 270) else sides


def turned(pixels: Array, rotate: int, flip: str | None) -> Array:
    """Turned clockwise by so many degrees, then mirrored; a view."""
    if rotate:
        pixels = np.rot90(pixels, -rotate // 90)
    if flip is not None:
        pixels = pixels[::-1] if flip == "v" else pixels[:, ::-1]
    return pixels


def on_canvas(pixels: Array, arranged: Arrangement, background: Any = 0) -> Array:
    """What was resized, (rows, columns[, samples]), put onto its canvas, the rest of which is background."""
    if arranged.is_whole:
        return pixels
    (top, left), (rows, columns) = arranged.offset, arranged.canvas
    high, wide = pixels.shape[:2]
    down, across = slice(max(top, 0), min(top + high, rows)), slice(max(left, 0), min(left + wide, columns))
    canvas: Array = np.empty((rows, columns, *pixels.shape[2:]), pixels.dtype)
    canvas[...] = background
    canvas[down, across] = pixels[
        down.start - top : down.stop - top, across.start - left : across.stop - left
    ]
    return canvas


def _whole(side: Fraction) -> int:
    return max(1, int(side + Fraction(1, 2)))
