"""Inverse wavelet transforms of JPEG 2000 (ITU-T T.800 annex F), some rows of a level at a time.

A tile-component's coefficients lie in one ``plane``, (height, width) int32, that of the next lower resolution
at its top left, HL to the right of it, LH below, HH right below. Coefficients are doubled: the half of a
quantisation step by which they are reconstructed (E.1.1.2) is an integer then.

``level`` is what is told of a resolution level, by `LEVEL`: whether the coordinates of its first column and
row (B-14) are odd; its size; where in ``strip`` its rows are. A row or column of the level that has an even
coordinate comes of the low-pass coefficients, one that has an odd coordinate of the high-pass ones (F.3.3);
the first has the number 0 here, whatever its coordinate.

A level is lifted row by row as the rows come, so that what a step needs is still near: of each level, `RING`
rows are kept, the next in the place of the oldest. Rows at an edge of the range that is not an edge of the
level lack their neighbours: as many as there are lifting steps are not finished there. Those at the end are
when the range goes on.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined

LEVEL = ("ODD_X", "ODD_Y", "WIDTH", "HEIGHT", "PLACE")
ODD_X, ODD_Y, WIDTH, HEIGHT, PLACE = range(len(LEVEL))

#: Lifting steps, and so rows that are not finished where a range starts or ends inside the level.
REVERSIBLE_STEPS, IRREVERSIBLE_STEPS = 2, 4
#: Rows of a level that are kept, a power of two.
RING = 32

#: Lifting parameters and scaling of the 9-7 filter (table F.4).
ALPHA = np.float32(-1.586134342059924)
BETA = np.float32(-0.052980118572961)
GAMMA = np.float32(0.882911075530934)
DELTA = np.float32(0.443506852043971)
K = 1.230174104914001

INT_ROW, FLOAT_ROW = "int32[::1]", "float32[::1]"
LEVEL_TYPE = "Array(int64, 1, 'C', readonly=True)"
FACTORS_TYPE = "Array(float32, 1, 'C', readonly=True)"
INTS, FLOATS = "int32[:, ::1]", "float32[:, ::1]"


@inlined(f"int64({LEVEL_TYPE}, int64)")
def place_of(level, row):  # type: ignore[no-untyped-def]
    """Where in ``strip`` a row of a level starts, which is one of the last `RING` that were made."""
    return level[PLACE] + (row & (RING - 1)) * level[WIDTH]


@inlined("UniTuple(int64, 2)(int64, int64, int64, int64, int64)")
def neighbours(row, step, first, end, size):  # type: ignore[no-untyped-def]
    """The rows above and below one, mirrored at the level's edges (F.3.7); -1 where there is no such step.

    step: which lifting step it is, from 1 on; first, end: the range that is there; size: rows of the level.
    """
    if row < first or row >= end or (first > 0 and row < first + step) or (end < size and row >= end - step):
        return -1, -1
    above = row - 1 if row > 0 else 1
    return above, row + 1 if row + 1 < size else size - 2


@inlined("int32(int32, int32)")
def halved(value, doubled):  # type: ignore[no-untyped-def]
    """A coefficient, if it is ``doubled``, without the half that reconstruction added: cut (E-8, r = 0)."""
    return (value + (value >> 31 & doubled)) >> doubled


@inlined(f"void({INT_ROW}, int32, {INT_ROW}, int64, {INT_ROW})", apart=True)
def reversible_row(lows, doubled, highs, odd, out):  # type: ignore[no-untyped-def]
    """One row by the 5-3 filter (F.3.8.2.1.1), both steps at once.

    lows, highs: its coefficients, the high ones doubled, the low ones if they are ``doubled``. odd: whether
    the first sample has an odd coordinate.
    """
    # Of the samples low, high, low, high ... this is the high one before them, or its mirror image.
    before = halved(highs[0], 1)
    rest = highs[odd:]
    high = halved(rest[0], 1)
    low = np.int32(halved(lows[0], doubled) - (np.int32(before + high + 2) >> 2))
    if odd:
        out[0] = np.int32(before + low)
    out[odd] = low
    target = out[odd + 1 :]
    low_size = (len(out) + 1 - odd) >> 1
    pairs = (len(out) - odd) >> 1
    more_lows, more_highs = lows[1:], rest[1:]
    for i in range(pairs - 1):
        next_high = halved(more_highs[i], 1)
        next_low = np.int32(halved(more_lows[i], doubled) - (np.int32(high + next_high + 2) >> 2))  # F-5
        target[2 * i] = np.int32(high + (np.int32(low + next_low) >> 1))  # F-6
        target[2 * i + 1] = next_low
        high, low = next_high, next_low
    i = pairs - 1
    if low_size > pairs:  # the last sample is a low one
        next_low = np.int32(halved(more_lows[i], doubled) - (np.int32(high + high + 2) >> 2))
        target[2 * i] = np.int32(high + (np.int32(low + next_low) >> 1))
        target[2 * i + 1] = next_low
    else:
        target[2 * i] = np.int32(high + low)


@inlined(f"void({INT_ROW}, int32, {INT_ROW}, int64, {INT_ROW})", apart=True)
def short_reversible_row(lows, doubled, highs, odd, out):  # type: ignore[no-untyped-def]
    """`reversible_row` for one or two samples."""
    if len(out) == 1:  # F.3.6
        out[0] = np.int32(halved(highs[0], 1) / 2) if odd else halved(lows[0], doubled)
        return
    high = halved(highs[0], 1)
    low = np.int32(halved(lows[0], doubled) - (np.int32(high + high + 2) >> 2))
    out[odd], out[1 - odd] = low, np.int32(high + low)


@inlined(f"void({INT_ROW}, {INT_ROW}, {INT_ROW}, {INT_ROW})", apart=True)
def reversible_columns(row, above, second, third):  # type: ignore[no-untyped-def]
    """One lifting step of each of two rows above a high-pass one: rows are read once for both."""
    for i in range(len(row)):
        low = np.int32(above[i] - (np.int32(second[i] + row[i] + 2) >> 2))
        above[i] = low
        second[i] = np.int32(second[i] + (np.int32(third[i] + low) >> 1))


@inlined(f"void({INT_ROW}, {INT_ROW}, {INT_ROW}, int64)")
def reversible_step(row, above, below, step):  # type: ignore[no-untyped-def]
    """A lifting step of a row, of whose neighbours both may be the same."""
    if step == 1:
        for i in range(len(row)):
            row[i] = np.int32(row[i] - (np.int32(above[i] + below[i] + 2) >> 2))
    else:
        for i in range(len(row)):
            row[i] = np.int32(row[i] + (np.int32(above[i] + below[i]) >> 1))


@inlined(f"void({INTS}, {INT_ROW}, {LEVEL_TYPE}, {LEVEL_TYPE}, int64, int64, int64, int64, int64)")
def reversible(plane, strip, low, level, low_row, high_row, first, made, end):  # type: ignore[no-untyped-def]
    """Make rows ``made`` to ``end`` - 1 of a level by the 5-3 filter, from the level below it and ``plane``.

    strip: (n,) int32, has of both levels what is made. low: the level below, by `LEVEL`; its rows that are
    needed are finished. low_row, high_row: in which row of ``plane`` the coefficients of the first low-pass
    and the first high-pass row are, or would be. first: the first row that was made.
    """
    width, height = level[WIDTH], level[HEIGHT]
    odd, odd_y = level[ODD_X] & 1, level[ODD_Y] & 1
    low_width = (width + 1 - odd) >> 1
    for row in range(made, end + REVERSIBLE_STEPS):
        if row < end:
            target = strip[place_of(level, row) :][:width]
            is_high = (row + odd_y) & 1
            source = plane[(row >> 1) + (high_row if is_high else low_row)]
            lows = source if is_high else strip[place_of(low, row >> 1) :]
            if width <= 2:
                short_reversible_row(lows, np.int32(is_high), source[low_width:], odd, target)
            else:
                reversible_row(lows, np.int32(is_high), source[low_width:], odd, target)
            if height == 1 and odd_y:
                for i in range(width):
                    target[i] = np.int32(target[i] / 2)
        if height == 1 or (row + odd_y) & 1 == 0:
            continue
        if first + 2 * REVERSIBLE_STEPS <= row < end:
            reversible_columns(
                strip[place_of(level, row) :][:width],
                strip[place_of(level, row - 1) :][:width],
                strip[place_of(level, row - 2) :][:width],
                strip[place_of(level, row - 3) :][:width],
            )
            continue
        for step in range(1, REVERSIBLE_STEPS + 1):
            above, below = neighbours(row - step, step, first, end, height)
            if above >= 0:
                lifted = strip[place_of(level, row - step) :][:width]
                reversible_step(
                    lifted,
                    strip[place_of(level, above) :][:width],
                    strip[place_of(level, below) :][:width],
                    step,
                )


@inlined(
    *(f"void({low}, float32, {INT_ROW}, float32, int64, {FLOAT_ROW})" for low in (FLOAT_ROW, INT_ROW)),
    apart=True,
)
def irreversible_row(lows, low_factor, highs, high_factor, odd, out):  # type: ignore[no-untyped-def]
    """One row by the 9-7 filter (F.3.8.2.1.2), all steps at once, from coefficients that are to be scaled.

    lows, highs: as many as ``out`` takes, or more. odd: whether the first sample has an odd coordinate.
    """
    # Of the samples low, high, low, high ... this is the high one before them, or its mirror image. What
    # comes of it by the steps is called after them.
    high = np.float32(highs[0]) * high_factor
    rest = highs[odd:]
    next_high = np.float32(rest[0]) * high_factor
    one = np.float32(lows[0]) * low_factor - DELTA * (high + next_high)
    high = np.float32(rest[1]) * high_factor
    next_one = np.float32(lows[1]) * low_factor - DELTA * (next_high + high)
    before = np.float32(highs[0]) * high_factor - GAMMA * (one + (one if odd else next_one))
    two = next_high - GAMMA * (one + next_one)
    three = one - BETA * (before + two)
    if odd:
        out[0] = before - ALPHA * (three + three)
    out[odd] = three
    one = next_one
    target = out[odd + 1 :]
    low_size = (len(out) + 1 - odd) >> 1
    pairs = (len(out) - odd) >> 1
    more_lows, more_highs = lows[2:], rest[2:]
    for i in range(pairs - 2):
        next_high = np.float32(more_highs[i]) * high_factor
        next_one = np.float32(more_lows[i]) * low_factor - DELTA * (high + next_high)
        next_two = high - GAMMA * (one + next_one)
        next_three = one - BETA * (two + next_two)
        target[2 * i] = two - ALPHA * (three + next_three)
        target[2 * i + 1] = next_three
        high, one, two, three = next_high, next_one, next_two, next_three
    i = pairs - 2
    is_low = low_size > pairs  # the last sample
    next_one = np.float32(more_lows[i]) * low_factor - DELTA * (high + high) if is_low else one
    next_two = high - GAMMA * (one + next_one)
    next_three = one - BETA * (two + next_two)
    target[2 * i] = two - ALPHA * (three + next_three)
    target[2 * i + 1] = next_three
    last = next_one - BETA * (next_two + next_two) if is_low else next_three
    target[2 * i + 2] = next_two - ALPHA * (next_three + last)
    if is_low:
        target[2 * i + 3] = last


@inlined(
    *(f"void({low}, float32, {INT_ROW}, float32, int64, {FLOAT_ROW})" for low in (FLOAT_ROW, INT_ROW)),
    apart=True,
)
def short_irreversible_row(lows, low_factor, highs, high_factor, odd, out):  # type: ignore[no-untyped-def]
    """`irreversible_row` for any row; that takes five samples and more."""
    width = len(out)
    for i in range(width):
        if (i + odd) & 1:
            out[i] = np.float32(highs[i >> 1]) * high_factor
        else:
            out[i] = np.float32(lows[i >> 1]) * low_factor
    if width == 1:
        return
    for step in range(1, IRREVERSIBLE_STEPS + 1):
        factor = DELTA if step == 1 else GAMMA if step == 2 else BETA if step == 3 else ALPHA
        for i in range((step + 1 + odd) & 1, width, 2):
            before, behind = neighbours(i, 0, 0, width, width)
            out[i] -= factor * (out[before] + out[behind])


@inlined(f"void({', '.join([FLOAT_ROW] * 6)})", apart=True)
def irreversible_columns(row, above, second, third, fourth, fifth):  # type: ignore[no-untyped-def]
    """One lifting step of each of four rows above a high-pass one: rows are read once for all."""
    for i in range(len(row)):
        one = above[i] - DELTA * (second[i] + row[i])
        two = second[i] - GAMMA * (third[i] + one)
        three = third[i] - BETA * (fourth[i] + two)
        above[i] = one
        second[i] = two
        third[i] = three
        fourth[i] -= ALPHA * (fifth[i] + three)


@inlined(f"void({FLOAT_ROW}, {FLOAT_ROW}, {FLOAT_ROW}, int64)")
def irreversible_step(row, above, below, step):  # type: ignore[no-untyped-def]
    """A lifting step of a row, of whose neighbours both may be the same."""
    factor = DELTA if step == 1 else GAMMA if step == 2 else BETA if step == 3 else ALPHA
    for i in range(len(row)):
        row[i] -= factor * (above[i] + below[i])


@inlined(f"void({INT_ROW}, float32, {FLOAT_ROW})", apart=True)
def scaled(source, factor, target):  # type: ignore[no-untyped-def]
    """Doubled coefficients by half of their step (E-6)."""
    for i in range(len(target)):
        target[i] = np.float32(source[i]) * factor


@inlined(
    f"void({INTS}, {FLOAT_ROW}, {LEVEL_TYPE}, {LEVEL_TYPE}, {FACTORS_TYPE}, int64, int64, int64, "
    "int64, int64)"
)
def irreversible(plane, strip, low, level, factors, low_row, high_row, first, made, end):  # type: ignore[no-untyped-def]
    """Make rows ``made`` to ``end`` - 1 of a level by the 9-7 filter, from the level below it and ``plane``.

    strip, low, low_row, high_row, first: as `reversible` has them, of float32. factors: (4,) float32, by what
    values of the level below and coefficients of HL, LH, HH are multiplied: steps of quantisation (E-6),
    halved as coefficients are doubled, and the scaling of the transform's steps 1 and 2 (F.3.8.2.1.2) in both
    directions.
    """
    width, height = level[WIDTH], level[HEIGHT]
    odd, odd_y = level[ODD_X] & 1, level[ODD_Y] & 1
    low_width = (width + 1 - odd) >> 1
    for row in range(made, end + IRREVERSIBLE_STEPS):
        if row < end:
            target = strip[place_of(level, row) :][:width]
            if (row + odd_y) & 1:
                lows = plane[high_row + (row >> 1)]
                if width < 5:
                    short_irreversible_row(lows, factors[2], lows[low_width:], factors[3], odd, target)
                else:
                    irreversible_row(lows, factors[2], lows[low_width:], factors[3], odd, target)
            else:
                highs = plane[low_row + (row >> 1)][low_width:]
                below = strip[place_of(low, row >> 1) :]
                if width < 5:
                    short_irreversible_row(below, factors[0], highs, factors[1], odd, target)
                else:
                    irreversible_row(below, factors[0], highs, factors[1], odd, target)
        if height == 1 or (row + odd_y) & 1 == 0:
            continue
        if first + 2 * IRREVERSIBLE_STEPS <= row < end:
            irreversible_columns(
                strip[place_of(level, row) :][:width],
                strip[place_of(level, row - 1) :][:width],
                strip[place_of(level, row - 2) :][:width],
                strip[place_of(level, row - 3) :][:width],
                strip[place_of(level, row - 4) :][:width],
                strip[place_of(level, row - 5) :][:width],
            )
            continue
        for step in range(1, IRREVERSIBLE_STEPS + 1):
            above, beneath = neighbours(row - step, step, first, end, height)
            if above >= 0:
                lifted = strip[place_of(level, row - step) :][:width]
                irreversible_step(
                    lifted,
                    strip[place_of(level, above) :][:width],
                    strip[place_of(level, beneath) :][:width],
                    step,
                )
