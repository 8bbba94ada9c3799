"""Members of archives: all of them, and one by its name."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial

from fastdcm.errors import ArchiveError, SourceError
from fastdcm.options import Limits
from fastdcm.reader.source import Source, open_to_read
from fastdcm.sources import files
from fastdcm.sources.names import archive_kind, is_packed, split_member
from fastdcm.sources.place import Place
from fastdcm.sources.section import open_place
from fastdcm.sources.tarred import FileTape, headers
from fastdcm.sources.zipped import Member, members_of_zip
from fastdcm.system import read_at

#: Members that are held of an archive, half a kilobyte each.
_MOST_HELD = 100_000


def open_member(name: str, limits: Limits) -> Source:
    """A member by its name, which is looked for in its archive. Raises `SourceError`."""
    parts = split_member(name)
    assert parts is not None
    archive, wanted = parts
    if is_packed(archive):
        from fastdcm.sources.packed import open_packed

        return open_packed(archive, wanted, name, limits)
    found = _INDEX.member(archive, wanted)
    passed = {wanted}
    while found is not None and found.link:
        if found.link in passed:
            raise ArchiveError("is a link that leads round", path=name)
        passed.add(found.link)
        found = _INDEX.member(archive, found.link)
    if found is None:
        raise ArchiveError(f"cannot be opened: there is no such member in {archive}", path=name)
    if found.place is None:
        raise ArchiveError(found.problem or f"is no file: {found.skipped}", path=name)
    return open_place(found.place, name, limits)


class _Index:
    """Members of the archive that was asked for last, so that many of one are found by one listing.

    Of a larger one it holds those from the one that was asked for on. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._archive: object = None
        self._members: dict[str, Member] = {}
        self._is_whole = False
        #: What is wrong with the archive, so that none of it is read.
        self._error: SourceError | None = None

    def member(self, archive: str, wanted: str) -> Member | None:
        """A member; None where there is none of this name. Raises `SourceError`."""
        with self._lock:
            known = archive, files.identity(archive)
            if known != self._archive or not (self._is_whole or wanted in self._members):
                self._archive, self._error = known, None
                self._members, self._is_whole = {}, True
                try:
                    self._list(archive, wanted)
                except SourceError as error:
                    self._error, self._members, self._is_whole = error, {}, True
            if self._error is not None:
                raise type(self._error)(self._error.message, path=archive)
            return self._members.get(wanted)

    def _list(self, archive: str, wanted: str) -> None:
        for member in members(archive):
            if member.name in self._members or len(self._members) < _MOST_HELD:
                self._members[member.name] = member  # the last of a name counts, as when it is unpacked
                continue
            self._is_whole = False
            if member.name == wanted:
                self._members = {wanted: member}


_INDEX = _Index()


def stamp(name: str) -> tuple[int, int] | None:
    """Size and time of the archive that a member is of: what changes it may change any member."""
    parts = split_member(name)
    return None if parts is None else files.stamp(parts[0])


def members(archive: str) -> Iterator[Member]:
    """The members of an archive that is not packed as a whole, without folders.

    Raises `SourceError` where it is none, or damaged; what came before that counts.
    """
    descriptor = open_to_read(archive)
    try:
        if archive_kind(archive) == "zip":
            yield from members_of_zip(archive, descriptor)
        else:
            yield from _members_of_tar(archive, descriptor)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", path=archive) from error
    except SourceError as error:
        error.at(path=archive)
        raise
    finally:
        os.close(descriptor)


def linked(name: str, links: dict[str, str]) -> str:
    """The member that a link leads to, over other links; any of them where they lead round."""
    for _ in range(len(links)):
        if name not in links:
            break
        name = links[name]
    return name


def _members_of_tar(path: str, descriptor: int) -> Iterator[Member]:
    size = os.fstat(descriptor).st_size
    tape = FileTape(partial(read_at, descriptor), size)
    for header in headers(tape):
        if header.problem or header.skipped or header.link:
            yield Member(header.name, None, header.problem, header.skipped, header.link)
        elif tape.position + header.size > size:
            there = max(0, size - tape.position)
            yield Member(header.name, problem=f"is cut: {there} of its {header.size} bytes are there")
        else:
            yield Member(header.name, Place(path, tape.position, header.size, header.size))
