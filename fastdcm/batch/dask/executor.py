"""A Dask cluster as an executor: chunks go to it as tasks of bounded size, and what they tell comes back."""

from __future__ import annotations

import json
import os
import pickle
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from fastdcm import __version__, system
from fastdcm.batch.dask.crew import do, finish
from fastdcm.batch.dask.messages import BEGUN, Chunk, Done, Setup
from fastdcm.batch.executor import Execution, Executor, Lost, Work
from fastdcm.batch.feed import Entry, Feed
from fastdcm.batch.feeding import feed_from
from fastdcm.errors import OptionError, WorkerCrashError, WorkerError

if TYPE_CHECKING:
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.report import Outcome

_TICK_SECONDS = 0.1
#: How long what is found waits at most, where workers have nothing to do.
_FOUND_SECONDS = 0.01
#: How often it is looked which workers the cluster has now.
_LOOK_SECONDS = 1.0
#: A scheduler has so many tasks a second to do with at most, a third of what it can (benches/scheduling.py),
#: so that chunks take longer on larger clusters; and never less than the second is.
_TASKS_A_SECOND, _CHUNK_SECONDS = 100, 1.0
#: Items of a chunk: as many as 0.5 MB can name. At the end chunks take a part of this of their time.
_CHUNK_ITEMS, _SHRINK = 4096, 8
#: Chunks for each thread of the cluster, so that none waits for the next one, and joining workers get some.
_CHUNKS_A_THREAD = 2.5
#: Items a thread, and of all, that discovery may be ahead, of 350 bytes each.
_AHEAD, _MOST_AHEAD = 4096, 500_000
#: Results that may wait for the caller.
_WAITING_RESULTS = 1024
#: What Dask does again of itself: a chunk whose machine cannot start a process, or has no fastdcm.
_RETRIES = 2
_CONNECT_SECONDS = 30
#: After so long without any worker of the cluster it is told that none is there.
_LONELY_SECONDS = 3.0
_NO_WORKERS = "no workers in the Dask cluster yet"

#: How often each chunk was begun, by the name of the run; that of a client's events, which are of all its
#: runs.
_BEGUN: dict[str, Counter[int]] = {}


def _note_begun(event: Any) -> None:
    run, number, _ = event[1]
    if (begun := _BEGUN.get(run)) is not None:
        begun[number] += 1


class DaskExecutor(Executor):
    """A cluster: see `fastdcm.batch.executor.executor_of`."""

    elsewhere = True

    def __init__(self, cluster: object, jobs: int | None) -> None:
        try:
            distributed: Any = import_module("distributed")
        except ImportError as error:
            raise OptionError("a Dask cluster needs distributed: pip install distributed") from error
        self._cluster: Any = None
        self._client: Any = None
        self._workers = 1
        self._is_ours = not isinstance(cluster, distributed.Client)
        if not self._is_ours:
            self._client = cluster
        elif cluster == "local":
            self._cluster = distributed.LocalCluster(
                n_workers=1,
                threads_per_worker=jobs or system.usable_cores(),
                processes=False,  # the work is done by processes of ours
                memory_limit=0,
                # Servers of HTTP are there without a dashboard, too, and would be for all networks.
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
            )
            self._client = distributed.Client(self._cluster, set_as_default=False)
        elif isinstance(cluster, (str, os.PathLike)):
            self._client = _connected(distributed, os.fspath(cluster))
        else:
            raise OptionError(f"dask is an address, 'local' or a Client, not {type(cluster).__name__}")

    @property
    def workers(self) -> int:
        with suppress(WorkerError):  # what it had last will do, where it is gone
            self._workers = max(1, _threads(self._client))
        return self._workers

    def start(self, work: Work, items: Iterable[Task | Outcome]) -> Execution:
        return _DaskExecution(self._client, work, items)

    def close(self) -> None:
        if self._is_ours:
            self._client.close()
            if self._cluster is not None:
                self._cluster.close()


def _connected(distributed: Any, address: str) -> Any:
    place = {"address": address}
    if address.endswith(".json"):
        place = {"scheduler_file": address}
        deadline = time.monotonic() + _CONNECT_SECONDS  # distributed would wait for ever
        while not _is_written(address):
            if time.monotonic() > deadline:
                raise WorkerError(
                    f"no Dask scheduler has written {address}: is it started, and the path right?"
                )
            time.sleep(_TICK_SECONDS)
    try:
        return distributed.Client(**place, timeout=_CONNECT_SECONDS, set_as_default=False, name="fastdcm")
    except OSError as error:
        raise WorkerError(f"no Dask scheduler answers at {address}: {error}") from error
    except ValueError as error:
        raise OptionError(
            f"{address!r} is no address of a Dask scheduler, as tcp://HOST:8786: {error}"
        ) from error


