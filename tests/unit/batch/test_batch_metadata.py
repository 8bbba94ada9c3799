"""Whole runs that tell of their images: JSON beside each, or one table."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.batch import Report, Watcher
from fastdcm.batch.convert import Converter, Job
from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome, Progress
from fastdcm.errors import OptionError, OutputError
from fastdcm.options import ConvertOptions, EncodeOptions, SidecarOptions
from fastdcm.sidecars.records import Sidecars
from fastdcm.sinks.directory import DirectorySink
from fastdcm.sinks.run import Run
from tests.builders import image
from tests.unit.batch.objects import object_of

MULTI = 70


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Twelve images in two folders, one of 70 frames, a broken one, a text file."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for number in range(12):
        (folder / ("sub" if number % 2 else "") / f"{number}.dcm").write_bytes(object_of(number))
    (folder / "multi.dcm").write_bytes(object_of(50, frames=MULTI))
    (folder / "broken.dcm").write_bytes(object_of(99, frames=3)[:-5])
    (folder / "README.txt").write_text("hello")
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "metadata.csv").open(newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: (row["source"], int(row["frame"])))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


EXPECTED = {
    *(f"sub/{number}.jpg" if number % 2 else f"{number}.jpg" for number in range(12)),
    *(f"multi_{frame:04d}.jpg" for frame in range(1, MULTI + 1)),
    "broken_0001.jpg",
    "broken_0002.jpg",
}


@pytest.mark.parametrize("every_file", [False, True])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_row_for_each_image(scans: Path, tmp_path: Path, jobs: int, every_file: bool) -> None:
    watcher = Watcher()
    watcher.every_file = every_file
    report = fastdcm.convert(
        scans, tmp_path / "out", jobs=jobs, metadata="csv", tags="Modality,SOPInstanceUID", watcher=watcher
    )
    assert (report.images, report.failure_count) == (84, 1)
    assert report.metadata == str(tmp_path / "out" / "metadata.csv")
    rows = table(tmp_path / "out")
    assert {row["output"] for row in rows} == EXPECTED
    assert files(tmp_path / "out") == {*EXPECTED, "metadata.csv"}
    assert len(rows) == 84
    by_output = {row["output"]: row for row in rows}
    for output, row in by_output.items():
        stem, _, frame = output.removesuffix(".jpg").partition("_")
        assert row["source"] == f"{stem}.dcm"
        assert row["frame"] == str(int(frame or 1))
    assert by_output["sub/3.jpg"] == {
        "source": "sub/3.dcm",
        "output": "sub/3.jpg",
        "frame": "1",
        "rows": "2",
        "columns": "3",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "photometric_interpretation": "MONOCHROME2",
        "voi": "RANGE",
        "window_center": "127.5",
        "window_width": "255.0",
        "voi_lut_function": "LINEAR_EXACT",
        "rendering": "identity over 8 bits: no window in the file",
        "Modality": "CT",
        "SOPInstanceUID": "1.2.3",
    }


def test_what_each_frame_was_shown_by(scans: Path, tmp_path: Path) -> None:
    fastdcm.convert(scans / "multi.dcm", tmp_path / "out", jobs=2, metadata="csv", voi="minmax")
    rows = table(tmp_path / "out")
    assert [(row["frame"], row["window_center"], row["window_width"]) for row in rows] == [
        (str(frame), "100.0", "200.0") for frame in range(1, MULTI + 1)
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_json_beside_each_image(scans: Path, tmp_path: Path, jobs: int) -> None:
    report = fastdcm.convert(scans, tmp_path / "out", jobs=jobs, metadata="json", name="{modality}/{path}")
    assert report.images == 84
    assert report.metadata is None
    written = {f"CT/{name}" for name in EXPECTED}
    assert files(tmp_path / "out") == {*written, *(f"{name}.json" for name in written)}
    record = json.loads((tmp_path / "out/CT/multi_0007.jpg.json").read_text())
    assert (record["source"], record["output"], record["frame"]) == ("multi.dcm", "multi_0007.jpg", 7)
    assert record["dataset"]["00280008"] == {"vr": "IS", "Value": [MULTI]}
    assert "7FE00010" not in record["dataset"]


def test_one_file_for_all_frames(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fastdcm.convert(scans / "multi.dcm", out, format="gif", metadata="json", voi="minmax", frames="2-4")
    assert files(out) == {"multi.gif", "multi.gif.json"}
    record = json.loads((out / "multi.gif.json").read_text())
    assert [frame["frame"] for frame in record["frames"]] == [2, 3, 4]
    assert all(frame["window_width"] == 200 for frame in record["frames"])
    assert record["dataset"]["00080060"]["Value"] == ["CT"]
    fastdcm.convert(
        scans / "multi.dcm", out, format="gif", metadata="csv", frames="2-4", existing="overwrite"
    )
    assert [(row["output"], row["frame"]) for row in table(out)] == [("multi.gif", n) for n in "234"]
    fastdcm.convert(
        scans / "multi.dcm",
        out,
        format="gif",
        metadata="json",
        tags="Rows",
        frames="1-2",
        existing="overwrite",
    )
    record = json.loads((out / "multi.gif.json").read_text())
    assert [frame["dataset"] for frame in record["frames"]] == [{"00280010": {"vr": "US", "Value": [2]}}] * 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_window_for_the_series_in_one_folder(tmp_path: Path, jobs: int) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for number, most in enumerate((100, 300)):
        (folder / str(number)).mkdir(parents=True)
        words = [0, 0, 0, 0, 0, most]
        pixels = b"".join(word.to_bytes(2, "little") for word in words)
        (folder / str(number) / "x.dcm").write_bytes(image(pixels, bits=16, series_instance="1.2.3"))
    fastdcm.convert(folder, out, jobs=jobs, metadata="csv", voi="series", flat=True)
    rows = table(out)
    assert [row["output"] for row in rows] == ["x.jpg", "1-x.jpg"]
    assert [(row["voi"], row["window_center"], row["window_width"]) for row in rows] == [
        ("RANGE", "150.0", "300.0")
    ] * 2
    assert all("minimum to maximum of the series" in row["rendering"] for row in rows)


def test_folders_of_a_template_are_no_flat_ones(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="flat leaves them out"):
        fastdcm.convert(scans, tmp_path / "out", name="{path}", flat=True)


def test_a_movie_that_fails_leaves_nothing(scans: Path, tmp_path: Path) -> None:
    for metadata in ("json", "csv"):
        report = fastdcm.convert(scans / "broken.dcm", tmp_path / "out", format="gif", metadata=metadata)
        assert report.failure_count == 1
        assert files(tmp_path / "out") == set()


def test_where_the_table_lies(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fastdcm.convert("in/multi.dcm", "x.png", metadata="csv").metadata == os.path.join(
        ".", "metadata.csv"
    )
    assert [row["output"] for row in table(tmp_path)] == ["x.png"]
    assert fastdcm.convert("in", metadata="csv").metadata == os.path.join("in-jpg", "metadata.csv")
    (tmp_path / "metadata.csv").unlink()
    shutil.copy("in/0.dcm", "y.dcm")
    fastdcm.convert("y.dcm", metadata="csv")
    assert [(row["source"], row["output"]) for row in table(tmp_path)] == [("y.dcm", "y.jpg")]
    with pytest.raises(OptionError, match="name a folder for it with -o"):
        fastdcm.convert(["in", "y.dcm"], metadata="csv")
    report = fastdcm.convert(["in/0.dcm", "in/sub/1.dcm"], "both", metadata="csv")
    assert report.images == 2
    assert [(row["source"], row["output"]) for row in table(tmp_path / "both")] == [
        ("0.dcm", "0.jpg"),
        ("sub/1.dcm", "1.jpg"),
    ]


def test_images_that_are_there_are_told_of_where_that_is_fine(scans: Path, tmp_path: Path) -> None:
    """So the table of a run that goes on is that of all."""
    out = tmp_path / "out"
    fastdcm.convert(scans, out)
    os.utime(out / "0.jpg", (1, 1))
    (out / "1.jpg").unlink(missing_ok=True)
    (out / "multi_0003.jpg").unlink()
    report = fastdcm.convert(scans, out, metadata="csv", existing="skip", jobs=2, voi="minmax")
    assert (report.images, report.existing) == (1, 83)
    assert {row["output"] for row in table(out)} == EXPECTED
    assert {row["window_width"] for row in table(out)} == {"200.0"}
    assert (out / "0.jpg").stat().st_mtime == 1
    # Of what is left alone because it must not be touched, nothing is told.
    with pytest.raises(OptionError, match="is there already"):
        fastdcm.convert(scans, out, metadata="csv")
    (out / "metadata.csv").unlink()
    report = fastdcm.convert(scans, out, metadata="csv")
    assert report.existing == 84
    assert not (out / "metadata.csv").exists()


@pytest.mark.parametrize(
    ("existing", "there", "converted", "told"),
    [
        ("keep", ["0.jpg.json"], 0, "old"),
        ("keep", ["0.jpg"], 0, None),
        ("skip", ["0.jpg.json"], 1, "new"),
        ("skip", ["0.jpg"], 0, "new"),
        ("skip", ["0.jpg", "0.jpg.json"], 0, "old"),
        ("overwrite", ["0.jpg", "0.jpg.json"], 1, "new"),
    ],
)
def test_json_that_is_there(
    scans: Path, tmp_path: Path, existing: Any, there: list[str], converted: int, told: str | None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in there:
        (out / name).write_text("old")
        os.utime(out / name, (1, 1))
    report = fastdcm.convert(scans / "0.dcm", out, metadata="json", existing=existing)
    assert (report.images, report.existing, report.failures) == (converted, 1 - converted, [])
    found = out / "0.jpg.json"
    if told is None:
        assert not found.exists()
    else:
        assert (found.read_text() == "old") == (told == "old")
        assert told == "old" or json.loads(found.read_text())["source"] == "0.dcm"


def test_json_that_is_there_and_cannot_be_replaced(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "0.jpg.json").write_text("old")
    os.utime(out / "0.jpg.json", (1, 1))

    unlink = os.unlink

    def refused(path: str) -> None:
        if path.endswith(".json"):
            raise PermissionError(13, "Permission denied", path)
        unlink(path)

    monkeypatch.setattr(os, "unlink", refused)
    report = fastdcm.convert(scans / "0.dcm", out, metadata="json", existing="skip")
    [failure] = report.failures
    assert isinstance(failure.error, OutputError)
    assert failure.error.message == f"cannot write {out / '0.jpg.json'}: Permission denied"
    assert not (out / "0.jpg").exists()


def converter(folder: Path, metadata: Any) -> Converter:
    options = ConvertOptions(encode=EncodeOptions("png"), sidecar=SidecarOptions(metadata))
    run = Run.begin()
    job = Job(Run(run.tag, run.started - 1), options, sidecars=Sidecars(metadata, (), str(folder)))
    return Converter(job)


@pytest.mark.parametrize("metadata", ["json", "csv"])
def test_an_image_that_cannot_be_written_is_not_told_of(
    scans: Path, tmp_path: Path, metadata: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    put = DirectorySink.put

    def fail(self: DirectorySink, folder: str, name: str, data: bytes, *, own: bool = False) -> bool:
        order.append(name)
        if name.endswith(".png"):
            raise OutputError("no room")
        return put(self, folder, name, data, own=own)

    monkeypatch.setattr(DirectorySink, "put", fail)
    out = tmp_path / "out"
    out.mkdir()
    task = Task(str(scans / "0.dcm"), str(out), "0", root=str(scans) + os.sep)
    outcome, _ = converter(out, metadata)(task, False, lambda *_: None)
    assert outcome is not None
    assert (len(outcome.failures), outcome.rows) == (1, [])
    assert files(out) == set()
    # Whoever sees an image finds what tells of it.
    assert order == (["0.png.json", "0.png"] if metadata == "json" else ["0.png"])


def test_a_second_try_tells_once(scans: Path, tmp_path: Path) -> None:
    task = Task(str(scans / "0.dcm"), str(tmp_path / "out"), "0", root=str(scans) + os.sep)
    convert = converter(tmp_path / "out", "json")
    for own in (False, True):
        outcome, _ = convert(task, own, lambda *_: None)
        assert outcome is not None
        assert (outcome.images, outcome.failures) == (1, [])
    assert files(tmp_path / "out") == {"0.png", "0.png.json"}


def test_inputs_of_one_name_do_not_take_each_others_json(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(6):
        (tmp_path / "in" / f"{number}.dcm").write_bytes(object_of(7))
    report = fastdcm.convert(
        tmp_path / "in", tmp_path / "out", jobs=2, metadata="json", name="{sop_instance_uid}"
    )
    assert (report.images, report.failure_count) == (1, 5)
    assert files(tmp_path / "out") == {"1.2.7.jpg", "1.2.7.jpg.json"}


def test_attributes_that_cannot_be_read_are_the_failure_of_their_file(scans: Path, tmp_path: Path) -> None:
    data = bytearray((scans / "0.dcm").read_bytes())
    at = data.index(b"\x28\x00\x00\x01US")  # Bits Allocated stays; a sequence before it has no end
    data[at:at] = b"\x28\x00\x10\x30SQ\0\0\x10\0\0\0" + b"\xff" * 16
    (scans / "0.dcm").write_bytes(bytes(data))
    report = fastdcm.convert(scans, tmp_path / "out", metadata="csv", tags="VOILUTSequence", voi="minmax")
    failed = {Path(failure.path).name for failure in report.failures}
    assert failed == {"0.dcm", "broken.dcm"}
    assert {row["source"] for row in table(tmp_path / "out")} >= {"multi.dcm", "sub/1.dcm"}
    assert "0.dcm" not in {row["source"] for row in table(tmp_path / "out")}
    assert not (tmp_path / "out" / "0.jpg").exists()


class _Interrupting(Watcher):
    def done(self, outcome: Outcome) -> None:
        raise KeyboardInterrupt


class _Listening(Watcher):
    every_file = False

    def __init__(self) -> None:
        self.told: list[Outcome] = []

    def done(self, outcome: Outcome) -> None:
        self.told.append(outcome)


def leftovers(folder: Path) -> set[str]:
    return {name for name in files(folder) if "metadata" in name or "fastdcm" in name}


def test_a_run_that_is_interrupted_has_no_table(scans: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fastdcm.convert(scans, tmp_path / "out", metadata="csv", jobs=2, watcher=_Interrupting())
    assert leftovers(tmp_path / "out") == set()


def test_a_run_that_stops_at_a_failure_says_that_there_is_no_table(scans: Path, tmp_path: Path) -> None:
    listening = _Listening()
    report = fastdcm.convert(scans, tmp_path / "out", metadata="csv", fail_fast=True, watcher=listening)
    assert report.metadata is None
    assert leftovers(tmp_path / "out") == set()
    assert report.notices_by_code == {"metadata": 1}
    assert "was not written: the run did not come to its end" in listening.told[-1].notices[0].message


def test_a_table_that_cannot_be_written_is_a_failure(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastdcm.sidecars import tables

    def fail(self: object, rows: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables.CsvTable, "_write", fail)
    report = fastdcm.convert(scans / "0.dcm", tmp_path / "out", metadata="csv")
    assert (report.images, report.failure_count, report.metadata) == (1, 1, None)
    assert "No space left" in str(report.failures[0])
    assert files(tmp_path / "out") == {"0.jpg"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_run_that_is_killed_leaves_no_half_table(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(2000):
        (scans / f"more{number}.dcm").write_bytes(object_of(5))
    command = [sys.executable, "-m", "fastdcm", "convert", str(scans), "-o", str(out), "--metadata", "csv"]
    run = subprocess.Popen([*command, "-j", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if out.is_dir() and any(name.endswith("-0-0") for name in os.listdir(out)):
                break
            assert run.poll() is None
            time.sleep(0.05)
        else:
            raise AssertionError("no table was begun")
        run.send_signal(signal.SIGKILL)
    finally:
        run.kill()
        run.wait()
    there = -1
    while there != (there := len(os.listdir(out))):
        time.sleep(0.5)  # its worker finds that it is gone
    assert not (out / "metadata.csv").exists()
    assert any(name.endswith("-0-0") for name in os.listdir(out))
    # The next run removes what the dead one left, and tells of all.
    report: Report = fastdcm.convert(scans, out, metadata="csv", existing="skip")
    assert report.images + report.existing == 2084
    assert leftovers(out) == {"metadata.csv"}
    assert len(table(out)) == 2084


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_rows_of_a_worker_that_dies_come_once(scans: Path, tmp_path: Path) -> None:
    """What it had not told of is done again."""

    class Killing(Watcher):
        killed = False

        def tick(self, progress: Progress) -> None:
            children = subprocess.run(
                ["pgrep", "-P", str(os.getpid())], capture_output=True, text=True, check=False
            ).stdout.split()
            if not self.killed and progress.images and children:
                self.killed = True
                for child in children:
                    command = Path(f"/proc/{child}/cmdline")
                    if command.exists() and b"fastdcm.batch.worker" in command.read_bytes():
                        os.kill(int(child), signal.SIGKILL)

    if shutil.which("pgrep") is None or not Path("/proc").is_dir():
        pytest.skip("no pgrep")
    for number in range(1500):
        (scans / f"more{number}.dcm").write_bytes(object_of(5))
    watcher = Killing()
    report = fastdcm.convert(scans, tmp_path / "out", metadata="csv", watcher=watcher)
    assert watcher.killed
    rows = table(tmp_path / "out")
    assert len(rows) == len({row["output"] for row in rows}) == 1584
    assert report.failure_count == 1


def test_the_command(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is told before anything is written; a table that is not there at the end, too."""
    from click.testing import CliRunner

    from fastdcm.cli import cli

    def convert(*arguments: str) -> Any:
        command = ["convert", str(scans), "-o", str(tmp_path / "out"), *arguments]
        return CliRunner().invoke(cli, command, prog_name="fastdcm")

    done = convert("--metadata", "csv", "--tags", "PatientNose")
    assert (done.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert "no attribute 'PatientNose'" in done.stderr
    done = convert("--metadata", "csv", "--fail-fast")
    assert done.exit_code == 1
    assert "metadata.csv was not written: the run did not come to its end" in done.stderr
    done = convert("--metadata", "csv", "--skip-existing", "--tags", "PatientName,(0008,0060)")
    assert done.exit_code == 1  # the broken file
    assert {row["Modality"] for row in table(tmp_path / "out")} == {"CT"}
    done = convert("--metadata", "csv")
    assert done.exit_code == 2
    assert "metadata.csv is there already: --overwrite replaces it" in done.stderr
