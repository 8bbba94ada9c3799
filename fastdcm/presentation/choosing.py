"""What of a presentation state applies to a frame, and the `Display` that it makes of the image's.

The state's transformations replace those of the image. One that it does not have is an identity, and the
image's is not used (PS3.4 N.2).
"""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.errors import RenderError
from fastdcm.model import Display, Header
from fastdcm.presentation.state import Annotation, Area, State, Voi
from fastdcm.reader.luts import for_input


class Applied(NamedTuple):
    """What of a state applies to a frame; ``voi`` and ``area`` are None where it says nothing of them."""

    state: State
    voi: Voi | None
    area: Area | None
    annotations: tuple[Annotation, ...]


def choose(state: State, header: Header, index: int) -> Applied:
    """What of the state applies to a frame. Raises `RenderError` where it does not reference it."""
    uid, frame = header.sop_instance_uid, index + 1
    images = state.images
    if uid not in images.frames:
        raise RenderError(
            f"presentation state {state.title} does not reference this image, whose SOP Instance UID is "
            f"{uid or '(none)'}"
        )
    if not images.include(uid, frame):
        raise RenderError(
            f"presentation state {state.title} references this image, but not its frame {frame}"
        )
    gray = header.samples_per_pixel == 1 and header.photometric_interpretation != "PALETTE COLOR"
    if state.kind == "pseudo-color" and not gray:
        raise RenderError(
            f"presentation state {state.title} gives colors to gray images, this one has its own"
        )
    voi = next((item for item in state.vois if item.images.include(uid, frame)), None)
    area = next((item for item in state.areas if item.images.include(uid, frame)), None)
    drawn = tuple(item for item in state.annotations if item.images.include(uid, frame))
    return Applied(state, voi, area, drawn)


def of_other_kind(applied: Applied, header: Header) -> str:
    """In words, why the state's grayscale transformations are not those of this image; else empty."""
    state = applied.state
    gray = header.samples_per_pixel == 1 and header.photometric_interpretation != "PALETTE COLOR"
    if state.kind == "grayscale" and not gray:
        return f"presentation state {state.title} is for gray images: of this one its colors were kept"
    if state.kind == "color" and gray:
        return f"presentation state {state.title} is for color images: this one's own grayscale was taken"
    return ""


def softcopy_display(applied: Applied, display: Display, header: Header) -> Display:
    """What decides on grays: the state's modality, VOI and presentation LUT in place of the image's.

    PS3.4 N.2.1. The padding values of the image stay, for who asks for an automatic range.
    """
    state, voi = applied.state, applied.voi
    if state.kind == "color" or of_other_kind(applied, header):
        return display
    name = f"presentation state {state.title}"
    negative = header.signed or (state.rescale is not None and min(state.rescale) < 0)
    modality = None if state.modality_lut is None else for_input(state.modality_lut, signed=header.signed)
    if modality is not None:
        negative = False  # entries of a LUT are unsigned
    pseudo = state.kind == "pseudo-color"
    return Display(
        rescale=state.rescale,
        modality_lut=modality,
        rescale_type=state.rescale_type,
        modality_source=name,
        windows=() if voi is None else voi.windows,
        windows_source=name,
        voi_luts=() if voi is None else tuple(for_input(lut, signed=negative) for lut in voi.luts),
        # With colors of its own a state has no presentation LUT (A.33.3).
        presentation_lut=None if pseudo else state.presentation_lut,
        presentation_lut_shape="" if pseudo else state.presentation_lut_shape,
        padding=display.padding,
        softcopy=name,
    )
