"""Our own JPEG-LS decoder beside CharLS: real files, images of every kind, and what kernels cost a process.

``python -m benches.bench_jpegls`` prints a table: both decode the same stream in turn, on one thread, whole
calls from bytes to pixels. What an image gains tells after how many samples loading, or compiling, the
kernels pays for itself (`fastdcm.codecs.decoders.jpegls`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any, NamedTuple

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from benches.inputs import original
from fastdcm.codestream import jpeg, jpegls
from fastdcm.reader.frames import FrameIndex
from fastdcm.reader.header import read_header
from fastdcm.reader.scan import scan
from fastdcm.reader.source import open_source
from tests.conftest import CORPUS

Array = NDArray[Any]

SIDES, DEPTHS = (512, 1024, 2048), (8, 12, 16)
_SYNTAXES = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")


class Row(NamedTuple):
    """A stream; milliseconds of CharLS and of our own decoder, medians; whether pixels are equal."""

    name: str
    samples: int
    charls: float
    own: float
    equal: bool

    def __str__(self) -> str:
        ratio, verdict = self.charls / self.own, "exact" if self.equal else "OTHER PIXELS"
        numbers = f"{self.samples:>9} {self.charls:>8.3f} {self.own:>8.3f} {ratio:>6.2f}"
        return f"{self.name:<60.60} {numbers}  {verdict}"


def own(stream: bytes) -> Array:
    from fastdcm.codecs.jpegls.decode import decode

    header = jpeg.parse(stream)
    return decode(stream, header, jpegls.codings(stream, header)).array


def encoded(pixels: Array, bits: int, near: int = 0) -> bytes:
    return bytes(jpeg_ls.encode_buffer(pixels.tobytes(), *pixels.shape, 1, bits, near, None))


def content(kind: str, side: int, bits: int) -> Array:
    """An image of a kind, mirrored or cropped to a size, its values stretched or cut to a depth."""
    top = (1 << bits) - 1
    word = np.uint8 if bits <= 8 else np.uint16
    if kind == "noise":
        return np.random.default_rng(side + bits).integers(0, top + 1, (side, side)).astype(word)
    if kind == "flat":
        return np.full((side, side), top // 3, word)
    pixels = original(kind).pixels.astype(np.float64)
    spare = [(0, max(0, side - length)) for length in pixels.shape]
    pixels = np.pad(pixels, spare, mode="symmetric")[:side, :side]
    pixels = (pixels - pixels.min()) / max(1.0, pixels.max() - pixels.min())
    return np.ascontiguousarray((pixels * top).astype(word))


def synthetic() -> Iterator[tuple[str, bytes]]:
    for kind in ("CT", "MR", "CR", "noise", "flat"):
        for side in SIDES:
            for bits in DEPTHS:
                yield f"{kind} {side} x {side}, {bits} bits", encoded(content(kind, side, bits), bits)
    pixels = content("CT", 512, 12)
    for near in (1, 3):
        yield f"CT 512 x 512, 12 bits, NEAR {near}", encoded(pixels, 12, near)
    for side in (16, 32, 64, 128):
        part = np.ascontiguousarray(pixels[200:, 200:][:side, :side])
        yield f"CT {side} x {side}, 12 bits", encoded(part, 12)


def real() -> Iterator[tuple[str, bytes]]:
    """The first frame of each file of the corpus."""
    for path in sorted((CORPUS / "files").iterdir()):
        source = open_source(path)
        try:
            found = scan(source)
            header = read_header(found, [])
            if header.transfer_syntax_uid in _SYNTAXES:
                yield path.name, bytes(FrameIndex(found, header, []).read(0)[0])
        except fastdcm.FastdcmError:
            continue
        finally:
            source.close()


def measured(name: str, stream: bytes) -> Row:
    stream = stream[: jpeg.parse(stream).end]
    theirs, ours = imagecodecs.jpegls_decode(stream), own(stream)
    if theirs.shape != ours.shape:
        theirs = np.moveaxis(theirs, 0, -1)
    rounds = max(5, min(200, 2_000_000 // ours.size))
    spent: dict[Callable[[bytes], Array], list[float]] = {imagecodecs.jpegls_decode: [], own: []}
    for _ in range(rounds):
        for decode, times in spent.items():
            start = time.thread_time()
            decode(stream)
            times.append(1000 * (time.thread_time() - start))
    charls, mine = (median(times) for times in spent.values())
    return Row(name, ours.size, charls, mine, bool(np.array_equal(theirs, ours)))


def main() -> None:
    """Print the table."""
    print(f"{'stream':<60} {'samples':>9} {'CharLS':>8} {'own':>8} {'ratio':>6}  (ms, one thread)")
    for title, streams in (("real files", real()), ("synthetic", synthetic())):
        rows = []
        for name, stream in streams:
            rows.append(measured(name, stream))
            print(rows[-1], flush=True)
        if rows:
            charls, mine = (sum(getattr(row, name) for row in rows) for name in ("charls", "own"))
            print(f"{title}: {charls:.1f} ms and {mine:.1f} ms in sum, {charls / mine:.2f} x\n")


@pytest.mark.parametrize("decode", [own, imagecodecs.jpegls_decode], ids=["own", "charls"])
@pytest.mark.parametrize("kind", ["CT", "MR", "CR", "noise"])
def bench_decode(benchmark: BenchmarkFixture, decode: Callable[[bytes], Array], kind: str) -> None:
    stream = encoded(content(kind, 512, 12), 12)
    benchmark.group = f"{kind} 512 x 512, 12 bits"
    benchmark.pedantic(decode, (stream,), rounds=9, warmup_rounds=1)


if __name__ == "__main__":
    main()
