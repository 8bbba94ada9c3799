"""A frame as an array, and where its pixels lie in the source."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

from fastdcm.errors import OptionError, RenderError
from fastdcm.options import RenderOptions
from fastdcm.pipeline import Image
from fastdcm.rendering.mapping import Mapping

Values = Literal["display", "modality", "stored"]


def array_of(
    image: Image, index: int, values: Values, options: RenderOptions
) -> tuple[NDArray[Any], Mapping | None]:
    """A frame, counted from 0, in the geometry of the options: (rows, columns[, samples]); and its mapping,
    None where a presentation state places its pixels.

    Display values are those of `Image.render`, uint8 or uint16; modality values float64 and stored values as
    `Image.pixels` gives them, colour as RGB. The array may be read-only and share the source's memory. Raises
    `OptionError` where values are wanted before that which the options ask for is done to them, and what
    rendering, reading and decoding raise.
    """
    if values == "display":
        # Of a box of content, the mapping is what decodes the frame: rendering finds it, and it is kept.
        pixels = image.render_frame(index, options)
        try:
            return pixels, image.mapping_frame(index, options)
        except RenderError:
            if not options.presentation:
                raise
            return pixels, None
    if values not in ("modality", "stored"):
        raise OptionError(f"values must be 'display', 'modality' or 'stored', not {values!r}")
    if options != RenderOptions(geometry=options.geometry):
        raise OptionError(
            f"{values} values are those before windows, overlays, presentation states, masks and profiles; "
            "of the options of rendering they take size, crop and the others of GeometryOptions"
        )
    return image.values_frame(index, values, options), image.mapping_frame(index, options)
