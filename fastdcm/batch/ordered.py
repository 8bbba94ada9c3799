"""Images that go where order counts: into shards, or an archive.

Inputs are numbered as they are found. Workers put what they make of each into their spools
(`fastdcm.sinks.spool`), this process takes it from there in the order of the numbers.

Nothing is kept in memory but what came of each input that waits for an earlier one; only so many may wait.
"""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Condition

from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome, Report, Watcher
from fastdcm.errors import OutputError, cannot_write
from fastdcm.sinks.spool import Place, Spooled

#: Inputs that may be handed out beyond the first one that is not in its place, for each worker.
_AHEAD = 1024


class Ordered(ABC):
    """Takes what workers made, in order. ``place`` is where they put it; ``what`` is written, in words."""

    def __init__(self, place: Place, workers: int, what: str) -> None:
        self.place = place
        #: Is told of each input that is passed over.
        self.release: Callable[[str, int], None] = lambda source, parts: None
        self._ahead = _AHEAD * workers
        self._what = what
        self._waiting: dict[tuple[int, int], Outcome] = {}
        #: The input and the part of it that comes next.
        self._next = 0, 0
        self._open: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self._full: set[str] = set()
        self._error: OutputError | None = None
        self._over = False
        self._moved = Condition()

    @abstractmethod
    def begin(
        self, items: Iterator[Task | Outcome], report: Report, watcher: Watcher
    ) -> Iterator[Task | Outcome]:
        """Make ready, and give the inputs that are still to be done. Raises `OptionError`."""

    @abstractmethod
    def finish(self, report: Report, watcher: Watcher, *, cut_off: bool) -> None:
        """End what is written; of a run that was ``cut_off`` what is not whole is removed."""

    @abstractmethod
    def _take(self, source: int, offset: int, length: int) -> None:
        """A sample comes next: an image, maybe with its JSON, as members of a tar. Raises `OSError`."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove what is not whole."""

    def _done(self, number: int) -> None:
        """All of an input was taken. Raises `OSError`."""

    def _came(self, outcome: Outcome) -> None:
        """An input, or a part of one, comes next."""

    def add(self, outcome: Outcome) -> bool:
        """Take note of what came of an input; whether the run has to end, because of the disk."""
        if outcome.number < 0 or self._over:
            return self._error is not None
        if any(isinstance(failure.error, OutputError) for failure in outcome.failures):
            # The disk is full, say: what it did not take is no bad file, and must not be left out.
            self._over = True
            return True
        self._waiting[outcome.number, outcome.part] = outcome
        if outcome.spooled is not None:
            path = outcome.spooled.path
            self._left[path] = self._left.get(path, 0) + 1
            if outcome.spooled.last:
                self._full.add(path)
        try:
            while (waiting := self._waiting.pop(self._next, None)) is not None:
                self._append(waiting)
        except OSError as error:
            self._failed_with(error)
        return self._over

    def give_up(self) -> None:
        """Remove what is not whole, and let nobody wait any more."""
        with self._moved:
            self._over = True
            self._moved.notify_all()
        self._remove()
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        shutil.rmtree(self.place.folder, ignore_errors=True)

    def _failed_with(self, error: OSError) -> None:
        self._over = True
        self._error = cannot_write(self._what, error)

    def _append(self, outcome: Outcome) -> None:
        number, part = self._next
        self._came(outcome)
        if (spooled := outcome.spooled) is not None:
            offset = spooled.offset
            for length in spooled.lengths:
                self._take(self._source(spooled.path), offset, length)
                offset += length
            self._used(spooled)
        if part + 1 < outcome.parts:
            self._next = number, part + 1
            return
        self._done(number)
        with self._moved:
            self._next = number + 1, 0
            self._moved.notify_all()

    def _source(self, path: str) -> int:
        if path not in self._open:
            self._open[path] = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        return self._open[path]

    def _used(self, spooled: Spooled) -> None:
        """Remove a file of the spool once all of it was taken."""
        self._left[spooled.path] -= 1
        if spooled.path in self._full and not self._left[spooled.path]:
            if (descriptor := self._open.pop(spooled.path, None)) is not None:
                os.close(descriptor)
            with suppress(OSError):
                os.unlink(spooled.path)
            self._full.discard(spooled.path)
            del self._left[spooled.path]

    def _handed_out(self, items: Iterator[Task | Outcome]) -> Iterator[Task | Outcome]:
        """The same, none too far ahead of the first that was not taken."""
        for item in items:
            if isinstance(item, Task):
                self._wait_for(item.number - self._ahead)
            if self._over:
                return
            yield item

    def _wait_for(self, number: int) -> None:
        """Until the input of that number was taken, or passed over."""
        if self._next[0] <= number:
            with self._moved:
                self._moved.wait_for(lambda: self._over or self._next[0] > number)
