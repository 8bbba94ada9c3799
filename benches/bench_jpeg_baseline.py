"""Our own decoders of JPEG with DCT beside libjpeg-turbo: what their kernels gain an image.

That tells after how many pixels loading, or compiling, the kernels pays for itself
(`fastdcm.codecs.decoders.jpeg`). ``python -m benches.bench_jpeg_baseline`` prints a table over real files and
made ones, or over those whose names have a word that follows: medians of the processor's time of one thread,
in alternation, and whether the pixels are equal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benches.bench_entropy import display, made, pillow, real, times
from benches.inputs import original
from fastdcm.codecs.jpeg_baseline import decode as one_scan
from fastdcm.codecs.jpeg_scans import decode as several_scans
from fastdcm.codecs.jpeg_scans.headers import judged
from fastdcm.codestream import jpeg, jpeg_entropy
from tests.payoffs import Fixed

Array = NDArray[Any]

_SIZES = (64, 128, 256, 512, 1024)


def own(stream: bytes) -> Array | None:
    """Headers, pixels, and with them the proof that the stream is whole."""
    header = jpeg.parse(stream)
    found = judged(header)
    assert found is not None
    decode = several_scans.decode if found.several else one_scan.decode
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
@pytest.mark.parametrize("progressive", [False, True])
def bench_decode(
    benchmark: BenchmarkFixture,
    progressive: bool,
    kind: str,
    size: int,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(True))
    benchmark.group = f"{'progressive' if progressive else 'sequential'} JPEG, {kind}, {size} x {size}"
    benchmark(globals()[way], pillow(part(kind, size), progressive=progressive))


def part(kind: str, size: int) -> Array:
    """The middle of a real image, mirrored where it is smaller."""
    pixels = display(kind)
    missing = [(0, max(0, size - length)) for length in pixels.shape[:2]]
    pixels = np.pad(pixels, [*missing, (0, 0)][: pixels.ndim], "symmetric")
    top, left = ((length - size) // 2 for length in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + size, left : left + size])


def sizes() -> Iterator[tuple[str, bytes]]:
    """Square images of a quality of 90."""
    for words, progressive in (("", False), (", progressive", True)):
        for size in _SIZES:
            for kind in ("CT", "CR"):
                yield f"{kind}{words}", pillow(part(kind, size), progressive=progressive)
            for name, subsampling in (("4:2:0", 2), ("4:2:2", 1), ("4:4:4", 0)):
                stream = pillow(part("US", size), subsampling=subsampling, progressive=progressive)
                yield f"US, {name}{words}", stream


def deep() -> Iterator[tuple[str, bytes]]:
    """Square parts of gray images in 12 bits, of a quality of 90."""
    for kind in ("CT", "CR"):
        pixels = original(kind).pixels.astype(np.int64)
        pixels = (pixels - pixels.min()) * 4095 // max(1, int(np.ptp(pixels)))
        for size in _SIZES:
            if size <= min(pixels.shape):
                square = np.ascontiguousarray(pixels[:size, :size], np.uint16)
                yield f"{kind}, 12 bits", bytes(imagecodecs.jpeg8_encode(square, 90, bitspersample=12))


def row(name: str, stream: bytes) -> str:
    """A line of the table; empty for what is lossless."""
    header = jpeg.parse(stream)
    found = judged(header)
    if found is None:
        return ""
    shape = f"{header.columns} x {header.rows} x {len(header.components)}"
    if found.refusal:
        return f"| {name[-50:]} | {shape} | goes to libjpeg-turbo: {found.refusal} |"
    equal = np.array_equal(own(stream), library(stream))  # type: ignore[arg-type]
    theirs, proven, ours = times(
        [lambda: library(stream), lambda: checked_library(stream), lambda: own(stream)]
    )
    cells = [f"{1e3 * each:.3f}" for each in (theirs, proven, ours)]
    ratios = f"{theirs / ours:.2f} | {proven / ours:.2f} | {'equal' if equal else 'NOT EQUAL'}"
    return f"| {name[-50:]} | {shape} | {' | '.join(cells)} | {ratios} |"


def main() -> None:
    """Print the table, or of streams whose names have a word."""
    word = "".join(sys.argv[1:])
    jpeg_entropy._PAYOFF = Fixed(True)
    print("| image | | libjpeg-turbo, ms | with proof | own | x | x, with proof | pixels |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for streams in (real(), sizes(), deep(), made()):
        for name, stream in streams:
            if word in name and (line := row(name, stream)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
