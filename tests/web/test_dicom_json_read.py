"""Data sets of DICOM's JSON model as bytes, judged by pydicom, which writes and reads both."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest

from fastdcm.errors import WebError
from fastdcm.web.dicom_json_read import (
    bulk_data_uris,
    data_set_bytes,
    number_of,
    parse_attributes,
    text_of,
    values_of,
)


def read_back(data: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(bytes(128) + b"DICM" + _META + data))


_META = b"\2\0\0\0UL\4\0\x1c\0\0\0" + b"\2\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"

FILES = [
    "CT_small.dcm",
    "empty_charset_LEI.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "liver_1frame.dcm",
    "priv_SQ.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "waveform_ecg.dcm",
]


@pytest.mark.parametrize("name", FILES)
def test_what_pydicom_writes_it_reads_again(name: str, pydicom_files: Path) -> None:
    original = pydicom.dcmread(pydicom_files / name)
    for tag in ("PixelData", "SpecificCharacterSet"):
        if tag in original:
            del original[tag]
    model = {tag: value for tag, value in original.to_json_dict().items() if tag >= "0008"}
    again = read_back(data_set_bytes(model))
    del again["SpecificCharacterSet"]
    assert again.to_json_dict() == model
    assert model


def test_values_by_hand() -> None:
    model: dict[str, Any] = {
        "00080060": {"vr": "CS", "Value": ["CT"]},
        "00280010": {"vr": "US", "Value": [3]},
        "00281050": {"vr": "DS", "Value": [0.1, 40]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Phonetic": "C"}]},
        "00020010": {"vr": "UI", "Value": ["1.2"]},
        "00281052": {"vr": "US", "Value": ["x"]},
        "7fe00010": {"vr": "OW", "InlineBinary": "AQI="},
    }
    assert data_set_bytes(model) == (
        b"\x08\0\5\0CS\x0a\0ISO_IR 192"
        b"\x08\0\x60\0CS\2\0CT"
        b"\x10\0\x10\0PN\6\0A^B==C"
        b"\x28\0\x10\0US\2\0\3\0"
        b"\x28\0\x50\x10DS\6\x000.1\\40"
        b"\xe0\x7f\x10\0OW\0\0\2\0\0\0\1\2"
    )


def test_values_that_lie_elsewhere() -> None:
    lut = {"00283006": {"vr": "OW", "BulkDataURI": "bulk/1"}}
    model = {"00283010": {"vr": "SQ", "Value": [lut]}, "00282000": {"vr": "OB", "BulkDataURI": "bulk/2"}}
    wanted = frozenset(["00283006"])
    assert list(bulk_data_uris(model, wanted)) == [("00283006", "bulk/1")]
    found = data_set_bytes(model, {"bulk/1": b"abcd"})
    assert found.endswith(b"\x28\0\x06\x30OW\0\0\4\0\0\0abcd")
    assert b"\x28\0\0\x20OB" not in found


def test_longer_than_its_vr_can_be() -> None:
    found = data_set_bytes({"00281200": {"vr": "US", "Value": [7] * 40_000}})
    assert found.endswith(b"\x28\0\0\x12UN\0\0" + (80_000).to_bytes(4, "little") + b"\7\0" * 40_000)


def test_nesting_is_bounded() -> None:
    model: dict[str, Any] = {}
    for _ in range(80):
        model = {"00081140": {"vr": "SQ", "Value": [model]}}
    with pytest.raises(WebError, match="nested deeper than 64"):
        data_set_bytes(model)


@pytest.mark.parametrize("document", [None, 5, "x", [5], {"error": "no"}, [{"0008": {}}], [{"00080005": 5}]])
def test_what_is_no_data_set(document: Any) -> None:
    with pytest.raises(WebError, match="no data sets"):
        parse_attributes(document)


def test_values() -> None:
    model = {
        "00280008": {"vr": "IS", "Value": ["12 "]},
        "00280010": {"vr": "US", "Value": [5.0]},
        "00280011": {"vr": "US", "Value": [5.5]},
        "00080016": {"vr": "UI"},
        "00080018": {"vr": "UI", "Value": [None]},
        "00080020": {"vr": "DA", "Value": "odd"},
    }
    assert [number_of(model, tag) for tag in ("00280008", "00280010", "00280011", "00080016")] == [
        12,
        5,
        None,
        None,
    ]
    assert text_of(model, "00280008") == "12"
    assert text_of(model, "00080018") == text_of(model, "00080016") == text_of(model, "00000000") == ""
    assert values_of(model, "00080020") == []
    assert number_of({"00280008": {"vr": "IS", "Value": ["inf"]}}, "00280008") is None
