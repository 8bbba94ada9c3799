"""Workers under supervision: one thread each, time limits, second tries, and no lost items."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastdcm.batch.executor import Lost
from fastdcm.batch.feed import Entry, Feed
from fastdcm.batch.process import WorkerProcess
from fastdcm.batch.protocol import Outlook
from fastdcm.errors import WorkerCrashError, WorkerError, WorkerTimeoutError

if TYPE_CHECKING:
    from fastdcm.batch.stock import Stock

#: How often deadlines are looked at and the caller gets to do something.
TICK_SECONDS = 0.1
#: Results that may wait for the caller.
_WAITING_RESULTS = 1024
#: In so long the first file is found, unless a folder has thousands: then a worker starts meanwhile.
_PATIENCE_SECONDS = 0.002
#: Workers that die one after another before they begin anything: something is wrong with all.
_IDLE_DEATHS = 3


class _Ended:
    """A thread's last event."""


class Pool:
    """Runs a task function over the items of a feed, in ``workers`` processes.

    ``task`` is ``module:name`` of something that makes the function from ``argument``, in the
    worker. The function takes (item, own, beat) and returns (result, parts); parts are items that
    take the item's place, and then the result counts for nothing. A result of None is one of which
    there is nothing to tell; the function's ``counted()`` gives the results, for any number of items
    together, that tell of those since its last call. ``after_death`` is called with the item under
    way (or None) and the number of a process that did not end by itself. The function's
    ``foresee(outlook)`` is called before each chunk, its ``has_compiled()`` after it, and
    ``announce(items)`` with a few items that come next before each one.

    Workers come from the ``stock``, where there is one, and go back to it. They are told that ``to_come``
    items will come besides those of the feed; without ``may_compile`` none of them is told to compile
    kernels, as somebody else does. They work in ``folder``, where it is given.
    """

    def __init__(
        self,
        task: str,
        argument: object,
        feed: Feed,
        *,
        workers: int,
        timeout: float,
        after_death: Callable[[Any, int], None],
        stock: Stock | None = None,
        to_come: int = 0,
        may_compile: bool = True,
        folder: str | None = None,
    ) -> None:
        self._task, self._argument, self._timeout = task, argument, timeout
        self._feed = feed
        self._after_death = after_death
        self._events: queue.Queue[Any] = queue.Queue(_WAITING_RESULTS)
        self._workers = workers
        self._processes: set[WorkerProcess] = set()
        self._stock, self._to_come, self._folder = stock, to_come, folder
        self._may_compile = may_compile
        self._compiler: WorkerProcess | None = None
        self._compiled = stock is not None and stock.compiled
        self._lock = threading.Lock()
        self._stopping = False
        self._fatal: WorkerError | None = None
        self._serving = workers
        #: Seconds in which workers were ready and nothing was handed out to them yet.
        self.waited = 0.0
        self._threads = [
            threading.Thread(target=self._run, args=(number == 0,), daemon=True) for number in range(workers)
        ]

    def results(self) -> Iterator[Any]:
        """Results and `Lost` items as they come, and None at least every `TICK_SECONDS`.

        Raises `WorkerError` where no worker can be started.
        """
        for thread in self._threads:
            thread.start()
        alive = len(self._threads)
        next_tick = time.monotonic() + TICK_SECONDS
        while alive:
            try:
                event = self._events.get(timeout=TICK_SECONDS)
            except queue.Empty:
                event = None
            if isinstance(event, _Ended):
                alive -= 1
            elif event is not None:
                yield from event
            if time.monotonic() >= next_tick:
                self._end_overdue()
                next_tick = time.monotonic() + TICK_SECONDS
                yield None
        if self._fatal is not None:
            raise self._fatal

    def emit(self, *results: object) -> bool:
        """Put results among those of the workers; False where the pool was stopped."""
        return self._put(results)

    def _put(self, event: object) -> bool:
        while True:
            try:
                self._events.put(event, timeout=TICK_SECONDS)
                return not self._stopping
            except queue.Full:
                if self._stopping:
                    return False

    def stop(self) -> list[Any]:
        """Kill the workers and wait until what they left is removed; returns the last results."""
        self.halt()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=5)
        results: list[Any] = []
        with suppress(queue.Empty):
            while True:
                event = self._events.get_nowait()
                results += () if isinstance(event, _Ended) else event
        return results

    def halt(self) -> None:
        """Kill the workers, without waiting for anything."""
        self._stopping = True
        self._feed.stop()
        with self._lock:
            for process in self._processes:
                process.kill()

    def fail(self, error: WorkerError) -> None:
        """End the run with an error."""
        self._fatal = self._fatal or error
        self._feed.stop()

    def _end_overdue(self) -> None:
        now = time.monotonic()
        with self._lock:
            for process in self._processes:
                if now > process.board.deadline:
                    process.overdue = True
                    process.kill()

    def _run(self, first: bool) -> None:
        """Serve one worker; the first one is started before it is known that there is work for it."""
        process: WorkerProcess | None = None
        idle_deaths = 0
        try:
            if first and self._feed.expects(_PATIENCE_SECONDS):
                try:
                    process = self._start()
                except WorkerError as error:
                    return self._retire(error)
            while (chunk := self._feed.take()) is not None:
                try:
                    process = process or self._start()
                except WorkerError as error:
                    self._feed.give_back(chunk)
                    return self._retire(error)
                begun = self._have_done(process, chunk)
                idle_deaths = 0 if begun else idle_deaths + 1
                if idle_deaths >= _IDLE_DEATHS:
                    return self._retire(WorkerCrashError("workers end before they begin a file"))
                if process.ended:
                    process = None
            if process is not None and self._is_kept(process):
                process = None
            self._retire(None)
        except BaseException as error:  # a fault of this module ends the run, it does not hang it
            self.fail(WorkerError(f"{type(error).__name__}: {error}"))
            raise
        finally:
            if process is not None:
                self._forget(process)
            self._put(_Ended())

    def _retire(self, error: WorkerError | None) -> None:
        """This thread ends; where it is the last and ends with an error, the run does."""
        with self._lock:
            self._serving -= 1
            last = self._serving == 0
        if error is not None and last:
            self.fail(error)

    def _start(self) -> WorkerProcess:
        kept = None if self._stock is None else self._stock.take()
        process = kept or WorkerProcess(self._timeout, self._folder)
        with self._lock:
            self._processes.add(process)
            if self._stopping:
                process.kill()
        if kept is not None:
            return kept
        try:
            process.greet(self._task, self._argument)
        except WorkerError:
            self._forget(process)
            raise
        return process

    def _is_kept(self, process: WorkerProcess) -> bool:
        """Whether a worker that has nothing more to do is in the stock now."""
        with self._lock:
            if self._stock is None or self._stopping:
                return False
            self._processes.discard(process)
            self.waited += process.board.waited
            process.board.waited = 0.0
        self._stock.compiled |= self._compiled
        return self._stock.keep(process)

    def _forget(self, process: WorkerProcess) -> None:
        with self._lock:
            self._processes.discard(process)
            self.waited += process.board.waited
        process.close()

    def _have_done(self, process: WorkerProcess, chunk: list[Entry]) -> bool:
        """Whether the process began any item of the chunk; it may not have survived it."""
        start = time.monotonic()
        done, over = 0, False
        for over, items, results in process.converse(chunk, self._outlook(process, len(chunk))):  # noqa: B007
            done += items
            if told := [result for result, parts in results if not parts]:
                self.emit(*told)
            self._feed.done(items, [part for _, parts in results for part in parts])
        if over:
            self._feed.learn(done, time.monotonic() - start)
            self._feed.give_back(chunk[done:])
            self._compiled |= process.board.compiled
            return True
        begun = process.board.begun
        self._bury(process, chunk, done, begun)
        return begun > 0

    def _outlook(self, process: WorkerProcess, items: int) -> Outlook:
        with self._lock:
            if self._compiler not in self._processes:
                self._compiler = process
        may_compile = self._compiled or (self._may_compile and process is self._compiler)
        return Outlook(items + self._feed.waiting // self._workers + self._to_come, may_compile)

    def _bury(self, process: WorkerProcess, chunk: list[Entry], done: int, begun: int) -> None:
        """A process is gone in the middle of a chunk: nothing of it may be lost.

        What came of items that it had finished but not told of is not known; they are done again.
        """
        under_way = chunk[begun - 1] if begun > done else None
        error = self._why(process)
        self._forget(process)
        self._after_death(None if under_way is None else under_way[0], process.pid)
        if under_way is None:
            return self._feed.give_back(chunk[done:])
        again = [(item, True) for item, _ in chunk[done : begun - 1]]
        self._feed.give_back(again + chunk[begun:])
        if self._stopping:
            return None
        item, own = under_way
        if own or process.overdue:
            self.emit(Lost(item, error))
            self._feed.done(1, [])
        else:
            self._feed.retry(item)

    def _why(self, process: WorkerProcess) -> WorkerError:
        frame = process.board.frame
        if process.overdue:
            return WorkerTimeoutError("took longer than its time limit (--timeout)", frame=frame)
        error = WorkerCrashError(f"its worker {process.describe_end()}, twice", frame=frame)
        error.add_note(process.tail())
        return error
