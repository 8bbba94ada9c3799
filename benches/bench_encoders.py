"""Our encoders against other libraries', on the display values of a CT slice; sizes are in the report."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from benches.conftest import CT_512
from fastdcm.codecs.encoders import baseline, jpeg, png, turbojpeg
from tests.payoffs import Fixed

Encoder = Callable[[Any], bytes]


@pytest.fixture(scope="module")
def pixels(images: dict[str, Path]) -> Any:
    return fastdcm.render(images[CT_512])


def encode(benchmark: BenchmarkFixture, encoder: Encoder, pixels: Any) -> None:
    benchmark.extra_info["bytes"] = len(benchmark(encoder, pixels))


def by_pillow(pixels: Any) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


@pytest.mark.benchmark(group=f"PNG, {CT_512}")
@pytest.mark.parametrize("level", [1, 3, 6], ids="level {}".format)
def bench_png(benchmark: BenchmarkFixture, pixels: Any, level: int) -> None:
    encode(benchmark, lambda pixels: png.encode(pixels, level), pixels)


@pytest.mark.benchmark(group=f"filters of PNG, {CT_512}")
@pytest.mark.parametrize("compiled", [False, True], ids=["NumPy", "compiled"])
def bench_png_filters(
    benchmark: BenchmarkFixture, pixels: Any, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    monkeypatch.setattr(png, "_PAYOFF", Fixed(compiled))
    benchmark(png._filtered, pixels, 1)


@pytest.mark.benchmark(group=f"PNG, {CT_512}")
def bench_png_by_libpng(benchmark: BenchmarkFixture, pixels: Any) -> None:
    encode(benchmark, lambda pixels: bytes(imagecodecs.png_encode(pixels, level=1)), pixels)


@pytest.mark.benchmark(group=f"PNG, {CT_512}")
def bench_png_by_pillow(benchmark: BenchmarkFixture, pixels: Any) -> None:
    encode(benchmark, by_pillow, pixels)


@pytest.mark.parametrize("own", [True, False], ids=["own", "libjpeg-turbo"])
@pytest.mark.parametrize("side", [64, 96, 128, 192, 256, 512])
def bench_jpeg_gray(benchmark: BenchmarkFixture, pixels: Any, side: int, own: bool) -> None:
    """From how many pixels on our own encoder is faster."""
    part = np.ascontiguousarray(pixels[:side, :side])
    benchmark.group = f"gray JPEG, {side} x {side}"
    if own:
        encode(benchmark, lambda pixels: baseline.encode(pixels, 90, jpeg.encode_bundled), part)
    else:
        encode(benchmark, lambda pixels: jpeg.encode_bundled(pixels, 90, "420"), part)


@pytest.mark.benchmark(group=f"JPEG, {CT_512}")
def bench_jpeg_bundled(benchmark: BenchmarkFixture, pixels: Any) -> None:
    encode(benchmark, lambda pixels: jpeg.encode_bundled(pixels, 90, "420"), pixels)


@pytest.mark.benchmark(group=f"JPEG, {CT_512}")
@pytest.mark.skipif(turbojpeg.system_library() is None, reason="no libjpeg-turbo of the system")
def bench_jpeg_of_the_system(benchmark: BenchmarkFixture, pixels: Any) -> None:
    encode(benchmark, lambda pixels: turbojpeg.encode(pixels, 90, "420"), pixels)
