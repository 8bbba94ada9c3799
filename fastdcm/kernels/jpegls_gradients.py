"""Gradients of JPEG-LS and the contexts that they lead to (ITU-T T.87 annex A.3)."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpegls_tables import CODING, FIELDS, LINES, NEAR, T1, T2, T3

GRADIENTS, QUANTIZED = "int16[::1]", "Array(int8, 1, 'C', readonly=True)"
#: A gradient of Q1 and Q2: where the contexts of both start, and above that, which of the three tables of Q3
#: goes with them: 0 where both are 0, 1 where the first that is not is positive, 2 (and so the sign) if not.
_KIND, _START = 13, (1 << 13) - 1
_POSITIVE, _NEGATIVE = np.int16(1 << _KIND), np.int16(-2 << _KIND)
_1 = np.uint64(1)


@inlined(f"void({LINES}, uint64, uint64, {GRADIENTS}, uint64, {CODING})")
def gradients_above(lines, above, columns, gradients, first, coding):  # type: ignore[no-untyped-def]
    """What `context_of` needs of Q1 and Q2 of each sample of a line (A.3.3), from ``first`` on.

    Differences are in 16 bits, of which processors compare most at once.
    """
    least, t1 = np.uint16(coding[NEAR] + 1), np.uint16(coding[T1])
    t2, t3 = np.uint16(coding[T2]), np.uint16(coding[T3])
    for x in range(columns + _1):
        here, after = lines[above + x], lines[above + x + _1]
        size = np.uint16(max(here, after) - min(here, after))
        quantized = np.int16(
            np.int16(size >= least) + np.int16(size >= t1) + np.int16(size >= t2) + np.int16(size >= t3)
        )
        gradients[first + x] = -quantized if after < here else quantized
    for x in range(columns):
        both = np.int16(np.int16(9) * gradients[first + x + _1] + gradients[first + x])
        kind = _POSITIVE if both > 0 else _NEGATIVE if both < 0 else np.int16(0)
        gradients[first + x] = np.int16(np.int16(9 * FIELDS) * abs(both) + kind)


@inlined(f"Tuple((uint64, int64))({QUANTIZED}, int64, int64, int64, int64, int64)", always=True)
def context_of(quantized, gradient, ra, rc, near, maxval):  # type: ignore[no-untyped-def]
    """Where the context of a sample starts, and SIGN (A.3.4).

    If Q1 or Q2 is not 0, SIGN is known before Ra is, and if both are, the context is Q3 without its sign. So
    each case has its table, and the context does not wait for SIGN.
    """
    table = (gradient >> _KIND & 3) * (2 * maxval + 1) + maxval - rc
    sign = ((gradient << 32) + near + rc - ra) >> 63
    return np.uint64((gradient & _START) + quantized[np.uint64(table + ra)]), sign


@inlined("int64(int64, int64)", always=True)
def beyond(difference, near):  # type: ignore[no-untyped-def]
    """Not 0 where a difference is not within NEAR."""
    if near == 0:
        return difference
    return np.int64(np.uint64(difference + near) > np.uint64(2 * near))


@inlined(f"boolean({GRADIENTS}, {LINES}, uint64, uint64, uint64, uint64, uint64, int64)", always=True)
def is_flat(gradients, lines, above, line, x, components, pitch, near):  # type: ignore[no-untyped-def]
    """Whether all gradients of all components are 0, so that a run begins (B.3)."""
    gradient = np.int64(0)
    for component in range(components):
        at = component * pitch + x
        difference = np.int64(lines[line + at]) - np.int64(lines[above + at])
        gradient |= gradients[at] | beyond(difference, near)
    return gradient == 0
