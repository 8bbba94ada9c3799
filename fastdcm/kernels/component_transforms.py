"""Decoded tile-components to samples: inverse component transforms, level shift, clipping (T.800 annex G).

Values of a row of a component are (n,) int32 of the reversible path, float32 of the other. ``shift`` is what
unsigned samples are raised by (G.1.2); all are clipped to ``least`` .. ``most``. Signed ones are written in
two's complement.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined

#: The irreversible transform's inverse (G-12 to G-14).
RED_OF_CR, GREEN_OF_CB, GREEN_OF_CR, BLUE_OF_CB = (
    np.float32(factor) for factor in (1.402, 0.344136, 0.714136, 1.772)
)
_OUTPUTS = ("uint8[::1]", "uint16[::1]")


def _signatures(source: str, rows: int, tail: str = "") -> list[str]:
    sources = ", ".join([f"{source}[::1]"] * rows)
    return [f"void({sources}, int32, int32, int32, {out}{tail})" for out in _OUTPUTS]


@inlined("int32(float32, int32, int32, int32)")
def rounded(value, shift, least, most):  # type: ignore[no-untyped-def]
    """The sample that is nearest; of two, the one that is even without the shift."""
    # Limits are whole numbers, so it may be clipped first: what is above is not always an int32.
    clipped = min(max(value, np.float32(least - shift)), np.float32(most - shift))
    return np.int32(np.int32(np.rint(clipped)) + shift)


@inlined(*_signatures("int32", 1, ", int64"), apart=True)
def whole_samples(values, shift, least, most, out, apart):  # type: ignore[no-untyped-def]
    """One component's integers to every ``apart``-th of ``out``."""
    if apart == 1:
        for i in range(len(values)):
            out[i] = min(max(np.int32(values[i] + shift), least), most)
    else:
        for i in range(len(values)):
            out[i * apart] = min(max(np.int32(values[i] + shift), least), most)


@inlined(*_signatures("float32", 1, ", int64"), apart=True)
def real_samples(values, shift, least, most, out, apart):  # type: ignore[no-untyped-def]
    """One component's real numbers to every ``apart``-th of ``out``."""
    if apart == 1:
        for i in range(len(values)):
            out[i] = rounded(values[i], shift, least, most)
    else:
        for i in range(len(values)):
            out[i * apart] = rounded(values[i], shift, least, most)


@inlined(*_signatures("int32", 3), apart=True)
def reversible_colours(y, u, v, shift, least, most, out):  # type: ignore[no-untyped-def]
    """The inverse reversible transform of three components (G.2.2) to samples that lie side by side."""
    for i in range(len(y)):
        green = np.int32(np.int32(y[i] - (np.int32(u[i] + v[i]) >> 2)) + shift)
        out[3 * i] = min(max(np.int32(v[i] + green), least), most)
        out[3 * i + 1] = min(max(green, least), most)
        out[3 * i + 2] = min(max(np.int32(u[i] + green), least), most)


@inlined(*_signatures("float32", 3), apart=True)
def irreversible_colours(y, u, v, shift, least, most, out):  # type: ignore[no-untyped-def]
    """The inverse irreversible transform of three components (G.3.2) to samples that lie side by side."""
    for i in range(len(y)):
        red = y[i] + RED_OF_CR * v[i]
        green = y[i] - GREEN_OF_CB * u[i] - GREEN_OF_CR * v[i]
        blue = y[i] + BLUE_OF_CB * u[i]
        out[3 * i] = rounded(red, shift, least, most)
        out[3 * i + 1] = rounded(green, shift, least, most)
        out[3 * i + 2] = rounded(blue, shift, least, most)
