"""The index follows the folder: what is new, changed, gone, a copy; it survives restarts, and reads once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from fastdcm.errors import OptionError
from fastdcm.serve.index import changes
from fastdcm.serve.index.changes import look
from fastdcm.serve.index.lookup import Lookup
from fastdcm.serve.index.reading import read_facts
from fastdcm.serve.index.schema import connect, create, default_path
from tests.builders import Element, dicom, image
from tests.serve.conftest import CT, SLICES, STUDY, ct_slice, models, of_patient, running, wait_for


class Index:
    """An index of a folder, in one process."""

    def __init__(self, folder: Path, path: Path) -> None:
        self.folder, self.path = folder, path
        create(str(path), str(folder))
        self.database = connect(str(path), write=True)
        self.lookup = Lookup(str(path))

    def look(self) -> changes.Summary:
        return look(self.database, str(self.folder))

    def path_of(self, uid: str = SLICES[0], series: str = CT, study: str = STUDY) -> str | None:
        found = self.lookup.instance(study, series, uid)
        return None if found is None else found.path

    def counts(self) -> tuple[int, int, int]:
        state = self.lookup.state()
        return state["studies"], state["series"], state["instances"]

    def close(self) -> None:
        self.database.close()
        self.lookup.close()


@pytest.fixture
def index(tmp_path: Path) -> Generator[Index, None, None]:
    folder = tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    for number in (1, 2):
        (folder / "a" / f"{number}.dcm").write_bytes(ct_slice(number))
    found = Index(folder, tmp_path / "index.sqlite")
    yield found
    found.close()


def _touch(path: Path) -> None:
    """Another time, whatever the file system's clock has for one."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def test_files_are_read_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    assert index.look()[:4] == (2, 2, 0, 0)
    assert index.counts() == (1, 1, 2)
    assert index.lookup.state()["complete"] == 1

    def refuse(source: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(changes, "read_facts", refuse)
    assert index.look()[:4] == (2, 0, 0, 0)
    _touch(index.folder / "a" / "1.dcm")
    with pytest.raises(AssertionError, match="read again"):
        index.look()


def test_new_and_changed_files(index: Index) -> None:
    index.look()
    (index.folder / "b").mkdir()
    (index.folder / "b" / "3.dcm").write_bytes(ct_slice(3))
    assert index.look()[:3] == (3, 1, 0)
    assert index.path_of(SLICES[2]) == "b/3.dcm"
    # The file becomes another object: what it was is gone.
    path = index.folder / "b" / "3.dcm"
    path.write_bytes(image(extra=of_patient(f"{STUDY}.9", f"{STUDY}.9.1")))
    _touch(path)
    assert index.look()[:3] == (3, 1, 0)
    assert index.path_of(SLICES[2]) is None
    assert index.lookup.is_gone(STUDY, CT, SLICES[2])
    assert index.path_of(f"{STUDY}.9.1", f"{STUDY}.9") == "b/3.dcm"
    assert index.counts() == (1, 2, 3)


def test_what_a_study_says_is_what_the_last_file_says(index: Index) -> None:
    index.look()
    elements = [
        Element(one.tag, one.vr, "P-2") if one.tag == 0x00100020 else one
        for one in of_patient(CT, SLICES[1], number=2)
    ]
    path = index.folder / "a" / "2.dcm"
    path.write_bytes(image(extra=elements))
    _touch(path)
    index.look()
    assert index.database.execute("SELECT PatientID FROM studies").fetchall() == [("P-2",)]


def test_removed_files(index: Index) -> None:
    index.look()
    (index.folder / "a" / "1.dcm").unlink()
    assert index.look()[:3] == (1, 0, 1)
    assert index.counts() == (1, 1, 1)
    assert index.lookup.is_gone(STUDY, CT, SLICES[0])
    assert not index.lookup.is_gone(STUDY, CT)
    (index.folder / "a" / "2.dcm").unlink()
    (index.folder / "a").rmdir()
    index.look()
    assert index.counts() == (0, 0, 0)
    assert index.lookup.is_gone(STUDY)
    assert index.lookup.is_gone(STUDY, CT)
    # What comes back is gone no more.
    (index.folder / "1.dcm").write_bytes(ct_slice(1))
    index.look()
    assert not index.lookup.is_gone(STUDY)
    assert not index.lookup.is_gone(STUDY, CT)
    assert not index.lookup.is_gone(STUDY, CT, SLICES[0])
    assert index.path_of() == "1.dcm"


def test_a_moved_file(index: Index) -> None:
    index.look()
    (index.folder / "a" / "1.dcm").rename(index.folder / "z.dcm")
    index.look()
    assert index.path_of() == "z.dcm"
    assert not index.lookup.is_gone(STUDY, CT, SLICES[0])


def test_a_copy_takes_the_place_of_what_was_removed(index: Index) -> None:
    index.look()
    (index.folder / "copy.dcm").write_bytes(ct_slice(1))
    assert index.look()[:4] == (3, 1, 0, 0)
    assert index.counts() == (1, 1, 2)
    assert index.path_of() == "a/1.dcm"
    (index.folder / "a" / "1.dcm").unlink()
    index.look()
    assert index.path_of() == "copy.dcm"
    assert not index.lookup.is_gone(STUDY, CT, SLICES[0])


def test_a_copy_takes_the_place_of_what_was_changed(index: Index) -> None:
    index.look()
    (index.folder / "Copy.dcm").write_bytes(ct_slice(1))  # before "a" in order
    index.look()
    path = index.folder / "a" / "1.dcm"
    path.write_bytes(ct_slice(3))
    _touch(path)
    index.look()
    assert index.path_of() == "Copy.dcm"
    assert index.path_of(SLICES[2]) == "a/1.dcm"


def test_what_cannot_be_served_is_told_once(index: Index) -> None:
    (index.folder / "text.txt").write_text("no DICOM", encoding="ascii")
    (index.folder / "empty").touch()
    (index.folder / "no-uids.dcm").write_bytes(image())
    (index.folder / "cut.dcm").write_bytes(ct_slice(3)[:250])
    assert index.look()[:4] == (6, 6, 0, 4)
    problems = dict(index.database.execute("SELECT path, problem FROM files WHERE problem IS NOT NULL"))
    assert "no Study Instance UID" in problems[b"no-uids.dcm"]
    assert "not a DICOM file" in problems[b"text.txt"]
    assert index.look()[:4] == (6, 0, 0, 4)
    # Once it is whole, it is served.
    (index.folder / "cut.dcm").write_bytes(ct_slice(3))
    assert index.look()[:4] == (6, 1, 0, 3)
    assert index.path_of(SLICES[2]) == "cut.dcm"


def test_links_and_hidden_files_are_passed_over(index: Index, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "3.dcm").write_bytes(ct_slice(3))
    (index.folder / "link.dcm").symlink_to(outside / "3.dcm")
    (index.folder / "folder").symlink_to(outside)
    (index.folder / ".hidden.dcm").write_bytes(ct_slice(3))
    (index.folder / ".hidden").mkdir()
    (index.folder / ".hidden" / "3.dcm").write_bytes(ct_slice(3))
    assert index.look().files == 2
    assert index.path_of(SLICES[2]) is None


def test_names_that_are_no_text(index: Index) -> None:
    name = os.fsdecode(b"sl\xefce.dcm")
    try:
        (index.folder / name).write_bytes(ct_slice(3))
    except OSError:
        pytest.skip("this file system takes text alone")
    index.look()
    assert index.path_of(SLICES[2]) == name


def test_a_folder_that_is_not_there_leaves_the_index(index: Index, tmp_path: Path) -> None:
    index.look()
    index.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="folder"):
        index.look()
    assert index.counts() == (1, 1, 2)


