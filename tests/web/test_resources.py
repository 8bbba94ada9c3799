"""Addresses of resources, and what is wrong with others."""

from __future__ import annotations

import pytest

from fastdcm.errors import OptionError
from fastdcm.web.resources import Address, Resource, parse_address, parse_frames, shown

SERVICE = "https://server.example:8043/dicom-web"


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/studies/1.2", Resource("1.2")),
        ("/studies/1.2/", Resource("1.2")),
        ("/studies/1.2/rendered", Resource("1.2", view="rendered")),
        ("/studies/1.2/metadata", Resource("1.2", view="metadata")),
        ("/studies/1.2/series/3", Resource("1.2", "3")),
        ("/studies/1.2/series/3/rendered", Resource("1.2", "3", view="rendered")),
        ("/studies/1.2/series/3/instances/4.5", Resource("1.2", "3", "4.5")),
        ("/studies/1.2/series/3/instances/4.5/thumbnail", Resource("1.2", "3", "4.5", view="thumbnail")),
        ("/studies/1.2/series/3/instances/4/frames/1", Resource("1.2", "3", "4", (1,))),
        (
            "/studies/1/series/2/instances/3/frames/1,3,20/rendered",
            Resource("1", "2", "3", (1, 3, 20), "rendered"),
        ),
    ],
)
def test_resources_there_and_back(path: str, resource: Resource) -> None:
    address = parse_address(SERVICE + path)
    assert (address.service, address.resource, address.query, address.uri) == (SERVICE, resource, (), False)
    assert address.url() == SERVICE + path.rstrip("/")


def test_a_service_below_studies_and_with_a_key() -> None:
    address = parse_address("http://h/studies/x/studies/1.2?key=a%2Fb%26&window=1,2,linear")
    assert (address.service, address.resource.study) == ("http://h/studies/x", "1.2")
    assert address.query == (("key", "a/b&"), ("window", "1,2,linear"))
    one = Resource("1.2", "3", "4", (2,), "rendered")
    expected = "http://h/studies/x/studies/1.2/series/3/instances/4/frames/2/rendered"
    assert address.url(one, quality="5", viewport="") == f"{expected}?key=a/b%26&window=1,2,linear&quality=5"


def test_wado_uri() -> None:
    url = "http://h/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3&frameNumber=4&columns=5"
    address = parse_address(url)
    assert address == Address("http://h/wado", Resource("1", "2", "3", (4,)), (("columns", "5"),), uri=True)
    assert address.url(Resource("1", "2", "3"), contentType="image/png") == (
        "http://h/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3&columns=5&contentType=image/png"
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://h/studies/1", "no address"),
        ("/studies/1", "no address"),
        ("https:///studies/1", "no address"),
        ("http://h/studies", "names no study"),
        ("http://h/studies/1/instances/2", "names no study"),
        ("http://h/studies/1/series/2/instances/3/frames/1/bulk", "names no study"),
        ("http://h/studies/..%2F..%2Fetc", "no UID"),
        ("http://h/studies/" + "1" * 129, "no UID"),
        ("http://h/studies/1/series/2/instances/.hidden", "no UID"),
        ("http://h/studies/1/series/2/instances/3/frames/0", "count from 1"),
        ("http://h/studies/1/series/2/instances/3/frames/2,1", "ascend"),
        ("http://h/studies/1/series/2/instances/3/frames/1,1", "ascend"),
        ("http://h/studies/1/series/2/instances/3/frames/one", "no list of numbers"),
        ("http://h/wado?requestType=WADO&studyUID=1&seriesUID=2", "objectUID"),
        ("http://h/wado?requestType=WADO&studyUID=1&seriesUID=2&objectUID=3&frameNumber=1,2", "one frame"),
    ],
)
def test_what_is_no_address(url: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        parse_address(url)


@pytest.mark.parametrize("text", ["", "1,", ",1", "1.5", "-1", "1 2", "\u0661", "9" * 10])
def test_what_is_no_list_of_frames(text: str) -> None:
    with pytest.raises(OptionError):
        parse_frames(text)


def test_frames_without_an_instance() -> None:
    with pytest.raises(OptionError, match="an instance is one of a series"):
        Resource("1", "", "2")
    with pytest.raises(OptionError, match="frames are those of an instance"):
        Resource("1", "2", "", (1,))


def test_no_secret_is_shown() -> None:
    url = "https://user:geheim@h:8/studies/1?access_token=geheim&quality=9"
    assert shown(url) == "https://h:8/studies/1?access_token=...&quality=9"
    assert "geheim" not in shown("http://[geheim/studies/1?geheim=1")
