"""Which presentation state decides how an image is shown."""

from __future__ import annotations

import math
import os

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass


@dataclass(frozen=True)
class PresentationOptions:
    """Which Softcopy Presentation State (PS3.3 A.33) decides how an image is shown: none by default.

    ``presentation_state`` is the path of one; it is an error where it does not reference the image.
    ``presentation_states`` is a folder, of whose states the latest that references a frame is applied; what
    none references is shown as without.

    ``display_pixel_spacing`` is the size in mm of a pixel on the display that the image is meant for, by
    which the mode TRUE SIZE is obeyed; without it such an area comes with its own pixels (PS3.18 9.5.2.3).
    ``annotation_font`` is the path of a TrueType or OpenType font for text. Without it text is in a built-in
    font, or where that has not the letters (it has little beyond ASCII) in one of the system.
    """

    presentation_state: str | None = None
    presentation_states: str | None = None
    display_pixel_spacing: float | None = None
    annotation_font: str | None = None

    def __post_init__(self) -> None:
        for name in ("presentation_state", "presentation_states", "annotation_font"):
            if (path := getattr(self, name)) is not None:
                object.__setattr__(self, name, os.fspath(path))
        if self.presentation_state is not None and self.presentation_states is not None:
            raise OptionError("a presentation state and a folder of them exclude each other")
        spacing = self.display_pixel_spacing
        if spacing is not None and not 0 < spacing < math.inf:
            raise OptionError(f"the display's pixel spacing must be above 0 mm, not {spacing:g}")

    def __bool__(self) -> bool:
        return self.presentation_state is not None or self.presentation_states is not None
