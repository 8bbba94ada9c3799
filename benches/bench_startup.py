"""A process from start to exit: one image, against importing NumPy, which it cannot do without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.conftest import CT_512


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.benchmark(group="start-up")
def bench_floor(benchmark: BenchmarkFixture) -> None:
    benchmark.pedantic(run, ("-c", "import numpy"), rounds=20, warmup_rounds=2)


@pytest.mark.benchmark(group="start-up")
def bench_help(benchmark: BenchmarkFixture) -> None:
    benchmark.pedantic(run, ("-m", "fastdcm", "--help"), rounds=20, warmup_rounds=2)


@pytest.mark.benchmark(group="start-up")
@pytest.mark.parametrize("label", ["CT 128x128 native", CT_512])
def bench_convert(benchmark: BenchmarkFixture, images: dict[str, Path], tmp_path: Path, label: str) -> None:
    output = str(tmp_path / "out.jpg")
    arguments = ("-m", "fastdcm", "convert", "--quiet", "--overwrite", str(images[label]), output)
    benchmark.pedantic(run, arguments, rounds=20, warmup_rounds=2)
