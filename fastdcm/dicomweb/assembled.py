"""A DICOM object (PS3.10 7) of metadata and of some of its frames, so that it is rendered like any other.

Only what rendering needs is fetched: of values that lie elsewhere those of `_NEEDED`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from fastdcm.dicomweb.bodies import Part
from fastdcm.errors import UnsupportedError, WebError
from fastdcm.web.dicom_json_read import (
    Attributes,
    bulk_data_uris,
    data_set_bytes,
    element_bytes,
    items_of,
    number_of,
    text_of,
)

_ROWS, _COLUMNS, _SAMPLES = "00280010", "00280011", "00280002"
_BITS_ALLOCATED, _NUMBER_OF_FRAMES, _PHOTOMETRIC = "00280100", "00280008", "00280004"
_PER_FRAME, _SOP_CLASS, _SOP_INSTANCE = "52009230", "00080016", "00080018"
_AVAILABLE_SYNTAX, _PIXEL_DATA, _EXTENDED_OFFSETS = "00083002", "7FE00010", ("7FE00001", "7FE00002")
_PIXELS = {"7FE00008": (0x7FE00008, "OF"), "7FE00009": (0x7FE00009, "OD")}

#: LUT Data, palettes, segmented ones, ICC profiles (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5, C.11.15).
_NEEDED = frozenset(
    (
        "00283006",
        "00281201",
        "00281202",
        "00281203",
        "00281204",
        "00281221",
        "00281222",
        "00281223",
        "00282000",
    )
)
_EXPLICIT, _IMPLICIT, _DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"
#: Transfer syntaxes whose frames are uncompressed and little-endian.
_NATIVE = frozenset((_EXPLICIT, _IMPLICIT, _DEFLATED))
_BIG_ENDIAN, _VIDEO = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.10"
#: Of this program; from a UUID (PS3.5 B.2).
_IMPLEMENTATION = "2.25.166788888909282652998985868047527819434"


def is_fit(attributes: Attributes, frames: Sequence[int]) -> str:
    """Why an object cannot be made of these frames alone; empty where it can."""
    count = number_of(attributes, _NUMBER_OF_FRAMES) or 1
    if frames and frames[-1] > count:
        return f"it has {count} frames"
    if number_of(attributes, _BITS_ALLOCATED) == 1:
        return "frames of single bits may begin within bytes"
    if count > 1 and any(tag[:2] == "60" and tag[4:] == "3000" for tag in attributes):
        return "it has overlays, which may belong to frames"
    if number_of(attributes, _ROWS) is None or number_of(attributes, _COLUMNS) is None:
        return "its metadata has no rows and columns"
    if _has_lost_values(attributes):
        return "its metadata has lost values"
    return ""


def _has_lost_values(attributes: Attributes) -> bool:
    """Whether an element that says how pixels are shown has values, but none.

    An element without values has no list of them (PS3.18 F.2.5). Orthanc gives an empty one for several
    windows whose numbers it cannot read, as "40 ".
    """
    return any(
        (tag.startswith("0028") and element.get("Value") == [])
        or any(map(_has_lost_values, items_of(attributes, tag) if element.get("vr") == "SQ" else ()))
        for tag, element in attributes.items()
    )


def needed(attributes: Attributes) -> set[str]:
    """The URIs of values that lie elsewhere, and are needed to render it."""
    return {uri for _, uri in bulk_data_uris(attributes, _NEEDED)}


def assembled(
    attributes: Attributes, bulk: Mapping[str, bytes], frames: Sequence[int], parts: Sequence[Part]
) -> bytes:
    """The object, whose frames are these alone; ``frames`` are their numbers in the whole, from 1.

    Raises `UnsupportedError` where the parts are no such frames.
    """
    syntax = transfer_syntax(attributes, parts)
    kept = {
        tag: element
        for tag, element in attributes.items()
        if tag.upper() < "7FE0" and tag.upper() not in _EXTENDED_OFFSETS
    }
    if _NUMBER_OF_FRAMES in kept or len(frames) > 1:
        kept[_NUMBER_OF_FRAMES] = {"vr": "IS", "Value": [len(frames)]}
    if _PER_FRAME in kept:
        items = items_of(attributes, _PER_FRAME)
        if items and len(items) < frames[-1]:
            raise UnsupportedError(f"the metadata describes {len(items)} frames, not frame {frames[-1]}")
        kept[_PER_FRAME] = {"vr": "SQ", "Value": [items[frame - 1] for frame in frames] if items else []}
    head = _meta(text_of(attributes, _SOP_CLASS), text_of(attributes, _SOP_INSTANCE), syntax)
    return b"".join((head, data_set_bytes(kept, bulk), _pixels(attributes, syntax, parts)))


def transfer_syntax(attributes: Attributes, parts: Sequence[Part]) -> str:
    """That of frames: as told with them, else as the metadata has it, else by the frames themselves."""
    told = {part.media_type.parameters.get("transfer-syntax", "") for part in parts}
    if len(told) > 1:
        raise UnsupportedError("frames of different transfer syntaxes came")
    found = told.pop() or text_of(attributes, _AVAILABLE_SYNTAX)
    if not found or found == "*":
        if any(len(part.data) - _frame_size(attributes) not in (0, 1) for part in parts):
            raise UnsupportedError("the server does not tell in which transfer syntax frames are")
        found = _EXPLICIT
    if found == _BIG_ENDIAN or found.startswith(_VIDEO):
        raise UnsupportedError(f"frames of transfer syntax {found} are not taken one by one")
    return _EXPLICIT if found in _NATIVE else found


def _pixels(attributes: Attributes, syntax: str, parts: Sequence[Part]) -> bytes:
    if syntax != _EXPLICIT:
        fragments = b"".join(_fragment(part.data) for part in parts)
        empty_table, end = struct.pack("<HHI", 0xFFFE, 0xE000, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
        return element_bytes(0x7FE00010, "OB", b"", length=0xFFFFFFFF) + empty_table + fragments + end
    size = _frame_size(attributes)
    for part in parts:
        if len(part.data) - size not in (0, size % 2):  # padded to an even length by some
            raise UnsupportedError(f"a frame of {len(part.data)} bytes came, and {size} make one")
    tag, vr = next((_PIXELS[tag] for tag in attributes if tag in _PIXELS), (0x7FE00010, "OW"))
    return element_bytes(tag, vr, b"".join(part.data[:size] for part in parts))


def _fragment(data: bytes) -> bytes:
    data += b"\0" * (len(data) % 2)
    if len(data) > 0xFFFFFFFE:
        raise UnsupportedError("a frame is too long for a fragment")
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(data)) + data


def _frame_size(attributes: Attributes) -> int:
    pixels = (number_of(attributes, _ROWS) or 0) * (number_of(attributes, _COLUMNS) or 0)
    bits = number_of(attributes, _BITS_ALLOCATED) or 0
    samples = number_of(attributes, _SAMPLES) or 1
    if text_of(attributes, _PHOTOMETRIC) == "YBR_FULL_422":
        return pixels * 2 * bits // 8  # PS3.3 C.7.6.3.1.2
    return pixels * samples * bits // 8


def _meta(sop_class: str, sop_instance: str, syntax: str) -> bytes:
    """Preamble and File Meta Information (PS3.10 7.1)."""
    if not syntax.replace(".", "").isdigit():
        raise WebError(f"the transfer syntax {syntax[:80]!r} is no UID")
    elements: Iterable[tuple[int, str, bytes]] = (
        (0x00020001, "OB", b"\0\1"),
        (0x00020002, "UI", sop_class.encode("ascii", "replace")),
        (0x00020003, "UI", sop_instance.encode("ascii", "replace")),
        (0x00020010, "UI", syntax.encode("ascii")),
        (0x00020012, "UI", _IMPLEMENTATION.encode("ascii")),
    )
    group = b"".join(element_bytes(*element) for element in elements)
    return bytes(128) + b"DICM" + element_bytes(0x00020000, "UL", struct.pack("<I", len(group))) + group
