"""A stream of lossless JPEG to samples by our own kernels (ITU-T T.81 annex H).

That a scan is whole is known by decoding it: each sample has a code, and each restart interval its marker.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg import JpegHeader
from fastdcm.codestream.jpeg_entropy import (
    Extent,
    Problem,
    check,
    check_category,
    check_definition,
    definition_of,
)
from fastdcm.codestream.jpeg_scan import Scan
from fastdcm.kernels import coded_bytes, differences, predictions
from fastdcm.kernels.lossless_scans import CUT, DAMAGED, WHOLE, decode_scan

Array = NDArray[Any]

#: Samples of a scan for which the part of a table that takes several codes at once is worth its making
#: (benches/bench_jpeg_lossless.py).
_SAMPLES_BEFORE_WHOLE_CODES = 8_000

#: Bytes of scans for which a thread keeps room: asking the system for it anew takes as long as decoding some
#: tens of thousands of samples.
_MOST_KEPT = 1 << 20


class _Room(threading.local):
    """What a thread works in."""

    def __init__(self) -> None:
        self.differences = np.empty(4 * differences.LANE, np.uint16)
        self._coded = np.empty(0, np.uint8)

    def coded(self, size: int) -> Array:
        """Room for the bytes of a scan."""
        size += coded_bytes.PADDING
        if size <= len(self._coded):
            return self._coded
        found = np.empty(max(size, min(2 * size, _MOST_KEPT)), np.uint8)
        if size <= _MOST_KEPT:
            self._coded = found
        return found


_ROOM = _Room()

_PROBLEMS: dict[int, Problem] = {WHOLE: "", CUT: "cut", DAMAGED: "damaged"}


class Decoded(NamedTuple):
    """Samples, and how many rows of them the stream codes, from the top."""

    array: Array
    rows: int


def scan_end(data: bytes, start: int, has_restarts: bool) -> int:
    """Where a scan ends, as `jpeg.parse` asks for."""
    return int(differences.scan_end(np.frombuffer(data, np.uint8), start, has_restarts))


def decode(data: bytes, stream: JpegHeader, *, partial: bool = False) -> Decoded:
    """Decode a stream that `headers.refusal` has nothing against.

    ``stream`` is what `jpeg.parse` gave for ``data``. Returns samples as they are coded, in the native byte
    order: (rows, columns) of one component, else (rows, columns, components); uint8 to 8 bits, else uint16.

    Raises `CodestreamError` where a scan is damaged or, without ``partial``, lacks samples; with it, what is
    below the rows that are there is undefined.
    """
    count = len(stream.components)
    kind = np.uint8 if stream.precision <= 8 else np.uint16
    out = np.empty((stream.rows, stream.columns * count), kind)
    source = np.frombuffer(data, np.uint8)
    rows = stream.rows
    for number, scan in enumerate(stream.scans, 1):
        extent = _decode(source, stream, scan, out)
        check(extent, number, stream, partial=partial)
        if extent.problem:
            rows = min(rows, extent.whole // stream.columns)
    return Decoded(out if count == 1 else out.reshape(stream.rows, stream.columns, count), rows)


def _decode(source: Array, stream: JpegHeader, scan: Scan, out: Array) -> Extent:
    """Decode a scan into its components' places of the samples."""
    count, components = len(stream.components), len(scan.components)
    identifiers = [component.identifier for component in scan.components]
    first = [component.identifier for component in stream.components].index(identifiers[0])
    mcus = stream.rows * stream.columns
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
        scan.start,
        scan.end,
        scan.restart_interval // stream.columns or stream.rows,
        _tables(definitions, several),
        not several,
        _ROOM.coded(scan.end - scan.start),
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
