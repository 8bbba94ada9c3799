"""Which part of a picture is shown, in which size and orientation."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from operator import index
from typing import Any, Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.model import Region

Resample = Literal["area", "lanczos", "linear", "nearest"]
Rotation = Literal[0, 90, 180, 270]
Flip = Literal["h", "v"]
Fit = Literal["inside", "pad", "crop", "stretch"]
#: The longest side, or (rows, columns).
Size = int | tuple[int, int]


@dataclass(frozen=True)
class GeometryOptions:
    """Which part of a picture is shown, in which size and orientation.

    It happens in this order. ``crop`` takes a part (x, y, width, height) of the source's pixels, or of
    what a presentation state makes of them; "content" the part that is no border of background
    (`fastdcm.rendering.content`).
    ``rotate`` turns it clockwise by that many degrees; then ``flip`` mirrors it, "h" left to right, "v"
    top to bottom (as PS3.3 C.10.6). ``aspect`` makes the pixels square by enlarging the coarser axis.
    ``size`` is the longest side, or (rows, columns), that the picture is to fit in, which keeps its
    aspect; it enlarges nothing without ``enlarge``. ``scale`` is a factor instead, and ``spacing`` the
    millimetres from pixel to pixel, (down a column, along a row) of the picture, or one number for both.
    ``fit`` says how a picture gets a ``size`` that all are to have, (rows, columns) or a square: "pad" fits
    it in and adds background around it, "crop" covers the size and cuts off what stands out, "stretch" gives
    up the aspect. These enlarge, too. With ``spacing`` nothing is resized to the size: "pad" adds background,
    "crop" also cuts off what stands out. What is added or cut off is as much on both sides, the odd pixel
    right and below. ``resample`` is the
    filter; None is area for an axis that shrinks, linear for one that grows, nearest for label maps
    and single bits. With ``exact`` no decoder makes a smaller image than is stored: pixels are what the
    filter makes of all of them, and not just within a grey of that on average.
    """

    size: Size | None = None
    scale: float | None = None
    enlarge: bool = False
    resample: Resample | None = None
    aspect: bool = False
    crop: Region | Literal["content"] | None = None
    rotate: Rotation = 0
    flip: Flip | None = None
    exact: bool = False
    fit: Fit = "inside"
    spacing: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        sides = self.size if isinstance(self.size, tuple) else () if self.size is None else (self.size,)
        if any(side < 1 for side in sides):
            raise OptionError(f"size must be at least 1, not {self.size}")
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise OptionError(f"scale must be above 0, not {self.scale:g}")
        if self.size is not None and self.scale is not None:
            raise OptionError("size and scale exclude each other")
        if self.enlarge and self.size is None:
            raise OptionError("enlarge lets an image grow to a size: give size, too (a scale needs no leave)")
        if self.resample is not None and self.resample not in get_args(Resample):
            raise OptionError(f"resample {self.resample!r} is not one of {', '.join(get_args(Resample))}")
        if self.rotate not in get_args(Rotation):
            raise OptionError(f"rotate must be 90, 180 or 270 (clockwise), not {self.rotate}")
        if self.flip is not None and self.flip not in get_args(Flip):
            raise OptionError(f"flip must be h (left to right) or v (top to bottom), not {self.flip!r}")
        if isinstance(self.crop, str):
            if self.crop != "content":
                raise OptionError(f"crop {self.crop!r} is not content, and no region X,Y,WIDTH,HEIGHT")
        elif self.crop is not None and min(self.crop[:2]) < 0:
            raise OptionError(f"crop {','.join(map(str, self.crop))} starts outside of every image")
        self._check_fit()

    def _check_fit(self) -> None:
        if self.fit not in get_args(Fit):
            raise OptionError(f"fit {self.fit!r} is not one of {', '.join(get_args(Fit))}")
        if self.fit != "inside" and self.size is None:
            raise OptionError(f"fit {self.fit} needs the size that all pictures are to have")
        if self.spacing is None:
            return
        if not all(0 < distance < math.inf for distance in self.spacing):
            raise OptionError(f"spacing must be above 0 millimetres, not {_pair(self.spacing)}")
        if self.scale is not None or self.aspect:
            raise OptionError("spacing says how large pixels are, and excludes scale and aspect")
        if self.size is not None and self.fit not in ("pad", "crop"):
            raise OptionError("spacing decides the size of what is shown; with a size, fit is pad or crop")


def check_alike(options: GeometryOptions) -> None:
    """Raises `OptionError` where frames that go together would differ in size."""
    if options.crop == "content" and options.fit == "inside":
        raise OptionError("each frame has its own box of content: for all together give a size and a fit")


def parse_size(value: str | int | tuple[Any, ...]) -> Size:
    """A size from ``LONG`` or ``WIDTHxHEIGHT``, from a number, or from (rows, columns)."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d{1,9})\s*(?:[xX]\s*(\d{1,9})\s*)?", value)
        if found is None:
            raise OptionError(f"size {value!r} is not LONG or WIDTHxHEIGHT (for example 512 or 640x480)")
        width = int(found[1])
        return width if found[2] is None else (int(found[2]), width)
    try:
        if isinstance(value, (tuple, list)):
            rows, columns = map(index, value)
            return rows, columns
        return index(value)
    except (TypeError, ValueError):
        raise OptionError(f"size {value!r} is neither a whole number nor (rows, columns)") from None


def parse_spacing(value: str | float | tuple[Any, ...]) -> tuple[float, float]:
    """Millimetres (down a column, along a row) from ``MM`` or ``ROWS,COLUMNS``, a number, or a pair."""
    parts: Any = value.split(",") if isinstance(value, str) else value
    try:
        pair = [float(part) for part in parts] if isinstance(parts, (tuple, list)) else [float(parts)] * 2
    except (TypeError, ValueError):
        pair = []
    if isinstance(value, str) and len(pair) == 1:
        pair *= 2
    if len(pair) != 2:
        raise OptionError(f"spacing {value!r} is not MM or ROWS,COLUMNS in millimetres (for example 0.5)")
    return pair[0], pair[1]


def _pair(values: tuple[float, float]) -> str:
    return ",".join(f"{value:g}" for value in values)
