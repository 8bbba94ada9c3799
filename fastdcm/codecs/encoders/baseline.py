"""Baseline JPEG of gray images by our own kernels: the bytes that libjpeg-turbo writes, 1.7 times as fast.

What stands before the scan, its tables among them, is libjpeg-turbo's, taken from an image of one block; the
scan is ours (ITU-T T.81 annex F.1), after the same integer DCT. That the bytes are the same is tested for
every quality (tests/unit/codecs/test_codecs_baseline.py); times are in benches/bench_encoders.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream import jpeg
from fastdcm.codestream.jpeg_huffman import definition_of
from fastdcm.kernels import jpeg_layout, machine_code

#: Blocks are 8 x 8 samples; the results of the DCT are 8 times as large as those of A.3.3.
_BLOCK, _SCALE = 8, 8
_END_OF_IMAGE = b"\xff\xd9"
#: Pixels (rows, columns) uint8, quality, subsampling -> a file.
Library = Callable[[Any, int, str], bytes]


class Coding(NamedTuple):
    """What a quality stands for: tables, and the head of a file up to its scan, in which its size stands.

    ``reciprocals`` and ``halves`` (64,) float32 are of quantization steps, by position in a block;
    ``differences`` (4096,) and ``runs`` (16 * 2048,) uint32 are Huffman codes with the bits behind them, as
    `fastdcm.kernels.jpeg_codes` has them.
    """

    head: bytes
    size_at: int
    reciprocals: NDArray[np.float32]
    halves: NDArray[np.float32]
    differences: NDArray[np.uint32]
    runs: NDArray[np.uint32]


@cache
def is_faster() -> bool:
    """Whether the processor is one that this is for: others were not measured, and have shorter vectors."""
    return machine_code.has("avx2")


def encode(pixels: Any, quality: int, library: Library) -> bytes:
    """Baseline JPEG of a (rows, columns) uint8 array; ``library`` writes the head of a file."""
    from fastdcm.kernels.jpeg_codes import coded_gray

    coding = _coding(quality, library)
    height, width = pixels.shape
    pixels = np.ascontiguousarray(pixels)
    room = pixels.size // 2 + (1 << 16)
    while True:
        file = np.empty(room, np.uint8)
        file[: len(coding.head)] = np.frombuffer(coding.head, np.uint8)
        size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        file[coding.size_at : coding.size_at + 4] = np.frombuffer(size, np.uint8)
        end = coded_gray(pixels, *coding[2:], jpeg_layout.ZIGZAG, *_SCRATCH.arrays, file, len(coding.head))
        if end >= 0:
            return file[:end].tobytes() + _END_OF_IMAGE
        room *= 2  # noise, at the best qualities


class _Scratch(threading.local):
    """What the kernel works in, for each thread."""

    def __init__(self) -> None:
        self.arrays = jpeg_layout.scratch()


_SCRATCH = _Scratch()


@lru_cache(maxsize=8)
def _coding(quality: int, library: Library) -> Coding:
    return coding_of(library(np.zeros((_BLOCK, _BLOCK), np.uint8), quality, "444"))


def coding_of(file: bytes) -> Coding:
    """The coding of a baseline JPEG of one component with one quantization table of 8 bits.

    Quotients by step * 8 are rounded to the nearest integer, halves away from zero: 0.5 is added to their
    size, and a little more, that no product which falls short of a half is cut to the integer below.
    """
    header = jpeg.parse(file)
    (scan,) = header.scans
    table = file.index(b"\xff\xdb\x00\x43\x00") + 5  # DQT: its length, its precision and number (B.2.4.1)
    steps = np.empty(_BLOCK * _BLOCK)
    steps[jpeg_layout.ZIGZAG] = np.frombuffer(file, np.uint8, steps.size, table)
    steps *= _SCALE
    return Coding(
        file[: scan.start],
        file.index(b"\xff\xc0") + 5,  # SOF0: its length, the precision, then lines and samples (B.2.2)
        (1 / steps).astype(np.float32),
        (0.5 + 0.25 / steps).astype(np.float32),
        _with_values(_codes(definition_of(scan, 0, 0), 16), jpeg_layout.DIFFERENCES),
        _with_values(_codes(definition_of(scan, 1, 0), 256).reshape(16, 16), jpeg_layout.COEFFICIENTS),
    )


def _codes(definition: bytes, size: int) -> NDArray[np.uint32]:
    """Codes of a Huffman table by what they stand for (C.2), code << 5 | bits; 0 for what has none."""
    table = np.zeros(size, np.uint32)
    values = iter(definition[16:])
    code = 0
    for length, count in enumerate(definition[:16], 1):
        for _ in range(count):
            table[next(values)] = code << 5 | length
            code += 1
        code <<= 1
    return table


def _with_values(codes: NDArray[np.uint32], most: int) -> NDArray[np.uint32]:
    """For each value from -most to most - 1 the code of its size, with its bits behind it (F.1.2.1.1)."""
    values = np.arange(-most, most)
    sizes = np.frexp(np.abs(values))[1].astype(np.uint32)
    bits = (values - (values < 0)) & ((1 << sizes) - 1)
    known = codes[..., sizes]
    table = ((known >> 5) << sizes | bits) << 5 | (known & 31) + sizes
    return np.where(known == 0, 0, table).astype(np.uint32).ravel()
