"""Where coefficients of a whole JPEG image are kept while its scans come (ITU-T T.81 A.2, annex G).

Blocks lie in tiles of `LANES`, value ``n`` of block ``b`` of a tile at ``n * LANES + b``, as the inverse DCT
takes them: a scan of a few coefficients touches little else. Tiles follow each other along a row of blocks;
rows that are narrow share a tile, two or four of them. Components lie one behind the other, each with all
blocks of its MCUs. Sizes are also asked for from Python.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpeg_layout import LANES
from fastdcm.kernels.jpeg_pixels import ACROSS, COLUMNS, COMPONENTS, DOWN, HORIZONTAL, PLACES, ROWS, VERTICAL

_SHORTS = "int16[::1]"
_U = np.uint64
_0, _1, _2, _3, _6, _7, _16, _32 = (_U(each) for each in (0, 1, 2, 3, 6, 7, 16, 32))
_LANES, _TILE = _U(LANES), _U(64 * LANES)
_LAST_LANE = _U(LANES - 1)


@inlined(f"uint64({PLACES}, uint64)")
def times_across(image, component):  # type: ignore[no-untyped-def]
    """Blocks of a component across an MCU of all components."""
    return image[HORIZONTAL] if component == _0 else _1


@inlined(f"uint64({PLACES}, uint64)")
def times_down(image, component):  # type: ignore[no-untyped-def]
    """Blocks of a component down an MCU of all components."""
    return image[VERTICAL] if component == _0 else _1


@inlined(f"uint64({PLACES}, uint64)")
def blocks_across(image, component):  # type: ignore[no-untyped-def]
    """Blocks of a component in a row of MCUs of all components."""
    return image[ACROSS] * times_across(image, component)


@inlined(f"uint64({PLACES}, uint64)")
def blocks_down(image, component):  # type: ignore[no-untyped-def]
    """Rows of blocks of a component in all MCUs of all components."""
    return image[DOWN] * times_down(image, component)


@inlined(f"uint64({PLACES}, uint64)")
def own_across(image, component):  # type: ignore[no-untyped-def]
    """Blocks across of a component alone in a scan (A.2.2): those that have samples."""
    halved = image[HORIZONTAL] - times_across(image, component)
    return (((image[COLUMNS] + halved) >> halved) + _7) >> _3


@inlined(f"uint64({PLACES}, uint64)")
def own_down(image, component):  # type: ignore[no-untyped-def]
    """Rows of blocks of a component alone in a scan."""
    halved = image[VERTICAL] - times_down(image, component)
    return (((image[ROWS] + halved) >> halved) + _7) >> _3


@inlined("uint64(uint64)")
def sharing(across):  # type: ignore[no-untyped-def]
    """The rows of ``across`` blocks that share a tile, as a power of two."""
    if across <= _16:
        return _2
    return _1 if across <= _32 else _0


@inlined(f"uint64({PLACES}, uint64)")
def _size(image, component):  # type: ignore[no-untyped-def]
    """Coefficients of a component."""
    across, down = blocks_across(image, component), blocks_down(image, component)
    shared = sharing(across)
    return ((down + (_1 << shared) - _1) >> shared) * ((across + _LAST_LANE) >> _6) * _TILE


@inlined(f"uint64({PLACES}, uint64)")
def first_coefficient(image, component):  # type: ignore[no-untyped-def]
    """Where a component's coefficients start; of the component behind the last one, how many there are."""
    first = _0
    for before in range(component):
        first += _size(image, _U(before))
    return first


@inlined(f"uint64({PLACES}, uint64)")
def first_block(image, component):  # type: ignore[no-untyped-def]
    """Blocks of all components before a component; of the one behind the last one, how many there are."""
    first = _0
    for before in range(component):
        first += blocks_across(image, _U(before)) * blocks_down(image, _U(before))
    return first


@inlined("uint64(uint64, uint64, uint64)")
def row_start(first, across, row):  # type: ignore[no-untyped-def]
    """Where a row of ``across`` blocks starts, of a component whose coefficients start at ``first``."""
    shared = sharing(across)
    tiles = (across + _LAST_LANE) >> _6
    lanes = _LANES >> shared
    return first + (row >> shared) * tiles * _TILE + (row & ((_1 << shared) - _1)) * lanes


@inlined("uint64(uint64, uint64)", always=True)
def block_at(start, column):  # type: ignore[no-untyped-def]
    """Where the coefficients of a block start, of a row that starts at ``start``."""
    return start + (column >> _6) * _TILE + (column & _LAST_LANE)


@inlined(f"void({_SHORTS}, uint64, uint64, uint64, uint64, {PLACES})")
def clear_row(coefficients, start, across, first, last, zigzag):  # type: ignore[no-untyped-def]
    """Make coefficients ``first`` to ``last`` 0, of the blocks of a row and of what fills up its tiles."""
    lanes = _LANES >> sharing(across)
    for left in range(_0, across, _LANES):
        for number in range(first, last + _1):
            at = block_at(start, left) + zigzag[number]
            for lane in range(lanes):
                coefficients[at + lane] = 0


def sizes(image) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    """How many coefficients, and how many blocks, an image has room for."""
    behind = image[COMPONENTS]
    return int(first_coefficient(image, behind)), int(first_block(image, behind))
