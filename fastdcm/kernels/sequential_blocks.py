"""Quantized coefficients of the blocks of a sequential JPEG scan (ITU-T T.81 F.2.2): Huffman decoding.

That a scan is whole is known by this: each block has its codes, each restart interval its marker, and what is
left over of an interval's bits is less than `SPARE_BITS`.

Bits to come are kept from the highest on, and filled up to 56 or more by one load that needs no branch. A
coefficient is one look-up where its code, with the bits behind it, has no more bits than an index of
`fastdcm.kernels.sequential_tables`. Coefficient ``n`` of a block is written to ``zigzag[n]`` places behind
its first one. Indices are unsigned: for others numba would look whether they count from the end.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import eight, unstuffed
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.sequential_tables import (
    LIMITS,
    LONG,
    LOOKUP_BITS,
    OFFSETS,
    STOPS,
    TABLES,
    VALUES,
    extended,
)

#: Where a reader is: the next byte to load, bits loaded, how many of them count; the bytes of the interval;
#: the byte behind them in the data; MCUs left of the interval, and its number; the last DC coefficient of
#: each of three components (F.2.1.3.1).
POINTER, BITS, COUNT, SIZE, POSITION, LEFT, NUMBER, PREDICTIONS = (np.uint64(number) for number in range(8))
STATE = 10
#: Numbers of a unit of an MCU: where its tables start, of DC and of AC; its component; where its coefficients
#: start, and how many places those of the next MCU lie behind.
UNIT = 5
#: As many bits left over of an interval are damage (`fastdcm.codestream.jpeg_entropy`).
SPARE_BITS = 64
#: Bytes behind those of an interval: a block, of 64 codes of 31 bits at most, may start at its end.
BEHIND = 64 * 31 // 8 + 32

_DATA, _CODED = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]"
PLACES = "Array(uint64, 1, 'C', readonly=True)"
_STATE, _COEFFICIENTS = "uint64[::1]", "int16[::1]"
_U = np.uint64
_0, _1, _2, _3, _4, _7, _8, _15, _16, _56, _63, _64, _255 = (
    _U(each) for each in (0, 1, 2, 3, 4, 7, 8, 15, 16, 56, 63, 64, 255)
)
_INDEX = _U(64 - LOOKUP_BITS)
_VALUE = np.int32(16)
_UNIT = _U(UNIT)


@inlined(f"UniTuple(uint64, 3)({_CODED}, uint64, uint64, uint64)", always=True)
def filled_up(coded, pointer, bits, count):  # type: ignore[no-untyped-def]
    """At least 56 bits; those that were there already are loaded once more."""
    bits |= eight(coded, pointer) >> count
    pointer += (_63 - count) >> _3
    return pointer, bits, count | _56


@inlined(f"UniTuple(uint64, 2)({TABLES}, uint64, uint64)")
def long_code(tables, base, bits):  # type: ignore[no-untyped-def]
    """The length of a code and its value (F.2.2.3); 0 and 0 where there is no such code."""
    for length in range(_1, _U(17)):
        code = bits >> (_64 - length)
        if code < _U(tables[base + _U(LIMITS) + length]):
            number = _U(np.int64(code) + np.int64(tables[base + _U(OFFSETS) + length])) & _255
            return length, _U(tables[base + _U(VALUES) + number])
    return _0, _0


@inlined(
    f"Tuple((uint64, uint64, uint64, uint64, boolean))({_CODED}, uint64, uint64, uint64, {TABLES}, uint64, "
    "uint64)",
    always=True,
)
def dc_coefficient(coded, pointer, bits, count, tables, dc, before):  # type: ignore[no-untyped-def]
    """Decode a DC coefficient (F.2.2.1), ``before`` and a difference: where the reader is then, and it.

    False where there is a code that none is. At least 45 bits are there then.
    """
    pointer, bits, count = filled_up(coded, pointer, bits, count)
    entry = tables[dc + (bits >> _INDEX)]
    if _U(entry) >> _8 & _255 == _0:
        before += _U(np.int64(entry >> _VALUE))
        bits <<= _U(entry) & _63
        count -= _U(entry) & _63
    else:
        length, size = long_code(tables, dc, bits)
        if length == _0:
            return pointer, bits, count, before, False
        bits <<= length
        if size != _0:
            before += _U(extended(bits, size))
        bits <<= size
        count -= length + size
        pointer, bits, count = filled_up(coded, pointer, bits, count)
    return pointer, bits, count, before, True


@inlined(
    f"Tuple((uint64, uint64, uint64, uint64, boolean))({_CODED}, uint64, uint64, uint64, {TABLES}, uint64, "
    f"uint64, {PLACES}, {_COEFFICIENTS}, uint64, uint64)",
    always=True,
)
def block(  # type: ignore[no-untyped-def]
    coded, pointer, bits, count, tables, dc, ac, zigzag, coefficients, at, before
):
    """Decode a block whose coefficients are 0 so far: where the reader is then, and its DC coefficient.

    False where there is a code that none is, or more coefficients than 64.
    """
    pointer, bits, count, before, is_there = dc_coefficient(coded, pointer, bits, count, tables, dc, before)
    if not is_there:
        return pointer, bits, count, before, False
    coefficients[at] = np.int16(before)
    number = _0
    entry = np.int32(0)
    while True:
        # Four look-ups on 56 bits; the first three on what the one of DC has left.
        while True:
            entry = tables[ac + (bits >> _INDEX)]
            number += _U(entry) >> _8 & _255
            if number >= _63:
                break
            coefficients[at + zigzag[number]] = np.int16(entry >> _VALUE)
            bits <<= _U(entry) & _63
            count -= _U(entry) & _63
            entry = tables[ac + (bits >> _INDEX)]
            number += _U(entry) >> _8 & _255
            if number >= _63:
                break
            coefficients[at + zigzag[number]] = np.int16(entry >> _VALUE)
            bits <<= _U(entry) & _63
            count -= _U(entry) & _63
            entry = tables[ac + (bits >> _INDEX)]
            number += _U(entry) >> _8 & _255
            if number >= _63:
                break
            coefficients[at + zigzag[number]] = np.int16(entry >> _VALUE)
            bits <<= _U(entry) & _63
            count -= _U(entry) & _63
            pointer, bits, count = filled_up(coded, pointer, bits, count)
            entry = tables[ac + (bits >> _INDEX)]
            number += _U(entry) >> _8 & _255
            if number >= _63:
                break
            coefficients[at + zigzag[number]] = np.int16(entry >> _VALUE)
            bits <<= _U(entry) & _63
            count -= _U(entry) & _63
        step = _U(entry) >> _8 & _255
        if step < _U(LONG):
            bits <<= _U(entry) & _63
            count -= _U(entry) & _63
            if step == _U(STOPS):
                break
            if number > _63:
                return pointer, bits, count, before, False
            coefficients[at + zigzag[number]] = np.int16(entry >> _VALUE)
            break
        number -= step
        pointer, bits, count = filled_up(coded, pointer, bits, count)
        length, value = _U(entry) & _63, _U(np.uint16(entry >> _VALUE))
        if length == _0:
            length, value = long_code(tables, ac, bits)
            if length == _0:
                return pointer, bits, count, before, False
        size, run = value & _15, value >> _4
        if size == _0 and run != _15:
            bits <<= length
            count -= length
            break
        number += run + _1
        if number > _63:
            return pointer, bits, count, before, False
        bits <<= length
        if size != _0:
            coefficients[at + zigzag[number]] = np.int16(extended(bits, size))
        bits <<= size
        count -= length + size
        if number == _63:
            break
        pointer, bits, count = filled_up(coded, pointer, bits, count)
    return pointer, bits, count, before, True


@inlined(f"void({_DATA}, uint64, uint64, {_CODED}, {_STATE})")
def opened(data, end, interval, coded, state):  # type: ignore[no-untyped-def]
    """Start at the interval of ``interval`` MCUs that begins at the state's position in the data."""
    size, position = unstuffed(data, state[POSITION], end, coded)
    state[SIZE], state[POSITION], state[LEFT] = size, position, interval
    state[POINTER] = state[BITS] = state[COUNT] = 0
    for component in range(_3):
        state[PREDICTIONS + component] = 0


