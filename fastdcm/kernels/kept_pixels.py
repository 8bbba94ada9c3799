"""Coefficients of a whole JPEG image to pixels (ITU-T T.81 A.3), one row of MCUs after the other."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.inverse_dct import STEPS, block_samples
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpeg_layout import LANES
from fastdcm.kernels.jpeg_pixels import (
    ACROSS,
    BUFFER,
    COMPONENTS,
    DOWN,
    IMAGE,
    PLACES,
    STRIPS,
    UNSURE,
    WHOLE,
    WRONG,
    is_possible,
    keep_last_rows,
    strips_fit,
    turns,
    write_rows,
)
from fastdcm.kernels.kept_blocks import block_at, blocks_across, first_coefficient, row_start, times_down

_BYTES, _WORDS, _SHORTS = "uint8[::1]", "uint64[::1]", "int16[::1]"
_U = np.uint64
_0, _1, _8, _9, _64 = (_U(each) for each in (0, 1, 8, 9, 64))
_LANES = _U(LANES)


@inlined(f"boolean({PLACES}, {STEPS}, {_SHORTS}, uint64, {_SHORTS}, uint16[::1], {_WORDS}, {_WORDS})")
def _mcu_row(image, steps, coefficients, row, rows, halves, luma, chroma):  # type: ignore[no-untyped-def]
    """Samples of a row of MCUs, in rows 1 and on of ``luma`` and ``chroma``, eight a word."""
    as_expected = True
    for component in range(image[COMPONENTS]):
        across, high = blocks_across(image, component), times_down(image, component)
        first = first_coefficient(image, component)
        for y in range(high):
            start = row_start(first, across, row * high + y)
            for left in range(_0, across, _LANES):
                at, count = block_at(start, left), min(_LANES, across - left)
                if component == _0:
                    as_expected &= block_samples(
                        coefficients, at, count, steps, _0, rows, halves, luma, (_8 * y + _1) * across + left,
                        across,
                    )  # fmt: skip
                else:
                    as_expected &= block_samples(
                        coefficients, at, count, steps, _64 * component, rows, halves, chroma,
                        (_9 * (component - _1) + _1) * image[ACROSS] + left, image[ACROSS],
                    )  # fmt: skip
    return as_expected


@kernel(f"int64({PLACES}, {STEPS}, {_SHORTS}, {_SHORTS}, uint16[::1], {STRIPS}, {_BYTES})")
def write_pixels(  # type: ignore[no-untyped-def]
    image,
    steps,
    coefficients,
    rows,
    halves,
    luma,
    luma_bytes,
    chroma,
    chroma_bytes,
    sums,
    pairs,
    doubled,
    out,
):
    """Write the pixels of the coefficients of `fastdcm.kernels.several_scans.decode_scans`.

    ``out`` is (rows * columns * components,) uint8; ``steps`` are the quantization tables of the components,
    the others room to work in. Returns `WHOLE`, `WRONG` where arrays do not fit, or `UNSURE` where there are
    values that the samples of no image need.
    """
    if len(image) < IMAGE or not is_possible(image):
        return WRONG
    components = image[COMPONENTS]
    if _U(len(steps)) < _64 * components or _U(len(coefficients)) < first_coefficient(image, components):
        return WRONG
    if len(rows) < BUFFER or len(halves) < 4 * LANES:
        return WRONG
    if not strips_fit(image, luma, luma_bytes, chroma, chroma_bytes, sums, pairs, doubled, out):
        return WRONG
    for row in range(turns(image)):
        if row < image[DOWN]:
            keep_last_rows(image, row, luma_bytes, chroma_bytes)
            if not _mcu_row(image, steps, coefficients, row, rows, halves, luma, chroma):
                return UNSURE
        write_rows(image, row, luma_bytes, chroma_bytes, sums, pairs, doubled, out)
    return WHOLE
