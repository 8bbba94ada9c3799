"""QIDO-RS: matching and what is told (PS3.18 10.6, PS3.4 C.2.2.2), against the folder's objects."""

from __future__ import annotations

import httpx
import pytest

from tests.serve.conftest import COLOUR, CT, FRAMES, MULTI, NOTE, PDF, SLICES, STUDY, URL, models

_JSON = {"Accept": "application/dicom+json"}


def _uids(client: httpx.Client, path: str, tag: str) -> list[str]:
    response = client.get(path, headers=_JSON)
    assert response.status_code in (200, 204), response.text
    return [str(found[tag]["Value"][0]) for found in models(response)]


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"StudyInstanceUID={STUDY}",
        f"0020000D={STUDY}",
        f"0020000d={STUDY}",
        f"StudyInstanceUID=9.9,{STUDY}",
        f"StudyInstanceUID=9.9%5C{STUDY}",
        "PatientID=P-1",
        "00100020=P-1",
        "PatientID=P-*",
        "PatientID=P-?",
        "PatientID=*",
        "PatientID=",
        "PatientName=M%C3%BCller^J%C3%B6rg",
        "PatientName=M%C3%BCller*",
        "PatientName=*j%C3%B6rg",  # names match whatever the case
        "PatientName=m%C3%BCller^j%C3%B6rg",
        "StudyDate=20240131",
        "StudyDate=20240101-20240131",
        "StudyDate=20240131-",
        "StudyDate=-20240131",
        "StudyDate=20240101-20241231&StudyTime=10-11",
        "StudyTime=101500",
        "StudyTime=10",
        "AccessionNumber=A1",
        "ModalitiesInStudy=CT",
        "ModalitiesInStudy=MR,US",
        "ModalitiesInStudy=US%5CMR",
        "StudyDescription=Kopf",
        "StudyDescription=K*f",
        "PatientID=P-1&StudyDescription=Kopf",
    ],
)
def test_a_study_that_matches(client: httpx.Client, query: str) -> None:
    assert STUDY in _uids(client, f"/studies?{query}", "0020000D")


@pytest.mark.parametrize(
    "query",
    [
        "StudyInstanceUID=9.9",
        "PatientID=p-1",  # identifiers match in their case
        "PatientID=p*",
        "PatientID=P",
        "PatientID=?",
        "PatientID=P_1",
        "PatientID=%25",
        "PatientID=[P]-1",
        "PatientName=M%C3%BCller",
        "StudyDate=20240130",
        "StudyDate=20240201-",
        "StudyDate=-20240130",
        "StudyTime=11-12",
        "ModalitiesInStudy=PT",
        "PatientID=P-1&StudyDescription=Hals",
    ],
)
def test_a_study_that_does_not_match(client: httpx.Client, query: str) -> None:
    assert STUDY not in _uids(client, f"/studies?{query}", "0020000D")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("offset=1.5", "offset"),
        ("StudyDate=2024", "YYYYMMDD"),
        ("StudyDate=20240101-20240102-", "YYYYMMDD"),
        ("StudyDate=20240101%5C20240102", "YYYYMMDD"),
        ("StudyTime=noon", "HHMMSS"),
        ("NoSuchKeyword=1", "NoSuchKeyword"),
        ("includefield=NoSuchKeyword", "NoSuchKeyword"),
        ("fuzzymatching=maybe", "fuzzymatching"),
        ("PatientName=" + "a*" * 20, "wildcards"),
        ("PatientName=" + "a" * 2000, "longer"),
        ("&".join(f"{tag:08X}=1" for tag in range(0x100000, 0x100100)), "parameters"),
    ],
)
def test_what_is_no_query(client: httpx.Client, query: str, words: str) -> None:
    response = client.get(f"/studies?{query}", headers=_JSON)
    assert response.status_code == 400
    assert words in response.text


def test_nothing_matches(client: httpx.Client) -> None:
    response = client.get("/studies?PatientID=nobody", headers=_JSON)
    assert (response.status_code, response.content) == (204, b"")


