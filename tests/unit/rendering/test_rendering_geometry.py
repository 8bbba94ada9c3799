"""Sizes to the pixel, parts, orientation, black regions; NumPy and Pillow are what they are compared with."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fastdcm.errors import RenderError
from fastdcm.model import Header, Region
from fastdcm.options import GeometryOptions
from fastdcm.rendering.fitting import arrangement, resized
from fastdcm.rendering.geometry import arranged, blacked_out, is_label_map, kept

Array = NDArray[Any]
PIXELS = np.arange(6 * 9, dtype=np.uint8).reshape(6, 9)
COLOUR = np.arange(6 * 9 * 3, dtype=np.uint16).reshape(6, 9, 3) * 401


def arrange(
    pixels: Array, *, aspect: Any = None, labels: bool = False, most: int = 1 << 29, **asked: Any
) -> Array:
    if "crop" in asked:
        asked["crop"] = Region(*asked["crop"])
    aspect = None if aspect is None else Fraction(aspect)
    options = GeometryOptions(**asked)
    how = arrangement((pixels.shape[0], pixels.shape[1]), options, aspect)
    return arranged(pixels, how, options, labels=labels, max_pixels=most)


#: (rows, columns), aspect, what is asked -> (rows, columns), by hand.
SIZES: list[tuple[tuple[int, int], Any, dict[str, Any], tuple[int, int]]] = [
    ((512, 512), None, {"size": 256}, (256, 256)),
    ((512, 512), None, {"size": 600}, (512, 512)),
    ((512, 512), None, {"size": 512}, (512, 512)),
    ((512, 512), None, {"size": 600, "enlarge": True}, (600, 600)),
    ((480, 640), None, {"size": 100}, (75, 100)),
    ((640, 480), None, {"size": 100}, (100, 75)),
    ((480, 640), None, {"size": (100, 100)}, (75, 100)),
    ((480, 640), None, {"size": (60, 100)}, (60, 80)),
    ((480, 640), None, {"size": (1000, 64)}, (48, 64)),
    ((480, 640), None, {"size": (480, 10_000)}, (480, 640)),
    ((480, 640), None, {"size": (960, 10_000), "enlarge": True}, (960, 1280)),
    # 3 x 100 / 200 = 1.5 is 2, 5 x 10 / 20 = 2.5 is 3: halves go up, to even and odd numbers.
    ((3, 200), None, {"size": 100}, (2, 100)),
    ((5, 20), None, {"size": 10}, (3, 10)),
    ((333, 1000), None, {"size": 100}, (33, 100)),
    ((335, 1000), None, {"size": 100}, (34, 100)),
    # What would be 0 is 1.
    ((1, 1000), None, {"size": 100}, (1, 100)),
    ((1000, 1), None, {"size": 1}, (1, 1)),
    ((512, 512), None, {"scale": 0.0001}, (1, 1)),
    ((512, 512), None, {"scale": 0.5}, (256, 256)),
    ((511, 3), None, {"scale": 0.5}, (256, 2)),
    ((10, 10), None, {"scale": 0.25}, (3, 3)),
    ((15, 35), None, {"scale": 0.1}, (2, 4)),  # 0.1 in binary is more than 1.5, less than 3.5 would be 3
    ((15, 35), None, {"scale": 0.7}, (11, 25)),  # 10.5 and 24.5, of which floats make less
    ((512, 512), None, {"scale": 2}, (1024, 1024)),
    # The coarser axis grows.
    ((40, 61), "2", {}, (80, 61)),
    ((40, 61), "1/2", {}, (40, 122)),
    ((40, 61), "4/3", {}, (53, 61)),
    ((45, 61), "1.1", {}, (50, 61)),  # 49.5
    ((40, 61), "1", {}, (40, 61)),
    ((40, 60), "2", {"scale": 0.5}, (40, 30)),
    ((40, 60), "2", {"size": 40}, (40, 30)),
    ((40, 60), "2", {"size": 1000}, (80, 60)),
    ((40, 60), "1/2", {"size": (1000, 60)}, (20, 60)),
    ((40, 60), "2", {"size": 160, "enlarge": True}, (160, 120)),
]


@pytest.mark.parametrize(("old", "aspect", "asked", "new"), SIZES, ids=str)
def test_sizes(old: tuple[int, int], aspect: Any, asked: dict[str, Any], new: tuple[int, int]) -> None:
    found = resized(old, GeometryOptions(**asked), None if aspect is None else Fraction(aspect))
    assert found == new
    assert arrange(np.zeros(old, np.uint8), aspect=aspect, **asked).shape == new


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 5000), st.booleans())
def test_what_fits(rows: int, columns: int, high: int, wide: int, enlarge: bool) -> None:
    """Both sides fit, one of them exactly, and the other one could not be nearer to the aspect."""
    found = resized((rows, columns), GeometryOptions(size=(high, wide), enlarge=enlarge))
    if not enlarge and rows <= high and columns <= wide:
        assert found == (rows, columns)
        return
    assert found[0] <= high
    assert found[1] <= wide
    assert found[0] == high or found[1] == wide
    exact = (Fraction(rows * wide, columns), Fraction(wide))
    if exact[0] > high:
        exact = (Fraction(high), Fraction(columns * high, rows))
    assert found == tuple(max(1, math.floor(side + Fraction(1, 2))) for side in exact)


@pytest.mark.parametrize("pixels", [PIXELS, COLOUR], ids=["gray", "colour"])
@pytest.mark.parametrize("crop", [(0, 0, 9, 6), (2, 1, 4, 3), (8, 5, 1, 1), (0, 5, 9, 1)], ids=str)
def test_crop(crop: tuple[int, int, int, int], pixels: Array) -> None:
    x, y, width, height = crop
    found = arrange(pixels, crop=crop)
    assert found.shape[:2] == (height, width)
    for row, column in product(range(height), range(width)):
        assert (found[row, column] == pixels[y + row, x + column]).all()


@pytest.mark.parametrize(
    "crop", [(0, 0, 10, 6), (0, 0, 9, 7), (9, 0, 1, 1), (0, 6, 1, 1), (1, 0, 9, 6), (100, 100, 5, 5)], ids=str
)
def test_a_crop_that_is_not_in_the_image(crop: tuple[int, int, int, int]) -> None:
    words = r"the region .* is not all in the image, which is 9 x 6 \(width x height\)"
    with pytest.raises(RenderError, match=words):
        arrange(PIXELS, crop=crop)


#: Pillow turns counter-clockwise.
TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
FLIPS = {"h": Image.Transpose.FLIP_LEFT_RIGHT, "v": Image.Transpose.FLIP_TOP_BOTTOM}


@pytest.mark.parametrize("flip", [None, "h", "v"])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_orientation(rotate: Any, flip: Any) -> None:
    """Rotation, then the flip: the other way round is another picture for 90 and 270 degrees."""
    expected = Image.fromarray(PIXELS)
    for turn in ([TURNS[rotate]] if rotate else []) + ([FLIPS[flip]] if flip else []):
        expected = expected.transpose(turn)
    found = arrange(PIXELS, rotate=rotate, flip=flip)
    np.testing.assert_array_equal(found, np.asarray(expected))
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(
        arrange(COLOUR, rotate=rotate, flip=flip)[..., 1],
        arrange(np.ascontiguousarray(COLOUR[..., 1]), rotate=rotate, flip=flip),
    )


def test_clockwise() -> None:
    assert arrange(np.array([[1, 2], [3, 4]], np.uint8), rotate=90).tolist() == [[3, 1], [4, 2]]


def test_order() -> None:
    """A part of the source, turned, then mirrored, then resized to what was asked of the result."""
    part = PIXELS[1:5, 2:8]
    turned = np.array([[part[3 - column, row] for column in range(4)] for row in range(6)])[:, ::-1]
    found = arrange(PIXELS, crop=(2, 1, 6, 4), rotate=90, flip="h", size=(3, 100))
    # Means of four, halves rounded up.
    np.testing.assert_array_equal(found, (turned.reshape(3, 2, 2, 2).sum((1, 3)) + 2) // 4)
    assert found.shape == (3, 2)


@pytest.mark.parametrize(("rotate", "shape"), [(0, (12, 9)), (90, (9, 12)), (180, (12, 9)), (270, (9, 12))])
def test_the_aspect_turns_with_the_picture(rotate: Any, shape: tuple[int, int]) -> None:
    assert arrange(PIXELS, aspect=2, rotate=rotate).shape == shape


def test_labels_are_not_mixed() -> None:
    labels = np.where(np.indices((40, 40)).sum(0) % 2, 200, 0).astype(np.uint8)
    assert set(np.unique(arrange(labels, size=13, labels=True))) == {0, 200}
    assert set(np.unique(arrange(labels, scale=1.7, labels=True))) == {0, 200}
    assert set(np.unique(arrange(labels, size=20))) == {100}
    # Who asks for a filter gets it.
    assert set(np.unique(arrange(labels, size=20, labels=True, resample="area"))) == {100}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"bits_stored": 1}, True),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.66.7"}, True),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.66.4"}, False),
    ],
    ids=str,
)
def test_label_maps(changes: dict[str, Any], expected: bool) -> None:
    """Fractional segmentations (66.4, 8 bits) are probabilities, which have means."""
    header = Header("1.2", 1, 1, 1, 1, "MONOCHROME2", 0, 8, 8, 7, 0)
    assert is_label_map(header.changed(**changes)) is expected


def test_limit() -> None:
    assert arrange(PIXELS, scale=10, most=5400).shape == (60, 90)
    with pytest.raises(RenderError, match="90 x 60 pixels, which exceeds the limit of 5399"):
        arrange(PIXELS, scale=10, most=5399)
    with pytest.raises(RenderError, match="exceeds the limit"):
        arrange(PIXELS, aspect=Fraction("1e-300"))
    assert arrange(PIXELS, most=1, rotate=90).shape == (9, 6)


@pytest.mark.parametrize(
    ("asked", "unchanged"),
    [
        ({}, True),
        ({"size": 9}, True),
        ({"size": 100}, True),
        ({"crop": Region(0, 0, 9, 6)}, True),
        ({"scale": 1.0}, True),
        ({"resample": "lanczos", "size": 9}, True),
        ({"size": 8}, False),
        ({"size": 100, "enlarge": True}, False),
        ({"crop": Region(0, 0, 8, 6)}, False),
        ({"scale": 1.1}, False),
        ({"rotate": 180}, False),
        ({"flip": "h"}, False),
    ],
    ids=str,
)
def test_unchanged(asked: dict[str, Any], unchanged: bool) -> None:
    assert arrangement((6, 9), GeometryOptions(**asked)).is_identity is unchanged
    assert not arrangement((6, 9), GeometryOptions(**asked), Fraction(3, 2)).is_identity


def test_the_result_is_its_own() -> None:
    pixels = PIXELS.copy()
    for asked in ({}, {"crop": (0, 1, 9, 2)}, {"rotate": 180}, {"size": 3}):
        assert not np.shares_memory(arrange(pixels, **asked), pixels)


def test_masks() -> None:
    """Display values 0, clipped to the image; the source stays as it is."""
    for pixels in (PIXELS + 1, COLOUR + 1):
        before = pixels.copy()
        pixels.flags.writeable = False
        masks = [Region(1, 1, 2, 3), Region(-5, -5, 6, 6), Region(8, 5, 100, 100), Region(9, 0, 1, 1)]
        found, outside = blacked_out(pixels, [*masks, Region(-3, 0, 3, 6)])
        np.testing.assert_array_equal(pixels, before)
        for row, column in product(range(6), range(9)):
            hidden = (1 <= row <= 3 and 1 <= column <= 2) or (row, column) in {(0, 0), (5, 8)}
            assert (found[row, column] == (0 if hidden else pixels[row, column])).all()
        assert outside == [Region(9, 0, 1, 1), Region(-3, 0, 3, 6)]


def test_kept() -> None:
    for pixels in (PIXELS + 1, COLOUR + 1):
        found = kept(pixels, [Region(1, 1, 2, 3), Region(8, 5, 100, 100), Region(50, 0, 1, 1)])
        for row, column in product(range(6), range(9)):
            shown = (1 <= row <= 3 and 1 <= column <= 2) or (row, column) == (5, 8)
            assert (found[row, column] == (pixels[row, column] if shown else 0)).all()


def test_nothing_to_keep() -> None:
    with pytest.raises(RenderError, match=r"no region to be kept lies in the image, which is 9 x 6"):
        kept(PIXELS, [Region(9, 0, 5, 5)])
