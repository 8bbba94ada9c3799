"""The values that steps hand on: frozen, hashable, and with the derived numbers right."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from fastdcm.model import Display, FrameSpan, Header, Lut, Notice, Palette, Window
from tests.unit.codecs.decoding import header_of, image


def header(**changes: Any) -> Header:
    return header_of(image((3, 5)), "native", **changes)


VALUES: list[Any] = [
    header(),
    Notice("code", "message", "a.dcm", 2),
    FrameSpan(((10, 20),), 3),
    Window(40, 400),
    Lut(0, 8, b"\0\0"),
    Palette(0, 8, b"\0\0", b"\0\0", b"\0\0"),
    Display(windows=(Window(40, 400),), voi_luts=(Lut(0, 8, b"\0\0"),)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_frozen_hashable_and_sendable(value: Any) -> None:
    name = next(iter(type(value).__annotations__))
    with pytest.raises(AttributeError):
        setattr(value, name, None)
    again = pickle.loads(pickle.dumps(value))
    assert again == value
    assert hash(again) == hash(value)


@pytest.mark.parametrize(
    ("changes", "bits"),
    [
        ({}, 15 * 8),
        ({"bits_allocated": 1}, 15),
        ({"bits_allocated": 12}, 15 * 12),
        ({"bits_allocated": 16, "samples_per_pixel": 3}, 45 * 16),
        # An odd width is padded to the next pair, of which each has two chroma samples.
        ({"samples_per_pixel": 3, "photometric_interpretation": "YBR_FULL_422"}, 3 * 6 * 2 * 8),
        ({"samples_per_pixel": 3, "photometric_interpretation": "YBR_PARTIAL_422"}, 3 * 6 * 2 * 8),
        ({"samples_per_pixel": 3, "photometric_interpretation": "YBR_FULL_422", "columns": 4}, 3 * 4 * 2 * 8),
    ],
)
def test_bits_of_a_native_frame(changes: dict[str, Any], bits: int) -> None:
    assert header(**changes).native_frame_bits == bits


def test_header_properties() -> None:
    assert header(pixel_representation=1).signed
    assert not header().signed
    assert header(pixel_keyword="FloatPixelData").is_float
    assert header(pixel_keyword="DoubleFloatPixelData").is_float
    assert not header().is_float


def test_lengths() -> None:
    assert FrameSpan(((10, 20), (50, 7))).length == 27
    assert FrameSpan(()).bit_offset == 0
    assert Lut(0, 16, bytes(10)).size == 5
    assert Palette(0, 16, bytes(10), bytes(10), bytes(10)).size == 5


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        (Notice("code", "is odd"), "is odd"),
        (Notice("code", "is odd", "a.dcm"), "a.dcm: is odd"),
        (Notice("code", "is odd", None, 3), "frame 3: is odd"),
        (Notice("code", "is odd", "a.dcm", 3), "a.dcm: frame 3: is odd"),
    ],
)
def test_text_of_a_notice(notice: Notice, text: str) -> None:
    assert str(notice) == text
