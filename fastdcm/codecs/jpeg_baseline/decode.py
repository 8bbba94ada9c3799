"""A stream of sequential JPEG to pixels by our own kernels (ITU-T T.81 annex F): those of libjpeg-turbo.

That the scan is whole is known by decoding it: each block has its codes, and each interval its marker.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.scan_room import ScanRoom
from fastdcm.codestream import markers
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_huffman import check_category, check_definition, definition_of
from fastdcm.codestream.jpeg_scan import Frame, grid
from fastdcm.codestream.markers import marker_at, segment_end
from fastdcm.kernels import jpeg_layout, machine_code
from fastdcm.kernels import sequential_blocks as blocks
from fastdcm.kernels import sequential_scans as scans
from fastdcm.kernels import sequential_tables as tables

Array = NDArray[Any]

_BLOCK, _DQT = 64, 0xDB


class _Plan(NamedTuple):
    """What the head of a file says of its scan, as `scans.decode_scan` takes it.

    ``scan`` are its numbers, but the end, ``tables``, ``steps`` and ``units`` its arrays.
    """

    scan: Array
    tables: Array
    steps: Array
    units: Array


class _Room(ScanRoom):
    """What a thread works in."""

    def __init__(self) -> None:
        super().__init__(blocks.BEHIND)
        self.coefficients = np.empty(scans.BUFFERS * scans.BUFFER, np.int16)
        self.rows = np.empty(scans.BUFFER, np.int16)
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


_ROOM = _Room()


@cache
def is_faster() -> bool:
    """Whether the processor is one that this is for: others were not measured, and have shorter vectors."""
    return machine_code.has("avx2")


def decode(data: bytes, stream: JpegHeader, *, converted: bool) -> Array | None:
    """Decode a stream that `headers.refusal` has nothing against, YCbCr as RGB if it is to be ``converted``.

    ``stream`` is what `jpeg.parse` gave for ``data``. Returns (rows, columns) uint8 of one component, else
    (rows, columns, 3). None where the scan may not be whole, quantization tables are missing, or there are
    values that the samples of no image need: the walk then says what is wrong, if anything is.

    Raises `CodestreamError` or `UnsupportedError` for Huffman tables that there cannot be, or are not there.
    """
    scan = stream.scans[0]
    plan = _plan_of(data[: scan.start], stream)
    if plan is None:
        return None
    count = len(stream.components)
    numbers = plan.scan.copy()
    numbers[scans.END] = scan.end
    numbers[scans.CONVERTED] = converted
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
        *room.strips(int(numbers[scans.ACROSS])),
        room.state,
        out,
    )
    assert status != scans.WRONG
    if status != scans.WHOLE:
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


def _plan_of(head: bytes, stream: JpegHeader) -> _Plan | None:
    """The plan of a file by its head, all that stands before the scan; None without quantization tables."""
    if head in _PLANS:
        return _PLANS[head]
    plan = _plan(head, stream)
    if len(_PLANS) >= _MOST_PLANS:
        _PLANS.clear()
    _PLANS[head] = plan
    return plan


def _plan(head: bytes, stream: JpegHeader) -> _Plan | None:
    scan = stream.scans[0]
    steps = _steps(head)
    if steps is None:
        return None
    frame = Frame(*(getattr(stream, name) for name in Frame._fields))
    across, down = grid(frame, scan)
    several = len(stream.components) > 1
    wide, high = (stream.components[0].horizontal, stream.components[0].vertical) if several else (1, 1)
    numbers = np.zeros(scans.SCAN, np.uint64)
    numbers[scans.START] = scan.start
    numbers[scans.INTERVAL] = scan.restart_interval or across * down
    numbers[scans.ACROSS], numbers[scans.DOWN] = across, down
    numbers[scans.COLUMNS], numbers[scans.ROWS] = stream.columns, stream.rows
    numbers[scans.COMPONENTS] = len(stream.components)
    numbers[scans.HORIZONTAL], numbers[scans.VERTICAL] = wide, high
    definitions = [(definition_of(scan, 0, td), definition_of(scan, 1, ta)) for td, ta in scan.tables]
    different = list(dict.fromkeys(definitions))
    starts = [2 * tables.TABLE_SIZE * different.index(each) for each in definitions]
    units = [
        (starts[0], starts[0] + tables.TABLE_SIZE, 0, row * scans.BUFFER + column, wide)
        for row in range(high)
        for column in range(wide)
    ]
    units += [
        (starts[number], starts[number] + tables.TABLE_SIZE, number, (high + number - 1) * scans.BUFFER, 1)
        for number in range(1, len(definitions))
    ]
    return _Plan(
        numbers,
        np.concatenate([_table(each, kind == 1) for pair in different for kind, each in enumerate(pair)]),
        steps,
        np.array(units, np.uint64).ravel(),
    )


def _steps(head: bytes) -> Array | None:
    """The quantization tables of the components of a frame (B.2.2, B.2.4.1), (64 * components,) int16.

    By position in a block, in 16 bits, which libjpeg-turbo's vectors have too.
    """
    known: dict[int, Array] = {}
    wanted: list[int] = []
    code, position = marker_at(head, 2)
    while True:
        end = segment_end(head, position, "")
        if code == _DQT:
            at = position + 2
            while at < end:
                kind, number = ("u1", ">u2")[head[at] >> 4 > 0], head[at] & 15
                size = _BLOCK * np.dtype(kind).itemsize
                if at + 1 + size > end:
                    return None
                table = np.empty(_BLOCK, np.int16)
                table[jpeg_layout.ZIGZAG] = np.frombuffer(head, kind, _BLOCK, at + 1).astype(np.int16)
                known[number] = table
                at += 1 + size
        elif code in markers.PROCESSES:
            wanted = list(head[position + 10 : end : 3])
        if end >= len(head):
            break
        code, position = marker_at(head, end)
    if not known.keys() >= set(wanted):
        return None
    return np.concatenate([known[number] for number in wanted])


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
