"""Where frames lie in the patient: the Image Plane module and the functional groups that say the same.

PS3.3 C.7.6.2 for objects of one frame; Pixel Measures, Plane Position (Patient) and Plane Orientation
(Patient), C.7.6.16.2.1, .3 and .4, for frames of enhanced ones. Only volumes ask for it, in a walk of their
own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from fastdcm.errors import DicomError
from fastdcm.reader.display import DisplayReader
from fastdcm.reader.elements import tag_name
from fastdcm.reader.items import first_item
from fastdcm.reader.values import Values

FRAME_OF_REFERENCE_UID = 0x00200052
_POSITION, _ORIENTATION, _SPACING = 0x00200032, 0x00200037, 0x00280030
_THICKNESS, _BETWEEN = 0x00180050, 0x00180088
_PLANE_POSITION, _PLANE_ORIENTATION, _PIXEL_MEASURES = 0x00209113, 0x00209116, 0x00289110
_FRAME_CONTENT = 0x00209111
#: What may tell images of one position apart: those of the data set, and of the Frame Content (C.7.6.16.2.2).
_TOLD_APART = {
    0x00080008: "Image Type",
    0x00180081: "Echo Time",
    0x00180086: "Echo Number(s)",
    0x00181060: "Trigger Time",
    0x00189087: "Diffusion b-value",
    0x00200012: "Acquisition Number",
    0x00200100: "Temporal Position Identifier",
}
_FRAMES_TOLD_APART = {
    0x00209056: "Stack ID",
    0x00209128: "Temporal Position Index",
    0x00209156: "Frame Acquisition Number",
    0x00209157: "Dimension Index Values",
}
PLANE_TAGS = frozenset(
    {
        FRAME_OF_REFERENCE_UID,
        _POSITION,
        _ORIENTATION,
        _SPACING,
        _THICKNESS,
        _BETWEEN,
        *_TOLD_APART,
    }
)


class Plane(NamedTuple):
    """Where one frame lies, in mm, in the coordinates of the patient (to the left, back and head).

    ``position`` is the centre of the first pixel, ``orientation`` the direction along a row and that along a
    column, ``spacing`` the distance between rows and that between columns, ``between`` that to the next
    slice, ``thickness`` that of the slice. None is what the file does not say.
    """

    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None
    spacing: tuple[float, ...] | None = None
    between: float | None = None
    thickness: float | None = None


class PlaneReader:
    """Reads the planes of an object's frames; ``groups`` knows where their attributes may stand."""

    def __init__(self, groups: DisplayReader) -> None:
        self._groups = groups

    def read(self, index: int) -> Plane:
        """The plane of a frame. Raises `DicomError` for values that are no numbers."""
        levels = [values for values, _ in self._groups.levels(index)]
        between = _first(levels, _BETWEEN, _PIXEL_MEASURES, 1)
        thickness = _first(levels, _THICKNESS, _PIXEL_MEASURES, 1)
        return Plane(
            _first(levels, _POSITION, _PLANE_POSITION, 3),
            _first(levels, _ORIENTATION, _PLANE_ORIENTATION, 6),
            _first(levels, _SPACING, _PIXEL_MEASURES, 2),
            between[0] if between else None,
            thickness[0] if thickness else None,
        )

    def marks(self, index: int) -> dict[str, bytes]:
        """Attributes by which images of one position may differ, as they are written."""
        *groups, (top, _) = self._groups.levels(index)
        found = {name: top.raw(tag) or b"" for tag, name in _TOLD_APART.items() if tag in top}
        for group, _ in groups:
            if (content := first_item(group, _FRAME_CONTENT)) is not None:
                found |= {name: content.raw(tag) or b"" for tag, name in _FRAMES_TOLD_APART.items()}
        return found


def _first(levels: Sequence[Values], tag: int, group: int, count: int) -> tuple[float, ...] | None:
    """The value of the most specific level that has one: in its functional group, or in the data set."""
    for number, level in enumerate(levels):
        values = level if number == len(levels) - 1 else first_item(level, group)
        if values is None or not (numbers := values.decimals(tag)):
            continue
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            raise DicomError(f"{tag_name(tag)} has {len(numbers)} values where {count} numbers must be")
        return tuple(numbers)
    return None
