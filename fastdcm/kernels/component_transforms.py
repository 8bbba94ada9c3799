"""Decoded tile-components to samples: inverse component transforms, level shift, clipping (T.800 annex G).

Component values are (m, n) int32 of the reversible path, float32 of the other: ``rows`` x ``width`` of them
from row ``first`` and column ``skipped`` on. ``shift`` is what unsigned samples are raised by (G.1.2); all
are clipped to ``least`` .. ``most``. Signed ones are written in two's complement.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined

#: The irreversible transform's inverse (G-12 to G-14).
RED_OF_CR, GREEN_OF_CB, GREEN_OF_CR, BLUE_OF_CB = (
    np.float32(factor) for factor in (1.402, 0.344136, 0.714136, 1.772)
)
# Far beyond what samples can be, and whole in float32: what is above is not an int32.
_FAR = np.float32(1 << 30)

_SHAPE = "int64, int64, int64, int64, int32, int32, int32"
_OUTPUTS = ("uint8[:, ::1]", "uint16[:, ::1]")


def _signatures(source: str, planes: int, tail: str) -> list[str]:
    sources = ", ".join([f"{source}[:, ::1]"] * planes)
    return [f"void({sources}, {_SHAPE}, {out}, {tail})" for out in _OUTPUTS]


@inlined("int32(float32)")
def rounded(value):  # type: ignore[no-untyped-def]
    """The nearest integer, the even one of two."""
    return np.int32(np.rint(min(max(value, -_FAR), _FAR)))


@inlined(*_signatures("int32", 1, "int64, int64, int64"))
def whole_samples(values, first, skipped, rows, width, shift, least, most, out, top, left, apart):  # type: ignore[no-untyped-def]
    """One component's integers to every ``apart``-th of ``out``, from row ``top`` and column ``left`` on."""
    for row in range(rows):
        source = values[first + row][skipped:]
        target = out[top + row][left:]
        if apart == 1:
            for i in range(width):
                target[i] = min(max(np.int32(source[i] + shift), least), most)
        else:
            for i in range(width):
                target[i * apart] = min(max(np.int32(source[i] + shift), least), most)


@inlined(*_signatures("float32", 1, "int64, int64, int64"))
def real_samples(values, first, skipped, rows, width, shift, least, most, out, top, left, apart):  # type: ignore[no-untyped-def]
    """One component's real numbers to samples; arguments as `whole_samples`."""
    for row in range(rows):
        source = values[first + row][skipped:]
        target = out[top + row][left:]
        if apart == 1:
            for i in range(width):
                target[i] = min(max(np.int32(rounded(source[i]) + shift), least), most)
        else:
            for i in range(width):
                target[i * apart] = min(max(np.int32(rounded(source[i]) + shift), least), most)


@inlined(*_signatures("int32", 3, "int64, int64"))
def reversible_colours(  # type: ignore[no-untyped-def]
    luma, blue_less_green, red_less_green, first, skipped, rows, width, shift, least, most, out, top, left
):
    """The inverse reversible transform of three components (G.2.2) to samples that lie side by side."""
    for row in range(rows):
        y = luma[first + row][skipped:]
        u = blue_less_green[first + row][skipped:]
        v = red_less_green[first + row][skipped:]
        target = out[top + row][left:]
        for i in range(width):
            green = np.int32(np.int32(y[i] - (np.int32(u[i] + v[i]) >> 2)) + shift)
            target[3 * i] = min(max(np.int32(v[i] + green), least), most)
            target[3 * i + 1] = min(max(green, least), most)
            target[3 * i + 2] = min(max(np.int32(u[i] + green), least), most)


@inlined(*_signatures("float32", 3, "int64, int64"))
def irreversible_colours(luma, cb, cr, first, skipped, rows, width, shift, least, most, out, top, left):  # type: ignore[no-untyped-def]
    """The inverse irreversible transform of three components (G.3.2) to samples that lie side by side."""
    for row in range(rows):
        y = luma[first + row][skipped:]
        u = cb[first + row][skipped:]
        v = cr[first + row][skipped:]
        target = out[top + row][left:]
        for i in range(width):
            red = np.int32(rounded(y[i] + RED_OF_CR * v[i]) + shift)
            green = np.int32(rounded(y[i] - GREEN_OF_CB * u[i] - GREEN_OF_CR * v[i]) + shift)
            blue = np.int32(rounded(y[i] + BLUE_OF_CB * u[i]) + shift)
            target[3 * i] = min(max(red, least), most)
            target[3 * i + 1] = min(max(green, least), most)
            target[3 * i + 2] = min(max(blue, least), most)
