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
#: Room for the entries of no bits, of one, and so on, each at 2 to the power of its bits: those of a unit's
#: start, and behind them those of AC codes.
LEVELS = 2 * ENTRIES
#: Bits of an entry at most, so that of a window of 57 bits two more indices are left.
_MOST_BITS = np.uint32(22)
#: Units that an entry ends at most, so that three of them fit in its field.
_MOST_ENDS = np.uint32(10)


_U = np.uint64
_0, _1, _63, _127, _255 = (_U(each) for each in (0, 1, 63, 127, 255))
_ONE_BIT = np.uint32(1)
_INDEX, _BITS = _U(64 - LOOKUP_BITS), _U(LOOKUP_BITS)
TABLES, _CODES = "Array(uint32, 1, 'C', readonly=True)", "Array(uint8, 1, 'C', readonly=True)"


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


@inlined(f"void({_CODES}, uint32[::1], boolean, boolean)")
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


@inlined("void(uint32[::1], uint64, uint64, uint32, uint32, boolean)", apart=True)
def fill_code(levels, at, left, length, one, goes_on):  # type: ignore[no-untyped-def]
    """The entries of all indices that start with a code: it, and what the ``left`` bits behind it hold."""
    ended, taken, added = one >> ENDED & _ONE_BIT, one & np.uint32(127), one >> TO_ADD
    code = one & ~np.uint32(63 << TO_START)
    alone = code | (ended ^ _ONE_BIT) << INSIDE
    extra = _U(taken - length)
    if extra >= left or (ended > 0 and not goes_on):
        for index in range(_1 << left):
            levels[at + index] = alone
        return
    rest = left - extra
    source = (_0 if ended else _U(LEVELS)) + (_1 << rest)
    for index in range(_1 << rest):
        behind = levels[source + index]
        entry = code + behind
        if ended:
            start = behind >> TO_START & np.uint32(63) if behind >> ENDED & _ONE_BIT else behind >> TO_ADD
            ends = (behind >> ENDS & np.uint32(31)) + _ONE_BIT
            flags = ends << ENDS | behind & np.uint32(1 << INSIDE) | _ONE_BIT << ENDED
            entry = taken + (behind & np.uint32(127)) | flags | start << TO_START
            fits = ends <= _MOST_ENDS
        else:
            fits = added + (behind >> TO_ADD) <= np.uint32(63)
        fits = fits and taken + (behind & np.uint32(127)) <= _MOST_BITS
        levels[at + index] = np.uint32(entry) if fits else alone
    # The bits that follow the code say nothing of what comes then.
    for index in range(_1 << rest, _1 << left):
        levels[at + index] = levels[at + (index & ((_1 << rest) - _1))]


@inlined(f"void({_CODES}, uint32[::1], uint64, boolean, boolean, boolean)")
def fill_level(definition, levels, bits, is_ac, is_alone, goes_on):  # type: ignore[no-untyped-def]
    """The entries of so many bits, where those of fewer are there: a code, and what they say of the rest.

    Where that does not fit in an entry, it is of the code alone.
    """
    base = (_U(LEVELS) if is_ac else _0) + (_1 << bits)
    nothing = _NO_CODE if bits == _BITS else np.uint32(is_ac) << INSIDE
    for index in range(_1 << bits):
        levels[base + index] = nothing
    number, first = _U(16), _0
    for length in range(_1, bits + _1):
        for _ in range(definition[length - _1]):
            one = step(np.uint32(definition[number]), np.uint32(length), is_ac, is_alone)
            if one & np.uint32(127) <= _MOST_BITS:
                left = bits - length
                fill_code(levels, base + (first << left), left, np.uint32(length), one, goes_on)
            first += _1
            number += _1
        first <<= _1


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


@kernel(f"void({_CODES}, {_CODES}, uint32[::1], uint32[::1], boolean)")
def fill_table(dc, ac, table, levels, goes_on):  # type: ignore[no-untyped-def]
    """A table of the definitions of DC and of AC codes; of no AC codes where a unit is one difference.

    With ``goes_on`` units follow each other that all have this table. levels: (2 * LEVELS,), room to work in.
    """
    table[: _U(_LONG)] = 0
    is_alone = len(ac) == 0
    fill_ones(dc, table, False, is_alone)
    if not is_alone:
        fill_ones(ac, table, True, False)
    free = _U(_LONG + (1 << LONG_BITS))
    table[_U(_LONG) : free] = _NO_CODE
    for bits in range(_BITS + _1):
        if not is_alone:
            fill_level(ac, levels, bits, True, False, goes_on)
        if goes_on or bits == _BITS:
            fill_level(dc, levels, bits, False, is_alone, goes_on)
    for kind in range(_1 if is_alone else _U(2)):
        for index in range(_U(ENTRIES)):
            entry = levels[kind * _U(LEVELS) + _U(ENTRIES) + index]
            table[kind << _BITS | index] = entry
            if entry == _NO_CODE:
                free = fill_long(table, kind, index, free)
