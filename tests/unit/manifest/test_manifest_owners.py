"""What a run that goes on from another may replace: what that one has left, and nobody else's."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import CollisionError
from fastdcm.manifest import owners
from fastdcm.manifest.owners import owners_of
from tests.conftest import PYDICOM_FILES

CT, MR = PYDICOM_FILES / "CT_small.dcm", PYDICOM_FILES / "MR_small.dcm"


def convert(place: Path, **options: Any) -> fastdcm.Report:
    return fastdcm.convert(place / "in", place / "out", manifest=place / "run.jsonl", **options)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    shutil.copy(CT, tmp_path / "in" / "a.dcm")
    return tmp_path


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_that_comes_later_does_not_take_the_name_of_another(place: Path, jobs: int) -> None:
    convert(place, format="bmp", jobs=jobs)
    before = (place / "out" / "a.bmp").read_bytes()
    shutil.copy(MR, place / "in" / "a")

    report = convert(place, format="bmp", jobs=jobs, resume=True)

    assert [type(failure.error) for failure in report.failures] == [CollisionError]
    assert report.kept == 1
    assert (place / "out" / "a.bmp").read_bytes() == before


def test_nothing_is_replaced_where_there_was_no_run(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "a.jpg").write_text("precious")

    report = convert(place, resume=True)

    assert (report.images, report.existing) == (0, 1)
    assert (place / "out" / "a.jpg").read_text() == "precious"


def test_what_was_there_before_the_run_is_left(place: Path) -> None:
    shutil.copy(MR, place / "in" / "b.dcm")
    convert(place)
    shutil.copy(MR, place / "in" / "c.dcm")
    foreign = place / "out" / "c.jpg"
    foreign.write_text("precious")
    os.utime(foreign, (1e9, 1e9))

    report = convert(place, resume=True)

    assert (report.images, report.existing, report.kept) == (0, 1, 2)
    assert foreign.read_text() == "precious"


def test_a_changed_source_replaces_its_own_image(place: Path) -> None:
    convert(place)
    before = (place / "out" / "a.jpg").read_bytes()
    os.utime(place / "out" / "a.jpg", (1e9, 1e9))
    shutil.copy(MR, place / "in" / "a.dcm")

    assert convert(place, resume=True).images == 1
    assert (place / "out" / "a.jpg").read_bytes() != before


def test_many_rows_are_in_a_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(MR, place / "in" / "b.dcm")
    convert(place)
    few = owners_of(str(place / "run.jsonl"), str(place))
    monkeypatch.setattr(owners, "_MANY", 1)
    many = owners_of(str(place / "run.jsonl"), str(place))
    assert isinstance(many.told, str)
    for each in (few, many, many.elsewhere()):
        output, other = str(place / "out" / "a.jpg"), str(place / "out" / "new.jpg")
        assert each.may_replace(str(place / "in" / "a.dcm"), output, 0.0)
        with pytest.raises(CollisionError, match="another input has"):
            each.may_replace(str(place / "in" / "b.dcm"), output, 0.0)
        assert each.may_replace("x", other, each.since)
        assert not each.may_replace("x", other, each.since - 1)
    assert np.array_equal(many.elsewhere().told, few.told)


def test_a_run_that_began_at_no_time(place: Path) -> None:
    convert(place)
    manifest = place / "run.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(b'{"run":"x"' + whole[whole.index(b",") :])
    for _ in range(2):  # and the manifest is not held
        with pytest.raises(fastdcm.OptionError, match="no line of a run"):
            convert(place, resume=True)
    manifest.write_bytes(whole)
    assert convert(place, resume=True).kept == 1
