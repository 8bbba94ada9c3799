"""The walk that proves a JPEG 2000 stream whole: interpreted, compiled, and the decoder it stands before."""

from __future__ import annotations

import sys

import imagecodecs
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.encoding import SYNTAXES
from benches.inputs import original
from fastdcm.codestream import jpeg2000
from tests.payoffs import Fixed

CASES = [(kind, syntax) for kind in ("CT", "CR") for syntax in ("JPEG 2000 lossless", "HTJ2K")]
_PACKETS = sys.modules["fastdcm.codestream.jpeg2000.packets"]  # the package has a function of this name


@pytest.fixture
def stream(benchmark: BenchmarkFixture, kind: str, syntax: str) -> bytes:
    pixels = original(kind).pixels
    unsigned = (pixels.astype(np.int32) - min(0, int(pixels.min()))).astype(np.uint16)
    encode = SYNTAXES[syntax][1]
    assert encode is not None
    found = encode(unsigned, int(unsigned.max()).bit_length())
    benchmark.group = f"{kind}, {syntax}, {len(found)} bytes"
    return found


@pytest.mark.parametrize(("kind", "syntax"), CASES)
@pytest.mark.parametrize("way", ["interpreted", "compiled"])
def bench_walk(benchmark: BenchmarkFixture, stream: bytes, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_PACKETS, "_PAYOFF", Fixed(way == "compiled"))
    benchmark(jpeg2000.check, stream, jpeg2000.parse(stream))


@pytest.mark.parametrize(("kind", "syntax"), CASES)
def bench_decode(benchmark: BenchmarkFixture, stream: bytes, syntax: str) -> None:
    decode = imagecodecs.htj2k_decode if syntax == "HTJ2K" else imagecodecs.jpeg2k_decode
    benchmark.pedantic(decode, (stream,), rounds=5)
