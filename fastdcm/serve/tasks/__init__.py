"""What workers do with a file: one module a task, imported by its first use.

::

    picture    a frame, or all, as an image file
    frames     frames as they are stored, or decoded
    metadata   the data set in DICOM JSON; bulk data
    documents  what is in objects without pixels: PDF and other documents, reports as text
    transcode  the object in Explicit VR Little Endian
"""

from __future__ import annotations

import os
from collections import OrderedDict
from importlib import import_module
from typing import Any

from fastdcm import system
from fastdcm.errors import OptionError
from fastdcm.options import Limits, ReadOptions
from fastdcm.pipeline import Image, open_image
from fastdcm.reader.source import Source, open_descriptor

#: Objects that are kept open: those of a viewer that goes through frames, or moves windows.
_KEPT = 8
#: Name -> where it is. What is no task cannot be asked for.
_TASKS = {
    "picture": "picture:picture",
    "movie": "picture:movie",
    "frames": "frames:frames",
    "metadata": "metadata:metadata",
    "bulk_data": "metadata:bulk_data",
    "document": "documents:document",
    "report": "documents:report",
    "transcode": "transcode:transcode",
}


class Folder:
    """The files below a folder, of which some are kept open."""

    def __init__(self, root: str, max_pixels: int, max_bytes: int) -> None:
        self.root, self.max_bytes = root, max_bytes
        limits = Limits(max_pixels=max_pixels, max_decoded=1 << 46, max_inflated=max_bytes)
        self.options = ReadOptions(limits=limits)
        self._kept: OrderedDict[tuple[str, int, int], Image] = OrderedDict()

    def source(self, path: str) -> Source:
        """The bytes of a file. Raises `OSError` and `SourceError`."""
        return open_descriptor(system.open_beneath(self.root, path), "")

    def image(self, path: str) -> Image:
        """The object of a file, which stays open. Raises `OSError` and errors of `FastdcmError`'s tree."""
        descriptor = system.open_beneath(self.root, path)
        status = os.fstat(descriptor)
        key = path, status.st_mtime_ns, status.st_size
        image = self._kept.get(key)
        if image is not None:
            os.close(descriptor)
            self._kept.move_to_end(key)
            return image
        image = open_image(open_descriptor(descriptor, ""), self.options)
        self._kept[key] = image
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)[1].close()
        return image


def run(task: str, folder: Folder, path: str, arguments: tuple[Any, ...]) -> Any:
    """Do a task. Raises `OSError` and errors of `FastdcmError`'s tree."""
    if task not in _TASKS:
        raise OptionError(f"there is no task {task!r}")
    module, _, name = _TASKS[task].partition(":")
    return getattr(import_module(f"fastdcm.serve.tasks.{module}"), name)(folder, path, *arguments)
