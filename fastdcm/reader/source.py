"""Where bytes come from: a path, bytes, a file object, or anything that can read a range."""

from __future__ import annotations

import os
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import BinaryIO, Union

from fastdcm.errors import OptionError, SourceError
from fastdcm.system import read_at, read_into

#: Files up to this size are read at once, larger ones window by window and frame by frame. Above
#: it the second read costs less than 1 % of converting one image (benches/bench_reader.py).
WHOLE_FILE_SIZE = 4 << 20
#: How much is read at a time of the header of a larger one. It starts small, again behind each value that
#: is skipped, and doubles while element follows element: what is read of the pixels in vain is little, and
#: 64 reads a megabyte cost 1 % of walking its elements (benches/bench_reader.py).
FIRST_WINDOW, WINDOW = 1 << 10, 16 << 10

#: The longest head of an element, and how many windows of a header are kept: more have only those that hold
#: sequences a frame, whose values are not looked for one by one.
_HEAD, _KEPT_WINDOWS = 12, 8

Readable = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO, "Source"]


class Source(ABC):
    """Something that can read a range of bytes.

    A remote reader derives from this class: it sets ``size`` and ``name`` and implements `read`.
    """

    name: str | None = None
    size: int = 0
    #: Bytes fetched so far, by which tests prove that nothing is read in vain.
    bytes_read: int = 0
    #: All of it, where it lies in memory as bytes.
    whole: bytes | None = None
    #: Why nothing is read behind ``size``, where it is not for the source's end.
    refusal: str = ""
    #: Whether it is of use to it to know what will be read (`expect`).
    expects: bool = False
    _windows: tuple[tuple[int, memoryview], ...] = ()

    @abstractmethod
    def read(self, offset: int, length: int) -> bytes:
        """The bytes of a range; fewer where the source ends before. Raises `SourceError`."""

    def view(self, offset: int, length: int) -> memoryview:
        """The same without a copy where the source is in memory; read-only, as it may be the caller's."""
        return memoryview(self.read(offset, length)).toreadonly()

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer from ``offset`` on; the bytes that are there, fewer where the source ends before.

        Raises `SourceError`.
        """
        data = self.read(offset, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def ahead(self, offset: int, length: int) -> memoryview:
        """The bytes of a range of the header, or what is there of it: enough for an element's head, or more.

        They are kept, for the next call and for `part`.
        """
        for start, kept in self._windows:
            if start <= offset and offset + _HEAD <= start + len(kept):
                return kept[offset - start :]
        data = self.view(offset, length)
        if len(self._windows) < _KEPT_WINDOWS:
            self._windows = (*self._windows, (offset, data))
        return data

    def part(self, offset: int, length: int) -> bytes:
        """As `read`, of the header: its values lie among the heads that were read `ahead`."""
        for start, kept in self._windows:
            if start <= offset and offset + length <= start + len(kept):
                return bytes(kept[offset - start : offset - start + length])
        return self.read(offset, length)

    def expect(self, ranges: Iterable[tuple[int, int]]) -> None:
        """These ranges (offset, length) will be read, in this order; each where that is not known already."""

    def close(self) -> None:
        """Release what the source holds."""


class MemorySource(Source):
    """Bytes in memory."""

    def __init__(self, data: bytes | bytearray | memoryview, name: str | None = None) -> None:
        view = memoryview(data).toreadonly()
        self.whole = data if isinstance(data, bytes) else None
        self._view = (view if view.c_contiguous else memoryview(view.tobytes())).cast("B")
        self.name = name
        self.size = self.bytes_read = len(self._view)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._view[offset : offset + length])

    def view(self, offset: int, length: int) -> memoryview:
        return self._view[offset : offset + length]

    def ahead(self, offset: int, length: int) -> memoryview:
        return self._view[offset:]

    part = read


class FileSource(Source):
    """A file on disk that is read by ranges; safe to use from several threads."""

    def __init__(self, descriptor: int, size: int, name: str) -> None:
        self._descriptor = descriptor
        self.size = size
        self.name = name

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self.size:
            return b""  # also what no file offset can express
        try:
            data = read_at(self._descriptor, offset, length)
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror or error}") from error
        self.bytes_read += len(data)
        return data

    def read_into(self, offset: int, buffer: memoryview) -> int:
        if offset >= self.size:
            return 0
        try:
            count = read_into(self._descriptor, offset, buffer)
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror or error}") from error
        self.bytes_read += count
        return count

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class StreamSource(Source):
    """A seekable binary file object of the caller's, which stays open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self.size = stream.seek(0, os.SEEK_END)
        _must_be_bytes(stream.read(0))
        name = getattr(stream, "name", None)
        self.name = name if isinstance(name, str) else None

    def read(self, offset: int, length: int) -> bytes:
        if offset >= self.size:
            return b""
        try:
            with self._lock:
                self._stream.seek(offset)
                data = self._stream.read(length)
        except (OSError, ValueError) as error:  # ValueError: the file is closed
            raise SourceError(f"cannot be read: {error}") from error
        self.bytes_read += len(data)
        return data


def open_source(src: Readable) -> Source:
    """A `Source` for whatever the caller has.

    Raises `SourceError` where it cannot be opened, `OptionError` where it is none of these.
    """
    if isinstance(src, Source):
        return src
    if isinstance(src, (str, os.PathLike)):
        path = os.fspath(src)
        return open_descriptor(open_to_read(path), path)
    if isinstance(src, (bytes, bytearray, memoryview)):
        return MemorySource(src)
    if hasattr(src, "read"):
        try:
            if getattr(src, "seekable", lambda: False)():
                return StreamSource(src)
            return MemorySource(_must_be_bytes(src.read()))
        except OptionError:
            raise
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot be read: {error}") from error
    raise OptionError(f"cannot read DICOM from {type(src).__name__}: give a path, bytes or a binary file")


def _must_be_bytes(data: object) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise OptionError(f"the file object gives {type(data).__name__}, not bytes: open it in binary mode")
    return bytes(data)


#: A pipe that nobody writes to must not keep us waiting.
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def open_to_read(path: str) -> int:
    """A descriptor of a file, for its ranges to be read. Raises `SourceError`."""
    try:
        return os.open(path, _FLAGS)
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        raise SourceError(f"cannot be opened: {_reason(error)}", path=path) from error


def open_descriptor(descriptor: int, path: str) -> Source:
    """A `Source` of an open file, which it closes; ``path`` is its name. Raises `SourceError`."""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kind = "folder" if stat.S_ISDIR(status.st_mode) else "pipe or device"
            raise SourceError(f"cannot be read: it is a {kind}, not a file", path=path)
        size = status.st_size
        if size > WHOLE_FILE_SIZE:
            source, descriptor = FileSource(descriptor, size, path), -1
            return source
        # The true size, not a generous one: asking for more costs an allocation of that much.
        data = os.read(descriptor, size)
        while data and len(data) < size:
            more = os.read(descriptor, size - len(data))
            if not more:
                break
            data += more
    except (OSError, ValueError) as error:
        raise SourceError(
            f"cannot be read: {getattr(error, 'strerror', None) or error}", path=path
        ) from error
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return MemorySource(data, path)
