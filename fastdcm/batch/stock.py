"""Worker processes that are kept from one pool to the next, so that not each has to start its own."""

from __future__ import annotations

import threading
import time

from fastdcm.batch.process import WorkerProcess


class Stock:
    """Idle workers, all of which were told the same; many threads may use it.

    ``compiled`` tells that one of them has compiled kernels, or found them in their cache.
    """

    def __init__(self) -> None:
        self._idle: list[tuple[float, WorkerProcess]] = []
        self._lock = threading.Lock()
        self._closed = False
        self.compiled = False

    def take(self) -> WorkerProcess | None:
        """The one that was kept last; None where there is none."""
        with self._lock:
            return self._idle.pop()[1] if self._idle else None

    def keep(self, process: WorkerProcess) -> bool:
        """Keep one that has nothing to do; False where nothing is kept any more."""
        with self._lock:
            if self._closed:
                return False
            self._idle.append((time.monotonic(), process))
            return True

    def close(self, *, idle_for: float = 0.0) -> None:
        """End those that have had nothing to do for so long; without a time all, and keep none from now
        on."""
        before = time.monotonic() - idle_for
        with self._lock:
            self._closed |= not idle_for
            ended = [process for since, process in self._idle if since <= before]
            self._idle = [(since, process) for since, process in self._idle if since > before]
        for process in ended:
            process.close()
