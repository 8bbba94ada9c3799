"""Inverse wavelet transforms of JPEG 2000 (ITU-T T.800 annex F), some rows of a level at a time.

A tile-component's coefficients lie in one ``plane``, (height, width) int32, that of the next lower resolution
at its top left, HL to the right of it, LH below, HH right below. Coefficients are doubled: the half of a
quantisation step by which they are reconstructed (E.1.1.2) is an integer then.

``area`` is (x0, y0, x1, y1) of the resolution level, (4,) int64, x1 > x0 and y1 > y0 (B-14). A row or column
of the level that has an even coordinate comes of the low-pass coefficients, one that has an odd coordinate of
the high-pass ones (F.3.3); the first has the number 0 here, whatever its coordinate.

A level is lifted row by row as the rows come, so that what a step needs is still near. Rows at an edge of the
range that is not an edge of the level lack their neighbours: of those that a kernel is asked for, as many as
it has lifting steps are not finished there. They are when a kernel goes on from there.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

#: Lifting steps, and so rows that are not finished where a range starts or ends inside the level.
REVERSIBLE_STEPS, IRREVERSIBLE_STEPS = 2, 4

#: Lifting parameters and scaling of the 9-7 filter (table F.4).
ALPHA = np.float32(-1.586134342059924)
BETA = np.float32(-0.052980118572961)
GAMMA = np.float32(0.882911075530934)
DELTA = np.float32(0.443506852043971)
K = 1.230174104914001

_AREA = "Array(int64, 1, 'C', readonly=True)"
_FACTORS = "Array(float32, 1, 'C', readonly=True)"
_AREAS, _TABLE = "Array(int64, 2, 'C', readonly=True)", "Array(float32, 2, 'C', readonly=True)"
_INTS, _FLOATS = "int32[:, ::1]", "float32[:, ::1]"


@inlined("UniTuple(int64, 2)(int64, int64, int64, int64, int64)")
def neighbours(row, step, first, end, size):  # type: ignore[no-untyped-def]
    """The rows above and below one, mirrored at the level's edges (F.3.7); -1 where there is no such step.

    step: which lifting step it is, from 1 on; first, end: the range that is there; size: rows of the level.
    """
    if row < first or row >= end or (first > 0 and row < first + step) or (end < size and row >= end - step):
        return -1, -1
    above = row - 1 if row > 0 else 1
    return above, row + 1 if row + 1 < size else size - 2


@inlined(f"void({_INTS}, int64, int64, int32[::1])")
def reversible_row(work, width, odd, out):  # type: ignore[no-untyped-def]
    """One row by the 5-3 filter (F.3.8.2.1.1), of which ``work`` has the low-pass and high-pass coefficients.

    work: (2, n) int32, they start at column 1; it is used up. odd: whether the first has an odd coordinate.
    """
    lows = work[0]
    highs = work[1]
    odd &= 1  # which tells the compiler that no index is negative
    low_size = (width + 1 - odd) >> 1
    high_size = width - low_size
    if width == 1:  # F.3.6
        out[0] = np.int32(highs[1] / 2) if odd else lows[1]
        return
    highs[0] = highs[1]
    highs[high_size + 1] = highs[high_size]
    for i in range(low_size):  # F-5
        lows[i + 1] = np.int32(lows[i + 1] - (np.int32(highs[i + odd] + highs[i + odd + 1] + 2) >> 2))
    lows[0] = lows[1]
    lows[low_size + 1] = lows[low_size]
    start = 1 - odd
    for i in range(width >> 1):  # F-6
        high = np.int32(highs[i + 1] + (np.int32(lows[i + start] + lows[i + start + 1]) >> 1))
        low = lows[i + 1]
        out[2 * i] = high if odd else low
        out[2 * i + 1] = low if odd else high
    if width & 1:
        i = width >> 1
        if odd:
            out[2 * i] = np.int32(highs[i + 1] + (np.int32(lows[i] + lows[i + 1]) >> 1))
        else:
            out[2 * i] = lows[i + 1]


@inlined(f"void({_INTS}, int64, int64)")
def reversible_columns(out, row, width):  # type: ignore[no-untyped-def]
    """One lifting step of each of two rows above ``row``, a high-pass one: rows are read once for both."""
    for i in range(width):
        low = np.int32(out[row - 1, i] - (np.int32(out[row - 2, i] + out[row, i] + 2) >> 2))
        out[row - 1, i] = low
        out[row - 2, i] = np.int32(out[row - 2, i] + (np.int32(out[row - 3, i] + low) >> 1))


@inlined(f"void({_INTS}, {_INTS}, {_AREA}, int64, int64, int64, {_INTS}, {_INTS})")
def reversible(low, plane, area, first, made, end, work, out):  # type: ignore[no-untyped-def]
    """Rows ``first`` to ``end`` - 1 of a level by the 5-3 filter, from the level below it and ``plane``.

    low: (m, n) int32, the level below at its top left, not doubled; work: (2, k) int32, k >= width / 2 + 3;
    out: (p, q) int32, p >= end - first, q >= width, not doubled. `REVERSIBLE_STEPS` rows lack neighbours.
    made: ``first``, or the ``end`` of the call that is gone on from, whose last rows, at least twice as many
    as there are steps, are the first in ``out``.
    """
    width = area[2] - area[0]
    height = area[3] - area[1]
    odd = area[0] & 1
    odd_y = area[1] & 1
    low_width = (width + 1 - odd) >> 1
    low_height = (height + 1 - odd_y) >> 1
    high_width = width - low_width
    lows = work[0]
    highs = work[1]
    for row in range(made, end + REVERSIBLE_STEPS):
        if row < end:
            if (row + odd_y) & 1:
                source = plane[low_height + (row >> 1)]
                for i in range(low_width):  # half of it, cut
                    lows[i + 1] = (source[i] + (source[i] >> 31 & 1)) >> 1
            else:
                source = plane[row >> 1]
                below = low[row >> 1]
                for i in range(low_width):
                    lows[i + 1] = below[i]
            right = source[low_width:]
            for i in range(high_width):
                value = right[i]
                highs[i + 1] = (value + (value >> 31 & 1)) >> 1
            target = out[row - first]
            reversible_row(work, width, odd, target)
            if height == 1 and odd_y:
                for i in range(width):
                    target[i] = np.int32(target[i] / 2)
        if height == 1 or (row + odd_y) & 1 == 0:
            continue
        if first + 2 * REVERSIBLE_STEPS <= row < end:
            reversible_columns(out, row - first, width)
            continue
        for step in range(1, REVERSIBLE_STEPS + 1):
            lifted = row - step
            above, below_it = neighbours(lifted, step, first, end, height)
            if above < 0:
                continue
            upper = out[above - first]
            lower = out[below_it - first]
            target = out[lifted - first]
            if step == 1:
                for i in range(width):
                    target[i] = np.int32(target[i] - (np.int32(upper[i] + lower[i] + 2) >> 2))
            else:
                for i in range(width):
                    target[i] = np.int32(target[i] + (np.int32(upper[i] + lower[i]) >> 1))


@inlined(f"void({_FLOATS}, int64, int64, float32[::1])")
def irreversible_row(work, width, odd, out):  # type: ignore[no-untyped-def]
    """One row by the 9-7 filter (F.3.8.2.1.2) of scaled coefficients; arguments as `reversible_row`."""
    lows = work[0]
    highs = work[1]
    odd &= 1  # which tells the compiler that no index is negative
    low_size = (width + 1 - odd) >> 1
    high_size = width - low_size
    if width == 1:
        out[0] = highs[1] if odd else lows[1]
        return
    start = 1 - odd
    for step in range(2):
        factor = BETA if step else DELTA
        highs[0] = highs[1]
        highs[high_size + 1] = highs[high_size]
        for i in range(low_size):
            lows[i + 1] -= factor * (highs[i + odd] + highs[i + odd + 1])
        factor = ALPHA if step else GAMMA
        lows[0] = lows[1]
        lows[low_size + 1] = lows[low_size]
        for i in range(high_size):
            highs[i + 1] -= factor * (lows[i + start] + lows[i + start + 1])
    for i in range(width >> 1):
        out[2 * i] = highs[i + 1] if odd else lows[i + 1]
        out[2 * i + 1] = lows[i + 1] if odd else highs[i + 1]
    if width & 1:
        out[width - 1] = highs[(width >> 1) + 1] if odd else lows[(width >> 1) + 1]


@inlined(f"void({_FLOATS}, int64, int64)")
def irreversible_columns(out, row, width):  # type: ignore[no-untyped-def]
    """One lifting step of each of four rows above ``row``, a high-pass one: rows are read once for all."""
    for i in range(width):
        first = out[row - 1, i] - DELTA * (out[row - 2, i] + out[row, i])
        second = out[row - 2, i] - GAMMA * (out[row - 3, i] + first)
        third = out[row - 3, i] - BETA * (out[row - 4, i] + second)
        out[row - 1, i] = first
        out[row - 2, i] = second
        out[row - 3, i] = third
        out[row - 4, i] -= ALPHA * (out[row - 5, i] + third)


@inlined(f"void({_FLOATS}, {_INTS}, {_AREA}, {_FACTORS}, int64, int64, int64, {_FLOATS}, {_FLOATS})")
def irreversible(low, plane, area, factors, first, made, end, work, out):  # type: ignore[no-untyped-def]
    """Rows ``first`` to ``end`` - 1 of a level by the 9-7 filter, from the level below it and ``plane``.

    low, made, work, out: as `reversible` has them, of float32. factors: (4,) float32 or more, by what values
    of the level below and coefficients of HL, LH, HH are multiplied: steps of quantisation (E-6), halved as
    coefficients are doubled, and the scaling of the transform's steps 1 and 2 (F.3.8.2.1.2) in both
    directions.
    `IRREVERSIBLE_STEPS` rows lack neighbours.
    """
    width = area[2] - area[0]
    height = area[3] - area[1]
    odd = area[0] & 1
    odd_y = area[1] & 1
    low_width = (width + 1 - odd) >> 1
    low_height = (height + 1 - odd_y) >> 1
    high_width = width - low_width
    lows = work[0]
    highs = work[1]
    for row in range(made, end + IRREVERSIBLE_STEPS):
        if row < end:
            if (row + odd_y) & 1:
                source = plane[low_height + (row >> 1)]
                for i in range(low_width):
                    lows[i + 1] = np.float32(source[i]) * factors[2]
                factor = factors[3]
            else:
                source = plane[row >> 1]
                below = low[row >> 1]
                for i in range(low_width):
                    lows[i + 1] = below[i] * factors[0]
                factor = factors[1]
            right = source[low_width:]
            for i in range(high_width):
                highs[i + 1] = np.float32(right[i]) * factor
            irreversible_row(work, width, odd, out[row - first])
        if height == 1 or (row + odd_y) & 1 == 0:
            continue
        if first + 2 * IRREVERSIBLE_STEPS <= row < end:
            irreversible_columns(out, row - first, width)
            continue
        for step in range(1, IRREVERSIBLE_STEPS + 1):
            lifted = row - step
            above, below_it = neighbours(lifted, step, first, end, height)
            if above < 0:
                continue
            upper = out[above - first]
            lower = out[below_it - first]
            target = out[lifted - first]
            factor = DELTA if step == 1 else GAMMA if step == 2 else BETA if step == 3 else ALPHA
            for i in range(width):
                target[i] -= factor * (upper[i] + lower[i])


@inlined(f"void({_INTS}, int64, int64, int64, {_INTS})")
def halved(plane, first, end, width, out):  # type: ignore[no-untyped-def]
    """Rows of doubled coefficients without the half that reconstruction added: cut (E-8 with r = 0)."""
    for row in range(first, end):
        for i in range(width):
            value = plane[row, i]
            out[row - first, i] = (value + (value >> 31 & 1)) >> 1


@inlined(f"void({_INTS}, int64, int64, int64, float32, {_FLOATS})")
def scaled(plane, first, end, width, factor, out):  # type: ignore[no-untyped-def]
    """Rows of doubled coefficients by half of their step (E-6)."""
    for row in range(first, end):
        for i in range(width):
            out[row - first, i] = np.float32(plane[row, i]) * factor


@kernel(f"int64({_INTS}, int64, int64, {_AREAS}, {_INTS}, {_INTS}, {_INTS})")
def reversible_levels(plane, width, height, areas, work, one, other):  # type: ignore[no-untyped-def]
    """Make levels one after the other, from the LL of ``width`` x ``height`` at the top left of ``plane``.

    areas: (n, 4) int64, of the levels above it, all of which have samples. work: as `reversible` has it; one,
    other: (m, n) int32, with room for each of the levels.

    Returns which of both the last level is in: 0 or 1.
    """
    low, out = one, other
    halved(plane, 0, height, width, low)
    for level in range(len(areas)):
        reversible(low, plane, areas[level], 0, 0, areas[level, 3] - areas[level, 1], work, out)
        low, out = out, low
    return len(areas) & 1


@kernel(f"int64({_INTS}, int64, int64, float32, {_AREAS}, {_TABLE}, {_FLOATS}, {_FLOATS}, {_FLOATS})")
def irreversible_levels(plane, width, height, factor, areas, factors, work, one, other):  # type: ignore[no-untyped-def]
    """Make levels one after the other; arguments as `reversible_levels`, of float32.

    factor: by what coefficients of LL are multiplied. factors: (n, 5) float32, as `irreversible` has them.
    """
    low, out = one, other
    scaled(plane, 0, height, width, factor, low)
    for level in range(len(areas)):
        size = areas[level, 3] - areas[level, 1]
        irreversible(low, plane, areas[level], factors[level], 0, 0, size, work, out)
        low, out = out, low
    return len(areas) & 1
