"""A straight line in float32 instead of a table, where it gives the same integers.

Windows of CT, MR and X-ray images are straight between their ends. A line needs no memory access a
sample and takes many at once, four times as fast as the table (benches/bench_kernels.py). Whether
it rounds as float64 does is not argued but tried, on every stored value.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fastdcm.model import Lut, Window
from fastdcm.rendering import lut
from fastdcm.rendering.chain import Chain, Range, Rescale

#: What is added to the offset in turn: float32 may fall just short of a whole number.
_NUDGES = (0.0, 2.0**-16, 2.0**-15, 2.0**-14, 2.0**-13, 2.0**-12, -(2.0**-16))
#: Beyond, float32 has no digits left for greys, or none at all; so has NaN.
_STEEP, _FAR = 1e6, 1e9
_INT32 = 2.0**31


class Line(NamedTuple):
    """``x * scale + offset``, cut to a whole number and clipped to 0..255; both are float32 numbers.

    x is a stored value: ``((word & mask) ^ half) - half`` of the word that holds it, which is the word
    itself, signed or not, where all its 16 bits are stored.
    """

    mask: int
    half: int
    scale: float
    offset: float


@lru_cache(maxsize=64)
def line_of(chain: Chain, bits: int, signed: bool) -> Line | None:
    """The line that shows stored values of ``bits`` (up to 16) as the chain does; None without one."""
    found = _coefficients(chain)
    if found is None or chain.bits != 8:
        return None
    half = 1 << (bits - 1) if signed else 0
    expected = lut.table(chain, bits, signed, 1 << 16)[: 1 << bits]
    x32, scale = ((np.arange(1 << bits) ^ half) - half).astype(np.float32), np.float32(found[0])
    for nudge in _NUDGES:
        # Cutting off instead of rounding takes half a grey more.
        offset = np.float32(found[1] + 0.5 + nudge)
        gray = x32 * scale + offset
        if np.abs(gray).max() >= _INT32:
            return None
        if np.array_equal(np.clip(gray.astype(np.int32), 0, 255), expected):
            return Line((1 << bits) - 1, half, float(scale), float(offset))
    return None


def _coefficients(chain: Chain) -> tuple[float, float] | None:
    """(scale, offset) of the chain between its ends, None where it is not straight."""
    if chain.presentation_lut is not None or isinstance(chain.modality, Lut):
        return None
    slope, intercept = chain.modality or Rescale(1.0, 0.0)
    match chain.voi:
        case Range(low, high) if high > low:
            scale, offset = 1 / (high - low), -low / (high - low)
        case Window(c, w, "LINEAR") if w > 1:
            scale, offset = 1 / (w - 1), 0.5 - (c - 0.5) / (w - 1)
        case Window(c, w, "LINEAR_EXACT"):
            scale, offset = 1 / w, 0.5 - c / w
        case _:
            return None
    scale, offset = 255 * scale * slope, 255 * (scale * intercept + offset)
    if not (abs(scale) < _STEEP and abs(offset) < _FAR):
        return None
    return (-scale, 255 - offset) if chain.invert else (scale, offset)
