"""Quantized coefficients of the blocks of a JPEG image (ITU-T T.81 A.3.3, A.3.4): the samples of an encoder.

The forward DCT is the one that libjpeg calls "islow", after Loeffler, Ligtenberg and Moschytz (1989), in
integers: rows first, kept with two bits more, then columns. All of it is done with many blocks at a time,
which lie next to each other: value ``n`` of block ``b`` is at ``n * LANES + b``. Helpers make 32 bits of
everything, without which numba computes in 64 and half as many go into a vector; indices are unsigned, for
others numba would look whether they count from the end, and make no vectors.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpeg_layout import LANES

_LANES, _ROW = np.uint64(LANES), np.uint64(8 * LANES)

_PIXELS = "Array(uint8, 2, 'C', readonly=True)"
_LINE = "Array(uint8, 1, 'C', readonly=True)"
_FLOATS = "Array(float32, 1, 'C', readonly=True)"
_PLACES = "Array(uint64, 1, 'C', readonly=True)"
_U = np.uint64

# Constants of the DCT with 13 fractional bits.
_0_298 = np.int32(2446)
_0_390 = np.int32(3196)
_0_541 = np.int32(4433)
_0_765 = np.int32(6270)
_0_899 = np.int32(7373)
_1_175 = np.int32(9633)
_1_501 = np.int32(12299)
_1_847 = np.int32(15137)
_1_961 = np.int32(16069)
_2_053 = np.int32(16819)
_2_562 = np.int32(20995)
_3_072 = np.int32(25172)

_S0, _S1, _S2, _S3 = (np.uint32(shift) for shift in (0, 8, 16, 24))
_EIGHT = "int32, int32, int32, int32, int32, int32, int32, int32"


@inlined("int32(int32, int32)", always=True)
def _add(a, b):  # type: ignore[no-untyped-def]
    return np.int32(a + b)


@inlined("int32(int32, int32)", always=True)
def _sub(a, b):  # type: ignore[no-untyped-def]
    return np.int32(a - b)


@inlined("int32(int32, int32)", always=True)
def _mul(a, b):  # type: ignore[no-untyped-def]
    return np.int32(a * b)


@inlined("int32(int32, int32)", always=True)
def _rounded(value, bits):  # type: ignore[no-untyped-def]
    """value / 2^bits, halves upwards."""
    return np.int32(np.int32(value + np.int32(np.int32(1) << np.int32(bits - np.int32(1)))) >> bits)


@inlined(f"UniTuple(int32, 8)({_EIGHT}, int32)", always=True)
def _dct(d0, d1, d2, d3, d4, d5, d6, d7, bits):  # type: ignore[no-untyped-def]
    """A DCT of eight values, times sqrt(8): 0 and 4 as they are, the others divided by 2^bits."""
    tmp0 = _add(d0, d7)
    tmp7 = _sub(d0, d7)
    tmp1 = _add(d1, d6)
    tmp6 = _sub(d1, d6)
    tmp2 = _add(d2, d5)
    tmp5 = _sub(d2, d5)
    tmp3 = _add(d3, d4)
    tmp4 = _sub(d3, d4)
    tmp10 = _add(tmp0, tmp3)
    tmp13 = _sub(tmp0, tmp3)
    tmp11 = _add(tmp1, tmp2)
    tmp12 = _sub(tmp1, tmp2)
    z1 = _mul(_add(tmp12, tmp13), _0_541)
    out2 = _rounded(_add(z1, _mul(tmp13, _0_765)), bits)
    out6 = _rounded(_sub(z1, _mul(tmp12, _1_847)), bits)
    z1 = _add(tmp4, tmp7)
    z2 = _add(tmp5, tmp6)
    z3 = _add(tmp4, tmp6)
    z4 = _add(tmp5, tmp7)
    z5 = _mul(_add(z3, z4), _1_175)
    z1 = _mul(z1, _0_899)
    z2 = _mul(z2, _2_562)
    z3 = _sub(z5, _mul(z3, _1_961))
    z4 = _sub(z5, _mul(z4, _0_390))
    out7 = _rounded(_add(_sub(_mul(tmp4, _0_298), z1), z3), bits)
    out5 = _rounded(_add(_sub(_mul(tmp5, _2_053), z2), z4), bits)
    out3 = _rounded(_add(_sub(_mul(tmp6, _3_072), z2), z3), bits)
    out1 = _rounded(_add(_sub(_mul(tmp7, _1_501), z1), z4), bits)
    return _add(tmp10, tmp11), out1, out2, out3, _sub(tmp10, tmp11), out5, out6, out7


@inlined("int32(uint32, uint32)", always=True)
def _sample(word, shift):  # type: ignore[no-untyped-def]
    """A byte of four, level shifted (A.3.1)."""
    return np.int32(np.int32(np.uint32(word >> shift) & np.uint32(255)) - np.int32(128))


@inlined("void(uint32[::1], uint64, uint64, int32[::1])", apart=True)
def _rows(words, row, count, rows):  # type: ignore[no-untyped-def]
    """The DCT of one row of ``count`` blocks, with two fractional bits."""
    for block in range(count):
        left = words[row * _U(2) * _LANES + block]
        right = words[row * _U(2) * _LANES + _LANES + block]
        out0, out1, out2, out3, out4, out5, out6, out7 = _dct(
            _sample(left, _S0), _sample(left, _S1), _sample(left, _S2), _sample(left, _S3),
            _sample(right, _S0), _sample(right, _S1), _sample(right, _S2), _sample(right, _S3),
            np.int32(11),
        )  # fmt: skip
        first = row * _ROW + block
        rows[first] = np.int32(out0 << np.int32(2))
        rows[first + _LANES] = out1
        rows[first + _U(2) * _LANES] = out2
        rows[first + _U(3) * _LANES] = out3
        rows[first + _U(4) * _LANES] = np.int32(out4 << np.int32(2))
        rows[first + _U(5) * _LANES] = out5
        rows[first + _U(6) * _LANES] = out6
        rows[first + _U(7) * _LANES] = out7


@inlined("int16(int32, float32, float32)", always=True)
def _quantized(value, reciprocal, half):  # type: ignore[no-untyped-def]
    """value / step, halves away from zero (A.3.4): exact, which is tested for all values and steps.

    reciprocal: 1 / step; half: what is added to the quotient's size before it is cut.
    """
    signed = half if value >= 0 else np.float32(-half)
    return np.int16(np.int32(np.float32(np.float32(np.float32(value) * reciprocal) + signed)))


@inlined(f"void(int32[::1], uint64, uint64, {_FLOATS}, {_FLOATS}, int16[::1])", apart=True)
def _columns(rows, column, count, reciprocals, halves, out):  # type: ignore[no-untyped-def]
    """The DCT of one column of ``count`` blocks whose rows are transformed, quantized."""
    h0, h1, h2, h3 = (
        halves[column], halves[column + _U(8)], halves[column + _U(16)], halves[column + _U(24)],
    )  # fmt: skip
    h4, h5, h6, h7 = (
        halves[column + _U(32)], halves[column + _U(40)], halves[column + _U(48)], halves[column + _U(56)],
    )  # fmt: skip
    r0, r1, r2, r3 = (
        reciprocals[column], reciprocals[column + _U(8)],
        reciprocals[column + _U(16)], reciprocals[column + _U(24)],
    )  # fmt: skip
    r4, r5, r6, r7 = (
        reciprocals[column + _U(32)], reciprocals[column + _U(40)],
        reciprocals[column + _U(48)], reciprocals[column + _U(56)],
    )  # fmt: skip
    for block in range(count):
        first = column * _LANES + block
        out0, out1, out2, out3, out4, out5, out6, out7 = _dct(
            rows[first], rows[first + _ROW], rows[first + _U(2) * _ROW], rows[first + _U(3) * _ROW],
            rows[first + _U(4) * _ROW], rows[first + _U(5) * _ROW], rows[first + _U(6) * _ROW],
            rows[first + _U(7) * _ROW], np.int32(15),
        )  # fmt: skip
        out[first] = _quantized(_rounded(out0, np.int32(2)), r0, h0)
        out[first + _ROW] = _quantized(out1, r1, h1)
        out[first + _U(2) * _ROW] = _quantized(out2, r2, h2)
        out[first + _U(3) * _ROW] = _quantized(out3, r3, h3)
        out[first + _U(4) * _ROW] = _quantized(_rounded(out4, np.int32(2)), r4, h4)
        out[first + _U(5) * _ROW] = _quantized(out5, r5, h5)
        out[first + _U(6) * _ROW] = _quantized(out6, r6, h6)
        out[first + _U(7) * _ROW] = _quantized(out7, r7, h7)


@inlined("void(int16[::1], uint64, uint16, uint64, uint64, uint16[::1])", apart=True)
def _marked(coefficients, first, bit, group, count, filled):  # type: ignore[no-untyped-def]
    """Set a bit for each of ``count`` blocks whose coefficient at ``first`` is not zero."""
    for block in range(count):
        mark = np.uint16(np.uint16(coefficients[first + block] != 0) << bit)
        filled[group + block] = np.uint16(filled[group + block] | mark)


@inlined(f"uint32({_LINE}, uint64)", always=True)
def _four(line, x):  # type: ignore[no-untyped-def]
    """Four samples of a row, the first one lowest."""
    return np.uint32(
        _U(line[x])
        | _U(line[x + _U(1)]) << _U(8)
        | _U(line[x + _U(2)]) << _U(16)
        | _U(line[x + _U(3)]) << _U(24)
    )


@inlined(f"void({_LINE}, uint64, uint64, uint64, uint64, uint32[::1])", apart=True)
def _gathered(line, left, whole, count, row, words):  # type: ignore[no-untyped-def]
    """The samples of ``count`` blocks in one row, four a word; those behind its end are its last one."""
    first = row * _U(2) * _LANES
    for block in range(whole):
        words[first + block] = _four(line, left + _U(8) * block)
        words[first + _LANES + block] = _four(line, left + _U(8) * block + _U(4))
    for block in range(whole, count):
        word = _U(0)
        for column in range(8):
            x = min(left + _U(8) * block + _U(column), _U(line.size - 1))
            word |= _U(line[x]) << _U(8 * column)
        words[first + block] = np.uint32(word & _U(0xFFFFFFFF))
        words[first + _LANES + block] = np.uint32(word >> _U(32))


@inlined(f"void({_PIXELS}, int64, int64, int64, uint32[::1])")
def gathered(pixels, top, left, count, words):  # type: ignore[no-untyped-def]
    """The samples of ``count`` blocks, a row of eight a word; those behind an edge are the edge's."""
    height, width = pixels.shape
    whole = min(count, (width - left) >> 3)
    for row in range(8):
        line = pixels[min(top + row, height - 1)]
        _gathered(line, _U(left), _U(whole), _U(count), _U(row), words)


@inlined(f"void(uint32[::1], int64, {_FLOATS}, {_FLOATS}, {_PLACES}, int32[::1], int16[::1], uint16[::1])")
def transformed(words, count, reciprocals, halves, zigzag, rows, coefficients, filled):  # type: ignore[no-untyped-def]
    """Quantized coefficients of ``count`` blocks, and which of them, in zigzag order, are not zero."""
    for row in range(8):
        _rows(words, _U(row), _U(count), rows)
    for column in range(8):
        _columns(rows, _U(column), _U(count), reciprocals, halves, coefficients)
    filled[:] = 0
    for number in range(64):
        group = _U(number >> 4) * _LANES
        _marked(coefficients, zigzag[number] * _LANES, np.uint16(number & 15), group, _U(count), filled)
