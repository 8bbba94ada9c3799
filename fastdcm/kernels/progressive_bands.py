"""AC coefficients of progressive JPEG (ITU-T T.81 G.1.2.2, G.1.2.3): a band of one component a scan.

Each block has a history: its coefficients that are not zero so far, as bits, by which a scan that refines
knows where correction bits are. Such a scan is a chain that a processor waits for: where a code starts
depends on what the one before it passes. So a step finds by a few instructions which place a code means, how
many correction bits stand before it, and which of these are set; coefficients are changed at the end of the
block, where nothing waits for them. An end of a block is a code whose place is nowhere.

Bits and positions are those of `fastdcm.kernels.sequential_blocks`, coefficients those of
`fastdcm.kernels.kept_blocks`; indices are unsigned.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import deposited, inlined, ones, trailing_zeros
from fastdcm.kernels.kept_blocks import block_at, clear_row, row_start
from fastdcm.kernels.progressive_tables import ENDS, NEW, RUN, ZEROS, refining
from fastdcm.kernels.sequential_blocks import (
    BITS,
    COUNT,
    LEFT,
    PLACES,
    POINTER,
    SIZE,
    filled_up,
    long_code,
    restarted,
)
from fastdcm.kernels.sequential_tables import LONG, LOOKUP_BITS, STOPS, extended

#: Of a component: its blocks across and down (A.2.2); the same with those that fill up MCUs; where its
#: coefficients start, and its histories.
GRID = "UniTuple(uint64, 6)"
#: The first coefficient, the last one, and by how many bits they are shifted.
BAND = "UniTuple(uint64, 3)"

_DATA, _CODED, _WORDS = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]", "uint64[::1]"
_COEFFICIENTS, _TABLES = "int16[::1]", "int32[::1]"
_U = np.uint64
_0, _1, _2, _4, _8, _15, _16, _32, _56, _63, _64, _255 = (
    _U(each) for each in (0, 1, 2, 4, 8, 15, 16, 32, 56, 63, 64, 255)
)
_INDEX, _STOPS, _LONG = _U(64 - LOOKUP_BITS), _U(STOPS), _U(LONG)
_VALUE, _SIGN = np.int32(16), np.int16(15)
_ALL = _U(0xFFFFFFFFFFFFFFFF)
_SCAN = (
    f"boolean({_DATA}, uint64, uint64, {GRID}, {BAND}, {_TABLES}, uint64, {PLACES}, {_CODED}, "
    f"{_COEFFICIENTS}, {_WORDS}, {_WORDS})"
)


@inlined("uint64(uint64)", always=True)
def backwards(bits):  # type: ignore[no-untyped-def]
    """The bits in the opposite order."""
    bits = bits >> _1 & _U(0x5555555555555555) | (bits & _U(0x5555555555555555)) << _1
    bits = bits >> _2 & _U(0x3333333333333333) | (bits & _U(0x3333333333333333)) << _2
    bits = bits >> _4 & _U(0x0F0F0F0F0F0F0F0F) | (bits & _U(0x0F0F0F0F0F0F0F0F)) << _4
    bits = bits >> _8 & _U(0x00FF00FF00FF00FF) | (bits & _U(0x00FF00FF00FF00FF)) << _8
    bits = bits >> _16 & _U(0x0000FFFF0000FFFF) | (bits & _U(0x0000FFFF0000FFFF)) << _16
    return bits >> _32 | bits << _32


@inlined(
    f"Tuple((uint64, uint64, uint64, uint64, uint64, boolean))({_CODED}, uint64, uint64, uint64, {_TABLES}, "
    f"uint64, {PLACES}, {_COEFFICIENTS}, uint64, {BAND})",
    always=True,
)
def _first_of_block(  # type: ignore[no-untyped-def]
    coded, pointer, bits, count, tables, table, zigzag, coefficients, at, band
):
    """Decode the band of a block: where the reader is then, what is not zero, blocks besides that end.

    False where there is a code that none is, or more coefficients than the band.
    """
    first, last, low = band
    number, known, run = first - _1, _0, _0
    while True:
        pointer, bits, count = filled_up(coded, pointer, bits, count)
        entry = np.int32(0)
        for _ in range(4):  # look-ups on 56 bits
            entry = tables[table + (bits >> _INDEX)]
            number += _U(entry) >> _8 & _255
            if number >= last:
                break
            coefficients[at + zigzag[number]] = np.int16(entry >> _VALUE)
            known |= _U(entry >> _VALUE != np.int32(0)) << number
            bits <<= _U(entry) & _63
            count -= _U(entry) & _63
        if number < last:
            continue
        step = _U(entry) >> _8 & _255
        if step < _LONG:
            bits <<= _U(entry) & _63
            count -= _U(entry) & _63
            if step == _STOPS:
                break
            if number > last:
                return pointer, bits, count, known, run, False
            coefficients[at + zigzag[number]] = np.int16(entry >> _VALUE)
            known |= _U(entry >> _VALUE != np.int32(0)) << number
            break
        number -= step
        pointer, bits, count = filled_up(coded, pointer, bits, count)
        length, value = _U(entry) & _63, _U(np.uint16(entry >> _VALUE))
        if length == _0:
            length, value = long_code(tables, table, bits)
            if length == _0:
                return pointer, bits, count, known, run, False
        size, zeros = value & _15, value >> _4
        bits <<= length
        count -= length
        if size == _0 and zeros != _15:
            run = (_1 << zeros) - _1 + (bits >> _1 >> (_63 - zeros))
            bits <<= zeros
            count -= zeros
            break
        number += zeros + _1
        if number > last or size + low > _15:
            return pointer, bits, count, known, run, False
        if size != _0:
            coefficients[at + zigzag[number]] = np.int16(extended(bits, size) << np.int64(low))
            known |= _1 << number
        bits <<= size
        count -= size
        if number == last:
            break
    return pointer, bits, count, known, run, True


@inlined(_SCAN)
def first_of_band(  # type: ignore[no-untyped-def]
    data, end, interval, grid, band, tables, table, zigzag, coded, coefficients, histories, state
):
    """Decode a band's first scan (G.1.2.2) from an interval on that is opened; whether its codes are there.

    ``interval`` are blocks between restart markers. Histories, 0 before the first scan, are brought up to
    date.
    """
    across, down, all_across, all_down, start, first_history = grid
    pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
    behind, run = state[SIZE] + _8, _0
    for row in range(all_down):
        row_at, history = row_start(start, all_across, row), first_history + row * all_across
        clear_row(coefficients, row_at, all_across, band[0], band[1], zigzag)
        column = _0 if row < down else across
        while column < across:
            if left == _0:
                state[POINTER], state[BITS], state[COUNT] = pointer, bits, count
                if run != _0 or not restarted(data, end, interval, coded, state):
                    return False
                pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
                behind = state[SIZE] + _8
            if run != _0:
                passed = min(run, min(left, across - column))
                run -= passed
                left -= passed
                column += passed
                continue
            at = block_at(row_at, column)
            pointer, bits, count, known, run, is_there = _first_of_block(
                coded, pointer, bits, count, tables, table, zigzag, coefficients, at, band
            )
            if not is_there or pointer > behind:
                return False
            histories[history + column] |= known
            left -= _1
            column += _1
    state[POINTER], state[BITS], state[COUNT], state[LEFT] = pointer, bits, count, left
    return run == _0


@inlined(f"UniTuple(uint64, 4)({_CODED}, uint64, uint64, uint64, uint64)")
def _corrections(coded, pointer, bits, count, known):  # type: ignore[no-untyped-def]
    """Take a correction bit for each of some coefficients: where the reader is then; which bits are set."""
    pointer, bits, count = filled_up(coded, pointer, bits, count)
    number, changed = ones(known), _0
    if number > _56:
        some = deposited(_ALL >> _32, known)
        changed = deposited(backwards(bits), some)
        bits <<= _32
        count -= _32
        number -= _32
        known &= ~some
        pointer, bits, count = filled_up(coded, pointer, bits, count)
    changed |= deposited(backwards(bits), known)
    return pointer, bits << number, count - number, changed


@inlined(f"uint64({_TABLES}, uint64, uint64)")
def _long_entry(tables, table, bits):  # type: ignore[no-untyped-def]
    """The entry of a code that is longer than an index, with what follows it; 0 where there is none such."""
    length, value = long_code(tables, table, bits)
    size, zeros = value & _15, value >> _4
    if length == _0 or size > _1:
        return _0
    if size == _0 and zeros != _15:
        return refining(length, value, (bits << length) >> _1 >> (_63 - zeros))
    return refining(length, value, _0)


@inlined(
    f"Tuple((uint64, uint64, uint64, uint64, uint64, uint64, uint64, boolean))({_CODED}, uint64, uint64, "
    f"uint64, {_TABLES}, uint64, uint64, uint64)",
    always=True,
)
def _refined_block(coded, pointer, bits, count, tables, table, rest, known):  # type: ignore[no-untyped-def]
    """Take the codes and correction bits of a block, whose band are the bits ``rest``.

    Returns where the reader is then; the coefficients that are corrected, that are not zero any more, those
    of them below zero; the blocks that end, this one among them. False where there is a code that none is,
    or no place for its coefficient.
    """
    changed, grown, negative, run = _0, _0, _0, _0
    while rest != _0:
        pointer, bits, count = filled_up(coded, pointer, bits, count)
        entry = _U(tables[table + (bits >> _INDEX)])
        if entry == _0:
            entry = _long_entry(tables, table, bits)
            if entry == _0:
                return pointer, bits, count, changed, grown, negative, run, False
        taken = entry & _63
        sign = bits >> (_64 - taken) & _1
        bits <<= taken
        count -= taken
        place = deposited((_1 ^ (entry >> ENDS & _1)) << (entry >> ZEROS & _15), rest & ~known)
        run = entry >> RUN
        if place == _0 and run == _0:
            return pointer, bits, count, changed, grown, negative, run, False
        # All bits up to the place, or all there are where there is none.
        passed = rest & (place ^ (place - _1))
        corrected = known & passed
        number = ones(corrected)
        if number > count:
            pointer, bits, count, more = _corrections(coded, pointer, bits, count, corrected)
            changed |= more
        else:
            changed |= deposited(backwards(bits), corrected)
            bits <<= number
            count -= number
        new = place & (_0 - (entry >> NEW & _1))
        grown |= new
        negative |= new & (sign - _1)
        rest &= ~passed
    return pointer, bits, count, changed, grown, negative, run, True


@inlined(f"void({_COEFFICIENTS}, uint64, {PLACES}, uint64, uint64, uint64)", always=True)
def _change(coefficients, at, zigzag, low, changed, negative):  # type: ignore[no-untyped-def]
    """Move coefficients of a block, given as bits, away from zero by 2^``low``; zeros by their sign."""
    step = np.int16(np.int64(1) << np.int64(low))
    while changed != _0:
        number = _U(trailing_zeros(changed))
        changed &= changed - _1
        place = at + zigzag[number]
        value = coefficients[place]
        sign = np.int16(np.int16(value >> _SIGN) | np.int16(-np.int64(negative >> number & _1)))
        coefficients[place] = np.int16(value + np.int16(np.int16(step ^ sign) - sign))


@inlined(_SCAN)
def refined_band(  # type: ignore[no-untyped-def]
    data, end, interval, grid, band, tables, table, zigzag, coded, coefficients, histories, state
):
    """Decode a scan that refines a band (G.1.2.3); as `first_of_band`."""
    across, down, all_across, _, start, first_history = grid
    mask = _ALL >> (_63 - band[1]) & _ALL << band[0]
    pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
    behind, run = state[SIZE] + _8, _0
    for row in range(down):
        row_at, history = row_start(start, all_across, row), first_history + row * all_across
        for column in range(across):
            if left == _0:
                state[POINTER], state[BITS], state[COUNT] = pointer, bits, count
                if run != _0 or not restarted(data, end, interval, coded, state):
                    return False
                pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
                behind = state[SIZE] + _8
            left -= _1
            known = histories[history + column]
            changed, grown, negative = _0, _0, _0
            if run == _0:
                pointer, bits, count, changed, grown, negative, run, is_there = _refined_block(
                    coded, pointer, bits, count, tables, table, mask, known
                )
                if not is_there:
                    return False
                histories[history + column] = known | grown
                run -= min(run, _1)
            else:
                run -= _1
                if known & mask != _0:
                    pointer, bits, count, changed = _corrections(coded, pointer, bits, count, known & mask)
            if pointer > behind:
                return False
            _change(coefficients, block_at(row_at, column), zigzag, band[2], changed | grown, negative)
    state[POINTER], state[BITS], state[COUNT], state[LEFT] = pointer, bits, count, left
    return run == _0
