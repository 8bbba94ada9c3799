"""Sequences: their items and where they end (PS3.5 7.5).

Those of undefined length have to be walked, iteratively and to a bounded depth.
"""

from __future__ import annotations

import struct

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.reader.elements import (
    ITEM,
    ITEM_END,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Element,
    Encoding,
    beyond,
    tag_name,
)
from fastdcm.reader.source import WINDOW, MemorySource, Source

#: Deeper than any real data set; DCMTK has the same limit.
MAX_NESTING = 64


def skip_undefined(source: Source, start: int, explicit: bool, little: bool) -> int:
    """The offset behind a value of undefined length that starts at ``start`` (PS3.5 7.5)."""
    order = "<" if little else ">"
    head = struct.Struct(order + "HH2sHI").unpack_from
    plain = struct.Struct(order + "HHI").unpack_from
    # A level is (whether elements carry a VR, whether this is an item rather than a sequence).
    levels = [(explicit, False)]
    buffer, base, position = source.view(start, WINDOW), start, start
    while levels:
        if position + 12 > base + len(buffer):
            buffer, base = source.view(position, WINDOW), position
            if len(buffer) < 8:
                raise TruncatedError(f"cut at byte {position}: a sequence of undefined length does not end")
            if len(buffer) < 12:
                buffer = memoryview(bytes(buffer).ljust(12, b"\0"))
        explicit, in_item = levels[-1]
        group, number, length = plain(buffer, position - base)
        tag = group << 16 | number
        position += 8
        if tag == (ITEM_END if in_item else SEQUENCE_END):
            levels.pop()
            continue
        if in_item == (tag == ITEM) or (group == 0xFFFE and tag != ITEM):
            raise DicomError(f"{tag_name(tag)} where {'an element' if in_item else 'an item'} must be")
        undefined_explicit = explicit
        if in_item and explicit:
            vr, length, long_length = head(buffer, position - 8 - base)[2:]
            if vr not in SHORT_VRS:
                if not vr.isalpha():
                    raise DicomError(f"{tag_name(tag)} has no VR ({vr!r}) at byte {position - 8}")
                length = long_length
                position += 4
                undefined_explicit = vr != b"UN"
        if length == UNDEFINED:
            if len(levels) >= 2 * MAX_NESTING:
                raise DicomError(f"sequences are nested more than {MAX_NESTING} deep")
            levels.append((undefined_explicit, not in_item))
        else:
            position += length
            if position > source.size:
                raise beyond(tag, position - length, length, source)
    return position


def items(data: bytes, encoding: Encoding) -> list[tuple[int, int]]:
    """(offset, length) of the items in a sequence's value (PS3.5 7.5.1)."""
    unpack = struct.Struct(encoding.order + "HHI").unpack_from
    source: Source | None = None
    position, spans = 0, []
    while position + 8 <= len(data):
        group, number, length = unpack(data, position)
        tag = group << 16 | number
        if tag == SEQUENCE_END:
            break
        if tag != ITEM:
            raise DicomError(f"{tag_name(tag)} in a sequence, where an item must be")
        position += 8
        if length == UNDEFINED:
            source = source or MemorySource(data)
            after = _skip_item(source, position, encoding)
            spans.append((position, after - 8 - position))
            position = after
        else:
            if position + length > len(data):
                raise TruncatedError(f"an item declares {length} bytes, {len(data) - position} follow")
            spans.append((position, length))
            position += length
    return spans


def _skip_item(source: Source, start: int, encoding: Encoding) -> int:
    """The offset behind the delimiter of an item of undefined length."""
    position = start
    while True:
        tag, vr, value, length = _element(source.view(position, 12), position, encoding)
        if tag == ITEM_END:
            return value
        if length == UNDEFINED:
            position = skip_undefined(source, value, encoding.explicit and vr != b"UN", encoding.little)
        else:
            position = value + length


def elements_of(data: bytes, start: int, length: int, encoding: Encoding) -> dict[int, Element]:
    """The elements of one item: tag -> (VR, offset in ``data``, length)."""
    found: dict[int, Element] = {}
    source = MemorySource(data)
    position, end = start, start + length
    while position + 8 <= end:
        tag, vr, value, size = _element(source.view(position, 12), position, encoding)
        if size == UNDEFINED:
            position = skip_undefined(source, value, encoding.explicit and vr != b"UN", encoding.little)
            size = position - value
        else:
            position = value + size
            if position > end:
                raise TruncatedError(
                    f"{tag_name(tag)} declares {size} bytes, {end - value} follow in its item"
                )
        found[tag] = (vr, value, size)
    return found


def _element(head: memoryview, position: int, encoding: Encoding) -> tuple[int, bytes, int, int]:
    """(tag, VR, offset of the value, length) of the element whose first bytes are ``head``."""
    if len(head) < 8:
        raise TruncatedError(f"cut at byte {position} of a sequence")
    group, number, length = struct.unpack_from(encoding.order + "HHI", head)
    tag = group << 16 | number
    if not encoding.explicit or group == 0xFFFE:
        return tag, b"", position + 8, length
    vr = bytes(head[4:6])
    if vr in SHORT_VRS:
        return tag, vr, position + 8, struct.unpack_from(encoding.order + "H", head, 6)[0]
    if not vr.isalpha():
        raise DicomError(f"{tag_name(tag)} has no VR ({vr!r})")
    if len(head) < 12:
        raise TruncatedError(f"cut at byte {position} of a sequence")
    return tag, vr, position + 12, struct.unpack_from(encoding.order + "I", head, 8)[0]
