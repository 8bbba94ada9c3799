"""Work that is done by processes of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Any

from fastdcm import system
from fastdcm.batch.executor import Execution, Executor, Work

if TYPE_CHECKING:
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.report import Outcome


class LocalExecutor(Executor):
    """So many child processes, None for as many as there are usable cores; they start with the work."""

    def __init__(self, jobs: int | None) -> None:
        self._jobs = jobs or system.usable_cores()

    @property
    def workers(self) -> int:
        return self._jobs

    def start(self, work: Work, items: Iterable[Task | Outcome]) -> Execution:
        return _LocalExecution(work, items, self._jobs)


class _LocalExecution(Execution):
    def __init__(self, work: Work, items: Iterable[Task | Outcome], jobs: int) -> None:
        # Not needed, and not imported, for a single file.
        from fastdcm.batch.feed import Feed
        from fastdcm.batch.feeding import feed_from
        from fastdcm.batch.pool import Pool

        self._feed = Feed(jobs, together=work.together)
        self._pool = Pool(
            work.task,
            work.argument,
            self._feed,
            workers=jobs,
            timeout=work.timeout,
            after_death=work.died,
        )
        Thread(target=feed_from, args=(items, self._feed, self._pool), daemon=True).start()

    @property
    def complete(self) -> bool:
        return self._feed.complete

    def results(self) -> Iterator[Any]:
        return self._pool.results()

    def stop(self) -> list[Any]:
        results = self._pool.stop()
        self.waited = self._pool.waited
        return results
