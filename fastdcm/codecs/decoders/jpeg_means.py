"""Gray baseline JPEG in half, a quarter or an eighth of its size, by our own kernel: means of squares.

They are what the scaled inverse DCT of libjpeg-turbo gives, but for rounding. Codes are read once, for the
means and for the proof that all blocks are there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_scan import Frame, grid
from fastdcm.codestream.markers import SOS, marker_at, segment_end
from fastdcm.kernels import Payoff
from fastdcm.model import Halved

Array = NDArray[Any]
#: Down to a mean a block.
_MOST_HALVINGS = 3
_PAYOFF = Payoff(modules=("block_means", "huffman_lane_tables"))
_SOF0, _DQT = 0xC0, 0xDB
_BLOCK = 8


def decode(data: bytes, stream: JpegHeader, halvings: int) -> tuple[Array, Halved] | None:
    """(rows, columns) uint8 of a stream, and what was done; None where this decoder does not take it.

    None also where it does not pay, or where it cannot prove that the scan is whole, and without spare bytes:
    `fastdcm.codestream.jpeg_entropy` tells what is wrong.
    """
    times = min(halvings, _MOST_HALVINGS)
    if not times or (stream.process, stream.precision, len(stream.components)) != ("baseline", 8, 1):
        return None
    scan = stream.scans[0]
    if (scan.spectral_start, scan.spectral_end, scan.high, scan.low) != (0, _BLOCK**2 - 1, 0, 0):
        return None
    steps = _quantization(data)
    if steps is None or not _PAYOFF.reached(stream.rows * stream.columns):
        return None
    from fastdcm.codestream.jpeg_quick import tables_of
    from fastdcm.kernels.block_means import MOST_MEANS, block_means
    from fastdcm.kernels.coded_bytes import PADDING

    across, down = grid(Frame(*(getattr(stream, name) for name in Frame._fields)), scan)
    side = _BLOCK >> times
    out = np.empty((down * side, across * side), np.uint8)
    spare = block_means(
        np.frombuffer(data, np.uint8),
        scan.start,
        scan.end,
        scan.restart_interval or across * down,
        across,
        tables_of(scan, "difference", sequential=True)[1],
        _weights(steps, side),
        side,
        np.empty(MOST_MEANS, np.float32),
        np.empty(scan.end - scan.start + PADDING, np.uint8),
        out,
    )
    if not 0 <= spare < 8:
        return None
    rows, columns = -(-stream.rows >> times), -(-stream.columns >> times)
    return np.ascontiguousarray(out[:rows, :columns]), Halved(times, "DCT")


def _quantization(data: bytes) -> bytes | None:
    """The steps of the only component, in zigzag order (T.81 B.2.4.1); None where they are not plain."""
    tables: dict[int, bytes] = {}
    wanted = -1
    code, start = marker_at(data, 2)
    while code != SOS:
        end = segment_end(data, start, code)
        contents = data[start + 2 : end]
        if code == _SOF0:
            wanted = contents[8]
        elif code == _DQT:
            size = 1 + _BLOCK**2
            if (
                len(contents) % size or max(contents[::size], default=0) > 3
            ):  # steps of 16 bits say 16 and more
                return None
            for place in range(0, len(contents), size):
                tables[contents[place]] = contents[place + 1 : place + size]
        code, start = marker_at(data, end)
    return tables.get(wanted)


@lru_cache(maxsize=16)
def _weights(steps: bytes, side: int) -> Array:
    """What each coefficient of a block adds to each of side x side means, (64, 4 or 16) float32 (A.3.3)."""
    frequencies, samples = np.arange(_BLOCK)[:, None], np.arange(_BLOCK)
    waves = np.cos((2 * samples + 1) * frequencies * np.pi / (2 * _BLOCK)) / 2
    waves[0] /= np.sqrt(2)
    means = waves.reshape(_BLOCK, side, _BLOCK // side).mean(2)
    # Figure A.6: diagonals, those of an odd sum downwards.
    places = [(v, u) for v in range(_BLOCK) for u in range(_BLOCK)]
    places.sort(key=lambda place: (sum(place), place[sum(place) % 2 == 0]))
    weights = np.zeros((_BLOCK**2, max(4, side * side)), np.float32)
    for number, (v, u) in enumerate(places):
        weights[number, : side * side] = steps[number] * np.outer(means[v], means[u]).reshape(-1)
    return weights
