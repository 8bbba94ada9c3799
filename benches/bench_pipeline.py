"""One image from file to file, as a worker does it, against encoding its pixels, which nobody can leave out.

Frame 1 of each image as JPEG, quality 90. ``bench_encode`` is the floor: the display values, already in
memory, through the same encoder. Kernels are compiled, as in a long run; bench_startup.py is for short ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
import fastdcm.kernels.display  # a process with numba uses it at once
from fastdcm.batch.convert import Converter, Job
from fastdcm.batch.discovery import Task
from fastdcm.codecs.encode import encode_image
from fastdcm.options import ConvertOptions, EncodeOptions, FrameSelection
from fastdcm.sinks.run import Run


def encode_frame(path: Path) -> bytes:
    with fastdcm.open(path) as opened:
        return opened.encode()


@pytest.fixture(autouse=True)
def group_by_image(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> None:
    benchmark.group = f"conversion, {request.node.callspec.params['image']}"


def bench_encode(benchmark: BenchmarkFixture, image: Path) -> None:
    with fastdcm.open(image) as opened:
        pixels = opened.render()
    benchmark(encode_image, pixels, EncodeOptions())


def bench_open_and_encode(benchmark: BenchmarkFixture, image: Path) -> None:
    benchmark(encode_frame, image)


def bench_convert(benchmark: BenchmarkFixture, image: Path, tmp_path: Path) -> None:
    options = ConvertOptions(existing="overwrite", frames=FrameSelection.parse("1"))
    convert = Converter(Job(Run.begin(), options))
    task = Task(str(image), str(tmp_path), "image")
    outcome, _ = benchmark(convert, task, True, lambda frame, seconds: None)
    assert outcome.images == 1
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [encode_frame(image)]
