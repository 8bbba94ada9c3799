"""Samples of the blocks of a JPEG image (ITU-T T.81 A.3.3, A.3.4): the coefficients of a decoder.

The inverse DCT is the one that libjpeg calls "islow", after Loeffler, Ligtenberg and Moschytz (1989), in
integers: columns first, kept with two bits more, then rows. Sums are of 16 bits where libjpeg-turbo's for
vectors are: what is out of range wraps, or saturates, there and here alike. Products of 16 bits are written
so that LLVM takes the instruction that multiplies and adds pairs.

It is done with many blocks at a time: value ``n`` of block ``b`` is at ``n * LANES + b``. Helpers make 16 or
32 bits of everything, without which numba computes in 64; indices are unsigned, for others numba would look
whether they count from the end, and make no vectors.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpeg_layout import LANES

STEPS = "Array(int16, 1, 'C', readonly=True)"
_U, _I = np.uint64, np.int32
_LANES, _ROW = _U(LANES), _U(8 * LANES)
_1, _2, _3, _4, _5, _6, _7, _8 = (_U(each) for each in range(1, 9))
_EIGHT = ", ".join(["int16"] * 8)
#: Where libjpeg-turbo shifts the DC coefficient of a block without others in 16 bits, not in 32.
_ODD_DC = 1 << 13

# Constants of the DCT, and their sums, with 13 fractional bits.
_0_541, _0_541_MINUS_1_847, _0_541_PLUS_0_765 = _I(4433), _I(-10704), _I(10703)
_1_175, _1_175_MINUS_1_961, _1_175_MINUS_0_390 = _I(9633), _I(-6436), _I(6437)
_0_298_MINUS_0_899, _MINUS_0_899, _1_501_MINUS_0_899 = _I(-4927), _I(-7373), _I(4926)
_2_053_MINUS_2_562, _MINUS_2_562, _3_072_MINUS_2_562 = _I(-4176), _I(-20995), _I(4177)
_FRACTION = _I(13)


@inlined("int32(int32, int32)", always=True)
def add(a, b):  # type: ignore[no-untyped-def]
    """In 32 bits."""
    return np.int32(a + b)


@inlined("int32(int32, int32)", always=True)
def _sub(a, b):  # type: ignore[no-untyped-def]
    return np.int32(a - b)


@inlined("int32(int16, int32)", always=True)
def times(a, b):  # type: ignore[no-untyped-def]
    """A product of 16 bits by 16, in 32."""
    return np.int32(np.int32(a) * b)


@inlined("int32(int32, int32)", always=True)
def rounded(value, bits):  # type: ignore[no-untyped-def]
    """value / 2^bits, halves upwards."""
    return np.int32(np.int32(value + np.int32(np.int32(1) << np.int32(bits - np.int32(1)))) >> bits)


@inlined("int16(int16, int16)", always=True)
def _short_sum(a, b):  # type: ignore[no-untyped-def]
    return np.int16(a + b)


@inlined("int16(int16, int16)", always=True)
def _short_difference(a, b):  # type: ignore[no-untyped-def]
    return np.int16(a - b)


@inlined("int16(int16, int16)", always=True)
def _dequantized(coefficient, step):  # type: ignore[no-untyped-def]
    return np.int16(coefficient * step)


@inlined(f"UniTuple(int32, 8)({_EIGHT}, int32)", always=True)
def _inverse(d0, d1, d2, d3, d4, d5, d6, d7, bits):  # type: ignore[no-untyped-def]
    """An inverse DCT of eight values, times sqrt(8), divided by 2^(bits - 13)."""
    tmp2 = add(times(d2, _0_541), times(d6, _0_541_MINUS_1_847))
    tmp3 = add(times(d2, _0_541_PLUS_0_765), times(d6, _0_541))
    tmp0 = np.int32(np.int32(_short_sum(d0, d4)) << _FRACTION)
    tmp1 = np.int32(np.int32(_short_difference(d0, d4)) << _FRACTION)
    tmp10 = add(tmp0, tmp3)
    tmp13 = _sub(tmp0, tmp3)
    tmp11 = add(tmp1, tmp2)
    tmp12 = _sub(tmp1, tmp2)
    sum3 = _short_sum(d7, d3)
    sum4 = _short_sum(d5, d1)
    z3 = add(times(sum3, _1_175_MINUS_1_961), times(sum4, _1_175))
    z4 = add(times(sum3, _1_175), times(sum4, _1_175_MINUS_0_390))
    odd0 = add(add(times(d7, _0_298_MINUS_0_899), times(d1, _MINUS_0_899)), z3)
    odd1 = add(add(times(d5, _2_053_MINUS_2_562), times(d3, _MINUS_2_562)), z4)
    odd2 = add(add(times(d5, _MINUS_2_562), times(d3, _3_072_MINUS_2_562)), z3)
    odd3 = add(add(times(d7, _MINUS_0_899), times(d1, _1_501_MINUS_0_899)), z4)
    return (
        rounded(add(tmp10, odd3), bits), rounded(add(tmp11, odd2), bits),
        rounded(add(tmp12, odd1), bits), rounded(add(tmp13, odd0), bits),
        rounded(_sub(tmp13, odd0), bits), rounded(_sub(tmp12, odd1), bits),
        rounded(_sub(tmp11, odd2), bits), rounded(_sub(tmp10, odd3), bits),
    )  # fmt: skip


@inlined("int16(int32)", always=True)
def _saturated(value):  # type: ignore[no-untyped-def]
    return np.int16(min(max(value, np.int32(-32768)), np.int32(32767)))


@inlined("uint16(int32)", always=True)
def _sample(value):  # type: ignore[no-untyped-def]
    """A sample without its level shift (A.3.1)."""
    return np.uint16(np.int32(min(max(value, np.int32(-128)), np.int32(127)) + np.int32(128)))


@inlined("uint16(int32, int32)", always=True)
def _two(a, b):  # type: ignore[no-untyped-def]
    """Two samples of a row, the first one lowest."""
    return np.uint16(_sample(a) | np.uint16(_sample(b) << np.uint16(8)))


@inlined(f"void(int16[::1], uint64, uint64, uint64, {STEPS}, uint64, int16[::1])", apart=True)
def _columns(coefficients, base, column, count, steps, first_step, rows):  # type: ignore[no-untyped-def]
    """The inverse DCT of one column of ``count`` blocks."""
    step = first_step + column
    s0, s1, s2, s3 = steps[step], steps[step + _8], steps[step + _2 * _8], steps[step + _3 * _8]
    s4, s5, s6, s7 = (
        steps[step + _4 * _8], steps[step + _5 * _8], steps[step + _6 * _8], steps[step + _7 * _8],
    )  # fmt: skip
    for block in range(count):
        place = column * _LANES + block
        first = base + place
        out0, out1, out2, out3, out4, out5, out6, out7 = _inverse(
            _dequantized(coefficients[first], s0),
            _dequantized(coefficients[first + _ROW], s1),
            _dequantized(coefficients[first + _2 * _ROW], s2),
            _dequantized(coefficients[first + _3 * _ROW], s3),
            _dequantized(coefficients[first + _4 * _ROW], s4),
            _dequantized(coefficients[first + _5 * _ROW], s5),
            _dequantized(coefficients[first + _6 * _ROW], s6),
            _dequantized(coefficients[first + _7 * _ROW], s7),
            np.int32(11),
        )
        rows[place] = _saturated(out0)
        rows[place + _ROW] = _saturated(out1)
        rows[place + _2 * _ROW] = _saturated(out2)
        rows[place + _3 * _ROW] = _saturated(out3)
        rows[place + _4 * _ROW] = _saturated(out4)
        rows[place + _5 * _ROW] = _saturated(out5)
        rows[place + _6 * _ROW] = _saturated(out6)
        rows[place + _7 * _ROW] = _saturated(out7)


@inlined("uint16(int16[::1], uint64, uint64, int16)", apart=True)
def _beyond(coefficients, first, count, step):  # type: ignore[no-untyped-def]
    """The bits of some coefficients, moved to where those in range have none from 14 on."""
    found = np.uint16(0)
    for block in range(count):
        value = _dequantized(coefficients[first + block], step)
        found |= np.uint16(np.int16(value + np.int16(_ODD_DC)))
    return found


@inlined("void(int16[::1], uint64, uint64, uint16[::1])", apart=True)
def _rows(rows, row, count, pairs):  # type: ignore[no-untyped-def]
    """The samples of one row of ``count`` blocks, two a word: the leftmost ones first."""
    for block in range(count):
        first = row * _ROW + block
        out0, out1, out2, out3, out4, out5, out6, out7 = _inverse(
            rows[first], rows[first + _LANES], rows[first + _2 * _LANES], rows[first + _3 * _LANES],
            rows[first + _4 * _LANES], rows[first + _5 * _LANES], rows[first + _6 * _LANES],
            rows[first + _7 * _LANES], np.int32(18),
        )  # fmt: skip
        pairs[block] = _two(out0, out1)
        pairs[_LANES + block] = _two(out2, out3)
        pairs[_2 * _LANES + block] = _two(out4, out5)
        pairs[_3 * _LANES + block] = _two(out6, out7)


@inlined("void(uint16[::1], uint64, uint64[::1], uint64)", apart=True)
def _joined(pairs, count, out, at):  # type: ignore[no-untyped-def]
    for block in range(count):
        left = _U(pairs[block]) | _U(pairs[_LANES + block]) << _U(16)
        right = _U(pairs[_2 * _LANES + block]) | _U(pairs[_3 * _LANES + block]) << _U(16)
        out[at + block] = left | right << _U(32)


@inlined(
    f"boolean(int16[::1], uint64, uint64, {STEPS}, uint64, int16[::1], uint16[::1], uint64[::1], uint64, "
    "uint64)"
)
def block_samples(  # type: ignore[no-untyped-def]
    coefficients, base, count, steps, first_step, rows, pairs, out, at, across
):
    """Samples of ``count`` blocks that lie side by side, eight a word of ``out``.

    Row ``n`` of block ``b`` is at ``at + n * across + b``. False where libjpeg-turbo's way to take blocks
    without AC coefficients would wrap, which samples of 8 bits do not need.
    """
    # No vector is left half empty: behind the blocks are others, or zeros.
    lanes = (count + _U(15)) & ~_U(15)
    beyond = np.uint16(0)
    for column in range(_8):
        first = base + column * _LANES
        beyond |= _beyond(coefficients, first, lanes, steps[first_step + column])
        _columns(coefficients, base, column, lanes, steps, first_step, rows)
    for row in range(_8):
        _rows(rows, row, lanes, pairs)
        _joined(pairs, count, out, at + row * across)
    return beyond & np.uint16(0xFFFF & -2 * _ODD_DC) == np.uint16(0)
