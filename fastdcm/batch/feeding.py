"""What is found, to those who work at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from fastdcm.batch.report import Outcome
from fastdcm.errors import WorkerError

if TYPE_CHECKING:
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.feed import Feed


class Results(Protocol):
    """Where results go, and what ends the work."""

    def emit(self, *results: object) -> bool:
        """Put results among those of the workers; False where the work was stopped."""

    def fail(self, error: WorkerError) -> None:
        """End the work with an error."""


def feed_from(items: Iterable[Task | Outcome], feed: Feed, results: Results) -> None:
    """Put tasks into the feed, outcomes among the results; to be run in a thread of its own."""
    try:
        for item in items:
            if not (results.emit(item) if isinstance(item, Outcome) else feed.put(item)):
                return
    except Exception as error:  # nobody else would see it, and the run would never end
        results.fail(WorkerError(f"looking for files failed: {type(error).__name__}: {error}"))
    finally:
        feed.finish()
