"""One file in this process: no worker to start, and still a time limit and Ctrl-C.

The work is done in a second thread while the calling thread watches; decoders release the
interpreter's lock, so that it can.
"""

from __future__ import annotations

import os
import threading
import time

from fastdcm.batch.convert import Converter, Job
from fastdcm.batch.discovery import Task, failed
from fastdcm.batch.report import Outcome, Progress, Watcher
from fastdcm.errors import WorkerTimeoutError
from fastdcm.kernels import Compiling
from fastdcm.sinks.run import remove_temporaries

_TICK_SECONDS = 0.1
#: After Ctrl-C, a frame that is nearly done may still be finished.
_GRACE_SECONDS = 0.3


class _Cancelled(BaseException):
    """Ends the second thread at the next frame."""


class _Work:
    def __init__(self, task: Task, job: Job, outcome: Outcome) -> None:
        self._task, self._job, self._outcome = task, job, outcome
        self._timeout = job.options.timeout
        self._cancelled = False
        self.done = threading.Event()
        self.deadline = float("inf")
        self.frame: int | None = None
        self.begun = 0
        self.parts: list[Task] = []
        self.converter: Converter | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            converter = self.converter = Converter(self._job)
            self.deadline = time.monotonic() + self._timeout
            self.parts = converter.convert(self._task, False, self._beat, self._outcome)
        except _Cancelled:
            return
        except BaseException as error:  # raised again in the calling thread
            self.error = error
        finally:
            self.done.set()

    def _beat(self, frame: int, seconds: float) -> None:
        if self._cancelled:
            raise _Cancelled
        self.frame = frame
        self.begun += not self.phase
        self.deadline = time.monotonic() + seconds

    @property
    def phase(self) -> str:
        """What is done before frames are converted."""
        return self.converter.phase if self.converter else ""

    def cancel(self) -> None:
        self._cancelled = True
        self.done.wait(_GRACE_SECONDS)
        remove_temporaries(self._task.folder or ".", self._job.run.prefix(os.getpid()))


def convert_alone(task: Task, job: Job, watcher: Watcher, outcome: Outcome) -> list[Task]:
    """`Converter.convert`, with a `WorkerTimeoutError` in the outcome after its time.

    Raises KeyboardInterrupt after removing what is unfinished.
    """
    work = _Work(task, job, outcome)
    threading.Thread(target=work.run, daemon=True).start()
    try:
        while not work.done.wait(_TICK_SECONDS):
            compiling = bool(Compiling.under_way)
            begun, phase = max(0, work.begun - 1), work.phase
            watcher.tick(Progress(0, begun, 0, 1, complete=True, compiling=compiling, phase=phase))
            if compiling:
                work.deadline = max(work.deadline, time.monotonic() + job.options.timeout)
            if time.monotonic() > work.deadline:
                work.cancel()
                error = WorkerTimeoutError("took longer than its time limit (--timeout)", frame=work.frame)
                outcome.failures += failed(task.source, error).failures
                return []
    except KeyboardInterrupt:
        work.cancel()
        raise
    if work.error is not None:
        raise work.error
    return work.parts
