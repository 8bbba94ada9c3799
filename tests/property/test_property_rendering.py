"""What holds for all images: a table is its chain, inversion mirrors, rounding is exact."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdcm.model import Lut, Samples, Window
from fastdcm.rendering import execute as execute_module
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.execute import execute, value_range
from fastdcm.rendering.lut import display_values, table
from fastdcm.rendering.plan import Automatic, GrayPlan
from tests.builders import words
from tests.payoffs import Fixed

numbers = st.floats(-70_000, 70_000).map(lambda value: round(value, 3))
slopes = st.sampled_from([1.0, -1.0, 2.0, 0.5, -0.1, 1 / 3, 4.8828125e-4, 1e-9, -1e6]) | numbers.filter(bool)
luts = st.builds(
    lambda first, bits, entries: Lut(first, bits, words(entry % 2**bits for entry in entries)),
    st.integers(-32768, 65535),
    st.integers(1, 16),
    st.lists(st.integers(0, 65535), min_size=1, max_size=300),
)
windows = st.builds(
    Window, numbers, st.floats(1, 70_000), st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"])
)
ranges = st.builds(lambda a, b: Range(min(a, b), max(a, b)), numbers, numbers)
chains = st.builds(
    Chain,
    modality=st.none() | st.builds(Rescale, slopes, numbers) | luts,
    voi=windows | ranges | luts,
    presentation_lut=st.none() | luts,
    invert=st.booleans(),
    bits=st.sampled_from([8, 16]),
)


def stored_values(bits: int, signed: bool) -> np.ndarray:
    """Every stored value there is."""
    half = 1 << (bits - 1)
    return np.arange(-half, half) if signed else np.arange(1 << bits)


@settings(deadline=None, max_examples=150)
@given(chain=chains, bits=st.integers(1, 16), signed=st.booleans(), data=st.data())
def test_table_is_the_chain(chain: Chain, bits: int, signed: bool, data: st.DataObject) -> None:
    """For all stored values, each alone, and in any word that holds them."""
    size = data.draw(st.sampled_from([256, 65536] if bits <= 8 else [65536]))
    values = stored_values(bits, signed)
    found = table(chain, bits, signed, size)
    assert found.shape == (size,)
    expected = display_values(values, chain)
    assert np.array_equal(found[values % size], expected)
    # The bits above Bits Stored do not count.
    junk = data.draw(st.integers(0, size - 1)) & ~((1 << bits) - 1)
    assert np.array_equal(found[(values & ((1 << bits) - 1)) | junk], expected)


@settings(deadline=None, max_examples=100)
@given(chain=chains, bits=st.integers(1, 16), signed=st.booleans())
def test_rendering_is_the_chain(chain: Chain, bits: int, signed: bool) -> None:
    """By table in NumPy, by table in a kernel, and value by value in 32 bits."""
    values = stored_values(bits, signed)
    expected = display_values(values, chain)
    plan = GrayPlan(chain, None, None, None, "")
    for kind, compiled in [(2, False), (2, True), (4, True)]:
        array = values.astype(f"{'i' if signed else 'u'}{kind}").reshape(2, -1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(execute_module, "_PAYOFF", Fixed(compiled))
            found = execute(plan, Samples(array, "MONOCHROME2", bits, signed))
        assert np.array_equal(found.ravel(), expected)


@settings(deadline=None, max_examples=100)
@given(chain=chains, bits=st.integers(1, 12), signed=st.booleans())
def test_inversion_mirrors(chain: Chain, bits: int, signed: bool) -> None:
    """To the grey, except where y lies between two integers: both ways round it up."""
    values = stored_values(bits, signed)
    ymax = 2**chain.bits - 1
    plain = display_values(values, chain._replace(invert=False)).astype(int)
    inverted = display_values(values, chain._replace(invert=True)).astype(int)
    assert set(np.unique(plain + inverted)) <= {ymax, ymax + 1}


def quantised(y: Fraction) -> int:
    return math.floor(y + Fraction(1, 2))


@settings(deadline=None, max_examples=200)
@given(
    x=st.lists(st.integers(-70_000, 70_000), min_size=1, max_size=50),
    slope=slopes,
    intercept=st.integers(-5000, 5000).map(float),
    window=windows.filter(lambda window: window.function != "SIGMOID"),
    bits=st.sampled_from([8, 16]),
)
def test_rounding_is_that_of_fractions(
    x: list[int], slope: float, intercept: float, window: Window, bits: int
) -> None:
    """float64 gives the integers of exact arithmetic wherever y is not within 1e-6 of a half."""
    ymax = 2**bits - 1
    found = display_values(np.array(x), Chain(Rescale(slope, intercept), window, bits=bits))
    c, w = Fraction(window.center), Fraction(window.width)
    for stored, grey in zip(x, found.tolist(), strict=True):
        value = stored * Fraction(slope) + Fraction(intercept)
        if window.function == "LINEAR":
            c_, w_ = c - Fraction(1, 2), w - 1
        else:
            c_, w_ = c, w
        if value <= c_ - w_ / 2:
            y = Fraction(0)
        elif value > c_ + w_ / 2:
            y = Fraction(ymax)
        else:
            y = ((value - c_) / w_ + Fraction(1, 2)) * ymax
        near_an_end = min(abs(value - c_ + w_ / 2), abs(value - c_ - w_ / 2)) < 1e-6
        if abs(y % 1 - Fraction(1, 2)) > 1e-6 and not near_an_end:
            assert grey == quantised(y)
        else:
            assert abs(grey - quantised(y)) <= 1 or near_an_end


@settings(deadline=None, max_examples=150)
@given(chain=chains, values=st.lists(st.floats(width=64), min_size=1, max_size=40))
def test_any_float_gives_a_grey_without_a_warning(chain: Chain, values: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = display_values(np.array(values), chain)
        again = display_values(np.array(values * 3).reshape(3, -1), chain)
    assert np.array_equal(again, np.stack([found] * 3))


@settings(deadline=None, max_examples=150)
@given(
    values=st.lists(st.floats(width=64) | st.sampled_from([math.nan, math.inf]), min_size=1, max_size=40),
    rescale=st.none() | st.builds(Rescale, slopes, numbers),
    percentile=st.sampled_from([(0.0, 100.0), (1.0, 99.0)]),
)
def test_automatic_range_of_any_floats(
    values: list[float], rescale: Rescale | None, percentile: tuple[float, float]
) -> None:
    plan = GrayPlan(Chain(rescale, Range(0.0, 0.0)), Automatic(*percentile), None, None, "")
    samples = Samples(np.array([values]), "MONOCHROME2", 0, True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = value_range(plan, [samples])
        execute(plan, samples)
    finite = [value for value in values if math.isfinite(value)]
    assert (found is None) == (not finite)


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_automatic_range_excludes_padding(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["u1", "i1", "u2", "i2", "i4"]))
    info = np.iinfo(kind)
    stored = st.integers(max(info.min, -300), min(info.max, 300))
    values = data.draw(st.lists(stored, min_size=1, max_size=60))
    low, high = sorted((data.draw(stored), data.draw(stored)))
    plan = GrayPlan(Chain(None, Range(0.0, 0.0)), Automatic(), (low, high), None, "")
    found = value_range(plan, [Samples(np.array([values], kind), "MONOCHROME2", 8, kind[0] == "i")])
    kept = [value for value in values if not low <= value <= high]
    assert found == (Range(float(min(kept)), float(max(kept))) if kept else None)


@settings(deadline=None, max_examples=200)
@given(
    values=st.lists(st.integers(-500, 500), min_size=1, max_size=200),
    modality=st.none() | st.builds(Rescale, slopes, numbers) | luts,
    percentile=st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted).filter(lambda p: p[0] < p[1]),
)
def test_percentiles_are_numpy_s(
    values: list[int], modality: Rescale | Lut | None, percentile: list[float]
) -> None:
    """Counted by distinct values, as for 16 bits, they are those of the modality values one by one."""
    plan = GrayPlan(Chain(modality, Range(0.0, 0.0)), Automatic(*percentile), None, None, "")

    def found(kind: str) -> Any:
        return value_range(plan, [Samples(np.array([values], kind), "MONOCHROME2", 16, True)])

    assert list(found("i2")) == pytest.approx(list(found("i4")), rel=1e-9, abs=1e-6)
