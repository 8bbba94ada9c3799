"""Attributes by which can be searched, and that are told; by keyword and tag (PS3.18 8.3.4.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

from fastdcm.errors import OptionError
from fastdcm.serve.index.attributes import INSTANCE_UID, LEVELS, SERIES_UID, STUDY_UID

Level = Literal[0, 1, 2]
MODALITIES, STUDY_SERIES, STUDY_INSTANCES, SERIES_INSTANCES = (
    0x00080061,
    0x00201206,
    0x00201208,
    0x00201209,
)
AVAILABILITY, RETRIEVE_URL, TRANSFER_SYNTAXES = 0x00080056, 0x00081190, 0x00083002


class Key(NamedTuple):
    """An attribute that can be matched or told: its column, or the expression that stands for one."""

    keyword: str
    tag: int
    vr: str
    level: int
    column: str


def _keys() -> dict[int, Key]:
    letters = "sei"
    keys = {
        one.tag: Key(one.keyword, one.tag, one.vr, level, f"{letters[level]}.{one.keyword}")
        for level, table in enumerate(LEVELS)
        for one in table
    }
    for keyword, tag, level, column in (
        ("StudyInstanceUID", STUDY_UID, 0, "s.study"),
        ("SeriesInstanceUID", SERIES_UID, 1, "e.series"),
        ("SOPInstanceUID", INSTANCE_UID, 2, "i.instance"),
    ):
        keys[tag] = Key(keyword, tag, "UI", level, column)
    keys[MODALITIES] = Key("ModalitiesInStudy", MODALITIES, "CS", 0, "")
    keys[TRANSFER_SYNTAXES] = Key(
        "AvailableTransferSyntaxUID", TRANSFER_SYNTAXES, "UI", 2, "i.transfer_syntax"
    )
    return keys


KEYS = _keys()
#: Told without being asked for, by tables 10.6.3-3 to 5, but no columns.
_COUNTS = {
    "NumberOfStudyRelatedSeries": STUDY_SERIES,
    "NumberOfStudyRelatedInstances": STUDY_INSTANCES,
    "NumberOfSeriesRelatedInstances": SERIES_INSTANCES,
    "InstanceAvailability": AVAILABILITY,
    "RetrieveURL": RETRIEVE_URL,
    "SpecificCharacterSet": 0x00080005,
}
_BY_NAME = {key.keyword: key.tag for key in KEYS.values()} | _COUNTS


def tag_named(name: str) -> int:
    """The tag of an attribute by its keyword or its eight digits. Raises `OptionError`."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if re.fullmatch("[0-9A-Fa-f]{8}", name):
        return int(name, 16)
    tag = _dictionary_tag(name) if len(name) <= 64 else None
    if tag is None and "." in name:
        tag = tag_named(name.partition(".")[0])  # an attribute in a sequence: that is not kept
    if tag is None:
        raise OptionError(
            f"{name[:64]!r} is neither a parameter nor an attribute (a keyword of PS3.6 or ggggeeee)"
        )
    return tag


@cache
def _keywords() -> Mapping[str, int]:
    from fastdcm.sidecars.dictionary import keywords

    return keywords()


def _dictionary_tag(name: str) -> int | None:
    return _keywords().get(name)
