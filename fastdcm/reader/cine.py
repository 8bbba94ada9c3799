"""How long each frame is shown: the Cine module (PS3.3 C.7.6.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fastdcm.model import Notice
from fastdcm.reader.scan import DataSet
from fastdcm.reader.values import Values

FRAME_TIME, FRAME_TIME_VECTOR = 0x00181063, 0x00181065
CINE_RATE, RECOMMENDED_RATE = 0x00180040, 0x00082144
FRAME_INCREMENT_POINTER = 0x00280009
_NAMES = {FRAME_TIME: "Frame Time", FRAME_TIME_VECTOR: "Frame Time Vector"}
#: Frames a second where the object says nothing that can be used.
_USUAL_RATE = 25.0
#: No cine shows a frame for longer than a day.
_LONGEST_SECONDS = 86400.0


def frame_seconds(found: DataSet, frames: int, notices: list[Notice]) -> Sequence[float]:
    """Seconds for which each of ``frames`` frames is shown, all above 0.

    Frame Time (C.7.6.5.1.1) or Frame Time Vector (C.7.6.5.1.2), of which Frame Increment Pointer (C.7.6.6)
    chooses where both are there; else Cine Rate, Recommended Display Frame Rate, 25 a second. What cannot be
    used gives a notice.
    """
    values = Values(found.encoding, found.elements, data_set=found)
    times = [FRAME_TIME, FRAME_TIME_VECTOR]
    if FRAME_TIME_VECTOR in _pointers(values):
        times.reverse()
    for tag in times:
        if tag not in values:
            continue
        seconds = _of_vector(values, frames) if tag == FRAME_TIME_VECTOR else _of_time(values, frames)
        if seconds is not None:
            return seconds
        if frames > 1:  # else 0 means that there is nothing to follow (C.7.6.5.1.1)
            notices.append(Notice("frame-time", f"{_NAMES[tag]} cannot be used; ignored"))
    for tag in (CINE_RATE, RECOMMENDED_RATE):
        rate = (values.decimals(tag) or (0.0,))[0]
        if _is_usable(1 / rate if rate else 0.0):
            return [1 / rate] * frames
    if frames > 1:
        message = f"no frame time in the file: {_USUAL_RATE:g} frames a second were taken"
        notices.append(Notice("frame-time", message))
    return [1 / _USUAL_RATE] * frames


def _pointers(values: Values) -> set[int]:
    """The tags in Frame Increment Pointer, each two words: group and element (VR AT)."""
    words = values.words(FRAME_INCREMENT_POINTER)
    return {group << 16 | element for group, element in zip(words[::2], words[1::2], strict=False)}


def _of_time(values: Values, frames: int) -> list[float] | None:
    milliseconds = (values.decimals(FRAME_TIME) or (0.0,))[0]
    return [milliseconds / 1000] * frames if _is_usable(milliseconds / 1000) else None


def _of_vector(values: Values, frames: int) -> list[float] | None:
    """Each value is the time since the frame before, so it is how long that one is shown."""
    increments = [milliseconds / 1000 for milliseconds in values.decimals(FRAME_TIME_VECTOR)[1:frames]]
    if len(increments) != frames - 1 or not increments or not all(map(_is_usable, increments)):
        return None
    # Nothing says how long the last one is: as long as the one before it.
    return [*increments, increments[-1]]


def _is_usable(seconds: float) -> bool:
    return math.isfinite(seconds) and 0 < seconds <= _LONGEST_SECONDS
