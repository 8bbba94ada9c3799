"""Tables of AC codes of progressive JPEG (ITU-T T.81 C.2, G.1.2.2, G.1.2.3) for quick walks over them.

A table holds, for each `LOOKUP_BITS` bits to come, an entry of as many codes as lie in them or, for scans
that refine, of one; then, for the same bits, one code: its length, its value; for each length the first 16
bits behind its last code, and what leads from a code to its value; the values.

An entry of several codes: the bits they take; the coefficients they go on by; the blocks they end, 0 where
the block goes on; those of the coefficients that are not zero, as bits. One of a scan that refines: the bits
that the code takes, those it passes not among them; whether its coefficient is not zero; the blocks it ends;
the zeros before that coefficient, as the bit with this number, which is absent where the block ends. An entry
is 0 where a code is longer than the index.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

#: Bits of a table's index (benches/bench_entropy.py).
LOOKUP_BITS = 12
_ENTRIES = 1 << LOOKUP_BITS
_ONE, _LIMITS = _ENTRIES, 2 * _ENTRIES
_OFFSETS = _LIMITS + 17
_VALUES = _OFFSETS + 17
TABLE_SIZE = _VALUES + 256
#: Where the parts of an entry are; `NEW` and `ZEROS` in scans that refine.
BY, NEW, RUN, ADDED, ZEROS = (np.uint64(place) for place in (8, 8, 16, 32, 32))

_U = np.uint64
_0, _1, _15, _63, _255 = (_U(each) for each in (0, 1, 15, 63, 255))
INDEX, _BITS = _U(64 - LOOKUP_BITS), _U(LOOKUP_BITS)
TABLE = "Array(uint64, 1, 'C', readonly=True)"


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
        bits = index << (INDEX + total)
        one = table[_U(_ONE) + (bits >> INDEX)]
        length, value = one & _255, one >> _U(8)
        taken, zeros, run = meaning(bits, length, value)
        if one == _0 or total + taken > _BITS or by + zeros >= _U(32):
            run = _0
            break
        total += taken
        if run == _0:
            by += zeros + _1
            added |= min(value & _15, _1) << (by - _1)
    return total | by << BY | run << RUN | added << ADDED


@inlined("uint64(uint64, uint64, uint64)")
def refining(bits, length, value):  # type: ignore[no-untyped-def]
    """The entry of a code, in a scan that refines, with the bits behind it."""
    taken, zeros, run = meaning(bits, length, value)
    return taken | min(value & _15, _1) << NEW | run << RUN | (_0 if run else _1 << zeros) << ZEROS


@inlined("uint64(uint64, uint64[::1])")
def refining_within(index, table):  # type: ignore[no-untyped-def]
    """The entry of the code that some bits start with, where they hold all that it takes."""
    one = table[_U(_ONE) + index]
    entry = refining(index << INDEX, one & _255, one >> _U(8))
    return entry if one and entry & _255 <= _BITS else _0


@kernel("void(Array(uint8, 1, 'C', readonly=True), boolean, boolean, uint64[::1])")
def fill_table(definition, refines, several, table):  # type: ignore[no-untyped-def]
    """A table of a definition that is possible: 16 counts, and the values of the codes (C.2).

    For scans that do not refine, entries of ``several`` codes take four times as long as all else; without
    them, all are 0.
    """
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
    if refines:
        for index in range(_U(_ENTRIES)):
            table[index] = refining_within(index, table)
    elif several:
        for index in range(_U(_ENTRIES)):
            table[index] = together(index, table)


@inlined(f"UniTuple(uint64, 2)(uint64, {TABLE})")
def one(bits, table):  # type: ignore[no-untyped-def]
    """The code at the highest bits (figure F.16): its length, or 0; its value."""
    entry = table[_U(_ONE) + (bits >> INDEX)]
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
