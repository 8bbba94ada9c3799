"""Where images go: beside a file, beside a folder, in a folder, under one name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastdcm.batch.targets import Tree, named_output, resolve
from fastdcm.errors import OptionError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``a.dcm b.dcm d/ e/ e/d/ out.png/``, as the current folder."""
    for name in ("d", "e/d", "out.png"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a.dcm", "b.dcm"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "output", "target"),
    [
        ("d", None, "d-jpg"),
        ("d/", None, "d-jpg"),
        ("d", "out", "out"),
        ("e/d", "out", "out"),
        ("d", "x.jpg", "x.jpg"),
    ],
)
def test_one_folder(source: str, output: str | None, target: str) -> None:
    targets = resolve([source], output, "jpeg")
    assert targets.trees == (Tree(source, target),)
    assert targets.outputs == (target,)


def test_the_format_is_in_the_folders_name() -> None:
    assert resolve(["d"], None, "png").trees == (Tree("d", "d-png"),)


def test_the_current_folder_has_a_sibling_too(folder: Path) -> None:
    assert resolve(["."], None, "jpeg").trees == (Tree(".", f"{folder}-jpg"),)
    assert resolve(["d/.."], None, "jpeg").trees == (Tree("d/..", f"{folder}-jpg"),)


def test_several_folders_have_their_own_roots() -> None:
    targets = resolve(["d", "e", "a.dcm"], "out", "jpeg")
    assert [tree.folder for tree in targets.trees] == [os.path.join("out", "d"), os.path.join("out", "e")]
    assert targets.files == (("a.dcm", "out"),)


@pytest.mark.parametrize("sources", [["d", "e/d"], ["d", "d"], ["d", "d/"], ["e/../d", "d"]])
def test_equal_roots_are_a_usage_error(sources: list[str], folder: Path) -> None:
    with pytest.raises(OptionError, match="would both go to"):
        resolve(sources, "out", "jpeg")
    assert not (folder / "out").exists()


def test_equal_names_are_no_error_where_siblings_are_apart() -> None:
    assert len(resolve(["d", "e/d"], None, "jpeg").trees) == 2


@pytest.mark.parametrize("output", ["d", "./d", "e/../d"])
def test_a_folder_is_not_its_own_output(output: str) -> None:
    with pytest.raises(OptionError, match="output folder as well"):
        resolve(["d"], output, "jpeg")


@pytest.mark.parametrize(
    ("sources", "output", "named"),
    [
        (["a.dcm"], "x.jpg", True),
        (["a.dcm"], "e/x.JPEG", True),
        (["a.dcm"], "x.png", True),
        (["missing.dcm"], "x.png", True),
        (["a.dcm"], "x", False),
        (["a.dcm"], "x.dir", False),
        (["a.dcm"], "out.png", False),
        (["a.dcm", "b.dcm"], "x.jpg", False),
        (["d"], "x.jpg", False),
        (["a.dcm"], None, False),
    ],
)
def test_an_output_is_a_file_only_with_an_extension_and_one_source(
    sources: list[str], output: str | None, named: bool
) -> None:
    assert named_output(sources, output) == (output if named else None)


def test_a_named_output_is_split() -> None:
    targets = resolve(["a.dcm"], "e/x.jpg", "jpeg")
    assert (targets.files, targets.exact) == ((("a.dcm", "e"),), "x.jpg")


@pytest.mark.parametrize("output", ["x.jls", "x.HEIC", "x.avi"])
def test_a_format_that_is_not_written_is_a_usage_error(output: str) -> None:
    with pytest.raises(OptionError, match="is not written"):
        resolve(["a.dcm"], output, "jpeg")


@pytest.mark.parametrize("sources", [["d"], ["a.dcm"], ["a.dcm", "d"]])
def test_an_output_that_is_a_file_is_a_usage_error(sources: list[str]) -> None:
    with pytest.raises(OptionError, match=r"b\.dcm is a file"):
        resolve(sources, "b.dcm", "jpeg")


def test_files_go_beside_themselves() -> None:
    assert resolve(["a.dcm", "e/x.dcm"], None, "jpeg").files == (("a.dcm", ""), ("e/x.dcm", "e"))


def test_nothing_is_a_usage_error() -> None:
    with pytest.raises(OptionError, match="nothing to convert"):
        resolve([], None, "jpeg")
