"""Runs of JPEG-LS, and the samples that interrupt them (ITU-T T.87 annex A.7)."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.golomb_codes import FILLED, SOURCE, WINDOW, fill, golomb, parameter
from fastdcm.kernels.inlined import inlined, leading_zeros
from fastdcm.kernels.jpegls_tables import (
    BITS,
    CONTEXT_ARRAY,
    FIELDS,
    INTEGERS,
    LIMIT,
    LINES,
    MAXVAL,
    MOST_K,
    MOST_ZEROS,
    NEAR,
    RANGE,
    REGULAR_CONTEXTS,
    RESET,
    STEP,
    A,
    B,
    K,
    N,
)

#: A.7.1.1, by RUNindex.
_J = np.array([0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4, 4, 5, 5, 6, 6, 7, 7, *range(8, 16)], np.int64)
_LAST_ORDER = np.int64(len(_J) - 1)
_RUN_0 = np.uint64(FIELDS * REGULAR_CONTEXTS)
_1 = np.uint64(1)


@inlined(f"void({LINES}, uint64, uint64)")
def repeat(lines, first, length):  # type: ignore[no-untyped-def]
    """Fill so many samples with the one before them, and up to seven more, which are not decoded yet."""
    value = lines[first - _1]
    for each in range(first, first + length, np.uint64(8)):
        for more in range(8):
            lines[each + np.uint64(more)] = value


@inlined(f"Tuple((int64, int64, {WINDOW}))({SOURCE}, int64, int64)", always=True)
def run_length(data, reader, window, count, order, columns):  # type: ignore[no-untyped-def]
    """How long a run is, of at most so many columns (A.7.1.2), -1 where it cannot be; RUNindex."""
    length = np.int64(0)
    while length < columns:
        if count < FILLED:
            window, count = fill(data, reader, window, count)
        bits = _J[np.uint64(order)]
        if not window >> np.uint64(63):
            length += np.int64(window >> np.uint64(63 - bits))
            window <<= np.uint64(bits + 1)
            count -= bits + 1
            if length >= columns:
                length = np.int64(-1)
            return length, order, window, count
        window <<= _1
        count -= 1
        length += np.int64(1) << bits
        if length <= columns:
            order = min(order + 1, _LAST_ORDER)
    return columns, order, window, count


@inlined(
    f"Tuple((int64, {WINDOW}))({SOURCE}, {CONTEXT_ARRAY}, {INTEGERS}, int64, int64, int64, int64)",
    always=True,
)
def interruption(  # type: ignore[no-untyped-def]
    data, reader, window, count, contexts, coding, order, kind, ra, rb
):  # fmt: skip
    """The sample that interrupts a run (A.7.2), -1 where it cannot be; ``kind`` is RItype."""
    near, step, maxval, span = coding[NEAR], coding[STEP], coding[MAXVAL], coding[RANGE] * coding[STEP]
    context = _RUN_0 + np.uint64(FIELDS * kind)
    a, negative, n = contexts[context + A], contexts[context + B], contexts[context + N]
    k = contexts[context + K]
    if count < FILLED:
        window, count = fill(data, reader, window, count)
    limit = coding[LIMIT] - _J[np.uint64(order)] - 1
    zeros = np.int64(leading_zeros(window))
    if zeros < min(limit - coding[BITS] - 1, np.int64(MOST_ZEROS + 1)):
        mapped = ((zeros - 1) << k) + np.int64(window << np.uint64(zeros) >> np.uint64(63 - k))
        window <<= np.uint64(zeros + 1 + k)
        count -= zeros + 1 + k
    else:
        mapped, window, count = golomb(data, reader, window, count, k, limit, coding[BITS])
    # A.7.2.2: EMErrval is 2 * |Errval| - RItype - map.
    error = (mapped + kind + 1) >> 1
    if (mapped + kind) & 1 == (k != 0 or 2 * negative >= n):
        negative += error > 0
        error = -error
    value = ra if kind else rb
    value += error * step * (-1 if kind == 0 and ra > rb else 1)
    value += span * ((value < -near) - np.int64(value > maxval + near))
    if mapped < 0 or value < -near or value > maxval + near:
        return np.int64(-1), window, count
    a += (mapped + 1 - kind) >> 1
    if n == coding[RESET]:
        a >>= 1
        n >>= 1
        negative >>= 1
    contexts[context + A] = a
    contexts[context + B] = negative
    contexts[context + N] = n + 1
    contexts[context + K] = min(parameter(a + (n + 1 >> 1) * kind, n + 1), np.int64(MOST_K))
    return min(max(value, np.int64(0)), maxval), window, count
