"""Sequential JPEG scans to pixels (ITU-T T.81 annex F), one row of MCUs after the other.

One component, or three, of which the second and third have half the resolution of the first, across, or
across and down, or the same.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING
from fastdcm.kernels.component_rows import copied_row, doubled_row, interleaved_row, rgb_row, written_row
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.inverse_dct import STEPS, block_samples
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpeg_layout import LANES
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

#: Numbers of a scan: where it starts and ends in the data; MCUs of a restart interval; MCUs across and down;
#: the pixels that there are; components; how many times the first one has the resolution of the others,
#: across and down; whether these are YCbCr and pixels RGB.
(START, END, INTERVAL, ACROSS, DOWN, COLUMNS, ROWS, COMPONENTS, HORIZONTAL, VERTICAL, CONVERTED) = (
    np.uint64(number) for number in range(11)
)
SCAN = 11
#: Coefficients of a buffer of `LANES` blocks, and buffers at most: of each row of blocks of an MCU.
BUFFER, BUFFERS = 64 * LANES, 4

WHOLE, UNSURE, WRONG = 0, 1, 2

_DATA, _BYTES, _WORDS = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]", "uint64[::1]"
_SHORTS = "int16[::1]"
_U = np.uint64
_0, _1, _2, _3, _4, _8, _9, _16, _64 = (_U(each) for each in (0, 1, 2, 3, 4, 8, 9, 16, 64))
_BUFFER, _MOST, _TABLE = _U(BUFFER), _U(LANES), _U(TABLE_SIZE)
#: MCUs across, or down, of the largest image.
_MOST_SIDE = _U(1 << 13)
_ROOM = (
    f"{_BYTES}, {_SHORTS}, {_SHORTS}, uint16[::1], {_WORDS}, {_BYTES}, {_WORDS}, {_BYTES}, {_SHORTS}, "
    f"uint16[::1], {_BYTES}, {_WORDS}"
)


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


@inlined(
    f"void({PLACES}, {_BYTES}, uint64, {_BYTES}, uint64, uint64, {_SHORTS}, uint16[::1], {_BYTES}, "
    f"{_BYTES}, uint64)"
)
def _pixel_row(  # type: ignore[no-untyped-def]
    scan, luma, y_at, chroma, near, far, sums, pairs, doubled, out, at
):
    """A row of pixels; ``near`` and ``far`` are the rows of ``chroma`` nearest to it."""
    columns, stride = scan[COLUMNS], _8 * scan[ACROSS]
    if scan[COMPONENTS] == _1:
        written_row(luma, y_at, out, at, columns)
    elif scan[HORIZONTAL] == _1:
        cb_at = near * stride
        if scan[CONVERTED]:
            rgb_row(luma, y_at, chroma, cb_at, chroma, cb_at + _9 * stride, out, at, columns)
        else:
            interleaved_row(luma, y_at, chroma, cb_at, chroma, cb_at + _9 * stride, out, at, columns)
    else:
        count = (columns + _1) >> _1
        is_between = scan[VERTICAL] == _2
        for number in range(_2):
            first = _9 * number
            doubled_row(
                chroma, (first + near) * stride, (first + far) * stride, count, is_between, sums, pairs,
                number * stride,
            )  # fmt: skip
        if scan[CONVERTED]:
            rgb_row(luma, y_at, doubled, _0, doubled, _2 * stride, out, at, columns)
        else:
            interleaved_row(luma, y_at, doubled, _0, doubled, _2 * stride, out, at, columns)


@inlined(f"boolean({_DATA}, {PLACES}, {TABLES}, {STEPS}, {PLACES}, {PLACES}, {_ROOM}, {_BYTES})")
def _fits(  # type: ignore[no-untyped-def]
    data, scan, tables, steps, units, zigzag, coded, coefficients, rows, halves,
    luma, luma_bytes, chroma, chroma_bytes, sums, pairs, doubled, state, out,
):  # fmt: skip
    """Whether arrays are as large as the numbers of a scan ask for."""
    if len(scan) < SCAN or scan[START] > scan[END] or scan[END] > _U(len(data)) or scan[INTERVAL] == _0:
        return False
    across, down, components = scan[ACROSS], scan[DOWN], scan[COMPONENTS]
    wide, high = scan[HORIZONTAL], scan[VERTICAL]
    if across == _0 or across > _MOST_SIDE or down == _0 or down > _MOST_SIDE or not 1 <= wide <= 2:
        return False
    if not 1 <= high <= wide or (components != _3 and (components != _1 or wide != _1)):
        return False
    if scan[COLUMNS] == _0 or scan[COLUMNS] > _8 * wide * across or scan[ROWS] > _8 * high * down:
        return False
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
    if _U(len(luma)) < (_8 * high + _1) * wide * across or len(luma_bytes) != 8 * len(luma):
        return False
    if components == _3:
        if _U(len(chroma)) < _2 * _9 * across or len(chroma_bytes) != 8 * len(chroma):
            return False
        if (
            _U(len(sums)) < _8 * across + _2
            or _U(len(pairs)) < _16 * across
            or len(doubled) != 2 * len(pairs)
        ):
            return False
    return _U(len(out)) == scan[ROWS] * scan[COLUMNS] * components


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
    across, down, high, height = scan[ACROSS], scan[DOWN], scan[VERTICAL], scan[ROWS]
    y_stride, c_stride = _8 * across * scan[HORIZONTAL], _8 * across
    line = scan[COLUMNS] * scan[COMPONENTS]
    # Where chroma lies between rows, a row of pixels needs the next one: it is written a row of MCUs later.
    later = _U(high == _2)
    for row in range(down + later):
        if row < down:
            if later and row > _0:
                copied_row(luma_bytes, _16 * y_stride, _0, y_stride)
                copied_row(chroma_bytes, _8 * c_stride, _0, c_stride)
                copied_row(chroma_bytes, (_9 + _8) * c_stride, _9 * c_stride, c_stride)
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
        bottom = ((height + _1) >> _1) - min(_8 * row, (height + _1) >> _1)
        for number in range(_0 if later and row > _0 else _1, _8 * high + _1 - later):
            y = _8 * high * row + number - _1
            if y >= height:
                break
            near, far, at = _U(number), _U(number), _U(number)
            if row == down:  # the last one of all, if there is one
                near, far, at = _8, _8, _16
            elif later:
                near = (number + _1) >> _1
                far = near - _1 if number & _1 else near + _1
                if y == _0 or far > bottom:
                    far = near
            _pixel_row(
                scan, luma_bytes, at * y_stride, chroma_bytes, near, far, sums, pairs, doubled, out, y * line
            )
    is_whole = is_over(state) and state[POSITION] >= scan[END]
    return WHOLE if is_whole else UNSURE
