"""The one decorator: compile for fixed types, cache on disk where that is possible.

numba writes its cache beside the source or in the user's home and raises at import where both are
read-only (containers, clusters). Then a private folder of the user's in the temporary directory is
tried, then compilation goes without a cache.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba


def kernel(*signatures: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Compile a function for the given signatures, at once, so that nothing compiles in mid-run."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        try:
            return _compile(signatures, function, cache=True)
        except (RuntimeError, OSError):
            # "cannot cache function: no locator available": nowhere to write.
            folder = private_cache()
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
            try:
                return _compile(signatures, function, cache=True)
            except (RuntimeError, OSError):
                numba.config.CACHE_DIR = ""  # type: ignore[attr-defined]
        return _compile(signatures, function, cache=False)

    return decorate


def _compile(
    signatures: tuple[str, ...], function: Callable[..., None], *, cache: bool
) -> Callable[..., None]:
    compiled: Callable[..., None] = numba.jit(list(signatures), nopython=True, nogil=True, cache=cache)(
        function
    )
    return compiled


def private_cache() -> Path | None:
    """A folder in the temporary directory that only this user can write; None where there is none.

    What lies in the cache is executed, so a folder that somebody else made is not used.
    """
    user = getattr(os, "getuid", lambda: os.environ.get("USERNAME", "user"))()
    folder = Path(tempfile.gettempdir()) / f"fastdcm-numba-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    if os.name == "posix":
        foreign = status.st_uid != user or stat.S_IMODE(status.st_mode) & 0o077
        if foreign or not stat.S_ISDIR(status.st_mode):
            return None
    return folder


def cache_place(dispatcher: Any) -> str:
    """Where a kernel's machine code is cached, in words."""
    statistics = getattr(dispatcher, "stats", None)
    return str(getattr(statistics, "cache_path", None) or "nowhere (compiled anew in each process)")
