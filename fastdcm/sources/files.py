"""Files on disk."""

from __future__ import annotations

import os

from fastdcm.options import Limits
from fastdcm.reader.source import Source, open_source


def open_path(path: str, limits: Limits) -> Source:
    """A file. Raises `SourceError`."""
    return open_source(path)


def stamp(path: str) -> tuple[int, int] | None:
    """Size and time of a file; None where it cannot be looked at."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns
