"""``crop="content"`` of radiographs, against the largest part above Otsu's threshold, found another way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

import fastdcm
from fastdcm.model import Region
from fastdcm.rendering.content import content_box
from tests.corpus.reading import files

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom says much about these files

Array = NDArray[Any]
MODALITIES = ("CR", "DX", "MG", "PX", "RF", "RG", "XA")
#: Boxes that were looked at: (left, top, right, bottom). A breast without a fold that is parted from it, jaws
#: without the black around them, a leg and the edges of collimators without white sides, a round field.
SEEN = {
    "fo-dicom__GH133.dcm": (1164, 0, 2394, 2250),
    "fo-dicom__CR-ModalitySequenceLUT.dcm": (72, 620, 1928, 1504),
    "dicom-test-files__RG3_UNC": (384, 0, 1356, 1760),
    "fo-dicom__HasFragmentSequence.dcm": (21, 0, 493, 475),
}
#: Parts of the longest side by which boxes may differ.
NEAR = 0.015
#: Cells of the longest side in which the oracle works.
CELLS = 128
#: Means of cells that are collimated parts, shown white.
WHITE = 252


def radiographs(corpus: Path) -> Iterator[tuple[str, Path]]:
    for name, path in files(corpus).items():
        data_set = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if data_set.get("Modality") in MODALITIES and min(data_set.get("Rows", 0), 32) == 32:
            try:
                with fastdcm.open(path):
                    yield name, path
            except fastdcm.NoPixelDataError:
                continue


def coarse(shown: Array) -> tuple[Array, int]:
    """Means of squares, and their side; what is left at the right and below is left out."""
    gray = shown if shown.ndim == 2 else shown.max(axis=2)
    side = max(1, max(gray.shape) // CELLS)
    rows, columns = gray.shape[0] // side, gray.shape[1] // side
    squares = gray[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return squares.mean(axis=(1, 3)), side


def otsu(greys: Array) -> float:
    """The threshold between two classes whose means differ most, weighted (Otsu 1979)."""
    best, found = -1.0, 0.0
    for threshold in range(255):
        above = greys > threshold
        share = above.mean()
        if 0 < share < 1:
            apart = share * (1 - share) * (greys[above].mean() - greys[~above].mean()) ** 2
            if apart > best:
                best, found = apart, float(threshold)
    return found


def parts(there: Array) -> list[list[tuple[int, int]]]:
    """Cells that are connected by their sides, by going from one to the next."""
    left = set(map(tuple, np.argwhere(there).tolist()))
    found = []
    while left:
        ahead = deque([left.pop()])
        part = []
        while ahead:
            row, column = cell = ahead.popleft()
            part.append(cell)
            for one in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
                if one in left:
                    left.remove(one)
                    ahead.append(one)
        found.append(part)
    return sorted(found, key=len, reverse=True)


def bright(shown: Array) -> list[Array]:
    """The parts above Otsu's threshold, without what is all white: centres (x, y) of cells, largest first."""
    greys, side = coarse(shown)
    found = parts((greys > otsu(greys)) & (greys < WHITE))
    return [(np.array(part)[:, ::-1] + 0.5) * side for part in found]


def inside(box: Region, points: Array) -> Array:
    low, high = np.array([box.x, box.y]), np.array([box.x + box.width, box.y + box.height])
    found: Array = ((points >= low) & (points <= high)).all(axis=-1)
    return found


def edges(box: Region) -> Array:
    return np.array([box.x, box.y, box.x + box.width, box.y + box.height])


def test_the_box_has_the_content(corpus: Path) -> None:
    seen = set()
    found = 0
    for name, path in radiographs(corpus):
        with fastdcm.open(path) as image:
            shown = image.render()
            mapping = image.mapping(crop="content")
            box = mapping.region
            assert 0 < box.width <= shown.shape[1] - box.x, name
            assert 0 < box.height <= shown.shape[0] - box.y, name
            assert inside(box, bright(shown)[0]).mean() > 0.99, name
            assert np.array_equal(image.render(crop="content"), image.render(crop=box)), name
        if name in SEEN:
            seen.add(name)
            assert np.abs(edges(box) - SEEN[name]).max() <= NEAR * max(shown.shape), (name, box)
        found += 1
    assert found >= 12
    assert seen == set(SEEN)


