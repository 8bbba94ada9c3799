"""``python -m benches.scheduling [--tasks N] [--workers N] [--threads N]``: what a Dask scheduler takes a
second.

Chunks are handed out, noted, done and told of as in a run, but nothing is converted: each takes
``--seconds``, and comes back with as much as a chunk with a manifest tells. Printed are chunks a second, and
how much of a core the scheduler and the run itself had; `fastdcm.batch.dask.executor` chooses by it how long
a chunk is to take.

With ``--files N`` a run over so many CT files is compared instead: with as many workers here as on a cluster
on this machine, whose scheduler is a process of its own.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

import psutil
from distributed import Client, LocalCluster, get_worker

import fastdcm
from benches import corpus
from benches.stores import used
from fastdcm.batch.dask import executor as module
from fastdcm.batch.dask.messages import BEGUN, Chunk, Done
from fastdcm.batch.discovery import Task
from fastdcm.batch.executor import Work
from tests.cluster.dask_cluster import DaskCluster

#: Rows of a manifest are half a kilobyte each.
_TOLD = [b"x" * 512]


def pretended(run: str, setup: bytes, packed: bytes) -> bytes:
    """A chunk that takes its time and does nothing."""
    chunk: Chunk = pickle.loads(packed)
    worker = get_worker()
    worker.log_event(BEGUN, [run, chunk.number, worker.address])
    seconds = float(chunk.entries[0][0].stem)
    time.sleep(seconds)
    return pickle.dumps(Done(_TOLD * len(chunk.entries), [], seconds, 0.0))


class _Nothing:
    def elsewhere(self) -> _Nothing:
        return self


def _no_death(argument: object, items: list[object], process: int | None) -> None:
    return


def _certain(result: object) -> bool:
    return False


def scheduled(client: Client, tasks: int, items: int, seconds: float) -> float:
    """Chunks a second, of so many items each."""
    work = Work("", _Nothing(), 60.0, _no_death, _certain)
    paths = (
        Task(f"/archive/patient/series/{number:09}.dcm", "/images/series", str(seconds))
        for number in range(tasks * items)
    )
    with (
        mock.patch.object(module, "do", pretended),
        mock.patch.object(module, "_CHUNK_ITEMS", items),
        # As many items as may be, however long these take.
        mock.patch.object(module, "_TASKS_A_SECOND", 1e-9),
    ):
        execution = module._DaskExecution(client, work, paths)
        execution._feed._cost = 1e-9
        start = time.perf_counter()
        try:
            told = sum(result is not None for result in execution.results())
        finally:
            took = time.perf_counter() - start
            execution.stop()
    assert told == tasks * items
    return execution._number / took


def used_by_all(client: Client) -> float:
    """The same of this process, the scheduler and all Dask workers."""
    return used() + float(client.run_on_scheduler(used)) + sum(client.run(used).values())


def compared(files: int, workers: int, rounds: int) -> None:
    """A run here, and on a cluster of as many workers, in turn."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (case,) = corpus.make(place / "cases", quick=False, only=["ct-native"])
        folder = case.of(files)
        (place / "dask").mkdir()
        with DaskCluster(place / "dask") as cluster:
            for _ in range(workers):
                cluster.add()
            with Client(scheduler_file=str(cluster.file), set_as_default=False) as client:
                client.wait_for_workers(workers, timeout=60)
                took: dict[str, list[float]] = {"here": [], "Dask": []}
                cores: dict[str, list[float]] = {"here": [], "Dask": []}
                for number in range(rounds):
                    for way in took:
                        asked = {"dask": client} if way == "Dask" else {"jobs": workers}
                        start, before = time.perf_counter(), used_by_all(client)
                        report = fastdcm.convert(folder, place / f"{way}-{number}", **asked)
                        took[way].append(time.perf_counter() - start)
                        cores[way].append(used_by_all(client) - before)
                        assert report.images == files, report.failures[:3]
                        print(f"  {way}: {took[way][-1]:.2f} s, {cores[way][-1]:.2f} s of all cores")
    for what, found in (("", took), (" of all cores", cores)):
        here, there = (statistics.median(times) for times in found.values())
        more = 100 * (there / here - 1)
        print(f"{files} files: {here:.2f} s{what} here, {there:.2f} s{what} on Dask, {more:+.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=3000)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.files:
        compared(asked.files, asked.workers, asked.rounds)
        return
    with (
        LocalCluster(
            n_workers=asked.workers, threads_per_worker=asked.threads, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        process = psutil.Process()
        before = process.cpu_times()
        start = time.perf_counter()
        rate = scheduled(client, asked.tasks, asked.items, asked.seconds)
        took = time.perf_counter() - start
        after = process.cpu_times()
        busy = (after.user + after.system - before.user - before.system) / took
        print(
            f"{rate:.0f} chunks/s of {asked.items} items, {asked.workers * asked.threads} threads; "
            f"scheduler and run together had {busy:.2f} of a core, {1e3 * busy / rate:.2f} ms a chunk"
        )


if __name__ == "__main__":
    main()
