"""Attributes by name: pydicom's copy of the data dictionary (PS3.6).

pydicom takes a third of a second to import, and is imported by what needs the dictionary only: once a run, in
the process that was asked, and wherever a sequence is told whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, NamedTuple

from fastdcm.errors import OptionError
from fastdcm.reader.elements import tag_name

Kind = Literal["integer", "number", "text"]
_INTEGERS = frozenset(["IS", "SL", "SS", "SV", "UL", "US", "UV"])
_NUMBERS = frozenset(["DS", "FD", "FL"])
_PIXEL_GROUP = 0x7FE0


class Attribute(NamedTuple):
    """One that was asked for: by which name, its VR (empty where nobody knows), what its values are."""

    name: str
    tag: int
    vr: str
    kind: Kind


@cache
def _dictionary() -> Any:
    import pydicom.datadict

    return pydicom.datadict


def look_up(names: Iterable[str]) -> tuple[Attribute, ...]:
    """Attributes by keyword, (gggg,eeee) or ggggeeee. Raises `OptionError`."""
    found = [_attribute(name) for name in names]
    tags = [attribute.tag for attribute in found]
    return tuple(attribute for at, attribute in enumerate(found) if attribute.tag not in tags[:at])


def _attribute(name: str) -> Attribute:
    number = re.fullmatch(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?", name)
    tag = int(number[1] + number[2], 16) if number else _dictionary().tag_for_keyword(name)
    if tag is None:
        raise OptionError(f"tags: there is no attribute {name!r}; write a keyword of PS3.6, or (gggg,eeee)")
    if tag >> 16 < 0x0008:
        raise OptionError(f"tags: {name} is not of the data set; metadata has the transfer syntax anyway")
    if tag >> 16 >= _PIXEL_GROUP:
        raise OptionError(f"tags: {name} is pixel data, or behind it, and no metadata")
    vr = vr_of(tag)
    kind: Kind = "text"
    if _dictionary().dictionary_has_tag(tag) and _dictionary().dictionary_VM(tag) == "1":
        kind = "integer" if vr in _INTEGERS else "number" if vr in _NUMBERS else "text"
    keyword = _dictionary().keyword_for_tag(tag)
    return Attribute(keyword or tag_name(tag), int(tag), vr, kind)


@cache
def vr_of(tag: int) -> str:
    """The VR of a standard attribute, empty for others; US where the pixels decide between that and SS."""
    if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
        return "LO"  # a private creator (PS3.5 7.8.1)
    if not _dictionary().dictionary_has_tag(tag):
        return ""
    vr: str = _dictionary().dictionary_VR(tag)
    return vr.partition(" or ")[0] if vr.startswith("US") else vr.rpartition(" ")[2]


@cache
def keywords() -> dict[str, int]:
    """The keyword of every standard attribute but those of repeating groups -> its tag."""
    return dict(_dictionary().keyword_dict)


def creator_of(tag: int) -> int:
    """The tag of the element that says whose a private element is (PS3.5 7.8.1)."""
    return tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8


@cache
def private_vr(tag: int, creator: str) -> str:
    """The VR of an element that pydicom knows of this creator, empty for others."""
    try:
        vr: str = _dictionary().private_dictionary_VR(tag, creator)
    except KeyError:
        return ""
    return vr.rpartition(" ")[2]


@cache
def is_current(tag: int) -> bool:
    """Whether the standard has an attribute, and has not retired it."""
    return _dictionary().dictionary_has_tag(tag) and not _dictionary().dictionary_is_retired(tag)
