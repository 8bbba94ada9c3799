"""Stored values to display values."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.jit import kernel

# Inputs are views of a file's bytes or cached tables, which are read-only; writable ones match too.
_U8, _U16, _I16 = (f"Array({name}, 1, 'C', readonly=True)" for name in ("uint8", "uint16", "int16"))
_PIXELS = "Array(uint8, 2, 'C', readonly=True)"


@kernel(
    f"void({_U8}, {_U8}, uint8[::1])",
    f"void({_U16}, {_U8}, uint8[::1])",
    f"void({_U8}, {_U16}, uint16[::1])",
    f"void({_U16}, {_U16}, uint16[::1])",
)
def gather(values, table, out):  # type: ignore[no-untyped-def]
    """``out[i] = table[values[i]]``; the table has an entry for every value of its input's type.

    values: (n,) uint8 or uint16; table: (256,) or (65536,) uint8 or uint16; out: (n,), as table.
    """
    for index in range(values.size):
        out[index] = table[values[index]]


@kernel(
    f"void({_U16}, float32, float32, uint8[::1])",
    f"void({_I16}, float32, float32, uint8[::1])",
    f"void({_U8}, float32, float32, uint8[::1])",
)
def line(values, scale, offset, out):  # type: ignore[no-untyped-def]
    """``out[i] = values[i] * scale + offset``, cut to a whole number and clipped to 0..255.

    values: (n,) int16, uint16 or uint8; out: (n,) uint8. In float32, then int32, which the numbers must
    fit, so that the compiler takes many samples at once; NumPy's float32 gives the same numbers (no
    multiplication is fused with an addition), by which `fastdcm.rendering.line` proves a line before it
    is used.
    """
    for index in range(values.size):
        gray = np.int32(np.float32(values[index]) * scale + offset)
        out[index] = np.uint8(min(max(gray, np.int32(0)), np.int32(255)))


@kernel(f"void({_U16}, int32, int32, float32, float32, uint8[::1])")
def masked_line(words, mask, half, scale, offset, out):  # type: ignore[no-untyped-def]
    """`line` of values that are ``((word & mask) ^ half) - half``."""
    for index in range(words.size):
        # Each step is cast back: numba would go on in 64 bits.
        value = np.int32(np.int32(np.int32(np.int32(words[index]) & mask) ^ half) - half)
        gray = np.int32(np.float32(value) * scale + offset)
        out[index] = np.uint8(min(max(gray, np.int32(0)), np.int32(255)))


@kernel(f"void({_PIXELS}, {_I16}, {_I16}, {_I16}, uint8[:, ::1])")
def ybr_to_rgb(ybr, red, green, blue, out):  # type: ignore[no-untyped-def]
    """8-bit YBR_FULL to RGB by what chroma adds to luma.

    ybr: (n, 3) uint8; red: (256,) int16 by Cr; green: (65536,) int16 by Cb * 256 + Cr; blue:
    (256,) int16 by Cb; out: (n, 3) uint8.
    """
    for index in range(ybr.shape[0]):
        luma = int(ybr[index, 0])
        cb = int(ybr[index, 1])
        cr = int(ybr[index, 2])
        out[index, 0] = min(max(luma + red[cr], 0), 255)
        out[index, 1] = min(max(luma + green[cb * 256 + cr], 0), 255)
        out[index, 2] = min(max(luma + blue[cb], 0), 255)
