"""Bytes of Huffman-coded scans of JPEG (ITU-T T.81 annex B.1.1.5): without stuffed ones, and as bits to come.

Indices are unsigned: for others numba would look whether they count from the end.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined, ones, trailing_zeros
from fastdcm.kernels.several_bytes import copy_bytes, equal_bytes

#: Behind the bytes of an interval: as far as what is read may lie behind its last bit.
PADDING = 64

_U = np.uint64
_0, _1, _2, _3, _7, _8, _63, _64 = (_U(each) for each in (0, 1, 2, 3, 7, 8, 63, 64))
#: Bytes that are copied at once where none is FF.
RUN = _U(32)
_DATA, _BYTES = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]"
_LOWEST_BITS, _HIGHEST_BITS = _U(0x0101010101010101), _U(0x8080808080808080)


@inlined(f"uint64({_DATA}, uint64)", f"uint64({_BYTES}, uint64)")
def eight(data, position):  # type: ignore[no-untyped-def]
    """Eight bytes from a position on, the first one highest."""
    return (
        _U(data[position]) << _U(56)
        | _U(data[position + _1]) << _U(48)
        | _U(data[position + _2]) << _U(40)
        | _U(data[position + _3]) << _U(32)
        | _U(data[position + _U(4)]) << _U(24)
        | _U(data[position + _U(5)]) << _U(16)
        | _U(data[position + _U(6)]) << _8
        | _U(data[position + _7])
    )


@inlined(f"uint64({_BYTES}, uint64)")
def window(coded, position):  # type: ignore[no-untyped-def]
    """The bits from a position on, at least 57 of them, from the highest on."""
    return eight(coded, position >> _3) << (position & _7)


@inlined("uint64(uint64)")
def full(bits):  # type: ignore[no-untyped-def]
    """The highest bit of each of eight bytes that is FF."""
    return ((bits & ~_HIGHEST_BITS) + _LOWEST_BITS) & bits & _HIGHEST_BITS


@inlined(
    f"boolean({_DATA}, uint64, {_BYTES}, uint64)",
    f"boolean({_BYTES}, uint64, {_BYTES}, uint64)",
    apart=True,
)
def copied(data, position, coded, count):  # type: ignore[no-untyped-def]
    """Copy `RUN` bytes: whether none is FF. LLVM makes it a few instructions."""
    found = np.uint8(0)
    for number in range(RUN):
        byte = data[position + number]
        coded[count + number] = byte
        found |= np.uint8(byte == 0xFF)
    return found == 0


@inlined(f"UniTuple(uint64, 2)({_DATA}, uint64, uint64, {_BYTES})")
def unstuffed(data, position, end, coded):  # type: ignore[no-untyped-def]
    """Copy the bytes of an interval (B.1.1.5) up to a marker or the end, before which none of it is written.

    Returns how many bytes there are, and the position of the marker's last byte.
    """
    count, stuffed = _0, _0  # a bit: whether the byte at the position is a stuffed one
    while position + _64 < end:
        filled = equal_bytes(data, position, np.uint8(0xFF))
        if filled & ~equal_bytes(data, position + _1, np.uint8(0)):
            break
        kept = ~(filled << _1 | stuffed)
        copy_bytes(data, position, kept, coded, count)
        count += ones(kept)
        stuffed = filled >> _63
        position += _64
    if position < end and position + _64 < _U(len(data)):
        # Up to a byte FF that no zero follows, and not to the last one, which nothing may follow.
        filled = equal_bytes(data, position, np.uint8(0xFF))
        odd = filled & ~equal_bytes(data, position + _1, np.uint8(0))
        length = min(_U(trailing_zeros(odd)), end - position - _1)
        stuffed |= filled << _1
        kept = ~stuffed & ((_1 << length) - _1)
        copy_bytes(data, position, kept, coded, count)
        count += ones(kept)
        stuffed = stuffed >> length & _1
        position += length
    position += stuffed
    while position < end:
        if data[position] != 0xFF:
            coded[count] = data[position]
            position += _1
            count += _1
            continue
        # Fill bytes FF may stand before any marker (B.1.1.2), and before the zero that is stuffed.
        position += _1
        while position < end and data[position] == 0xFF:
            position += _1
        if position >= end or data[position] != 0:
            break
        coded[count] = 0xFF
        position += _1
        count += _1
    for number in range(PADDING):
        coded[count + _U(number)] = 0
    return count, position
