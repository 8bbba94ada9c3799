"""Ultrasound regions and the shape of pixels in real files, as pydicom reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

import fastdcm
from fastdcm.errors import FastdcmError
from tests.corpus.reading import files, table

pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom says much about these files


def data_set_of(path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(path, stop_before_pixels=True, force=True)


def with_regions(corpus: Path) -> dict[str, list[tuple[int, ...]]]:
    """(left, top, right, bottom) of the regions of each file that has any; all ends are inside."""
    refused = {row["file"] for row in table("failures.tsv")}
    found = {}
    for name, path in files(corpus).items():
        regions = data_set_of(path).get("SequenceOfUltrasoundRegions")
        if regions and name not in refused:
            names = [f"RegionLocation{corner}" for corner in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
            found[name] = [tuple(region[name].value for name in names) for region in regions]
    return found


def test_us_regions(corpus: Path) -> None:
    """Inside of them every pixel is as it was, outside every one is black."""
    expected = with_regions(corpus)
    assert len(expected) >= 8
    for name, regions in expected.items():
        with fastdcm.open(files(corpus)[name]) as image:
            plain, found = image.render(), image.render(keep_us_regions=True)
        rows, columns = np.indices(plain.shape[:2])
        shown = np.zeros(plain.shape[:2], bool)
        for left, top, right, bottom in regions:
            shown |= (left <= columns) & (columns <= right) & (top <= rows) & (rows <= bottom)
        assert shown.any(), name
        assert not shown.all(), name
        np.testing.assert_array_equal(found[shown], plain[shown], name)
        assert not found[~shown].any(), name


def ratio_of(data_set: pydicom.Dataset) -> float:
    """How many times as high as wide the first frame's pixels are."""
    groups = [data_set.get(f"{name}FunctionalGroupsSequence") or [] for name in ("PerFrame", "Shared")]
    levels = [group[0] for group in groups if group]
    measures = [item for level in levels for item in level.get("PixelMeasuresSequence", [])]
    pairs = [data_set.get("PixelAspectRatio"), *(item.get("PixelSpacing") for item in measures)]
    names = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    pairs += [data_set.get(name) for name in names]
    vertical, horizontal = next((pair for pair in pairs if pair), (1, 1))
    return float(vertical) / float(horizontal)


def test_aspect(corpus: Path) -> None:
    """Of every file that can be shown: the coarser axis grows by the ratio of its pixels."""
    compared = not_square = 0
    for path in files(corpus).values():
        try:
            with fastdcm.open(path) as image:
                rows, columns = image.shape
                shape = image.render(aspect=True, size=64).shape[:2]
        except FastdcmError:
            continue  # told of by the tests of rendering
        ratio = ratio_of(data_set_of(path))
        high, wide = rows * max(1, ratio), columns * max(1, 1 / ratio)
        factor = min(1, 64 / max(high, wide))
        assert abs(shape[0] - max(1, high * factor)) <= 0.5001, path
        assert abs(shape[1] - max(1, wide * factor)) <= 0.5001, path
        compared += 1
        not_square += ratio != 1
    if compared < 150:
        pytest.fail(f"only {compared} files were compared")
    assert not_square
