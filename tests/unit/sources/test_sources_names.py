"""What sources are called: members of archives are told from files, and lead nowhere else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fastdcm.errors import SourceError
from fastdcm.sources import absolute, kind_of, open_source, stamp_of
from fastdcm.sources.names import (
    archive_kind,
    last_name,
    member_name,
    parts_below,
    parts_of,
    split_member,
    without_archive_end,
)


@pytest.mark.parametrize(
    ("path", "kind", "rest"),
    [
        ("a.zip", "zip", "a"),
        ("x/A.ZIP", "zip", "x/A"),
        ("a.tar", "tar", "a"),
        ("a.b.tar.gz", "gz", "a.b"),
        ("a.TGZ", "gz", "a"),
        ("a.tar.zst", "zst", "a"),
        ("a.tzst", "zst", "a"),
        ("a.gz", "", "a.gz"),
        ("zip", "", "zip"),
        ("1.2.840.tar1", "", "1.2.840.tar1"),
    ],
)
def test_archives_are_known_by_their_names(path: str, kind: str, rest: str) -> None:
    assert archive_kind(path) == kind
    assert without_archive_end(path) == rest


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.zip!x/y.dcm", ("a.zip", "x/y.dcm")),
        ("a!b/c.tar.gz!d!e", ("a!b/c.tar.gz", "d!e")),
        ("a.zip!b.zip!c", ("a.zip", "b.zip!c")),
        ("a!b", None),
        ("!a.zip", None),
        ("a.zip", None),
    ],
)
def test_members_are_split_at_their_archive(name: str, parts: tuple[str, str] | None) -> None:
    assert split_member(name) == parts
    if parts is not None:
        assert member_name(*parts) == name
        assert kind_of(name) == "member"
    else:
        assert kind_of(name) == "file"


def test_a_file_that_is_called_like_a_member_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.zip!x"
    path.write_bytes(b"hello")
    assert kind_of(str(path)) == "file"
    assert open_source(str(path)).read(0, 9) == b"hello"
    assert stamp_of(str(path)) == (5, path.stat().st_mtime_ns)


@pytest.mark.parametrize(
    ("member", "parts"),
    [
        ("a/b/c.dcm", ["a", "b", "c.dcm"]),
        ("../../etc/passwd", ["etc", "passwd"]),
        ("/abs/x", ["abs", "x"]),
        ("./a//b/./c", ["a", "b", "c"]),
        ("a/../b", ["a", "b"]),
        ("..", ["_"]),
        ("", ["_"]),
        ("a\0b", ["a_b"]),
    ],
)
def test_parts_of_a_member_stay_below_a_folder(member: str, parts: list[str]) -> None:
    assert parts_of(member) == parts


@pytest.mark.parametrize(
    ("member", "parts"),
    [("C:\\x\\y.dcm", ["C_", "x", "y.dcm"]), ("..\\..\\x", ["x"]), (".. /x", ["x"]), ("a?/b", ["a_", "b"])],
)
def test_parts_on_windows(member: str, parts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert parts_of(member) == parts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a/b.dcm", ["a", "b.dcm"]),
        ("../a/b.dcm", ["a", "b.dcm"]),
        ("/data/a/../b.dcm", ["data", "b.dcm"]),
        ("x/a.zip!q/../b.dcm", ["x", "a", "q", "b.dcm"]),
        ("s3://bucket/key/b.dcm", ["bucket", "key", "b.dcm"]),
    ],
)
def test_parts_below_a_folder(name: str, parts: list[str]) -> None:
    assert parts_below(name) == parts
    assert last_name(name) == parts[-1]


def test_absolute_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.getcwd()
    assert absolute("a.dcm") == os.path.join(here, "a.dcm")
    assert absolute("a.zip!../../x") == os.path.join(here, "a.zip") + "!../../x"


def test_what_is_not_there_is_an_error_of_the_source(tmp_path: Path) -> None:
    for name in ("no.dcm", "no.zip!x"):
        with pytest.raises(SourceError, match=r"[Nn]o such file"):
            open_source(str(tmp_path / name))
        assert stamp_of(str(tmp_path / name)) is None
