"""What rendered resources show: the same as `fastdcm` gives for the file; and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

import fastdcm
from tests.serve.conftest import CT, FRAMES, MULTI, SLICES, STUDY, URL, Served, models

_CT = f"{URL.ct}/rendered"


def _pixels(response: httpx.Response) -> NDArray[Any]:
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(BytesIO(response.content)))


def _parts(response: httpx.Response) -> list[tuple[str, str, bytes]]:
    """Type, place and body of each part."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + response.content)
    assert message.is_multipart()
    assert not message.defects
    return [
        (part.get_content_type(), part["Content-Location"], part.get_payload(decode=True))
        for part in message.get_payload()
    ]


@pytest.fixture(scope="module")
def ct(served: Served) -> Path:
    return served.folder / "ct" / "deep" / "1.dcm"


@pytest.mark.parametrize("format", ["jpeg", "png", "gif", "jp2"])
def test_it_is_the_file_that_convert_writes(
    client: httpx.Client, ct: Path, tmp_path: Path, format: str
) -> None:
    response = client.get(_CT, headers={"Accept": f"image/{format}"})
    if format == "gif":
        with fastdcm.open(ct) as image:
            assert response.content == image.encode(0, "gif")
        return
    fastdcm.convert(ct, tmp_path / "out", format=format)
    (written,) = (tmp_path / "out").iterdir() if (tmp_path / "out").is_dir() else [tmp_path / "out"]
    assert response.content == written.read_bytes()


def test_every_object_of_the_folder(served: Served, client: httpx.Client) -> None:
    """Each instance as PNG is the display values of its file; what has none is refused."""
    compared = 0
    by_uid = {}
    for path in served.folder.rglob("*.dcm"):
        try:
            with fastdcm.open(path) as image:
                by_uid[image.header.sop_instance_uid] = image.render()
        except fastdcm.NoPixelDataError:
            continue
    for found in models(client.get("/instances")):
        study, series, instance = (found[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
        place = f"/studies/{study}/series/{series}/instances/{instance}/rendered"
        response = client.get(place, headers={"Accept": "image/png"})
        if instance not in by_uid:
            assert response.status_code == 406
            continue
        # Decoders of lossy JPEG 2000 round in their own ways.
        np.testing.assert_allclose(_pixels(response).astype(int), by_uid[instance].astype(int), atol=1)
        compared += 1
    assert compared >= 9


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("window=310,95.5,linear", {"window": (310, 95.5)}),
        ("window=310,95.5,linear-exact", {"window": (310, 95.5, "LINEAR_EXACT")}),
        ("window=310,95.5,sigmoid", {"window": (310, 95.5, "SIGMOID")}),
        ("viewport=16,16", {"size": (16, 16), "enlarge": True}),
        ("viewport=100,100", {"size": (100, 100), "enlarge": True}),
        ("viewport=30,30,2,3,10,20", {"size": (30, 30), "enlarge": True, "crop": (2, 3, 10, 20)}),
        ("viewport=30,30,,3", {"size": (30, 30), "enlarge": True, "crop": (0, 3, 32, 21)}),
        ("viewport=32,24,,,-32", {"flip": "h"}),
        ("viewport=32,24,,,,-24", {"flip": "v"}),
        ("viewport=32,24,,,-32,-24", {"rotate": 180}),
        (
            "viewport=10,20,2,3,-10,20&window=250,100,linear",
            {"crop": (2, 3, 10, 20), "flip": "h", "window": (250, 100)},
        ),
    ],
)
def test_parameters_are_options(client: httpx.Client, ct: Path, query: str, options: dict[str, Any]) -> None:
    shown = _pixels(client.get(f"{_CT}?{query}", headers={"Accept": "image/png"}))
    np.testing.assert_array_equal(shown, fastdcm.render(ct, **options))
    assert shown.std() > 1  # not all black, which would be equal, too


def test_a_window_on_colours(served: Served, client: httpx.Client) -> None:
    """On each channel, as `fastdcm` has it; palettes have no gray values, and so no window."""
    accept = {"Accept": "image/png"}
    shown = _pixels(client.get(f"{URL.colour}/rendered?window=100,50,linear", headers=accept))
    np.testing.assert_array_equal(shown, fastdcm.render(served.folder / "colour.dcm", window=(100, 50)))
    with fastdcm.open(served.folder / "examples_palette.dcm") as image:
        header, palette = image.header, image.render()
    uids = header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid
    place = "/studies/{}/series/{}/instances/{}/rendered".format(*uids)
    response = client.get(f"{place}?window=100,50,linear", headers=accept)
    np.testing.assert_array_equal(_pixels(response), palette)
    assert "PALETTE COLOR" in response.headers["warning"]


def test_quality_is_that_of_the_encoder(client: httpx.Client, ct: Path) -> None:
    sizes = []
    for quality in (5, 50, 95):
        response = client.get(f"{_CT}?quality={quality}")
        with fastdcm.open(ct) as image:
            assert response.content == image.encode(0, "jpeg", quality=quality)
        sizes.append(len(response.content))
    assert sizes == sorted(set(sizes))


def test_frames_are_their_own(served: Served, client: httpx.Client) -> None:
    with fastdcm.open(served.folder / "multi.dcm") as image:
        for number in range(1, FRAMES + 1):
            shown = _pixels(
                client.get(f"{URL.multi}/frames/{number}/rendered", headers={"Accept": "image/png"})
            )
            np.testing.assert_array_equal(shown, image.render(number - 1))
        first = _pixels(client.get(f"{URL.multi}/rendered", headers={"Accept": "image/png"}))
        np.testing.assert_array_equal(first, image.render(0))


