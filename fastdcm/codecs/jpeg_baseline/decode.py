"""A stream of sequential JPEG to pixels by our own kernels (ITU-T T.81 annex F): those of libjpeg-turbo.

That the scan is whole is known by decoding it: each block has its codes, and each interval its marker.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg_baseline.room import PixelRoom
from fastdcm.codecs.jpeg_baseline.steps import steps_of
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_huffman import check_category, check_definition, definition_of
from fastdcm.codestream.jpeg_scan import Frame, grid
from fastdcm.kernels import jpeg_layout
from fastdcm.kernels import jpeg_pixels as pixels
from fastdcm.kernels import sequential_scans as scans
from fastdcm.kernels import sequential_tables as tables

Array = NDArray[Any]


class _Plan(NamedTuple):
    """What the head of a file says of its scan, as `scans.decode_scan` takes it.

    ``scan`` are its numbers, but the end, ``tables``, ``steps`` and ``units`` its arrays.
    """

    scan: Array
    tables: Array
    steps: Array
    units: Array


class _Room(PixelRoom):
    """What a thread works in."""

    def __init__(self) -> None:
        super().__init__()
        self.coefficients = np.empty(scans.BUFFERS * pixels.BUFFER, np.int16)


_ROOM = _Room()


def decode(data: bytes, stream: JpegHeader, *, converted: bool) -> Array | None:
    """Decode a stream that `headers.refusal` has nothing against, YCbCr as RGB if it is to be ``converted``.

    ``stream`` is what `jpeg.parse` gave for ``data``. Returns (rows, columns) uint8 of one component, else
    (rows, columns, 3). None where the scan may not be whole, quantization tables are missing, or there are
    values that the samples of no image need: the walk then says what is wrong, if anything is.

    Raises `CodestreamError` or `UnsupportedError` for Huffman tables that there cannot be, or are not there.
    """
    scan = stream.scans[0]
    plan = _plan_of(data, stream)
    if plan is None:
        return None
    count = len(stream.components)
    numbers = plan.scan.copy()
    numbers[scans.END] = scan.end
    numbers[pixels.CONVERTED] = converted
    out = np.empty(stream.rows * stream.columns * count, np.uint8)
    room = _ROOM
    status = scans.decode_scan(
        np.frombuffer(data, np.uint8),
        numbers,
        plan.tables,
        plan.steps,
        plan.units,
        _PLACES,
        room.coded(scan.end - scan.start),
        room.coefficients,
        room.rows,
        room.halves,
        *room.strips(int(numbers[pixels.ACROSS])),
        room.state,
        out,
    )
    assert status != pixels.WRONG
    if status != pixels.WHOLE:
        return None
    return (
        out.reshape(stream.rows, stream.columns)
        if count == 1
        else out.reshape(stream.rows, stream.columns, 3)
    )


#: Plans by the heads of files: slices of a series, and frames of an object, have the same.
_PLANS: dict[bytes, _Plan | None] = {}
_MOST_PLANS = 16
#: Where a coefficient of the zigzag sequence stands among those of `jpeg_layout.LANES` blocks.
_PLACES = jpeg_layout.ZIGZAG * np.uint64(jpeg_layout.LANES)


def _plan_of(data: bytes, stream: JpegHeader) -> _Plan | None:
    """The plan of a file by its head, all that stands before the scan; None without quantization tables."""
    head = data[: stream.scans[0].start]
    if head in _PLANS:
        return _PLANS[head]
    plan = _plan(data, stream)
    if len(_PLANS) >= _MOST_PLANS:
        _PLANS.clear()
    _PLANS[head] = plan
    return plan


def _plan(data: bytes, stream: JpegHeader) -> _Plan | None:
    scan = stream.scans[0]
    steps = steps_of(data, stream)
    if steps is None:
        return None
    frame = Frame(*(getattr(stream, name) for name in Frame._fields))
    across, down = grid(frame, scan)
    several = len(stream.components) > 1
    wide, high = (stream.components[0].horizontal, stream.components[0].vertical) if several else (1, 1)
    numbers = np.zeros(scans.SCAN, np.uint64)
    numbers[scans.START] = scan.start
    numbers[scans.INTERVAL] = scan.restart_interval or across * down
    numbers[pixels.ACROSS], numbers[pixels.DOWN] = across, down
    numbers[pixels.COLUMNS], numbers[pixels.ROWS] = stream.columns, stream.rows
    numbers[pixels.COMPONENTS] = len(stream.components)
    numbers[pixels.HORIZONTAL], numbers[pixels.VERTICAL] = wide, high
    definitions = [(definition_of(scan, 0, td), definition_of(scan, 1, ta)) for td, ta in scan.tables]
    different = list(dict.fromkeys(definitions))
    starts = [2 * tables.TABLE_SIZE * different.index(each) for each in definitions]
    units = [
        (starts[0], starts[0] + tables.TABLE_SIZE, 0, row * pixels.BUFFER + column, wide)
        for row in range(high)
        for column in range(wide)
    ]
    units += [
        (starts[number], starts[number] + tables.TABLE_SIZE, number, (high + number - 1) * pixels.BUFFER, 1)
        for number in range(1, len(definitions))
    ]
    return _Plan(
        numbers,
        np.concatenate([_table(each, kind == 1) for pair in different for kind, each in enumerate(pair)]),
        steps,
        np.array(units, np.uint64).ravel(),
    )


@lru_cache(maxsize=64)
def _table(definition: bytes, is_ac: bool) -> Array:
    """A table of `fastdcm.kernels.sequential_tables` for 16 counts and the values."""
    check_definition(definition)
    if not is_ac:
        for category in definition[16:]:
            check_category(category, "difference")
    table = np.empty(tables.TABLE_SIZE, np.int32)
    tables.fill_table(np.frombuffer(definition, np.uint8), is_ac, table)
    return table
