"""Raw deflate streams: Deflated Explicit VR Little Endian (PS3.5 A.5), members of archives."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from typing import Any, NamedTuple

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.reader.source import Source

#: How much of what was inflated stays in memory.
KEPT = 64 << 20
#: A place to which inflating can return, every so many bytes: going back costs 30 ms at most.
MARK_EVERY = 16 << 20
_CHUNK, _STEP = 64 << 10, 1 << 20


class _Mark(NamedTuple):
    """The state of inflating before the byte ``offset`` of the data set."""

    offset: int
    position: int
    inflater: Any  # zlib's class has no public name


class InflatedSource(Source):
    """Inflates as far as it is read; memory does not grow with the data set.

    ``size`` is unknown until the end; it stays at ``max_inflated`` until then. What lies further back
    than `KEPT` is inflated anew, from the mark before it. ``what`` is inflated, for messages; where its size
    is ``declared``, it is ``max_inflated``.
    """

    def __init__(
        self,
        source: Source,
        start: int,
        max_inflated: int,
        *,
        what: str = "the deflated data set",
        declared: bool = False,
    ) -> None:
        self._source, self._start, self._limit, self._what = source, start, max_inflated, what
        self._lock = threading.Lock()
        self._marks = [_Mark(0, start, zlib.decompressobj(-zlib.MAX_WBITS))]
        self._return_to(self._marks[0])
        self.name = source.name
        self.size = max_inflated
        why = "is damaged: it exceeds the" if declared else "exceeds the limit of"
        end = "bytes that are declared" if declared else "bytes (max_inflated)"
        self._exceeds = f"{what} {why} {max_inflated} {end}"
        self.refusal = "" if declared else self._exceeds

    def _return_to(self, mark: _Mark) -> None:
        self._chunks: deque[bytes] = deque()  # what lies from _offset to _end
        self._offset = self._end = mark.offset
        self._position, self._inflater = mark.position, mark.inflater.copy()

    def read(self, offset: int, length: int) -> bytes:
        with self._lock:
            if offset < self._offset:
                self._return_to([mark for mark in self._marks if mark.offset <= offset][-1])
            if self._end > self._limit and offset + length > self._limit:
                raise DicomError(self._exceeds)  # again: it may have ended right behind the limit
            while self._end < offset + length and not self._inflater.eof:
                self._forget(offset)
                if not self._inflate():
                    break
            return self._kept(offset, offset + length)

    def _kept(self, start: int, end: int) -> bytes:
        parts, position = [], self._offset
        for chunk in self._chunks:
            if position >= end:
                break
            if position + len(chunk) > start:
                parts.append(chunk[max(0, start - position) : end - position])
            position += len(chunk)
        return b"".join(parts)

    def _forget(self, offset: int) -> None:
        """Let go of what lies before ``offset`` where there is too much."""
        while self._end - self._offset > KEPT and self._offset + len(self._chunks[0]) <= offset:
            self._offset += len(self._chunks.popleft())

    def _inflate(self) -> bool:
        """Append what comes next; False where there is nothing at all."""
        if self._end >= self._marks[-1].offset + MARK_EVERY:
            self._marks.append(_Mark(self._end, self._position, self._inflater.copy()))
        compressed = self._inflater.unconsumed_tail
        if not compressed:
            compressed = self._source.read(self._position, _CHUNK)
            self._position += len(compressed)
        try:
            inflated = self._inflater.decompress(compressed, _STEP)
        except zlib.error as error:
            raise DicomError(f"{self._what} is damaged: {error}") from error
        self.bytes_read = self._source.bytes_read
        self._chunks.append(inflated)
        self._end += len(inflated)
        if self._end > self._limit:
            raise DicomError(self._exceeds)
        if self._inflater.eof:
            self.size, self.refusal = self._end, ""
        elif not compressed and not inflated:
            if self._position > self._start:
                raise TruncatedError(f"{self._what} is cut")
            self.size, self.refusal = 0, ""
            return False
        return True

    def close(self) -> None:
        self._source.close()
