"""A small image, and bytes around it that no builder would write."""

from __future__ import annotations

from typing import Any

from tests.builders import EXPLICIT, IMPLICIT, PIXEL_DATA, Element, encode_for, image, meta, module

PREAMBLE = bytes(128) + b"DICM"
SIX, PIXELS = [[1, 2, 3], [4, 5, 6]], bytes(range(1, 7))


def six(*extra: Element, syntax: str = EXPLICIT, **changes: Any) -> bytes:
    """An image of `SIX` with these elements among its own, in the order of tags."""
    return image(PIXELS, syntax, extra=extra, **changes)


def around(body: bytes, syntax: str = EXPLICIT, declared: str | None = None) -> bytes:
    """`SIX` behind bytes of a data set that no builder would write."""
    pixels = Element(PIXEL_DATA, "OW" if syntax == IMPLICIT else "OB", PIXELS)
    rest = encode_for(syntax, [*module(), pixels])
    return PREAMBLE + meta(declared or syntax) + body + rest
