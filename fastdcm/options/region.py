"""Rectangles of pixels as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any, Literal

from fastdcm.errors import OptionError
from fastdcm.model import Region


def parse_region(value: str | Region | tuple[Any, ...]) -> Region:
    """A rectangle from ``X,Y,WIDTH,HEIGHT``, a tuple of the same, or a `Region`; at least 1 x 1."""
    if isinstance(value, str):
        texts: Iterable[Any] = value.split(",")
    elif isinstance(value, Iterable):
        texts = value
    else:
        raise OptionError(f"region {value!r} is not (x, y, width, height)")
    try:
        numbers = [int(part) if isinstance(part, str) else index(part) for part in texts]
    except (TypeError, ValueError):
        raise OptionError(f"region {value!r}: X,Y,WIDTH,HEIGHT must be whole numbers") from None
    if len(numbers) != 4:
        raise OptionError(f"region {value!r} is not X,Y,WIDTH,HEIGHT")
    region = Region(*numbers)
    if region.width < 1 or region.height < 1:
        raise OptionError(f"region {value!r}: width and height must be at least 1")
    return region


def parse_crop(value: str | Region | tuple[Any, ...]) -> Region | Literal["content"]:
    """A rectangle, as `parse_region`, or ``content``: all but the border of background."""
    if isinstance(value, str) and value.strip().lower() == "content":
        return "content"
    return parse_region(value)


def parse_regions(values: str | Iterable[Any]) -> tuple[Region, ...]:
    """Several rectangles; one that stands alone is taken, too."""
    if isinstance(values, (str, Region)):
        return (parse_region(values),)
    try:
        regions = tuple(values)
    except TypeError:
        raise OptionError(f"{values!r} are no regions (x, y, width, height)") from None
    if regions and hasattr(regions[0], "__index__") and not isinstance(regions[0], Iterable):
        return (parse_region(regions),)
    return tuple(map(parse_region, regions))
