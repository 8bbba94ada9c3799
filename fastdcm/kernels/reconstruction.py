"""From the coefficients of tile-components to samples (T.800 annexes E, F and G), a few rows at a time.

For the rows that are made at a time, all levels are gone on from as far as these need it, from the lowest on;
of none there is more than the rows that are still needed, so that values stay in the processor's caches.
Components that have a transform, which are three, are made together; others alone.

``top`` (components, height, width) has what `wavelets` calls ``plane``, for the highest level of each,
``lower`` for those below, which may be the same. ``levels``, (components, n, 5), has the levels of each by
`wavelets.LEVEL`, of which the first so many of ``counts`` (components,) are there: LL, then those with
samples. Of irreversible components ``factors`` are (components, n, 4) float32: those of
`wavelets.irreversible`, and first of LL half of its step. ``shape`` is (10,) int64, by `SHAPE`: which rows of
the tile are wanted; in which column their samples start, and how many these are; where in ``out`` those of
the tile's row 0 would be, by row and column; how far apart those of a row are; ``low_row`` and ``high_row``
of `wavelets` in ``top``; whether the rows follow those of the call before, which had the same ``state`` and
``strip``. ``limits`` is (3,) int32: shift, least, most of `component_transforms`. ``state`` is (components,
n, 3) int64, for the kernel's use; ``strip`` is (components, p), with room for `RING` rows of each level at
the places that ``levels`` tell. Samples go to ``bytes_out`` or ``words_out``, (rows, columns x components)
uint8 and uint16, of which the other is empty: one kernel for both, because the wavelets take seconds to
compile.
"""

from __future__ import annotations

from fastdcm.kernels.component_transforms import (
    irreversible_colours,
    real_samples,
    reversible_colours,
    whole_samples,
)
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.wavelets import (
    FLOATS,
    HEIGHT,
    INTS,
    IRREVERSIBLE_STEPS,
    ODD_Y,
    REVERSIBLE_STEPS,
    WIDTH,
    halved,
    irreversible,
    place_of,
    reversible,
    scaled,
)

SHAPE = ("FIRST", "END", "COLUMN", "COLUMNS", "TOP", "LEFT", "APART", "LOW", "HIGH", "GOES_ON")
_FIRST, _END, _COLUMN, _COLUMNS, _TOP, _LEFT, _APART, _LOW, _HIGH, _GOES_ON = range(len(SHAPE))
#: Rows of the highest level that are made at a time. With those that a level needs to start with, and what is
#: still needed of the rows before, they are fewer than `RING`.
_AT_A_TIME = 16
#: The columns of ``state``: the first row of a level, the one behind those that are made, and behind those
#: that are to be.
_FROM, _MADE, _TO = range(3)

_PLANES, _LEVELS = "int32[:, :, ::1]", "Array(int64, 3, 'C', readonly=True)"
_OF_ONE = "Array(int64, 2, 'C', readonly=True)"
_SHAPE = "Array(int64, 1, 'C', readonly=True)"
_COUNTS, _LIMITS = "Array(int64, 1, 'C', readonly=True)", "Array(int32, 1, 'C', readonly=True)"
_FACTORS, _FACTORS_OF_ONE = (f"Array(float32, {sides}, 'C', readonly=True)" for sides in (3, 2))
_STATE, _STATES = "int64[:, ::1]", "int64[:, :, ::1]"
_BYTES, _WORDS = "uint8[:, ::1]", "uint16[:, ::1]"


@inlined(f"void({_OF_ONE}, int64, int64, int64, {_STATE})")
def begin(levels, count, row, steps, state):  # type: ignore[no-untyped-def]
    """From which row on each level is needed, where it is ``row`` of the highest."""
    for level in range(count - 1, -1, -1):
        if level > 0:
            row = max(0, row - steps)
        state[level, _FROM] = state[level, _MADE] = row
        row = (row + 1 - (levels[level, ODD_Y] & 1)) >> 1


@inlined(f"void({_OF_ONE}, int64, int64, int64, {_STATE})")
def go_on(levels, count, row, steps, state):  # type: ignore[no-untyped-def]
    """To which row each level is needed, where it is ``row`` of the highest."""
    for level in range(count - 1, -1, -1):
        row = min(levels[level, HEIGHT], row + steps if level > 0 else row)
        state[level, _TO] = row
        row = (row + 1 - (levels[level, ODD_Y] & 1)) >> 1


@inlined(f"UniTuple(int64, 2)({_OF_ONE}, int64, int64, {_SHAPE})")
def origins(levels, level, count, shape):  # type: ignore[no-untyped-def]
    """``low_row`` and ``high_row`` of `wavelets` for a level."""
    if level == count - 1:
        return shape[_LOW], shape[_HIGH]
    return 0, (levels[level, HEIGHT] + 1 - (levels[level, ODD_Y] & 1)) >> 1


@inlined(f"void({INTS}, {INTS}, {_OF_ONE}, int64, {_SHAPE}, {_STATE}, int32[::1])")
def reversible_rows(lower, top, levels, count, shape, state, strip):  # type: ignore[no-untyped-def]
    """Make those rows of all levels that ``state`` tells."""
    for level in range(count):
        made, to = state[level, _MADE], state[level, _TO]
        if made >= to:
            continue
        if level == 0:
            width = levels[0, WIDTH]
            for row in range(made, to):
                target = strip[place_of(levels[0], row) :]
                for i in range(width):
                    target[i] = halved(lower[row, i], 1)
        else:
            plane = top if level == count - 1 else lower
            low_row, high_row = origins(levels, level, count, shape)
            below, first = levels[level - 1], state[level, _FROM]
            reversible(plane, strip, below, levels[level], low_row, high_row, first, made, to)
        state[level, _MADE] = to


