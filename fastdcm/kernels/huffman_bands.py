"""A quick walk over AC scans of progressive JPEG (ITU-T T.81 G.1.2.2, G.1.2.3); it loads machine code.

The walk of `fastdcm.kernels.huffman` says what is wrong with a scan, this one only that nothing is, as that
of `fastdcm.kernels.huffman_lanes`. A scan codes coefficients ``first`` to ``last`` of one component's blocks.
``history`` has for each block the coefficients that are not zero so far, as bits: what a scan that refines
has a bit for. ``coded`` is that of `fastdcm.kernels.coded_bytes`; positions in it are in bits.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING, unstuffed, window
from fastdcm.kernels.inlined import inlined, trailing_zeros
from fastdcm.kernels.jit import kernel

#: Bits of a table's index (benches/bench_entropy.py).
LOOKUP_BITS = 12
_ENTRIES = 1 << LOOKUP_BITS
#: A table: for each `LOOKUP_BITS` bits to come as many codes as they hold; one code; for each length the
#: first 16 bits behind its last code, and what leads from a code to its value; the values.
_ONE, _LIMITS = _ENTRIES, 2 * _ENTRIES
_OFFSETS = _LIMITS + 17
_VALUES = _OFFSETS + 17
TABLE_SIZE = _VALUES + 256
# An entry of some codes: the bits they take; the coefficients they go on by; the blocks they end, 0 where the
# block goes on; those of the coefficients that are not zero, as bits. It is 0 where one code is to be taken.
_BY, _RUN, _ADDED = (np.uint64(place) for place in (8, 16, 32))
# An entry of one code: its length, its value. It is 0 where the code is longer.

UNSURE = -1

_U = np.uint64
_0, _1, _3, _15, _63, _127, _255 = (_U(each) for each in (0, 1, 3, 15, 63, 127, 255))
_INDEX, _BITS, _ALL = _U(64 - LOOKUP_BITS), _U(LOOKUP_BITS), _U(0xFFFFFFFFFFFFFFFF)
_DATA, _CODED = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]"
_TABLE = "Array(uint64, 1, 'C', readonly=True)"


@inlined("UniTuple(uint64, 3)(uint64, uint64, uint64)")
def meaning(bits, length, value):  # type: ignore[no-untyped-def]
    """What a code with the bits behind it says: bits, zeros before a coefficient, blocks that end.

    The last is 0 where the block goes on; else it is one, or 2 to the power of what are zeros then, and the
    number that so many bits are (table G.1).
    """
    zeros, size = value >> _U(4), value & _15
    if size == _0 and zeros < _15:
        more = (bits << length) >> _1 >> (_63 - zeros)
        return length + zeros, _0, (_1 << zeros) + more
    return length + size, zeros, _0


@inlined("uint64(uint64, uint64[::1])")
def together(index, table):  # type: ignore[no-untyped-def]
    """The entry of the codes that some bits hold, with what follows them."""
    total, by, run, added = _0, _0, _0, _0
    while total < _BITS and run == _0:
        bits = index << (_INDEX + total)
        one = table[_U(_ONE) + (bits >> _INDEX)]
        length, value = one & _255, one >> _U(8)
        taken, zeros, run = meaning(bits, length, value)
        if one == _0 or total + taken > _BITS or by + zeros >= _U(32):
            run = _0
            break
        total += taken
        if run == _0:
            by += zeros + _1
            added |= min(value & _15, _1) << (by - _1)
    return total | by << _BY | run << _RUN | added << _ADDED


@kernel("void(Array(uint8, 1, 'C', readonly=True), uint64[::1])")
def fill_table(definition, table):  # type: ignore[no-untyped-def]
    """A table of a definition that is possible: 16 counts, and the values of the codes (C.2)."""
    table[:] = 0
    number, first = _0, _0
    for length in range(_1, _U(17)):
        table[_U(_OFFSETS) + length] = number - first
        for _ in range(definition[length - _1]):
            value = _U(definition[_U(16) + number])
            table[_U(_VALUES) + number] = value
            if length <= _BITS:
                spare = _BITS - length
                for index in range(first << spare, (first + _1) << spare):
                    table[_U(_ONE) + index] = length | value << _U(8)
            first += _1
            number += _1
        table[_U(_LIMITS) + length] = first << (_U(16) - length)
        first <<= _1
    for index in range(_U(_ENTRIES)):
        table[index] = together(index, table)


@inlined(f"UniTuple(uint64, 2)(uint64, {_TABLE})")
def one(bits, table):  # type: ignore[no-untyped-def]
    """The code at the highest bits (figure F.16): its length, or 0; its value."""
    entry = table[_U(_ONE) + (bits >> _INDEX)]
    if entry:
        return entry & _255, entry >> _U(8)
    first = bits >> _U(48)
    length = _BITS + _1
    while length < _U(17) and first >= table[_U(_LIMITS) + length]:
        length += _1
    if length == _U(17):
        return _0, _0
    number = table[_U(_OFFSETS) + length] + (first >> (_U(16) - length))
    return length, table[_U(_VALUES) + (number & _255)]


@inlined("uint64(uint64)")
def ones(bits):  # type: ignore[no-untyped-def]
    """How many bits are set: LLVM knows this for the processor's instruction."""
    bits -= bits >> _1 & _U(0x5555555555555555)
    bits = (bits & _U(0x3333333333333333)) + (bits >> _U(2) & _U(0x3333333333333333))
    bits = bits + (bits >> _U(4)) & _U(0x0F0F0F0F0F0F0F0F)
    return bits * _U(0x0101010101010101) >> _U(56)


