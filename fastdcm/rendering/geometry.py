"""What happens to display values before they are encoded: black regions, then another geometry.

In the order of PS3.18 (a region, then its size); rotation and flip as a presentation state has them
(PS3.3 C.10.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.model import Halved, Header, Region
from fastdcm.options import GeometryOptions
from fastdcm.rendering.areas import shrunk
from fastdcm.rendering.fitting import Arrangement, on_canvas, turned
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
    pixels: Array, how: Arrangement, options: GeometryOptions, *, labels: bool, max_pixels: int
) -> Array:
    """Display values cropped, turned, mirrored, resized and padded, (rows, columns[, 3]), an array of their
    own.

    ``labels`` tells that values between two others have no meaning. Raises `RenderError` where the result
    would have more than ``max_pixels``.
    """
    check_size(how, max_pixels)
    x, y, width, height = how.region
    part = turned(pixels[y : y + height, x : x + width], how.rotate, how.flip)
    resample = options.resample or ("nearest" if labels else None)
    result = on_canvas(resampled(part, *how.resized, resample), how)
    # What is shown may lie in the file's memory.
    return result.copy() if result is part else np.ascontiguousarray(result)


def check_size(how: Arrangement, max_pixels: int) -> None:
    """Raises `RenderError` for more pixels than an image may have, unless the source has them."""
    most = max(max_pixels, how.region.width * how.region.height)
    for rows, columns in (how.resized, how.canvas):
        if rows * columns > most:
            raise RenderError(
                f"the image would have {columns} x {rows} pixels, which exceeds the limit of {max_pixels} "
                "(max_pixels); ask for a size"
            )


def arranged_halved(pixels: Array, how: Arrangement, halved: Halved) -> Array:
    """`arranged` of a frame that a decoder has ``halved``, of which it takes all.

    It is shrunk before it is turned: areas may be taken before or after that.
    """
    smaller = shrunk(pixels, *how.unturned_sides, halved, of=how.shape)
    return np.ascontiguousarray(on_canvas(turned(smaller, how.rotate, how.flip), how))


def _part(pixels: Array, region: Region) -> tuple[slice, slice] | None:
    """What of a region is in the picture; None where nothing is."""
    rows, columns = pixels.shape[:2]
    top, bottom = max(0, region.y), min(rows, region.y + region.height)
    left, right = max(0, region.x), min(columns, region.x + region.width)
    return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


def _words(region: Region) -> str:
    return ",".join(map(str, region))


def _size(pixels: Array) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]} (width x height)"