@inlined(f"void({INTS}, {INTS}, {_OF_ONE}, int64, {_FACTORS_OF_ONE}, {_SHAPE}, {_STATE}, float32[::1])")
def irreversible_rows(lower, top, levels, count, factors, shape, state, strip):  # type: ignore[no-untyped-def]
    """Make those rows of all levels that ``state`` tells."""
    for level in range(count):
        made, to = state[level, _MADE], state[level, _TO]
        if made >= to:
            continue
        if level == 0:
            width = levels[0, WIDTH]
            for row in range(made, to):
                scaled(lower[row], factors[0, 0], strip[place_of(levels[0], row) :][:width])
        else:
            plane = top if level == count - 1 else lower
            low_row, high_row = origins(levels, level, count, shape)
            below, first = levels[level - 1], state[level, _FROM]
            irreversible(
                plane, strip, below, levels[level], factors[level], low_row, high_row, first, made, to
            )  # fmt: skip
        state[level, _MADE] = to


@inlined(
    *(f"void({INTS}, {_LEVELS}, {_COUNTS}, int64, {_COUNTS}, {_LIMITS}, {out})" for out in (_BYTES, _WORDS))
)
def reversible_part(strip, levels, counts, row, shape, limits, out):  # type: ignore[no-untyped-def]
    """A row of the highest level to samples, of one component or three."""
    skipped, width = shape[_COLUMN], shape[_COLUMNS]
    shift, least, most = limits[0], limits[1], limits[2]
    target = out[shape[_TOP] + row][shape[_LEFT] :]
    one = strip[0][place_of(levels[0, counts[0] - 1], row) + skipped :][:width]
    if len(strip) == 1:
        whole_samples(one, shift, least, most, target, shape[_APART])
    else:
        two = strip[1][place_of(levels[1, counts[1] - 1], row) + skipped :][:width]
        three = strip[2][place_of(levels[2, counts[2] - 1], row) + skipped :][:width]
        reversible_colours(one, two, three, shift, least, most, target)


@inlined(
    *(f"void({FLOATS}, {_LEVELS}, {_COUNTS}, int64, {_COUNTS}, {_LIMITS}, {out})" for out in (_BYTES, _WORDS))
)
def irreversible_part(strip, levels, counts, row, shape, limits, out):  # type: ignore[no-untyped-def]
    """A row of the highest level to samples, of one component or three."""
    skipped, width = shape[_COLUMN], shape[_COLUMNS]
    shift, least, most = limits[0], limits[1], limits[2]
    target = out[shape[_TOP] + row][shape[_LEFT] :]
    one = strip[0][place_of(levels[0, counts[0] - 1], row) + skipped :][:width]
    if len(strip) == 1:
        real_samples(one, shift, least, most, target, shape[_APART])
    else:
        two = strip[1][place_of(levels[1, counts[1] - 1], row) + skipped :][:width]
        three = strip[2][place_of(levels[2, counts[2] - 1], row) + skipped :][:width]
        irreversible_colours(one, two, three, shift, least, most, target)


@kernel(
    f"void({_PLANES}, {_PLANES}, {_LEVELS}, {_COUNTS}, {_SHAPE}, {_LIMITS}, {_STATES}, {INTS}, {_BYTES}, "
    f"{_WORDS})"
)
def reversible_samples(lower, top, levels, counts, shape, limits, state, strip, bytes_out, words_out):  # type: ignore[no-untyped-def]
    """Samples of a component by the 5-3 filter, or of three and the reversible transform (G.2.2)."""
    for number in range(len(top)):
        if shape[_GOES_ON] == 0:
            begin(levels[number], counts[number], shape[_FIRST], REVERSIBLE_STEPS, state[number])
    for start in range(shape[_FIRST], shape[_END], _AT_A_TIME):
        stop = min(start + _AT_A_TIME, shape[_END])
        for number in range(len(top)):
            of_one = levels[number]
            go_on(of_one, counts[number], stop, REVERSIBLE_STEPS, state[number])
            reversible_rows(
                lower[number], top[number], of_one, counts[number], shape, state[number], strip[number]
            )
        for row in range(start, stop):
            if len(words_out):
                reversible_part(strip, levels, counts, row, shape, limits, words_out)
            else:
                reversible_part(strip, levels, counts, row, shape, limits, bytes_out)


@kernel(
    f"void({_PLANES}, {_PLANES}, {_LEVELS}, {_COUNTS}, {_FACTORS}, {_SHAPE}, {_LIMITS}, {_STATES}, {FLOATS}, "
    f"{_BYTES}, {_WORDS})"
)
def irreversible_samples(  # type: ignore[no-untyped-def]
    lower, top, levels, counts, factors, shape, limits, state, strip, bytes_out, words_out
):
    """Samples of a component by the 9-7 filter, or of three and the irreversible transform (G.3.2)."""
    for number in range(len(top)):
        if shape[_GOES_ON] == 0:
            begin(levels[number], counts[number], shape[_FIRST], IRREVERSIBLE_STEPS, state[number])
    for start in range(shape[_FIRST], shape[_END], _AT_A_TIME):
        stop = min(start + _AT_A_TIME, shape[_END])
        for number in range(len(top)):
            of_one, of_all = levels[number], factors[number]
            go_on(of_one, counts[number], stop, IRREVERSIBLE_STEPS, state[number])
            irreversible_rows(
                lower[number], top[number], of_one, counts[number], of_all, shape, state[number],
                strip[number],
            )  # fmt: skip
        for row in range(start, stop):
            if len(words_out):
                irreversible_part(strip, levels, counts, row, shape, limits, words_out)
            else:
                irreversible_part(strip, levels, counts, row, shape, limits, bytes_out)
