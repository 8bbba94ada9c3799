"""Runs on a Dask cluster of several processes: the same images, whatever becomes of its workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from distributed import Client

import fastdcm
from fastdcm.batch.dask.executor import _DaskExecution
from fastdcm.batch.dask.messages import BEGUN
from fastdcm.batch.executor import Lost, executor_of
from fastdcm.batch.report import Progress, Watcher
from fastdcm.errors import OptionError, WorkerCrashError, WorkerError
from tests.cluster.dask_cluster import ROOT, DaskCluster
from tests.conftest import PYDICOM_FILES
from tests.resume.kills import digests, make_inputs
from tests.unit.batch.test_batch_executors import done, work

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX's")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "dask").mkdir()
    return tmp_path


def _link(folder: Path, files: int) -> None:
    """So many files of a few; none is lossy, whose pixels may depend on how many a process has to decode."""
    names = ["CT_small.dcm", "MR_small.dcm", "MR_small_jp2klossless.dcm", "MR_small_RLE.dcm"]
    folder.mkdir()
    for name in names:
        (folder.parent / name).write_bytes((PYDICOM_FILES / name).read_bytes())
    for number in range(files):
        below = folder / f"{number // 250:03}"
        below.mkdir(exist_ok=True)
        os.link(folder.parent / names[number % len(names)], below / f"{number:06}.dcm")


class _Disturbs(Watcher):
    """Has another worker join in the middle of a run, and kills one of the first."""

    every_file = False

    def __init__(self, cluster: DaskCluster, client: Client, at: int) -> None:
        self._cluster, self._client, self._at = cluster, client, at
        self.files_then = 0

    def tick(self, progress: Progress) -> None:
        if not self.files_then and progress.files >= self._at:
            self.files_then = progress.files
            workers = len(self._cluster.workers)
            self._cluster.add()
            # It takes seconds to come; without a pause the run would be over.
            self._client.wait_for_workers(workers + 1, timeout=60)
            self._cluster.workers[0].kill()


def test_a_worker_is_killed_and_another_one_joins(place: Path) -> None:
    files = 3000
    _link(place / "in", files)
    fastdcm.convert(place / "in", place / "here", jobs=2)
    with DaskCluster(place / "dask") as cluster:
        for _ in range(3):
            cluster.add()
        with Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
            client.wait_for_workers(3, timeout=60)
            watcher = _Disturbs(cluster, client, files // 10)
            report = fastdcm.convert(
                place / "in",
                place / "there",
                dask=client,
                watcher=watcher,
                manifest=place / "run.jsonl",
                checksum=True,
            )
            workers = {address for _, (_, _, address) in client.get_events(BEGUN)}
    assert 0 < watcher.files_then < files, "in the middle of it"
    assert (report.images, report.failure_count) == (files, 0), report.failures[:3]
    assert digests(place / "there") == digests(place / "here")
    assert len(workers) == 4, "the one that was killed, and the one that came, have worked, too"
    rows = [json.loads(line) for line in (place / "run.jsonl").read_text(encoding="ascii").splitlines()[1:]]
    assert len({row["source"] for row in rows}) == files
    assert {row["status"] for row in rows} == {"written"}


def test_results_that_are_lost_with_their_worker(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker dies with what it has done, before anybody has asked for what came of it."""
    gathered, lost = _DaskExecution._gathered, []

    def first_lost(execution: _DaskExecution, numbers: list[int]) -> dict[int, bytes]:
        values = gathered(execution, numbers)
        if values and not lost:
            lost.append(values.popitem())
        return values

    monkeypatch.setattr(_DaskExecution, "_gathered", first_lost)
    _link(place / "in", 40)
    with DaskCluster(place / "dask") as cluster:
        cluster.add()
        report = fastdcm.convert(place / "in", place / "out", dask=str(cluster.file))
    assert lost
    assert (report.images, report.failure_count) == (40, 0), report.failures[:3]


