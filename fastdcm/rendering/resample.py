"""Pictures in another size, rounded once: floor(y + 0.5) of what the filter gives.

Area is exact, in whole numbers: the mean of what lies under a pixel, which counts the source's pixels by the
part of them that does. (Pillow's BOX takes a pixel whole or not at all: it makes 0, 90, 0 into 45, 0, where
areas give 30, 30.) Linear and Lanczos are Pillow's, in floats, because its filters of bytes round twice and
those of 16 bits take no colour. They widen where a picture shrinks, so that nothing is skipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.options import Resample

Array = NDArray[Any]
#: Bytes of the sums that are worked at together, which should stay in the cache.
_BLOCK_BYTES = 1 << 18


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
    sums, weight = _area_sums(pixels, *sides)
    if all(by_area):
        return _rounded_quotient(sums, weight).astype(pixels.dtype)
    return _by_pillow(sums / weight if weight > 1 else sums, rows, columns, resample, pixels.dtype)


def _area_sums(pixels: Array, rows: int, columns: int) -> tuple[Array, int]:
    """(sums, weight): the means of the areas, times the weight, as whole numbers in uint32 or float64."""
    top = int(np.iinfo(pixels.dtype).max)
    weight = 1
    sums = pixels
    if pixels.shape[0] != rows:
        weight *= pixels.shape[0]
        sums = _along_first_axis(sums, rows, (top + 1) * weight)
    if pixels.shape[1] != columns:
        weight *= pixels.shape[1]
        turned = np.ascontiguousarray(sums.swapaxes(0, 1))
        sums = _along_first_axis(turned, columns, (top + 1) * weight).swapaxes(0, 1)
    return sums, weight


def _along_first_axis(values: Array, length: int, largest: int) -> Array:
    """Sums over ``length`` equal parts of the first axis, n long: n times the mean of each.

    Counted so that a value has the extent ``length`` and a part has n, all overlaps are whole numbers.
    Those of a part's first value, its second, and so on, are added at a time. ``largest`` bounds the sums
    and what will be added to round them; they are exact below 2^53.
    """
    n = len(values)
    flat = values.reshape(n, -1)
    kind = np.uint32 if largest < 1 << 32 else np.float64
    starts = np.arange(length) * n
    overlaps = []
    for following in range(-(-n // length) + 1):
        place = starts // length + following
        overlap = np.minimum(starts + n, (place + 1) * length) - np.maximum(starts, place * length)
        overlaps.append((np.minimum(place, n - 1), np.maximum(overlap, 0).astype(kind)[:, None]))
    sums = np.zeros((length, flat.shape[1]), kind)
    step = max(1, _BLOCK_BYTES // sums[0].nbytes)
    for start in range(0, length, step):
        block = slice(start, start + step)
        for place, overlap in overlaps:
            sums[block] += np.multiply(flat[place[block]], overlap[block], dtype=kind, casting="unsafe")
    return sums.reshape(length, *values.shape[1:])


def _rounded_quotient(sums: Array, weight: int) -> Array:
    """floor(sums / weight + 0.5). A quotient of less than 2^53 is not rounded up to a whole number."""
    if sums.dtype == np.uint32:
        quotient: Array = (sums + np.uint32(weight // 2)) // np.uint32(weight)
        return quotient
    return np.floor((sums + weight // 2) / weight)


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
