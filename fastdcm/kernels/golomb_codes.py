"""The bits of a JPEG-LS scan, and limited-length Golomb codes (ITU-T T.87 annexes A.1, A.5.3).

`unstuff` lays out the bits of a restart interval in words of 64, the first bit the highest, and zeros behind
them. Functions hand on ``position``, the number of the bit that comes next. From any position `ahead` gives
as many bits as the longest code has, without a branch: a window that is filled up now and then is cheaper to
read, but processors do not foresee when.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined, leading_zeros

BYTES = "Array(uint8, 1, 'C', readonly=True)"
CODES = "uint64[::1]"
#: A number of which no sample can be made.
IMPOSSIBLE = np.int64(1 << 40)
#: Words for the last bits and for zeros behind them. A code that starts there is none, so that no window
#: starts more than one code (64 bits) and the length of a run (16) behind the last bit.
SPARE_WORDS = 4

_0, _1, _7, _8 = np.uint64(0), np.uint64(1), np.uint64(7), np.uint64(8)
_BITS = np.uint64(64)
_HIGHEST, _LOWEST = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)


@inlined("int64(int64)")
def words(size):  # type: ignore[no-untyped-def]
    """How many words `unstuff` needs for so many bytes."""
    return (size + 7) // 8 + SPARE_WORDS


@inlined(f"uint32({BYTES}, uint64)", always=True)
def four_bytes(data, at):  # type: ignore[no-untyped-def]
    """Four bytes as a number, the first the highest: one load."""
    return (
        np.uint32(data[at]) << np.uint32(24)
        | np.uint32(data[at + _1]) << np.uint32(16)
        | np.uint32(data[at + np.uint64(2)]) << np.uint32(8)
        | np.uint32(data[at + np.uint64(3)])
    )


@inlined(f"uint64({BYTES}, uint64)", always=True)
def eight_bytes(data, at):  # type: ignore[no-untyped-def]
    """Eight bytes as a number, the first the highest."""
    return np.uint64(four_bytes(data, at)) << np.uint64(32) | np.uint64(four_bytes(data, at + np.uint64(4)))


@inlined(f"UniTuple(uint64, 3)({CODES}, uint64, uint64, uint64, uint64, uint64)", always=True)
def append(codes, full, word, held, value, bits):  # type: ignore[no-untyped-def]
    """Add fewer than 64 bits to a word that holds some, behind so many full ones."""
    high = value << (_BITS - bits)
    word |= high >> held
    held += bits
    if held >= _BITS:
        held -= _BITS
        codes[full] = word
        full += _1
        word = high << (bits - held)
    return full, word, held


@inlined(f"UniTuple(int64, 2)({BYTES}, int64, int64, {CODES})")
def unstuff(data, start, end, codes):  # type: ignore[no-untyped-def]
    """Lay out the bits of the bytes from ``start`` to ``end``; how many they are, and where they end.

    Behind FF comes a byte of seven bits, below a zero (A.1). FF and a byte with that bit set are a marker,
    and so the end. codes: as many as `words` says.
    """
    at, stop = np.uint64(start), np.uint64(end)
    full, word, held = _0, _0, _0
    while at < stop:
        if at + _8 <= stop:
            eight = eight_bytes(data, at)
            if not ((eight & ~_HIGHEST) + _LOWEST) & eight & _HIGHEST:  # none is FF
                codes[full] = word | eight >> held
                full += _1
                word = eight << _1 << (np.uint64(63) - held)
                at += _8
                continue
        byte = np.uint64(data[at])
        at += _1
        if byte != 0xFF:
            full, word, held = append(codes, full, word, held, byte, _8)
        elif at < stop and data[at] < 0x80:
            pair = byte << _7 | np.uint64(data[at])
            full, word, held = append(codes, full, word, held, pair, np.uint64(15))
            at += _1
        else:
            at -= _1
            break
    codes[full] = word
    for more in range(full + _1, full + np.uint64(SPARE_WORDS)):
        codes[more] = _0
    return np.int64(full * _BITS + held), np.int64(at)


@inlined(f"uint64({CODES}, int64)", always=True)
def ahead(codes, position):  # type: ignore[no-untyped-def]
    """The 64 bits from a position on, the first the highest."""
    word, passed = np.uint64(position >> 6), np.uint64(position & 63)
    return codes[word] << passed | codes[word + _1] >> _1 >> (np.uint64(63) - passed)


@inlined(f"UniTuple(int64, 2)({CODES}, int64, int64, int64, int64)", always=True)
def golomb(codes, position, k, longest, bits):  # type: ignore[no-untyped-def]
    """A number as LG(k, LIMIT) codes it (A.5.3), `IMPOSSIBLE` for none; the position behind it.

    ``longest`` is LIMIT - qbpp - 1, how many zeros the code of a number of so many ``bits`` begins with that
    is escaped; LIMIT is up to 64.
    """
    window = ahead(codes, position)
    zeros = np.int64(leading_zeros(window))
    if zeros >= longest:
        return escaped(codes, position, longest, bits)
    value = ((zeros - 1) << k) + np.int64(window << np.uint64(zeros) >> np.uint64(63 - k))
    return value, position + zeros + 1 + k


@inlined(f"UniTuple(int64, 2)({CODES}, int64, int64, int64)")
def escaped(codes, position, longest, bits):  # type: ignore[no-untyped-def]
    """`golomb` of a code that begins with so many zeros, or is none."""
    window = ahead(codes, position) << np.uint64(longest)
    if not window >> np.uint64(63):
        return IMPOSSIBLE, position
    return np.int64(window << _1 >> np.uint64(64 - bits)) + 1, position + longest + 1 + bits


@inlined("int64(int64, int64)", always=True)
def parameter(a, n):  # type: ignore[no-untyped-def]
    """The least k by which n << k is not below a (A.5.1); both are positive."""
    k = max(np.int64(leading_zeros(np.uint64(n))) - np.int64(leading_zeros(np.uint64(a))), np.int64(0))
    return k + (n << k < a)
