"""Images on their way into shards: members of a tar, in files of the worker that made them.

Workers end in any order, members of shards have one. What is done lies on the disk until its turn comes, not
in memory and not in pipes; it is a tar's bytes already, so that whoever makes the shards only copies. A
worker has one such file at a time for many images, which costs less than a file an image.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from fastdcm import system
from fastdcm.errors import OutputError, cannot_write
from fastdcm.sinks.run import PREFIX, Run, is_stale

#: A file of the spool is full then, and goes once the last of it is in a shard.
_FULL = 32 << 20
_PIECE = 1 << 20
_BLOCK = 512
_END = "-spool"


class Spooled(NamedTuple):
    """The samples of one input: of ``lengths`` bytes, one after another from ``offset`` of the file ``path``.

    With ``last`` nothing more comes in that file.
    """

    path: str
    offset: int
    lengths: tuple[int, ...]
    last: bool


class Place(NamedTuple):
    """Where a run's spool is, and below which folder the names of members begin. With ``by_key`` the JSON of
    ``KEY.jpg`` is called ``KEY.json``, as WebDataset wants it; else its ending is behind the image's.
    """

    folder: str
    root: str
    by_key: bool = True

    @classmethod
    def of(cls, run: Run, root: str) -> Place:
        """The spool of a run, in the folder of its shards."""
        return cls(os.path.join(root, f"{PREFIX}{run.tag}{_END}"), root)


class Spool:
    """Takes images of one worker as `fastdcm.sinks.directory.DirectorySink` does, and tells where they lie.

    The JSON of an image comes before it, under its name and ``.json``; in the tar it is behind the image,
    called as `Place` says. Nothing is ever there from before.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._file: int | None = None
        self._path = ""
        self._count = 0
        self._end = 0
        self._begin = 0
        self._lengths: list[int] = []
        self._beside: bytes | None = None
        self._folder: str | None = None
        self._before = ""

    def leaves(self, folder: str, name: str, *, own: bool = False) -> bool:
        """False: shards have no images from before the run."""
        return False

    def remove(self, folder: str, name: str) -> None:
        """Forget the JSON of an image that did not come."""
        self._beside = None

    def put(self, folder: str, name: str, data: bytes, *, own: bool = False) -> bool:
        """Take an image, or the JSON of the one that comes next. Raises `OutputError`."""
        if name.endswith(".json"):
            self._beside = data
            return True
        member = self._member(folder, name)
        parts = [_header(member, len(data)), data, _padding(len(data)), *self._json(member)]
        self._take([b"".join(parts)])
        return True

    def put_made(
        self, folder: str, name: str, make: Callable[[str], object], *, own: bool = False
    ) -> tuple[bool, int]:
        """`put` of what is made bit by bit; also its size in bytes."""
        made = os.path.join(self._place.folder, f"{os.getpid()}-made")
        try:
            os.close(system.create_exclusive(made))
            make(made)
            size = os.path.getsize(made)
            member = self._member(folder, name)
            with open(made, "rb") as file:
                pieces = iter(lambda: file.read(_PIECE), b"")
                after = [_padding(size), *self._json(member)]
                self._take(part for parts in ([_header(member, size)], pieces, after) for part in parts)
            return True, size
        except OSError as error:
            raise self._error(error) from error
        finally:
            with suppress(OSError):
                os.unlink(made)

    def taken(self) -> Spooled | None:
        """Where what was taken since the last call lies; None for nothing."""
        self._beside = None
        if not self._lengths or self._file is None:
            return None
        full = self._end > _FULL
        found = Spooled(self._path, self._begin, tuple(self._lengths), full)
        self._begin, self._lengths = self._end, []
        if full:
            os.close(self._file)
            self._file = None
        return found

    def _member(self, folder: str, name: str) -> str:
        if folder != self._folder:
            below = os.path.relpath(folder or ".", self._place.root or ".")
            self._before = "" if below == "." else below.replace(os.sep, "/") + "/"
            self._folder = folder
        return self._before + name.replace(os.sep, "/")

    def _json(self, member: str) -> list[bytes]:
        document, self._beside = self._beside, None
        if document is None:
            return []
        name = (member.rpartition(".")[0] if self._place.by_key else member) + ".json"
        return [_header(name, len(document)), document, _padding(len(document))]

    def _take(self, parts: Iterable[bytes]) -> None:
        try:
            if self._file is None:
                self._count += 1
                self._path = os.path.join(self._place.folder, f"{os.getpid()}-{self._count}")
                self._file = system.create_exclusive(self._path)
                self._begin = self._end = 0
            length = 0
            try:
                for part in parts:
                    write_all(self._file, part)
                    length += len(part)
            except BaseException:
                os.ftruncate(self._file, self._end)
                os.lseek(self._file, self._end, os.SEEK_SET)
                raise
            self._end += length
            self._lengths.append(length)
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> OutputError:
        return cannot_write(f"below {self._place.root or '.'}", error)


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything. Raises `OSError`."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])


def remove_stale_spools(folder: str) -> None:
    """Remove the spools of runs that are no more."""
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return
    for name in names:
        found = re.fullmatch(rf"\.fastdcm-([0-9a-f]{{8}})-(\d+)-[0-9a-f]+{_END}", name)
        path = os.path.join(folder, name)
        if found and is_stale(path, found[1], int(found[2])):
            shutil.rmtree(path, ignore_errors=True)


def _header(name: str, size: int) -> bytes:
    """The header of a member that is the same whoever writes it, when and where (POSIX.1-2001, pax)."""
    member = tarfile.TarInfo(name)  # belongs to nobody, of 1970, readable for all
    member.size = size
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)
