"""Elements in the DICOM JSON model (PS3.18 annex F), of values that are text or whole numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Model = dict[str, Any]
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_WHOLE = frozenset(("IS", "SL", "SS", "SV", "UL", "US", "UV"))
_DECIMAL = frozenset(("DS", "FD", "FL"))


def tag_text(tag: int) -> str:
    """Eight hexadecimal digits, in upper case (F.2.2)."""
    return f"{tag:08X}"


def element(vr: str, values: Iterable[str | int | float | None]) -> Model:
    """An element of these values, text of which is as it stands in a data set; ``None`` or empty is null.

    An element without values has no ``Value`` (F.2.5). What is no number stays text (F.2.3).
    """
    found = [_value(vr, value) for value in values]
    return {"vr": vr, "Value": found} if any(value is not None for value in found) else {"vr": vr}


def _value(vr: str, value: str | int | float | None) -> Any:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if vr == "PN":
            groups = zip(_GROUPS, value.split("="), strict=False)
            return {name: group for name, group in groups if group}
        if vr in _WHOLE or vr in _DECIMAL:
            return _number(value)
    return value


def _number(text: str) -> int | float | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return number if number - number == 0 and "_" not in text else text
