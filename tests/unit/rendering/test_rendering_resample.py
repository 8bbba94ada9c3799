"""Other sizes, against the filters' definitions written out in float64 and fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fastdcm.rendering import areas as module
from fastdcm.rendering.resample import resampled

Array = NDArray[Any]
KINDS = [(np.uint8, ()), (np.uint16, ()), (np.uint8, (3,)), (np.uint16, (3,))]
IDS = ["gray 8", "gray 16", "colour 8", "colour 16"]
#: (rows, columns) of the source and of the result.
SHRINK = [
    ((8, 12), (4, 6)),
    ((9, 12), (3, 5)),
    ((31, 17), (30, 16)),
    ((31, 17), (1, 1)),
    ((5, 7), (5, 3)),
    ((5, 7), (2, 7)),
]
ENLARGE = [((4, 6), (8, 12)), ((5, 7), (11, 9)), ((1, 1), (3, 4)), ((5, 7), (5, 15))]


def noise(shape: tuple[int, ...], dtype: Any) -> Array:
    top = np.iinfo(dtype).max
    values = np.random.default_rng(7).integers(0, top + 1, shape, dtype=dtype)
    values[0, 0] = top
    return values


def mean_of_area(values: list[int], start: Fraction, end: Fraction) -> Fraction:
    """Of values that each reach from their index to the next one."""
    overlaps = [
        max(Fraction(0), min(end, Fraction(k + 1)) - max(start, Fraction(k))) for k in range(len(values))
    ]
    return sum((o * v for o, v in zip(overlaps, values, strict=True)), Fraction(0)) / (end - start)


def area_of(plane: list[list[Any]], rows: int, columns: int) -> list[list[int]]:
    """By fractions, one pixel after another."""
    height, width = Fraction(len(plane), rows), Fraction(len(plane[0]), columns)
    along = [[mean_of_area(row, i * width, (i + 1) * width) for i in range(columns)] for row in plane]
    means = [
        [mean_of_area([row[c] for row in along], r * height, (r + 1) * height) for c in range(columns)]  # type: ignore[misc]
        for r in range(rows)
    ]
    return [[int(mean + Fraction(1, 2)) for mean in row] for row in means]


def by_area(pixels: Array, rows: int, columns: int) -> Array:
    planes = pixels.reshape(*pixels.shape[:2], -1)
    found = [area_of(planes[..., n].tolist(), rows, columns) for n in range(planes.shape[2])]
    return np.stack([np.array(plane) for plane in found], -1).reshape(rows, columns, *pixels.shape[2:])


def weights(old: int, new: int, filter: str) -> Array:
    """(new, old) float64: the filter around the middle of each pixel, as wide as what it stands for."""
    stretch = max(1.0, old / new)
    middles = (np.arange(new) + 0.5) * old / new - 0.5
    x = (np.arange(old)[None, :] - middles[:, None]) / stretch
    if filter == "linear":
        found = np.maximum(0, 1 - np.abs(x))
    else:
        found = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    return found / found.sum(1, keepdims=True)


def filtered(pixels: Array, rows: int, columns: int, filter: str) -> Array:
    """Before rounding."""
    planes = pixels.astype(np.float64)
    return np.einsum(
        "rR,cC,RC...->rc...",
        weights(pixels.shape[0], rows, filter),
        weights(pixels.shape[1], columns, filter),
        planes,
    )


def assert_rounded_once(found: Array, expected: Array) -> None:
    """floor(y + 0.5), clipped, but where y is as near to a half as floats of 32 bits come."""
    top = np.iinfo(found.dtype).max
    low, high = (np.clip(np.floor(expected + 0.5 + by), 0, top) for by in (-0.02, 0.02))
    assert ((low <= found) & (found <= high)).all()
    assert (low == high).mean() > 0.75


@pytest.mark.parametrize(("dtype", "samples"), KINDS, ids=IDS)
@pytest.mark.parametrize(("old", "new"), SHRINK)
@pytest.mark.parametrize("asked", [None, "area"])
def test_areas_are_exact(
    asked: Any, old: tuple[int, int], new: tuple[int, int], dtype: Any, samples: tuple[int, ...]
) -> None:
    pixels = noise((*old, *samples), dtype)
    found = resampled(pixels, *new, asked)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, by_area(pixels, *new))


@pytest.mark.parametrize(("old", "new"), ENLARGE)
def test_areas_of_what_grows(old: tuple[int, int], new: tuple[int, int]) -> None:
    pixels = noise(old, np.uint8)
    np.testing.assert_array_equal(resampled(pixels, *new, "area"), by_area(pixels, *new))


def test_the_parts_of_pixels_count() -> None:
    """As Pillow's BOX does not count them."""
    assert resampled(np.array([[0, 90, 0]], np.uint8), 1, 2, None).tolist() == [[30, 30]]


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(0, 1 << 30),
)
def test_areas_of_any_size(sides: tuple[int, int, int, int], dtype: Any, seed: int) -> None:
    rows, columns, *new = sides
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(seed).integers(0, top + 1, (rows, columns), dtype=dtype)
    np.testing.assert_array_equal(resampled(pixels, *new, "area"), by_area(pixels, *new))


