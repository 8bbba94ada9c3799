"""What the kernels of our codecs cost a process: to load them, or to compile them first.

With what they gain an image, this tells after how many samples they pay: the thresholds of
`fastdcm.codecs.decoders`' jpeg, jpegls and jpeg2000, and of `fastdcm.codecs.encoders.jpeg`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm

MODULES = {
    "JPEG 2000": ("fastdcm.codecs.jpeg2000.decode",),
    "JPEG-LS": ("fastdcm.codecs.jpegls.decode",),
    "sequential JPEG": ("fastdcm.codecs.jpeg_baseline.decode",),
    "JPEG in several scans": ("fastdcm.codecs.jpeg_scans.decode",),
    "lossless JPEG": ("fastdcm.codecs.jpeg_lossless.decode",),
    "encoding gray JPEG": ("fastdcm.kernels.jpeg_codes",),
}


@pytest.mark.parametrize("decoder", MODULES)
@pytest.mark.parametrize("compiled", [True, False])
def bench_start_with_kernels(
    benchmark: BenchmarkFixture, decoder: str, compiled: bool, tmp_path: Path
) -> None:
    """A process with NumPy and imagecodecs that imports them; without, it is that much shorter."""
    package = Path(fastdcm.__file__).parent
    shutil.copytree(package, tmp_path / "fastdcm", ignore=shutil.ignore_patterns("*.kernel"))
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path)}
    code = f"import imagecodecs, {', '.join(MODULES[decoder])}"

    def run() -> None:
        subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)

    benchmark.group = f"kernels of {decoder}, loaded or compiled"
    if compiled:
        run()
    benchmark.pedantic(run, rounds=3 if compiled else 1)


@pytest.mark.benchmark(group="NumPy and imagecodecs alone")
def bench_start_without_kernels(benchmark: BenchmarkFixture) -> None:
    def run() -> None:
        subprocess.run([sys.executable, "-c", "import numpy, imagecodecs"], check=True)

    benchmark.pedantic(run, rounds=5)
