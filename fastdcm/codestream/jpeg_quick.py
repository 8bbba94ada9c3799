"""The quick walks over the scans of a JPEG stream: whether they are whole, and nothing else (ITU-T T.81).

What they cannot tell, `jpeg_entropy` does. Importing this loads machine code.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codestream.jpeg_huffman import Kind, check_category, check_definition, definition_of
from fastdcm.codestream.jpeg_scan import Scan, units_of
from fastdcm.kernels import (
    coded_bytes,
    huffman_band_tables,
    huffman_bands,
    huffman_lane_tables,
    huffman_lanes,
    huffman_vectors,
    machine_code,
)

_NOTHING = np.empty(0, np.uint32)
#: Bytes of a scan for which vectors pay (docs/jpeg-walk.md), and which they cannot count.
_LEAST_VECTORS, _MOST_VECTORS = 1 << 16, 1 << 28
#: Bytes of a progressive scan for which it pays to make tables of several codes.
_LEAST_SEVERAL = 3 << 10


def spare_of_blocks(
    data: bytes, scan: Scan, interval: int, mcus: int, kind: Kind, *, sequential: bool
) -> int:
    """The bits left over of a scan of blocks or differences that is whole; below 0 where it may not be.

    ``interval`` and ``mcus`` are MCUs between restart markers, and all of them. ``sequential`` scans have AC
    codes besides those of ``kind``. Raises CodestreamError for tables that there cannot be.
    """
    count = sum(units_of(scan))
    units, tables = tables_of(scan, kind, sequential=sequential)
    is_wide = _pays_in_vectors(scan, units, tables)
    walk: Any = huffman_lanes.spare_bits
    return int(
        walk(
            np.frombuffer(data, np.uint8),
            scan.start,
            scan.end,
            interval * count,
            mcus * count,
            units,
            tables,
            _room(scan),
            np.empty((huffman_lanes.LANES + 1, huffman_lanes.FIELDS), np.uint64),
            np.empty(huffman_vectors.STATE, np.uint32) if is_wide else _NOTHING,
        )
    )


def tables_of(scan: Scan, kind: Kind, *, sequential: bool) -> tuple[Any, Any]:
    """Units and tables of `fastdcm.kernels.huffman_lanes` for a scan; arguments as `spare_of_blocks`."""
    definitions = tuple(
        [
            (definition_of(scan, 0, td), definition_of(scan, 1, ta) if sequential else b"")
            for td, ta in scan.tables
        ]
    )
    return _lane_tables(definitions, tuple(units_of(scan)), kind)


def spare_of_band(data: bytes, scan: Scan, interval: int, history: NDArray[np.int64]) -> int:
    """As `spare_of_blocks`, of an AC scan of a progressive frame, which has one component.

    ``history`` are a component's blocks, which scans before have coded; it is brought up to date.
    """
    walk: Any = huffman_bands.spare_bits
    return int(
        walk(
            np.frombuffer(data, np.uint8),
            scan.start,
            scan.end,
            interval,
            scan.spectral_start,
            scan.spectral_end,
            scan.high > 0,
            history.view(np.uint64),
            _table_of_band(scan),
            _room(scan),
        )
    )


def spare_of_bands(
    data: bytes, scan: Scan, later: Scan, history: NDArray[np.int64], later_history: NDArray[np.int64]
) -> tuple[int, int] | None:
    """As `spare_of_band`, of two scans that refine and have no restart markers, but as many blocks; or None.

    They may be of one component: the later one refines what the first one has left.
    """
    scans = np.array(
        [(each.start, each.end, each.spectral_start, each.spectral_end) for each in (scan, later)]
    )
    fields = scans.astype(np.uint64)
    histories = history.view(np.uint64), later_history.view(np.uint64)
    tables = _table_of_band(scan), _table_of_band(later)
    coded = np.empty(int((scans[:, 1] - scans[:, 0]).sum()) + 2 * coded_bytes.PADDING, np.uint8)
    walk: Any = huffman_bands.are_whole
    if not walk(np.frombuffer(data, np.uint8), fields, *histories, *tables, coded):
        return None
    return int(fields[0, 0]), int(fields[1, 0])


def _room(scan: Scan) -> NDArray[np.uint8]:
    return np.empty(scan.end - scan.start + coded_bytes.PADDING, np.uint8)


@cache
def has_vectors() -> bool:
    """Whether the processor looks up so many codes at once that this is faster than one after the other."""
    return machine_code.has("avx512vl")


def _pays_in_vectors(scan: Scan, units: NDArray[np.uint64], tables: NDArray[np.uint32]) -> bool:
    """Whether vectors can hold a scan, and pay."""
    if not _LEAST_VECTORS <= scan.end - scan.start < _MOST_VECTORS:
        return False
    return has_vectors() and bool(huffman_lanes.are_few.py_func(units, tables))


@lru_cache(maxsize=16)
def _lane_tables(
    definitions: tuple[tuple[bytes, bytes], ...], counts: tuple[int, ...], kind: Kind
) -> tuple[Any, Any]:
    """Units and tables of `fastdcm.kernels.huffman_lanes`, of components that have so many units each."""
    different = list(dict.fromkeys(definitions))
    tables = np.empty(len(different) * huffman_lane_tables.TABLE_SIZE, np.uint32)
    levels = np.empty(2 * huffman_lane_tables.LEVELS, np.uint32)
    for table, (dc, ac) in zip(np.split(tables, len(different)), different, strict=True):
        for definition in filter(None, (dc, ac)):
            check_definition(definition)
        for value in dc[16:]:
            check_category(value, kind)
        codes = np.frombuffer(dc, np.uint8), np.frombuffer(ac, np.uint8)
        huffman_lane_tables.fill_table(*codes, table, levels, len(different) == 1)
    starts = [huffman_lane_tables.TABLE_SIZE * different.index(each) for each in definitions]
    units = np.repeat(np.array(starts, np.uint64), counts) if len(different) > 1 else np.zeros(1, np.uint64)
    size = len(units) if len(units) != 2 else 4
    return np.resize(units, size + 3), tables


def _table_of_band(scan: Scan) -> Any:
    several = scan.end - scan.start >= _LEAST_SEVERAL
    return _band_table(definition_of(scan, 1, scan.tables[0][1]), scan.high > 0, several)


@lru_cache(maxsize=16)
def _band_table(definition: bytes, refines: bool, several: bool) -> Any:
    """The table of `fastdcm.kernels.huffman_band_tables` for 16 counts and the values."""
    check_definition(definition)
    table = np.empty(huffman_band_tables.TABLE_SIZE, np.uint64)
    huffman_band_tables.fill_table(np.frombuffer(definition, np.uint8), refines, several, table)
    return table
