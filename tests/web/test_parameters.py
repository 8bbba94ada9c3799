"""Parameters of rendered resources (PS3.18 8.3.5.1): what is written is read again; regions as options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdcm.errors import OptionError
from fastdcm.model import Region, Window
from fastdcm.options import GeometryOptions
from fastdcm.web.parameters import (
    Parameters,
    Viewport,
    parameters_text,
    parse_parameters,
    parse_viewport,
    parse_window,
    window_text,
)

_SIDES = st.integers(1, 99999)
_PLACES = st.none() | st.integers(0, 9999).map(float)
_LENGTHS = st.none() | st.integers(-9999, 9999).filter(bool).map(float)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(_SIDES, _SIDES, _PLACES, _PLACES, _LENGTHS, _LENGTHS)
def test_a_viewport_is_read_as_it_was_written(vw, vh, sx, sy, sw, sh) -> None:  # type: ignore[no-untyped-def]
    viewport = Viewport(vw, vh, sx, sy, sw, sh)
    assert parse_viewport(str(viewport)) == viewport
    assert not str(viewport).endswith(",")


@given(
    _NUMBERS,
    _NUMBERS.map(abs).filter(lambda width: width >= 1),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_a_window_is_read_as_it_was_written(center, width, function) -> None:  # type: ignore[no-untyped-def]
    window = Window(center, width, function)
    assert parse_window(window_text(window)) == window


def test_all_parameters_are_read_as_they_were_written() -> None:
    parameters = Parameters(
        accept="image/png",
        annotation=("patient", "technique"),
        quality=7,
        viewport=Viewport(5, 6, None, 2.5),
        window=Window(-1.5, 400, "SIGMOID"),
        iccprofile="rommrgb",
    )
    assert parse_parameters(parameters_text(parameters)) == parameters
    assert parameters_text(Parameters()) == []
    assert parameters_text(parameters)[3] == ("viewport", "5,6,,2.5")


def test_of_a_thumbnail_two_count() -> None:
    query = [("viewport", "5,6"), ("window", "nonsense"), ("annotation", ""), ("accept", "image/png")]
    assert parse_parameters(query, thumbnail=True) == Parameters(accept="image/png", viewport=Viewport(5, 6))
    with pytest.raises(OptionError, match="window"):
        parse_parameters(query)


def test_a_plus_sign_that_was_not_escaped() -> None:
    assert parse_parameters([("accept", "application/dicom json")]).accept == "application/dicom+json"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10,20", GeometryOptions(size=(20, 10), enlarge=True)),
        ("10,20,0,0,40,30", GeometryOptions(size=(20, 10), enlarge=True)),  # all of it
        ("10,20,4,3", GeometryOptions(size=(20, 10), enlarge=True, crop=Region(4, 3, 36, 27))),
        ("10,20,,3", GeometryOptions(size=(20, 10), enlarge=True, crop=Region(0, 3, 40, 27))),
        ("10,20,,,8", GeometryOptions(size=(20, 10), enlarge=True, crop=Region(0, 0, 8, 30))),
        ("10,20,1,2,-8,9", GeometryOptions(size=(20, 10), enlarge=True, crop=Region(1, 2, 8, 9), flip="h")),
        ("10,20,1,2,8,-9", GeometryOptions(size=(20, 10), enlarge=True, crop=Region(1, 2, 8, 9), flip="v")),
        (
            "10,20,1,2,-8,-9",
            GeometryOptions(size=(20, 10), enlarge=True, crop=Region(1, 2, 8, 9), rotate=180),
        ),
        ("10,20,0.6,0.4,8.4,8.6", GeometryOptions(size=(20, 10), enlarge=True, crop=Region(1, 0, 8, 9))),
    ],
)
def test_a_viewport_as_options(text: str, expected: GeometryOptions) -> None:
    assert parse_viewport(text).geometry(30, 40) == expected


@pytest.mark.parametrize(
    "text", ["1,1,40", "1,1,,30", "1,1,0,0,41", "1,1,1,1,40,2", "1,1,0,0,0.2,2", "1,1,1e9"]
)
def test_a_region_outside_of_the_image(text: str) -> None:
    with pytest.raises(OptionError, match="40 x 30"):
        parse_viewport(text).geometry(30, 40)
