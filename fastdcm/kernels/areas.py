"""Means of areas: what the pixels of a smaller picture cover of a larger one."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.jit import kernel

_PIXELS = "Array({0}, 2, 'C', readonly=True)"
_FIRSTS = "Array(int64, 1, 'C', readonly=True)"
_PLACES = "Array(int64, 2, 'C', readonly=True)"
_SHARES = "Array(float64, 2, 'C', readonly=True)"
_SINGLE = "Array(float32, 2, 'C', readonly=True)"
_KINDS = ("uint8", "uint16")


@kernel(
    *(
        f"void({_PIXELS.format(kind)}, {_FIRSTS}, {_SHARES}, {_PLACES}, {_SHARES}, float64, float64[:, ::1], "
        f"{kind}[:, ::1])"
        for kind in _KINDS
    )
)
def area_means(pixels, tops, down, places, across, total, sums, out):  # type: ignore[no-untyped-def]
    """``out`` is floor(y + 0.5) of the means y, by shares that are whole numbers.

    pixels: (n, m) uint8 or uint16, of which m may be columns times channels; tops: (rows,), the first of the
    rows that each row of ``out`` covers; down: (rows, most), what it covers of that one, the next, and so on;
    places, across: (most, columns), where the values of a row that each column covers are, and what it covers
    of them; total: the sum of all shares of one value of ``out``; sums: (2, at least m and columns), room;
    out: (rows, columns), as pixels. Sums are exact below 2^53, and a quotient of so much is not rounded up to
    a whole number.
    """
    half = np.floor(total / 2)
    row, mean = sums[0], sums[1]
    width, columns = pixels.shape[1], out.shape[1]
    for y in range(out.shape[0]):
        for x in range(width):
            row[x] = 0.0
        for step in range(down.shape[1]):
            share = down[y, step]
            if share > 0:
                source = pixels[tops[y] + step]
                for x in range(width):
                    row[x] += share * source[x]
        for x in range(columns):
            mean[x] = half
        for step in range(across.shape[0]):
            for x in range(columns):
                mean[x] += across[step, x] * row[places[step, x]]
        for x in range(columns):
            out[y, x] = np.int32(mean[x] / total)


@kernel(
    *(
        f"void({_PIXELS.format(kind)}, {_FIRSTS}, {_SINGLE}, int64, int64, {_SINGLE}, float32, "
        f"float32[:, ::1], {kind}[:, ::1])"
        for kind in _KINDS
    )
)
def regular_means(pixels, tops, down, first, stride, across, total, sums, out):  # type: ignore[no-untyped-def]
    """`area_means` where each column of ``out`` begins as many values behind the one before: many at once.

    The first begins at ``first``, the others ``stride`` values further each. In float32: a sum with half of
    the total must be below 2^24. sums: (2, at least m, columns, and all that ``across`` reaches), of which
    the first is 0 behind m.
    """
    half = np.float32(np.floor(total / np.float32(2)))
    row, mean = sums[0], sums[1]
    width, columns = pixels.shape[1], out.shape[1]
    for y in range(out.shape[0]):
        for x in range(width):
            row[x] = np.float32(0)
        for step in range(down.shape[1]):
            share = down[y, step]
            if share > 0:
                source = pixels[tops[y] + step]
                for x in range(width):
                    row[x] += share * np.float32(source[x])
        for x in range(columns):
            mean[x] = half
        for step in range(across.shape[0]):
            parts, values = across[step], row[first + step :]
            if stride == 1:
                for x in range(columns):
                    mean[x] += parts[x] * values[x]
            else:
                for x in range(columns):
                    mean[x] += parts[x] * values[stride * x]
        for x in range(columns):
            out[y, x] = np.int32(mean[x] / total)


@kernel(*(f"UniTuple(int64, 2)({_PIXELS.format(kind)}, int64)" for kind in _KINDS))
def neighbour_differences(pixels, step):  # type: ignore[no-untyped-def]
    """Sums of absolute differences of neighbours in each ``step``-th row, and of it and the row below it.

    pixels: (n, m) uint8 or uint16, of fewer than 2^15 columns.
    """
    within = below = np.int64(0)
    for y in range(0, pixels.shape[0], step):
        row = pixels[y]
        found = np.int32(0)
        for x in range(1, pixels.shape[1]):
            found += np.int32(abs(np.int32(row[x]) - np.int32(row[x - 1])))
        within += found
        if y + 1 < pixels.shape[0]:
            following = pixels[y + 1]
            found = np.int32(0)
            for x in range(pixels.shape[1]):
                found += np.int32(abs(np.int32(row[x]) - np.int32(following[x])))
            below += found
    return within, below
