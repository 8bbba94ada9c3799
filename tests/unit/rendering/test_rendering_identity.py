"""Samples that are their own display values are not copied, and what a caller gets can be written to."""

from __future__ import annotations

import numpy as np

import fastdcm
from fastdcm.model import Samples, Window
from fastdcm.rendering.chain import Chain, Range
from fastdcm.rendering.execute import execute
from fastdcm.rendering.plan import GrayPlan
from tests.builders import image


def plan(chain: Chain) -> GrayPlan:
    return GrayPlan(chain, None, None, None, "")


def test_the_samples_themselves() -> None:
    array = np.arange(256, dtype=np.uint8).reshape(16, 16)
    samples = Samples(array, "MONOCHROME2", 8, False)
    assert execute(plan(Chain(None, Range(0, 255))), samples) is array
    for chain in (
        Chain(None, Range(0, 254)),
        Chain(None, Range(0, 255), invert=True),
        Chain(None, Window(128, 250)),
    ):
        assert not np.array_equal(execute(plan(chain), samples), array)
    signed = samples._replace(array=array.view(np.int8), signed=True)
    assert execute(plan(Chain(None, Range(0, 255))), signed)[8:].max() == 0, "negative values are black"
    seven = Samples(array >> 1, "MONOCHROME2", 7, False)
    assert execute(plan(Chain(None, Range(0, 127))), seven).max() == 255


def test_a_caller_may_write() -> None:
    """Not into the file's bytes, though."""
    data = image(bytes(range(6)))
    with fastdcm.open(data) as found:
        pixels = found.render()
        pixels += 1
        assert found.render().tolist() == [[0, 1, 2], [3, 4, 5]]
