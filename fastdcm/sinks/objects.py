"""Images as objects of a store: whole or not at all, and never one over another of the same run."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable

from fastdcm.errors import CollisionError, OutputError, SourceError, cannot_write
from fastdcm.options import Existing
from fastdcm.sinks.run import Claims, Run
from fastdcm.sources.addresses import joined
from fastdcm.sources.listing import Folders
from fastdcm.sources.stores import AbsentError, PresentError, Store, store_of

#: What tells of an object by which run it was written, and by which of its writings.
_WRITTEN = "fastdcmrun"
#: Names of a folder that are listed at most, in pages of 1000.
_MANY = 10_000
#: What lies beside images is written before these, and so has to be asked for.
_BESIDE = ".json"
_TYPES = {
    "avif": "image/avif", "gif": "image/gif", "jp2": "image/jp2", "jpeg": "image/jpeg", "jpg": "image/jpeg",
    "json": "application/json", "jxl": "image/jxl", "mp4": "video/mp4", "png": "image/png",
    "tif": "image/tiff", "tiff": "image/tiff", "webp": "image/webp",
}  # fmt: skip


class ObjectSink:
    """Writes objects for one process of a run, as `fastdcm.sinks.directory.DirectorySink` writes files.

    An object appears when all of it has come. Who writes it is told with it, so that it is known without any
    clock whether what is in the way is of this run.
    """

    def __init__(self, run: Run, existing: Existing, *, claims: Claims | None = None) -> None:
        self._run, self._existing, self._claims = run.tag, existing, claims
        self._mine = f"{run.tag}/{uuid.uuid4().hex}"
        self._number = 0
        #: Whether anything was in the way of an image.
        self._met = False
        self._folders = Folders(_MANY)

    def leaves(self, folder: str, name: str, *, own: bool = False) -> bool:
        """Whether `put` would leave what is there; asked before the work is done.

        ``own`` tells that this run may have written it for the same input. Raises `OutputError`
        where the place is taken by another input of this run.
        """
        if self._existing == "overwrite":
            return False
        if self._existing == "keep" and not self._met and not name.endswith(_BESIDE):
            return False  # `put` tells, without another request; mostly nothing is in its way
        address = joined(folder, name)
        above, _, last = address.rpartition("/")
        try:
            names = self._folders.sizes_in(above)
            if names is not None and last not in names:
                return False  # `put` tells what has come since
            store, key = store_of(address)
            if names is None and not _is_there(store, key):
                return False
            return not self._may_replace(store, key, address, own)
        except SourceError as error:
            raise _failure(address, error) from error

    def put(self, folder: str, name: str, data: bytes, *, own: bool = False) -> bool:
        """Write one image; False where something from before the run was left in its place.

        Raises `OutputError`.
        """
        address = joined(folder, name)
        self._number += 1
        mark = f"{self._mine}/{self._number}"
        told = {_WRITTEN: mark}
        if kind := _TYPES.get(name.rpartition(".")[2].lower()):
            told["Content-Type"] = kind
        try:
            store, key = store_of(address)
            try:
                store.put(key, data, told, replace=False)
                return True
            except PresentError:
                self._met = True
                # The answer of a try that had written it may have been lost, and it was tried again.
                if store.attributes(key).get(_WRITTEN) == mark:
                    return True
            if not self._may_replace(store, key, address, own):
                return False
            store.put(key, data, told, replace=True)
            return True
        except SourceError as error:
            raise _failure(address, error) from error

    def put_made(
        self, folder: str, name: str, make: Callable[[str], object], *, own: bool = False
    ) -> tuple[bool, int]:
        """`put` of what is made bit by bit, in a file of this machine first; also its size in bytes."""
        address = joined(folder, name)
        try:
            descriptor, path = tempfile.mkstemp(prefix="fastdcm-")
            os.close(descriptor)
            try:
                make(path)
                with open(path, "rb") as file:
                    data = file.read()
            finally:
                os.unlink(path)
        except OSError as error:
            raise cannot_write(address, error) from error
        return self.put(folder, name, data, own=own), len(data)

    def remove(self, folder: str, name: str) -> None:
        """Take away what this process has just put."""
        address = joined(folder, name)
        try:
            store, key = store_of(address)
            store.delete(key)
        except SourceError as error:
            raise _failure(address, error) from error

    def _may_replace(self, store: Store, key: str, address: str, own: bool) -> bool:
        written = store.attributes(key).get(_WRITTEN, "")
        if written.partition("/")[0] != self._run:
            if self._claims is not None:
                return self._claims(address, store.stat(key).modified / 1e9)
            return self._existing == "overwrite"
        if not own:
            raise CollisionError(
                f"its image would be {address}, which another input of this run has; "
                "--name with {name}, {path}, {sop_instance_uid} or {frame} tells them apart"
            )
        return True


def _is_there(store: Store, key: str) -> bool:
    try:
        store.stat(key)
    except AbsentError:
        return False
    return True


def _failure(address: str, error: SourceError) -> OutputError:
    return OutputError(f"cannot write {address}: {error.message.removeprefix('cannot be written: ')}")
