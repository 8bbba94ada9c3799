"""YCbCr to RGB as PS3.3 C.7.6.3.1.2 and ITU-R BT.601 define it, apart from the package's own maths."""

from __future__ import annotations

import numpy as np

from tests.encodings.cases import Array

#: Red, green and blue to luma; the rest follows from it.
_WEIGHTS = np.array([0.299, 0.587, 0.114])
_TO_YBR = np.stack(
    [_WEIGHTS, (np.array([0, 0, 1]) - _WEIGHTS) / 1.772, (np.array([1, 0, 0]) - _WEIGHTS) / 1.402]
)


def to_rgb(array: Array, photometric: str, bits: int = 8) -> Array:
    """Samples (..., 3) of so many bits as RGB of the same depth: the forward equations, solved."""
    top = (1 << bits) - 1
    if photometric == "RGB":
        return array.astype(np.int64)
    assert photometric in ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")
    ybr = array.astype(np.float64) - [0, 1 << (bits - 1), 1 << (bits - 1)]
    if photometric == "YBR_PARTIAL_422":
        # Luma 16..235 and chroma 16..240 of 256 steps.
        unit = 2.0 ** (bits - 8)
        ybr = (ybr - [16 * unit, 0, 0]) * top / (np.array([219, 224, 224]) * unit)
    rgb = np.linalg.solve(_TO_YBR, ybr.reshape(-1, 3).T).T.reshape(array.shape)
    found: Array = np.clip(np.floor(rgb + 0.5), 0, top).astype(np.int64)
    return found
