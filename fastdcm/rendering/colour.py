"""YBR to RGB (PS3.3 C.7.6.3.1.2) and palettes to RGB (C.7.6.3.1.5)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels import Payoff
from fastdcm.model import Palette

Array = NDArray[Any]

# ITU-R BT.601: what luma and chroma (centred) add to red, green and blue.
_FULL = ((1.0, 0.0, 1.402), (1.0, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587), (1.0, 1.772, 0.0))


def to_rgb(array: Array, photometric: str, bits: int, payoff: Payoff) -> Array:
    """Samples (rows, columns, 3) as RGB of the same dtype and depth.

    RGB passes unchanged; YBR_ICT and YBR_RCT are RGB after their codec.
    """
    if photometric in ("YBR_FULL", "YBR_FULL_422"):
        if bits == 8 and array.dtype == np.uint8:
            return _full_8(array, payoff)
        return _by_matrix(array, bits, luma_low=0, luma_span=1.0, chroma_span=1.0)
    if photometric in ("YBR_PARTIAL_422", "YBR_PARTIAL_420"):
        # Luma 16..235, chroma 16..240 at 8 bits, scaled by the depth.
        top = (1 << bits) - 1
        unit = 2.0 ** (bits - 8)
        return _by_matrix(
            array, bits, luma_low=16 * unit, luma_span=219 * unit / top, chroma_span=224 * unit / top
        )
    return array


def _by_matrix(array: Array, bits: int, *, luma_low: float, luma_span: float, chroma_span: float) -> Array:
    top, middle = (1 << bits) - 1, 1 << (bits - 1)
    luma = (array[..., 0].astype(np.float64) - luma_low) / luma_span
    cb = (array[..., 1].astype(np.float64) - middle) / chroma_span
    cr = (array[..., 2].astype(np.float64) - middle) / chroma_span
    out = np.empty(array.shape, array.dtype)
    for channel, (by_luma, by_cb, by_cr) in enumerate(_FULL):
        value = by_luma * luma + by_cb * cb + by_cr * cr
        out[..., channel] = np.clip(np.floor(value + 0.5), 0, top).astype(array.dtype)
    return out


@lru_cache(maxsize=1)
def _chroma_tables() -> tuple[Array, Array, Array]:
    """What chroma adds to an 8-bit luma: red by Cr, green by Cb * 256 + Cr, blue by Cb; int16.

    Luma is an integer, so rounding the sum and rounding what is added are the same.
    """
    centred = np.arange(256, dtype=np.float64) - 128
    both = _FULL[1][1] * centred[:, None] + _FULL[1][2] * centred[None, :]
    tables = (_FULL[0][2] * centred, both.ravel(), _FULL[2][1] * centred)
    red, green, blue = (np.floor(table + 0.5).astype(np.int16) for table in tables)
    return red, green, blue


def _full_8(array: Array, payoff: Payoff) -> Array:
    red, green, blue = _chroma_tables()
    ybr = np.ascontiguousarray(array)
    out = np.empty(ybr.shape, np.uint8)
    if payoff.reached(3 * ybr.size):
        from fastdcm.kernels.display import ybr_to_rgb

        ybr_to_rgb(ybr.reshape(-1, 3), red, green, blue, out.reshape(-1, 3))
        return out
    luma, cb, cr = (ybr[..., channel] for channel in range(3))
    added = (red[cr], green[cb.astype(np.uint16) * 256 + cr], blue[cb])
    for channel, add in enumerate(added):
        out[..., channel] = np.clip(luma + add, 0, 255)
    return out


@lru_cache(maxsize=16)
def palette_table(palette: Palette, bits: int, size: int, signed: bool) -> Array:
    """RGB of every bit pattern of a word: (size, 3) uint8 or uint16.

    Values below the first mapped take the first entry, values past the end the last (C.7.6.3.1.5).
    """
    channels = np.stack(
        [np.frombuffer(data, "<u2") for data in (palette.red, palette.green, palette.blue)], 1
    )
    depth = palette.bits
    if depth == 16 and channels.max(initial=0) < 256:
        # Written by encoders that put 8-bit values into 16-bit entries.
        depth = 8
    if depth == 16 and bits == 8:
        channels = channels >> 8
    elif depth == 8 and bits == 16:
        channels = channels * 257
    patterns = np.arange(size, dtype=np.int64)
    if signed:
        patterns[size // 2 :] -= size
    index = np.clip(patterns - palette.first, 0, len(channels) - 1)
    table: Array = channels[index].astype(np.uint8 if bits == 8 else np.uint16)
    return table
