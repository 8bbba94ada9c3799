"""The window that is told is the one by which the image was shown, and says from where it came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.options import split_options
from fastdcm.sidecars.voi import Voi, voi_of
from tests.builders import Element, image, lut_item
from tests.conftest import PYDICOM_FILES

WORDS = np.arange(60, dtype="<i2").reshape(2, 5, 6) * 7
VALUES = {
    "rows": 5,
    "columns": 6,
    "frames": 2,
    "bits": 16,
    "representation": 1,
    "slope": 2,
    "intercept": -100,
}
WINDOWED = {**VALUES, "center": "40\\300", "width": "80\\1500", "explanation": "NARROW\\WIDE"}


def told(data: bytes | Path, index: int = 0, *, rendered: bool = True, **options: Any) -> Voi:
    render = split_options(options)[0]
    with fastdcm.open(data) as opened:
        if rendered:
            opened.remember_plans()
            opened.render_frame(index, render)
        return voi_of(*opened.shown_by(index, render))


@pytest.mark.parametrize("rendered", [True, False])
@pytest.mark.parametrize(
    ("changes", "options", "voi", "rule"),
    [
        (WINDOWED, {}, ("WINDOW", 40, 80, "LINEAR"), "window 1 of 2 'NARROW'.*from the data set"),
        (WINDOWED, {"window_number": 2}, ("WINDOW", 300, 1500, "LINEAR"), "window 2 of 2 'WIDE'"),
        (WINDOWED, {"window": (10, 20, "sigmoid")}, ("WINDOW", 10, 20, "SIGMOID"), "as you asked"),
        (WINDOWED, {"voi": "minmax"}, ("RANGE", 103, 406, "LINEAR_EXACT"), "minimum to maximum of the frame"),
        (
            WINDOWED,
            {"voi": "object"},
            ("RANGE", 313, 826, "LINEAR_EXACT"),
            "minimum to maximum of all frames",
        ),
        (VALUES, {}, ("RANGE", 103, 406, "LINEAR_EXACT"), "no window in the file"),
        (VALUES, {"voi": "none"}, ("RANGE", -101, 131070, "LINEAR_EXACT"), "full range"),
        (
            VALUES,
            {"voi": "percentile:10,90"},
            ("RANGE", 103, 406 * 0.8, "LINEAR_EXACT"),
            "percentiles 10 to 90 of the frame",
        ),
    ],
)
def test_gray(
    rendered: bool, changes: dict[str, Any], options: dict[str, Any], voi: tuple[Any, ...], rule: str
) -> None:
    data = image(WORDS.tobytes(), **changes)
    found = told(data, rendered=rendered, **options)
    assert found[:4] == pytest.approx(voi)
    assert __import__("re").search(rule, found.rule)
    # It is the window that gives the same picture.
    with fastdcm.open(data) as opened:
        window = (found.center, found.width, found.function)
        assert np.array_equal(opened.render(0, window=window), opened.render(0, **options))


def test_region() -> None:
    data = image(WORDS.tobytes(), **VALUES)
    assert told(data, voi="roi:0,0,2,1")[:4] == ("RANGE", -93, 14, "LINEAR_EXACT")
    # Of one value: what is brighter is white.
    found = told(data, voi="roi:1,0,1,1")
    assert found[:4] == ("WINDOW", -86 + 0.5, 1, "LINEAR")
    with fastdcm.open(data) as opened:
        shown = opened.render(0, window=(found.center, found.width))
        assert np.array_equal(shown, opened.render(0, voi="roi:1,0,1,1"))


def test_series() -> None:
    found = told(image(WORDS.tobytes(), **VALUES), voi="series")
    assert found[:4] == ("RANGE", 313, 826, "LINEAR_EXACT")
    assert "minimum to maximum of the series" in found.rule


def test_channels() -> None:
    found = told(image(WORDS.tobytes(), modality="CT", **VALUES), channels="brain,40/80,bone")
    assert found[:4] == ("CHANNELS", None, None, None)
    assert "red: " in found.rule
    assert "center 40, width 80, LINEAR" in found.rule


def test_each_frame_has_its_own() -> None:
    data = image(WORDS.tobytes(), **VALUES)
    assert told(data, 1).center == 103 + 30 * 14
    with fastdcm.open(data) as opened:
        options = split_options({})[0]
        opened.remember_plans()
        for index in (1, 0):
            opened.render_frame(index, options)
        assert [voi_of(*opened.shown_by(index, options)).center for index in (0, 1)] == [103, 523]


def test_padding_is_in_no_range() -> None:
    assert told(image(WORDS.tobytes(), padding=0, **VALUES)).center == (14 - 100 + 406 - 100) / 2


def test_constant_frame() -> None:
    assert told(image(bytes(60 * 2), **VALUES))[:4] == ("RANGE", -100, 0, "LINEAR_EXACT")


def test_lut() -> None:
    lut = Element(0x00283010, "SQ", [lut_item((4, 0, 8), b"\0\1\2\3")])
    found = told(image(extra=[lut]), voi="lut")
    assert found[:4] == ("LUT", None, None, None)
    assert found.rule == "VOI LUT 1 of 1 from the data set"


@pytest.mark.parametrize(
    ("name", "options", "voi"),
    [
        ("examples_palette.dcm", {}, ("NONE", None, None, None)),
        ("examples_rgb_color.dcm", {}, ("NONE", None, None, None)),
        ("examples_rgb_color.dcm", {"window": (128, 64)}, ("WINDOW", 128, 64, "LINEAR")),
    ],
)
def test_colour(name: str, options: dict[str, Any], voi: tuple[Any, ...]) -> None:
    found = told(PYDICOM_FILES / name, **options)
    assert found[:4] == voi
    assert found.rule


def test_identity_of_eight_bits() -> None:
    assert told(image())[:4] == ("RANGE", 127.5, 255, "LINEAR_EXACT")


def test_what_a_codestream_has_more_bits_than_declared_is_told_by_these() -> None:
    """Where the plan was made by the depth that was found, not by the declared one."""
    import imagecodecs

    from tests.builders import encapsulated

    samples = (np.arange(64 * 64, dtype=np.uint16) % 4096).reshape(64, 64)
    stream = imagecodecs.jpeg2k_encode(samples, level=0, codecformat="j2k", reversible=True, bitspersample=12)
    values = {"rows": 64, "columns": 64, "bits": 16}
    syntax = "1.2.840.10008.1.2.4.90"
    ten, eight = (image(encapsulated([stream]), syntax, stored=stored, **values) for stored in (10, 8))
    for rendered in (True, False):
        assert told(ten, voi="none", rendered=rendered).width == 1023
        assert told(ten, voi="minmax", rendered=rendered).width == 4095
        # Of 8 bits the identity would do, of what is deeper the range of the frame is looked for.
        assert told(eight, rendered=rendered).width == (4095 if rendered else 255)


def test_nothing_is_remembered_where_nobody_asks() -> None:
    with fastdcm.open(image(WORDS.tobytes(), **VALUES)) as opened:
        opened.render(0)
        assert opened._shown_by is None
