"""Mappings: where pixels of pictures lie in their sources, told, and seen in what is rendered."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import fastdcm
from fastdcm.arrays.frame import array_of
from fastdcm.errors import OptionError, RenderError
from fastdcm.options import split_options
from tests.builders import Element, image

Array = NDArray[Any]
ROWS, COLUMNS = 120, 200
#: Squares of 9 x 9 pixels, by their centres (x, y), none the mirror image of another; their values differ.
DOTS = [(30.5, 24.5), (150.5, 30.5), (61.5, 93.5)]
SPACING = 0x00280030


def frame(rows: int = ROWS, columns: int = COLUMNS) -> Array:
    pixels = np.zeros((rows, columns), np.uint8)
    for level, (x, y) in zip((250, 180, 110), DOTS, strict=True):
        top, left = int(y) - 4, int(x) - 4
        pixels[top : top + 9, left : left + 9] = level
    return pixels


def data(pixels: Array, spacing: str | None = "0.4\\0.8", **changes: Any) -> bytes:
    rows, columns = pixels.shape
    extra = [Element(SPACING, "DS", spacing)] if spacing else []
    return image(pixels.tobytes(), rows=rows, columns=columns, extra=extra, **changes)


def centre(shown: Array, near: Array) -> Array:
    """The centre of mass (x, y) of what is bright around a point."""
    reach = 0.5 * min(shown.shape) / 4 + 2
    y, x = np.mgrid[: shown.shape[0], : shown.shape[1]] + 0.5
    weight = np.where((abs(x - near[0]) < reach) & (abs(y - near[1]) < reach), shown.astype(float), 0)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


SIZES: list[dict[str, Any]] = [
    {},
    {"size": 90},
    {"size": (50, 300), "enlarge": True},
    {"scale": 1.7},
    {"aspect": True},
    {"size": 91, "aspect": True},
    {"size": (128, 128), "fit": "pad"},
    {"size": (301, 200), "fit": "pad", "aspect": True},
    {"size": (160, 90), "fit": "stretch"},
    {"spacing": (0.5, 0.7)},
    {"spacing": 1.1},
    {"spacing": 1, "size": (210, 177), "fit": "pad"},
]
PARTS: list[dict[str, Any]] = [{}, {"crop": (11, 7, 171, 101)}, {"crop": "content"}]
TURNS = [{"rotate": rotate, "flip": flip} for rotate in (0, 90, 180, 270) for flip in (None, "h", "v")]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("part", PARTS, ids=str)
def test_dots_are_where_the_mapping_says(size: dict[str, Any], part: dict[str, Any]) -> None:
    with fastdcm.open(data(frame())) as opened:
        for turn in TURNS:
            options = {**size, **part, **turn}
            shown = opened.render(**options, window=(128, 256, "LINEAR_EXACT"))
            mapping = opened.mapping(**options)
            assert mapping.output_shape == shown.shape
            expected = mapping.to_output(DOTS)
            for level, point in zip((250, 180, 110), expected, strict=True):
                assert np.abs(centre(shown, point) - point).max() < 0.1, (options, level)
                x, y = np.floor(point).astype(int)
                assert abs(int(shown[y, x]) - level) <= 1, options


@pytest.mark.parametrize("values", ["stored", "modality"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_are_where_the_mapping_says(size: dict[str, Any], values: Any) -> None:
    with fastdcm.open(data(frame())) as opened:
        for turn in TURNS:
            options = split_options({**size, **turn, "crop": "content"})[0]
            found, mapping = array_of(opened, 0, values, options)
            assert mapping.output_shape == found.shape
            assert found.dtype == (np.uint8 if values == "stored" else np.float64)
            for level, point in zip((250, 180, 110), mapping.to_output(DOTS), strict=True):
                assert np.abs(centre(found, point) - point).max() < 0.1
                x, y = np.floor(point).astype(int)
                assert abs(float(found[y, x]) - level) <= 1


@pytest.mark.parametrize(
    ("size", "shape", "corner"),
    [
        # Covered: 120 x 200 becomes 60 x 100, of which 30 columns on the left stand out.
        ({"size": (60, 40)}, (60, 40), (-30.0, 0.0)),
        # 0.4 x 0.8 mm: 48 x 160 mm, at 1 mm per pixel 48 x 160; cut off and padded.
        ({"size": (60, 40), "spacing": 1}, (60, 40), (-60.0, 6.0)),
    ],
)
def test_what_stands_out_is_cut_off(size: Any, shape: Any, corner: Any) -> None:
    with fastdcm.open(data(frame() + np.uint8(5))) as opened:
        mapping = opened.mapping(**size, fit="crop")
        shown = opened.render(**size, fit="crop", voi="none")
        assert shown.shape == mapping.output_shape == shape
        assert tuple(mapping.to_output((0, 0))) == corner
        full = opened.render(voi="none", **({"spacing": 1} if "spacing" in size else {"size": 100}))
        if "spacing" in size:
            assert not shown[:6].any()
            assert not shown[54:].any()
            assert np.array_equal(shown[6:54], full[:, 60:100])
        else:
            assert np.array_equal(shown, full[:, 30:70])


def test_the_odd_pixel_of_padding_is_right_and_below() -> None:
    with fastdcm.open(data(np.full((10, 5), 200, np.uint8), None)) as opened:
        shown = opened.render(size=10, fit="pad", voi="none")
        mapping = opened.mapping(size=10, fit="pad")
    assert np.array_equal(shown[3], [0, 0, 200, 200, 200, 200, 200, 0, 0, 0])
    assert mapping.offset == (0, 2)


def test_padded_values_are_the_darkest() -> None:
    stored = np.arange(20, 40, dtype=np.uint8).reshape(4, 5)
    stored[0, 0], stored[1, 1] = 0, 200
    padding = Element(0x00280120, "US", 0)
    for photometric, darkest in (("MONOCHROME2", 21), ("MONOCHROME1", 200)):
        object_ = image(stored.tobytes(), rows=4, columns=5, extra=[padding], photometric=photometric)
        with fastdcm.open(object_) as opened:
            found = opened.pixels(size=5, fit="pad")
            assert set(found[4]) == {darkest}
            assert np.array_equal(found[:4], stored)
            assert not opened.render(size=5, fit="pad")[4].any()


@pytest.mark.parametrize("size", [*SIZES, {"size": (64, 64), "fit": "crop"}], ids=str)
def test_round_trip(size: dict[str, Any]) -> None:
    random = np.random.default_rng(5)
    points = random.uniform(-50, 300, (7, 3, 2))
    with fastdcm.open(data(frame())) as opened:
        for turn in TURNS:
            mapping = opened.mapping(**size, **turn, crop=(3, 4, 100, 90))
            assert np.allclose(mapping.to_source(mapping.to_output(points)), points, atol=1e-9)
            assert np.allclose(mapping.to_output(mapping.to_source(points)), points, atol=1e-9)
            as_json = json.loads(json.dumps(mapping.as_dict()))
            assert fastdcm.Mapping.from_dict(as_json) == mapping
            homogeneous = np.append(points[0, 0], 1)
            assert np.allclose(np.array(as_json["to_output"]) @ homogeneous, mapping.to_output(points[0, 0]))
            assert np.allclose(np.array(as_json["to_source"]) @ homogeneous, mapping.to_source(points[0, 0]))


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_boxes_and_masks_follow(turn: dict[str, Any]) -> None:
    mask = (frame() > 0).astype(np.int16) * 7
    mask = np.where(frame() == 180, 3, mask)
    with fastdcm.open(data(frame())) as opened:
        # Nearest display values are the mask of the picture, by a way of its own.
        options = {**turn, "crop": (5, 3, 190, 110), "size": (77, 90), "fit": "pad"}
        shown = opened.render(**options, resample="nearest", voi="none")
        mapping = opened.mapping(**options)
        expected = np.where(shown == 180, 3, np.where(shown > 0, 7, 0))
        assert np.array_equal(mapping.mask_to_output(mask), expected)
        left, top, right, bottom = mapping.boxes_to_output([146, 26, 155, 35])
        there = np.argwhere(expected == 3)
        assert np.abs(there.min(axis=0) - (top, left)).max() < 1
        assert np.abs(there.max(axis=0) + 1 - (bottom, right)).max() < 1
        assert np.allclose(mapping.boxes_to_source([left, top, right, bottom]), [146, 26, 155, 35])
        # Twice as large and back, nothing is lost; what was not shown is background.
        whole = {**turn, "crop": (5, 3, 190, 110), "scale": 2.0}
        mapping = opened.mapping(**whole)
        back = mapping.mask_to_source(mapping.mask_to_output(mask), background=-1)
        assert np.array_equal(back[3:113, 5:195], mask[3:113, 5:195])
        assert (back[:3] == -1).all()
        assert (back[:, 195:] == -1).all()


def test_cut_off_masks_come_back_as_background() -> None:
    with fastdcm.open(data(frame())) as opened:
        mapping = opened.mapping(size=(60, 40), fit="crop", flip="h")
    back = mapping.mask_to_source(np.ones((60, 40), np.uint8), background=9)
    assert (back[:, 60:140] == 1).all()
    assert (back[:, :60] == 9).all()
    assert (back[:, 140:] == 9).all()


def test_wrong_shapes_are_errors() -> None:
    with fastdcm.open(data(frame())) as opened:
        mapping = opened.mapping(size=50)
    with pytest.raises(OptionError, match="points"):
        mapping.to_output([1, 2, 3])
    with pytest.raises(OptionError, match="boxes"):
        mapping.boxes_to_source([1, 2])
    with pytest.raises(OptionError, match="mask"):
        mapping.mask_to_output(np.zeros((5, 5)))
    with pytest.raises(OptionError, match="mask"):
        mapping.mask_to_source(np.zeros((120, 200)))
    with pytest.raises(OptionError, match="no mapping"):
        fastdcm.Mapping.from_dict({"rotate": 0})


def test_the_box_is_that_of_all_windows_sizes_and_values() -> None:
    pixels = frame()
    pixels[20:100, 40:150] = np.maximum(pixels[20:100, 40:150], 60)
    with fastdcm.open(data(pixels)) as opened:
        boxes = {
            opened.mapping(crop="content", **options).region
            for options in ({}, {"size": 30}, {"window": (250, 4)}, {"rotate": 90}, {"bits": 16})
        }
        assert len(boxes) == 1
        region = boxes.pop()
        for values in ("stored", "modality"):
            _, mapping = array_of(opened, 0, values, split_options({"crop": "content"})[0])
            assert mapping.region == region
        x, y, width, height = region
        assert np.array_equal(opened.pixels(crop="content"), pixels[y : y + height, x : x + width])
        assert np.array_equal(
            opened.render(crop="content", window=(250, 4)), opened.render(crop=region, window=(250, 4))
        )


def test_what_is_blacked_out_is_no_content() -> None:
    with fastdcm.open(data(frame())) as opened:
        whole = opened.mapping(crop="content").region
        masked = opened.mapping(crop="content", masks=[(140, 20, 20, 20)]).region
    assert whole.x + whole.width > 150 > masked.x + masked.width


def test_values_take_no_options_of_rendering() -> None:
    with fastdcm.open(data(frame())) as opened:
        for options in ({"window": (1, 2)}, {"masks": [(0, 0, 1, 1)]}, {"overlays": True}, {"bits": 16}):
            asked = split_options(options)[0]
            with pytest.raises(OptionError, match="GeometryOptions"):
                array_of(opened, 0, "stored", asked)
        with pytest.raises(OptionError, match="no option of values"):
            opened.pixels(window=(1, 2))
        with pytest.raises(OptionError, match="display"):
            array_of(opened, 0, "hounsfield", split_options({})[0])  # type: ignore[arg-type]
        with pytest.raises(OptionError, match="leave resample out"):
            opened.pixels(size=10, resample="lanczos")


def test_without_millimetres() -> None:
    with fastdcm.open(data(frame(), None)) as opened:
        with pytest.raises(RenderError, match="Imager Pixel Spacing"):
            opened.render(spacing=1)
        with pytest.raises(RenderError, match="Pixel Spacing"):
            opened.pixels(spacing=1)
        with pytest.raises(RenderError, match="Pixel Spacing"):
            opened.mapping(spacing=1)


def test_padding_cuts_nothing_off() -> None:
    with fastdcm.open(data(frame())) as opened, pytest.raises(RenderError, match="fit crop"):
        opened.render(spacing=1, size=50, fit="pad")


def test_frames_together_need_one_size() -> None:
    two = np.stack([frame(), np.roll(frame(), 9, axis=1)])
    object_ = image(two.tobytes(), rows=ROWS, columns=COLUMNS, frames=2)
    with fastdcm.open(object_) as opened:
        for together in (opened.pixels, lambda *a, **k: opened.encode(None, "gif", **k)):
            with pytest.raises(OptionError, match="fit"):
                together(None, crop="content")
        found = opened.pixels(None, crop="content", size=64, fit="pad")
        assert found.shape == (2, 64, 64)
        for index in (0, 1):
            assert np.array_equal(found[index], opened.pixels(index, crop="content", size=64, fit="pad"))
        assert opened.mapping(1, crop="content").region.x == opened.mapping(0, crop="content").region.x + 9


def test_colour_is_padded_with_black() -> None:
    pixels = np.full((4, 8, 3), 90, np.uint8)
    object_ = image(pixels.tobytes(), rows=4, columns=8, samples=3, photometric="RGB")
    with fastdcm.open(object_) as opened:
        for found in (opened.render(size=8, fit="pad"), opened.pixels(size=8, fit="pad")):
            assert found.shape == (8, 8, 3)
            assert not found[:2].any()
            assert not found[6:].any()
            assert (found[2:6] == 90).all()


def test_enlarged_values_are_as_those_of_pictures() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 13), np.uint8)
    with fastdcm.open(data(pixels, None)) as opened:
        for options in itertools.product(((31, 13), (9, 40), (25, 27), (4, 30)), ("stretch", "pad", "crop")):
            asked = dict(zip(("size", "fit"), options, strict=True))
            shown = opened.render(voi="none", **asked).astype(int)
            stored = opened.pixels(**asked).astype(int)
            there = shown > 0
            assert np.abs(shown - stored)[there].max() <= 1
