"""The items of a sequence as `Values` (PS3.5 7.5)."""

from __future__ import annotations

from collections.abc import Iterator

from fastdcm.reader.elements import Encoding
from fastdcm.reader.sequences import elements_of, inside, item_encoding, items
from fastdcm.reader.source import MemorySource
from fastdcm.reader.values import Values

#: Items of the sequences that hold LUTs, or one item; and of those that list images or drawings.
_MAX_ITEMS = 4096


def all_items(values: Values, tag: int, *, limit: int = _MAX_ITEMS) -> Iterator[Values]:
    """The items of a sequence; none where it is absent or empty."""
    data = values.raw(tag)
    if data:
        encoding = items_encoding(values, tag, data)
        for span in items(data, encoding, values.walk, limit=limit):
            yield item_values(values, data, span, encoding)


def first_item(values: Values, tag: int) -> Values | None:
    """The first item of a sequence, None where there is none."""
    if tag not in values:
        return None
    return next(all_items(values, tag), None)


def item_values(values: Values, data: bytes, span: tuple[int, int], encoding: Encoding) -> Values:
    """One item of a sequence in ``values``, whose bytes are ``data``."""
    start, length = span
    encoding = item_encoding(MemorySource(data), start, start + length, encoding, values.walk)
    return Values(encoding, elements_of(data, start, length, encoding, values.walk), data, walk=values.walk)


def items_encoding(values: Values, tag: int, data: bytes) -> Encoding:
    """How the items of a sequence are written, whose bytes are ``data``."""
    return inside(MemorySource(data), 0, values.vr(tag), values.encoding)
