"""Huffman-coded differences of lossless JPEG (ITU-T T.81 annexes C, F.2.2 and H.1.2.2): from bits to numbers.

Four lanes of one chain of codes are decoded at a time: three of them start where no code may start. Huffman
codes find into step by themselves, and where a lane has done so, what it decoded counts. Whether a scan is
whole comes out of decoding it, because each code is counted. docs/jpeg-lossless.md is a tour of this file.

``coded`` are the bytes of a restart interval without stuffed ones, and `PADDING` zeros; positions in them are
in bits. ``table`` is one of `fill_table`. ``differences`` are modulo 2^16, four lanes of `LANE` each.
Indices are unsigned: for others numba would look whether they count from the end.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import eight, full, window
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

#: Bits of a table's index.
LOOKUP_BITS = 12
_ENTRIES = 1 << LOOKUP_BITS
#: A table: for each `LOOKUP_BITS` bits to come up to three whole codes, with what follows them, that lie in
#: these; for each of them the one code; for each length the first 16 bits behind its last code; for each
#: length what leads from a code to its category; the categories.
_SINGLE, _LIMITS = _ENTRIES, 2 * _ENTRIES
_OFFSETS = _LIMITS + 17
_CATEGORIES = _OFFSETS + 17
# An entry of the first part: three differences of 16 bits, how many bits they take, how many they are.
_TAKEN = np.uint64(48)
# One of the second part: the code's length; 63 less its category; its length with what follows; 1; what is
# subtracted where that starts with 0. It is 0 where the code is longer than the index, or takes more than
# a third of a window with what follows.
_REST, _TOTAL, _COUNT, _LEAST = (np.uint64(place) for place in (8, 16, 24, 32))
_MOST_TOTAL = np.uint64(19)
TABLE_SIZE = _CATEGORIES + 256

#: Bits of a lane at most (benches/bench_jpeg_lossless.py), codes after which it counts as never in step, and
#: the differences that it has room for: one a bit, and some that are written behind the last one.
SEGMENT = 1 << 15
MOST_STEPS = 512
LANE = SEGMENT + MOST_STEPS + 64
_U = np.uint64
_0, _1, _2, _3, _7, _8, _63 = (_U(each) for each in (0, 1, 2, 3, 7, 8, 63))
_INDEX = _U(64 - LOOKUP_BITS)
_DATA = "Array(uint8, 1, 'C', readonly=True)"
_BYTES, _WORDS, _NUMBERS = "uint8[::1]", "uint64[::1]", "uint16[::1]"


@inlined("uint64(uint64, uint64)")
def extended(bits, category):  # type: ignore[no-untyped-def]
    """EXTEND (figure F.12) of the highest ``category`` bits, at most 15."""
    negative = _U(~np.int64(bits) >> 63)  # ones where the first bit is 0
    return ((((bits ^ negative) >> _1) >> (_63 - category)) ^ negative) - negative


@inlined(f"UniTuple(uint64, 2)(uint64, {_WORDS})")
def code(bits, table):  # type: ignore[no-untyped-def]
    """The code at the highest bits (figure F.16): its length with what follows or 0; the difference."""
    entry = table[_U(_SINGLE) + (bits >> _INDEX)]
    length, category = entry & _63, _63 - (entry >> _REST & _63)
    if entry == _0:
        first = bits >> _U(48)
        length = _1
        while length < _U(17) and first >= table[_U(_LIMITS) + length]:
            length += _1
        if length == _U(17):
            return _0, _0
        category = table[_U(_CATEGORIES) + table[_U(_OFFSETS) + length] + (first >> (_U(16) - length))]
    if category == _U(16):  # no bits follow
        return length, _U(32768)
    return length + category, extended(bits << length, category)


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, {_WORDS}, {_NUMBERS}, uint64)")
def several(coded, position, table, differences, place):  # type: ignore[no-untyped-def]
    """Look up whole codes four times.

    Returns the position and the place behind them, and 0 where the code there is none of the table.
    """
    bits = window(coded, position)
    entry, total = _0, _0
    for _ in range(4):
        entry = table[bits >> _INDEX]
        differences[place] = np.uint16(entry)
        differences[place + _1] = np.uint16(entry >> _U(16))
        differences[place + _2] = np.uint16(entry >> _U(32))
        differences[place + _3] = np.uint16(entry >> _U(48))  # so that it is one number of 64 bits
        taken = entry >> _TAKEN
        bits <<= taken & _63
        place += taken >> _U(6)
        total += taken
    return position + (total & _63), place, entry


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, {_WORDS}, {_NUMBERS}, uint64)")
def singly(coded, position, table, differences, place):  # type: ignore[no-untyped-def]
    """Look up three codes, and take what follows each of them; as `several`."""
    bits = window(coded, position)
    entry, total = _0, _0
    for number in range(3):
        entry = table[_U(_SINGLE) + (bits >> _INDEX)]
        behind = bits << (entry & _63)
        # EXTEND (figure F.12), as in `extended`.
        positive = _U(np.int64(behind) >> 63)
        value = (behind >> _1 >> (entry >> _REST & _63)) - (entry >> _LEAST & ~positive)
        differences[place + _U(number)] = np.uint16(value)
        bits <<= entry >> _TOTAL & _63
        total += entry
    return position + (total >> _TOTAL & _63), place + (total >> _COUNT & _3), entry


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, {_WORDS}, {_NUMBERS}, uint64)")
def one(coded, position, table, differences, place):  # type: ignore[no-untyped-def]
    """Take one code, of the table or not; as `several`."""
    length, difference = code(window(coded, position), table)
    differences[place] = np.uint16(difference)
    return position + length, place + min(length, _1), length


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, {_WORDS}, {_NUMBERS}, uint64, boolean)")
def advance(coded, position, table, differences, place, single):  # type: ignore[no-untyped-def]
    """Some codes on: position and place behind them; the third is 0 where there is no code."""
    if single:
        position, place, found = singly(coded, position, table, differences, place)
    else:
        position, place, found = several(coded, position, table, differences, place)
    if found == _0:
        position, place, found = one(coded, position, table, differences, place)
    return position, place, found


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, uint64, {_WORDS}, {_NUMBERS}, uint64, boolean)")
def advance_to(coded, position, end, table, differences, place, single):  # type: ignore[no-untyped-def]
    """As `advance`, until the position is at ``end`` or behind it."""
    found = _1
    while position < end and found != _0:
        position, place, found = advance(coded, position, table, differences, place, single)
    return position, place, found


@inlined(f"UniTuple(uint64, 10)({_BYTES}, uint64, uint64, {_WORDS}, {_NUMBERS}, boolean)")
def decode_lanes(coded, position, share, table, differences, single):  # type: ignore[no-untyped-def]
    """Four lanes of ``share`` bits each, one behind the other.

    Returns the positions and the places behind their last codes, how many codes were not in the table, and
    a bit for each lane that is of codes from start to end.
    """
    lane = _U(LANE)
    q0, q1, q2, q3 = position, position + share, position + _2 * share, position + _3 * share
    e0, e1, e2, e3 = q1, q2, q3, q3 + share
    o0, o1, o2, o3 = _0, lane, _2 * lane, _3 * lane
    f0 = f1 = f2 = f3 = _1
    missed = _0
    while q0 < e0 and q1 < e1 and q2 < e2 and q3 < e3:
        if single:
            q0, o0, f0 = singly(coded, q0, table, differences, o0)
            q1, o1, f1 = singly(coded, q1, table, differences, o1)
            q2, o2, f2 = singly(coded, q2, table, differences, o2)
            q3, o3, f3 = singly(coded, q3, table, differences, o3)
        else:
            q0, o0, f0 = several(coded, q0, table, differences, o0)
            q1, o1, f1 = several(coded, q1, table, differences, o1)
            q2, o2, f2 = several(coded, q2, table, differences, o2)
            q3, o3, f3 = several(coded, q3, table, differences, o3)
        if f0 == _0:
            missed += _1
            q0, o0, f0 = one(coded, q0, table, differences, o0)
            if f0 == _0:
                break
        if f1 == _0:
            missed += _1
            q1, o1, f1 = one(coded, q1, table, differences, o1)
            if f1 == _0:
                break
        if f2 == _0:
            missed += _1
            q2, o2, f2 = one(coded, q2, table, differences, o2)
            if f2 == _0:
                break
        if f3 == _0:
            missed += _1
            q3, o3, f3 = one(coded, q3, table, differences, o3)
            if f3 == _0:
                break
    # A lane that came upon what is no code does so again.
    q0, o0, f0 = advance_to(coded, q0, e0, table, differences, o0, single)
    q1, o1, f1 = advance_to(coded, q1, e1, table, differences, o1, single)
    q2, o2, f2 = advance_to(coded, q2, e2, table, differences, o2, single)
    q3, o3, f3 = advance_to(coded, q3, e3, table, differences, o3, single)
    valid = min(f0, _1) | min(f1, _1) << _1 | min(f2, _1) << _2 | min(f3, _1) << _3
    return q0, q1, q2, q3, o0, o1, o2, o3, missed, valid


MET, APART, NO_CODE = 0, 1, 2


@inlined(f"UniTuple(uint64, 4)({_BYTES}, uint64, uint64, uint64, uint64, {_WORDS}, {_NUMBERS})")
def join(coded, position, place, start, end, table, differences):  # type: ignore[no-untyped-def]
    """Follow the chain of codes from a position, and the lane between ``start`` and ``end``, until they meet.

    Returns the position and the place of the chain, how many codes of the lane it did not meet, and `MET`,
    `APART` where that went on for too long, or `NO_CODE`.
    """
    skipped = _0
    for _ in range(MOST_STEPS):
        if position == start:
            return position, place, skipped, _U(MET)
        if position >= end or start >= end:
            break
        if position < start:
            position, place, length = one(coded, position, table, differences, place)
            if length == _0:
                return position, place, skipped, _U(NO_CODE)
        else:
            start += code(window(coded, start), table)[0]
            skipped += _1
    return position, place, skipped, _U(APART)


@kernel(f"int64({_DATA}, uint64, boolean)")
def scan_end(data, position, has_restarts):  # type: ignore[no-untyped-def]
    """The offset of the marker behind the scan from a position on, or that of the data's end.

    In a scan FF is followed by 00 (B.1.1.5), by FF, or by D0 to D7 of restart markers where there are some.
    """
    end = _U(len(data))
    while position + _1 < end:
        if position + _8 <= end and full(eight(data, position)) == _0:
            position += _8
            continue
        stop = min(position + _8, end - _1)
        while position < stop:
            behind = data[position + _1]
            if data[position] == 0xFF and 0 < behind < 0xFF and not (has_restarts and 0xD0 <= behind <= 0xD7):
                return np.int64(position)
            position += _1
    return np.int64(end)


@kernel(f"void({_DATA}, {_WORDS}, boolean)")
def fill_table(definition, table, whole):  # type: ignore[no-untyped-def]
    """A table of a definition that is possible: 16 counts, and the categories of the codes (C.2, B.2.4.2).

    Without ``whole`` the part of it that has whole codes is left out: for images so small that it does not
    pay, whose codes are to be taken singly.
    """
    table[:] = 0
    number, first = _0, _0
    for length in range(_1, _U(17)):
        table[_U(_OFFSETS) + length] = number - first
        for _ in range(definition[length - _1]):
            category = _U(definition[_U(16) + number])
            table[_U(_CATEGORIES) + number] = category
            if length <= _U(LOOKUP_BITS) and category < _U(16) and length + category <= _MOST_TOTAL:
                spare = _U(LOOKUP_BITS) - length
                entry = length | (_63 - category) << _REST | (length + category) << _TOTAL | _1 << _COUNT
                entry |= (_1 << category) - _1 << _LEAST
                for index in range(first << spare, (first + _1) << spare):
                    table[_U(_SINGLE) + index] = entry
            first += _1
            number += _1
        table[_U(_LIMITS) + length] = first << (_U(16) - length)
        first <<= _1
    if whole:
        for index in range(_U(_ENTRIES)):
            bits = index << _INDEX
            total, count, entry = _0, _0, _0
            while count < _3:
                single = table[_U(_SINGLE) + (bits >> _INDEX)]
                taken = single >> _TOTAL & _63
                if single == _0 or total + taken > _U(LOOKUP_BITS):
                    break
                difference = extended(bits << (single & _63), _63 - (single >> _REST & _63)) & _U(0xFFFF)
                entry |= difference << (_U(16) * count)
                bits <<= taken
                total += taken
                count += _1
            table[index] = entry | (count << _U(6) | total) << _TAKEN
