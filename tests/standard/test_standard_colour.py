"""PS3.3 C.7.6.3.1.2: YCbCr to RGB, against the equations evaluated exactly, and known anchors."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from fastdcm.kernels import Payoff
from fastdcm.rendering.colour import to_rgb

F = Fraction


def converted(triples: list[tuple[int, int, int]], photometric: str, bits: int = 8) -> list[list[int]]:
    array = np.array([triples], np.uint8 if bits == 8 else np.uint16)
    found: list[list[int]] = to_rgb(array, photometric, bits, Payoff())[0].tolist()
    return found


def rounded(value: Fraction, top: int) -> int:
    return min(max(math.floor(value + F(1, 2)), 0), top)


def exact(y: Fraction, cb: Fraction, cr: Fraction, top: int) -> list[int]:
    """The inverse of Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B - Y) / 1.772, Cr = (R - Y) / 1.402."""
    red = y + F("1.402") * cr
    blue = y + F("1.772") * cb
    green = (y - F("0.299") * red - F("0.114") * blue) / F("0.587")
    return [rounded(value, top) for value in (red, green, blue)]


def full(triple: tuple[int, int, int], bits: int = 8) -> list[int]:
    y, cb, cr = triple
    middle = 1 << (bits - 1)
    return exact(F(y), F(cb - middle), F(cr - middle), (1 << bits) - 1)


def partial(triple: tuple[int, int, int], bits: int = 8) -> list[int]:
    """Luma 16..235 and chroma 16..240 of 8 bits stretched to the full range."""
    y, cb, cr = triple
    top, unit, middle = (1 << bits) - 1, F(1 << bits, 256), 1 << (bits - 1)
    luma = (y - 16 * unit) * top / (219 * unit)
    blue, red = ((value - middle) * top / (224 * unit) for value in (cb, cr))
    return exact(luma, blue, red, top)


ANCHORS = {
    "black": ((0, 128, 128), [0, 0, 0]),
    "white": ((255, 128, 128), [255, 255, 255]),
    "gray": ((77, 128, 128), [77, 77, 77]),
    "red": ((76, 85, 255), [254, 0, 0]),
    "green": ((150, 44, 21), [0, 255, 1]),
    "blue": ((29, 255, 107), [0, 0, 254]),
}


@pytest.mark.parametrize(("ybr", "rgb"), ANCHORS.values(), ids=ANCHORS)
def test_anchors(ybr: tuple[int, int, int], rgb: list[int]) -> None:
    """Pure colours within the rounding of 8-bit YCbCr."""
    (found,) = converted([ybr], "YBR_FULL")
    assert found == full(ybr)
    assert np.abs(np.subtract(found, rgb)).max() <= 1


PARTIAL_ANCHORS = {
    "black": ((16, 128, 128), [0, 0, 0]),
    "white": ((235, 128, 128), [255, 255, 255]),
    "below black": ((0, 128, 128), [0, 0, 0]),
    "above white": ((255, 128, 128), [255, 255, 255]),
    "red": ((81, 90, 240), [254, 0, 0]),
    "green": ((145, 54, 34), [0, 255, 1]),
    "blue": ((41, 240, 110), [0, 0, 255]),
}


@pytest.mark.parametrize(("ybr", "rgb"), PARTIAL_ANCHORS.values(), ids=PARTIAL_ANCHORS)
@pytest.mark.parametrize("photometric", ["YBR_PARTIAL_422", "YBR_PARTIAL_420"])
def test_partial_anchors(ybr: tuple[int, int, int], rgb: list[int], photometric: str) -> None:
    (found,) = converted([ybr], photometric)
    assert np.abs(np.subtract(found, rgb)).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_equations(bits: int) -> None:
    random = np.random.default_rng(bits)
    triples = [tuple(values) for values in random.integers(0, 1 << bits, (400, 3)).tolist()]
    assert converted(triples, "YBR_FULL", bits) == [full(triple, bits) for triple in triples]
    assert converted(triples, "YBR_FULL_422", bits) == [full(triple, bits) for triple in triples]
    assert converted(triples, "YBR_PARTIAL_422", bits) == [partial(triple, bits) for triple in triples]


@pytest.mark.parametrize("photometric", ["RGB", "YBR_ICT", "YBR_RCT"])
def test_what_is_rgb_already(photometric: str) -> None:
    assert converted([(1, 2, 3)], photometric) == [[1, 2, 3]]
