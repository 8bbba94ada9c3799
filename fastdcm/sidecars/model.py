"""Values of elements as the DICOM JSON model has them (PS3.18 F.2), and as the cells of a table."""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from fastdcm.presentation.charsets import decoded
from fastdcm.reader.elements import tag_name
from fastdcm.reader.items import all_items
from fastdcm.reader.values import Values
from fastdcm.sidecars.confidential import is_confidential
from fastdcm.sidecars.dictionary import Kind, creator_of, private_vr, vr_of

Model = dict[str, Any]
CHARACTER_SET, PIXEL_REPRESENTATION = 0x00080005, 0x00280103
#: VRs of bytes, which are no text for anybody.
BINARY = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
#: In the Specific Character Set (PS3.5 6.1.2.3); those of one value may hold backslashes.
_ENCODED = frozenset(["LO", "LT", "PN", "SH", "ST", "UC", "UT"])
_SINGLE = frozenset(["LT", "ST", "UR", "UT"])
_NUMBERS = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
#: US or SS, as the pixels are (PS3.5 A.1), in data sets without VRs.
_SIGNED_AS_PIXELS = frozenset(
    [
        0x00280106,
        0x00280107,
        0x00280108,
        0x00280109,
        0x00280110,
        0x00280111,
        0x00280120,
        0x00280121,
        0x00281101,
        0x00281102,
        0x00281103,
    ]
)
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


class Context:
    """What values are read by: character sets, and whether stored pixels are signed."""

    def __init__(self, terms: Sequence[str], *, signed: bool) -> None:
        self.terms, self.signed = terms, signed

    def of(self, item: Values) -> Context:
        """That of an item, which may have a character set of its own."""
        if CHARACTER_SET not in item:
            return self
        return Context(item.texts(CHARACTER_SET), signed=self.signed)


def vr_in(values: Values, tag: int, known: str, *, signed: bool) -> str:
    """The VR of an element; where it was written without, or as UN, the one that is ``known`` of it, or, of a
    private one, its creator's.
    """
    written = values.vr(tag).decode("ascii", "replace")
    if written not in ("", "UN"):
        return written
    if not known and tag >> 16 & 1:
        known = private_vr(tag, values.text(creator_of(tag)))
    return "SS" if signed and known == "US" and tag in _SIGNED_AS_PIXELS else known or "UN"


def element_model(values: Values, tag: int, vr: str, context: Context, *, whole: bool) -> Model:
    """An element; of items of a sequence what names nobody, or all of it where ``whole``."""
    if vr == "SQ":
        items = [_item(item, context.of(item), whole=whole) for item in all_items(values, tag)]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    raw = values.raw(tag) or b""
    if vr in BINARY:
        return {"vr": vr, "InlineBinary": b64encode(raw).decode()} if raw else {"vr": vr}
    found = [_as_json(value, vr) for value in _plain(values, tag, vr, context)]
    return {"vr": vr, "Value": found} if found else {"vr": vr}


def _item(item: Values, context: Context, *, whole: bool) -> Model:
    model = {}
    for tag in sorted(item.tags):
        vr = vr_in(item, tag, vr_of(tag), signed=context.signed)
        if tag & 0xFFFF and (whole or not (is_confidential(tag, vr) or vr in BINARY)):
            model[f"{tag:08X}"] = element_model(item, tag, vr, context, whole=whole)
    return model


def cell(values: Values, tag: int, vr: str, kind: Kind, context: Context, *, whole: bool) -> Any:
    """The value of an element in a table: a number, or text; None where there is none.

    Several values have ``\\`` between them, as they are written; sequences are JSON, bytes are base64.
    """
    if vr == "SQ":
        import json

        model = element_model(values, tag, vr, context, whole=whole)
        return json.dumps(model["Value"], ensure_ascii=False) if "Value" in model else None
    if vr in BINARY:
        return b64encode(values.raw(tag) or b"").decode() or None
    found = _plain(values, tag, vr, context)
    if kind == "text":
        return "\\".join("" if value is None else str(value) for value in found) or None
    value = _number(found[0]) if len(found) == 1 else None
    if kind == "integer" and value is not None:
        # What is no whole number of 64 bits has no place in the column.
        return int(value) if value == int(value) and abs(value) < 1 << 63 else None
    return value


def _plain(values: Values, tag: int, vr: str, context: Context) -> list[Any]:
    """The values of an element: text as written, without padding, and numbers of binary VRs."""
    raw = values.raw(tag) or b""
    little = values.encoding.little
    if vr in _NUMBERS:
        size = struct.calcsize(_NUMBERS[vr])
        return list(
            struct.unpack(
                f"{'<' if little else '>'}{len(raw) // size}{_NUMBERS[vr]}", raw[: len(raw) // size * size]
            )
        )
    if vr == "AT":
        words = struct.unpack(f"{'<' if little else '>'}{len(raw) // 2}H", raw[: len(raw) & ~1])
        return [
            tag_name(group << 16 | number) for group, number in zip(words[::2], words[1::2], strict=False)
        ]
    text = decoded(raw, context.terms) if vr in _ENCODED else raw.decode("latin-1")
    if vr in _SINGLE:
        # Leading spaces count here (PS3.5 6.2).
        return [text] if (text := text.rstrip(" \0")) else []
    text = text.strip("\0\t\r\n ")
    return [part.strip(" \0") or None for part in text.split("\\")] if text else []


def _as_json(value: Any, vr: str) -> Any:
    if value is None:
        return None
    if vr in ("DS", "IS"):
        number = _number(value)
        if number is None:
            return value  # a text is what the model has for what is no number
        return number if vr == "DS" else int(number) if number == int(number) else value
    if vr == "PN":
        groups = zip(_GROUPS, value.split("="), strict=False)
        return {name: group for name, group in groups if group}
    if vr == "AT":
        return value[1:5] + value[6:10]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> float | int | None:
    """A finite number, None for what is none; "_" is no digit in DICOM."""
    if isinstance(value, int):
        return value
    try:
        if isinstance(value, str) and value.lstrip("+-").isdecimal() and value.isascii():
            return int(value)
        number = math.nan if isinstance(value, str) and "_" in value else float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
