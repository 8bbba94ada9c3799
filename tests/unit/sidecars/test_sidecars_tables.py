"""Tables: what is in them, and that none is there before it is whole."""

from __future__ import annotations

import csv
import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from fastdcm.errors import OptionError
from fastdcm.sidecars import tables
from fastdcm.sidecars.dictionary import Attribute
from fastdcm.sidecars.records import COLUMNS, Row, Sidecars
from fastdcm.sidecars.tables import Table, open_table
from fastdcm.sinks.run import Run

ATTRIBUTES = (
    Attribute("StudyDescription", 0x00081030, "LO", "text"),
    Attribute("SeriesNumber", 0x00200011, "IS", "integer"),
)
ROW: Row = ("a.dcm", "a.jpg", 1, 2, 3, "1.2", "RGB", "NONE", None, None, None, "as it is", 'Grö"ße,\nx', 7)
OTHER: Row = (
    "b\udcff.dcm",
    "b.jpg",
    2,
    2,
    3,
    "1.2",
    "MONOCHROME2",
    "WINDOW",
    40.5,
    80.0,
    "LINEAR",
    "",
    None,
    None,
)
NAMES = [*COLUMNS, "StudyDescription", "SeriesNumber"]


def make(folder: Path, metadata: Any, **options: Any) -> Table:
    sidecars = Sidecars(metadata, ATTRIBUTES, str(folder))
    table = open_table(sidecars, Run.begin(), options.pop("existing", "overwrite"), **options)
    assert table is not None
    return table


def rows_of(path: Path) -> list[list[Any]]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            names, *rows = csv.reader(file)
        assert names == NAMES
        return rows
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    assert table.column_names == NAMES
    return [list(row.values()) for row in table.to_pylist()]


@pytest.fixture(params=["csv", "parquet"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return str(request.param)


@pytest.mark.parametrize("fsync", [False, True])
def test_rows_come_back(tmp_path: Path, kind: str, fsync: bool) -> None:
    table = make(tmp_path / "new" / "folder", kind, fsync=fsync)
    table.add([])
    assert not (tmp_path / "new").exists()
    table.add([ROW])
    table.add([OTHER])
    assert table.finish()
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [f"metadata.{kind}"]
    first, second = rows_of(Path(table.path))
    if kind == "csv":
        assert first == ["" if value is None else str(value) for value in ROW]
        assert second == ["b\\udcff.dcm", *("" if value is None else str(value) for value in OTHER[1:])]
    else:
        assert tuple(first) == ROW
        assert tuple(second) == ("b\\udcff.dcm", *OTHER[1:])


def test_types_of_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet

    table = make(tmp_path, "parquet")
    table.add([OTHER])
    table.finish()
    schema = pyarrow.parquet.read_schema(table.path)
    kinds = {name: schema.field(name).type for name in NAMES}
    assert kinds["frame"] == kinds["rows"] == kinds["SeriesNumber"] == pa.int64()
    assert kinds["window_center"] == pa.float64()
    assert kinds["source"] == kinds["StudyDescription"] == pa.string()


def test_parquet_is_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    monkeypatch.setattr(tables, "_GROUP_ROWS", 10)
    table = make(tmp_path, "parquet")
    for number in range(25):
        table.add([(*ROW[:2], number, *ROW[3:])])
    table.finish()
    file = pyarrow.parquet.ParquetFile(table.path)
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [10, 10, 5]
    assert file.read()["frame"].to_pylist() == list(range(25))


def test_nothing_has_the_name_before_it_is_whole(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"metadata.{kind}").write_text("old")
    table = make(tmp_path, kind)
    table.add([ROW])
    assert (tmp_path / f"metadata.{kind}").read_text() == "old"
    assert len([path for path in tmp_path.iterdir() if path.name.startswith(".fastdcm-")]) == 1
    table.give_up()
    assert [path.name for path in tmp_path.iterdir()] == [f"metadata.{kind}"]
    assert (tmp_path / f"metadata.{kind}").read_text() == "old"


def test_no_rows_no_table(tmp_path: Path, kind: str) -> None:
    table = make(tmp_path, kind)
    assert not table.finish()
    table.give_up()
    assert table.error is None
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_to_be_kept_is_told_of_before(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("old")
    with pytest.raises(OptionError, match=r"metadata\.csv is there already: --overwrite"):
        make(tmp_path, "csv", existing="keep")
    make(tmp_path, "csv", existing="skip")


def test_one_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    table = make(tmp_path, "csv", existing="keep")
    table.add([ROW])
    (tmp_path / "metadata.csv").write_text("another's")
    assert not table.finish()
    assert "cannot write" in str(table.error)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["another's"]


def test_a_full_disk_ends_the_table_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, rows: Iterable[Row]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    table = make(tmp_path, "csv")
    table.add([ROW])
    monkeypatch.setattr(tables.CsvTable, "_write", fail)
    table.add([ROW])
    assert str(table.error) == f"cannot write {table.path}: No space left on device"
    monkeypatch.undo()
    table.add([ROW])
    assert not table.finish()
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_parquet_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"pip install pyarrow"):
        make(tmp_path, "parquet")


def test_columns_are_those_of_rows() -> None:
    assert len(ROW) == len(OTHER) == len(NAMES)
    assert list(Sidecars("csv", ATTRIBUTES).columns) == NAMES
