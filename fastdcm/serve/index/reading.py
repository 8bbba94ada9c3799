"""What an index keeps of one file, by our own walk of its header, which stops before the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.presentation.charsets import decoded
from fastdcm.reader.elements import tag_name
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
)

#: In the Specific Character Set; others are ASCII (PS3.5 6.1.2.3).
_ENCODED = frozenset(("LO", "PN", "SH", "ST"))
#: Values that are longer are not kept.
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


#: Tag -> where its value stands among those of all levels, one after the other; how it is read.
_PLACES = {
    one.tag: (at, "number" if one.vr == "US" else "text" if one.vr in _ENCODED else "ascii")
    for at, one in enumerate((*STUDY, *SERIES, *INSTANCE))
}
_ENDS = len(STUDY), len(STUDY) + len(SERIES), len(_PLACES)
_PADDING = " \0\t\r\n"


def read_facts(source: Source) -> Facts:
    """What is kept of an object. Raises errors of `FastdcmError`'s tree, also where it has no UIDs."""
    found = scan(source, wanted=WANTED)
    uids = [_raw(found, tag).decode("latin-1").strip(" \0") for tag in (STUDY_UID, SERIES_UID, INSTANCE_UID)]
    for uid, name in zip(uids, ("Study", "Series", "SOP"), strict=True):
        if not 1 <= len(uid) <= _UID_LENGTH:
            raise DicomError(f"it has no {name} Instance UID by which it could be asked for")
    values = _values(found)
    study, series, instance = _ENDS
    syntax = found.transfer_syntax_uid
    if not syntax:
        syntax = "1.2.840.10008.1.2.1" if found.encoding.explicit else "1.2.840.10008.1.2"
    return Facts(
        uids[0],
        uids[1],
        uids[2],
        syntax,
        found.pixel is not None,
        tuple(values[:study]),
        tuple(values[study:series]),
        tuple(values[series:instance]),
    )


def _values(found: DataSet) -> list[str | int | None]:
    """The values of all attributes that are kept; an empty one is a value, too: None is an absent one."""
    values: list[str | int | None] = [None] * len(_PLACES)
    terms: Sequence[str] | None = None
    for tag in found.elements:
        if tag not in _PLACES:
            continue
        at, kind = _PLACES[tag]
        raw = _raw(found, tag)
        if kind == "number":
            if len(raw) == 2:
                values[at] = int.from_bytes(raw, "little" if found.encoding.little else "big")
            continue
        if kind == "text" and not (raw.isascii() and b"\x1b" not in raw):
            if terms is None:
                terms = _raw(found, CHARACTER_SET).decode("latin-1").strip(" \0").split("\\")
            values[at] = decoded(raw, terms).strip(_PADDING)
        else:
            values[at] = raw.decode("latin-1").strip(_PADDING)
    return values


def _raw(found: DataSet, tag: int) -> bytes:
    """The bytes of a value; none of one that is absent, or longer than anybody searches for."""
    element = found.elements.get(tag)
    if element is None or not 0 < element[2] <= _LONGEST:
        return b""
    raw = found.source.part(element[1], element[2])
    if len(raw) < element[2]:
        raise TruncatedError(f"{tag_name(tag)} is cut: {element[2]} bytes declared, {len(raw)} there")
    return raw
