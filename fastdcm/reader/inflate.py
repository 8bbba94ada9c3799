"""Deflated Explicit VR Little Endian (PS3.5 A.5): the data set as one raw deflate stream."""

from __future__ import annotations

import threading
import zlib

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.reader.source import Source

#: How much a deflated data set may become. Deflate grows up to 1032-fold, so a small file could
#: otherwise take all memory.
MAX_INFLATED = 1 << 30
_CHUNK = 256 << 10


class InflatedSource(Source):
    """Inflates as far as it is read and keeps what it inflated.

    ``size`` is unknown until the end; it stays at the limit until then.
    """

    def __init__(self, source: Source, start: int) -> None:
        self._source, self._start, self._position = source, start, start
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._data = bytearray()
        self._lock = threading.Lock()
        self._ended = False
        self.name = source.name
        self.size = MAX_INFLATED

    def read(self, offset: int, length: int) -> bytes:
        with self._lock:
            while len(self._data) < offset + length and not self._ended:
                self._inflate()
            return bytes(self._data[offset : offset + length])

    def _inflate(self) -> None:
        compressed = self._inflater.unconsumed_tail
        if not compressed:
            compressed = self._source.read(self._position, _CHUNK)
            self._position += len(compressed)
        try:
            inflated = self._inflater.decompress(compressed, 4 * _CHUNK)
        except zlib.error as error:
            raise DicomError(f"the deflated data set is damaged: {error}") from error
        if not compressed and not inflated and not self._inflater.eof:
            if self._data or self._position > self._start:
                raise TruncatedError("the deflated data set is cut")
            self._ended, self.size = True, 0
        self._data += inflated
        if self._inflater.eof:
            self._ended = True
            self.size = len(self._data)
        elif len(self._data) > MAX_INFLATED:
            raise DicomError(f"the deflated data set exceeds {MAX_INFLATED >> 20} MiB")
        self.bytes_read = self._source.bytes_read

    def close(self) -> None:
        self._source.close()
