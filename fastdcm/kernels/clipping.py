"""Samples that a library gives wider than they are, in their range and kind."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.jit import kernel

_VALUES = "Array(int32, 1, 'C', readonly=True)"


@kernel(*(f"void({_VALUES}, int32, int32, {kind}[::1])" for kind in ("uint8", "uint16", "int8", "int16")))
def clipped(values, half, shift, out):  # type: ignore[no-untyped-def]
    """``out`` is the values in -half..half - 1, and ``shift`` added, which its kind holds.

    values: (n,) int32; out: (n,) uint8, uint16, int8 or int16.
    """
    low, high = np.int32(-half), np.int32(half - np.int32(1))
    for index in range(values.size):
        out[index] = np.int32(min(max(values[index], low), high) + shift)
