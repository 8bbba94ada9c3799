"""From rows of samples to rows of pixels, of JPEG images of one component, or of three (ITU-T T.81 A.1).

Of three, the second and third have half the resolution of the first, across, or across and down, or the same.
Samples lie in strips of one row of MCUs: those of the first component from row 1 on, those of the second and
third, nine rows each, from their row 1 on; row 0 is the last one of the MCUs above.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.component_rows import copied_row, doubled_row, interleaved_row, rgb_row, written_row
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpeg_layout import LANES

#: Numbers of an image: MCUs across and down, if all components are in one scan; the pixels that there are;
#: components; how many times the first one has the resolution of the others, across and down; whether these
#: are YCbCr and pixels RGB.
(ACROSS, DOWN, COLUMNS, ROWS, COMPONENTS, HORIZONTAL, VERTICAL, CONVERTED) = (
    np.uint64(number) for number in range(8)
)
IMAGE = 8
#: Values of `LANES` blocks.
BUFFER = 64 * LANES
#: What decoders return: all is there; it may not be, or is odd; arrays do not fit.
WHOLE, UNSURE, WRONG = 0, 1, 2

PLACES = "Array(uint64, 1, 'C', readonly=True)"
_BYTES, _WORDS, _SHORTS = "uint8[::1]", "uint64[::1]", "int16[::1]"
#: What rows of pixels are made in: see `fastdcm.codecs.jpeg_baseline.decode.Strips`.
STRIPS = f"{_WORDS}, {_BYTES}, {_WORDS}, {_BYTES}, {_SHORTS}, uint16[::1], {_BYTES}"
_U = np.uint64
_0, _1, _2, _3, _8, _9, _16 = (_U(each) for each in (0, 1, 2, 3, 8, 9, 16))
#: MCUs across, or down, of the largest image.
_MOST_SIDE = _U(1 << 13)


@inlined(f"boolean({PLACES})")
def is_possible(image):  # type: ignore[no-untyped-def]
    """Whether the numbers are those of an image."""
    across, down, components = image[ACROSS], image[DOWN], image[COMPONENTS]
    wide, high = image[HORIZONTAL], image[VERTICAL]
    if across == _0 or across > _MOST_SIDE or down == _0 or down > _MOST_SIDE or not 1 <= wide <= 2:
        return False
    if not 1 <= high <= wide or (components != _3 and (components != _1 or wide != _1)):
        return False
    return _0 < image[COLUMNS] <= _8 * wide * across and image[ROWS] <= _8 * high * down


@inlined(f"boolean({PLACES}, {STRIPS}, {_BYTES})")
def strips_fit(  # type: ignore[no-untyped-def]
    image, luma, luma_bytes, chroma, chroma_bytes, sums, pairs, doubled, out
):
    """Whether arrays are as large as an image that is possible asks for."""
    across, components = image[ACROSS], image[COMPONENTS]
    if _U(len(luma)) < (_8 * image[VERTICAL] + _1) * image[HORIZONTAL] * across:
        return False
    if len(luma_bytes) != 8 * len(luma):
        return False
    if components == _3:
        if _U(len(chroma)) < _2 * _9 * across or len(chroma_bytes) != 8 * len(chroma):
            return False
        if (
            _U(len(sums)) < _8 * across + _2
            or _U(len(pairs)) < _16 * across
            or len(doubled) != 2 * len(pairs)
        ):
            return False
    return _U(len(out)) == image[ROWS] * image[COLUMNS] * components


@inlined(
    f"void({PLACES}, {_BYTES}, uint64, {_BYTES}, uint64, uint64, {_SHORTS}, uint16[::1], {_BYTES}, "
    f"{_BYTES}, uint64)"
)
def _pixel_row(  # type: ignore[no-untyped-def]
    image, luma, y_at, chroma, near, far, sums, pairs, doubled, out, at
):
    """A row of pixels; ``near`` and ``far`` are the rows of ``chroma`` nearest to it."""
    columns, stride = image[COLUMNS], _8 * image[ACROSS]
    if image[COMPONENTS] == _1:
        written_row(luma, y_at, out, at, columns)
    elif image[HORIZONTAL] == _1:
        cb_at = near * stride
        if image[CONVERTED]:
            rgb_row(luma, y_at, chroma, cb_at, chroma, cb_at + _9 * stride, out, at, columns)
        else:
            interleaved_row(luma, y_at, chroma, cb_at, chroma, cb_at + _9 * stride, out, at, columns)
    else:
        count = (columns + _1) >> _1
        is_between = image[VERTICAL] == _2
        for number in range(_2):
            first = _9 * number
            doubled_row(
                chroma, (first + near) * stride, (first + far) * stride, count, is_between, sums, pairs,
                number * stride,
            )  # fmt: skip
        if image[CONVERTED]:
            rgb_row(luma, y_at, doubled, _0, doubled, _2 * stride, out, at, columns)
        else:
            interleaved_row(luma, y_at, doubled, _0, doubled, _2 * stride, out, at, columns)


@inlined(f"uint64({PLACES})")
def turns(image):  # type: ignore[no-untyped-def]
    """Rows of MCUs, and one more where pixels are written a row later.

    Where chroma lies between rows, a row of pixels needs the next one.
    """
    return image[DOWN] + _U(image[VERTICAL] == _2)


@inlined(f"void({PLACES}, uint64, {_BYTES}, {_BYTES})")
def keep_last_rows(image, row, luma, chroma):  # type: ignore[no-untyped-def]
    """Before row ``row`` of MCUs takes the strips: move what pixels between it and the one before need."""
    if image[VERTICAL] == _2 and row > _0:
        y_stride, c_stride = _8 * image[ACROSS] * image[HORIZONTAL], _8 * image[ACROSS]
        copied_row(luma, _16 * y_stride, _0, y_stride)
        copied_row(chroma, _8 * c_stride, _0, c_stride)
        copied_row(chroma, (_9 + _8) * c_stride, _9 * c_stride, c_stride)


@inlined(f"void({PLACES}, uint64, {_BYTES}, {_BYTES}, {_SHORTS}, uint16[::1], {_BYTES}, {_BYTES})")
def write_rows(image, row, luma, chroma, sums, pairs, doubled, out):  # type: ignore[no-untyped-def]
    """The rows of pixels that are known when row ``row`` of MCUs is in the strips, or behind the last one."""
    high, height = image[VERTICAL], image[ROWS]
    y_stride = _8 * image[ACROSS] * image[HORIZONTAL]
    line = image[COLUMNS] * image[COMPONENTS]
    later = _U(high == _2)
    bottom = ((height + _1) >> _1) - min(_8 * row, (height + _1) >> _1)
    for number in range(_0 if later and row > _0 else _1, _8 * high + _1 - later):
        y = _8 * high * row + number - _1
        if y >= height:
            break
        near, far, at = _U(number), _U(number), _U(number)
        if row == image[DOWN]:  # the last one of all, if there is one
            near, far, at = _8, _8, _16
        elif later:
            near = (number + _1) >> _1
            far = near - _1 if number & _1 else near + _1
            if y == _0 or far > bottom:
                far = near
        _pixel_row(image, luma, at * y_stride, chroma, near, far, sums, pairs, doubled, out, y * line)
