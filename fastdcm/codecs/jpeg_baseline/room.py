"""What a thread makes pixels of JPEG in: samples of a row of MCUs, and what they are computed in."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.scan_room import ScanRoom
from fastdcm.kernels import jpeg_layout, jpeg_pixels, machine_code
from fastdcm.kernels import sequential_blocks as blocks

Array = NDArray[Any]


@cache
def is_faster() -> bool:
    """Whether the processor is one that this is for: others were not measured, and have shorter vectors."""
    return machine_code.has("avx2")


class PixelRoom(ScanRoom):
    """Room for the bytes of a scan, for the inverse DCT of some blocks, and for strips of samples."""

    def __init__(self) -> None:
        super().__init__(blocks.BEHIND)
        self.rows = np.empty(jpeg_pixels.BUFFER, np.int16)
        self.halves = np.empty(4 * jpeg_layout.LANES, np.uint16)
        self.state = np.empty(blocks.STATE, np.uint64)
        self._across = 0
        self._strips: tuple[Array, ...] = ()

    def strips(self, across: int) -> tuple[Array, ...]:
        """Rows of samples of ``across`` MCUs, in words and in bytes, and of interpolated ones."""
        if across > self._across:
            self._across = across
            luma, chroma = np.empty(17 * 2 * across, np.uint64), np.empty(2 * 9 * across, np.uint64)
            sums, pairs = np.empty(8 * across + 2, np.int16), np.empty(2 * 8 * across, np.uint16)
            bytes_of = luma.view(np.uint8), chroma.view(np.uint8), pairs.view(np.uint8)
            self._strips = luma, bytes_of[0], chroma, bytes_of[1], sums, pairs, bytes_of[2]
        return self._strips
