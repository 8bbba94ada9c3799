"""A query string as conditions (PS3.18 8.3.4, 10.6.1)."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from fastdcm.errors import OptionError
from fastdcm.serve.index.attributes import STUDY_UID
from fastdcm.serve.search.keys import KEYS, Level, tag_named
from fastdcm.serve.search.matching import condition_of
from fastdcm.web.dicom_json import tag_text

#: Answers to one query where it does not say how many; and what one may ask for.
USUAL_LIMIT, GREATEST_LIMIT = 1000, 100_000
#: Among the tags that are told: all that there are.
ALL = -1
_MAX_KEYS, _MAX_VALUE = 64, 1024
_WHOLE = re.compile(r"\d{1,12}")


class Query(NamedTuple):
    """One search: the level of what is found, conditions with their values, what is told besides."""

    level: Level
    conditions: tuple[str, ...]
    values: tuple[Any, ...]
    limit: int
    offset: int
    included: frozenset[int]
    told_levels: frozenset[int]
    warnings: tuple[str, ...]


def parse_query(query: bytes, level: Level, study: str | None, series: str | None) -> Query:
    """A search for studies (0), series (1) or instances (2), of a study or a series of a path.

    Raises `OptionError` for what is no attribute or no value of one.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_KEYS, errors="strict"
        )
    except (ValueError, UnicodeDecodeError):
        raise OptionError(f"the query cannot be read; it has at most {_MAX_KEYS} parameters") from None
    conditions, values = [], []
    for column, uid in (("s.study", study), ("e.series", series)):
        if uid is not None:
            conditions.append(f"{column} = ?")
            values.append(uid)
    limit, offset, included, warnings = USUAL_LIMIT, 0, set[int](), []
    told = {level} | ({0} if study is None else set()) | ({1} if series is None and level == 2 else set())
    for name, value in pairs:
        if len(value) > _MAX_VALUE and name not in ("includefield", "StudyInstanceUID", tag_text(STUDY_UID)):
            raise OptionError(f"the value of {name[:40]} is longer than {_MAX_VALUE}")
        if name == "limit":
            limit = min(_count(name, value), GREATEST_LIMIT)
        elif name == "offset":
            offset = _count(name, value)
        elif name == "fuzzymatching":
            if value not in ("true", "false"):
                raise OptionError("fuzzymatching is true or false")
            if value == "true":
                warnings.append(
                    "The fuzzymatching parameter is not supported. Only literal matching has been performed."
                )
        elif name == "includefield":
            included |= _included(value)
        elif name not in ("accept", "charset", "emptyvaluematching", "multiplevaluematching"):
            tag = tag_named(name)
            key = KEYS.get(tag)
            if key is None:
                warnings.append(f"{name[:64]} is not supported as a key and was left out")
                continue
            if key.level > level:
                warnings.append(f"{key.keyword} is of another level and was left out")
                continue
            included.add(tag)
            condition, found = condition_of(key, value)
            if condition:
                conditions.append(condition)
                values += found
    return Query(
        level,
        tuple(conditions),
        tuple(values),
        limit,
        offset,
        frozenset(included),
        frozenset(told),
        tuple(warnings),
    )


def _count(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise OptionError(f"{name} {text[:40]!r} is no whole number")
    return int(text)


def _included(value: str) -> set[int]:
    found = set()
    for name in value.split(","):
        if name == "all":
            found.add(ALL)
        elif name:
            found.add(tag_named(name))
    return found
