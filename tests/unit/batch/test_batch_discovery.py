"""Walking: order, links, loops, outputs inside inputs, and what is no file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import resolve

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need POSIX")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``in/`` with ``b.dcm a.dcm z/c.dcm k/d.dcm k/deep/e``, in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.dcm", "a.dcm", "z/c.dcm", "k/d.dcm", "k/deep/e"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def _found(sources: list[str], output: str | None) -> list[str]:
    """``source > folder/stem`` of tasks, ``source: why`` of outcomes."""
    lines = []
    for item in discover(resolve(sources, output, "jpeg")):
        if isinstance(item, Task):
            lines.append(f"{item.source} > {os.path.join(item.folder, item.stem)}".replace("\\", "/"))
        else:
            lines.append(f"{item.path}: {item.skipped or item.failures[0].error.message}".replace("\\", "/"))
    return lines


_ALL = [
    "in/a.dcm > out/a",
    "in/b.dcm > out/b",
    "in/k/d.dcm > out/k/d",
    "in/k/deep/e > out/k/deep/e",
    "in/z/c.dcm > out/z/c",
]


def test_folders_are_listed_when_their_turn_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree of a million files starts at once, and no list of it is ever in memory."""
    for folder in range(20):
        (tmp_path / "in" / f"{folder:02d}").mkdir(parents=True)
        for number in range(10):
            (tmp_path / "in" / f"{folder:02d}" / f"{number}.dcm").touch()
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(str(path)) or scandir(path))
    items = discover(resolve([str(tmp_path / "in")], str(tmp_path / "out"), "jpeg"))
    for number in range(200):
        next(items)
        # the folder itself, and those that were reached
        assert len(listed) == 2 + number // 10


@pytest.mark.usefixtures("tree")
def test_sorted_and_mirrored() -> None:
    assert _found(["in"], "out") == _ALL


def test_the_output_folder_is_no_input(tree: Path) -> None:
    (tree / "in" / "out").mkdir()
    (tree / "in" / "out" / "old.dcm").touch()
    assert _found(["in"], "in/out") == [line.replace("> out", "> in/out") for line in _ALL]
    (tree / "in" / "k-jpg").mkdir()
    (tree / "in" / "k-jpg" / "d.jpg").touch()
    assert not [line for line in _found(["in", "in/k"], None) if "k-jpg/d.jpg" in line]


def test_temporary_files_are_no_input(tree: Path) -> None:
    (tree / "in" / ".fastdcm-abc").touch()
    (tree / "in" / ".hidden.dcm").touch()
    found = _found(["in"], "out")
    assert "in/.hidden.dcm > out/.hidden" in found
    assert len(found) == len(_ALL) + 1


@POSIX
def test_links_are_followed_and_loops_end(tree: Path) -> None:
    (tree / "in" / "k" / "loop").symlink_to(tree / "in")
    (tree / "elsewhere").mkdir()
    (tree / "elsewhere" / "f.dcm").touch()
    (tree / "elsewhere" / "self").symlink_to(tree / "elsewhere")
    (tree / "in" / "y").symlink_to(tree / "elsewhere")
    found = _found(["in"], "out")
    assert found == [*_ALL[:4], "in/y/f.dcm > out/y/f", _ALL[4]]


@POSIX
def test_what_is_neither_file_nor_folder_is_skipped(tree: Path) -> None:
    os.mkfifo(tree / "in" / "pipe")
    (tree / "in" / "dangling").symlink_to("nowhere")
    found = _found(["in"], "out")
    assert "in/pipe: neither a file nor a folder" in found
    assert "in/dangling: neither a file nor a folder" in found
    assert _found(["in/pipe", "in/a.dcm"], "out")[1] == "in/pipe: neither a file nor a folder"


@POSIX
@pytest.mark.skipif(sys.platform != "win32" and os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_cannot_be_listed_is_a_failure(tree: Path) -> None:
    (tree / "in" / "k").chmod(0)
    try:
        found = _found(["in"], "out")
    finally:
        (tree / "in" / "k").chmod(0o700)
    assert any(line.startswith("in/k: cannot be listed") for line in found)
    assert _ALL[4] in found


def test_named_files_share_a_listing_where_they_share_a_folder(tree: Path) -> None:
    for name in ("k/a.dcm", "z/a.DCM", "z/a"):
        (tree / "in" / name).touch()
    assert _found(["in/z/a.DCM", "in/k/a.dcm", "in/z/a"], "out") == [
        "in/z/a > out/a",
        "in/k/a.dcm > out/a.dcm",
        "in/z/a.DCM > out/a.DCM",
    ]


def test_a_name_that_is_taken_twice_is_a_failure_that_names_both(tree: Path) -> None:
    for name in ("k/a.dcm", "z/a.dcm"):
        (tree / "in" / name).touch()
    found = _found(["in/a.dcm", "in/k/a.dcm", "in/z/a.dcm"], "out")
    assert found[:2] == ["in/a.dcm > out/a", "in/k/a.dcm > out/a.dcm"]
    assert found[2].startswith("in/z/a.dcm: ")
    assert "in/k/a.dcm" in found[2]


@pytest.mark.usefixtures("tree")
def test_missing_sources_are_failures_and_the_rest_goes_on() -> None:
    assert _found(["nowhere", "in/a.dcm"], "out") == [
        "in/a.dcm > out/a",
        "nowhere: no such file or folder",
    ]


@pytest.mark.usefixtures("tree")
def test_named_files_are_explicit_and_walked_ones_are_not() -> None:
    items = list(discover(resolve(["in/a.dcm", "in/k"], "out", "jpeg")))
    assert [item.explicit for item in items if isinstance(item, Task)] == [True, False, False]


def test_walking_is_lazy(tree: Path) -> None:
    walk = discover(resolve(["in"], "out", "jpeg"))
    first = next(walk)
    assert not isinstance(first, Outcome)
    (tree / "in" / "z" / "later.dcm").touch()
    assert any(isinstance(item, Task) and item.source.endswith("later.dcm") for item in walk)


def test_deep_trees_are_no_problem(tree: Path) -> None:
    # mkdir with a long path would fail long before: go down step by step
    start = Path.cwd()
    os.chdir(tree / "in")
    for _ in range(400):
        os.mkdir("n")
        os.chdir("n")
    Path("f").touch()
    os.chdir(start)
    assert _found(["in"], "out")[-2].endswith("/n/f")