_WALK = f"uint64({_CODED}, uint64, uint64, uint64, uint64, uint64, uint64, uint64[::1], {_TABLE})"
#: What walks return in place of a position.
_NO_POSITION = _ALL


@inlined(_WALK)
def code_first(coded, position, end, block, stop, first, last, history, table):  # type: ignore[no-untyped-def]
    """Walk the blocks of an interval in a band's first scan (G.1.2.2): the position behind, or none."""
    while block < stop:
        k, run, added = first, _0, _0
        while k <= last and run == _0:
            if position > end:
                return _NO_POSITION
            bits = window(coded, position)
            entry = table[bits >> _INDEX]
            by, run = entry >> _BY & _255, entry >> _RUN & _U(0xFFFF)
            if entry == _0 or k + by + min(run, _1) > last + _1:
                length, value = one(bits, table)
                taken, zeros, run = meaning(bits, length, value)
                by = _0 if run else zeros + _1
                if length == _0 or k + by > last + _1:
                    return _NO_POSITION
                entry = taken | (min(value & _15, _1) << _U(32) << zeros if by else _0)
            added |= entry >> _ADDED << k
            position += entry & _255
            k += by
        history[block] |= added
        block += max(run, _1)
    return position if block == stop and position <= end else _NO_POSITION


@inlined("uint64(uint64, uint64, uint64)")
def up_to_zero(rest, known, zeros):  # type: ignore[no-untyped-def]
    """Of the rest of a band what lies up to the coefficient that so many zeros stand before; 0 for none."""
    left = rest & ~known
    for _ in range(zeros):
        left &= left - _1
    place = left & ~(left - _1)
    return rest & (place | place - _1) if left else _0


@inlined(_WALK)
def refine(coded, position, end, block, stop, first, last, history, table):  # type: ignore[no-untyped-def]
    """Walk the blocks of an interval in a scan that refines a band (G.1.2.3): the position behind, or none.

    Each coefficient that is not zero so far has a bit, between the codes.
    """
    band = _ALL >> (_63 - last) & _ALL << first
    while block < stop:
        known, rest, run, added = history[block], band, _0, _0
        while rest and run == _0:
            if position > end:
                return _NO_POSITION
            bits = window(coded, position)
            entry, k = table[bits >> _INDEX], _U(trailing_zeros(rest))
            by, run = entry >> _BY & _255, entry >> _RUN & _U(0xFFFF)
            passed = (_1 << by) - _1 << k
            if entry and known & passed == _0 and k + by + min(run, _1) <= last + _1:
                added |= entry >> _ADDED << k
                position += entry & _255
            else:
                length, value = one(bits, table)
                taken, zeros, run = meaning(bits, length, value)
                passed = _0 if run else up_to_zero(rest, known, zeros)
                if length == _0 or (run == _0 and passed == _0):
                    return _NO_POSITION
                position += taken + ones(known & passed)
                if value & _15 and run == _0:
                    added |= passed & ~(passed >> _1)
            rest &= ~passed
        if run:
            position += ones(known & rest)
        history[block] = known | added
        block += _1
        behind = block + max(run, _1) - _1
        if behind > stop:
            return _NO_POSITION
        while block < behind:
            position += ones(history[block] & band)
            block += _1
    return position if position <= end else _NO_POSITION


@kernel(f"int64({_DATA}, uint64, uint64, uint64, uint64, uint64, boolean, uint64[::1], {_TABLE}, {_CODED})")
def spare_bits(data, start, end, interval, first, last, refines, history, table, coded):  # type: ignore[no-untyped-def]
    """The most bits that a restart interval has left over where all blocks of a scan are coded, or `UNSURE`.

    The scan lies between the offsets ``start`` and ``end`` of ``data``, with a restart marker behind each
    ``interval`` of blocks. ``history`` is brought up to date, and spoilt where the walk is unsure. ``coded``
    is room to work in, of (end - start + PADDING) bytes.
    """
    blocks = _U(len(history))
    if not (start <= end <= _U(len(data)) and interval > _0 and first <= last <= _63):
        return UNSURE
    if len(table) < TABLE_SIZE or _U(len(coded)) < end - start + _U(PADDING):
        return UNSURE
    position, block, spare = start, _0, _0
    while block < blocks:
        if block > _0:
            if position >= end or data[position] >> 3 != 0xD0 >> 3:
                return UNSURE
            position += _1
        size, position = unstuffed(data, position, end, coded)
        bits, stop = size << _3, min(block + interval, blocks)
        if refines:
            reached = refine(coded, _0, bits, block, stop, first, last, history, table)
        else:
            reached = code_first(coded, _0, bits, block, stop, first, last, history, table)
        if reached == _NO_POSITION:
            return UNSURE
        spare = max(spare, bits - reached)
        block = stop
    return np.int64(spare) if position == end else UNSURE
