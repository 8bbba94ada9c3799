"""A server that sends too much, too little, too slowly, or something else: through real connections."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import fastdcm
from fastdcm.dicomweb import Client
from fastdcm.errors import WebError
from tests.dicomweb.archive import BOUNDARY, Archive, Handler


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


MULTIPART = f'Content-Type: multipart/related; type="application/dicom"; boundary={BOUNDARY}'
PART = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n".encode()


@pytest.fixture
def retrieve(archive: Archive) -> Callable[..., bytes]:
    """Retrieve an object from a server that answers by a hook."""
    one = archive.add("CT_small.dcm")

    def run(hook: Callable[[Handler], object], **options: Any) -> bytes:
        archive.hooks["/instances/"] = hook
        settings = {"backoff": 0, "timeout": 0.3, "tries": 2, **options}
        with Client(archive.url, **settings) as web:
            return web.retrieve(*one.uids)

    return run


def slowly(handler: Handler, first: bytes, then: bytes, seconds: float = 0.05) -> None:
    """Send something for ever, a piece at a time."""
    try:
        handler.wfile.write(first)
        while True:
            handler.wfile.write(then)
            handler.wfile.flush()
            time.sleep(seconds)
    except OSError:
        handler.close_connection = True  # the client had enough


def test_bodies_that_come_slowly(retrieve: Callable[..., bytes]) -> None:
    begin = head("Content-Length: 1000000", "Content-Type: application/dicom")
    with pytest.raises(WebError, match=r"not whole within 0\.5 seconds"):
        retrieve(lambda handler: slowly(handler, begin, b"x"), deadline=0.5)


def test_headers_that_come_slowly(retrieve: Callable[..., bytes]) -> None:
    with pytest.raises(WebError, match=r"not whole within 0\.5 seconds"):
        retrieve(lambda handler: slowly(handler, b"HTTP/1.1 200 OK\r\nX: ", b"x"), deadline=0.5)


def test_headers_without_an_end(retrieve: Callable[..., bytes]) -> None:
    with pytest.raises(WebError, match="broke off"):
        retrieve(lambda handler: slowly(handler, b"HTTP/1.1 200 OK\r\nX: ", b"x" * 100_000, 0), deadline=20)


def test_silence(archive: Archive, retrieve: Callable[..., bytes]) -> None:
    with pytest.raises(WebError, match=r"nothing came within 0\.3 seconds"):
        retrieve(lambda handler: time.sleep(1))
    assert len(archive.requests) == 2


def test_bodies_without_an_end(retrieve: Callable[..., bytes]) -> None:
    chunk = b"4000\r\n" + bytes(0x4000) + b"\r\n"
    begin = head("Transfer-Encoding: chunked", "Content-Type: application/dicom")
    with pytest.raises(WebError, match="more than the 1000000 bytes"):
        retrieve(lambda handler: slowly(handler, begin, chunk, 0), max_body=1_000_000)
    parts = head("Connection: close", MULTIPART) + PART + b"\r\n"
    with pytest.raises(WebError, match="more than the 1000000 bytes"):
        retrieve(lambda handler: slowly(handler, parts, bytes(0x4000), 0), max_body=1_000_000)


def test_parts_without_an_end(retrieve: Callable[..., bytes]) -> None:
    begin = head("Connection: close", MULTIPART)
    with pytest.raises(WebError, match="several objects came instead of one"):
        retrieve(lambda handler: slowly(handler, begin, PART + b"\r\nDICM\r\n", 0))
    with pytest.raises(WebError, match="header of part 1 has no end"):
        retrieve(lambda handler: slowly(handler, begin + PART, b"X: " + b"x" * 1000, 0))


def test_a_body_shorter_than_declared(archive: Archive, retrieve: Callable[..., bytes]) -> None:
    begin = head("Content-Length: 1000", "Content-Type: application/dicom")
    with pytest.raises(WebError, match="the connection broke off"):
        retrieve(lambda handler: handler.drop(begin + b"DICM"))
    assert len(archive.requests) == 2


def test_a_part_of_another_length(retrieve: Callable[..., bytes]) -> None:
    part = PART + b"Content-Length: %d\r\n\r\nDICM" + f"\r\n--{BOUNDARY}--".encode()
    for length, which in ((3, "more"), (5, "fewer")):
        with pytest.raises(WebError, match=f"part 1 has {which} bytes"):
            retrieve(lambda handler, n=length: handler.drop(head("Connection: close", MULTIPART) + part % n))


def test_a_body_of_parts_that_is_cut(archive: Archive, retrieve: Callable[..., bytes]) -> None:
    whole = head("Connection: close", MULTIPART) + PART + b"\r\n" + archive.objects[0].data
    with pytest.raises(WebError, match="the answer is cut: it ends in part 1"):
        retrieve(lambda handler: handler.drop(whole))
    assert len(archive.requests) == 2  # a dropped connection looks like this, so it is asked for again


def test_after_drops_it_goes_on(archive: Archive, retrieve: Callable[..., bytes]) -> None:
    drops = iter([b"", b"HTTP/1.1 200", head("Content-Length: 9")])

    def hook(handler: Handler) -> None:
        left = next(drops, None)
        if left is None:
            handler.usual()
        else:
            handler.drop(left)

    assert retrieve(hook, tries=5) == archive.objects[0].data
    assert len(archive.requests) == 4


def test_what_is_no_http(retrieve: Callable[..., bytes]) -> None:
    with pytest.raises(WebError, match="broke off"):
        retrieve(lambda handler: handler.drop(b"SSH-2.0-OpenSSH\r\n"))


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        (
            "text/html",
            b"<html><title>Log in</title>",
            r"a page for people came .*Log in.*a login may be wanted",
        ),
        ("application/dicom", b"", "not a DICOM file"),
        ("multipart/related", b"", "no boundary"),
        (f"multipart/related; boundary={BOUNDARY}", b"", "the answer is cut"),
        (f"multipart/related; boundary={BOUNDARY}", f"--{BOUNDARY}--".encode(), "nothing came"),
    ],
)
def test_something_else(archive: Archive, kind: str, body: bytes, says: str) -> None:
    one = archive.add("CT_small.dcm")
    archive.hooks["/instances/"] = lambda handler: handler.send(200, kind, body)
    with Client(archive.url, backoff=0, tries=2) as web, pytest.raises(fastdcm.FastdcmError, match=says):
        web.open(*one.uids)


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[[]]", b"[" * 100_000, b'{"a": {}}', b"\xff"])
def test_searches_that_find_nonsense(archive: Archive, body: bytes) -> None:
    archive.hooks["/studies"] = lambda handler: handler.send(200, "application/dicom+json", body)
    with Client(archive.url) as web, pytest.raises(WebError, match="JSON"):
        web.search("studies")


def test_an_endless_search(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdcm.dicomweb.searching._MOST_PAGES", 20)

    def hook(handler: Handler) -> None:
        handler.send_json([{"0020000D": {"vr": "UI", "Value": [f"1.{handler.query['offset']}"]}}])

    archive.hooks["/studies"] = hook
    with Client(archive.url) as web, pytest.raises(WebError, match="no end after 20 pages"):
        web.search("studies")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("image/jpeg", b"\xff\xd8\xff\xe0 cut"),
        ("image/jpeg", b"\x89PNG"),
        ("image/jpeg", b""),
        ("image/png", b"\x89PNG\r\n\x1a\n cut"),
        ("image/gif", b"GIF89a"),
    ],
)
def test_pictures_that_are_none(archive: Archive, kind: str, body: bytes) -> None:
    one = archive.add("CT_small.dcm")
    archive.hooks["rendered"] = lambda handler: handler.send(200, kind, body)
    with Client(archive.url, backoff=0) as web, pytest.raises(WebError, match="is none, or cut"):
        web.rendered(*one.uids, format=kind.removeprefix("image/"))


def test_another_picture_than_was_asked_for(archive: Archive) -> None:
    one = archive.add("CT_small.dcm")
    archive.hooks["rendered"] = lambda handler: handler.send(200, "image/png", one.rendered(1, "png", {}))
    with Client(archive.url) as web:
        picture = web.rendered(*one.uids)
        assert (picture.way, picture.data) == ("instance", one.rendered(1, "jpeg", {}))
        assert "image/png came instead of image/jpeg" in picture.why
        assert web.rendered(*one.uids, accept="image/*").media_type == "image/png"
        assert web.rendered(*one.uids, accept="image/jp2;q=0.5, image/png").media_type == "image/png"


def test_several_pictures_where_one_was_asked_for(archive: Archive) -> None:
    one = archive.add("rtdose.dcm")
    frames = [one.rendered(frame, "png", {}) for frame in (1, 2, 3)]
    archive.hooks["rendered"] = lambda handler: handler.send_parts("image/png", frames)
    with Client(archive.url) as web:
        picture = web.rendered(*one.uids, format="png")
    assert (picture.data, picture.way) == (frames[0], "rendered")
    assert picture.warnings == ("the server gave 3 images, of which this is the first",)


@pytest.mark.parametrize(
    "range_", ["", "bytes 5-9/1000", "bytes 0-9/*", "bytes x", "bytes 0-99999999999999999999/5"]
)
def test_ranges_of_nothing(archive: Archive, range_: str) -> None:
    one = archive.add("CT_small.dcm")

    def hook(handler: Handler) -> None:
        if "Range" in handler.headers:
            handler.send(206, "application/dicom", bytes(10), **({"Content-Range": range_} if range_ else {}))
        else:
            handler.usual()

    archive.hooks["/instances/"] = hook
    with Client(archive.url, backoff=0, tries=2) as web:
        if range_ == "bytes 5-9/1000":
            with pytest.raises(WebError, match="not what was asked for"):
                web.open(*one.uids)
            return
        with web.open(*one.uids) as image:
            assert image.header.rows == 128


def test_frames_of_another_size_are_not_taken(archive: Archive) -> None:
    one = archive.add("rtdose.dcm")
    archive.hooks[r"/frames/\d+$"] = lambda handler: handler.send_parts("application/octet-stream", [b"12"])
    with Client(archive.url) as web:
        image, indexes = web.open_frames(*one.uids, [2])
        assert (len(image), indexes) == (15, (1,))


def test_a_storm_of_429(archive: Archive) -> None:
    one = archive.add("CT_small.dcm")
    turned_away = iter(range(12))

    def hook(handler: Handler) -> None:
        if next(turned_away, None) is None:
            handler.usual()
        else:
            handler.send(429, **{"Retry-After": "0"})

    archive.hooks["/instances/"] = hook
    with Client(archive.url, backoff=0.001, tries=20) as web:
        assert web.retrieve(*one.uids) == one.data
    assert len(archive.requests) == 13
