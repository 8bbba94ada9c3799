"""Large tile-components a stripe of the highest resolution at a time, while coefficients are in a cache.

Coefficients of the lower levels are there as a whole, a quarter of all. Of the highest one there are those of
one row of code-blocks only: rows become samples that far, then the next ones take their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import TileComponent
from fastdcm.kernels.code_blocks import OUT, STRIDE

Array = NDArray[Any]

#: Coefficients that are worth it, and rows of a sub-band in a stripe, with which it fits a processor's second
#: cache (benches/bench_jpeg2000.py).
_LEAST, _ROWS = 1 << 21, 64
_FEWEST_STRIPES = 3


class Stripe(NamedTuple):
    """How far rows of the level can be made: ``made`` is the row behind the last.

    ``low`` and ``high`` are added to the number of a low-pass or high-pass row of coefficients, of the
    sub-bands, to get to its row in ``top`` (`Stripes`).
    """

    made: int
    low: int
    high: int


class Stripes(NamedTuple):
    """The stripes of a tile-component, of ``rows`` rows of a sub-band each, the first of up to twice as many.

    ``lower`` and ``top`` are the shapes of what coefficients of the lower levels go to, and those of a
    stripe: HL at the right, and LH and HH from the middle row on.
    """

    rows: int
    stripes: tuple[Stripe, ...]
    lower: tuple[int, int]
    top: tuple[int, int]


def stripes_of(components: Sequence[TileComponent]) -> Stripes | None:
    """Those of a tile; None where it is not worth it, because components are small or have few rows."""
    first, low, area = components[0], components[0].resolutions[-2:-1], components[0].resolutions[-1]
    height, width = first.plane
    if len(components) * height * width < _LEAST or any(len(each.resolutions) < 2 for each in components):
        return None
    rows = max(_ROWS, *(each.transform.block_rows for each in components))
    found = _stripes(area.y0, area.y1, rows)
    if len(found) < _FEWEST_STRIPES:
        return None
    return Stripes(rows, found, (low[0].y1 - low[0].y0, low[0].x1 - low[0].x0), (4 * rows, width))


@lru_cache(maxsize=64)
def _stripes(y0: int, y1: int, rows: int) -> tuple[Stripe, ...]:
    """Of rows ``y0`` to ``y1`` - 1. A stripe ends where code-blocks do, which start from row 0 (B.7)."""
    odd, low_0, high_0 = y0 & 1, (y0 + 1) >> 1, y0 >> 1
    found = []
    low = high = 0
    for end in range((high_0 // rows + 2) * rows, y1 >> 1, rows):
        lows, highs = end - low_0, end - high_0
        found.append(Stripe(min(2 * lows + odd, 2 * highs + 1 - odd), -low, 2 * rows - high))
        low, high = lows, highs
    return (*found, Stripe(y1 - y0, -low, 2 * rows - high))


def in_stripes(component: TileComponent, how: Stripes) -> tuple[Array, list[int]]:
    """The code-blocks of lower levels, then those of one stripe after the other, and where each part starts.

    They go to arrays of the shapes of ``lower`` and ``top``.
    """
    area, (low_height, low_width) = component.resolutions[-1], how.lower
    blocks = component.blocks
    row, column = np.divmod(blocks[:, OUT], blocks[:, STRIDE])
    is_high = (row >= low_height).astype(np.int64)
    is_top = (is_high == 1) | (column >= low_width)
    row -= is_high * low_height
    edge = np.array([(area.y0 + 1) >> 1, area.y0 >> 1])[is_high]
    first = (area.y0 >> 1) // how.rows + 1
    stripe = np.minimum(np.maximum((row + edge) // how.rows - first, 0), len(how.stripes) - 1)
    places = np.array([(each.low, each.high) for each in how.stripes])
    width = how.top[1]
    out = np.where(is_top, (row + places[stripe, is_high]) * width + column, row * low_width + column)
    stripe = np.where(is_top, stripe + 1, 0)
    order = stripe.argsort(kind="stable")
    found = blocks[order]
    found[:, OUT], found[:, STRIDE] = out[order], np.where(is_top, width, low_width)[order]
    return found, [0, *np.bincount(stripe, minlength=len(how.stripes) + 1).cumsum().tolist()]
