"""Compiled loops against NumPy with the same integers, and what their import costs a process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fastdcm.kernels.display import gather

SIDES = [512, 1760]


def table_and_values(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A window's table and 12-bit values that look like tissue and noise."""
    values = np.random.default_rng(0).normal(1000, 200, side * side).clip(0, 4095).astype(np.uint16)
    table = np.interp(np.arange(65536), [800, 1200], [0, 255]).astype(np.uint8)
    return table, values


@pytest.fixture
def group_by_size(benchmark: BenchmarkFixture, side: int) -> None:
    benchmark.group = f"table, {side} x {side} of 16 bits"


@pytest.mark.usefixtures("group_by_size")
@pytest.mark.parametrize("side", SIDES)
def bench_gather(benchmark: BenchmarkFixture, side: int) -> None:
    table, values = table_and_values(side)
    out = np.empty(values.shape, np.uint8)
    benchmark(gather, values, table, out)
    assert (out == table[values]).all()


@pytest.mark.usefixtures("group_by_size")
@pytest.mark.parametrize("side", SIDES)
def bench_numpy_take(benchmark: BenchmarkFixture, side: int) -> None:
    table, values = table_and_values(side)
    out = np.empty(values.shape, np.uint8)
    benchmark(np.take, table, values, out=out, mode="clip")


@pytest.mark.benchmark(group="process that imports")
@pytest.mark.parametrize("module", ["numpy", "numba", "fastdcm.kernels.display"])
def bench_import(benchmark: BenchmarkFixture, module: str) -> None:
    command = [sys.executable, "-c", f"import {module}"]
    benchmark.pedantic(subprocess.run, (command,), {"check": True}, rounds=10, warmup_rounds=2)
