"""Shares of a run: all parts together are the whole, whatever is added in between."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome
from fastdcm.batch.sharing import part_of, shared
from fastdcm.errors import OptionError
from fastdcm.options import ConvertOptions, SidecarOptions
from fastdcm.options.part import Part, parse_part
from tests.builders import image


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1", "a/b", "-1/4", "1/2/3", ""])
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(OptionError, match="part"):
        parse_part(text)


def test_parts_are_written_from_one() -> None:
    assert parse_part("1/4") == Part(1, 4)
    assert parse_part(" 4 / 4 ") == Part(4, 4)
    assert parse_part("1/1") == Part(1, 1)


def test_shares_do_not_depend_on_place_order_or_other_files() -> None:
    """Those of other versions neither: a run of many days may outlive one."""
    assert [part_of(f"a/{number}.dcm", 7) for number in range(10)] == [2, 4, 4, 2, 7, 6, 4, 2, 4, 2]
    one = Task(os.path.join("x", "a", "1.dcm"), "out", "1", root=os.path.join("x", ""))
    root = os.path.join("elsewhere", "y", "")
    other = Task(os.path.join(root, "a", "1.dcm"), "out", "1", root=root)
    shares = [list(shared([one, other], Part(number, 7), None)) for number in range(1, 8)]
    assert sorted(map(len, shares)) == [0] * 6 + [2]


def test_shares_are_of_about_the_same_size_and_all_together_the_whole() -> None:
    items: list[Task | Outcome] = [Task(f"{number}.dcm", "out", str(number)) for number in range(8000)]
    items.append(Outcome("failed"))
    released: list[str] = []
    parts = [list(shared(items, Part(n, 8), lambda name, parts: released.append(name))) for n in range(1, 9)]
    assert all(900 < len(part) < 1100 for part in parts)
    assert sorted(map(repr, (item for part in parts for item in part))) == sorted(map(repr, items))
    assert len(released) == 7 * 8000  # each is passed over by all parts but one


def test_runs_of_all_parts_do_all(tmp_path: Path) -> None:
    for number in range(40):
        path = tmp_path / "in" / str(number % 3) / f"{number}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image(bytes([number] * 6)))
    whole = fastdcm.convert(tmp_path / "in", tmp_path / "whole", jobs=2, format="png")
    images = 0
    for number in range(1, 5):
        how: dict[str, Any] = {"jobs": 2, "format": "png", "part": f"{number}/4"}
        how["manifest"] = tmp_path / f"run-{number}.jsonl"
        report = fastdcm.convert(tmp_path / "in", tmp_path / "out", **how)
        assert 0 < report.found < 40
        images += report.images
        again = fastdcm.convert(tmp_path / "in", tmp_path / "out", **how, resume=True)
        assert (again.images, again.kept) == (0, report.images)
    assert images == whole.images == 40
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_table_of_metadata_is_of_a_whole_run() -> None:
    with pytest.raises(OptionError, match="whole run"):
        ConvertOptions(part=Part(1, 2), sidecar=SidecarOptions("csv"))
    assert ConvertOptions(part=Part(1, 2), sidecar=SidecarOptions("json")).part == Part(1, 2)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
