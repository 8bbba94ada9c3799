"""Counting: everything is counted, the first of each kind is kept, parts are one file."""

from __future__ import annotations

import pytest

from fastdcm.batch import report as module
from fastdcm.batch.report import OTHER_REASONS, Failure, Outcome, Report
from fastdcm.errors import DecodeError
from fastdcm.model import Notice


def _failed(path: str, **values: int) -> Outcome:
    return Outcome(path, failures=[Failure(path, 1, DecodeError("bad", path=path, frame=1))], **values)


def test_kinds_of_files() -> None:
    report = Report()
    report.add(Outcome("a", images=3, bytes_read=10, bytes_written=5))
    report.add(Outcome("b", existing=2))
    report.add(Outcome("c", images=1, existing=2, passed_through=1))
    report.add(_failed("d", images=4, passed_through=3))
    report.add(Outcome("e", skipped="no DICOM"))
    assert (report.converted, report.unchanged, report.failed, report.skipped_count) == (2, 1, 1, 1)
    assert (report.images, report.existing, report.files) == (8, 4, 5)
    assert report.passed_through == 4
    assert (report.bytes_read, report.bytes_written) == (10, 5)
    assert report.skipped_by_reason == {"no DICOM": 1}
    assert str(report.failures[0]) == "d: frame 1: bad"


def test_parts_are_one_file_that_fails_where_one_of_them_does() -> None:
    report = Report()
    for part in range(3):
        report.add(Outcome("good", part, 3, images=5))
        report.add(_failed("bad", part=part, parts=3) if part == 1 else Outcome("bad", part, 3, images=5))
        if part < 2:
            assert report.files == 0
    assert (report.converted, report.failed, report.images) == (1, 1, 25)


def test_memory_does_not_grow_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 10)
    monkeypatch.setattr(module, "KEPT_REASONS", 3)
    report = Report()
    for number in range(100):
        report.add(_failed(f"f{number}"))
        report.add(Outcome(f"s{number}", skipped=f"reason {number}"))
        report.add(Outcome(f"n{number}", images=1, notices=(Notice("odd", "odd"),) * 2))
    assert (len(report.failures), report.failure_count, report.failed) == (10, 100, 100)
    assert (len(report.skipped), report.skipped_count) == (10, 100)
    assert report.skipped_by_reason == {"reason 0": 1, "reason 1": 1, "reason 2": 1, OTHER_REASONS: 97}
    assert (len(report.notices), report.notices_by_code) == (10, {"odd": 200})
    assert not report._open
