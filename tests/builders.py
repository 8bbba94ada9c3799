"""DICOM objects built byte by byte, so that tests can say exactly what is in them (PS3.5 clause 7, PS3.10).

A data set is a list of `Element`; `encode` writes it in one of the `SYNTAXES`, `dicom` puts preamble and
file meta information around it, `image` adds an Image Pixel module, `encapsulated` makes a value of
fragments. Everything can be overridden, wrong values too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNDEFINED = 0xFFFFFFFF
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
#: The transfer syntaxes of uncompressed pixels, one for each way of writing elements.
SYNTAXES = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = 0x7FE00010
_LONG_VRS = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV", "ZZ"])
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "OV": "Q"}


@dataclass(frozen=True)
class Element:
    """``value`` is bytes (written as they are), text, numbers, or for SQ a list of items.

    An item is a list of elements. ``undefined`` writes a sequence and its items with undefined length
    and delimiters; ``length`` overrides the length that is written.
    """

    tag: int
    vr: str
    value: Any = b""
    undefined: bool = False
    length: int | None = None


Items = Sequence[Sequence[Element]]


def encode(elements: Iterable[Element], *, explicit: bool = True, little: bool = True) -> bytes:
    """The elements, in the order given."""
    return b"".join(_element(element, explicit, little) for element in elements)


def _element(element: Element, explicit: bool, little: bool) -> bytes:
    order = "<" if little else ">"
    value = _value(element, explicit, little)
    length = element.length
    if length is None:
        length = UNDEFINED if element.undefined else len(value)
    tag = struct.pack(order + "HH", element.tag >> 16, element.tag & 0xFFFF)
    if not explicit or element.tag >> 16 == 0xFFFE:
        return tag + struct.pack(order + "I", length) + value
    vr = element.vr.encode("ascii")
    if element.vr in _LONG_VRS:
        return tag + vr + struct.pack(order + "HI", 0, length) + value
    return tag + vr + struct.pack(order + "H", length) + value


def _value(element: Element, explicit: bool, little: bool) -> bytes:
    value = element.value
    if element.vr == "SQ" and not isinstance(value, bytes):
        return sequence(value, explicit=explicit, little=little, undefined=element.undefined)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        data = value.encode("latin-1")
        return data + (b"\0" if element.vr == "UI" else b" ") * (len(data) % 2)
    numbers = value if isinstance(value, (list, tuple)) else [value]
    if element.vr in _NUMBERS:
        order = "<" if little else ">"
        return struct.pack(f"{order}{len(numbers)}{_NUMBERS[element.vr]}", *numbers)
    text = "\\".join(str(number) for number in numbers)
    return _value(Element(element.tag, element.vr, text), explicit, little)


def sequence(items: Items, *, explicit: bool = True, little: bool = True, undefined: bool = False) -> bytes:
    """The value of a sequence; with ``undefined`` its items and itself end with delimiters."""
    parts = []
    for item in items:
        value = encode(item, explicit=explicit, little=little)
        parts.append(item_head(UNDEFINED if undefined else len(value), little=little) + value)
        if undefined:
            parts.append(delimiter(ITEM_END, little=little))
    return b"".join(parts) + (delimiter(SEQUENCE_END, little=little) if undefined else b"")


def item_head(length: int, *, little: bool = True) -> bytes:
    """The tag and length of an item."""
    return struct.pack("<HHI" if little else ">HHI", 0xFFFE, 0xE000, length)


def delimiter(tag: int, *, little: bool = True) -> bytes:
    """An item or sequence delimiter."""
    return struct.pack("<HHI" if little else ">HHI", tag >> 16, tag & 0xFFFF, 0)


def encode_for(syntax: str, elements: Iterable[Element]) -> bytes:
    """The elements as a transfer syntax writes them; compressed ones are explicit little endian."""
    data = encode(elements, explicit=syntax != IMPLICIT, little=syntax != BIG_ENDIAN)
    if syntax != DEFLATED:
        return data
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def meta(syntax: str | None, *, group_length: int | None = None, extra: Sequence[Element] = ()) -> bytes:
    """File meta information; without a syntax there is no Transfer Syntax UID."""
    elements = [*extra] if syntax is None else [Element(0x00020010, "UI", syntax), *extra]
    body = encode(elements)
    length = len(body) if group_length is None else group_length
    return encode([Element(0x00020000, "UL", length)]) + body


def dicom(elements: Iterable[Element], syntax: str = EXPLICIT, **changes: Any) -> bytes:
    """A whole file: preamble, meta information, data set. ``changes`` go to `meta`."""
    return bytes(128) + b"DICM" + meta(syntax, **changes) + encode_for(syntax, elements)


# Keyword of an attribute of `image` -> tag and VR.
_ATTRIBUTES = {
    "sop_class": (0x00080016, "UI"),
    "sop_instance": (0x00080018, "UI"),
    "modality": (0x00080060, "CS"),
    "pixel_presentation": (0x00089205, "CS"),
    "series_instance": (0x0020000E, "UI"),
    "samples": (0x00280002, "US"),
    "photometric": (0x00280004, "CS"),
    "planar": (0x00280006, "US"),
    "frames": (0x00280008, "IS"),
    "rows": (0x00280010, "US"),
    "columns": (0x00280011, "US"),
    "allocated": (0x00280100, "US"),
    "stored": (0x00280101, "US"),
    "high_bit": (0x00280102, "US"),
    "representation": (0x00280103, "US"),
    "padding": (0x00280120, "US"),
    "padding_limit": (0x00280121, "US"),
    "relationship": (0x00281040, "CS"),
    "center": (0x00281050, "DS"),
    "width": (0x00281051, "DS"),
    "intercept": (0x00281052, "DS"),
    "slope": (0x00281053, "DS"),
    "explanation": (0x00281055, "LO"),
    "function": (0x00281056, "CS"),
    "shape": (0x20500020, "CS"),
}


def attributes(**values: Any) -> list[Element]:
    """Elements by the keywords of `image`; an `Element` among them is taken as it is, None is left out."""
    found = []
    for name, value in values.items():
        if isinstance(value, Element):
            found.append(value)
        elif value is not None:
            found.append(Element(*_ATTRIBUTES[name], value))
    return found


def module(
    rows: int = 2,
    columns: int = 3,
    *,
    bits: int = 8,
    samples: int = 1,
    extra: Iterable[Element] = (),
    **changes: Any,
) -> list[Element]:
    """An Image Pixel module without pixels, in the order of tags.

    ``bits`` are allocated and stored; ``changes`` replace or add attributes, None removes one.
    """
    values: dict[str, Any] = {
        "samples": samples,
        "photometric": "MONOCHROME2" if samples == 1 else "RGB",
        "planar": None if samples == 1 else 0,
        "rows": rows,
        "columns": columns,
        "allocated": bits,
        "stored": changes.get("allocated", bits),
        "representation": 0,
    }
    values |= changes
    if "high_bit" not in changes and isinstance(values["stored"], int):
        values["high_bit"] = values["stored"] - 1
    return sorted([*attributes(**values), *extra], key=lambda element: element.tag)


def image(
    pixels: Any = None, syntax: str = EXPLICIT, *, pixel_tag: int = PIXEL_DATA, vr: str = "", **changes: Any
) -> bytes:
    """A file of an Image Pixel module and pixels; ``changes`` go to `module`.

    ``pixels`` are bytes as they stand in the file, a value of `encapsulated`, or None for zeros (frames
    is a number then).
    """
    elements = module(**changes)
    if pixels is None:
        by_tag = {element.tag: element.value for element in elements}
        bits = by_tag[0x00280010] * by_tag[0x00280011] * by_tag[0x00280002] * by_tag[0x00280100]
        pixels = bytes((bits * changes.get("frames", 1) + 7) // 8)
    compressed = isinstance(pixels, Encapsulated)
    element = Element(
        pixel_tag,
        vr or ("OB" if compressed or changes.get("bits", 8) <= 8 else "OW"),
        pixels.data if compressed else pixels,
        undefined=compressed,
    )
    return dicom([*elements, element], syntax)


@dataclass(frozen=True)
class Encapsulated:
    """The value of encapsulated Pixel Data, from the Basic Offset Table's item on."""

    data: bytes


