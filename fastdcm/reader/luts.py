"""Windows, LUTs and the modality transform of one level of a data set (PS3.3 C.11.1, C.11.2).

What is odd is told to ``note``, by its code and in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from fastdcm.errors import DicomError
from fastdcm.model import Lut, VoiFunction, Window
from fastdcm.options import is_usable
from fastdcm.reader.items import all_items, first_item
from fastdcm.reader.values import Values, entry_bits, lut_entries

Note = Callable[[str, str], None]
_FUNCTIONS: dict[str, VoiFunction] = {
    "LINEAR": "LINEAR",
    "LINEAR_EXACT": "LINEAR_EXACT",
    "SIGMOID": "SIGMOID",
}


def read_modality(
    values: Values, *, signed: bool, note: Note
) -> tuple[tuple[float, float] | None, Lut | None, str]:
    """Rescale (slope, intercept), Modality LUT and the unit of either (C.11.1) of one level."""
    item = first_item(values, 0x00283000)
    if item is not None:
        return None, read_lut(item, signed=signed, note=note), item.text(0x00283004).upper()
    slopes, intercepts = values.decimals(0x00281053), values.decimals(0x00281052)
    if not slopes and not intercepts:
        return None, None, ""
    slope, intercept = (slopes or [1.0])[0], (intercepts or [0.0])[0]
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise DicomError("Rescale Slope or Rescale Intercept is no number")
    if slope == 0:
        raise DicomError("Rescale Slope is 0")
    return (slope, intercept), None, values.text(0x00281054).upper()


def read_windows(values: Values, note: Note) -> tuple[Window, ...]:
    """The windows (C.11.2.1.2) that can be used; the others are noted."""
    centers, widths = values.decimals(0x00281050), values.decimals(0x00281051)
    if not centers and not widths:
        return ()
    if len(centers) != len(widths):
        note(
            "window",
            f"{len(centers)} window centers and {len(widths)} widths: the pairs that are whole count",
        )
    written = values.raw(0x00281056)
    text = written.decode("latin-1") if written and written.strip(b" \0") else "LINEAR"
    function = _FUNCTIONS.get(text.strip(" \0").upper())
    if function is None:
        note("window", f"VOI LUT Function {text.strip()!r} is unknown; the windows were ignored")
        return ()
    if text.rstrip(" \0") != function:
        note("voi-function", f"VOI LUT Function is written {text!r}; it was read as {function}")
    explanations = values.texts(0x00281055)
    usable: list[Window] = []
    unusable = ""
    for number, (center, width) in enumerate(zip(centers, widths, strict=False)):
        explanation = explanations[number] if number < len(explanations) else ""
        window = Window(center, width, function, explanation)
        if is_usable(window):
            usable.append(window)
        elif not unusable:
            unusable = f"window {number + 1} ({center:g}, {width:g})"
    if unusable:
        count = min(len(centers), len(widths)) - len(usable)
        more = f" and {count - 1} more" if count > 1 else ""
        note("window", f"{unusable}{more} cannot be used; ignored")
    return tuple(usable)


def read_voi_luts(values: Values, *, signed: bool, note: Note) -> tuple[Lut, ...]:
    """The VOI LUTs (C.11.2.1.1) of one level; ``signed`` is their input."""
    if 0x00283010 not in values:
        return ()
    return tuple(read_lut(item, signed=signed, note=note) for item in all_items(values, 0x00283010))


def read_lut(item: Values, *, signed: bool, note: Note) -> Lut:
    """One LUT item (C.11.1.1.1): descriptor, data, explanation."""
    descriptor = item.numbers(0x00283002, signed=signed)
    if len(descriptor) != 3:
        raise DicomError("LUT Descriptor (0028,3002) has no three values")
    count, first, bits = descriptor
    count = count % 65536 or 65536
    # The sign of the first value is that of the input, whatever VR was written.
    first = (first + 32768) % 65536 - 32768 if signed else first % 65536
    if not 1 <= bits <= 16:
        raise DicomError(f"LUT Descriptor (0028,3002): {bits} bits an entry")
    entries = lut_entries(item, 0x00283006, count, bits)
    if (needed := entry_bits(entries)) > bits:
        note("lut-bits", f"a LUT declares {bits} bits and has entries of {needed}; it was scaled by these")
        bits = needed
    return Lut(first, bits, entries, item.text(0x00283003))


def for_input(lut: Lut, *, signed: bool) -> Lut:
    """A LUT that was read before the sign of its input was known: the same 16 bits as its first value."""
    first = (lut.first + 32768) % 65536 - 32768 if signed else lut.first % 65536
    return lut._replace(first=first)
