"""Jobs of one image shared by threads that are kept: to start new ones takes as long as a small image."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

Job = Callable[[], object]

#: Of all images that are decoded at the same time; those who ask for more do with fewer.
_MOST_HELPERS = 64


@cache
def _helpers() -> ThreadPoolExecutor:
    """Threads that wait for jobs; there are as many as there were ever needed together."""
    return ThreadPoolExecutor(_MOST_HELPERS, "fastdcm")


if hasattr(os, "register_at_fork"):  # a new process has none of the threads
    os.register_at_fork(after_in_child=_helpers.cache_clear)


def run(jobs: Iterable[Job], threads: int) -> None:
    """Do all jobs by the calling thread and up to ``threads`` - 1 others; each takes the next that is left.

    Jobs begin in their order, so that one may wait for what earlier ones do. Others are not waited for where
    they have not begun when no job is left. After an error no further job begins; it is raised when those
    that began have ended.
    """
    if threads <= 1:
        for job in jobs:
            job()
        return
    left = deque(jobs)

    def take() -> None:
        try:
            while left:
                try:
                    job = left.popleft()
                except IndexError:  # another thread took it
                    return
                job()
        except BaseException:
            left.clear()
            raise

    helpers = [_helpers().submit(take) for _ in range(min(threads, len(left)) - 1)]
    try:
        take()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        errors = [helper.exception() for helper in begun]
    for error in errors:
        if error is not None:
            raise error
