"""Parts of files as sources: members of archives, where they lie."""

from __future__ import annotations

import os

from fastdcm.codecs.inflating import inflate
from fastdcm.errors import ArchiveError, SourceError
from fastdcm.options import Limits
from fastdcm.reader.inflate import InflatedSource
from fastdcm.reader.source import WHOLE_FILE_SIZE, MemorySource, Source, open_to_read
from fastdcm.sources.place import Place
from fastdcm.sources.zipped import data_offset
from fastdcm.system import read_at, read_into


class SectionSource(Source):
    """``size`` bytes of a file, from ``start`` on; safe to use from several threads. It closes the file."""

    def __init__(self, descriptor: int, start: int, size: int, name: str) -> None:
        self._descriptor, self._start = descriptor, start
        self.size, self.name = size, name

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self.size:
            return b""
        try:
            data = read_at(self._descriptor, self._start + offset, min(length, self.size - offset))
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror or error}") from error
        self.bytes_read += len(data)
        return data

    def read_into(self, offset: int, buffer: memoryview) -> int:
        if offset >= self.size:
            return 0
        try:
            there = buffer[: self.size - offset]
            count = read_into(self._descriptor, self._start + offset, there)
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror or error}") from error
        self.bytes_read += count
        return count

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def open_place(place: Place, name: str, limits: Limits) -> Source:
    """The source that lies there. Raises `SourceError`, also where ``limits.max_inflated`` is exceeded."""
    descriptor = open_to_read(place.path)
    try:
        start = place.offset
        if place.packing:
            start = data_offset(descriptor, start)
        if start + place.length > os.fstat(descriptor).st_size:
            raise ArchiveError(f"cannot be read: {place.path} is cut")
        source: Source
        if place.packing == "deflated":
            source = _inflated(descriptor, start, place, name, limits)
        elif place.length > WHOLE_FILE_SIZE:
            source = SectionSource(descriptor, start, place.length, name)
        else:
            source = MemorySource(_whole(descriptor, start, place.length), name)
        if not isinstance(source, MemorySource):
            descriptor = -1  # which is the source's now
        return source
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror or error}", path=name) from error
    except SourceError as error:
        error.at(path=name)
        raise
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _whole(descriptor: int, start: int, length: int) -> bytes:
    data = read_at(descriptor, start, length)
    if len(data) < length:
        raise ArchiveError("cannot be read: its archive was cut in the meantime")
    return data


def _inflated(descriptor: int, start: int, place: Place, name: str, limits: Limits) -> Source:
    """Small members at once, whose checksum is compared; larger ones bit by bit, as far as they are read."""
    size = place.size
    if size > limits.max_inflated:
        raise ArchiveError(
            f"cannot be read: it has {size} bytes when it is inflated, and the limit is "
            f"{limits.max_inflated} (max_inflated)"
        )
    if size > WHOLE_FILE_SIZE or place.length > WHOLE_FILE_SIZE:
        section = SectionSource(descriptor, start, place.length, name)
        return InflatedSource(section, 0, size, what="the deflated member", declared=True)
    try:
        data, ended, crc = inflate(_whole(descriptor, start, place.length), size + 1)
    except ValueError as error:
        raise ArchiveError(f"the deflated member is damaged: {error}") from error
    if len(data) != size or not ended:
        how = "more than" if len(data) > size else f"{len(data)} of"
        raise ArchiveError(f"the deflated member is damaged: it has {how} the {size} bytes that are declared")
    if crc != place.crc:
        raise ArchiveError("the deflated member is damaged: its checksum (CRC-32) differs")
    return MemorySource(data, name)