def encapsulated(
    fragments: Iterable[bytes], *, table: Sequence[int] | bytes = (), end: bool = True
) -> Encapsulated:
    """Fragments behind a Basic Offset Table (PS3.5 A.4); odd ones get a zero byte."""
    entries = table if isinstance(table, bytes) else struct.pack(f"<{len(table)}I", *table)
    parts = [item_head(len(entries)) + entries]
    for fragment in fragments:
        padded = fragment + b"\0" * (len(fragment) % 2)
        parts.append(item_head(len(padded)) + padded)
    return Encapsulated(b"".join(parts) + (delimiter(SEQUENCE_END) if end else b""))


def offsets(frames: Iterable[Sequence[bytes]]) -> list[int]:
    """The Basic Offset Table of frames, each a list of fragments."""
    found, position = [], 0
    for fragments in frames:
        found.append(position)
        position += sum(8 + len(fragment) + len(fragment) % 2 for fragment in fragments)
    return found


def lut_item(descriptor: Sequence[int], data: bytes, *, vr: str = "US", data_vr: str = "OW") -> list[Element]:
    """An item of a Modality, VOI or Presentation LUT Sequence."""
    signs = "H" + ("h" if vr == "SS" else "H") + "H"
    return [
        Element(0x00283002, vr, struct.pack("<" + signs, *descriptor)),
        Element(0x00283006, data_vr, data),
    ]


def sparse(path: Path, parts: Mapping[int, bytes], size: int = 0) -> Path:
    """A file of these bytes at these offsets, with holes between them, which take no room on the disk.

    It ends with the last part, or has ``size`` bytes.
    """
    with path.open("wb") as file:
        for offset, data in parts.items():
            file.seek(offset)
            file.write(data)
        file.truncate(size or None)
    return path


def words(values: Iterable[int], *, little: bool = True) -> bytes:
    """Numbers as 16-bit words."""
    numbers = [value & 0xFFFF for value in values]
    return struct.pack(f"{'<' if little else '>'}{len(numbers)}H", *numbers)
