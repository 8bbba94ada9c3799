"""One frame of an open object as an array, by the options of a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastdcm.options import RenderOptions
    from fastdcm.pipeline import Image


def array_of(image: Image, index: int, values: str, options: RenderOptions) -> tuple[NDArray[Any], Any]:
    """Stand-in until the mapping is there."""
    if values == "display":
        return image.render_frame(index, options), None
    geometry = options.geometry
    return image.pixels(index, values=values, size=geometry.size, exact=geometry.exact), None  # type: ignore[arg-type]
