"""Tier-1 of JPEG 2000, all code-blocks of an image on one thread, beside the whole of OpenJPEG."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.encoding import SYNTAXES
from benches.inputs import original
from fastdcm.codecs.jpeg2000.blocks import tiles
from fastdcm.codestream import jpeg2000
from fastdcm.kernels.code_blocks import CHUNK, CHUNK_END, DECODED, decode_blocks, work

KINDS = ["CT", "MR", "CR"]


@pytest.fixture
def stream(benchmark: BenchmarkFixture, kind: str) -> bytes:
    pixels = original(kind).pixels
    unsigned = (pixels.astype(np.int32) - min(0, int(pixels.min()))).astype(np.uint16)
    encode = SYNTAXES["JPEG 2000 lossless"][1]
    assert encode is not None
    bits = int(unsigned.max()).bit_length()
    benchmark.group = f"{kind}, {unsigned.shape[1]} x {unsigned.shape[0]}, {bits} bits"
    return encode(unsigned, bits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lowest", [0, 2])
def bench_code_blocks(benchmark: BenchmarkFixture, stream: bytes, lowest: int) -> None:
    ((component,),) = (tile.components for tile in tiles(stream, jpeg2000.parse(stream)))
    blocks, chunks, segments = component.blocks, component.chunks, component.segments
    behind = np.concatenate([[0], np.cumsum(chunks[:, 1])])
    scratch = work(int((behind[blocks[:, CHUNK_END]] - behind[blocks[:, CHUNK]]).max()))
    out = np.zeros(component.plane, np.int32).reshape(-1)
    arguments = np.frombuffer(stream, np.uint8), blocks, chunks, segments, 0, len(blocks), lowest
    assert benchmark(decode_blocks, *arguments, *scratch, out) == DECODED


@pytest.mark.parametrize("kind", KINDS)
def bench_openjpeg(benchmark: BenchmarkFixture, stream: bytes) -> None:
    benchmark.pedantic(imagecodecs.jpeg2k_decode, (stream,), {"numthreads": 1}, rounds=5)
