"""Members of packed TAR archives, which are read once and forwards, on their way to workers.

This process unpacks; each member lies in a file of its own until what came of it is known. Only so many bytes
may lie there: then unpacking waits.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from threading import Condition

from fastdcm import system
from fastdcm.batch.archives import shortened
from fastdcm.batch.discovery import TEMPORARY, Task, failed
from fastdcm.batch.flat import Taken
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import Tree
from fastdcm.errors import ArchiveError, FastdcmError, SourceError
from fastdcm.options import Limits
from fastdcm.sinks.run import Run
from fastdcm.sinks.spool import Place as SpoolPlace
from fastdcm.sinks.spool import remove_stale_spools, write_all
from fastdcm.sources import Place
from fastdcm.sources.names import member_name, parts_of
from fastdcm.sources.packed import PackedTape, check_size, open_tape
from fastdcm.sources.tarred import Header, headers

#: Bytes of members that wait, or are worked at; one that is larger waits alone.
_AHEAD = 256 << 20


class Unpacking:
    """The members of one run that are unpacked, and not done with."""

    def __init__(self, run: Run, limits: Limits) -> None:
        self._limits = limits
        self._root = tempfile.gettempdir()
        self._folder = SpoolPlace.of(run, self._root).folder
        self._begun = self._over = False
        self._count = self._bytes = 0
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
        if not self._wait_for(header.size):
            return None
        path = os.path.join(self._folder, str(self._count))
        self._count += 1
        try:
            self._begin()
            descriptor = system.create_exclusive(path)
            try:
                for piece in tape.pieces(header.size):
                    write_all(descriptor, piece)
            finally:
                os.close(descriptor)
        except OSError as error:
            why = error.strerror or error
            raise SourceError(f"cannot be unpacked into {self._root}: {why}", path=source) from error
        except SourceError:
            with suppress(OSError):
                os.unlink(path)
            raise
        seen.add(header.name)
        with self._moved:
            self._there.setdefault(source, []).append((path, header.size))
            self._bytes += header.size
        return Place(path, 0, header.size, header.size)

    def _begin(self) -> None:
        if not self._begun:
            remove_stale_spools(self._root)
            os.mkdir(self._folder, 0o700)
            self._begun = True

    def _wait_for(self, size: int) -> bool:
        """Until there is room for so many bytes; False where the run is over."""
        with self._moved:
            self._moved.wait_for(lambda: self._over or not self._there or self._bytes + size <= _AHEAD)
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
            self._bytes -= size
            self._moved.notify_all()
        with suppress(OSError):
            os.unlink(path)

    def close(self) -> None:
        """The run is over: nothing is left."""
        with self._moved:
            self._over = True
            self._moved.notify_all()
        if self._begun:
            shutil.rmtree(self._folder, ignore_errors=True)
