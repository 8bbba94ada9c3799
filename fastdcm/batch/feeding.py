"""What is found, to those who work at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fastdcm.batch.report import Outcome
from fastdcm.errors import WorkerError

if TYPE_CHECKING:
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.feed import Feed
    from fastdcm.batch.pool import Pool


def feed_from(items: Iterable[Task | Outcome], feed: Feed, pool: Pool) -> None:
    """Put tasks into the feed, outcomes among the pool's results; to be run in a thread of its own."""
    try:
        for item in items:
            if not (pool.emit(item) if isinstance(item, Outcome) else feed.put(item)):
                return
    except Exception as error:  # nobody else would see it, and the run would never end
        pool.fail(WorkerError(f"looking for files failed: {type(error).__name__}: {error}"))
    finally:
        feed.finish()
