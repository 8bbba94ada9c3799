"""Runs of JPEG-LS, and the samples that interrupt them (ITU-T T.87 annex A.7)."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.golomb_codes import CODES, ahead, golomb, parameter
from fastdcm.kernels.inlined import inlined, leading_zeros
from fastdcm.kernels.jpegls_samples import in_range
from fastdcm.kernels.jpegls_tables import (
    BITS,
    CODING,
    CONTEXT_ARRAY,
    FIELDS,
    LIMIT,
    LINES,
    MAXVAL,
    MOST_K,
    REGULAR_CONTEXTS,
    RESET,
    STEP,
    A,
    B,
    K,
    N,
)

#: What `repeat` may write beyond a run.
REPEATED = 64
_BLOCK = np.uint64(REPEATED)
#: J (A.7.1.1) by RUNindex, and how many samples ones are that lead from a RUNindex of 0 to each.
_J = np.array([0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4, 4, 5, 5, 6, 6, 7, 7, *range(8, 16)], np.int64)
_REACHED = np.cumsum(1 << _J) - (1 << _J)
_LAST_INDEX = np.int64(len(_J) - 1)
_RUN_0 = np.uint64(FIELDS * REGULAR_CONTEXTS)
_WINDOW = 64
_1 = np.uint64(1)


@inlined(f"void({LINES}, uint64, uint64)", always=True)
def repeat(lines, first, length):  # type: ignore[no-untyped-def]
    """Fill so many samples with the one before them, and up to `REPEATED` more, which are not decoded yet."""
    value = lines[first - _1]
    for more in range((length | (_BLOCK - _1)) + _1):
        lines[first + more] = value


@inlined(f"UniTuple(int64, 3)({CODES}, int64, int64, int64)", always=True)
def run_length(codes, position, index, columns):  # type: ignore[no-untyped-def]
    """How long a run is, of at most so many columns (A.7.1.2), -1 where it cannot be; RUNindex; position."""
    window = ahead(codes, position)
    ones = np.int64(leading_zeros(~window))
    reached = index + ones
    if reached <= _LAST_INDEX:
        bits = _J[np.uint64(reached)]
        length = _REACHED[np.uint64(reached)] - _REACHED[np.uint64(index)]
        length += np.int64(window << np.uint64(ones) >> np.uint64(63 - bits))
        if length < columns:
            return length, reached, position + ones + 1 + bits
    return run_length_by_ones(codes, position, index, columns)


@inlined(f"UniTuple(int64, 3)({CODES}, int64, int64, int64)")
def run_length_by_ones(codes, position, index, columns):  # type: ignore[no-untyped-def]
    """`run_length` one by one: also to the end of a line."""
    length = np.int64(0)
    while length < columns:
        window = ahead(codes, position)
        bits = _J[np.uint64(index)]
        if not window >> np.uint64(63):
            length += np.int64(window >> np.uint64(63 - bits))
            return length if length < columns else np.int64(-1), index, position + 1 + bits
        position += 1
        length += np.int64(1) << bits
        if length <= columns:
            index = min(index + 1, _LAST_INDEX)
    return columns, index, position


@inlined(f"int64({CODES}, int64, int64, int64, int64, int64)")
def lines_of_runs(codes, position, end, index, columns, most):  # type: ignore[no-untyped-def]
    """How many lines, of at most so many, are a run each that one bit codes, and RUNindex stays as it is."""
    if np.int64(1) << _J[np.uint64(index)] <= columns:
        return np.int64(0)
    found, most = np.int64(0), min(most, end - position)
    while found < most:
        ones = np.int64(leading_zeros(~ahead(codes, position + found)))
        found += min(ones, most - found)
        if ones < _WINDOW:
            break
    return found


@inlined(
    f"UniTuple(int64, 2)({CODES}, int64, {CONTEXT_ARRAY}, {CODING}, int64, int64, int64, int64)",
    always=True,
)
def interruption(  # type: ignore[no-untyped-def]
    codes, position, contexts, coding, index, kind, ra, rb
):  # fmt: skip
    """The sample that interrupts a run (A.7.2), -1 where it cannot be; ``kind`` is RItype."""
    context = _RUN_0 + np.uint64(FIELDS * kind)
    a, negative, n = contexts[context + A], contexts[context + B], contexts[context + N]
    k = contexts[context + K]
    longest = coding[LIMIT] - _J[np.uint64(index)] - 1 - coding[BITS] - 1
    mapped, position = golomb(codes, position, k, longest, coding[BITS])
    # A.7.2.2: EMErrval is 2 * |Errval| - RItype - map.
    error = (mapped + kind + 1) >> 1
    if (mapped + kind) & 1 == (k != 0 or 2 * negative >= n):
        negative += error > 0
        error = -error
    error *= coding[STEP]
    turn = np.int64(kind == 0 and ra > rb)
    turned = (error ^ -turn) + turn
    predicted = ra if kind else rb
    value = predicted + turned
    if np.uint64(value) > np.uint64(coding[MAXVAL]):
        value = in_range(predicted, turned, coding)
        if value < 0:
            return value, position
    a += (mapped + 1 - kind) >> 1
    if n == coding[RESET]:
        a >>= 1
        n >>= 1
        negative >>= 1
    contexts[context + A] = a
    contexts[context + B] = negative
    contexts[context + N] = n + 1
    contexts[context + K] = min(parameter(a + (n + 1 >> 1) * kind, n + 1), np.int64(MOST_K))
    return value, position
