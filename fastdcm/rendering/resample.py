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
from fastdcm.rendering.areas import area_sums, means, shrunk

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


def resampled_values(values: Array, rows: int, columns: int, resample: Resample | None) -> Array:
    """`resampled` of values of any kind, (rows, columns[, samples]), of the same dtype.

    By areas along an axis that shrinks, linearly along one that grows (as Pillow's, in float64), or nearest.
    """
    if resample == "nearest":
        return resampled(values, rows, columns, resample)
    sides = [
        new if new < old or resample == "area" else old
        for old, new in zip(values.shape, (rows, columns), strict=False)
    ]
    found: Array = (
        values.astype(np.float64) if values.shape[:2] == tuple(sides) else means(values, sides[0], sides[1])
    )
    for axis, new in enumerate((rows, columns)):
        if found.shape[axis] != new:
            found = _linear(found, new, axis)
    return as_kind(found, values.dtype)


def as_kind(values: Array, dtype: Any) -> Array:
    """Means as values of a dtype: integers are rounded, floor(y + 0.5)."""
    if dtype.kind == "f":
        return values.astype(dtype)
    rounded: Array = np.floor(values + 0.5).astype(dtype)
    return rounded


def _linear(values: Array, new: int, axis: int) -> Array:
    """Between the centres of pixels; before the first and behind the last one, these."""
    old = values.shape[axis]
    place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    first = np.minimum(place.astype(np.intp), max(old - 2, 0))
    share = (place - first).reshape([-1 if at == axis else 1 for at in range(values.ndim)])
    low = values.take(first, axis)
    high = values.take(np.minimum(first + 1, old - 1), axis)
    # Nothing of a value without a share: 0 times NaN is NaN.
    mixed: Array = np.where(share == 0, low, np.where(share == 1, high, low * (1 - share) + high * share))
    return mixed


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
