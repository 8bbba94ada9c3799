"""Lanes of `fastdcm.kernels.huffman_lanes` that go on together, in the vectors of a processor.

LLVM makes vectors of a loop over lanes that has no branches and numbers of 32 bits only, in which nothing
that is written may be what is read. So each result is told to have 32 bits, and what a turn cannot do, the
codes that are taken one by one, is left to the caller. A processor that cannot look up all lanes at once
is slower this way (docs/jpeg-walk.md).
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.huffman_lane_tables import (
    ENDED,
    ENDS,
    LONG_BITS,
    LOOKUP_BITS,
    STUCK,
    TABLE_BITS,
    TABLES,
    TO_ADD,
    TO_START,
)
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.several_bytes import four_bytes

#: Lanes (benches/bench_entropy.py).
VECTOR = 24
_ROW = VECTOR
#: Where the lanes' numbers start, which are those of `huffman_lanes`.
POSITION, KNOWN, UNIT, DONE, STOP = (np.uint64(row * _ROW) for row in range(5))
STATE = 5 * _ROW
#: Units of an MCU at most, and tables, of which each unit has a number of two bits.
MOST_UNITS, MOST_TABLES = 14, 4

_W = np.uint32
_0, _1, _3, _7, _15, _31, _63, _127 = (_W(each) for each in (0, 1, 3, 7, 15, 31, 63, 127))
_TABLE, _AC, _INDEX = _W(TABLE_BITS), _W(LOOKUP_BITS), _W(32 - LOOKUP_BITS)
#: What is added at most, but for codes that are longer than an index.
_STUCK, _LONGEST = STUCK, _W(126)
#: Bits of four bytes that may be gone where an index is left.
_LAST = _W(32 - LOOKUP_BITS)
_PLACE, _BEHIND = _W((1 << TABLE_BITS) - 1), _W(32 - LOOKUP_BITS - LONG_BITS)
#: Places in tables, which have so few bits that LLVM looks up eight at once.
_PLACES = _W((MOST_TABLES << TABLE_BITS) - 1)


@inlined("uint32(uint32, uint32)", always=True)
def is_less(one, other):  # type: ignore[no-untyped-def]
    """1 or 0, of numbers of 31 bits, which LLVM has no mask for."""
    return _W(_W(one - other) >> _31)


@inlined(f"UniTuple(uint32, 2)({TABLES}, uint8[::1], uint32, uint32, uint32[::1])", apart=True)
def turn(tables, coded, pattern, units, state):  # type: ignore[no-untyped-def]
    """Two look-ups of each lane that is not where it stops; the second one is left out where its bits end.

    Returns the lanes that need one code to be taken, as bits, and how many went on. pattern: the numbers of
    the tables of an MCU's ``units`` and of the first two again, from the lowest bits.
    """
    stuck, going = _0, _0
    are_several = units > _1
    for lane in range(np.uint64(VECTOR)):
        position, known, unit = state[POSITION + lane], state[KNOWN + lane], state[UNIT + lane]
        goes_on = is_less(position, state[STOP + lane])
        gone = _W(position & _7)
        bits = _W(four_bytes(coded, _W(position >> _3)) << gone)
        table = _W(_W(_W(pattern >> _W(_W(unit << _1) & _31)) & _3) << _TABLE)
        place = _W(_W(table + _W(min(known, _1) << _AC)) + _W(bits >> _INDEX))
        first = _W(tables[place] & _W(_0 - goes_on))
        reached = _W(known + _W(first >> TO_ADD))
        # A code that is longer than an index is found by the bits behind it.
        is_long = is_less(_LONGEST, reached)
        longer = _W(_W(table + _W(first & _PLACE)) + _W(_W(bits >> _BEHIND) & _15))
        first = _W(first & _W(is_less(_63, reached) - _1))
        gone = _W(gone + _W(first & _31))
        bits = _W(bits << _W(first & _31))
        known = _W(known + _W(first >> TO_ADD))
        ends = _W(_W(first >> ENDED) & _1)
        known = _W(_W(_W(first >> TO_START) & _63) + _W(known & _W(ends - _1)))
        if are_several:
            unit = _W(unit + ends)
            table = _W(_W(_W(pattern >> _W(_W(unit << _1) & _31)) & _3) << _TABLE)
        place = _W(_W(table + _W(min(known, _1) << _AC)) + _W(bits >> _INDEX))
        place = _W(_W(place ^ _W(_W(place ^ longer) & _W(_0 - is_long))) & _PLACES)
        second = _W(tables[place] & _W(_0 - goes_on))
        second = _W(second & _W(_W(is_less(_LAST, gone) - _1) | _W(_0 - is_long)))
        reached = _W(known + _W(second >> TO_ADD))
        is_over = is_less(_63, reached)
        is_stuck = _W(is_over & _W(is_long | is_less(reached, _STUCK)))
        second = _W(second & _W(is_over - _1))
        known = _W(known + _W(second >> TO_ADD))
        ends = _W(_W(second >> ENDED) & _1)
        known = _W(_W(_W(second >> TO_START) & _63) + _W(known & _W(ends - _1)))
        if are_several:
            unit = _W(unit + ends)
            unit = min(unit, _W(unit - units))
        total = _W(first + second)
        state[UNIT + lane] = unit
        state[POSITION + lane] = _W(position + _W(total & _127))
        state[KNOWN + lane] = known
        state[DONE + lane] = _W(state[DONE + lane] + _W(_W(total >> ENDS) & _31))
        stuck = _W(stuck | _W(is_stuck << _W(lane)))
        going = _W(going + goes_on)
    return stuck, going
