"""Tables of the quick walk over JPEG scans: several codes a look-up (ITU-T T.81 F.1.2, C.2).

See `fastdcm.kernels.huffman_lanes`.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

#: Bits of a table's index (benches/bench_entropy.py).
LOOKUP_BITS = 12
ENTRIES = 1 << LOOKUP_BITS
#: A table: for each `LOOKUP_BITS` bits to come what they code, of a unit's start and of AC codes; the same
#: of one DC code and of one AC code; then, of DC and of AC: for each length the first 16 bits behind its
#: last code, and what leads from a code to its value; the values; then, for bits that no entry is for, the
#: entries of one code each by the `LONG_BITS` that follow, first of all for bits that start no code.
ONE = 2 * ENTRIES
_LIMITS = 4 * ENTRIES
_ALONE = _LIMITS  # whether a unit is one difference: no code has a length of 0
_OFFSETS = _LIMITS + 2 * 17
_VALUES = _OFFSETS + 2 * 17
_LONG = _VALUES + 2 * 256
#: A power of two, so that tables are told apart by bits.
TABLE_BITS = 15
TABLE_SIZE = 1 << TABLE_BITS
# An entry: how many bits it takes, with what follows its codes (7 bits); how many units it ends (5); whether
# it leads to AC codes (1), ends a unit (1); how many coefficients the unit behind that one has (6); and how
# many it adds to those of the unit before (7). One code's fifth number is its length.
# It is 0 where the one code is longer than the index. Where one code is to be taken, it adds `STUCK`, and its
# lowest bits are where in the table entries of one code are, which are such entries too where there is none.
ENDS, INSIDE, ENDED, TO_START, TO_ADD = (np.uint32(place) for place in (7, 12, 13, 14, 25))
STUCK, LONG_BITS = np.uint32(127), 4
_NO_CODE = np.uint32(127 << 25 | _LONG)  # or one of more bits than an entry has
#: Bits of an entry at most, so that of a window of 57 bits two more indices are left.
_MOST_BITS = 22
#: Units that an entry ends at most, so that three of them fit in its field.
_MOST_ENDS = 10


_U = np.uint64
_0, _1, _63, _127, _255 = (_U(each) for each in (0, 1, 63, 127, 255))
_ONE_BIT = np.uint32(1)
_INDEX, _BITS = _U(64 - LOOKUP_BITS), _U(LOOKUP_BITS)
TABLES = "Array(uint32, 1, 'C', readonly=True)"


@inlined("uint32(uint32, uint32, boolean, boolean)")
def step(value, length, is_ac, is_alone):  # type: ignore[no-untyped-def]
    """The entry of one code: a category of differences (F.1.2.1), or a run and a size (F.1.2.2)."""
    size, run = value & np.uint32(15), value >> np.uint32(4)
    added, ends = np.uint32(0), np.uint32(0)
    if not is_ac:
        # Category 16 is followed by no bits (H.1.2.2).
        added, ends = np.uint32(not is_alone), np.uint32(is_alone)
    elif size > 0 or run == 15:
        added = run + np.uint32(1)
    else:
        ends = np.uint32(1)
    return size + length | ends << ENDS | ends << ENDED | length << TO_START | added << TO_ADD


@inlined("void(Array(uint8, 1, 'C', readonly=True), uint32[::1], boolean, boolean)")
def fill_ones(definition, table, is_ac, is_alone):  # type: ignore[no-untyped-def]
    """What a table has of one code, for a definition that is possible: 16 counts, and the values (C.2)."""
    kind = _U(is_ac)
    number, first = _0, _0
    table[_U(_ALONE)] = np.uint32(is_alone)
    for length in range(_1, _U(17)):
        table[_U(_OFFSETS) + _U(17) * kind + length] = np.uint32(number - first)
        for _ in range(definition[length - _1]):
            value = np.uint32(definition[_U(16) + number])
            table[_U(_VALUES) + _U(256) * kind + number] = value
            if length <= _BITS:
                entry = step(value, np.uint32(length), is_ac, is_alone)
                spare = _BITS - length
                for index in range(first << spare, (first + _1) << spare):
                    table[_U(ONE) + (kind << _BITS) + index] = entry
            first += _1
            number += _1
        table[_U(_LIMITS) + _U(17) * kind + length] = np.uint32(first << (_U(16) - length))
        first <<= _1


@inlined("uint32(uint64, uint64, uint32[::1], boolean)")
def together(index, is_inside, table, goes_on):  # type: ignore[no-untyped-def]
    """The entry of the codes that some bits hold; it goes on behind the end of a unit, or stops there."""
    total, ends = _0, _0
    added, behind = _0, _0
    while total < _BITS and ends < _U(_MOST_ENDS):
        one = _U(table[_U(ONE) + (is_inside << _BITS) + (index << total & _U(ENTRIES - 1))])
        length, more, bits = one >> _U(TO_START) & _63, one >> _U(TO_ADD), one & _127
        if one == _0 or total + length > _BITS or total + bits > _U(_MOST_BITS):
            break
        if added + more > _63 or behind + more > _63:
            break
        total += bits
        if ends == _0:
            added += more
        else:
            behind += more
        is_inside = _1
        if one >> _U(ENDED) & _1:
            ends += _1
            behind = is_inside = _0
            if not goes_on:
                break
    if total == _0:
        return _NO_CODE
    entry = total | ends << _U(ENDS) | is_inside << _U(INSIDE) | min(ends, _1) << _U(ENDED)
    return np.uint32(entry | behind << _U(TO_START) | added << _U(TO_ADD))


@inlined(f"uint32({TABLES}, uint64, uint64, uint64)")
def long_code(tables, base, kind, bits):  # type: ignore[no-untyped-def]
    """The entry of a code that is longer than an index (figure F.16), of an AC code or a DC code; or 0."""
    first = bits >> _U(48)
    length = _BITS + _1
    while length < _U(17) and first >= _U(tables[base + _U(_LIMITS) + _U(17) * kind + length]):
        length += _1
    if length == _U(17):
        return np.uint32(0)
    offset = _U(tables[base + _U(_OFFSETS) + _U(17) * kind + length])
    number = offset + (first >> (_U(16) - length)) & _255
    value, is_alone = tables[base + _U(_VALUES) + _U(256) * kind + number], tables[base + _U(_ALONE)] > 0
    return step(value, np.uint32(length), kind > _0, is_alone)


@inlined("uint64(uint32[::1], uint64, uint64, uint64)")
def fill_long(table, kind, index, free):  # type: ignore[no-untyped-def]
    """The entries of codes that start with an index and are longer, at a free place: the next one.

    There is room: each index that has any has one of the 256 codes of its kind at least.
    """
    if table[_U(ONE) + (kind << _BITS | index)] > 0:
        return free
    are_any = False
    for following in range(_U(1 << LONG_BITS)):
        bits = (index << _U(LONG_BITS) | following) << _U(64 - LOOKUP_BITS - LONG_BITS)
        entry = long_code(table, _0, kind, bits)
        if entry > 0:
            are_any = True
            goes_on = entry >> ENDED & _ONE_BIT ^ _ONE_BIT
            entry = entry & ~np.uint32(63 << TO_START) | goes_on << INSIDE
        else:
            entry = _NO_CODE
        table[free + following] = entry
    if not are_any:
        return free
    table[kind << _BITS | index] = STUCK << TO_ADD | np.uint32(free)
    return free + _U(1 << LONG_BITS)


@kernel(
    "void(Array(uint8, 1, 'C', readonly=True), Array(uint8, 1, 'C', readonly=True), uint32[::1], boolean)"
)
def fill_table(dc, ac, table, goes_on):  # type: ignore[no-untyped-def]
    """A table of the definitions of DC and of AC codes; of no AC codes where a unit is one difference.

    With ``goes_on`` units follow each other that all have this table.
    """
    table[: _U(_LONG)] = 0
    is_alone = len(ac) == 0
    fill_ones(dc, table, False, is_alone)
    if not is_alone:
        fill_ones(ac, table, True, False)
    free = _U(_LONG + (1 << LONG_BITS))
    table[_U(_LONG) : free] = _NO_CODE
    for kind in range(_1 if is_alone else _U(2)):
        for index in range(_U(ENTRIES)):
            entry = together(index, kind, table, goes_on)
            table[kind << _BITS | index] = entry
            if entry == _NO_CODE:
                free = fill_long(table, kind, index, free)
