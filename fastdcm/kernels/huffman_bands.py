"""A quick walk over AC scans of progressive JPEG (ITU-T T.81 G.1.2.2, G.1.2.3); it loads machine code.

The walk of `fastdcm.kernels.huffman` says what is wrong with a scan, this one only that nothing is, as that
of `fastdcm.kernels.huffman_lanes`. A scan codes coefficients ``first`` to ``last`` of one component's blocks.
``history`` has for each block the coefficients that are not zero so far, as bits: what a scan that refines
has a bit for. ``coded`` is that of `fastdcm.kernels.coded_bytes`; positions in it are in bits.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING, unstuffed, window
from fastdcm.kernels.huffman_band_tables import ADDED, BY, INDEX, RUN, TABLE, TABLE_SIZE, meaning, one
from fastdcm.kernels.huffman_refinements import NO_POSITION, band_of, refine, refine_both
from fastdcm.kernels.inlined import chosen, inlined
from fastdcm.kernels.jit import kernel

UNSURE = -1

_U = np.uint64
_0, _1, _2, _3, _15, _63, _255 = (_U(each) for each in (0, 1, 2, 3, 15, 63, 255))
_DATA, _CODED = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]"

_WALK = f"uint64({_CODED}, uint64, uint64, uint64, uint64, uint64, uint64, uint64[::1], {TABLE})"


@inlined(_WALK)
def code_first(coded, position, end, block, stop, first, last, history, table):  # type: ignore[no-untyped-def]
    """Walk the blocks of an interval in a band's first scan (G.1.2.2): the position behind, or none."""
    k, bits = first, window(coded, position)
    while block < stop and position <= end:
        # All bits from the position on, which is known late: those looked up came from the window before.
        wide, entry = window(coded, position), table[bits >> INDEX]
        run, reached = entry >> RUN & _U(0xFFFF), k + (entry >> BY & _255)
        if entry == _0 or reached + min(run, _1) > last + _1:
            length, value = one(wide, table)
            taken, zeros, run = meaning(wide, length, value)
            by = _0 if run else zeros + _1
            reached = k + by
            if length == _0 or reached > last + _1:
                return NO_POSITION
            entry = taken | (min(value & _15, _1) << _U(32) << zeros if by else _0)
        history[block] |= entry >> ADDED << k
        position += entry & _255
        bits = wide << (entry & _255)
        # No branch for the end of a block, which would be foreseen badly.
        is_over = run > _0 or reached > last
        block += chosen(is_over, max(run, _1), _0)
        k = chosen(is_over, first, reached)
    return position if block == stop and position <= end else NO_POSITION


@kernel(f"int64({_DATA}, uint64, uint64, uint64, uint64, uint64, boolean, uint64[::1], {TABLE}, {_CODED})")
def spare_bits(data, start, end, interval, first, last, refines, history, table, coded):  # type: ignore[no-untyped-def]
    """The most bits that a restart interval has left over where all blocks of a scan are coded, or `UNSURE`.

    The scan lies between the offsets ``start`` and ``end`` of ``data``, with a restart marker behind each
    ``interval`` of blocks. ``history`` is brought up to date, and spoilt where the walk is unsure. ``coded``
    is room to work in, of (end - start + PADDING) bytes.
    """
    if len(history) < 2:
        return UNSURE
    blocks = _U(len(history)) - _2
    if not (start <= end <= _U(len(data)) and interval > _0 and _0 < first <= last <= _63):
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
            reached = refine(coded, _0, bits, block, stop, band_of(first, last), history, table)
        else:
            reached = code_first(coded, _0, bits, block, stop, first, last, history, table)
        if reached > bits:
            return UNSURE
        spare = max(spare, bits - reached)
        block = stop
    return np.int64(spare) if position == end else UNSURE


@kernel(f"boolean({_DATA}, uint64[:, ::1], uint64[::1], uint64[::1], {TABLE}, {TABLE}, {_CODED})")
def are_whole(data, scans, history, later_history, table, later_table, coded):  # type: ignore[no-untyped-def]
    """Whether all blocks of two scans that refine, without restart markers, are coded.

    ``scans`` have a row each: the offsets in ``data`` of its start and its end, and its first and its last
    coefficient; the bits left over are put in place of the first one. Both have as many blocks. Histories
    may be the same one; both are brought up to date, and spoilt where the answer is no. ``coded`` is room for
    both scans, of (end - start + PADDING) bytes each.
    """
    if len(history) != len(later_history) or len(history) < 3 or scans.shape[0] != 2 or scans.shape[1] != 4:
        return False
    if len(table) < TABLE_SIZE or len(later_table) < TABLE_SIZE:
        return False
    needed = _0
    for number in range(2):
        start, end, first, last = scans[number, 0], scans[number, 1], scans[number, 2], scans[number, 3]
        if not (start <= end <= _U(len(data)) and _0 < first <= last <= _63):
            return False
        needed += end - start + _U(PADDING)
    if needed > _U(len(coded)):
        return False
    at = _0
    for number in range(2):
        end = scans[number, 1]
        size, position = unstuffed(data, scans[number, 0], end, coded[at:])
        if position != end:
            return False
        scans[number, 0], scans[number, 1] = at << _3, (at + size) << _3
        scans[number, 2] = band_of(scans[number, 2], scans[number, 3])
        at += size + _U(PADDING)
    reached, later_reached = refine_both(coded, scans, history, later_history, table, later_table)
    if reached > scans[0, 1] or later_reached > scans[1, 1]:
        return False
    scans[0, 0], scans[1, 0] = scans[0, 1] - reached, scans[1, 1] - later_reached
    return True
