"""A data set in the DICOM JSON model with URIs of its bulk data (PS3.18 annex F), and these bulk data."""

from __future__ import annotations

import json
from typing import Any

from fastdcm.errors import DicomError, OptionError
from fastdcm.reader.elements import PIXEL_TAGS
from fastdcm.reader.items import all_items
from fastdcm.reader.scan import scan
from fastdcm.reader.sequences import elements_of
from fastdcm.reader.values import Values
from fastdcm.serve.tasks import Folder
from fastdcm.sidecars.dictionary import vr_of
from fastdcm.sidecars.model import BINARY, CHARACTER_SET, PIXEL_REPRESENTATION, Context, element_model, vr_in

Model = dict[str, Any]
#: Bytes of a value up to which it stands in the metadata itself.
_INLINE = 1024
#: Bytes before the pixels that are looked through: a million frames' functional groups have fewer.
_LONGEST = 1 << 28
#: All of them are looked at, but not by the scan.
_NONE_BUT = frozenset((CHARACTER_SET,))
_AVAILABLE_TRANSFER_SYNTAX = "00083002"
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}


def metadata(folder: Folder, path: str, location: str, transfer_syntaxes: list[str]) -> bytes:
    """One object in JSON; ``location`` is the instance's URL, below which its bulk data are."""
    top, pixel = _top(folder, path)
    context = Context(top.texts(CHARACTER_SET), signed=top.numbers(PIXEL_REPRESENTATION)[:1] == [1])
    model = _data_set(top, context, f"{location}/bulkdata")
    # JSON is UTF-8 (F.2.1).
    model[f"{CHARACTER_SET:08X}"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    model[_AVAILABLE_TRANSFER_SYNTAX] = {"vr": "UI", "Value": transfer_syntaxes}
    if pixel is not None:
        tag, vr = pixel
        model[f"{tag:08X}"] = {"vr": vr, "BulkDataURI": f"{location}/bulkdata/{tag:08X}"}
    return json.dumps(dict(sorted(model.items())), ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _top(folder: Folder, path: str) -> tuple[Values, tuple[int, str] | None]:
    """All elements before the pixels, and the tag and VR of these."""
    limits = folder.options.limits
    source = folder.source(path)
    try:
        found = scan(
            source, max_nesting=limits.max_nesting, max_inflated=limits.max_inflated, wanted=_NONE_BUT
        )
        if found.pixel is None:
            end, pixel = found.source.size, None
        else:
            vr = found.pixel[0].decode("ascii")
            end = found.pixel[1] - (12 if found.encoding.explicit else 8)
            pixel = found.pixel_tag, vr or "OW"
        if end - found.start > _LONGEST:
            raise DicomError(f"it has {end - found.start} bytes besides its pixels; too many to be told")
        data = found.source.read(found.start, end - found.start)
    finally:
        source.close()
    found.walk.renew()
    elements = elements_of(data, 0, len(data), found.encoding, found.walk)
    return Values(found.encoding, elements, data, walk=found.walk), pixel


def _data_set(values: Values, context: Context, location: str) -> Model:
    model = {}
    for tag in sorted(values.tags):
        if not tag & 0xFFFF or tag in PIXEL_TAGS or tag >> 16 in (0xFFFC, 0xFFFE):
            continue  # group lengths, padding and delimiters are of the encoding, not of the data set
        vr = vr_in(values, tag, vr_of(tag), signed=context.signed)
        model[f"{tag:08X}"] = _element(values, tag, vr, context, location)
    return model


def _element(values: Values, tag: int, vr: str, context: Context, location: str) -> Model:
    place = f"{location}/{tag:08X}"
    if vr == "SQ":
        items = [
            _data_set(item, context.of(item), f"{place}/{number}")
            for number, item in enumerate(all_items(values, tag), start=1)
        ]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if vr in BINARY:
        raw = values.raw(tag) or b""
        if len(raw) > _INLINE:
            return {"vr": vr, "BulkDataURI": place}
        if not values.encoding.little and vr in _WORDS:
            from base64 import b64encode

            # InlineBinary is in little endian (F.2.7).
            return {"vr": vr, "InlineBinary": b64encode(_swapped(raw, _WORDS[vr])).decode("ascii")}
    return element_model(values, tag, vr, context, whole=True)


def _swapped(raw: bytes, size: int) -> bytes:
    import numpy as np

    return np.frombuffer(raw[: len(raw) // size * size], f"u{size}").byteswap().tobytes()


def bulk_data(folder: Folder, path: str, place: tuple[int, ...]) -> bytes:
    """The value at a place: a tag, or the tags of sequences with the numbers of their items, then a tag.

    Values are in little endian. Raises `OptionError` where there is none.
    """
    values, _ = _top(folder, path)
    for tag, number in zip(place[:-1:2], place[1::2], strict=True):
        is_sequence = tag in values and vr_in(values, tag, vr_of(tag), signed=False) == "SQ"
        items = list(all_items(values, tag)) if is_sequence else []
        if not 1 <= number <= len(items):
            raise OptionError("there is no such bulk data")
        values = items[number - 1]
    tag = place[-1]
    if tag not in values:
        raise OptionError("there is no such bulk data")
    vr = vr_in(values, tag, vr_of(tag), signed=False)
    if vr not in BINARY:
        raise OptionError(f"the value is no bulk data: its VR is {vr}")
    raw = values.raw(tag) or b""
    return raw if values.encoding.little or vr not in _WORDS else _swapped(raw, _WORDS[vr])
