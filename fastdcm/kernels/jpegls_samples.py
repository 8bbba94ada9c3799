"""A sample of JPEG-LS by its context (ITU-T T.87 annexes A.4 to A.6)."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.golomb_codes import FILLED, SOURCE, WINDOW, fill, golomb, parameter
from fastdcm.kernels.inlined import inlined, leading_zeros
from fastdcm.kernels.jpegls_tables import (
    BITS,
    CONTEXT_ARRAY,
    INTEGERS,
    LIMIT,
    MOST_K,
    MOST_ZEROS,
    RANGE,
    A,
    B,
    C,
    K,
    N,
)

_1 = np.uint64(1)
_LARGEST_BYTE = np.uint64(255)


@inlined(
    f"Tuple((int64, {WINDOW}))({SOURCE}, {CONTEXT_ARRAY}, {INTEGERS}, int64, int64, int64, int64, "
    "uint64, int64, int64, int64, int64)",
    always=True,
)
def regular(  # type: ignore[no-untyped-def]
    data, reader, window, count, contexts, coding, near, step, maxval, reset, context, sign,
    ra, rb, rc,
):  # fmt: skip
    """A sample by its context, where that starts, and by SIGN (A.4 to A.6); -1 where it cannot be."""
    if count < FILLED:
        window, count = fill(data, reader, window, count)
    k = contexts[context + K]
    zeros = np.int64(leading_zeros(window))
    if zeros <= MOST_ZEROS:  # and so no escape: LIMIT - qbpp - 1 is more
        mapped = ((zeros - 1) << k) + np.int64(window << np.uint64(zeros) >> np.uint64(63 - k))
        window <<= np.uint64(zeros + 1 + k)
        count -= zeros + 1 + k
    else:
        mapped, window, count = golomb(data, reader, window, count, k, coding[LIMIT], coding[BITS])
        if mapped < 0:
            return np.int64(-1), window, count
    b, n = contexts[context + B], contexts[context + N]
    if near == 0:  # A.5.2, for a k of 0
        mapped ^= ((2 * b + n - 1) & (k - 1)) >> 63 & 1
    error = mapped >> 1 ^ -(mapped & 1)
    predicted = min(max(ra + rb - rc, min(ra, rb)), max(ra, rb))  # A.4.1
    c = contexts[context + C]
    predicted += (c ^ sign) - sign  # A.4.2
    if np.uint64(predicted) > np.uint64(maxval):
        predicted = maxval & ~(predicted >> 63)
    error *= step
    value = predicted + ((error ^ sign) - sign)
    if np.uint64(value) > np.uint64(maxval):  # A.4.4, A.4.5
        value += coding[RANGE] * step * ((value < -near) - np.int64(value > maxval + near))
        if value < -near or value > maxval + near:
            return np.int64(-1), window, count
        value = min(max(value, np.int64(0)), maxval)
    # A.6.1
    a = contexts[context + A] + ((mapped + 1) >> 1)
    b += error
    if n == reset:
        a >>= 1
        b >>= 1
        n >>= 1
    n += 1
    # A.6.2
    low, high = (b + n - 1) >> 63, -b >> 63
    b = min(max(b + (n & low) - (n & high), 1 - n), np.int64(0))
    c += low - high
    if np.uint64(c + 128) > _LARGEST_BYTE:
        c = np.int64(127) ^ (c >> 63)
    contexts[context + A] = a
    contexts[context + B] = b
    contexts[context + C] = c
    contexts[context + N] = n
    reached = n << k
    if reached < a or (reached >> 1 >= a and k > 0):
        contexts[context + K] = min(parameter(a, n), np.int64(MOST_K))
    return value, window, count
