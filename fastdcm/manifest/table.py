"""A manifest as Parquet: the last row of each frame."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from fastdcm.errors import OptionError, cannot_write
from fastdcm.manifest.reading import Row, latest
from fastdcm.sinks.run import Run

_INTEGERS = (
    "frame", "frames", "bytes", "rows", "columns", "source_bytes", "source_modified",
)  # fmt: skip
_NUMBERS = ("window_center", "window_width", "milliseconds", "finished")
_TEXTS = (
    "source", "status", "output", "error", "message", "modality", "transfer_syntax_uid",
    "photometric_interpretation", "voi", "voi_lut_function", "rendering", "mapping", "notices", "sha256",
)  # fmt: skip
_GROUP_ROWS = 16_384


def check_available() -> None:
    """Raises `OptionError` where tables cannot be written."""
    if find_spec("pyarrow") is None:
        raise OptionError("a manifest in Parquet needs pyarrow: pip install pyarrow")


def write_table(journal: str, path: str, run: Run) -> None:
    """Make the table of a manifest's lines, whole or not at all. Raises `OutputError`."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    kinds = {**dict.fromkeys(_TEXTS, pa.string()), **dict.fromkeys(_INTEGERS, pa.int64())}
    kinds |= {**dict.fromkeys(_NUMBERS, pa.float64()), "copied": pa.bool_()}
    schema = pa.schema(list(kinds.items()))
    temporary = os.path.join(os.path.dirname(path), f"{run.prefix(0)}1")
    try:
        with ParquetWriter(temporary, schema) as writer:
            for rows in _groups(latest(journal)):
                columns = [pa.array([_cell(row, name) for row in rows], kind) for name, kind in kinds.items()]
                writer.write_batch(pa.record_batch(columns, schema=schema))
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise cannot_write(path, error) from error


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == _GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group


def _cell(row: Row, name: str) -> Any:
    value = row.get(name)
    if name == "mapping":
        return value and json.dumps(value)
    if name == "notices":
        return ",".join(value) if value else None
    if name == "copied":
        return bool(value)
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
