"""Means of squares of a gray baseline scan of JPEG, out of its coefficients (ITU-T T.81 annexes A.3, F.2).

A mean of some samples of a block is a sum of its coefficients, each times a number, as the samples are: no
sample is computed for it. Indices are unsigned.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING, unstuffed, window
from fastdcm.kernels.huffman_lane_tables import (
    ENDED,
    ENTRIES,
    LOOKUP_BITS,
    ONE,
    TABLE_SIZE,
    TABLES,
    TO_ADD,
    TO_START,
    long_code,
)
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

UNSURE = -1
#: Means of a block at most: of squares of 2 x 2.
MOST_MEANS = 16

_U = np.uint64
_0, _1, _3, _63, _64, _127 = (_U(each) for each in (0, 1, 3, 63, 64, 127))
_INDEX = _U(64 - LOOKUP_BITS)
_DATA, _WEIGHTS = "Array(uint8, 1, 'C', readonly=True)", "Array(float32, 2, 'C', readonly=True)"


@inlined("int64(uint64, uint64, uint64)", always=True)
def extended(bits, length, size):  # type: ignore[no-untyped-def]
    """The value of so many bits behind a code (figure F.12)."""
    behind = bits << length
    value = np.int64(behind >> _1 >> (_63 - size))
    return value if behind >> _63 else value + np.int64(1) - np.int64(_1 << size)


@inlined(f"void({_WEIGHTS}, uint64, int64, float32[::1])", always=True)
def add(weights, number, value, sums):  # type: ignore[no-untyped-def]
    """Add what a coefficient is to each mean; four or all sixteen at once."""
    factor, row = np.float32(value), weights[number]
    if len(row) == MOST_MEANS:
        for place in range(MOST_MEANS):
            sums[place] += factor * row[place]
    else:
        for place in range(4):
            sums[place] += factor * row[place]


@kernel(
    f"int64({_DATA}, uint64, uint64, uint64, uint64, {TABLES}, {_WEIGHTS}, uint64, float32[::1], uint8[::1], "
    "uint8[:, ::1])"
)
def block_means(data, start, end, interval, across, tables, weights, side, sums, coded, out):  # type: ignore[no-untyped-def]
    """The most bits that a restart interval has left over, where all blocks of a scan are coded, or `UNSURE`.

    The scan of one component lies between the offsets ``start`` and ``end`` of ``data``; it has ``across``
    blocks in a row, and a restart marker behind each ``interval`` of them. ``tables`` is one of
    `huffman_lane_tables.fill_table`. ``out`` are the means, (rows of blocks times side, across times side).

    weights: (64, 4 or 16) float32, for each coefficient, in zigzag order, what it adds to each of the
    side x side means, row by row; sums, coded: room, of 16 and (end - start + PADDING) items.
    """
    # What is read and written lies inside the arrays, whatever the codes are.
    if not (start <= end <= _U(len(data)) and interval > _0 and across > _0 and _0 < side <= _U(4)):
        return UNSURE
    if len(tables) < TABLE_SIZE or weights.shape[0] != 64 or len(sums) < MOST_MEANS:
        return UNSURE
    if weights.shape[1] not in (4, MOST_MEANS) or side * side > _U(weights.shape[1]):
        return UNSURE
    if _U(len(coded)) < end - start + _U(PADDING) or _U(out.shape[1]) < across * side:
        return UNSURE
    wanted = _U(out.shape[0]) // side * across
    position, spare = start, np.int64(0)
    bit = last = left = _0
    level = np.int64(0)
    for number in range(wanted):
        if left == _0:
            if number > _0:
                spare = max(spare, np.int64(last - bit))
                if position >= end or data[position] >> 3 != 0xD0 >> 3:
                    return UNSURE
                position += _1
            size, position = unstuffed(data, position, end, coded)
            bit, last, left, level = _0, size << _3, interval, np.int64(0)
        left -= _1
        for place in range(weights.shape[1]):
            sums[place] = np.float32(128.5)  # the level shift, and what rounds
        bits = window(coded, bit)
        entry = tables[_U(ONE) + (bits >> _INDEX)]
        if entry == 0:
            entry = long_code(tables, _0, _0, bits)
            if entry == 0:
                return UNSURE
        length = _U(entry) >> _U(TO_START) & _63
        taken = _U(entry) & _127
        bit += taken
        level += extended(bits, length, taken - length)
        add(weights, _0, level, sums)
        known = _1
        while known < _64:
            if bit > last:
                return UNSURE
            bits = window(coded, bit)
            entry = tables[_U(ONE) + _U(ENTRIES) + (bits >> _INDEX)]
            if entry == 0:
                entry = long_code(tables, _0, _1, bits)
                if entry == 0:
                    return UNSURE
            length = _U(entry) >> _U(TO_START) & _63
            taken = _U(entry) & _127
            bit += taken
            if entry >> ENDED & np.uint32(1):
                break
            known += _U(entry >> TO_ADD)
            if known > _64:
                return UNSURE
            add(weights, known - _1, extended(bits, length, taken - length), sums)
        if bit > last:
            return UNSURE
        top, first = number // across * side, number % across * side
        for y in range(side):
            for x in range(side):
                mean = min(max(sums[y * side + x], np.float32(0)), np.float32(255))
                out[top + y, first + x] = np.uint8(np.int32(mean))
    spare = max(spare, np.int64(last - bit))
    return spare if position == end else UNSURE
