"""Scans of lossless JPEG (ITU-T T.81 annex H) to samples, restart interval by restart interval.

`fastdcm.kernels.differences` reads codes, `fastdcm.kernels.predictions` makes samples of them.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING, unstuffed, window
from fastdcm.kernels.differences import (
    APART,
    LANE,
    MET,
    NO_CODE,
    SEGMENT,
    TABLE_SIZE,
    advance_to,
    code,
    decode_lanes,
    join,
)
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.predictions import APART as SAMPLES_APART
from fastdcm.kernels.predictions import (
    BEHIND,
    COLUMN,
    COMPONENTS,
    FIRST,
    IN_PLACE,
    MASK,
    OFFSET,
    ROW,
    SCAN,
    STATE,
    add,
)

#: What `decode_scan` returns: all samples are there; the scan ends before; there is no code where one must
#: be; the arguments do not fit together.
WHOLE, CUT, DAMAGED, WRONG = range(4)

#: The last bits of an interval are decoded one code after the other. More than a whole one has left over.
_LAST_BITS = np.uint64(512)
#: Bits of a lane for which the others are worth their start.
_LEAST_SHARE = np.uint64(512)
#: Codes are taken singly for so many rounds, after one in which of so many one was not in the table.
_ROUNDS, _OFTEN = np.uint64(12), np.uint64(12)

_U = np.uint64
_0, _1, _2 = _U(0), _U(1), _U(2)
_DATA = "Array(uint8, 1, 'C', readonly=True)"
_BUFFERS = (
    "uint8[::1], uint64, uint64[:, ::1], boolean, uint16[::1], uint16[:, ::1], {}[:, ::1], uint64[::1], "
    "uint64[::1]"
)
_KINDS = ("uint8", "uint16")


@inlined("uint64(uint64[::1], uint64)")
def missing(state, width):  # type: ignore[no-untyped-def]
    """How many values the interval lacks."""
    return (state[BEHIND] - state[ROW]) * width - state[COLUMN]


@inlined(*(f"UniTuple(uint64, 2)({_BUFFERS.format(kind)})" for kind in _KINDS))
def decode_in_lanes(coded, end, tables, is_single, differences, lines, out, state, scan):  # type: ignore[no-untyped-def]
    """Decode an interval as long as it has bits for four lanes: where it goes on; `WHOLE` or `DAMAGED`."""
    table = tables[0]
    size = _U(LANE)
    position, rounds = _0, _0
    while position + _LAST_BITS + (_LEAST_SHARE << _2) <= end and state[ROW] < state[BEHIND]:
        share = min(_U(SEGMENT), (end - _LAST_BITS - position) >> _2)
        single = is_single or rounds > _0
        behind = position + share
        q0, q1, q2, q3, o0, o1, o2, o3, missed, valid = decode_lanes(
            coded, position, share, table, differences, single
        )
        rounds -= min(rounds, _1)
        if missed * _OFTEN > o0 + o1 + o2 + o3 - _U(6) * size:
            rounds = _ROUNDS
        first, position, place = _0, q0, o0
        if not valid & _1:
            add(differences, first, place, lines, out, state, scan)
            return position, _U(DAMAGED)
        for number in range(_1, _U(4)):
            start, stop, placed = behind, q1, o1
            if number == _2:
                stop, placed = q2, o2
            elif number == _U(3):
                stop, placed = q3, o3
            behind += share
            skipped, met = _0, _U(APART)
            if valid >> number & _1:
                position, place, skipped, met = join(coded, position, place, start, stop, table, differences)
            add(differences, first, place, lines, out, state, scan)
            if met == _U(NO_CODE):
                return position, _U(DAMAGED)
            first = place = number * size
            if met == _U(MET):
                first += skipped
                position, place = stop, placed
            else:
                position, place, found = advance_to(
                    coded, position, behind, table, differences, place, single
                )
                if found == _0:
                    add(differences, first, place, lines, out, state, scan)
                    return position, _U(DAMAGED)
        add(differences, first, place, lines, out, state, scan)
    return position, _U(WHOLE)


@inlined(*(f"UniTuple(uint64, 2)({_BUFFERS.format(kind)})" for kind in _KINDS))
def decode_interval(coded, end, tables, is_single, differences, lines, out, state, scan):  # type: ignore[no-untyped-def]
    """Decode an interval of ``end`` bits: `WHOLE`, `CUT` or `DAMAGED`; the bits that are left over."""
    width = _U(lines.shape[1])
    position = _0
    if len(tables) == 1:
        position, found = decode_in_lanes(coded, end, tables, is_single, differences, lines, out, state, scan)
        if found != _U(WHOLE):
            return found, _0
        # Few bits are left here, unless the interval has all its samples.
        if position + _LAST_BITS < end and state[ROW] < state[BEHIND]:
            position, place, found = advance_to(
                coded, position, end - _LAST_BITS, tables[0], differences, _0, is_single
            )
            add(differences, _0, place, lines, out, state, scan)
            if found == _0:
                return _U(DAMAGED), _0
    room, unit = _U(len(differences)), _0
    while state[ROW] < state[BEHIND]:
        count = min(missing(state, width), room)
        place = _0
        while place < count:
            length, difference = code(window(coded, position), tables[unit])
            if length == _0 or position + length > end:
                add(differences, _0, place, lines, out, state, scan)
                is_damaged = length == _0 and position + _U(16) <= end
                return _U(DAMAGED) if is_damaged else _U(CUT), _0
            differences[place] = np.uint16(difference)
            position += length
            place += _1
            unit += _1
            if unit >= _U(len(tables)):
                unit = _0
        add(differences, _0, place, lines, out, state, scan)
    return _U(WHOLE), end - position


@inlined(
    *(
        f"boolean({_DATA}, uint64, uint64, uint64, uint64[:, ::1], uint8[::1], uint16[::1], "
        f"uint16[:, ::1], {kind}[:, ::1], uint64[::1], uint64[::1])"
        for kind in _KINDS
    )
)
def is_possible(data, start, end, interval, tables, coded, differences, lines, out, state, scan):  # type: ignore[no-untyped-def]
    """Whether what is read and written lies inside the arrays, whatever the codes are."""
    width = _U(lines.shape[1])
    if not (start <= end <= _U(len(data)) and interval > _0 and width > _0 and len(out) > 0):
        return False
    if len(state) < STATE or len(scan) < SCAN or len(tables) == 0 or tables.shape[1] < TABLE_SIZE:
        return False
    if _U(len(coded)) < end - start + _U(PADDING) or len(differences) < 4 * LANE:
        return False
    components, different = scan[COMPONENTS], _U(len(tables))
    if components == _0 or components > width or (different != _1 and different != components):
        return False
    if scan[MASK] == IN_PLACE:
        return lines.shape[0] == out.shape[0] and lines.shape[1] == out.shape[1]
    last = scan[OFFSET] + (width - _1) * scan[SAMPLES_APART]
    return scan[MASK] == _1 and len(lines) == 2 and last < _U(out.shape[1])


@kernel(
    *(
        f"UniTuple(int64, 3)({_DATA}, uint64, uint64, uint64, uint64[:, ::1], boolean, uint8[::1], "
        f"uint16[::1], uint16[:, ::1], {kind}[:, ::1], uint64[::1], uint64[::1])"
        for kind in _KINDS
    )
)
def decode_scan(  # type: ignore[no-untyped-def]
    data, start, end, interval, tables, is_single, coded, differences, lines, out, state, scan
):
    """Decode the scan between the offsets ``start`` and ``end`` of the data.

    interval: rows between restart markers. tables: of each component, or one for all, as `fill_table` of
    `fastdcm.kernels.differences` makes them; ``is_single`` where that was without whole codes. lines: two
    rows of values, or ``out`` itself where its samples are the values. scan: what
    `fastdcm.kernels.predictions` lists. coded, differences, state: room to work in, of
    (end - start + PADDING), (4 * LANE) and (STATE) items.

    Returns how many values are there; `WHOLE`, `CUT`, `DAMAGED` or `WRONG`; and the most bits that an
    interval has left over.
    """
    width, rows = _U(lines.shape[1]), _U(len(out))
    if not is_possible(data, start, end, interval, tables, coded, differences, lines, out, state, scan):
        return 0, WRONG, 0
    state[ROW] = state[COLUMN] = _0
    position, marker, spare, found = start, _U(0xD0), _0, _U(WHOLE)
    while state[ROW] < rows and found == _U(WHOLE):
        if state[ROW] > _0:
            if position >= end or data[position] != marker:
                found = _U(CUT)
                break
            position += _1
            marker = _U(0xD0) | marker + _1 & _U(7)
        state[FIRST], state[BEHIND] = state[ROW], min(state[ROW] + interval, rows)
        count, position = unstuffed(data, position, end, coded)
        found, left = decode_interval(
            coded, count << _U(3), tables, is_single, differences, lines, out, state, scan
        )
        spare = max(spare, left)
    return np.int64(state[ROW] * width + state[COLUMN]), np.int64(found), np.int64(spare)
