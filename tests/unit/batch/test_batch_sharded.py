"""Runs into shards: the same bytes however many work at them, and whenever a run was cut off."""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.batch import Report, Watcher
from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome, Progress
from fastdcm.batch.sharded import Sharded
from fastdcm.errors import OptionError
from fastdcm.options import ConvertOptions
from fastdcm.options.shards import ShardOptions
from fastdcm.sinks import shards
from fastdcm.sinks.run import Run
from fastdcm.sinks.spool import write_all
from tests.builders import Element, image
from tests.unit.batch.objects import object_of

PATTERN = "out-%06d.tar"
FRAMES = 70


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Twelve images in two folders, one of 70 frames, a broken one, a text file."""
    folder = tmp_path / "in"
    (folder / "sub.1").mkdir(parents=True)
    for number in range(12):
        (folder / ("sub.1" if number % 2 else "") / f"1.{number}.dcm").write_bytes(object_of(number))
    (folder / "multi.dcm").write_bytes(object_of(50, frames=FRAMES))
    (folder / "broken.dcm").write_bytes(object_of(99, frames=3)[:-5])
    (folder / "README.txt").write_text("hello")
    return folder


def convert(scans: Path | list[Path], out: Path, **options: Any) -> Report:
    options = {"shards": PATTERN, "shard_size": "64K", "jobs": 2} | options
    return fastdcm.convert(scans, out, **options)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Everything there is, so that nothing is left over unseen."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")}


def members(folder: Path) -> list[tuple[str, bytes]]:
    found = []
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                found.append((member.name, file.read()))
    return found


EXPECTED_KEYS = [
    *("1-0", "1-10", "1-2", "1-4", "1-6", "1-8", "broken_0001", "broken_0002"),
    *(f"multi_{frame:04d}" for frame in range(1, FRAMES + 1)),
    *("sub.1/1-1", "sub.1/1-11", "sub.1/1-3", "sub.1/1-5", "sub.1/1-7", "sub.1/1-9"),
]


def test_members_are_the_images_with_json_in_the_order_of_names(scans: Path, tmp_path: Path) -> None:
    report = convert(scans, tmp_path / "out")
    assert (report.images, report.converted, report.failed, report.skipped_count) == (84, 13, 1, 1)
    assert report.outputs == (str(tmp_path / "out" / PATTERN),)
    fastdcm.convert(scans, tmp_path / "files")
    found = members(tmp_path / "out")
    assert [name for name, _ in found] == [
        f"{key}.{kind}" for key in EXPECTED_KEYS for kind in ("jpg", "json")
    ]
    for (name, data), (_, told) in zip(found[::2], found[1::2], strict=True):
        folder, _, base = name.rpartition("/")
        path = tmp_path / "files" / folder / re.sub(r"^1-", "1.", base)
        assert path.read_bytes() == data
        record = json.loads(told)
        source = re.sub(r"_\d{4}$", "", path.relative_to(tmp_path / "files").with_suffix("").as_posix())
        assert record["source"] == f"{source}.dcm"
        assert record["output"] == base
        assert "dataset" not in record


@pytest.mark.parametrize("size", ["20K", "64K", "1G"])
def test_bytes_are_the_same_with_any_number_of_workers(scans: Path, tmp_path: Path, size: str) -> None:
    for number in range(300):
        (scans / f"more{number}.dcm").write_bytes(object_of(number % 180))
    for jobs in (1, 2, 4):
        convert(scans, tmp_path / f"out{jobs}", jobs=jobs, shard_size=size)
        assert len(members(tmp_path / f"out{jobs}")) == 2 * 384
    first = bytes_of(tmp_path / "out1")
    assert first == bytes_of(tmp_path / "out2") == bytes_of(tmp_path / "out4")
    assert (len(first) > 2) == (size != "1G")


def test_members_tell_nothing_of_who_when_and_where(scans: Path, tmp_path: Path) -> None:
    convert(scans, tmp_path / "out")
    for path in (tmp_path / "out").glob("*.tar"):
        assert path.stat().st_size <= 64 << 10
        assert path.stat().st_size % tarfile.RECORDSIZE == 0
        with tarfile.open(path) as tar:
            assert not tar.pax_headers
            for member in tar:
                assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
                assert (member.mode, member.pax_headers, member.isreg()) == (0o644, {}, True)


def test_an_image_larger_than_a_shard_has_one_of_its_own(scans: Path, tmp_path: Path) -> None:
    large = image(bytes(range(256)) * 256, rows=256, columns=256)
    (scans / "a.dcm").write_bytes(large)
    (scans / "multi.dcm").unlink()
    convert(scans, tmp_path / "out", format="bmp", shard_size="20K")
    sizes = [path.stat().st_size for path in sorted((tmp_path / "out").glob("*.tar"))]
    assert [size for size in sizes if size > 20 << 10] == [71_680]


def test_keys_have_no_dot_and_stay_apart(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.b.dcm", "a-b.dcm", "a-b", "a-b~2.dcm", "1.2.840", "ü.ö.dcm", "x" * 140 + ".y"):
        (folder / name).write_bytes(object_of(1))
    report = convert(folder, tmp_path / "out")
    keys = [name.removesuffix(".jpg") for name, _ in members(tmp_path / "out")[::2]]
    assert report.images == len(keys) == len(set(keys)) == 7
    assert not any("." in key for key in keys)
    assert {"1-2-840", "ü-ö", "x" * 140 + "-y"} < set(keys)


def test_what_is_told_is_what_sidecars_tell(scans: Path, tmp_path: Path) -> None:
    """Whole data sets, and named attributes, by the same rules: nothing that tells who a patient is."""
    (scans / "named.dcm").write_bytes(object_of(3, patient=Element(0x00100010, "PN", "Doe^Jane")))
    for out, options in (("whole", {"metadata": "json"}), ("tags", {"tags": "Modality"})):
        convert(scans, tmp_path / out, **options)
        found = dict(members(tmp_path / out))
        fastdcm.convert(
            scans / "named.dcm", tmp_path / f"{out}-files", metadata="json", tags=options.get("tags", ())
        )
        beside = json.loads((tmp_path / f"{out}-files" / "named.jpg.json").read_bytes())
        assert json.loads(found["named.json"]) == beside
        assert beside["dataset"]["00080060"]["Value"] == ["CT"]
        assert not any(b"Doe" in data for data in found.values())


def test_movies_are_members_too(scans: Path, tmp_path: Path) -> None:
    for jobs in (1, 2):
        convert(scans, tmp_path / f"out{jobs}", format="gif", jobs=jobs)
    assert bytes_of(tmp_path / "out1") == bytes_of(tmp_path / "out2")
    found = dict(members(tmp_path / "out1"))
    assert found["multi.gif"].startswith(b"GIF8")
    assert len(json.loads(found["multi.json"])["frames"]) == FRAMES
    assert "broken.gif" not in found
    assert "broken.json" not in found


def test_a_single_file_is_the_same_in_this_process(scans: Path, tmp_path: Path) -> None:
    for name in ("1.0.dcm", "multi.dcm"):
        report = convert(scans / name, tmp_path / name)
        again = convert([scans / name, scans / "nothing.dcm"], tmp_path / f"{name}-two")
        assert again.failure_count == 1
        assert members(tmp_path / name) == members(tmp_path / f"{name}-two")
        assert len(members(tmp_path / name)) == 2 * report.images > 0
        assert (convert(scans / name, tmp_path / name).kept) == report.images


def cut(folder: Path, whole: int, *, torn: bytes = b"", orphan: bool = False) -> None:
    """Leave what a run leaves that is killed after so many shards."""
    journal = folder / "out.shards.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: 1 + whole]) + torn)
    for number, path in enumerate(sorted(folder.glob("*.tar"))):
        if number > whole or (number == whole and not orphan):
            path.unlink()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("torn", "orphan"), [(b"", False), (b'{"shard": "ou', True)])
def test_goes_on_after_each_whole_shard(
    scans: Path, tmp_path: Path, jobs: int, torn: bytes, orphan: bool
) -> None:
    convert(scans, tmp_path / "whole", shard_size="20K")
    expected = bytes_of(tmp_path / "whole")
    assert len(expected) > 8
    for number in range(len(expected) - 1):
        out = tmp_path / f"out{number}"
        shutil.copytree(tmp_path / "whole", out)
        cut(out, number, torn=torn, orphan=orphan)
        (out / ".fastdcm-00000000-1-1-0-0").write_bytes(b"half")
        os.utime(out / ".fastdcm-00000000-1-1-0-0", (0, 0))
        (out / ".fastdcm-00000000-1-1-spool").mkdir()
        os.utime(out / ".fastdcm-00000000-1-1-spool", (0, 0))
        before = {path.name: path.stat().st_mtime_ns for path in sorted(out.glob("*.tar"))[:number]}
        report = convert(scans, out, shard_size="20K", jobs=jobs)
        assert bytes_of(out) == expected
        assert {name: (out / name).stat().st_mtime_ns for name in before} == before
        assert report.kept + report.images == 84
        assert (report.kept > 0) == (number > 0)
        assert report.failed + report.failed_before == 1
        assert report.files == report.found


def test_what_is_in_whole_shards_is_not_done_again(scans: Path, tmp_path: Path) -> None:
    class Seeing(Watcher):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def done(self, outcome: Outcome) -> None:
            self.seen.append(outcome.path)

    convert(scans, tmp_path / "out")
    cut(tmp_path / "out", 2)
    watcher = Seeing()
    convert(scans, tmp_path / "out", watcher=watcher)
    done = {os.path.relpath(path, scans) for path in watcher.seen if path.endswith(".dcm")}
    assert done == {"multi.dcm", *(f"sub.1/1.{number}.dcm" for number in (1, 3, 5, 7, 9, 11))}


def test_a_whole_run_is_not_done_again(scans: Path, tmp_path: Path) -> None:
    convert(scans, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    report = convert(scans, tmp_path / "out")
    assert (report.images, report.kept, report.failed_before) == (0, 84, 1)
    assert [notice.code for notice in report.notices] == ["shards"]
    assert bytes_of(tmp_path / "out") == before


def test_nothing_is_mixed(scans: Path, tmp_path: Path) -> None:
    convert(scans, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    for options in ({"quality": 50}, {"size": 2}, {"shard_size": "1M"}, {"tags": "Modality"}, {"flat": True}):
        with pytest.raises(OptionError, match="--overwrite"):
            convert(scans, tmp_path / "out", **options)
    for name in ("0.dcm", "z.dcm"):
        (scans / name).write_bytes(object_of(1))
        with pytest.raises(OptionError, match="other inputs"):
            convert(scans, tmp_path / "out")
        (scans / name).unlink()
    (scans / "multi.dcm").rename(tmp_path / "multi.dcm")
    with pytest.raises(OptionError, match="other inputs"):
        convert(scans, tmp_path / "out")
    (tmp_path / "multi.dcm").rename(scans / "multi.dcm")
    assert bytes_of(tmp_path / "out") == before
    (tmp_path / "out" / "out.shards.jsonl").unlink()
    with pytest.raises(OptionError, match="is there already"):
        convert(scans, tmp_path / "out")


def test_overwrite_leaves_no_shard_of_before(scans: Path, tmp_path: Path) -> None:
    convert(scans, tmp_path / "out", shard_size="20K")
    (tmp_path / "out" / "other-000009.tar").write_bytes(b"mine")
    (tmp_path / "out" / "out-9.tar").write_bytes(b"mine")
    convert(scans, tmp_path / "out", existing="overwrite")
    convert(scans, tmp_path / "new")
    left = bytes_of(tmp_path / "out")
    assert left.pop("other-000009.tar") == left.pop("out-9.tar") == b"mine"
    assert left == bytes_of(tmp_path / "new")


def test_a_shard_that_was_cut_is_no_whole_one(scans: Path, tmp_path: Path) -> None:
    convert(scans, tmp_path / "out")
    expected = bytes_of(tmp_path / "out")
    cut(tmp_path / "out", 2)
    path = tmp_path / "out" / "out-000001.tar"
    path.write_bytes(path.read_bytes()[:-1])
    report = convert(scans, tmp_path / "out")
    assert bytes_of(tmp_path / "out") == expected
    assert report.kept < report.images


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("whole", [1, 4, 9])
def test_a_killed_run_is_gone_on_from(scans: Path, tmp_path: Path, whole: int) -> None:
    for number in range(1500):
        (scans / f"more{number}.dcm").write_bytes(object_of(number % 180))
    convert(scans, tmp_path / "whole", shard_size="200K")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "fastdcm", "convert", str(scans), "-o", str(out), "-j", "2"]
    command += ["--shards", PATTERN, "--shard-size", "200K"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0)
    try:
        end = time.monotonic() + 60
        while not (out / (PATTERN % (whole - 1))).exists():
            assert run.poll() is None
            assert time.monotonic() < end
            time.sleep(0.002)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    left = list(out.glob("*.tar"))
    assert whole <= len(left) < len(list((tmp_path / "whole").glob("*.tar")))
    for path in left:
        assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()
    end = time.monotonic() + 30
    while subprocess.run(["pgrep", "-f", str(out)], capture_output=True, check=False).stdout:
        assert time.monotonic() < end
        time.sleep(0.05)
    # A shard has its name before its line in the list: the last one may be without, and is made again.
    told = next(out.glob("*.jsonl")).read_bytes().count(b"\n") - 1
    assert told in (len(left) - 1, len(left))
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ("more in whole shards of a run before this one" in finished.stdout) == (told > 0)
    assert finished.returncode == 1  # of the broken one
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.argv = ["fastdcm", *sys.argv[2:]]
from fastdcm.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits of processes")
@pytest.mark.parametrize("source", [".", "multi.dcm"])
@pytest.mark.parametrize("limit", [15_000, 100_000])
def test_a_full_disk_ends_the_run_and_leaves_whole_shards(
    scans: Path, tmp_path: Path, limit: int, source: str
) -> None:
    """In a worker: its spool is larger than any shard."""
    out = tmp_path / "out"
    command = ["convert", str(scans / source), "-o", str(out), "--shards", PATTERN, "--shard-size", "40K"]
    limited = [sys.executable, "-c", _LIMITED, str(limit), *command, "-j", "1"]
    run = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "cannot write" in run.stderr
    assert "File too large" in run.stderr
    convert(scans / source, tmp_path / "whole", shard_size="40K")
    expected, left = bytes_of(tmp_path / "whole"), bytes_of(out)
    journal = left.pop("out.shards.jsonl")
    assert expected["out.shards.jsonl"].startswith(journal)
    assert left.items() < expected.items()
    convert(scans / source, out, shard_size="40K")
    assert bytes_of(out) == expected


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_disk_that_is_full_at_a_shard(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """In the process that writes the shards; also within the list of them."""
    convert(scans, tmp_path / "whole", shard_size="20K")
    expected = bytes_of(tmp_path / "whole")
    for call in (1, 2, 40, 41, 100, len(expected) + 84):
        calls = 0

        def full(descriptor: int, data: bytes, call: int = call) -> None:
            nonlocal calls
            calls += 1
            if calls > call:
                os.write(descriptor, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            write_all(descriptor, data)

        out = tmp_path / f"out{call}"
        with monkeypatch.context() as patch:
            patch.setattr(shards, "write_all", full)
            report = convert(scans, out, shard_size="20K", jobs=jobs)
        assert calls > call
        assert "No space left" in str(report.failures[-1])
        left = bytes_of(out)
        assert {name for name in left if name not in expected} == set()
        tars = {name: data for name, data in left.items() if name.endswith(".tar")}
        assert tars.items() <= expected.items()
        convert(scans, out, shard_size="20K", jobs=jobs)
        assert bytes_of(out) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_workers_that_die_change_nothing(scans: Path, tmp_path: Path) -> None:
    class Killing(Watcher):
        killed = False

        def tick(self, progress: Progress) -> None:
            if self.killed or not progress.images:
                return
            found = subprocess.run(
                ["pgrep", "-P", str(os.getpid()), "-f", "fastdcm.batch.worker"],
                capture_output=True,
                check=False,
            )
            for child in found.stdout.split()[:1]:
                self.killed = True
                os.kill(int(child), signal.SIGKILL)

    if shutil.which("pgrep") is None:
        pytest.skip("no pgrep")
    for number in range(1500):
        (scans / f"more{number}.dcm").write_bytes(object_of(number % 180))
    convert(scans, tmp_path / "whole")
    watcher = Killing()
    convert(scans, tmp_path / "out", watcher=watcher)
    assert watcher.killed
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


def test_fail_fast_leaves_whole_shards(scans: Path, tmp_path: Path) -> None:
    convert(scans, tmp_path / "whole", shard_size="20K")
    report = convert(scans, tmp_path / "out", shard_size="20K", jobs=1, fail_fast=True)
    assert report.failure_count == 1
    journal = (tmp_path / "out" / "out.shards.jsonl").read_bytes()
    assert (tmp_path / "whole" / "out.shards.jsonl").read_bytes().startswith(journal)
    assert report.images == len(members(tmp_path / "out")) // 2


def test_few_inputs_wait_for_a_slow_one(tmp_path: Path) -> None:
    """However many are found: what is handed out is bounded by the first that is not in a shard."""
    options = ConvertOptions(shards=ShardOptions(PATTERN))
    sharded = Sharded(options, str(tmp_path), Run.begin(), 1)
    tasks = iter([Task(f"{number}.dcm", str(tmp_path), str(number)) for number in range(5000)])
    items = sharded.begin(tasks, Report(), Watcher())  # type: ignore[arg-type]
    taken: list[Task] = []
    thread = threading.Thread(target=lambda: taken.extend(items), daemon=True)  # type: ignore[arg-type]
    thread.start()

    def settled() -> int:
        count = -1
        while count != (count := len(taken)):
            time.sleep(0.1)
        return count

    assert settled() == 1024
    sharded.add(Outcome("1.dcm", number=1))
    assert settled() == 1024
    sharded.add(Outcome("0.dcm", number=0))
    assert settled() == 1026
    sharded.give_up()
    thread.join(timeout=5)
    assert not thread.is_alive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_them(scans: Path, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    convert(scans, tmp_path / "out", format="png", metadata="json")
    paths = sorted(str(path) for path in (tmp_path / "out").glob("*.tar"))
    assert len(paths) > 1
    dataset = webdataset.WebDataset(paths, shardshuffle=False, empty_check=False).decode("l8")
    samples = list(dataset)
    del dataset
    gc.collect()  # it leaves files open
    assert [sample["__key__"] for sample in samples] == EXPECTED_KEYS
    for sample in samples:
        assert sample["png"].shape == (2, 3)
        assert sample["json"]["rows"] == 2
        assert sample["json"]["dataset"]["00080060"]["Value"] == ["CT"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shards": "out.tar"}, "numbered"),
        ({"shards": "out-%s.tar"}, "numbered"),
        ({"shards": "out-%d-%d.tar"}, "numbered"),
        ({"shards": "%d/out-%d.tar"}, "numbered"),
        ({"shards": "out-%d.zip"}, "only .tar"),
        ({"shard_size": "1K"}, "too small"),
        ({"shard_size": "many"}, "256M"),
        ({"metadata": "csv"}, "JSON"),
        ({"name": "{sop_instance_uid}"}, "names"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_written(
    scans: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        convert(scans, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_command(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from fastdcm.cli import cli

    monkeypatch.chdir(tmp_path)
    (scans / "broken.dcm").unlink()
    command = ["convert", "in", "--shards", "train/part-%04d.tar", "--tags", "Modality", "-j", "1"]
    runner = CliRunner()
    run = runner.invoke(cli, [*command, "--shard-size", "64K"])
    assert run.exit_code == 0, run.output
    names = ["part-0000.tar", "part-0001.tar", "part-0002.tar", "part.shards.jsonl"]
    assert sorted(bytes_of(tmp_path / "train")) == names
    again = runner.invoke(cli, [*command, "--shard-size", "64K"])
    assert again.exit_code == 0
    assert "82 images more in whole shards of a run before this one" in again.output
    assert runner.invoke(cli, [*command, "--shard-size", "1M"]).exit_code == 2
    assert runner.invoke(cli, ["convert", "in", "--shard-size", "1M"]).exit_code == 2
    assert runner.invoke(cli, [*command, "--shard-size", "1M", "--overwrite"]).exit_code == 0
    assert sorted(bytes_of(tmp_path / "train")) == ["part-0000.tar", "part.shards.jsonl"]
