"""Whole runs with templates: the same names at any number of workers, and no image lost."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import fastdcm
from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.targets import resolve
from fastdcm.errors import OptionError
from tests.builders import Element, image

SERIES_NUMBER, INSTANCE_NUMBER, PATIENT_ID = 0x00200011, 0x00200013, 0x00100020


def write(
    path: Path, grey: int, *, instance: str = "1", extra: tuple[Element, ...] = (), **more: Any
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = more.get("frames", 1)
    elements = (Element(INSTANCE_NUMBER, "IS", instance), *extra)
    path.write_bytes(image(bytes([grey]) * 6 * frames, modality="CT", extra=elements, **more))


def names(folder: Path) -> dict[str, int]:
    """Output -> its grey, by which images are known."""
    return {
        path.relative_to(folder).as_posix(): int(Image.open(path).getpixel((0, 0)))  # type: ignore[arg-type]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_inputs_of_one_name_are_numbered_in_the_order_of_the_sources(tmp_path: Path, jobs: int) -> None:
    for number in range(30):
        write(tmp_path / "in" / f"{number:02d}.dcm", number * 8, instance=str(number // 3))
    write(tmp_path / "in" / "sub" / "z.dcm", 255, instance="0")
    report = fastdcm.convert(
        tmp_path / "in", tmp_path / "out", jobs=jobs, format="png", name="{modality}/{instance_number:03d}"
    )
    assert (report.images, report.failures) == (31, [])
    expected = {f"CT/{number // 3:03d}{('', '-2', '-3')[number % 3]}.png": number * 8 for number in range(30)}
    assert names(tmp_path / "out") == {**expected, "sub/CT/000.png": 255}


def test_names_that_differ_by_case_alone_are_numbered(tmp_path: Path) -> None:
    for grey, laterality in enumerate("lLR"):
        write(tmp_path / "in" / f"{grey}.dcm", grey, extra=(Element(0x00200062, "CS", laterality),))
    fastdcm.convert(tmp_path / "in", tmp_path / "out", format="png", name="{image_laterality}")
    assert names(tmp_path / "out") == {"l.png": 0, "L-2.png": 1, "R.png": 2}


def test_files_of_one_name_that_come_into_one_folder_are_numbered(tmp_path: Path) -> None:
    for grey, folder in enumerate("abc"):
        write(tmp_path / "in" / folder / "x.dcm", grey)
    options: dict[str, Any] = {"format": "png", "name": "{name}"}
    report = fastdcm.convert(tmp_path / "in", tmp_path / "flat", flat=True, **options)
    assert (report.images, report.failures) == (3, [])
    assert names(tmp_path / "flat") == {"x.dcm.png": 0, "x.dcm-2.png": 1, "x.dcm-3.png": 2}
    sources = [tmp_path / "in" / folder / "x.dcm" for folder in "ab"]
    report = fastdcm.convert(sources, tmp_path / "two", **options)
    assert (report.images, report.failures) == (2, [])
    assert names(tmp_path / "two") == {"x.dcm.png": 0, "x.dcm-2.png": 1}


def test_three_files_of_one_name_that_were_named(tmp_path: Path) -> None:
    sources = [tmp_path / "in" / folder / "x.dcm" for folder in "abc"]
    for grey, source in enumerate(sources):
        write(source, grey)
    for name, written in {
        "{path}": {"a/x.png": 0, "b/x.png": 1, "c/x.png": 2},
        "{stem}": {"x.png": 0, "x-2.png": 1, "x-3.png": 2},
        "{modality}": {"CT.png": 0, "CT-2.png": 1, "CT-3.png": 2},
    }.items():
        out = tmp_path / name.strip("{}")
        report = fastdcm.convert(sources, out, format="png", name=name)
        assert (report.images, report.failures) == (3, [])
        assert names(out) == written


def test_frames_of_twins_and_files_that_are_no_images(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.dcm", 10, frames=2)
    (tmp_path / "in" / "b.txt").write_text("no image")
    write(tmp_path / "in" / "c.dcm", 20, frames=2)
    for name, written in {
        "{modality}": ["CT-2_0001", "CT-2_0002", "CT_0001", "CT_0002"],
        "{modality}+{frame:02d}": ["CT+01", "CT+01-2", "CT+02", "CT+02-2"],
    }.items():
        out = tmp_path / re.sub(r"\W", "", name)
        report = fastdcm.convert(tmp_path / "in", out, format="png", name=name)
        assert (report.images, report.skipped_count, report.failures) == (4, 1, [])
        assert sorted(path.stem for path in out.iterdir()) == written


def test_path_makes_the_folders_itself(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a" / "x.dcm", 1)
    write(tmp_path / "in" / "a" / "x.ima", 2)
    write(tmp_path / "in" / "b" / "x.dcm", 3)
    fastdcm.convert(tmp_path / "in", tmp_path / "out", format="png", name="{modality}/{path}")
    assert names(tmp_path / "out") == {"CT/a/x.png": 1, "CT/a/x.ima.png": 2, "CT/b/x.png": 3}


def test_two_trees_keep_their_own_folders(tmp_path: Path) -> None:
    for grey, tree in enumerate("pq"):
        write(tmp_path / tree / "a" / "x.dcm", grey)
    fastdcm.convert([tmp_path / "p", tmp_path / "q"], tmp_path / "out", format="png", name="i-{path}")
    assert names(tmp_path / "out") == {"p/i-a/x.png": 0, "q/i-a/x.png": 1}


def test_files_that_were_named_have_paths_below_what_they_share(tmp_path: Path) -> None:
    for grey, folder in enumerate("pq"):
        write(tmp_path / "one" / folder / "x.dcm", grey)
    files = [tmp_path / "one" / folder / "x.dcm" for folder in "pq"]
    # Two of one name need {path}: in one folder the second would keep its full name, were it another one.
    tasks = [task for task in discover(resolve([*map(str, files)], None, "jpeg")) if isinstance(task, Task)]
    assert [task.below for task in tasks] == [os.path.join(folder, "x.dcm") for folder in "pq"]


@pytest.mark.parametrize(
    ("sources", "below"),
    [
        ("x", "x"),
        ("/a/x", "x"),
        ("a/x b/x", "a/x b/x"),
        ("/ab/x /ac/y", "ab/x ac/y"),
        ("/x /a/y", "x a/y"),
        ("../a/x ../b/y", "a/x b/y"),
        ("a/x y", "a/x y"),
    ],
)
def test_below(sources: str, below: str) -> None:
    from fastdcm.batch.discovery import _common_root

    paths = sources.split()
    root = _common_root(paths)
    assert [Task(path, "", "", root=root).below for path in paths] == below.split()


def test_attributes_that_no_header_has(tmp_path: Path) -> None:
    write(
        tmp_path / "x.dcm",
        1,
        extra=(
            Element(0x00080005, "CS", "ISO_IR 192"),
            Element(PATIENT_ID, "LO", "../é".encode()),
            Element(SERIES_NUMBER, "IS", "7"),
        ),
    )
    name = "{series_number:03d}-{acquisition_number:03d}-{patient_id}"
    with pytest.raises(OptionError, match="allow-phi-names"):
        fastdcm.convert(tmp_path / "x.dcm", tmp_path / "out", name=name)
    assert not (tmp_path / "out").exists()
    fastdcm.convert(tmp_path / "x.dcm", tmp_path / "out", format="png", name=name, allow_phi_names=True)
    assert names(tmp_path / "out") == {"007-unknown-.._é.png": 1}
