"""The files that a DICOMDIR names, beside what pydicom reads of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pydicom
import pytest

from fastdcm.errors import SourceError
from fastdcm.options import Limits
from fastdcm.sources.dicomdir import Medium, file_ids
from tests.builders import Element, dicom


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-reordered"])
def test_file_ids_are_those_that_pydicom_reads(pydicom_files: Path, name: str) -> None:
    path = pydicom_files / "dicomdirtests" / name
    records = pydicom.dcmread(path).DirectoryRecordSequence
    expected = {tuple(record.ReferencedFileID) for record in records if "ReferencedFileID" in record}
    found = list(file_ids(str(path), Limits()))
    assert len(found) == len(set(found)) > 5
    assert set(found) == expected


def test_records_before_a_cut_are_read(pydicom_files: Path) -> None:
    found = file_ids(str(pydicom_files / "dicomdirtests" / "DICOMDIR-nooffset"), Limits())
    read = []
    with pytest.raises(SourceError, match="a record declares 248 bytes, 224 follow"):
        read.extend(found)
    assert len(read) > 5


def directory(*records: list[Element]) -> bytes:
    return dicom([Element(0x00041220, "SQ", records)])


def record(file_id: str, in_use: int = 0xFFFF) -> list[Element]:
    return [Element(0x00041410, "US", in_use), Element(0x00041500, "CS", file_id)]


def test_records_that_are_not_in_use_or_come_again(tmp_path: Path) -> None:
    path = tmp_path / "DICOMDIR"
    path.write_bytes(directory(record("A\\B"), record("C", 0), record("A\\B"), [], record("D ")))
    assert list(file_ids(str(path), Limits())) == [("A", "B"), ("D",)]


def test_what_is_no_dicomdir(tmp_path: Path, pydicom_files: Path) -> None:
    shutil.copy(pydicom_files / "CT_small.dcm", tmp_path / "DICOMDIR")
    with pytest.raises(SourceError, match="no directory records"):
        list(file_ids(str(tmp_path / "DICOMDIR"), Limits()))
    (tmp_path / "DICOMDIR").write_bytes(b"hello")
    with pytest.raises(SourceError, match="not a DICOM file"):
        list(file_ids(str(tmp_path / "DICOMDIR"), Limits()))


def test_files_are_found_as_filesystems_write_them(tmp_path: Path) -> None:
    for name in ("im/a;1", "IM/B", "im/c."):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    medium = Medium(str(tmp_path))
    assert medium.find(("IM", "B")) == os.path.join(tmp_path, "IM", "B")
    (tmp_path / "IM" / "B").unlink()
    (tmp_path / "IM").rmdir()
    medium = Medium(str(tmp_path))
    assert medium.find(("IM", "A")) == os.path.join(tmp_path, "im", "a;1")
    assert medium.find(("IM", "C")) == os.path.join(tmp_path, "im", "c.")
    with pytest.raises(SourceError, match="is not there"):
        medium.find(("IM", "B"))
    with pytest.raises(SourceError, match="is no file"):
        medium.find(("IM",))


@pytest.mark.parametrize("file_id", [("..", "x"), ("",), ("a/b",), (".", "x"), ("A", "..")])
def test_no_part_leads_elsewhere(tmp_path: Path, file_id: tuple[str, ...]) -> None:
    (tmp_path / "x").touch()
    (tmp_path / "in").mkdir()
    with pytest.raises(SourceError, match="leads elsewhere"):
        Medium(str(tmp_path / "in")).find(file_id)
