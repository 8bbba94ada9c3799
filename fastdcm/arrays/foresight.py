"""How much is to come: by that a process knows whether compiled kernels pay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastdcm.kernels import OUTLOOK


class Foresight:
    """Tells kernels what is to come of a run of so many ``frames``; 0 where that is not known.

    Several runs at a time may each say something else, which costs time at most.
    """

    #: Frames that runs of this process have begun, as kernels count all work of a process.
    begun = 0

    def __init__(self, frames: int) -> None:
        self._left = frames
        if frames > 1:
            OUTLOOK.lasting = True  # who loads one array loads another

    def begin(self) -> None:
        """A frame more is begun."""
        if self._left > 0:
            Foresight.begun += 1
            OUTLOOK.times = self._left / Foresight.begun
            self._left -= 1

    @contextmanager
    def told(self) -> Iterator[None]:
        """While this lasts; then what is known is as it was before."""
        before = OUTLOOK.times
        try:
            yield
        finally:
            OUTLOOK.times = before
