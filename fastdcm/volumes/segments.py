"""The segments that a Segmentation object describes (PS3.3 C.8.20.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastdcm.errors import DicomError
from fastdcm.presentation.charsets import decoded
from fastdcm.reader.items import all_items, first_item
from fastdcm.reader.values import Values

SPECIFIC_CHARACTER_SET, SEGMENT_SEQUENCE = 0x00080005, 0x00620002
_NUMBER, _LABEL, _DESCRIPTION, _ALGORITHM_TYPE = 0x00620004, 0x00620005, 0x00620006, 0x00620008
_ALGORITHM_NAME, _TRACKING_ID, _TRACKING_UID = 0x00620009, 0x00620020, 0x00620021
_CATEGORY, _TYPE = 0x00620003, 0x0062000F
#: Code Value, Long Code Value, URN Code Value.
_CODE_VALUES = (0x00080100, 0x00080119, 0x00080120)
_SCHEME, _MEANING = 0x00080102, 0x00080104
#: Segment numbers have 16 bits.
_MOST = 1 << 16


class Code(NamedTuple):
    """A coded concept (PS3.3 8.8): its value, its Coding Scheme Designator, and what it means in words."""

    value: str
    scheme: str
    meaning: str


class Segment(NamedTuple):
    """A segment: number, label, and what it is of.

    ``category`` and ``type`` are Segmented Property Category and Type; ``algorithm_type`` is AUTOMATIC,
    SEMIAUTOMATIC or MANUAL.
    """

    number: int
    label: str
    category: Code | None = None
    type: Code | None = None
    algorithm_type: str = ""
    algorithm_name: str = ""
    description: str = ""
    tracking_id: str = ""
    tracking_uid: str = ""


def read_segments(top: Values) -> tuple[Segment, ...]:
    """All segments in the order of the file. Raises `DicomError` where two have one number."""
    terms = top.texts(SPECIFIC_CHARACTER_SET)
    segments = tuple(
        _segment(item, item.texts(SPECIFIC_CHARACTER_SET) or terms)
        for item in all_items(top, SEGMENT_SEQUENCE, limit=_MOST)
    )
    numbers = [segment.number for segment in segments]
    if not segments:
        raise DicomError("the Segment Sequence (0062,0002) has no segment")
    if len(set(numbers)) < len(numbers):
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise DicomError(f"two segments have the Segment Number {twice}")
    return segments


def _segment(item: Values, terms: Sequence[str]) -> Segment:
    def words(values: Values, tag: int) -> str:
        return decoded(values.raw(tag) or b"", terms).strip(" \0\t\r\n")

    def code(tag: int) -> Code | None:
        found = first_item(item, tag)
        if found is None:
            return None
        value = next((words(found, tag) for tag in _CODE_VALUES if found.raw(tag)), "")
        return Code(value, found.text(_SCHEME), words(found, _MEANING))

    return Segment(
        item.number(_NUMBER, "Segment Number"),
        words(item, _LABEL),
        code(_CATEGORY),
        code(_TYPE),
        item.text(_ALGORITHM_TYPE),
        words(item, _ALGORITHM_NAME),
        words(item, _DESCRIPTION),
        words(item, _TRACKING_ID),
        item.text(_TRACKING_UID),
    )
