"""Pictures in another size, rounded once: floor(y + 0.5) of what the filter gives.

Area is exact (`areas`). (Pillow's BOX takes a pixel whole or not at all: it makes 0, 90, 0 into 45, 0, where
areas give 30, 30.) Linear and Lanczos are Pillow's, in floats, because its filters of bytes round twice and
those of 16 bits take no colour. They widen where a picture shrinks, so that nothing is skipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.options import Resample
from fastdcm.rendering.areas import area_sums, shrunk

Array = NDArray[Any]


def resampled(pixels: Array, rows: int, columns: int, resample: Resample | None) -> Array:
    """(rows, columns[, 3]) of the same dtype, uint8 or uint16, of a picture of any size.

    ``resample`` None is area along an axis that shrinks, linear along one that grows.
    """
    old, new = pixels.shape[:2], (rows, columns)
    if old == new:
        return pixels
    if resample == "nearest":
        # The source's pixel in which the middle of each one lies.
        places = [(2 * np.arange(n) + 1) * o // (2 * n) for o, n in zip(old, new, strict=True)]
        nearest: Array = pixels[places[0][:, None], places[1]]
        return nearest
    by_area = [resample == "area" or (resample is None and n <= o) for o, n in zip(old, new, strict=True)]
    sides = [n if area else o for o, n, area in zip(old, new, by_area, strict=True)]
    if all(by_area):
        return shrunk(pixels, rows, columns)
    sums, weight = area_sums(pixels, *sides)
    return _by_pillow(sums / weight if weight > 1 else sums, rows, columns, resample, pixels.dtype)


def _by_pillow(values: Array, rows: int, columns: int, resample: Resample | None, dtype: Any) -> Array:
    from PIL import Image

    kind = Image.Resampling.LANCZOS if resample == "lanczos" else Image.Resampling.BILINEAR
    top = np.iinfo(dtype).max
    out = np.empty((rows, columns, *values.shape[2:]), dtype)
    # Several channels are taken one by one: Pillow's floats have one.
    planes, shown = (array.reshape(*array.shape[:2], -1) for array in (values, out))
    for channel in range(planes.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(planes[..., channel], np.float32))
        resized = np.asarray(plane.resize((columns, rows), kind))
        # Lanczos overshoots.
        shown[..., channel] = np.clip(np.floor(resized + np.float32(0.5)), 0, top)
    return out