def test_the_header_alone_is_read(tmp_path: Path) -> None:
    from fastdcm.reader.source import FileSource

    path = tmp_path / "large.dcm"
    path.write_bytes(ct_slice(1, rows=1000, columns=1000))
    source = FileSource(os.open(path, os.O_RDONLY), path.stat().st_size, "")
    facts = read_facts(source)
    source.close()
    assert facts.has_pixels
    assert source.bytes_read < 10_000


def test_values_are_kept_as_they_are_meant(tmp_path: Path) -> None:
    from fastdcm.reader.source import MemorySource
    from fastdcm.serve.index.attributes import INSTANCE
    from fastdcm.serve.index.attributes import STUDY as STUDY_TABLE

    elements = [
        Element(0x00080005, "CS", "ISO 2022 IR 100\\ISO 2022 IR 144"),
        *of_patient(CT, SLICES[0])[1:],
        Element(0x00280010, "US", 513),
        Element(0x00280008, "IS", " 12 "),
    ]
    by_tag = {one.tag: one for one in elements}
    by_tag[0x00100010] = Element(0x00100010, "PN", b"\xc4rger^\x1b-L\xbb\xee\xda  ")
    data = dicom(sorted(by_tag.values(), key=lambda one: one.tag), "1.2.840.10008.1.2.2")
    facts = read_facts(MemorySource(data))
    study = {one.keyword: value for one, value in zip(STUDY_TABLE, facts.study, strict=True)}
    instance = {one.keyword: value for one, value in zip(INSTANCE, facts.instance, strict=True)}
    assert study["PatientName"] == "Ärger^Люк"
    assert study["PatientAge"] is None
    assert instance["Rows"] == 513
    assert instance["NumberOfFrames"] == "12"
    assert not facts.has_pixels
    assert facts.transfer_syntax == "1.2.840.10008.1.2.2"