def test_the_command(place: Path) -> None:
    """By the scheduler's file, from a folder with relative names."""
    make_inputs(place / "in", 40)
    (place / "in" / "text.dcm").write_text("no DICOM")
    with DaskCluster(place / "dask") as cluster:
        cluster.add(threads=2)
        command = [sys.executable, "-m", "fastdcm", "convert", "in", "-o", "out", "--dask", str(cluster.file)]
        told = subprocess.run(
            command, cwd=place, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "40 images" in told.stdout
    assert len(digests(place / "out")) == 40


class _Helps(Watcher):
    """Adds a worker once it is told that there is none."""

    def __init__(self, cluster: DaskCluster) -> None:
        self._cluster = cluster
        self.phases: list[str] = []

    def tick(self, progress: Progress) -> None:
        if progress.phase not in self.phases[-1:]:
            self.phases.append(progress.phase)
            if progress.phase:
                self._cluster.add()


def test_a_cluster_without_workers_is_told_of(place: Path) -> None:
    make_inputs(place / "in", 10)
    with DaskCluster(place / "dask") as cluster:
        watcher = _Helps(cluster)
        report = fastdcm.convert(place / "in", place / "out", dask=str(cluster.file), watcher=watcher)
    assert (report.images, report.failure_count) == (10, 0)
    assert watcher.phases[:2] == ["", "no workers in the Dask cluster yet"]
    assert watcher.phases[2:] in ([], [""]), "it is not told once there is one"


def test_a_scheduler_file_may_be_late(place: Path) -> None:
    late = place / "late.json"
    with DaskCluster(place / "dask") as cluster:
        cluster.add()
        late.write_text("{")
        threading.Timer(0.5, lambda: late.write_bytes(cluster.file.read_bytes())).start()
        with executor_of(None, str(late)) as executor:
            assert done(executor, work(place), ["ok:1"]) == [("ok:1", False)]


@pytest.mark.parametrize("there", [False, True])
def test_a_scheduler_file_that_does_not_come(
    there: bool, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastdcm.batch.dask.executor._CONNECT_SECONDS", 0.3)
    if there:
        (place / "no.json").write_text("{}")
    with pytest.raises(WorkerError, match=r"no Dask scheduler has written .*no\.json"):
        executor_of(None, str(place / "no.json"))


@pytest.mark.skipif(sys.platform != "linux", reason="by /proc")
def test_a_local_cluster_is_for_this_machine_alone() -> None:
    def listening() -> set[str]:
        links = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        own = {link[len("socket:[") : -1] for link in links if link.startswith("socket:")}
        rows = [
            line.split()
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        ]
        return {row[1] for row in rows if row[3] == "0A" and row[9] in own}

    before = listening()
    with executor_of(1, "local"):
        found = listening() - before
    assert {address.partition(":")[0] for address in found} <= {"0100007F"}, "127.0.0.1"


def test_an_item_that_dask_workers_do_not_survive_is_lost_alone(place: Path) -> None:
    """Not a process of ours, but that of Dask is killed, as by whoever watches over its memory."""
    items = [f"ok:{number}" for number in range(6)]
    items[3:3] = ["kill-parent:a"]
    with DaskCluster(place / "dask", allowed_failures=0) as cluster:
        cluster.add(nanny=True)
        with executor_of(None, str(cluster.file)) as executor:
            results = done(executor, work(place), items)
    (lost,) = (result for result in results if isinstance(result, Lost))
    assert (lost.item, type(lost.error)) == ("kill-parent:a", WorkerCrashError)
    told = {result[0] for result in results if not isinstance(result, Lost)}
    assert told == set(items) - {"kill-parent:a"}


def test_a_run_that_is_killed_leaves_no_process_behind(place: Path) -> None:
    make_inputs(place / "in", 3000)
    with DaskCluster(place / "dask") as cluster:
        worker = cluster.add()
        command = [sys.executable, "-m", "fastdcm", "convert", str(place / "in"), "-o", str(place / "out")]
        run = subprocess.Popen([*command, "--dask", str(cluster.file), "--quiet"], cwd=ROOT)
        while not (place / "out").is_dir() or not any((place / "out").iterdir()):
            assert run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.wait()
        with Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
            # What was under way ends with its chunk, and nothing else of the run is begun.
            client.submit(sum, [1, 2]).result(timeout=60)
            assert worker.poll() is None
            assert not any(client.processing().values()), "the scheduler has forgotten the run"
    assert len(digests(place / "out")) < 3000


def test_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="leave the cluster"):
        fastdcm.convert(tmp_path, tmp_path / "out", shards="a-%03d.tar", dask="local")
