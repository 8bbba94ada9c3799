"""Images as files in folders: whole or not at all, and never one over another of the same run."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable

from fastdcm import system
from fastdcm.errors import CollisionError, OutputError, cannot_write
from fastdcm.options import Existing
from fastdcm.sinks.run import Claims, Run, remove_stale

_SEPARATORS = frozenset(filter(None, (os.sep, os.altsep)))


class DirectorySink:
    """Writes files for one process of a run.

    An image is written under a temporary name beside its place and renamed. What is at that place
    from before the run is kept or replaced as ``existing`` says, or, of a run that goes on from one
    before, as ``claims`` do; what is there from this run is an `OutputError`, because two inputs would
    share a name.

    With ``fsync`` an image is on the disk, under its name, once `put` returns; without, the system
    writes it when it sees fit, as it does with most programs' files.
    """

    def __init__(
        self, run: Run, existing: Existing, *, fsync: bool = False, claims: Claims | None = None
    ) -> None:
        self._run, self._claims = run, claims
        self._fsync = fsync
        self._existing = existing
        self._prefix = run.prefix(os.getpid())
        self._number = 0
        #: The folder that is known to be there, and the one looked at last: what was in it, None where that
        #: is not known, and how temporary names in it begin.
        self._folder: str | None = None
        self._seen: str | None = None
        self._before: frozenset[str] | None = None
        self._beginning = ""
        self._starts: dict[int, float] = {}

    def leaves(self, folder: str, name: str, *, own: bool = False) -> bool:
        """Whether `put` would leave what is there; asked before the work is done.

        ``own`` tells that this run may have written it for the same input. Raises `OutputError`
        where the place is taken by another input of this run.
        """
        if self._existing == "overwrite":
            return False
        self._look_at(folder)
        # What is not in the list may have come since: `put` tells that, too, and mostly nothing has.
        if self._before is not None and name not in self._before and _is_flat(name):
            return False
        path = os.path.join(folder, name)
        try:
            found = os.lstat(path)
        except OSError:
            return False
        return not self._may_replace(folder, path, found, own)

    def remove(self, folder: str, name: str) -> None:
        """Take away what this process has just put."""
        _unlink_if_there(os.path.join(folder, name))

    def put(self, folder: str, name: str, data: bytes, *, own: bool = False) -> bool:
        """Write one image; False where something from before the run was left in its place.

        ``name`` may lie in a folder below ``folder``; the temporary file is in ``folder`` itself,
        so that whoever cleans up knows where to look. Raises `OutputError`.
        """
        return self._put(folder, name, lambda temporary: self._write(temporary, data), own)

    def put_made(
        self, folder: str, name: str, make: Callable[[str], object], *, own: bool = False
    ) -> tuple[bool, int]:
        """`put` of what is made bit by bit, and may be larger than memory; also its size in bytes.

        ``make`` is given the path of an empty file, and writes it. Whatever it raises leaves nothing behind;
        `OSError` becomes an `OutputError`.
        """
        size = 0

        def write(temporary: str) -> None:
            nonlocal size
            # A name that can be guessed must not lead elsewhere.
            os.close(system.create_exclusive(temporary))
            make(temporary)
            size = os.path.getsize(temporary)
            if self._fsync:
                descriptor = os.open(temporary, os.O_RDWR)
                try:
                    system.sync_file(descriptor)
                finally:
                    os.close(descriptor)

        return self._put(folder, name, write, own), size

    def _put(self, folder: str, name: str, write: Callable[[str], object], own: bool) -> bool:
        """`put` of what ``write`` puts under the temporary name that it is given, where nothing is."""
        path = os.path.join(folder, name)
        try:
            self._prepare(folder)
            if not _is_flat(name):
                self._make_folder(os.path.dirname(path))
            temporary = self._temporary()
            try:
                write(temporary)
                placed = self._place(folder, temporary, path, own)
            except BaseException:
                _unlink_if_there(temporary)
                raise
            if placed and self._fsync:
                system.sync_folder(os.path.dirname(path))
            return placed
        except OSError as error:
            raise cannot_write(path, error) from error

    def _prepare(self, folder: str) -> None:
        if folder == self._folder:
            return
        self._look_at(folder)
        if not os.path.isdir(folder or "."):
            self._make_folder(folder)
        self._folder = folder

    def _look_at(self, folder: str) -> None:
        """Clean up a folder when it is seen first, and keep what is there."""
        if folder != self._seen:
            self._before = remove_stale(folder or ".")
            self._beginning = os.path.join(folder, self._prefix)
            self._seen = folder

    def _make_folder(self, folder: str) -> None:
        missing = folder
        above = []
        while self._fsync and missing and not os.path.isdir(missing):
            missing = os.path.dirname(missing)
            above.append(missing)
        try:
            os.makedirs(folder, exist_ok=True)
        except FileExistsError as error:
            raise OutputError(f"cannot write into {folder}: it is no folder") from error
        for parent in above:
            system.sync_folder(parent)

    def _write(self, path: str, data: bytes) -> None:
        descriptor = system.create_exclusive(path)
        try:
            written = os.write(descriptor, data)
            while written < len(data):
                written += os.write(descriptor, memoryview(data)[written:])
            if self._fsync:
                system.sync_file(descriptor)
        finally:
            os.close(descriptor)

    def _temporary(self) -> str:
        """The next temporary name, in the folder that was looked at last."""
        self._number += 1
        return f"{self._beginning}{self._number}"

    def _place(self, folder: str, temporary: str, path: str, own: bool) -> bool:
        """Whether the image is in its place; nothing is under its temporary name then, or otherwise."""
        try:
            system.rename_no_replace(temporary, path)
            return True
        except FileExistsError:
            found = os.lstat(path)
        if not self._may_replace(folder, path, found, own):
            os.unlink(temporary)
            return False
        if not system.exchange(temporary, path):
            os.replace(temporary, path)
            return True
        # Between the look and the swap another worker may have put its image here: swap back.
        if not own and self._is_of_this_run(folder, os.lstat(temporary)):
            system.exchange(temporary, path)
            raise _collision(path)
        os.unlink(temporary)
        return True

    def _may_replace(self, folder: str, path: str, found: os.stat_result, own: bool) -> bool:
        if stat.S_ISDIR(found.st_mode):
            raise OutputError(f"cannot write {path}: a folder of that name is there")
        if self._is_of_this_run(folder, found):
            if not own:
                raise _collision(path)
            return True
        if self._claims is not None:
            return self._claims(path, found.st_mtime)
        return self._existing == "overwrite"

    def _is_of_this_run(self, folder: str, found: os.stat_result) -> bool:
        """Compares with the start of the run on the filesystem's own clock (it may be a server's)."""
        if self._run.written_from is not None:
            return found.st_mtime >= self._run.written_from
        if found.st_dev not in self._starts:
            probe = self._temporary()
            try:
                os.close(system.create_exclusive(probe))
                now = os.lstat(probe).st_mtime
            except OSError:
                return False  # nothing can be written here, so this run wrote nothing
            finally:
                _unlink_if_there(probe)
            self._starts[found.st_dev] = now - (time.monotonic() - self._run.started)
        return found.st_mtime >= self._starts[found.st_dev]


def _is_flat(name: str) -> bool:
    """Whether a name lies in the folder itself; `os.path.dirname` takes ten times as long to tell."""
    return _SEPARATORS.isdisjoint(name)


def _collision(path: str) -> CollisionError:
    return CollisionError(
        f"its image would be {path}, which another input of this run has; "
        "--name with {name}, {path}, {sop_instance_uid} or {frame} tells them apart"
    )


def _unlink_if_there(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
