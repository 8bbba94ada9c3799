"""What happens on a Dask worker: chunks are done by processes under supervision, which stay for the next
ones.

There is a process for each thread of the Dask worker. They end with the run, when the Dask worker does, and
when they had nothing to do for long: whoever started the run may be gone without a word.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastdcm import __version__, system
from fastdcm.batch.dask.messages import BEGUN, Done, Setup
from fastdcm.batch.feed import Entry, Feed
from fastdcm.batch.pool import Pool
from fastdcm.batch.stock import Stock
from fastdcm.errors import WorkerError
from fastdcm.kernels.places import private_cache

#: A process that had nothing to do for so long is ended; the next chunk starts another one.
_IDLE_SECONDS = 60.0
_LOOK_SECONDS = 10.0
#: What was killed has so long to be cleared away.
_ENDING_SECONDS = 10.0
#: Runs of which it is remembered that they have ended, so that a late chunk is not begun.
_ENDED = 1000


def do(run: str, setup: bytes, chunk: bytes) -> bytes:
    """The task of Dask: do a `Chunk` of a run, as its `Setup` says, and give what is `Done`, all pickled.

    Raises `WorkerError` where that is not possible on this machine.
    """
    from distributed import get_worker

    crew = _CREWS.of(run, setup)
    number, entries, to_come = pickle.loads(chunk)
    worker = get_worker()
    worker.log_event(BEGUN, [run, number, worker.address])
    return pickle.dumps(crew.do(entries, to_come), pickle.HIGHEST_PROTOCOL)


async def finish(run: str) -> None:
    """End the processes of a run in this Dask worker, whatever they are at; for `distributed.Client.run`."""
    await asyncio.to_thread(_CREWS.end, run)


class Crew:
    """The processes of one run in this Dask worker."""

    def __init__(self, setup: Setup) -> None:
        self._work = setup.work.elsewhere()
        # So that relative paths in options lead to where they do for whoever started the run.
        self._folder = setup.folder if os.path.isdir(setup.folder) else None
        self._stock = Stock()
        self._pools: set[Pool] = set()
        self._changed = threading.Condition()
        self._ended = False
        #: When it was asked for something last.
        self.asked = time.monotonic()

    def do(self, entries: list[Entry], to_come: int) -> Done:
        """Have items done by one process. Raises `WorkerError` where none can be started."""
        work, share = self._work, _Share(entries, self._work.together)
        with _may_compile(self._stock) as may_compile:
            pool = Pool(
                work.task,
                work.argument,
                share,
                workers=1,
                timeout=work.timeout,
                after_death=work.died,
                stock=self._stock,
                to_come=to_come,
                may_compile=may_compile,
                folder=self._folder,
            )
            self._begin(pool)
            try:
                results = [result for result in pool.results() if result is not None]
            finally:
                results_left = pool.stop()
                with self._changed:
                    self._pools.discard(pool)
                    self.asked = time.monotonic()
                    self._changed.notify_all()
        return Done(results + results_left, share.parts, share.seconds, pool.waited)

    def _begin(self, pool: Pool) -> None:
        with self._changed:
            if self._ended:
                raise WorkerError("the run has ended")
            self._pools.add(pool)

    def end(self) -> None:
        """Kill what is under way, and wait until what it left is removed."""
        with self._changed:
            self._ended = True
            for pool in self._pools:
                pool.halt()
            self._changed.wait_for(lambda: not self._pools, _ENDING_SECONDS)
        self._stock.close()

    def rests(self) -> bool:
        """End processes that have had nothing to do for long; whether that is all of them."""
        if not self._pools and time.monotonic() - self.asked > _IDLE_SECONDS:
            self._stock.close()
            return True
        self._stock.close(idle_for=_IDLE_SECONDS)
        return False


class _Crews:
    """Those of all runs that this Dask worker has been given chunks of."""

    def __init__(self) -> None:
        self._crews: dict[str, Crew] = {}
        self._ended: deque[str] = deque(maxlen=_ENDED)
        self._lock = threading.Lock()
        self._looking = False

    def of(self, run: str, packed: bytes) -> Crew:
        """The crew of a run, whose `Setup` is pickled, as it may be large: it is unpacked once.

        Raises `WorkerError` where the run has ended, or is of another version of this program.
        """
        with self._lock:
            if (crew := self._crews.get(run)) is not None:
                crew.asked = time.monotonic()
                return crew
            if run in self._ended:
                raise WorkerError("the run has ended")
            setup: Setup = pickle.loads(packed)
            if setup.version != __version__:
                raise WorkerError(f"it has fastdcm {__version__}, the run {setup.version}: install the same")
            crew = self._crews[run] = Crew(setup)
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, name="fastdcm-idle", daemon=True).start()
            return crew

    def end(self, run: str) -> None:
        """The run has ended."""
        with self._lock:
            self._ended.append(run)
            crew = self._crews.pop(run, None)
        if crew is not None:
            crew.end()

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                self._crews = {run: crew for run, crew in self._crews.items() if not crew.rests()}
                if not self._crews:
                    self._looking = False
                    return


_CREWS = _Crews()


class _Share(Feed):
    """The items of one chunk, for one process; parts of large objects are for all workers of the run."""

    def __init__(self, entries: list[Entry], together: int) -> None:
        super().__init__(1, together=together)
        self._items.extend(entries)
        self.complete = True
        self.parts: list[Any] = []
        self.seconds = 0.0

    def learn(self, items: int, seconds: float) -> None:
        self.seconds += seconds
        super().learn(items, seconds)

    def done(self, items: int, parts: list[Any]) -> None:
        self.parts += parts
        super().done(items, [])


@contextmanager
def _may_compile(stock: Stock) -> Iterator[bool]:
    """Whether the process of a chunk may compile kernels: one of a machine does, the others find them
    then."""
    folder = None if stock.compiled else private_cache()
    if folder is None:
        yield True
        return
    locked = system.try_lock(os.path.join(folder, "compiling"))
    try:
        yield locked is not None
    finally:
        if locked is not None:
            os.close(locked)
