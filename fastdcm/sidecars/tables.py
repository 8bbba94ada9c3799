"""Tables of a run, row by row: CSV, and Parquet by pyarrow.

A table is written under a temporary name beside its place, and gets its own name when it is whole. What was
written of one that is given up is removed, by its run or by the next one that uses the folder.
"""

from __future__ import annotations

import csv
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from fastdcm import system
from fastdcm.errors import OptionError, OutputError, cannot_write
from fastdcm.options import Existing
from fastdcm.sidecars.dictionary import Kind
from fastdcm.sidecars.records import Row, Sidecars
from fastdcm.sinks.run import Run

#: Rows of a row group of Parquet, which are in memory until it is written.
_GROUP_ROWS = 16_384


class Table(ABC):
    """A table at ``path``. Nothing is created before the first row.

    Raises `OptionError` where a table is there that is to be kept.
    """

    def __init__(
        self, path: str, run: Run, columns: Mapping[str, Kind], existing: Existing, *, fsync: bool
    ) -> None:
        self.path = path
        self._columns, self._existing, self._fsync = columns, existing, fsync
        folder = os.path.dirname(path)
        # None of a worker's, so that nobody who cleans up after one removes it.
        self._temporary = os.path.join(folder, f"{run.prefix(0)}0")
        self._begun = False
        self.error: OutputError | None = None
        if existing == "keep" and os.path.lexists(path):
            raise OptionError(
                f"{path} is there already: --overwrite replaces it, and --skip-existing does, which tells of "
                "images that are there, too"
            )

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows. Where that fails, ``error`` says why, and nothing more is written."""
        if self.error is not None or not rows:
            return
        try:
            if not self._begun:
                os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
                os.close(system.create_exclusive(self._temporary))
                self._begun = True
                self._open(self._temporary)
            self._write(rows)
        except OSError as error:
            self._failed(error)

    def finish(self) -> bool:
        """Give the table its name; False where there was no row, or it failed, as ``error`` says then."""
        if self.error is not None or not self._begun:
            return False
        try:
            self._close()
            if self._fsync:
                _sync(self._temporary)
            if self._existing == "keep":
                system.rename_no_replace(self._temporary, self.path)
            else:
                os.replace(self._temporary, self.path)
            if self._fsync:
                system.sync_folder(os.path.dirname(self.path) or ".")
            return True
        except OSError as error:
            self._failed(error)
            return False

    def give_up(self) -> None:
        """Remove what was written."""
        if self._begun:
            with suppress(OSError):
                self._close()
            with suppress(OSError):
                os.unlink(self._temporary)

    def _failed(self, error: OSError) -> None:
        self.error = cannot_write(self.path, error)
        self.give_up()

    @abstractmethod
    def _open(self, path: str) -> None: ...

    @abstractmethod
    def _write(self, rows: Iterable[Row]) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


class CsvTable(Table):
    """Comma-separated, UTF-8, with a line of names; what is absent is empty."""

    def _open(self, path: str) -> None:
        # Names of files may hold bytes that are no text.
        self._file = open(path, "w", encoding="utf-8", errors="backslashreplace", newline="")  # noqa: SIM115
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self._columns)

    def _write(self, rows: Iterable[Row]) -> None:
        self._writer.writerows(rows)

    def _close(self) -> None:
        self._file.close()


class ParquetTable(Table):
    """Integers of 64 bits, doubles and text; what is absent is null."""

    def _open(self, path: str) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        self._arrow = pa
        types = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
        self._schema = pa.schema([(name, types[kind]) for name, kind in self._columns.items()])
        self._rows: list[Row] = []
        self._writer: Any = ParquetWriter(path, self._schema)

    def _write(self, rows: Iterable[Row]) -> None:
        self._rows += rows
        if len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        kinds = self._columns.values()
        arrays = [
            self._arrow.array([_encodable(value) for value in column] if kind == "text" else column, type)
            for column, kind, type in zip(
                zip(*self._rows, strict=True), kinds, self._schema.types, strict=True
            )
        ]
        self._writer.write_batch(self._arrow.record_batch(arrays, schema=self._schema))
        self._rows = []

    def _close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()


def _encodable(text: str | None) -> str | None:
    return text and text.encode("utf-8", "backslashreplace").decode()


_KINDS: dict[str, type[Table]] = {"csv": CsvTable, "parquet": ParquetTable}


def open_table(sidecars: Sidecars, run: Run, existing: Existing, *, fsync: bool = False) -> Table | None:
    """The table of a run, None where it has none.

    Raises `OptionError` where it cannot be made, before anything is written.
    """
    if sidecars.metadata not in _KINDS:
        return None
    if sidecars.metadata == "parquet" and find_spec("pyarrow") is None:
        raise OptionError("metadata parquet needs pyarrow: pip install pyarrow")
    path = os.path.join(sidecars.folder, f"metadata.{sidecars.metadata}")
    return _KINDS[sidecars.metadata](path, run, sidecars.columns, existing, fsync=fsync)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        system.sync_file(descriptor)
    finally:
        os.close(descriptor)
