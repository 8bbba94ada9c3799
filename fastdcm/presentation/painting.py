"""Colors onto display values, where a mask says how much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.presentation.colors import Paint, is_gray

Array = NDArray[Any]


def ready_for(pixels: Array, paints: Iterable[Paint]) -> Array:
    """A copy of the pixels that can be written to, as RGB where one of the paints needs it."""
    if pixels.ndim == 2 and not all(map(is_gray, paints)):
        return np.repeat(pixels[..., None], 3, axis=2)
    return np.array(pixels)


def paint(pixels: Array, mask: Array, color: Paint, opacity: float = 1.0) -> None:
    """Put a color onto pixels, (rows, columns[, 3]) of uint8 or uint16.

    ``mask``, (rows, columns), says where: bool, or uint8 of which 255 is all of a pixel. Of gray pixels the
    color's red is taken, which is its green and blue.
    """
    top = np.iinfo(pixels.dtype).max
    values = np.floor(np.array(color[: 1 if pixels.ndim == 2 else 3]) * top + 0.5)
    target = pixels[..., None] if pixels.ndim == 2 else pixels
    if opacity >= 1 and mask.dtype == np.bool_:
        np.copyto(target, values.astype(pixels.dtype), where=mask[..., None])
        return
    touched = np.nonzero(mask)  # what is drawn is few of all pixels
    covered = mask[touched]
    if opacity >= 1 and covered.min(initial=255) == 255:
        target[touched] = values.astype(pixels.dtype)
        return
    cover = covered[:, None].astype(np.float64) * (1.0 if mask.dtype == np.bool_ else 1 / 255) * opacity
    before = target[touched].astype(np.float64)
    target[touched] = np.floor(before + (values - before) * cover + 0.5).astype(pixels.dtype)
