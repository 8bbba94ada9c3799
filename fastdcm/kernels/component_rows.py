"""Rows of pixels of the components of a JPEG image: resolution and colour, as libjpeg-turbo makes them.

Chroma of half the resolution is interpolated between the nearest samples, 3/4 and 1/4 of which make a new one
in each direction ("fancy upsampling"). YCbCr becomes RGB (JFIF 1.02; ITU-T T.871 clause 7) in the integers of
libjpeg-turbo's vectors. Helpers make 16 or 32 bits of everything, and indices are unsigned, or there would be
no vectors.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.inverse_dct import add, rounded, times

_LINE = "uint8[::1]"
_U, _S = np.uint64, np.int16
_0, _1, _2, _3 = (_U(each) for each in range(4))

# 0.402, -0.228, -0.34414 and 0.28586, with 16 fractional bits: 1.402 - 1, 1.772 - 2 and 1 - 0.71414.
_R_CR, _B_CB, _G_CB, _G_CR = (np.int32(each) for each in (26345, -14942, -22554, 18734))


@inlined("uint8(int16)", always=True)
def _clipped(value):  # type: ignore[no-untyped-def]
    return np.uint8(min(max(value, np.int16(0)), np.int16(255)))


@inlined("uint8(int32)", always=True)
def _clipped_long(value):  # type: ignore[no-untyped-def]
    return np.uint8(min(max(value, np.int32(0)), np.int32(255)))


@inlined("int16(int16, int16)", always=True)
def _sum(a, b):  # type: ignore[no-untyped-def]
    return np.int16(a + b)


@inlined("int16(int16, int32)", always=True)
def _fraction(value, factor):  # type: ignore[no-untyped-def]
    """value * factor / 2^16, halves upwards."""
    high = np.int16(np.int32(np.int32(_sum(value, value)) * factor) >> np.int32(16))
    return np.int16(_sum(high, np.int16(1)) >> np.int16(1))


@inlined(f"void({_LINE}, uint64, {_LINE}, uint64, {_LINE}, uint64, {_LINE}, uint64, uint64)", apart=True)
def rgb_row(luma, y_at, blue, cb_at, red, cr_at, out, at, count):  # type: ignore[no-untyped-def]
    """``count`` pixels of RGB of as many samples of Y, Cb and Cr."""
    for x in range(count):
        y = np.int16(luma[y_at + x])
        cb = _sum(np.int16(blue[cb_at + x]), np.int16(-128))
        cr = _sum(np.int16(red[cr_at + x]), np.int16(-128))
        # In 32 bits to the end: LLVM would make products of 64 of what is cut to 16.
        green = add(
            np.int32(np.int16(y - cr)), rounded(add(times(cb, _G_CB), times(cr, _G_CR)), np.int32(16))
        )
        out[at + _3 * x] = _clipped(_sum(_sum(y, cr), _fraction(cr, _R_CR)))
        out[at + _3 * x + _1] = _clipped_long(green)
        out[at + _3 * x + _2] = _clipped(_sum(_sum(_sum(y, cb), cb), _fraction(cb, _B_CB)))


@inlined(f"void({_LINE}, uint64, {_LINE}, uint64, {_LINE}, uint64, {_LINE}, uint64, uint64)", apart=True)
def interleaved_row(  # type: ignore[no-untyped-def]
    first, first_at, second, second_at, third, third_at, out, at, count
):
    """``count`` pixels of three components, as they are."""
    for x in range(count):
        out[at + _3 * x] = first[first_at + x]
        out[at + _3 * x + _1] = second[second_at + x]
        out[at + _3 * x + _2] = third[third_at + x]


@inlined(f"void({_LINE}, uint64, uint64, uint64)")
def copied_row(line, source, target, count):  # type: ignore[no-untyped-def]
    """Samples from one place of an array to another that does not overlap it."""
    for x in range(count):
        line[target + x] = line[source + x]


@inlined(f"void({_LINE}, uint64, {_LINE}, uint64, uint64)", apart=True)
def written_row(line, source, out, at, count):  # type: ignore[no-untyped-def]
    """Samples of one component."""
    for x in range(count):
        out[at + x] = line[source + x]


@inlined(f"void({_LINE}, uint64, uint64, uint64, int16[::1])", apart=True)
def _weighted(line, near, far, count, sums):  # type: ignore[no-untyped-def]
    for x in range(count):
        sums[x + _1] = np.int16(np.int16(np.int16(line[near + x]) * np.int16(3)) + np.int16(line[far + x]))


@inlined(f"void({_LINE}, uint64, uint64, int16[::1])", apart=True)
def _alone(line, near, count, sums):  # type: ignore[no-untyped-def]
    for x in range(count):
        sums[x + _1] = np.int16(line[near + x])


@inlined("void(int16[::1], uint64, int16, int16, int16, uint16[::1], uint64)", apart=True)
def _doubled(sums, count, left_half, right_half, bits, pairs, at):  # type: ignore[no-untyped-def]
    for x in range(count):
        this = np.int16(sums[x + _1] * np.int16(3))
        left = np.uint16(_sum(_sum(this, sums[x]), left_half) >> bits)
        right = np.uint16(_sum(_sum(this, sums[x + _2]), right_half) >> bits)
        pairs[at + x] = np.uint16(left | np.uint16(right << np.uint16(8)))


@inlined(f"void({_LINE}, uint64, uint64, uint64, boolean, int16[::1], uint16[::1], uint64)")
def doubled_row(line, near, far, count, is_between, sums, pairs, at):  # type: ignore[no-untyped-def]
    """A row of twice as many samples, two in each of ``count`` pairs from ``at`` on.

    It is made of the row at ``near`` and, where it lies between rows, of the one at ``far``; ``sums`` has
    room for ``count`` + 2.
    """
    if is_between:
        _weighted(line, near, far, count, sums)
    else:
        _alone(line, near, count, sums)
    # At the edges the nearest sample stands for the one beyond.
    sums[_0] = sums[_1]
    sums[count + _1] = sums[count]
    if is_between:
        _doubled(sums, count, np.int16(8), np.int16(7), np.int16(4), pairs, at)
    else:
        _doubled(sums, count, np.int16(1), np.int16(2), np.int16(2), pairs, at)
