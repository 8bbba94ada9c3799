"""Processes that read files: a crash, a hang, a full queue each end what they must, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fastdcm.errors import OptionError, RenderError, SourceError, WorkerCrashError, WorkerTimeoutError
from fastdcm.serve import tasks
from fastdcm.serve.cache import Cache, etag_of
from fastdcm.serve.pool import Pool
from fastdcm.serve.refusal import RefusalError, refusal_of
from tests.serve.conftest import CT, SLICES, STUDY, ct_slice, running, wait_for

pytestmark = pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")


def _with_pool(
    folder: Path,
    work: Callable[[Pool], Awaitable[None]],
    *,
    jobs: int = 1,
    queue: int = 2,
    timeout: float = 30,
) -> int:
    """Do something with a pool; how many processes had to be replaced."""
    restarts = 0

    def count() -> None:
        nonlocal restarts
        restarts += 1

    async def run() -> None:
        settings = (str(folder), 1 << 24, 1 << 30)
        pool = Pool(settings, jobs=jobs, queue=queue, timeout=timeout, restarted=count)
        await pool.start()
        try:
            await work(pool)
        finally:
            await pool.close()

    asyncio.run(run())
    return restarts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "1.dcm").write_bytes(ct_slice(1))
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def _pids(pool: Pool) -> list[int]:
    return [worker._process.pid for worker in [*pool._idle, *pool._busy]]


def test_errors_come_back_as_they_are(folder: Path) -> None:
    async def work(pool: Pool) -> None:
        assert len((await pool.run("frames", "1.dcm", [0], False))[0]) == 24 * 32 * 2
        with pytest.raises(OptionError, match="the object has frame 1"):
            await pool.run("frames", "1.dcm", [1], False)
        with pytest.raises(SourceError, match="not there"):
            await pool.run("frames", "2.dcm", [0], False)
        with pytest.raises(OptionError, match="no task"):
            await pool.run("os:system", "1.dcm")
        with pytest.raises(SourceError):
            await pool.run("frames", "../secret", [0], False)
        assert len(await pool.run("frames", "1.dcm", [0], False)) == 1

    assert _with_pool(folder, work) == 0


def test_a_mistake_of_ours_ends_one_request(folder: Path) -> None:
    async def work(pool: Pool) -> None:
        before = _pids(pool)
        with pytest.raises(Exception, match="TypeError") as caught:
            await pool.run("frames", "1.dcm", 5, 6, 7, 8)
        assert refusal_of(caught.value).status == 500
        assert _pids(pool) == before

    assert _with_pool(folder, work) == 0


def test_a_process_that_dies_is_replaced(folder: Path) -> None:
    async def work(pool: Pool) -> None:
        (pid,) = _pids(pool)
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.create_task(pool.run("frames", "1.dcm", [0], False))
        waiting = asyncio.create_task(pool.run("frames", "1.dcm", [0], False))
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerCrashError, match="SIGKILL"):
            await asked
        assert len(await waiting) == 1  # by the next one

    assert _with_pool(folder, work) == 1


def test_a_process_that_hangs_is_replaced(folder: Path) -> None:
    async def work(pool: Pool) -> None:
        os.kill(_pids(pool)[0], signal.SIGSTOP)
        with pytest.raises(WorkerTimeoutError, match=r"0\.5 s") as caught:
            await pool.run("frames", "1.dcm", [0], False)
        assert refusal_of(caught.value).status == 503
        pool._timeout = 30
        assert len(await pool.run("frames", "1.dcm", [0], False)) == 1

    assert _with_pool(folder, work, timeout=0.5) == 1


def test_whoever_gives_up_takes_nobody_with_him(folder: Path) -> None:
    async def work(pool: Pool) -> None:
        asked = [asyncio.create_task(pool.run("frames", "1.dcm", [0], False)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in asked[:2]:  # one that is done, one that waits
            task.cancel()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, asyncio.CancelledError, list]
        assert len(await pool.run("frames", "1.dcm", [0], False)) == 1

    _with_pool(folder, work)


def test_a_full_queue(folder: Path) -> None:
    async def work(pool: Pool) -> None:
        pid = _pids(pool)[0]
        os.kill(pid, signal.SIGSTOP)
        asked = [asyncio.create_task(pool.run("frames", "1.dcm", [0], False)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert (pool.busy, pool.waiting) == (1, 2)
        with pytest.raises(RefusalError) as caught:
            await pool.run("frames", "1.dcm", [0], False)
        assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
        patient = asyncio.create_task(pool.run("frames", "1.dcm", [0], False, patient=True))
        await asyncio.sleep(0.05)
        assert pool.waiting == 3
        os.kill(pid, signal.SIGCONT)
        assert [len(found) for found in await asyncio.gather(*asked, patient)] == [1] * 4
        assert (pool.busy, pool.waiting) == (0, 0)

    assert _with_pool(folder, work, queue=2) == 0


def test_statuses_of_errors() -> None:
    assert refusal_of(OptionError("x")).status == 400
    assert refusal_of(RenderError("x", frame=3)).message.endswith("frame 3: x")
    assert refusal_of(RenderError("x")).status == 406


def test_files_that_are_open_are_few(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number}.dcm").write_bytes(ct_slice(1))
    found = tasks.Folder(str(folder), 1 << 24, 1 << 30)
    images = [found.image(f"{number}.dcm") for number in range(20)]
    assert found.image("19.dcm") is images[-1]
    assert len(found._kept) <= 8
    # A file that was changed is another one.
    (folder / "19.dcm").write_bytes(ct_slice(2))
    os.utime(folder / "19.dcm", ns=(1, 1))
    assert found.image("19.dcm") is not images[-1]


def test_a_server_outlives_its_workers(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.dcm").write_bytes(ct_slice(1))
    with running(folder, tmp_path / "index.sqlite", "-j", "1") as served, served.client() as client:
        place = f"/studies/{STUDY}/series/{CT}/instances/{SLICES[0]}/rendered"
        with open(f"/proc/{served.process.pid}/task/{served.process.pid}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        workers = [
            pid for pid in children if b"fastdcm.serve.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert len(workers) == 1
        os.kill(workers[0], signal.SIGKILL)
        wait_for(lambda: client.get(place).status_code == 200)
        assert "fastdcm_worker_restarts_total 1" in client.get("/metrics").text


# The cache


def test_the_cache_is_bounded() -> None:
    async def run() -> None:
        cache = Cache(10_000)
        made = []

        async def make(number: int) -> bytes:
            made.append(number)
            return bytes(1000)

        for number in range(20):
            await cache.get_or_make(number, lambda number=number: make(number))
            await cache.get_or_make(0, lambda: make(0))
        assert cache.size <= 10_000
        assert len(cache) == 6
        assert made == list(range(20))  # what is asked for again and again stays
        large = await cache.get_or_make("large", lambda: _bytes(5000))
        assert len(large) == 5000
        assert cache.get("large") is None

    asyncio.run(run())


async def _bytes(length: int) -> bytes:
    return bytes(length)


def test_the_same_is_made_once() -> None:
    async def run() -> None:
        cache = Cache(10_000)
        calls = 0

        async def make() -> bytes:
            nonlocal calls
            calls += 1
            await asyncio.sleep(0.01)
            return b"x"

        first = asyncio.create_task(cache.get_or_make(1, make))
        others = [asyncio.create_task(cache.get_or_make(1, make)) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()  # the one that began it gives up
        assert await asyncio.gather(*others) == [b"x"] * 5
        assert calls == 1

    asyncio.run(run())


def test_errors_are_not_kept() -> None:
    async def run() -> None:
        cache = Cache(10_000)

        async def fail() -> bytes:
            raise RenderError("no")

        with pytest.raises(RenderError):
            await cache.get_or_make(1, fail)
        assert await cache.get_or_make(1, lambda: _bytes(3)) == bytes(3)

    asyncio.run(run())


def test_tags_tell_all_facts_apart() -> None:
    facts = [("a", 1), ("a", 2), ("a", "1"), ("a1",), (("a", 1),), ("a", 1, None)]
    assert len({etag_of(*each) for each in facts}) == len(facts)
