"""Elements in the DICOM JSON model (PS3.18 annex F), against pydicom's."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import DataElement

from fastdcm.web.dicom_json import element, tag_text


@pytest.mark.parametrize(
    ("vr", "values"),
    [
        ("PN", ["Müller^Jörg"]),
        ("PN", ["Yamada^Tarou=山田^太郎=やまだ^たろう"]),
        ("PN", ["A^B", "C^D"]),
        ("LO", ["one", "two"]),
        ("CS", ["CT"]),
        ("DA", ["20240131"]),
        ("UI", ["1.2.3"]),
        ("US", [513]),
        ("IS", ["12"]),
        ("DS", ["0.5", "1.5"]),
        ("LO", []),
    ],
)
def test_it_is_what_pydicom_writes(vr: str, values: list[Any]) -> None:
    value = values[0] if len(values) == 1 else values
    written = DataElement(0x00091001, vr, value).to_json_dict(None, 0)
    assert element(vr, values) == ({"vr": vr} if not values else written)


@pytest.mark.parametrize(
    ("vr", "values", "expected"),
    [
        ("CS", ["A", "", "B"], ["A", None, "B"]),
        ("LO", [""], None),
        ("IS", ["+7"], [7]),
        ("IS", ["seven"], ["seven"]),
        ("DS", ["1e400"], ["1e400"]),
        ("DS", ["nan"], ["nan"]),
        ("DS", ["1_0.5"], ["1_0.5"]),
        ("PN", ["=山田"], [{"Ideographic": "山田"}]),
    ],
)
def test_values(vr: str, values: list[Any], expected: list[Any] | None) -> None:
    assert element(vr, values) == ({"vr": vr} if expected is None else {"vr": vr, "Value": expected})


def test_tags() -> None:
    assert tag_text(0x0020000D) == "0020000D"
