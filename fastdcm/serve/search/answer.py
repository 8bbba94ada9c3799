"""What a search finds, in the DICOM JSON model (PS3.18 10.6.3)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from fastdcm.serve.index.attributes import INSTANCE_UID, LEVELS, SERIES_UID, STUDY_UID
from fastdcm.serve.search.keys import (
    AVAILABILITY,
    KEYS,
    MODALITIES,
    RETRIEVE_URL,
    SERIES_INSTANCES,
    STUDY_INSTANCES,
    STUDY_SERIES,
    TRANSFER_SYNTAXES,
    Key,
)
from fastdcm.serve.search.query import ALL, Query
from fastdcm.web.dicom_json import Model, element, tag_text

_EXPLICIT_LE = "1.2.840.10008.1.2.1"
_STUDIES = "studies AS s"
_SERIES = f"{_STUDIES} JOIN series AS e ON e.study = s.study"
_INSTANCES = f"{_SERIES} JOIN instances AS i ON i.study = e.study AND i.series = e.series"
_FROM = (_STUDIES, _SERIES, _INSTANCES)
#: The latest study first; series and instances in the order of their numbers.
_BY_SERIES = "s.StudyDate DESC, s.study, CAST(e.SeriesNumber AS INTEGER), e.series"
_ORDER = (
    "s.StudyDate DESC, s.StudyTime DESC, s.study",
    _BY_SERIES,
    f"{_BY_SERIES}, CAST(i.InstanceNumber AS INTEGER), i.instance",
)
_COUNT_COLUMNS = (
    "(SELECT group_concat(DISTINCT m.Modality) FROM series AS m WHERE m.study = s.study)",
    "(SELECT count(*) FROM series AS m WHERE m.study = s.study)",
    "(SELECT count(*) FROM instances AS m WHERE m.study = s.study)",
    "(SELECT count(*) FROM instances AS m WHERE m.study = s.study AND m.series = e.series)",
)


class Found(NamedTuple):
    """What a search gave: JSON, or nothing where nothing matched; and whether there is more."""

    data: bytes
    more: bool


def search(database: sqlite3.Connection, query: Query, base: str) -> Found:
    """Do a search; ``base`` is the URL below which studies are."""
    told = _told(query)
    counts = _counts(query)
    uids = ("s.study", "e.series", "i.instance")[: query.level + 1]
    columns = [*uids, *(key.column for key in told), *counts]
    where = f" WHERE {' AND '.join(query.conditions)}" if query.conditions else ""
    sql = (
        f"SELECT {', '.join(columns)} FROM {_FROM[query.level]}{where} "
        f"ORDER BY {_ORDER[query.level]} LIMIT ? OFFSET ?"
    )
    rows = database.execute(sql, (*query.values, query.limit + 1, query.offset)).fetchall()
    more = len(rows) > query.limit
    models = [_model(row, query, told, base) for row in rows[: query.limit]]
    if not models:
        return Found(b"", False)
    return Found(
        json.dumps(models, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"), more
    )


def _told(query: Query) -> list[Key]:
    """The attributes that are told, without UIDs and counts."""
    usual = {one.tag for level in query.told_levels for one in LEVELS[level] if one.usual}
    if ALL in query.included:
        usual |= {one.tag for level in range(query.level + 1) for one in LEVELS[level]}
    if query.level == 2:
        usual.add(TRANSFER_SYNTAXES)
    wanted = usual | query.included
    own = (STUDY_UID, SERIES_UID, INSTANCE_UID, MODALITIES)
    return [key for tag, key in KEYS.items() if tag in wanted and tag not in own and key.level <= query.level]


def _counts(query: Query) -> tuple[str, ...]:
    """Columns of counts, of studies and series alone: instances have none (table 10.6.3-5)."""
    return () if query.level == 2 else _COUNT_COLUMNS[: 3 + query.level]


def _model(row: tuple[Any, ...], query: Query, told: Sequence[Key], base: str) -> Model:
    level = query.level
    uids, rest = row[: level + 1], row[level + 1 :]
    values, counts = rest[: len(told)], rest[len(told) :]
    model: Model = {"00080005": element("CS", ["ISO_IR 192"]), tag_text(STUDY_UID): element("UI", [uids[0]])}
    place = f"{base}/studies/{uids[0]}"
    if level > 0:
        model[tag_text(SERIES_UID)] = element("UI", [uids[1]])
        place += f"/series/{uids[1]}"
    if level > 1:
        model[tag_text(INSTANCE_UID)] = element("UI", [uids[2]])
        place += f"/instances/{uids[2]}"
    model[tag_text(RETRIEVE_URL)] = element("UR", [place])
    model[tag_text(AVAILABILITY)] = element("CS", ["ONLINE"])
    for key, value in zip(told, values, strict=True):
        if value is None:
            continue  # the data set does not have it
        if key.tag == TRANSFER_SYNTAXES:
            parts: list[Any] = list(dict.fromkeys((value, _EXPLICIT_LE)))
        elif isinstance(value, int) or key.vr in ("LT", "ST", "UT"):
            parts = [value]
        else:
            parts = [part.strip() for part in value.split("\\")]
        model[tag_text(key.tag)] = element(key.vr, parts)
    if counts:
        if 0 in query.told_levels:
            modalities = (counts[0] or "").split(",")
            model[tag_text(MODALITIES)] = element("CS", sorted(filter(None, modalities)))
            model[tag_text(STUDY_SERIES)] = element("IS", [counts[1]])
            model[tag_text(STUDY_INSTANCES)] = element("IS", [counts[2]])
        if level == 1:
            model[tag_text(SERIES_INSTANCES)] = element("IS", [counts[3]])
    return dict(sorted(model.items()))
