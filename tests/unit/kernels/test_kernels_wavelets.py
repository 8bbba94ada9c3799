"""The wavelet kernels are annex F of T.800, at every size and origin, whole and in ranges of rows."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastdcm.kernels import wavelets
from fastdcm.kernels.jit import Kernel
from tests.unit.kernels.annex_f import K, expected

Array = NDArray[Any]

# Otherwise they are compiled as parts of other kernels only.
reversible, irreversible = (
    Kernel(part.py_func, part._signatures) for part in (wavelets.reversible, wavelets.irreversible)
)


def random_level(width: int, height: int, *, reach: int = 1 << 17) -> tuple[Array, Array]:
    """A plane of doubled coefficients, and values of the level below."""
    random = np.random.default_rng(width * 100 + height)
    plane = random.integers(-reach, reach, (height + 1, width + 2)).astype(np.int32)
    return plane, random.integers(-reach, reach, (height // 2 + 2, width // 2 + 3)).astype(np.int32)


def halved(plane: Array) -> Array:
    return np.trunc(plane / 2).astype(np.int64)


def made(kernel: Any, low: Array, plane: Array, area: Any, first: int, end: int, *factors: Array) -> Array:
    """Rows of a level, which lies in ``strip`` behind the one below and before what stays as it is."""
    x0, y0, x1, y1 = area
    width, rows = x1 - x0, wavelets.RING * low.shape[1]
    strip = np.full(rows + wavelets.RING * width + 3, -99, low.dtype)
    strip[: low.size] = low.ravel()
    below = np.array([0, 0, low.shape[1], low.shape[0], 0], np.int64)
    level = np.array([x0 & 1, y0 & 1, width, y1 - y0, rows], np.int64)
    low_height = -(-y1 // 2) - -(-y0 // 2)
    kernel(plane, strip, below, level, *factors, 0, low_height, first, first, end)
    out = strip[rows:-3].reshape(wavelets.RING, width)
    unused = np.delete(out, np.arange(first, end) % wavelets.RING, 0)
    assert (strip[-3:] == -99).all()
    assert (unused == -99).all()
    assert np.array_equal(strip[: low.size], low.ravel())
    return out[np.arange(first, end) % wavelets.RING]


@pytest.mark.parametrize(("x0", "y0"), list(product((0, 1), repeat=2)))
@pytest.mark.parametrize("width", [*range(1, 21), 67])
def test_reversible(width: int, x0: int, y0: int) -> None:
    for height in range(1, 21):
        area = (x0, y0, x0 + width, y0 + height)
        plane, low = random_level(width, height)
        wanted = expected(halved(plane), low.astype(np.int64), area, reversible=True)
        assert np.array_equal(made(reversible, low, plane, area, 0, height), wanted)


@pytest.mark.parametrize(("x0", "y0"), list(product((0, 1), repeat=2)))
@pytest.mark.parametrize("width", [*range(1, 21), 67])
def test_irreversible(width: int, x0: int, y0: int) -> None:
    """In float32, whose last bit is 2^-24 of the greatest number."""
    steps = (0.75, 0.5, 0.3125)
    for height in range(1, 21):
        area = (x0, y0, x0 + width, y0 + height)
        plane, low = random_level(width, height)
        x_low, x_high = (K, 1 / K) if width > 1 else (1, 0.5)
        y_low, y_high = (K, 1 / K) if height > 1 else (1, 0.5)
        # The kernel is told the scaling of the filter, and what rows of one value have instead (F.3.6).
        gains = [x_low * y_low, x_high * y_low, x_low * y_high, x_high * y_high]
        factors = np.array([1, *(step / 2 for step in steps)]) * gains
        real = (plane / 2).astype(np.float64)
        low_width, low_height = -(-area[2] // 2) - -(-x0 // 2), -(-area[3] // 2) - -(-y0 // 2)
        real[:low_height, low_width:] *= steps[0]
        real[low_height:, :low_width] *= steps[1]
        real[low_height:, low_width:] *= steps[2]
        wanted = expected(real, low.astype(np.float64), area, reversible=False)
        found = made(irreversible, low.astype(np.float32), plane, area, 0, height, factors.astype(np.float32))
        assert np.abs(found - wanted).max() < 2e-6 * np.abs(wanted).max() + 1e-6


@pytest.mark.parametrize("y0", [0, 1])
@pytest.mark.parametrize("height", [2, 3, 9, 30])
def test_rows_in_ranges(height: int, y0: int) -> None:
    """A range gives the rows of the whole, but those at its inner edges."""
    area = (3, y0, 3 + 21, y0 + height)
    plane, low = random_level(21, height)
    factors = np.array([1.5, 0.5, 0.25, 0.125], np.float32)
    for kernel, steps, below, more in (
        (reversible, wavelets.REVERSIBLE_STEPS, low, ()),
        (irreversible, wavelets.IRREVERSIBLE_STEPS, low.astype(np.float32), (factors,)),
    ):
        whole = made(kernel, below, plane, area, 0, height, *more)
        for first, end in product(range(height), range(1, height + 1)):
            if end > first:
                from_, to = max(0, first - steps), min(height, end + steps)
                part = made(kernel, below, plane, area, from_, to, *more)
                assert np.array_equal(part[first - from_ : end - from_], whole[first:end])


def test_compiled_is_python() -> None:
    area = (1, 0, 12, 9)
    plane, low = random_level(11, 9, reach=500)
    factors = np.array([1.5, 0.5, 0.25, 0.125], np.float32)
    compiled = made(reversible, low, plane, area, 0, 9)
    assert np.array_equal(made(reversible.py_func, low, plane, area, 0, 9), compiled)
    real = low.astype(np.float32)
    compiled = made(irreversible, real, plane, area, 0, 9, factors)
    assert np.array_equal(made(irreversible.py_func, real, plane, area, 0, 9, factors), compiled)
