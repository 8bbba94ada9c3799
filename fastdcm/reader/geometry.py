"""Attributes that only a change of geometry asks for: the shape of pixels, the regions of an ultrasound.

They are looked for in a walk of their own, so that images cost nothing that are shown as they are, and the
slices of a series are told apart by what rendering needs alone (`fastdcm.reader.alike`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from fastdcm.errors import RenderError
from fastdcm.model import Header, Notice, Region
from fastdcm.options import Limits
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.items import all_items, first_item
from fastdcm.reader.scan import DataSet, scan
from fastdcm.reader.source import Source
from fastdcm.reader.values import Values

_ASPECT, _PIXEL_SPACING, _PIXEL_MEASURES = 0x00280034, 0x00280030, 0x00289110
_US_REGIONS = 0x00186011
#: What tells the size of a pixel, the first one that there is (PS3.3 10.7).
_SPACINGS = {
    _PIXEL_SPACING: "Pixel Spacing",
    0x00181164: "Imager Pixel Spacing",
    0x00182010: "Nominal Scanned Pixel Spacing",
}
_FUNCTIONAL_GROUPS = (0x52009229, 0x52009230)
_WANTED = frozenset((_ASPECT, *_SPACINGS, _US_REGIONS, *_FUNCTIONAL_GROUPS))
#: Region Location Min X0, Min Y0, Max X1, Max Y1.
_CORNERS = (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E)
#: Physical Units Y and X Direction, Physical Delta Y and X of a region.
_US_UNITS, _US_DELTAS = (0x00186026, 0x00186024), (0x0018602E, 0x0018602C)
_CENTIMETRES = 3
_SQUARE = Fraction(1)


class GeometryReader:
    """Reads what a data set says of the geometry of its frames."""

    def __init__(self, source: Source, header: Header, limits: Limits, notices: list[Notice]) -> None:
        # What is odd about the elements was noted when they were read for rendering.
        self._found: DataSet = scan(
            source, max_nesting=limits.max_nesting, max_inflated=limits.max_inflated, wanted=_WANTED
        )
        self._top = Values(self._found.encoding, self._found.elements, data_set=self._found)
        self._groups = DisplayReader(self._found, header, [])
        self._notices = notices

    def aspect(self, index: int) -> Fraction:
        """How many times as high as wide a pixel of a frame is.

        By Pixel Aspect Ratio (C.7.6.3.1.7), else by the first spacing that there is: that of the frame's
        or the shared Pixel Measures (C.7.6.16.2.1), Pixel Spacing, Imager Pixel Spacing, Nominal Scanned
        Pixel Spacing (10.7). 1 where none can be used.
        """
        aspect = self._ratio(self._top, _ASPECT, "Pixel Aspect Ratio")
        spaced = next((ratio for ratio in self._spacings(index) if ratio is not None), None)
        if aspect is None or spaced is None:
            return aspect or spaced or _SQUARE
        if abs(aspect / spaced - 1) > Fraction(1, 50):
            self._note(
                "pixel-aspect",
                f"Pixel Aspect Ratio makes pixels {float(aspect):.4g} times as high as wide, their spacing "
                f"{float(spaced):.4g} times; the ratio was taken",
            )
        return aspect

    def _spacings(self, index: int) -> Iterator[Fraction | None]:
        *groups, _ = self._groups.levels(index)
        for group, _ in groups:
            if (measures := first_item(group, _PIXEL_MEASURES)) is not None:
                yield self._ratio(measures, _PIXEL_SPACING, "Pixel Spacing")
        for tag, name in _SPACINGS.items():
            yield self._ratio(self._top, tag, name)

    def spacing(self, index: int) -> tuple[Fraction, Fraction]:
        """Millimetres from pixel to pixel of a frame, down a column and along a row, as they are written.

        Those of the frame's or the shared Pixel Measures (C.7.6.16.2.1), else Pixel Spacing, which may be
        calibrated, Imager Pixel Spacing, which is that at the detector, Nominal Scanned Pixel Spacing (10.7);
        else those of the ultrasound's regions, where all that are in centimetres both ways agree (C.8.5.5.1).
        Raises `RenderError` where there are none.
        """
        *groups, _ = self._groups.levels(index)
        sources = [
            (measures, _PIXEL_SPACING, "Pixel Spacing")
            for group, _ in groups
            if (measures := first_item(group, _PIXEL_MEASURES)) is not None
        ]
        for values, tag, name in [*sources, *((self._top, tag, name) for tag, name in _SPACINGS.items())]:
            if (pair := self._pair(values, tag, name, "pixel-spacing")) is not None:
                return pair
        if (pair := self._us_spacing()) is not None:
            return pair
        raise RenderError(
            "the millimetres of its pixels are unknown: there is no Pixel Spacing (0028,0030), Imager Pixel "
            "Spacing (0018,1164), Nominal Scanned Pixel Spacing (0018,2010), nor a region of an ultrasound "
            "(0018,6011) in centimetres; convert this image without a spacing"
        )

    def _us_spacing(self) -> tuple[Fraction, Fraction] | None:
        found = set()
        for item in all_items(self._top, _US_REGIONS):
            if any(_unsigned(item, tag, "H") != _CENTIMETRES for tag in _US_UNITS):
                continue
            deltas = [_double(item, tag) for tag in _US_DELTAS]
            if all(delta is not None and math.isfinite(delta) and delta != 0 for delta in deltas):
                found.add(tuple(abs(Fraction(repr(delta))) * 10 for delta in deltas))
        if len(found) > 1:
            raise RenderError(
                "the ultrasound regions (0018,6011) differ in the size of their pixels, so that the image "
                "has no spacing; convert this image without one"
            )
        return next(((down, across) for down, across in found), None)

    def _ratio(self, values: Values, tag: int, name: str) -> Fraction | None:
        """The vertical by the horizontal value of a pair, None where there is none that can be used."""
        pair = self._pair(values, tag, name, "pixel-aspect")
        return None if pair is None else pair[0] / pair[1]

    def _pair(self, values: Values, tag: int, name: str, code: str) -> tuple[Fraction, Fraction] | None:
        pair = values.decimals(tag)
        if not pair:
            return None
        if len(pair) != 2 or not all(math.isfinite(value) and value > 0 for value in pair):
            self._note(code, f"{name} cannot be used; ignored")
            return None
        # As they are written: 0.3 by 0.1 is 3.
        vertical, horizontal = (Fraction(str(value)) for value in pair)
        return vertical, horizontal

    def us_regions(self) -> tuple[Region, ...]:
        """The regions of an ultrasound's calibration, as they are written (C.8.5.5.1).

        Raises `RenderError` where there are none.
        """
        regions, unusable = [], 0
        for item in all_items(self._top, _US_REGIONS):
            corners = [_unsigned(item, tag) for tag in _CORNERS]
            if None in corners:
                unusable += 1
                continue
            x0, y0, x1, y1 = (corner or 0 for corner in corners)
            if x1 < x0 or y1 < y0:
                unusable += 1
                continue
            # The corners are of the region.
            regions.append(Region(x0, y0, x1 - x0 + 1, y1 - y0 + 1))
        if unusable:
            self._note("us-regions", f"{unusable} of the ultrasound regions have no usable corners; ignored")
        if not regions:
            raise RenderError(
                "there is no Sequence of Ultrasound Regions (0018,6011) to keep; black out by rectangles "
                "(--mask), or convert this image without --keep-us-regions"
            )
        return tuple(regions)

    def _note(self, code: str, message: str) -> None:
        notice = Notice(code, message)
        if notice not in self._notices:
            self._notices.append(notice)


def _unsigned(values: Values, tag: int, kind: str = "I") -> int | None:
    """A UL value, or with "H" a US value, None where there is none."""
    number: int | None = _unpacked(values, tag, kind)
    return number


def _double(values: Values, tag: int) -> float | None:
    """An FD value, None where there is none."""
    number: float | None = _unpacked(values, tag, "d")
    return number


def _unpacked(values: Values, tag: int, kind: str) -> Any:
    raw = values.raw(tag)
    if raw is None or len(raw) != struct.calcsize(kind):
        return None
    return struct.unpack(values.encoding.order + kind, raw)[0]
