"""Which SOP Classes are presentation states, and which of them are done (PS3.4 B.5)."""

from __future__ import annotations

from fastdcm.errors import RenderError, UnsupportedError
from fastdcm.presentation.state import Kind

#: What the UIDs of all presentation states start with.
PREFIX = "1.2.840.10008.5.1.4.1.1.11."
KINDS: dict[str, Kind] = {PREFIX + "1": "grayscale", PREFIX + "2": "color", PREFIX + "3": "pseudo-color"}
#: The others, none of which is an instruction for one image alone.
_OTHERS = {
    PREFIX + "4": "Blending Softcopy Presentation State",
    PREFIX + "5": "XA/XRF Grayscale Softcopy Presentation State",
    PREFIX + "6": "Grayscale Planar MPR Volumetric Presentation State",
    PREFIX + "7": "Compositing Planar MPR Volumetric Presentation State",
    PREFIX + "8": "Advanced Blending Presentation State",
    PREFIX + "9": "Volume Rendering Volumetric Presentation State",
    PREFIX + "10": "Segmented Volume Rendering Volumetric Presentation State",
    PREFIX + "11": "Multiple Volume Rendering Volumetric Presentation State",
    PREFIX + "12": "Variable Modality LUT Softcopy Presentation State",
}


def kind_of(sop_class_uid: str) -> Kind:
    """The kind of presentation state that a SOP Class is.

    Raises `UnsupportedError` with the name of one that is not done, `RenderError` where it is none.
    """
    if sop_class_uid in KINDS:
        return KINDS[sop_class_uid]
    if sop_class_uid in _OTHERS:
        raise UnsupportedError(
            f"a {_OTHERS[sop_class_uid]} is not supported (Grayscale, Color and Pseudo-Color Softcopy are)"
        )
    raise RenderError(f"no presentation state, but an object of SOP Class {sop_class_uid or '(none)'}")
