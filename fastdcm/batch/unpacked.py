"""Members of packed TAR archives, which are read once and forwards, on their way to workers.

This process unpacks; each member lies in a file of its own until what came of it is known. Only so many bytes
may lie there: then unpacking waits.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Condition
from typing import TypeVar

from fastdcm import system
from fastdcm.batch.archives import shortened
from fastdcm.batch.discovery import TEMPORARY, Task, failed
from fastdcm.batch.flat import Taken
from fastdcm.batch.report import Outcome
from fastdcm.batch.sharing import belongs
from fastdcm.batch.targets import Tree
from fastdcm.errors import ArchiveError, FastdcmError, SourceError
from fastdcm.options import Limits
from fastdcm.options.part import Part
from fastdcm.sinks.run import Run
from fastdcm.sinks.spool import Place as SpoolPlace
from fastdcm.sinks.spool import remove_stale_spools, write_all
from fastdcm.sources import Place
from fastdcm.sources.names import member_name, parts_of
from fastdcm.sources.packed import PackedTape, check_size, open_tape
from fastdcm.sources.tarred import Header, headers

T = TypeVar("T")

#: Bytes of members that wait, or are worked at; one that is larger waits alone. A small one takes room of its
#: own: in a filesystem, and in memory.
_AHEAD, _LEAST = 256 << 20, 64 << 10
#: Errors that may pass when other members are done with.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
#: The place of members that nobody takes.
_NOWHERE = Place("", 0, 0, 0)


class Unpacking:
    """The members of one run that are unpacked, and not done with; those of other parts than ``part`` are
    not unpacked at all."""

    def __init__(self, run: Run, limits: Limits, part: Part | None = None) -> None:
        self._limits, self._part = limits, part
        self._root = tempfile.gettempdir()
        self._folder = SpoolPlace.of(run, self._root).folder
        self._begun = self._over = False
        #: How many there have been, how many lie there, which room they take, and how many have gone.
        self._count = self._files = self._bytes = self._gone = 0
        #: (path, bytes) of each member that lies there, of one that was named twice several; how many parts
        #: of the first of them are not done.
        self._there: dict[str, list[tuple[str, int]]] = {}
        self._parts: dict[str, int] = {}
        self._moved = Condition()

    def members_of(self, tree: Tree) -> Iterator[Task | Outcome]:
        """Tasks in the order of the archive, and outcomes of what cannot become one."""
        root = member_name(tree.source, "")
        folders: dict[tuple[str, ...], Taken] = {}
        seen: set[str] = set()
        try:
            with open_tape(tree.source) as tape:
                for header in headers(tape):
                    source = root + header.name if header.name else tree.source
                    *above, name = parts_of(header.name)
                    if name.startswith(TEMPORARY):
                        continue
                    if header.skipped:
                        yield Outcome(source, skipped=header.skipped)
                        continue
                    try:
                        place = self._unpacked(tape, header, source, seen)
                    except SourceError as error:
                        if error.path is not None:
                            raise  # of the archive
                        outcome = failed(source, error)
                        outcome.is_told = header.name in seen  # by the first of that name
                        yield outcome
                        continue
                    if place is None:
                        return
                    stem = folders.setdefault(tuple(above), Taken()).stem_of(name)
                    folder = os.path.join(tree.folder, *map(shortened, above))
                    yield Task(source, folder, stem, root=root, base=tree.folder, place=place)
                tape.finish()
        except FastdcmError as error:
            yield failed(tree.source, error)

    def _unpacked(self, tape: PackedTape, header: Header, source: str, seen: set[str]) -> Place | None:
        """The place of a member; None where the run is over. Raises `SourceError`."""
        if header.problem:
            raise ArchiveError(header.problem)
        if header.link:
            raise ArchiveError(f"is a link to {header.link}, which has gone by: unpack the archive")
        if header.name in seen:
            raise ArchiveError("comes a second time in its archive; the first one was taken")
        check_size(header.size, self._limits)
        seen.add(header.name)
        if self._part is not None and not belongs(header.name, self._part):
            return _NOWHERE  # nobody takes it
        if not self._wait_for(header.size):
            return None
        path = os.path.join(self._folder, str(self._count))
        self._count += 1
        try:
            self._begin()
            descriptor = self._with_room(lambda: system.create_exclusive(path))
            try:
                self._fill(descriptor, tape.pieces(header.size))
            finally:
                os.close(descriptor)
        except OSError as error:
            why = error.strerror or error
            with suppress(OSError):
                os.unlink(path)
            raise SourceError(f"cannot be unpacked into {self._root}: {why}", path=source) from error
        except SourceError:
            with suppress(OSError):
                os.unlink(path)
            raise
        with self._moved:
            self._there.setdefault(source, []).append((path, header.size))
            self._files += 1
            self._bytes += _room(header.size)
        return Place(path, 0, header.size, header.size)

    def _fill(self, descriptor: int, pieces: Iterator[bytes]) -> None:
        """Write a file. Raises `OSError`, `SourceError`."""
        start = 0
        for piece in pieces:

            def put(start: int = start, piece: bytes = piece) -> None:
                os.lseek(descriptor, start, os.SEEK_SET)  # a part of it may be written
                write_all(descriptor, piece)

            self._with_room(put)
            start += len(piece)

    def _with_room(self, write: Callable[[], T]) -> T:
        """What takes room: where there is none, again when members have gone. Raises `OSError`."""
        while True:
            gone = self._gone
            try:
                return write()
            except OSError as error:
                if error.errno not in _FULL or not self._has_gone(gone):
                    raise

    def _has_gone(self, before: int) -> bool:
        """Whether more members have gone than before, after waiting for one that is under way."""
        with self._moved:
            if not self._files and self._gone == before:
                return False
            self._moved.wait_for(lambda: self._over or self._gone != before)
            return not self._over

    def _begin(self) -> None:
        if not self._begun:
            remove_stale_spools(self._root)
            os.mkdir(self._folder, 0o700)
            self._begun = True

    def _wait_for(self, size: int) -> bool:
        """Until there is room for so many bytes; False where the run is over."""
        with self._moved:
            self._moved.wait_for(lambda: self._over or not self._files or self._bytes + _room(size) <= _AHEAD)
            return not self._over

    def release(self, source: str, parts: int = 1) -> None:
        """A source is done with, or one of its parts; others than members are nobody's."""
        with self._moved:
            if source not in self._there:
                return
            self._parts[source] = left = self._parts.get(source, parts) - 1
            if left > 0:
                return
            del self._parts[source]
            path, size = self._there[source].pop(0)
            if not self._there[source]:
                del self._there[source]
        with suppress(OSError):
            os.unlink(path)
        with self._moved:
            self._files -= 1
            self._gone += 1
            self._bytes -= _room(size)
            self._moved.notify_all()

    def close(self) -> None:
        """The run is over: nothing is left."""
        with self._moved:
            self._over = True
            self._moved.notify_all()
        if self._begun:
            shutil.rmtree(self._folder, ignore_errors=True)


def _room(size: int) -> int:
    return max(size, _LEAST)
