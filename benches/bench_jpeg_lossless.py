"""Our own decoder of lossless JPEG beside libjpeg-turbo: what its kernels gain an image, and cost a process.

What an image gains tells after how many samples loading, or compiling, the kernels pays for itself
(`fastdcm.codecs.decoders.jpeg`). ``python -m benches.bench_jpeg_lossless`` prints a table over real files and
made ones: medians of the processor's time of one thread, in alternation, and whether the samples are equal.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from benches.inputs import original
from fastdcm.codecs.jpeg_lossless import decode as module
from fastdcm.codecs.jpeg_lossless.decode import decode, scan_end
from fastdcm.codecs.jpeg_lossless.headers import refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from tests.conftest import CORPUS
from tests.payoffs import Fixed

Array = NDArray[Any]

_SYNTAXES = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_COLOUR = {"colorspace": "RGB", "outcolorspace": "RGB"}
_SIZES, _DEPTHS = (64, 512, 1024, 2048), (8, 12, 16)
#: Least seconds, and pairs, that a row of the table is measured for.
_SECONDS, _PAIRS = 1.0, 7


def own(stream: bytes) -> Array:
    """Headers, samples, and with them the proof that the stream is whole."""
    return decode(stream, jpeg.parse(stream, scan_end=scan_end)).array


def library(stream: bytes) -> Array:
    """libjpeg-turbo alone, which takes cut streams for whole ones."""
    colour: dict[str, Any] = _COLOUR if stream[stream.index(b"\xff\xc3") + 9] == 3 else {}
    found: Array = imagecodecs.jpeg8_decode(stream, **colour)
    return found


def checked_library(stream: bytes) -> Array:
    """libjpeg-turbo behind the walk that proves a stream whole, as it is used where our own does not pay."""
    jpeg_entropy.coverage(stream, jpeg.parse(stream))
    return library(stream)


def encoded(pixels: Array, bits: int) -> bytes:
    """Lossless JPEG with the first predictor, by libjpeg-turbo."""
    colour = _COLOUR if pixels.ndim == 3 else {}
    options: dict[str, Any] = {"lossless": True, "predictor": 1, "bitspersample": bits, **colour}
    return bytes(imagecodecs.jpeg8_encode(pixels, **options))


def made(kind: str, size: int, bits: int) -> bytes:
    """A square image of so many bits: part of a real one, mirrored where it is smaller; noise; or flat."""
    if kind in ("noise", "flat"):
        values = np.random.default_rng(1).integers(0, 1 << bits, (size, size)) * (kind == "noise")
    else:
        found = original(kind).pixels.astype(np.int64)
        found -= found.min()
        missing = [(0, max(0, size - length)) for length in found.shape]
        found = np.pad(found, missing, "symmetric")
        top, left = ((length - size) // 2 for length in found.shape)
        values = found[top : top + size, left : left + size]
        shift = bits - int(values.max()).bit_length()
        values = values << shift if shift > 0 else values >> -shift
        if shift > 0:  # as deeper detectors have it: noise below what there was
            values |= np.random.default_rng(2).integers(0, 1 << min(shift, 2), values.shape) << max(
                0, shift - 2
            )
    return encoded(values.astype(np.uint8 if bits <= 8 else np.uint16), bits)


KINDS = ("CT", "MR", "CR", "noise", "flat")


@pytest.mark.parametrize("way", ["own", "library", "checked_library"])
@pytest.mark.parametrize("size", [64, 128, 512])
@pytest.mark.parametrize("kind", ["CT", "CR"])
def bench_decode(
    benchmark: BenchmarkFixture, kind: str, size: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(True))
    stream = made(kind, size, 12)
    benchmark.group = f"lossless JPEG, {kind}, {size} x {size}"
    benchmark(globals()[way], stream)


@pytest.mark.parametrize("whole_codes", [True, False])
@pytest.mark.parametrize("size", [64, 96, 128, 256])
def bench_tables(
    benchmark: BenchmarkFixture, size: int, whole_codes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images whose tables are new: with the part of them that takes several codes at once, or without."""
    monkeypatch.setattr(module, "_SAMPLES_BEFORE_WHOLE_CODES", 0 if whole_codes else 1 << 30)
    stream = made("CT", size, 12)
    benchmark.group = f"lossless JPEG, new tables, {size} x {size}"

    def run() -> None:
        module._table.cache_clear()
        own(stream)

    benchmark(run)


def real() -> Iterator[tuple[str, bytes]]:
    """First frames of the corpus's files of lossless JPEG."""
    for path in sorted((CORPUS / "files").iterdir()):
        try:
            with fastdcm.open(path) as image:
                if image.header.transfer_syntax_uid in _SYNTAXES:
                    yield path.name, bytes(image._frames.read(0)[0])
        except fastdcm.FastdcmError:
            continue  # no DICOM, or without pixels


def times(stream: bytes, ways: tuple[Callable[[bytes], Array], ...]) -> list[float]:
    """Median seconds of a thread in each way, in turn."""
    found: list[list[float]] = [[] for _ in ways]
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until or len(found[0]) < _PAIRS:
        for way, seconds in zip(ways, found, strict=True):
            start = time.thread_time()
            way(stream)
            seconds.append(time.thread_time() - start)
    return [statistics.median(each) for each in found]


def row(name: str, stream: bytes) -> tuple[str, float, float]:
    """A line of the table, and the seconds of libjpeg-turbo and of our own."""
    header = jpeg.parse(stream)
    shape = f"{header.columns} x {header.rows} x {len(header.components)}, {header.precision} bits"
    if reason := refusal(header):
        return f"| {name} | {shape} | goes to libjpeg-turbo: {reason} |", 0, 0
    equal = np.array_equal(own(stream), library(stream))
    theirs, proven, ours = times(stream, (library, checked_library, own))
    cells = [f"{1e3 * each:.2f}" for each in (theirs, proven, ours)]
    ratios = f"{theirs / ours:.2f} | {proven / ours:.2f} | {'equal' if equal else 'NOT EQUAL'}"
    return f"| {name[:44]} | {shape} | {' | '.join(cells)} | {ratios} |", theirs, ours


def main() -> None:
    """Print the table."""
    jpeg_entropy._PAYOFF = Fixed(True)
    print("| image | | libjpeg-turbo, ms | with proof | own | x | x, with proof | samples |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    sums = [0.0, 0.0]
    for name, stream in real():
        line, theirs, ours = row(name, stream)
        sums = [sums[0] + theirs, sums[1] + ours]
        print(line, flush=True)
    print(
        f"| real files, together | | {1e3 * sums[0]:.1f} | | {1e3 * sums[1]:.1f} "
        f"| {sums[0] / sums[1]:.2f} | | |"
    )
    for kind in KINDS:
        for size in _SIZES:
            for bits in _DEPTHS:
                print(row(f"{kind}", made(kind, size, bits))[0], flush=True)


if __name__ == "__main__":
    main()
