"""WADO-RS: how objects, frames and bulk data are given by what is accepted; ranges; what is refused."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest

from tests.builders import EXPLICIT, Element, image
from tests.serve.conftest import CT, FRAMES, MULTI, STUDY, URL, Served, of_patient, running

_STORED = "application/dicom; transfer-syntax=*"
_J2K = "1.2.840.10008.1.2.4.91"
_LE = "1.2.840.10008.1.2.1"


def _url(served: Served, name: str) -> str:
    file = pydicom.dcmread(served.folder / name, stop_before_pixels=True)
    return f"/studies/{file.StudyInstanceUID}/series/{file.SeriesInstanceUID}/instances/{file.SOPInstanceUID}"


@pytest.mark.parametrize(
    ("path", "accept", "status", "kind"),
    [
        (URL.ct, None, 200, "multipart/related"),
        (URL.ct, "*/*", 200, "multipart/related"),
        (URL.ct, "application/dicom", 200, "application/dicom"),
        (URL.ct, 'multipart/related; type="application/dicom"', 200, "multipart/related"),
        (URL.ct, "multipart/related; type=application/dicom; transfer-syntax=*", 200, "multipart/related"),
        (URL.ct, f"application/dicom; transfer-syntax={_LE}", 200, "application/dicom"),
        (URL.ct, f"application/dicom; transfer-syntax={_J2K}", 406, _LE),
        (URL.ct, "image/jpeg", 406, "/rendered"),
        (URL.ct, "application/dicom, image/jpeg", 400, "one kind"),
        (URL.ct, "application/json", 406, "application/dicom"),
        (URL.ct_series, None, 200, "multipart/related"),
        (URL.study, None, 200, "multipart/related"),
        (f"/studies/{STUDY}/series/{CT}/instances/9.9", None, 404, "no such instance"),
        ("/studies/9.9", None, 404, "no such study"),
        (f"{URL.ct}/metadata", None, 200, "application/dicom+json"),
        (f"{URL.ct}/metadata", "application/json", 200, "application/json"),
        (f"{URL.ct}/metadata", "application/dicom+xml", 406, "application/dicom+json"),
        ("/studies/9.9/metadata", None, 404, "no such study"),
        (f"{URL.ct}/frames/1", None, 200, "multipart/related"),
        (f"{URL.ct}/frames/1", "application/octet-stream", 200, "application/octet-stream"),
        (
            f"{URL.ct}/frames/1",
            'multipart/related; type="application/octet-stream"',
            200,
            "multipart/related",
        ),
        (f"{URL.ct}/frames/1", "image/jp2", 406, "application/octet-stream"),
        (f"{URL.ct}/frames/2", None, 404, "one frame"),
        (f"{URL.ct}/frames/0", None, 400, "from 1"),
        (f"{URL.multi}/frames/2,1", None, 400, "ascend"),
        (f"{URL.pdf}/frames/1", None, 406, "no pixels"),
        (f"{URL.pdf}/bulkdata/00420011", None, 200, "application/octet-stream"),
        (f"{URL.pdf}/bulkdata/00420099", None, 404, "no such bulk data"),
        (f"{URL.pdf}/bulkdata/00100010", None, 404, "no bulk data"),
        (f"{URL.pdf}/bulkdata/00420011/1", None, 400, "TAG"),
        (f"{URL.pdf}/bulkdata/00420011/1/00420011", None, 404, "no such bulk data"),
        (f"{URL.pdf}/bulkdata/pixels", None, 400, "no tag"),
        (f"{URL.pdf}/bulkdata/7FE00010", None, 404, "no such bulk data"),
    ],
)
def test_row(client: httpx.Client, path: str, accept: str | None, status: int, kind: str) -> None:
    request = client.build_request("GET", path)
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    response = client.send(request)
    assert response.status_code == status, response.text[:300]
    if status == 200:
        assert response.headers["content-type"].partition(";")[0] == kind
    else:
        assert kind in response.text


@pytest.mark.parametrize(
    ("accept", "kind", "stored"),
    [
        ("application/octet-stream", f"application/octet-stream; transfer-syntax={_LE}", False),
        (
            f"application/octet-stream; transfer-syntax={_LE}",
            f"application/octet-stream; transfer-syntax={_LE}",
            False,
        ),
        (
            "application/octet-stream; transfer-syntax=*",
            f"application/octet-stream; transfer-syntax={_J2K}",
            True,
        ),
        ("image/jp2", f"image/jp2; transfer-syntax={_J2K}", True),
        ("image/jp2; transfer-syntax=*", f"image/jp2; transfer-syntax={_J2K}", True),
        ("image/jpeg, image/jp2;q=0.5", f"image/jp2; transfer-syntax={_J2K}", True),
    ],
)
def test_frames_of_what_is_compressed(
    served: Served, client: httpx.Client, accept: str, kind: str, stored: bool
) -> None:
    response = client.get(f"{_url(served, 'JPEG2000.dcm')}/frames/1", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == kind
    assert response.content.startswith(b"\xff\x4f\xff\x51") is stored


def test_lossy_objects_are_not_made_larger(served: Served, client: httpx.Client) -> None:
    place = _url(served, "JPEG2000.dcm")
    file = (served.folder / "JPEG2000.dcm").read_bytes()
    assert client.get(place, headers={"Accept": "application/dicom"}).content == file
    named = client.get(place, headers={"Accept": f"application/dicom; transfer-syntax={_LE}"})
    assert len(named.content) > 2 * len(file)
    assert pydicom.dcmread(BytesIO(named.content)).file_meta.TransferSyntaxUID == _LE


def test_decoded_colour_is_rgb(served: Served, client: httpx.Client) -> None:
    place = _url(served, "SC_rgb_jpeg_dcmtk.dcm")
    response = client.get(place, headers={"Accept": f"application/dicom; transfer-syntax={_LE}"})
    file = pydicom.dcmread(BytesIO(response.content))
    assert (file.PhotometricInterpretation, file.PlanarConfiguration) == ("RGB", 0)
    frame = client.get(f"{place}/frames/1", headers={"Accept": "application/octet-stream"}).content
    assert frame == file.PixelData[: len(frame)]
    assert file.pixel_array.shape == (100, 100, 3)


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=132-", 132, None),
        ("bytes=-50", -50, None),
        ("bytes=10-999999", 10, None),
    ],
)
def test_a_range(served: Served, client: httpx.Client, asked: str, begin: int, end: int | None) -> None:
    file = (served.folder / "ct" / "deep" / "1.dcm").read_bytes()
    response = client.get(URL.ct, headers={"Accept": _STORED, "Range": asked})
    assert response.status_code == 206
    assert response.content == file[begin:end]
    first = begin % len(file)
    assert (
        response.headers["content-range"] == f"bytes {first}-{first + len(response.content) - 1}/{len(file)}"
    )


def test_ranges_that_are_none(served: Served, client: httpx.Client) -> None:
    file = (served.folder / "ct" / "deep" / "1.dcm").read_bytes()
    beyond = client.get(URL.ct, headers={"Accept": _STORED, "Range": f"bytes={len(file)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(file)}")
    whole = client.get(URL.ct, headers={"Accept": _STORED})
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.content == file
    for headers in (
        {"Range": "bytes=1-2,4-5"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=1-2", "If-Range": '"x"'},
    ):
        assert client.get(URL.ct, headers={"Accept": _STORED, **headers}).status_code == 200
    same = {"Accept": _STORED, "Range": "bytes=1-2", "If-Range": whole.headers["etag"]}
    assert client.get(URL.ct, headers=same).status_code == 206
    assert (
        client.get(URL.ct, headers={"Accept": _STORED, "If-None-Match": whole.headers["etag"]}).status_code
        == 304
    )


def test_all_frames_as_bulk_data(served: Served, client: httpx.Client) -> None:
    pixels = pydicom.dcmread(served.folder / "multi.dcm").PixelData
    response = client.get(f"{URL.multi}/bulkdata/7FE00010", headers={"Accept": "application/octet-stream"})
    assert response.content == pixels
    frames = client.get(f"{URL.multi}/frames/{','.join(map(str, range(1, FRAMES + 1)))}")
    assert frames.content.count(b"Content-Type: application/octet-stream") == FRAMES
    assert f"{MULTI}.1/frames/{FRAMES}".encode() in frames.content


def _bits() -> tuple[bytes, np.ndarray[Any, Any]]:
    """Two frames of 3 x 3 single bits: the second starts within a byte."""
    values = np.array([[1, 0, 1, 1, 0, 0, 1, 1, 1], [0, 1, 0, 0, 0, 1, 1, 0, 1]], np.uint8)
    data = np.packbits(values.ravel(), bitorder="little").tobytes()
    return data + b"\0" * (len(data) % 2), values


def test_what_is_native_but_not_as_it_is_sent(tmp_path: Any) -> None:
    """Single bits that start within a byte, and big-endian words."""
    folder = tmp_path / "folder"
    folder.mkdir()
    data, values = _bits()
    bits = image(
        data, rows=3, columns=3, bits=1, frames=2, vr="OB", extra=of_patient("1.2.1", "1.2.1.1", study="1.2")
    )
    (folder / "bits.dcm").write_bytes(bits)
    words = (np.arange(6).reshape(2, 3) + 300).astype(">u2")
    big = image(
        words.tobytes(), "1.2.840.10008.1.2.2", bits=16, extra=of_patient("1.2.2", "1.2.2.1", study="1.2")
    )
    (folder / "big.dcm").write_bytes(big)
    private = [Element(0x00091001, "OW", words.tobytes() * 200), Element(0x00090010, "LO", "ACME")]
    bulk = image(b"\1" * 6, EXPLICIT, extra=[*of_patient("1.2.3", "1.2.3.1", study="1.2"), *private])
    (folder / "bulk.dcm").write_bytes(bulk)
    with running(folder, tmp_path / "index.sqlite") as served, served.client() as client:
        octets = {"Accept": "application/octet-stream"}
        second = client.get("/studies/1.2/series/1.2.1/instances/1.2.1.1/frames/2", headers=octets).content
        assert (
            np.unpackbits(np.frombuffer(second, np.uint8), bitorder="little")[:9].tolist()
            == values[1].tolist()
        )
        frame = client.get("/studies/1.2/series/1.2.2/instances/1.2.2.1/frames/1", headers=octets).content
        assert np.frombuffer(frame, "<u2").reshape(2, 3).tolist() == words.tolist()
        place = "/studies/1.2/series/1.2.3/instances/1.2.3.1"
        model = client.get(f"{place}/metadata").json()[0]
        assert model["00091001"] == {"vr": "OW", "BulkDataURI": f"{served.url}{place}/bulkdata/00091001"}
        assert client.get(model["00091001"]["BulkDataURI"], headers=octets).content == words.tobytes() * 200
