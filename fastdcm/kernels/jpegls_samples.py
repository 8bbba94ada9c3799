"""A sample of JPEG-LS by its context (ITU-T T.87 annexes A.4 to A.6)."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.golomb_codes import CODES, golomb, parameter
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpegls_tables import (
    BITS,
    CODING,
    CONTEXT_ARRAY,
    HALF,
    LIMIT,
    MAXVAL,
    MOST_K,
    NEAR,
    RANGE,
    RESET,
    STEP,
    A,
    B,
    C,
    K,
    N,
)

_LARGEST_BYTE = np.uint64(255)


@inlined(f"int64(int64, int64, {CODING})", always=True)
def in_range(predicted, error, coding):  # type: ignore[no-untyped-def]
    """A sample where the prediction or it seems to be out of range (A.4.2, A.4.4, A.4.5); -1 for none."""
    near, maxval = coding[NEAR], coding[MAXVAL]
    value = min(max(predicted, np.int64(0)), maxval) + error
    value += coding[RANGE] * coding[STEP] * ((value < -near) - np.int64(value > maxval + near))
    if value < -near or value > maxval + near:
        return np.int64(-1)
    return min(max(value, np.int64(0)), maxval)


@inlined(
    f"UniTuple(int64, 2)({CODES}, int64, {CONTEXT_ARRAY}, {CODING}, uint64, int64, int64, int64, int64)",
    always=True,
)
def regular(  # type: ignore[no-untyped-def]
    codes, position, contexts, coding, context, sign, ra, rb, rc
):  # fmt: skip
    """A sample by its context, where that starts, and by SIGN (A.4 to A.6); -1 where it cannot be."""
    maxval = np.uint64(coding[MAXVAL])
    k = contexts[context + K]
    longest = coding[LIMIT] - coding[BITS] - 1
    mapped, position = golomb(codes, position, k, longest, coding[BITS])
    b, n = contexts[context + B], contexts[context + N]
    if coding[NEAR] == 0:  # A.5.2, for a k of 0
        mapped ^= ((2 * b + n - 1) & (k - 1)) >> 63 & 1
    error = mapped >> 1 ^ -(mapped & 1)
    error *= coding[STEP]
    turned = (error ^ sign) - sign
    predicted = min(max(ra + rb - rc, min(ra, rb)), max(ra, rb))  # A.4.1
    predicted += (contexts[context + C] ^ sign) - sign  # A.4.2
    value = predicted + turned
    if np.uint64(predicted) > maxval or np.uint64(value) > maxval:
        value = in_range(predicted, turned, coding)
        if value < 0:
            return value, position
    update(contexts, context, coding, mapped, error)
    return value, position


@inlined(f"void({CONTEXT_ARRAY}, uint64, {CODING}, int64, int64)", always=True)
def update(contexts, context, coding, mapped, error):  # type: ignore[no-untyped-def]
    """A context after a sample (A.6): ``mapped`` is MErrval, ``error`` Errval, times `STEP`."""
    # A.6.1
    a = contexts[context + A] + ((mapped + 1) >> 1)
    b = contexts[context + B] + error
    n, k = contexts[context + N], contexts[context + K]
    if n == coding[RESET]:
        a >>= 1
        b >>= 1
        n >>= 1
    n += 1
    # A.6.2
    low, high = (b + n - 1) >> 63, -b >> 63
    b = min(max(b + (n & low) - (n & high), 1 - n), np.int64(0))
    c = contexts[context + C] + low - high
    contexts[context + A] = a
    contexts[context + B] = b
    contexts[context + C] = c
    contexts[context + N] = n
    reached = n << k
    if reached < a or n * contexts[context + HALF] >= a or np.uint64(c + 128) > _LARGEST_BYTE:
        settle(contexts, context, a, c, n)


@inlined(f"void({CONTEXT_ARRAY}, uint64, int64, int64, int64)", always=True)
def settle(contexts, context, a, c, n):  # type: ignore[no-untyped-def]
    """Change what seldom changes: k as A and N have it (A.5.1), C where it leaves its range (A.6.2)."""
    k = min(parameter(a, n), np.int64(MOST_K))
    contexts[context + K] = k
    contexts[context + HALF] = np.int64(1) << k >> 1
    contexts[context + C] = min(max(c, np.int64(-128)), np.int64(127))
