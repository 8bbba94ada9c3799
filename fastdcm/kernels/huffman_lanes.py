"""A quick walk over JPEG scans in lanes (ITU-T T.81 annexes F, G and H); importing this loads machine code.

The walk of `fastdcm.kernels.huffman` says what is wrong with a scan, this one only that nothing is. It goes
over sequential scans, lossless ones, and the first DC scans of progressive frames, and computes no sample.

Where a code starts is known when the one before it has been read: a chain that a processor waits for. So
lanes of it are walked in turn, or in vectors where the processor looks up many at once. Each is a restart
interval, or, of a long one, a part that starts where no code may start: Huffman codes find into step by
themselves, and from there on the lane counts.

A data unit is a block, whose codes are one of DC and those of AC, or one difference. ``units`` say for each
unit of an MCU where its table starts in ``tables``, and then the same again of the first three. They are one
unit where all are of the same table; for two they are the four of two MCUs.
``coded`` is that of `fastdcm.kernels.coded_bytes`; positions in it are in bits. Indices are unsigned.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels import huffman_vectors as vectors
from fastdcm.kernels.coded_bytes import PADDING, unstuffed, window
from fastdcm.kernels.huffman_lane_tables import (
    ENDED,
    ENDS,
    INSIDE,
    LOOKUP_BITS,
    ONE,
    TABLE_BITS,
    TABLE_SIZE,
    TABLES,
    TO_ADD,
    TO_START,
    long_code,
)
from fastdcm.kernels.huffman_vectors import turn
from fastdcm.kernels.inlined import inlined, trailing_zeros
from fastdcm.kernels.jit import kernel

#: What a lane is at: its next bit, the coefficients of its unit that it has passed, the unit's number in the
#: MCU; how many units it has passed; the bit behind the last one at which there was no code, or too many
#: coefficients; the bit at which it stops; the end of its interval; the units that this has.
POSITION, KNOWN, UNIT, DONE, FAILED, STOP, END, WANTED = (np.uint64(number) for number in range(8))
FIELDS = 8
#: Lanes in turn, lanes at most, and bits of an interval that is worth several (benches/bench_entropy.py).
_IN_TURN, LANES, _LEAST_SPLIT = 4, vectors.VECTOR, np.uint64(1 << 13)
#: Lanes for which vectors pay; of lanes left, for which no more; bits of a part that is worth a lane of them.
_LEAST_VECTOR, _LAST_VECTOR, _LEAST_PART = np.uint64(10), np.uint64(4), np.uint64(1 << 13)
#: Bytes whose bits vectors cannot count.
_MOST_BYTES = 1 << 28
#: Codes after which a lane counts as never in step.
_MOST_STEPS = 4096
#: The last bits of an interval are walked code by code.
_LAST_BITS = np.uint64(128)

UNSURE = -1

_U = np.uint64
_0, _1, _2, _3, _63, _64, _127, _255 = (_U(each) for each in (0, 1, 2, 3, 63, 64, 127, 255))
_INDEX, _BITS = _U(64 - LOOKUP_BITS), _U(LOOKUP_BITS)
_DATA, _CODED = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]"
_UNITS = "Array(uint64, 1, 'C', readonly=True)"
_STATE, _LANES, _ROOM = "uint64[::1]", "uint64[:, ::1]", "uint32[::1]"
_WORK = f"{_CODED}, {_LANES}, {_ROOM}"
_SCAN = f"{_DATA}, uint64, uint64, uint64, uint64, {_UNITS}, {TABLES}, {_WORK}"


@inlined(f"uint64({_UNITS})")
def different(units):  # type: ignore[no-untyped-def]
    """How many units there are in an MCU."""
    return _U(len(units)) - _3


@inlined(f"void({_CODED}, {TABLES}, {_UNITS}, {_STATE})")
def one(coded, tables, units, lane):  # type: ignore[no-untyped-def]
    """Walk one code. Where there is none, or a unit has too many coefficients, note that and go on."""
    position, known, unit = lane[POSITION], lane[KNOWN], lane[UNIT]
    base, kind = units[unit], min(known, _1)
    bits = window(coded, position)
    entry = tables[base + _U(ONE) + (kind << _BITS) + (bits >> _INDEX)]
    if entry == 0:
        entry = long_code(tables, base, kind, bits)
    if entry == 0:
        lane[FAILED] = position + _1
        lane[POSITION] = position + _1
        return
    known += _U(entry >> TO_ADD)
    if known > _64:
        lane[FAILED] = position + _1
    if entry >> ENDED & np.uint32(1) or known >= _64:
        known = _0
        lane[DONE] += _1
        lane[UNIT] = unit + _1 if unit + _1 < different(units) else _0
    lane[POSITION] = position + (_U(entry) & _127)
    lane[KNOWN] = known


@inlined(f"void({_CODED}, {TABLES}, {_UNITS}, {_STATE})")
def some(coded, tables, units, lane):  # type: ignore[no-untyped-def]
    """Walk the codes of one look-up."""
    position, known, unit = lane[POSITION], lane[KNOWN], lane[UNIT]
    inside = min(known, _1) << _BITS
    entry = _U(tables[units[unit] + (inside | window(coded, position) >> _INDEX)])
    reached = known + (entry >> _U(TO_ADD))
    if reached > _63:
        one(coded, tables, units, lane)
        return
    lane[POSITION] = position + (entry & _127)
    lane[KNOWN] = reached
    if entry & _U(1 << ENDED):
        lane[KNOWN] = entry >> _U(TO_START) & _63
        lane[UNIT] = unit + _1 if unit + _1 < different(units) else _0
        lane[DONE] += entry >> _U(ENDS) & _U(31)


@inlined(f"void({_CODED}, {TABLES}, {_UNITS}, {_STATE})", always=True)
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
        reached = known + (entry >> _U(TO_ADD))
        if reached > _63:
            is_stuck = True
            break
        bits <<= entry & _63
        total += entry
        inside = entry & _U(1 << INSIDE)
        known = entry >> _U(TO_START) & _63 if entry & _U(1 << ENDED) else reached
        if are_several:
            # Looked up each time, because a branch would be foreseen badly.
            unit += entry >> _U(ENDED) & _1
            base = units[unit]
    lane[POSITION] = position + (total & _127)
    lane[KNOWN] = known
    if are_several:
        lane[UNIT] = unit if unit < count else unit - count
    lane[DONE] += total >> _U(ENDS) & _U(31)
    if is_stuck:
        one(coded, tables, units, lane)


@inlined(f"uint32({_UNITS})")
def pattern(units):  # type: ignore[no-untyped-def]
    """The tables' numbers as `fastdcm.kernels.huffman_vectors` takes them."""
    found = np.uint32(0)
    for number in range(different(units) + _2):
        found |= np.uint32(units[number] >> _U(TABLE_BITS)) << np.uint32(2 * number)
    return found


