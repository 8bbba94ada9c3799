"""Who a patient is, is told by nobody who was not asked to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.datadict import DicomDictionary

import fastdcm
from fastdcm.options import SidecarOptions, parse_tags
from fastdcm.sidecars import confidential
from fastdcm.sidecars.confidential import is_confidential
from tests.builders import Element, image

SECRET = "NAMENLOS4711"
#: A value that its VR allows, and that nothing else of an object says.
VALUES = {
    "AE": SECRET,
    "AS": "077Y",
    "CS": SECRET,
    "DA": "19650102",
    "DS": "4711.25",
    "DT": "19650102030405",
    "FD": 4711.25,
    "FL": 4711.25,
    "IS": "47114711",
    "LO": SECRET,
    "LT": SECRET,
    "OB": SECRET.encode(),
    "OW": SECRET.encode(),
    "PN": SECRET,
    "SH": SECRET,
    "SL": 47114711,
    "SS": 4711,
    "ST": SECRET,
    "TM": "040711.25",
    "UC": SECRET,
    "UI": "1.2.4711.4711",
    "UL": 47114711,
    "UN": SECRET.encode(),
    "UR": SECRET,
    "US": 4711,
    "UT": SECRET,
    "UV": 47114711,
}
SECRETS = (SECRET, "19650102", "4711", "040711", "077Y")
PRIVATE = [Element(0x00090010, "LO", SECRET), Element(0x00091001, "LO", SECRET)]


def dictionary() -> Iterator[tuple[int, str, bool]]:
    """(tag, VR, retired) of what stands before the pixels."""
    for tag, (vr, _, _, retired, _) in DicomDictionary.items():
        if 0x0008 <= tag >> 16 < 0x7FE0:
            yield tag, vr.rpartition(" ")[2], bool(retired)


def element(tag: int, vr: str) -> Element:
    value = VALUES.get(vr, SECRET)
    return Element(tag, vr, [[Element(0x00081140, "LO", SECRET)]] if vr == "SQ" else value)


def confidential_ones() -> list[Element]:
    """All that the profile's table lists, all of the patient, private ones, and retired ones."""
    known = {tag: vr for tag, vr, _ in dictionary()}
    listed = [element(tag, known.get(tag, "LO")) for tag in sorted(confidential._LISTED)]
    patient = [element(tag, vr) for tag, vr in known.items() if tag >> 16 == 0x0010]
    retired = [
        element(tag, vr) for tag, vr, old in dictionary() if old and tag >> 16 not in (0x0028, 0x5000, 0x6000)
    ]
    by_tag = {made.tag: made for made in [*retired, *patient, *listed, *PRIVATE]}
    return [made for tag, made in sorted(by_tag.items()) if 8 <= tag >> 16 < 0x7FE0]


def written(tmp_path: Path, *elements: Element, **changes: object) -> Path:
    path = tmp_path / "scan.dcm"
    path.write_bytes(image(bytes(6), modality="CT", sop_instance="1.2.3", extra=elements, **changes))
    return path


def told(path: Path, **options: object) -> str:
    report = fastdcm.convert(path, path.parent / "out", existing="overwrite", **options)
    assert report.failures == []
    assert report.images == 1
    (side,) = [found for found in (path.parent / "out").iterdir() if found.suffix != ".jpg"]
    text = side.read_text()
    side.unlink()
    return text


def test_the_table_is_that_of_the_standard() -> None:
    """PS3.15 2026c, table E.1-1: 652 attributes with a tag of their own, 57 of them of action U or X/Z/U*."""
    assert len(confidential._LISTED) == 652 - 57
    # What has a name of its own in PS3.6 is named so there; the rest is newer than pydicom's copy.
    unknown = [tag for tag in confidential._LISTED if tag not in DicomDictionary]
    assert len(unknown) <= 25


@pytest.mark.parametrize(
    "tag",
    [
        0x00080050,  # Accession Number
        0x00080080,  # Institution Name
        0x00080020,  # Study Date
        0x0008103E,  # Series Description
        0x00100010,  # Patient's Name
        0x00100033,  # Patient's Birth Date in Alternative Calendar, which the table does not have
        0x00181000,  # Device Serial Number
        0x00181030,  # Protocol Name
        0x00200010,  # Study ID
        0x00321060,  # Requested Procedure Description
        0x00400275,  # Request Attributes Sequence
        0x0040A730,  # Content Sequence
        0x00091001,
        0x50003000,
        0x60023000,
        0x60024000,
    ],
)
def test_listed(tag: int) -> None:
    assert is_confidential(tag)


