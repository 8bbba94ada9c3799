"""TAR archives that are packed as a whole (gzip, Zstandard): read once, forwards, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, BinaryIO

from fastdcm.codecs.inflating import gzip_from, open_gzip
from fastdcm.errors import ArchiveError, SourceError, UnsupportedError
from fastdcm.options import Limits
from fastdcm.reader.source import MemorySource, Source, open_to_read
from fastdcm.sources.names import archive_kind
from fastdcm.sources.tarred import headers

#: An archive that becomes more than so many times itself is made to overwhelm; a little one may.
MOST_GROWTH, LITTLE = 1000, 1 << 30
_PIECE = 1 << 20


#: How errors begin of what is behind the end of a stream and is none, of gzip and of Zstandard.
_NO_STREAM = ("Not a gzipped file", "zstd decompress error: Unknown frame descriptor")
_LONG_WINDOW = "Frame requires too much memory"

Read = Callable[[int], bytes]


class FollowedError(ArchiveError):
    """What came is whole; what follows is not of the format."""


class PackedTape:
    """What comes out of a packed archive, forwards: ``read`` gives it, and raises ``errors`` where it is
    damaged.

    ``packed`` tells how much of it was read. ``again`` gives what reads on from a position where ``read``
    keeps back what it has, because something is wrong further on.
    """

    def __init__(
        self,
        read: Read,
        packed: Callable[[], int],
        errors: tuple[type[Exception], ...],
        again: Callable[[int], Read] | None = None,
    ) -> None:
        self._read, self._packed, self._errors, self._again = read, packed, errors, again
        self.position = 0

    def read(self, length: int) -> bytes:
        """So many bytes; fewer at the end. Raises `SourceError`, also for a bomb."""
        parts: list[bytes] = []
        while length > 0:
            data = self._some(min(length, _PIECE))
            if not data:
                break
            self.position += len(data)
            length -= len(data)
            if self.position > LITTLE and self.position > MOST_GROWTH * self._packed():
                raise ArchiveError(
                    f"becomes more than {MOST_GROWTH} times as large when it is unpacked, as archives do "
                    f"that are made to overwhelm: {self.position} bytes of {self._packed()}"
                )
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, length: int) -> bytes:
        try:
            return self._read(length)
        except EOFError as error:
            raise ArchiveError(f"is cut after {self.position} unpacked bytes") from error
        except self._errors as error:
            words = str(error)
            if _LONG_WINDOW in words:
                why = "needs a window of more than 128 MiB (zstd --long): unpack it, or pack it without"
                raise UnsupportedError(why) from error
            follows = self.position > 0 and words.startswith(_NO_STREAM)
            if not follows or self._again is None:
                kind = FollowedError if follows else ArchiveError
                raise kind(f"is damaged after {self.position} unpacked bytes: {words}") from error
        self._read, self._again = self._again(self.position), None
        return self._some(length)

    def skip(self, length: int) -> None:
        """Go so many bytes further, in little memory. Raises `SourceError`."""
        while length > 0:
            data = self.read(min(length, _PIECE))
            if not data:
                return  # which the next header tells
            length -= len(data)

    def finish(self) -> None:
        """Read to the end, where the checksum is; what may be behind it is nobody's. Raises `SourceError`."""
        with suppress(FollowedError):
            while self.read(_PIECE):
                pass

    def pieces(self, length: int) -> Iterator[bytes]:
        """The next bytes, a part at a time. Raises `SourceError` where fewer are there."""
        while length > 0:
            data = self.read(min(length, _PIECE))
            if not data:
                raise ArchiveError(f"is cut after {self.position} unpacked bytes")
            length -= len(data)
            yield data


@contextmanager
def open_tape(path: str) -> Iterator[PackedTape]:
    """A packed archive. Raises `SourceError`; `UnsupportedError` where what unpacks it is not installed."""
    with ExitStack() as opened:
        file = opened.enter_context(open(open_to_read(path), "rb"))
        again: Callable[[int], Read] | None = None
        if archive_kind(path) == "zst":
            stream, errors = _zstandard(file)
        else:
            stream, errors = open_gzip(file)
            again = partial(gzip_from, file)
        opened.callback(stream.close)
        try:
            yield PackedTape(stream.read, file.tell, errors, again)
        except SourceError as error:
            error.at(path=path)
            raise


def _zstandard(file: BinaryIO) -> tuple[Any, tuple[type[Exception], ...]]:
    try:
        import zstandard
    except ImportError as error:
        raise UnsupportedError(
            "Zstandard needs the package zstandard: pip install zstandard, or unpack the archive"
        ) from error
    stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False)
    return stream, (OSError, zstandard.ZstdError)


def open_packed(archive: str, wanted: str, name: str, limits: Limits) -> Source:
    """A member, for which all before it is unpacked. Raises `SourceError`, `UnsupportedError`."""
    with open_tape(archive) as tape:
        for header in headers(tape):
            if header.name != wanted:
                continue
            if header.problem or header.skipped or header.link:
                why = header.problem or header.skipped or f"is a link to {header.link}: open that"
                raise ArchiveError(why, path=name)
            check_size(header.size, limits)
            return MemorySource(b"".join(tape.pieces(header.size)), name)
    raise ArchiveError(f"cannot be opened: there is no such member in {archive}", path=name)


def check_size(size: int, limits: Limits) -> None:
    """Raises `SourceError` where a member is larger than what may be unpacked."""
    if size > limits.max_inflated:
        raise ArchiveError(
            f"cannot be read: it has {size} bytes, and of what has to be unpacked the limit is "
            f"{limits.max_inflated} (max_inflated)"
        )
