"""Which frame of which object an index of a data set is, in memory that processes share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.arrays.pieces import Found, pieces_of
from fastdcm.arrays.wanted import Wanted


class Item(NamedTuple):
    """One frame, from 1, of the ``object``-th object, from 0; ``source`` is its path, or its bytes."""

    source: Any
    frame: int
    object: int


class Items:
    """The frames of a data set by index.

    Paths lie in one array. A list of a million strings would be copied by each process forked from this one,
    page by page, by the counting of references alone.
    """

    def __init__(self, found: Iterable[Found], wanted: Wanted, *, keep: bool) -> None:
        """With ``keep``, objects whose headers cannot be read are items, which fail when they are read."""
        objects: list[int] = []
        frames: list[int] = []
        sources: list[Any] = []
        for one in found:
            pieces = list(pieces_of([one], wanted))
            for piece in pieces:
                if piece.error is not None and not keep:
                    raise piece.error
            if pieces:
                frames.extend(piece.frame for piece in pieces)
                objects.extend([len(sources)] * len(pieces))
                sources.append(one.source)
        self._objects = np.array(objects, np.int64)
        self._frames = np.array(frames, np.int32)
        self.objects = len(sources)
        self._ends = np.zeros(0, np.int64)
        self._others: list[Any] | None = sources
        if all(isinstance(source, str) for source in sources):
            encoded = [source.encode("utf-8", "surrogateescape") for source in sources]
            self._paths: NDArray[np.uint8] = np.frombuffer(b"".join(encoded), np.uint8)
            self._ends = np.cumsum([len(path) for path in encoded], dtype=np.int64)
            self._others = None

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> Item:
        number = int(self._objects[index])
        return Item(self._source(number), int(self._frames[index]), number)

    def _source(self, number: int) -> Any:
        if self._others is not None:
            return self._others[number]
        start = int(self._ends[number - 1]) if number else 0
        return self._paths[start : self._ends[number]].tobytes().decode("utf-8", "surrogateescape")
