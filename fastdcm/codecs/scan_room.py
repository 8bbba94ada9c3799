"""Room for the bytes of a scan of JPEG, without what is stuffed into them, which a thread keeps."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels import coded_bytes

#: Bytes of scans for which a thread keeps room: asking the system for it anew takes as long as decoding some
#: tens of thousands of samples.
_MOST_KEPT = 1 << 20


class ScanRoom(threading.local):
    """What a thread decodes scans in; decoders add what else they work in."""

    def __init__(self, behind: int = 0) -> None:
        """``behind`` bytes are read behind those of a scan, besides its padding."""
        self._behind = coded_bytes.PADDING + behind
        self._coded = np.empty(0, np.uint8)

    def coded(self, size: int) -> NDArray[Any]:
        """(n,) uint8, room for ``size`` bytes of a scan, and what is read behind them."""
        size += self._behind
        if size <= len(self._coded):
            return self._coded
        found = np.empty(max(size, min(2 * size, _MOST_KEPT)), np.uint8)
        if size <= _MOST_KEPT:
            self._coded = found
        return found
