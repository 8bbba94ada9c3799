"""Compiled = Python = NumPy, for every kernel and every signature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastdcm.kernels.display import gather, ybr_to_rgb
from fastdcm.rendering.colour import _chroma_tables


def plain(kernel: Any) -> Any:
    """The Python function that was compiled."""
    return kernel.py_func


@pytest.mark.parametrize("values_kind", ["u1", "u2"])
@pytest.mark.parametrize("table_kind", ["u1", "u2"])
@pytest.mark.parametrize("read_only", [False, True])
def test_gather(values_kind: str, table_kind: str, read_only: bool) -> None:
    random = np.random.default_rng(1)
    top = 256 if values_kind == "u1" else 65536
    values = np.concatenate([np.arange(top), random.integers(0, top, 999)]).astype(values_kind)
    table = random.integers(0, 256 if table_kind == "u1" else 65536, top).astype(table_kind)
    values.flags.writeable = table.flags.writeable = not read_only
    compiled, interpreted = (np.empty(values.shape, table_kind) for _ in range(2))
    gather(values, table, compiled)
    plain(gather)(values, table, interpreted)
    assert np.array_equal(compiled, table[values])
    assert np.array_equal(interpreted, compiled)


@pytest.mark.parametrize("read_only", [False, True])
def test_ybr_to_rgb(read_only: bool) -> None:
    red, green, blue = _chroma_tables()
    edges = np.array([0, 1, 127, 128, 129, 254, 255], np.uint8)
    grid = np.stack(np.meshgrid(edges, edges, edges, indexing="ij"), -1).reshape(-1, 3)
    ybr = np.concatenate([grid, np.random.default_rng(2).integers(0, 256, (2000, 3)).astype(np.uint8)])
    ybr.flags.writeable = not read_only
    compiled, interpreted = np.empty(ybr.shape, np.uint8), np.empty(ybr.shape, np.uint8)
    ybr_to_rgb(ybr, red, green, blue, compiled)
    plain(ybr_to_rgb)(ybr, red, green, blue, interpreted)
    luma, cb, cr = ybr.astype(int).T
    expected = np.stack([luma + red[cr], luma + green[cb * 256 + cr], luma + blue[cb]], -1).clip(0, 255)
    assert np.array_equal(compiled, expected)
    assert np.array_equal(interpreted, expected)


@pytest.mark.parametrize("values_kind", ["i2", "u4", "f4"])
def test_nothing_is_compiled_for_another_type(values_kind: str) -> None:
    """Explicit signatures: no surprise of seconds in the middle of a run."""
    with pytest.raises(TypeError):
        gather(np.zeros(3, values_kind), np.zeros(65536, np.uint8), np.empty(3, np.uint8))
