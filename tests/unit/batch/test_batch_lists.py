"""Lists of names: as they come, in both ways of writing them, and where their images go."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.batch import lists
from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.lists import NameList, is_list
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import resolve
from fastdcm.errors import OptionError, SourceError
from fastdcm.manifest.checking import check
from tests.builders import image

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs names that Windows does not take")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``a.dcm d/a.dcm d/a d/e/b.dcm x.zip``, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.dcm", "d/a.dcm", "d/a", "d/e/b.dcm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(image())
    with zipfile.ZipFile("x.zip", "w") as archive:
        archive.writestr("q/m.dcm", image())
    return tmp_path


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\n\r\nb c", ["a", "b c"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        (b"a\nb\0c\0", ["a\nb", "c"]),
        (b"a\0", ["a"]),
        (b" a \n#b\n", [" a ", "#b"]),
        (b"", []),
        (b"\n\n", []),
    ],
)
def test_names_of_a_list(here: Path, data: bytes, names: list[str]) -> None:
    (here / "list").write_bytes(data)
    assert list(NameList("@list", None).names()) == names


def test_names_that_fall_between_two_pieces(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"folder/{number}" for number in range(100)]
    (here / "list").write_text("\n".join(names))
    for piece in (20, 33, 64):
        monkeypatch.setattr(lists, "_PIECE", piece)
        assert list(NameList("@list", None).names()) == names


@POSIX
def test_bytes_that_are_no_text_are_kept(here: Path) -> None:
    (here / "list").write_bytes(b"\xff\xfd.dcm\n")
    (name,) = NameList("@list", None).names()
    assert os.fsencode(name) == b"\xff\xfd.dcm"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a\n".encode("utf-16"), "UTF-16"),
        (bytes(128) + b"DICM" + bytes(100), "is a DICOM file"),
        (b"x" * 200_000, "no list of names"),
    ],
)
def test_what_is_no_list(here: Path, data: bytes, message: str) -> None:
    (here / "list").write_bytes(data)
    with pytest.raises(SourceError, match=message) as raised:
        list(NameList("@list", None).names())
    assert raised.value.path == "list"
    (outcome,) = discover(resolve(["@list"], "out", "jpeg"))
    assert isinstance(outcome, Outcome)
    assert message in str(outcome.failures[0])


def test_which_sources_are_lists(here: Path) -> None:
    assert is_list("-")
    assert is_list("@x")
    assert not is_list("./@x")
    with pytest.raises(OptionError, match=r"no list nothing; .* \./@nothing"):
        resolve(["@nothing"], None, "jpeg")
    with pytest.raises(OptionError, match="d is a folder"):
        resolve(["@d"], None, "jpeg")


def found(names: list[str], output: str | None) -> list[str]:
    Path("list").write_text("\n".join(names))
    lines = []
    for item in discover(resolve(["@list"], output, "jpeg")):
        if isinstance(item, Task):
            lines.append(f"{item.source} > {os.path.join(item.folder, item.stem)}")
        else:
            lines.append(f"{item.path}: {item.skipped or item.failures[0].error.message}")
    return [line.replace("\\", "/") for line in lines]


@pytest.mark.usefixtures("here")
def test_listed_files_keep_their_folders() -> None:
    here = os.getcwd().replace("\\", "/")
    names = ["d/a.dcm", "d/a", "d/a", "d/e", "no", f"{here}/a.dcm", "x.zip", "./d/../a.dcm", "x.zip!q/m.dcm"]
    below = os.path.splitdrive(here)[1].lstrip("/")
    assert found(names, "out") == [
        "d/a.dcm > out/d/a",
        "d/a > out/d/a-2",
        "d/a: named before in the list",
        "d/e/b.dcm > out/d/e/b",
        "no: no such file or folder",
        f"{here}/a.dcm > out/{below}/a",
        "x.zip!q/m.dcm > out/x/q/m",
        "./d/../a.dcm > out/a",
        "x.zip!q/m.dcm > out/x/q/m",
    ]


@pytest.mark.usefixtures("here")
def test_without_an_output_images_lie_beside_listed_files() -> None:
    assert found(["d/a.dcm", "a.dcm", "d/e", "x.zip", "x.zip!q/m.dcm"], None) == [
        "d/a.dcm > d/a",
        "a.dcm > a",
        "d/e/b.dcm > d/e-jpg/b",
        "x.zip!q/m.dcm > x-jpg/q/m",
        "x.zip!q/m.dcm > m",
    ]


def test_lists_are_read_as_they_come(here: Path) -> None:
    """The first input is there before the list ends, and nothing of it is kept."""
    read, write = os.pipe()
    os.write(write, b"d/a.dcm\n")
    with open(read, "rb", buffering=0) as file:
        items = lists._separated(file)
        assert next(items) == b"d/a.dcm"
        os.write(write, b"a.dcm\n")
        assert next(items) == b"a.dcm"
        os.close(write)
        assert list(items) == []


def test_lists_are_not_held(here: Path) -> None:
    (here / "list").write_text("".join(f"nothing/{number % 10}/{number}\n" for number in range(20_000)))
    tracemalloc.start()
    try:
        assert sum(1 for _ in discover(resolve(["@list"], "out", "jpeg"))) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_pipe_is_kept_where_it_is_read_twice(here: Path) -> None:
    (here / "list").write_text("a.dcm\n")
    with ExitStack() as closing:
        names = NameList("@list", None)
        assert names.to_read_again(closing) is names
        if sys.platform != "win32":
            os.mkfifo(here / "pipe")
            writer = subprocess.Popen(["sh", "-c", "printf 'a.dcm\\nd/a.dcm\\n' > pipe"], cwd=here)
            kept = NameList("@pipe", None).to_read_again(closing)
            writer.wait()
            assert list(kept.names()) == list(kept.names()) == ["a.dcm", "d/a.dcm"]
            assert isinstance(kept.kept, io.RawIOBase)


_LISTED = {"d/a.jpg", "d/e/b.jpg", "a.jpg", "x/q/m.jpg"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, _LISTED),
        ({"voi": "series"}, _LISTED),
        ({"flat": True}, {"a.jpg", "b.jpg", "a.dcm.jpg", "m.jpg"}),
        ({"name": "{path}-{frame}"}, {"d/a-1.jpg", "d/e/b-1.jpg", "a-1.jpg", "x/q/m-1.jpg"}),
    ],
    ids=str,
)
def test_whole_runs_of_lists(here: Path, more: dict[str, Any], expected: set[str]) -> None:
    (here / "list").write_text("d/a.dcm\nd/e\na.dcm\nx.zip\n")
    report = fastdcm.convert("@list", "out", jobs=2, **more)
    assert (report.images, report.failures) == (4, [])
    assert {path.relative_to("out").as_posix() for path in Path("out").rglob("*.jpg")} == expected


def test_what_is_named_twice_is_gone_on_from_once(here: Path) -> None:
    (here / "list").write_text("a.dcm\na.dcm\nx.zip\n")
    for images in (2, 0, 0):
        report = fastdcm.convert("@list", "out", jobs=1, manifest="run.jsonl", resume=True, checksum=True)
        assert (report.images, report.kept, report.failures) == (images, 2 - images, [])
    Path("out/a.jpg").unlink()
    assert (
        fastdcm.convert("@list", "out", jobs=1, manifest="run.jsonl", resume=True, checksum=True).images == 1
    )
    assert [found.problem for found in check("run.jsonl")] == ["", ""]


def test_listed_files_that_are_no_images_are_failures(here: Path) -> None:
    (here / "text").write_text("hello")
    (here / "list").write_text("a.dcm\ntext\nnothing\n")
    report = fastdcm.convert("@list", "out", jobs=1)
    assert report.images == 1
    assert {failure.path for failure in report.failures} == {"text", "nothing"}
