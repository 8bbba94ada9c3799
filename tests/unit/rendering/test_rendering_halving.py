"""When a decoder may halve a frame, and how often."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from fastdcm.kernels.areas import neighbour_differences
from fastdcm.model import Halved, Lut, Palette, Window
from fastdcm.options import GeometryOptions
from fastdcm.rendering import halving
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.fitting import arrangement
from fastdcm.rendering.halving import (
    differences,
    enough,
    grey,
    halvings,
    is_shrinking,
    linear_grey,
    most_halvings,
    squares,
)
from fastdcm.rendering.plan import Automatic, ColourPlan, GrayPlan, PalettePlan
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import header_of

HEADER = header_of(np.empty((4, 4), np.uint16), "jpeg2000", bits_stored=12)
LUT = Lut(0, 8, bytes(512))
PALETTE = Palette(0, 8, bytes(512), bytes(512), bytes(512))


def plan(voi: Any, modality: Any = None, **changes: Any) -> GrayPlan:
    chain = Chain(modality, voi, changes.pop("presentation_lut", None), bits=changes.pop("bits", 8))
    return GrayPlan(chain, None, None, None, "")._replace(**changes)


@pytest.mark.parametrize(
    ("given", "linear"),
    [
        (plan(Window(600, 512)), True),
        (plan(Window(600, 510.9)), False),  # LINEAR goes over width - 1
        (plan(Window(600, 511)), True),
        (plan(Window(600, 510, "LINEAR_EXACT")), True),
        (plan(Window(600, 509, "LINEAR_EXACT")), False),
        (plan(Window(600, 2000, "SIGMOID")), False),
        (plan(Range(0, 4095)), True),
        (plan(Range(5, 5)), False),
        (plan(LUT), False),
        (plan(Window(600, 512), Rescale(1.0, -1024)), True),
        (plan(Window(600, 512), Rescale(2.0, 0)), False),
        (plan(Window(600, 512), Rescale(-2.0, 0)), False),
        (plan(Window(600, 512), Rescale(0.5, 0)), True),
        (plan(Window(600, 512), Rescale(0.0, 0)), False),
        (plan(Window(600, 512), LUT), False),
        (plan(Range(0, 4095), presentation_lut=LUT), False),
        (plan(Range(0, 4095), automatic=Automatic()), False),
        (plan(Range(0, 4095), padding=(0.0, 0.0)), False),
        (plan(Range(0, 4095), supplemental=PALETTE), False),
        (PalettePlan(PALETTE, 8, ""), False),
        (ColourPlan(8, Range(0, 255), 8, ""), True),
        (ColourPlan(8, Window(128, 256), 8, ""), True),
        (ColourPlan(8, Window(128, 200), 8, ""), False),
    ],
    ids=str,
)
def test_linear(given: Any, linear: bool) -> None:
    assert (linear_grey(given, HEADER) is not None) is linear


def test_narrow_windows_that_clip_nothing_are_lines() -> None:
    eight = replace(HEADER, bits_stored=8)
    assert linear_grey(plan(Range(0, 255)), eight)
    assert linear_grey(plan(Window(128, 256)), eight)
    assert linear_grey(plan(Window(128, 255)), eight) is None
    signed = replace(eight, pixel_representation=1)
    assert linear_grey(plan(Window(128, 256)), signed) is None
    assert linear_grey(plan(Window(0, 256)), signed)


@pytest.mark.parametrize(
    "changes", [{"bits_stored": 1}, {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.66.7"}], ids=str
)
def test_labels_have_no_means(changes: dict[str, Any]) -> None:
    assert linear_grey(plan(Range(0, 4095)), replace(HEADER, **changes)) is None


@pytest.mark.parametrize(
    ("options", "shrinks"),
    [
        ({"size": 9}, True),
        ({"scale": 0.5, "rotate": 90, "flip": "v"}, True),
        ({"size": 9, "resample": "area"}, True),
        ({"size": 9, "resample": "lanczos"}, False),
        ({"size": 9, "resample": "nearest"}, False),
        ({"size": 9, "crop": (0, 0, 4, 4)}, False),
        ({"size": 9, "exact": True}, False),
        ({"rotate": 90}, False),
        ({"aspect": True}, False),
    ],
    ids=str,
)
def test_shrinking(options: dict[str, Any], shrinks: bool) -> None:
    assert is_shrinking(GeometryOptions(**options)) is shrinks


@pytest.mark.parametrize(
    ("shape", "sides", "times", "of_squares"),
    [
        ((1760, 1760), (440, 440), 2, 2),
        ((1759, 1760), (440, 440), 2, 1),
        ((1760, 1760), (441, 441), 1, 0),
        ((1760, 1760), (439, 439), 2, 1),
        ((1760, 1760), (220, 440), 2, 2),
        ((1760, 1760), (880, 881), 0, 0),
        ((1760, 1760), (1760, 1760), 0, 0),
        ((1760, 1760), (3520, 880), 0, 0),
        ((2000, 2000), (100, 100), 4, 2),
        ((2000, 2000), (400, 400), 2, 1),
        ((300, 300), (10, 10), 0, 0),  # too few pixels to be worth it
    ],
    ids=str,
)
def test_halvings(shape: tuple[int, int], sides: tuple[int, int], times: int, of_squares: int) -> None:
    assert halvings(shape, sides) == times
    assert squares(shape, sides, times) == of_squares


@pytest.mark.parametrize(
    ("given", "most"),
    [
        (plan(Range(0, 4095)), 24),
        (plan(Window(600, 512)), 3),
        (plan(Window(600, 512), Rescale(0.5, 0)), 6),
        (plan(Range(0, 4095), bits=16), 24),
    ],
    ids=str,
)
def test_most_halvings(given: Any, most: int) -> None:
    """Each reversible half is up to half a stored value too bright."""
    stored = linear_grey(given, HEADER)
    assert stored is not None
    assert most_halvings(stored) == most


def test_most_halvings_of_colour() -> None:
    stored = linear_grey(ColourPlan(8, Range(0, 255), 8, ""), replace(HEADER, bits_stored=8))
    assert stored == 1
    assert most_halvings(stored) == 1
    assert most_halvings(stored, colour=True) == 1


def test_target_before_turning() -> None:
    def sides(options: GeometryOptions, aspect: Fraction | None = None) -> tuple[int, int]:
        return arrangement((400, 2000), options, aspect).unturned_sides

    options = GeometryOptions(size=(100, 1000), rotate=90)
    # 2000 high and 400 wide after turning, it is made 100 high and 20 wide.
    assert sides(options) == (20, 100)
    assert sides(GeometryOptions(size=(100, 1000))) == (100, 500)
    # Pixels twice as high as wide: 800 x 2000, turned 2000 x 800.
    assert sides(options, Fraction(2)) == (40, 100)


def test_what_is_left_tells_how_often() -> None:
    rows = np.arange(64)[:, None] + np.zeros(64, int)
    flat, stripes = (
        rows.astype(np.uint8),
        np.where(np.arange(64) % 2, 40, 0).astype(np.uint8) + np.zeros((64, 1), np.uint8),
    )
    assert differences(flat, 255.0) == pytest.approx(0.5)
    assert differences(stripes, 255.0) == pytest.approx(20)
    assert differences(stripes.astype(np.uint16) * 257, 65535.0) == pytest.approx(20)
    assert differences(np.full((9, 9), 4, np.int16), 0.0) == 0
    halved = Halved(2, "5/3")
    assert enough(flat, halved, (256, 256), (64, 64), 255.0) == 2
    # 20 greys apart, of which 0.36 may be an error; twice as large 0.13, four times 0.045.
    assert enough(stripes, halved, (256, 256), (64, 64), 255.0) == 0
    assert enough(stripes // 2, halved, (256, 256), (40, 40), 255.0) == 1
    assert enough(stripes // 8, halved, (256, 256), (40, 40), 255.0) == 2
    squares_of = Halved(2, "DCT")
    assert enough(stripes, squares_of, (256, 256), (64, 64), 255.0) == 2
    assert enough(stripes, squares_of, (256, 256), (63, 63), 255.0) == 0


def test_width_of_a_grey() -> None:
    assert grey(plan(Window(600, 511)), HEADER) == 2
    assert grey(plan(Window(600, 511), Rescale(-4.0, 0)), HEADER) == 0.5
    assert grey(plan(Range(0, 65535), bits=16), HEADER) == 1
    assert grey(plan(Window(600, 511, "SIGMOID")), HEADER) is None
    assert grey(plan(Range(0, 4095), automatic=Automatic()), HEADER) is None
    assert grey(ColourPlan(8, Range(0, 255), 8, ""), HEADER) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 7), (9, 1), (33, 41), (64, 300)], ids=str)
def test_differences_by_kernel(dtype: Any, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(8).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)
    found = []
    for compiled in (False, True):
        monkeypatch.setattr(halving, "_PAYOFF", Fixed(compiled))
        found.append(differences(pixels, 255.0))
    monkeypatch.setattr("fastdcm.kernels.areas.neighbour_differences", neighbour_differences.py_func)
    found.append(differences(pixels, 255.0))
    assert found[1] == pytest.approx(found[0], rel=1e-12)
    assert found[2] == found[1]
    assert found[0] > 0
