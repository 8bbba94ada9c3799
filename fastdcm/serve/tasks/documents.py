"""What is in objects without pixels: encapsulated documents (PS3.3 A.45), reports as text (C.17.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastdcm.errors import DicomError
from fastdcm.presentation.charsets import decoded
from fastdcm.reader.items import all_items, first_item
from fastdcm.reader.scan import scan
from fastdcm.reader.values import Values
from fastdcm.serve.tasks import Folder

_DOCUMENT, _DOCUMENT_LENGTH = 0x00420011, 0x00420015
_CHARACTER_SET, _CONTENT = 0x00080005, 0x0040A730
_CONCEPT_NAME, _VALUE_TYPE, _MEANING = 0x0040A043, 0x0040A040, 0x00080104
_CODE, _MEASURED, _NUMBER, _UNIT = 0x0040A168, 0x0040A300, 0x0040A30A, 0x004008EA
_CODE_VALUE = 0x00080100
_TEXTS = {
    "TEXT": 0x0040A160,
    "DATETIME": 0x0040A120,
    "DATE": 0x0040A121,
    "TIME": 0x0040A122,
    "PNAME": 0x0040A123,
    "UIDREF": 0x0040A124,
}
_DEPTH = 32


def document(folder: Folder, path: str) -> bytes:
    """The encapsulated document, without the byte that pads it. Raises `DicomError`."""
    source = folder.source(path)
    try:
        found = scan(source, wanted=frozenset((_DOCUMENT, _DOCUMENT_LENGTH)))
        if _DOCUMENT not in found.elements:
            raise DicomError("it has no Encapsulated Document (0042,0011)")
        _, offset, length = found.elements[_DOCUMENT]
        if length > folder.max_bytes:
            raise DicomError(f"its document has {length} bytes; more than {folder.max_bytes} are not sent")
        data = found.source.read(offset, length)
        raw = found.value(_DOCUMENT_LENGTH) or b""
    finally:
        source.close()
    told = int.from_bytes(raw, "little" if found.encoding.little else "big") if len(raw) == 4 else 0
    if 0 < length - told <= 1:
        return data[:told]
    return data


def report(folder: Folder, path: str) -> bytes:
    """The content tree of a structured report as plain text in UTF-8, a line an item, indented by depth."""
    source = folder.source(path)
    try:
        found = scan(source, wanted=frozenset((_CHARACTER_SET, _CONTENT, _CONCEPT_NAME)))
        top = Values(found.encoding, found.elements, data_set=found)
        lines = list(_lines(top, top.texts(_CHARACTER_SET), 0))
    finally:
        source.close()
    if not lines:
        raise DicomError("it has no content that could be told as text")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _lines(item: Values, terms: Sequence[str], depth: int) -> Iterator[str]:
    terms = list(item.texts(_CHARACTER_SET)) or list(terms)
    name, value = _meaning(item, _CONCEPT_NAME, terms), _value(item, terms)
    if name or value:
        yield "  " * depth + ": ".join(part for part in (name, value) if part)
        depth += 1
    if depth < _DEPTH:
        for inner in all_items(item, _CONTENT):
            yield from _lines(inner, terms, depth)


def _meaning(item: Values, tag: int, terms: Sequence[str]) -> str:
    code = first_item(item, tag)
    return "" if code is None else _text(code, _MEANING, terms)


def _text(item: Values, tag: int, terms: Sequence[str]) -> str:
    return " ".join(decoded(item.raw(tag) or b"", terms).strip(" \0\r\n").split())


def _value(item: Values, terms: Sequence[str]) -> str:
    kind = item.text(_VALUE_TYPE)
    if kind == "CODE":
        return _meaning(item, _CODE, terms)
    if kind == "NUM":
        measured = first_item(item, _MEASURED)
        if measured is None:
            return ""
        unit = first_item(measured, _UNIT)
        code = "" if unit is None else unit.text(_CODE_VALUE)
        # "1" is UCUM's code for what has no unit.
        return " ".join(word for word in (measured.text(_NUMBER), "" if code == "1" else code) if word)
    if kind in _TEXTS:
        return (
            _text(item, _TEXTS[kind], terms).replace("^", " ").strip()
            if kind == "PNAME"
            else _text(item, _TEXTS[kind], terms)
        )
    return f"({kind.lower()})" if kind in ("IMAGE", "COMPOSITE", "WAVEFORM") else ""
