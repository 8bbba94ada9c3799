"""Gradients of JPEG-LS (ITU-T T.87 annex A.3)."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jpegls_tables import FIELDS, INTEGERS, LINES, MAXVAL, NEAR, T1, T2, T3

GRADIENTS, QUANTIZED = "int16[::1]", "Array(int8, 1, 'C', readonly=True)"
_1 = np.uint64(1)


@inlined(f"void({LINES}, uint64, uint64, {GRADIENTS}, uint64, {INTEGERS})")
def gradients_above(lines, above, columns, gradients, first, coding):  # type: ignore[no-untyped-def]
    """81 * Q1 + 9 * Q2 of each sample of a line, `FIELDS` times (A.3.3, A.3.4), from ``first`` on."""
    if coding[MAXVAL] > 32767:
        least, t1, t2, t3 = coding[NEAR] + 1, coding[T1], coding[T2], coding[T3]
        for x in range(columns + _1):
            wide = np.int64(lines[above + x + _1]) - np.int64(lines[above + x])
            positive = (wide >= least) + np.int64(wide >= t1) + np.int64(wide >= t2) + np.int64(wide >= t3)
            negative = (
                (wide <= -least) + np.int64(wide <= -t1) + np.int64(wide <= -t2) + np.int64(wide <= -t3)
            )
            gradients[first + x] = positive - negative
    else:  # the same in 16 bits, of which a processor compares twice as many at once
        least, t1, t2, t3 = (
            np.int16(coding[NEAR] + 1), np.int16(coding[T1]), np.int16(coding[T2]), np.int16(coding[T3])
        )  # fmt: skip
        below, b1, b2, b3 = np.int16(-least), np.int16(-t1), np.int16(-t2), np.int16(-t3)
        for x in range(columns + _1):
            d = np.int16(lines[above + x + _1] - lines[above + x])
            gradients[first + x] = np.int16(
                np.int16(d >= least) + np.int16(d >= t1) + np.int16(d >= t2) + np.int16(d >= t3)
                - np.int16(d <= below) - np.int16(d <= b1) - np.int16(d <= b2) - np.int16(d <= b3)
            )  # fmt: skip
    for x in range(columns):
        q1, q2 = gradients[first + x + _1], gradients[first + x]
        gradients[first + x] = np.int16(q1 * np.int16(81 * FIELDS) + q2 * np.int16(9 * FIELDS))


@inlined(f"boolean({GRADIENTS}, {LINES}, uint64, uint64, uint64, uint64, uint64, int64)")
def is_flat(gradients, lines, above, line, x, components, pitch, near):  # type: ignore[no-untyped-def]
    """Whether all gradients of all components are 0, so that a run begins (B.3)."""
    for component in range(components):
        at = component * pitch + x
        d = np.int64(lines[line + at]) - np.int64(lines[above + at])
        if gradients[at] or d < -near or d > near:
            return False
    return True
