"""A stream of lossless JPEG to samples by our own kernels (ITU-T T.81 annex H).

That a scan is whole is known by decoding it: each sample has a code, and each restart interval its marker.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.scan_room import ScanRoom
from fastdcm.codestream import markers
from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_entropy import Extent, Problem, check
from fastdcm.codestream.jpeg_huffman import check_category, check_definition, definition_of
from fastdcm.codestream.jpeg_scan import Scan
from fastdcm.kernels import differences, predictions
from fastdcm.kernels.lossless_scans import CUT, DAMAGED, WHOLE, decode_scan

Array = NDArray[Any]

#: Samples of a scan for which the part of a table that takes several codes at once is worth its making
#: (benches/bench_jpeg_lossless.py).
_SAMPLES_BEFORE_WHOLE_CODES = 8_000

#: Samples for which a thread is worth its start (benches/bench_jpeg_lossless.py).
_SAMPLES_OF_A_THREAD = 1_000_000


class _Room(ScanRoom):
    """What a thread works in."""

    def __init__(self) -> None:
        super().__init__()
        self.differences = np.empty(4 * differences.LANE, np.uint16)


_ROOM = _Room()

_PROBLEMS: dict[int, Problem] = {WHOLE: "", CUT: "cut", DAMAGED: "damaged"}


class Decoded(NamedTuple):
    """Samples, and how many rows of them the stream codes, from the top."""

    array: Array
    rows: int


def scan_end(data: bytes, start: int, has_restarts: bool) -> int:
    """Where a scan ends, as `jpeg.parse` asks for."""
    return int(differences.scan_end(np.frombuffer(data, np.uint8), start, has_restarts))


class _Share(NamedTuple):
    """Whole restart intervals of a scan: their rows, and where their bytes lie."""

    rows: slice
    start: int
    end: int


def decode(data: bytes, stream: JpegHeader, *, partial: bool = False, threads: int = 1) -> Decoded:
    """Decode a stream that `headers.refusal` has nothing against.

    ``stream`` is what `jpeg.parse` gave for ``data``. Returns samples as they are coded, in the native byte
    order: (rows, columns) of one component, else (rows, columns, components); uint8 to 8 bits, else uint16.
    ``threads`` share the restart intervals of a large scan that has some.

    Raises `CodestreamError` where a scan is damaged or, without ``partial``, lacks samples; with it, what is
    below the rows that are there is undefined.
    """
    count = len(stream.components)
    kind = np.uint8 if stream.precision <= 8 else np.uint16
    out = np.empty((stream.rows, stream.columns * count), kind)
    rows = stream.rows
    for number, scan in enumerate(stream.scans, 1):
        extent = _decode_scan(data, stream, scan, out, threads)
        check(extent, number, stream, partial=partial)
        if extent.problem:
            rows = min(rows, extent.whole // stream.columns)
    return Decoded(out if count == 1 else out.reshape(stream.rows, stream.columns, count), rows)


def _decode_scan(data: bytes, stream: JpegHeader, scan: Scan, out: Array, threads: int) -> Extent:
    """Decode a scan into its components' places of the samples."""
    source, shares = np.frombuffer(data, np.uint8), _shares(data, stream, scan, threads)
    if len(shares) == 1:
        return _decode(source, stream, scan, out, shares[0])
    with ThreadPoolExecutor(len(shares)) as pool:
        found = list(pool.map(lambda share: _decode(source, stream, scan, out, share), shares))
    whole, spare = 0, max(extent.spare for extent in found)
    for extent in found:
        whole += extent.whole
        if extent.problem:
            return Extent(extent.problem, whole, stream.rows * stream.columns, spare)
    return Extent("", whole, whole, spare)


def _shares(data: bytes, stream: JpegHeader, scan: Scan, threads: int) -> list[_Share]:
    """The restart intervals of a scan as threads take them: eight at least, because markers count to eight.

    All are one share where that does not pay, or where there are not the markers that there must be.
    """
    together = [_Share(slice(0, stream.rows), scan.start, scan.end)]
    most = min(threads, stream.rows * stream.columns * len(scan.components) // _SAMPLES_OF_A_THREAD)
    interval = scan.restart_interval // stream.columns or stream.rows
    intervals = -(-stream.rows // interval)
    if most < 2 or intervals <= 8:
        return together
    found = list(markers.RESTARTS.finditer(data, scan.start, scan.end))
    if [match[0][-1] for match in found] != [0xD0 | number & 7 for number in range(intervals - 1)]:
        return together
    size = -(-intervals // (8 * most)) * 8
    limits = range(size, intervals, size)
    starts = [scan.start, *(found[limit - 1].end() for limit in limits)]
    ends = [*(found[limit - 1].start() for limit in limits), scan.end]
    rows = [slice(first * interval, (first + size) * interval) for first in range(0, intervals, size)]
    return [_Share(*share) for share in zip(rows, starts, ends, strict=True)]


def _decode(source: Array, stream: JpegHeader, scan: Scan, out: Array, share: _Share) -> Extent:
    """Decode some restart intervals of a scan into their rows of the samples."""
    count, components = len(stream.components), len(scan.components)
    out = out[share.rows]
    identifiers = [component.identifier for component in scan.components]
    first = [component.identifier for component in stream.components].index(identifiers[0])
    mcus = len(out) * stream.columns
    several = mcus * components >= _SAMPLES_BEFORE_WHOLE_CODES
    definitions = [definition_of(scan, 0, td) for td, _ in scan.tables]
    in_place = out.dtype == np.uint16 and count == components and scan.low == 0
    lines = out if in_place else np.empty((2, stream.columns * components), np.uint16)
    how = np.zeros(predictions.SCAN, np.uint64)
    how[predictions.COMPONENTS] = components
    how[predictions.PREDICTOR] = scan.spectral_start
    how[predictions.INITIAL] = 1 << (stream.precision - scan.low - 1)
    how[predictions.SHIFT] = scan.low
    how[predictions.MASK] = predictions.IN_PLACE if in_place else 1
    how[predictions.OFFSET] = first
    how[predictions.APART] = 1 if components == count else count
    samples, status, spare = decode_scan(
        source,
        share.start,
        share.end,
        scan.restart_interval // stream.columns or stream.rows,
        _tables(definitions, several),
        not several,
        _ROOM.coded(share.end - share.start),
        _ROOM.differences,
        lines,
        out,
        np.empty(predictions.STATE, np.uint64),
        how,
    )
    problem: Problem = _PROBLEMS[status]
    return Extent(problem, samples // components, mcus, spare)


def _tables(definitions: list[bytes], several: bool) -> Array:
    """(1, n) where all components have one table, else (components, n)."""
    if len(set(definitions)) == 1:
        return _table(definitions[0], several)
    return np.concatenate([_table(each, False) for each in definitions])


@lru_cache(maxsize=64)
def _table(definition: bytes, several: bool) -> Array:
    """A table of `fastdcm.kernels.differences` for 16 counts and the categories."""
    check_definition(definition)
    for category in definition[16:]:
        check_category(category, "category")
    table = np.empty((1, differences.TABLE_SIZE), np.uint64)
    differences.fill_table(np.frombuffer(definition, np.uint8), table[0], several)
    return table
