"""Our own JPEG 2000 decoder beside OpenJPEG: what its kernels gain an image, and cost a process.

What an image gains tells after how many samples loading, or compiling, the kernels pays for itself
(`fastdcm.codecs.decoders.jpeg2000`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from benches.encoding import SYNTAXES
from benches.inputs import original
from fastdcm.codecs.jpeg2000.decode import decode
from fastdcm.codestream import jpeg2000

CASES = [
    (kind, syntax)
    for kind in ("CT", "MR", "CR", "US")
    for syntax in ("JPEG 2000 lossless", "JPEG 2000 lossy")
]
_IMPORTED = (
    "import imagecodecs, time; start = time.perf_counter(); import fastdcm.codecs.jpeg2000.decode; "
    "import fastdcm.kernels.packet_headers_compiled; print(time.perf_counter() - start)"
)


@pytest.fixture
def stream(benchmark: BenchmarkFixture, kind: str, syntax: str) -> bytes:
    pixels = original(kind).pixels
    if pixels.ndim == 2:
        pixels = (pixels.astype(np.int32) - min(0, int(pixels.min()))).astype(np.uint16)
    encode = SYNTAXES[syntax][1]
    assert encode is not None
    found = encode(pixels, max(8, int(pixels.max()).bit_length()))
    benchmark.group = f"{kind}, {syntax}, {pixels.size} samples"
    return found


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("kind", "syntax"), CASES)
def bench_own(benchmark: BenchmarkFixture, stream: bytes, threads: int) -> None:
    benchmark.pedantic(
        lambda: decode(stream, jpeg2000.parse(stream), threads=threads), rounds=9, warmup_rounds=1
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("kind", "syntax"), CASES)
def bench_openjpeg(benchmark: BenchmarkFixture, stream: bytes, threads: int) -> None:
    """With the proof that the stream is whole, which our own decoder has by reading it."""

    def checked() -> None:
        jpeg2000.check(stream, jpeg2000.parse(stream))
        imagecodecs.jpeg2k_decode(stream, numthreads=threads)

    benchmark.pedantic(checked, rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("compiled", [True, False])
def bench_kernels(benchmark: BenchmarkFixture, compiled: bool, tmp_path: Path) -> None:
    """A process that loads the kernels, or compiles them first."""
    package = Path(fastdcm.__file__).parent
    shutil.copytree(package, tmp_path / "fastdcm", ignore=shutil.ignore_patterns("*.kernel"))
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "TMPDIR": str(tmp_path)}

    def run() -> None:
        subprocess.run(
            [sys.executable, "-c", _IMPORTED], env=environment, cwd=tmp_path, check=True, capture_output=True
        )

    benchmark.group = "kernels"
    if compiled:
        run()
    benchmark.pedantic(run, rounds=3 if compiled else 1)