def test_nobody_is_told_of_by_default(tmp_path: Path) -> None:
    elements = confidential_ones()
    assert len(elements) > 850
    path = written(tmp_path, *elements)
    for metadata in ("json", "csv"):
        text = told(path, metadata=metadata)
        assert [secret for secret in SECRETS if secret in text] == []
    record = json.loads(told(path, metadata="json"))
    # What the profile lets keep is there all the same.
    assert record["dataset"]["00080060"] == {"vr": "CS", "Value": ["CT"]}
    assert record["dataset"]["00080018"] == {"vr": "UI", "Value": ["1.2.3"]}


def test_attributes_that_the_profile_keeps_are_told(tmp_path: Path) -> None:
    """All that are not bytes, dates, names or text without form."""
    elsewhere = (0x0010, 0x0028, 0x5000, 0x6000)
    vrs = ("CS", "DS", "FD", "IS", "LO", "SH", "UI", "UL", "US")
    kept = [
        (tag, vr)
        for tag, vr, retired in dictionary()
        if not (retired or tag in confidential._LISTED or tag >> 16 in elsewhere) and vr in vrs
    ]
    assert len(kept) > 1000
    skipped = {0x00080005, 0x00080016, 0x00080018, 0x00080060}
    elements = [element(tag, vr) for tag, vr in kept if tag not in skipped]
    record = json.loads(told(written(tmp_path, *elements), metadata="json"))
    assert {made.tag for made in elements} <= {int(tag, 16) for tag in record["dataset"]}


@pytest.mark.parametrize("metadata", ["json", "csv"])
def test_who_is_named_is_told_of(tmp_path: Path, metadata: str) -> None:
    path = written(tmp_path, *confidential_ones())
    text = told(path, metadata=metadata, tags="PatientName,(0010,0030),(0009,1001)")
    assert SECRET in text
    assert "19650102" in text
    assert "077Y" not in text


def test_inside_of_a_sequence_the_same_holds(tmp_path: Path) -> None:
    """Of one that names nobody itself only what names nobody; of one that does, all that was asked for."""
    inner = [
        Element(0x00081150, "UI", "1.2.840.10008.5.1.4.1.1.2"),
        Element(0x00080050, "SH", SECRET),
        Element(0x00090010, "LO", SECRET),
        Element(0x00091001, "LO", SECRET),
        Element(0x00081199, "SQ", [[Element(0x00100010, "PN", SECRET), Element(0x00081155, "UI", "1.2.9")]]),
    ]
    path = written(tmp_path, Element(0x00082112, "SQ", [inner]), Element(0x00400275, "SQ", [inner]))
    for tags in ({}, {"tags": "SourceImageSequence"}):
        text = told(path, metadata="json", **tags)
        (item,) = json.loads(text)["dataset"]["00082112"]["Value"]
        assert item == {
            "00081150": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
            "00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2.9"]}}]},
        }
        assert SECRET not in text
    assert SECRET not in told(path, metadata="csv", tags="SourceImageSequence")
    (item,) = json.loads(told(path, metadata="json", tags=["RequestAttributesSequence"]))["dataset"][
        "00400275"
    ]["Value"]
    assert item["00080050"] == {"vr": "SH", "Value": [SECRET]}
    assert item["00081199"]["Value"][0]["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": SECRET}]}


def test_tags_are_for_metadata() -> None:
    with pytest.raises(fastdcm.errors.OptionError, match="ask for metadata"):
        SidecarOptions(None, ("Modality",))
    with pytest.raises(fastdcm.errors.OptionError, match="not one of json, csv, parquet"):
        SidecarOptions("xml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Modality", ("Modality",)),
        ("Modality,SeriesNumber", ("Modality", "SeriesNumber")),
        ("(0008,0060), (0020, 0011) ,Modality", ("(0008,0060)", "(0020,0011)", "Modality")),
        ("00080060 Modality", ("00080060", "Modality")),
        (["Modality", "Modality,Rows"], ("Modality", "Rows")),
    ],
)
def test_parse_tags(text: str | list[str], names: tuple[str, ...]) -> None:
    assert parse_tags(text) == names


@pytest.mark.parametrize("text", ["", " , ", [","]])
def test_no_tags(text: str | list[str]) -> None:
    with pytest.raises(fastdcm.errors.OptionError, match="none is named"):
        parse_tags(text)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ("Modalty", "there is no attribute 'Modalty'"),
        ("(0008,006)", "there is no attribute"),
        ("PixelData", "pixel data"),
        ("TransferSyntaxUID", "not of the data set"),
    ],
)
def test_wrong_tags_are_told_before_anything_is_written(tmp_path: Path, tags: str, says: str) -> None:
    with pytest.raises(fastdcm.errors.OptionError, match=says):
        fastdcm.convert(written(tmp_path), tmp_path / "out", metadata="json", tags=tags)
    assert not (tmp_path / "out").exists()
