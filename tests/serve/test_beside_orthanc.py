"""The server beside Orthanc, which has the same objects: the same questions, and what both answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.dicomweb.orthanc import MissingError, Orthanc
from tests.serve.conftest import CT, STUDY, URL, Served

httpx = pytest.importorskip("httpx")

#: What says where something is, in which characters and syntaxes, whether it is at hand, and where its pixels
#: are: each server's own affair. Padding behind the pixels is not among our metadata.
_OWN = {"00080005", "00080054", "00080056", "00081190", "00083002", "7FE00010", "FFFCFFFC"}
_QUERIES = (
    "studies",
    "studies?PatientID=P-1",
    "studies?PatientID=nobody",
    "studies?StudyDate=20240101-20241231",
    "studies?StudyDate=20030101-20041231",
    "studies?ModalitiesInStudy=CT",
    f"studies?StudyInstanceUID={STUDY},1.2.3.4",
    f"studies/{STUDY}/series",
    f"studies/{STUDY}/series?Modality=US",
    f"studies/{STUDY}/series/{CT}/instances",
    f"studies/{STUDY}/series/{CT}/instances?InstanceNumber=2",
    f"studies/{STUDY}/instances",
    "series?Modality=MR",
    "instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.7",
    "instances?PatientID=P-*",
)


@pytest.fixture(scope="module")
def other(served: Served, peer: Callable[[str], str]) -> Iterator[Orthanc]:
    """Orthanc, with all objects of the folder."""
    try:
        server = Orthanc(peer("Orthanc"))
    except MissingError as error:
        pytest.skip(str(error))
    with server:
        for path in sorted(served.folder.rglob("*.dcm")):
            assert server.store(path.read_bytes()), path
        yield server


@pytest.fixture(scope="module")
def ask(served: Served, other: Orthanc) -> Iterator[Callable[..., list[Any]]]:
    """What this server and Orthanc answer to a path, in this order."""
    with httpx.Client(timeout=60) as client:

        def answers(path: str, accept: str) -> list[Any]:
            return [
                client.get(f"{url}/{path.lstrip('/')}", headers={"Accept": accept})
                for url in (served.url, other.url)
            ]

        yield answers


def parts(answer: Any) -> list[bytes]:
    """The bodies of a multipart answer, by the parser of the standard library."""
    assert answer.status_code == 200, answer.text
    head = f"MIME-Version: 1.0\r\nContent-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + answer.content)
    return [part.get_payload(decode=True) for part in message.get_payload()]  # type: ignore[union-attr,misc]


def instances(served: Served) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(served.folder.rglob("*.dcm"))]


def place(dataset: pydicom.Dataset) -> str:
    uids = dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID
    return "/studies/{}/series/{}/instances/{}".format(*uids)


@pytest.mark.parametrize("query", _QUERIES)
def test_search(ask: Callable[..., list[Any]], query: str) -> None:
    answers = [json.loads(answer.content or b"[]") for answer in ask(query, "application/dicom+json")]
    ours, theirs = ({_uids(one): one for one in found} for found in answers)
    assert ours.keys() == theirs.keys()
    assert len(ours) == len(answers[0])
    if "nobody" not in query:
        assert ours
    for uids, one in ours.items():
        both = (one.keys() & theirs[uids].keys()) - _OWN
        assert len(both) >= 3
        assert {tag: _values(one[tag]) for tag in both} == {tag: _values(theirs[uids][tag]) for tag in both}


def _uids(found: dict[str, Any]) -> tuple[str, ...]:
    return tuple(found.get(tag, {}).get("Value", [""])[0] for tag in ("0020000D", "0020000E", "00080018"))


def _values(element: dict[str, Any]) -> Any:
    """What an attribute says: some write numbers of IS and DS as strings, lists of CS in any order."""
    values = element.get("Value", [])
    if element["vr"] in ("IS", "DS"):
        return [float(value) for value in values]
    return sorted(values) if element["vr"] == "CS" else values


def test_metadata(ask: Callable[..., list[Any]], served: Served) -> None:
    for dataset in instances(served):
        ours, theirs = (
            json.loads(answer.content)[0]
            for answer in ask(f"{place(dataset)}/metadata", "application/dicom+json")
        )
        assert ours.keys() - _OWN == theirs.keys() - _OWN, dataset.SOPInstanceUID
        for tag in ours.keys() - _OWN:
            if (
                "BulkDataURI" not in ours[tag]
                and "BulkDataURI" not in theirs[tag]
                and ours[tag]["vr"] != "SQ"
            ):
                assert _values(ours[tag]) == _values(theirs[tag]), (dataset.SOPInstanceUID, tag)


def test_objects(ask: Callable[..., list[Any]], served: Served) -> None:
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    for path in sorted(served.folder.rglob("*.dcm")):
        where = place(pydicom.dcmread(path, stop_before_pixels=True))
        assert [parts(answer) for answer in ask(where, accept)] == [[path.read_bytes()]] * 2, path


@pytest.mark.parametrize(("where", "frames"), [(URL.ct, "1"), (URL.multi, "1,2,4"), (URL.colour, "1")])
def test_frames(ask: Callable[..., list[Any]], where: str, frames: str) -> None:
    accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    ours, theirs = map(parts, ask(f"{where}/frames/{frames}", accept))
    assert len(ours) == len(frames.split(","))
    assert ours == theirs


# Without a window Orthanc spreads what the image has, whatever window the object asks for.
@pytest.mark.parametrize("query", ["?window=300,400,linear", "?window=350,90,linear"])
def test_gray_images(ask: Callable[..., list[Any]], query: str) -> None:
    ours, theirs = map(_pixels, ask(f"{URL.ct}/rendered{query}", "image/png"))
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1
    assert np.ptp(ours) > 100


def test_colours(ask: Callable[..., list[Any]]) -> None:
    ours, theirs = map(_pixels, ask(f"{URL.colour}/rendered", "image/png"))
    assert ours.shape[2:] == (3,)
    np.testing.assert_array_equal(ours, theirs)


def _pixels(answer: Any) -> np.ndarray[Any, np.dtype[np.int32]]:
    assert answer.status_code == 200, answer.text
    with Image.open(BytesIO(answer.content)) as image:
        return np.asarray(image).astype(np.int32)
