"""Samples of the blocks of a gray JPEG image, and their quantized coefficients (ITU-T T.81 A.1, A.3).

All of it is done with many blocks at a time, which lie next to each other as
`fastdcm.kernels.jpeg_layout.scratch` says. Indices are unsigned; for others numba would look whether they
count from the end.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpeg_layout import LANES, SIXTEEN
from fastdcm.kernels.jpeg_vectors import transformed_sixteen

_LANES, _ROW = np.uint64(LANES), np.uint64(8 * LANES)

_PIXELS = "Array(uint8, 2, 'C', readonly=True)"
_LINE = "Array(uint8, 1, 'C', readonly=True)"
_U = np.uint64


@inlined(f"void({_PIXELS}, int64, int64, int64, uint8[::1])")
def gathered(pixels, top, left, count, samples):  # type: ignore[no-untyped-def]
    """The samples of ``count`` blocks, eight rows of `LANES` blocks; those behind an edge are the edge's."""
    height, width = pixels.shape
    whole = _U(min(8 * count, width - left))
    for row in range(8):
        _copied(pixels[min(top + row, height - 1)], _U(left), whole, _U(8 * count), samples, _U(row) * _ROW)


@inlined(f"void({_LINE}, uint64, uint64, uint64, uint8[::1], uint64)", apart=True)
def _copied(line, left, whole, count, samples, to):  # type: ignore[no-untyped-def]
    for x in range(whole):
        samples[to + x] = line[left + x]
    for x in range(whole, count):
        samples[to + x] = line[left + whole - _U(1)]


@inlined("void(uint8[::1], int64, uint16[::1], int16[::1], uint16[::1])")
def transformed(samples, count, quotients, coefficients, filled):  # type: ignore[no-untyped-def]
    """Quantized coefficients of ``count`` blocks, and which of them, in zigzag order, are not zero.

    They are written of as many blocks as make whole vectors, whatever is in those behind ``count``.
    """
    for first in range(_U(0), _U(count), _U(SIXTEEN)):
        transformed_sixteen(samples, quotients, coefficients, filled, first)
