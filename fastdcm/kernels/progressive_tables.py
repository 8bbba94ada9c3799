"""Tables by which JPEG in several scans is decoded (ITU-T T.81 C.2, F.2.2, G.1.2).

They are laid out as those of `fastdcm.kernels.sequential_tables`, and made anew for each scan: writers of
progressive JPEG make codes for each. Entries of differences, of coefficients, and of a band's first scan are
those of that module; of the last one, coefficients are shifted already (G.1.2.1), and ends of bands that end
more than one block are `LONG`. An entry of a scan that refines is: the bits that a code takes with what
follows it, but for correction bits (from bit 0 on); the zeros before its coefficient (`ZEROS`); whether that
is not zero (`NEW`); whether it ends blocks instead (`ENDS`); how many (`RUN`). It is 0 where these bits are
not all among those looked up.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.sequential_tables import (
    ENTRIES,
    LIMITS,
    LONG,
    LOOKUP_BITS,
    OFFSETS,
    STOPS,
    VALUES,
)

#: What a table is for: DC differences; AC coefficients of sequential scans, of a band's first scan, and of
#: one that refines.
DIFFERENCES, COEFFICIENTS, BAND, REFINEMENT = (np.uint64(number) for number in range(4))
#: Where the parts of an entry of a scan that refines are.
ZEROS, NEW, ENDS, RUN = (np.uint64(place) for place in (8, 12, 13, 16))
#: Bytes of a definition, of which some may not be used: 16 counts, and the values.
DEFINITION = 16 + 256

DEFINITIONS = "Array(uint8, 1, 'C', readonly=True)"
_TABLES = "int32[::1]"
_U = np.uint64
_0, _1, _4, _8, _15, _16, _256 = (_U(each) for each in (0, 1, 4, 8, 15, 16, 256))
_BITS, _STOPS, _LONG = _U(LOOKUP_BITS), _U(STOPS), _U(LONG)
_LIMITS, _OFFSETS, _VALUES = _U(LIMITS), _U(OFFSETS), _U(VALUES)


@inlined(f"void({_TABLES}, uint64, uint64, int32)")
def _fill(tables, at, count, entry):  # type: ignore[no-untyped-def]
    for place in range(count):
        tables[at + place] = entry


@inlined("uint64(uint64, uint64, uint64)")
def refining(length, value, more):  # type: ignore[no-untyped-def]
    """The entry of a code, in a scan that refines (G.1.2.3).

    ``more`` are the bits behind a code that ends blocks; of a coefficient that is not zero, the bit behind
    is its sign, which no entry has.
    """
    zeros, size = value >> _4, value & _15
    if size == _0 and zeros != _15:
        return length + zeros | _1 << ENDS | ((_1 << zeros) + more) << RUN
    return length + size | zeros << ZEROS | size << NEW


@inlined(f"void({_TABLES}, uint64, uint64, uint64, uint64, uint64)")
def _fill_refining(tables, at, length, value, spare, size):  # type: ignore[no-untyped-def]
    """Fill in the 2^``spare`` entries of a code that is followed by ``size`` bits."""
    is_end = value & _15 == _0 and value >> _4 != _15
    if size > spare or (not is_end and size > _1):
        return
    each = _1 << (spare - size)
    for more in range(_1 << size):
        entry = np.int32(np.int64(refining(length, value, more)))
        _fill(tables, at + more * each, each, entry)


@inlined(f"void({_TABLES}, uint64, uint64, uint64, uint64, uint64, uint64, uint64)")
def _fill_values(tables, at, length, size, go_on, spare, value, low):  # type: ignore[no-untyped-def]
    """Fill in the 2^``spare`` entries of a code that is followed by a number of ``size`` bits (F.2.2.1)."""
    if size > spare:
        _fill(tables, at, _1 << spare, np.int32(np.int64(length | _LONG << _8 | value << _16)))
        return
    each = _1 << (spare - size)
    half = (_1 << size) >> _1
    head = np.int64(length + size | go_on << _8)
    for more in range(_1 << size):
        number = np.int64(more)
        if more < half:
            number -= (np.int64(1) << np.int64(size)) - np.int64(1)
        number <<= np.int64(low)
        _fill(tables, at + more * each, each, np.int32(head + (number << np.int64(16))))


@inlined(f"boolean({DEFINITIONS}, uint64, uint64, uint64, {_TABLES}, uint64)")
def filled(definitions, at, use, low, tables, base):  # type: ignore[no-untyped-def]
    """Make a table at ``base`` of the definition at ``at``, for coefficients that are shifted by ``low``.

    False where there cannot be such codes, or values are beyond 16 bits, which none of 8-bit samples are.
    """
    _fill(tables, base, _U(ENTRIES), np.int32(0) if use == REFINEMENT else np.int32(np.int64(_LONG << _8)))
    number, first = _0, _0
    for length in range(_1, _16 + _1):
        tables[base + _OFFSETS + length] = np.int32(np.int64(number) - np.int64(first))
        for _ in range(definitions[at + length - _1]):
            # No code has ones only (C.2), which libjpeg insists on.
            if number >= _256 or (first + _1) >> length != _0:
                return False
            value = _U(definitions[at + _16 + number])
            size = value & _15
            if use == DIFFERENCES and value > _15:
                return False
            tables[base + _VALUES + number] = np.int32(np.int64(value))
            if length <= _BITS:
                spare = _BITS - length
                place = base + (first << spare)
                if use == REFINEMENT:
                    behind = value >> _4 if size == _0 and value >> _4 != _15 else size
                    _fill_refining(tables, place, length, value, spare, behind)
                elif use == DIFFERENCES:
                    _fill_values(tables, place, length, size, _0, spare, value, _0)
                elif size != _0:
                    if size + low > _15 and use == BAND:
                        return False
                    _fill_values(tables, place, length, size, (value >> _4) + _1, spare, value, low)
                else:
                    run = value >> _4
                    entry = length | (run + _1 if run == _15 else _STOPS) << _8
                    if use == BAND and _0 < run < _15:
                        entry = length | _LONG << _8 | value << _16
                    _fill(tables, place, _1 << spare, np.int32(np.int64(entry)))
            first += _1
            number += _1
        tables[base + _LIMITS + length] = np.int32(np.int64(first))
        first <<= _1
    return True