def test_what_is_cut_off_is_background(corpus: Path) -> None:
    """Outside of the box there is less than a tenth of what is bright, but for what is white."""
    cut = 0
    for name, path in radiographs(corpus):
        with fastdcm.open(path) as image:
            shown, box = image.render(), image.mapping(crop="content").region
        assert inside(box, np.concatenate(bright(shown))).mean() > 0.9, name
        cut += box.width * box.height < 0.9 * shown.shape[0] * shown.shape[1]
    assert cut >= 8  # and not the whole pictures


def test_mappings_go_there_and_back(corpus: Path) -> None:
    random = np.random.default_rng(4)
    for name, path in radiographs(corpus):
        for options in (
            {},
            {"size": (320, 256), "fit": "pad"},
            {"size": 200, "fit": "crop", "rotate": 90, "flip": "h"},
        ):
            with fastdcm.open(path) as image:
                mapping = image.mapping(crop="content", **options)
                assert mapping.output_shape == image.render(crop="content", **options).shape[:2], name
            x, y, width, height = mapping.region
            points = np.array([x, y]) + random.uniform(0, 1, (50, 2)) * (width, height)
            there = mapping.to_output(points)
            assert np.allclose(mapping.to_source(there), points, atol=1e-6), name
            rows, columns = mapping.output_shape
            if options.get("fit") != "crop":
                assert ((there >= -1e-6) & (there <= (columns + 1e-6, rows + 1e-6))).all(), name
            corners = mapping.boxes_to_output(edges(mapping.region))
            assert np.allclose(mapping.boxes_to_source(corners), edges(mapping.region), atol=1e-6), name


def letters(shown: Array, unit: int) -> None:
    """An L and a line of text, in the two corners that have least."""
    for rows, columns in darkest(shown, unit):
        corner = shown[rows, columns]
        corner[unit : 7 * unit, unit : 2 * unit] = 255
        corner[6 * unit : 7 * unit, unit : 5 * unit] = 255
        corner[8 * unit : 9 * unit, unit : 8 * unit : 2] = 230


def plate(shown: Array, unit: int) -> None:
    """A marker of lead."""
    rows, columns = darkest(shown, unit)[0]
    shown[rows, columns][2 * unit : 8 * unit, 2 * unit : 8 * unit] = 245


def darkest(shown: Array, unit: int) -> list[tuple[slice, slice]]:
    places = [slice(unit, 12 * unit), slice(-12 * unit, -unit)]
    corners = [(rows, columns) for rows in places for columns in places]
    return sorted(corners, key=lambda place: float(shown[place].mean()))[:2]


def frame(shown: Array, unit: int) -> None:
    """A bright frame all around."""
    for edge in (shown[:unit], shown[-unit:], shown[:, :unit], shown[:, -unit:]):
        edge[...] = 255


def both(shown: Array, unit: int) -> None:
    letters(shown, unit)
    frame(shown, unit)


@pytest.mark.parametrize("mark", [letters, plate, frame, both])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_marks_and_frames_on_real_pictures(
    corpus: Path, mark: Callable[[Array, int], None], turn: int
) -> None:
    """The box is the one without them; a frame cuts off what lies below it."""
    for name in ("fo-dicom__GH133.dcm", "fo-dicom__CR-ModalitySequenceLUT.dcm"):
        with fastdcm.open(files(corpus)[name]) as image:
            shown = np.ascontiguousarray(np.rot90(image.render(), turn))
        expected = edges(content_box(shown))
        unit = max(shown.shape) // 120
        mark(shown, unit)
        if mark in (frame, both):
            high, wide = shown.shape
            expected = np.clip(expected, unit, [wide - unit, high - unit] * 2)
        off = np.abs(edges(content_box(shown)) - expected).max()
        assert off <= NEAR * max(shown.shape), (name, content_box(shown), expected)
