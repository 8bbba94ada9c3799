"""Files on disk."""

from __future__ import annotations

import os

from fastdcm.errors import SourceError
from fastdcm.options import Limits
from fastdcm.reader.source import Source, open_source
from fastdcm.sources.addresses import as_path, shown, unsupported_scheme


def open_path(path: str, limits: Limits) -> Source:
    """A file, by its path or as ``file:///path``. Raises `SourceError`."""
    if (why := unsupported_scheme(path)) and not os.path.exists(path):
        raise SourceError(why, path=shown(path))
    return open_source(as_path(path))


def stamp(path: str) -> tuple[int, int] | None:
    """Size and time of a file; None where it cannot be looked at."""
    try:
        found = os.stat(as_path(path))
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def identity(path: str) -> tuple[int, ...] | None:
    """What is another one where a path leads to another file, or its file was written; None where neither can
    be told."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
