"""Rotation, flip and displayed area (PS3.3 C.10.4, C.10.6), pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.presentation.placing import Placing, placed, plan_placing
from fastdcm.presentation.state import Area, References

ROWS, COLUMNS = 4, 6
PIXELS = np.arange(1, ROWS * COLUMNS + 1, dtype=np.uint8).reshape(ROWS, COLUMNS)
TURNS = [(rotation, flip) for rotation in (0, 90, 180, 270) for flip in (False, True)]
MOST = 1 << 20


def _area(top_left: tuple[int, int], bottom_right: tuple[int, int], *more: Any) -> Area:
    return Area(References(), top_left, bottom_right, *more)


def _turned(pixels: NDArray[Any], rotation: int, flip: bool) -> NDArray[Any]:
    """Clockwise by 90 degrees at a time, then left becomes right."""
    for _ in range(rotation // 90):
        rows, columns = pixels.shape[:2]
        other = np.empty((columns, rows, *pixels.shape[2:]), pixels.dtype)
        for row in range(rows):
            for column in range(columns):
                other[column, rows - 1 - row] = pixels[row, column]
        pixels = other
    return pixels[:, ::-1] if flip else pixels


@pytest.mark.parametrize(("rotation", "flip"), TURNS)
@pytest.mark.parametrize("colors", [False, True])
def test_turned(rotation: int, flip: bool, colors: bool) -> None:
    pixels = np.stack([PIXELS] * 3, axis=2) if colors else PIXELS
    placing = plan_placing((ROWS, COLUMNS), rotation, flip, None, None, MOST)
    assert np.array_equal(placed(pixels, placing), _turned(pixels, rotation, flip))


@pytest.mark.parametrize(("rotation", "flip"), TURNS)
def test_places_follow_their_pixels(rotation: int, flip: bool) -> None:
    area = _area((2, 2), (5, 4), "MAGNIFY", (1.0, 1.0), False, 3.0)
    placing = plan_placing((ROWS, COLUMNS), rotation, flip, area, None, MOST)
    shown = placed(np.repeat(PIXELS[..., None], 3, axis=2), placing._replace(view=_unscaled(placing)))
    for row in range(ROWS):
        for column in range(COLUMNS):
            x, y = (part / 3 for part in placing.view.of_image((column + 0.5, row + 0.5)))
            inside = 0 <= x < shown.shape[1] and 0 <= y < shown.shape[0]
            assert inside == (1 <= column <= 4 and 1 <= row <= 3)
            if inside:
                assert shown[int(y), int(x), 0] == PIXELS[row, column]


def _unscaled(placing: Placing) -> Any:
    left, upper, right, lower = placing.box
    return placing.view.scaled(right - left, lower - upper)


@pytest.mark.parametrize(("rotation", "flip"), TURNS)
def test_an_area_has_its_corners_after_the_turn(rotation: int, flip: bool) -> None:
    """C.10.4: the top left pixel after the transformation, by its place in the image before it."""
    turned = _turned(PIXELS, rotation, flip)
    expected = turned[1:3, 1:4]
    (top,), (left,) = np.nonzero(expected[0, 0] == PIXELS)
    (bottom,), (right,) = np.nonzero(expected[-1, -1] == PIXELS)
    area = _area((int(left) + 1, int(top) + 1), (int(right) + 1, int(bottom) + 1))
    placing = plan_placing((ROWS, COLUMNS), rotation, flip, area, None, MOST)
    assert np.array_equal(placed(PIXELS, placing), expected)


def test_an_area_may_go_beyond_the_image() -> None:
    for box in [
        ((-1, 0), (3, 2)),
        ((5, 3), (9, 6)),
        ((-9, -9), (-5, -5)),
        ((20, 1), (21, 4)),
        ((1, 9), (6, 9)),
    ]:
        (left, top), (right, bottom) = box
        wide = np.pad(PIXELS, 40)
        expected = wide[top + 39 : bottom + 40, left + 39 : right + 40]
        placing = plan_placing((ROWS, COLUMNS), 0, False, _area(*box), None, MOST)
        assert np.array_equal(placed(PIXELS, placing), expected)


def test_corners_that_were_not_turned_name_the_same_area() -> None:
    swapped = _area((5, 4), (2, 2))
    placing = plan_placing((ROWS, COLUMNS), 0, False, swapped, None, MOST)
    assert np.array_equal(placed(PIXELS, placing), PIXELS[1:4, 1:5])


@pytest.mark.parametrize(
    ("mode", "size", "spacing", "rotation", "expected"),
    [
        # (vertical, horizontal) sizes of a pixel; the smaller one decides, nothing gets lost.
        ("SCALE TO FIT", (1.0, 1.0), None, 0, (6, 4)),
        ("SCALE TO FIT", (2.0, 1.0), None, 0, (6, 8)),
        ("SCALE TO FIT", (1.0, 2.0), None, 0, (12, 4)),
        ("SCALE TO FIT", (2.0, 1.0), None, 90, (8, 6)),
        ("MAGNIFY", (1.0, 1.0), None, 0, (3, 2)),
        ("MAGNIFY", (2.0, 1.0), None, 0, (3, 4)),
        ("TRUE SIZE", (0.5, 0.25), None, 0, (6, 8)),
        ("TRUE SIZE", (0.5, 0.25), 0.25, 0, (6, 8)),
        ("TRUE SIZE", (0.5, 0.25), 0.1, 0, (15, 20)),
        ("TRUE SIZE", (0.5, 0.25), 0.1, 270, (20, 15)),
        ("TRUE SIZE", (0.2, 0.2), 100.0, 0, (1, 1)),
    ],
)
def test_sizes(
    mode: str,
    size: tuple[float, float],
    spacing: float | None,
    rotation: int,
    expected: tuple[int, int],
) -> None:
    area = _area((1, 1), (COLUMNS, ROWS), mode, size, mode == "TRUE SIZE", 0.5)
    placing = plan_placing((ROWS, COLUMNS), rotation, False, area, spacing, MOST)
    assert placing.view.size == expected
    assert placed(PIXELS, placing).shape == expected[::-1]
    far = (COLUMNS, ROWS)
    corners = sorted([placing.view.of_image((0, 0)), placing.view.of_image(far)])
    assert np.allclose((min(x for x, _ in corners), min(y for _, y in corners)), 0)
    assert np.allclose((max(x for x, _ in corners), max(y for _, y in corners)), expected)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_fewer_pixels_are_means_of_areas(kind: type[Any]) -> None:
    pixels = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * (10 if kind == np.uint8 else 2000)).astype(
        kind
    )
    area = _area((1, 1), (COLUMNS, ROWS), "MAGNIFY", (1.0, 1.0), False, 0.5)
    placing = plan_placing((ROWS, COLUMNS), 0, False, area, None, MOST)
    means = pixels.reshape(ROWS // 2, 2, COLUMNS // 2, 2).mean(axis=(1, 3))
    for found in (placed(pixels, placing), placed(np.stack([pixels] * 3, 2), placing)[..., 1]):
        assert found.dtype == kind
        assert np.abs(found - means).max() <= 0.5


def test_a_plane_that_is_resized_says_how_much_is_covered() -> None:
    plane = np.zeros((ROWS, COLUMNS), bool)
    plane[0, :3] = True
    area = _area((1, 1), (COLUMNS, ROWS), "MAGNIFY", (1.0, 1.0), False, 0.5)
    found = placed(plane, plan_placing((ROWS, COLUMNS), 0, False, area, None, MOST))
    assert found.tolist() == [[128, 64, 0], [0, 0, 0]]


def test_too_large_an_area_is_refused() -> None:
    area = _area((1, 1), (2**31 - 1, 2**31 - 1))
    with pytest.raises(RenderError, match=r"the displayed area has .*more than 1048576 are not shown"):
        plan_placing((ROWS, COLUMNS), 0, False, area, None, MOST)
    small = _area((1, 1), (2, 2), "MAGNIFY", (1.0, 1.0), False, 1e9)
    with pytest.raises(RenderError, match="are not shown"):
        plan_placing((ROWS, COLUMNS), 0, False, small, None, MOST)
