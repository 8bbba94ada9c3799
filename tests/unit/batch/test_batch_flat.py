"""One folder for a whole tree: which file gets which name, and that none is lost."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdcm
from fastdcm.batch import run
from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.flat import name_tree
from fastdcm.batch.naming import name_listing, output_stem
from fastdcm.batch.targets import resolve
from fastdcm.errors import OptionError
from fastdcm.options import ConvertOptions, EncodeOptions


@pytest.mark.parametrize(
    ("paths", "stems"),
    [
        ("a.dcm b/c.dcm", "a c"),
        ("IM1.dcm b/IM1.dcm c/d/IM1.dcm", "IM1 b-IM1 c-d-IM1"),
        ("a/IM1 b/IM1", "IM1 b-IM1"),
        # As in one folder: the later one keeps its full name, small letters first.
        ("a/x.DCM b/x.dcm", "x.DCM x"),
        ("a/x.dcm b/x.ima", "x x.ima"),
        # Names that differ by case alone, which some filesystems take for one.
        ("a/IM1 b/im1", "a-IM1 im1"),
        # A path that is another's name.
        ("b-IM1.dcm IM1.dcm b/IM1.dcm", "b-IM1 IM1 b-IM1.dcm"),
        ("b-IM1 IM1 b/IM1", "b-IM1 IM1 b-IM1-2"),
        # What looks like a numbered frame of another.
        ("a_0001.dcm b/a.dcm", "a_0001.dcm a"),
        ("IM_0001.dcm b/IM_0001.dcm b-IM.dcm", "IM_0001 b-IM_0001.dcm b-IM"),
        ("b/IM_0001 IM_0001 b-IM", "IM_0001 IM_0001-2 b-IM"),
        ("x.dcm b/x.dcm b-x_0001", "x b-x.dcm b-x_0001"),
    ],
)
def test_names(paths: str, stems: str) -> None:
    assert name_tree(paths.replace("/", os.sep).split()) == stems.split()


@given(
    st.sets(
        st.sampled_from(["", *"ab"]).flatmap(
            lambda folder: st.sampled_from(["", *"ab", "A"]).flatmap(
                lambda below: st.sampled_from(
                    ["x", "X", "x.dcm", "x.DCM", "x_0001", "x_0001.dcm", "a-x", "a-x_0001", "a-b-x", "x-2"]
                ).map(lambda name: os.path.join(folder, below, name))
            )
        ),
        max_size=40,
    )
)
def test_every_file_has_a_name_of_its_own(paths: set[str]) -> None:
    """On every filesystem; a single folder's files have the names that they have without ``flat``."""
    ordered = sorted(paths)
    stems = name_tree(ordered)
    assert len({stem.casefold() for stem in stems}) == len(paths)
    alone = [path for path in ordered if os.sep not in path]
    listed = dict(name_listing(alone))
    if len({stem.casefold() for stem in listed.values()}) == len(alone):
        assert name_tree(alone) == [listed[path] for path in alone]
    # Of the names that were made of paths none is a frame of another, nor the reverse.
    made = {stem.casefold() for path, stem in zip(ordered, stems, strict=True) if stem not in path}
    for stem in map(str.casefold, stems):
        found = re.fullmatch(r"(.+)_\d{4,}", stem)
        if found and (stem in made or found[1] in made):
            assert found[1] not in map(str.casefold, stems)


def test_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the tree, so that the slices of a series stay together."""
    monkeypatch.chdir(tmp_path)
    for name in ("z.dcm", "b/x.dcm", "b/a.dcm", "a/x.dcm", "a/deep/z"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for source in ("in", "in/", "./in"):
        found = list(discover(resolve([source], "out", "jpeg"), flat=True))
        assert all(isinstance(item, Task) and item.folder == "out" for item in found)
        assert [(Path(item.source).as_posix(), item.stem) for item in found if isinstance(item, Task)] == [
            ("in/z.dcm", "z.dcm"),
            ("in/a/x.dcm", "x"),
            ("in/a/deep/z", "z"),
            ("in/b/a.dcm", "a"),
            ("in/b/x.dcm", "b-x"),
        ]


def test_run(tmp_path: Path, pydicom_files: Path) -> None:
    """The same files at any number of workers, each with its own picture."""
    names = ["CT_small.dcm", "MR_small.dcm", "examples_palette.dcm"]
    for number, folder in enumerate(["1", "2", "1/3", "4", "4/5", "6"]):
        (tmp_path / "in" / folder).mkdir(parents=True, exist_ok=True)
        for image in range(3):
            shutil.copy(
                pydicom_files / names[(number + image) % 3], tmp_path / "in" / folder / f"IM{image}.dcm"
            )
    options = ConvertOptions(flat=True, encode=EncodeOptions(format="npy"))
    trees = []
    for jobs in (1, 3):
        report = run([tmp_path / "in"], tmp_path / f"out{jobs}", options, jobs=jobs)
        assert (report.converted, report.failed) == (18, 0)
        trees.append({path.name: path.read_bytes() for path in (tmp_path / f"out{jobs}").iterdir()})
    assert trees[0] == trees[1]
    assert len(trees[0]) == 18
    for name, source in {"IM2": "1/IM2", "4-5-IM2": "4/5/IM2", "1-3-IM0": "1/3/IM0"}.items():
        shown = np.load(tmp_path / "out3" / f"{name}.npy")
        assert np.array_equal(shown, fastdcm.render(tmp_path / "in" / f"{source}.dcm"))


def test_templates(tmp_path: Path, pydicom_files: Path) -> None:
    for folder in "ab":
        (tmp_path / "in" / folder).mkdir(parents=True)
        shutil.copy(pydicom_files / "CT_small.dcm", tmp_path / "in" / folder)
    with pytest.raises(OptionError, match="makes folders, and flat leaves them out"):
        fastdcm.convert(tmp_path / "in", tmp_path / "out", name="{modality}/{stem}", flat=True)
    assert not (tmp_path / "out").exists()
    assert fastdcm.convert(tmp_path / "in", tmp_path / "out", name="{modality} {stem}", flat=True).failed == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "CT CT_small.jpg",
        "CT b-CT_small.jpg",
    ]
    assert output_stem("b-CT_small", 1, 1) == "b-CT_small"
