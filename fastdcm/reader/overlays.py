"""Overlays, groups 6000 to 601E (PS3.3 C.9.2, C.9.3): where they lie, and their bits.

They lie in Overlay Data, or, up to the standard of 2004, in bits of Pixel Data that samples leave free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.reader.scan import DataSet
from fastdcm.reader.values import Values, swap_words

Bits = NDArray[np.bool_]
Note = Callable[[str, str], None]
#: Words of a frame as they are stored, (rows, columns) unsigned.
Words = Callable[[], NDArray[Any]]

GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST = 0x0010, 0x0011, 0x0015, 0x0050, 0x0051
_ALLOCATED, _POSITION, _DATA = 0x0100, 0x0102, 0x3000
OVERLAY_TAGS = frozenset(
    group << 16 | element
    for group in GROUPS
    for element in (_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST, _ALLOCATED, _POSITION, _DATA)
)


class Overlay(NamedTuple):
    """One overlay plane.

    ``origin`` is (row, column) of its first pixel in the image, whose first is 1, 1. Its ``frames`` belong to
    the image's from ``first_frame`` (from 1) on; with 0 it is one that belongs to all. ``bit_position`` is
    that in words of Pixel Data, None where the overlay has data of its own.
    """

    group: int
    rows: int
    columns: int
    origin: tuple[int, int]
    frames: int = 0
    first_frame: int = 1
    bit_position: int | None = None

    def frame_of(self, index: int) -> int | None:
        """The index of the overlay's frame that belongs to one of the image; None where none does."""
        if not self.frames:
            return 0
        own = index + 1 - self.first_frame
        return own if 0 <= own < self.frames else None


class OverlayReader:
    """The overlays of a data set, which was scanned for `OVERLAY_TAGS`.

    Those that cannot be read are left out and noted. ``stored`` is (Bits Stored, High Bit) of the Pixel Data
    in whose words overlays may be embedded, None where there is none.
    """

    def __init__(self, found: DataSet, note: Note, stored: tuple[int, int] | None = None) -> None:
        self._found, self._note, self._stored = found, note, stored
        self._values = Values(found.encoding, found.elements, data_set=found)
        self.overlays: dict[int, Overlay] = {}
        for group in GROUPS:
            if group << 16 | _ROWS not in found.elements:
                continue
            try:
                overlay = self._read(group)
            except DicomError as error:
                note("overlay", f"overlay {group:04X} was left out: {error.message}")
                continue
            if overlay is not None:
                self.overlays[group] = overlay

    def plane(
        self, group: int, index: int, shape: tuple[int, int], words: Words | None = None
    ) -> Bits | None:
        """Where an overlay covers a frame of the image: (rows, columns) of bool, clipped to the image.

        None where the group has no overlay for the frame. ``words`` gives those of the frame, for overlays
        that are embedded in them.
        """
        overlay = self.overlays.get(group)
        own = None if overlay is None else overlay.frame_of(index)
        if overlay is None or own is None:
            return None
        plane = np.zeros(shape, np.bool_)
        # Of the image and of the overlay, the rows and columns that both have.
        top, left = overlay.origin[0] - 1, overlay.origin[1] - 1
        rows = slice(max(0, top), max(0, min(shape[0], top + overlay.rows)))
        columns = slice(max(0, left), max(0, min(shape[1], left + overlay.columns)))
        if overlay.bit_position is not None:
            if words is None:
                return None
            embedded = words()
            if overlay.bit_position < 8 * embedded.itemsize:
                one = embedded.dtype.type(1)
                bits = embedded >> embedded.dtype.type(overlay.bit_position) & one
                plane[rows, columns] = bits[rows, columns] != 0
            return plane
        plane[rows, columns] = self._bits(overlay, own)[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
        return plane

    def _read(self, group: int) -> Overlay | None:
        """The overlay of a group; None where it has neither data nor bits in Pixel Data."""
        values, base = self._values, group << 16
        rows = values.number(base | _ROWS, "Overlay Rows")
        columns = values.number(base | _COLUMNS, "Overlay Columns")
        if not rows or not columns:
            raise DicomError(f"Overlay Rows x Overlay Columns is {rows} x {columns}")
        origin = values.numbers(base | _ORIGIN, signed=True)
        if len(origin) == 2:
            # Written as US by some; the standard's is signed.
            top, left = ((number + 32768) % 65536 - 32768 for number in origin)
        elif not origin:
            top, left = 1, 1
            self._note("overlay-origin", f"overlay {group:04X} has no Overlay Origin; 1\\1 was taken")
        else:
            raise DicomError(f"Overlay Origin has {len(origin)} values, not 2")
        frames = 0
        if base | _FRAMES in values:
            frames = _integer(values.text(base | _FRAMES))
            if frames < 1:
                raise DicomError(f"Number of Frames in Overlay is {values.text(base | _FRAMES)[:20]!r}")
        first = values.number(base | _FIRST, "Image Frame Origin", 1) or 1
        overlay = Overlay(group, rows, columns, (top, left), frames, first)
        if base | _DATA not in values or not self._found.elements[base | _DATA][2]:
            return self._embedded(overlay)
        length, needed = self._found.elements[base | _DATA][2], (max(frames, 1) * rows * columns + 7) // 8
        if length < needed:
            raise DicomError(f"Overlay Data has {length} bytes, and {needed} are needed")
        return overlay

    def _embedded(self, overlay: Overlay) -> Overlay | None:
        base = overlay.group << 16
        allocated = self._values.number(base | _ALLOCATED, "Overlay Bits Allocated", 1)
        position = self._values.number(base | _POSITION, "Overlay Bit Position", 0)
        if self._stored is None or allocated == 1:
            return None
        stored, high = self._stored
        if high - stored < position <= high:
            raise DicomError(
                f"Overlay Bit Position is {position}, a bit of the samples ({high - stored + 1} to {high})"
            )
        # Each frame of the image has a bit plane of its own (PS3.3-2004 C.9.2).
        return overlay._replace(bit_position=position, first_frame=1)

    def _bits(self, overlay: Overlay, own: int) -> Bits:
        """The bits of one frame of an overlay that has Overlay Data, (rows, columns)."""
        count = overlay.rows * overlay.columns
        start = own * count
        vr, offset, length = self._found.elements[overlay.group << 16 | _DATA]
        # Frames follow each other without padding (PS3.5 8.1.2); words of 16 bits are read whole.
        first, end = start // 16 * 2, (start + count + 7) // 8
        swapped = not self._found.encoding.little and vr != b"OB"
        data = self._found.source.read(offset + first, min(end + end % 2, length) - first)
        if len(data) < end - first:
            raise TruncatedError(f"Overlay Data is cut: {end} bytes declared, {first + len(data)} there")
        packed = np.frombuffer(swap_words(data) if swapped else data, np.uint8)
        bits = np.unpackbits(packed, bitorder="little")[start - 8 * first :][:count]
        return bits.reshape(overlay.rows, overlay.columns).view(np.bool_)


def _integer(text: str) -> int:
    """An IS value (PS3.5 6.2); 0 for what is none."""
    text = text.removeprefix("+")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else 0
