"""Runs whose images go into an archive: those of a folder, at any number of workers, or nothing."""

from __future__ import annotations

import json
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.batch import Report, Watcher
from fastdcm.errors import OptionError, OutputError
from tests.builders import Element, image


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``in/`` with 30 images in three folders, one of four frames, a text file; in the current folder."""
    monkeypatch.chdir(tmp_path)
    for number in range(30):
        path = tmp_path / "in" / ("", "a", "a/b")[number % 3] / f"{number}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = 4 if number == 7 else 1
        uid = Element(0x00080018, "UI", f"1.2.{number % 29}")
        path.write_bytes(image(bytes([number]) * 6 * frames, frames=frames, extra=[uid]))
    (tmp_path / "in" / "text").write_text("hello")
    return tmp_path / "in"


def convert(source: Path | str, output: str, **options: Any) -> Report:
    return fastdcm.convert(source, output, **{"format": "png", "jobs": 2, **options})


def read(path: str) -> dict[str, bytes]:
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def files(folder: str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["out.zip", "sub/out.tar"])
@pytest.mark.parametrize(
    "more", [{}, {"metadata": "json"}, {"flat": True}, {"name": "{path}/{frame}"}], ids=str
)
def test_members_are_the_files_of_a_folder(scans: Path, name: str, more: dict[str, Any]) -> None:
    expected = convert(scans, "folder", **more)
    reports = [convert(scans, name, jobs=jobs, existing="overwrite", **more) for jobs in (1, 3)]
    for report in reports:
        assert (report.images, report.failures, report.outputs) == (expected.images, [], (name,))
        assert report.skipped_count == 1
    assert report.images == 33
    found = read(name)
    assert len(found) == (66 if more.get("metadata") else 33)
    told = {path: json.loads(data) for path, data in found.items() if path.endswith(".json")}
    assert told == {path: json.loads(data) for path, data in files("folder").items() if path in told}
    images = {path: data for path, data in found.items() if path not in told}
    assert images == {path: data for path, data in files("folder").items() if path not in told}


def test_bytes_and_order_are_the_same_at_any_number_of_workers(scans: Path) -> None:
    for name in ("1.zip", "3.zip", "1.tar", "3.tar"):
        convert(scans, name, jobs=int(name[0]))
    assert Path("1.zip").read_bytes() == Path("3.zip").read_bytes()
    assert Path("1.tar").read_bytes() == Path("3.tar").read_bytes()
    assert list(read("1.zip")) == list(read("1.tar"))


def test_a_single_file(scans: Path) -> None:
    report = convert(scans / "0.dcm", "out.zip")
    assert report.images == 1
    assert list(read("out.zip")) == ["0.png"]


def test_bad_files_are_left_out_and_told(scans: Path) -> None:
    (scans / "3.dcm").write_bytes((scans / "0.dcm").read_bytes()[:-3])
    report = convert(scans, "out.zip")
    assert (report.images, report.failed) == (32, 1)
    assert len(read("out.zip")) == 32


def test_an_archive_that_is_there_is_kept_or_replaced(scans: Path) -> None:
    Path("out.zip").write_text("before")
    for existing in ("keep", "skip"):
        with pytest.raises(OptionError, match="--overwrite replaces it"):
            convert(scans, "out.zip", existing=existing)
    assert Path("out.zip").read_text() == "before"
    convert(scans, "out.zip", existing="overwrite")
    assert len(read("out.zip")) == 33
    assert sorted(os.listdir()) == ["in", "out.zip"]


@pytest.mark.parametrize("how", [{"fail_fast": True}, {}])
def test_a_run_that_does_not_end_leaves_nothing(
    scans: Path, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (scans / "3.dcm").write_bytes((scans / "0.dcm").read_bytes()[:-3])

    class Interrupting(Watcher):
        def done(self, outcome: object) -> None:
            if not how:
                raise KeyboardInterrupt

    try:
        report = convert(scans, "out.zip", watcher=Interrupting(), **how)
    except KeyboardInterrupt:
        assert not how
    else:
        assert report.images == 0
        assert any("was not written" in notice.message for notice in report.notices)
    assert os.listdir() == ["in"]


def test_where_nothing_is_to_be_made_there_is_no_archive(scans: Path) -> None:
    report = convert(scans / "text", "out.zip")
    assert (report.images, report.failure_count) == (0, 1)
    assert os.listdir() == ["in"]


def test_images_of_one_name_are_failures(scans: Path) -> None:
    """Two copies of an instance, where the template takes its UID for a name."""
    report = convert(scans, "out.tar", name="{sop_instance_uid}", flat=True)
    assert report.images == len(read("out.tar")) == 32
    (failure,) = report.failures
    assert failure.path == "out.tar!1.2.0.png"
    assert "another input" in failure.error.message


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("out.tar.gz", {}, "written as .zip or .tar"),
        ("out.zip", {"manifest": "run.jsonl"}, "a manifest is for folders"),
        ("out.zip", {"metadata": "csv"}, "JSON beside images"),
    ],
)
def test_what_archives_are_not_for(scans: Path, name: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        convert(scans, name, **more)
    assert os.listdir() == ["in"]


def test_a_place_that_takes_no_archive(scans: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        convert(scans, "in/text/out.zip")
