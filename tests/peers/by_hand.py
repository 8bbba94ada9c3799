"""Display values by the formulas of PS3.3 C.11 in float64, from what pydicom reads, without a line of ours.

What another implementation makes of an image instead is a `Quirk`: the same formulas with one thing changed,
so that the explanation of a deviation is something that can be wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pydicom
from numpy.typing import NDArray

from tests.peers.comparing import is_shown

Array = NDArray[Any]


class Window(NamedTuple):
    """Center, width and VOI LUT Function (C.11.2.1.2)."""

    center: float
    width: float
    function: str = "LINEAR"


class Lut(NamedTuple):
    """The n-th item of the VOI LUT Sequence, from 1 (C.11.2.1.1)."""

    number: int


class Stretched(NamedTuple):
    """Least to greatest value that is no padding, of a part (left, top, width, height) or of all."""

    part: tuple[int, int, int, int] | None = None


class Full(NamedTuple):
    """All modality values that a stored value can have: an identity (PS3.4 N.2.1.3)."""


Voi = Window | Lut | Stretched | Full


def _signed(value: int, frame: pydicom.Dataset) -> int:
    """A LUT's first mapped value: signed where the pixels are, whatever its VR (C.11.1.1.1)."""
    return value - 65536 if frame.get("PixelRepresentation") == 1 and value > 32767 else value


def _entries(item: pydicom.Dataset, frame: pydicom.Dataset) -> tuple[Array, int, int]:
    """(entries, first mapped value, bits an entry) of an item of a LUT Sequence."""
    count, first, bits = item.LUTDescriptor
    data = item["LUTData"].value
    if isinstance(data, bytes):
        # Bytes of 8-bit entries may lie two in a word; then there are half as many words as entries.
        wide = len(data) >= 2 * (count or 65536)
        entries = np.frombuffer(data, "<u2" if wide else "u1")
    else:
        entries = np.atleast_1d(data)
    return entries[: count or 65536].astype(np.float64), _signed(first, frame), bits


def _looked_up(x: Array, item: pydicom.Dataset, frame: pydicom.Dataset) -> tuple[Array, int]:
    entries, first, bits = _entries(item, frame)
    index = np.clip(np.floor(x + 0.5) - first, 0, len(entries) - 1).astype(int)
    return entries[index], bits


def modality_values(stored: Array, frame: pydicom.Dataset) -> Array:
    """C.11.1: by the Modality LUT, or Rescale Slope and Intercept."""
    x = stored.astype(np.float64)
    if frame.get("ModalityLUTSequence"):
        return _looked_up(x, frame.ModalityLUTSequence[0], frame)[0]
    return x * float(frame.get("RescaleSlope") or 1) + float(frame.get("RescaleIntercept") or 0)


def ends(x: Array, shown: Array, part: tuple[int, int, int, int] | None) -> tuple[float, float]:
    """Least and greatest of the values that are ``shown``, in a part (left, top, width, height) or all."""
    if part is not None:
        left, top, width, height = part
        inside = np.zeros_like(shown)
        inside[top : top + height, left : left + width] = True
        shown = shown & inside
    return float(x[shown].min()), float(x[shown].max())


def _full_range(frame: pydicom.Dataset) -> tuple[float, float]:
    if frame.get("ModalityLUTSequence"):
        return 0.0, 2.0 ** frame.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    least = -(2 ** (frame.BitsStored - 1)) if frame.get("PixelRepresentation") else 0
    found = modality_values(np.array([least, least + 2**frame.BitsStored - 1]), frame)
    return float(found.min()), float(found.max())


def stretched(x: Array, low: float, high: float) -> Array:
    """A range to 0..255; of one value nothing is seen."""
    return np.clip((x - low) / (high - low), 0, 1) * 255 if high > low else np.zeros_like(x)


def voi_values(x: Array, stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    """C.11.2: modality values to 0..255, not rounded."""
    match voi:
        case Window(c, w, "LINEAR"):
            with np.errstate(divide="ignore", invalid="ignore"):
                y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
            return np.where(x <= c - 0.5 - (w - 1) / 2, 0, np.where(x > c - 0.5 + (w - 1) / 2, 255, y))
        case Window(c, w, "LINEAR_EXACT"):
            y = ((x - c) / w + 0.5) * 255
            return np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 255, y))
        case Window(c, w, _):
            return 255 / (1 + np.exp(np.clip(-4 * (x - c) / w, -700, 700)))
        case Lut(number):
            entries, bits = _looked_up(x, frame.VOILUTSequence[number - 1], frame)
            return np.clip(entries / (2**bits - 1) * 255, 0, 255)
        case Full():
            return stretched(x, *_full_range(frame))
        case Stretched(part):
            low, high = ends(x, is_shown(stored, frame), part)
            if low == high and part is not None:
                return np.where(x > low, 255, 0)  # what a narrower and narrower range comes to
            return stretched(x, low, high)


def is_inverted(frame: pydicom.Dataset) -> bool:
    """Presentation LUT Shape where there is one, else MONOCHROME1 (as ``presentation_shape="follow"``)."""
    shape = frame.get("PresentationLUTShape")
    monochrome1: bool = frame.PhotometricInterpretation == "MONOCHROME1"
    return shape == "INVERSE" if shape in ("IDENTITY", "INVERSE") else monochrome1


def display_values(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    """0..255 as C.11 has them, rounded half up after the inversion; uint8."""
    return presented(voi_values(modality_values(stored, frame), stored, voi, frame), frame)


def presented(y: Array, frame: pydicom.Dataset) -> Array:
    """C.11.6 and the rounding: 0..255 to uint8."""
    return np.floor((255 - y if is_inverted(frame) else y) + 0.5).astype(np.uint8)


class Quirk(NamedTuple):
    """What a peer does instead: ``model`` makes its display values of (stored values, VOI, attributes)."""

    reason: str
    model: Callable[[Array, Voi, pydicom.Dataset], Array]
