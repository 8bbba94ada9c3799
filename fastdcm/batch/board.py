"""What a worker is at, for the run to look at without a message: numbers in memory that both map.

A message a file or a frame would wake the run thousands of times a second, on cores that the
workers need. The numbers lie at the beginning of the worker's log, which both have open on every
platform.
"""

from __future__ import annotations

import mmap

#: The part of the log that the board takes; the log's text follows.
BOARD_BYTES = 4096

_DEADLINE, _BEGUN, _FRAME, _COMPILED, _WAITED = range(5)


class Board:
    """Each number is written by one side at a time: the run's while the worker has no chunk.

    ``deadline`` is the moment (`time.monotonic`, one clock for all processes) at which what the
    worker does now has taken too long; ``begun`` counts the items of the chunk that it began;
    ``frame`` is the frame that the last of them is at, None where it did not say; ``compiled`` tells
    that it has compiled kernels, or found them in their cache; ``waited`` are the seconds in which it was
    ready and had nothing to do yet.
    """

    def __init__(self, descriptor: int) -> None:
        """Map the board of an open log of at least `BOARD_BYTES`. Raises `OSError`, `ValueError`."""
        self._map = mmap.mmap(descriptor, BOARD_BYTES)
        # Numbers of 8 bytes, each stored by one instruction: a reader sees the old or the new one.
        self._numbers = memoryview(self._map).cast("d")

    @property
    def deadline(self) -> float:
        return self._numbers[_DEADLINE]

    @deadline.setter
    def deadline(self, moment: float) -> None:
        self._numbers[_DEADLINE] = moment

    @property
    def begun(self) -> int:
        return int(self._numbers[_BEGUN])

    @property
    def frame(self) -> int | None:
        return int(self._numbers[_FRAME]) or None

    @property
    def compiled(self) -> bool:
        return bool(self._numbers[_COMPILED])

    @compiled.setter
    def compiled(self, compiled: bool) -> None:
        self._numbers[_COMPILED] = compiled

    @property
    def waited(self) -> float:
        return self._numbers[_WAITED]

    @waited.setter
    def waited(self, seconds: float) -> None:
        self._numbers[_WAITED] = seconds

    def expect_chunk(self, deadline: float) -> None:
        """No item is begun yet; the worker has until ``deadline`` to begin."""
        self._numbers[_BEGUN] = self._numbers[_FRAME] = 0
        self._numbers[_DEADLINE] = deadline

    def begin(self, begun: int, deadline: float) -> None:
        """The worker begins an item, as the ``begun``-th of its chunk."""
        self._numbers[_DEADLINE] = deadline
        self._numbers[_FRAME] = 0
        self._numbers[_BEGUN] = begun

    def begin_frame(self, frame: int, deadline: float) -> None:
        """The worker begins a frame of the item, from 1."""
        self._numbers[_DEADLINE] = deadline
        self._numbers[_FRAME] = frame

    def close(self) -> None:
        """Unmap it."""
        self._numbers.release()
        self._map.close()