def _is_written(path: str) -> bool:
    """Whether a file of a scheduler is there and whole."""
    try:
        with open(path, "rb") as file:
            return "address" in json.load(file)
    except (OSError, ValueError):
        return False


def _threads(client: Any) -> int:
    try:
        return sum(client.nthreads().values())
    except (OSError, TimeoutError) as error:
        raise WorkerError(f"the Dask scheduler does not answer any more: {error}") from error


class _Open(NamedTuple):
    """A chunk of so many items that is under way; packed, as a large cluster has millions of items."""

    chunk: bytes
    items: int
    future: Any

    @property
    def entries(self) -> list[Entry]:
        found: Chunk = pickle.loads(self.chunk)
        return found.entries


class _DaskExecution(Execution):
    def __init__(self, client: Any, work: Work, items: Iterable[Task | Outcome]) -> None:
        self._client, self._work = client, work
        self._run = f"fastdcm-{uuid4().hex}"
        setup = pickle.dumps(Setup(__version__, os.getcwd(), work), pickle.HIGHEST_PROTOCOL)
        self._threads = 1
        #: When the cluster had workers last.
        self._worked = time.monotonic()
        self._feed = Feed(1, _AHEAD, most=_CHUNK_ITEMS, shrink=_SHRINK, together=work.together)
        self._events: queue.Queue[Any] = queue.Queue(_WAITING_RESULTS)
        self._open: dict[int, _Open] = {}
        self._number = 0
        self._stopping = False
        self._fatal: WorkerError | None = None
        #: Chunks that Dask gave up because workers died, and the one of them that is under way, with nothing
        #: else.
        self._suspects: deque[list[Entry]] = deque()
        self._examined: int | None = None
        #: Items of chunks that were begun more than once.
        self._begun_twice: list[Any] = []
        self._begun = _BEGUN[self._run] = Counter()
        client.subscribe_topic(BEGUN, _note_begun)
        self._look()
        # A task of its own, because it may be large, and Dask makes it anew where it is lost.
        self._setup = client.submit(bytes, setup, key=f"{self._run}-setup", pure=False)
        threading.Thread(target=feed_from, args=(items, self._feed, self), daemon=True).start()

    @property
    def complete(self) -> bool:
        return self._feed.complete

    def emit(self, *results: object) -> bool:
        """Put results among those of the workers; False where the work was stopped."""
        return self._put(results)

    def fail(self, error: WorkerError) -> None:
        """End the work with an error."""
        self._fatal = self._fatal or error
        self._feed.stop()

    def _put(self, event: object, future: object = None) -> bool:
        while not self._stopping:
            with suppress(queue.Full):
                self._events.put(event, timeout=_TICK_SECONDS)
                return True
        return False

    def results(self) -> Iterator[Any]:
        next_tick = next_look = time.monotonic() + _TICK_SECONDS
        while not (self._feed.over and self._events.empty()):
            self._fill()
            # The longer one waits, the more come at once, which costs one question to the cluster.
            events = self._waiting()
            yield from self._settled([event for event in events if isinstance(event, int)])
            for event in events:
                if not isinstance(event, int):
                    yield from event
            now = time.monotonic()
            if now >= next_look:
                self._look()
                next_look = now + _LOOK_SECONDS
            if now >= next_tick:
                yield None
                next_tick = now + _TICK_SECONDS
        if self._fatal is not None:
            raise self._fatal

    def _waiting(self) -> list[Any]:
        """Numbers of chunks that are done, and results, after waiting for the first a little."""
        events = []
        has_room = not self._feed.complete and len(self._open) < self._threads * _CHUNKS_A_THREAD
        with suppress(queue.Empty):
            events.append(self._events.get(timeout=_FOUND_SECONDS if has_room else _TICK_SECONDS))
            while len(events) < _WAITING_RESULTS:
                events.append(self._events.get_nowait())
        return events

    def _look(self) -> None:
        """Chunks fit the cluster as it is now."""
        threads, now = _threads(self._client), time.monotonic()
        if threads:
            self._worked = now
        self.phase = _NO_WORKERS if now - self._worked > _LONELY_SECONDS else ""
        self._threads = max(1, threads)
        seconds = max(_CHUNK_SECONDS, self._threads / _TASKS_A_SECOND)
        self._feed.serve(self._threads, seconds, min(_AHEAD * self._threads, _MOST_AHEAD))

    def _fill(self) -> None:
        while self._examined is None and len(self._open) < self._threads * _CHUNKS_A_THREAD:
            entries = self._feed.take_now()
            if not entries:
                break
            self._send(entries)
        if self._suspects and not self._open:
            self._send(self._suspects.popleft())
            self._examined = self._number

    def _send(self, entries: list[Entry]) -> None:
        self._number += 1
        to_come = self._feed.waiting // self._threads
        chunk = pickle.dumps(Chunk(self._number, entries, to_come), pickle.HIGHEST_PROTOCOL)
        key = f"{self._run}-{self._number}"
        future = self._client.submit(do, self._run, self._setup, chunk, key=key, retries=_RETRIES, pure=False)
        self._open[self._number] = _Open(chunk, len(entries), future)
        future.add_done_callback(partial(self._put, self._number))

    def _settled(self, numbers: list[int]) -> Iterator[Any]:
        """The results of chunks that are over, one way or another."""
        values = self._gathered(numbers)
        for number in numbers:
            chunk = self._open.pop(number)
            is_examined, self._examined = number == self._examined, None
            twice = self._begun.pop(number, 1) > 1
            if twice:
                self._begun_twice += [item for item, _ in chunk.entries]
            if number in values:
                yield from self._told(chunk, pickle.loads(values[number]), twice)
            elif chunk.future.status == "error":
                yield from self._failed(chunk.entries, chunk.future.exception(), is_examined=is_examined)
            elif chunk.future.status == "cancelled":
                self.fail(WorkerError("the Dask scheduler has given up the run's tasks, or is gone"))
            else:
                # What came of it was lost with its worker; the images are there.
                self._send([(item, True) for item, _ in chunk.entries])

    def _gathered(self, numbers: list[int]) -> dict[int, bytes]:
        """What chunks gave that came to their end, and of which that is still there."""
        futures = {number: self._open[number].future for number in numbers}
        finished = {number: future for number, future in futures.items() if future.status == "finished"}
        if not finished:
            return {}
        values = self._client.gather(finished, errors="skip")
        return {number: value for number, value in values.items() if isinstance(value, bytes)}

    def _told(self, chunk: _Open, done: Done, twice: bool) -> Iterator[Any]:
        if twice and self._is_in_doubt(chunk, done):
            return self._send([(item, True) for item, _ in chunk.entries])
        self.waited += done.waited
        if done.seconds:
            self._feed.learn(chunk.items, done.seconds)
        self._feed.done(chunk.items, done.parts)
        yield from done.results

    def _is_in_doubt(self, chunk: _Open, done: Done) -> bool:
        """Whether a result may be of a worker that was lost before, and that is not known to who had it
        then."""
        told = [result for result in done.results if not isinstance(result, Lost)]
        return not any(own for _, own in chunk.entries) and any(map(self._work.in_doubt, told))

    def _failed(self, entries: list[Entry], error: BaseException, *, is_examined: bool) -> Iterator[Any]:
        """A chunk that Dask gave up: because workers died that had it, or cannot do it.

        Workers may have died of another chunk. So one is done again when nothing else is under way; where
        workers die again, it is halved, until the item is found that they die of.
        """
        if type(error).__name__ != "KilledWorker":
            words = error.message if isinstance(error, WorkerError) else f"{type(error).__name__}: {error}"
            failure = WorkerError(f"a Dask worker cannot do its work: {words}")
            for note in getattr(error, "__notes__", ()):
                failure.add_note(note)
            self.fail(failure)
            return
        again = [(item, True) for item, _ in entries]
        middle = len(again) // 2
        if not is_examined:
            self._suspects.append(again)
        elif middle:
            self._suspects.extendleft((again[middle:], again[:middle]))
        else:
            self._feed.done(1, [])
            yield Lost(again[0][0], WorkerCrashError("the Dask workers that had it ended, one after another"))

    def stop(self) -> list[Any]:
        self._stopping = True
        self._feed.stop()
        results: list[Any] = []
        with suppress(queue.Empty):
            while True:
                event = self._events.get_nowait()
                results += () if isinstance(event, int) else event
        futures = [chunk.future for chunk in self._open.values()]
        self._begun_twice += [item for chunk in self._open.values() for item, _ in chunk.entries]
        del _BEGUN[self._run]
        # The cluster may be gone, and then there is nobody to tell.
        with suppress(OSError, TimeoutError):
            if futures:
                self._client.cancel(futures, force=True)
            self._client.run(finish, self._run, on_error="ignore")
        if self._begun_twice:
            self._work.after_death(self._work.argument, self._begun_twice, None)
        return results
