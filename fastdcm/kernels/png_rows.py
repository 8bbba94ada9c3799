"""Filters of PNG (ISO/IEC 15948, clause 9), a choice a row."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.jit import kernel

_ROWS = "Array(uint8, 2, 'C', readonly=True)"


@kernel(f"void({_ROWS}, int64, uint8[:, ::1])")
def filter_rows(rows, step, out):  # type: ignore[no-untyped-def]
    """Each row by the filter, none (0), sub (1) or up (2), that leaves the least: its number, then its bytes.

    The least is the sum of bytes taken as signed, without their signs (clause 12.7); of equals the first.
    rows: (m, n) uint8; step: the bytes of a pixel, n at most; out: (m, 1 + n) uint8.
    """
    for row in range(rows.shape[0]):
        # Views of one dimension, sums of 32 bits, casts at each step: so the compiler takes many bytes at
        # once, seven times as fast.
        values, above, filtered = rows[row], rows[max(row - 1, 0)], out[row, 1:]
        behind, filtered_behind = values[step:], filtered[step:]
        none = np.int32(0)
        sub = np.int32(0)
        up = np.int32(0)
        for index in range(values.size):
            value = values[index]
            change = np.uint8(value - above[index])
            none = np.int32(none + np.int32(min(value, np.uint8(-value))))
            up = np.int32(up + np.int32(min(change, np.uint8(-change))))
        if row == 0:
            up = none  # above the first row all is zero
        for index in range(step):
            value = values[index]
            sub = np.int32(sub + np.int32(min(value, np.uint8(-value))))
        for index in range(behind.size):
            change = np.uint8(behind[index] - values[index])
            sub = np.int32(sub + np.int32(min(change, np.uint8(-change))))
        if none <= sub and none <= up:
            out[row, 0] = 0
            for index in range(values.size):
                filtered[index] = values[index]
        elif sub <= up:
            out[row, 0] = 1
            for index in range(step):
                filtered[index] = values[index]
            for index in range(behind.size):
                filtered_behind[index] = np.uint8(behind[index] - values[index])
        else:
            out[row, 0] = 2
            for index in range(values.size):
                filtered[index] = np.uint8(values[index] - above[index])
