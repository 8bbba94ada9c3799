"""The bits of a JPEG-LS scan, and limited-length Golomb codes (ITU-T T.87 annexes A.1, A.5.3).

Functions hand on ``window``, the bits to come from the highest on, and ``count``, how many of them are filled
in. A ``reader`` has what is needed less often: `POSITION`, the byte that comes next, `END`, behind which
nothing is read, and `PADDED`, how many of the bits are zeros that stand for what is not there.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined, leading_zeros

BYTES = "Array(uint8, 1, 'C', readonly=True)"
#: The types of window and count, and of what functions read from.
WINDOW = "uint64, int64"
SOURCE = f"{BYTES}, int64[::1], {WINDOW}"
POSITION, END, PADDED = (np.uint64(field) for field in range(3))
READER_SIZE = 3

_0, _1, _2, _3, _4 = (np.uint64(number) for number in range(5))
_HIGHEST_BITS, _LOWEST_BITS = np.uint32(0x80808080), np.uint32(0x01010101)
#: No window has fewer bits after `fill`.
FILLED = 33


@inlined(f"Tuple(({WINDOW}))({SOURCE})")
def fill_slowly(data, reader, window, count):  # type: ignore[no-untyped-def]
    """`fill` byte by byte."""
    at, end = np.uint64(reader[POSITION]), np.uint64(reader[END])
    while count < FILLED:
        if at >= end or (data[at] == 0xFF and (at + _1 >= end or data[at + _1] >= 0x80)):
            reader[PADDED] += 32
            count += 32
            break
        byte = np.uint64(data[at])
        window |= byte << np.uint64(56 - count)
        count += 8
        at += _1
        if byte == 0xFF:
            window |= np.uint64(data[at]) << np.uint64(57 - count)
            count += 7
            at += _1
    reader[POSITION] = at
    return window, count


@inlined(f"Tuple(({WINDOW}))({SOURCE})", always=True)
def fill(data, reader, window, count):  # type: ignore[no-untyped-def]
    """Fill up a window of fewer than `FILLED` bits.

    Behind FF comes a byte of seven bits, below a zero (A.1). FF and a byte with that bit set are a marker,
    and so the end.
    """
    at, end = np.uint64(reader[POSITION]), np.uint64(reader[END])
    if at + _4 <= end:
        word = (
            np.uint32(data[at]) << np.uint32(24)
            | np.uint32(data[at + _1]) << np.uint32(16)
            | np.uint32(data[at + _2]) << np.uint32(8)
            | np.uint32(data[at + _3])
        )
        if not ((word & ~_HIGHEST_BITS) + _LOWEST_BITS) & word & _HIGHEST_BITS:  # none is FF
            reader[POSITION] = at + _4
            return window | np.uint64(word) << np.uint64(32 - count), count + 32
    return fill_slowly(data, reader, window, count)


@inlined(f"Tuple((int64, {WINDOW}))({SOURCE}, int64, int64, int64)")
def golomb(data, reader, window, count, k, limit, bits):  # type: ignore[no-untyped-def]
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
            return np.int64(-1), window, count
        if count < FILLED:
            window, count = fill(data, reader, window, count)
    more = np.int64(leading_zeros(window))
    zeros += more
    if zeros > longest:
        return np.int64(-1), window, count
    window <<= np.uint64(more + 1)
    count -= more + 1
    if count < FILLED:
        window, count = fill(data, reader, window, count)
    value = zeros << k
    if zeros == longest:
        k = bits
        value = np.int64(1)
    value += np.int64(window >> _1 >> np.uint64(63 - k))
    window <<= np.uint64(k)
    return value, window, count - k


@inlined("int64(int64, int64)")
def parameter(a, n):  # type: ignore[no-untyped-def]
    """The least k by which n << k is not below a (A.5.1); both are positive."""
    k = max(np.int64(leading_zeros(np.uint64(n))) - np.int64(leading_zeros(np.uint64(a))), np.int64(0))
    if n << k < a:
        k += 1
    return k
