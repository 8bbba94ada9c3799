"""What every executor must do, whoever does the work: one suite for processes here and for a Dask cluster."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastdcm.batch.executor import Executor, Lost, Work, executor_of
from fastdcm.batch.report import Outcome
from fastdcm.errors import OptionError, WorkerCrashError, WorkerError, WorkerTimeoutError

STUB = "tests.unit.batch.stub_tasks:Stub"
DEATHS: list[tuple[list[str], int | None]] = []


class Folder(str):
    """The argument of a stub; on another machine it is the same."""

    def elsewhere(self) -> Folder:
        return self


def note_death(folder: Folder, items: list[str], process: int | None) -> None:
    with Path(folder, "deaths").open("a") as file:
        file.write(f"{' '.join(items)} {process}\n")


def is_certain(result: object) -> bool:
    return False


def work(folder: Path, task: str = STUB, timeout: float = 30.0) -> Work:
    return Work(task, Folder(folder), timeout, note_death, is_certain)


def done(executor: Executor, asked: Work, items: list[Any]) -> list[Any]:
    execution = executor.start(asked, items)
    try:
        results = [result for result in execution.results() if result is not None]
        assert execution.complete
        return results
    finally:
        execution.stop()


@pytest.fixture(scope="module", params=["processes", "dask"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with executor_of(2, None if request.param == "processes" else "local") as made:
        assert made.workers == 2
        yield made


@pytest.fixture
def run(executor: Executor, tmp_path: Path) -> Callable[..., list[Any]]:
    def call(items: list[Any], **asked: Any) -> list[Any]:
        return done(executor, work(tmp_path, **asked), items)

    return call


def tries(folder: Path, item: str) -> int:
    return len((folder / item.replace(":", "_")).read_text().splitlines())


def test_every_item_is_done_once(run: Callable[..., list[Any]], tmp_path: Path) -> None:
    items = [f"ok:{number}" for number in range(500)]
    assert sorted(run(items)) == sorted((item, False) for item in items)
    assert {tries(tmp_path, item) for item in items} == {1}


def test_results_among_the_items_are_passed_on(run: Callable[..., list[Any]]) -> None:
    told = Outcome("x", skipped="a pipe")
    results = run(["ok:0", told, "ok:1"])
    assert told in results
    assert len(results) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_killed_process_costs_its_item_only(run: Callable[..., list[Any]], tmp_path: Path) -> None:
    items = [f"ok:{number}" for number in range(200)]
    items[100:100] = ["kill:a"]
    items[50:50] = ["kill-once:b"]
    results = run(items)
    (lost,) = (result for result in results if isinstance(result, Lost))
    assert lost.item == "kill:a"
    assert isinstance(lost.error, WorkerCrashError)
    assert "SIGKILL" in lost.error.message
    assert lost.error.frame == 7
    told = sorted(result[0] for result in results if not isinstance(result, Lost))
    assert told == sorted(item for item in items if item != "kill:a")
    assert tries(tmp_path, "kill:a") == 2
    deaths = [line.split()[0] for line in (tmp_path / "deaths").read_text().splitlines()]
    assert sorted(deaths) == ["kill-once:b", "kill:a", "kill:a"]


def test_a_hanging_frame_is_a_failure_after_its_time(run: Callable[..., list[Any]]) -> None:
    results = run(["ok:0", "hang:a", "ok:1"])
    (lost,) = (result for result in results if isinstance(result, Lost))
    assert (lost.item, type(lost.error), lost.error.frame) == ("hang:a", WorkerTimeoutError, 3)
    assert len(results) == 3


def test_parts_take_the_place_of_their_item(run: Callable[..., list[Any]]) -> None:
    assert sorted(run(["ok:0", "split:5"])) == [
        ("ok:0", False),
        *((f"part:{number}", False) for number in range(5)),
    ]


def test_counts_are_of_each_item_once(run: Callable[..., list[Any]]) -> None:
    results = run([f"plain:{number}" for number in range(300)])
    assert sum(results) == 300


def test_processes_that_cannot_start_end_the_work_with_their_words(run: Callable[..., list[Any]]) -> None:
    with pytest.raises(WorkerError, match=r"(?s)cannot start.*no module named something"):
        run(["ok:0", "ok:1"], task="tests.unit.batch.stub_tasks:CannotStart")


def test_a_fault_in_looking_for_items_ends_the_work(executor: Executor, tmp_path: Path) -> None:
    def items() -> Iterator[Any]:
        yield "ok:0"
        raise RuntimeError("a fault of the listing")

    execution = executor.start(work(tmp_path), items())
    with pytest.raises(WorkerError, match="a fault of the listing"):
        list(execution.results())
    execution.stop()


def test_stopping_ends_what_is_under_way(executor: Executor, tmp_path: Path) -> None:
    execution = executor.start(work(tmp_path), ["slow:60", "slow:61", "ok:1"])
    for _ in execution.results():
        if (tmp_path / "slow_60").exists() and (tmp_path / "slow_61").exists():
            break
    start = time.monotonic()
    execution.stop()
    assert time.monotonic() - start < 10
    assert {"slow:60", "slow:61"} <= set((tmp_path / "deaths").read_text().split())


def test_there_is_a_tick_while_nothing_comes(executor: Executor, tmp_path: Path) -> None:
    execution = executor.start(work(tmp_path), ["slow:1.5"])
    results = list(execution.results())
    execution.stop()
    assert results.count(None) >= 3


@pytest.mark.parametrize(
    ("cluster", "error", "words"),
    [
        (3.5, OptionError, "not float"),
        ("tcp://127.0.0.1:9", WorkerError, "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_what_is_no_cluster(
    cluster: object, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastdcm.batch.dask.executor._CONNECT_SECONDS", 1)
    with pytest.raises(error, match=words):
        executor_of(None, cluster)
