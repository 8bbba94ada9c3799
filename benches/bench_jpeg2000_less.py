"""Less than a whole JPEG 2000 image by our own decoder: fewer resolutions, a region, fewer bit-planes.

Beside its time, ``extra_info`` of a display precision has the shares of pixels, in per cent, that are off by
one grey and by more, and the most that any is.
"""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.encoding import SYNTAXES
from benches.inputs import original
from fastdcm.codecs.jpeg2000.decode import decode
from fastdcm.codestream import jpeg2000
from fastdcm.codestream.jpeg2000.headers import Area

_KINDS = ("CT", "MR", "CR")
_LOSSLESS, _LOSSY = "JPEG 2000 lossless", "JPEG 2000 lossy"


@pytest.fixture
def stream(benchmark: BenchmarkFixture, kind: str, syntax: str) -> bytes:
    pixels = original(kind).pixels
    pixels = (pixels.astype(np.int32) - min(0, int(pixels.min()))).astype(np.uint16)
    encode = SYNTAXES[syntax][1]
    assert encode is not None
    benchmark.group = f"{kind}, {syntax}, {pixels.size} samples"
    return encode(pixels, max(8, int(pixels.max()).bit_length()))


@pytest.mark.parametrize("reduce", range(4))
@pytest.mark.parametrize("syntax", [_LOSSLESS, _LOSSY])
@pytest.mark.parametrize("kind", _KINDS)
def bench_reduce(benchmark: BenchmarkFixture, stream: bytes, reduce: int) -> None:
    header = jpeg2000.parse(stream)
    benchmark.pedantic(lambda: decode(stream, header, reduce=reduce), rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("share", [2, 4, 8])
@pytest.mark.parametrize("syntax", [_LOSSLESS, _LOSSY])
@pytest.mark.parametrize("kind", _KINDS)
def bench_region(benchmark: BenchmarkFixture, stream: bytes, share: int) -> None:
    """The middle, this share of both sides."""
    header = jpeg2000.parse(stream)
    width, height = header.columns // share, header.rows // share
    x0, y0 = (header.columns - width) // 2, (header.rows - height) // 2
    region = Area(x0, y0, x0 + width, y0 + height)
    benchmark.pedantic(lambda: decode(stream, header, region=region), rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("width", [350, 700, 1500, 0])
@pytest.mark.parametrize("syntax", [_LOSSLESS, _LOSSY])
@pytest.mark.parametrize("kind", _KINDS)
def bench_grey(benchmark: BenchmarkFixture, stream: bytes, width: int) -> None:
    """A window of this width around the median of what is not background; 0 is from minimum to maximum."""
    header = jpeg2000.parse(stream)
    whole = decode(stream, header).astype(np.float64)
    low, high = float(whole.min()), float(whole.max())
    wide = width or high - low
    start = float(np.median(whole[whole > whole.mean()])) - wide / 2 if width else low
    found = benchmark.pedantic(lambda: decode(stream, header, grey=wide / 255), rounds=9, warmup_rounds=1)

    def shown(samples: np.ndarray) -> np.ndarray:
        return np.floor(np.clip((samples - start) / wide * 255, 0, 255) + 0.5)

    off = np.abs(shown(found) - shown(whole))
    benchmark.extra_info |= {
        "off by 1": float(100 * (off == 1).mean()),
        "off by more": float(100 * (off > 1).mean()),
        "most": float(off.max()),
    }
