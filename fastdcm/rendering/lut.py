"""The standard's maths, in float64 and in the standard's symbols: the reference for everything.

x is a value of the modality LUT's output, c and w are window center and width, y is a display
value, ymax the largest (2**bits - 1). Tables are made by evaluating `display_values` once per
possible stored value.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.model import Lut, Window
from fastdcm.rendering.chain import Chain, Range, Rescale

Floats = NDArray[np.float64]
Grays = NDArray[Any]
#: What tables are made by: intermediate arrays of this size stay in the cache, and in memory that the process
#: has already; a third of the time of making all 65536 entries at once, which a single image waits for.
_PATTERNS_AT_ONCE = 8192


@np.errstate(over="ignore")
def modality_values(stored: NDArray[Any], modality: Rescale | Lut | None) -> Floats:
    """Stored values to modality values (C.11.1)."""
    x: Floats = stored.astype(np.float64)
    if modality is None:
        return x
    if isinstance(modality, Rescale):
        return x * modality.slope + modality.intercept
    return looked_up(x, modality)


def looked_up(x: Floats, lut: Lut) -> Floats:
    """Entries of a LUT: below its first input the first, above its last the last (C.11.2.1.1).

    NaN stays NaN.
    """
    entries = np.frombuffer(lut.entries, "<u2")
    index = np.clip(np.floor(x - lut.first + 0.5), 0, len(entries) - 1)
    absent = np.isnan(index)
    found: Floats = np.where(absent, np.nan, entries[np.where(absent, 0, index).astype(np.intp)])
    return found


def voi_values(x: Floats, voi: Window | Lut | Range, ymax: float) -> Floats:
    """Modality values to 0..ymax (C.11.2)."""
    if isinstance(voi, Range):
        if voi.high <= voi.low:
            return np.zeros_like(x)
        return np.clip((x - voi.low) / (voi.high - voi.low), 0, 1) * ymax
    if isinstance(voi, Lut):
        looked: Floats = looked_up(x, voi) / (2**voi.bits - 1) * ymax
        return looked
    c, w = voi.center, voi.width
    if voi.function == "LINEAR":
        # C.11.2.1.2.1. A width of 1 is a step.
        low, high = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
        inside = ((x - (c - 0.5)) / (w - 1) + 0.5) * ymax if w > 1 else np.zeros_like(x)
    elif voi.function == "LINEAR_EXACT":
        # C.11.2.1.3.2
        low, high = c - w / 2, c + w / 2
        inside = ((x - c) / w + 0.5) * ymax
    else:
        # C.11.2.1.3.1 SIGMOID. Beyond 700 the exponential overflows, and y is 0 or ymax anyway.
        return ymax / (1 + np.exp(np.clip(-4 * (x - c) / w, -700, 700)))
    return np.where(x <= low, 0.0, np.where(x > high, ymax, inside))


@np.errstate(over="ignore", invalid="ignore")
def display_values(stored: NDArray[Any], chain: Chain) -> Grays:
    """Stored values (any shape) to display values of the same shape, uint8 or uint16.

    NaN becomes 0 before inversion, infinities the ends of the range.
    """
    ymax = float(2**chain.bits - 1)
    x = modality_values(stored, chain.modality)
    y = voi_values(x, chain.voi, ymax)
    if chain.presentation_lut is not None:
        lut = chain.presentation_lut
        # C.11.6.1.1: the LUT spans the whole output of the VOI.
        position = lut.first + y / ymax * (lut.size - 1)
        y = looked_up(position, lut) / (2**lut.bits - 1) * ymax
    # Entries of a LUT may exceed the depth that it declares.
    y = np.clip(np.nan_to_num(y, nan=0.0), 0, ymax)
    return np.floor((ymax - y if chain.invert else y) + 0.5).astype(
        np.uint8 if chain.bits == 8 else np.uint16
    )


@lru_cache(maxsize=64)
def table(chain: Chain, bits: int, signed: bool, size: int) -> Grays:
    """Display values of every bit pattern of a word: (size,), size 256 or 65536, read-only.

    Entry n belongs to the stored value whose lowest ``bits`` bits are those of n, in two's
    complement where ``signed``; bits above them are ignored.
    """
    count, negative = 1 << bits, 1 << (bits - 1) if signed else 1 << bits
    parts = []
    for first in range(0, count, _PATTERNS_AT_ONCE):
        patterns = np.arange(first, min(first + _PATTERNS_AT_ONCE, count), dtype=np.int64)
        patterns[patterns >= negative] -= count
        parts.append(display_values(patterns, chain))
    result = np.tile(np.concatenate(parts), size >> bits)
    result.flags.writeable = False
    return result
