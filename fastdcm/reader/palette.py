"""Palette Color Lookup Tables (PS3.3 C.7.6.3.1.5-6), plain and segmented (C.7.9.2)."""

from __future__ import annotations

import struct

from fastdcm.errors import DicomError
from fastdcm.model import Palette
from fastdcm.reader.values import Values, lut_entries, swap_words

_NAMES = ("Red", "Green", "Blue")


def read_palette(values: Values, *, signed: bool) -> Palette:
    """The three tables of a data set; raises `DicomError` where they are missing or contradict."""
    descriptors = [values.numbers(0x00281101 + channel, signed=signed) for channel in range(3)]
    for name, descriptor in zip(_NAMES, descriptors, strict=True):
        if len(descriptor) != 3:
            raise DicomError(
                f"{name} Palette Color Lookup Table Descriptor is missing or has no three values"
            )
    if len({tuple(value % 65536 for value in descriptor) for descriptor in descriptors}) != 1:
        raise DicomError("the three palette descriptors differ")
    count, first, bits = descriptors[0]
    count = count % 65536 or 65536
    first = (first + 32768) % 65536 - 32768 if signed else first % 65536
    if bits not in (8, 16):
        raise DicomError(f"the palette descriptor says {bits} bits an entry, not 8 or 16")
    segmented = 0x00281221 in values
    read = _segmented if segmented else _plain
    red, green, blue = (read(values, channel, count, bits) for channel in range(3))
    return Palette(first, bits, red, green, blue)


def _plain(values: Values, channel: int, count: int, bits: int) -> bytes:
    tag = 0x00281201 + channel
    if tag not in values:
        raise DicomError(f"{_NAMES[channel]} Palette Color Lookup Table Data is missing")
    return lut_entries(values, tag, count, bits)


def _segmented(values: Values, channel: int, count: int, bits: int) -> bytes:
    """Expand discrete (0), linear (1) and indirect (2) segments to ``count`` entries."""
    raw = values.raw(0x00281221 + channel) or b""
    size = 1 if bits == 8 else 2
    words = raw if values.encoding.little or values.vr(0x00281221 + channel) == b"OB" else swap_words(raw)
    numbers = list(words) if size == 1 else list(struct.unpack(f"<{len(raw) // 2}H", words[: len(raw) & ~1]))
    try:
        entries = _expand(numbers, count, size)
    except IndexError:
        raise DicomError(f"{_NAMES[channel]} segmented palette is cut") from None
    if len(entries) < count:
        raise DicomError(f"{_NAMES[channel]} segmented palette expands to {len(entries)} of {count} entries")
    return struct.pack(f"<{count}H", *entries[:count])


def _expand(numbers: list[int], count: int, size: int) -> list[int]:
    entries: list[int] = []
    position = 0
    while position + 1 < len(numbers) and len(entries) < count:
        previous = entries[-1] if entries else None
        if numbers[position] == 2:
            position, produced = _indirect(numbers, position, size, previous, count - len(entries))
        else:
            position, produced = _segment(numbers, position, previous)
        entries += produced
    return entries


def _segment(numbers: list[int], position: int, previous: int | None) -> tuple[int, list[int]]:
    """One discrete or linear segment at ``position``: the position behind it and its entries."""
    opcode, length = numbers[position], numbers[position + 1]
    if opcode == 0:
        if position + 2 + length > len(numbers):
            raise DicomError("a discrete segment of the palette is cut")
        return position + 2 + length, numbers[position + 2 : position + 2 + length]
    if opcode == 1:
        if previous is None:
            raise DicomError("the palette starts with a linear segment")
        end = numbers[position + 2]
        step = (end - previous) / length if length else 0.0
        return position + 3, [int(previous + step * number + 0.5) for number in range(1, length + 1)]
    raise DicomError(f"the palette has a segment of type {opcode}")


def _indirect(
    numbers: list[int], position: int, size: int, previous: int | None, limit: int
) -> tuple[int, list[int]]:
    """A copy of earlier segments, named by their byte offset (C.7.9.2.3).

    It ends at ``limit`` entries: segments that lie inside each other could give billions.
    """
    copies = numbers[position + 1]
    if size == 1:
        parts = numbers[position + 2 : position + 6]
        offset, behind = sum(part << 8 * number for number, part in enumerate(parts)), position + 6
    else:
        offset, behind = (numbers[position + 2] | numbers[position + 3] << 16) // 2, position + 4
    if offset >= position:
        raise DicomError("an indirect segment of the palette refers to itself or ahead")
    entries: list[int] = []
    for _ in range(copies):
        if len(entries) >= limit:
            break
        offset, produced = _segment(numbers, offset, entries[-1] if entries else previous)
        if not produced:
            raise DicomError("an indirect segment of the palette copies an empty one")
        entries += produced
    return behind, entries
