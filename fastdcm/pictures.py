"""What becomes of display values: black regions, then another part, orientation and size.

Reader and rendering meet for it here, below the pipeline; images that are shown as they are do without.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

from fastdcm.model import Header, Notice
from fastdcm.options import DeidentifyOptions, GeometryOptions, Limits, RenderOptions
from fastdcm.reader.geometry import GeometryReader
from fastdcm.reader.source import Source
from fastdcm.rendering.geometry import arranged, blacked_out, is_label_map, is_unchanged, kept, outside_words

Array = NDArray[Any]


class Pictures:
    """Makes pictures of one object's display values, where options ask for more than these.

    ``source`` is all of its bytes; ``note`` tells a notice of a frame, by its index.
    """

    def __init__(
        self,
        source: Source,
        header: Header,
        limits: Limits,
        notices: list[Notice],
        note: Callable[[Notice, int], None],
    ) -> None:
        self._source, self._header, self._limits = source, header, limits
        self._notices, self._note = notices, note
        self._read: GeometryReader | None = None

    def of(self, shown: Array, index: int, options: RenderOptions) -> Array:
        """The picture of a frame's display values, (rows, columns[, 3]) of uint8 or uint16."""
        geometry = options.geometry
        shown = self._hidden(shown, index, options.deidentify)
        if geometry == GeometryOptions():
            return shown
        labels, most = is_label_map(self._header), self._limits.max_pixels
        return arranged(shown, geometry, self._aspect(index, geometry), labels=labels, max_pixels=most)

    def is_unchanged(self, index: int, options: RenderOptions) -> bool:
        """Whether `of` gives the display values of a frame as they are."""
        geometry, shape = options.geometry, (self._header.rows, self._header.columns)
        return options.deidentify == DeidentifyOptions() and is_unchanged(
            shape, geometry, self._aspect(index, geometry)
        )

    def _hidden(self, shown: Array, index: int, options: DeidentifyOptions) -> Array:
        """With black regions, in the pixels of the source."""
        if options.keep_us_regions:
            shown = kept(shown, self._geometry.us_regions())
        if options.masks:
            whole = shown
            shown, outside = blacked_out(whole, options.masks)
            for mask in outside:
                self._note(Notice("mask", outside_words(mask, whole)), index)
        return shown

    def _aspect(self, index: int, geometry: GeometryOptions) -> Fraction | None:
        """How many times as high as wide a frame's pixels are, where that is to be undone."""
        return self._geometry.aspect(index) if geometry.aspect else None

    @property
    def _geometry(self) -> GeometryReader:
        if self._read is None:
            self._read = GeometryReader(self._source, self._header, self._limits, self._notices)
        return self._read
