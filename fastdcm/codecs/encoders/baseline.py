"""Baseline JPEG of gray images by our own kernels: the bytes that libjpeg-turbo writes, twice as fast.

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
#: Bytes that are kept from one image to the next at most.
_KEPT = 1 << 24
_END_OF_IMAGE = b"\xff\xd9"
#: Pixels (rows, columns) uint8, quality, subsampling -> a file.
Library = Callable[[Any, int, str], bytes]


class Coding(NamedTuple):
    """What a quality stands for: tables, and the head of a file up to its scan, in which its size stands.

    ``quotients`` (64 * 3 * 16,) uint16 are of quantization steps in zigzag order, each number as often as
    `fastdcm.kernels.jpeg_vectors` needs it: half of the step, which is added, and two factors. The upper 16
    bits of a product by the first, and of one of these by the second, are the quotient.
    ``differences`` (4096,) and ``runs`` (16 * 2048,) uint32 are Huffman codes with the bits behind them, as
    `fastdcm.kernels.jpeg_codes` has them.
    """

    head: bytes
    size_at: int
    quotients: NDArray[np.uint16]
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
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    while True:
        file = _SCRATCH.file(room)
        view = file.data
        view[: len(coding.head)] = coding.head
        view[coding.size_at : coding.size_at + 4] = size
        end = coded_gray(pixels, *coding[2:], *_SCRATCH.arrays, file, len(coding.head))
        if end >= 0:
            view[end : end + 2] = _END_OF_IMAGE  # the kernel leaves room for it
            return bytes(view[: end + 2])
        room *= 2  # noise, at the best qualities


class _Scratch(threading.local):
    """What the kernel works in, for each thread."""

    def __init__(self) -> None:
        self.arrays = jpeg_layout.scratch()
        self._file = np.empty(0, np.uint8)

    def file(self, room: int) -> NDArray[np.uint8]:
        """Room for a file. It is kept, for the memory of a new one would be made with each image."""
        if room > _KEPT:
            return np.empty(room, np.uint8)
        if room > self._file.size:
            self._file = np.empty(room, np.uint8)
        return self._file


_SCRATCH = _Scratch()


@lru_cache(maxsize=8)
def _coding(quality: int, library: Library) -> Coding:
    return coding_of(library(np.zeros((_BLOCK, _BLOCK), np.uint8), quality, "444"))


def coding_of(file: bytes) -> Coding:
    """The coding of a baseline JPEG of one component with one quantization table of 8 bits."""
    header = jpeg.parse(file)
    (scan,) = header.scans
    table = file.index(b"\xff\xdb\x00\x43\x00") + 5  # DQT: its length, its precision and number (B.2.4.1)
    steps = np.frombuffer(file, np.uint8, _BLOCK * _BLOCK, table).astype(np.int64) * _SCALE
    return Coding(
        file[: scan.start],
        file.index(b"\xff\xc0") + 5,  # SOF0: its length, the precision, then lines and samples (B.2.2)
        _quotients(steps),
        _with_values(_codes(definition_of(scan, 0, 0), 16), jpeg_layout.DIFFERENCES),
        _with_values(_codes(definition_of(scan, 1, 0), 256).reshape(16, 16), jpeg_layout.COEFFICIENTS),
    )


def _quotients(steps: NDArray[np.int64]) -> NDArray[np.uint16]:
    """What makes quotients by steps, rounded to the nearest integer, halves away from zero.

    The first factor is 2^(16 + n) / step, rounded up, where 2^n < step <= 2^(n + 1); it has 16 bits. The
    second one shifts by n. The first is too large by less than 1, by which products of numbers below 2^15 are
    too large by less than 2^(16 + n) / step: no quotient of integers becomes another.
    """
    bits = np.frexp(steps - 1)[1] - 1
    factors = -(-(1 << (16 + bits)) // steps)
    each = np.stack((steps // 2, factors, 1 << (16 - bits)), axis=1).astype(np.uint16)
    return np.repeat(each.ravel(), jpeg_layout.SIXTEEN)


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
