"""Our own JPEG 2000 decoder beside OpenJPEG: what its kernels gain an image, and cost a process.

What an image gains tells after how many samples loading, or compiling, the kernels pays for itself
(`fastdcm.codecs.decoders.jpeg2000`). `python -m benches.bench_jpeg2000` prints a table of both in
alternation, of the corpus too with ``--corpus``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.errors import InvalidDicomError
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from benches.encoding import SYNTAXES
from benches.inputs import Array, original
from fastdcm.codecs.jpeg2000.blocks import refusal
from fastdcm.codecs.jpeg2000.decode import decode
from fastdcm.codecs.jpeg2000.walk import ends_of_packets
from fastdcm.codestream import jpeg2000
from tests.conftest import CORPUS

CASES = [
    (kind, syntax)
    for kind in ("CT", "MR", "CR", "US")
    for syntax in ("JPEG 2000 lossless", "JPEG 2000 lossy")
]


def unsigned(kind: str) -> tuple[Array, int]:
    """The pixels of a kind as JPEG 2000 has them here, and their bits."""
    pixels = original(kind).pixels
    if pixels.ndim == 2:
        pixels = (pixels.astype(np.int32) - min(0, int(pixels.min()))).astype(np.uint16)
    return pixels, max(8, int(pixels.max()).bit_length())


def encoded(kind: str, syntax: str) -> bytes:
    encode = SYNTAXES[syntax][1]
    assert encode is not None
    return encode(*unsigned(kind))


@pytest.fixture
def stream(benchmark: BenchmarkFixture, kind: str, syntax: str) -> bytes:
    benchmark.group = f"{kind}, {syntax}, {unsigned(kind)[0].size} samples"
    return encoded(kind, syntax)


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


@pytest.mark.parametrize("way", ["own", "OpenJPEG"])
@pytest.mark.parametrize("noise", [0, 2])
@pytest.mark.parametrize("side", [16, 32, 64, 128])
def bench_slight(benchmark: BenchmarkFixture, side: int, noise: int, way: str) -> None:
    """Where OpenJPEG, with the proof that the stream is whole, is ahead: so few samples and bytes."""
    _, x = np.mgrid[:side, :side]
    smooth = 128 + 60 * np.sin(x / 9) + np.random.default_rng(1).normal(0, noise, x.shape)
    stream = bytes(imagecodecs.jpeg2k_encode(smooth.astype(np.uint8), codecformat="j2k", reversible=True))
    benchmark.group = f"{side} x {side}, {len(stream)} bytes"

    def proven() -> None:
        ends_of_packets(stream, jpeg2000.parse(stream))
        imagecodecs.jpeg2k_decode(stream, numthreads=1)

    run = proven if way == "OpenJPEG" else lambda: decode(stream, jpeg2000.parse(stream))
    benchmark.pedantic(run, rounds=50, warmup_rounds=2)


#: Of the table: what `opj_compress` makes of an image besides.
_SHAPES = {
    "12 layers, lossy": ["-I", "-r", "200,150,100,80,60,50,40,30,25,20,15,10"],
    "tiles of 512, lossless": ["-t", "512,512"],
    "tiles of 64, lossless": ["-t", "64,64"],
}
_ROUNDS, _SECONDS = 25, 3.0


def streams(corpus: Path | None) -> Iterator[tuple[str, bytes]]:
    """Name and codestream of each row of the table."""
    for kind in ("CT", "MR", "CR", "DX", "MG", "US"):
        for syntax in ("JPEG 2000 lossless", "JPEG 2000 lossy"):
            yield f"{kind}, {syntax.rpartition(' ')[2]}", encoded(kind, syntax)
    if shutil.which("opj_compress"):
        for kind in ("CT", "CR"):
            for name, options in _SHAPES.items():
                yield f"{kind}, {name}", _by_opj_compress(*unsigned(kind), options)
    for path in sorted(corpus.iterdir()) if corpus else ():
        found = _in_file(path)
        if found:
            yield path.name[-40:], found


def _by_opj_compress(pixels: Array, bits: int, options: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        image, stream = Path(folder, "image.pgm"), Path(folder, "image.j2k")
        head = f"P5\n{pixels.shape[1]} {pixels.shape[0]}\n{(1 << bits) - 1}\n".encode()
        image.write_bytes(head + pixels.astype(">u2" if bits > 8 else "u1").tobytes())
        command = ["opj_compress", "-i", image, "-o", stream, *options]
        subprocess.run(command, check=True, capture_output=True)
        return stream.read_bytes()


def _in_file(path: Path) -> bytes:
    """The first frame of a DICOM file, if it is of JPEG 2000 that our decoder takes."""
    try:
        dataset = pydicom.dcmread(path)
        if dataset.file_meta.TransferSyntaxUID not in ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"):
            return b""
        stream = next(generate_frames(dataset.PixelData, number_of_frames=1))
        return b"" if refusal(stream, jpeg2000.parse(stream)) else stream
    except (
        InvalidDicomError,
        fastdcm.FastdcmError,
        AttributeError,
        ValueError,
        StopIteration,
    ):
        return b""


def compare(stream: bytes, threads: int) -> tuple[float, float, int]:
    """Milliseconds of OpenJPEG and of our own in alternation, and how far samples are apart.

    The time is that of the processor on one thread, else that of the clock.
    """

    def theirs() -> Array:
        return imagecodecs.jpeg2k_decode(stream, numthreads=threads)

    def ours() -> Array:
        return decode(stream, jpeg2000.parse(stream), threads=threads)

    apart = int(np.abs(ours().astype(np.int64) - theirs()).max())
    clock = time.thread_time if threads == 1 else time.perf_counter
    times: list[tuple[float, float]] = []
    end = time.perf_counter() + _SECONDS
    while len(times) < 3 or (len(times) < _ROUNDS and time.perf_counter() < end):
        times.append((_timed(theirs, clock), _timed(ours, clock)))
    their_time, our_time = (median(each) * 1000 for each in zip(*times, strict=True))
    return their_time, our_time, apart


def _timed(run: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    run()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", action="store_true", help="the files of the corpus, too")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    asked = parser.parse_args()
    columns = " | ".join(f"OpenJPEG, own on {threads}, ms | ratio" for threads in asked.threads)
    print(f"| stream | bytes | {columns} | apart |")
    print("| --- | --- |" + " --- | --- |" * len(asked.threads) + " --- |")
    for name, stream in streams(CORPUS / "files" if asked.corpus else None):
        cells, apart = [f"{name} | {len(stream)}"], 0
        for threads in asked.threads:
            theirs, ours, apart = compare(stream, threads)
            cells.append(f"{theirs:.1f}, {ours:.1f} | {theirs / ours:.2f}")
        print(f"| {' | '.join(cells)} | {apart} |", flush=True)


if __name__ == "__main__":
    main()
