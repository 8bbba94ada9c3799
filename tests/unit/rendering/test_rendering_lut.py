"""What the maths does at its edges; the formulas themselves are checked in tests/standard."""

from __future__ import annotations

import numpy as np
import pytest

from fastdcm.model import Lut, Window
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.lut import display_values, looked_up, modality_values, table
from tests.builders import words

NAN, INF = float("nan"), float("inf")
LUT = Lut(0, 8, words([10, 20, 30]))


@pytest.mark.parametrize(
    ("voi", "expected"),
    [
        (Window(0.0, 100.0), [0, 0, 255, 0, 255]),
        (Window(0.0, 1.0), [0, 0, 255, 0, 255]),
        (Window(0.0, 100.0, "LINEAR_EXACT"), [0, 0, 255, 0, 255]),
        (Window(0.0, 1e-310, "LINEAR_EXACT"), [0, 0, 255, 0, 255]),
        (Window(0.0, 100.0, "SIGMOID"), [0, 0, 255, 0, 255]),
        (Window(0.0, 1e-310, "SIGMOID"), [0, 0, 255, 0, 255]),
        (Range(-50.0, 50.0), [0, 0, 255, 0, 255]),
        (Range(5.0, 5.0), [0, 0, 0, 0, 0]),
        (LUT, [0, 10, 30, 10, 30]),
    ],
)
def test_what_is_no_number(voi: Window | Range | Lut, expected: list[int]) -> None:
    """NaN is 0, infinities are the ends; and nothing warns (warnings are errors here)."""
    stored = np.array([NAN, -INF, INF, -1e300, 1e300])
    assert display_values(stored, Chain(None, voi)).tolist() == expected
    inverted = display_values(stored, Chain(None, voi, invert=True)).tolist()
    assert inverted == [255 - value for value in expected]


def test_overflow_of_the_rescale() -> None:
    stored = np.array([1e300, -1e300, 0.0])
    chain = Chain(Rescale(1e300, 0.0), Window(0.0, 100.0))
    assert display_values(stored, chain).tolist() == [255, 0, 129]
    assert modality_values(stored, chain.modality).tolist() == [INF, -INF, 0.0]  # type: ignore[arg-type]


def test_lookup_takes_the_nearest_input() -> None:
    """Modality values need not be integers."""
    x = np.array([-9.0, -0.6, -0.4, 0.49, 0.5, 1.49, 1.5, 99.0, NAN])
    found = looked_up(x, LUT)
    assert found[:-1].tolist() == [10, 10, 10, 10, 20, 20, 30, 30]
    assert np.isnan(found[-1])


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_depth_of_the_output(bits: int, dtype: type) -> None:
    found = display_values(np.arange(4, dtype=np.int16), Chain(None, Range(0.0, 3.0), bits=bits))
    assert found.dtype == dtype
    assert found.tolist() == [round(value * (2**bits - 1) / 3) for value in range(4)]


def test_shape_is_kept() -> None:
    assert display_values(np.zeros((2, 3, 4), np.int32), Chain(None, Range(0.0, 1.0))).shape == (2, 3, 4)


@pytest.mark.parametrize("signed", [False, True])
def test_table_ignores_the_bits_above(signed: bool) -> None:
    """Entry n is that of the lowest bits of n, in two's complement where signed."""
    chain = Chain(None, Range(-8.0, 15.0))
    found = table(chain, 4, signed, 256)
    values = [n - 16 if signed and n >= 8 else n for n in range(16)]
    assert found.tolist() == display_values(np.array(values), chain).tolist() * 16
    assert not found.flags.writeable


def test_tables_of_equal_numbers_are_not_mixed_up() -> None:
    """Chains are compared as tuples: signs, depths and kinds of table must tell them apart."""
    chains = [
        Chain(None, Range(0.0, 255.0)),
        Chain(None, Range(0.0, 255.0), invert=True),
        Chain(None, Range(0.0, 255.0), bits=16),
        Chain(Rescale(0.0, 255.0), Range(0.0, 255.0)),
        Chain(None, Range(0.0, 255.0), presentation_lut=LUT),
        Chain(LUT, Range(0.0, 100.0)),
        Chain(None, LUT),
    ]
    found = [
        (table(chain, 8, signed, 256).dtype, table(chain, 8, signed, 256).tobytes())
        for chain in chains
        for signed in (False, True)
    ]
    assert len(set(found)) == len(found) - 1  # a rescale to a constant has no sign
