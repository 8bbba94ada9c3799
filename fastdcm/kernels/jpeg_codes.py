"""Coding the baseline scan of a gray image (ITU-T T.81 F.1.2): its blocks by Huffman codes.

An entry of a table is the bits to be written, a code and what follows it, << 5 | how many they are. Both are
looked up at once by a value, for there are no more than 2048 coefficients for each run of zeros before them.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import RUN, copied, full
from fastdcm.kernels.inlined import inlined, trailing_zeros
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpeg_blocks import gathered, transformed
from fastdcm.kernels.jpeg_layout import COEFFICIENTS, DIFFERENCES, LANES

_PIXELS = "Array(uint8, 2, 'C', readonly=True)"
_QUOTIENTS = "uint16[::1]"
_TABLE = "Array(uint32, 1, 'C', readonly=True)"
_BYTES, _COEFFICIENTS = "uint8[::1]", "int16[::1]"
_U = np.uint64
_0, _1, _2, _3, _5, _6, _7, _8, _15, _16, _31, _32, _48, _56, _63, _64 = (
    _U(each) for each in (0, 1, 2, 3, 5, 6, 7, 8, 15, 16, 31, 32, 48, 56, 63, 64)
)
_LANES, _ROW = _U(LANES), _U(11)
_NOTHING, _ENTRY = np.uint32(0), _U(0xFFFFFFFF)
#: Entries that stand where a coefficient would be 0 (F.1.2.2.1): the end of a block, and a run of 16 zeros.
_END_OF_BLOCK, _ZERO_RUN = _U(COEFFICIENTS), _U(15 << 11 | COEFFICIENTS)


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, uint64, uint64, uint64, uint64)", always=True)
def _put(coded, position, kept, count, bits, size):  # type: ignore[no-untyped-def]
    """Append up to 56 bits; without a branch, which could not be foreseen.

    kept: the last bits that are there, ``count`` of them, fewer than 8, from the highest on.
    """
    kept |= bits << (_64 - count - size & _63)
    for number in range(8):
        coded[position + _U(number)] = np.uint8(kept >> _U(56 - 8 * number))
    count += size
    position += count >> _3
    kept <<= count & _56
    return position, kept, count & _7


@inlined("void(uint64[::1], uint64)")
def _paired(pairs, count):  # type: ignore[no-untyped-def]
    """Make one of two entries each: their bits, no more than 54, << 6 | how many they are; in vectors."""
    for number in range(count):
        pair = pairs[number]
        first = pair & _ENTRY
        second = pair >> _32
        behind = second & _31
        bits = (first >> _5) << behind | second >> _5
        pairs[number] = bits << _6 | (first & _31) + behind


@inlined(f"UniTuple(uint64, 3)({_BYTES}, uint64, uint64, uint64[::1], uint64)")
def _written(coded, kept, count, pairs, end):  # type: ignore[no-untyped-def]
    """The bits of an even number of pairs of entries: how many whole bytes, and the bits that are left.

    Mostly two pairs go together, so that there are fewer steps that wait for each other.
    """
    position = _0
    for number in range(_0, end, _2):
        first = pairs[number]
        second = pairs[number + _1]
        behind = second & _63
        size = (first & _63) + behind
        if size <= _56:
            bits = (first >> _6) << behind | second >> _6
            position, kept, count = _put(coded, position, kept, count, bits, size)
        else:
            position, kept, count = _put(coded, position, kept, count, first >> _6, first & _63)
            position, kept, count = _put(coded, position, kept, count, second >> _6, behind)
    return position, kept, count


@inlined("uint64(uint16[::1], uint64)", always=True)
def _ac_coefficients(filled, block):  # type: ignore[no-untyped-def]
    """A bit for each number of the zigzag sequence but the first whose coefficient is not zero."""
    return (
        _U(filled[block]) & ~_1
        | _U(filled[_LANES + block]) << _16
        | _U(filled[_2 * _LANES + block]) << _32
        | _U(filled[_3 * _LANES + block]) << _48
    )


@inlined(
    f"Tuple((uint64, int64))({_COEFFICIENTS}, uint16[::1], uint64, int64, {_TABLE}, {_TABLE}, uint32[::1])"
)
def _entries(coefficients, filled, blocks, last, differences, runs, entries):  # type: ignore[no-untyped-def]
    """The entries of the codes of ``blocks`` blocks (F.1.2), a multiple of four of them: how many."""
    end = _0
    for block in range(blocks):
        value = np.int64(coefficients[block])
        entries[end] = differences[_U(value - last + DIFFERENCES)]
        end += _1
        last = value
        others = _ac_coefficients(filled, block)
        before = _0
        while others != _0:
            number = _U(trailing_zeros(others))
            others &= others - _1
            run = number - before - _1
            before = number
            while run > _15:
                entries[end] = runs[_ZERO_RUN]
                end += _1
                run -= _16
            value = np.int64(coefficients[number * _LANES + block])
            entries[end] = runs[run << _ROW | _U(value + COEFFICIENTS)]
            end += _1
        entries[end] = runs[_END_OF_BLOCK]
        end += _U(before != _63)
    while end & _3 != _0:
        entries[end] = _NOTHING
        end += _1
    return end, last


@inlined(f"uint64({_BYTES}, uint64, {_BYTES}, uint64)", apart=True)
def _stuffed(coded, count, out, end):  # type: ignore[no-untyped-def]
    """Append ``count`` bytes to ``out``, a zero behind each FF (B.1.1.5); the new end."""
    position = _0
    while position < count:
        if position + RUN <= count and copied(coded, position, out, end):
            position += RUN
            end += RUN
            continue
        bits = _0
        for number in range(8):
            byte = coded[position + _U(number)]
            out[end + _U(number)] = byte
            bits |= _U(byte) << _U(8 * number)
        whole = min(count - position, _8)
        before = _U(trailing_zeros(full(bits))) >> _3  # 8 where there is none
        if before >= whole:
            position += whole
            end += whole
        else:
            position += before + _1
            end += before + _2
            out[end - _1] = 0
    return end


@kernel(
    f"int64({_PIXELS}, {_QUOTIENTS}, {_TABLE}, {_TABLE}, uint8[::1], "
    f"{_COEFFICIENTS}, uint16[::1], uint32[::1], uint64[::1], {_BYTES}, {_BYTES}, int64)"
)
def coded_gray(  # type: ignore[no-untyped-def]
    pixels, quotients, differences, runs, samples, coefficients, filled, entries, pairs, coded, out, end
):
    """The scan of an image from ``end`` of ``out`` on: where it ends; -1 where there is no room for it
    and two bytes more.

    pixels: (rows, columns) uint8; quotients, differences, runs: of a
    `fastdcm.codecs.encoders.baseline.Coding`; samples to coded: of `fastdcm.kernels.jpeg_layout.scratch`;
    out: (n,) uint8. Coefficients of 8 bits have no more than 10 (their differences 11), as tables have.
    """
    height, width = pixels.shape
    across = (width + 7) >> 3
    kept = count = _0
    last = np.int64(0)
    place = _U(end)
    for top in range(0, height, 8):
        for left in range(0, across, LANES):
            blocks = min(LANES, across - left)
            gathered(pixels, top, 8 * left, blocks, samples)
            transformed(samples, blocks, quotients, coefficients, filled)
            found, last = _entries(coefficients, filled, _U(blocks), last, differences, runs, entries)
            _paired(pairs, found >> _1)
            position, kept, count = _written(coded, kept, count, pairs, found >> _1)
            if place + _2 * position + _8 > _U(out.size):
                return -1
            place = _stuffed(coded, position, out, place)
    if count != _0:  # filled up with ones (F.1.2.3)
        coded[0] = np.uint8(kept >> _56) | np.uint8(_U(0xFF) >> count)
        place = _stuffed(coded, _1, out, place)
    return np.int64(place)
