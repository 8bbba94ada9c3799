"""The files that a DICOMDIR names (Media Storage Directory, PS3.3 F.3, PS3.10 clause 8)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from functools import lru_cache

from fastdcm.errors import FastdcmError, SourceError, TruncatedError
from fastdcm.options import Limits
from fastdcm.reader.elements import ITEM, UNDEFINED, Element, Encoding
from fastdcm.reader.scan import MAX_SEQUENCE, scan
from fastdcm.reader.sequences import Walk, elements_of, item_encoding, skip_undefined
from fastdcm.reader.source import MemorySource, open_source

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
        if (records := found.elements.get(_RECORDS)) is None:
            raise SourceError("is no DICOMDIR: it has no directory records (0004,1220)")
        _, start, length = records
        if source.size > MAX_SEQUENCE:
            raise SourceError(f"it is larger than {MAX_SEQUENCE} bytes")
        data = found.source.read(start, found.source.size - start)
        seen: set[tuple[str, ...]] = set()
        for position, size in _items(data, length, found.encoding, found.walk):
            elements = elements_of(data, position, size, found.encoding, found.walk)
            file_id = _file_id(data, elements, found.encoding)
            if file_id and file_id not in seen:
                seen.add(file_id)
                yield file_id
    except FastdcmError as error:
        raise SourceError(f"its records cannot be read: {error.message}", path=path) from error
    finally:
        source.close()


def _items(data: bytes, length: int, encoding: Encoding, walk: Walk) -> Iterator[tuple[int, int]]:
    """(offset, length) of each item of a sequence that should end after ``length`` bytes; the last one may
    end later, as where records were taken out and the length was left. Raises `DicomError`.
    """
    unpack = struct.Struct(encoding.order + "HHI").unpack_from
    source = MemorySource(data)
    position = 0
    while position + 8 <= min(length, len(data)):
        group, number, size = unpack(data, position)
        if group << 16 | number != ITEM:
            return
        position += 8
        if size == UNDEFINED:
            written = item_encoding(source, position, len(data), encoding, walk)
            after = skip_undefined(source, position, written, walk, in_item=True)
            yield position, after - 8 - position
            position = after
        elif position + size > len(data):
            raise TruncatedError(f"a record declares {size} bytes, {len(data) - position} follow")
        else:
            yield position, size
            position += size


def _file_id(data: bytes, elements: dict[int, Element], encoding: Encoding) -> tuple[str, ...]:
    """The Referenced File ID of a record; empty where it has none, or is not in use."""
    _, at, size = elements.get(_IN_USE, (b"", 0, 0))
    if size == 2 and struct.unpack_from(encoding.order + "H", data, at)[0] == 0:
        return ()  # a record that was deleted
    _, at, size = elements.get(_FILE_ID, (b"", 0, 0))
    text = data[at : at + size].decode("utf-8", "surrogateescape")
    return tuple(part.strip(" \0") for part in text.split("\\")) if text.strip(" \0") else ()


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
