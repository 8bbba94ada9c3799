"""How the kernels that encode JPEG lay out blocks and tables. NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Blocks that are transformed together: their values stay in the nearest cache.
LANES = 64
#: Those whose values are in one vector.
SIXTEEN = 16
#: Values of tables, differences of DC coefficients and AC coefficients, are from minus this on, and below it.
DIFFERENCES, COEFFICIENTS = 2048, 1024
#: Codes of one block at most: each coefficient's; one of an end or of runs of zeros needs a zero.
_BLOCK_CODES = 64
#: Bytes of one block's codes at most: 64 codes of 16 bits, each with 11 more; and what is written beyond.
_BLOCK_BYTES, _BEYOND = 64 * 27 // 8, 16


def _zigzag() -> Any:
    diagonals = sorted(
        range(64),
        key=lambda place: (
            place // 8 + place % 8,
            place % 8 if (place // 8 + place % 8) % 2 == 0 else place // 8,
        ),
    )
    return np.array(diagonals, np.uint64)


#: Where each coefficient of the zigzag sequence stands in its block (T.81 figure 5), (64,) uint64.
ZIGZAG = _zigzag()


def scratch() -> tuple[Any, ...]:
    """What `fastdcm.kernels.jpeg_codes.coded_gray` works in.

    samples (8 * LANES * 8,) uint8: rows of blocks that lie next to each other; coefficients (64 * LANES,)
    int16, in zigzag order; filled (4 * LANES,) uint16: a bit for each of them that is not zero; entries
    uint32 of codes, and the same as pairs, uint64; coded uint8: their bytes.
    """
    pairs = np.empty(LANES * _BLOCK_CODES // 2 + 4, np.uint64)
    return (
        np.zeros(64 * LANES, np.uint8),
        np.empty(64 * LANES, np.int16),
        np.empty(4 * LANES, np.uint16),
        pairs.view(np.uint32),
        pairs,
        np.empty(LANES * _BLOCK_BYTES + _BEYOND, np.uint8),
    )
