"""A quick walk over scans that refine AC coefficients of progressive JPEG (ITU-T T.81 G.1.2.3).

Such a scan has a bit for each coefficient that is not zero so far, between the codes; ``history`` has those
of each block, as bits. The walk is a chain that a processor waits for: where a code starts depends on the one
before it, and on what that passes. So a step takes a code with what it passes, and the end of the block, and
has no branch that would be foreseen badly. Two scans are walked in turn, of two components, or of one: the
later scan then goes some blocks behind the other, whose history it needs.

A walk is at a position, and has the bits from there on, 57 or more; is in a block; has the rest of its band,
as bits; the block's history, and that with what the scan adds; the history of the block behind, so that no
step waits for it. A scan has an end, a band, and blocks; a history has two more.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import window
from fastdcm.kernels.huffman_band_tables import INDEX, LOOKUP_BITS, NEW, RUN, TABLE, ZEROS, one, refining
from fastdcm.kernels.inlined import chosen, deposited, inlined, ones

#: What walks return in place of a position.
NO_POSITION = np.uint64(0xFFFFFFFFFFFFFFFF)
#: Blocks by which a scan goes before the one that needs its history, where it has to go alone.
_LEAD = np.uint64(64)

#: Bits of a window, of 57, behind which there is an index yet.
_IN_WINDOW = np.uint64(57 - LOOKUP_BITS)

_U = np.uint64
_0, _1, _2, _63, _255 = (_U(each) for each in (0, 1, 2, 63, 255))
_CODED, _HISTORY = "uint8[::1]", "uint64[::1]"
_AT, _STEP, _SCAN = "UniTuple(uint64, 6)", "UniTuple(uint64, 7)", "UniTuple(uint64, 3)"


@inlined("uint64(uint64, uint64)")
def band_of(first, last):  # type: ignore[no-untyped-def]
    """The coefficients of a band, as bits."""
    return NO_POSITION >> (_63 - last) & NO_POSITION << first


@inlined(f"{_STEP}({_CODED}, {_AT}, {_SCAN}, {_HISTORY}, {TABLE})", always=True)
def step(coded, walk, scan, history, table):  # type: ignore[no-untyped-def]
    """Take a code: where the walk is then, and how many more blocks the code ends.

    These are more than there can be where there is no code, or no such coefficient.
    """
    position, bits, block, free, held, following = walk
    # All bits from the position on, which is known late: those looked up came from the window before.
    wide = window(coded, position)
    entry, zeros = table[bits >> INDEX], free
    if entry == _0:
        length, value = one(wide, table)
        # No code is taken for one of a coefficient where there is no zero left.
        entry, zeros = (refining(wide, length, value), free) if length else (_1 << ZEROS, _0)
    run, place = entry >> RUN & _U(0xFFFF), deposited(entry >> ZEROS, zeros)
    # All bits up to the place, or all there are where there is none.
    passed = place ^ (place - _1)
    more = (run - _1) & (_0 - (place - _1 >> _63))  # which LLVM makes no branch of
    taken, corrected = entry & _255, ones(held & passed)
    position += taken + corrected
    bits = wide << taken << corrected if taken + corrected <= _IN_WINDOW else window(coded, position)
    history[block] |= place & (_0 - (entry >> NEW & _1))
    free &= ~passed
    held &= ~passed
    is_over = (free | held) == _0
    block += _U(is_over)
    free = chosen(is_over, scan[1] & ~following, free)
    held = chosen(is_over, scan[1] & following, held)
    return position, bits, block, free, held, history[block + _1], more


@inlined(f"{_AT}({_CODED}, uint64, uint64, {_SCAN}, {_HISTORY})")
def at_block(coded, position, block, scan, history):  # type: ignore[no-untyped-def]
    """A walk at the start of a block."""
    bits, known = window(coded, min(position, scan[0])), history[block]
    return position, bits, block, scan[1] & ~known, scan[1] & known, history[block + _1]


@inlined(f"{_AT}({_CODED}, {_AT}, uint64, {_SCAN}, {_HISTORY})")
def skipped(coded, walk, count, scan, history):  # type: ignore[no-untyped-def]
    """The walk behind as many whole blocks, which have no codes; it has no position where there are fewer."""
    position, block = walk[0], walk[2]
    if count > scan[2] - block:
        return at_block(coded, NO_POSITION, block, scan, history)
    for _ in range(count):
        position += ones(history[block] & scan[1])
        block += _1
    return at_block(coded, position, block, scan, history)


@inlined(f"{_AT}({_CODED}, {_AT}, uint64, {_SCAN}, {_HISTORY}, {TABLE})")
def alone(coded, walk, until, scan, history, table):  # type: ignore[no-untyped-def]
    """The walk at a block or behind it; its position is behind the end where something is not coded."""
    while walk[2] < until and walk[0] <= scan[0]:
        after = step(coded, walk, scan, history, table)
        walk = after[:6]
        if after[6]:
            walk = skipped(coded, walk, after[6], scan, history)
    return walk


@inlined(f"uint64({_CODED}, uint64, uint64, uint64, uint64, uint64, {_HISTORY}, {TABLE})")
def refine(coded, position, end, block, stop, band, history, table):  # type: ignore[no-untyped-def]
    """Walk the blocks of an interval: the position behind, past the end where something is not coded."""
    scan = end, band, stop
    return alone(coded, at_block(coded, position, block, scan, history), stop, scan, history, table)[0]


@inlined(f"UniTuple(uint64, 2)({_CODED}, uint64[:, ::1], {_HISTORY}, {_HISTORY}, {TABLE}, {TABLE})")
def refine_both(coded, scans, history, later_history, table, later_table):  # type: ignore[no-untyped-def]
    """Walk all blocks of two scans, of which the later one may need what the other adds to its history.

    ``scans`` have a row each: the first position, the end, the band. Returns as `refine`, of both.
    """
    blocks = _U(len(history)) - _2
    scan, later_scan = (scans[0, 1], scans[0, 2], blocks), (scans[1, 1], scans[1, 2], blocks)
    walk = at_block(coded, scans[0, 0], _0, scan, history)
    later, left, waits = at_block(coded, scans[1, 0], _0, later_scan, later_history), _0, True
    while later[2] < blocks and walk[0] <= scan[0] and later[0] <= later_scan[0]:
        needed = min(later[2] + left + _2, blocks)
        if walk[2] <= needed:
            walk = alone(coded, walk, min(needed + _LEAD, blocks), scan, history, table)
        if waits:
            later = skipped(coded, later, left, later_scan, later_history)
            left, waits = _0, False
        if walk[2] == blocks:
            later = alone(coded, later, blocks, later_scan, later_history, later_table)
        while later[2] + _2 < walk[2] < blocks and walk[0] <= scan[0] and later[0] <= later_scan[0]:
            after = step(coded, walk, scan, history, table)
            later_after = step(coded, later, later_scan, later_history, later_table)
            walk, later = after[:6], later_after[:6]
            if after[6]:
                walk = skipped(coded, walk, after[6], scan, history)
            if later_after[6]:
                left, waits = later_after[6], True
                break
    return walk[0], later[0]
