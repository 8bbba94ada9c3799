"""The clock of a profile, and that a measured image is the same image."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from fastdcm.batch import run
from fastdcm.batch import stages as module
from fastdcm.batch.discovery import Task
from fastdcm.batch.measured import open_measured
from fastdcm.batch.stages import DECODE, ENCODE, READ, RENDER, STAGES, Stages
from fastdcm.options import ConvertOptions, EncodeOptions, ReadOptions, RenderOptions
from fastdcm.pipeline import open_image
from fastdcm.reader import alike, source


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second each time somebody looks."""
    counter = itertools.count()
    monkeypatch.setattr(module, "perf_counter", lambda: float(next(counter)))


@pytest.mark.usefixtures("ticks")
def test_a_stage_inside_another_is_its_own() -> None:
    stages = Stages()  # 0
    stages.start()  # 1
    with stages.during(ENCODE):  # 2
        with stages.during(READ):  # 3
            pass  # 4
        with pytest.raises(ZeroDivisionError), stages.during(DECODE):  # 5
            raise ZeroDivisionError  # 6
    # 7
    assert dict(zip(STAGES, stages.stop(), strict=True)) == {  # 8
        "read": 1.0,
        "header": 0.0,
        "decode": 1.0,
        "render": 0.0,
        "encode": 3.0,
        "write": 0.0,
        "other": 2.0,
    }
    stages.start()
    assert sum(stages.stop()) == 1.0, "what passes between stop and start belongs to nobody"


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_jp2klossless.dcm", "examples_palette.dcm"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_measured_image_is_the_same(
    pydicom_files: Path, monkeypatch: pytest.MonkeyPatch, name: str, whole: bool
) -> None:
    if not whole:
        monkeypatch.setattr(source, "WHOLE_FILE_SIZE", 100)
        # Else the first one may learn for the second how long headers are.
        monkeypatch.setattr(alike._scratch, "head_bytes", alike._MOST_HEAD_BYTES)
    path = str(pydicom_files / name)
    options = RenderOptions(), EncodeOptions(format="png")
    stages = Stages()
    stages.start()
    with open_measured(Task(str(path), "", ""), ReadOptions(), stages) as measured, open_image(path) as image:
        assert measured.encode_frame(0, *options) == image.encode_frame(0, *options)
        assert (measured.path, measured.header) == (image.path, image.header)
        assert (measured.bytes_read, measured.notices) == (image.bytes_read, image.notices)
    seconds = dict(zip(STAGES, stages.stop(), strict=True))
    assert all(seconds[stage] > 0 for stage in ("read", "header", "decode", "render", "encode"))
    assert seconds["write"] == 0


def test_a_measured_image_closes_its_file_whatever_happens(
    pydicom_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "WHOLE_FILE_SIZE", 100)
    closed: list[str | None] = []
    close = source.FileSource.close

    def noted(self: source.FileSource) -> None:
        closed.append(self.name)
        close(self)

    monkeypatch.setattr(source.FileSource, "close", noted)
    path = str(pydicom_files / "reportsi.dcm")
    with pytest.raises(Exception, match="no pixel data"):
        open_measured(Task(str(path), "", ""), ReadOptions(), Stages())
    assert closed == [path]


@pytest.mark.parametrize("jobs", [1, 2])
def test_seconds_are_summed_over_files_and_workers(pydicom_files: Path, tmp_path: Path, jobs: int) -> None:
    sources = [pydicom_files / name for name in ("CT_small.dcm", "MR_small.dcm", "examples_palette.dcm")]
    report = run(sources, tmp_path / "out", jobs=jobs, profile=True)
    seconds = dict(zip(STAGES, report.stages, strict=True))
    assert all(spent > 0 for spent in seconds.values()), seconds
    assert sum(seconds.values()) <= report.seconds * jobs
    assert (report.workers, report.images) == (jobs, 3)


def test_one_file_in_this_process_is_profiled_too(pydicom_files: Path, tmp_path: Path) -> None:
    report = run([pydicom_files / "CT_small.dcm"], tmp_path / "x.png", jobs=8, profile=True)
    assert (report.workers, len(report.stages), report.images) == (1, len(STAGES), 1)
    assert report.stages[RENDER] > 0


def test_without_a_profile_nothing_is_counted(pydicom_files: Path, tmp_path: Path) -> None:
    assert run([pydicom_files / "CT_small.dcm"], tmp_path, ConvertOptions()).stages == ()
