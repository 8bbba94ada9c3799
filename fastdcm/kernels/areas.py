"""Means of areas: what the pixels of a smaller picture cover of a larger one."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.jit import kernel

_PIXELS = "Array({0}, 2, 'C', readonly=True)"
_FIRSTS = "Array(int64, 1, 'C', readonly=True)"
_PLACES = "Array(int64, 2, 'C', readonly=True)"
_SHARES = "Array(float64, 2, 'C', readonly=True)"


@kernel(
    *(
        f"void({_PIXELS.format(kind)}, {_FIRSTS}, {_SHARES}, {_PLACES}, {_SHARES}, float64, float64[:, ::1], "
        f"{kind}[:, ::1])"
        for kind in ("uint8", "uint16")
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
