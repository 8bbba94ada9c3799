"""Data sets in the DICOM JSON model (PS3.18 F): their values, and their bytes in Explicit VR Little Endian.

What a server sends is judged here: what is not of the model's shape is a `WebError`.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from fastdcm.errors import WebError

Element = Mapping[str, Any]
Attributes = Mapping[str, Element]

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
#: VRs whose length takes four bytes (PS3.5 7.1.2).
_LONG = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
_TEXT = frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM"))
_KNOWN = _LONG | _TEXT | {"AT", "FD", "FL", "SL", "SS", "UI", "UL", "US"}
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
#: Bytes of a number of a value that is text here; of a decimal string, digits that give back any float64.
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_UTF8 = "ISO_IR 192"
_SPECIFIC_CHARACTER_SET = "00080005"
#: Deepest sequences, as `fastdcm.options.Limits` has them.
_MOST_NESTING = 64


def parse_attributes(document: Any) -> list[Attributes]:
    """The data sets of an answer: a list of objects by tags, or one such object."""
    found = [document] if isinstance(document, dict) else document
    if not isinstance(found, list) or not all(map(_is_data_set, found)):
        raise WebError("the answer is JSON, but no data sets of DICOM's JSON model (PS3.18 F)")
    return found


def _is_data_set(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _TAG.fullmatch(tag) and isinstance(element, dict) for tag, element in value.items()
    )


def values_of(attributes: Attributes, tag: str) -> list[Any]:
    """The values of an element; none where it is not there, or empty."""
    values = attributes.get(tag, {}).get("Value")
    return values if isinstance(values, list) else []


def text_of(attributes: Attributes, tag: str) -> str:
    """The first value of an element as text, empty where there is none."""
    values = values_of(attributes, tag)
    return "" if not values or values[0] is None else str(values[0]).strip("\0 ")


def number_of(attributes: Attributes, tag: str) -> int | None:
    """The first value of an element as a whole number; None where it is none. Some servers send text."""
    text = text_of(attributes, tag)
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number == number // 1 and abs(number) < 2**53 else None


def items_of(attributes: Attributes, tag: str) -> list[Attributes]:
    """The items of a sequence."""
    return [item for item in values_of(attributes, tag) if _is_data_set(item)]


def bulk_data_uris(attributes: Attributes, tags: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Tag and URI of each element with one of these tags, in sequences, too, whose value lies elsewhere."""
    for tag, element in attributes.items():
        if tag.upper() in tags and isinstance(uri := element.get("BulkDataURI"), str):
            yield tag.upper(), uri
        for item in items_of(attributes, tag) if element.get("vr") == "SQ" else ():
            yield from bulk_data_uris(item, tags)


def data_set_bytes(attributes: Attributes, bulk: Mapping[str, bytes] | None = None) -> bytes:
    """The data set in Explicit VR Little Endian (PS3.5 7.1.2), its text in UTF-8.

    ``bulk`` has values that lie elsewhere, by their URI; what is not in it is left out. So are group 2, and
    elements whose value is not of its VR's kind.
    """
    return _encoded(attributes, bulk or {}, 0)


def _encoded(attributes: Attributes, bulk: Mapping[str, bytes], depth: int) -> bytes:
    if depth > _MOST_NESTING:
        raise WebError(f"the metadata has sequences nested deeper than {_MOST_NESTING}")
    known = {tag.upper(): element for tag, element in attributes.items()}
    if not depth:
        known[_SPECIFIC_CHARACTER_SET] = {"vr": "CS", "Value": [_UTF8]}
    else:
        known.pop(_SPECIFIC_CHARACTER_SET, None)
    parts: list[bytes] = []
    for tag in sorted(known):
        element = known[tag]
        vr = element.get("vr")
        if tag < "0008" or vr not in _KNOWN:
            continue
        try:
            value = _value(vr, element, bulk, depth)
        except (ValueError, TypeError, AttributeError, KeyError, struct.error, binascii.Error):
            continue  # a value of another kind than its VR says; nothing else depends on it
        if value is not None:
            parts.append(element_bytes(int(tag, 16), vr, value))
    return b"".join(parts)


def element_bytes(tag: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """An element in Explicit VR Little Endian; ``length`` overrides the one that is written."""
    if len(value) % 2:
        value += b"\0" if vr in ("OB", "UI", "UN") else b" "
    length = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode("ascii"))
    if vr in _LONG:
        return head + struct.pack("<HI", 0, length) + value
    if length > 0xFFFF:
        # Too long for its VR: UN says so (PS3.5 6.2.2), and so is it read.
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, length) + value
    return head + struct.pack("<H", length) + value


def _value(vr: str, element: Element, bulk: Mapping[str, bytes], depth: int) -> bytes | None:
    if "InlineBinary" in element:
        return base64.b64decode(element["InlineBinary"], validate=True)
    if "BulkDataURI" in element:
        return bulk.get(element["BulkDataURI"])
    values = element.get("Value", [])
    if not isinstance(values, list):
        raise TypeError(values)
    if vr == "SQ":
        return b"".join(_item(item, bulk, depth) for item in values)
    if vr in _NUMBERS:
        convert: Any = float if vr in ("FL", "FD") else int
        return struct.pack(f"<{len(values)}{_NUMBERS[vr]}", *map(convert, values))
    if vr == "AT":
        return b"".join(struct.pack("<HH", int(text[:4], 16), int(text[4:8], 16)) for text in values)
    if vr in ("OB", "OW", "OD", "OF", "OL", "OV", "UN"):
        return None if values else b""
    return "\\".join(_text(vr, value) for value in values).encode("utf-8")


def _item(item: Any, bulk: Mapping[str, bytes], depth: int) -> bytes:
    # An empty item is null or an object without attributes (F.2.5).
    content = b"" if item is None else _encoded(item, bulk, depth + 1)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def _text(vr: str, value: Any) -> str:
    if value is None:
        return ""
    if vr == "PN":
        # Some servers send the text as it stands in the data set.
        groups = [value] if isinstance(value, str) else [str(value.get(name, "")) for name in _GROUPS]
        return "=".join(groups).rstrip("=")
    if vr == "DS" and isinstance(value, float):
        return repr(value)
    if not isinstance(value, (str, int)):
        raise TypeError(value)
    return str(value)
