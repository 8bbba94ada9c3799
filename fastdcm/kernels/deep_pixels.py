"""Coefficients of a gray JPEG image of 12 bits to pixels (ITU-T T.81 A.3), one row of blocks after the other.

The inverse DCT is that of `fastdcm.kernels.inverse_dct`, with one bit more kept between columns and rows, not
two, and sums of 32 bits, as libjpeg has it for 12 bits. libjpeg's are of 64: where 32 could be too few, which
samples of 12 bits do not need, nothing is said. Samples out of range are clipped, but beyond 14 bits wrap,
which is where its table ends.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.inverse_dct import STEPS, add, rounded
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpeg_layout import LANES
from fastdcm.kernels.jpeg_pixels import (
    ACROSS,
    BUFFER,
    COLUMNS,
    COMPONENTS,
    DOWN,
    IMAGE,
    PLACES,
    ROWS,
    UNSURE,
    WHOLE,
    WRONG,
    is_possible,
)
from fastdcm.kernels.kept_blocks import block_at, first_coefficient, row_start

_SHORTS, _LONGS, _WORDS, _SAMPLES = "int16[::1]", "int32[::1]", "uint64[::1]", "uint16[::1]"
_U, _I = np.uint64, np.int32
_LANES, _ROW = _U(LANES), _U(8 * LANES)
_0, _1, _2, _3, _4, _5, _6, _7, _8, _64 = (_U(each) for each in (0, 1, 2, 3, 4, 5, 6, 7, 8, 64))
_EIGHT = ", ".join(["int32"] * 8)
#: As many bits a value may have, and the sum of eight: then no sum of products needs more than 32.
_VALUE_BITS, _SUM_BITS = _I(16), _I(17)
#: Bits of a sample, half its range, and where libjpeg's table of samples ends.
_HALF, _MOST, _WRAP = _I(2048), _I(4095), _I(8192)
_FRACTION = _I(13)


@inlined("int32(int32, int32)", always=True)
def _less(a, b):  # type: ignore[no-untyped-def]
    return np.int32(a - b)


@inlined("int32(int32, int32)", always=True)
def _times(a, b):  # type: ignore[no-untyped-def]
    return np.int32(a * b)


@inlined("int32(int32)", always=True)
def _size(value):  # type: ignore[no-untyped-def]
    return np.int32(max(value, np.int32(-value)))


@inlined(f"int32({_EIGHT})", always=True)
def _beyond(d0, d1, d2, d3, d4, d5, d6, d7):  # type: ignore[no-untyped-def]
    """Not 0 where the inverse DCT of eight values may need more than 32 bits."""
    s0, s1, s2, s3 = _size(d0), _size(d1), _size(d2), _size(d3)
    s4, s5, s6, s7 = _size(d4), _size(d5), _size(d6), _size(d7)
    either = np.int32(np.int32(s0 | s1) | np.int32(s2 | s3)) | np.int32(np.int32(s4 | s5) | np.int32(s6 | s7))
    total = add(add(add(s0, s1), add(s2, s3)), add(add(s4, s5), add(s6, s7)))
    return np.int32(np.int32(either) >> _VALUE_BITS | np.int32(total >> _SUM_BITS))


@inlined(f"UniTuple(int32, 8)({_EIGHT}, int32)", always=True)
def _inverse(d0, d1, d2, d3, d4, d5, d6, d7, bits):  # type: ignore[no-untyped-def]
    """An inverse DCT of eight values, times sqrt(8), divided by 2^(bits - 13)."""
    tmp2 = add(_times(d2, _I(4433)), _times(d6, _I(4433 - 15137)))
    tmp3 = add(_times(d2, _I(4433 + 6270)), _times(d6, _I(4433)))
    tmp0 = np.int32(add(d0, d4) << _FRACTION)
    tmp1 = np.int32(_less(d0, d4) << _FRACTION)
    tmp10, tmp13, tmp11, tmp12 = add(tmp0, tmp3), _less(tmp0, tmp3), add(tmp1, tmp2), _less(tmp1, tmp2)
    z1, z2, z3, z4 = add(d7, d1), add(d5, d3), add(d7, d3), add(d5, d1)
    z5 = _times(add(z3, z4), _I(9633))
    z1, z2 = _times(z1, _I(-7373)), _times(z2, _I(-20995))
    z3, z4 = add(_times(z3, _I(-16069)), z5), add(_times(z4, _I(-3196)), z5)
    odd0 = add(_times(d7, _I(2446)), add(z1, z3))
    odd1 = add(_times(d5, _I(16819)), add(z2, z4))
    odd2 = add(_times(d3, _I(25172)), add(z2, z3))
    odd3 = add(_times(d1, _I(12299)), add(z1, z4))
    return (
        rounded(add(tmp10, odd3), bits), rounded(add(tmp11, odd2), bits),
        rounded(add(tmp12, odd1), bits), rounded(add(tmp13, odd0), bits),
        rounded(_less(tmp13, odd0), bits), rounded(_less(tmp12, odd1), bits),
        rounded(_less(tmp11, odd2), bits), rounded(_less(tmp10, odd3), bits),
    )  # fmt: skip


@inlined("uint32(int32, int32)", always=True)
def _two(a, b):  # type: ignore[no-untyped-def]
    """Two samples of a row, the first one lowest."""
    return np.uint32(_sample(a) | np.uint32(_sample(b) << np.uint32(16)))


@inlined("uint32(int32)", always=True)
def _sample(value):  # type: ignore[no-untyped-def]
    """A sample without its level shift (A.3.1)."""
    wrapped = _less(np.int32(add(value, _WRAP) & np.int32(2 * _WRAP - 1)), _WRAP)
    return np.uint32(min(max(add(wrapped, _HALF), np.int32(0)), _MOST))


@inlined("int32(int16, int16)", always=True)
def _dequantized(coefficient, step):  # type: ignore[no-untyped-def]
    return np.int32(np.int32(coefficient) * np.int32(step))


@inlined(f"int32({_SHORTS}, uint64, uint64, uint64, {STEPS}, {_LONGS})", apart=True)
def _columns(coefficients, base, column, count, steps, rows):  # type: ignore[no-untyped-def]
    """The inverse DCT of one column of ``count`` blocks; not 0 where values are beyond."""
    s0, s1, s2, s3 = steps[column], steps[column + _8], steps[column + _2 * _8], steps[column + _3 * _8]
    s4, s5, s6, s7 = (
        steps[column + _4 * _8], steps[column + _5 * _8], steps[column + _6 * _8], steps[column + _7 * _8],
    )  # fmt: skip
    beyond = np.int32(0)
    for block in range(count):
        place = column * _LANES + block
        first = base + place
        d0 = _dequantized(coefficients[first], s0)
        d1 = _dequantized(coefficients[first + _ROW], s1)
        d2 = _dequantized(coefficients[first + _2 * _ROW], s2)
        d3 = _dequantized(coefficients[first + _3 * _ROW], s3)
        d4 = _dequantized(coefficients[first + _4 * _ROW], s4)
        d5 = _dequantized(coefficients[first + _5 * _ROW], s5)
        d6 = _dequantized(coefficients[first + _6 * _ROW], s6)
        d7 = _dequantized(coefficients[first + _7 * _ROW], s7)
        beyond |= _beyond(d0, d1, d2, d3, d4, d5, d6, d7)
        out0, out1, out2, out3, out4, out5, out6, out7 = _inverse(
            d0, d1, d2, d3, d4, d5, d6, d7, np.int32(12)
        )
        rows[place] = out0
        rows[place + _ROW] = out1
        rows[place + _2 * _ROW] = out2
        rows[place + _3 * _ROW] = out3
        rows[place + _4 * _ROW] = out4
        rows[place + _5 * _ROW] = out5
        rows[place + _6 * _ROW] = out6
        rows[place + _7 * _ROW] = out7
    return beyond


@inlined(f"int32({_LONGS}, uint64, uint64, uint32[::1])", apart=True)
def _rows(rows, row, count, pairs):  # type: ignore[no-untyped-def]
    """The samples of one row of ``count`` blocks, two a word; not 0 where values are beyond."""
    beyond = np.int32(0)
    for block in range(count):
        first = row * _ROW + block
        d0, d1, d2, d3 = (
            rows[first],
            rows[first + _LANES],
            rows[first + _2 * _LANES],
            rows[first + _3 * _LANES],
        )
        d4, d5 = rows[first + _4 * _LANES], rows[first + _5 * _LANES]
        d6, d7 = rows[first + _6 * _LANES], rows[first + _7 * _LANES]
        beyond |= _beyond(d0, d1, d2, d3, d4, d5, d6, d7)
        out0, out1, out2, out3, out4, out5, out6, out7 = _inverse(
            d0, d1, d2, d3, d4, d5, d6, d7, np.int32(17)
        )
        pairs[block] = _two(out0, out1)
        pairs[_LANES + block] = _two(out2, out3)
        pairs[_2 * _LANES + block] = _two(out4, out5)
        pairs[_3 * _LANES + block] = _two(out6, out7)
    return beyond


@inlined(f"void(uint32[::1], uint64, {_WORDS}, uint64)", apart=True)
def _joined(pairs, count, words, at):  # type: ignore[no-untyped-def]
    for block in range(count):
        words[at + _2 * block] = _U(pairs[block]) | _U(pairs[_LANES + block]) << _U(32)
        words[at + _2 * block + _1] = _U(pairs[_2 * _LANES + block]) | _U(pairs[_3 * _LANES + block]) << _U(
            32
        )


@inlined(f"void({_SAMPLES}, uint64, {_SAMPLES}, uint64, uint64)", apart=True)
def _written(samples, source, out, at, count):  # type: ignore[no-untyped-def]
    for x in range(count):
        out[at + x] = samples[source + x]


@kernel(f"int64({PLACES}, {STEPS}, {_SHORTS}, {_LONGS}, uint32[::1], {_WORDS}, {_SAMPLES}, {_SAMPLES})")
def write_deep_pixels(image, steps, coefficients, rows, pairs, words, samples, out):  # type: ignore[no-untyped-def]
    """Write the pixels of the coefficients of `fastdcm.kernels.several_scans.decode_scans`.

    ``out`` is (rows * columns,) uint16. ``words``, and ``samples``, which is the same memory, have room for
    eight rows of blocks' samples; the others are room, too. Returns as
    `fastdcm.kernels.kept_pixels.write_pixels`.
    """
    if len(image) < IMAGE or not is_possible(image) or image[COMPONENTS] != _1:
        return WRONG
    across, columns, height = image[ACROSS], image[COLUMNS], image[ROWS]
    if len(steps) < _64 or _U(len(coefficients)) < first_coefficient(image, _1) or len(rows) < BUFFER:
        return WRONG
    if len(pairs) < 4 * LANES or _U(len(words)) < _2 * _8 * across or len(samples) != 4 * len(words):
        return WRONG
    if _U(len(out)) != height * columns:
        return WRONG
    for row in range(image[DOWN]):
        start, beyond = row_start(_0, across, row), np.int32(0)
        for left in range(_0, across, _LANES):
            base, count = block_at(start, left), min(_LANES, across - left)
            lanes = (count + _U(15)) & ~_U(15)  # behind the blocks are zeros
            for column in range(_8):
                beyond |= _columns(coefficients, base, column, lanes, steps, rows)
            for y in range(_8):
                beyond |= _rows(rows, y, lanes, pairs)
                _joined(pairs, count, words, _2 * (y * across + left))
        if beyond != 0:
            return UNSURE
        for y in range(min(_8, height - _8 * row)):
            _written(samples, _8 * y * across, out, (_8 * row + y) * columns, columns)
    return WHOLE
