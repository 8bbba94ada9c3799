"""ZIP and TAR archives of images: there as a whole, or not at all.

The bytes depend on names and images alone: members are of 1980 (ZIP) or 1970 (TAR), and belong to nobody.
Images are packed already, and so stored.
"""

from __future__ import annotations

import os
import struct
import zlib
from abc import ABC, abstractmethod
from contextlib import suppress
from functools import partial

from fastdcm import system
from fastdcm.errors import SourceError
from fastdcm.sinks.run import Run
from fastdcm.sinks.spool import write_all
from fastdcm.sources.names import archive_kind
from fastdcm.sources.tarred import BLOCK, FileTape, headers

_PIECE = 1 << 20
_RECORD = 10_240


class ArchiveWriter(ABC):
    """Writes an archive under a temporary name. All methods raise `OSError`; its folder is there."""

    def __init__(self, path: str, run: Run, *, fsync: bool) -> None:
        self._path, self._fsync = path, fsync
        # None of a worker's, so that nobody who cleans up after one removes it.
        self._temporary = os.path.join(os.path.dirname(path), f"{run.prefix(0)}0")
        self._file: int | None = system.create_exclusive(self._temporary)
        #: Hashes of names, because there may be millions.
        self._names: set[int] = set()
        self._size = 0

    def append(self, source: int, offset: int, length: int) -> str:
        """Take the members of a part of a tar that is an open file; their name, where it is there already."""
        read = partial(_read_part, source, offset)
        tape = FileTape(read, length)
        begin = 0
        try:
            for header in headers(tape, ends=False):
                if hash(header.name) in self._names:
                    return header.name
                self._names.add(hash(header.name))
                start = tape.position
                self._add(header.name, source, offset + begin, offset + start, header.size)
                begin = start + -(-header.size // BLOCK) * BLOCK
        except SourceError as error:
            raise OSError(f"what was on its way into an archive is damaged: {error.message}") from error
        if begin != length:
            raise OSError("what was on its way into an archive is gone")
        return ""

    def close(self, *, replace: bool) -> None:
        """End the archive and give it its name. With ``replace`` what has that name goes."""
        assert self._file is not None
        self._end()
        if self._fsync:
            system.sync_file(self._file)
        file, self._file = self._file, None
        os.close(file)
        if replace:
            os.replace(self._temporary, self._path)
        else:
            system.rename_no_replace(self._temporary, self._path)
        if self._fsync:
            system.sync_folder(os.path.dirname(self._path) or ".")

    def give_up(self) -> None:
        """Remove what is not whole."""
        with suppress(OSError):
            if self._file is not None:
                os.close(self._file)
            os.unlink(self._temporary)
        self._file = None

    @abstractmethod
    def _add(self, name: str, source: int, header_at: int, data_at: int, size: int) -> None:
        """Write a member, whose header in a tar and whose bytes are there."""

    @abstractmethod
    def _end(self) -> None:
        """Write what ends an archive."""

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        write_all(self._file, data)
        self._size += len(data)


class _TarWriter(ArchiveWriter):
    def _add(self, name: str, source: int, header_at: int, data_at: int, size: int) -> None:
        end = data_at + -(-size // BLOCK) * BLOCK
        for at in range(header_at, end, _PIECE):
            self._write(_piece(source, at, min(_PIECE, end - at)))

    def _end(self) -> None:
        self._write(bytes(-(-(self._size + 2 * BLOCK) // _RECORD) * _RECORD - self._size))


#: Version to unpack (4.5 for large ones), flags (names in UTF-8), stored, 1980-01-01.
_VERSION, _VERSION_64, _UTF_8, _TIME, _DATE = 20, 45, 1 << 11, 0, 33
_FULL_32, _FULL_16 = 0xFFFFFFFF, 0xFFFF
#: Written by 2.0 on Unix; a file that all may read.
_MADE_BY, _MODE = 3 << 8 | 20, (0o100644 << 16)


class _ZipWriter(ArchiveWriter):
    """PKWARE's APPNOTE 4.3. The list of members stays in memory until the end, 100 bytes and a name each."""

    def __init__(self, path: str, run: Run, *, fsync: bool) -> None:
        super().__init__(path, run, fsync=fsync)
        self._entries: list[bytes] = []

    def _add(self, name: str, source: int, header_at: int, data_at: int, size: int) -> None:
        crc = 0
        for at in range(data_at, data_at + size, _PIECE):
            crc = zlib.crc32(_piece(source, at, min(_PIECE, data_at + size - at)), crc)
        encoded = name.encode("utf-8", "surrogateescape")
        offset = self._size
        large, far = size >= _FULL_32, offset >= _FULL_32
        version = _VERSION_64 if large or far else _VERSION
        stated = _FULL_32 if large else size
        common = struct.pack("<4H", _UTF_8, 0, _TIME, _DATE) + struct.pack("<3I", crc, stated, stated)
        extra = struct.pack("<2H2Q", 1, 16, size, size) if large else b""
        head = struct.pack("<4sH", b"PK\x03\x04", version) + common
        self._write(head + struct.pack("<2H", len(encoded), len(extra)) + encoded + extra)
        for at in range(data_at, data_at + size, _PIECE):
            self._write(_piece(source, at, min(_PIECE, data_at + size - at)))
        wide = ([size, size] if large else []) + ([offset] if far else [])
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        entry = struct.pack("<4s2H", b"PK\x01\x02", _MADE_BY, version) + common
        entry += struct.pack("<5H", len(encoded), len(extra), 0, 0, 0)
        entry += struct.pack("<2I", _MODE, _FULL_32 if far else offset)
        self._entries.append(entry + encoded + extra)

    def _end(self) -> None:
        start, count = self._size, len(self._entries)
        for entry in self._entries:
            self._write(entry)
        end = self._size
        if count >= _FULL_16 or start >= _FULL_32 or end - start >= _FULL_32:
            record = struct.pack("<4sQ2H2I", b"PK\x06\x06", 44, _MADE_BY, _VERSION_64, 0, 0)
            self._write(record + struct.pack("<4Q", count, count, end - start, start))
            self._write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        counts = min(count, _FULL_16)
        places = struct.pack("<2IH", min(end - start, _FULL_32), min(start, _FULL_32), 0)
        self._write(struct.pack("<4s4H", b"PK\x05\x06", 0, 0, counts, counts) + places)


def open_archive(path: str, run: Run, *, fsync: bool) -> ArchiveWriter:
    """A writer for the archive that a path names. Raises `OSError`."""
    return (_ZipWriter if archive_kind(path) == "zip" else _TarWriter)(path, run, fsync=fsync)


def _read_part(source: int, offset: int, at: int, length: int) -> bytes:
    return system.read_at(source, offset + at, length)


def _piece(source: int, at: int, length: int) -> bytes:
    data = system.read_at(source, at, length)
    if len(data) < length:
        raise OSError("what was on its way into an archive is gone")
    return data
