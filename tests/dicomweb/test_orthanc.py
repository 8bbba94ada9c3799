"""The client and ``fastdcm get`` against Orthanc; `tests/peers/orthanc.py` does the same with the corpus."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.dicomweb import Client
from fastdcm.errors import WebError
from fastdcm.web.dicom_json_read import text_of
from tests.dicomweb.orthanc import MissingError, Orthanc
from tests.dicomweb.test_fetching import files, get

NAMES = [
    "CT_small.dcm",
    "rtdose.dcm",
    "MR_small_RLE.dcm",
    "JPEG2000.dcm",
    "SC_rgb_rle_2frame.dcm",
    "examples_palette.dcm",
    "emri_small.dcm",
    "liver_1frame.dcm",
    "reportsi.dcm",
]


@pytest.fixture(scope="module")
def stored(peer: Callable[[str], str], pydicom_files: Path) -> Iterator[tuple[Orthanc, dict[str, bytes]]]:
    """The server, and what it took, by SOP Instance UID."""
    pytest.importorskip("httpx")
    try:
        server = Orthanc(peer("Orthanc"))
    except MissingError as error:
        pytest.skip(str(error))
    found: dict[str, bytes] = {}
    with server:
        for name in NAMES:
            path = pydicom_files / name
            if path.is_file() and server.store(data := path.read_bytes()):
                with Client(server.url) as web:
                    known = {text_of(one, "00080018") for one in web.search("instances")}
                (uid,) = known - found.keys()
                found[uid] = data
        yield server, found


def places(server: Orthanc) -> Iterator[tuple[str, str, str]]:
    with Client(server.url) as web:
        for one in web.search("instances"):
            study, series, instance = (text_of(one, tag) for tag in ("0020000D", "0020000E", "00080018"))
            yield study, series, instance


def images(stored: tuple[Orthanc, dict[str, bytes]]) -> Iterator[tuple[tuple[str, str, str], fastdcm.Image]]:
    for place in places(stored[0]):
        try:
            with fastdcm.open(stored[1][place[2]]) as image:
                yield place, image
        except fastdcm.NoPixelDataError:
            continue


def same(png: bytes, image: fastdcm.Image, index: int) -> bool:
    """Whether a PNG that another process made shows the frame.

    A long run like this one decodes lossy JPEG 2000 by its own kernels, a short one by a library: samples are
    within 1 of each other.
    """
    ours, theirs = (imagecodecs.png_decode(data) for data in (image.encode(index, "png"), png))
    most = int(image.header.transfer_syntax_uid == "1.2.840.10008.1.2.4.91")
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return False
    return int(np.abs(ours.astype(np.int32) - theirs.astype(np.int32)).max()) <= most


def test_instances_come_as_they_are_stored(stored: tuple[Orthanc, dict[str, bytes]]) -> None:
    assert len(stored[1]) >= 7
    with Client(stored[0].url) as web:
        for place in places(stored[0]):
            assert web.retrieve(*place) == stored[1][place[2]]


def test_rendered_here_is_what_the_file_gives(stored: tuple[Orthanc, dict[str, bytes]]) -> None:
    with Client(stored[0].url) as web:
        for place, image in images(stored):
            for format in ("jpeg", "png"):
                picture = web.rendered(*place, format=format, local=True)
                assert picture.data == image.encode(0, format)


def test_frames_alone(stored: tuple[Orthanc, dict[str, bytes]]) -> None:
    taken = 0
    with Client(stored[0].url) as web:
        for place, image in images(stored):
            part, (index,) = web.open_frames(*place, [len(image)])
            np.testing.assert_array_equal(part.render(index), image.render(len(image) - 1))
            taken += len(part) < len(image)
    assert taken >= 2


def test_rendered_there(stored: tuple[Orthanc, dict[str, bytes]]) -> None:
    with Client(stored[0].url) as web:
        pictures = [web.rendered(*place, viewport="64,64", quality=80) for place, _ in images(stored)]
    assert sum(picture.way == "rendered" for picture in pictures) >= 5
    assert all(picture.data.startswith(b"\xff\xd8") for picture in pictures)


def test_what_it_has_not(stored: tuple[Orthanc, dict[str, bytes]]) -> None:
    place = next(iter(places(stored[0])))
    with Client(stored[0].url) as web:
        with pytest.raises(WebError) as raised:
            web.retrieve(place[0], place[1], "1.2.3")
        assert raised.value.status == 404
        with pytest.raises(WebError) as raised:
            web.rendered("1", "2", "3")
        assert raised.value.status == 404
        assert web.search("studies", PatientID="nobody has this") == []


def test_get(stored: tuple[Orthanc, dict[str, bytes]], tmp_path: Path) -> None:
    server, _ = stored
    studies = sorted({place[0] for place in places(server)})
    urls = [f"{server.url}/studies/{study}" for study in studies]
    done = get(*urls, "-o", "there", cwd=tmp_path)
    assert "rendered by the server" in done.stdout
    done = get(*urls, "-o", "here", "-F", "png", "--local", cwd=tmp_path)
    expected = []
    for place, image in images(stored):
        for index in range(len(image)):
            number = f"_{index + 1:04d}" if len(image) > 1 else ""
            expected.append(os.path.join(*place) + number)
            assert same((tmp_path / "here" / f"{expected[-1]}.png").read_bytes(), image, index), place
    assert files(tmp_path / "here") == sorted(f"{name}.png" for name in expected)
    assert files(tmp_path / "there") == sorted(f"{name}.jpg" for name in expected)


def test_the_older_service(stored: tuple[Orthanc, dict[str, bytes]], tmp_path: Path) -> None:
    server, _ = stored
    place, image = next(images(stored))
    query = "requestType=WADO&studyUID={}&seriesUID={}&objectUID={}".format(*place)
    url = f"http://127.0.0.1:{server.port}/wado?{query}"
    done = get(url, "-o", "there.png", cwd=tmp_path)
    assert "1 rendered by the server" in done.stdout
    get(url, "-o", "here.png", "--local", cwd=tmp_path)
    assert same((tmp_path / "here.png").read_bytes(), image, 0)


def test_credentials(peer: Callable[[str], str], pydicom_files: Path, tmp_path: Path) -> None:
    pytest.importorskip("httpx")
    users = {"AuthenticationEnabled": True, "RegisteredUsers": {"bob": "geheim"}}
    try:
        server = Orthanc(peer("Orthanc"), **users)
    except MissingError as error:
        pytest.skip(str(error))
    with server:
        with Client(server.url) as web, pytest.raises(WebError, match="--basic") as raised:
            web.search("studies")
        assert raised.value.status == 401
        with Client(server.url, basic=("bob", "wrong")) as web, pytest.raises(WebError, match="not accept"):
            web.search("studies")
        with Client(server.url, basic=("bob", "geheim")) as web:
            assert web.search("studies") == []
        with Client(server.url.replace("//", "//bob:geheim@")) as web:
            assert web.search("studies") == []
