"""Jobs of one image shared by threads that are kept: to start new ones takes as long as a small image."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count
from queue import SimpleQueue
from threading import Lock, Thread

Job = Callable[[], object]

#: Of all images that are decoded at the same time; those who ask for more do with fewer.
_MOST_HELPERS = 64


class _Call:
    """A function for another thread to call, if it comes to that before the one that asks has given up."""

    def __init__(self, function: Job) -> None:
        self._function = function
        self._claim, self._ended = Lock(), Lock()
        self._ended.acquire()
        self._error: BaseException | None = None

    def __call__(self) -> None:
        if self._claim.acquire(blocking=False):
            try:
                self._function()
            except BaseException as error:
                self._error = error
            finally:
                self._ended.release()

    def end(self) -> BaseException | None:
        """Wait for what has begun, and see that it does not begin any more; what the function raised."""
        if not self._claim.acquire(blocking=False):
            self._ended.acquire()
        return self._error


class _Helper:
    """A thread that waits for calls.

    Those of `concurrent.futures` begin 0.1 ms after they are asked, these after 0.01.
    """

    def __init__(self) -> None:
        self.calls: SimpleQueue[_Call] = SimpleQueue()
        Thread(target=self._serve, name="fastdcm", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.calls.get()()
            _IDLE.append(self)


#: Threads without a call; how many there ever were.
_IDLE: deque[_Helper] = deque()
_numbers = count()


def _forget() -> None:
    """A new process has none of the threads."""
    global _numbers
    _IDLE.clear()
    _numbers = count()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _helper() -> _Helper | None:
    try:
        return _IDLE.pop()
    except IndexError:
        return _Helper() if next(_numbers) < _MOST_HELPERS else None


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

    helpers = [helper for _ in range(min(threads, len(left)) - 1) if (helper := _helper())]
    calls = [_Call(take) for _ in helpers]
    try:
        for helper, call in zip(helpers, calls, strict=True):
            helper.calls.put(call)
        take()
    finally:
        errors = [call.end() for call in calls]
    for error in errors:
        if error is not None:
            raise error


def in_turn(first: Sequence[Job], then: Sequence[Job]) -> list[Job]:
    """Jobs for `run`, of which those that come ``then`` begin when all the ``first`` have ended."""
    left, gate = deque(range(len(first))), Lock()
    if first:
        gate.acquire()

    def end(job: Job) -> None:
        try:
            job()
        finally:
            if left.pop() == 0:  # one thread only gets it, the last
                gate.release()

    def wait(job: Job) -> None:
        with gate:
            pass
        job()

    return [*(partial(end, job) for job in first), *(partial(wait, job) for job in then)]
