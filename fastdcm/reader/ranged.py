"""Sources of which ranges are fetched, one request each: few of them, and little that nobody wants."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from fastdcm.reader.source import Source

#: What is fetched at first: the header of most objects. A frame of half a megabyte costs 3 % more with it.
FIRST = 16 << 10
#: What a small read fetches at least, which doubles while one read follows the other, as in a long header.
LEAST, MOST_AHEAD = 1 << 10, 1 << 20
#: What is announced is fetched in pieces of so many bytes, the next one while this one is used.
PIECE = 4 << 20
#: Announced ranges with no more between them are fetched as one.
GAP = 4 << 10
#: A longer read is nobody else's, and kept for nobody.
_LARGE = 64 << 10
#: So many bytes of what was fetched are kept.
_KEPT = 4 * PIECE

Range = tuple[int, int]


def merged(ranges: Iterable[Range], gap: int = GAP) -> list[Range]:
    """Ranges (start, end) in order, those with no more than ``gap`` between them as one."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if found and start <= found[-1][1] + gap:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


class RangedSource(Source):
    """Something far away, of which ``begin`` has been fetched; safe to use from several threads.

    ``later`` has a function called in another thread, for what is fetched before it is asked for; without it
    nothing is. A subclass implements `_fetched`.
    """

    expects = True

    def __init__(
        self,
        size: int,
        name: str | None,
        begin: bytes,
        *,
        least: int = LEAST,
        later: Callable[..., Future[bytes]] | None = None,
    ) -> None:
        self.size, self.name = size, name
        self.bytes_read = len(begin)
        self._begin, self._least, self._later = begin, least, later
        self._spans: dict[int, bytes] = {}
        self._expected: list[Range] = []
        self._coming: tuple[Range, Future[bytes]] | None = None
        self._last_end, self._step = len(begin), least
        self._lock = threading.Lock()

    @abstractmethod
    def _fetched(self, start: int, end: int) -> bytes:
        """The bytes of a range, all of them. Raises `SourceError`."""

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.view(offset, length))

    def view(self, offset: int, length: int) -> memoryview:
        end = min(offset + length, self.size)
        if offset >= end:
            return memoryview(b"")
        if end <= len(self._begin):
            return memoryview(self._begin)[offset:end]
        if end - offset > _LARGE and not self._is_expected(offset, end):
            return self._alone(offset, end)
        pieces: list[memoryview] = []
        with self._lock:
            position = offset
            while position < end:
                piece = self._kept(position)
                if piece is None:
                    self._fetch(position, end)
                    continue
                pieces.append(piece[: end - position])
                position += len(pieces[-1])
            self._forget()
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))

    def expect(self, ranges: Iterable[Range]) -> None:
        with self._lock:
            known = self._expected
            new = [
                (start, min(start + length, self.size))
                for start, length in ranges
                if not any(first <= start and start + length <= last for first, last in known)
            ]
            # What is there already is not fetched again.
            new = [(max(start, len(self._begin)), end) for start, end in new]
            if new:
                self._expected = merged([*known, *new])

    def close(self) -> None:
        with self._lock:
            self._spans, self._expected, self._coming = {}, [], None

    def _is_expected(self, offset: int, end: int) -> bool:
        return any(first < end and offset < last for first, last in self._expected)

    def _alone(self, offset: int, end: int) -> memoryview:
        """A long range that was not announced: other threads may fetch theirs meanwhile."""
        pieces: list[memoryview] = []
        position = offset
        with self._lock:
            while position < end and (piece := self._kept(position)) is not None:
                pieces.append(piece[: end - position])
                position += len(pieces[-1])
        if position < end:
            data = self._fetched(position, end)
            with self._lock:
                self.bytes_read += len(data)
            pieces.append(memoryview(data))
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))

    def _kept(self, position: int) -> memoryview | None:
        """What is kept from a position on, as far as it goes."""
        if position < len(self._begin):
            return memoryview(self._begin)[position:]
        for start in reversed(self._spans):
            data = self._spans[start]
            if start <= position < start + len(data):
                return memoryview(data)[position - start :]
        return None

    def _missing(self, position: int) -> int:
        """The first position from there on of which nothing is kept."""
        while piece := self._kept(position):
            position += len(piece)
        return position

    def _fetch(self, position: int, end: int) -> None:
        """Fetch what is missing from a position on, with what will be wanted behind it."""
        if self._coming is not None and self._coming[0][0] <= position < self._coming[0][1]:
            position = self._coming[0][0]
        for number, (first, last) in enumerate(self._expected):
            # A little somewhere else is a look at what comes later: its turn is still to come.
            in_turn = position <= self._missing(first) + GAP or end - position > _LARGE
            if first <= position < last and in_turn:
                stop = min(last, position + PIECE)
                self._expected[number : number + 1] = (first, position), (stop, last)
                self._keep(position, self._arrived(position, stop))
                self._fetch_later(stop)
                return
        step = self._step if position == self._last_end else self._least
        self._step = min(2 * step, MOST_AHEAD)
        stop = max(end, position + step)
        known = [*self._spans, *(first for first, _ in self._expected)]
        stop = min([stop, self.size, *(start for start in known if start > position)])
        self._keep(position, self._fetched(position, stop))

    def _arrived(self, start: int, stop: int) -> bytes:
        coming, self._coming = self._coming, None
        if coming is not None and coming[0] == (start, stop):
            return coming[1].result()
        return self._fetched(start, stop)

    def _fetch_later(self, stop: int) -> None:
        """Begin to fetch the piece that comes next."""
        self._expected = [(first, last) for first, last in self._expected if first < last]
        following = [(first, last) for first, last in self._expected if first >= stop]
        if self._later is not None and following:
            start, last = following[0]
            piece = start, min(last, start + PIECE)
            self._coming = piece, self._later(self._fetched, *piece)

    def _keep(self, start: int, data: bytes) -> None:
        self.bytes_read += len(data)
        self._spans[start] = data
        self._last_end = start + len(data)

    def _forget(self) -> None:
        total = sum(map(len, self._spans.values()))
        while total > _KEPT and len(self._spans) > 1:
            total -= len(self._spans.pop(next(iter(self._spans))))
