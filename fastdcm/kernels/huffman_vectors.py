"""Lanes of `fastdcm.kernels.huffman_lanes` that go on together, in the vectors of a processor.

LLVM makes vectors of a loop over lanes that has no branches and numbers of 32 bits only, in which nothing
that is written may be what is read. So each result is told to have 32 bits, and what a turn cannot do, the
codes that are taken one by one, is left to the caller. A processor that cannot look up all lanes at once
is slower this way (docs/jpeg-walk.md).
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.huffman_lane_tables import ENDED, ENDS, LOOKUP_BITS, TABLE_BITS, TABLES, TO_ADD, TO_START
from fastdcm.kernels.inlined import inlined

#: Lanes (benches/bench_entropy.py).
VECTOR = 24
_ROW = 24
#: Where the lanes' numbers start, which are those of `huffman_lanes`.
POSITION, KNOWN, UNIT, DONE, STOP = (np.uint64(row * _ROW) for row in range(5))
STATE = 5 * _ROW
#: The coded bytes, four at a time.
WORDS = "Array(uint32, 1, 'C', readonly=True)"
#: Units of an MCU at most, and tables, of which each unit has a number of two bits.
MOST_UNITS, MOST_TABLES = 14, 4

_W = np.uint32
_0, _1, _3, _8, _31, _63, _127 = (_W(each) for each in (0, 1, 3, 8, 31, 63, 127))
_WORD, _ALL = _W(5), _W(0xFFFFFFFF)
_TABLE, _AC, _INDEX = _W(TABLE_BITS), _W(1 << LOOKUP_BITS), _W(32 - LOOKUP_BITS)


@inlined("uint32(uint32)")
def highest_first(four):  # type: ignore[no-untyped-def]
    """Four bytes in the other order."""
    return four << _W(24) | (four << _8 & _W(0xFF0000)) | (four >> _8 & _W(0xFF00)) | four >> _W(24)


@inlined(f"UniTuple(uint32, 2)({TABLES}, {WORDS}, uint32, uint32, uint32[::1])", apart=True)
def turn(tables, words, pattern, units, state):  # type: ignore[no-untyped-def]
    """Two look-ups of each lane that is not where it stops.

    Returns the lanes that need one code to be taken, as bits, and how many went on. pattern: the numbers of
    the tables of an MCU's ``units`` and of the first two again, from the lowest bits.
    """
    stuck, going = _0, _0
    are_several = units > _1
    for lane in range(np.uint64(VECTOR)):
        position, known, unit = state[POSITION + lane], state[KNOWN + lane], state[UNIT + lane]
        goes_on = position < state[STOP + lane]
        mask = _ALL if goes_on else _0
        word, shift, is_over, total = _W(position >> _WORD), _W(position & _31), known > _63, _0
        first, second = highest_first(words[word]), highest_first(words[word + np.uint64(1)])
        bits = _W(_W(first << shift) | _W(_W(second >> _1) >> _W(_31 - shift)))
        for _ in range(2):
            table = _W(_W(pattern >> _W(_W(unit << _1) & _31)) & _3)
            place = _W(_W(table << _TABLE) | (_AC if known > _0 else _0) | _W(bits >> _INDEX))
            entry = _W(tables[place] & mask)
            is_over = _W(known + _W(entry >> TO_ADD)) > _63
            entry = _0 if is_over else entry
            bits = _W(bits << _W(entry & _31))
            total = _W(total + entry)
            ends = _W(_W(entry >> ENDED) & _1)
            known = _W(_W(entry >> TO_START) & _63) if ends else _W(known + _W(entry >> TO_ADD))
            if are_several:
                unit = _W(unit + ends)
        state[UNIT + lane] = _W(unit - units) if unit >= units else unit
        state[POSITION + lane] = _W(position + _W(total & _127))
        state[KNOWN + lane] = known
        state[DONE + lane] = _W(state[DONE + lane] + _W(_W(total >> ENDS) & _31))
        stuck = _W(stuck | _W(_W(is_over) << _W(lane)))
        going = _W(going + _W(goes_on))
    return stuck, going
