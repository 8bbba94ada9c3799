"""Sequences: their items and where they end (PS3.5 7.5).

Those of undefined length have to be walked, iteratively, to a bounded depth and for a bounded time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.model import Notice
from fastdcm.reader.elements import (
    ITEM,
    ITEM_END,
    KNOWN_VRS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    Element,
    Encoding,
    beyond,
    tag_name,
)
from fastdcm.reader.source import FIRST_WINDOW, WINDOW, MemorySource, Source

#: Deeper than any real data set; DCMTK has the same limit.
MAX_NESTING = 64
#: Elements of sequences that are walked one by one: the functional groups of a million frames have fewer.
MAX_ELEMENTS = 1 << 24
#: Items of one sequence, and elements of one item, that are noted.
MAX_ITEMS, MAX_ITEM_ELEMENTS = 1 << 20, 1 << 16
_ITEM_LITTLE, _ITEM_BIG = b"\xfe\xff", b"\xff\xfe"


@dataclass(slots=True, eq=False)
class Walk:
    """What the walk of one object may still do, and what it found odd."""

    notices: list[Notice] = field(default_factory=list)
    max_nesting: int = MAX_NESTING
    budget: int = MAX_ELEMENTS
    steps: Iterator[None] = field(init=False)

    def __post_init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Allow as many steps again: the scan and each look at a frame have their own."""
        self.steps = repeat(None, self.budget)

    def other_encoding(self, encoding: Encoding, position: int) -> None:
        """Note once that an item is written unlike what surrounds it."""
        if not any(notice.code == "item-encoding" for notice in self.notices):
            kind = "explicit" if encoding.explicit else "implicit"
            message = f"an item at byte {position} has {kind} VR, unlike what is around it; it was read so"
            self.notices.append(Notice("item-encoding", message))

    def too_long(self) -> DicomError:
        """The error where the steps are used up."""
        return DicomError("the data set has more elements than any real one")


def inside(source: Source, start: int, vr: bytes, encoding: Encoding) -> Encoding:
    """How the items of the value at ``start`` are written, of an element with this VR.

    In UN it is implicit VR little endian, whatever surrounds it (PS3.5 6.2.2). Some writers of big
    endian objects keep the byte order, which the tag of the first item tells.
    """
    if vr != b"UN":
        return encoding
    return Encoding(False, encoding.little or source.read(start, 2) != _ITEM_BIG)


def item_encoding(source: Source, start: int, end: int, encoding: Encoding, walk: Walk) -> Encoding:
    """How the elements of the item at ``start`` are written: as declared, unless they show another way.

    Some writers copy items with VR into implicit data sets, others without into explicit ones. Its
    first element must read so, up to where the next one starts or the item ends, and not as
    declared. ``end`` is the end of the item, or that of the source where the item's is unknown.
    """
    head = bytes(source.view(start, 12))
    delimited = head[:2] == (_ITEM_LITTLE if encoding.little else _ITEM_BIG)
    if len(head) < 8 or delimited or (head[4:6] in KNOWN_VRS) == encoding.explicit:
        return encoding
    other = Encoding(not encoding.explicit, encoding.little)
    if _fits(source, start, end, encoding) or not _fits(source, start, end, other):
        return encoding
    walk.other_encoding(other, start)
    return other


def _fits(source: Source, start: int, end: int, encoding: Encoding) -> bool:
    """Whether an element at ``start`` written so leads to another one, or to the item's end."""
    try:
        tag, vr, value, length = _element(source.view(start, 12), start, encoding)
    except DicomError:
        return False
    if vr and vr not in KNOWN_VRS:
        return False
    if length == UNDEFINED:
        mark = _ITEM_LITTLE if encoding.little else _ITEM_BIG
        return value + 8 <= end and source.read(value, 2) == mark
    behind = value + length
    if behind >= end:
        return behind == end
    following = source.view(behind, 12)
    try:
        next_tag, next_vr, *_ = _element(following, behind, encoding)
    except DicomError:
        return False
    if next_tag == ITEM_END:
        return True
    # Elements ascend (PS3.5 7.1), and what carries no VR shows none.
    return tag < next_tag < ITEM and (bytes(following[4:6]) in KNOWN_VRS) == bool(next_vr)


