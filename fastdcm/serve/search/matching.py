"""Values of keys as conditions in SQL (PS3.4 C.2.2.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fastdcm.errors import OptionError
from fastdcm.serve.search.keys import MODALITIES, Key

_MAX_UIDS, _MAX_WILDCARDS = 1000, 8
_DATES = frozenset(("DA", "TM"))


def condition_of(key: Key, value: str) -> tuple[str, list[Any]]:
    """A condition in SQL with its values; empty for a key that matches everything.

    Raises `OptionError` for what is no value of it.
    """
    if value in ("", "*"):
        return "", []
    if key.tag == MODALITIES:
        names = [name for part in value.split("\\") for name in part.split(",")]
        test, found = _any("m.Modality", names, "CS")
        return f"EXISTS (SELECT 1 FROM series AS m WHERE m.study = s.study AND {test})", found
    if key.vr == "UI":
        uids = [uid for part in value.split("\\") for uid in part.split(",") if uid]
        if len(uids) > _MAX_UIDS:
            raise OptionError(f"{key.keyword} lists more than {_MAX_UIDS} UIDs")
        return f"{key.column} IN ({', '.join('?' * len(uids))})", list(uids)
    if key.vr in _DATES:
        return _range(key, value)
    if key.vr in ("US", "IS"):
        if not re.fullmatch(r"[+-]?\d{1,12}", value):
            raise OptionError(f"{key.keyword} {value[:40]!r} is no whole number")
        return f"CAST({key.column} AS INTEGER) = ?", [int(value)]
    return _any(key.column, [value], key.vr)


def _any(column: str, values: Sequence[str], vr: str) -> tuple[str, list[Any]]:
    """Matches any of the values; wildcards are ``*`` and ``?``, names match without regard to case."""
    tests, found = [], []
    for value in values:
        if "*" in value or "?" in value:
            if value.count("*") > _MAX_WILDCARDS:
                raise OptionError(f"a value has at most {_MAX_WILDCARDS} wildcards")
            pattern = re.sub(r"\*+", "*", value)
            escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            like = escaped.replace("*", "%").replace("?", "_")
            if vr == "PN":
                tests.append(f"{column} LIKE ? ESCAPE '\\'")
                found.append(like)
            else:
                # LIKE has no regard to case, GLOB has: it must hold, too.
                tests.append(f"{column} GLOB ?")
                found.append(pattern.replace("[", "[[]"))
        elif vr == "PN":
            tests.append(f"rtrim({column}, '^=') = ? COLLATE NOCASE")
            found.append(value.rstrip("^="))
        else:
            tests.append(f"{column} = ?")
            found.append(value)
    return f"({' OR '.join(tests)})", found


def _range(key: Key, value: str) -> tuple[str, list[Any]]:
    """A date or a time, or a range of them, of which one end may be open (PS3.4 C.2.2.2.5)."""
    digits = r"\d{8}" if key.vr == "DA" else r"\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?"
    clean = value.replace("." if key.vr == "DA" else ":", "")
    found = re.fullmatch(f"({digits})?(-)?({digits})?", clean)
    if found is None or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
        form = "YYYYMMDD" if key.vr == "DA" else "HHMMSS"
        raise OptionError(f"{key.keyword} {value[:40]!r} is no {form}, {form}-{form}, {form}- or -{form}")
    column = f"replace({key.column}, '{'.' if key.vr == 'DA' else ':'}', '')"
    if key.vr == "DA":
        column = key.column  # which has an index
    if not found[2]:
        return (f"{column} = ?", [found[1]]) if key.vr == "DA" else (f"{column} LIKE ?", [found[1] + "%"])
    tests, values = [f"{column} != ''"], []
    if found[1]:
        tests.append(f"{column} >= ?")
        values.append(found[1])
    if found[3]:
        tests.append(f"{column} <= ?")
        # A time of fewer digits stands for all that begin with it.
        values.append(found[3] if key.vr == "DA" else found[3] + "~")
    return f"({' AND '.join(tests)})", values
