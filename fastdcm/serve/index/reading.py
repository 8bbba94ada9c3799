"""What an index keeps of one file, by our own walk of its header, which stops before the pixels."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastdcm.errors import DicomError
from fastdcm.presentation.charsets import decoded
from fastdcm.reader.scan import DataSet, scan
from fastdcm.reader.source import Source
from fastdcm.serve.index.attributes import (
    CHARACTER_SET,
    INSTANCE,
    INSTANCE_UID,
    SERIES,
    SERIES_UID,
    STUDY,
    STUDY_UID,
    WANTED,
    Attribute,
)

#: In the Specific Character Set; others are ASCII (PS3.5 6.1.2.3).
_ENCODED = frozenset(("LO", "PN", "SH", "ST"))
#: A value that is longer is cut: it is none that somebody searches by.
_LONGEST = 1024
_UID_LENGTH = 64


class Facts(NamedTuple):
    """The rows of one object; values in the order of `attributes`."""

    study_uid: str
    series_uid: str
    instance_uid: str
    transfer_syntax: str
    has_pixels: bool
    study: tuple[Any, ...]
    series: tuple[Any, ...]
    instance: tuple[Any, ...]


def read_facts(source: Source) -> Facts:
    """What is kept of an object. Raises errors of `FastdcmError`'s tree, also where it has no UIDs."""
    found = scan(source, wanted=WANTED)
    uids = [_text(found, tag) for tag in (STUDY_UID, SERIES_UID, INSTANCE_UID)]
    for uid, name in zip(uids, ("Study", "Series", "SOP"), strict=True):
        if not 1 <= len(uid) <= _UID_LENGTH:
            raise DicomError(f"it has no {name} Instance UID by which it could be asked for")
    raw = _raw(found, CHARACTER_SET)
    terms = raw.decode("latin-1").strip(" \0").split("\\") if raw else ()
    levels = [tuple([_value(found, one, terms) for one in level]) for level in (STUDY, SERIES, INSTANCE)]
    syntax = found.transfer_syntax_uid
    if not syntax:
        syntax = "1.2.840.10008.1.2.1" if found.encoding.explicit else "1.2.840.10008.1.2"
    return Facts(uids[0], uids[1], uids[2], syntax, found.pixel is not None, *levels)


def _raw(found: DataSet, tag: int) -> bytes:
    element = found.elements.get(tag)
    if element is None or not 0 < element[2] <= _LONGEST:
        return b""
    return found.value(tag) or b""


def _text(found: DataSet, tag: int) -> str:
    return _raw(found, tag).decode("latin-1").strip(" \0")


def _value(found: DataSet, attribute: Attribute, terms: Sequence[str]) -> str | int | None:
    if attribute.tag not in found.elements:
        return None
    raw = _raw(found, attribute.tag)
    if attribute.vr == "US":
        return struct.unpack(found.encoding.order + "H", raw)[0] if len(raw) == 2 else None
    encoded = attribute.vr in _ENCODED and (not raw.isascii() or b"\x1b" in raw)
    text = decoded(raw, terms) if encoded else raw.decode("latin-1")
    # An empty value is a value: it is told, and matches what asks for nothing.
    return text.strip(" \0\t\r\n")
