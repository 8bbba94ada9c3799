"""Tier-1 of JPEG 2000, all code-blocks of an image on one thread, beside the whole of OpenJPEG.

And whether the MQ decoder still has no branches that depend on what is decoded, which a new version of LLVM
may change: `bench_decisions` takes about as long for decisions that nobody can predict as for those that
anybody can, and its ``conditional_jumps`` of a significance pass are 17 with numba 0.68 on x86-64, none of
which is in `fastdcm.kernels.mq.decide`; branches there add to them, and make the predictable faster.
"""

from __future__ import annotations

import re
from functools import cache

import imagecodecs
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.encoding import SYNTAXES
from benches.inputs import original
from fastdcm.codecs.jpeg2000.reading import tiles
from fastdcm.codestream import jpeg2000
from fastdcm.kernels.code_blocks import CHUNK, CHUNK_END, DECODED, decode_blocks, work
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.mq import INTERVAL, MQ_SIZE, STATES, load_states
from fastdcm.kernels.mq import decode as decode_decision

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


_DECISIONS, _CONTEXTS = 1_000_000, 8
_CONDITIONAL_JUMP = re.compile(r"^\s(j(?!mp)[a-z]+|b\.[a-z]+|cbn?z|tbn?z)\s", re.MULTILINE)


@kernel("uint64(uint64[::1], uint32[::1], int64)")
def decisions(scratch, words, count):  # type: ignore[no-untyped-def]
    """So many decisions by turns in some contexts, as ``words`` has them over and over."""
    load_states(scratch)
    for context in range(_CONTEXTS):
        scratch[context] = STATES[0]
    last = np.uint64(len(words) - 1)
    interval, code, ahead, position = INTERVAL, np.uint64(words[0]) << 31, np.uint64(16), np.uint64(1)
    ones = np.uint64(0)
    for number in range(np.uint64(count)):
        if position == last:
            position = np.uint64(0)
        context = number % np.uint64(_CONTEXTS)
        interval, code, ahead, position, state, decision = decode_decision(
            scratch, words, last, interval, code, ahead, position, scratch[context]
        )
        scratch[context] = state
        ones += decision >> 63
    return ones


@cache
def jumps() -> int:
    """Conditional jumps in the machine code of a significance pass, on x86-64 and ARM."""
    (code,) = decode_blocks._alone(*decode_blocks._signatures).inspect_asm().values()
    functions = re.split(r"\n(?=_\S*:)", code)
    wanted = [each for each in functions if re.match(r"\S*\dsignificance_pass\S*:", each)]
    return len(_CONDITIONAL_JUMP.findall(wanted[0] if wanted else code))


@pytest.mark.parametrize("predictable", [True, False])
def bench_decisions(benchmark: BenchmarkFixture, predictable: bool) -> None:
    benchmark.group = f"{_DECISIONS} decisions"
    benchmark.extra_info["conditional_jumps"] = jumps()
    words = np.random.default_rng(1).integers(0, 1 << 32, 1 << 14, np.uint32)
    if predictable:
        words[:] = 0
    assert benchmark(decisions, np.zeros(MQ_SIZE, np.uint64), words, _DECISIONS) <= _DECISIONS
