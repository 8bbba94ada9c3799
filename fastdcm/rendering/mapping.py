"""Where the pixels of a picture lie in its source, so that boxes, points and masks can follow."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdcm.errors import OptionError
from fastdcm.model import Region
from fastdcm.rendering.fitting import Arrangement, on_canvas, turned
from fastdcm.rendering.resample import resampled

Array = NDArray[Any]
#: Rows of a matrix: x' = a x + b y + c, y' = d x + e y + f.
Matrix = tuple[tuple[Fraction, Fraction, Fraction], tuple[Fraction, Fraction, Fraction]]


@dataclass(frozen=True)
class Mapping:
    """The affine mapping between the pixels of a source's frame and those of a picture of it.

    Points are (x, y), x to the right and y down, from the upper left corner of the upper left pixel: edges of
    pixels are whole numbers, their centres are at halves. (Pixel [row, column] of an array has its centre at
    (column + 0.5, row + 0.5). Coordinates that count from the centre of the upper left pixel, as those of
    the Image Plane module (PS3.3 C.7.6.2) do, are less by 0.5.)

    How the picture is made: of a frame of ``source_shape`` a ``region`` (x, y, width, height) is turned
    clockwise by ``rotate`` degrees, then mirrored ("h" left to right, "v" top to bottom), then ``resized``,
    and put at ``offset`` (down, right; negative where it stands out) of a picture of ``output_shape``.
    Shapes are (rows, columns).
    """

    source_shape: tuple[int, int]
    region: Region
    rotate: int
    flip: str | None
    resized: tuple[int, int]
    offset: tuple[int, int]
    output_shape: tuple[int, int]

    @classmethod
    def of(cls, arranged: Arrangement) -> Self:
        """That of an arrangement."""
        return cls(*arranged)

    @cached_property
    def fractions(self) -> Matrix:
        """Source to output, exactly."""
        x, y, width, height = self.region
        one, zero = Fraction(1), Fraction(0)
        # Of the region, turned clockwise: its lower left corner comes to the upper left.
        turns: dict[int, list[list[Fraction]]] = {
            0: [[one, zero, zero], [zero, one, zero]],
            90: [[zero, -one, Fraction(height)], [one, zero, zero]],
            180: [[-one, zero, Fraction(width)], [zero, -one, Fraction(height)]],
            270: [[zero, one, zero], [-one, zero, Fraction(width)]],
        }
        across, down = turns[self.rotate]
        size = (width, height) if self.rotate in (0, 180) else (height, width)
        rows = []
        for axis, line in enumerate((across, down)):
            a, b, c = line[0], line[1], line[2] - line[0] * x - line[1] * y
            if self.flip == ("h", "v")[axis]:
                a, b, c = -a, -b, size[axis] - c
            factor = Fraction(self.resized[1 - axis], size[axis])
            rows.append((a * factor, b * factor, c * factor + self.offset[1 - axis]))
        return rows[0], rows[1]

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 3): output = matrix @ (x, y, 1) of the source."""
        return _as_floats(self.fractions)

    @cached_property
    def inverse(self) -> NDArray[np.float64]:
        """(2, 3): source = inverse @ (x, y, 1) of the output."""
        (a, b, c), (d, e, f) = self.fractions
        det = a * e - b * d
        return _as_floats(
            (
                (e / det, -b / det, (b * f - c * e) / det),
                (-d / det, a / det, (c * d - a * f) / det),
            )
        )

    def to_output(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points of the source, (..., 2) of x, y, in the picture; what is not in it comes to lie outside."""
        return _mapped(points, self.matrix)

    def to_source(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points of the picture, (..., 2) of x, y, in the source."""
        return _mapped(points, self.inverse)

    def boxes_to_output(self, boxes: ArrayLike) -> NDArray[np.float64]:
        """Boxes of the source, (..., 4) of left, top, right, bottom edges, in the picture; not clipped."""
        return _mapped_boxes(boxes, self.matrix)

    def boxes_to_source(self, boxes: ArrayLike) -> NDArray[np.float64]:
        """Boxes of the picture, (..., 4) of left, top, right, bottom edges, in the source."""
        return _mapped_boxes(boxes, self.inverse)

    def mask_to_output(self, mask: Array, background: Any = 0) -> Array:
        """A mask, or labels, of the source, (rows, columns[, ...]), in the picture's shape and geometry.

        Each pixel has the value in which its centre lies, ``background`` where the picture has nothing of
        the source. Raises `OptionError` for another shape than the source's.
        """
        _check_shape(mask, self.source_shape)
        x, y, width, height = self.region
        part = turned(mask[y : y + height, x : x + width], self.rotate, self.flip)
        result = on_canvas(resampled(part, *self.resized, "nearest"), self._arrangement, background)
        return result.copy() if np.may_share_memory(result, mask) else result

    def mask_to_source(self, mask: Array, background: Any = 0) -> Array:
        """A mask, or labels, of the picture in the source's shape; ``background`` where the picture ends."""
        _check_shape(mask, self.output_shape)
        x, y, width, height = self.region
        back = self._arrangement._replace(
            offset=(-self.offset[0], -self.offset[1]), resized=self.output_shape, canvas=self.resized
        )
        part = on_canvas(mask, back, background)
        sides = (height, width) if self.rotate in (0, 180) else (width, height)
        part = resampled(part, *sides, "nearest")
        # What was mirrored last is mirrored back first.
        part = turned(turned(part, 0, self.flip), -self.rotate, None)
        result = np.empty((*self.source_shape, *mask.shape[2:]), mask.dtype)
        result[...] = background
        result[y : y + height, x : x + width] = part
        return result

    @property
    def _arrangement(self) -> Arrangement:
        return Arrangement(
            self.source_shape,
            self.region,
            self.rotate,
            self.flip,
            self.resized,
            self.offset,
            self.output_shape,
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it; `from_dict` gives the same mapping. The matrices are for those who have no use for
        the rest.
        """
        return {
            "source_shape": list(self.source_shape),
            "region": list(self.region),
            "rotate": self.rotate,
            "flip": self.flip,
            "resized": list(self.resized),
            "offset": list(self.offset),
            "output_shape": list(self.output_shape),
            "to_output": self.matrix.tolist(),
            "to_source": self.inverse.tolist(),
        }

    @classmethod
    def from_dict(cls, known: Dictionary[str, Any]) -> Self:
        """The mapping of `as_dict`."""
        try:
            return cls(
                _pair(known["source_shape"]),
                Region(*map(int, known["region"])),
                int(known["rotate"]),
                known["flip"],
                _pair(known["resized"]),
                _pair(known["offset"]),
                _pair(known["output_shape"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise OptionError(f"that is no mapping as as_dict gives it: {error!r}") from None


def _pair(values: Any) -> tuple[int, int]:
    first, second = values
    return int(first), int(second)


def _as_floats(matrix: Matrix) -> NDArray[np.float64]:
    found = np.array([[float(value) for value in row] for row in matrix])
    found.flags.writeable = False
    return found


def _mapped(points: ArrayLike, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.asarray(points, np.float64)
    if known.shape[-1:] != (2,):
        raise OptionError(f"points are (..., 2) of x, y, not of shape {known.shape}")
    mapped: NDArray[np.float64] = known @ matrix[:, :2].T + matrix[:, 2]
    return mapped


def _mapped_boxes(boxes: ArrayLike, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.asarray(boxes, np.float64)
    if known.shape[-1:] != (4,):
        raise OptionError(f"boxes are (..., 4) of left, top, right, bottom, not of shape {known.shape}")
    corners = _mapped(known.reshape(*known.shape[:-1], 2, 2), matrix)
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1)


def _check_shape(mask: Array, shape: tuple[int, int]) -> None:
    if mask.shape[:2] != shape:
        raise OptionError(f"the mask is {mask.shape[:2]} (rows, columns), and should be {shape}")