# Where it is kept


def test_nobody_else_may_read_it(index: Index) -> None:
    assert index.path.stat().st_mode & 0o077 == 0


def test_an_index_of_another_version_is_made_anew(index: Index) -> None:
    index.look()
    index.database.execute("UPDATE about SET version = 0")
    index.close()
    again = Index(index.folder, index.path)
    assert again.counts() == (0, 0, 0)
    again.look()
    assert again.counts() == (1, 1, 2)
    again.close()


def test_what_is_no_index_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("precious " * 100, encoding="ascii")
    with pytest.raises(OptionError, match="no index of fastdcm"):
        create(str(text), str(tmp_path))
    assert text.read_text(encoding="ascii") == "precious " * 100
    other = tmp_path / "other.sqlite"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE precious (one)")
    database.commit()
    database.close()
    with pytest.raises(OptionError, match="no index of fastdcm"):
        create(str(other), str(tmp_path))


def test_folders_have_indexes_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert default_path(str(tmp_path / "a")) == default_path(str(tmp_path / "b"))
    assert default_path(str(tmp_path / "a")) != default_path(str(tmp_path))


# By a server


def _instances(client: Any) -> set[str]:
    return {str(one["00080018"]["Value"][0]) for one in models(client.get("/instances"))}


def test_a_server_follows_changes_and_survives(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.dcm").write_bytes(ct_slice(1))
    with running(folder, tmp_path / "index.sqlite", "--rescan", "0.1") as served, served.client() as client:
        place = f"/studies/{STUDY}/series/{CT}/instances"
        first = client.get(f"{place}/{SLICES[0]}/rendered")
        (folder / "2.dcm").write_bytes(ct_slice(2))
        wait_for(lambda: _instances(client) == {SLICES[0], SLICES[1]})
        # Other pixels in the same file: not the picture that was kept.
        (folder / "1.dcm").write_bytes(ct_slice(1)[:-8] + bytes([255, 15] * 4))
        _touch(folder / "1.dcm")
        changed = client.get(
            f"{place}/{SLICES[0]}/rendered", headers={"If-None-Match": first.headers["etag"]}
        )
        assert changed.status_code == 200
        assert changed.content != first.content
        (folder / "2.dcm").unlink()
        wait_for(lambda: _instances(client) == {SLICES[0]})
        gone = client.get(f"{place}/{SLICES[1]}/rendered")
        assert (gone.status_code, "removed" in gone.text) == (410, True)
        assert client.get(f"{place}/{SLICES[1]}").status_code == 410
        assert client.get(f"{place}/{SLICES[1]}/metadata").status_code == 410
    with running(folder, tmp_path / "index.sqlite") as served, served.client() as client:
        wait_for(lambda: "last_look" in client.get("/healthz").json())
        assert client.get("/healthz").json()["last_look"]["read"] == 0
        assert _instances(client) == {SLICES[0]}


def test_a_file_that_is_gone_before_the_index_knows(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.dcm").write_bytes(ct_slice(1))
    with running(folder, tmp_path / "index.sqlite", "--rescan", "0") as served, served.client() as client:
        (folder / "1.dcm").unlink()
        place = f"/studies/{STUDY}/series/{CT}/instances/{SLICES[0]}"
        for path in (place, f"{place}/rendered", f"{place}/metadata"):
            assert client.get(path).status_code == 410
