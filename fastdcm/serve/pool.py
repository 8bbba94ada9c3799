"""Child processes that read files: as many as cores, each doing one thing at a time, within a time limit.

A crash or a hang of one ends one request; another process takes its place. Requests wait in a bounded queue.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import struct
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fastdcm import errors, system
from fastdcm.errors import FastdcmError, WorkerCrashError, WorkerError, WorkerTimeoutError
from fastdcm.serve.refusal import RefusalError

#: Seconds in which a process must have come up; and in which it ends by itself when its input does.
_START_SECONDS, _LEAVE_SECONDS = 120.0, 2.0
#: What is read ahead of an answer.
_BUFFER = 4 << 20
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class _Worker:
    """One process; one coroutine at a time uses it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        self._requests, self._replies = process.stdin, process.stdout
        #: The file that it read last, which it has open still.
        self.path = ""

    @classmethod
    async def start(cls, settings: Any) -> _Worker:
        """A process that is ready. Raises `WorkerError`."""
        environment = {
            **dict.fromkeys(_ONE_THREAD, "1"),
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "fastdcm.serve.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # What libraries print may tell paths, and so names.
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            limit=_BUFFER,
            **system.own_session(),
        )
        worker = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker.ask(settings)
        except (OSError, EOFError, TimeoutError) as error:
            ended = await worker.kill(ended=isinstance(error, EOFError))
            raise WorkerError(f"a worker cannot start: it {ended}") from error
        return worker

    async def ask(self, message: Any) -> Any:
        """The reply to a message. Raises `EOFError` or `OSError` where the process has ended."""
        data = pickle.dumps(message, protocol=5)
        self._requests.write(struct.pack("<Q", len(data)) + data)
        await self._requests.drain()
        (length,) = struct.unpack("<Q", await self._replies.readexactly(8))
        return pickle.loads(await self._replies.readexactly(length))

    async def kill(self, *, ended: bool = False) -> str:
        """End it now; how it ended, in words. One that seems to have ``ended`` has a moment to do so.

        Sending a signal to what has ended would take its status away from whoever waits for it.
        """
        if ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEAVE_SECONDS):
                    await self._process.wait()
        with suppress(ProcessLookupError):
            if self._process.returncode is None:
                self._process.kill()
        return system.describe_exit(await self._process.wait())

    async def leave(self) -> None:
        """Let it end, or end it."""
        self._requests.close()
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            await self.kill()


class Pool:
    """Has tasks done by child processes.

    ``settings`` is what each is told first. ``queue`` tasks may wait for a process; ``timeout`` are the
    seconds that one may take. ``restarted`` is called for each process that had to be replaced.
    """

    def __init__(
        self, settings: Any, *, jobs: int, queue: int, timeout: float, restarted: Callable[[], None]
    ) -> None:
        self._settings, self.jobs, self._queue, self._timeout = settings, jobs, queue, timeout
        self._restarted = restarted
        self._idle: list[_Worker] = []
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._impatient = 0
        self._busy: set[_Worker] = set()
        self._closed = False
        self._starting: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Tasks that wait for a process."""
        return len(self._waiting)

    @property
    def busy(self) -> int:
        """Processes that work."""
        return len(self._busy)

    async def start(self) -> None:
        """Start all processes. Raises `WorkerError`."""
        self._idle += await asyncio.gather(*(_Worker.start(self._settings) for _ in range(self.jobs)))

    async def close(self) -> None:
        """End all processes; what they are at is lost."""
        self._closed = True
        for future in self._waiting:
            future.cancel()
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*(worker.kill() for worker in self._busy), return_exceptions=True)
        await asyncio.gather(*(worker.leave() for worker in self._idle), return_exceptions=True)

    async def run(self, task: str, path: str, *arguments: Any, patient: bool = False) -> Any:
        """What a function of `fastdcm.serve.tasks` gives for a file, relative to the folder.

        One that is ``patient`` waits however many wait already: those of a request that asks for many, which
        come one after the other. Raises what the function raises, `WorkerCrashError`, `WorkerTimeoutError`,
        and `RefusalError` where too many wait.
        """
        worker = await self._acquire(path, patient=patient)
        try:
            async with asyncio.timeout(self._timeout):
                failed, result = await worker.ask((task, path, arguments))
        except TimeoutError:
            await self._replace(worker)
            raise WorkerTimeoutError(
                f"it took longer than {self._timeout:g} s, which no request may"
            ) from None
        except (OSError, EOFError) as error:
            ended = await self._replace(worker, ended=True)
            raise WorkerCrashError(f"the process that read the object {ended}") from error
        except BaseException:
            await self._replace(worker)  # what it will answer is not for the next one
            raise
        worker.path = path
        self._busy.discard(worker)
        self._release(worker)
        if failed:
            raise _error(*result)
        return result

    async def _acquire(self, path: str, *, patient: bool) -> _Worker:
        if self._idle:
            # One that has the file open is quicker; else the one that worked last: its memory is warm.
            at = next((at for at, one in enumerate(self._idle) if one.path == path), -1)
            worker = self._idle.pop(at)
        else:
            if not patient and self._impatient >= self._queue:
                raise RefusalError(503, "too many requests wait already: try again", {"Retry-After": "1"})
            future: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            self._impatient += not patient
            try:
                worker = await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self._release(future.result())
                raise
            finally:
                self._impatient -= not patient
                with suppress(ValueError):
                    self._waiting.remove(future)
        self._busy.add(worker)
        return worker

    def _release(self, worker: _Worker) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(worker)
                return
        self._idle.append(worker)

    async def _replace(self, worker: _Worker, *, ended: bool = False) -> str:
        """End a process and have another one start; how it ended, in words."""
        self._busy.discard(worker)
        how = await worker.kill(ended=ended)
        if not self._closed:
            self._restarted()
            task = asyncio.create_task(self._start_another())
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)
        return how

    async def _start_another(self) -> None:
        while True:
            try:
                worker = await _Worker.start(self._settings)
            except (WorkerError, OSError):
                await asyncio.sleep(1)  # the machine may be out of memory; requests wait, and are refused
                continue
            self._release(worker)
            return


def _error(name: str, message: str, frame: int | None) -> FastdcmError:
    """The error that a worker told of."""
    kind: type[FastdcmError] = getattr(errors, name, FastdcmError)
    return kind(message, frame=frame)
