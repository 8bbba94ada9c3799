"""The bits of a JPEG-LS scan, and limited-length Golomb codes (ITU-T T.87 annexes A.1, A.5.3).

A reader is four numbers that functions hand on: ``window``, the bits to come from the highest on; ``count``,
how many of its bits are filled in; ``position``, the byte that comes next; ``padded``, how many of the bits
are zeros that stand for what lies behind the end. Nothing is read at ``end`` or behind it.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined, leading_zeros

BYTES = "Array(uint8, 1, 'C', readonly=True)"
#: The types of a reader, and of a function that returns it with ``n`` numbers before it.
READER = "uint64, int64, int64, int64"

_0, _1, _2, _3 = (np.uint64(number) for number in range(4))
_BYTE, _HIGHEST_BITS, _LOWEST_BITS = np.uint32(8), np.uint32(0x80808080), np.uint32(0x01010101)
#: No window has fewer bits after `fill`.
FILLED = 33


@inlined(f"Tuple(({READER}))({BYTES}, int64, {READER})")
def fill(data, end, window, count, position, padded):  # type: ignore[no-untyped-def]
    """Fill up a window of fewer than `FILLED` bits.

    Behind FF comes a byte of seven bits, below a zero (A.1). FF and a byte with that bit set are a marker,
    and so the end.
    """
    if position + 4 <= end:
        at = np.uint64(position)
        word = (
            np.uint32(data[at]) << np.uint32(24)
            | np.uint32(data[at + _1]) << np.uint32(16)
            | np.uint32(data[at + _2]) << _BYTE
            | np.uint32(data[at + _3])
        )
        if not ((word & ~_HIGHEST_BITS) + _LOWEST_BITS) & word & _HIGHEST_BITS:  # none is FF
            return window | np.uint64(word) << np.uint64(32 - count), count + 32, position + 4, padded
    while count < FILLED:
        at = np.uint64(position)
        if position >= end or (data[at] == 0xFF and (position + 1 >= end or data[at + _1] >= 0x80)):
            padded += 32
            count += 32
            break
        window |= np.uint64(data[at]) << np.uint64(56 - count)
        count += 8
        position += 1
        if data[at] == 0xFF:
            window |= np.uint64(data[at + _1]) << np.uint64(57 - count)
            count += 7
            position += 1
    return window, count, position, padded


@inlined(f"Tuple((int64, {READER}))({BYTES}, int64, {READER}, int64, int64, int64)")
def golomb(data, end, window, count, position, padded, k, limit, bits):  # type: ignore[no-untyped-def]
    """A number as LG(k, limit) codes it (A.5.3), where an escaped one has so many ``bits``; -1 for none.

    The window has `FILLED` bits, and need not have them afterwards. k, bits: up to 32.
    """
    longest = limit - bits - 1
    zeros = np.int64(0)
    while window >> np.uint64(32) == _0:
        window <<= np.uint64(32)
        count -= 32
        zeros += 32
        if zeros > longest:
            return np.int64(-1), window, count, position, padded
        if count < FILLED:
            window, count, position, padded = fill(data, end, window, count, position, padded)
    more = np.int64(leading_zeros(window))
    zeros += more
    if zeros > longest:
        return np.int64(-1), window, count, position, padded
    window <<= np.uint64(more + 1)
    count -= more + 1
    if count < FILLED:
        window, count, position, padded = fill(data, end, window, count, position, padded)
    value = zeros << k
    if zeros == longest:
        k = bits
        value = np.int64(1)
    value += np.int64(window >> _1 >> np.uint64(63 - k))
    window <<= np.uint64(k)
    return value, window, count - k, position, padded


@inlined("int64(int64, int64)")
def parameter(a, n):  # type: ignore[no-untyped-def]
    """The least k by which n << k is not below a (A.5.1); both are positive."""
    k = max(np.int64(leading_zeros(np.uint64(n))) - np.int64(leading_zeros(np.uint64(a))), np.int64(0))
    if n << k < a:
        k += 1
    return k
