"""The header alone, against pydicom's; and reading files whole or by ranges, by their size."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from benches.conftest import CT_512, tiled_ct
from fastdcm.options import RenderOptions
from fastdcm.pipeline import Image
from fastdcm.reader import alike, frames, scan, sequences, source
from fastdcm.rendering import execute
from tests.builders import Element, sequence
from tests.builders import image as object_of
from tests.payoffs import Fixed


def header(path: Path) -> fastdcm.Header:
    with fastdcm.open(path) as opened:
        return opened.header


def stored(path: Path) -> int:
    with fastdcm.open(path) as opened:
        return int(opened.pixels()[-1, -1])


@pytest.fixture
def group_by_image(benchmark: BenchmarkFixture, request: pytest.FixtureRequest) -> None:
    benchmark.group = f"header, {request.node.callspec.params['image']}"


@pytest.mark.usefixtures("group_by_image")
def bench_fastdcm(benchmark: BenchmarkFixture, image: Path) -> None:
    assert benchmark(header, image).rows == pydicom.dcmread(image, stop_before_pixels=True).Rows


@pytest.mark.usefixtures("group_by_image")
def bench_pydicom(benchmark: BenchmarkFixture, image: Path) -> None:
    benchmark(pydicom.dcmread, image, stop_before_pixels=True)


@pytest.mark.benchmark(group=f"scan of the header, {CT_512}")
@pytest.mark.parametrize("compiled", [False, True], ids=["Python", "compiled"])
def bench_scan(
    benchmark: BenchmarkFixture, images: dict[str, Path], monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    """The elements before the pixels, which a kernel can pass."""
    data = source.MemorySource(images[CT_512].read_bytes())
    monkeypatch.setattr(scan, "_PAYOFF", Fixed(compiled))
    assert benchmark(scan.scan, data).pixel is not None


@pytest.mark.benchmark(group=f"header and plan, {CT_512}")
@pytest.mark.parametrize("known", [False, True], ids=["read", "remembered"])
def bench_alike(
    benchmark: BenchmarkFixture, images: dict[str, Path], monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """What the second slice of a series is spared; kernels are loaded."""
    data, options = source.MemorySource(images[CT_512].read_bytes()), RenderOptions()
    monkeypatch.setattr(scan, "_PAYOFF", Fixed(True))
    monkeypatch.setattr(alike, "_PAYOFF", Fixed(known))
    monkeypatch.setattr(alike, "_known", {})
    assert benchmark(lambda: Image(data)._plan(0, options)) is not None


@pytest.mark.parametrize("way", ["whole", "ranges"])
@pytest.mark.parametrize("times", [4, 8, 12, 24])
def bench_stored(
    benchmark: BenchmarkFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int, way: str
) -> None:
    file = tmp_path / "ct.dcm"
    file.write_bytes(tiled_ct(times))
    benchmark.group = f"stored values of a file of {file.stat().st_size / 2**20:.1f} MiB"
    monkeypatch.setattr(source, "WHOLE_FILE_SIZE", 1 << 40 if way == "whole" else 0)
    benchmark(stored, file)


@pytest.mark.parametrize("part", [16, 64, 256, 1024, 1 << 20])
def bench_parts(
    benchmark: BenchmarkFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """A frame of 6 megapixels shown as it is read, in parts of so many KiB; the last is all of it at once."""
    file = tmp_path / "ct.dcm"
    file.write_bytes(tiled_ct(24))
    monkeypatch.setattr(frames, "PART_BYTES", part << 10)
    monkeypatch.setattr(execute, "_PAYOFF", Fixed(True))
    benchmark.group = "large native frame, by part"
    benchmark(fastdcm.render, file)


@pytest.mark.parametrize("window", [16, 64, 256])
def bench_window(
    benchmark: BenchmarkFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    """Walking 700 KB of functional groups, with windows of so many KiB."""
    group = [Element(0x00289132, "SQ", [[Element(0x00281050, "DS", "40"), Element(0x00281051, "DS", "400")]])]
    groups = Element(0x52009230, "SQ", sequence([group] * 12_000, undefined=True), undefined=True)
    file = tmp_path / "enhanced.dcm"
    file.write_bytes(object_of(bytes(source.WHOLE_FILE_SIZE), rows=2048, columns=2048, extra=[groups]))
    for module in (scan, sequences):
        monkeypatch.setattr(module, "WINDOW", window << 10)
    benchmark.group = "header of many functional groups, by window"
    benchmark(header, file)
