"""The walk that proves a JPEG scan whole: interpreted, compiled, and the decoder it stands before.

``python -m benches.bench_entropy`` prints what share of libjpeg-turbo's time the walk takes, over real files
and made ones: medians of the processor's time of one thread, in alternation.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom.data
import pytest
from numpy.typing import NDArray
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

import fastdcm
from benches.inputs import original
from fastdcm.codestream import jpeg, jpeg_entropy
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.payoffs import Fixed

Array = NDArray[Any]

FILES = ["examples_ybr_color.dcm", "JPGExtended.dcm", "SC_rgb_jpeg_gdcm.dcm"]
_SYNTAXES = {f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 53, 55)}
#: Least seconds, and pairs, that a row of the table is measured for.
_SECONDS, _PAIRS = 0.5, 7


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


def display(kind: str) -> Array:
    """A real image in 8 bits, from its least value to its greatest."""
    pixels = original(kind).pixels.astype(np.int64)
    if pixels.ndim == 2:
        low, high = (int(np.percentile(pixels, percent)) for percent in (0.1, 99.9))
        pixels = (pixels - low) * 255 // max(1, high - low)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def pillow(pixels: Array, **options: Any) -> bytes:
    """JPEG of a quality of 90, by Pillow."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "jpeg", quality=90, **options)
    return written.getvalue()


def made() -> Iterator[tuple[str, bytes]]:
    """Large images of a quality of 90."""
    for kind in ("CR", "MG"):
        gray = display(kind)
        yield f"{kind}, baseline", pillow(gray)
        yield f"{kind}, baseline, tables of its own", pillow(gray, optimize=True)
        yield f"{kind}, restart intervals of a row", pillow(gray, restart_marker_rows=1)
        yield f"{kind}, progressive", pillow(gray, progressive=True)
    twelve = original("CR").pixels
    twelve = (twelve >> max(0, int(twelve.max()).bit_length() - 12)).astype(np.uint16)
    yield "CR, extended", bytes(imagecodecs.jpeg8_encode(twelve, 90, bitspersample=12))
    colour = np.tile(display("US"), (3, 3, 1))
    for name, subsampling in (("4:2:0", 2), ("4:2:2", 1), ("4:4:4", 0)):
        yield f"US, tiled, baseline, {name}", pillow(colour, subsampling=subsampling)
        yield f"US, tiled, progressive, {name}", pillow(colour, subsampling=subsampling, progressive=True)


def real() -> Iterator[tuple[str, bytes]]:
    """First frames of the files of JPEG with DCT, of the corpus and of pydicom's."""
    seen = set()
    folders = [folder for folder in (CORPUS / "files", PYDICOM_FILES) if folder.is_dir()]
    for path in sorted(path for folder in folders for path in folder.iterdir() if path.is_file()):
        try:
            with fastdcm.open(path) as image:
                if image.header.transfer_syntax_uid not in _SYNTAXES:
                    continue
                stream = bytes(image._frames.read(0)[0])
                jpeg_entropy.coverage(stream, jpeg.parse(stream))
        except fastdcm.FastdcmError:
            continue  # no DICOM, no pixels, or damaged
        if stream not in seen:
            seen.add(stream)
            yield path.name, stream


def times(ways: list[Callable[[], object]]) -> list[float]:
    """Median seconds of a thread in each way, in turn."""
    found: list[list[float]] = [[] for _ in ways]
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until or len(found[0]) < _PAIRS:
        for way, seconds in zip(ways, found, strict=True):
            start = time.thread_time()
            way()
            seconds.append(time.thread_time() - start)
    return [statistics.median(each) for each in found]


def row(name: str, stream: bytes) -> tuple[str, Array]:
    """A line of the table, and the seconds of headers, walk and decoder."""
    header = jpeg.parse(stream)
    colour: dict[str, str] = {}
    if len(header.components) == 3:
        coded = jpeg.colour(header, "YBR_FULL")
        colour = {"colorspace": "RGB" if coded == "RGB" else "YCBCR", "outcolorspace": "RGB"}
    seconds = times(
        [
            lambda: jpeg.parse(stream),
            lambda: jpeg_entropy.coverage(stream, header),
            lambda: imagecodecs.jpeg8_decode(stream, **colour),
        ]
    )
    shape = f"{header.columns} x {header.rows} x {len(header.components)}, {header.precision} bits"
    cells = [name[-50:], f"{header.process}, {shape}", f"{len(stream) / 1e6:.2f}"]
    return f"| {' | '.join([*cells, *shown(np.array(seconds))])} |", np.array(seconds)


def shown(seconds: Array) -> list[str]:
    """The cells of some seconds, and what share of the decoder's the walk takes."""
    return [*(f"{1e3 * each:.3f}" for each in seconds), f"{100 * seconds[1] / seconds[2]:.1f} %"]


def main() -> None:
    """Print the table."""
    jpeg_entropy._PAYOFF = Fixed(True)
    print("| image | | MB | headers, ms | walk, ms | libjpeg-turbo, ms | walk / libjpeg-turbo |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for words, streams in (("real", real()), ("made", made())):
        total = np.zeros(3)
        for name, stream in streams:
            line, seconds = row(name, stream)
            total += seconds
            print(line, flush=True)
        print(f"| {words}, together | | | {' | '.join(shown(total))} |", flush=True)


if __name__ == "__main__":
    main()
