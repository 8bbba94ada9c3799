"""Areas by kernel, in Python and by NumPy; and of pictures that a decoder has halved."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fastdcm.kernels.areas import area_means, regular_means
from fastdcm.model import Halved
from fastdcm.rendering import areas
from fastdcm.rendering.areas import means, shares_of, shrunk
from tests.payoffs import Fixed

Array = NDArray[Any]


@pytest.mark.parametrize("halved", [None, Halved(1, "5/3", -0.5, 0.5), Halved(2, "9/7", -1.5, 0.5)], ids=str)
@pytest.mark.parametrize("samples", [(), (3,)], ids=["gray", "colour"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_compiled_is_python_is_numpy(
    dtype: Any, samples: tuple[int, ...], halved: Halved | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.random.default_rng(3).integers(0, np.iinfo(dtype).max + 1, (37, 23, *samples), dtype=dtype)
    times = halved.times if halved else 0
    whole = (37 << times, (23 << times) - times)
    found = []
    for compiled in (False, True):
        monkeypatch.setattr(areas, "_PAYOFF", Fixed(compiled))
        found.append(shrunk(pixels, 17, 19, halved, of=whole))
    monkeypatch.setattr("fastdcm.kernels.areas.area_means", area_means.py_func)
    found.append(shrunk(pixels, 17, 19, halved, of=whole))
    assert found[0].dtype == dtype
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def overlaps(whole: int, old: int, new: int, times: int, start: Fraction) -> list[list[Fraction]]:
    """Of each new pixel the parts of it that lie in each old one; the outermost ones reach to the edges."""
    edges = [start + Fraction(k << times) for k in range(old + 1)]
    edges[0], edges[-1] = min(edges[0], Fraction(0)), max(edges[-1], Fraction(whole))
    size = Fraction(whole, new)
    parts = []
    for y in range(new):
        covered = [min(below, (y + 1) * size) - max(above, y * size) for above, below in pairwise(edges)]
        parts.append([max(part, Fraction(0)) / size for part in covered])
    return parts


@given(st.integers(1, 60), st.integers(1, 3), st.integers(1, 40), st.integers(0, 7), st.integers(0, 1 << 30))
def test_shares_are_overlaps(whole: int, times: int, new: int, offset: int, seed: int) -> None:
    """Of a wavelet's low-pass band, whose image may start anywhere on the reference grid."""
    first, behind = -(-offset >> times), -(-(offset + whole) >> times)
    if behind == first:
        return
    start = Fraction((first << times) - offset) + Fraction(1, 2) - Fraction(1 << times, 2)
    halved = Halved(times, "5/3", float(start), float(start))
    old = behind - first
    values = np.random.default_rng(seed).integers(0, 1000, (old, 1))
    found = means(values, new, 1, Halved(times, "5/3", halved.top, 0.0), of=(whole, 1 << times))
    for y, row in enumerate(overlaps(whole, old, new, times, start)):
        # What lies before the first edge counts to the first value.
        expected = sum(part * int(value) for part, value in zip(row, values[:, 0], strict=True))
        assert found[y, 0] == pytest.approx(float(expected), abs=1e-9), (y, row)
    down, _ = shares_of(values.shape, new, 1, halved, (whole, 1))
    assert (down.shares.sum(1) == down.total).all()


def test_a_ramp_is_not_shifted() -> None:
    """Samples of a low-pass band are those at even places: areas of a ramp are what they are of all of it."""
    whole = np.add.outer(8 * np.arange(64), 4 * np.arange(96)).astype(np.uint16)
    for times in (1, 2):
        step, start = 1 << times, 0.5 - (1 << times) / 2
        low = np.ascontiguousarray(whole[::step, ::step])
        found = shrunk(low, 16, 24, Halved(times, "5/3", start, start), of=whole.shape)
        expected = shrunk(whole, 16, 24)
        np.testing.assert_array_equal(found[:-1, :-1], expected[:-1, :-1])
        unshifted = shrunk(low, 16, 24)
        assert np.abs(unshifted.astype(int) - expected).min() > 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("shape", "sides", "halved"),
    [
        ((64, 48), (16, 12), None),  # whole squares
        ((64, 48), (32, 32), None),  # two and a half columns a pixel: no stride
        ((61, 41), (61, 41), Halved(2, "5/3", -1.5, -1.5)),  # as many, half a sample beside
        ((60, 40), (30, 20), Halved(1, "9/7", -0.5, -0.5)),
    ],
    ids=str,
)
def test_many_at_once_is_one_by_one(
    shape: tuple[int, int], sides: tuple[int, int], halved: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where columns begin at a stride, in float32: the same as in whole numbers, at their ends, too."""
    monkeypatch.setattr(areas, "_PAYOFF", Fixed(True))
    calls = []
    monkeypatch.setattr(
        "fastdcm.kernels.areas.regular_means",
        lambda *arguments: calls.append(len(arguments)) or regular_means(*arguments),
    )
    top = np.iinfo(dtype).max
    whole = tuple(side << (halved.times if halved else 0) for side in shape)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        pixels = rng.integers(0, top + 1, shape, dtype=dtype) if seed else np.full(shape, top, dtype)
        found = shrunk(pixels, *sides, halved, of=whole)
        down, across = shares_of(shape, *sides, halved, whole)
        weights = []
        for part, old in ((down, shape[0]), (across, shape[1])):
            weight = np.zeros((len(part.firsts), old + part.shares.shape[1]), np.int64)
            for y, (first, shares) in enumerate(zip(part.firsts, part.shares, strict=True)):
                weight[y, first : first + len(shares)] = shares
            weights.append(weight[:, :old])
        total = down.total * across.total
        sums = weights[0] @ pixels.astype(np.int64) @ weights[1].T
        np.testing.assert_array_equal(found, (2 * sums + total) // (2 * total))
        if seed == 3:
            monkeypatch.setattr("fastdcm.kernels.areas.regular_means", regular_means.py_func)
            np.testing.assert_array_equal(shrunk(pixels, *sides, halved, of=whole), found)
    assert len(calls) == (4 if across.stride else 0)
    assert (across.stride > 0) == (sides != (32, 32))


@pytest.mark.parametrize("endless", [np.nan, np.inf, -np.inf], ids=str)
def test_only_means_of_what_has_no_number_have_none(endless: float) -> None:
    """Of 8 rows, 3 cover the rows 0 to 2, 2 to 5 and 5 to 7: also what one does not cover is looked at."""
    values = np.arange(64.0).reshape(8, 8)
    values[3, 4] = endless
    found = means(values, 3, 3)
    expected = np.zeros((3, 3), bool)
    expected[1, 1] = True
    np.testing.assert_array_equal(~np.isfinite(found), expected)
    values[3, 4] = 28
    np.testing.assert_allclose(found[~expected], means(values, 3, 3)[~expected], rtol=1e-14)