def test_what_is_told_of_a_study(client: httpx.Client) -> None:
    response = client.get(f"/studies?StudyInstanceUID={STUDY}", headers=_JSON)
    assert response.headers["content-type"] == "application/dicom+json"
    (found,) = models(response)
    assert found == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080020": {"vr": "DA", "Value": ["20240131"]},
        "00080030": {"vr": "TM", "Value": ["101500"]},
        "00080050": {"vr": "SH", "Value": ["A1"]},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00080061": {"vr": "CS", "Value": ["CT", "DOC", "KO", "US", "XC"]},
        "00081030": {"vr": "LO", "Value": ["Kopf"]},
        "00081190": {"vr": "UR", "Value": [f"{client.base_url}".rstrip("/") + f"/studies/{STUDY}"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller^Jörg"}]},
        "00100020": {"vr": "LO", "Value": ["P-1"]},
        "00100030": {"vr": "DA", "Value": ["19700102"]},
        "0020000D": {"vr": "UI", "Value": [STUDY]},
        "00201206": {"vr": "IS", "Value": [5]},
        "00201208": {"vr": "IS", "Value": [7]},
    }


def test_series_of_a_study(client: httpx.Client) -> None:
    found = models(client.get(f"{URL.study}/series", headers=_JSON))
    assert [one["0020000E"]["Value"] for one in found] == [[CT], [MULTI], [COLOUR], [PDF], [NOTE]]
    assert [one["00201209"]["Value"] for one in found] == [[3], [1], [1], [1], [1]]
    assert found[0]["00080060"]["Value"] == ["CT"]
    assert found[0]["00200011"]["Value"] == [1]
    assert "00100010" not in found[0]  # it is the study's, which is in the path
    assert "00100010" in models(client.get("/series?Modality=US", headers=_JSON))[0]


def test_instances(client: httpx.Client) -> None:
    found = models(client.get(f"{URL.ct_series}/instances", headers=_JSON))
    assert [one["00080018"]["Value"][0] for one in found] == list(SLICES)
    first = found[0]
    assert first["00280010"] == {"vr": "US", "Value": [24]}
    assert first["00083002"]["Value"] == ["1.2.840.10008.1.2.1"]
    assert first["00081190"]["Value"][0].endswith(URL.ct)
    assert "00281050" not in first
    (multi,) = models(client.get(f"/instances?SOPInstanceUID={MULTI}.1", headers=_JSON))
    assert multi["00280008"] == {"vr": "IS", "Value": [FRAMES]}
    assert multi["00080060"]["Value"] == ["US"]  # the series and the study are not in the path
    assert multi["00100020"]["Value"] == ["P-1"]


def test_instances_are_matched(client: httpx.Client) -> None:
    path = f"{URL.study}/instances"
    assert _uids(client, f"{path}?Modality=CT&InstanceNumber=2", "00080018") == [SLICES[1]]
    assert _uids(client, f"{path}?Rows=24&Columns=32", "00080018") == list(SLICES)
    assert _uids(client, f"{path}?SOPInstanceUID={SLICES[2]},{SLICES[0]}", "00080018") == [
        SLICES[0],
        SLICES[2],
    ]
    assert _uids(client, f"{path}?Rows=25", "00080018") == []


@pytest.mark.parametrize("field", ["00281050,00281051", "WindowCenter,WindowWidth", "all"])
def test_includefield(client: httpx.Client, field: str) -> None:
    found = models(client.get(f"{URL.ct_series}/instances?includefield={field}", headers=_JSON))
    assert found[0]["00281050"] == {"vr": "DS", "Value": [300]}
    assert found[0]["00281051"] == {"vr": "DS", "Value": [400]}


def test_several_includefields(client: httpx.Client) -> None:
    query = "includefield=00281050&includefield=00281051&includefield=00080020"
    found = models(client.get(f"{URL.ct_series}/instances?{query}", headers=_JSON))
    assert {"00281050", "00281051", "00080020"} <= found[0].keys()


def test_limit_and_offset(client: httpx.Client) -> None:
    path = f"{URL.ct_series}/instances"
    first = client.get(f"{path}?limit=2", headers=_JSON)
    assert "299" in first.headers["warning"]
    assert [one["00080018"]["Value"][0] for one in models(first)] == list(SLICES[:2])
    rest = client.get(f"{path}?limit=2&offset=2", headers=_JSON)
    assert "warning" not in rest.headers
    assert [one["00080018"]["Value"][0] for one in models(rest)] == [SLICES[2]]
    assert client.get(f"{path}?offset=3", headers=_JSON).status_code == 204
    assert client.get(f"{path}?limit=0", headers=_JSON).status_code == 204


def test_what_is_not_done_is_said(client: httpx.Client) -> None:
    fuzzy = client.get("/studies?fuzzymatching=true&PatientName=Mueller*", headers=_JSON)
    assert "fuzzymatching" in fuzzy.headers["warning"]
    assert client.get("/studies?fuzzymatching=false", headers=_JSON).headers.get("warning") is None
    other = client.get("/studies?PatientComments=x", headers=_JSON)
    assert "PatientComments" in other.headers["warning"]
    assert models(other)


def test_types(client: httpx.Client) -> None:
    plain = client.get("/studies", headers={"Accept": "application/json"})
    assert plain.headers["content-type"] == "application/json"
    assert client.get("/studies").headers["content-type"] == "application/dicom+json"
    refused = client.get("/studies", headers={"Accept": 'multipart/related; type="application/dicom+xml"'})
    assert refused.status_code == 406
    assert "application/dicom+json" in refused.text


@pytest.mark.parametrize("path", ["/studies", URL.study])
def test_storing_is_refused_by_name(client: httpx.Client, path: str) -> None:
    response = client.post(path, content=b"x" * 1000)
    assert response.status_code == 405
    assert "STOW-RS" in response.text
    assert "GET" in response.headers["allow"]
    assert client.delete(path).status_code == 405
