"""The highest resolution level of tile-components, a few rows at a time, to samples (T.800 annexes F and G).

The rows that are made at a time become samples while they are in the processor's cache; the next ones go on
from the last of them.

``area`` is that of the level (`wavelets`), x1 > x0 and y1 > y0; of irreversible components ``factors`` are
(components, 5) float32: those of `wavelets.irreversible`, then half of the step of LL. ``shape`` is (9,)
int64, by `SHAPE`: which rows of the tile are wanted; in which column their samples start, and how many these
are; where in ``out`` those of the tile's row 0 would be, by row and column; how far apart those of a row are;
how many rows are made at a time, 16 or more; which components have a level below, a bit each: coefficients of
others are values. ``limits`` is (3,) int32: shift, least, most of `component_transforms`. ``strip`` has room
for as many rows as are made at a time and twice the lifting steps, ``work`` as `wavelets` has it. ``out`` is
(rows, columns x components) uint8 or uint16.
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
    IRREVERSIBLE_STEPS,
    REVERSIBLE_STEPS,
    halved,
    irreversible,
    reversible,
    scaled,
)

SHAPE = ("FIRST", "END", "COLUMN", "COLUMNS", "TOP", "LEFT", "APART", "AT_A_TIME", "DECOMPOSED")
_FIRST, _END, _COLUMN, _COLUMNS, _TOP, _LEFT, _APART, _AT_A_TIME, _DECOMPOSED = range(len(SHAPE))

_INTS, _FLOATS = "int32[:, ::1]", "float32[:, ::1]"
_AREA, _LIMITS = "Array(int64, 1, 'C', readonly=True)", "Array(int32, 1, 'C', readonly=True)"
_FACTORS, _ROW = "Array(float32, 2, 'C', readonly=True)", "Array(float32, 1, 'C', readonly=True)"
_WHOLE, _REAL = f"{_INTS}, {_INTS}", f"{_FLOATS}, {_INTS}"  # the level below, the plane
_OUTPUTS = ("uint8[:, ::1]", "uint16[:, ::1]")


def _signatures(arguments: str) -> list[str]:
    return [f"void({arguments}, {out})" for out in _OUTPUTS]


@inlined(f"int64({_INTS}, int64, int64, int64)", f"int64({_FLOATS}, int64, int64, int64)")
def keep_last(strip, first, made, count):  # type: ignore[no-untyped-def]
    """Move the last ``count`` rows to the strip's start; which row that is now.

    first: which one it was; made: the one behind the last.
    """
    if made - first <= count:
        return first
    for row in range(count):
        source = strip[made - first - count + row]
        target = strip[row]
        for i in range(strip.shape[1]):
            target[i] = source[i]
    return made - count


@inlined(f"void({_WHOLE}, {_AREA}, int64, int64, int64, int64, {_INTS}, {_INTS})")
def reversible_rows(low, plane, area, decomposed, first, made, end, work, strip):  # type: ignore[no-untyped-def]
    """`reversible`, and what corresponds to it where there is no level below."""
    if decomposed:
        reversible(low, plane, area, first, made, end, work, strip)
    else:
        halved(plane, made, end, area[2] - area[0], strip[made - first :])


@inlined(f"void({_REAL}, {_AREA}, {_ROW}, int64, int64, int64, int64, {_FLOATS}, {_FLOATS})")
def irreversible_rows(low, plane, area, factors, decomposed, first, made, end, work, strip):  # type: ignore[no-untyped-def]
    """`irreversible`, and what corresponds to it where there is no level below."""
    if decomposed:
        irreversible(low, plane, area, factors, first, made, end, work, strip)
    else:
        scaled(plane, made, end, area[2] - area[0], factors[4], strip[made - first :])


@kernel(*_signatures(f"{_WHOLE}, {_AREA}, {_AREA}, {_LIMITS}, {_INTS}, {_INTS}"))
def reversible_samples(low, plane, area, shape, limits, work, strip, out):  # type: ignore[no-untyped-def]
    """Samples of one component by the 5-3 filter."""
    first = made = max(0, shape[_FIRST] - REVERSIBLE_STEPS)
    for start in range(shape[_FIRST], shape[_END], shape[_AT_A_TIME]):
        stop = min(start + shape[_AT_A_TIME], shape[_END])
        end = min(area[3] - area[1], stop + REVERSIBLE_STEPS)
        if made < end:
            first = keep_last(strip, first, made, 2 * REVERSIBLE_STEPS)
            reversible_rows(low, plane, area, shape[_DECOMPOSED] & 1, first, made, end, work, strip)
            made = end
        whole_samples(
            strip, start - first, shape[_COLUMN], stop - start, shape[_COLUMNS],
            limits[0], limits[1], limits[2], out, shape[_TOP] + start, shape[_LEFT], shape[_APART],
        )  # fmt: skip


@kernel(*_signatures(f"{_REAL}, {_AREA}, {_FACTORS}, {_AREA}, {_LIMITS}, {_FLOATS}, {_FLOATS}"))
def irreversible_samples(low, plane, area, factors, shape, limits, work, strip, out):  # type: ignore[no-untyped-def]
    """Samples of one component by the 9-7 filter."""
    first = made = max(0, shape[_FIRST] - IRREVERSIBLE_STEPS)
    for start in range(shape[_FIRST], shape[_END], shape[_AT_A_TIME]):
        stop = min(start + shape[_AT_A_TIME], shape[_END])
        end = min(area[3] - area[1], stop + IRREVERSIBLE_STEPS)
        if made < end:
            first = keep_last(strip, first, made, 2 * IRREVERSIBLE_STEPS)
            decomposed = shape[_DECOMPOSED] & 1
            irreversible_rows(low, plane, area, factors[0], decomposed, first, made, end, work, strip)
            made = end
        real_samples(
            strip, start - first, shape[_COLUMN], stop - start, shape[_COLUMNS],
            limits[0], limits[1], limits[2], out, shape[_TOP] + start, shape[_LEFT], shape[_APART],
        )  # fmt: skip


@kernel(
    *_signatures(
        f"{_WHOLE}, {_WHOLE}, {_WHOLE}, {_AREA}, {_AREA}, {_LIMITS}, {_INTS}, {_INTS}, {_INTS}, {_INTS}"
    )
)
def reversible_colour_samples(  # type: ignore[no-untyped-def]
    low_0, plane_0, low_1, plane_1, low_2, plane_2, area, shape, limits, work, strip_0, strip_1, strip_2, out
):
    """Samples of three components by the 5-3 filter and the reversible component transform (G.2.2)."""
    first = made = max(0, shape[_FIRST] - REVERSIBLE_STEPS)
    levels = shape[_DECOMPOSED]
    for start in range(shape[_FIRST], shape[_END], shape[_AT_A_TIME]):
        stop = min(start + shape[_AT_A_TIME], shape[_END])
        end = min(area[3] - area[1], stop + REVERSIBLE_STEPS)
        if made < end:
            keep_last(strip_0, first, made, 2 * REVERSIBLE_STEPS)
            keep_last(strip_1, first, made, 2 * REVERSIBLE_STEPS)
            first = keep_last(strip_2, first, made, 2 * REVERSIBLE_STEPS)
            reversible_rows(low_0, plane_0, area, levels & 1, first, made, end, work, strip_0)
            reversible_rows(low_1, plane_1, area, levels & 2, first, made, end, work, strip_1)
            reversible_rows(low_2, plane_2, area, levels & 4, first, made, end, work, strip_2)
            made = end
        reversible_colours(
            strip_0, strip_1, strip_2, start - first, shape[_COLUMN], stop - start, shape[_COLUMNS],
            limits[0], limits[1], limits[2], out, shape[_TOP] + start, shape[_LEFT],
        )  # fmt: skip


@kernel(
    *_signatures(
        f"{_REAL}, {_REAL}, {_REAL}, {_AREA}, {_FACTORS}, {_AREA}, {_LIMITS}, "
        f"{_FLOATS}, {_FLOATS}, {_FLOATS}, {_FLOATS}"
    )
)
def irreversible_colour_samples(  # type: ignore[no-untyped-def]
    low_0, plane_0, low_1, plane_1, low_2, plane_2, area, factors, shape, limits, work, strip_0, strip_1,
    strip_2, out,
):  # fmt: skip
    """Samples of three components by the 9-7 filter and the irreversible component transform (G.3.2)."""
    first = made = max(0, shape[_FIRST] - IRREVERSIBLE_STEPS)
    levels = shape[_DECOMPOSED]
    for start in range(shape[_FIRST], shape[_END], shape[_AT_A_TIME]):
        stop = min(start + shape[_AT_A_TIME], shape[_END])
        end = min(area[3] - area[1], stop + IRREVERSIBLE_STEPS)
        if made < end:
            keep_last(strip_0, first, made, 2 * IRREVERSIBLE_STEPS)
            keep_last(strip_1, first, made, 2 * IRREVERSIBLE_STEPS)
            first = keep_last(strip_2, first, made, 2 * IRREVERSIBLE_STEPS)
            irreversible_rows(low_0, plane_0, area, factors[0], levels & 1, first, made, end, work, strip_0)
            irreversible_rows(low_1, plane_1, area, factors[1], levels & 2, first, made, end, work, strip_1)
            irreversible_rows(low_2, plane_2, area, factors[2], levels & 4, first, made, end, work, strip_2)
            made = end
        irreversible_colours(
            strip_0, strip_1, strip_2, start - first, shape[_COLUMN], stop - start, shape[_COLUMNS],
            limits[0], limits[1], limits[2], out, shape[_TOP] + start, shape[_LEFT],
        )  # fmt: skip
