"""Our own decoder of sequential JPEG beside libjpeg-turbo: what its kernels gain an image.

That tells after how many pixels loading, or compiling, the kernels pays for itself
(`fastdcm.codecs.decoders.jpeg`). ``python -m benches.bench_jpeg_baseline`` prints a table over real files and
made ones: medians of the processor's time of one thread, in alternation, and whether the pixels are equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benches.bench_entropy import display, made, pillow, real, times
from fastdcm.codecs.jpeg_baseline.decode import decode
from fastdcm.codecs.jpeg_baseline.headers import refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from tests.payoffs import Fixed

Array = NDArray[Any]

_SIZES = (64, 128, 256, 512, 1024)


def own(stream: bytes) -> Array | None:
    """Headers, pixels, and with them the proof that the stream is whole."""
    header = jpeg.parse(stream)
    return decode(stream, header, converted=_is_converted(header))


def library(stream: bytes) -> Array:
    """libjpeg-turbo alone, which takes cut streams for whole ones; headers as well, by which it is called."""
    return _by_library(stream, jpeg.parse(stream))


def checked_library(stream: bytes) -> Array:
    """libjpeg-turbo behind the walk that proves a stream whole, as it is used where our own does not pay."""
    header = jpeg.parse(stream)
    jpeg_entropy.coverage(stream, header)
    return _by_library(stream, header)


def _by_library(stream: bytes, header: jpeg.JpegHeader) -> Array:
    colour: dict[str, Any] = {}
    if len(header.components) == 3:
        coded = "YCBCR" if _is_converted(header) else "RGB"
        colour = {"colorspace": coded, "outcolorspace": "RGB"}
    found: Array = imagecodecs.jpeg8_decode(stream, **colour)
    return found


def _is_converted(header: jpeg.JpegHeader) -> bool:
    return len(header.components) == 3 and jpeg.colour(header, "YBR_FULL") != "RGB"


@pytest.mark.parametrize("way", ["own", "library", "checked_library"])
@pytest.mark.parametrize("size", _SIZES)
@pytest.mark.parametrize("kind", ["CT", "US"])
def bench_decode(
    benchmark: BenchmarkFixture, kind: str, size: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(True))
    benchmark.group = f"sequential JPEG, {kind}, {size} x {size}"
    benchmark(globals()[way], pillow(part(kind, size)))


def part(kind: str, size: int) -> Array:
    """The middle of a real image, mirrored where it is smaller."""
    pixels = display(kind)
    missing = [(0, max(0, size - length)) for length in pixels.shape[:2]]
    pixels = np.pad(pixels, [*missing, (0, 0)][: pixels.ndim], "symmetric")
    top, left = ((length - size) // 2 for length in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])


def sizes() -> Iterator[tuple[str, bytes]]:
    """Square images of a quality of 90."""
    for size in _SIZES:
        for kind in ("CT", "CR"):
            yield f"{kind}", pillow(part(kind, size))
        for name, subsampling in (("4:2:0", 2), ("4:2:2", 1), ("4:4:4", 0)):
            yield f"US, {name}", pillow(part("US", size), subsampling=subsampling)


def row(name: str, stream: bytes) -> str:
    """A line of the table; empty for what is no sequential stream of 8 bits."""
    header = jpeg.parse(stream)
    if header.process not in ("baseline", "extended") or header.precision != 8:
        return ""
    shape = f"{header.columns} x {header.rows} x {len(header.components)}"
    if reason := refusal(header):
        return f"| {name[-50:]} | {shape} | goes to libjpeg-turbo: {reason} |"
    equal = np.array_equal(own(stream), library(stream))  # type: ignore[arg-type]
    theirs, proven, ours = times(
        [lambda: library(stream), lambda: checked_library(stream), lambda: own(stream)]
    )
    cells = [f"{1e3 * each:.3f}" for each in (theirs, proven, ours)]
    ratios = f"{theirs / ours:.2f} | {proven / ours:.2f} | {'equal' if equal else 'NOT EQUAL'}"
    return f"| {name[-50:]} | {shape} | {' | '.join(cells)} | {ratios} |"


def main() -> None:
    """Print the table."""
    jpeg_entropy._PAYOFF = Fixed(True)
    print("| image | | libjpeg-turbo, ms | with proof | own | x | x, with proof | pixels |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for streams in (real(), sizes(), made()):
        for name, stream in streams:
            if line := row(name, stream):
                print(line, flush=True)


if __name__ == "__main__":
    main()
