"""The files that a DICOMDIR names (Media Storage Directory, PS3.3 F.3, PS3.10 clause 8)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from functools import lru_cache

from fastdcm.errors import FastdcmError, SourceError
from fastdcm.options import Limits
from fastdcm.reader.scan import scan
from fastdcm.reader.sequences import elements_of, items
from fastdcm.reader.source import open_source

_RECORDS, _IN_USE, _FILE_ID = 0x00041220, 0x00041410, 0x00041500
#: Folders whose names are kept.
_KEPT = 64


def file_ids(path: str, limits: Limits) -> Iterator[tuple[str, ...]]:
    """The Referenced File ID (0004,1500) of each record that is in use and has one: folders and a name.

    A file that several records name comes once. Raises `SourceError`.
    """
    source = open_source(path)
    try:
        wanted = frozenset((_RECORDS,))
        bounds = {"max_nesting": limits.max_nesting, "max_inflated": limits.max_inflated}
        found = scan(source, wanted=wanted, **bounds)
        value = found.value(_RECORDS)
        if value is None:
            raise SourceError("is no DICOMDIR: it has no directory records (0004,1220)")
        seen: set[tuple[str, ...]] = set()
        for start, length in items(value, found.encoding, found.walk):
            elements = elements_of(value, start, length, found.encoding, found.walk)
            if (flag := elements.get(_IN_USE)) is not None and flag[2] == 2:
                order = found.encoding.order
                if struct.unpack_from(order + "H", value, flag[1])[0] == 0:
                    continue  # a record that was deleted
            if (named := elements.get(_FILE_ID)) is None or not named[2]:
                continue
            text = value[named[1] : named[1] + named[2]].decode("utf-8", "surrogateescape")
            file_id = tuple(part.strip(" \0") for part in text.split("\\"))
            if file_id not in seen:
                seen.add(file_id)
                yield file_id
    except FastdcmError as error:
        raise SourceError(f"its records cannot be read: {error.message}", path=path) from error
    finally:
        source.close()


class Medium:
    """Finds files by their IDs in the folder of a DICOMDIR, whose filesystem may write names its own way."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names = lru_cache(maxsize=_KEPT)(_names_in)

    def find(self, file_id: tuple[str, ...]) -> str:
        """The path of a file. Raises `SourceError` where it is not there, or would be elsewhere."""
        if any(part in ("", ".", "..") or "/" in part or os.sep in part for part in file_id):
            raise SourceError("is in no folder of its DICOMDIR: a part of its File ID leads elsewhere")
        path = os.path.join(self._folder, *file_id)
        if os.path.isfile(path):
            return path
        path = self._folder
        for part in file_id:
            name = self._names(path or ".").get(part.casefold())
            if name is None:
                raise SourceError("is not there, and its DICOMDIR names it")
            path = os.path.join(path, name)
        if not os.path.isfile(path):
            raise SourceError("is no file, and its DICOMDIR names it as one")
        return path


def _names_in(folder: str) -> dict[str, str]:
    """The names in a folder, by what ISO 9660 may have made of them: small letters, versions, a last dot."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}  # the file is not there then
    return {name.casefold().partition(";")[0].rstrip("."): name for name in sorted(names, reverse=True)}
