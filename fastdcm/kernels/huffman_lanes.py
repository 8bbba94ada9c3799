"""A quick walk over JPEG scans in lanes (ITU-T T.81 annexes F, G and H); importing this loads machine code.

The walk of `fastdcm.kernels.huffman` says what is wrong with a scan, this one only that nothing is. It goes
over sequential scans, lossless ones, and the first DC scans of progressive frames, and computes no sample.

Where a code starts is known when the one before it has been read: a chain that a processor waits for. So
lanes of it are walked in turn. Each is a restart interval, or, of a long one, a part that starts where no
code may start: Huffman codes find into step by themselves, and from there on the lane counts.

A data unit is a block, whose codes are one of DC and those of AC, or one difference. ``units`` say for each
unit of an MCU where its table starts in ``tables``, and then the same again of the first three. They are one
unit where all are of the same table; for two they are the four of two MCUs.
``coded`` is that of `fastdcm.kernels.coded_bytes`; positions in it are in bits. Indices are unsigned.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING, unstuffed, window
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

#: Bits of a table's index (benches/bench_entropy.py).
LOOKUP_BITS = 12
_ENTRIES = 1 << LOOKUP_BITS
#: A table: for each `LOOKUP_BITS` bits to come what they code, of a unit's start and of AC codes; the same
#: of one DC code and of one AC code; then, of DC and of AC: for each length the first 16 bits behind its
#: last code, and what leads from a code to its value; the values.
_ONE = 2 * _ENTRIES
_LIMITS = 4 * _ENTRIES
_ALONE = _LIMITS  # whether a unit is one difference: no code has a length of 0
_OFFSETS = _LIMITS + 2 * 17
_VALUES = _OFFSETS + 2 * 17
TABLE_SIZE = _VALUES + 2 * 256
# An entry: how many bits it takes, with what follows its codes (7 bits); how many units it ends (5); whether
# it leads to AC codes (1), ends a unit (1); how many coefficients the unit behind that one has (6); and how
# many it adds to those of the unit before (7). One code's fifth number is its length.
# It is 0 where the one code is longer than the index; `_STUCK` where one code is to be taken.
_ENDS, _INSIDE, _ENDED, _TO_START, _TO_ADD = (np.uint32(place) for place in (7, 12, 13, 14, 25))
_STUCK = np.uint32(127 << 25)
#: Bits of an entry at most, so that three of them lie in a window of 57 bits, as indices.
_MOST_BITS = 22
#: Units that an entry ends at most, so that three of them fit in its field.
_MOST_ENDS = 10

#: What a lane is at: its next bit, the coefficients of its unit that it has passed, the unit's number in the
#: MCU; how many units it has passed; the bit behind the last one at which there was no code, or too many
#: coefficients; the bit at which it stops; the end of its interval; the units that this has.
POSITION, KNOWN, UNIT, DONE, FAILED, STOP, END, WANTED = (np.uint64(number) for number in range(8))
FIELDS = 8
#: Lanes, and bits of an interval that is worth several of them (benches/bench_entropy.py).
LANES, _LEAST_SPLIT = 4, np.uint64(1 << 15)
#: Codes after which a lane counts as never in step.
_MOST_STEPS = 4096
#: The last bits of an interval are walked code by code.
_LAST_BITS = np.uint64(128)

UNSURE = -1

_U = np.uint64
_0, _1, _2, _3, _63, _64, _127, _255 = (_U(each) for each in (0, 1, 2, 3, 63, 64, 127, 255))
_INDEX, _BITS = _U(64 - LOOKUP_BITS), _U(LOOKUP_BITS)
_DATA, _CODED = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]"
_TABLES, _UNITS = "Array(uint32, 1, 'C', readonly=True)", "Array(uint64, 1, 'C', readonly=True)"
_STATE = "uint64[::1]"


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
    return size + length | ends << _ENDS | ends << _ENDED | length << _TO_START | added << _TO_ADD


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
                    table[_U(_ONE) + (kind << _BITS) + index] = entry
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
        one = _U(table[_U(_ONE) + (is_inside << _BITS) + (index << total & _U(_ENTRIES - 1))])
        length, more, bits = one >> _U(_TO_START) & _63, one >> _U(_TO_ADD), one & _127
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
        if one >> _U(_ENDED) & _1:
            ends += _1
            behind = is_inside = _0
            if not goes_on:
                break
    if total == _0:
        return _STUCK
    entry = total | ends << _U(_ENDS) | is_inside << _U(_INSIDE) | min(ends, _1) << _U(_ENDED)
    return np.uint32(entry | behind << _U(_TO_START) | added << _U(_TO_ADD))


@kernel(
    "void(Array(uint8, 1, 'C', readonly=True), Array(uint8, 1, 'C', readonly=True), uint32[::1], boolean)"
)
def fill_table(dc, ac, table, goes_on):  # type: ignore[no-untyped-def]
    """A table of the definitions of DC and of AC codes; of no AC codes where a unit is one difference.

    With ``goes_on`` units follow each other that all have this table.
    """
    table[:] = 0
    is_alone = len(ac) == 0
    fill_ones(dc, table, False, is_alone)
    if not is_alone:
        fill_ones(ac, table, True, False)
    for index in range(_U(_ENTRIES)):
        table[index] = together(index, _0, table, goes_on)
        if not is_alone:
            table[_U(_ENTRIES) + index] = together(index, _1, table, goes_on)


@inlined(f"uint32({_TABLES}, uint64, uint64, uint64)")
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


@inlined(f"uint64({_UNITS})")
def different(units):  # type: ignore[no-untyped-def]
    """How many units there are in an MCU."""
    return _U(len(units)) - _3


@inlined(f"void({_CODED}, {_TABLES}, {_UNITS}, {_STATE})")
def one(coded, tables, units, lane):  # type: ignore[no-untyped-def]
    """Walk one code. Where there is none, or a unit has too many coefficients, note that and go on."""
    position, known, unit = lane[POSITION], lane[KNOWN], lane[UNIT]
    base, kind = units[unit], min(known, _1)
    bits = window(coded, position)
    entry = tables[base + _U(_ONE) + (kind << _BITS) + (bits >> _INDEX)]
    if entry == 0:
        entry = long_code(tables, base, kind, bits)
    if entry == 0:
        lane[FAILED] = position + _1
        lane[POSITION] = position + _1
        return
    known += _U(entry >> _TO_ADD)
    if known > _64:
        lane[FAILED] = position + _1
    if entry >> _ENDED & np.uint32(1) or known >= _64:
        known = _0
        lane[DONE] += _1
        lane[UNIT] = unit + _1 if unit + _1 < different(units) else _0
    lane[POSITION] = position + (_U(entry) & _127)
    lane[KNOWN] = known


@inlined(f"void({_CODED}, {_TABLES}, {_UNITS}, {_STATE})", always=True)
def advance(coded, tables, units, lane):  # type: ignore[no-untyped-def]
    """Walk some codes."""
    position, known, unit = lane[POSITION], lane[KNOWN], lane[UNIT]
    count = different(units)
    are_several = count > _1
    bits = window(coded, position)
    inside = min(known, _1) << _BITS
    base, total, is_stuck = units[unit], _0, False
    for _ in range(3):
        entry = _U(tables[base + (inside | bits >> _INDEX)])
        reached = known + (entry >> _U(_TO_ADD))
        if reached > _63:
            is_stuck = True
            break
        bits <<= entry & _63
        total += entry
        inside = entry & _U(1 << _INSIDE)
        known = entry >> _U(_TO_START) & _63 if entry & _U(1 << _ENDED) else reached
        if are_several:
            # Looked up each time, because a branch would be foreseen badly.
            unit += entry >> _U(_ENDED) & _1
            base = units[unit]
    lane[POSITION] = position + (total & _127)
    lane[KNOWN] = known
    if are_several:
        lane[UNIT] = unit if unit < count else unit - count
    lane[DONE] += total >> _U(_ENDS) & _U(31)
    if is_stuck:
        one(coded, tables, units, lane)


@inlined(f"void({_CODED}, {_TABLES}, {_UNITS}, uint64[:, ::1], uint64)")
def advance_all(coded, tables, units, lanes, count):  # type: ignore[no-untyped-def]
    """Walk the first ``count`` lanes, in turn, until each is where it stops."""
    if count == _U(LANES):
        a, b, c, d = lanes[_0], lanes[_1], lanes[_2], lanes[_3]
        while (
            a[POSITION] < a[STOP]
            and b[POSITION] < b[STOP]
            and c[POSITION] < c[STOP]
            and d[POSITION] < d[STOP]
        ):
            advance(coded, tables, units, a)
            advance(coded, tables, units, b)
            advance(coded, tables, units, c)
            advance(coded, tables, units, d)
    goes_on = True
    while goes_on:
        goes_on = False
        for number in range(count):
            lane = lanes[number]
            if lane[POSITION] < lane[STOP]:
                advance(coded, tables, units, lane)
                goes_on = True


@inlined(f"void({_STATE}, uint64, uint64)")
def start_at(lane, position, stop):  # type: ignore[no-untyped-def]
    """Put a lane at the start of an MCU."""
    lane[POSITION], lane[STOP] = position, stop
    lane[KNOWN] = lane[UNIT] = lane[DONE] = lane[FAILED] = _0


@inlined(f"boolean({_CODED}, {_TABLES}, {_UNITS}, {_STATE}, {_STATE}, uint64)")
def meet(coded, tables, units, chain, lane, end):  # type: ignore[no-untyped-def]
    """Follow the true chain, before ``end``, and a lane from its start, until they are at the same code."""
    for _ in range(_MOST_STEPS):
        if chain[POSITION] == lane[POSITION] and chain[KNOWN] == lane[KNOWN] and chain[UNIT] == lane[UNIT]:
            return True
        if chain[POSITION] <= lane[POSITION]:
            if chain[POSITION] >= end:
                return False
            one(coded, tables, units, chain)
        else:
            one(coded, tables, units, lane)
    return False


@inlined(f"void({_CODED}, {_TABLES}, {_UNITS}, uint64[:, ::1])")
def walk_parts(coded, tables, units, lanes):  # type: ignore[no-untyped-def]
    """Walk the interval of the first lane in several of them, nearly to its end; the first is then there."""
    chain, again = lanes[_0], lanes[_U(LANES)]
    position, stop = chain[POSITION], chain[STOP]
    share = (stop - position) // _U(LANES)
    for number in range(_U(LANES)):
        start_at(lanes[number], position + number * share, position + (number + _1) * share)
    advance_all(coded, tables, units, lanes, _U(LANES))
    for number in range(_1, _U(LANES)):
        lane = lanes[number]
        start_at(again, position + number * share, lane[STOP])
        if meet(coded, tables, units, chain, again, lane[STOP]):
            chain[DONE] += lane[DONE] - again[DONE]
            if lane[FAILED] > again[POSITION]:
                chain[FAILED] = lane[FAILED]
            chain[POSITION], chain[KNOWN], chain[UNIT] = lane[POSITION], lane[KNOWN], lane[UNIT]
        while chain[POSITION] < lane[STOP]:
            advance(coded, tables, units, chain)
    chain[STOP] = stop


@inlined(f"int64({_CODED}, {_TABLES}, {_UNITS}, {_STATE})")
def bits_left(coded, tables, units, lane):  # type: ignore[no-untyped-def]
    """Walk the last codes of an interval: the bits left over behind its units, or `UNSURE`."""
    while lane[DONE] < lane[WANTED] and lane[POSITION] <= lane[END] and lane[FAILED] == _0:
        one(coded, tables, units, lane)
    is_whole = lane[DONE] == lane[WANTED] and lane[KNOWN] == _0
    if not is_whole or lane[FAILED] > _0 or lane[POSITION] > lane[END]:
        return UNSURE
    return np.int64(lane[END] - lane[POSITION])


@inlined(f"boolean({_DATA}, uint64, uint64, uint64, uint64, {_UNITS}, {_TABLES}, {_CODED}, uint64[:, ::1])")
def is_possible(data, start, end, interval, wanted, units, tables, coded, lanes):  # type: ignore[no-untyped-def]
    """Whether what is read and written lies inside the arrays, whatever the codes are."""
    if not (start <= end <= _U(len(data)) and interval > _0 and wanted > _0 and len(units) > 3):
        return False
    if different(units) == _2:
        return False
    for unit in units:
        if unit + _U(TABLE_SIZE) > _U(len(tables)):
            return False
    enough = _U(len(coded)) >= end - start + _U(PADDING)
    return enough and lanes.shape[0] > LANES and lanes.shape[1] == FIELDS


@kernel(f"int64({_DATA}, uint64, uint64, uint64, uint64, {_UNITS}, {_TABLES}, {_CODED}, uint64[:, ::1])")
def spare_bits(data, start, end, interval, wanted, units, tables, coded, lanes):  # type: ignore[no-untyped-def]
    """The most bits that a restart interval has left over where all units of a scan are coded, or `UNSURE`.

    The scan lies between the offsets ``start`` and ``end`` of ``data``; it has ``wanted`` units, and a
    restart marker behind each ``interval`` of them. ``tables`` are those of `fill_table`, one after the
    other. coded, lanes: room to work in, of (end - start + PADDING) and (LANES + 1, FIELDS) items.
    """
    if not is_possible(data, start, end, interval, wanted, units, tables, coded, lanes):
        return UNSURE
    position, given, spare = start, _0, np.int64(0)
    while given < wanted:
        count, filled = _0, _0
        while count < _U(LANES) and given < wanted:
            if given > _0:
                if position >= end or data[position] >> 3 != 0xD0 >> 3:
                    return UNSURE
                position += _1
            size, position = unstuffed(data, position, end, coded[filled:])
            lane, bits = lanes[count], size << _3
            start_at(lane, filled << _3, (filled << _3) + max(bits, _LAST_BITS) - _LAST_BITS)
            lane[END], lane[WANTED] = (filled << _3) + bits, min(interval, wanted - given)
            given += lane[WANTED]
            filled += size
            count += _1
            if bits >= _LEAST_SPLIT:
                break
        if count == _1 and lanes[_0][END] >= _LEAST_SPLIT:
            walk_parts(coded, tables, units, lanes)
        else:
            advance_all(coded, tables, units, lanes, count)
        for number in range(count):
            left = bits_left(coded, tables, units, lanes[number])
            if left == UNSURE:
                return UNSURE
            spare = max(spare, left)
    return spare if position == end else UNSURE
