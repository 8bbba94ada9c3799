"""Fragments read as one file, for codestreams that are not cut into frames (video, PS3.5 8.2.5 ff.)."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from fastdcm.reader.source import Source


class FragmentFile:
    """A seekable file of all fragments, one behind the other; nothing is kept in memory.

    ``cut`` tells that the last one is not all there.
    """

    def __init__(self, source: Source, fragments: Sequence[tuple[int, int]], *, cut: bool) -> None:
        self._source, self._fragments, self.cut = source, fragments, cut
        self._ends = list(accumulate(length for _, length in fragments))
        self.size = self._ends[-1] if fragments else 0
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes of the fragment that the position is in, none at the end."""
        index = bisect_right(self._ends, self._position)
        if index == len(self._ends):
            return b""
        rest = self._ends[index] - self._position
        offset, length = self._fragments[index]
        data = self._source.read(offset + length - rest, rest if size < 0 else min(size, rest))
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position, as files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """The position in bytes from the start of the first fragment."""
        return self._position
