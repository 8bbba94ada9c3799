"""Display shutters (PS3.3 C.7.6.11): pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from fastdcm.presentation.shutters import hidden
from fastdcm.presentation.state import Shutter

SHAPE = (20, 30)


def _visible(shutter: Shutter, bitmap: np.ndarray | None = None, ratio: float = 1.0) -> set[tuple[int, int]]:
    """(row, column) from 1 of what is not hidden."""
    return {(row + 1, column + 1) for row, column in np.argwhere(~hidden(shutter, SHAPE, bitmap, ratio))}


def _all() -> set[tuple[int, int]]:
    return {(row, column) for row in range(1, 21) for column in range(1, 31)}


def test_rectangle() -> None:
    expected = {(row, column) for row, column in _all() if 3 <= column <= 8 and 5 <= row <= 6}
    assert _visible(Shutter(rectangle=(3, 8, 5, 6))) == expected
    # As many write an open one.
    assert _visible(Shutter(rectangle=(1, 30, 1, 20))) == _all()
    assert _visible(Shutter(rectangle=(0, 31, 0, 21))) == _all()


@pytest.mark.parametrize("ratio", [1.0, 2.0, 0.5])
def test_the_radius_counts_pixels_along_a_row(ratio: float) -> None:
    expected = {(r, c) for r, c in _all() if ((r - 9) * ratio) ** 2 + (c - 14) ** 2 <= 36}
    assert _visible(Shutter(circle=(9, 14, 6)), ratio=ratio) == expected
    assert (9, 20) in expected
    assert ((15, 14) in expected) == (ratio <= 1)


def test_polygon() -> None:
    # A triangle with a vertical, a horizontal and a slanting edge, all of which are visible.
    expected = {(r, c) for r, c in _all() if r <= 15 and c >= 5 and (r - 5) >= (c - 5)}
    assert _visible(Shutter(polygon=((5, 5), (15, 5), (15, 15)))) == expected


def test_of_several_shapes_the_least_is_visible() -> None:
    bitmap = np.zeros(SHAPE, bool)
    bitmap[10] = True
    shapes = [
        (Shutter(rectangle=(3, 20, 2, 19)), None),
        (Shutter(circle=(9, 14, 8)), None),
        (Shutter(polygon=((1, 1), (20, 1), (20, 30))), None),
        (Shutter(), bitmap),
    ]
    together = Shutter((3, 20, 2, 19), (9, 14, 8), ((1, 1), (20, 1), (20, 30)))
    alone = [_visible(shutter, plane) for shutter, plane in shapes]
    assert _visible(together, bitmap) == set.intersection(*alone)
    assert len(_visible(together, bitmap)) > 10


def test_far_outside() -> None:
    assert _visible(Shutter(circle=(-(2**31), 2**31, 5))) == set()
    assert _visible(Shutter(rectangle=(-(2**31), 2**31, -(2**31), 2**31))) == _all()
