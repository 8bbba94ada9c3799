"""The walk that proves a JPEG scan whole: interpreted, compiled, and the decoder it stands before."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import pydicom.data
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from fastdcm.codestream import jpeg, jpeg_entropy
from tests.payoffs import Fixed

FILES = ["examples_ybr_color.dcm", "JPGExtended.dcm", "SC_rgb_jpeg_gdcm.dcm"]


def stream_of(name: str) -> bytes:
    folder = Path(pydicom.data.__file__).parent / "test_files"
    with fastdcm.open(folder / name) as image:
        return bytes(image._frames.read(0)[0])


@pytest.fixture
def stream(benchmark: BenchmarkFixture, name: str) -> bytes:
    found = stream_of(name)
    header = jpeg.parse(found)
    size = sum(scan.end - scan.start for scan in header.scans)
    benchmark.group = f"JPEG, {header.process}, {size} bytes of scans"
    return found


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("way", ["interpreted", "compiled"])
def bench_walk(benchmark: BenchmarkFixture, stream: bytes, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(way == "compiled"))
    header = jpeg.parse(stream)
    assert benchmark(jpeg_entropy.coverage, stream, header).rows == header.rows


@pytest.mark.parametrize("name", FILES)
def bench_decode(benchmark: BenchmarkFixture, stream: bytes) -> None:
    benchmark(imagecodecs.jpeg8_decode, stream)
