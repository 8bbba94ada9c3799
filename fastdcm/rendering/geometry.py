"""What happens to display values before they are encoded: black regions, then another geometry.

In the order of PS3.18 (a region, then its size); rotation and flip as a presentation state has them
(PS3.3 C.10.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.model import Halved, Header, Region
from fastdcm.options import GeometryOptions
from fastdcm.rendering.areas import shrunk
from fastdcm.rendering.resample import resampled

Array = NDArray[Any]
#: Label Map Segmentation Storage (A.51): values between two labels are another one's.
_LABEL_MAPS = frozenset(["1.2.840.10008.5.1.4.1.1.66.7"])


def is_label_map(header: Header) -> bool:
    """Whether values between two others have no meaning: label maps, and single bits."""
    return header.bits_stored == 1 or header.sop_class_uid in _LABEL_MAPS


def kept(pixels: Array, regions: Iterable[Region]) -> Array:
    """Display values (rows, columns[, 3]), black but for some regions.

    Raises `RenderError` where no region has anything of the picture.
    """
    result = np.zeros_like(pixels)
    found = False
    for region in regions:
        if (part := _part(pixels, region)) is not None:
            result[part] = pixels[part]
            found = True
    if not found:
        raise RenderError(f"no region to be kept lies in the image, which is {_size(pixels)}")
    return result


def blacked_out(pixels: Array, masks: Iterable[Region]) -> tuple[Array, list[Region]]:
    """A copy of display values with black masks; and the masks that have nothing of the picture."""
    result, outside = pixels.copy(), []
    for mask in masks:
        if (part := _part(pixels, mask)) is not None:
            result[part] = 0
        else:
            outside.append(mask)
    return result, outside


def outside_words(mask: Region, pixels: Array) -> str:
    """What is to be told of a mask that has nothing of the picture."""
    return f"the mask {_words(mask)} lies outside of the image, which is {_size(pixels)}: nothing is hidden"


def arranged(
    pixels: Array, options: GeometryOptions, aspect: Fraction | None, *, labels: bool, max_pixels: int
) -> Array:
    """Display values cropped, turned, mirrored and resized, (rows, columns[, 3]), an array of their own.

    ``aspect`` is how many times as high as wide the source's pixels are, where that is to be undone;
    ``labels`` tells that values between two others have no meaning. Raises `RenderError` where the region is
    not all in the picture, or the result would have more than ``max_pixels``.
    """
    if options.crop is not None:
        pixels = pixels[_whole_part(pixels, options.crop)]
    pixels = _turned(pixels, options)
    if aspect is not None and options.rotate in (90, 270):
        aspect = 1 / aspect
    rows, columns = resized(pixels.shape[:2], options, aspect)
    if rows * columns > max(max_pixels, pixels.shape[0] * pixels.shape[1]):
        raise RenderError(
            f"the image would have {columns} x {rows} pixels, which exceeds the limit of {max_pixels} "
            "(max_pixels); ask for a size"
        )
    resample = options.resample or ("nearest" if labels else None)
    result = resampled(pixels, rows, columns, resample)
    # What is shown may lie in the file's memory.
    return result.copy() if result is pixels else np.ascontiguousarray(result)


def arranged_halved(
    pixels: Array, shape: tuple[int, int], sides: tuple[int, int], halved: Halved, options: GeometryOptions
) -> Array:
    """`arranged` of a frame of this ``shape`` that a decoder has ``halved``, of which it takes all.

    It is shrunk to ``sides``, (rows, columns) before it is turned: areas may be taken before or after that.
    """
    smaller = shrunk(pixels, *sides, halved, of=shape)
    return np.ascontiguousarray(_turned(smaller, options))


def _turned(pixels: Array, options: GeometryOptions) -> Array:
    if options.rotate:
        pixels = np.rot90(pixels, -options.rotate // 90)
    if options.flip is not None:
        pixels = pixels[::-1] if options.flip == "v" else pixels[:, ::-1]
    return pixels


def is_unchanged(shape: tuple[int, int], options: GeometryOptions, aspect: Fraction | None) -> bool:
    """Whether `arranged` gives a picture of this shape (rows, columns) as it is."""
    if options.rotate or options.flip or options.crop not in (None, (0, 0, shape[1], shape[0])):
        return False
    return resized(shape, options, aspect) == shape


def resized(
    shape: tuple[int, ...], options: GeometryOptions, aspect: Fraction | None = None
) -> tuple[int, int]:
    """(rows, columns) of a picture of this shape by ``aspect``, ``size`` and ``scale`` of the options.

    Computed in fractions, rounded half up, at least 1; a side that decides is the size that was asked for.
    """
    height, width = Fraction(shape[0]), Fraction(shape[1])
    if aspect is not None and aspect > 1:
        height *= aspect
    elif aspect is not None:
        width /= aspect
    factor = Fraction(1)
    if options.scale is not None:
        factor = Fraction(str(float(options.scale)))
    elif options.size is not None:
        box = options.size if isinstance(options.size, tuple) else (options.size, options.size)
        fitting = min(box[0] / height, box[1] / width)
        factor = fitting if options.enlarge else min(fitting, factor)
    return _whole(height * factor), _whole(width * factor)


def _whole(side: Fraction) -> int:
    return max(1, int(side + Fraction(1, 2)))


def _part(pixels: Array, region: Region) -> tuple[slice, slice] | None:
    """What of a region is in the picture; None where nothing is."""
    rows, columns = pixels.shape[:2]
    top, bottom = max(0, region.y), min(rows, region.y + region.height)
    left, right = max(0, region.x), min(columns, region.x + region.width)
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


def _whole_part(pixels: Array, region: Region) -> tuple[slice, slice]:
    part = _part(pixels, region)
    if part is None or (part[0].stop, part[1].stop) != (region.y + region.height, region.x + region.width):
        raise RenderError(
            f"the region {_words(region)} (x, y, width, height) is not all in the image, which is "
            f"{_size(pixels)}"
        )
    return part


def _words(region: Region) -> str:
    return ",".join(map(str, region))


def _size(pixels: Array) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]} (width x height)"
