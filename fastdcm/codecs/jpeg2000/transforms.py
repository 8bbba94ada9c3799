"""From a tile's coefficients to its samples: quantisation, wavelets, components (T.800 annexes E, F, G).

The values of a tile-component exist below its highest resolution level only; that one is made a few rows at a
time, which become samples while they are in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.kernels import component_transforms, wavelets

Array = NDArray[Any]

#: Of the rows that are made at a time: with what they come of, they fit a processor's second cache.
_VALUES_AT_A_TIME = 1 << 17


class Level(NamedTuple):
    """A resolution level: its area (B-14), and by what values of the one below, HL, LH and HH are multiplied.

    ``factors`` is (4,) float32, of irreversible transforms.
    """

    area: Array
    factors: Array

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.area[2] - self.area[0])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.area[3] - self.area[1])


class Depth(NamedTuple):
    """What samples are, of how many bits."""

    precision: int
    signed: bool

    @property
    def limits(self) -> tuple[int, int, int]:
        """What values are raised by (G.1.2), the least and the greatest sample."""
        half = 1 << (self.precision - 1)
        return (0, -half, half - 1) if self.signed else (half, 0, 2 * half - 1)


class Values:
    """A tile-component's values, whose highest resolution level is not made yet.

    ``plane`` are its coefficients as `fastdcm.kernels.wavelets` has them, (height, width) int32; they are
    overwritten. ``areas`` are those of its resolution levels, the lowest first, the last one being of the
    plane's size. ``steps`` are the steps of quantisation of LL, then HL, LH, HH of each level (E-3), None of
    the reversible transform.
    """

    def __init__(self, plane: Array, areas: Sequence[Area], steps: Sequence[float] | None) -> None:
        self.reversible = steps is None
        self.height, self.width = plane.shape
        self._plane = plane
        self._low = plane if self.reversible else plane.view(np.float32)
        self._step = 1.0 if steps is None else steps[0]
        above = [
            _level(area, (1.0, 1.0, 1.0) if steps is None else steps[3 * number + 1 : 3 * number + 4])
            for number, area in enumerate(areas[1:])
            if area.x0 < area.x1 and area.y0 < area.y1
        ]
        self._highest = above.pop() if above else None
        if self._highest is None:
            return
        lowest = areas[0]
        corner = np.s_[: lowest.y1 - lowest.y0, : lowest.x1 - lowest.x0]
        self._low[corner] = self._dequantized(plane[corner])
        if above:
            made = np.empty((above[-1].height, above[-1].width), self._low.dtype)
            work = self.row_work()
            for level in above:
                self._make(level, 0, level.height, work, made)
                # It makes room for the next one where the level's coefficients are no longer needed.
                self._low[: level.height, : level.width] = made[: level.height, : level.width]

    def row_work(self) -> Array:
        """Room for what a row is made of."""
        return np.empty((2, self.width // 2 + 4), self._low.dtype)

    def strip(self, rows: int) -> Array:
        """Room for so many rows at a time, as `rows` makes them."""
        return np.empty((rows + 2 * self._steps, self.width), self._low.dtype)

    def rows(self, first: int, end: int, work: Array, strip: Array) -> tuple[Array, int]:
        """Make rows ``first`` to ``end`` - 1; the int32 or float32 array they lie in, from which row on."""
        if self._highest is None:
            return self._dequantized(self._plane[first:end]), 0
        start = max(0, first - self._steps)
        self._make(self._highest, start, min(self.height, end + self._steps), work, strip)
        return strip, first - start

    @property
    def _steps(self) -> int:
        return wavelets.REVERSIBLE_STEPS if self.reversible else wavelets.IRREVERSIBLE_STEPS

    def _make(self, level: Level, first: int, end: int, work: Array, out: Array) -> None:
        if self.reversible:
            wavelets.reversible(self._low, self._plane, level.area, first, end, work, out)
        else:
            wavelets.irreversible(self._low, self._plane, level.area, level.factors, first, end, work, out)

    def _dequantized(self, doubled: Array) -> Array:
        """Coefficients of the lowest level's LL (E-6, E-8)."""
        if self.reversible:
            return (doubled + (doubled < 0)) >> 1
        return doubled.astype(np.float32) * np.float32(self._step / 2)


def _level(area: Area, steps: Sequence[float]) -> Level:
    """Scaling of the filter (F.3.8.2.1.2), which is none where a row or column is one value long (F.3.6)."""
    (low_x, high_x), (low_y, high_y) = (
        (wavelets.K, 1 / wavelets.K) if size > 1 else (1.0, 0.5)
        for size in (area.x1 - area.x0, area.y1 - area.y0)
    )
    factors = [
        low_x * low_y,
        high_x * low_y * steps[0] / 2,
        low_x * high_y * steps[1] / 2,
        high_x * high_y * steps[2] / 2,
    ]
    return Level(np.array(area, np.int64), np.array(factors, np.float32))


def rows_at_a_time(components: Sequence[Values]) -> int:
    """How many rows of these components should be made together."""
    return int(max(16, _VALUES_AT_A_TIME // (len(components) * components[0].width)))


def write_samples(
    components: Sequence[Values],
    depths: Sequence[Depth],
    columns: range,
    ranges: Iterable[range],
    out: Array,
    top: int,
    left: int,
    *,
    transformed: bool,
) -> None:
    """Make the rows in ``ranges`` of all components of a tile, and samples of their ``columns``.

    ``transformed`` where there are three, which have a component transform. out: (rows, columns, components)
    uint8 or uint16, C order, in which the tile's row 0 would be row ``top`` and its ``columns`` start at
    column ``left``; signed samples as two's complement.
    """
    count = len(components)
    flat = out.reshape(out.shape[0], -1)
    size = rows_at_a_time(components)
    room = [(each.row_work(), each.strip(size)) for each in components]
    for wanted in ranges:
        made = [
            each.rows(wanted.start, wanted.stop, *space) for each, space in zip(components, room, strict=True)
        ]
        shape = columns.start, len(wanted), len(columns)
        if transformed:
            kernel = (
                component_transforms.reversible_colours
                if components[0].reversible
                else component_transforms.irreversible_colours
            )
            values = [array for array, _ in made[:3]]
            kernel(*values, made[0][1], *shape, *depths[0].limits, flat, top + wanted.start, left * count)
            continue
        for number, (array, first) in enumerate(made):
            kernel = (
                component_transforms.whole_samples
                if components[number].reversible
                else component_transforms.real_samples
            )
            at = left * count + number
            kernel(array, first, *shape, *depths[number].limits, flat, top + wanted.start, at, count)
