"""Tables by which sequential JPEG scans are decoded (ITU-T T.81 F.2.2, C.2): codes with the bits behind them.

A table is made of a definition's 16 counts and its values. For each `LOOKUP_BITS` bits to come it has an
entry: how many bits a code and what follows it have (from bit 0 on), by how many coefficients it goes on
(from bit 8 on), and the coefficient, or the difference, that it stands for (from bit 16 on). `STOPS` says
that a block ends; `LONG` that the bits are not all among those looked up: then bits 0 to 5 are the length
of the code alone, and bits 16 on its value, or all are 0 where the code itself is longer. Behind the entries
come, by length, the code behind the last of that length, and what leads from a code to its value; then the
values.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

#: Bits of a table's index (benches/bench_jpeg_baseline.py).
LOOKUP_BITS = 11
ENTRIES = 1 << LOOKUP_BITS
LIMITS = ENTRIES
OFFSETS = LIMITS + 17
VALUES = OFFSETS + 17
TABLE_SIZE = VALUES + 256
#: By how many coefficients an entry goes on that ends its block, or that is not whole.
STOPS, LONG = 64, 128

TABLES = "Array(int32, 1, 'C', readonly=True)"
_U = np.uint64
_0, _1, _8, _15, _64 = (_U(each) for each in (0, 1, 8, 15, 64))


@inlined("int64(uint64, uint64)", always=True)
def extended(bits, size):  # type: ignore[no-untyped-def]
    """The value of ``size`` bits, from the highest on, 1 to 16 (F.2.2.1)."""
    value = np.int64(bits >> (_64 - size))
    if value < np.int64(1) << np.int64(size - _1):
        value -= (np.int64(1) << np.int64(size)) - np.int64(1)
    return value


@inlined("int32(uint64, uint64, uint64, boolean)")
def _entry(value, length, behind, is_ac):  # type: ignore[no-untyped-def]
    """The entry of a code of ``length`` bits; ``behind`` are the bits looked up behind it, highest on."""
    size = value & _15
    run = value >> _U(4)
    go_on = run + _1 if is_ac else _0
    if size == _0:
        if is_ac and run != _15:
            go_on = _U(STOPS)
        return np.int32(length | go_on << _8)
    if length + size > _U(LOOKUP_BITS):
        return np.int32(length | _U(LONG) << _8 | value << _U(16))
    return np.int32(np.int64(length + size | go_on << _8) + (extended(behind, size) << np.int64(16)))


@kernel("void(Array(uint8, 1, 'C', readonly=True), boolean, int32[::1])")
def fill_table(definition, is_ac, table):  # type: ignore[no-untyped-def]
    """Fill in the (`TABLE_SIZE`,) table of a definition that is possible: 16 counts, and the values.

    Values are runs and sizes of AC coefficients, or categories of differences, which are below 16.
    """
    table[:ENTRIES] = np.int32(LONG << 8)
    table[ENTRIES:] = 0
    number, first = _0, _0
    for length in range(_1, _U(17)):
        table[_U(OFFSETS) + length] = np.int32(np.int64(number) - np.int64(first))
        for _ in range(definition[length - _1]):
            value = _U(definition[_U(16) + number])
            table[_U(VALUES) + number] = np.int32(value)
            if length <= _U(LOOKUP_BITS):
                spare = _U(LOOKUP_BITS) - length
                for low in range(_1 << spare):
                    behind = _U(low) << (_64 - spare) if spare else _0
                    table[(first << spare) + _U(low)] = _entry(value, length, behind, is_ac)
            first += _1
            number += _1
        table[_U(LIMITS) + length] = np.int32(first)
        first <<= _1
