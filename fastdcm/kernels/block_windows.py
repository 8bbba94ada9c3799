"""Windows on the samples of a code-block, and the contexts that they give (ITU-T T.800 annex D).

A group is 8 columns of a stripe. Whether its samples are significant, negative, visited, refined is one bit
each in a word; with those around it, a group is a window of 10 columns by 6 rows, column by column, as they
are scanned (figure D.1). A sample has the number that the one to its upper left has in a window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels.inlined import inlined

_0, _1 = np.uint64(0), np.uint64(1)
COLUMN = 6  # bits of a window's column


def _window(columns: range, rows: range) -> np.uint64:
    return np.uint64(sum(1 << COLUMN * column + row for column in columns for row in rows))


INSIDE = _window(range(1, 9), range(1, 5))
ROW_1, _ROW_4 = _window(range(10), range(1, 2)), _window(range(10), range(4, 5))
_ALL = _window(range(10), range(6))
# A sample has the number that the one to its upper left has in a window: those of a group start at 0.
CORNER = np.uint64(7)
SAMPLE = np.uint64(1 << 7)
_GROUP, FIRST_ROW = INSIDE >> CORNER, _window(range(8), range(1))

# Seen from a sample's number, in a window: the nine around it; the ones left, above, below and right of it,
# and the same a place lower.
_AROUND = _window(range(3), range(3))
_CROSS = np.uint64(1 << 1 | 1 << 6 | 1 << 8 | 1 << 13)
_CROSS_SIGNS = _CROSS >> _1
# Seen from a sample, those that come after it and are its neighbours: below it and in the next column.
LATER = np.uint64(1 << 1 | 1 << 5 | 1 << 6 | 1 << 7)
# Seen from a sample, where the first row of the next column can be.
NEXT_FIRST = np.uint64(0b1111 << 3)
REST_OF_COLUMN, WHOLE_COLUMN = np.uint64(0b1110), np.uint64(0b1111)

_F = "uint64[::1]"


def _zero_contexts() -> NDArray[np.uint8]:
    """Table D.1 by orientation and by which of the nine around are significant."""
    index = np.arange(int(_AROUND) + 1)
    west, own, east = index & 7, index >> 6 & 7, index >> 12 & 7
    across = (west >> 1 & 1) + (east >> 1 & 1)
    down = (own & 1) + (own >> 2)
    diagonal = (west & 1) + (west >> 2) + (east & 1) + (east >> 2)

    def columns(h: Any, v: Any) -> Any:
        alone = np.where(v > 0, 2 + v, np.minimum(diagonal, 2))
        one = np.where(v > 0, 7, np.where(diagonal > 0, 6, 5))
        return np.where(h == 2, 8, np.where(h == 1, one, alone))

    both = across + down
    few = np.where(diagonal == 1, 3 + np.minimum(both, 2), np.minimum(both, 2))
    diagonals = np.where(diagonal >= 3, 8, np.where(diagonal == 2, 6 + (both > 0), few))
    return np.array([columns(across, down), columns(down, across), diagonals], np.uint8)


def _sign_contexts() -> NDArray[np.uint8]:
    """Tables D.2 and D.3 by significance and signs around: the context, and `FLIP` for an XORbit of 1."""
    index = np.arange(int(_CROSS | _CROSS_SIGNS) + 1)
    west, north, south, east = (
        (index >> place & 1) * (1 - 2 * (index >> place - 1 & 1)) for place in (1, 6, 8, 13)
    )
    h, v = np.clip(west + east, -1, 1), np.clip(north + south, -1, 1)
    flip = (h < 0) | ((h == 0) & (v < 0))
    h, v = np.where(flip, -h, h), np.where(flip, -v, v)
    return np.array(np.where(h == 1, 12 + v, 9 + v) | np.where(flip, int(FLIP), 0), np.uint8)


# For each orientation, zero contexts and behind them sign contexts.
FLIP, CONTEXT = np.uint64(1 << 6), np.uint64(31)
FLIP_TO_SIGN, SIGN_TO_FLIP = 31 - 6, 63 - 6
_SIGNS = _AROUND + _1
TABLES_SIZE = int(_SIGNS) + len(_sign_contexts())
_TABLES = np.concatenate([np.r_[table, _sign_contexts()] for table in _zero_contexts()])


@inlined(f"uint64({_F}, uint64, uint64, uint64)")
def tall(scratch, group, pitch, below):  # type: ignore[no-untyped-def]
    """The samples of a group's columns with those above and below; ``below`` is `ROW_1`, or 0 for none."""
    return scratch[group] | (scratch[group - pitch] & _ROW_4) >> 4 | (scratch[group + pitch] & below) << 4


@inlined(f"uint64({_F}, uint64, uint64, uint64)")
def window(scratch, group, pitch, below):  # type: ignore[no-untyped-def]
    """One kind of flags of a group and around it."""
    left, right = tall(scratch, group - _1, pitch, below), tall(scratch, group + _1, pitch, below)
    return tall(scratch, group, pitch, below) | left >> 48 | (right << 48 & _ALL)


@inlined("uint64(uint64)")
def touched(significant):  # type: ignore[no-untyped-def]
    """The samples of a window that have, or are, a significant one among the nine around them."""
    column = significant | significant << 1 | significant >> 1
    return column | column << 6 | column >> 6


@inlined("uint64(int64, int64)")
def inside(columns, rows):  # type: ignore[no-untyped-def]
    """The samples that a group has, where so many columns and rows are left of the code-block."""
    samples = _GROUP
    if rows < 4:
        samples = FIRST_ROW * ((_1 << np.uint64(rows)) - _1)
    if columns < 8:
        samples &= (_1 << np.uint64(6 * columns)) - _1
    return samples


@inlined("uint64(uint64)")
def count_columns(first_samples):  # type: ignore[no-untyped-def]
    """How many of the samples of a group's first row are set."""
    return first_samples * FIRST_ROW >> 42 & np.uint64(15)


@inlined("uint64(uint64, uint64, uint64)")
def zero_context(contexts, significant, at):  # type: ignore[no-untyped-def]
    """The context of table D.1; ``contexts`` is where those of the orientation start."""
    return np.uint64(_TABLES[contexts + (significant >> (at & np.uint64(63)) & _AROUND)])


@inlined("uint64(uint64, uint64, uint64, uint64)")
def sign_context(contexts, significant, negative, at):  # type: ignore[no-untyped-def]
    """The context of table D.3 and the XORbit; ``negative`` is a window a place lower."""
    cross = significant >> at & _CROSS | negative >> at & _CROSS_SIGNS
    return np.uint64(_TABLES[contexts + _SIGNS + cross])
