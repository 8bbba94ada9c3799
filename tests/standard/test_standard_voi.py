"""PS3.3 C.11: the formulas and worked examples of the standard, written down once more in fractions.

The text of the standard is the reference here, evaluated exactly. The implementation computes in float64
and must give the same integers; only where y lies exactly between two of them may it take either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from fastdcm.model import Lut, Window
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.lut import display_values
from tests.builders import words

IDENTITY = Window(127.5, 255, "LINEAR_EXACT")


def displayed(values: list[float] | list[int], chain: Chain) -> list[int]:
    kind = np.int64 if all(isinstance(value, int) for value in values) else np.float64
    found: list[int] = display_values(np.array(values, kind), chain).tolist()
    return found


def quantised(y: Fraction) -> int:
    return math.floor(y + Fraction(1, 2))


def same(found: list[int], expected: list[Fraction]) -> bool:
    """Whether these are the expected values, quantised."""
    return len(found) == len(expected) and all(
        value == quantised(y) or (y % 1 == Fraction(1, 2) and value == quantised(y) - 1)
        for value, y in zip(found, expected, strict=True)
    )


def linear(x: Fraction, c: Fraction, w: Fraction, ymax: int) -> Fraction:
    """C.11.2.1.2.1: the pseudo-code with ymin 0."""
    half = Fraction(1, 2)
    if x <= c - half - (w - 1) / 2:
        return Fraction(0)
    if x > c - half + (w - 1) / 2:
        return Fraction(ymax)
    return ((x - (c - half)) / (w - 1) + half) * ymax


def linear_exact(x: Fraction, c: Fraction, w: Fraction, ymax: int) -> Fraction:
    """C.11.2.1.3.2."""
    half = Fraction(1, 2)
    if x <= c - w / 2:
        return Fraction(0)
    if x > c + w / 2:
        return Fraction(ymax)
    return ((x - c) / w + half) * ymax


@pytest.mark.parametrize(
    ("center", "width", "low", "high"),
    [(2048, 4096, 0, 4095), (2048, 1, 2047.5, 2047.5), (0, 100, -50, 49), (0, 1, -0.5, -0.5)],
)
def test_examples_of_the_notes(center: float, width: float, low: float, high: float) -> None:
    """C.11.2.1.2.1, note 3: x <= low gives 0, x > high gives 255, between lies a line."""
    chain = Chain(None, Window(center, width))
    steps = [low - 1, low - 0.25, low, low + 0.25, high, high + 0.25, high + 1]
    found = displayed([float(step) for step in steps], chain)
    assert found[:3] == [0, 0, 0]
    assert found[-2:] == [255, 255]
    if width > 1:
        assert found[4] == 255
        middle = (low + high) / 2
        assert displayed([middle], chain) == [128]
    else:
        assert found[3] == 255


def test_identity_of_note_4() -> None:
    """Center 2^(n-1) and width 2^n is the identity."""
    assert displayed(list(range(256)), Chain(None, Window(128, 256))) == list(range(256))
    words16 = list(range(65536))
    assert displayed(words16, Chain(None, Window(32768, 65536), bits=16)) == words16


def test_threshold_of_note_5() -> None:
    """A width of 1 is a threshold, and 2 the same for integers."""
    for width in (1, 2):
        found = displayed([98, 99, 100, 101], Chain(None, Window(100, width)))
        assert found == [0, 0, 255, 255]


WINDOWS = [
    (2048, 4096),
    (40, 400),
    (40, 401),
    (-600, 1500),
    (0.5, 1),
    (10.25, 7.5),
    (127, 2),
    (3, 1.5),
    (40, 1),
]


@pytest.mark.parametrize(("center", "width"), WINDOWS)
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("function", "formula"), [("LINEAR", linear), ("LINEAR_EXACT", linear_exact)], ids=["linear", "exact"]
)
def test_linear_functions(
    center: float,
    width: float,
    bits: int,
    function: str,
    formula: Callable[[Fraction, Fraction, Fraction, int], Fraction],
) -> None:
    ymax = 2**bits - 1
    # Modality values need not be integers: quarters around the narrow windows.
    values = [*range(-3000, 5000, 7), *(quarter / 4 for quarter in range(-40, 200))]
    chain = Chain(None, Window(center, width, function), bits=bits)  # type: ignore[arg-type]
    expected = [formula(Fraction(x), Fraction(center), Fraction(width), ymax) for x in values]
    assert same(displayed(values, chain), expected)
    assert same(displayed(values, chain._replace(invert=True)), [ymax - y for y in expected])


@pytest.mark.parametrize(("center", "width"), WINDOWS)
def test_sigmoid(center: float, width: float) -> None:
    """C.11.2.1.3.1."""
    values = list(range(-3000, 5000, 7))
    chain = Chain(None, Window(center, width, "SIGMOID"))
    for x, found in zip(values, displayed(values, chain), strict=True):
        exponent = -4 * (x - center) / width
        y = 255 / (1 + math.exp(exponent)) if exponent < 700 else 0.0
        # Off by one is only possible where the exponential lies at a half.
        assert found == math.floor(y + 0.5) or abs(y % 1 - 0.5) < 1e-9


def test_sigmoid_of_the_center_is_the_middle() -> None:
    assert displayed([40], Chain(None, Window(40, 400, "SIGMOID"), bits=16)) == [32768]


def test_the_window_is_in_units_of_the_rescaled_values() -> None:
    """C.11.2.1.2: "after any Modality LUT or Rescale Slope and Intercept"; folding one into the other
    is wrong.

    With slope 2 and window 40/400 it would round 63 of 199 values inside to another grey.
    """
    chain = Chain(Rescale(2.0, -1024.0), Window(40, 400))
    stored = list(range(400, 700))
    expected = [quantised(linear(Fraction(2 * x - 1024), Fraction(40), Fraction(400), 255)) for x in stored]
    assert displayed(stored, chain) == expected
    folded = [quantised(linear(Fraction(x), Fraction(40 + 1024, 2), Fraction(400, 2), 255)) for x in stored]
    assert sum(a != b for a, b in zip(expected, folded, strict=True)) > 30


def test_negative_slope() -> None:
    chain = Chain(Rescale(-1.0, 100.0), Window(50, 100))
    stored = list(range(-20, 130))
    expected = [quantised(linear(Fraction(100 - x), Fraction(50), Fraction(100), 255)) for x in stored]
    assert displayed(stored, chain) == expected


def test_lut_of_the_standard() -> None:
    """C.11.2.1.1: the first entry up to the first value, the last from the last on, one step an input."""
    lut = Lut(100, 12, words([0, 1000, 4095]))
    chain = Chain(None, lut, bits=16)
    expected = [quantised(Fraction(entry * 65535, 4095)) for entry in (0, 0, 1000, 4095, 4095, 4095)]
    assert displayed([-5, 100, 101, 102, 103, 9999], chain) == expected


def test_lut_depth_is_the_descriptor_s() -> None:
    """C.11.2.1.1: 0 to 2^n-1 is the full range, whatever the largest entry is."""
    assert displayed([0], Chain(None, Lut(0, 10, words([512])))) == [quantised(Fraction(512 * 255, 1023))]
    assert displayed([0], Chain(None, Lut(0, 8, words([100])))) == [100]


def test_modality_lut() -> None:
    """C.11.1.1: its output is what the window applies to."""
    lut = Lut(-2, 16, words([0, 50, 100, 200]))
    assert displayed([-9, -2, -1, 0, 1, 9], Chain(lut, Window(101, 202, "LINEAR_EXACT"))) == [
        quantised(linear_exact(Fraction(x), Fraction(101), Fraction(202), 255))
        for x in (0, 0, 50, 100, 200, 200)
    ]


def test_presentation_lut_spans_the_output_of_the_voi() -> None:
    """C.11.6.1, note 2: center 0 and width 100 with 256 entries scale -50..49 to 0..255 first."""
    entries = [(7 * number) % 256 for number in range(256)]
    lut = Lut(0, 8, words(entries))
    chain = Chain(None, Window(0, 100), presentation_lut=lut)
    values = list(range(-60, 60))
    positions = [quantised(linear(Fraction(x), Fraction(0), Fraction(100), 255)) for x in values]
    assert displayed(values, chain) == [entries[position] for position in positions]


def test_presentation_lut_of_4096_entries() -> None:
    """The same, note 4: 16 bits are scaled to 0..4095 before the entry is selected."""
    lut = Lut(0, 16, words(range(0, 65536, 16)))
    chain = Chain(None, Range(0.0, 65535.0), presentation_lut=lut, bits=16)
    expected = [16 * quantised(Fraction(x * 4095, 65535)) for x in range(0, 65536, 97)]
    assert displayed(list(range(0, 65536, 97)), chain) == expected


def test_rounding_is_half_up_before_and_after_inversion() -> None:
    """floor(y + 1/2); inverted it is floor(ymax - y + 1/2), not ymax - floor(y + 1/2)."""
    chain = Chain(None, Range(0.0, 510.0))
    values = list(range(511))
    assert displayed(values, chain) == [quantised(Fraction(x, 2)) for x in values]
    assert displayed(values, chain._replace(invert=True)) == [quantised(255 - Fraction(x, 2)) for x in values]
    assert displayed([1], chain) == [1]
    assert displayed([1], chain._replace(invert=True)) == [255]