@pytest.mark.parametrize(("dtype", "samples"), KINDS, ids=IDS)
def test_large_areas(dtype: Any, samples: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks, with sums beyond 32 bits, and ties, which go up: 0 and 1 in halves."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", 20_000)
    pixels = np.full((700, 900, *samples), np.iinfo(dtype).max, dtype)
    pixels[::2] -= 1
    found = resampled(pixels, 35, 45, None)
    np.testing.assert_array_equal(found, np.full((35, 45, *samples), np.iinfo(dtype).max))
    pixels = noise((700, 900, *samples), dtype)
    means = pixels.reshape(35, 20, 45, 20, *samples).sum((1, 3), dtype=np.int64)
    np.testing.assert_array_equal(resampled(pixels, 35, 45, None), (means + 200) // 400)


@pytest.mark.parametrize(("dtype", "samples"), KINDS, ids=IDS)
@pytest.mark.parametrize(("old", "new"), [*ENLARGE, ((31, 17), (12, 9)), ((40, 30), (39, 60))])
@pytest.mark.parametrize("asked", ["linear", "lanczos"])
def test_filters(
    asked: Any, old: tuple[int, int], new: tuple[int, int], dtype: Any, samples: tuple[int, ...]
) -> None:
    pixels = noise((*old, *samples), dtype)
    found = resampled(pixels, *new, asked)
    assert found.dtype == dtype
    assert_rounded_once(found, filtered(pixels, *new, asked))


def test_lanczos_overshoots_and_is_clipped() -> None:
    pixels = np.repeat(np.array([[0, 0, 255, 255]], np.uint8), 4, 0)
    exact = filtered(pixels, 4, 16, "lanczos")
    assert exact.min() < -5
    assert exact.max() > 260
    assert_rounded_once(resampled(pixels, 4, 16, "lanczos"), exact)


@pytest.mark.parametrize(("dtype", "samples"), KINDS, ids=IDS)
@pytest.mark.parametrize(("old", "new"), ENLARGE)
def test_linear_is_what_grows(
    old: tuple[int, int], new: tuple[int, int], dtype: Any, samples: tuple[int, ...]
) -> None:
    pixels = noise((*old, *samples), dtype)
    np.testing.assert_array_equal(resampled(pixels, *new, None), resampled(pixels, *new, "linear"))


@pytest.mark.parametrize(("dtype", "samples"), KINDS, ids=IDS)
def test_each_axis_by_its_filter(dtype: Any, samples: tuple[int, ...]) -> None:
    """Rows by area, columns by linear, and rounded once."""
    pixels = noise((12, 10, *samples), dtype)
    means = pixels.reshape(4, 3, 10, *samples).mean(1, dtype=np.float64)
    expected = np.einsum("cC,RC...->Rc...", weights(10, 25, "linear"), means)
    assert_rounded_once(resampled(pixels, 4, 25, None), expected)


@pytest.mark.parametrize(("old", "new"), [*SHRINK, *ENLARGE])
def test_nearest(old: tuple[int, int], new: tuple[int, int]) -> None:
    pixels = noise((*old, 3), np.uint16)
    found = resampled(pixels, *new, "nearest")
    for r in range(new[0]):
        for c in range(new[1]):
            middle = [
                int(Fraction(2 * n + 1, 2) * Fraction(o, m)) for n, o, m in zip((r, c), old, new, strict=True)
            ]
            assert (found[r, c] == pixels[middle[0], middle[1]]).all()


def test_the_same_size_is_the_same_picture() -> None:
    pixels = noise((5, 6), np.uint8)
    for asked in (None, "area", "lanczos", "linear", "nearest"):
        assert resampled(pixels, 5, 6, asked) is pixels  # type: ignore[arg-type]


def test_views_are_taken() -> None:
    """As rotation and flip leave them."""
    pixels = noise((9, 14, 3), np.uint8)
    for view in (np.rot90(pixels), pixels[::-1], pixels[:, ::-1], pixels[2:7, 3:9]):
        for asked in (None, "lanczos", "linear", "nearest"):
            expected = resampled(np.ascontiguousarray(view), 4, 5, asked)  # type: ignore[arg-type]
            np.testing.assert_array_equal(resampled(view, 4, 5, asked), expected)  # type: ignore[arg-type]
