"""Arrays that end at a page which nobody may touch: what is read or written behind them ends the process."""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.scan_room import ScanRoom

Array = NDArray[Any]


class Guarded:
    """Room that ends at a page which nobody may touch."""

    def __init__(self, size: int) -> None:
        pages = -(-size // mmap.PAGESIZE)
        self._memory = mmap.mmap(-1, (pages + 1) * mmap.PAGESIZE)
        self._end = pages * mmap.PAGESIZE
        self._bytes = np.frombuffer(self._memory, np.uint8)
        if sys.platform == "linux":
            protect = ctypes.CDLL(None, use_errno=True).mprotect
            protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
            assert protect(self._bytes.ctypes.data + self._end, mmap.PAGESIZE, 0) == 0

    def last(self, size: int) -> Array:
        """The last ``size`` bytes."""
        return self._bytes[self._end - size : self._end]

    def holding(self, data: bytes) -> Array:
        """These bytes, at the end."""
        found = self.last(len(data))
        found[:] = np.frombuffer(data, np.uint8)
        return found


class GuardedScans(ScanRoom):
    """Room for the bytes of a scan and what is read behind them, and no byte more."""

    #: Kept by all: a stream of a campaign has fewer bytes.
    _guarded = Guarded(4 << 20)

    def coded(self, size: int) -> Array:
        """As `ScanRoom.coded`."""
        return self._guarded.last(size + self._behind)


def copied(array: Array) -> Array:
    """The same values in an array of its own that ends at such a page."""
    made = empty(array.shape, array.dtype)
    made[...] = array
    return made


def empty(shape: Any, dtype: Any = np.float64) -> Array:
    """As NumPy's; an array of no items needs no page."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    found: Array = np.ndarray(shape, dtype, Guarded(size).last(size).data) if size else np.empty(shape, dtype)
    return found


class _NumPy:
    """NumPy, whose `empty` is ours."""

    empty = staticmethod(empty)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


@contextmanager
def arrays_of(*modules: ModuleType) -> Iterator[None]:
    """Within this, what these modules ask NumPy for by ``np.empty`` ends at such a page."""
    for module in modules:
        assert module.__dict__["np"] is np
        module.__dict__["np"] = _NumPy()
    try:
        yield
    finally:
        for module in modules:
            module.__dict__["np"] = np
