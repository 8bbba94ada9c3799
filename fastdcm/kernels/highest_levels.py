"""The highest resolution level of tile-components, a few rows at a time, to samples (T.800 annexes F and G).

The rows that are made at a time become samples while they are in the processor's cache; the next ones go on
from the last of them. Components that have a transform, which are three, are made together; others alone.

``low`` (components, m, n) and ``plane`` (components, height, width) are what `wavelets` has them for, of
each; they may lie in the same memory. ``area`` is that of the level (`wavelets`), x1 > x0 and y1 > y0; of
irreversible components ``factors`` are (components, 5) float32: those of `wavelets.irreversible`, then half
of the step of LL. ``shape`` is (9,) int64, by `SHAPE`: which rows of the tile are wanted; in which column
their samples start, and how many these are; where in ``out`` those of the tile's row 0 would be, by row and
column; how far apart those of a row are; how many rows are made at a time, 16 or more; which components have
a level below, a bit each: coefficients of others are values. ``limits`` is (3,) int32: shift, least, most of
`component_transforms`. ``strip`` is (components, p, width), with room for as many rows as are made at a time
and twice the lifting steps, ``work`` as `wavelets` has it. Samples go to ``bytes_out`` or ``words_out``,
(rows, columns x components) uint8 and uint16, of which the other is empty: one kernel for both, because the
wavelets take seconds to compile.
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
_INT_PLANES, _FLOAT_PLANES = "int32[:, :, ::1]", "float32[:, :, ::1]"
_AREA, _LIMITS = "Array(int64, 1, 'C', readonly=True)", "Array(int32, 1, 'C', readonly=True)"
_FACTORS, _ROW = "Array(float32, 2, 'C', readonly=True)", "Array(float32, 1, 'C', readonly=True)"
_WHOLE, _REAL = f"{_INTS}, {_INTS}", f"{_FLOATS}, {_INTS}"  # the level below, the plane
_BYTES, _WORDS = "uint8[:, ::1]", "uint16[:, ::1]"


def _parts(strip: str) -> list[str]:
    return [f"void({strip}, int64, int64, int64, {_AREA}, {_LIMITS}, {out})" for out in (_BYTES, _WORDS)]


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


@inlined(*_parts(_INT_PLANES))
def reversible_part(strip, row, start, stop, shape, limits, out):  # type: ignore[no-untyped-def]
    """Rows ``start`` to ``stop`` - 1, in ``strip`` from ``row`` on, to samples, of one component or three."""
    if len(strip) == 1:
        whole_samples(
            strip[0], row, shape[_COLUMN], stop - start, shape[_COLUMNS], limits[0], limits[1], limits[2],
            out, shape[_TOP] + start, shape[_LEFT], shape[_APART],
        )  # fmt: skip
    else:
        reversible_colours(
            strip[0], strip[1], strip[2], row, shape[_COLUMN], stop - start, shape[_COLUMNS],
            limits[0], limits[1], limits[2], out, shape[_TOP] + start, shape[_LEFT],
        )  # fmt: skip


@inlined(*_parts(_FLOAT_PLANES))
def irreversible_part(strip, row, start, stop, shape, limits, out):  # type: ignore[no-untyped-def]
    """Rows ``start`` to ``stop`` - 1, in ``strip`` from ``row`` on, to samples, of one component or three."""
    if len(strip) == 1:
        real_samples(
            strip[0], row, shape[_COLUMN], stop - start, shape[_COLUMNS], limits[0], limits[1], limits[2],
            out, shape[_TOP] + start, shape[_LEFT], shape[_APART],
        )  # fmt: skip
    else:
        irreversible_colours(
            strip[0], strip[1], strip[2], row, shape[_COLUMN], stop - start, shape[_COLUMNS],
            limits[0], limits[1], limits[2], out, shape[_TOP] + start, shape[_LEFT],
        )  # fmt: skip


@kernel(
    f"void({_INT_PLANES}, {_INT_PLANES}, {_AREA}, {_AREA}, {_LIMITS}, {_INTS}, {_INT_PLANES}, {_BYTES}, "
    f"{_WORDS})"
)
def reversible_samples(low, plane, area, shape, limits, work, strip, bytes_out, words_out):  # type: ignore[no-untyped-def]
    """Samples of a component by the 5-3 filter, or of three and the reversible transform (G.2.2)."""
    first = made = max(0, shape[_FIRST] - REVERSIBLE_STEPS)
    for start in range(shape[_FIRST], shape[_END], shape[_AT_A_TIME]):
        stop = min(start + shape[_AT_A_TIME], shape[_END])
        end = min(area[3] - area[1], stop + REVERSIBLE_STEPS)
        if made < end:
            kept = first
            for number in range(len(plane)):
                first = keep_last(strip[number], kept, made, 2 * REVERSIBLE_STEPS)
                decomposed = shape[_DECOMPOSED] >> number & 1
                rows = strip[number]
                reversible_rows(low[number], plane[number], area, decomposed, first, made, end, work, rows)
            made = end
        if len(words_out):
            reversible_part(strip, start - first, start, stop, shape, limits, words_out)
        else:
            reversible_part(strip, start - first, start, stop, shape, limits, bytes_out)


@kernel(
    f"void({_FLOAT_PLANES}, {_INT_PLANES}, {_AREA}, {_FACTORS}, {_AREA}, {_LIMITS}, {_FLOATS}, "
    f"{_FLOAT_PLANES}, {_BYTES}, {_WORDS})"
)
def irreversible_samples(low, plane, area, factors, shape, limits, work, strip, bytes_out, words_out):  # type: ignore[no-untyped-def]
    """Samples of a component by the 9-7 filter, or of three and the irreversible transform (G.3.2)."""
    first = made = max(0, shape[_FIRST] - IRREVERSIBLE_STEPS)
    for start in range(shape[_FIRST], shape[_END], shape[_AT_A_TIME]):
        stop = min(start + shape[_AT_A_TIME], shape[_END])
        end = min(area[3] - area[1], stop + IRREVERSIBLE_STEPS)
        if made < end:
            kept = first
            for number in range(len(plane)):
                first = keep_last(strip[number], kept, made, 2 * IRREVERSIBLE_STEPS)
                decomposed = shape[_DECOMPOSED] >> number & 1
                irreversible_rows(
                    low[number], plane[number], area, factors[number], decomposed, first, made, end, work,
                    strip[number],
                )  # fmt: skip
            made = end
        if len(words_out):
            irreversible_part(strip, start - first, start, stop, shape, limits, words_out)
        else:
            irreversible_part(strip, start - first, start, stop, shape, limits, bytes_out)
