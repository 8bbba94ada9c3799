"""The queue between discovery and workers: bounded, in chunks that adapt to what a file costs."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Any

#: Items a worker that discovery may be ahead, of 350 bytes each (benches/bench_memory.py).
AHEAD = 4096
#: A chunk should keep a worker busy for so long: far above the cost of handing it out (0.1 ms, in which
#: the worker waits), far below what a user would notice at the end of a run (benches/bench_workers.py).
_CHUNK_SECONDS = 0.25
_CHUNK_ITEMS = 512

#: An item, and whether it has been begun before.
Entry = tuple[Any, bool]


class Feed:
    """Items wait here. Many threads may use it.

    ``seconds`` are those that a chunk should take, and ``most`` the items it has at most. Where handing one
    out is dear, chunks shrink to a part of ``shrink`` of that at most, and not at all while more is found
    than is done. ``together`` are so many items that a chunk should have at least, however long they take.
    """

    def __init__(
        self,
        workers: int,
        ahead: int | None = None,
        *,
        seconds: float = _CHUNK_SECONDS,
        most: int = _CHUNK_ITEMS,
        shrink: int = 0,
        together: int = 1,
    ) -> None:
        self._workers = workers
        self._seconds, self._most, self._shrink, self._together = seconds, most, shrink, together
        self._ahead = AHEAD * workers if ahead is None else ahead
        self._items: deque[Entry] = deque()
        self._alone: deque[Entry] = deque()
        self._under_way = 0
        self._waiting = 0
        self._cost: float | None = None
        self._stopped = False
        self._changed = Condition()
        self.complete = False

    @property
    def waiting(self) -> int:
        """Items that nobody has taken yet."""
        return len(self._items)

    @property
    def over(self) -> bool:
        """Whether nothing will come any more, and all that came is done."""
        with self._changed:
            return self._stopped or (self.complete and not (self._items or self._alone or self._under_way))

    def serve(self, workers: int, seconds: float, ahead: int) -> None:
        """From now on so many workers take chunks, that should take so long; so many items may wait."""
        with self._changed:
            self._workers, self._seconds, self._ahead = workers, seconds, ahead
            self._changed.notify_all()

    def put(self, item: Any) -> bool:
        """Add an item, waiting while too many wait; False where the run was stopped."""
        if len(self._items) >= self._ahead:
            with self._changed:
                while len(self._items) >= self._ahead and not self._stopped:
                    self._changed.wait()
        if self._stopped:
            return False
        self._items.append((item, False))
        # Mostly nobody waits, and then the lock, which costs more than the item, is not needed. Whoever
        # is about to wait counts itself before it looks for items.
        if self._waiting:
            with self._changed:
                self._changed.notify()
        return True

    def expects(self, seconds: float) -> bool:
        """Whether there is something to take, or may be, after so long at most."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._items or self.complete or self._stopped, seconds)
            finally:
                self._waiting -= 1
            # Whoever was not woken in the place of this caller may take what there is.
            self._changed.notify()
            return bool(self._items) or not (self.complete or self._stopped)

    def finish(self) -> None:
        """No more items will be put."""
        with self._changed:
            self.complete = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Nobody gets anything any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def take(self) -> list[Entry] | None:
        """The next chunk, waiting for it; None where nothing will come any more."""
        with self._changed:
            while not self._stopped:
                if self._alone:
                    self._under_way += 1
                    return [self._alone.popleft()]
                if self._items:
                    return self._chunk()
                if self.complete and not self._under_way:
                    return None
                self._waiting += 1
                try:
                    if not self._items:
                        self._changed.wait()
                finally:
                    self._waiting -= 1
            return None

    def take_now(self) -> list[Entry]:
        """The next chunk without waiting; empty where nothing is there."""
        with self._changed:
            if self._stopped or not (self._alone or self._items):
                return []
            if not self._alone:
                return self._chunk()
            self._under_way += 1
            return [self._alone.popleft()]

    def _chunk(self) -> list[Entry]:
        wanted = 1 if self._cost is None else int(self._seconds / max(self._cost, 1e-6))
        wanted = max(wanted, self._together)
        # towards the end chunks shrink, so that all workers finish together
        fair = -(-len(self._items) // (2 * self._workers))
        if self._shrink:
            plenty = not self.complete and 2 * len(self._items) >= self._ahead
            fair = wanted if plenty else max(fair, wanted // self._shrink)
        count = max(1, min(wanted, fair, self._most, len(self._items)))
        chunk = [self._items.popleft() for _ in range(count)]
        self._under_way += count
        self._changed.notify_all()
        return chunk

    def learn(self, items: int, seconds: float) -> None:
        """A chunk of so many items took so long."""
        with self._changed:
            cost = seconds / items
            self._cost = cost if self._cost is None else (self._cost + cost) / 2

    def done(self, items: int, parts: list[Any]) -> None:
        """So many items are done; ``parts`` are to be done in the place of some of them, each alone."""
        with self._changed:
            self._alone.extend((part, False) for part in parts)
            self._under_way -= items
            if parts or (self.complete and not self._under_way):
                self._changed.notify_all()

    def give_back(self, entries: list[Entry]) -> None:
        """Items of a chunk that were not begun come first again."""
        if not entries:
            return
        with self._changed:
            self._items.extendleft(reversed(entries))
            self._under_way -= len(entries)
            self._changed.notify_all()

    def retry(self, item: Any) -> None:
        """An item that was begun gets another try, alone."""
        with self._changed:
            self._alone.append((item, True))
            self._under_way -= 1
            self._changed.notify_all()