@inlined(f"boolean({_STATE})")
def is_over(state):  # type: ignore[no-untyped-def]
    """Whether what is read of an interval is all that there is."""
    read, there = _8 * state[POINTER] - state[COUNT], _8 * state[SIZE]
    return read <= there and there - read < _U(SPARE_BITS)


@inlined(f"boolean({_DATA}, uint64, uint64, {_CODED}, {_STATE})")
def restarted(data, end, interval, coded, state):  # type: ignore[no-untyped-def]
    """Go on to the next interval, behind its marker (F.2.1.3.1, B.2.1)."""
    position = state[POSITION]
    if not is_over(state) or position >= end or _U(data[position]) != _U(0xD0) | state[NUMBER] & _7:
        return False
    state[POSITION] = position + _1
    state[NUMBER] += _1
    opened(data, end, interval, coded, state)
    return True


@inlined(
    f"boolean({_DATA}, uint64, uint64, {_CODED}, uint64, {TABLES}, {PLACES}, {PLACES}, "
    f"{_COEFFICIENTS}, {_STATE})"
)
def decoded_blocks(  # type: ignore[no-untyped-def]
    data, end, interval, coded, mcus, tables, units, zigzag, coefficients, state
):
    """Decode the next MCUs into coefficients that are 0 so far; whether they are there.

    ``units``: `UNIT` numbers for each unit of an MCU.
    """
    pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
    last = state[SIZE] + _8
    for mcu in range(mcus):
        if left == _0:
            state[POINTER], state[BITS], state[COUNT] = pointer, bits, count
            if not restarted(data, end, interval, coded, state):
                return False
            pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
            last = state[SIZE] + _8
        left -= _1
        for unit in range(_0, _U(len(units)), _UNIT):
            component = PREDICTIONS + units[unit + _2]
            at = units[unit + _3] + mcu * units[unit + _4]
            pointer, bits, count, before, is_there = block(
                coded, pointer, bits, count, tables, units[unit], units[unit + _1], zigzag, coefficients, at,
                state[component],
            )  # fmt: skip
            state[component] = before
            if not is_there or pointer > last:
                return False
    state[POINTER], state[BITS], state[COUNT], state[LEFT] = pointer, bits, count, left
    return True
