"""From a tile's coefficients to its samples: quantisation, wavelets, components (T.800 annexes E, F, G).

Values are made a few rows at a time, of all resolution levels, and become samples while they are in the
processor's caches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.layout import Transform
from fastdcm.codecs.jpeg2000.stripes import Stripe
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.kernels import reconstruction, wavelets

Array = NDArray[Any]

_NO_BYTES, _NO_WORDS = np.empty((0, 0), np.uint8), np.empty((0, 0), np.uint16)


class Depth(NamedTuple):
    """What samples are, of how many bits."""

    precision: int
    signed: bool


class _Tables(NamedTuple):
    """What `fastdcm.kernels.reconstruction` calls so; and the length of ``strip``."""

    levels: Array
    counts: Array
    factors: Array
    strip: int


@lru_cache(maxsize=1024)
def _tables(transforms: tuple[Transform, ...]) -> _Tables:
    """Of components that are made together."""
    found = [_levels(transform.areas, transform.steps) for transform in transforms]
    most = max(len(levels) for levels, _ in found)
    levels = np.zeros((len(found), most, len(wavelets.LEVEL)), np.int64)
    factors = np.zeros((len(found), most, 4), np.float32)
    for number, (of_levels, of_factors) in enumerate(found):
        levels[number, : len(of_levels)] = of_levels
        factors[number, : len(of_factors)] = of_factors
    counts = np.array([len(of_levels) for of_levels, _ in found], np.int64)
    for array in (levels, factors, counts):
        array.flags.writeable = False
    return _Tables(levels, counts, factors, wavelets.RING * int(levels[:, :, wavelets.WIDTH].sum(1).max()))


def _levels(
    areas: Sequence[Area], steps: Sequence[float] | None
) -> tuple[list[tuple[int, ...]], list[list[float]]]:
    """Rows of ``levels`` and ``factors``: of LL, and of those with samples above it."""
    levels: list[tuple[int, ...]] = []
    factors: list[list[float]] = []
    place = 0
    for number, (x0, y0, x1, y1) in enumerate(areas):
        if number and (x0 >= x1 or y0 >= y1):
            continue
        levels.append((x0 & 1, y0 & 1, x1 - x0, y1 - y0, place))
        place += wavelets.RING * (x1 - x0)
        if number:
            of_bands = (1.0, 1.0, 1.0) if steps is None else steps[3 * number - 2 : 3 * number + 1]
            factors.append(_factors(areas[number], of_bands))
        else:
            factors.append([0.5 if steps is None else steps[0] / 2] * 4)
    return levels, factors


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


@lru_cache(maxsize=64)
def _limits(depth: Depth) -> Array:
    """What values are raised by (G.1.2), the least and the greatest sample."""
    half = 1 << (depth.precision - 1)
    limits = np.array((0, -half, half - 1) if depth.signed else (half, 0, 2 * half - 1), np.int32)
    limits.flags.writeable = False
    return limits


class Writer:
    """What makes rows of all components of a tile, and samples of their ``columns``; threads may share it.

    ``lower`` and ``top`` are the components' coefficients, (components, height, width) int32 each, as
    `fastdcm.kernels.reconstruction` has them. ``transformed`` where there are three, which have a component
    transform. out: (rows, columns, components) uint8 or uint16, C order, in which the tile's row 0 would be
    row ``up`` and its ``columns`` start at column ``left``; signed samples as two's complement.
    """

    def __init__(
        self,
        transforms: tuple[Transform, ...],
        lower: Array,
        top: Array,
        depths: Sequence[Depth],
        columns: range,
        out: Array,
        up: int,
        left: int,
        *,
        transformed: bool,
    ) -> None:
        flat, self._apart = out.reshape(out.shape[0], -1), len(top)
        self._outs = (flat, _NO_WORDS) if flat.itemsize == 1 else (_NO_BYTES, flat)
        self._place = columns.start, len(columns), up
        self._size = 3 if transformed else 1
        self._groups = []
        for first in range(0, len(top), self._size):
            group = slice(first, first + self._size)
            tables, is_real = _tables(transforms[group]), transforms[first].steps is not None
            limits, start = _limits(depths[first]), left * len(top) + first
            self._groups.append((lower[group], top[group], tables, limits, start, is_real))
        area = transforms[0].areas[-1]
        self._whole = (Stripe(area.y1 - area.y0, 0, ((area.y1 + 1) >> 1) - ((area.y0 + 1) >> 1)),)

    def write(
        self, rows: range, stripes: Sequence[Stripe] = (), begin: Callable[[int], None] | None = None
    ) -> None:
        """Rows of the tile; where they are made in ``stripes``, all, each after a call with its number."""
        rooms = [
            (
                np.empty((*tables.levels.shape[:2], 3), np.int64),
                np.empty((self._size, tables.strip), np.float32 if is_real else np.int32),
            )
            for _, _, tables, _, _, is_real in self._groups
        ]
        starts = [rows.start] * len(rooms)
        for number, (made, low, high) in enumerate(stripes or self._whole):
            if begin is not None:
                begin(number)
            for index, (lower, top, tables, limits, left, is_real) in enumerate(self._groups):
                start, stop = starts[index], rows.stop
                if number + 1 < len(stripes):  # its last rows wait for the next ones
                    stop = made - (wavelets.IRREVERSIBLE_STEPS if is_real else wavelets.REVERSIBLE_STEPS)
                starts[index] = stop
                place = start, stop, *self._place, left, self._apart, low, high, number > 0
                shape, (state, strip) = np.array(place, np.int64), rooms[index]
                how = shape, limits, state, strip, *self._outs
                if is_real:
                    of_all = tables.levels, tables.counts, tables.factors
                    reconstruction.irreversible_samples(lower, top, *of_all, *how)
                else:
                    reconstruction.reversible_samples(lower, top, tables.levels, tables.counts, *how)
