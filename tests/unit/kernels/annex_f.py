"""Annex F of T.800 by the letter, one signal at a time, in integers and float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Table F.4.
ALPHA, BETA, GAMMA, DELTA = -1.586134342059924, -0.052980118572961, 0.882911075530934, 0.443506852043971
K = 1.230174104914001


def extended(values: Array, start: int, at: int) -> Any:
    """A signal that starts at ``start``, mirrored periodically (F.3.7, equation F-4)."""
    period = 2 * (len(values) - 1)
    place = (at - start) % period
    return values[min(place, period - place)]


def reconstructed(interleaved: Array, start: int, *, reversible: bool) -> Array:
    """1D_SR of one signal from its interleaved coefficients (F.3.6, F.3.8), by the letter."""
    end = start + len(interleaved)
    if len(interleaved) == 1:
        value = interleaved[0]
        if start % 2:
            value = int(value / 2) if reversible else value / 2
        return np.array([value])
    x: dict[int, Any] = {n: extended(interleaved, start, n) for n in range(start - 5, end + 5)}
    if reversible:
        for n in range(start - 3, end + 4):
            if n % 2 == 0:
                x[n] -= (x[n - 1] + x[n + 1] + 2) // 4
        for n in range(start - 2, end + 2):
            if n % 2:
                x[n] += (x[n - 1] + x[n + 1]) // 2
    else:
        for n in x:
            x[n] *= 1 / K if n % 2 else K
        for reach, odd, factor in ((4, 0, DELTA), (3, 1, GAMMA), (2, 0, BETA), (1, 1, ALPHA)):
            for n in range(start - reach, end + reach):
                if n % 2 == odd:
                    x[n] -= factor * (x[n - 1] + x[n + 1])
    return np.array([x[n] for n in range(start, end)])


def expected(plane: Array, low: Array, area: tuple[int, int, int, int], *, reversible: bool) -> Array:
    """2D_SR: interleaving (F.3.3), then rows, then columns (F.3.2)."""
    x0, y0, x1, y1 = area
    low_width, low_height = -(-x1 // 2) - -(-x0 // 2), -(-y1 // 2) - -(-y0 // 2)
    whole = plane[: y1 - y0, : x1 - x0].copy()
    whole[:low_height, :low_width] = low[:low_height, :low_width]
    a = np.empty_like(whole)
    a[y0 % 2 :: 2, x0 % 2 :: 2] = whole[:low_height, :low_width]
    a[y0 % 2 :: 2, 1 - x0 % 2 :: 2] = whole[:low_height, low_width:]
    a[1 - y0 % 2 :: 2, x0 % 2 :: 2] = whole[low_height:, :low_width]
    a[1 - y0 % 2 :: 2, 1 - x0 % 2 :: 2] = whole[low_height:, low_width:]
    rows = np.array([reconstructed(row, x0, reversible=reversible) for row in a])
    return np.array([reconstructed(column, y0, reversible=reversible) for column in rows.T]).T
