"""Sequential JPEG scans to pixels (ITU-T T.81 annex F), one row of MCUs after the other."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.inverse_dct import STEPS, block_samples
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpeg_layout import LANES
from fastdcm.kernels.jpeg_pixels import (
    ACROSS,
    BUFFER,
    COMPONENTS,
    DOWN,
    HORIZONTAL,
    IMAGE,
    STRIPS,
    UNSURE,
    VERTICAL,
    WHOLE,
    WRONG,
    is_possible,
    keep_last_rows,
    strips_fit,
    turns,
    write_rows,
)
from fastdcm.kernels.sequential_blocks import (
    BEHIND,
    NUMBER,
    PLACES,
    POSITION,
    STATE,
    UNIT,
    decoded_blocks,
    is_over,
    opened,
)
from fastdcm.kernels.sequential_tables import TABLE_SIZE, TABLES

#: Numbers of a scan besides those of its image: where it starts and ends in the data; MCUs of a restart
#: interval.
START, END, INTERVAL = (np.uint64(IMAGE + number) for number in range(3))
SCAN = IMAGE + 3
#: Buffers of coefficients at most: of each row of blocks of an MCU.
BUFFERS = 4

_DATA, _BYTES, _WORDS = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]", "uint64[::1]"
_SHORTS = "int16[::1]"
_U = np.uint64
_0, _1, _2, _3, _4, _8, _9, _64 = (_U(each) for each in (0, 1, 2, 3, 4, 8, 9, 64))
_BUFFER, _MOST, _TABLE = _U(BUFFER), _U(LANES), _U(TABLE_SIZE)
_ROOM = f"{_BYTES}, {_SHORTS}, {_SHORTS}, uint16[::1], {STRIPS}, {_WORDS}"


@inlined(
    f"boolean({_DATA}, {PLACES}, {TABLES}, {STEPS}, {PLACES}, {PLACES}, {_BYTES}, {_SHORTS}, {_SHORTS}, "
    f"uint16[::1], {_WORDS}, {_WORDS}, {_WORDS})"
)
def _mcu_row(  # type: ignore[no-untyped-def]
    data, scan, tables, steps, units, zigzag, coded, coefficients, rows, halves, luma, chroma, state
):
    """Decode a row of MCUs into rows 1 and on of ``luma`` and ``chroma``, eight samples a word."""
    across, wide, high = scan[ACROSS], scan[HORIZONTAL], scan[VERTICAL]
    used = _BUFFER * (high + scan[COMPONENTS] - _1)
    stride = wide * across
    as_expected = True
    for left in range(_0, across, _MOST // wide):
        mcus = min(_MOST // wide, across - left)
        for place in range(used):
            coefficients[place] = 0
        if not decoded_blocks(
            data, scan[END], scan[INTERVAL], coded, mcus, tables, units, zigzag, coefficients, state
        ):
            return False
        for row in range(high):
            as_expected &= block_samples(
                coefficients, row * _BUFFER, wide * mcus, steps, _0, rows, halves, luma,
                (_8 * row + _1) * stride + wide * left, stride,
            )  # fmt: skip
        for component in range(_1, scan[COMPONENTS]):
            first = (_9 * (component - _1) + _1) * across + left
            as_expected &= block_samples(
                coefficients, (high + component - _1) * _BUFFER, mcus, steps, _64 * component, rows, halves,
                chroma, first, across,
            )  # fmt: skip
    return as_expected


@inlined(f"boolean({_DATA}, {PLACES}, {TABLES}, {STEPS}, {PLACES}, {PLACES}, {_ROOM}, {_BYTES})")
def _fits(  # type: ignore[no-untyped-def]
    data, scan, tables, steps, units, zigzag, coded, coefficients, rows, halves,
    luma, luma_bytes, chroma, chroma_bytes, sums, pairs, doubled, state, out,
):  # fmt: skip
    """Whether arrays are as large as the numbers of a scan ask for."""
    if len(scan) < SCAN or scan[START] > scan[END] or scan[END] > _U(len(data)) or scan[INTERVAL] == _0:
        return False
    if not is_possible(scan):
        return False
    components, wide, high = scan[COMPONENTS], scan[HORIZONTAL], scan[VERTICAL]
    if (
        len(units) != UNIT * (wide * high + components - _1)
        or len(zigzag) != 64
        or len(steps) < _64 * components
    ):
        return False
    farthest = _0
    for number in range(64):
        farthest = max(farthest, zigzag[_U(number)])
    if farthest > _BUFFER:
        return False
    for unit in range(_0, _U(len(units)), _U(UNIT)):
        for table in range(_2):
            if units[unit + table] > _U(len(tables)) or units[unit + table] + _TABLE > _U(len(tables)):
                return False
        first, step = units[unit + _3], units[unit + _4]
        if units[unit + _2] > _2 or first > _U(len(coefficients)) or step > _2:
            return False
        if first + step * (_MOST // wide - _1) + farthest >= _U(len(coefficients)):
            return False
    if _U(len(coded)) < scan[END] - scan[START] + _U(PADDING + BEHIND) or len(state) < STATE:
        return False
    if (
        _U(len(coefficients)) < _BUFFER * (high + components - _1)
        or len(rows) < BUFFER
        or len(halves) < 4 * LANES
    ):
        return False
    return strips_fit(scan, luma, luma_bytes, chroma, chroma_bytes, sums, pairs, doubled, out)


@kernel(f"int64({_DATA}, {PLACES}, {TABLES}, {STEPS}, {PLACES}, {PLACES}, {_ROOM}, {_BYTES})")
def decode_scan(  # type: ignore[no-untyped-def]
    data, scan, tables, steps, units, zigzag, coded, coefficients, rows, halves,
    luma, luma_bytes, chroma, chroma_bytes, sums, pairs, doubled, state, out,
):  # fmt: skip
    """Decode a scan into ``out``, (rows * columns * components,) uint8.

    The other arguments are of `fastdcm.codecs.jpeg_baseline.decode`. Returns `WHOLE`; `WRONG` where arrays do
    not fit; `UNSURE` where the scan may not be whole, or has values that the samples of no image need.
    """
    if not _fits(
        data, scan, tables, steps, units, zigzag, coded, coefficients, rows, halves,
        luma, luma_bytes, chroma, chroma_bytes, sums, pairs, doubled, state, out,
    ):  # fmt: skip
        return WRONG
    state[POSITION] = scan[START]
    state[NUMBER] = 0
    opened(data, scan[END], scan[INTERVAL], coded, state)
    for row in range(turns(scan)):
        if row < scan[DOWN]:
            keep_last_rows(scan, row, luma_bytes, chroma_bytes)
            if not _mcu_row(
                data,
                scan,
                tables,
                steps,
                units,
                zigzag,
                coded,
                coefficients,
                rows,
                halves,
                luma,
                chroma,
                state,
            ):
                return UNSURE
        write_rows(scan, row, luma_bytes, chroma_bytes, sums, pairs, doubled, out)
    is_whole = is_over(state) and state[POSITION] >= scan[END]
    return WHOLE if is_whole else UNSURE
