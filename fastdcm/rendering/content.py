"""The part of a picture that is no border of background."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.model import Region

Array = NDArray[Any]


def content_box(shown: Array) -> Region:
    gray = shown if shown.ndim == 2 else shown.max(axis=2)
    mask = gray > 12
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return Region(0, 0, gray.shape[1], gray.shape[0])
    return Region(
        int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)
    )
