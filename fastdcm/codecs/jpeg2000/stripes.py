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
_MANY_BLOCKS = 10_000


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
    blocks, y0 = component.blocks, component.resolutions[-1].y0
    # Images of a series are alike; what very many code-blocks take is not worth the memory.
    find = _order if len(blocks) < _MANY_BLOCKS else _order.__wrapped__
    order, places, starts = find(blocks[:, OUT].tobytes(), y0, how)
    found = blocks[order]
    found[:, [OUT, STRIDE]] = places
    return found, starts


@lru_cache(maxsize=16)
def _order(places: bytes, y0: int, how: Stripes) -> tuple[Array, Array, list[int]]:
    """By where code-blocks are in the plane: their order, OUT and STRIDE in that, and where parts start."""
    (low_height, low_width), width = how.lower, how.top[1]
    row, column = np.divmod(np.frombuffer(places, np.int64), width)
    is_high = (row >= low_height).astype(np.int64)
    is_top = (is_high == 1) | (column >= low_width)
    row -= is_high * low_height
    edges = np.array([(y0 + 1) >> 1, y0 >> 1])
    stripe = (row + edges[is_high]) // how.rows - edges[1] // how.rows - 1
    stripe = np.clip(stripe, 0, len(how.stripes) - 1)
    origins = np.array([(each.low, each.high) for each in how.stripes])
    row[is_top] += origins[stripe, is_high][is_top]
    stride = np.where(is_top, width, low_width)
    part = np.where(is_top, stripe + 1, 0)
    order = part.argsort(kind="stable")
    starts = [0, *np.bincount(part, minlength=len(how.stripes) + 1).cumsum().tolist()]
    return order, np.stack([row * stride + column, stride], 1)[order], starts
