"""Coding the baseline scan of a gray image (ITU-T T.81 F.1.2): its blocks by Huffman codes.

An entry of a table is the bits to be written, a code and what follows it, << 5 | how many they are. Both are
looked up at once by a value, for there are no more than 2048 coefficients for each run of zeros before them.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import full
from fastdcm.kernels.inlined import inlined, trailing_zeros
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpeg_blocks import gathered, transformed
from fastdcm.kernels.jpeg_layout import COEFFICIENTS, DIFFERENCES, LANES

_PIXELS = "Array(uint8, 2, 'C', readonly=True)"
_FLOATS = "Array(float32, 1, 'C', readonly=True)"
_TABLE = "Array(uint32, 1, 'C', readonly=True)"
_PLACES = "Array(uint64, 1, 'C', readonly=True)"
_BYTES, _COEFFICIENTS = "uint8[::1]", "int16[::1]"
_U = np.uint64
_0, _1, _2, _3, _5, _7, _8, _15, _16, _31, _32, _48, _56, _63, _64 = (
    _U(each) for each in (0, 1, 2, 3, 5, 7, 8, 15, 16, 31, 32, 48, 56, 63, 64)
)
_LANES, _ROW = _U(LANES), _U(11)
_NOTHING = np.uint32(0)
#: Entries that stand where a coefficient would be 0 (F.1.2.2.1): the end of a block, and a run of 16 zeros.
_END_OF_BLOCK, _ZERO_RUN = _U(COEFFICIENTS), _U(15 << 11 | COEFFICIENTS)


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, uint64, uint64, uint32, uint32)", always=True)
def _put(coded, position, kept, count, first, second):  # type: ignore[no-untyped-def]
    """Append the bits of two entries; without a branch, which could not be foreseen.

    kept: the last bits that are there, ``count`` of them, fewer than 8, from the highest on.
    """
    behind = _U(second) & _31
    size = (_U(first) & _31) + behind
    bits = (_U(first) >> _5) << behind | _U(second) >> _5
    kept |= bits << (_64 - count - size & _63)
    for number in range(8):
        coded[position + _U(number)] = np.uint8(kept >> _U(56 - 8 * number))
    count += size
    position += count >> _3
    kept <<= count & _56
    return position, kept, count & _7


@inlined(f"uint32({_COEFFICIENTS}, {_PLACES}, {_TABLE}, uint64, uint64, uint64)", always=True)
def _coefficient(coefficients, zigzag, runs, block, number, run):  # type: ignore[no-untyped-def]
    """The entry of a coefficient, a number of the zigzag sequence, behind a run of zeros."""
    value = np.int64(coefficients[zigzag[number] * _LANES + block])
    return runs[run << _ROW | _U(value + COEFFICIENTS)]


@inlined("uint64(uint16[::1], uint64)", always=True)
def _ac_coefficients(filled, block):  # type: ignore[no-untyped-def]
    """A bit for each number of the zigzag sequence but the first whose coefficient is not zero."""
    return (
        _U(filled[block]) & ~_1
        | _U(filled[_LANES + block]) << _16
        | _U(filled[_2 * _LANES + block]) << _32
        | _U(filled[_3 * _LANES + block]) << _48
    )


@inlined(f"uint64({_BYTES}, uint64, {_BYTES}, uint64)", apart=True)
def _stuffed(coded, count, out, end):  # type: ignore[no-untyped-def]
    """Append ``count`` bytes to ``out``, a zero behind each FF (B.1.1.5); the new end."""
    position = _0
    while position < count:
        if position + _8 <= count:
            bits = _0
            for number in range(8):
                byte = coded[position + _U(number)]
                out[end + _U(number)] = byte
                bits |= _U(byte) << _U(8 * number)
            if full(bits) == _0:
                position += _8
                end += _8
                continue
        byte = coded[position]
        out[end] = byte
        position += _1
        end += _1
        if byte == 0xFF:
            out[end] = 0
            end += _1
    return end


@kernel(
    f"int64({_PIXELS}, {_FLOATS}, {_FLOATS}, {_TABLE}, {_TABLE}, {_PLACES}, uint32[::1], int32[::1], "
    f"{_COEFFICIENTS}, uint16[::1], {_BYTES}, {_BYTES}, int64)"
)
def coded_gray(  # type: ignore[no-untyped-def]
    pixels, reciprocals, halves, differences, runs, zigzag, words, rows, coefficients, filled, coded, out, end
):
    """The scan of an image from ``end`` of ``out`` on: where it ends; -1 where there is no room for it.

    pixels: (rows, columns) uint8; reciprocals, halves, differences, runs: of a
    `fastdcm.codecs.encoders.baseline.Coding`; zigzag: `ZIGZAG`; words, rows, coefficients, filled, coded: of
    `fastdcm.kernels.jpeg_layout.scratch`; out: (n,) uint8. Coefficients of 8 bits have no more than 10
    (their differences 11), as tables have.
    """
    height, width = pixels.shape
    across = (width + 7) >> 3
    kept = count = _0
    last = np.int64(0)
    place = _U(end)
    for top in range(0, height, 8):
        for left in range(0, across, LANES):
            blocks = min(LANES, across - left)
            gathered(pixels, top, 8 * left, blocks, words)
            transformed(words, blocks, reciprocals, halves, zigzag, rows, coefficients, filled)
            position = _0
            for index in range(blocks):
                block = _U(index)
                value = np.int64(coefficients[block])
                entry = differences[_U(value - last + DIFFERENCES)]
                last = value
                others = _ac_coefficients(filled, block)
                before = _0
                # Two entries are written at a time: there are half as many steps that wait for each other.
                while others != _0:
                    number = _U(trailing_zeros(others))
                    others &= others - _1
                    run = number - before - _1
                    before = number
                    while run > _15:
                        position, kept, count = _put(coded, position, kept, count, entry, runs[_ZERO_RUN])
                        entry = _NOTHING
                        run -= _16
                    second = _coefficient(coefficients, zigzag, runs, block, number, run)
                    position, kept, count = _put(coded, position, kept, count, entry, second)
                    entry = _NOTHING
                    if others == _0:
                        break
                    number = _U(trailing_zeros(others))
                    others &= others - _1
                    run = number - before - _1
                    before = number
                    while run > _15:
                        position, kept, count = _put(coded, position, kept, count, _NOTHING, runs[_ZERO_RUN])
                        run -= _16
                    entry = _coefficient(coefficients, zigzag, runs, block, number, run)
                second = runs[_END_OF_BLOCK] if before != _63 else _NOTHING
                position, kept, count = _put(coded, position, kept, count, entry, second)
            if place + _2 * position + _8 > _U(out.size):
                return -1
            place = _stuffed(coded, position, out, place)
    if count != _0:  # filled up with ones (F.1.2.3)
        coded[0] = np.uint8(kept >> _56) | np.uint8(_U(0xFF) >> count)
        place = _stuffed(coded, _1, out, place)
    return np.int64(place)
