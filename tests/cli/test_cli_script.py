"""The installed script, end to end: files, words, exit status, Ctrl-C and killed workers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


def _script() -> list[str]:
    found = shutil.which("fastdcm", path=sysconfig.get_path("scripts"))
    return [found] if found else [sys.executable, "-m", "fastdcm"]


def fastdcm(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [*_script(), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture
def work(tmp_path: Path, pydicom_files: Path) -> Path:
    """``ct.dcm``, ``dose.dcm`` of 15 frames, ``report.dcm`` without pixels, and ``in/`` with copies."""
    for name, source in (("ct", "CT_small"), ("dose", "rtdose"), ("report", "reportsi")):
        shutil.copy(pydicom_files / f"{source}.dcm", tmp_path / f"{name}.dcm")
        (tmp_path / "in" / name).mkdir(parents=True)
        shutil.copy(pydicom_files / f"{source}.dcm", tmp_path / "in" / name / "x.dcm")
    return tmp_path


def _many(work: Path, number: int) -> Path:
    folder = work / "many"
    folder.mkdir()
    for name in range(number):
        shutil.copy(work / "ct.dcm", folder / f"{name:04d}.dcm")
    return folder


def _images(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _kind(path: Path) -> str:
    head = path.read_bytes()[:4]
    return {b"\xff\xd8\xff": "jpeg", b"\x89PN": "png"}[head[:3]]


def test_one_file_beside_itself(work: Path) -> None:
    done = fastdcm("convert", "ct.dcm", cwd=work)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 image from 1 file" in done.stdout
    assert _kind(work / "ct.jpg") == "jpeg"


@pytest.mark.parametrize(
    ("arguments", "kind", "stderr"),
    [
        (["ct.dcm", "out.jpg"], "jpeg", ""),
        (["ct.dcm", "out.png"], "png", ""),
        (["ct.dcm", "-o", "out.png"], "png", ""),
        (["-F", "PNG", "ct.dcm", "out.jpg"], "png", "notice: out.jpg will hold PNG, because -F says so\n"),
        (["dose.dcm", "out.jpg"], "jpeg", "notice: dose.dcm: 1 of 15 frames; --frames all for the rest\n"),
        (["dose.dcm", "out.jpg", "--frames", "3"], "jpeg", ""),
    ],
)
def test_one_named_output(work: Path, arguments: list[str], kind: str, stderr: str) -> None:
    done = fastdcm("convert", *arguments, cwd=work)
    assert (done.returncode, done.stderr) == (0, stderr)
    named = next(argument for argument in arguments if argument.startswith("out"))
    assert _kind(work / named) == kind


def test_frames_of_a_named_output(work: Path) -> None:
    assert fastdcm("convert", "dose.dcm", "out.jpg", "--frames", "2,15", cwd=work).returncode == 0
    assert [name for name in _images(work) if name.startswith("out")] == ["out_0002.jpg", "out_0015.jpg"]


def test_a_folder_is_mirrored(work: Path) -> None:
    done = fastdcm("convert", "in", "-o", "out", "-j", "2", cwd=work)
    assert done.returncode == 0
    assert _images(work / "out") == ["ct/x.jpg", *(f"dose/x_{number:04d}.jpg" for number in range(1, 16))]
    assert "16 images from 2 files" in done.stdout
    assert "1 file skipped: 1 no pixel data" in done.stdout


def test_a_folders_sibling(work: Path) -> None:
    assert fastdcm("convert", "in/", "-F", "png", "--frames", "1", "-j", "1", cwd=work).returncode == 0
    assert _images(work / "in-png") == ["ct/x.png", "dose/x_0001.png"]


def test_existing_outputs(work: Path) -> None:
    (work / "ct.jpg").write_text("precious")
    done = fastdcm("convert", "ct.dcm", cwd=work)
    assert done.returncode == 1
    assert "--overwrite" in done.stdout
    assert "--skip-existing" in done.stdout
    assert fastdcm("convert", "ct.dcm", "--skip-existing", cwd=work).returncode == 0
    assert (work / "ct.jpg").read_text() == "precious"
    assert fastdcm("convert", "ct.dcm", "--overwrite", cwd=work).returncode == 0
    assert _kind(work / "ct.jpg") == "jpeg"


def test_what_was_named_and_holds_no_image_is_a_failure(work: Path) -> None:
    (work / "text.dcm").write_text("no image at all, but long enough for a header " * 10)
    done = fastdcm("convert", "report.dcm", "text.dcm", "nowhere.dcm", "ct.dcm", cwd=work)
    assert done.returncode == 1
    lines = sorted(done.stderr.splitlines())
    assert [line.split(": ")[:2] for line in lines] == [
        ["failed", "nowhere.dcm"],
        ["failed", "report.dcm"],
        ["failed", "text.dcm"],
    ]
    assert (work / "ct.jpg").exists()


def test_nothing_to_convert(work: Path) -> None:
    done = fastdcm("convert", "in/report", cwd=work)
    assert done.returncode == 1
    assert "nothing to convert" in done.stdout
    assert not (work / "in" / "report-jpg").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["in", "out"], "fastdcm convert in -o out"),
        (["in/ct", "in/../in/ct", "-o", "out"], "one by one"),
        (["ct.dcm", "--name", "{patient}"], "{sop_instance_uid}"),
        (["in", "-o", "in"], "output folder"),
    ],
)
def test_wrong_usage_writes_nothing(work: Path, arguments: list[str], says: str) -> None:
    before = _images(work)
    done = fastdcm("convert", *arguments, cwd=work)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert _images(work) == before
    assert not (work / "out").exists()


def test_windows_with_a_minus(work: Path) -> None:
    assert fastdcm("convert", "ct.dcm", "-w", "-600,1500", cwd=work).returncode == 0


def test_a_template(work: Path) -> None:
    assert (
        fastdcm("convert", "in", "-o", "out", "--name", "{modality}/{stem}-{frame:04d}", cwd=work).returncode
        == 0
    )
    assert _images(work / "out")[:2] == ["ct/CT/x-0001.jpg", "dose/RTDOSE/x-0001.jpg"]


def test_a_reader_of_the_summary_that_has_gone(work: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*_script(), "convert", "ct.dcm"], cwd=work, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (work / "ct.jpg").exists()


@POSIX
def test_killed_workers_cost_nothing(work: Path) -> None:
    many = _many(work, 600)
    command = [*_script(), "convert", str(many), "-o", "out", "-j", "2"]
    running = subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, text=True)
    _wait_for_images(work / "out", 20)
    workers = _workers(running.pid)
    if workers:
        os.kill(workers[0], signal.SIGKILL)
    stdout, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "600 images from 600 files" in stdout
    assert _images(work / "out") == [f"{name:04d}.jpg" for name in range(600)]
    assert all((work / "out" / name).read_bytes()[-2:] == b"\xff\xd9" for name in _images(work / "out"))


@POSIX
@pytest.mark.parametrize("whole_group", [True, False])
def test_ctrl_c(work: Path, whole_group: bool) -> None:
    many = _many(work, 6000)
    command = [*_script(), "convert", str(many), "-o", "out", "-j", "2"]
    running = subprocess.Popen(
        command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    _wait_for_images(work / "out", 5)
    start = time.monotonic()
    (os.killpg if whole_group else os.kill)(running.pid, signal.SIGINT)
    stdout, stderr = running.communicate(timeout=60)
    assert time.monotonic() - start < 10
    assert (running.returncode, stderr) == (130, "")
    assert "interrupted after" in stdout
    images = _images(work / "out")
    assert 0 < len(images) < 6000
    assert all((work / "out" / name).read_bytes()[-2:] == b"\xff\xd9" for name in images)
    assert all(name.endswith(".jpg") for name in images)


def _wait_for_images(folder: Path, number: int) -> None:
    deadline = time.monotonic() + 60
    while not folder.is_dir() or len(os.listdir(folder)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _workers(parent: int) -> list[int]:
    done = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (line.split() for line in done.stdout.splitlines())
    return [int(pid) for pid, of in pairs if int(of) == parent]