@inlined(f"void({_CODED}, {TABLES}, {_UNITS}, {_LANES}, uint64, {_ROOM})")
def advance_vectors(coded, tables, units, lanes, count, state):  # type: ignore[no-untyped-def]
    """Walk the first ``count`` lanes in vectors until nearly all are where they stop."""
    state[:] = 0
    for number in range(count):
        lane = lanes[number]
        into(state, number, lane)
        state[vectors.STOP + number] = np.uint32(lane[STOP])
    tables_of_units, many = pattern(units), np.uint32(different(units))
    going = count
    while going > _LAST_VECTOR:
        stuck, going = turn(tables, coded, tables_of_units, many, state)
        while stuck:
            place = _U(trailing_zeros(_U(stuck)))
            stuck &= np.uint32(stuck - np.uint32(1))
            lane = lanes[place]
            out_of(state, place, lane)
            one(coded, tables, units, lane)
            into(state, place, lane)
    for number in range(count):
        lane = lanes[number]
        out_of(state, number, lane)
        lane[DONE] += _U(state[vectors.DONE + number])


@inlined(f"void({_ROOM}, uint64, {_STATE})")
def into(state, number, lane):  # type: ignore[no-untyped-def]
    """Where a lane is, for vectors."""
    state[vectors.POSITION + number] = np.uint32(lane[POSITION])
    state[vectors.KNOWN + number] = np.uint32(lane[KNOWN])
    state[vectors.UNIT + number] = np.uint32(lane[UNIT])


@inlined(f"void({_ROOM}, uint64, {_STATE})")
def out_of(state, number, lane):  # type: ignore[no-untyped-def]
    """Where a lane of vectors is."""
    lane[POSITION] = _U(state[vectors.POSITION + number])
    lane[KNOWN] = _U(state[vectors.KNOWN + number])
    lane[UNIT] = _U(state[vectors.UNIT + number])


@inlined(f"void({_CODED}, {TABLES}, {_UNITS}, {_LANES}, uint64, {_ROOM})")
def advance_all(coded, tables, units, lanes, count, state):  # type: ignore[no-untyped-def]
    """Walk the first ``count`` lanes, in turn or in vectors, until each is where it stops."""
    if count >= _LEAST_VECTOR and len(state):
        advance_vectors(coded, tables, units, lanes, count, state)
    elif count == _U(_IN_TURN):
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


