"""Whole runs over real files: same names at any number of workers, one bad file among many."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import imagecodecs
import pytest

import fastdcm
from fastdcm.batch import Report, Watcher, run, serving
from fastdcm.batch.report import Outcome, Progress
from fastdcm.errors import OptionError
from fastdcm.options import ConvertOptions, ReadOptions


@pytest.fixture
def many(tmp_path: Path, pydicom_files: Path) -> Path:
    """``in/`` with 40 small images in two folders, a text file, and a structured report."""
    for number in range(40):
        folder = tmp_path / "in" / ("odd" if number % 2 else "")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(
            pydicom_files / ("CT_small.dcm" if number % 3 else "MR_small.dcm"), folder / f"{number}.dcm"
        )
    (tmp_path / "in" / "README.txt").write_text("hello")
    shutil.copy(pydicom_files / "reportsi.dcm", tmp_path / "in" / "report.dcm")
    return tmp_path / "in"


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _check(report: Report) -> None:
    assert (report.converted, report.images, report.failed, report.skipped_count) == (40, 40, 0, 2)
    assert report.found == report.files == 42
    assert report.seconds > 0
    assert report.bytes_read > 40 * 8000


def test_names_and_bytes_are_the_same_at_any_number_of_workers(many: Path, tmp_path: Path) -> None:
    for jobs in (1, 3):
        _check(run([many], tmp_path / f"out{jobs}", jobs=jobs))
    assert _tree(tmp_path / "out1") == _tree(tmp_path / "out3")
    assert os.path.join("odd", "1.jpg") in _tree(tmp_path / "out1")


def test_numbers_are_the_same_where_nobody_wants_to_see_every_file(many: Path, tmp_path: Path) -> None:
    """They come summed from the workers then; what there is to tell comes by name."""
    (many / "bad.dcm").write_bytes((many / "0.dcm").read_bytes()[:3000])
    quiet, every = _Seen(every_file=False), _Seen(every_file=True)
    reports = [
        run([many], tmp_path / f"out{n}", jobs=2, watcher=seen) for n, seen in enumerate((quiet, every))
    ]
    numbers = [
        (report.found, report.files, report.converted, report.failed, report.images, report.skipped_count)
        for report in reports
    ]
    assert numbers == [(43, 43, 40, 1, 40, 2)] * 2
    assert reports[0].bytes_read == reports[1].bytes_read
    assert reports[0].bytes_written == reports[1].bytes_written
    assert len(every.paths) == len(set(every.paths)) == 43
    assert {os.path.basename(path) for path in quiet.paths} == {"README.txt", "bad.dcm", "report.dcm"}


class _Seen(Watcher):
    def __init__(self, *, every_file: bool) -> None:
        self.every_file = every_file
        self.paths: list[str] = []

    def done(self, outcome: Outcome) -> None:
        self.paths.append(outcome.path)


def test_a_second_run_leaves_everything_alone(many: Path, tmp_path: Path) -> None:
    run([many], tmp_path / "out", jobs=2)
    before = _tree(tmp_path / "out")
    report = run([many], tmp_path / "out", jobs=2)
    assert (report.images, report.existing, report.unchanged, report.converted) == (0, 40, 40, 0)
    report = run([many], tmp_path / "out", ConvertOptions(existing="overwrite"), jobs=2)
    assert (report.images, report.existing, report.failure_count) == (40, 0, 0)
    assert _tree(tmp_path / "out") == before


def test_copies_of_one_image_under_its_own_uid_are_written_once(many: Path, tmp_path: Path) -> None:
    report = run([many / "odd"], tmp_path / "out", ConvertOptions(name="{sop_instance_uid}"), jobs=2)
    assert (report.images, report.failed) == (2, 18)
    assert "another input of this run" in str(report.failures[0])
    assert len(_tree(tmp_path / "out")) == 2


def test_one_file_starts_no_worker(
    pydicom_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_process(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    report = run([pydicom_files / "CT_small.dcm"], tmp_path / "x.jpg", jobs=8)
    assert (report.images, report.outputs) == (1, (str(tmp_path / "x.jpg"),))
    assert (tmp_path / "x.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_frames_of_one_large_object_are_spread(
    pydicom_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = pydicom_files / "rtdose.dcm"
    run([source], tmp_path / "alone", jobs=1)
    monkeypatch.setattr(serving, "SPREAD_FRAMES", 4)
    monkeypatch.setattr(serving, "_PART_FRAMES", 2)
    outcomes: list[Outcome] = []

    class Log(Watcher):
        def done(self, outcome: Outcome) -> None:
            outcomes.append(outcome)

    report = run([source], tmp_path / "spread", jobs=2, watcher=Log())
    assert len(outcomes) == 7
    assert (report.converted, report.images, report.found) == (1, 15, 1)
    assert _tree(tmp_path / "spread") == _tree(tmp_path / "alone")


def test_a_file_that_is_missing_is_a_failure(tmp_path: Path) -> None:
    report = run([tmp_path / "nowhere.dcm"], tmp_path)
    assert str(report.failures[0]) == f"{tmp_path / 'nowhere.dcm'}: no such file or folder"
    assert (report.failed, report.found) == (1, 1)


def test_fail_fast_ends_the_run(many: Path, tmp_path: Path) -> None:
    (many / "0.dcm").write_bytes((many / "0.dcm").read_bytes()[:3000])
    report = run([many], tmp_path / "out", ConvertOptions(fail_fast=True), jobs=1)
    assert report.failed == 1
    assert report.files < 42


@pytest.mark.parametrize("jobs", [0, -1])
def test_a_run_without_workers_makes_no_sense(jobs: int, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="jobs"):
        run([tmp_path], jobs=jobs)


def test_a_wrong_template_is_found_before_anything_happens(many: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no field"):
        run([many], tmp_path / "out", ConvertOptions(name="{nothing}"))
    assert not (tmp_path / "out").exists()


def test_watchers_see_every_outcome_and_how_far_it_is(many: Path, tmp_path: Path) -> None:
    class Log(Watcher):
        def __init__(self) -> None:
            self.paths: list[str] = []
            self.progress: list[Progress] = []

        def done(self, outcome: Outcome) -> None:
            self.paths.append(outcome.path)

        def tick(self, progress: Progress) -> None:
            self.progress.append(progress)

    log = Log()
    run([many], tmp_path / "out", jobs=2, watcher=log)
    assert len(set(log.paths)) == len(log.paths) == 42
    assert log.progress
    assert all(seen.files <= seen.found <= 42 for seen in log.progress)


class _Interrupting(Watcher):
    def __init__(self) -> None:
        self.done_files = 0

    def done(self, outcome: Outcome) -> None:
        self.done_files += 1
        if self.done_files == 5:
            raise KeyboardInterrupt


def test_ctrl_c_leaves_whole_files_and_says_how_far_it_came(many: Path, tmp_path: Path) -> None:
    report = run([many], tmp_path / "out", jobs=2, watcher=_Interrupting())
    assert report.interrupted
    assert 0 < report.images <= 40
    written = _tree(tmp_path / "out")
    assert all(data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9" for data in written.values())
    assert not [name for name in written if ".fastdcm" in name]


@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
@pytest.mark.parametrize("every_file", [True, False])
def test_killing_a_worker_costs_nothing(many: Path, tmp_path: Path, every_file: bool) -> None:
    for number in range(1000):
        os.link(many / "0.dcm", many / f"more{number:04d}.dcm")

    class Killer(Watcher):
        killed = 0

        def tick(self, progress: Progress) -> None:
            if self.killed == 0 and (tmp_path / "out" / "more0000.jpg").exists():
                for pid in _children(os.getpid()):
                    os.kill(pid, signal.SIGKILL)
                    self.killed += 1

    killer = Killer()
    killer.every_file = every_file
    report = run([many], tmp_path / "out", jobs=2, watcher=killer)
    assert killer.killed
    assert (report.converted, report.images, report.failed, report.skipped_count) == (1040, 1040, 0, 2)
    assert report.found == report.files == 1042
    assert len(_tree(tmp_path / "out")) == 1040


def _children(parent: int) -> list[int]:
    children = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent and fields[0] != "Z":
                children.append(int(name))
    return children


def test_an_unguarded_script_may_call_it(many: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from fastdcm.batch import run\n"
        f"print(run([{str(many)!r}], {str(tmp_path / 'out')!r}, jobs=2).images)\n"
    )
    (many / "numpy.py").write_text("raise ImportError('a file of the user, not numpy')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, cwd=many, check=False
    )
    assert (done.stdout, done.stderr) == ("40\n", "")


def test_threads_work_at_a_frame_where_it_is_the_only_one(
    pydicom_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several files keep all cores busy anyhow, with a process each."""
    threads = []
    whole = imagecodecs.jpeg2k_decode

    def noted(data: bytes, *, numthreads: int) -> object:
        threads.append(numthreads)
        return whole(data, numthreads=numthreads)

    monkeypatch.setattr(imagecodecs, "jpeg2k_decode", noted)
    source = pydicom_files / "MR_small_jp2klossless.dcm"
    options = ConvertOptions(read=ReadOptions(decoder="library"))
    run([source], tmp_path / "one.jpg", options, jobs=3)
    assert threads == [3]
    shutil.copy(source, tmp_path / "a.dcm")
    shutil.copy(source, tmp_path / "b.dcm")
    run([tmp_path / "a.dcm", tmp_path / "b.dcm"], tmp_path / "out", options, jobs=3)
    assert (tmp_path / "one.jpg").read_bytes() == fastdcm.open(source, decoder="library").encode()
    assert threads == [3, 1], "of the two files workers saw to, which do not count here"


@pytest.mark.parametrize("threads", [0, -1, 1.5])
def test_threads_are_a_number(pydicom_files: Path, threads: int) -> None:
    with pytest.raises(OptionError, match="threads must be a whole number above 0"):
        fastdcm.open(pydicom_files / "CT_small.dcm", threads=threads)
