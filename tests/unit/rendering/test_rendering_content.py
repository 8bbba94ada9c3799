"""The box of content: borders, background, marks and frames are none of it, wherever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastdcm.model import Region
from fastdcm.rendering.content import content_box

Array = NDArray[Any]
ROWS, COLUMNS = 1500, 1000
#: Side of a cell: the longest side has 500 of them.
SIDE = 3


def breast(noise: int = 3) -> Array:
    """An ellipse at the left edge whose rim fades, on noisy black."""
    y, x = np.mgrid[:ROWS, :COLUMNS]
    distance = np.hypot((y - 700) / 450, x / 600)
    shown = np.clip((1.05 - distance) * 4, 0, 1) * 150
    random = np.random.default_rng(3)
    return np.clip(shown + random.integers(0, noise + 1, shown.shape), 0, 255).astype(np.uint8)


def assert_is(found: Region, left: float, top: float, right: float, bottom: float, off: int) -> None:
    edges = (found.x, found.y, found.x + found.width, found.y + found.height)
    assert np.abs(np.array(edges) - (left, top, right, bottom)).max() <= off, found


EXPECTED = (0, 700 - 1.05 * 450, 1.05 * 600, 700 + 1.05 * 450)


def letters(shown: Array) -> Array:
    """An R of strokes in the upper right corner, a line of text below."""
    shown[60:160, 850:865] = 255
    shown[60:75, 850:920] = 255
    shown[105:120, 850:920] = 255
    shown[60:160, 905:920] = 255
    shown[1400:1412, 600:960:2] = 230
    return shown


def marker(shown: Array) -> Array:
    shown[80:180, 860:960] = 240  # a plate of lead
    return shown


def framed(shown: Array) -> Array:
    shown[:9], shown[-9:], shown[:, :9], shown[:, -9:] = 255, 255, 255, 255
    return shown


def collimated(shown: Array) -> Array:
    """White all around, but for the left, of different thickness."""
    shown[:100], shown[-200:], shown[:, -150:] = 255, 255, 255
    return shown


def edge_of_collimator(shown: Array) -> Array:
    shown[100:1400, 960:968] = 200
    return shown


@pytest.mark.parametrize("change", [letters, marker, collimated, edge_of_collimator])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_what_is_no_content(change: Any, turn: int) -> None:
    shown = np.rot90(change(breast()), turn)
    found = np.zeros(shown.shape, bool)
    box = content_box(np.ascontiguousarray(shown))
    found[box.y : box.y + box.height, box.x : box.x + box.width] = True
    rows, columns = (np.flatnonzero(np.rot90(found, -turn).any(axis=axis)) for axis in (1, 0))
    left, top, right, bottom = EXPECTED
    upright = Region(int(columns[0]), int(rows[0]), len(columns), len(rows))
    # The rim fades out over a twentieth of the radius, and a cell more is taken.
    assert_is(upright, left, top, right, bottom, 30)
    assert upright.x == 0


def test_a_frame_all_around() -> None:
    found = content_box(framed(breast()))
    assert_is(found, 9, *EXPECTED[1:], 30)


def test_several_parts_are_content() -> None:
    shown = np.zeros((600, 800), np.uint8)
    shown[100:400, 60:300], shown[150:500, 420:700] = 120, 90
    assert_is(content_box(shown), 60, 100, 700, 500, 4)
    shown[420:500, 60:110] = 255  # a mark of an eighteenth of the area
    shown[530:590, 740:790] = 255
    assert_is(content_box(shown), 60, 100, 700, 500, 4)


def test_tips_that_are_thin() -> None:
    shown = np.zeros((500, 500), np.uint8)
    shown[100:400, 100:300] = 100
    shown[248:252, 300:308] = 100  # thinner than a fiftieth
    assert content_box(shown) == Region(100, 100, 208, 300)


def test_grey_background() -> None:
    shown = np.random.default_rng(2).integers(38, 44, (512, 400)).astype(np.uint8)
    shown[200:300, 100:350] = 160
    assert_is(content_box(shown), 100, 200, 350, 300, 2)


def test_colour() -> None:
    shown = np.zeros((300, 400, 3), np.uint8)
    shown[50:200, 100:380, 2] = 90
    assert_is(content_box(shown), 100, 50, 380, 200, 2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3), (60, 90), (700, 513), (700, 513, 3)])
@pytest.mark.parametrize("level", [0, 7, 255])
def test_pictures_of_one_grey_are_content(shape: tuple[int, ...], level: int) -> None:
    box = content_box(np.full(shape, level, np.uint8))
    assert box == Region(0, 0, shape[1], shape[0])


def test_all_over() -> None:
    shown = np.random.default_rng(1).integers(60, 200, (1023, 700)).astype(np.uint8)
    assert content_box(shown) == Region(0, 0, 700, 1023)


def test_boxes_lie_in_the_picture() -> None:
    random = np.random.default_rng(7)
    for _ in range(60):
        rows, columns = random.integers(1, 700, 2)
        shown = np.zeros((rows, columns), np.uint8)
        for _ in range(random.integers(0, 4)):
            top, left = random.integers(0, rows), random.integers(0, columns)
            high, wide = random.integers(1, 300, 2)
            shown[top : top + high, left : left + wide] = random.integers(1, 256)
        box = content_box(shown)
        assert box.x >= 0
        assert box.y >= 0
        assert 0 < box.width <= columns - box.x
        assert 0 < box.height <= rows - box.y
