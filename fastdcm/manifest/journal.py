"""The lines of a manifest as they are written: appended, whole or torn at the very end.

The first line of a run says what it makes (``made_of``), by which a later one knows whether it may go on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fastdcm import __version__, system
from fastdcm.errors import OptionError, OutputError, cannot_write
from fastdcm.manifest.rows import as_line
from fastdcm.options import Existing
from fastdcm.options.manifest import ManifestOptions

_TAIL = 1 << 16
_APPENDED = os.O_WRONLY | os.O_CREAT | os.O_APPEND
for _name in ("O_BINARY", "O_CLOEXEC"):
    _APPENDED |= getattr(os, _name, 0)


class Journal:
    """Keeps the lines of one run. ``made_of`` is a digest of the options that decide what it makes.

    Raises `OptionError` where a manifest is there that this run does not go on from, or that another one is
    writing.
    """

    def __init__(self, options: ManifestOptions, made_of: str, existing: Existing, *, fsync: bool) -> None:
        self.path = path = options.journal
        self._fsync = fsync
        self.error: OutputError | None = None
        if "\0" in path:
            raise OptionError(f"cannot write {path!r}: there is no such name")
        there = os.path.lexists(path)
        if there and not options.resume and existing != "overwrite":
            raise OptionError(f"{path} is there already: --resume goes on from it, --overwrite begins anew")
        try:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            self._file = os.open(path, _APPENDED, 0o666)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            if system.is_locked_by_others(self._file):
                raise OptionError(f"another run is writing {path}: wait for its end, or name another one")
            if not options.resume:
                os.ftruncate(self._file, 0)
            elif there:
                _check(path, made_of)
                _cut_torn(path)
        except OSError as error:
            os.close(self._file)
            raise cannot_write(path, error) from error
        except OptionError:
            os.close(self._file)
            raise
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        self.append([as_line({"run": begun, "fastdcm": __version__, "made_of": made_of})])

    def append(self, lines: Sequence[bytes]) -> bool:
        """Add lines, in one piece; False where that fails: ``error`` says why, nothing more is added."""
        if self.error is not None:
            return False
        data = b"".join(lines)
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.error = cannot_write(self.path, error)
            return False
        return True

    def close(self) -> None:
        """No more lines will come."""
        try:
            if self._fsync and self.error is None:
                system.sync_file(self._file)
        except OSError as error:
            self.error = cannot_write(self.path, error)
        finally:
            os.close(self._file)


def _check(path: str, made_of: str) -> None:
    """Raises `OptionError` where the run of a manifest makes something else."""
    with open(path, "rb") as file:
        first = file.readline()
    if not first.endswith(b"\n"):
        return  # torn before anything was made
    head = _head(first)
    if head is None:
        raise OptionError(f"{path} is no manifest of fastdcm: name another one")
    if head.get("made_of") != made_of:
        by = "" if head.get("fastdcm") == __version__ else f", and by fastdcm {head.get('fastdcm')}"
        raise OptionError(
            f"{path} is of a run with other options{by}: give the same ones to go on from it, or name another"
        )


def _head(line: bytes) -> dict[str, Any] | None:
    try:
        head = json.loads(line)
    except ValueError:
        return None
    return head if isinstance(head, dict) and "made_of" in head else None


def _cut_torn(path: str) -> None:
    """Drop what is behind the last end of a line: the run was ended in the middle of writing it."""
    with open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        whole = end
        while whole > 0:
            begin = max(0, whole - _TAIL)
            file.seek(begin)
            found = file.read(whole - begin).rfind(b"\n")
            if found >= 0:
                whole = begin + found + 1
                break
            whole = begin
        if whole < end:
            file.truncate(whole)
