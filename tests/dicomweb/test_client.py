"""The client against a server in a thread."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

import fastdcm
from fastdcm.dicomweb import AsyncClient, Client
from fastdcm.errors import NoPixelDataError, OptionError, WebError
from fastdcm.web.dicom_json_read import text_of
from tests.dicomweb.archive import Archive


def client(archive: Archive, **options: object) -> Client:
    return Client(archive.url, backoff=0, timeout=20, **options)


def test_search_goes_through_all_pages(archive: Archive) -> None:
    names = ["CT_small.dcm", "MR_small.dcm", "rtdose.dcm", "rtplan.dcm", "reportsi.dcm"]
    objects = [archive.add(name, series=f"1.2.{number}") for number, name in enumerate(names)]
    archive.page = 2
    with client(archive) as web:
        assert [text_of(one, "0020000E") for one in web.search("series", study="1.2.3")] == [
            one.uids[1] for one in objects
        ]
        assert len(web.search("instances", limit=1)) == 1
        assert len(web.search("studies")) == 1
        assert web.search("series", study="9.9") == []
        archive.pages = False
        assert len(web.search("instances")) == 2  # all that a server gives that knows no pages
    offsets = [asked.query["offset"] for asked in archive.requests if "offset" in asked.query]
    assert offsets[:4] == ["0", "2", "4", "5"]


def test_a_search_that_gives_the_same_again_ends(archive: Archive) -> None:
    archive.add("CT_small.dcm")
    archive.hooks["/instances"] = lambda handler: (handler.query.pop("offset", 0), handler.usual())
    with client(archive) as web:
        assert len(web.search("instances")) == 1
    assert len(archive.paths()) == 2


def test_search_refuses_what_is_no_attribute(archive: Archive) -> None:
    with client(archive) as web:
        with pytest.raises(OptionError, match="no keyword"):
            web.search("studies", **{"Patient Name&x": "1"})
        with pytest.raises(OptionError, match="give its UID"):
            web.search("instances", series="1")
        with pytest.raises(OptionError, match="no UID"):
            web.search("series", study="1/../2")


def test_metadata_retrieve_and_frames(archive: Archive) -> None:
    one, other = archive.add("rtdose.dcm"), archive.add("MR_small_RLE.dcm", series="1.9")
    with client(archive) as web:
        (attributes,) = web.metadata(*one.uids)
        assert text_of(attributes, "00080018") == one.uids[2]
        assert web.retrieve(*one.uids) == one.data
        assert list(web.retrieve_all("1.2.3")) == [one.data, other.data]
        for _ in web.retrieve_all("1.2.3"):
            break
        parts = web.frames(*one.uids, "2,15")
        assert [part.data for part in parts] == [one.frames()[1], one.frames()[14]]
        assert parts[0].media_type.parameters == {"transfer-syntax": "1.2.840.10008.1.2"}
        (part,) = web.frames(*other.uids, 1)
        assert part.media_type.parameters["transfer-syntax"] == "1.2.840.10008.1.2.5"


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("ranges", [True, False])
def test_an_instance_is_used_like_a_file(archive: Archive, single: bool, ranges: bool) -> None:
    archive.gives_single, archive.gives_ranges = single, ranges
    one = archive.add("rtdose.dcm")
    with client(archive) as web, web.open(*one.uids) as image, fastdcm.open(one.data) as whole:
        assert len(image) == 15
        assert image.header == whole.header
        assert image.path == archive.url + one.path
        for index in (14, 0):
            np.testing.assert_array_equal(image.render(index), whole.render(index))
        assert image.dataset().PixelData == whole.dataset().PixelData


def test_a_server_that_gives_multipart_alone_is_asked_for_no_ranges_again(archive: Archive) -> None:
    archive.gives_single = False
    one = archive.add("CT_small.dcm")
    with client(archive) as web:
        for _ in range(3):
            web.open(*one.uids).close()
    assert ["range" in asked.headers for asked in archive.requests] == [True, False, False, False]


def test_of_large_instances_ranges_are_read(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdcm.dicomweb.remote._FIRST", 2000)
    monkeypatch.setattr("fastdcm.dicomweb.remote._LEAST", 512)
    one = archive.add("rtdose.dcm", times=50)
    with client(archive) as web, fastdcm.open(one.data) as whole:
        with web.open(*one.uids) as image:
            np.testing.assert_array_equal(image.pixels(7), whole.pixels(7))
            assert image.bytes_read < len(one.data) / 2
        ranges = [asked.headers["range"] for asked in archive.requests]
        assert ranges[0] == "bytes=0-1999"
        assert all(asked.headers.get("if-match") == '"1"' for asked in archive.requests[1:])
        assert len(ranges) == len(set(ranges))
    with pytest.raises(fastdcm.SourceError, match="closed"):
        image.pixels(3)


def test_an_instance_that_changes_is_an_error(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdcm.dicomweb.remote._FIRST", 2000)
    one = archive.add("rtdose.dcm", times=50)
    with client(archive) as web:
        image = web.open(*one.uids)
        one.data += b"\0\0"
        with pytest.raises(fastdcm.SourceError, match="it changed on the server"):
            image.pixels(7)
        one.data = one.data[:-2]
        image.pixels(7)
        archive.hooks["instances"] = lambda handler: handler.send(412)
        with pytest.raises(fastdcm.SourceError, match="it changed on the server"):
            image.pixels(3)


@pytest.mark.parametrize(
    "name", ["rtdose.dcm", "rtdose_rle.dcm", "SC_rgb_rle_2frame.dcm", "liver_expb_1frame.dcm"]
)
def test_frames_alone_come_where_frames_are_wanted(archive: Archive, name: str) -> None:
    one = archive.add(name)
    wanted = [frame for frame in (2, 9) if frame <= len(one.frames())] or [1]
    with client(archive) as web, fastdcm.open(one.data) as whole:
        image, indexes = web.open_frames(*one.uids, wanted)
        for frame, index in zip(wanted, indexes, strict=True):
            np.testing.assert_array_equal(image.render(index), whole.render(frame - 1))
        assert image.header.sop_instance_uid == one.uids[2]
    single_bits = whole.header.bits_allocated == 1
    assert len(image) == (len(whole) if single_bits else len(wanted))
    assert bool(archive.paths("/frames/")) is not single_bits


def test_values_elsewhere_are_fetched_for_rendering(archive: Archive) -> None:
    one = archive.add("examples_palette.dcm")
    with client(archive) as web, fastdcm.open(one.data) as whole:
        image, (index,) = web.open_frames(*one.uids, [1])
        assert len(archive.paths("/bulk/")) >= 3
        np.testing.assert_array_equal(image.render(index), whole.render())
    assert not archive.paths("7fe0")


def test_metadata_that_lost_values_is_not_taken(archive: Archive) -> None:
    one = archive.add("rtdose.dcm")
    one.metadata["00281050"] = {"vr": "DS", "Value": []}
    with client(archive) as web:
        image, _ = web.open_frames(*one.uids, [2])
    assert len(image) == 15


@pytest.mark.parametrize("lacks", ["gives_frames", "gives_metadata"])
def test_without_frames_all_comes(archive: Archive, lacks: str) -> None:
    setattr(archive, lacks, False)
    archive.gives_single = False
    one = archive.add("rtdose.dcm")
    if lacks == "gives_metadata":
        archive.hooks["/metadata"] = lambda handler: handler.send(406)
    else:
        archive.hooks["/frames/"] = lambda handler: handler.send(406)
    with client(archive) as web, fastdcm.open(one.data) as whole:
        image, indexes = web.open_frames(*one.uids, [3, 5])
        assert (len(image), indexes) == (15, (2, 4))
        np.testing.assert_array_equal(image.render(2), whole.render(2))


def test_rendered_by_the_server(archive: Archive) -> None:
    one = archive.add("rtdose.dcm")
    with client(archive) as web:
        picture = web.rendered(*one.uids, 3, format="png", window=(1, 2), viewport="10,20", quality=7)
        assert picture.data == one.rendered(3, "png", {"window": "1,2"})
        assert (picture.media_type, picture.way, picture.why) == ("image/png", "rendered", "")
    asked = archive.requests[-1]
    assert asked.path == f"{one.path}/frames/3/rendered"
    assert asked.query == {"window": "1,2,linear", "viewport": "10,20", "quality": "7"}
    assert asked.headers["accept"] == "image/png"


@pytest.mark.parametrize("local", [True, False])
def test_what_is_not_rendered_there_is_rendered_here(archive: Archive, local: bool) -> None:
    archive.renders = local
    one = archive.add("rtdose.dcm")
    with client(archive) as web, fastdcm.open(one.data) as whole:
        first = web.rendered(*one.uids, format="png", local=local, window=(1e6, 5e5), viewport="5,5")
        third = web.rendered(*one.uids, 3, local=local)
        assert first.data == whole.encode(0, "png", window=(1e6, 5e5), size=(5, 5), enlarge=True)
        assert third.data == whole.encode(2, "jpeg")
    assert (first.way, third.way) == ("instance", "frames")
    assert ("HTTP 404" in first.why) is not local
    assert bool(archive.paths("rendered")) is not local


def test_a_server_that_never_renders_is_asked_once(archive: Archive) -> None:
    archive.renders = False
    one = archive.add("rtdose.dcm")
    with client(archive) as web:
        for frame in (1, 2, 3):
            web.rendered(*one.uids, frame)
    assert len(archive.paths("rendered")) == 1


def test_what_servers_do_not_render_is_not_asked_for(archive: Archive) -> None:
    one = archive.add("CT_small.dcm")
    with client(archive) as web, fastdcm.open(one.data) as whole:
        assert web.rendered(*one.uids, format="bmp").data == whole.encode(0, "bmp")
        assert not archive.paths("rendered")
        assert web.rendered(*one.uids, format="jp2").data == whole.encode(0, "jp2")
        assert len(archive.paths("rendered")) == 1
        with pytest.raises(OptionError, match="MP4"):
            web.rendered(*one.uids, format="mp4")
        with pytest.raises(OptionError, match="unknown option 'size'"):
            web.rendered(*one.uids, size=5)


def test_what_only_servers_do(archive: Archive) -> None:
    one = archive.add("CT_small.dcm")
    archive.renders = False
    with client(archive) as web:
        for asked in ({"annotation": "patient"}, {"iccprofile": "adobergb"}, {"accept": "application/pdf"}):
            with pytest.raises(fastdcm.UnsupportedError, match="only by servers"):
                web.rendered(*one.uids, **asked)


def test_objects_without_pixels(archive: Archive) -> None:
    one = archive.add("reportsi.dcm")
    archive.hooks["rendered"] = lambda handler: handler.send(406, "text/plain", b"no pixels")
    with client(archive) as web, pytest.raises(NoPixelDataError) as raised:
        web.rendered(*one.uids)
    assert "no pixels" in str(raised.value.__notes__)


def test_what_is_not_there(archive: Archive) -> None:
    with client(archive) as web:
        for call in (web.retrieve, web.metadata, web.open, web.rendered):
            with pytest.raises(WebError, match=r"no such thing on the server \(HTTP 404\)") as raised:
                call("1", "2", "3")
            assert raised.value.status == 404
            assert raised.value.path is not None
            assert raised.value.path.startswith(archive.url)


def test_an_event_loop_of_ones_own(archive: Archive) -> None:
    one = archive.add("rtdose.dcm")

    async def run() -> None:
        async with AsyncClient(archive.url) as web:
            pictures = await asyncio.gather(*(web.rendered(*one.uids, frame) for frame in range(1, 9)))
            assert len({picture.data for picture in pictures}) == 8
            image = await web.open(*one.uids)
            with fastdcm.open(one.data) as whole:
                # In the event loop's own thread, too.
                np.testing.assert_array_equal(image.render(4), whole.render(4))
            assert [data async for data in web.retrieve_all("1.2.3")] == [one.data]

    asyncio.run(run())


def test_ranges_are_read_within_an_event_loop(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdcm.dicomweb.remote._FIRST", 2000)
    one = archive.add("rtdose.dcm", times=50)

    async def run() -> None:
        async with AsyncClient(archive.url) as web:
            image = await web.open(*one.uids)
            with fastdcm.open(one.data) as whole:
                np.testing.assert_array_equal(image.render(4), whole.render(4))

    asyncio.run(run())
    assert len(archive.requests) > 1


def test_unknown_options() -> None:
    pytest.importorskip("httpx")
    with pytest.raises(OptionError, match="unknown option 'timeot'"):
        Client("http://localhost/", timeot=5)
    with pytest.raises(OptionError, match="timeout must be"):
        Client("http://localhost/", timeout=-1)
    with pytest.raises(OptionError, match="no address"):
        Client("localhost/dicom-web")


def test_an_unclosed_client_keeps_no_program(archive: Archive, tmp_path: Path) -> None:
    import subprocess
    import sys

    one = archive.add("CT_small.dcm")
    code = f"""from fastdcm.dicomweb import Client
c = Client({archive.url!r})
print(len(c.retrieve(*{one.uids!r})))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == str(len(one.data))