def skip_undefined(
    source: Source, start: int, encoding: Encoding, walk: Walk, *, in_item: bool = False
) -> int:
    """The offset behind a value of undefined length that starts at ``start`` (PS3.5 7.5).

    ``encoding`` is that of its items, or with ``in_item`` of the elements of the item that starts there.
    """
    # What surrounds the level that is walked: (its encoding, whether it is an item).
    outside: list[tuple[Encoding, bool]] = []
    plain, head = _HEADS[encoding.little]
    explicit, starts = encoding.explicit, False
    width = min(FIRST_WINDOW, WINDOW)
    buffer, base, position = source.view(start, width), start, start
    for _ in walk.steps:
        if position + 12 > base + len(buffer):
            width = min(2 * width if position <= base + len(buffer) else FIRST_WINDOW, WINDOW)
            buffer, base = source.view(position, width), position
            if len(buffer) < 8:
                raise TruncatedError(f"cut at byte {position}: a sequence of undefined length does not end")
            if not any(buffer[:8]):
                raise DicomError(f"zeros at byte {position} of a sequence")  # maybe gigabytes: a hole
            if len(buffer) < 12:
                buffer = memoryview(bytes(buffer).ljust(12, b"\0"))
        group, number, length = plain(buffer, position - base)
        tag = group << 16 | number
        position += 8
        if tag == (ITEM_END if in_item else SEQUENCE_END):
            if not outside:
                return position
            within, (encoding, in_item), starts = encoding, outside.pop(), False
            if encoding is not within:
                explicit, (plain, head) = encoding.explicit, _HEADS[encoding.little]
            continue
        if in_item == (tag == ITEM) or (group == 0xFFFE and tag != ITEM):
            raise DicomError(f"{tag_name(tag)} where {'an element' if in_item else 'an item'} must be")
        vr = b""
        if starts:
            starts = False
            if (bytes(buffer[position - 4 - base : position - 2 - base]) in KNOWN_VRS) != explicit:
                encoding = item_encoding(source, position - 8, source.size, encoding, walk)
                explicit = encoding.explicit
        if in_item and explicit:
            vr, length, long_length = head(buffer, position - 4 - base)
            if vr not in SHORT_VRS:
                if not vr.isalpha():
                    raise DicomError(f"{tag_name(tag)} has no VR ({vr!r}) at byte {position - 8}")
                length = long_length
                position += 4
        if length == UNDEFINED:
            if len(outside) >= 2 * walk.max_nesting - 1:
                raise DicomError(f"sequences are nested more than {walk.max_nesting} deep")
            outside.append((encoding, in_item))
            if vr == b"UN":
                encoding = inside(source, position, vr, encoding)
                explicit, (plain, head) = encoding.explicit, _HEADS[encoding.little]
            in_item = starts = not in_item
        else:
            position += length
            if position > source.size:
                raise beyond(tag, position - length, length, source)
    raise walk.too_long()


#: Little endian or not -> group, number, length; and from the fifth byte on VR, short length, long length.
_HEADS = {
    little: (struct.Struct(order + "HHI").unpack_from, struct.Struct(order + "2sHI").unpack_from)
    for little, order in ((True, "<"), (False, ">"))
}


def items(
    data: bytes, encoding: Encoding, walk: Walk | None = None, *, limit: int = MAX_ITEMS
) -> list[tuple[int, int]]:
    """(offset, length) of the items in a sequence's value (PS3.5 7.5.1); ``limit`` at most."""
    walk = walk or Walk()
    unpack = struct.Struct(encoding.order + "HHI").unpack_from
    source = MemorySource(data)
    position = 0
    spans: list[tuple[int, int]] = []
    while position + 8 <= len(data):
        group, number, length = unpack(data, position)
        tag = group << 16 | number
        if tag == SEQUENCE_END:
            break
        if tag != ITEM:
            raise DicomError(f"{tag_name(tag)} in a sequence, where an item must be")
        if len(spans) == limit:
            raise DicomError(f"a sequence has more than {limit} items")
        position += 8
        if length == UNDEFINED:
            written = item_encoding(source, position, len(data), encoding, walk)
            after = skip_undefined(source, position, written, walk, in_item=True)
            spans.append((position, after - 8 - position))
            position = after
        else:
            if position + length > len(data):
                raise TruncatedError(f"an item declares {length} bytes, {len(data) - position} follow")
            spans.append((position, length))
            position += length
    return spans


def elements_of(
    data: bytes, start: int, length: int, encoding: Encoding, walk: Walk | None = None
) -> dict[int, Element]:
    """The elements of one item: tag -> (VR, offset in ``data``, length)."""
    walk = walk or Walk()
    found: dict[int, Element] = {}
    source = MemorySource(data)
    position, end = start, start + length
    for _ in range(MAX_ITEM_ELEMENTS):
        if position + 8 > end:
            return found
        tag, vr, value, size = _element(source.view(position, 12), position, encoding)
        if size == UNDEFINED:
            position = skip_undefined(source, value, inside(source, value, vr, encoding), walk)
            size = position - value
        else:
            position = value + size
            if position > end:
                raise TruncatedError(
                    f"{tag_name(tag)} declares {size} bytes, {end - value} follow in its item"
                )
        found[tag] = (vr, value, size)
    raise DicomError(f"an item has more than {MAX_ITEM_ELEMENTS} elements")


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
