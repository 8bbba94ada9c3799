"""Workers that crash, hang, print, split and never start; what is lost and what is not."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fastdcm.batch import protocol, worker
from fastdcm.batch.board import BOARD_BYTES, Board
from fastdcm.batch.executor import Lost
from fastdcm.batch.feed import Feed
from fastdcm.batch.pool import Pool
from fastdcm.batch.process import WorkerProcess
from fastdcm.errors import WorkerCrashError, WorkerError, WorkerTimeoutError
from tests.unit.batch.stub_tasks import Stub

STUB = "tests.unit.batch.stub_tasks:Stub"


class Harness:
    def __init__(self, folder: Path, workers: int = 2, task: str = STUB, timeout: float = 30.0) -> None:
        self.folder = folder
        self.deaths: list[tuple[Any, int]] = []
        self.feed = Feed(workers)
        self.pool = Pool(
            task,
            str(folder),
            self.feed,
            workers=workers,
            timeout=timeout,
            after_death=lambda item, pid: self.deaths.append((item, pid)),
        )

    def run(self, items: list[str]) -> list[Any]:
        for item in items:
            self.feed.put(item)
        self.feed.finish()
        try:
            return [result for result in self.pool.results() if result is not None]
        finally:
            self.pool.stop()

    def tries(self, item: str) -> int:
        return len((self.folder / item.replace(":", "_")).read_text().splitlines())


def test_every_item_is_done_once(tmp_path: Path) -> None:
    items = [f"ok:{number}" for number in range(500)]
    results = Harness(tmp_path).run(items)
    assert sorted(results) == sorted((item, False) for item in items)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_killed_worker_costs_its_item_only_and_it_gets_a_second_try(tmp_path: Path) -> None:
    items = [f"ok:{number}" for number in range(300)]
    items[150:150] = ["kill:a"]
    harness = Harness(tmp_path)
    results = harness.run(items)
    lost = [result for result in results if isinstance(result, Lost)]
    done = [result[0] for result in results if not isinstance(result, Lost)]
    assert sorted(done) == sorted(item for item in items if item != "kill:a")
    assert [item.item for item in lost] == ["kill:a"]
    assert isinstance(lost[0].error, WorkerCrashError)
    assert "SIGKILL" in lost[0].error.message
    assert lost[0].error.frame == 7
    assert harness.tries("kill:a") == 2
    assert [item for item, _ in harness.deaths] == ["kill:a", "kill:a"]
    assert all(harness.tries(item) == 1 for item in items[151:]), "none that was not begun is tried twice"


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_items_that_are_only_counted_are_counted_once(tmp_path: Path) -> None:
    """Also those that a worker was done with, and had not told of when it died."""
    items = [f"plain:{number}" for number in range(300)]
    items[100:100] = ["kill-once:a"]
    items[200:200] = ["kill-once:b"]
    harness = Harness(tmp_path)
    results = harness.run(items)
    assert sum(result for result in results if isinstance(result, int)) == 300
    assert sorted(result for result in results if isinstance(result, tuple)) == [
        ("kill-once:a", True),
        ("kill-once:b", True),
    ]
    assert sum(1 for result in results if isinstance(result, int)) < 100, "they come as numbers"


def test_one_worker_compiles_before_the_others_may(tmp_path: Path) -> None:
    pool = Harness(tmp_path, workers=3).pool
    first, second = WorkerProcess(30), WorkerProcess(30)
    try:
        pool._processes |= {first, second}
        assert [pool._outlook(process, 1).may_compile for process in (first, second, first)] == [
            True,
            False,
            True,
        ]
        pool._processes.discard(first)
        assert pool._outlook(second, 1).may_compile, "the first one is gone"
        pool._compiled = True
        pool._processes.add(first)
        assert pool._outlook(first, 1).may_compile
    finally:
        first.close()
        second.close()


def test_a_chunk_of_dear_items_is_shared(tmp_path: Path) -> None:
    """After cheap ones many are handed out at once: not all of these may wait for one another."""
    items = [f"ok:{number}" for number in range(60)]
    items[30:30] = ["slow:1.1", "slow:1.2"]
    harness = Harness(tmp_path, workers=1)
    results = harness.run(items)
    assert sorted(results) == sorted((item, False) for item in items)
    assert {harness.tries(item) for item in items} == {1}


def test_a_worker_gives_back_what_it_has_no_time_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_CHUNK_SECONDS", 0.05)
    chunk = [("ok:0", False), ("slow:0.1", False), ("ok:1", False), ("ok:2", False)]
    replies = io.BytesIO()
    with (tmp_path / "log").open("w+b") as log:
        log.write(bytes(BOARD_BYTES))
        log.flush()
        board = Board(log.fileno())
        worker._serve(replies, Stub(str(tmp_path)), chunk, board, 30)
        assert (board.begun, board.deadline) == (2, float("inf"))
        board.close()
    replies.seek(0)
    results = [(("ok:0", False), []), (("slow:0.1", False), [])]
    assert protocol.receive(replies) == (protocol.END, (2, results))
    assert protocol.receive(replies) is None


def test_workers_are_told_how_much_is_to_come(tmp_path: Path) -> None:
    items = [f"ok:{number}" for number in range(400)]
    Harness(tmp_path, workers=1).run(items)
    told = [int(line.split()[1]) for line in (tmp_path / "outlooks").read_text().splitlines()]
    assert told[0] == 400
    assert told == sorted(told, reverse=True)


def test_workers_are_told_what_comes_next(tmp_path: Path) -> None:
    items = [f"ok:{number:03d}" for number in range(300)]
    Harness(tmp_path, workers=1).run(items)
    announced = (tmp_path / "announced").read_text().split()
    assert announced == sorted(set(announced) & set(items)), "each once, in order"
    assert len(announced) > 200, "all but the first of each chunk"


def test_a_worker_says_what_it_has_compiled(tmp_path: Path) -> None:
    harness = Harness(tmp_path, workers=1, task="tests.unit.batch.stub_tasks:Compiled")
    assert not harness.pool._compiled
    harness.run(["ok:0", "ok:1"])
    assert harness.pool._compiled


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_item_that_survives_its_second_try_is_told_that_it_is_one(tmp_path: Path) -> None:
    results = Harness(tmp_path, workers=1).run(["ok:0", "kill-once:a", "ok:1"])
    assert sorted(results) == [("kill-once:a", True), ("ok:0", False), ("ok:1", False)]


@pytest.mark.parametrize("action", ["exit:a", "raise:a"])
def test_worker_that_exits_is_named_with_its_last_words(tmp_path: Path, action: str) -> None:
    results = Harness(tmp_path, workers=1).run(["ok:0", action, "ok:1"])
    (lost,) = (result for result in results if isinstance(result, Lost))
    assert lost.item == action
    assert "ended with status" in lost.error.message
    words = {"exit:a": "the last words", "raise:a": "a fault of the task"}[action]
    assert any(words in note for note in lost.error.__notes__)
    assert len(results) == 3


def test_hanging_frame_ends_the_worker_and_gets_no_second_try(tmp_path: Path) -> None:
    harness = Harness(tmp_path, workers=1)
    results = harness.run(["ok:0", "hang:a", "ok:1"])
    (lost,) = (result for result in results if isinstance(result, Lost))
    assert isinstance(lost.error, WorkerTimeoutError)
    assert lost.error.frame == 3
    assert harness.tries("hang:a") == 1
    assert len(results) == 3


def test_item_without_frames_has_the_pools_time_limit(tmp_path: Path) -> None:
    results = Harness(tmp_path, workers=1, timeout=0.3).run(["slow:30", "ok:1"])
    assert sorted(type(result).__name__ for result in results) == ["Lost", "tuple"]


def test_compiling_is_in_no_time_limit(tmp_path: Path) -> None:
    results = Harness(tmp_path, workers=1).run(["compile:1.5", "ok:1"])
    assert results == [("compile:1.5", False), ("ok:1", False)]


def test_what_a_library_prints_does_not_get_into_the_messages(tmp_path: Path) -> None:
    assert Harness(tmp_path, workers=1).run(["print:a", "ok:1"]) == [("print:a", False), ("ok:1", False)]


def test_parts_take_the_place_of_their_item(tmp_path: Path) -> None:
    results = Harness(tmp_path).run(["ok:0", "split:5"])
    assert sorted(results) == [("ok:0", False), *((f"part:{number}", False) for number in range(5))]


def test_workers_that_cannot_start_end_the_run_with_their_words(tmp_path: Path) -> None:
    harness = Harness(tmp_path, task="tests.unit.batch.stub_tasks:CannotStart")
    with pytest.raises(WorkerError, match=r"(?s)cannot start.*no module named something"):
        harness.run([f"ok:{number}" for number in range(10)])


def test_nothing_to_do_starts_no_worker(tmp_path: Path) -> None:
    assert Harness(tmp_path, task="no.such:thing").run([]) == []


def test_stop_kills_workers_in_the_middle(tmp_path: Path) -> None:
    harness = Harness(tmp_path, workers=2)
    for item in ("slow:60", "slow:61", "ok:1"):
        harness.feed.put(item)
    harness.feed.finish()
    for _ in harness.pool.results():
        if (tmp_path / "slow_60").exists() and (tmp_path / "slow_61").exists():
            break
    start = time.monotonic()
    harness.pool.stop()
    assert time.monotonic() - start < 10
    assert {item for item, _ in harness.deaths} == {"slow:60", "slow:61"}
    for _, pid in harness.deaths:
        if sys.platform != "win32":
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_a_stopped_pool_lets_discovery_go(tmp_path: Path) -> None:
    feed = Feed(1, ahead=2)
    put = [feed.put("a"), feed.put("b")]
    thread = threading.Thread(target=lambda: put.append(feed.put("c")), daemon=True)
    thread.start()
    feed.stop()
    thread.join(10)
    assert put == [True, True, False]
    assert feed.take() is None


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_workers_end_when_the_run_is_killed(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from tests.unit.batch.test_batch_pool import Harness\n"
        f"Harness(Path({str(tmp_path)!r}), workers=1).run(['slow:1', 'slow:2'])"
    )
    run = subprocess.Popen([sys.executable, "-c", script])
    noted = tmp_path / "slow_1"
    deadline = time.monotonic() + 30
    while not (noted.exists() and noted.read_text().endswith("\n")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.kill()
    run.wait()
    worker = int(noted.read_text())
    while _is_running(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not (tmp_path / "slow_2").exists()


def test_a_worker_leaves_the_rest_of_a_chunk_when_the_run_is_gone(tmp_path: Path) -> None:
    script = (
        "import io; from fastdcm.batch import worker; from fastdcm.batch.board import Board\n"
        f"from tests.unit.batch.stub_tasks import Stub; stub = Stub({str(tmp_path)!r})\n"
        "worker._ENDED.set(); log = open('log', 'w+b'); log.write(bytes(4096)); log.flush()\n"
        "worker._serve(io.BytesIO(), stub, [('ok:1', False)], Board(log.fileno()), 30.0); raise SystemExit(3)"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment).returncode == 0
    assert not (tmp_path / "ok_1").exists()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:  # an orphan that nobody waits for stays in the table
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
