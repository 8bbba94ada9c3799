"""From a tile's coefficients to its samples: quantisation, wavelets, components (T.800 annexes E, F, G).

The values of a tile-component exist below its highest resolution level only; that one is made a few rows at a
time, which become samples while they are in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.kernels import highest_levels, wavelets

Array = NDArray[Any]

#: Of the rows that are made at a time: with what they come of, they fit a processor's second cache.
_VALUES_AT_A_TIME, _LEAST_ROWS = 1 << 15, 16

_NO_BYTES, _NO_WORDS = np.empty((0, 0), np.uint8), np.empty((0, 0), np.uint16)


class Depth(NamedTuple):
    """What samples are, of how many bits."""

    precision: int
    signed: bool

    @property
    def limits(self) -> tuple[int, int, int]:
        """What values are raised by (G.1.2), the least and the greatest sample."""
        half = 1 << (self.precision - 1)
        return (0, -half, half - 1) if self.signed else (half, 0, 2 * half - 1)


class _Levels(NamedTuple):
    """The levels of a tile-component: the highest, and those with samples between it and the lowest.

    ``area`` is (4,) int64 (B-14), of the highest; ``factors`` is (1, 5) float32: by what values of the level
    below it and coefficients of HL, LH and HH are multiplied, and those of LL. ``areas`` and ``all_factors``
    are (n, 4) and (n, 5), of those below. ``lowest`` is width and height of LL.
    """

    area: Array
    factors: Array
    areas: Array
    all_factors: Array
    lowest: tuple[int, int]


class Values:
    """A tile-component's values, all but those of its highest resolution level.

    ``plane`` are its coefficients as `fastdcm.kernels.wavelets` has them, (height, width) int32; ``areas``
    are those of its levels from the lowest on (B-14), the last of which has samples; ``steps`` those of its
    sub-bands, LL and then three a level (E-3), of an irreversible one. The level below the highest one takes
    the place of the coefficients that it came of, at the plane's top left: int32, or float32 by its bits.
    """

    def __init__(self, plane: Array, areas: Sequence[Area], steps: Sequence[float] | None) -> None:
        self.reversible = steps is None
        levels = _levels(tuple(areas), None if steps is None else tuple(steps))
        self.area, self.factors = levels.area, levels.factors
        self.decomposed = len(areas) > 1
        if not self.decomposed:
            return
        x0, y0, x1, y1 = areas[-2]
        kind = np.int32 if self.reversible else np.float32
        rooms = [np.empty((max(1, y1 - y0), max(1, x1 - x0)), kind) for _ in range(2)]
        work = np.empty((2, (x1 - x0) // 2 + 4), kind)
        if self.reversible:
            last = wavelets.reversible_levels(plane, *levels.lowest, levels.areas, work, *rooms)
        else:
            scale = float(levels.factors[0, 4])
            of_levels = levels.areas, levels.all_factors
            last = wavelets.irreversible_levels(plane, *levels.lowest, scale, *of_levels, work, *rooms)
        plane.view(kind)[: y1 - y0, : x1 - x0] = rooms[last][: y1 - y0, : x1 - x0]


@lru_cache(maxsize=1024)
def _levels(areas: tuple[Area, ...], steps: tuple[float, ...] | None) -> _Levels:
    lowest = areas[0].x1 - areas[0].x0, areas[0].y1 - areas[0].y0
    numbers = [
        number
        for number, area in enumerate(areas)
        if number == len(areas) - 1 or (number and area.x0 < area.x1 and area.y0 < area.y1)
    ]
    half = 0.5 if steps is None else steps[0] / 2
    factors = [
        [*_factors(areas[number], steps[3 * number - 2 :] if steps and number else (1.0, 1.0, 1.0)), half]
        for number in numbers
    ]
    levels = np.array([areas[number] for number in numbers], np.int64), np.array(factors, np.float32)
    for array in levels:
        array.flags.writeable = False
    return _Levels(levels[0][-1], levels[1][-1:], levels[0][:-1], levels[1][:-1], lowest)


def _factors(area: Area, steps: Sequence[float]) -> list[float]:
    """Steps of HL, LH, HH, halved as coefficients are doubled, by the scaling of the filter (F.3.8.2.1.2).

    There is none where a row or column is one value long (F.3.6).
    """
    (low_x, high_x), (low_y, high_y) = (
        (wavelets.K, 1 / wavelets.K) if size > 1 else (1.0, 0.5)
        for size in (area.x1 - area.x0, area.y1 - area.y0)
    )
    return [
        low_x * low_y,
        high_x * low_y * steps[0] / 2,
        low_x * high_y * steps[1] / 2,
        high_x * high_y * steps[2] / 2,
    ]


def write_samples(
    components: Sequence[Values],
    planes: Array,
    depths: Sequence[Depth],
    columns: range,
    rows: range,
    out: Array,
    top: int,
    left: int,
    *,
    transformed: bool,
) -> None:
    """Make rows of all components of a tile, and samples of their ``columns``.

    ``planes``, (components, height, width) int32, are those that the components were made with.
    ``transformed`` where there are three, which have a component transform. out: (rows, columns, components)
    uint8 or uint16, C order, in which the tile's row 0 would be row ``top`` and its ``columns`` start at
    column ``left``; signed samples as two's complement.
    """
    count, height, width = planes.shape
    flat = out.reshape(out.shape[0], -1)
    outs = (flat, _NO_WORDS) if flat.itemsize == 1 else (_NO_BYTES, flat)
    size = 3 if transformed else 1
    for first in range(0, count, size):
        together = components[first : first + size]
        plane = planes[first : first + size]
        reversible = together[0].reversible
        kind = np.int32 if reversible else np.float32
        at_a_time = max(_LEAST_ROWS, _VALUES_AT_A_TIME // (size * width))
        kept = 2 * (wavelets.REVERSIBLE_STEPS if reversible else wavelets.IRREVERSIBLE_STEPS)
        strip = np.empty((size, min(at_a_time + kept, height), width), kind)
        work = np.empty((2, width // 2 + 4), kind)
        decomposed = sum(each.decomposed << number for number, each in enumerate(together))
        place = columns.start, len(columns), top, left * count + first, count, at_a_time, decomposed
        shape = np.array((rows.start, rows.stop, *place), np.int64)
        limits = np.array(depths[first].limits, np.int32)
        how = shape, limits, work, strip, *outs
        area = together[0].area
        if reversible:
            highest_levels.reversible_samples(plane, plane, area, *how)
        else:
            factors = np.concatenate([each.factors for each in together])
            highest_levels.irreversible_samples(plane.view(np.float32), plane, area, factors, *how)