def test_several_frames_are_parts(served: Served, client: httpx.Client) -> None:
    parts = _parts(client.get(f"{URL.multi}/frames/2,4/rendered", headers={"Accept": "image/png"}))
    assert [kind for kind, _, _ in parts] == ["image/png"] * 2
    assert [place.partition("/frames/")[2] for _, place, _ in parts] == ["2/rendered", "4/rendered"]
    with fastdcm.open(served.folder / "multi.dcm") as image:
        for (_, _, body), index in zip(parts, (1, 3), strict=True):
            np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(body))), image.render(index))


def test_a_series_is_its_instances_in_order(client: httpx.Client) -> None:
    parts = _parts(client.get(f"{URL.ct_series}/rendered"))
    assert [place.split("/")[-4] for _, place, _ in parts] == list(SLICES)
    for (_, place, body), uid in zip(parts, SLICES, strict=True):
        assert place.endswith(f"/studies/{STUDY}/series/{CT}/instances/{uid}/frames/1/rendered")
        assert body == client.get(f"{URL.ct_series}/instances/{uid}/rendered").content


def test_a_study_leaves_out_what_has_no_pixels(client: httpx.Client) -> None:
    parts = _parts(client.get(f"{URL.study}/rendered"))
    places = [place.split("/instances/")[1].split("/")[0] for _, place, _ in parts]
    assert places == [*SLICES, f"{MULTI}.1", f"{STUDY}.3.1"]


def test_one_image_in_parts_where_that_was_asked(client: httpx.Client) -> None:
    response = client.get(_CT, headers={"Accept": 'multipart/related; type="image/png"'})
    ((kind, _, body),) = _parts(response)
    assert kind == "image/png"
    assert body == client.get(_CT, headers={"Accept": "image/png"}).content


def _profile_of(data: bytes) -> str | None:
    profile = Image.open(BytesIO(data)).info.get("icc_profile")
    return None if profile is None else ImageCms.getProfileName(BytesIO(profile)).strip()


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_iccprofile(client: httpx.Client, media_type: str) -> None:
    def of(query: str, place: str = URL.colour) -> bytes:
        response = client.get(f"{place}/rendered?{query}", headers={"Accept": media_type})
        assert response.status_code == 200
        return response.content

    assert _profile_of(of("")) is None  # the object has none
    assert _profile_of(of("iccprofile=no")) is None
    for embedded in (of("iccprofile=yes"), of("iccprofile=srgb")):
        assert "sRGB" in (_profile_of(embedded) or "")
        same = np.asarray(Image.open(BytesIO(embedded))), np.asarray(Image.open(BytesIO(of(""))))
        np.testing.assert_array_equal(*same)
    assert _profile_of(of("iccprofile=yes", URL.ct)) is None  # gray has no colours


@pytest.mark.parametrize("space", ["adobergb", "rommrgb"])
def test_other_colour_spaces_look_the_same(client: httpx.Client, space: str) -> None:
    """Other numbers, and a profile by which littlecms, told by Pillow, makes the same colours of them."""
    accept = {"Accept": "image/png"}
    plain = Image.open(BytesIO(client.get(f"{URL.colour}/rendered", headers=accept).content))
    other = client.get(f"{URL.colour}/rendered?iccprofile={space}", headers=accept)
    picture = Image.open(BytesIO(other.content))
    assert np.abs(np.asarray(picture).astype(int) - np.asarray(plain)).max() > 5
    profile = ImageCms.ImageCmsProfile(BytesIO(picture.info["icc_profile"]))
    back = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"))
    assert back is not None
    difference = np.abs(np.asarray(back).astype(int) - np.asarray(plain))
    # Adobe RGB and ROMM hold all of sRGB; eight bits round dark colours.
    assert difference.mean() < 0.5
    assert difference.max() <= 3


def test_thumbnails_are_small_and_of_the_middle(client: httpx.Client) -> None:
    shown = _pixels(client.get(f"{URL.ct_series}/thumbnail", headers={"Accept": "image/png"}))
    middle = f"{URL.ct_series}/instances/{SLICES[1]}/rendered"
    np.testing.assert_array_equal(shown, _pixels(client.get(middle, headers={"Accept": "image/png"})))
    large = models(client.get("/instances?Rows=1024&limit=1"))
    study, series, instance = (large[0][tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    place = f"/studies/{study}/series/{series}/instances/{instance}"
    assert _pixels(client.get(f"{place}/thumbnail")).shape == (128, 32)


# What is kept


def test_a_picture_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get(_CT)
    tag = first.headers["etag"]
    assert first.headers["cache-control"].startswith("private")
    assert "Accept" in first.headers["vary"]
    again = client.get(_CT, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(_CT, headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize(
    "other",
    [
        lambda client: client.get(_CT, headers={"Accept": "image/png"}),
        lambda client: client.get(f"{_CT}?quality=50"),
        lambda client: client.get(f"{_CT}?window=1,2,linear"),
        lambda client: client.get(f"{_CT}?viewport=8,8"),
        lambda client: client.get(f"{_CT}?iccprofile=yes"),
        lambda client: client.get(f"{URL.ct_series}/instances/{SLICES[1]}/rendered"),
    ],
)
def test_what_differs_has_another_tag(
    client: httpx.Client, other: Callable[[httpx.Client], httpx.Response]
) -> None:
    response = other(client)
    assert response.status_code == 200
    assert response.headers["etag"] != client.get(_CT).headers["etag"]


def test_head_tells_the_same_without_the_picture(client: httpx.Client) -> None:
    get, head = client.get(_CT), client.head(_CT)
    study = client.head(URL.study)
    assert (study.status_code, study.content) == (200, b"")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert head.headers[name] == get.headers[name]
