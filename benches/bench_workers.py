"""What the run itself costs a file, in the one process that all workers share, and what waiting costs.

The constants that these give are in `fastdcm.batch.feed`, `fastdcm.batch.worker` and
`fastdcm.batch.convert`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benches.conftest import CT_512
from fastdcm import system
from fastdcm.batch import protocol
from fastdcm.batch.convert import Converter, Job
from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.feed import Feed
from fastdcm.batch.process import WorkerProcess
from fastdcm.batch.targets import resolve
from fastdcm.options import ConvertOptions
from fastdcm.sinks.run import Run

FILES = 10_000
#: What one slice takes, apart from reading it.
SLICE_SECONDS = 450e-6


class Nothing:
    """A task function that does nothing, so that all that is left is handing out and telling."""

    def __init__(self, argument: object) -> None:
        pass

    def __call__(self, item: Task, own: bool, beat: object) -> tuple[None, list[Any]]:
        return None, []

    def counted(self) -> list[int]:
        return [1]

    def foresee(self, outlook: protocol.Outlook) -> None:
        pass

    def announce(self, items: list[Task]) -> None:
        pass

    def has_compiled(self) -> bool:
        return False


def tasks(count: int) -> list[Task]:
    return [
        Task(f"/archive/patient/series/{number:06}.dcm", "/images", f"{number:06}") for number in range(count)
    ]


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess(60)
    process.greet("benches.bench_workers:Nothing", None)
    yield process
    process.close()


@pytest.mark.benchmark(group="a chunk to a worker and back")
@pytest.mark.parametrize("items", [1, 64, 512])
def bench_chunk(benchmark: BenchmarkFixture, worker: WorkerProcess, items: int) -> None:
    """For one item it is what a worker waits between chunks; the rest is what an item costs."""
    chunk = [(task, False) for task in tasks(items)]
    outlook = protocol.Outlook(items, False)

    def hand_out() -> int:
        return sum(done for _, done, _ in worker.converse(chunk, outlook))

    assert benchmark(hand_out) == items


@pytest.mark.benchmark(group=f"{FILES} files from the tree to the queue")
def bench_discovery(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    for number in range(FILES):
        folder = tmp_path / "in" / f"{number // 500:03}"
        if number % 500 == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:06}.dcm").touch()
    targets = resolve([str(tmp_path / "in")], str(tmp_path / "out"), "jpeg")

    def look() -> int:
        feed = Feed(2, ahead=FILES)
        for item in discover(targets):
            feed.put(item)
        return feed.waiting

    assert benchmark(look) == FILES


@pytest.fixture
def slices(images: dict[str, Path], tmp_path: Path) -> list[str]:
    data = images[CT_512].read_bytes()
    paths = [tmp_path / f"{number:03}.dcm" for number in range(200)]
    for path in paths:
        path.write_bytes(data)
    os.sync()
    return [str(path) for path in paths]


def forget(paths: list[str]) -> None:
    """Drop files from the system's memory; on a filesystem in memory they stay."""
    if not hasattr(os, "posix_fadvise"):
        pytest.skip("this system cannot drop files from its memory")
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


@pytest.mark.parametrize("hint", [False, True], ids=["no hint", "hint"])
@pytest.mark.parametrize("cold", [False, True], ids=["in memory", "on the disk"])
def bench_read_ahead(benchmark: BenchmarkFixture, slices: list[str], cold: bool, hint: bool) -> None:
    """Slices that are read and worked at, one after another, the next one announced before or not."""
    benchmark.group = f"{len(slices)} slices {'on the disk' if cold else 'in memory'}"

    def read() -> None:
        for path, following in zip(slices, [*slices[1:], ""], strict=True):
            if hint:
                system.will_need(following, 4 << 20)
            with open(path, "rb", buffering=0) as file:
                file.read()
            until = time.perf_counter() + SLICE_SECONDS
            while time.perf_counter() < until:
                pass

    benchmark.pedantic(read, setup=(lambda: forget(slices)) if cold else None, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="a slice in a worker")
@pytest.mark.parametrize("profile", [False, True], ids=["as it is", "profile"])
def bench_profile(
    benchmark: BenchmarkFixture, images: dict[str, Path], tmp_path: Path, profile: bool
) -> None:
    """What ``convert --profile`` costs."""
    job = Job(Run.begin(), ConvertOptions(existing="overwrite"), every_file=False, profile=profile)
    converter = Converter(job)
    task = Task(str(images[CT_512]), str(tmp_path), "x")
    assert benchmark(converter, task, True, lambda frame, seconds: None) == (None, [])
    assert (tmp_path / "x.jpg").stat().st_size > 1000