@inlined(f"boolean({_CODED}, {TABLES}, {_UNITS}, {_STATE}, {_STATE}, uint64)")
def meet(coded, tables, units, chain, lane, end):  # type: ignore[no-untyped-def]
    """Follow the true chain, before ``end``, and a lane from its start, until they are at the same code."""
    for _ in range(_MOST_STEPS):
        if chain[POSITION] == lane[POSITION] and chain[KNOWN] == lane[KNOWN] and chain[UNIT] == lane[UNIT]:
            return True
        if chain[POSITION] <= lane[POSITION]:
            if chain[POSITION] >= end:
                return False
            some(coded, tables, units, chain)
        else:
            some(coded, tables, units, lane)
    return False


@inlined(f"void({_CODED}, {TABLES}, {_UNITS}, {_LANES}, {_ROOM})")
def walk_parts(coded, tables, units, lanes, state):  # type: ignore[no-untyped-def]
    """Walk the interval of the first lane in several of them, nearly to its end; the first is then there."""
    chain, again = lanes[_0], lanes[_U(LANES)]
    position, stop = chain[POSITION], chain[STOP]
    parts = min((stop - position) // _LEAST_PART, _U(LANES))
    if parts < _LEAST_VECTOR or len(state) == 0:
        parts = _U(_IN_TURN)
    share = (stop - position) // parts
    for number in range(parts):
        start_at(lanes[number], position + number * share, position + (number + _1) * share)
    advance_all(coded, tables, units, lanes, parts, state)
    for number in range(_1, parts):
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


@inlined(f"int64({_CODED}, {TABLES}, {_UNITS}, {_STATE})")
def bits_left(coded, tables, units, lane):  # type: ignore[no-untyped-def]
    """Walk the last codes of an interval: the bits left over behind its units, or `UNSURE`."""
    while lane[DONE] < lane[WANTED] and lane[POSITION] <= lane[END] and lane[FAILED] == _0:
        one(coded, tables, units, lane)
    is_whole = lane[DONE] == lane[WANTED] and lane[KNOWN] == _0
    if not is_whole or lane[FAILED] > _0 or lane[POSITION] > lane[END]:
        return UNSURE
    return np.int64(lane[END] - lane[POSITION])


@inlined(f"boolean({_SCAN})")
def is_possible(data, start, end, interval, wanted, units, tables, coded, lanes, state):  # type: ignore[no-untyped-def]
    """Whether what is read and written lies inside the arrays, whatever the codes are."""
    if not (start <= end <= _U(len(data)) and interval > _0 and wanted > _0 and len(units) > 3):
        return False
    if different(units) == _2:
        return False
    for unit in units:
        if unit & _U(TABLE_SIZE - 1) or unit + _U(TABLE_SIZE) > _U(len(tables)):
            return False
    is_wide = len(state) > 0
    if is_wide and (len(state) != vectors.STATE or len(coded) >= _MOST_BYTES or not are_few(units, tables)):
        return False
    enough = _U(len(coded)) >= end - start + _U(PADDING)
    return enough and lanes.shape[0] > LANES and lanes.shape[1] == FIELDS


@inlined(f"boolean({_UNITS}, {TABLES})")
def are_few(units, tables):  # type: ignore[no-untyped-def]
    """Whether vectors can hold the numbers of all units' tables."""
    return len(units) - 3 <= vectors.MOST_UNITS and len(tables) <= vectors.MOST_TABLES << TABLE_BITS


@kernel(f"int64({_SCAN})")
def spare_bits(data, start, end, interval, wanted, units, tables, coded, lanes, state):  # type: ignore[no-untyped-def]
    """The most bits that a restart interval has left over where all units of a scan are coded, or `UNSURE`.

    The scan lies between the offsets ``start`` and ``end`` of ``data``; it has ``wanted`` units, and a
    restart marker behind each ``interval`` of them. ``tables`` are those of `fill_table`, one after the
    other. coded, lanes: room to work in, of (end - start + PADDING) and (LANES + 1, FIELDS) items. For
    vectors, ``state`` has room for them; it is empty where there are to be none.
    """
    if not is_possible(data, start, end, interval, wanted, units, tables, coded, lanes, state):
        return UNSURE
    most = _U(LANES if len(state) else _IN_TURN)
    position, given, spare = start, _0, np.int64(0)
    while given < wanted:
        count, filled = _0, _0
        while count < most and given < wanted:
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
            walk_parts(coded, tables, units, lanes, state)
        else:
            advance_all(coded, tables, units, lanes, count, state)
        for number in range(count):
            left = bits_left(coded, tables, units, lanes[number])
            if left == UNSURE:
                return UNSURE
            spare = max(spare, left)
    return spare if position == end else UNSURE
