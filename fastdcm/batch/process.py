"""The parent's end of one worker process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from fastdcm import system
from fastdcm.batch import protocol
from fastdcm.batch.board import BOARD_BYTES, Board
from fastdcm.errors import WorkerError

#: A worker that has not said READY after so long never will.
START_SECONDS = 120.0
#: A worker whose pipe is closed ends by itself, or is ended.
_LEAVE_SECONDS = 5.0
_TAIL_BYTES = 4000
#: One thread a worker is what the run counts on; libraries would start one a core each.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class WorkerProcess:
    """Starts a worker, talks to it, ends it. One thread uses it; others may read its state and `kill`.

    ``board`` tells what it is at; the process must be closed before it is given up. It works in ``folder``,
    where it is given.
    """

    def __init__(self, timeout: float, folder: str | None = None) -> None:
        self._timeout = timeout
        self.overdue = False
        self.ended = False
        try:
            self._log, self.board = _log_with_board()
        except OSError as error:
            raise WorkerError(f"a worker has no place for its log: {error.strerror or error}") from error
        self.board.deadline = time.monotonic() + START_SECONDS
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "fastdcm.batch.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(),
                cwd=folder,
                **system.own_process_group(),
            )
        except OSError as error:
            self._close_log()
            raise WorkerError(f"a worker cannot be started: {error.strerror or error}") from error
        self.pid = self._child.pid
        self._requests = cast(BinaryIO, self._child.stdin)
        self._replies = cast(BinaryIO, self._child.stdout)

    def greet(self, task: str, argument: object) -> None:
        """Tell it what to do and wait until it is ready. Raises `WorkerError`."""
        try:
            protocol.send(self._requests, protocol.SETUP, (task, argument, self._timeout))
            ready = protocol.receive(self._replies) is not None
        except OSError:
            ready = False
        if not ready:
            raise WorkerError(f"a worker cannot start: it {self.describe_end()}\n{self.tail()}".rstrip())
        self.board.deadline = float("inf")

    def converse(self, chunk: list[tuple[Any, bool]], outlook: object) -> Iterator[tuple[bool, int, Any]]:
        """Have a chunk done: whether it is over, how many further items are done, what came of them.

        It is not over where the worker dies, and may be before all items are begun.
        """
        self.board.expect_chunk(time.monotonic() + self._timeout)
        try:
            protocol.send(self._requests, protocol.CHUNK, (chunk, outlook))
        except OSError:
            return
        while (message := protocol.receive(self._replies)) is not None:
            kind, (done, results) = message
            yield kind == protocol.END, done, results
            if kind == protocol.END:
                return

    def kill(self) -> None:
        """End it at once; its thread then finds the pipe closed."""
        self._child.kill()

    def describe_end(self) -> str:
        """How it ended, in words; one that closed its pipe and stays is ended."""
        try:
            return system.describe_exit(self._child.wait(_LEAVE_SECONDS))
        except subprocess.TimeoutExpired:
            self._child.kill()
            return "closed its pipe and did not end"

    def tail(self) -> str:
        """The end of what it wrote to standard error."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(BOARD_BYTES, size - _TAIL_BYTES))
        return self._log.read().decode("utf-8", "replace")

    def close(self) -> None:
        """Let it end by closing its input, and wait; nothing happens where it has ended."""
        for stream in (self._requests, self._replies):
            try:
                stream.close()
            except OSError:
                continue  # unsent bytes to a worker that is gone
        self._child.wait()
        self._close_log()
        self.ended = True

    def _close_log(self) -> None:
        self.board.close()
        self._log.close()


def _log_with_board() -> tuple[BinaryIO, Board]:
    log = system.unnamed_file()
    try:
        # Written, because storing into a hole of a file ends the process where the disk is full.
        log.write(bytes(BOARD_BYTES))
        return log, Board(log.fileno())
    except BaseException:
        log.close()
        raise


def _environment() -> dict[str, str]:
    """The child finds modules where this process does, and uses one thread."""
    places = [os.path.abspath(place) for place in sys.path]
    return {
        **dict.fromkeys(_ONE_THREAD, "1"),
        **os.environ,
        "PYTHONPATH": os.pathsep.join(places),
    }
